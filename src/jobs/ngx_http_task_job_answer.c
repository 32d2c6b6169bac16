
/*
 * What is said of a job: its id, the job as JSON, and the 202.
 */


#include "jobs/ngx_http_task_jobs.h"


static void ngx_http_task_job_send_handler(ngx_http_task_job_call_t *call,
    ngx_int_t rc);
static u_char *ngx_http_task_job_result(u_char *p,
    ngx_http_task_job_seen_t *seen);
static ngx_uint_t ngx_http_task_job_of_events(
    const ngx_http_task_job_seen_t *seen);
static u_char *ngx_http_task_job_time(u_char *p, const char *name, int64_t ms);


/* in the order of ngx_http_task_job_state_e */

const char *const  ngx_http_task_job_states[] = {
    "", "queued", "running", "done", "failed", "cancelled", "timeout", "lost",
    "dead"
};


u_char *
ngx_http_task_job_id(u_char *p, ngx_http_task_store_t *store, u_char *id)
{
    if (store->node.len) {
        p = ngx_cpymem(p, store->node.data, store->node.len);
        *p++ = '-';
    }

    return ngx_hex_dump(p, id, NGX_HTTP_TASK_JOB_ID);
}


ngx_int_t
ngx_http_task_job_send(ngx_http_request_t *r, ngx_http_task_store_t *store,
    u_char *id)
{
    ngx_http_task_job_call_t  *call;

    call = ngx_http_task_job_call(r, store, id);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->handler = ngx_http_task_job_send_handler;

    store->type->read(store, &call->op);

    return NGX_DONE;
}


static void
ngx_http_task_job_send_handler(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    ngx_str_t                  text;
    ngx_http_request_t  *r;

    r = call->request;

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_text(r->pool, call->store, &call->op.seen,
                                    &text);
    }

    switch (rc) {
    case NGX_OK:
        rc = ngx_http_task_send(r, NGX_HTTP_OK, &text);
        break;

    case NGX_DECLINED:
        rc = ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
        break;

    case NGX_AGAIN:
        rc = ngx_http_task_send_unavailable(r, 1);
        break;

    default:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_task_job_call_done(call, rc);
}


ngx_int_t
ngx_http_task_job_text(ngx_pool_t *pool, ngx_http_task_store_t *store,
    ngx_http_task_job_seen_t *seen, ngx_str_t *text)
{
    u_char           *p;
    const ngx_str_t  *error;

    text->data = ngx_pnalloc(pool, 512 + 6 * NGX_HTTP_TASK_JOB_MESSAGE
                                   + 6 * seen->type.len
                                   + 6 * seen->result.len);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_task_job_text_id(text->data, store, seen);
    p = ngx_http_task_job_text_known(p, seen);

    if (seen->state == NGX_HTTP_TASK_JOB_DONE) {
        p = ngx_http_task_job_result(p, seen);

    } else if (seen->state > NGX_HTTP_TASK_JOB_DONE) {
        error = ngx_http_task_job_error(seen);

        if (error->len) {
            p = ngx_sprintf(p, ",\"error\":");
            p += ngx_http_task_json_quote(p, error->data, error->len);
        }
    }

    *p++ = '}';
    text->len = p - text->data;

    return NGX_OK;
}


u_char *
ngx_http_task_job_text_id(u_char *p, ngx_http_task_store_t *store,
    ngx_http_task_job_seen_t *seen)
{
    p = ngx_sprintf(p, "{\"id\":\"");
    p = ngx_http_task_job_id(p, store, seen->id);

    return ngx_sprintf(p, "\",\"state\":\"%s\"",
                       ngx_http_task_job_states[seen->state]);
}


u_char *
ngx_http_task_job_text_known(u_char *p, ngx_http_task_job_seen_t *seen)
{
    p = ngx_http_task_job_time(p, "created", seen->created);
    p = ngx_http_task_job_time(p, "started", seen->started);
    p = ngx_http_task_job_time(p, "ended", seen->ended);

    if (seen->attempts > 1) {
        p = ngx_sprintf(p, ",\"attempt\":%ui,\"attempts\":%ui",
                        seen->attempt, seen->attempts);
    }

    /* the status that the client of a task would have got */

    if (seen->status) {
        p = ngx_sprintf(p, ",\"status\":%ui", seen->status);

    } else {
        p = ngx_sprintf(p, ",\"status\":null");
    }

    p = ngx_sprintf(p, ",\"progress\":{\"done\":");
    p += ngx_http_task_print_int(p, seen->done);
    p = ngx_sprintf(p, ",\"total\":");
    p += ngx_http_task_print_int(p, seen->total);
    p = ngx_sprintf(p, ",\"message\":");
    p += ngx_http_task_json_quote(p, seen->message, ngx_strlen(seen->message));
    *p++ = '}';

    return p;
}


