
/*
 * Background jobs: a job is a task whose client does not wait.  It runs in the
 * worker that took it, with what it was given in that worker's memory; what
 * others may want to know of it is in the zone, see ngx_http_task_job_zone.c.
 */


#include "jobs/ngx_http_task_jobs.h"


/* how often a worker that has jobs looks for cancels, milliseconds */

#define NGX_HTTP_TASK_JOB_LOOK  50


static ngx_int_t ngx_http_task_job_make(ngx_task_t *t,
    ngx_http_task_job_conf_t *conf);
static void ngx_http_task_job_client_begin(ngx_task_t *t);
static void ngx_http_task_job_client_progress(ngx_task_t *t, int64_t done,
    int64_t total, const char *message);
static ngx_connection_t *ngx_http_task_job_client_enter(ngx_task_t *t);
static ngx_uint_t ngx_http_task_job_client_left(ngx_task_t *t);
static void ngx_http_task_job_client_answer(ngx_task_t *t);
static void ngx_http_task_job_client_release(ngx_task_t *t);
static ngx_int_t ngx_http_task_job_end_record(ngx_task_t *t,
    ngx_http_task_job_state_e state, ngx_uint_t status, ngx_str_t *text);
static ngx_uint_t ngx_http_task_job_result(ngx_task_t *t,
    ngx_http_task_job_state_e *state, ngx_str_t *text);
static void ngx_http_task_job_failed(ngx_task_t *t, ngx_uint_t status,
    ngx_str_t *text);
static void ngx_http_task_job_give_up(ngx_http_task_hold_t *hold);
static void ngx_http_task_job_look(ngx_event_t *ev);


static const ngx_http_task_client_t  ngx_http_task_job_client = {
    .accepted = 1,
    .begin = ngx_http_task_job_client_begin,
    .progress = ngx_http_task_job_client_progress,
    .enter = ngx_http_task_job_client_enter,
    .left = ngx_http_task_job_client_left,
    .answer = ngx_http_task_job_client_answer,
    .release = ngx_http_task_job_client_release
};


/*
 * Whether the client of this request wants a job.  By RFC 7240, where it is up
 * to it: "Prefer: respond-async", and "wait=5" if it waits so long for the
 * result before that.
 */

ngx_uint_t
ngx_http_task_job_wanted(ngx_http_task_job_conf_t *conf, ngx_http_request_t *r,
    ngx_msec_t *wait)
{
    if (conf->background == NGX_HTTP_TASK_BACKGROUND_PREFER) {
        return ngx_http_task_fields_prefer(r, wait);
    }

    *wait = 0;

    return conf->background == NGX_HTTP_TASK_BACKGROUND_ON;
}


ngx_int_t
ngx_http_task_job_accept(ngx_task_t *t, ngx_http_task_job_conf_t *conf,
    ngx_msec_t wait)
{
    u_char                 *id;
    ngx_http_request_t     *r;
    ngx_http_task_limit_t  *limit;

    r = t->request;
    limit = t->conf->limit;

    if (limit && !ngx_http_task_limit_has_room(limit)) {
        ngx_http_task_limit_log(limit, r->connection->log, "no room for a job");
        return ngx_http_task_send_unavailable(r,
                                             ngx_http_task_limit_retry(limit));
    }

    if (ngx_http_task_job_make(t, conf) != NGX_OK) {
        return ngx_http_task_send_unavailable(r, 1);
    }

    ngx_http_task_job_name(t);

    id = ((ngx_http_task_job_t *) t->client_data)->record->id;

    if (wait) {
        return ngx_http_task_job_wait(r, conf->zone, conf, id,
                                      NGX_HTTP_TASK_JOB_PREFER, wait);
    }

    return ngx_http_task_job_accepted(r, conf, id, "queued");
}


static ngx_int_t
ngx_http_task_job_make(ngx_task_t *t, ngx_http_task_job_conf_t *conf)
{
    ngx_int_t                  rc;
    ngx_http_task_job_t       *job;
    ngx_http_task_job_zone_t  *zone;

    zone = conf->zone;

    job = ngx_pcalloc(t->pool, sizeof(ngx_http_task_job_t));

    rc = job ? ngx_http_task_job_add(zone, conf->share, conf->max, job,
                                     &job->record)
             : NGX_ERROR;

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "no room for a job in task_job_zone \"%V\": %s",
                      &zone->name,
                      rc == NGX_BUSY ? "it is full"
                      : rc == NGX_DECLINED ? "this location has \"max\" jobs"
                      : rc == NGX_ABORT ? "too many workers have jobs"
                      : "no memory");
        return rc;
    }

    job->task = t;
    job->zone = zone;
    job->hold.give_up = ngx_http_task_job_give_up;

    t->client_data = job;

    return NGX_OK;
}


void
ngx_http_task_job_start(ngx_task_t *t)
{
    ngx_event_t               *ev;
    ngx_http_task_job_t       *job;
    ngx_http_task_job_zone_t  *zone;

    job = t->client_data;

    if (job == NULL) {
        ngx_http_task_release(t);
        return;
    }

    t->log = ngx_http_task_job_log(t);

    zone = job->zone;
    ev = &zone->event;

    if (ev->handler == NULL) {
        ev->handler = ngx_http_task_job_look;
        ev->data = zone;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;
    }

    zone->running++;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_LOOK);
    }

    ngx_http_task_hold(NGX_HTTP_TASK_HOLD_JOB, &job->hold);

    ngx_http_task_start(t, &ngx_http_task_job_client);
}


static void
ngx_http_task_job_client_begin(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    ngx_http_task_job_begin(job->zone, job->record);
}


