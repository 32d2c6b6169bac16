
/*
 * task_mode async: the async form on the event loop.
 *
 * An async function is a chain of frames, one for each function that awaits
 * another, of which the innermost runs.  It runs until it awaits a timer or a
 * piece in a thread, and is resumed when that has ended.
 */


#include "task/ngx_http_task.h"


static void ngx_http_task_async_start(ngx_task_t *t);
static void ngx_http_task_async_cancel(ngx_task_t *t);
static void ngx_http_task_async_resume(ngx_task_t *t);
static ngx_uint_t ngx_http_task_async_waits(ngx_task_t *t,
    ngx_task_frame_t *f);
static void ngx_http_task_async_return(ngx_task_t *t, ngx_task_rc_t rc);
static void ngx_http_task_async_continue(ngx_task_t *t, ngx_task_rc_t rc);
static void ngx_http_task_async_timer_handler(ngx_event_t *ev);
static ngx_task_t *ngx_http_task_async_may_await(ngx_task_frame_t *f);


const ngx_http_task_executor_t  ngx_http_task_async = {
    ngx_string("async"),
    0,
    ngx_http_task_async_start,
    ngx_http_task_async_cancel
};


static void
ngx_http_task_async_start(ngx_task_t *t)
{
    size_t  size;

    size = t->function->table.state_size;

    (void) ngx_http_task_begin(t);

    t->root.task = t;
    t->root.fn = t->function->table.async;
    t->frame = &t->root;

    t->timer.handler = ngx_http_task_async_timer_handler;
    t->timer.data = t;
    t->timer.log = t->log;

    if (size) {
        /* as malloc() aligns: a pool does it for a long only */

        t->root.state = ngx_pcalloc(t->pool, size + 15);

        if (t->root.state) {
            t->root.state = ngx_align_ptr(t->root.state, 16);

        } else {
            t->result.nomem = 1;
            t->rc = NGX_TASK_FAILED;
            ngx_http_task_finish(t);
            return;
        }
    }

    ngx_http_task_async_resume(t);
}


/* a piece that is in a thread still uses the state: see piece_done() */

static void
ngx_http_task_async_cancel(ngx_task_t *t)
{
    ngx_http_task_atomic_set(&t->cancelled, 1);

    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }

    if (t->piece && t->piece->in_pool) {
        ngx_http_task_thread_wake(t);
        return;
    }

    ngx_http_task_run_defers(t);
}


/* runs frames until one of them has to wait, or the outermost has returned */

static void
ngx_http_task_async_resume(ngx_task_t *t)
{
    int64_t            since;
    ngx_task_t        *before;
    ngx_task_rc_t      rc;
    ngx_task_frame_t  *f;

    for ( ;; ) {
        f = t->frame;
        t->await = NGX_HTTP_TASK_AWAIT_NOTHING;

        since = ngx_http_task_stall_begin();
        before = ngx_http_task_exit_guard(t);
        t->resumed = 1;

        rc = f->fn(t, f);

        t->resumed = 0;
        (void) ngx_http_task_exit_guard(before);
        ngx_http_task_stall_end(t, since);

        if (rc == NGX_TASK_AGAIN && ngx_http_task_async_waits(t, f)) {

            if (t->await == NGX_HTTP_TASK_AWAIT_CALL) {
                continue;
            }

            ngx_http_task_wait(t);
            return;
        }

        if (rc != NGX_TASK_AGAIN && t->await != NGX_HTTP_TASK_AWAIT_NOTHING
            && !t->result.misuse)
        {
            ngx_http_task_misuse(t, "returns while it awaits");
        }

        if (rc == NGX_TASK_AGAIN || t->result.misuse || f->caller == NULL) {
            ngx_http_task_async_return(t, rc);
            return;
        }

        /* to the function that awaits this one */

        t->frame = f->caller;
        t->frame->rc = rc;

        f->caller = t->free_frames;
        t->free_frames = f;
    }
}


static ngx_uint_t
ngx_http_task_async_waits(ngx_task_t *t, ngx_task_frame_t *f)
{
    if (t->await == NGX_HTTP_TASK_AWAIT_NOTHING) {
        return 0;
    }

    /* the macro leaves it there; without it the function would begin again */

    if (f->rc != NGX_TASK_AGAIN) {
        ngx_http_task_misuse(t, "returns an await without NGX_TASK_AWAIT()");
        return 0;
    }

    /* a piece's thread may write to the result, which is looked at later */

    return t->await == NGX_HTTP_TASK_AWAIT_PIECE || !t->result.misuse;
}


/* misuse may leave something behind: the timer, or a piece in a thread */

static void
ngx_http_task_async_return(ngx_task_t *t, ngx_task_rc_t rc)
{
    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }

    if (t->piece && t->piece->in_pool) {

        /* its completion comes when nothing is pending, and runs the defers */

        ngx_http_task_thread_wake(t);

        t->rc = NGX_TASK_FAILED;
        ngx_http_task_finish(t);
        return;
    }

    ngx_http_task_complete(t, rc);

    ngx_http_task_finish(t);
}