/* who was cancelled, or killed with its worker, has not said why */

const ngx_str_t *
ngx_http_task_job_error(const ngx_http_task_job_seen_t *seen)
{
    static const ngx_str_t  cancelled = ngx_string("the job was cancelled");
    static const ngx_str_t  gone = ngx_string("its worker is gone");

    if (seen->result.len == 0 && seen->state == NGX_HTTP_TASK_JOB_CANCELLED) {
        return &cancelled;
    }

    if (seen->result.len == 0 && seen->state >= NGX_HTTP_TASK_JOB_LOST) {
        return &gone;
    }

    return &seen->result;
}


/* bytes that are text are shown as a string; there are none of events */

static u_char *
ngx_http_task_job_result(u_char *p, ngx_http_task_job_seen_t *seen)
{
    if (seen->type.len == 0) {
        return ngx_sprintf(p, ",\"result\":%V", &seen->result);
    }

    p = ngx_sprintf(p, ",\"content_type\":");
    p += ngx_http_task_json_quote(p, seen->type.data, seen->type.len);
    p = ngx_sprintf(p, ",\"result\":");

    if (ngx_http_task_job_of_events(seen)
        || ngx_http_task_utf8_valid(seen->result.data, seen->result.len)
           != seen->result.len)
    {
        return ngx_cpymem(p, "null", 4);
    }

    return p + ngx_http_task_json_quote(p, seen->result.data,
                                        seen->result.len);
}


/* none of them may be kept */

static ngx_uint_t
ngx_http_task_job_of_events(const ngx_http_task_job_seen_t *seen)
{
    const ngx_str_t  *type;

    type = &ngx_http_task_events_type;

    return seen->event
           || (seen->result.len == 0 && seen->type.len >= type->len
               && ngx_strncasecmp(seen->type.data, type->data, type->len)
                  == 0);
}


/* writes seconds since the epoch, or null */

static u_char *
ngx_http_task_job_time(u_char *p, const char *name, int64_t ms)
{
    if (ms == 0) {
        return ngx_sprintf(p, ",\"%s\":null", name);
    }

    return ngx_sprintf(p, ",\"%s\":%L.%03L", name, ms / 1000, ms % 1000);
}


/* if this fails, the job runs all the same: it is in the store already */

ngx_int_t
ngx_http_task_job_accepted(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id, const char *state)
{
    return ngx_http_task_job_accepted_at(r, conf->store, &conf->location, id,
                                         state, conf->background
                                         == NGX_HTTP_TASK_BACKGROUND_PREFER);
}


ngx_int_t
ngx_http_task_job_accepted_at(ngx_http_request_t *r,
    ngx_http_task_store_t *store, ngx_str_t *location, u_char *id,
    const char *state, ngx_uint_t preferred)
{
    u_char      *p;
    ngx_str_t    href, body, text;
    ngx_uint_t   i;

    ngx_keyval_t  headers[] = {
        { ngx_string("Location"), ngx_null_string },
        { ngx_string("Retry-After"), ngx_string("1") },
        { ngx_string("Preference-Applied"), ngx_string("respond-async") }
    };

    href.len = location->len + NGX_HTTP_TASK_JOB_ID_TEXT;
    href.data = ngx_pnalloc(r->pool, href.len);

    body.data = ngx_pnalloc(r->pool, 7 * href.len + 128);

    if (href.data == NULL || body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = ngx_cpymem(href.data, location->data, location->len);
    p = ngx_http_task_job_id(text.data, store, id);
    text.len = p - text.data;
    href.len = p - href.data;

    p = ngx_sprintf(body.data, "{\"id\":\"%V\",\"state\":\"%s\",\"href\":",
                    &text, state);
    p += ngx_http_task_json_quote(p, href.data, href.len);
    *p++ = '}';

    body.len = p - body.data;
    headers[0].value = href;

    for (i = 0; i < 2 + preferred; i++) {

        if (ngx_http_task_add_header(r, &headers[i].key, &headers[i].value)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    /* else nginx makes the Location absolute, with the address of this node */

    r->headers_out.location = NULL;

    return ngx_http_task_send(r, NGX_HTTP_ACCEPTED, &body);
}
