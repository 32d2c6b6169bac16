
/*
 * Bytes of a stream are sent from the ring where they are; what nginx has
 * taken, or copied, makes room for more.
 */


#include "http/ngx_http_task_http.h"
#include "task/ngx_http_task_stream.h"


static ngx_int_t ngx_http_task_request_ring_take(ngx_task_t *t,
    uint64_t until, ngx_chain_t ***ll);
static ngx_chain_t *ngx_http_task_request_ring_buf(ngx_task_t *t, u_char *pos,
    size_t len);


ngx_int_t
ngx_http_task_request_ring_send(ngx_task_t *t, uint64_t until,
    ngx_str_t *tail, ngx_uint_t last)
{
    ngx_buf_t               *b;
    ngx_int_t                rc;
    ngx_chain_t             *out, **ll, *cl;
    ngx_http_request_t      *r;
    ngx_http_task_stream_t  *s;

    r = t->request;
    s = t->stream;

    out = NULL;
    ll = &out;

    if (ngx_http_task_request_ring_take(t, until, &ll) != NGX_OK) {
        return NGX_ERROR;
    }

    if (tail) {
        cl = ngx_http_task_request_ring_buf(t, tail->data, tail->len);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        *ll = cl;
        ll = &cl->next;
    }

    s->flush = 0;
    s->comment = 0;
    s->spoken = ngx_http_task_now();

    if (out == NULL) {

        /*
         * A buffer without bytes is never used again: whether nginx has it
         * still does not show, as in a subrequest that waits for another one.
         */

        rc = ngx_http_send_special(r, last ? NGX_HTTP_LAST : NGX_HTTP_FLUSH);

        return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
    }

    for (cl = out; cl->next; cl = cl->next) { /* void */ }

    b = cl->buf;

    b->flush = 1;
    b->last_buf = (last && r == r->main);
    b->last_in_chain = last;

    for (ll = &s->busy; *ll; ll = &(*ll)->next) { /* void */ }

    *ll = out;

    return ngx_http_task_stream_out(r, out);
}


/* at the end of the ring it goes on at its start */

static ngx_int_t
ngx_http_task_request_ring_take(ngx_task_t *t, uint64_t until,
    ngx_chain_t ***ll)
{
    size_t                   at, n;
    uint64_t                 origin;
    ngx_chain_t             *cl;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    origin = __atomic_load_n(&s->origin, __ATOMIC_RELAXED);

    while (s->given < until) {
        at = (s->given - origin) % s->size;
        n = ngx_min(until - s->given, s->size - at);

        cl = ngx_http_task_request_ring_buf(t, s->data + at, n);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        **ll = cl;
        *ll = &cl->next;

        s->given += n;
    }

    return NGX_OK;
}


static ngx_chain_t *
ngx_http_task_request_ring_buf(ngx_task_t *t, u_char *pos, size_t len)
{
    ngx_buf_t               *b;
    ngx_chain_t             *cl;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    cl = ngx_chain_get_free_buf(t->request->pool, &s->free);
    if (cl == NULL) {
        return NULL;
    }

    b = cl->buf;

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = pos;
    b->pos = pos;
    b->last = pos + len;
    b->end = b->last;
    b->memory = 1;

    return cl;
}


ngx_uint_t
ngx_http_task_request_ring_sent(ngx_task_t *t)
{
    uint64_t                 left;
    ngx_buf_t               *b;
    ngx_chain_t             *cl;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    while (s->busy && ngx_buf_size(s->busy->buf) == 0) {
        cl = s->busy;
        s->busy = cl->next;

        cl->next = s->free;
        s->free = cl;
    }

    left = 0;

    for (cl = s->busy; cl; cl = cl->next) {
        b = cl->buf;

        if (b->start >= s->data && b->start < s->data + s->size) {
            left += b->last - b->pos;
        }
    }

    ngx_http_task_atomic_set(&s->out, s->given - left);

    return s->busy != NULL;
}
