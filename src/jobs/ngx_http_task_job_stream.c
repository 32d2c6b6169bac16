
/*
 * "Accept: text/event-stream": server-sent events of a job.  The id of an
 * event is the version of the job that it tells, or "end" if the job has
 * ended: a client that comes back goes on from there.
 */


#include "jobs/ngx_http_task_jobs.h"


/* after so much silence a comment is sent, nanoseconds */

#define NGX_HTTP_TASK_JOB_COMMENT  15000000000

/* how often a client is looked at that does not take what was sent */

#define NGX_HTTP_TASK_JOB_BUSY     50000000


static void ngx_http_task_job_stream_look(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_stream_begin(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_stream_last_id(ngx_http_request_t *r,
    ngx_str_t *id);
static ngx_uint_t ngx_http_task_job_stream_busy(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_job_stream_late(ngx_http_task_job_wait_t *w,
    int64_t silent);
static void ngx_http_task_job_stream_next(ngx_http_task_job_wait_t *w,
    ngx_int_t rc);
static void ngx_http_task_job_stream_event(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_stream_read(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_stream_end(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_stream_print(ngx_http_task_job_wait_t *w,
    const char *name, ngx_str_t *json, ngx_str_t *event);
static ngx_int_t ngx_http_task_job_stream_send(ngx_http_task_job_wait_t *w,
    ngx_str_t *text);
static void ngx_http_task_job_stream_writer(ngx_http_request_t *r);


ngx_int_t
ngx_http_task_job_stream(ngx_http_request_t *r, ngx_http_task_store_t *store,
    u_char *id)
{
    ngx_http_task_job_wait_t  *w;

    w = ngx_http_task_job_wait_create(r, store, id);
    if (w == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->look = ngx_http_task_job_stream_look;
    w->writer = ngx_http_task_job_stream_writer;

    return ngx_http_task_job_wait(w);
}


/*
 * As long as the client has not taken what was sent, no event is made: the job
 * goes on, and later only its latest progress is sent.
 */

static void
ngx_http_task_job_stream_look(ngx_http_task_job_wait_t *w)
{
    int64_t    silent;
    ngx_int_t  rc;

    static ngx_str_t  comment = ngx_string(": still here\n\n");

    if (w->spoken == 0) {
        rc = ngx_http_task_job_stream_begin(w);

        if (rc != NGX_OK || w->request->header_only) {
            ngx_http_task_job_wait_end(w, rc);
            return;
        }
    }

    rc = NGX_OK;
    silent = ngx_http_task_now() - w->spoken;

    if (ngx_http_task_job_stream_busy(w->request)) {
        rc = ngx_http_task_job_stream_late(w, silent / 1000000);

    } else if (w->failed) {
        ngx_http_task_job_stream_end(w);
        return;

    } else if (w->ended || ngx_exiting || w->op.version != w->version) {
        w->version = w->op.version;

        ngx_http_task_job_stream_event(w);
        return;

    } else if (silent >= NGX_HTTP_TASK_JOB_COMMENT) {
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
    off_t                n;
    ngx_int_t            rc;
    ngx_str_t            id;
    ngx_http_request_t  *r;

    static ngx_str_t  nothing = ngx_null_string;
    static ngx_str_t  name = ngx_string("X-Accel-Buffering");
    static ngx_str_t  value = ngx_string("no");

    r = w->request;

    ngx_http_task_job_stream_last_id(r, &id);

    if (w->ended && id.len == 3 && ngx_strncmp(id.data, "end", 3) == 0) {
        return ngx_http_task_send(r, NGX_HTTP_NO_CONTENT, &nothing);
    }

    n = ngx_atoof(id.data, id.len);

    if (n != NGX_ERROR) {
        w->version = (uint64_t) n;
    }

    if (ngx_http_task_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_task_send_stream(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
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
    if (rc == NGX_ERROR) {
        ngx_http_task_job_wait_end(w, NGX_ERROR);
        return;
    }

    ngx_http_task_job_wait_next(w, ngx_http_task_job_stream_busy(w->request)
                                   ? ngx_http_task_now()
                                     + NGX_HTTP_TASK_JOB_BUSY
                                   : w->spoken + NGX_HTTP_TASK_JOB_COMMENT);
}


/* returns 1 if a filter still has output, or limit_rate holds it back */

static ngx_uint_t
ngx_http_task_job_stream_busy(ngx_http_request_t *r)
{
    return r->out || r->buffered || r->connection->buffered
           || r->connection->write->delayed;
}


/* fails after send_timeout, not counting the time that limit_rate takes */

static ngx_int_t
ngx_http_task_job_stream_late(ngx_http_task_job_wait_t *w, int64_t silent)
{
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = w->request->connection;
    clcf = ngx_http_get_module_loc_conf(w->request, ngx_http_core_module);

    if (c->write->delayed) {
        w->spoken = ngx_http_task_now();
        return NGX_OK;
    }

    if (silent <= (int64_t) clcf->send_timeout) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
    c->timedout = 1;

    return NGX_ERROR;
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
    w->op.handler = ngx_http_task_job_stream_read;

    w->store->type->read(w->store, &w->op);
}


static void
ngx_http_task_job_stream_read(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_str_t                  json, event;
    ngx_uint_t                 ended;
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    w->late |= op->late;

    if (!ngx_http_task_job_call_goes_on(w->request, w->changes, w->late)) {
        return;
    }

    if (rc == NGX_DECLINED) {
        ngx_http_task_job_stream_end(w);
        return;
    }

    ended = (rc == NGX_OK && op->seen.state >= NGX_HTTP_TASK_JOB_DONE);

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_text(w->pool, w->store, &op->seen, &json);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_stream_print(w, ended ? "end" : "progress",
                                            &json, &event);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_stream_send(w, &event);
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


/* a function's own JSON may have line ends: each needs another "data" */

static ngx_int_t
ngx_http_task_job_stream_print(ngx_http_task_job_wait_t *w, const char *name,
    ngx_str_t *json, ngx_str_t *event)
{
    u_char  *p, *s, *last;
    size_t   len;

    last = json->data + json->len;
    len = json->len + 128;

    for (s = json->data; s < last; s++) {
        if (*s == LF || *s == CR) {
            len += sizeof("\ndata: ") - 1;
        }
    }

    p = ngx_pnalloc(w->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    event->data = p;

    if (ngx_strcmp(name, "end") == 0) {
        p = ngx_sprintf(p, "id: end\nevent: %s\ndata: ", name);

    } else {
        p = ngx_sprintf(p, "id: %uL\nevent: %s\ndata: ", w->version, name);
    }

    for (s = json->data; s < last; s++) {

        if (*s != LF && *s != CR) {
            *p++ = *s;
            continue;
        }

        if (*s == CR && s + 1 < last && s[1] == LF) {
            s++;
        }

        p = ngx_cpymem(p, "\ndata: ", sizeof("\ndata: ") - 1);
    }

    *p++ = LF;
    *p++ = LF;

    event->len = p - event->data;

    return NGX_OK;
}


/* the last buffer was sent: it is used again if it is large enough */

static ngx_int_t
ngx_http_task_job_stream_send(ngx_http_task_job_wait_t *w, ngx_str_t *text)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    b = w->buf;

    if (b == NULL || (size_t) (b->end - b->start) < text->len) {
        b = ngx_create_temp_buf(w->request->pool, ngx_max(text->len, 2048));
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

    rc = ngx_http_output_filter(w->request, &out);

    if (rc == NGX_AGAIN
        && ngx_handle_write_event(w->request->connection->write, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rc;
}


/* only here shows that a client of HTTP/3 has stopped reading */

static void
ngx_http_task_job_stream_writer(ngx_http_request_t *r)
{
    if (r->connection->write->error
        || (ngx_http_task_job_stream_busy(r)
            && ngx_http_output_filter(r, NULL) == NGX_ERROR)
        || ngx_handle_write_event(r->connection->write, 0) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}