static void
ngx_http_task_async_continue(ngx_task_t *t, ngx_task_rc_t rc)
{
    ngx_connection_t  *c;

    c = ngx_http_task_enter(t);

    /* a piece that is wrong returns NGX_TASK_AGAIN: nothing is awaited now */

    t->frame->rc = (rc == NGX_TASK_AGAIN) ? NGX_TASK_FAILED : rc;

    if (t->result.misuse) {
        ngx_http_task_async_return(t, NGX_TASK_FAILED);

    } else {
        ngx_http_task_async_resume(t);
    }

    ngx_http_task_leave(c);
}


static void
ngx_http_task_async_timer_handler(ngx_event_t *ev)
{
    ngx_task_t  *t;

    t = ev->data;

    if (!ngx_http_task_timer_early(ev, t->deadline)) {
        ngx_http_task_async_continue(t, NGX_TASK_OK);
    }
}


void
ngx_http_task_async_piece_done(ngx_task_t *t, ngx_task_rc_t rc)
{
    if (t->state == NGX_HTTP_TASK_PENDING) {
        ngx_http_task_async_continue(t, rc);
        return;
    }

    /* cancelled meanwhile, or failed */

    ngx_http_task_run_defers(t);
    ngx_http_task_stopped(t);
    ngx_http_task_release(t);
}


ngx_task_rc_t
ngx_task_sleep(ngx_task_frame_t *f, int64_t ms)
{
    ngx_task_t  *t;

    t = ngx_http_task_async_may_await(f);

    if (t == NULL) {
        return NGX_TASK_FAILED;
    }

    if (ms <= 0) {
        return NGX_TASK_OK;
    }

    ms = ngx_min(ms, NGX_HTTP_TASK_MAX_MS);

    t->await = NGX_HTTP_TASK_AWAIT_SLEEP;
    t->deadline = ngx_http_task_now() + ms * 1000000;

    ngx_http_task_timer(&t->timer, t->deadline);

    return NGX_TASK_AGAIN;
}


ngx_task_rc_t
ngx_task_call(ngx_task_frame_t *f, ngx_task_async_pt fn, void *state)
{
    ngx_task_t        *t;
    ngx_task_frame_t  *frame;

    t = ngx_http_task_async_may_await(f);

    if (t == NULL) {
        return NGX_TASK_FAILED;
    }

    if (fn == NULL) {
        ngx_http_task_misuse(t, "calls NULL");
        return NGX_TASK_FAILED;
    }

    frame = t->free_frames;

    if (frame) {
        t->free_frames = frame->caller;

    } else {
        frame = ngx_palloc(t->pool, sizeof(ngx_task_frame_t));

        if (frame == NULL) {
            t->result.nomem = 1;
            return NGX_TASK_FAILED;
        }
    }

    frame->state = state;
    frame->rc = NGX_TASK_OK;
    frame->line = 0;
    frame->task = t;
    frame->fn = fn;
    frame->caller = f;

    t->frame = frame;
    t->await = NGX_HTTP_TASK_AWAIT_CALL;

    return NGX_TASK_AGAIN;
}


ngx_task_rc_t
ngx_task_offload(ngx_task_frame_t *f, const char *pool, ngx_task_piece_pt fn,
    void *data)
{
    ngx_str_t           name;
    ngx_task_t         *t;
    ngx_thread_pool_t  *tp;

    t = ngx_http_task_async_may_await(f);

    if (t == NULL) {
        return NGX_TASK_FAILED;
    }

    if (fn == NULL) {
        ngx_http_task_misuse(t, "offloads NULL");
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
        ngx_http_task_misuse(t, "offloads to an unknown thread pool");
        return NGX_TASK_FAILED;
    }

    switch (ngx_http_task_thread_post(t, tp, &name, fn, data)) {

    case NGX_OK:
        t->await = NGX_HTTP_TASK_AWAIT_PIECE;
        return NGX_TASK_AGAIN;

    case NGX_BUSY:
        return NGX_TASK_BUSY;

    default:
        t->result.nomem = 1;
        return NGX_TASK_FAILED;
    }
}


/* the task, or NULL; the frame is one that a function gave, if it is any */

static ngx_task_t *
ngx_http_task_async_may_await(ngx_task_frame_t *f)
{
    ngx_task_t  *t;

    t = ngx_http_task_exit_current();

    if (t == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "a task library awaits outside of its functions");
        return NULL;
    }

    if (!ngx_http_task_on_loop()) {
        ngx_http_task_misuse(t, "awaits in a thread");
        return NULL;
    }

    if (!t->resumed) {
        ngx_http_task_misuse(t, "awaits outside of its async form");
        return NULL;
    }

    if (t->await != NGX_HTTP_TASK_AWAIT_NOTHING) {
        ngx_http_task_misuse(t, "awaits two things at once");
        return NULL;
    }

    if (f != t->frame) {
        ngx_http_task_misuse(t, "awaits with a frame that is not its own");
        return NULL;
    }

    return t;
}
