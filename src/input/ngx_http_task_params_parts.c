
/*
 * The parts of a body that is multipart/form-data.  The text of a field is
 * copied; a file is a range of the body, wherever nginx has that.
 */


#include "input/ngx_http_task_reader.h"
#include "text/ngx_http_task_multipart.h"


/* bytes of a body in a file that are looked at together */

#define NGX_HTTP_TASK_PARTS_PIECE   131072

/* bytes of a field: files have no such limit */

#define NGX_HTTP_TASK_PARTS_FIELD   1048576

/* how many parts, and bytes of the headers of each; as in Starlette, half of
   which are files, or less */

#define NGX_HTTP_TASK_PARTS         2000


typedef struct {
    ngx_http_task_input_t      *in;
    ngx_http_task_arg_t        *arg;          /* NULL: nobody asks for it */
    ngx_http_task_source_t     *src;
    ngx_task_file_t            *file;         /* NULL: it is a field */

    u_char                     *text;         /* of a field */
    size_t                      len;
    size_t                      room;

    const char                 *error;
    ngx_uint_t                  no_memory;
    ngx_http_task_multipart_t   form;
} ngx_http_task_parts_t;


static ngx_int_t ngx_http_task_parts_file(ngx_http_task_parts_t *parts);
static ngx_int_t ngx_http_task_parts_wrong(ngx_http_task_reader_t *rd,
    const char *error, uint64_t position);
static int ngx_http_task_parts_head(void *data,
    const ngx_http_task_multipart_part_t *part);
static ngx_task_file_t *ngx_http_task_parts_new(ngx_http_task_parts_t *parts,
    const ngx_http_task_multipart_part_t *part);
static const char *ngx_http_task_parts_string(ngx_http_task_input_t *in,
    const ngx_http_task_span_t *text);
static int ngx_http_task_parts_bytes(void *data, const u_char *p, size_t len);
static int ngx_http_task_parts_end(void *data, uint64_t offset, uint64_t size);


static const ngx_http_task_multipart_limits_t  ngx_http_task_parts_limits = {
    .max_parts = NGX_HTTP_TASK_PARTS,
    .max_head = NGX_HTTP_TASK_MULTIPART_HEAD
};


static const ngx_http_task_multipart_handlers_t
    ngx_http_task_parts_handlers =
{
    .head = ngx_http_task_parts_head,
    .bytes = ngx_http_task_parts_bytes,
    .end = ngx_http_task_parts_end
};


ngx_int_t
ngx_http_task_read_parts(ngx_http_task_reader_t *rd)
{
    ngx_int_t               rc;
    ngx_http_task_input_t  *in;
    ngx_http_task_parts_t  *parts;

    in = rd->in;

    if (in->boundary.len == 0) {
        rd->where = "header";
        ngx_http_task_read_enter(rd, "content-type", 0);

        return ngx_http_task_wrong(rd, "multipart_invalid",
                                   "Multipart decode error",
                                   cJSON_CreateObject(), "error",
                                   "There is no boundary, or no valid one");
    }

    parts = ngx_pcalloc(in->pool, sizeof(ngx_http_task_parts_t));
    if (parts == NULL) {
        return NGX_ERROR;
    }

    parts->in = in;

    ngx_http_task_multipart_begin(&parts->form, in->boundary.data,
                                  in->boundary.len,
                                  &ngx_http_task_parts_limits,
                                  &ngx_http_task_parts_handlers, parts);
    rc = NGX_OK;

    if (in->body.data) {
        (void) ngx_http_task_multipart_feed(&parts->form, in->body.data,
                                            in->body.len);

    } else {
        rc = ngx_http_task_parts_file(parts);
    }

    if (rc != NGX_OK || parts->no_memory) {
        rc = NGX_ERROR;

    } else if (parts->error) {
        rc = ngx_http_task_parts_wrong(rd, parts->error, parts->form.offset);

    } else if (!ngx_http_task_multipart_end(&parts->form)) {
        rc = ngx_http_task_parts_wrong(rd, parts->form.error,
                                       parts->form.position);
    }

    (void) ngx_pfree(in->pool, parts);

    return rc;
}


