
/*
 * Background jobs: a job is a task whose client does not wait.  It runs in the
 * worker that took it, with what it was given in that worker's memory; what
 * others may want to know of it is in the zone, see ngx_http_task_job_zone.c.
 */


#include "ngx_http_task.h"


/* how often a worker that has jobs looks for cancels, milliseconds */

#define NGX_HTTP_TASK_JOB_LOOK  50


static ngx_int_t ngx_http_task_job_zone_option(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, ngx_str_t *text);
static ngx_int_t ngx_http_task_job_accepted(ngx_task_t *t);
static void ngx_http_task_job_result(ngx_task_t *t,
    ngx_http_task_job_state_e *state, ngx_str_t *text);
static void ngx_http_task_job_look(ngx_event_t *ev);


ngx_http_task_job_zone_t *
ngx_http_task_job_zone_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_task_job_zone_t    *zone, **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);
    zones = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {
        if (zones[i]->name.len == name->len
            && ngx_strncmp(zones[i]->name.data, name->data, name->len) == 0)
        {
            return zones[i];
        }
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_job_zone_t));
    zones = ngx_array_push(&tmcf->job_zones);

    if (zone == NULL || zones == NULL) {
        return NULL;
    }

    *zones = zone;

    zone->name = *name;
    ngx_http_task_conf_place(cf, &zone->place);

    zone->ttl = 3600000;
    zone->max_body = 16384;
    zone->max_result = 65536;

    return zone;
}


/* "name:size [ttl=1h] [max_body=16k] [max_result=64k]" */

char *
ngx_http_task_job_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                    *p;
    ssize_t                    size;
    ngx_str_t                 *value, name, text;
    ngx_uint_t                 i;
    ngx_http_task_job_zone_t  *zone;

    value = cf->args->elts;
    name = value[1];

    p = ngx_strlchr(name.data, name.data + name.len, ':');

    if (p == NULL || p == name.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\", it must be name:size",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    text.data = p + 1;
    text.len = name.data + name.len - text.data;
    name.len = p - name.data;

    size = ngx_http_task_zone_size(cf, "task_job_zone", &name, &text,
                                   &ngx_http_task_core_module);

    if (size == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) (2 * sizeof(ngx_http_task_job_sh_t))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, it must have at least "
                           "%uz bytes", &name,
                           2 * sizeof(ngx_http_task_job_sh_t));
        return NGX_CONF_ERROR;
    }

    zone = ngx_http_task_job_zone_get(cf, &name);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (zone->shm_zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"",
                           &name);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_task_job_zone_option(cf, zone, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return (ngx_http_task_job_zone_create(cf, zone, size) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_task_job_zone_option(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_str_t *text)
{
    ssize_t    n;
    ngx_str_t  value;

    n = NGX_ERROR;

    if (ngx_strncmp(text->data, "ttl=", 4) == 0) {
        value.data = text->data + 4;
        value.len = text->len - 4;
        n = ngx_parse_time(&value, 0);
        zone->ttl = n;

    } else if (ngx_strncmp(text->data, "max_body=", 9) == 0) {
        value.data = text->data + 9;
        value.len = text->len - 9;
        n = ngx_parse_size(&value);
        zone->max_body = n;

    } else if (ngx_strncmp(text->data, "max_result=", 11) == 0) {
        value.data = text->data + 11;
        value.len = text->len - 11;
        n = ngx_parse_size(&value);
        zone->max_result = n;
    }

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "invalid parameter \"%V\"", text);
    }

    return NGX_OK;
}


/* "off | on zone=name [location=/jobs/]" */

