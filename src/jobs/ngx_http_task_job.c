
/*
 * Background jobs: a job is a task whose client does not wait.  It runs in the
 * worker that took it, with what it was given in that worker's memory; what
 * others may want to know of it is in the zone, see ngx_http_task_job_zone.c.
 */


#include "task/ngx_http_task.h"


/* how often a worker that has jobs looks for cancels, milliseconds */

#define NGX_HTTP_TASK_JOB_LOOK  50


static ngx_int_t ngx_http_task_job_create(ngx_task_t *t);
static ngx_uint_t ngx_http_task_job_result(ngx_task_t *t,
    ngx_http_task_job_state_e *state, ngx_str_t *text);
static void ngx_http_task_job_failed(ngx_task_t *t, ngx_uint_t status,
    ngx_str_t *text);
static void ngx_http_task_job_look(ngx_event_t *ev);


/*
 * Whether the client of this request wants a job.  By RFC 7240, where it is up
 * to it: "Prefer: respond-async", and "wait=5" if it waits so long for the
 * result before that.
 */

ngx_uint_t
ngx_http_task_job_wanted(ngx_http_request_t *r, ngx_msec_t *wait)
{
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (tlcf->background == NGX_HTTP_TASK_BACKGROUND_PREFER) {
        return ngx_http_task_fields_prefer(r, wait);
    }

    *wait = 0;

    return tlcf->background == NGX_HTTP_TASK_BACKGROUND_ON;
}


ngx_int_t
ngx_http_task_job_accept(ngx_task_t *t)
{
    ngx_http_request_t     *r;
    ngx_http_task_limit_t  *limit;

    r = t->request;
    limit = t->conf->limit;

    if (limit && !ngx_http_task_limit_has_room(limit)) {
        ngx_log_error(limit->log_level, r->connection->log, 0,
                      "limiting tasks, no room for a job");
        return ngx_http_task_send_unavailable(r,
                                             ngx_http_task_limit_retry(limit));
    }

    if (ngx_http_task_job_create(t) != NGX_OK) {
        return ngx_http_task_send_unavailable(r, 1);
    }

    ngx_http_task_job_name(t);

    if (t->wait) {
        return ngx_http_task_job_wait(r, t->conf->job_zone, t->job->id,
                                      NGX_HTTP_TASK_JOB_PREFER, t->wait);
    }

    return ngx_http_task_job_accepted(r, t->conf, t->job->id, "queued");
}


static ngx_int_t
ngx_http_task_job_create(ngx_task_t *t)
{
    ngx_int_t                  rc;
    ngx_http_task_job_zone_t  *zone;

    zone = t->conf->job_zone;

    rc = ngx_http_task_job_add(zone, t->conf->job_share, t->conf->job_max,
                               &t->job);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "no room for a job in task_job_zone \"%V\": %s",
                      &zone->name,
                      rc == NGX_BUSY ? "it is full"
                      : rc == NGX_DECLINED ? "this location has \"max\" jobs"
                      : rc == NGX_ABORT ? "too many workers have jobs"
                      : "no memory");
    }

    return rc;
}


/* the job is there, whatever becomes of the answer */

