
/*
 * What is said of a job: its id, the job as JSON, the 202 that tells of it.
 */


#include "jobs/ngx_http_task_jobs.h"


static u_char *ngx_http_task_job_time(u_char *p, const char *name, int64_t ms);


/* in the order of ngx_http_task_job_state_e */

const char *const  ngx_http_task_job_states[] = {
    "", "queued", "running", "done", "failed", "cancelled", "timeout", "lost"
};


u_char *
ngx_http_task_job_id(u_char *p, ngx_http_task_job_zone_t *zone, u_char *id)
{
    if (zone->node.len) {
        p = ngx_cpymem(p, zone->node.data, zone->node.len);
        *p++ = '-';
    }

    return ngx_hex_dump(p, id, NGX_HTTP_TASK_JOB_ID);
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


ngx_int_t
ngx_http_task_job_text(ngx_pool_t *pool, ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_seen_t *seen, ngx_str_t *text)
{
    u_char               *p, *message;
    size_t                len;
    ngx_http_task_record_t  *job;

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

    p = ngx_http_task_job_time(p, "created", job->created);
    p = ngx_http_task_job_time(p, "started", job->started);
    p = ngx_http_task_job_time(p, "ended", job->ended);

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
ngx_http_task_job_time(u_char *p, const char *name, int64_t ms)
{
    if (ms == 0) {
        return ngx_sprintf(p, ",\"%s\":null", name);
    }

    return ngx_sprintf(p, ",\"%s\":%L.%03L", name, ms / 1000, ms % 1000);
}


/* the job is there, whatever becomes of the answer */

ngx_int_t
ngx_http_task_job_accepted(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id, const char *state)
{
    u_char      *p;
    ngx_str_t    href, body, text;
    ngx_uint_t   i;

    ngx_keyval_t  headers[] = {
        { ngx_string("Location"), ngx_null_string },
        { ngx_string("Retry-After"), ngx_string("1") },
        { ngx_string("Preference-Applied"), ngx_string("respond-async") }
    };

    href.len = conf->location.len + NGX_HTTP_TASK_JOB_ID_TEXT;
    href.data = ngx_pnalloc(r->pool, href.len);

    body.data = ngx_pnalloc(r->pool, 7 * href.len + 128);

    if (href.data == NULL || body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = ngx_cpymem(href.data, conf->location.data,
                           conf->location.len);
    p = ngx_http_task_job_id(text.data, conf->zone, id);
    text.len = p - text.data;
    href.len = p - href.data;

    p = ngx_sprintf(body.data, "{\"id\":\"%V\",\"state\":\"%s\",\"href\":",
                    &text, state);
    p += ngx_http_task_json_quote(p, href.data, href.len);
    *p++ = '}';

    body.len = p - body.data;
    headers[0].value = href;

    for (i = 0; i < 3; i++) {

        if (i == 2 && conf->background != NGX_HTTP_TASK_BACKGROUND_PREFER) {
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