char *
ngx_http_task_background(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t   *value, name;
    ngx_uint_t   i;

    if (tlcf->background != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        tlcf->background = 0;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be \"off\", or \"on\" "
                           "and \"zone=name\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    tlcf->background = 1;
    ngx_str_set(&tlcf->job_location, "/jobs/");

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "zone=", 5) == 0 && value[i].len > 5) {
            name.data = value[i].data + 5;
            name.len = value[i].len - 5;

            tlcf->job_zone = ngx_http_task_job_zone_get(cf, &name);

            if (tlcf->job_zone == NULL) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_strncmp(value[i].data, "location=/", 10) == 0) {
            tlcf->job_location.data = value[i].data + 9;
            tlcf->job_location.len = value[i].len - 9;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (tlcf->job_zone == NULL) {
        return "must have \"zone\" parameter";
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_task_job_check(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_task_job_zone_t   **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);
    zones = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {

        if (zones[i]->shm_zone == NULL) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &zones[i]->place,
                           "zone \"%V\" of jobs is not defined by a "
                           "\"task_job_zone\"", &zones[i]->name);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_job_accept(ngx_task_t *t)
{
    ngx_http_request_t     *r;
    ngx_http_task_limit_t  *limit;

    r = t->request;
    limit = t->conf->limit;

    if (t->body.len > t->conf->job_zone->max_body) {
        return ngx_http_task_send_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        NULL);
    }

    if (limit && !ngx_http_task_limit_has_room(limit)) {
        ngx_log_error(limit->log_level, r->connection->log, 0,
                      "limiting tasks, no room for a job");
        return ngx_http_task_send_unavailable(r, 1);
    }

    t->job = ngx_http_task_job_add(t->conf->job_zone);

    if (t->job == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "no room for a job in task_job_zone \"%V\"",
                      &t->conf->job_zone->name);
        return ngx_http_task_send_unavailable(r, 1);
    }

    return ngx_http_task_job_accepted(t);
}


/* the job is there, whatever becomes of the answer */

