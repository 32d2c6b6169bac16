
/*
 * "task_jobs": what becomes of a job, told by any worker.
 */


#include "ngx_http_task.h"


static ngx_int_t ngx_http_task_jobs_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_jobs_id(ngx_http_request_t *r, u_char *id);
static ngx_int_t ngx_http_task_jobs_wait(ngx_http_request_t *r,
    ngx_msec_t *wait);
static ngx_int_t ngx_http_task_jobs_forget(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id);
static u_char *ngx_http_task_jobs_time(u_char *p, const char *name, int64_t ms);


/* in the order of ngx_http_task_job_state_e */

const char *const  ngx_http_task_job_states[] = {
    "", "queued", "running", "done", "failed", "cancelled", "timeout", "lost"
};


/* "zone=name" */

char *
ngx_http_task_jobs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t  *value, name;

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "zone=", 5) != 0 || value[1].len == 5) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it must be zone=name",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data + 5;
    name.len = value[1].len - 5;

    tlcf->jobs = ngx_http_task_job_zone_get(cf, &name);

    if (tlcf->jobs == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_jobs_handler);
}


static ngx_int_t
ngx_http_task_jobs_handler(ngx_http_request_t *r)
{
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    ngx_int_t                  rc;
    ngx_str_t                  forget;
    ngx_msec_t                 wait;
    ngx_http_task_loc_conf_t  *tlcf;

    static ngx_str_t  allow = ngx_string("GET, HEAD, DELETE");
    static ngx_str_t  wrong = ngx_string(
        "{\"detail\":[{\"type\":\"time_delta_parsing\","
        "\"loc\":[\"query\",\"wait\"],\"msg\":\"Input should be a valid "
        "timedelta, expected a time up to 1h\"}]}");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (ngx_http_task_jobs_id(r, id) != NGX_OK) {
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (r->method & NGX_HTTP_DELETE) {

        if (ngx_http_arg(r, (u_char *) "forget", 6, &forget) == NGX_OK
            && forget.len == 1 && forget.data[0] == '1')
        {
            return ngx_http_task_jobs_forget(r, tlcf->jobs, id);
        }

        (void) ngx_http_task_job_ask(tlcf->jobs, id);

    } else if (r == r->main && ngx_http_task_accepts(r, "text/event-stream")) {

        /* inside a page there is no room for what comes bit by bit */

        return ngx_http_task_job_wait(r, tlcf->jobs, id,
                                      NGX_HTTP_TASK_JOB_STREAM, 0);

    } else {
        if (ngx_http_task_jobs_wait(r, &wait) != NGX_OK) {
            return ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE,
                                            &wrong);
        }

        if (wait) {
            return ngx_http_task_job_wait(r, tlcf->jobs, id,
                                          NGX_HTTP_TASK_JOB_POLL, wait);
        }
    }

    return ngx_http_task_job_send(r, tlcf->jobs, id);
}


/*
 * What is behind the last slash.  A node's name is for a front that looks who
 * is to be asked: the id alone is the key, so that "node" may be changed.
 */

static ngx_int_t
ngx_http_task_jobs_id(ngx_http_request_t *r, u_char *id)
{
    int          high, low;
    u_char      *p, *first;
    ngx_uint_t   i;

    if (r->uri.len < 2 * NGX_HTTP_TASK_JOB_ID + 1) {
        return NGX_DECLINED;
    }

    p = r->uri.data + r->uri.len - 2 * NGX_HTTP_TASK_JOB_ID;

    for (first = p; first[-1] != '/'; first--) {

        if (first - 1 == r->uri.data) {
            return NGX_DECLINED;
        }
    }

    if (first < p
        && (p[-1] != '-' || !ngx_http_task_job_node(first, p - 1 - first)))
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_ID; i++, p += 2) {
        high = ngx_http_task_hex(p[0]);
        low = ngx_http_task_hex(p[1]);

        if (high < 0 || low < 0) {
            return NGX_DECLINED;
        }

        id[i] = (u_char) (high << 4 | low);
    }

    return NGX_OK;
}


u_char *
ngx_http_task_job_id(u_char *p, ngx_http_task_job_zone_t *zone, u_char *id)
{
    if (zone->node.len) {
        p = ngx_cpymem(p, zone->node.data, zone->node.len);
        *p++ = '-';
    }

    return ngx_hex_dump(p, id, NGX_HTTP_TASK_JOB_ID);
}


