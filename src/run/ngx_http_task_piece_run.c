
/*
 * A piece of a task, as it runs in a thread of a pool.  All but init and
 * threads_lost is called in that thread.
 *
 * pthread_exit() ends a thread, and nobody is told.  So a piece that runs is
 * the thread's value of a key.  If the thread ends, the destructor of the key
 * is called: it marks the piece, and the event loop does the rest, see
 * ngx_http_task_replace.c.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_piece_thread_ends(void *data);


static pthread_key_t  ngx_http_task_piece_key;

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

    ngx_task_t             *t;
    ngx_http_task_guard_t   before;

    t = piece->task;

    if (piece->counted) {
        ngx_http_task_count_piece_begun(piece->counted);
    }

    /* a thread cancelled with the piece's mutex locked would block the loop */

    ngx_http_task_exit_forbid_cancel();

    ngx_http_task_child_thread();
    ngx_http_task_batch_thread(log);

    before = ngx_http_task_exit_guard(t, &t->function->name);
    (void) pthread_setspecific(ngx_http_task_piece_key, piece);

    if (ngx_task_cancelled(t)) {
        piece->rc = NGX_TASK_CANCELLED;

    } else if (piece->fn) {
        piece->rc = piece->fn(t, piece->data);

    } else {
        ngx_http_task_call_block(t);
    }

    ngx_http_task_exit_forbid_cancel();

    (void) pthread_setspecific(ngx_http_task_piece_key, NULL);
    ngx_http_task_exit_unguard(before);

    ngx_http_task_atomic_set(&piece->returned, 1);
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

    /* a child that a function has forked may end as it likes */

    if (getpid() != ngx_pid) {
        return;
    }

    piece = data;
    t = piece->task;

    (void) pthread_setspecific(ngx_http_task_piece_key, piece);

    if (piece->fn) {
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s", "ends its thread");
        piece->rc = NGX_TASK_FAILED;

    } else {
        ngx_http_task_log_misuse(t, "ends its thread");
        ngx_http_task_call_complete(t, NGX_TASK_FAILED);
    }

    ngx_memzero(&nobody, sizeof(ngx_http_task_guard_t));

    ngx_http_task_exit_unguard(nobody);
    (void) pthread_setspecific(ngx_http_task_piece_key, NULL);

    ngx_http_task_atomic_set(&piece->returned, 1);
    ngx_http_task_atomic_set(&piece->ended, 1);

    (void) __atomic_add_fetch(&ngx_http_task_piece_lost, 1, __ATOMIC_ACQ_REL);
}
