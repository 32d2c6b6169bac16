
/*
 * "Accept: text/event-stream": server-sent events of a job.  These are the
 * events that its function streams, as far as they are kept; "progress", which
 * tells the job as it is now, and has no id; and "end", when it has ended, with
 * the id of the job, which no event of a function has.  A client that comes
 * back goes on behind the last event of the function that it had.
 */


#include "jobs/ngx_http_task_jobs.h"


/* how often a client is looked at that does not take what was sent */

#define NGX_HTTP_TASK_JOB_BUSY     50000000


static void ngx_http_task_job_stream_look(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_stream_begin(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_stream_last_id(ngx_http_request_t *r,
    ngx_str_t *id);
static void ngx_http_task_job_stream_next(ngx_http_task_job_wait_t *w,
    ngx_int_t rc);
static int64_t ngx_http_task_job_stream_silence(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_stream_event(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_stream_read(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_stream_end(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_stream_print(ngx_http_task_job_wait_t *w,
    ngx_uint_t ended, ngx_str_t *text);
static ngx_int_t ngx_http_task_job_stream_retry(ngx_http_task_job_wait_t *w,
    ngx_str_t *text);
static ngx_int_t ngx_http_task_job_stream_send(ngx_http_task_job_wait_t *w,
    ngx_str_t *text);
static void ngx_http_task_job_stream_writer(ngx_http_request_t *r);


ngx_int_t
ngx_http_task_job_stream(ngx_http_request_t *r, ngx_http_task_job_conf_t *conf,
    u_char *id)
{
    ngx_http_task_job_wait_t  *w;

    w = ngx_http_task_job_wait_create(r, conf->told, id);
    if (w == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->ping = conf->ping;
    w->look = ngx_http_task_job_stream_look;
    w->writer = ngx_http_task_job_stream_writer;

    return ngx_http_task_job_wait(w);
}


/*
 * As long as the client has not taken what was sent, nothing is made: the job
 * goes on, and later only its latest progress is sent, and those events that
 * are still kept.
 */

static void
ngx_http_task_job_stream_look(ngx_http_task_job_wait_t *w)
{
    ngx_int_t  rc;

    static ngx_str_t  comment = ngx_string(": \n\n");

    if (w->spoken == 0) {
        rc = ngx_http_task_job_stream_begin(w);

        if (rc != NGX_OK || w->request->header_only) {
            ngx_http_task_job_wait_end(w, rc);
            return;
        }
    }

    rc = NGX_OK;

    if (ngx_http_task_stream_out_busy(w->request)) {

        /* send_timeout ends it, if the client takes nothing */

    } else if (w->failed) {
        ngx_http_task_job_stream_end(w);
        return;

    } else if (w->ended || ngx_exiting || w->op.version != w->version) {
        w->version = w->op.version;

        ngx_http_task_job_stream_event(w);
        return;

    } else if (ngx_http_task_now()
               >= w->spoken + ngx_http_task_job_stream_silence(w))
    {
        rc = ngx_http_task_job_stream_send(w, &comment);
    }

    ngx_http_task_job_stream_next(w, rc);
}


/*
 * EventSource comes back when its stream has ended, with the id of the event
 * that it had last.  If this was the end, 204 tells it to stop.
 */

static ngx_int_t
ngx_http_task_job_stream_begin(ngx_http_task_job_wait_t *w)
{
    ngx_int_t            rc;
    ngx_str_t            id;
    ngx_http_request_t  *r;

    u_char               end[NGX_HTTP_TASK_JOB_ID_TEXT];

    static ngx_str_t  nothing = ngx_null_string;

    r = w->request;

    ngx_http_task_job_stream_last_id(r, &id);

    if (w->ended
        && id.len == (size_t) (ngx_http_task_job_id(end, w->store, w->op.id)
                               - end)
        && ngx_memcmp(id.data, end, id.len) == 0)
    {
        return ngx_http_task_send(r, NGX_HTTP_NO_CONTENT, &nothing);
    }

    w->op.behind_id = id;

    if (ngx_http_task_stream_out_events(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_task_send_header(r, NGX_HTTP_OK, &ngx_http_task_events_type,
                                   -1);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    w->spoken = ngx_http_task_now();

    /* flushes the headers, which wait for a body otherwise */

    rc = ngx_http_send_special(r, NGX_HTTP_FLUSH);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_task_job_stream_last_id(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("Last-Event-ID");

    ngx_str_null(id);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name.len
                && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
            {
                *id = h[i].value;
            }
        }
    }
}


static void
ngx_http_task_job_stream_next(ngx_http_task_job_wait_t *w, ngx_int_t rc)
{
    if (rc == NGX_ERROR
        || ngx_http_task_stream_out_wait(w->request, 0) != NGX_OK)
    {
        ngx_http_task_job_wait_end(w, NGX_ERROR);
        return;
    }

    ngx_http_task_job_wait_next(w, ngx_http_task_stream_out_busy(w->request)
                                   ? ngx_http_task_now()
                                     + NGX_HTTP_TASK_JOB_BUSY
                                   : w->spoken
                                     + ngx_http_task_job_stream_silence(w));
}


/* returns after how much silence a comment is sent, nanoseconds */

static int64_t
ngx_http_task_job_stream_silence(ngx_http_task_job_wait_t *w)
{
    return w->ping ? (int64_t) w->ping * 1000000
                   : NGX_HTTP_TASK_MAX_MS * 1000000;
}


/* a stream may be long: each event has a pool of its own, freed after it */

static void
ngx_http_task_job_stream_event(ngx_http_task_job_wait_t *w)
{
    w->pool = ngx_create_pool(4096, w->request->connection->log);

    if (w->pool == NULL) {
        ngx_http_task_job_wait_end(w, NGX_ERROR);
        return;
    }

    ngx_http_task_store_drop(&w->op);

    w->op.pool = w->pool;
    w->op.events = 1;
    w->op.behind = w->event;
    w->op.handler = ngx_http_task_job_stream_read;

    w->store->type->read(w->store, &w->op);
}


static void
ngx_http_task_job_stream_read(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_str_t                  text;
    ngx_uint_t                 ended;
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    w->late |= op->late;

    if (!ngx_http_task_job_call_goes_on(w->request, w->changes, w->late)) {
        return;
    }

    /* gone, or in a state file that is being read: who comes back is told */

    if (rc == NGX_DECLINED || rc == NGX_AGAIN) {
        ngx_http_task_job_stream_end(w);
        return;
    }

    ended = (rc == NGX_OK && op->seen.state >= NGX_HTTP_TASK_JOB_DONE);

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_stream_print(w, ended, &text);
    }

    if (rc == NGX_OK && ngx_exiting && !ended) {
        rc = ngx_http_task_job_stream_retry(w, &text);
    }

    if (rc == NGX_OK && text.len) {
        rc = ngx_http_task_job_stream_send(w, &text);
    }

    ngx_destroy_pool(w->pool);
    w->pool = NULL;

    if (rc != NGX_ERROR && (ended || ngx_exiting)) {
        ngx_http_task_job_stream_end(w);
        return;
    }

    ngx_http_task_job_stream_next(w, rc);
}


/* without an event "end" before it, a client comes back */

static void
ngx_http_task_job_stream_end(ngx_http_task_job_wait_t *w)
{
    ngx_http_task_job_wait_end(w, ngx_http_send_special(w->request,
                                                        NGX_HTTP_LAST));
}


/* the events of the function, and how the job is, if that has changed */

static ngx_int_t
ngx_http_task_job_stream_print(ngx_http_task_job_wait_t *w, ngx_uint_t ended,
    ngx_str_t *text)
{
    u_char                    *p;
    size_t                     size;
    ngx_str_t                  json;
    const char                *name, *id, *data;
    u_char                     end[NGX_HTTP_TASK_JOB_ID_TEXT + 1];
    ngx_http_task_job_seen_t  *seen;

    seen = &w->op.seen;
    *text = seen->events;

    w->event = seen->event;

    if (seen->change == w->change) {
        return NGX_OK;
    }

    w->change = seen->change;

    if (ngx_http_task_job_text(w->pool, w->store, seen, &json) != NGX_OK) {
        return NGX_ERROR;
    }

    name = ended ? "end" : "progress";
    id = ended ? (const char *) end : NULL;

    *ngx_http_task_job_id(end, w->store, w->op.id) = '\0';

    data = (const char *) json.data;

    size = text->len + ngx_http_task_event_size(name, id, data, json.len);

    p = ngx_pnalloc(w->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    if (seen->events.len) {
        p = ngx_cpymem(p, seen->events.data, seen->events.len);
    }

    p = ngx_http_task_event_print(p, name, id, data, json.len);

    text->len = p - text->data;

    return NGX_OK;
}


/* without it a client comes back later */

static ngx_int_t
ngx_http_task_job_stream_retry(ngx_http_task_job_wait_t *w, ngx_str_t *text)
{
    u_char     *p;
    ngx_str_t  *retry;

    retry = &ngx_http_task_events_retry;

    p = ngx_pnalloc(w->pool, text->len + retry->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (text->len) {
        ngx_memcpy(p, text->data, text->len);
    }

    ngx_memcpy(p + text->len, retry->data, retry->len);

    text->data = p;
    text->len += retry->len;

    return NGX_OK;
}


/* the last buffer was sent: it is used again if it is large enough */

static ngx_int_t
ngx_http_task_job_stream_send(ngx_http_task_job_wait_t *w, ngx_str_t *text)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = w->buf;
    size = b ? b->end - b->start : 0;

    /* the request keeps the smaller ones, all of them as large as the last */

    if (size < text->len) {
        size = ngx_max(2 * size, ngx_max(text->len, 2048));

        b = ngx_create_temp_buf(w->request->pool, size);
        if (b == NULL) {
            return NGX_ERROR;
        }

        w->buf = b;
    }

    b->pos = b->start;
    b->last = ngx_cpymem(b->start, text->data, text->len);
    b->flush = 1;

    out.buf = b;
    out.next = NULL;

    w->spoken = ngx_http_task_now();

    return ngx_http_task_stream_out(w->request, &out);
}


static void
ngx_http_task_job_stream_writer(ngx_http_request_t *r)
{
    if (ngx_http_task_stream_out_failed(r)) {
        return;
    }

    if ((ngx_http_task_stream_out_busy(r)
         && ngx_http_task_stream_out(r, NULL) != NGX_OK)
        || ngx_http_task_stream_out_wait(r, 1) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}
