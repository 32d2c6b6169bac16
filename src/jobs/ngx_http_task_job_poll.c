
/*
 * Requests that wait until a job has ended, or their time is over: a GET with
 * "wait", which is then told of the job; and the request that made the job,
 * which is answered as by the task, or with 202.
 */


#include "jobs/ngx_http_task_jobs.h"


/* nanoseconds */

#define NGX_HTTP_TASK_JOB_SOON  1000000


static ngx_int_t ngx_http_task_job_poll_wait(ngx_http_request_t *r,
    ngx_http_task_store_t *store, ngx_http_task_job_conf_t *conf, u_char *id,
    ngx_msec_t time);
static void ngx_http_task_job_poll_look(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_poll_made(ngx_http_task_store_op_t *op,
    ngx_int_t rc);


ngx_int_t
ngx_http_task_job_poll(ngx_http_request_t *r, ngx_http_task_store_t *store,
    u_char *id, ngx_msec_t time)
{
    return ngx_http_task_job_poll_wait(r, store, NULL, id, time);
}


ngx_int_t
ngx_http_task_job_prefer(ngx_http_request_t *r, ngx_http_task_job_conf_t *conf,
    u_char *id, ngx_msec_t time)
{
    return ngx_http_task_job_poll_wait(r, conf->store, conf, id, time);
}


static ngx_int_t
ngx_http_task_job_poll_wait(ngx_http_request_t *r,
    ngx_http_task_store_t *store, ngx_http_task_job_conf_t *conf, u_char *id,
    ngx_msec_t time)
{
    ngx_http_task_job_wait_t  *w;

    w = ngx_http_task_job_wait_create(r, store, id);
    if (w == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->look = ngx_http_task_job_poll_look;
    w->conf = conf;
    w->deadline = ngx_http_task_now() + (int64_t) time * 1000000;

    return ngx_http_task_job_wait(w);
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

    if (w->conf == NULL) {
        rc = ngx_http_task_job_send(w->request, w->store, w->op.id);
        ngx_http_task_job_wait_end(w, rc);
        return;
    }

    w->op.handler = ngx_http_task_job_poll_made;
    w->op.pool = w->request->pool;

    w->store->type->read(w->store, &w->op);
}


/* answers as the task would have, or 202 if the job has not ended in time */

static void
ngx_http_task_job_poll_made(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_str_t                  body;
    ngx_http_request_t        *r;
    ngx_http_task_job_seen_t  *seen;
    ngx_http_task_job_wait_t  *w;

    w = op->data;
    r = w->request;
    seen = &op->seen;

    w->late |= op->late;

    if (!ngx_http_task_job_call_goes_on(r, w->changes, w->late)) {
        return;
    }

    /* a job that is gone has run, and its result is lost: this is no 404 */

    if (rc == NGX_DECLINED) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else if (rc == NGX_ERROR) {
        rc = ngx_http_task_job_accepted(r, w->conf, op->id, "queued");

    } else if (seen->state < NGX_HTTP_TASK_JOB_DONE) {
        rc = ngx_http_task_job_accepted(r, w->conf, op->id,
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

    ngx_http_task_job_wait_end(w, rc);
}
