
/*
 * A long body is read in a thread, if there is a pool: in task_mode thread
 * where the function runs.  What has to be known before, whether a job is
 * accepted, and what an async function is given, is read here, in a piece of
 * its own.  The client may leave meanwhile.
 */


#include "ngx_http_task.h"


static ngx_task_rc_t ngx_http_task_read_piece(ngx_task_t *t, void *data);
static void ngx_http_task_read_cleanup(void *data);


ngx_int_t
ngx_http_task_read_ahead(ngx_task_t *t)
{
    ngx_int_t            rc;
    ngx_http_cleanup_t  *cln;

    cln = ngx_http_cleanup_add(t->request, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_task_body_open(t) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = ngx_http_task_thread_post(t, t->conf->mode.pool,
                                   &t->conf->mode.pool_name,
                                   ngx_http_task_read_piece, NULL);

    if (rc != NGX_OK) {
        return (rc == NGX_BUSY) ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_ERROR;
    }

    cln->handler = ngx_http_task_read_cleanup;
    cln->data = t;

    t->reading = cln;

    ngx_http_task_wait(t);

    return NGX_OK;
}


static ngx_task_rc_t
ngx_http_task_read_piece(ngx_task_t *t, void *data)
{
    if (ngx_http_task_body_load(t) != NGX_OK
        || ngx_http_task_params_read(t) != NGX_OK)
    {
        return NGX_TASK_FAILED;
    }

    return NGX_TASK_OK;
}


/* its request is terminated: what the thread has is freed when it returns */

static void
ngx_http_task_read_cleanup(void *data)
{
    ngx_task_t *t = data;

    ngx_http_task_thread_wake(t);

    t->request = NULL;
}


void
ngx_http_task_read_done(ngx_task_t *t, ngx_task_rc_t rc)
{
    ngx_int_t            status;
    ngx_connection_t    *c;
    ngx_http_cleanup_t  *cln;

    cln = t->reading;
    t->reading = NULL;

    if (t->request == NULL) {
        ngx_http_task_release(t);
        return;
    }

    c = ngx_http_task_enter(t);

    cln->handler = NULL;

    t->request->read_event_handler = ngx_http_block_reading;
    t->watched = 0;

    switch (rc) {

    case NGX_TASK_OK:
        status = NGX_OK;
        break;

    case NGX_TASK_CANCELLED:

        /* by a worker that ends */

        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        break;

    default:
        status = t->result.invalid ? NGX_DECLINED : NGX_ERROR;
    }

    ngx_http_task_go(t, status);

    ngx_http_task_leave(c);
}
