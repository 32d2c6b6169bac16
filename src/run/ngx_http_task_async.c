
/*
 * task_mode async: the async form on the event loop.
 *
 * The innermost frame of a branch runs until it awaits something, see await/,
 * and is resumed when that has ended.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_async_start(ngx_task_t *t);
static void ngx_http_task_async_cancel(ngx_task_t *t);
static void ngx_http_task_async_resume(ngx_http_task_branch_t *b);
static ngx_task_rc_t ngx_http_task_async_run(ngx_http_task_branch_t *b,
    ngx_task_frame_t *f);
static ngx_uint_t ngx_http_task_async_waits(ngx_http_task_branch_t *b,
    ngx_task_frame_t *f);
static void ngx_http_task_async_return(ngx_http_task_branch_t *b,
    ngx_task_rc_t rc);


const ngx_http_task_executor_t  ngx_http_task_async = {
    .name = ngx_string("async"),
    .start = ngx_http_task_async_start,
    .cancel = ngx_http_task_async_cancel
};


/* what ngx_task_call() awaits: another async function, entered at once */

static const ngx_http_task_await_t  ngx_http_task_async_call = {
    .cancel = NULL
};


static void
ngx_http_task_async_start(ngx_task_t *t)
{
    void    *state;
    size_t   size, behind;

    size = t->function->table.state_size;

    (void) ngx_http_task_call_begin(t);

    state = NULL;
    t->trunk.task = t;

    if (size) {
        /* aligned as by malloc(): a pool aligns for a long only */

        behind = ngx_http_task_debugged(t) ? NGX_HTTP_TASK_DEBUG_BEHIND : 0;

        state = ngx_pcalloc(t->pool, size + 15 + behind);

        if (state) {
            state = ngx_align_ptr(state, 16);

        } else {
            ngx_http_task_no_memory(t);
            t->rc = NGX_TASK_FAILED;
            ngx_http_task_finish(t);
            return;
        }
    }

    ngx_http_task_async_begin(&t->trunk, t->function->table.async, state);
}


void
ngx_http_task_async_begin(ngx_http_task_branch_t *b, ngx_task_async_pt fn,
    void *state)
{
    ngx_memzero(&b->root, sizeof(ngx_task_frame_t));

    b->root.state = state;
    b->root.branch = b;
    b->root.fn = fn;

    b->frame = &b->root;

    ngx_http_task_async_resume(b);
}


static void
ngx_http_task_async_cancel(ngx_task_t *t)
{
    /* a thread of the function's own may wait for that */

    if (t->in_pools) {
        ngx_http_task_futex_wake(&t->cancelled);

    } else {
        ngx_http_task_atomic_set(&t->cancelled, 1);
    }

    if (ngx_http_task_async_let_go(&t->trunk) == NGX_OK) {
        ngx_http_task_call_defers(t);
    }
}


ngx_int_t
ngx_http_task_async_let_go(ngx_http_task_branch_t *b)
{
    ngx_task_t                   *t;
    ngx_task_frame_t             *f;
    const ngx_http_task_await_t  *await;

    t = b->task;
    await = b->await;
    b->await = NULL;

    while (b->frame && b->frame != &b->root) {
        f = b->frame;
        b->frame = f->caller;

        f->caller = t->free_frames;
        t->free_frames = f;
    }

    return (await && await->cancel) ? await->cancel(b) : NGX_OK;
}


/* runs frames until one of them has to wait, or the outermost has returned */

static void
ngx_http_task_async_resume(ngx_http_task_branch_t *b)
{
    ngx_task_t             *t;
    ngx_task_rc_t           rc;
    ngx_task_frame_t       *f;
    ngx_http_task_guard_t   before;

    t = b->task;

    /* around all frames: one that calls for ever holds the loop, too */

    before = ngx_http_task_guard(t, &t->function->name);

    for ( ;; ) {
        f = b->frame;

        rc = ngx_http_task_async_run(b, f);

        if (rc == NGX_TASK_AGAIN && ngx_http_task_async_waits(b, f)) {

            if (b->await == &ngx_http_task_async_call) {
                continue;
            }

            ngx_http_task_unguard(before);
            ngx_http_task_wait(t);
            return;
        }

        if (rc != NGX_TASK_AGAIN && b->await && !ngx_http_task_misused(t)) {
            ngx_http_task_log_misuse(t, "returns while it awaits, without "
                                        "NGX_TASK_AWAIT()");
        }

        if (rc == NGX_TASK_AGAIN || ngx_http_task_misused(t)
            || f->caller == NULL)
        {
            ngx_http_task_unguard(before);
            ngx_http_task_async_return(b, rc);
            return;
        }

        /* go on in the function that awaits this one */

        b->frame = f->caller;
        b->frame->rc = rc;

        f->caller = t->free_frames;
        t->free_frames = f;
    }
}


static ngx_task_rc_t
ngx_http_task_async_run(ngx_http_task_branch_t *b, ngx_task_frame_t *f)
{
    ngx_task_t     *t;
    ngx_uint_t      debug;
    ngx_task_rc_t   rc;

    t = b->task;

    b->await = NULL;
    t->resumed = b;

    debug = ngx_http_task_debugged(t);

    if (debug) {
        ngx_http_task_debug_spoil();
    }

    rc = f->fn(t, f);

    t->resumed = NULL;

    if (debug) {
        ngx_http_task_debug_check(t);
    }

    return rc;
}


