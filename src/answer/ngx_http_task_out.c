
/*
 * A text that grows in a chain of buffers, for large answers.
 */


#include "answer/ngx_http_task_answer.h"


/* sizes of a buffer, two of which are in a chunk of an arena, and of what one
   ngx_http_task_out() may print, bytes */

#define NGX_HTTP_TASK_OUT_BUF   32000
#define NGX_HTTP_TASK_OUT_LINE  256


static u_char *ngx_http_task_out_room(ngx_http_task_out_t *out, size_t len);


void
ngx_http_task_out_init(ngx_http_task_out_t *out, ngx_pool_t *pool,
    ngx_http_task_arena_t *arena)
{
    ngx_memzero(out, sizeof(ngx_http_task_out_t));

    out->pool = pool;
    out->arena = arena;
    out->last = &out->first;
}


static u_char *
ngx_http_task_out_room(ngx_http_task_out_t *out, size_t len)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = out->buf;

    if (out->failed || (b && (size_t) (b->end - b->last) >= len)) {
        return out->failed ? NULL : b->last;
    }

    len = ngx_max(len, NGX_HTTP_TASK_OUT_BUF);

    p = ngx_http_task_arena_alloc(out->arena, len);
    b = ngx_calloc_buf(out->pool);
    cl = ngx_alloc_chain_link(out->pool);

    if (p == NULL || b == NULL || cl == NULL) {
        out->failed = 1;
        return NULL;
    }

    b->start = p;
    b->pos = p;
    b->last = p;
    b->end = p + len;
    b->temporary = 1;

    cl->buf = b;
    *out->last = cl;
    out->last = &cl->next;
    out->buf = b;

    return b->last;
}


void
ngx_http_task_out(ngx_http_task_out_t *out, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    p = ngx_http_task_out_room(out, NGX_HTTP_TASK_OUT_LINE);
    if (p == NULL) {
        return;
    }

    va_start(args, fmt);
    out->buf->last = ngx_vslprintf(p, p + NGX_HTTP_TASK_OUT_LINE, fmt, args);
    va_end(args);

    out->len += out->buf->last - p;
}


void
ngx_http_task_out_str(ngx_http_task_out_t *out, ngx_str_t *s)
{
    u_char  *p;

    p = ngx_http_task_out_room(out, s->len);

    if (p) {
        out->buf->last = ngx_cpymem(p, s->data, s->len);
        out->len += s->len;
    }
}


void
ngx_http_task_out_time(ngx_http_task_out_t *out, uint64_t ns)
{
    ngx_http_task_out(out, "%uL.%06uL", ns / 1000000000,
                      ns % 1000000000 / 1000);
}


void
ngx_http_task_out_json(ngx_http_task_out_t *out, const char *name,
    ngx_str_t *s)
{
    u_char  *p;
    size_t   len;

    ngx_http_task_out(out, "\"%s\":\"", name);

    len = s->len + ngx_escape_json(NULL, s->data, s->len);
    p = ngx_http_task_out_room(out, len);

    if (p) {
        out->buf->last = (u_char *) ngx_escape_json(p, s->data, s->len);
        out->len += len;
    }

    ngx_http_task_out(out, "\"");
}


ngx_int_t
ngx_http_task_out_begin(ngx_http_task_out_t *out, ngx_http_request_t *r,
    ngx_str_t *type)
{
    if (out->failed || out->buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *out->last = NULL;
    out->buf->last_buf = (r == r->main);
    out->buf->last_in_chain = 1;

    return ngx_http_task_send_header(r, NGX_HTTP_OK, type, out->len);
}


ngx_int_t
ngx_http_task_out_next(ngx_http_task_out_t *out, ngx_http_request_t *r)
{
    ngx_chain_t  *cl;

    cl = out->first;
    out->first = cl->next;
    cl->next = NULL;

    return ngx_http_output_filter(r, cl);
}
