
/*
 * ngx_task_offload(): an async function waits for a piece in a thread.
 */


#include "run/ngx_http_task_run.h"


static ngx_int_t ngx_http_task_offload_post(ngx_http_task_branch_t *b,
    ngx_thread_pool_t *tp, ngx_str_t *name, ngx_task_piece_pt fn, void *data);
static void ngx_http_task_offload_done(ngx_http_task_piece_t *piece);
static ngx_int_t ngx_http_task_offload_cancel(ngx_http_task_branch_t *b);


static const ngx_http_task_piece_type_t  ngx_http_task_offload_piece = {
    .done = ngx_http_task_offload_done
};


static const ngx_http_task_await_t  ngx_http_task_offload = {
    .thread = 1,
    .cancel = ngx_http_task_offload_cancel
};


ngx_task_rc_t
ngx_task_offload(ngx_task_frame_t *f, const char *pool, ngx_task_piece_pt fn,
    void *data)
{
    ngx_str_t                name;
    ngx_task_t              *t;
    ngx_thread_pool_t       *tp;
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    t = b->task;

    if (fn == NULL) {
        ngx_http_task_log_misuse(t, "offloads NULL");
        return NGX_TASK_FAILED;
    }

    tp = t->conf->mode.pool;
    name = t->conf->mode.pool_name;

    if (pool) {
        name.data = (u_char *) pool;
        name.len = ngx_strlen(pool);

        tp = ngx_thread_pool_get((ngx_cycle_t *) ngx_cycle, &name);
    }

    if (tp == NULL) {
        ngx_http_task_log_misuse_of(t, "offloads to a thread pool that no "
                                    "\"thread_pool\" of nginx.conf defines",
                                    pool ? pool : "default");
        return NGX_TASK_FAILED;
    }

    switch (ngx_http_task_offload_post(b, tp, &name, fn, data)) {

    case NGX_OK:
        return ngx_http_task_async_await(b, &ngx_http_task_offload);

    case NGX_BUSY:
        return NGX_TASK_BUSY;

    default:
        ngx_http_task_no_memory(t);
        return NGX_TASK_FAILED;
    }
}


/* a piece of the task's own branch may stream */

static ngx_int_t
ngx_http_task_offload_post(ngx_http_task_branch_t *b, ngx_thread_pool_t *tp,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data)
{
    ngx_int_t               rc;
    ngx_task_t             *t;
    ngx_http_task_piece_t  *piece;

    t = b->task;

    piece = ngx_http_task_piece_get(t, &b->piece);

    if (piece == NULL) {
        return NGX_ERROR;
    }

    if (b == &t->trunk) {
        ngx_http_task_write_lend(t);
    }

    piece->branch = b;

    rc = ngx_http_task_piece_post(piece, &ngx_http_task_offload_piece, tp, name,
                                  fn, data);

    if (rc != NGX_OK && b == &t->trunk) {
        ngx_http_task_write_take_back(t);
    }

    return rc;
}


static void
ngx_http_task_offload_done(ngx_http_task_piece_t *piece)
{
    if (piece->branch->await) {

        if (piece->branch == &piece->task->trunk) {
            ngx_http_task_write_take_back(piece->task);
        }

        ngx_http_task_async_continue(piece->branch, piece->rc);

    } else {
        ngx_http_task_async_released(piece->branch);
    }
}


/* a job's piece may still wait in front of the pool: then no thread has it */

static ngx_int_t
ngx_http_task_offload_cancel(ngx_http_task_branch_t *b)
{
    if (!b->piece->in_pool) {
        ngx_http_task_pool_leave(b->piece);
        return NGX_OK;
    }

    ngx_http_task_piece_cancel(b->piece);

    return NGX_AGAIN;
}
