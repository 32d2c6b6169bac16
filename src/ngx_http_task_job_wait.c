
/*
 * Requests that wait for a job, which may be another worker's: a poll that is
 * answered when the job has ended, the job's own request that gives it some
 * time before the 202, and a stream of server-sent events.
 *
 * They look at the job every so often.  A worker that is told to quit answers
 * them at once: the timer that notices is not cancelable.
 */


#include "ngx_http_task.h"


/* between two looks, and between two comments in a stream, milliseconds */

#define NGX_HTTP_TASK_JOB_TICK     50
#define NGX_HTTP_TASK_JOB_COMMENT  15000


typedef struct {
    ngx_http_request_t        *request;
    ngx_http_task_job_zone_t  *zone;
    ngx_event_t                event;
    ngx_http_task_job_wait_e   kind;

    int64_t                    deadline;     /* on the monotonic clock, ns */
    int64_t                    spoken;       /* a stream: the last time */
    uint64_t                   version;      /* a stream: what was sent, .. */
    ngx_buf_t                 *buf;          /* .. and in which buffer */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
} ngx_http_task_job_wait_t;


static void ngx_http_task_job_wait_cleanup(void *data);
static void ngx_http_task_job_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_task_job_answer(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_prefer_answer(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_stream_begin(ngx_http_request_t *r);
static void ngx_http_task_job_stream(ngx_http_task_job_wait_t *w,
    uint64_t version, ngx_uint_t ended);
static ngx_int_t ngx_http_task_job_stream_event(ngx_http_task_job_wait_t *w,
    const char *name);
static ngx_int_t ngx_http_task_job_stream_send(ngx_http_task_job_wait_t *w,
    ngx_str_t *text);
static void ngx_http_task_job_stream_writer(ngx_http_request_t *r);


ngx_int_t
ngx_http_task_job_wait(ngx_http_request_t *r, ngx_http_task_job_zone_t *zone,
    u_char *id, ngx_http_task_job_wait_e kind, ngx_msec_t time)
{
    uint64_t                   version;
    ngx_int_t                  rc;
    ngx_uint_t                 ended;
    ngx_http_cleanup_t        *cln;
    ngx_http_task_job_wait_t  *w;

    if (ngx_http_task_job_peek(zone, id, &version, &ended) != NGX_OK) {
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (kind == NGX_HTTP_TASK_JOB_STREAM) {
        rc = ngx_http_task_job_stream_begin(r);

        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
            return rc;
        }

    } else if (ended && kind == NGX_HTTP_TASK_JOB_POLL) {
        return ngx_http_task_job_send(r, zone, id);
    }

    w = ngx_pcalloc(r->pool, sizeof(ngx_http_task_job_wait_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (w == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_task_job_wait_cleanup;
    cln->data = w;

    w->request = r;
    w->zone = zone;
    w->kind = kind;
    w->spoken = ngx_http_task_now();
    w->deadline = w->spoken + (int64_t) time * 1000000;
    ngx_memcpy(w->id, id, NGX_HTTP_TASK_JOB_ID);

    w->event.handler = ngx_http_task_job_tick;
    w->event.data = w;
    w->event.log = r->connection->log;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = (kind == NGX_HTTP_TASK_JOB_STREAM)
                             ? ngx_http_task_job_stream_writer
                             : ngx_http_request_empty_handler;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else {
        (void) ngx_handle_read_event(r->connection->read, 0);
    }

    ngx_add_timer(&w->event, 1);

    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_task_job_wait_cleanup(void *data)
{
    ngx_http_task_job_wait_t *w = data;

    if (w->event.timer_set) {
        ngx_del_timer(&w->event);
    }
}


static void
ngx_http_task_job_tick(ngx_event_t *ev)
{
    uint64_t                   version;
    ngx_uint_t                 ended;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_task_job_wait_t  *w;

    w = ev->data;
    r = w->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    version = 0;

    /* one that has expired meanwhile has ended */

    if (ngx_http_task_job_peek(w->zone, w->id, &version, &ended) != NGX_OK) {
        ended = 1;
    }

    if (w->kind == NGX_HTTP_TASK_JOB_STREAM) {
        ngx_http_task_job_stream(w, version, ended);

    } else if (ended || ngx_exiting || ngx_http_task_now() >= w->deadline) {
        r->read_event_handler = ngx_http_block_reading;
        ngx_http_finalize_request(r, ngx_http_task_job_answer(w));

    } else {
        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_TICK);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_task_job_answer(ngx_http_task_job_wait_t *w)
{
    return (w->kind == NGX_HTTP_TASK_JOB_PREFER)
           ? ngx_http_task_job_prefer_answer(w)
           : ngx_http_task_job_send(w->request, w->zone, w->id);
}


/* in time, what the task would have answered; else that it goes on alone */

static ngx_int_t
ngx_http_task_job_prefer_answer(ngx_http_task_job_wait_t *w)
{
    ngx_int_t                 rc;
    ngx_str_t                 body;
    ngx_http_request_t       *r;
    ngx_http_task_job_seen_t  seen;

    r = w->request;

    rc = ngx_http_task_job_see(w->zone, w->id, r->pool, &seen);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED)
               ? ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL)
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    switch (seen.job.state) {

    case NGX_HTTP_TASK_JOB_QUEUED:
    case NGX_HTTP_TASK_JOB_RUNNING:
        return ngx_http_task_job_accepted(r, w->id,
                                     ngx_http_task_job_states[seen.job.state]);

    case NGX_HTTP_TASK_JOB_DONE:
        return ngx_http_task_send(r, seen.job.status, &seen.result);

    default:
        if (ngx_http_task_error_detail(r->pool, &seen.result, &body) != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_task_send_error(r, seen.job.status ? seen.job.status
                                               : NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        &body);
    }
}


static ngx_int_t
ngx_http_task_job_stream_begin(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    static ngx_str_t  name = ngx_string("X-Accel-Buffering");
    static ngx_str_t  value = ngx_string("no");

    if (ngx_http_task_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_task_send_stream(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    /* not to be held back until there is more */

    rc = ngx_http_send_special(r, NGX_HTTP_FLUSH);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/*
 * What the client has not yet taken is waited for, as long as send_timeout:
 * meanwhile the job goes on, and only its latest progress is told.
 */

static void
ngx_http_task_job_stream(ngx_http_task_job_wait_t *w, uint64_t version,
    ngx_uint_t ended)
{
    int64_t                    silent;
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    static ngx_str_t  comment = ngx_string(": still here\n\n");

    r = w->request;
    rc = NGX_OK;
    silent = (ngx_http_task_now() - w->spoken) / 1000000;

    if (r->out || r->buffered || r->connection->buffered) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (silent > (int64_t) clcf->send_timeout) {
            ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                          "client timed out");
            r->connection->timedout = 1;
            rc = NGX_ERROR;
        }

    } else if (ended || ngx_exiting) {
        rc = ngx_http_task_job_stream_event(w, ended ? "end" : "progress");

        if (rc != NGX_ERROR) {
            rc = ngx_http_send_special(r, NGX_HTTP_LAST);
        }

        ngx_http_finalize_request(r, rc);
        return;

    } else if (version != w->version) {
        w->version = version;
        rc = ngx_http_task_job_stream_event(w, "progress");

    } else if (silent > NGX_HTTP_TASK_JOB_COMMENT) {
        rc = ngx_http_task_job_stream_send(w, &comment);
    }

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    ngx_add_timer(&w->event, NGX_HTTP_TASK_JOB_TICK);
}


/* a stream may be long: what is made for an event is let go of after it */

static ngx_int_t
ngx_http_task_job_stream_event(ngx_http_task_job_wait_t *w, const char *name)
{
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_str_t                  text, event;
    ngx_pool_t                *pool;
    ngx_http_task_job_seen_t   seen;

    pool = ngx_create_pool(4096, w->event.log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_job_see(w->zone, w->id, pool, &seen);

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_text(pool, w->zone, &seen, &text);
    }

    if (rc == NGX_OK) {
        event.data = ngx_pnalloc(pool, text.len + 64);

        if (event.data) {
            p = ngx_sprintf(event.data, "event: %s\ndata: %V\n\n", name, &text);
            event.len = p - event.data;

            rc = ngx_http_task_job_stream_send(w, &event);

        } else {
            rc = NGX_ERROR;
        }
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* nothing is on its way: the last buffer is free again, unless too small */

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


static void
ngx_http_task_job_stream_writer(ngx_http_request_t *r)
{
    if (ngx_http_output_filter(r, NULL) == NGX_ERROR
        || ngx_handle_write_event(r->connection->write, 0) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}
