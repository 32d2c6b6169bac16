
/*
 * A long body is read in a thread, if there is a pool: in task_mode thread
 * where the function runs.  What has to be known before, whether a job is
 * accepted, and what an async function is given, is read here, in a piece of
 * its own.  The client may leave meanwhile.
 */


#include "task/ngx_http_task.h"


static ngx_task_rc_t ngx_http_task_read_piece(ngx_task_t *t, void *data);
static void ngx_http_task_read_cleanup(void *data);
static ngx_uint_t ngx_http_task_read_let_go(ngx_task_t *t);


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

    if (ngx_http_task_timeout_set(t) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_thread_post(t, t->conf->mode.pool,
                                   &t->conf->mode.pool_name,
                                   ngx_http_task_read_piece, NULL);

    if (rc != NGX_OK) {
        ngx_http_task_timeout_clear(t);

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

    ngx_http_task_timeout_clear(t);
    ngx_http_task_thread_wake(t);

    t->request = NULL;
}


/*
 * The request does not wait for the thread any more; or, 0, it has not for a
 * while: the client left, and what it had to wait with is post_action's.
 */

static ngx_uint_t
ngx_http_task_read_let_go(ngx_task_t *t)
{
    ngx_http_task_timeout_clear(t);

    t->reading->handler = NULL;

    if (ngx_http_task_elsewhere(t->request, t->changes)) {
        return 0;
    }

    t->request->read_event_handler = ngx_http_block_reading;
    t->watched = 0;

    return 1;
}


void
ngx_http_task_read_end(ngx_task_t *t, ngx_int_t status)
{
    ngx_uint_t           waits;
    ngx_http_request_t  *r;

    r = t->request;

    if (r == NULL) {
        return;
    }

    waits = ngx_http_task_read_let_go(t);

    ngx_http_task_thread_wake(t);

    t->request = NULL;

    if (waits) {
        ngx_http_finalize_request(r, (status == NGX_HTTP_SERVICE_UNAVAILABLE)
                                  ? ngx_http_task_send_unavailable(r, 1)
                                  : ngx_http_task_send_error(r, status, NULL));
    }
}


void
ngx_http_task_read_done(ngx_task_t *t, ngx_task_rc_t rc)
{
    ngx_uint_t         waits;
    ngx_connection_t  *c;

    waits = t->request && ngx_http_task_read_let_go(t);

    t->reading = NULL;

    if (!waits) {
        t->request = NULL;
        ngx_http_task_release(t);
        return;
    }

    c = ngx_http_task_enter(t);

    if (rc == NGX_TASK_OK) {
        ngx_http_task_go(t, NGX_OK);

    } else {
        ngx_http_task_go(t, t->result.invalid ? NGX_DECLINED : NGX_ERROR);
    }

    ngx_http_task_leave(c);
}