ngx_int_t
ngx_http_task_job_accepted(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf, u_char *id, const char *state)
{
    u_char      *p;
    ngx_str_t    href, body, text;
    ngx_uint_t   i;

    ngx_keyval_t  headers[] = {
        { ngx_string("Location"), ngx_null_string },
        { ngx_string("Retry-After"), ngx_string("1") },
        { ngx_string("Preference-Applied"), ngx_string("respond-async") }
    };

    href.len = tlcf->job_location.len + NGX_HTTP_TASK_JOB_ID_TEXT;
    href.data = ngx_pnalloc(r->pool, href.len);

    body.data = ngx_pnalloc(r->pool, 7 * href.len + 128);

    if (href.data == NULL || body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = ngx_cpymem(href.data, tlcf->job_location.data,
                           tlcf->job_location.len);
    p = ngx_http_task_job_id(text.data, tlcf->job_zone, id);
    text.len = p - text.data;
    href.len = p - href.data;

    p = ngx_sprintf(body.data, "{\"id\":\"%V\",\"state\":\"%s\",\"href\":",
                    &text, state);
    p += ngx_http_task_json_quote(p, href.data, href.len);
    *p++ = '}';

    body.len = p - body.data;
    headers[0].value = href;

    for (i = 0; i < 3; i++) {

        if (i == 2 && tlcf->background != NGX_HTTP_TASK_BACKGROUND_PREFER) {
            break;
        }

        if (ngx_http_task_add_header(r, &headers[i].key, &headers[i].value)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    /* nginx would make it absolute, with the address of this node */

    r->headers_out.location = NULL;

    return ngx_http_task_send(r, NGX_HTTP_ACCEPTED, &body);
}


void
ngx_http_task_job_start(ngx_task_t *t)
{
    ngx_event_t               *ev;
    ngx_http_task_job_zone_t  *zone;

    if (t->job == NULL) {
        ngx_http_task_release(t);
        return;
    }

    t->log = ngx_http_task_job_log(t);

    zone = t->conf->job_zone;
    ev = &zone->event;

    if (ev->handler == NULL) {
        ngx_queue_init(&zone->tasks);

        ev->handler = ngx_http_task_job_look;
        ev->data = zone;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;
    }

    ngx_queue_insert_tail(&zone->tasks, &t->jobs);
    zone->by_job[t->job - zone->sh->jobs] = t;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_LOOK);
    }

    ngx_http_task_hold(NGX_HTTP_TASK_HOLD_JOB);

    ngx_http_task_stats_start(t);

    if (ngx_http_task_timeout_set(t) != NGX_OK) {
        t->result.nomem = 1;
        t->rc = NGX_TASK_FAILED;
        ngx_http_task_finish(t);
        return;
    }

    ngx_http_task_limit_start(t);
}


void
ngx_http_task_job_ended(ngx_task_t *t)
{
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_uint_t                  status, busy;
    ngx_http_task_job_zone_t   *zone;
    ngx_http_task_job_state_e   state;

    zone = t->conf->job_zone;

    ngx_queue_remove(&t->jobs);
    zone->by_job[t->job - zone->sh->jobs] = NULL;

    status = ngx_http_task_job_result(t, &state, &text);

    /* a thread of it may still write its progress */

    busy = (t->piece && t->piece->in_pool);

    rc = ngx_http_task_job_end(zone, t->job, state, status, &text, busy);

    if (rc != NGX_OK) {
        if (rc == NGX_BUSY) {
            ngx_str_set(&text, "no room for the result");

        } else {
            ngx_str_set(&text, "the result is too large");
        }

        ngx_http_task_job_failed(t, 500, &text);

        state = NGX_HTTP_TASK_JOB_FAILED;

        if (ngx_http_task_job_end(zone, t->job, state, 500, &text, busy)
            != NGX_OK)
        {
            /* not even the message has room */

            ngx_str_null(&text);
            (void) ngx_http_task_job_end(zone, t->job, state, 500, &text, busy);
        }
    }

    if (!busy) {
        t->job = NULL;
    }

    ngx_http_task_unhold(NGX_HTTP_TASK_HOLD_JOB);

    ngx_http_task_release(t);
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
    ngx_uint_t                 i, n;
    ngx_task_t                *t;
    ngx_http_task_job_t       *jobs[NGX_HTTP_TASK_JOB_ASKED];
    ngx_http_task_job_zone_t  *zone;

    zone = ev->data;

    n = ngx_http_task_job_asked(zone, jobs);

    for (i = 0; i < n; i++) {
        t = zone->by_job[jobs[i] - zone->sh->jobs];

        /* it may have ended meanwhile, and another job be in its place */

        if (t && t->job->cancel) {
            ngx_http_task_cancel(t);
        }
    }

    if (!ngx_queue_empty(&zone->tasks)) {
        ngx_add_timer(ev, (n == NGX_HTTP_TASK_JOB_ASKED)
                          ? 1 : NGX_HTTP_TASK_JOB_LOOK);
    }
}
