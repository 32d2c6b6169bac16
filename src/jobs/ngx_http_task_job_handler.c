
/*
 * "task_jobs": tells what becomes of a job, cancels it, or erases it; in any
 * worker.
 */


#include "jobs/ngx_http_task_jobs.h"


static ngx_int_t ngx_http_task_job_asked_id(ngx_str_t *uri, u_char *id);
static ngx_int_t ngx_http_task_job_delete(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);
static void ngx_http_task_job_cancelled(ngx_http_task_job_call_t *call,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_job_forget_it(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);
static void ngx_http_task_job_read_last(ngx_http_task_job_call_t *call,
    ngx_int_t rc);
static void ngx_http_task_job_forgotten(ngx_http_task_job_call_t *call,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_job_get(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id, ngx_uint_t bare);
static ngx_int_t ngx_http_task_job_wrong(ngx_http_request_t *r, ngx_int_t rc,
    ngx_str_t *wrong);
static ngx_int_t ngx_http_task_job_arg(ngx_http_request_t *r,
    const ngx_task_param_t *param, ngx_str_t *max, int64_t *value,
    ngx_str_t *wrong);
static ngx_int_t ngx_http_task_job_arg_invalid(ngx_pool_t *pool,
    const ngx_task_param_t *param, ngx_str_t *text,
    ngx_http_task_invalid_t *invalid, ngx_str_t *wrong);
static ngx_int_t ngx_http_task_job_arg_text(ngx_http_request_t *r,
    const char *arg, ngx_str_t *text);


ngx_int_t
ngx_http_task_job_handler(ngx_http_request_t *r, ngx_http_task_job_conf_t *conf)
{
    u_char       id[NGX_HTTP_TASK_JOB_ID], *last;
    ngx_int_t    rc;
    ngx_str_t    uri;
    ngx_uint_t   bare;

    static ngx_str_t  allow = ngx_string("GET, HEAD, DELETE");
    static ngx_str_t  read = ngx_string("GET, HEAD");
    static ngx_str_t  result = ngx_string("/result");

    uri = r->uri;
    last = uri.data + uri.len;

    bare = (uri.len > result.len
            && ngx_strncmp(last - result.len, result.data, result.len) == 0);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE))
        || (bare && r->method == NGX_HTTP_DELETE))
    {
        return ngx_http_task_send_not_allowed(r, bare ? &read : &allow);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    uri.len -= bare ? result.len : 0;

    if (ngx_http_task_job_asked_id(&uri, id) != NGX_OK) {
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    return (r->method & NGX_HTTP_DELETE)
           ? ngx_http_task_job_delete(r, conf->told, id)
           : ngx_http_task_job_get(r, conf, id, bare);
}


/*
 * The id is behind the last slash; "/result" is not there any more.  The name
 * of a node may precede it, by which a front finds the node; it is skipped
 * here, so that "node" may change.
 */

static ngx_int_t
ngx_http_task_job_asked_id(ngx_str_t *uri, u_char *id)
{
    int          high, low;
    u_char      *p, *first;
    ngx_uint_t   i;

    if (uri->len < 2 * NGX_HTTP_TASK_JOB_ID + 1) {
        return NGX_DECLINED;
    }

    p = uri->data + uri->len - 2 * NGX_HTTP_TASK_JOB_ID;

    for (first = p; first[-1] != '/'; first--) {

        if (first - 1 == uri->data) {
            return NGX_DECLINED;
        }
    }

    if (first < p
        && (p[-1] != '-' || !ngx_http_task_store_is_node(first, p - 1 - first)))
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


static ngx_int_t
ngx_http_task_job_delete(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id)
{
    int64_t                    forget;
    ngx_int_t                  rc;
    ngx_str_t                  wrong;
    ngx_http_task_job_call_t  *call;

    static const ngx_task_param_t  param = {
        .name = "forget", .type = NGX_TASK_BOOL
    };

    rc = ngx_http_task_job_arg(r, &param, NULL, &forget, &wrong);

    if (rc != NGX_OK) {
        return ngx_http_task_job_wrong(r, rc, &wrong);
    }

    if (forget) {
        return ngx_http_task_job_forget_it(r, store, id);
    }

    call = ngx_http_task_job_call(r, store, id);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->handler = ngx_http_task_job_cancelled;

    store->type->cancel(store, &call->op);

    return NGX_DONE;
}


/* answers with the job as it is now, or with 404 */

static void
ngx_http_task_job_cancelled(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    switch (rc) {
    case NGX_ERROR:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        break;

    case NGX_AGAIN:
        rc = ngx_http_task_send_unavailable(call->request, 1);
        break;

    default:
        rc = ngx_http_task_job_send(call->request, call->store, call->op.id);
    }

    ngx_http_task_job_call_done(call, rc);
}


static ngx_int_t
ngx_http_task_job_get(ngx_http_request_t *r, ngx_http_task_job_conf_t *conf,
    u_char *id, ngx_uint_t bare)
{
    int64_t    wait;
    ngx_int_t  rc;
    ngx_str_t  wrong;

    static ngx_str_t               hour = ngx_string("1h");
    static const ngx_task_param_t  param = {
        .name = "wait", .type = NGX_TASK_TIME
    };

    static const char *const  types[] = {
        "application/json", "text/event-stream", NULL
    };

    if (ngx_http_task_fields_vary(r, "Accept") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a subrequest is part of a page: it gets no events */

    if (!bare && r == r->main && ngx_http_task_fields_accept(r, types) == 1) {
        return ngx_http_task_job_stream(r, conf, id);
    }

    rc = ngx_http_task_job_arg(r, &param, &hour, &wait, &wrong);

    if (rc != NGX_OK) {
        return ngx_http_task_job_wrong(r, rc, &wrong);
    }

    if (wait || bare) {
        return ngx_http_task_job_poll(r, conf->told, id, (ngx_msec_t) wait,
                                      bare);
    }

    return ngx_http_task_job_send(r, conf->told, id);
}


static ngx_int_t
ngx_http_task_job_wrong(ngx_http_request_t *r, ngx_int_t rc, ngx_str_t *wrong)
{
    return (rc == NGX_DECLINED)
           ? ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE, wrong)
           : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/*
 * Reads "?wait=30s" or "?forget=1" as parameters of tasks are read; the value
 * is 0 if there is none.  NGX_DECLINED: it is invalid, and wrong is the body
 * of the 422.
 */

static ngx_int_t
ngx_http_task_job_arg(ngx_http_request_t *r, const ngx_task_param_t *param,
    ngx_str_t *max, int64_t *value, ngx_str_t *wrong)
{
    ngx_int_t                 rc;
    ngx_str_t                 text;
    ngx_http_task_arg_t       arg;
    ngx_http_task_space_t     space = { r->pool, NULL };
    ngx_http_task_value_t     v;
    ngx_http_task_invalid_t   invalid;

    *value = 0;

    rc = ngx_http_task_job_arg_text(r, param->name, &text);

    if (rc != NGX_OK || text.data == NULL) {
        return rc;
    }

    ngx_memzero(&arg, sizeof(ngx_http_task_arg_t));
    arg.param = param;

    if (max) {
        (void) ngx_http_task_value_bound(&arg, max, '<', &arg.max);
    }

    rc = ngx_http_task_value_text(&space, &arg, &text, &v, &invalid);

    if (rc == NGX_OK) {
        *value = v.integer;
    }

    return (rc == NGX_DECLINED)
           ? ngx_http_task_job_arg_invalid(r->pool, param, &text, &invalid,
                                           wrong)
           : rc;
}


static ngx_int_t
ngx_http_task_job_arg_invalid(ngx_pool_t *pool, const ngx_task_param_t *param,
    ngx_str_t *text, ngx_http_task_invalid_t *invalid, ngx_str_t *wrong)
{
    cJSON                 *errors, *loc;
    ngx_int_t              rc;
    ngx_http_task_step_t   step = { param->name, 0 };

    errors = NULL;
    loc = ngx_http_task_error_loc("query", &step, 1);

    rc = ngx_http_task_error_invalid(&errors, invalid, loc,
                                 ngx_http_task_error_echo_text(pool, text));

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_error_print(pool, &errors, wrong);
        return (rc == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
    }

    cJSON_Delete(errors);

    return NGX_ERROR;
}


/*
 * Sets the text to the decoded value of an argument, the last one of this
 * name; its data is NULL if there is none.
 */

static ngx_int_t
ngx_http_task_job_arg_text(ngx_http_request_t *r, const char *arg,
    ngx_str_t *text)
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


/* reads a job that has ended, erases it, and answers with what was read */

static ngx_int_t
ngx_http_task_job_forget_it(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id)
{
    ngx_http_task_job_call_t  *call;

    call = ngx_http_task_job_call(r, store, id);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->handler = ngx_http_task_job_read_last;

    store->type->read(store, &call->op);

    return NGX_DONE;
}


static void
ngx_http_task_job_read_last(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        rc = ngx_http_task_job_text(call->op.pool, call->store, &call->op.seen,
                                    &call->text);
    }

    if (rc == NGX_OK && call->op.seen.state < NGX_HTTP_TASK_JOB_DONE) {
        rc = NGX_BUSY;
    }

    call->handler = ngx_http_task_job_forgotten;

    if (rc == NGX_OK) {
        call->store->type->forget(call->store, &call->op);

    } else {
        call->handler(call, rc);
    }
}


static void
ngx_http_task_job_forgotten(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = call->request;

    switch (rc) {
    case NGX_OK:
        rc = ngx_http_task_send(r, NGX_HTTP_OK, &call->text);
        break;

    case NGX_DECLINED:
        rc = ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
        break;

    case NGX_BUSY:
        rc = ngx_http_task_send_error(r, NGX_HTTP_CONFLICT, NULL);
        break;

    case NGX_AGAIN:
        rc = ngx_http_task_send_unavailable(r, 1);
        break;

    default:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_task_job_call_done(call, rc);
}