/* "?wait=30s"; an hour at most */

static ngx_int_t
ngx_http_task_jobs_wait(ngx_http_request_t *r, ngx_msec_t *wait)
{
    ngx_int_t  ms;
    ngx_str_t  value;

    *wait = 0;

    if (ngx_http_arg(r, (u_char *) "wait", 4, &value) != NGX_OK) {
        return NGX_OK;
    }

    ms = ngx_parse_time(&value, 0);

    if (ms == NGX_ERROR || ms > 3600000) {
        return NGX_DECLINED;
    }

    *wait = (ngx_msec_t) ms;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_job_send(ngx_http_request_t *r, ngx_http_task_job_zone_t *zone,
    u_char *id)
{
    ngx_int_t                 rc;
    ngx_str_t                 text;
    ngx_http_task_job_seen_t  seen;

    rc = ngx_http_task_job_see(zone, id, r->pool, &seen);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (rc != NGX_OK
        || ngx_http_task_job_text(r->pool, zone, &seen, &text) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send(r, NGX_HTTP_OK, &text);
}


/* of a job that has ended: what it was is told once more, and then gone */

static ngx_int_t
ngx_http_task_jobs_forget(ngx_http_request_t *r, ngx_http_task_job_zone_t *zone,
    u_char *id)
{
    ngx_int_t                 rc;
    ngx_str_t                 text;
    ngx_http_task_job_seen_t  seen;

    rc = ngx_http_task_job_see(zone, id, r->pool, &seen);

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_text(r->pool, zone, &seen, &text);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_forget(zone, id);
    }

    switch (rc) {

    case NGX_OK:
        return ngx_http_task_send(r, NGX_HTTP_OK, &text);

    case NGX_DECLINED:
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);

    case NGX_BUSY:
        return ngx_http_task_send_error(r, NGX_HTTP_CONFLICT, NULL);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


ngx_int_t
ngx_http_task_job_text(ngx_pool_t *pool, ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_seen_t *seen, ngx_str_t *text)
{
    u_char               *p, *message;
    size_t                len;
    ngx_http_task_job_t  *job;

    job = &seen->job;
    message = (u_char *) seen->progress.message;
    len = ngx_strlen(message);

    text->data = ngx_pnalloc(pool, 512 + 6 * len + 6 * seen->result.len);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(text->data, "{\"id\":\"");
    p = ngx_http_task_job_id(p, zone, job->id);
    p = ngx_sprintf(p, "\",\"state\":\"%s\"",
                    ngx_http_task_job_states[job->state]);

    p = ngx_http_task_jobs_time(p, "created", job->created);
    p = ngx_http_task_jobs_time(p, "started", job->started);
    p = ngx_http_task_jobs_time(p, "ended", job->ended);

    /* of the answer that the client of a task would have got */

    if (job->status) {
        p = ngx_sprintf(p, ",\"status\":%uD", job->status);

    } else {
        p = ngx_sprintf(p, ",\"status\":null");
    }

    p = ngx_sprintf(p, ",\"progress\":{\"done\":%L,\"total\":%L,\"message\":",
                    seen->progress.done, seen->progress.total);
    p += ngx_http_task_json_quote(p, message, len);
    *p++ = '}';

    if (job->state == NGX_HTTP_TASK_JOB_DONE) {
        p = ngx_sprintf(p, ",\"result\":%V", &seen->result);

    } else if (job->state == NGX_HTTP_TASK_JOB_LOST && !seen->result.len) {
        p = ngx_sprintf(p, ",\"error\":\"its worker is gone\"");

    } else if (seen->result.len) {
        p = ngx_sprintf(p, ",\"error\":");
        p += ngx_http_task_json_quote(p, seen->result.data, seen->result.len);
    }

    *p++ = '}';
    text->len = p - text->data;

    return NGX_OK;
}


/* seconds since the epoch, or null */

static u_char *
ngx_http_task_jobs_time(u_char *p, const char *name, int64_t ms)
{
    if (ms == 0) {
        return ngx_sprintf(p, ",\"%s\":null", name);
    }

    return ngx_sprintf(p, ",\"%s\":%L.%03L", name, ms / 1000, ms % 1000);
}
