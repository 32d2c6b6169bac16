
/*
 * "task_jobs": what becomes of a job, told by any worker.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_jobs_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_jobs_id(ngx_http_request_t *r, u_char *id);
static ngx_int_t ngx_http_task_jobs_delete(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id);
static ngx_int_t ngx_http_task_jobs_forget(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id);
static ngx_int_t ngx_http_task_jobs_get(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id);
static ngx_int_t ngx_http_task_jobs_wrong(ngx_http_request_t *r, ngx_int_t rc,
    ngx_str_t *wrong);
static ngx_int_t ngx_http_task_jobs_arg(ngx_http_request_t *r,
    const ngx_task_param_t *param, ngx_str_t *max, int64_t *value,
    ngx_str_t *wrong);
static ngx_int_t ngx_http_task_jobs_invalid(ngx_pool_t *pool,
    const ngx_task_param_t *param, ngx_str_t *text,
    ngx_http_task_invalid_t *invalid, ngx_str_t *wrong);
static ngx_int_t ngx_http_task_jobs_text(ngx_http_request_t *r,
    const char *arg, ngx_str_t *text);
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
    ngx_http_task_loc_conf_t  *tlcf;

    static ngx_str_t  allow = ngx_string("GET, HEAD, DELETE");

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

    return (r->method & NGX_HTTP_DELETE)
           ? ngx_http_task_jobs_delete(r, tlcf->jobs, id)
           : ngx_http_task_jobs_get(r, tlcf->jobs, id);
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


static ngx_int_t
ngx_http_task_jobs_delete(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id)
{
    int64_t    forget;
    ngx_int_t  rc;
    ngx_str_t  wrong;

    static const ngx_task_param_t  param = {
        "forget", NGX_TASK_BOOL, 0, NULL, NULL, NULL, "", NULL, 0
    };

    rc = ngx_http_task_jobs_arg(r, &param, NULL, &forget, &wrong);

    if (rc != NGX_OK) {
        return ngx_http_task_jobs_wrong(r, rc, &wrong);
    }

    if (forget) {
        return ngx_http_task_jobs_forget(r, zone, id);
    }

    (void) ngx_http_task_job_ask(zone, id);

    return ngx_http_task_job_send(r, zone, id);
}


static ngx_int_t
ngx_http_task_jobs_get(ngx_http_request_t *r, ngx_http_task_job_zone_t *zone,
    u_char *id)
{
    int64_t    wait;
    ngx_int_t  rc;
    ngx_str_t  wrong;

    static ngx_str_t               hour = ngx_string("1h");
    static const ngx_task_param_t  param = {
        "wait", NGX_TASK_TIME, 0, NULL, NULL, NULL, "", NULL, 0
    };

    static const char *const  types[] = {
        "application/json", "text/event-stream", NULL
    };

    if (ngx_http_task_fields_vary(r, "Accept") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* inside a page there is no room for what comes bit by bit */

    if (r == r->main && ngx_http_task_fields_accept(r, types) == 1) {
        return ngx_http_task_job_wait(r, zone, id, NGX_HTTP_TASK_JOB_STREAM, 0);
    }

    rc = ngx_http_task_jobs_arg(r, &param, &hour, &wait, &wrong);

    if (rc != NGX_OK) {
        return ngx_http_task_jobs_wrong(r, rc, &wrong);
    }

    return wait ? ngx_http_task_job_wait(r, zone, id, NGX_HTTP_TASK_JOB_POLL,
                                         (ngx_msec_t) wait)
                : ngx_http_task_job_send(r, zone, id);
}


static ngx_int_t
ngx_http_task_jobs_wrong(ngx_http_request_t *r, ngx_int_t rc, ngx_str_t *wrong)
{
    return (rc == NGX_DECLINED)
           ? ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE, wrong)
           : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/*
 * "?wait=30s", "?forget=1": read as parameters of tasks are; 0 where it is not
 * given.  NGX_DECLINED: see wrong.
 */

static ngx_int_t
ngx_http_task_jobs_arg(ngx_http_request_t *r, const ngx_task_param_t *param,
    ngx_str_t *max, int64_t *value, ngx_str_t *wrong)
{
    ngx_int_t                 rc;
    ngx_str_t                 text;
    ngx_http_task_arg_t       arg;
    ngx_http_task_value_t     v;
    ngx_http_task_invalid_t   invalid;

    *value = 0;

    rc = ngx_http_task_jobs_text(r, param->name, &text);

    if (rc != NGX_OK || text.data == NULL) {
        return rc;
    }

    ngx_memzero(&arg, sizeof(ngx_http_task_arg_t));
    arg.param = param;

    if (max) {
        (void) ngx_http_task_value_bound(&arg, max, '<', &arg.max);
    }

    rc = ngx_http_task_value_text(r->pool, &arg, &text, &v, &invalid);

    if (rc == NGX_OK) {
        *value = v.integer;
    }

    return (rc == NGX_DECLINED)
           ? ngx_http_task_jobs_invalid(r->pool, param, &text, &invalid, wrong)
           : rc;
}


static ngx_int_t
ngx_http_task_jobs_invalid(ngx_pool_t *pool, const ngx_task_param_t *param,
    ngx_str_t *text, ngx_http_task_invalid_t *invalid, ngx_str_t *wrong)
{
    cJSON      *errors, *loc;
    ngx_int_t   rc;

    errors = NULL;
    loc = ngx_http_task_error_loc("query", cJSON_CreateString(param->name));

    rc = ngx_http_task_error_invalid(&errors, invalid, loc,
                                 ngx_http_task_error_echo_text(pool, text));

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_error_print(pool, &errors, wrong);
        return (rc == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
    }

    cJSON_Delete(errors);

    return NGX_ERROR;
}


/* decoded; of a name that comes twice the last counts; NULL: it is not given */

static ngx_int_t
ngx_http_task_jobs_text(ngx_http_request_t *r, const char *arg, ngx_str_t *text)
{
    u_char                *p, *end;
    size_t                 len;
    ngx_http_task_span_t   name, value;

    ngx_str_null(text);

    if (r->args.len == 0) {
        return NGX_OK;
    }

    p = ngx_pstrdup(r->pool, &r->args);
    if (p == NULL) {
        return NGX_ERROR;
    }

    end = p + r->args.len;
    len = ngx_strlen(arg);

    while (ngx_http_task_query_pair(&p, end, &name, &value)) {

        if (name.len == len && ngx_strncmp(name.data, arg, len) == 0) {
            text->data = (u_char *) value.data;
            text->len = value.len;
        }
    }

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

    /* one that ends between the two is told as it ended, or not erased */

    if (rc == NGX_OK) {
        rc = (seen.job.state < NGX_HTTP_TASK_JOB_DONE)
             ? NGX_BUSY : ngx_http_task_job_forget(zone, id);
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

    p = ngx_sprintf(p, ",\"progress\":{\"done\":");
    p += ngx_http_task_print_int(p, seen->progress.done);
    p = ngx_sprintf(p, ",\"total\":");
    p += ngx_http_task_print_int(p, seen->progress.total);
    p = ngx_sprintf(p, ",\"message\":");
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
