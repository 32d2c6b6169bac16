
/*
 * A request that waits for the answer of a store: it is held meanwhile, and
 * drops its call when it is terminated.
 */


#include "jobs/ngx_http_task_jobs.h"


static void ngx_http_task_job_call_cleanup(void *data);
static void ngx_http_task_job_call_handler(ngx_http_task_store_op_t *op,
    ngx_int_t rc);


ngx_http_task_job_call_t *
ngx_http_task_job_call(ngx_http_request_t *r, ngx_http_task_store_t *store,
    u_char *id)
{
    ngx_http_task_job_call_t  *call;

    call = ngx_http_task_job_call_of(r, store, id,
                                     sizeof(ngx_http_task_job_call_t));
    if (call) {
        ngx_http_task_job_call_hold(call);
    }

    return call;
}


ngx_http_task_job_call_t *
ngx_http_task_job_call_of(ngx_http_request_t *r, ngx_http_task_store_t *store,
    u_char *id, size_t size)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_task_job_call_t  *call;

    call = ngx_pcalloc(r->pool, size);
    cln = ngx_http_cleanup_add(r, 0);

    if (call == NULL || cln == NULL) {
        return NULL;
    }

    call->op.handler = ngx_http_task_job_call_handler;
    call->op.pool = r->pool;
    call->request = r;
    call->changes = r->uri_changes;
    call->store = store;
    ngx_memcpy(call->op.id, id, NGX_HTTP_TASK_JOB_ID);

    cln->handler = ngx_http_task_job_call_cleanup;
    cln->data = call;

    return call;
}


void
ngx_http_task_job_call_hold(ngx_http_task_job_call_t *call)
{
    call->request->main->count++;
}


static void
ngx_http_task_job_call_cleanup(void *data)
{
    ngx_http_task_job_call_t *call = data;

    ngx_http_task_store_drop(&call->op);
}


static void
ngx_http_task_job_call_handler(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_task_job_call_t  *call;

    call = (ngx_http_task_job_call_t *) op;

    if (ngx_http_task_job_call_goes_on(call->request, call->changes, op->late))
    {
        call->handler(call, rc);
    }
}


void
ngx_http_task_job_call_done(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    ngx_http_task_job_call_end(call->request, call->op.late, rc);
}


/* post_action may have taken the request, with our count of it */

ngx_uint_t
ngx_http_task_job_call_goes_on(ngx_http_request_t *r, ngx_uint_t changes,
    ngx_uint_t late)
{
    if (ngx_http_task_elsewhere(r, changes)) {
        return 0;
    }

    if (late) {
        ngx_http_set_log_request(r->connection->log, r);
    }

    return 1;
}


void
ngx_http_task_job_call_end(ngx_http_request_t *r, ngx_uint_t late,
    ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_finalize_request(r, rc);

    /* if the call was not late, its caller runs them */

    if (late) {
        ngx_http_run_posted_requests(c);
    }
}