static void
ngx_http_task_job_client_progress(ngx_task_t *t, int64_t done, int64_t total,
    const char *message)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    ngx_http_task_job_progress(job->record, done, total, message);
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


/* the task has its final state */

static void
ngx_http_task_job_client_answer(ngx_task_t *t)
{
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_uint_t                  status;
    ngx_http_task_job_t        *job;
    ngx_http_task_job_state_e   state;

    status = ngx_http_task_job_result(t, &state, &text);

    rc = ngx_http_task_job_end_record(t, state, status, &text);

    if (rc != NGX_OK) {
        if (rc == NGX_BUSY) {
            ngx_str_set(&text, "no room for the result");

        } else {
            ngx_str_set(&text, "the result is too large");
        }

        ngx_http_task_job_failed(t, 500, &text);

        state = NGX_HTTP_TASK_JOB_FAILED;

        if (ngx_http_task_job_end_record(t, state, 500, &text) != NGX_OK) {

            /* not even the message has room */

            ngx_str_null(&text);
            (void) ngx_http_task_job_end_record(t, state, 500, &text);
        }
    }

    job = t->client_data;
    job->zone->running--;

    ngx_http_task_unhold(&job->hold);

    ngx_http_task_release(t);
}


static ngx_int_t
ngx_http_task_job_end_record(ngx_task_t *t, ngx_http_task_job_state_e state,
    ngx_uint_t status, ngx_str_t *text)
{
    ngx_int_t             rc;
    ngx_uint_t            busy;
    ngx_http_task_job_t  *job;

    job = t->client_data;

    /* a thread of it may still write its progress */

    busy = (t->piece && t->piece->in_pool);

    rc = ngx_http_task_job_end(job->zone, job->record, state, status, text,
                               busy);

    if (rc == NGX_OK && !busy) {
        job->record = NULL;
    }

    return rc;
}


/* nothing of it runs any more */

static void
ngx_http_task_job_client_release(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    if (job->record) {
        ngx_http_task_job_returned(job->zone, job->record);
    }
}


/* a worker that was told to quit waits no longer */

static void
ngx_http_task_job_give_up(ngx_http_task_hold_t *hold)
{
    ngx_task_t           *t;
    ngx_http_task_job_t  *job;

    job = ngx_queue_data(hold, ngx_http_task_job_t, hold);
    t = job->task;

    ngx_log_error(NGX_LOG_ERR, t->log, 0,
                  "job \"%V\" did not end before task_shutdown_timeout, it is "
                  "lost", &t->function->name);

    t->given_up = 1;
    ngx_http_task_cancel(t);
}


/* one that ends at once; others see that it is gone */

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

        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "job \"%V\" did not end before its worker, it is lost",
                      &t->function->name);
    }
}


/* the text is JSON of one that is done, a message of any other; the status */

static ngx_uint_t
ngx_http_task_job_result(ngx_task_t *t, ngx_http_task_job_state_e *state,
    ngx_str_t *text)
{
    ngx_uint_t               status;
    ngx_http_task_result_t  *result;

    result = &t->result;
    status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_str_null(text);

    switch (t->state) {

    case NGX_HTTP_TASK_DONE:
        *state = NGX_HTTP_TASK_JOB_DONE;
        *text = result->body;
        status = result->status ? result->status : NGX_HTTP_OK;

        if (result->bytes) {
            status = NGX_HTTP_INTERNAL_SERVER_ERROR;
            *state = NGX_HTTP_TASK_JOB_FAILED;
            ngx_str_set(text, "the result of a job has to be JSON");
        }

        break;

    case NGX_HTTP_TASK_CANCELLED:
        status = 0;
        *state = t->given_up ? NGX_HTTP_TASK_JOB_LOST
                             : NGX_HTTP_TASK_JOB_CANCELLED;

        if (t->given_up) {
            ngx_str_set(text, "its worker had to end");
        }

        break;

    case NGX_HTTP_TASK_TIMEOUT:
        *state = NGX_HTTP_TASK_JOB_TIMEOUT;
        status = NGX_HTTP_GATEWAY_TIME_OUT;
        ngx_str_set(text, "Gateway Timeout");
        break;

    default:
        *state = NGX_HTTP_TASK_JOB_FAILED;
        ngx_str_set(text, "Internal Server Error");

        if (result->failed && !result->nomem && !result->misuse) {
            *text = result->detail;
            status = result->failed;
        }
    }

    if (*state == NGX_HTTP_TASK_JOB_FAILED) {
        ngx_http_task_job_failed(t, status, text);
    }

    return status;
}


static void
ngx_http_task_job_failed(ngx_task_t *t, ngx_uint_t status, ngx_str_t *text)
{
    u_char  buf[NGX_HTTP_TASK_LOG_TEXT];
    size_t  len;

    len = ngx_http_task_log_escape(buf, sizeof(buf), text->data, text->len);

    ngx_log_error(ngx_http_task_failed_level(status), t->log, 0,
                  "job \"%V\" failed: %*s", &t->function->name, len, buf);
}


static void
ngx_http_task_job_look(ngx_event_t *ev)
{
    void                      *jobs[NGX_HTTP_TASK_JOB_ASKED];
    ngx_uint_t                 i, n;
    ngx_http_task_job_t       *job;
    ngx_http_task_job_zone_t  *zone;

    zone = ev->data;

    n = ngx_http_task_job_asked(zone, jobs);

    for (i = 0; i < n; i++) {
        job = jobs[i];

        ngx_http_task_cancel(job->task);
    }

    if (zone->running) {
        ngx_add_timer(ev, (n == NGX_HTTP_TASK_JOB_ASKED)
                          ? 1 : NGX_HTTP_TASK_JOB_LOOK);
    }
}
