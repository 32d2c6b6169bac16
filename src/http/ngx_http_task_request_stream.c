
/*
 * A stream whose client is a request.  As long as nginx still has bytes of the
 * ring, it is given no more: they wait there, and then go out together.
 *
 * How a stream ends: if it is done, properly.  If it has failed, all that was
 * put is sent first, an event with the reason if it is a stream of events, and
 * then the request is terminated: the client sees a body that is not complete.
 */


#include "http/ngx_http_task_http.h"
#include "task/ngx_http_task_stream.h"


static ngx_uint_t ngx_http_task_request_stream_over(ngx_task_t *t);
static ngx_int_t ngx_http_task_request_stream_more(ngx_task_t *t);
static ngx_int_t ngx_http_task_request_stream_begin(ngx_task_t *t);
static ngx_int_t ngx_http_task_request_stream_fail(ngx_task_t *t);
static ngx_uint_t ngx_http_task_request_stream_all(ngx_task_t *t);
static ngx_int_t ngx_http_task_request_stream_tail(ngx_task_t *t,
    ngx_str_t *tail);
static ngx_int_t ngx_http_task_request_stream_error(ngx_task_t *t,
    ngx_str_t *tail);
static ngx_int_t ngx_http_task_request_stream_wait(ngx_task_t *t);
static void ngx_http_task_request_stream_break(ngx_task_t *t);
static void ngx_http_task_request_stream_writer(ngx_http_request_t *r);
static void ngx_http_task_request_stream_silence(void *data);


static ngx_str_t  ngx_http_task_request_stream_comment = ngx_string(": \n\n");


