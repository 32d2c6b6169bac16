
/*
 * A form, fed to the parser in pieces, and what is told of it: for each part
 * "name<filename>(type)=content;", where the filename and the type are there
 * only if the part has one.  If the content is not wanted, it is that of the
 * body at the offset which is told.
 */


#ifndef _FORM_H_INCLUDED_
#define _FORM_H_INCLUDED_


#include "text/ngx_http_task_multipart.h"

#include "check.h"


typedef struct {
    const unsigned char              *body;
    size_t                            len;
    const char                       *boundary;
    ngx_http_task_multipart_limits_t  limits;
    size_t                            piece;
    unsigned                          want;
    unsigned                          stop;     /* at so many calls, 0: never */

    unsigned                          calls;
    unsigned                          parts;    /* that have ended */
    uint64_t                          given;    /* bytes of this part */
    unsigned                          wrong;
    char                             *told;
    size_t                            told_len;

    ngx_http_task_multipart_t         multipart;
} form_t;


static inline void
form_tell(form_t *form, const void *text, size_t len)
{
    if (len) {
        memcpy(form->told + form->told_len, text, len);
        form->told_len += len;
    }
}


static inline void
form_span(form_t *form, const char *before, const ngx_http_task_span_t *span,
    const char *behind)
{
    form_tell(form, before, strlen(before));
    form_tell(form, span->data, span->len);
    form_tell(form, behind, strlen(behind));
}


static inline int
form_head(void *data, const ngx_http_task_multipart_part_t *part)
{
    form_t  *form;

    form = data;
    form->given = 0;

    form_span(form, "", &part->name, "");

    if (part->has_filename) {
        form_span(form, "<", &part->filename, ">");
    }

    if (part->type.data) {
        form_span(form, "(", &part->type, ")");
    }

    form_tell(form, "=", 1);

    if (++form->calls == form->stop) {
        return NGX_HTTP_TASK_MULTIPART_STOP;
    }

    return form->want ? NGX_HTTP_TASK_MULTIPART_WANT
                      : NGX_HTTP_TASK_MULTIPART_GO;
}


static inline int
form_bytes(void *data, const unsigned char *p, size_t len)
{
    form_t  *form;

    form = data;
    form->given += len;
    form->wrong |= (!form->want || len == 0);

    form_tell(form, p, len);

    return ++form->calls != form->stop;
}


static inline int
form_end(void *data, uint64_t offset, uint64_t size)
{
    form_t  *form;

    form = data;

    if (offset > form->len || size > form->len - offset) {
        form->wrong = 1;
        return NGX_HTTP_TASK_MULTIPART_STOP;
    }

    if (!form->want) {
        form_tell(form, form->body + offset, size);

    } else if (form->given != size
               || memcmp(form->told + form->told_len - size,
                         form->body + offset, size) != 0)
    {
        form->wrong = 1;
    }

    form->parts++;
    form_tell(form, ";", 1);

    return ++form->calls != form->stop;
}


static const ngx_http_task_multipart_handlers_t  form_handlers = {
    form_head, form_bytes, form_end
};


/* feeds it all; each piece is gone when the next one comes */

static inline int
form_read(form_t *form)
{
    int             more;
    size_t          n, len;
    unsigned char  *piece;

    form->calls = 0;
    form->parts = 0;
    form->wrong = 0;
    form->told_len = 0;
    form->told = (char *) check_copy("", 0);
    form->told = realloc(form->told, 4 * form->len + 64);

    ngx_http_task_multipart_begin(&form->multipart,
                               (const unsigned char *) form->boundary,
                               strlen(form->boundary), &form->limits,
                               &form_handlers, form);
    more = 1;

    for (n = 0; n < form->len; n += len) {
        len = form->len - n;

        if (form->piece && len > form->piece) {
            len = form->piece;
        }

        /* what has ended takes no notice of the rest */

        if (more || n % 5 == 0) {
            piece = check_copy(form->body + n, len);

            more = ngx_http_task_multipart_feed(&form->multipart, piece, len)
                   && (more || (form->wrong = 1));
            free(piece);
        }
    }

    return ngx_http_task_multipart_end(&form->multipart)
           == (form->multipart.error == NULL)
           && ngx_http_task_multipart_end(&form->multipart)
              == (form->multipart.error == NULL)
           && !form->wrong;
}


/* the sizes of pieces, and 0: all at once */

static const size_t  form_pieces[] = { 0, 1, 2, 3, 7, 64 };


/* that each way to feed it ends in this */

static inline void
form_check(form_t *form, const char *right, size_t right_len,
    const char *error, uint64_t position)
{
    int     same;
    size_t  i;

    for (i = 0; i < 2 * COUNT(form_pieces); i++) {
        form->piece = form_pieces[i / 2];
        form->want = i % 2;

        same = form_read(form);

        if (error == NULL) {
            same = same && form->multipart.error == NULL
                   && form->told_len == right_len
                   && memcmp(form->told, right, right_len) == 0;

        } else {
            same = same && form->multipart.error
                   && strcmp(form->multipart.error, error) == 0
                   && form->multipart.position == position;
        }

        if (!same) {
            break;
        }

        free(form->told);
    }

    if (check(same, error ? error : "form", form->body, form->len)) {
        return;
    }

    printf("# in pieces of %zu, %s: %s at %d\n# told ", form->piece,
           form->want ? "wanted" : "not wanted",
           form->multipart.error ? form->multipart.error : "no error",
           (int) form->multipart.position);
    check_print(form->told, form->told_len);

    printf("# right is %s at %d\n# told ", error ? error : "no error",
           (int) position);
    check_print(right, right_len);

    free(form->told);
}


#endif /* _FORM_H_INCLUDED_ */