static ngx_int_t
ngx_http_task_job_accepted(ngx_task_t *t)
{
    u_char              *p;
    ngx_str_t            href, body, name, retry;
    ngx_http_request_t  *r;

    r = t->request;

    href.len = t->conf->job_location.len + 2 * NGX_HTTP_TASK_JOB_ID;
    href.data = ngx_pnalloc(r->pool, href.len);

    body.data = ngx_pnalloc(r->pool, 7 * href.len + 128);

    if (href.data == NULL || body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(href.data, t->conf->job_location.data,
                   t->conf->job_location.len);
    (void) ngx_hex_dump(p, t->job->id, NGX_HTTP_TASK_JOB_ID);

    p = ngx_sprintf(body.data, "{\"id\":\"%*s\",\"state\":\"queued\",\"href\":",
                    (size_t) 2 * NGX_HTTP_TASK_JOB_ID, p);
    p += ngx_http_task_json_quote(p, href.data, href.len);
    *p++ = '}';

    body.len = p - body.data;

    ngx_str_set(&name, "Location");

    if (ngx_http_task_add_header(r, &name, &href) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&name, "Retry-After");
    ngx_str_set(&retry, "1");

    if (ngx_http_task_add_header(r, &name, &retry) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

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

    t->log = ngx_cycle->log;

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

    ngx_http_task_hold();

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
    ngx_str_t                   text;
    ngx_http_task_job_zone_t   *zone;
    ngx_http_task_job_state_e   state;

    zone = t->conf->job_zone;

    ngx_http_task_job_result(t, &state, &text);

    /* a thread of it may still write its progress */

    ngx_http_task_atomic_set(&t->job->busy, t->piece && t->piece->in_pool);

    if (ngx_http_task_job_end(zone, t->job, state, &text) != NGX_OK) {
        ngx_str_set(&text, "the result is too large");
        ngx_log_error(NGX_LOG_ERR, t->log, 0, "job \"%V\" failed: %V",
                      &t->function->name, &text);

        if (ngx_http_task_job_end(zone, t->job, NGX_HTTP_TASK_JOB_FAILED, &text)
            != NGX_OK)
        {
            ngx_str_null(&text);
            (void) ngx_http_task_job_end(zone, t->job, NGX_HTTP_TASK_JOB_FAILED,
                                         &text);
        }
    }

    ngx_queue_remove(&t->jobs);
    zone->by_job[t->job - zone->sh->jobs] = NULL;

    ngx_http_task_unhold();

    ngx_http_task_release(t);
}


/* the text is JSON of one that is done, a message of any other */

static void
ngx_http_task_job_result(ngx_task_t *t, ngx_http_task_job_state_e *state,
    ngx_str_t *text)
{
    ngx_http_task_result_t  *result;

    result = &t->result;
    ngx_str_null(text);

    switch (t->state) {

    case NGX_HTTP_TASK_DONE:
        *state = NGX_HTTP_TASK_JOB_DONE;
        *text = result->body;

        if (result->bytes) {
            *state = NGX_HTTP_TASK_JOB_FAILED;
            ngx_str_set(text, "the result of a job has to be JSON");
        }

        break;

    case NGX_HTTP_TASK_CANCELLED:
        *state = t->given_up ? NGX_HTTP_TASK_JOB_LOST
                             : NGX_HTTP_TASK_JOB_CANCELLED;

        if (t->given_up) {
            ngx_str_set(text, "its worker had to end");
        }

        break;

    case NGX_HTTP_TASK_TIMEOUT:
        *state = NGX_HTTP_TASK_JOB_TIMEOUT;
        ngx_str_set(text, "Gateway Timeout");
        break;

    case NGX_HTTP_TASK_REJECTED:
        *state = NGX_HTTP_TASK_JOB_FAILED;
        ngx_str_set(text, "Service Unavailable");
        break;

    default:
        *state = NGX_HTTP_TASK_JOB_FAILED;
        ngx_str_set(text, "Internal Server Error");

        if (result->failed && !result->nomem && !result->misuse) {
            *text = result->detail;
        }
    }

    if (*state == NGX_HTTP_TASK_JOB_FAILED) {
        ngx_log_error(NGX_LOG_ERR, t->log, 0, "job \"%V\" failed: %V",
                      &t->function->name, text);
    }
}


static void
ngx_http_task_job_look(ngx_event_t *ev)
{
    ngx_int_t                  i, n;
    ngx_task_t                *t;
    ngx_queue_t               *q, *next;
    ngx_http_task_job_t       *jobs[NGX_HTTP_TASK_JOB_ASKED];
    ngx_http_task_job_zone_t  *zone;

    zone = ev->data;

    n = ngx_http_task_job_asked(zone, jobs);

    for (i = 0; i < n; i++) {
        t = zone->by_job[jobs[i] - zone->sh->jobs];

        if (t && ngx_http_task_atomic_get(&t->job->cancel)) {
            ngx_http_task_cancel(t);
        }
    }

    for (q = ngx_queue_head(&zone->tasks);
         n < 0 && q != ngx_queue_sentinel(&zone->tasks);
         q = next)
    {
        next = ngx_queue_next(q);
        t = ngx_queue_data(q, ngx_task_t, jobs);

        if (ngx_http_task_atomic_get(&t->job->cancel)) {
            ngx_http_task_cancel(t);
        }
    }

    if (!ngx_queue_empty(&zone->tasks)) {
        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_LOOK);
    }
}


/* a worker that was told to quit waits no longer */

void
ngx_http_task_jobs_give_up(void)
{
    ngx_uint_t                   i;
    ngx_task_t                  *t;
    ngx_queue_t                 *q;
    ngx_http_task_job_zone_t   **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_task_module);
    zones = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {

        if (zones[i]->event.handler == NULL) {
            continue;
        }

        while (!ngx_queue_empty(&zones[i]->tasks)) {
            q = ngx_queue_head(&zones[i]->tasks);
            t = ngx_queue_data(q, ngx_task_t, jobs);

            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "job \"%V\" did not end before "
                          "task_shutdown_timeout, it is lost",
                          &t->function->name);

            t->given_up = 1;
            ngx_http_task_cancel(t);
        }
    }
}
