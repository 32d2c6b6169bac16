
/*
 * libFuzzer on forms of the type multipart/form-data.  A form that comes in
 * pieces is the same as one that is fed whole; what is told of its parts is in
 * the body, and a slow search finds the same ends of their contents.
 *
 * The input: a seed, a content type, ended by a line feed, and the body.
 */


#include "text/ngx_http_task_multipart.h"

#include <stdlib.h>
#include <string.h>


typedef struct {
    const unsigned char  *body;
    size_t                len;
    const unsigned char  *boundary;
    size_t                boundary_len;

    unsigned              seed;
    unsigned              want;           /* of this part */
    unsigned              parts;
    uint64_t              given;
    uint64_t              behind;         /* the content before it */
    unsigned char        *content;        /* a copy of it, if wanted */
    unsigned char        *told;
    size_t                told_len;
} form_t;


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


static void
must(int truth)
{
    if (!truth) {
        abort();
    }
}


static unsigned char *
copy(const unsigned char *p, size_t len)
{
    unsigned char  *text;

    text = malloc(len ? len : 1);
    must(text != NULL);

    if (len) {
        memcpy(text, p, len);
    }

    return text;
}


static void
tell(form_t *form, const void *p, size_t len)
{
    memcpy(form->told + form->told_len, &len, sizeof(len));
    form->told_len += sizeof(len);

    if (len) {
        memcpy(form->told + form->told_len, p, len);
        form->told_len += len;
    }
}


static void
text(form_t *form, const ngx_http_task_span_t *span)
{
    must(ngx_http_task_utf8_valid(span->data, span->len) == span->len);
    must(span->len == 0 || memchr(span->data, '\0', span->len) == NULL);

    tell(form, span->data, span->len);
}


static int
head(void *data, const ngx_http_task_multipart_part_t *part)
{
    form_t  *form;

    form = data;

    must(part->name.data != NULL);
    must(part->has_filename == (part->filename.data != NULL));

    text(form, &part->name);
    text(form, &part->filename);
    text(form, &part->type);
    tell(form, "file", part->has_filename);

    form->want = (form->seed >> 4) + form->parts++;
    form->want &= 1;
    form->given = 0;

    return form->want ? NGX_HTTP_TASK_MULTIPART_WANT
                      : NGX_HTTP_TASK_MULTIPART_GO;
}


static int
bytes(void *data, const unsigned char *p, size_t len)
{
    form_t  *form;

    form = data;

    must(form->want && len > 0 && form->given + len <= form->len);

    memcpy(form->content + form->given, p, len);
    form->given += len;

    return NGX_HTTP_TASK_MULTIPART_GO;
}


/* returns 1 if a delimiter begins at p */

static int
delimiter(const form_t *form, const unsigned char *p)
{
    int                   closing;
    const unsigned char  *end;

    end = form->body + form->len;

    if ((size_t) (end - p) < 4 + form->boundary_len
        || memcmp(p, "\r\n--", 4) != 0
        || memcmp(p + 4, form->boundary, form->boundary_len) != 0)
    {
        return 0;
    }

    p += 4 + form->boundary_len;
    closing = (end - p >= 2 && p[0] == '-' && p[1] == '-');

    for (p += closing ? 2 : 0; p < end && (*p == ' ' || *p == '\t'); p++) {
        /* void */
    }

    return (p == end) ? closing
                      : (end - p >= 2 && p[0] == '\r' && p[1] == '\n');
}


static int
end(void *data, uint64_t offset, uint64_t size)
{
    form_t               *form;
    const unsigned char  *p, *last;

    form = data;

    must(offset >= form->behind + 2);
    must(offset <= form->len && size <= form->len - offset);

    last = form->body + offset + size;

    must(memcmp(form->body + offset - 4, "\r\n\r\n", 4) == 0);
    must(delimiter(form, last) || (size == 0 && delimiter(form, last - 2)));

    for (p = last - size - (size ? 2 : 0); p < last; p++) {
        must(!delimiter(form, p));
    }

    if (form->want) {
        must(form->given == size);
        must(memcmp(form->content, form->body + offset, size) == 0);
    }

    form->behind = offset + size;

    tell(form, &offset, sizeof(offset));
    tell(form, &size, sizeof(size));

    return NGX_HTTP_TASK_MULTIPART_GO;
}


static const ngx_http_task_multipart_handlers_t  handlers = {
    head, bytes, end
};


/* most is at most how long a piece is; 0: there is only one */

static void
feed(form_t *form, size_t most)
{
    int                                more;
    size_t                             n, len;
    unsigned                           random;
    unsigned char                     *piece;
    ngx_http_task_multipart_limits_t   limits;

    static ngx_http_task_multipart_t   s;

    limits.max_parts = (form->seed & 1) ? 1000 : 3;
    limits.max_head = (form->seed & 2) ? SIZE_MAX : 100;

    form->parts = 0;
    form->behind = 0;
    form->told_len = 0;
    form->told = malloc(64 * form->len + 4096);
    form->content = copy(form->body, form->len);
    must(form->told != NULL);

    ngx_http_task_multipart_begin(&s, form->boundary, form->boundary_len,
                                  &limits, &handlers, form);
    random = form->seed;
    more = 1;

    for (n = 0; n < form->len; n += len) {
        len = form->len - n;

        if (most) {
            random = random * 1103515245 + 12345;
            len = (random >> 16) % most + 1;
            len = (len < form->len - n) ? len : form->len - n;
        }

        piece = copy(form->body + n, len);
        must(!ngx_http_task_multipart_feed(&s, piece, len) || more);
        free(piece);

        more = more && s.state < 3;
    }

    must(ngx_http_task_multipart_end(&s) == (s.error == NULL));
    must(s.position <= form->len && s.parts <= limits.max_parts);

    tell(form, s.error, s.error ? strlen(s.error) : 0);
    tell(form, &s.position, sizeof(s.position));

    free(form->content);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    size_t                n, len, most;
    form_t                form;
    unsigned char        *type, *body, *told, boundary[70];
    const unsigned char  *p;

    if (size == 0) {
        return 0;
    }

    memset(&form, 0, sizeof(form));

    form.seed = *data++;
    size--;

    p = memchr(data, '\n', size);
    n = p ? (size_t) (p - data) : size;

    type = copy(data, n);
    form.boundary_len = ngx_http_task_multipart_boundary(type, n, boundary,
                                                         sizeof(boundary));
    free(type);

    must(form.boundary_len <= n && form.boundary_len <= sizeof(boundary));

    form.boundary = boundary;

    if (form.boundary_len == 0) {
        boundary[0] = 'b';
        form.boundary_len = 1;
    }

    n += (n < size);

    body = copy(data + n, size - n);
    form.body = body;
    form.len = size - n;

    feed(&form, 0);
    told = form.told;
    len = form.told_len;

    for (most = 1; most <= 16; most *= 4) {
        feed(&form, most);
        must(form.told_len == len && memcmp(form.told, told, len) == 0);
        free(form.told);
    }

    free(told);
    free(body);

    return 0;
}
