
/*
 * Requests that wait for a job, which may be another worker's: a poll that is
 * answered when the job has ended, the request that made the job and gives it
 * some time before the 202, and a stream of events, see
 * ngx_http_task_job_stream.c.
 *
 * They look at the job every so often.  A worker that is told to quit answers
 * them at the next look: the timer is not cancelable.
 */


#include "jobs/ngx_http_task_jobs.h"


static void ngx_http_task_job_wait_watch(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_wait_cleanup(void *data);
static void ngx_http_task_job_tick(ngx_event_t *ev);
static void ngx_http_task_job_wait_begin(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_peeked(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_prefer_answer(ngx_http_task_store_op_t *op,
    ngx_int_t rc);


ngx_int_t
ngx_http_task_job_wait(ngx_http_request_t *r, ngx_http_task_store_t *store,
    ngx_http_task_job_conf_t *conf, u_char *id, ngx_http_task_job_wait_e kind,
    ngx_msec_t time)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_task_job_wait_t  *w;

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
    w->store = store;
    w->kind = kind;
    w->spoken = ngx_http_task_now();
    w->deadline = w->spoken + (int64_t) time * 1000000;
    ngx_memcpy(w->id, id, NGX_HTTP_TASK_JOB_ID);

    w->event.handler = ngx_http_task_job_tick;
    w->event.data = w;
    w->event.log = r->connection->log;

    w->op.pool = r->pool;
    w->op.handler = ngx_http_task_job_wait_begin;
    w->op.data = w;

    r->main->count++;

    store->type->peek(store, &w->op, w->id);

    return NGX_DONE;
}


static void
ngx_http_task_job_wait_begin(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_request_t        *r;
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    r = w->request;

    if (ngx_http_task_elsewhere(r, w->changes)) {
        return;
    }

    if (rc != NGX_OK) {
        rc = ngx_http_task_send_error(r, (rc == NGX_DECLINED)
                                         ? NGX_HTTP_NOT_FOUND
                                         : NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      NULL);
        ngx_http_task_job_call_end(w->request, &w->op, rc);
        return;
    }

    if (op->ended && w->kind == NGX_HTTP_TASK_JOB_POLL) {
        rc = ngx_http_task_job_send(r, w->store, w->id);
        ngx_http_task_job_call_end(r, &w->op, rc);
        return;
    }

    if (w->kind == NGX_HTTP_TASK_JOB_STREAM) {
        rc = ngx_http_task_job_stream_begin(w, op->ended);

        if (rc != NGX_OK || r->header_only) {
            ngx_http_task_job_call_end(w->request, &w->op, rc);
            return;
        }
    }

    ngx_http_task_job_wait_watch(w);

    ngx_add_timer(&w->event, 1);
}


/*
 * Watches whether the client leaves.  While nginx still discards a body of the
 * request, the read events are nginx's, and so is a timer for a client that
 * sends no more: then the next look tries again.  An end that nginx has seen
 * already is not told again, so its event is posted.
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

        /* in a subrequest the timer may be that of a request above it */

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

    w->store->type->drop(w->store, &w->op);

    if (w->event.timer_set) {
        ngx_del_timer(&w->event);
    }

    if (w->pool) {
        ngx_destroy_pool(w->pool);
    }
}


static void
ngx_http_task_job_tick(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_task_job_wait_t  *w;

    w = ev->data;
    r = w->request;
    c = r->connection;

    /* post_action has taken over the count of the request that was held */

    if (ngx_http_task_elsewhere(r, w->changes)) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    ngx_http_task_job_wait_watch(w);

    w->op.version = 0;
    w->op.handler = ngx_http_task_job_peeked;

    w->store->type->peek(w->store, &w->op, w->id);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_task_job_peeked(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_uint_t                 ended;
    ngx_http_request_t        *r;
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    r = w->request;

    if (ngx_http_task_elsewhere(r, w->changes)) {
        return;
    }

    /* a job that has expired meanwhile has ended */

    ended = (rc == NGX_DECLINED || (rc == NGX_OK && op->ended));

    if (w->kind == NGX_HTTP_TASK_JOB_STREAM) {
        ngx_http_task_job_stream(w, op->version, ended);
        return;
    }

    if (!ended && !ngx_exiting && ngx_http_task_now() < w->deadline) {
        ngx_add_timer(&w->event, NGX_HTTP_TASK_JOB_TICK);
        return;
    }

    r->read_event_handler = ngx_http_block_reading;

    if (w->kind == NGX_HTTP_TASK_JOB_POLL) {
        rc = ngx_http_task_job_send(r, w->store, w->id);
        ngx_http_task_job_call_end(r, &w->op, rc);
        return;
    }

    op->handler = ngx_http_task_job_prefer_answer;

    w->store->type->read(w->store, op, w->id);
}


/* answers as the task would have, or 202 if the job has not ended in time */

static void
ngx_http_task_job_prefer_answer(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_str_t                  body;
    ngx_http_request_t        *r;
    ngx_http_task_job_seen_t  *seen;
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    r = w->request;
    seen = &op->seen;

    if (ngx_http_task_elsewhere(r, w->changes)) {
        return;
    }

    /* a job that is gone has run, and its result is lost: this is no 404 */

    if (rc != NGX_OK) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else if (seen->state < NGX_HTTP_TASK_JOB_DONE) {
        rc = ngx_http_task_job_accepted(r, w->conf, w->id,
                                        ngx_http_task_job_states[seen->state]);

    } else if (seen->state == NGX_HTTP_TASK_JOB_DONE) {
        rc = ngx_http_task_send(r, seen->status, &seen->result);

    } else if (ngx_http_task_error_detail(r->pool, &seen->result, &body)
               != NGX_OK)
    {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else {
        rc = ngx_http_task_send_error(r, seen->status ? seen->status
                                               : NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      &body);
    }

    ngx_http_task_job_call_end(w->request, &w->op, rc);
}
