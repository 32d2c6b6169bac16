
/*
 * "task_jobs": tells what becomes of a job, cancels it, erases it, or has it
 * tried again; in any worker.
 */


#include "jobs/ngx_http_task_job_query.h"


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
static ngx_uint_t ngx_http_task_job_is_list(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_job_handler_list(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf);


ngx_int_t
ngx_http_task_job_handler(ngx_http_request_t *r, ngx_http_task_job_conf_t *conf)
{
    u_char       id[NGX_HTTP_TASK_JOB_ID], *last;
    ngx_int_t    rc;
    ngx_str_t    uri;
    ngx_uint_t   bare, methods;

    static ngx_str_t  all = ngx_string("GET, HEAD, POST, DELETE");
    static ngx_str_t  allow = ngx_string("GET, HEAD, DELETE");
    static ngx_str_t  read = ngx_string("GET, HEAD");
    static ngx_str_t  result = ngx_string("/result");

    if (conf->list && ngx_http_task_job_is_list(r)) {
        return ngx_http_task_job_handler_list(r, conf);
    }

    uri = r->uri;
    last = uri.data + uri.len;

    bare = (uri.len > result.len
            && ngx_strncmp(last - result.len, result.data, result.len) == 0);

    methods = NGX_HTTP_GET|NGX_HTTP_HEAD;

    if (!bare) {
        methods |= NGX_HTTP_DELETE | (conf->list ? NGX_HTTP_POST : 0);
    }

    if (!(r->method & methods)) {
        return ngx_http_task_send_not_allowed(r, bare ? &read : conf->list
                                                 ? &all : &allow);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    uri.len -= bare ? result.len : 0;

    if (ngx_http_task_job_asked_id(&uri, id) != NGX_OK) {
        return ngx_http_task_send_error(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    switch (r->method) {

    case NGX_HTTP_DELETE:
        return ngx_http_task_job_delete(r, conf->told, id);

    case NGX_HTTP_POST:
        return ngx_http_task_job_requeue(r, conf, id);

    default:
        return ngx_http_task_job_get(r, conf, id, bare);
    }
}


/* the location itself, with or without a slash at its end */

static ngx_uint_t
ngx_http_task_job_is_list(ngx_http_request_t *r)
{
    ngx_str_t                  uri, name;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    uri = r->uri;

#if (NGX_PCRE)
    if (clcf->regex) {
        return uri.data[uri.len - 1] == '/';
    }
#endif

    name = clcf->name;

    uri.len -= (uri.len && uri.data[uri.len - 1] == '/');
    name.len -= (name.len && name.data[name.len - 1] == '/');

    return uri.len == name.len
           && ngx_strncmp(uri.data, name.data, name.len) == 0;
}


static ngx_int_t
ngx_http_task_job_handler_list(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf)
{
    ngx_int_t  rc;

    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    rc = ngx_http_discard_request_body(r);

    return (rc == NGX_OK) ? ngx_http_task_job_list_send(r, conf) : rc;
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
    ngx_int_t                  rc;
    ngx_http_task_value_t      forget;
    ngx_http_task_job_call_t  *call;
    ngx_http_task_job_args_t   args = { r, NULL };

    static const ngx_task_param_t  param = {
        .name = "forget", .type = NGX_TASK_BOOL
    };

    forget.integer = 0;

    rc = ngx_http_task_job_arg(&args, &param, &forget);

    if (rc != NGX_OK || args.errors) {
        return ngx_http_task_job_args_wrong(&args, rc);
    }

    if (forget.integer) {
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

    case NGX_DONE:
        rc = ngx_http_task_job_unkept(call->request);
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
    ngx_int_t                  rc;
    ngx_http_task_value_t      wait;
    ngx_http_task_job_args_t   args = { r, NULL };

    static const ngx_task_param_t  param = {
        .name = "wait", .type = NGX_TASK_TIME, .max = "1h"
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

    wait.integer = 0;

    rc = ngx_http_task_job_arg(&args, &param, &wait);

    if (rc != NGX_OK || args.errors) {
        return ngx_http_task_job_args_wrong(&args, rc);
    }

    if (wait.integer || bare) {
        return ngx_http_task_job_poll(r, conf->told, id,
                                      (ngx_msec_t) wait.integer, bare);
    }

    return ngx_http_task_job_send(r, conf->told, id);
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

    case NGX_DONE:
        rc = ngx_http_task_job_unkept(r);
        break;

    default:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_task_job_call_done(call, rc);
}