static ngx_uint_t
ngx_http_task_async_waits(ngx_http_task_branch_t *b, ngx_task_frame_t *f)
{
    ngx_task_t  *t;

    t = b->task;

    if (b->await == NULL) {
        return 0;
    }

    /* NGX_TASK_AWAIT() sets rc; without it the function would begin again */

    if (f->rc != NGX_TASK_AGAIN) {
        ngx_http_task_log_misuse(t, "returns an await without "
                                    "NGX_TASK_AWAIT()");
        return 0;
    }

    /*
     * While a piece runs, its thread may misuse the task, too: that is looked
     * for when it has returned.
     */

    return b->await->thread || !ngx_http_task_misused(t);
}


/* misuse ends the task, whatever is still awaited; a child ends by itself */

static void
ngx_http_task_async_return(ngx_http_task_branch_t *b, ngx_task_rc_t rc)
{
    ngx_task_t  *t;

    t = b->task;

    if (b->ended && rc != NGX_TASK_AGAIN && !ngx_http_task_misused(t)) {
        b->ended(b, rc);
        return;
    }

    if (ngx_http_task_async_let_go(&t->trunk) == NGX_OK) {
        ngx_http_task_call_complete(t, rc);

    } else {

        /*
         * When the piece completes, the task is final already; the completion
         * then runs what was deferred.
         */

        t->rc = NGX_TASK_FAILED;
    }

    ngx_http_task_finish(t);
}


void
ngx_http_task_async_continue(ngx_http_task_branch_t *b, ngx_task_rc_t rc)
{
    ngx_connection_t  *c;

    c = ngx_http_task_enter(b->task);

    ngx_http_task_async_go_on(b, rc);

    ngx_http_task_leave(c);
}


void
ngx_http_task_async_go_on(ngx_http_task_branch_t *b, ngx_task_rc_t rc)
{
    b->await = NULL;

    /* an NGX_TASK_AGAIN from a piece is wrong: nothing is awaited now */

    b->frame->rc = (rc == NGX_TASK_AGAIN) ? NGX_TASK_FAILED : rc;

    if (ngx_http_task_misused(b->task)) {
        ngx_http_task_async_return(b, NGX_TASK_FAILED);

    } else {
        ngx_http_task_async_resume(b);
    }
}


void
ngx_http_task_async_released(ngx_http_task_branch_t *b)
{
    ngx_task_t  *t;

    if (b->released) {
        b->released(b);
        return;
    }

    t = b->task;

    ngx_http_task_call_defers(t);
    ngx_http_task_stopped(t);
    ngx_http_task_release(t);
}


ngx_task_rc_t
ngx_task_call(ngx_task_frame_t *f, ngx_task_async_pt fn, void *state)
{
    ngx_task_t              *t;
    ngx_task_frame_t        *frame;
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    t = b->task;

    if (fn == NULL) {
        ngx_http_task_log_misuse(t, "calls NULL");
        return NGX_TASK_FAILED;
    }

    frame = t->free_frames;

    if (frame) {
        t->free_frames = frame->caller;

    } else {
        frame = ngx_palloc(t->pool, sizeof(ngx_task_frame_t));

        if (frame == NULL) {
            ngx_http_task_no_memory(t);
            return NGX_TASK_FAILED;
        }
    }

    frame->state = state;
    frame->rc = NGX_TASK_OK;
    frame->line = 0;
    frame->branch = b;
    frame->fn = fn;
    frame->caller = f;

    b->frame = frame;

    return ngx_http_task_async_await(b, &ngx_http_task_async_call);
}


ngx_task_rc_t
ngx_task_lost(ngx_task_frame_t *f)
{
    ngx_http_task_branch_t  *b = f->branch;

    ngx_http_task_log_misuse(b->task, "awaits inside of a switch statement");

    return NGX_TASK_FAILED;
}


ngx_task_rc_t
ngx_http_task_async_await(ngx_http_task_branch_t *b,
    const ngx_http_task_await_t *await)
{
    b->await = await;

    return NGX_TASK_AGAIN;
}


ngx_http_task_branch_t *
ngx_http_task_async_may_await(ngx_task_frame_t *f)
{
    ngx_task_t              *t;
    ngx_http_task_branch_t  *b;

    t = ngx_http_task_guarded()->task;

    if (t == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "a task library awaits outside of its functions");
        return NULL;
    }

    if (!ngx_http_task_loop_is_here()) {
        ngx_http_task_log_misuse(t, "awaits in a thread");
        return NULL;
    }

    b = t->resumed;

    if (b == NULL) {
        ngx_http_task_log_misuse(t, "awaits outside of its async form");
        return NULL;
    }

    if (b->await) {
        ngx_http_task_log_misuse(t, "awaits two things at once");
        return NULL;
    }

    if (f != b->frame) {
        ngx_http_task_log_misuse(t, "awaits with a frame that is not its own");
        return NULL;
    }

    return b;
}
