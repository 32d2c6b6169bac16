
/*
 * "POST /jobs/ID?retry=1": a job that has failed, or was lost, is queued again,
 * where "task_jobs" has "list=on".
 */


#include "jobs/ngx_http_task_job_query.h"


static void ngx_http_task_job_requeued(ngx_http_task_job_call_t *call,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_job_requeue_location(ngx_http_request_t *r,
    ngx_str_t *location);


ngx_int_t
ngx_http_task_job_requeue(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id)
{
    ngx_int_t                  rc;
    ngx_http_task_value_t      retry;
    ngx_http_task_job_call_t  *call;
    ngx_http_task_job_args_t   args = { r, NULL };

    static const ngx_task_param_t  param = {
        .name = "retry", .type = NGX_TASK_ENUM, .choices = "1|true"
    };

    retry.integer = -1;

    rc = ngx_http_task_job_arg(&args, &param, &retry);

    if (rc == NGX_OK && args.errors == NULL && retry.integer == -1) {
        rc = ngx_http_task_job_arg_missing(&args, &param);
    }

    if (rc != NGX_OK || args.errors) {
        return ngx_http_task_job_args_wrong(&args, rc);
    }

    call = ngx_http_task_job_call(r, conf->told, id);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->handler = ngx_http_task_job_requeued;

    conf->told->type->retry(conf->told, &call->op);

    return NGX_DONE;
}


static void
ngx_http_task_job_requeued(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    ngx_str_t            location;
    ngx_http_request_t  *r;

    static ngx_str_t  busy = ngx_string("{\"detail\":\"Only a job that is "
                       "failed, lost or dead, and that no thread still runs, "
                       "can be tried again\"}");
    static ngx_str_t  gone = ngx_string("{\"detail\":\"What the job was made "
                       "of is not kept any more, it cannot be tried "
                       "again\"}");

    r = call->request;

    switch (rc) {

    case NGX_OK:
        rc = ngx_http_task_job_requeue_location(r, &location);

        if (rc == NGX_OK) {
            rc = ngx_http_task_job_accepted_at(r, call->store, &location,
                                               call->op.id, "queued", 0);
        }

        break;

    case NGX_DECLINED:
        rc = ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
        break;

    case NGX_BUSY:
        rc = ngx_http_task_send_error(r, NGX_HTTP_CONFLICT, &busy);
        break;

    case NGX_ABORT:
        rc = ngx_http_task_send_error(r, NGX_HTTP_TASK_GONE, &gone);
        break;

    case NGX_AGAIN:
        rc = ngx_http_task_send_unavailable(r, 1);
        break;

    case NGX_DONE:
        rc = ngx_http_task_job_unkept(r);
        break;

    default:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_task_job_call_done(call, rc);
}


ngx_int_t
ngx_http_task_job_unkept(ngx_http_request_t *r)
{
    static ngx_str_t  unkept = ngx_string("{\"detail\":\"It is done, but the "
                       "state file cannot be written: it may not be so any "
                       "more after a stop\"}");

    return ngx_http_task_send_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, &unkept);
}


/* the address of the request, up to the id */

static ngx_int_t
ngx_http_task_job_requeue_location(ngx_http_request_t *r, ngx_str_t *location)
{
    size_t     n;
    u_char    *p;
    ngx_str_t  uri;

    uri = r->uri;

    while (uri.len && uri.data[uri.len - 1] != '/') {
        uri.len--;
    }

    n = ngx_escape_uri(NULL, uri.data, uri.len, NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, uri.len + 2 * n + 1);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location->data = p;
    p = (u_char *) ngx_escape_uri(p, uri.data, uri.len, NGX_ESCAPE_URI);

    if (n == 0) {
        p = ngx_cpymem(location->data, uri.data, uri.len);
    }

    location->len = p - location->data;

    return NGX_OK;
}