static ngx_int_t
ngx_http_task_parts_file(ngx_http_task_parts_t *parts)
{
    off_t                   at;
    size_t                  len;
    u_char                 *piece;
    ngx_int_t               rc;
    ngx_http_task_body_t   *body;

    body = &parts->in->body;

    piece = ngx_palloc(parts->in->pool, NGX_HTTP_TASK_PARTS_PIECE);
    if (piece == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    for (at = 0; at < (off_t) body->len; at += len) {
        len = ngx_min(body->len - at, NGX_HTTP_TASK_PARTS_PIECE);

        rc = ngx_http_task_body_pread(body->fd, piece, len, body->offset + at);

        if (rc != NGX_OK
            || !ngx_http_task_multipart_feed(&parts->form, piece, len))
        {
            break;
        }
    }

    (void) ngx_pfree(parts->in->pool, piece);

    return rc;
}


static ngx_int_t
ngx_http_task_parts_wrong(ngx_http_task_reader_t *rd, const char *error,
    uint64_t position)
{
    rd->where = "body";
    ngx_http_task_read_enter(rd, NULL, position);

    return ngx_http_task_wrong(rd, "multipart_invalid",
                               "Multipart decode error", cJSON_CreateObject(),
                               "error", error);
}


static int
ngx_http_task_parts_head(void *data, const ngx_http_task_multipart_part_t *part)
{
    ngx_http_task_parts_t *parts = data;

    parts->file = NULL;
    parts->text = NULL;
    parts->len = 0;
    parts->room = 0;

    parts->arg = ngx_http_task_read_find(parts->in, part->name.data,
                                         part->name.len, &parts->src);

    if (parts->arg == NULL) {
        return NGX_HTTP_TASK_MULTIPART_GO;
    }

    if (!part->has_filename) {
        return NGX_HTTP_TASK_MULTIPART_WANT;
    }

    parts->file = ngx_http_task_parts_new(parts, part);

    if (parts->file == NULL) {
        parts->no_memory = 1;
        return NGX_HTTP_TASK_MULTIPART_STOP;
    }

    return NGX_HTTP_TASK_MULTIPART_GO;
}


static ngx_task_file_t *
ngx_http_task_parts_new(ngx_http_task_parts_t *parts,
    const ngx_http_task_multipart_part_t *part)
{
    ngx_task_file_t  *file;

    file = ngx_http_task_space_alloc(&parts->in->space,
                                     sizeof(ngx_task_file_t));
    if (file == NULL) {
        return NULL;
    }

    ngx_memzero(file, sizeof(ngx_task_file_t));

    file->name = ngx_http_task_parts_string(parts->in, &part->filename);
    file->type = part->type.data
                 ? ngx_http_task_parts_string(parts->in, &part->type) : "";

    return (file->name && file->type) ? file : NULL;
}


static const char *
ngx_http_task_parts_string(ngx_http_task_input_t *in,
    const ngx_http_task_span_t *text)
{
    u_char  *p;

    p = ngx_http_task_space_alloc(&in->space, text->len + 1);

    if (p) {
        *ngx_cpymem(p, text->data, text->len) = '\0';
    }

    return (const char *) p;
}


static int
ngx_http_task_parts_bytes(void *data, const u_char *p, size_t len)
{
    ngx_http_task_parts_t *parts = data;

    u_char  *text;

    if (len > NGX_HTTP_TASK_PARTS_FIELD - parts->len) {
        parts->error = "A field is longer than 1 MB, and no file";
        return NGX_HTTP_TASK_MULTIPART_STOP;
    }

    if (parts->len + len > parts->room) {
        parts->room = ngx_max(2 * parts->room, parts->len + len);

        text = ngx_http_task_space_alloc(&parts->in->space, parts->room);
        if (text == NULL) {
            parts->no_memory = 1;
            return NGX_HTTP_TASK_MULTIPART_STOP;
        }

        if (parts->len) {
            ngx_memcpy(text, parts->text, parts->len);
        }

        parts->text = text;
    }

    ngx_memcpy(parts->text + parts->len, p, len);
    parts->len += len;

    return NGX_HTTP_TASK_MULTIPART_GO;
}


/* a browser sends a file without a name, and empty, if none was chosen */

static int
ngx_http_task_parts_end(void *data, uint64_t offset, uint64_t size)
{
    ngx_http_task_parts_t *parts = data;

    ngx_http_task_given_t  given;

    if (parts->arg == NULL) {
        return NGX_HTTP_TASK_MULTIPART_GO;
    }

    if (parts->file && parts->file->name[0] == '\0' && size == 0) {
        return NGX_HTTP_TASK_MULTIPART_GO;
    }

    given.file = parts->file;
    given.text.data = parts->text ? parts->text : (u_char *) "";
    given.text.len = parts->len;

    if (parts->file) {
        ngx_str_null(&given.text);

        parts->file->size = size;
        parts->file->offset = offset;

        if (parts->in->body.data) {
            parts->file->data = parts->in->body.data + offset;
        }
    }

    if (ngx_http_task_params_give(parts->in, parts->arg, parts->src, &given)
        != NGX_OK)
    {
        parts->no_memory = 1;
        return NGX_HTTP_TASK_MULTIPART_STOP;
    }

    parts->src->form = 1;

    return NGX_HTTP_TASK_MULTIPART_GO;
}