ngx_int_t
ngx_http_task_request_write(ngx_task_t *t)
{
    ngx_int_t                rc;
    ngx_http_request_t      *r;
    ngx_http_task_stream_t  *s;

    r = t->request;
    s = t->stream;

    if (ngx_http_task_request_stream_over(t)) {
        return NGX_DONE;
    }

    rc = s->begun ? NGX_OK : ngx_http_task_request_stream_begin(t);

    if (rc == NGX_DONE) {

        /* there is no body: the function has done all it can */

        ngx_http_task_stop(t, NGX_HTTP_TASK_DONE);
        return NGX_DONE;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_request_stream_more(t);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_request_stream_wait(t);
    }

    /* all that was put before it failed was sent */

    if (rc == NGX_OK && t->state != NGX_HTTP_TASK_PENDING
        && ngx_http_task_request_stream_all(t))
    {
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    s->over = 1;

    ngx_http_task_request_stream_break(t);
    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* returns 1 if nothing more is to be sent */

static ngx_uint_t
ngx_http_task_request_stream_over(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    /* a thread may have begun a stream when its task had ended already */

    if (!s->begun && t->state != NGX_HTTP_TASK_PENDING) {
        s->over = 1;
    }

    if (t->request == NULL || s->over) {
        return 1;
    }

    if (!t->client->left(t)) {
        return 0;
    }

    s->over = 1;

    if (t->state == NGX_HTTP_TASK_PENDING) {
        ngx_http_task_cancel(t);
    }

    return 1;
}


/* sends what nginx still has; if it then has nothing of the ring, what is in */

static ngx_int_t
ngx_http_task_request_stream_more(ngx_task_t *t)
{
    uint64_t                 in;
    ngx_str_t               *comment;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    /* a filter may have copied what it has not sent */

    if ((s->busy || ngx_http_task_stream_out_busy(t->request))
        && ngx_http_task_stream_out(t->request, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_task_request_ring_sent(t)) {
        return NGX_OK;
    }

    in = (t->state == NGX_HTTP_TASK_PENDING) ? ngx_http_task_atomic_get(&s->in)
                                             : s->end;

    comment = (s->comment && in == s->given
               && in == ngx_http_task_atomic_get(&s->whole))
              ? &ngx_http_task_request_stream_comment : NULL;

    if (in == s->given && comment == NULL && !s->flush) {
        return NGX_OK;
    }

    return ngx_http_task_request_ring_send(t, in, comment, 0);
}


/* NGX_DONE: only the header is to be sent */

static ngx_int_t
ngx_http_task_request_stream_begin(ngx_task_t *t)
{
    ngx_int_t                rc;
    ngx_http_request_t      *r;
    ngx_http_task_stream_t  *s;

    r = t->request;
    s = t->stream;

    s->begun = 1;

    if (ngx_http_task_result_headers(t, 0) != NGX_OK
        || (s->events && ngx_http_task_stream_out_events(r) != NGX_OK))
    {
        return NGX_ERROR;
    }

    rc = ngx_http_task_send_header(r, t->result.status ? t->result.status
                                                       : NGX_HTTP_OK,
                                   &t->result.type, -1);

    if (rc == NGX_DONE) {
        s->bodiless = 1;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    s->flush = 1;
    s->spoken = ngx_http_task_now();

    if (t->state == NGX_HTTP_TASK_PENDING) {

        /* sending the header may have set other handlers */

        t->client->watch(t);

        if (s->events && t->conf->stream_ping) {
            ngx_http_task_timer_set(&s->silence,
                                    ngx_http_task_request_stream_silence, t,
                                    s->spoken + (int64_t) t->conf->stream_ping
                                                * 1000000);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_request_stream_answer(ngx_task_t *t)
{
    ngx_int_t                rc;
    ngx_str_t                rest;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    rc = s->begun ? NGX_OK : ngx_http_task_request_stream_begin(t);

    if (s->bodiless) {
        s->over = 1;
        return NGX_OK;
    }

    if (rc == NGX_OK && t->state == NGX_HTTP_TASK_DONE) {
        s->over = 1;

        rest.data = (u_char *) s->rest.data;
        rest.len = s->rest.len;

        return ngx_http_task_request_ring_send(t, s->end, rest.len ? &rest
                                                                   : NULL, 1);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_request_stream_fail(t);
    }

    s->over = (rc != NGX_DONE);

    if (rc == NGX_ERROR) {
        ngx_http_task_request_stream_break(t);
    }

    return rc;
}


/*
 * A thread may have been in the middle of an event: then that is not begun, or,
 * if the client has a part of it, no other is sent.
 */

static ngx_int_t
ngx_http_task_request_stream_fail(ngx_task_t *t)
{
    uint64_t                 whole;
    ngx_int_t                rc;
    ngx_str_t                tail;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    ngx_str_null(&tail);

    if (s->events) {
        whole = ngx_min(ngx_http_task_atomic_get(&s->whole), s->end);

        if (whole >= s->given) {
            s->end = whole;

            if (ngx_http_task_request_stream_tail(t, &tail) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    rc = ngx_http_task_request_ring_send(t, s->end, tail.len ? &tail : NULL,
                                           s->left && s->events);

    /* a client of events comes back by itself */

    if (rc != NGX_OK || (s->left && s->events)) {
        return rc;
    }

    (void) ngx_http_task_request_ring_sent(t);

    if (ngx_http_task_request_stream_all(t)) {
        return NGX_ERROR;
    }

    /* the client may leave before it has taken the rest */

    t->client->watch(t);

    return (ngx_http_task_request_stream_wait(t) == NGX_OK) ? NGX_DONE
                                                            : NGX_ERROR;
}


/*
 * Returns 1 if nothing is left that could be sent.  A filter that waits for the
 * end of the body has something still, but there will be no end.
 */

static ngx_uint_t
ngx_http_task_request_stream_all(ngx_task_t *t)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = t->request;
    wev = r->connection->write;

    return t->stream->busy == NULL
           && (!ngx_http_task_stream_out_busy(r)
               || (wev->ready && !wev->delayed));
}


static ngx_int_t
ngx_http_task_request_stream_tail(ngx_task_t *t, ngx_str_t *tail)
{
    if (t->stream->left) {
        *tail = ngx_http_task_events_retry;
        return NGX_OK;
    }

    return ngx_http_task_request_stream_error(t, tail);
}


static ngx_int_t
ngx_http_task_request_stream_error(ngx_task_t *t, ngx_str_t *tail)
{
    u_char     *p;
    ngx_str_t   body;

    if (t->state == NGX_HTTP_TASK_TIMEOUT) {
        body = *ngx_http_task_status_body(NGX_HTTP_GATEWAY_TIME_OUT);

    } else if (ngx_http_task_result_why(t)) {
        body = *ngx_http_task_status_body(NGX_HTTP_INTERNAL_SERVER_ERROR);

    } else if (ngx_http_task_error_detail(t->request->pool, &t->result.detail,
                                          &body)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(t->request->pool,
                    body.len + sizeof("event: error\ndata: \n\n"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    tail->data = p;
    tail->len = ngx_sprintf(p, "event: error\ndata: %V\n\n", &body) - p;

    return NGX_OK;
}


/*
 * A "post_action" runs first, and the connection is closed after it: it must
 * not be kept then, or its client waits for the rest of the body.
 */

static void
ngx_http_task_request_stream_break(ngx_task_t *t)
{
    t->request->main->keepalive = 0;
}


static ngx_int_t
ngx_http_task_request_stream_wait(ngx_task_t *t)
{
    ngx_uint_t               progress;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    (void) ngx_http_task_request_ring_sent(t);

    progress = s->writable || s->out != s->seen;

    s->writable = 0;
    s->seen = s->out;

    t->request->write_event_handler = ngx_http_task_request_stream_writer;

    return ngx_http_task_stream_out_wait(t->request, progress);
}


/* sends nothing itself: the work does, if it is not done at once */

static void
ngx_http_task_request_stream_writer(ngx_http_request_t *r)
{
    ngx_task_t  *t;

    if (ngx_http_task_stream_out_failed(r)) {
        return;
    }

    t = ngx_http_get_module_ctx(r, ngx_http_task_module);

    /* a filter has answered in its place, and that is not under way */

    if (t == NULL || t->stream == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    t->stream->writable = 1;

    ngx_http_task_stream_go(t);
}


/* nothing was sent for so long: says so, or looks again when it may be */

static void
ngx_http_task_request_stream_silence(void *data)
{
    ngx_task_t *t = data;

    int64_t                  now, next;
    ngx_http_task_stream_t  *s;

    s = t->stream;
    now = ngx_http_task_now();
    next = s->spoken + (int64_t) t->conf->stream_ping * 1000000;

    if (next <= now) {
        s->comment = 1;
        ngx_http_task_stream_go(t);

        next = now + (int64_t) t->conf->stream_ping * 1000000;
    }

    ngx_http_task_timer_set(&s->silence, ngx_http_task_request_stream_silence,
                            t, next);
}
