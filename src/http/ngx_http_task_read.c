
/*
 * A long body is read in a thread, if there is a pool; in task_mode thread
 * this is the thread in which the function runs.  But a job is accepted only
 * if its body is valid, and an async function needs its arguments: then the
 * body is read here, in a piece of its own, before the task starts.  Without a
 * pool it is read on the event loop, in steps.  The client may leave meanwhile.
 */


#include "http/ngx_http_task_http.h"


/* belongs to a request whose body is read ahead */

typedef struct {
    ngx_task_t                    *task;
    void                         (*handler)(ngx_task_t *t, ngx_int_t rc);

    /* on the event loop; steps is NULL: in a thread */

    ngx_http_task_params_steps_t  *steps;
    ngx_http_task_work_t           work;
} ngx_http_task_read_t;


static ngx_int_t ngx_http_task_read_in_thread(ngx_task_t *t);
static ngx_int_t ngx_http_task_read_in_steps(ngx_task_t *t,
    ngx_http_task_read_t *read);
static ngx_uint_t ngx_http_task_read_step(ngx_http_task_work_t *work);
static ngx_task_rc_t ngx_http_task_read_piece(ngx_task_t *t, void *data);
static void ngx_http_task_read_returned(ngx_http_task_piece_t *piece);
static void ngx_http_task_read_done(ngx_task_t *t, ngx_task_rc_t rc);
static void ngx_http_task_read_timeout(void *data);
static void ngx_http_task_read_give_up(ngx_task_t *t);
static void ngx_http_task_read_end(ngx_task_t *t, ngx_int_t status);
static void ngx_http_task_read_cleanup(void *data);
static void ngx_http_task_read_drop(ngx_task_t *t);
static ngx_uint_t ngx_http_task_read_let_go(ngx_task_t *t);


static const ngx_http_task_piece_type_t  ngx_http_task_read_type = {
    .done = ngx_http_task_read_returned,
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

    read = cln->data;

    ngx_memzero(read, sizeof(ngx_http_task_read_t));

    read->task = t;
    read->handler = handler;

    if (ngx_http_task_timeout_set(t, ngx_http_task_read_timeout) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = t->in.steps ? ngx_http_task_read_in_steps(t, read)
                     : ngx_http_task_read_in_thread(t);

    if (rc != NGX_OK) {
        ngx_http_task_timeout_clear(t);
        return rc;
    }

    cln->handler = ngx_http_task_read_cleanup;

    t->reading = cln;

    ngx_http_task_request_watch(t);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_read_in_thread(ngx_task_t *t)
{
    ngx_int_t               rc;
    ngx_http_task_piece_t  *piece;

    if (ngx_http_task_body_open(&t->in, t->request) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    piece = ngx_http_task_piece_get(t, &t->piece);
    if (piece == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_piece_post(piece, &ngx_http_task_read_type,
                                  t->conf->mode.pool, &t->conf->mode.pool_name,
                                  ngx_http_task_read_piece, NULL);

    return (rc == NGX_BUSY) ? NGX_HTTP_SERVICE_UNAVAILABLE : rc;
}


static ngx_int_t
ngx_http_task_read_in_steps(ngx_task_t *t, ngx_http_task_read_t *read)
{
    read->steps = ngx_pcalloc(t->pool, sizeof(ngx_http_task_params_steps_t));
    if (read->steps == NULL) {
        return NGX_ERROR;
    }

    read->steps->in = &t->in;
    read->work.step = ngx_http_task_read_step;

    ngx_http_task_work_begin(&read->work);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_task_read_step(ngx_http_task_work_t *work)
{
    ngx_int_t              rc;
    ngx_task_t            *t;
    ngx_http_task_read_t  *read;

    read = ngx_queue_data(work, ngx_http_task_read_t, work);
    t = read->task;

    /* nobody waits for it: post_action has the request */

    if (ngx_http_task_elsewhere(t->request, t->changes)) {
        ngx_http_task_read_done(t, NGX_TASK_FAILED);
        return 0;
    }

    rc = ngx_http_task_params_step(read->steps, t->request, &t->args,
                                   &t->result.body);

    if (rc == NGX_AGAIN) {
        return 1;
    }

    t->result.invalid = (rc == NGX_DECLINED);

    ngx_http_task_read_done(t, (rc == NGX_OK) ? NGX_TASK_OK : NGX_TASK_FAILED);

    return 0;
}


static ngx_task_rc_t
ngx_http_task_read_piece(ngx_task_t *t, void *data)
{
    ngx_int_t  rc;

    /* files of a job are in memory: the request will be gone */

    if (t->in.job && ngx_http_task_body_load(&t->in) != NGX_OK) {
        return NGX_TASK_FAILED;
    }

    rc = ngx_http_task_params_read(&t->in, &t->args, &t->result.body);

    t->result.invalid = (rc == NGX_DECLINED);

    /* it is opened again when the task has its turn */

    ngx_http_task_body_close(&t->in);

    return (rc == NGX_OK) ? NGX_TASK_OK : NGX_TASK_FAILED;
}


static void
ngx_http_task_read_returned(ngx_http_task_piece_t *piece)
{
    ngx_http_task_read_done(piece->task, piece->rc);
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

    ngx_http_task_read_drop(t);

    if (waits) {
        ngx_http_finalize_request(r, (status == NGX_HTTP_SERVICE_UNAVAILABLE)
                                  ? ngx_http_task_send_unavailable(r, 1)
                                  : ngx_http_task_send_error(r, status, NULL));
    }
}


/* the request is terminated */

static void
ngx_http_task_read_cleanup(void *data)
{
    ngx_http_task_read_t *read = data;

    ngx_task_t  *t;

    t = read->task;

    ngx_http_task_timeout_clear(t);
    ngx_http_task_read_drop(t);
}


/* the task is freed; if a thread reads its body, when that returns */

static void
ngx_http_task_read_drop(ngx_task_t *t)
{
    ngx_http_task_read_t  *read;

    read = t->reading->data;

    t->request = NULL;

    if (read->steps == NULL) {
        ngx_http_task_piece_stop(t);
        return;
    }

    ngx_http_task_work_end(&read->work);
    ngx_http_task_release(t);
}


/*
 * The request waits for its body no longer, 1 is returned.  0: the client
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
