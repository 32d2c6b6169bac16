
/*
 * The body of a request, for those who read it as JSON.
 */


#include "ngx_http_task.h"


static ngx_int_t ngx_http_task_body_read(ngx_http_request_t *r, ngx_buf_t *b,
    u_char *p, size_t size);


ngx_uint_t
ngx_http_task_body_is_json(ngx_http_request_t *r)
{
    u_char           *p, *last;
    ngx_table_elt_t  *type;

    type = r->headers_in.content_type;

    if (type == NULL) {
        return 0;
    }

    p = type->value.data;
    last = ngx_strlchr(p, p + type->value.len, ';');

    if (last == NULL) {
        last = p + type->value.len;
    }

    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    if (last - p == sizeof("application/json") - 1) {
        return ngx_strncasecmp(p, (u_char *) "application/json", last - p) == 0;
    }

    return last - p > (ssize_t) sizeof("application/+json") - 1
           && ngx_strncasecmp(p, (u_char *) "application/",
                              sizeof("application/") - 1)
              == 0
           && ngx_strncasecmp(last - 5, (u_char *) "+json", 5) == 0;
}


ngx_int_t
ngx_http_task_body_text(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char       *p;
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(text);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    size = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        size += (size_t) ngx_buf_size(cl->buf);
    }

    text->len = size;
    b = r->request_body->bufs->buf;

    if (r->request_body->bufs->next == NULL && ngx_buf_in_memory(b)) {
        text->data = b->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    /* the last buffer may be one that only says so: no memory, no file */

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        size = (size_t) ngx_buf_size(b);

        if (ngx_buf_in_memory(b)) {
            ngx_memcpy(p, b->pos, size);

        } else if (size && ngx_http_task_body_read(r, b, p, size) != NGX_OK) {
            return NGX_ERROR;
        }

        p += size;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_body_read(ngx_http_request_t *r, ngx_buf_t *b, u_char *p,
    size_t size)
{
    ssize_t  n;

    n = ngx_read_file(b->file, p, size, b->file_pos);

    if (n == (ssize_t) size) {
        return NGX_OK;
    }

    if (n != NGX_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      ngx_read_file_n " read only %z of %uz from \"%V\"",
                      n, size, &b->file->name);
    }

    return NGX_ERROR;
}
