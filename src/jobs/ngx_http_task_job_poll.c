
/*
 * Requests that wait until a job has ended, or their time is over: a GET with
 * "wait", which is then told of the job; one for the result alone, and the
 * request that made the job, which are answered as by the task, or with 202.
 */


#include "jobs/ngx_http_task_jobs.h"


/* nanoseconds */

#define NGX_HTTP_TASK_JOB_SOON  1000000


static ngx_http_task_job_wait_t *ngx_http_task_job_poll_wait(
    ngx_http_request_t *r, ngx_http_task_store_t *store, u_char *id,
    ngx_msec_t time);
static void ngx_http_task_job_poll_look(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_poll_made(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_job_poll_none(ngx_http_task_job_wait_t *w,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_job_poll_not_yet(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_poll_ended(ngx_http_task_job_wait_t *w);
static ngx_int_t ngx_http_task_job_poll_error(ngx_http_request_t *r,
    ngx_http_task_job_seen_t *seen);


ngx_int_t
ngx_http_task_job_poll(ngx_http_request_t *r, ngx_http_task_store_t *store,
    u_char *id, ngx_msec_t time, ngx_uint_t bare)
{
    ngx_http_task_job_wait_t  *w;

    w = ngx_http_task_job_poll_wait(r, store, id, time);
    if (w == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->bare = bare;

    return ngx_http_task_job_wait(w);
}


ngx_int_t
ngx_http_task_job_prefer(ngx_http_request_t *r, ngx_http_task_job_conf_t *conf,
    u_char *id, ngx_msec_t time)
{
    ngx_http_task_job_wait_t  *w;

    w = ngx_http_task_job_poll_wait(r, conf->store, id, time);
    if (w == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->conf = conf;

    return ngx_http_task_job_wait(w);
}


static ngx_http_task_job_wait_t *
ngx_http_task_job_poll_wait(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id, ngx_msec_t time)
{
    ngx_http_task_job_wait_t  *w;

    w = ngx_http_task_job_wait_create(r, store, id);

    if (w) {
        w->look = ngx_http_task_job_poll_look;
        w->deadline = ngx_http_task_now() + (int64_t) time * 1000000;
    }

    return w;
}


/* a job that has just begun may end at once: the second look is a soon one */

static void
ngx_http_task_job_poll_look(ngx_http_task_job_wait_t *w)
{
    int64_t    now;
    ngx_int_t  rc;

    now = ngx_http_task_now();

    if (!w->ended && !w->failed && !ngx_exiting && now < w->deadline) {

        switch (w->looks++) {

        case 0:
            ngx_http_task_job_wait_next(w, now + NGX_HTTP_TASK_JOB_SOON);
            return;

        case 1:
            ngx_http_task_job_wait_ask(w);
            return;

        default:
            ngx_http_task_job_wait_next(w, w->deadline);
            return;
        }
    }

    ngx_http_task_store_drop(&w->op);

    w->request->read_event_handler = ngx_http_block_reading;

    if (w->conf == NULL && !w->bare) {
        rc = ngx_http_task_job_send(w->request, w->store, w->op.id);
        ngx_http_task_job_wait_end(w, rc);
        return;
    }

    w->op.handler = ngx_http_task_job_poll_made;
    w->op.pool = w->request->pool;
    w->op.events = 1;

    w->store->type->read(w->store, &w->op);
}


/* answers as the task would have, or 202 if the job has not ended in time */

static void
ngx_http_task_job_poll_made(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    w->late |= op->late;

    if (!ngx_http_task_job_call_goes_on(w->request, w->changes, w->late)) {
        return;
    }

    if (rc != NGX_OK) {
        rc = ngx_http_task_job_poll_none(w, rc);

    } else if (op->seen.state < NGX_HTTP_TASK_JOB_DONE) {
        rc = ngx_http_task_job_poll_not_yet(w);

    } else {
        rc = ngx_http_task_job_poll_ended(w);
    }

    ngx_http_task_job_wait_end(w, rc);
}


/* the store tells no job, or nothing */

static ngx_int_t
ngx_http_task_job_poll_none(ngx_http_task_job_wait_t *w, ngx_int_t rc)
{
    /* the state file, which may have it, is being read */

    if (rc == NGX_AGAIN) {
        return ngx_http_task_send_unavailable(w->request, 1);
    }

    if (w->conf && rc == NGX_ERROR) {
        return ngx_http_task_job_accepted(w->request, w->conf, w->op.id,
                                          "queued");
    }

    /* to who made it this is no 404: it has run, and its result is lost */

    if (w->conf || rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(w->request, NGX_HTTP_NOT_FOUND, NULL);
}


static ngx_int_t
ngx_http_task_job_poll_not_yet(ngx_http_task_job_wait_t *w)
{
    ngx_str_t                  text;
    ngx_http_request_t        *r;
    ngx_http_task_job_seen_t  *seen;

    static ngx_str_t  name = ngx_string("Retry-After");
    static ngx_str_t  value = ngx_string("1");

    r = w->request;
    seen = &w->op.seen;

    if (w->conf) {
        return ngx_http_task_job_accepted(r, w->conf, w->op.id,
                                        ngx_http_task_job_states[seen->state]);
    }

    if (ngx_http_task_job_text(r->pool, w->store, seen, &text) != NGX_OK
        || ngx_http_task_add_header(r, &name, &value) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send(r, NGX_HTTP_ACCEPTED, &text);
}


static ngx_int_t
ngx_http_task_job_poll_ended(ngx_http_task_job_wait_t *w)
{
    ngx_http_request_t        *r;
    ngx_http_task_job_seen_t  *seen;

    r = w->request;
    seen = &w->op.seen;

    if (seen->state != NGX_HTTP_TASK_JOB_DONE) {
        return ngx_http_task_job_poll_error(r, seen);
    }

    if (seen->type.len == 0) {
        return ngx_http_task_send(r, seen->status, &seen->result);
    }

    /* of events there are those that are kept */

    return ngx_http_task_send_body(r, seen->status, &seen->type,
                                   seen->event ? &seen->events
                                               : &seen->result);
}


/* what is gone by a client's wish is no error of the server */

static ngx_int_t
ngx_http_task_job_poll_error(ngx_http_request_t *r,
    ngx_http_task_job_seen_t *seen)
{
    ngx_str_t         body;
    ngx_uint_t        status;
    const ngx_str_t  *error;

    error = ngx_http_task_job_error(seen);

    if (ngx_http_task_error_detail(r->pool, error, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    status = seen->status;

    if (status == 0) {
        status = (seen->state == NGX_HTTP_TASK_JOB_CANCELLED)
                 ? NGX_HTTP_TASK_GONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, status, &body);
}
