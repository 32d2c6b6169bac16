
/*
 * Background jobs: a job is a task whose client does not wait.  It runs in the
 * worker that has claimed it; what others may want to know of the job is in a
 * store.
 */


#include "jobs/ngx_http_task_jobs.h"
#include "task/ngx_http_task_stream.h"


static void ngx_http_task_job_client_begin(ngx_task_t *t);
static void ngx_http_task_job_client_progress(ngx_task_t *t, int64_t done,
    int64_t total, const char *message);
static ngx_connection_t *ngx_http_task_job_client_enter(ngx_task_t *t);
static ngx_uint_t ngx_http_task_job_client_left(ngx_task_t *t);
static void ngx_http_task_job_client_answer(ngx_task_t *t);
static void ngx_http_task_job_client_release(ngx_task_t *t);
static void ngx_http_task_job_ended(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_end_again(ngx_task_t *t, ngx_int_t rc);
static const char *ngx_http_task_job_fate(ngx_http_task_job_t *job);
static void ngx_http_task_job_give_up(ngx_http_task_hold_t *hold);


static const ngx_http_task_client_t  ngx_http_task_job_client = {
    .promised = 1,
    .begin = ngx_http_task_job_client_begin,
    .progress = ngx_http_task_job_client_progress,
    .told = ngx_http_task_stream_told,
    .write = ngx_http_task_job_take,
    .enter = ngx_http_task_job_client_enter,
    .left = ngx_http_task_job_client_left,
    .answer = ngx_http_task_job_client_answer,
    .release = ngx_http_task_job_client_release
};


void
ngx_http_task_job_hold(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    t->client = &ngx_http_task_job_client;
    t->log = ngx_http_task_job_log(t);

    job->hold.give_up = ngx_http_task_job_give_up;

    ngx_http_task_hold(NGX_HTTP_TASK_HOLD_JOB, &job->hold);
}


void
ngx_http_task_job_unreserve(ngx_http_task_job_t *job)
{
    if (job->reserved) {
        ngx_http_task_limit_unreserve(job->reserved);
        job->reserved = NULL;
    }
}


void
ngx_http_task_job_run(ngx_task_t *t)
{
    ngx_http_task_start(t, &ngx_http_task_job_client);
}


void
ngx_http_task_job_fail(ngx_task_t *t)
{
    t->rc = NGX_TASK_FAILED;

    ngx_http_task_finish(t);
}


static void
ngx_http_task_job_client_begin(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    job->store->type->begin(job->store, job->op.key);
}


static void
ngx_http_task_job_client_progress(ngx_task_t *t, int64_t done, int64_t total,
    const char *message)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    /* defers and free() of the function may come after the last write */

    if (job->kept) {
        job->store->type->progress(job->store, job->op.key, done, total,
                                   message);
    }
}


static ngx_connection_t *
ngx_http_task_job_client_enter(ngx_task_t *t)
{
    return NULL;
}


static ngx_uint_t
ngx_http_task_job_client_left(ngx_task_t *t)
{
    return 0;
}


/* writes the end of the task to the record */

static void
ngx_http_task_job_client_answer(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    ngx_http_task_timer_clear(&job->timer);
    ngx_http_task_job_unreserve(job);

    if (job->back) {
        t->held = 1;
        job->kept = 0;
        job->op.handler = ngx_http_task_job_ended;

        job->store->type->give_back(job->store, &job->op);
        return;
    }

    if (t->streamed && job->wrong == NULL) {
        ngx_http_task_job_take_last(t);
    }

    ngx_http_task_job_end_set(t);

    /* a thread of the task may still write progress */

    job->end.busy = (t->in_pools != 0);

    /* a thread that returns meanwhile does not free the task */

    t->held = 1;

    job->op.handler = ngx_http_task_job_ended;

    job->store->type->end(job->store, &job->op, &job->end);
}


