
/*
 * A long body is read in a thread, if there is a pool; in task_mode thread
 * this is the thread in which the function runs.  But a job is accepted only
 * if its body is valid, and an async function needs its arguments: then the
 * body is read here, in a piece of its own, before the task starts.  The
 * client may leave meanwhile.
 */


#include "http/ngx_http_task_http.h"


static ngx_task_rc_t ngx_http_task_read_piece(ngx_task_t *t, void *data);
static void ngx_http_task_read_done(ngx_task_t *t, ngx_task_rc_t rc);
static void ngx_http_task_read_timeout(void *data);
static void ngx_http_task_read_give_up(ngx_task_t *t);
static void ngx_http_task_read_end(ngx_task_t *t, ngx_int_t status);
static void ngx_http_task_read_cleanup(void *data);
static ngx_uint_t ngx_http_task_read_let_go(ngx_task_t *t);


/* belongs to a request whose body a thread reads */

typedef struct {
    ngx_task_t   *task;
    void        (*handler)(ngx_task_t *t, ngx_int_t rc);
} ngx_http_task_read_t;


static const ngx_http_task_piece_type_t  ngx_http_task_read_type = {
    .done = ngx_http_task_read_done,
    .give_up = ngx_http_task_read_give_up
};


ngx_int_t
ngx_http_task_read_ahead(ngx_task_t *t,
    void (*handler)(ngx_task_t *t, ngx_int_t rc))
{
    ngx_int_t              rc;
    ngx_http_cleanup_t    *cln;
    ngx_http_task_read_t  *read;

    cln = ngx_http_cleanup_add(t->request, sizeof(ngx_http_task_read_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_task_body_open(&t->in, t->request) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_http_task_timeout_set(t, ngx_http_task_read_timeout) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_piece_post(t, &ngx_http_task_read_type,
                                  t->conf->mode.pool, &t->conf->mode.pool_name,
                                  ngx_http_task_read_piece, NULL);

    if (rc != NGX_OK) {
        ngx_http_task_timeout_clear(t);

        return (rc == NGX_BUSY) ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_ERROR;
    }

    read = cln->data;

    read->task = t;
    read->handler = handler;

    cln->handler = ngx_http_task_read_cleanup;

    t->reading = cln;

    ngx_http_task_request_watch(t);

    return NGX_OK;
}


static ngx_task_rc_t
ngx_http_task_read_piece(ngx_task_t *t, void *data)
{
    ngx_int_t  rc;

    if (ngx_http_task_body_load(&t->in) != NGX_OK) {
        return NGX_TASK_FAILED;
    }

    rc = ngx_http_task_params_read(&t->in, &t->args, &t->result.body);

    t->result.invalid = (rc == NGX_DECLINED);

    return (rc == NGX_OK) ? NGX_TASK_OK : NGX_TASK_FAILED;
}


static void
ngx_http_task_read_done(ngx_task_t *t, ngx_task_rc_t rc)
{
    ngx_uint_t             waits;
    ngx_connection_t      *c;
    ngx_http_task_read_t  *read;

    waits = t->request && ngx_http_task_read_let_go(t);

    if (!waits) {
        t->request = NULL;
        ngx_http_task_release(t);
        return;
    }

    c = ngx_http_task_request_enter(t);

    read = t->reading->data;

    if (rc == NGX_TASK_OK) {
        read->handler(t, NGX_OK);

    } else {
        read->handler(t, t->result.invalid ? NGX_DECLINED : NGX_ERROR);
    }

    ngx_http_task_leave(c);
}


/* task_timeout is over before the task could start */

static void
ngx_http_task_read_timeout(void *data)
{
    ngx_task_t *t = data;

    ngx_connection_t  *c;

    c = ngx_http_task_request_enter(t);

    ngx_http_task_timeout_log(t);
    ngx_http_task_read_end(t, NGX_HTTP_GATEWAY_TIME_OUT);

    ngx_http_task_leave(c);
}


static void
ngx_http_task_read_give_up(ngx_task_t *t)
{
    ngx_connection_t  *c;

    c = ngx_http_task_request_enter(t);

    ngx_http_task_read_end(t, NGX_HTTP_SERVICE_UNAVAILABLE);

    ngx_http_task_leave(c);
}


/* answers before the body is read, if the client still waits */

static void
ngx_http_task_read_end(ngx_task_t *t, ngx_int_t status)
{
    ngx_uint_t           waits;
    ngx_http_request_t  *r;

    r = t->request;

    if (r == NULL) {
        return;
    }

    waits = ngx_http_task_read_let_go(t);

    ngx_http_task_piece_wake(t);

    t->request = NULL;

    if (waits) {
        ngx_http_finalize_request(r, (status == NGX_HTTP_SERVICE_UNAVAILABLE)
                                  ? ngx_http_task_send_unavailable(r, 1)
                                  : ngx_http_task_send_error(r, status, NULL));
    }
}


/* the request is terminated: the task is freed when the thread returns */

static void
ngx_http_task_read_cleanup(void *data)
{
    ngx_http_task_read_t *read = data;

    ngx_task_t  *t;

    t = read->task;

    ngx_http_task_timeout_clear(t);
    ngx_http_task_piece_wake(t);

    t->request = NULL;
}


/*
 * The request waits for the thread no longer, 1 is returned.  0: the client
 * has left before, and the request's event handlers are post_action's now.
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
    t->request->write_event_handler = ngx_http_request_empty_handler;
    t->watched = 0;

    return 1;
}
