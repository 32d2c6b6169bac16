
/*
 * A piece of a task, as it runs in a thread of a pool.  All but init and
 * threads_lost is called in that thread.
 *
 * pthread_exit() ends a thread, and nobody is told.  So each thread has a value
 * of a key, and when it ends, the destructor of the key is called: if a piece
 * runs then, it marks that, and the event loop does the rest, see
 * ngx_http_task_replace.c.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_piece_thread_begins(ngx_log_t *log);
static void ngx_http_task_piece_thread_ends(void *data);


static pthread_key_t  ngx_http_task_piece_key;

/* what runs in this thread, and whether anything has before */

static ngx_http_task_thread_local ngx_http_task_piece_t
    *ngx_http_task_piece_here;
static ngx_http_task_thread_local ngx_uint_t  ngx_http_task_piece_known;

/* how many threads have ended, [both] */

static ngx_uint_t     ngx_http_task_piece_lost;


ngx_int_t
ngx_http_task_piece_init(ngx_cycle_t *cycle)
{
    int  err;

    err = pthread_key_create(&ngx_http_task_piece_key,
                             ngx_http_task_piece_thread_ends);

    if (err) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, err,
                      "pthread_key_create() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_task_piece_threads_lost(void)
{
    return ngx_http_task_atomic_get(&ngx_http_task_piece_lost);
}


void
ngx_http_task_piece_run(void *data, ngx_log_t *log)
{
    ngx_http_task_piece_t *piece = data;

    int64_t                 begun;
    ngx_task_t             *t;
    ngx_http_task_guard_t   before, *guard;

    t = piece->task;
    begun = ngx_http_task_now();

    ngx_http_task_pool_begun(piece);

    if (piece->counted) {
        ngx_http_task_count_piece_begun(piece->counted);
    }

    if (!ngx_http_task_piece_known) {
        ngx_http_task_piece_thread_begins(log);
    }

    before = ngx_http_task_guard(t, &t->function->name);
    guard = ngx_http_task_guarded();
    guard->cancelled = &piece->cancelled;
    guard->beside = (piece->branch && piece->branch != &t->trunk);

    ngx_http_task_piece_here = piece;

    if (ngx_task_cancelled(t)) {
        piece->rc = NGX_TASK_CANCELLED;

    } else if (piece->fn) {
        piece->rc = piece->fn(t, piece->data);

    } else {
        ngx_http_task_call_block(t);
    }

    ngx_http_task_exit_forbid_cancel();

    ngx_http_task_piece_here = NULL;
    ngx_http_task_unguard(before);

    piece->took = ngx_http_task_now() - begun;

    ngx_http_task_atomic_set(&piece->returned, 1);
}


/* what a thread keeps until it ends is done in it once */

static void
ngx_http_task_piece_thread_begins(ngx_log_t *log)
{
    ngx_http_task_exit_forbid_cancel();
    ngx_http_task_child_thread();
    ngx_http_task_crash_thread();
    ngx_http_task_batch_thread(log);

    /* if there is no memory for it, the next piece tries again */

    ngx_http_task_piece_known = !pthread_setspecific(ngx_http_task_piece_key,
                                                &ngx_http_task_piece_known);
}


/*
 * Called in a thread that ends.  What was deferred may end it, too: then this
 * is called again.
 */

static void
ngx_http_task_piece_thread_ends(void *data)
{
    ngx_task_t             *t;
    ngx_http_task_guard_t   nobody;
    ngx_http_task_piece_t  *piece;

    piece = ngx_http_task_piece_here;

    if (piece == NULL) {
        return;
    }

    /* a child that a function has forked may end as it likes */

    if (getpid() != ngx_pid) {
        return;
    }

    t = piece->task;

    (void) pthread_setspecific(ngx_http_task_piece_key, data);

    if (piece->fn) {
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s", "ends its thread");
        piece->rc = NGX_TASK_FAILED;

    } else {
        ngx_http_task_log_misuse(t, "ends its thread");
        ngx_http_task_call_complete(t, NGX_TASK_FAILED);
    }

    ngx_memzero(&nobody, sizeof(ngx_http_task_guard_t));

    ngx_http_task_unguard(nobody);
    ngx_http_task_piece_here = NULL;

    ngx_http_task_atomic_set(&piece->returned, 1);
    ngx_http_task_atomic_set(&piece->ended, 1);

    (void) __atomic_add_fetch(&ngx_http_task_piece_lost, 1, __ATOMIC_ACQ_REL);
}