static void
ngx_http_task_job_ended(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_task_t           *t;
    ngx_http_task_job_t  *job;

    t = op->data;
    job = t->client_data;

    if ((rc == NGX_BUSY || rc == NGX_DECLINED) && job->tries < 2
        && !job->back)
    {
        ngx_http_task_job_end_again(t, rc);
        return;
    }

    /* one that was given back has not ended */

    if (rc != NGX_OK && !job->back) {
        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "the end of job \"%V\" could not be stored",
                      &t->function->name);
    }

    /* what reads its input ahead releases it then */

    t->held = job->ahead;

    if (!job->end.busy) {
        job->kept = 0;
    }

    ngx_http_task_unhold(&job->hold);

    ngx_http_task_release(t);
}


/* ends the job with a message for a result; if even this fails, with none */

static void
ngx_http_task_job_end_again(ngx_task_t *t, ngx_int_t rc)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    job->end.state = NGX_HTTP_TASK_JOB_FAILED;
    job->end.status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_str_null(&job->end.type);

    if (job->tries++) {
        ngx_str_null(&job->end.result);

    } else {
        if (rc == NGX_BUSY) {
            ngx_str_set(&job->end.result, "no room for the result");

        } else {
            ngx_str_set(&job->end.result, "the result is too large");
        }

        ngx_http_task_job_end_log(t, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                  &job->end.result);
    }

    job->store->type->end(job->store, &job->op, &job->end);
}


/*
 * Nothing of the job runs any more, and its end is stored: tells the store, if
 * it waits for that.
 */

static void
ngx_http_task_job_client_release(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    free(job->taken.data);

    if (job->kept) {
        job->kept = 0;
        job->store->type->returned(job->store, job->op.key);
    }
}


ngx_uint_t
ngx_http_task_job_withdraw(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    job->back = 1;

    if (ngx_http_task_withdraw(t)) {
        return 1;
    }

    job->back = 0;

    return 0;
}


/* what is said of a job that is cut off */

static const char *
ngx_http_task_job_fate(ngx_http_task_job_t *job)
{
    return (job->store->attempts > 1) ? "lost or run again" : "lost";
}


/* a worker that quits waits for the job no longer */

static void
ngx_http_task_job_give_up(ngx_http_task_hold_t *hold)
{
    ngx_task_t           *t;
    ngx_http_task_job_t  *job;

    job = ngx_queue_data(hold, ngx_http_task_job_t, hold);
    t = job->task;

    /* the store is writing its end already */

    if (t->state != NGX_HTTP_TASK_PENDING) {
        return;
    }

    /* one that has not begun waits again, for whoever is left */

    if (ngx_http_task_job_withdraw(t)) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, t->log, 0,
                  "job \"%V\" did not end before task_shutdown_timeout, it is "
                  "%s", &t->function->name, ngx_http_task_job_fate(job));

    t->given_up = 1;
    ngx_http_task_cancel(t);
}


/* for a worker that ends: the other workers will see that it is gone */

void
ngx_http_task_jobs_abandon(void)
{
    ngx_task_t            *t;
    ngx_http_task_job_t   *job;
    ngx_http_task_hold_t  *hold;

    for (hold = ngx_http_task_hold_next(NGX_HTTP_TASK_HOLD_JOB, NULL);
         hold;
         hold = ngx_http_task_hold_next(NGX_HTTP_TASK_HOLD_JOB, hold))
    {
        job = ngx_queue_data(hold, ngx_http_task_job_t, hold);
        t = job->task;

        /* one that has not begun waits for another worker */

        if (ngx_http_task_atomic_get(&t->started) <= 0) {
            continue;
        }

        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "job \"%V\" did not end before its worker, it is %s",
                      &t->function->name, ngx_http_task_job_fate(job));
    }
}


void
ngx_http_task_job_cancel(void *data)
{
    ngx_http_task_job_t *job = data;

    if (job->task->state == NGX_HTTP_TASK_PENDING) {
        ngx_http_task_cancel(job->task);
    }
}


void
ngx_http_task_job_lost(void *data)
{
    ngx_http_task_job_t *job = data;

    if (job->task->state == NGX_HTTP_TASK_PENDING) {
        (void) ngx_http_task_job_withdraw(job->task);
    }
}
