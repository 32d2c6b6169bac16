
/*
 * task_mode thread: the blocking form in a thread of one of nginx's pools.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_thread_start(ngx_task_t *t);
static void ngx_http_task_thread_done(ngx_http_task_piece_t *piece);


const ngx_http_task_executor_t  ngx_http_task_thread = {
    .name = ngx_string("thread"),
    .block = 1,
    .thread = 1,
    .start = ngx_http_task_thread_start,
    .cancel = ngx_http_task_piece_stop
};


static const ngx_http_task_piece_type_t  ngx_http_task_thread_piece = {
    .done = ngx_http_task_thread_done
};


static void
ngx_http_task_thread_start(ngx_task_t *t)
{
    ngx_int_t               rc;
    ngx_http_task_piece_t  *piece;

    piece = ngx_http_task_piece_get(t, &t->piece);

    rc = piece ? ngx_http_task_piece_post(piece, &ngx_http_task_thread_piece,
                                          t->conf->mode.pool,
                                          &t->conf->mode.pool_name, NULL, NULL)
               : NGX_ERROR;

    switch (rc) {

    case NGX_OK:
        ngx_http_task_wait(t);
        break;

    case NGX_BUSY:
        ngx_http_task_reject(t, 1);
        break;

    default:
        ngx_http_task_no_memory(t);
        t->rc = NGX_TASK_FAILED;
        ngx_http_task_finish(t);
    }
}


static void
ngx_http_task_thread_done(ngx_http_task_piece_t *piece)
{
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = piece->task;

    if (t->state != NGX_HTTP_TASK_PENDING) {
        ngx_http_task_stopped(t);
        ngx_http_task_release(t);
        return;
    }

    c = ngx_http_task_enter(t);

    ngx_http_task_finish(t);

    ngx_http_task_leave(c);
}
