
/*
 * Requests that wait for a job, which may be another worker's: a poll that is
 * answered when the job has ended, the job's own request that gives it some
 * time before the 202, and a stream of events, see ngx_http_task_job_stream.c.
 *
 * They look at the job every so often.  A worker that is told to quit answers
 * them at once: the timer that notices is not cancelable.
 */


#include "jobs/ngx_http_task_jobs.h"


static void ngx_http_task_job_wait_watch(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_wait_cleanup(void *data);
static void ngx_http_task_job_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_task_job_answer(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_prefer_answer(ngx_http_task_job_wait_t *w);


ngx_int_t
ngx_http_task_job_wait(ngx_http_request_t *r, ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_conf_t *conf, u_char *id, ngx_http_task_job_wait_e kind,
    ngx_msec_t time)
{
    uint64_t                   version;
    ngx_int_t                  rc;
    ngx_uint_t                 ended;
    ngx_http_cleanup_t        *cln;
    ngx_http_task_job_wait_t  *w;

    if (ngx_http_task_job_peek(zone, id, &version, &ended) != NGX_OK) {
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (ended && kind == NGX_HTTP_TASK_JOB_POLL) {
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
    w->changes = r->uri_changes;
    w->conf = conf;
    w->zone = zone;
    w->kind = kind;
    w->spoken = ngx_http_task_now();
    w->deadline = w->spoken + (int64_t) time * 1000000;
    ngx_memcpy(w->id, id, NGX_HTTP_TASK_JOB_ID);

    w->event.handler = ngx_http_task_job_tick;
    w->event.data = w;
    w->event.log = r->connection->log;

    if (kind == NGX_HTTP_TASK_JOB_STREAM) {
        rc = ngx_http_task_job_stream_begin(w, ended);

        if (rc != NGX_OK || r->header_only) {
            return rc;
        }
    }

    ngx_http_task_job_wait_watch(w);

    ngx_add_timer(&w->event, 1);

    r->main->count++;

    return NGX_DONE;
}


/*
 * A body that nobody needs may still be coming: nginx, which throws it away,
 * has the events until then, and a timer, which is its sign of a client that
 * sends no more.  What it saw last is not told again.
 */

static void
ngx_http_task_job_wait_watch(ngx_http_task_job_wait_t *w)
{
    ngx_event_t         *rev;
    ngx_http_request_t  *r;

    r = w->request;
    rev = r->connection->read;

    if (!w->watched && !r->main->discard_body) {
        w->watched = 1;

        /* in a subrequest, it may be of the request that it is in */

        if (r == r->main && rev->timer_set) {
            ngx_del_timer(rev);
        }

        ngx_http_task_watch(r);

        if (rev->eof || rev->error) {
            ngx_post_event(rev, &ngx_posted_events);
        }
    }

    if (w->kind == NGX_HTTP_TASK_JOB_STREAM) {
        r->write_event_handler = ngx_http_task_job_stream_writer;
    }
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

    /* this one's count of it is what post_action took */

    if (ngx_http_task_elsewhere(r, w->changes)) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    ngx_http_task_job_wait_watch(w);

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
    ngx_str_t                 body;
    ngx_http_request_t       *r;
    ngx_http_task_job_seen_t  seen;

    r = w->request;

    /* one that is gone has run: that its result is lost is no 404 */

    if (ngx_http_task_job_see(w->zone, w->id, r->pool, &seen) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    switch (seen.job.state) {

    case NGX_HTTP_TASK_JOB_QUEUED:
    case NGX_HTTP_TASK_JOB_RUNNING:
        return ngx_http_task_job_accepted(r, w->conf, w->id,
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
