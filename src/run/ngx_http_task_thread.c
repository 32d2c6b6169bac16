
/*
 * task_mode thread: the blocking form in a thread of one of nginx's pools.
 *
 * A pool keeps its threads, its queue and their lengths to itself, and a task
 * that is in it cannot leave it.  So a cancelled task falls through when its
 * turn comes, and a sleeping one is woken.
 */


#include "task/ngx_http_task.h"


/* how long a worker that stops at once waits for its threads, milliseconds */

#define NGX_HTTP_TASK_EXIT_WAIT  1000


static void ngx_http_task_thread_start(ngx_task_t *t);
static ngx_int_t ngx_http_task_thread_create(ngx_task_t *t);
static void ngx_http_task_thread_handler(void *data, ngx_log_t *log);
static void ngx_http_task_thread_completion(ngx_event_t *ev);
static void ngx_http_task_thread_done(ngx_http_task_piece_t *piece);
static void ngx_http_task_thread_leave(ngx_http_task_piece_t *piece);
static void ngx_http_task_thread_abandon(ngx_cycle_t *cycle, ngx_task_t *t);


const ngx_http_task_executor_t  ngx_http_task_thread = {
    ngx_string("thread"),
    1,
    ngx_http_task_thread_start,
    ngx_http_task_thread_wake
};


/* of this worker: the pieces that are in a pool; it is not yet initialized
   while next is NULL */

static ngx_queue_t  ngx_http_task_pieces;

static int          ngx_http_task_thread_stopping;             /* [both] */


static void
ngx_http_task_thread_start(ngx_task_t *t)
{
    switch (ngx_http_task_thread_post(t, t->conf->mode.pool,
                                      &t->conf->mode.pool_name, NULL, NULL))
    {

    case NGX_OK:
        ngx_http_task_wait(t);
        break;

    case NGX_BUSY:
        ngx_http_task_reject(t, 1);
        break;

    default:
        t->result.nomem = 1;
        t->rc = NGX_TASK_FAILED;
        ngx_http_task_finish(t);
    }
}


ngx_int_t
ngx_http_task_thread_post(ngx_task_t *t, ngx_thread_pool_t *pool,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data)
{
    ngx_http_task_piece_t  *piece;

    if (t->piece == NULL && ngx_http_task_thread_create(t) != NGX_OK) {
        return NGX_ERROR;
    }

    piece = t->piece;

    piece->fn = fn;
    piece->data = data;
    piece->returned = 0;
    piece->ended = 0;
    piece->counted = ngx_http_task_stats_pool(t, name);
    piece->pool = ngx_http_task_pool_get(pool);

    if (piece->pool == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_task_pool_post(piece);
}


static ngx_int_t
ngx_http_task_thread_create(ngx_task_t *t)
{
    ngx_log_t              *log;
    pthread_condattr_t      attr;
    ngx_http_task_piece_t  *piece;

    log = t->log;

    piece = ngx_pcalloc(t->pool, sizeof(ngx_http_task_piece_t));
    if (piece == NULL) {
        return NGX_ERROR;
    }

    piece->task = t;

    piece->thread.ctx = piece;
    piece->thread.handler = ngx_http_task_thread_handler;
    piece->thread.event.data = piece;
    piece->thread.event.handler = ngx_http_task_thread_completion;

    /* glibc's never fail, others' may */

    if (pthread_condattr_init(&attr) != 0) {
        goto failed;
    }

    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);

    if (pthread_cond_init(&piece->cond, &attr) != 0) {
        (void) pthread_condattr_destroy(&attr);
        goto failed;
    }

    (void) pthread_condattr_destroy(&attr);

    if (pthread_mutex_init(&piece->mutex, NULL) != 0) {
        (void) pthread_cond_destroy(&piece->cond);
        goto failed;
    }

    t->piece = piece;

    return NGX_OK;

failed:

    ngx_log_error(NGX_LOG_ERR, log, 0, "could not create a thread's task");

    return NGX_ERROR;
}


void
ngx_http_task_thread_free(ngx_http_task_piece_t *piece)
{
    ngx_http_task_pool_leave(piece);

    (void) pthread_mutex_destroy(&piece->mutex);
    (void) pthread_cond_destroy(&piece->cond);
}


/* in a thread of the pool */

static void
ngx_http_task_thread_handler(void *data, ngx_log_t *log)
{
    ngx_http_task_piece_t *piece = data;

    if (piece->counted) {
        ngx_http_task_zone_add_shared(&piece->counted->begun, 1);
    }

    /* it could leave the piece's mutex locked, for which the loop would wait */

    ngx_http_task_exit_forbid_cancel();

    ngx_http_task_child_thread();

    (void) ngx_http_task_exit_guard(piece->task);
    ngx_http_task_exit_guard_thread(piece);

    if (ngx_task_cancelled(piece->task)) {
        piece->rc = NGX_TASK_CANCELLED;

    } else if (piece->fn) {
        piece->rc = piece->fn(piece->task, piece->data);

    } else {
        ngx_http_task_run_block(piece->task);
    }

    ngx_http_task_exit_forbid_cancel();

    ngx_http_task_exit_guard_thread(NULL);
    (void) ngx_http_task_exit_guard(NULL);

    ngx_http_task_atomic_set(&piece->returned, 1);
}


static void
ngx_http_task_thread_completion(ngx_event_t *ev)
{
    ngx_http_task_thread_done(ev->data);
}


static void
ngx_http_task_thread_done(ngx_http_task_piece_t *piece)
{
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = piece->task;

    ngx_http_task_thread_leave(piece);

    if (t->reading) {
        ngx_http_task_read_done(t, piece->rc);
        return;
    }

    if (piece->fn) {
        ngx_http_task_async_piece_done(t, piece->rc);
        return;
    }

    if (t->state != NGX_HTTP_TASK_PENDING) {
        ngx_http_task_stopped(t);
        ngx_http_task_release(t);
        return;
    }

    c = ngx_http_task_enter(t);

    ngx_http_task_finish(t);

    ngx_http_task_leave(c);
}


/* nginx knows nothing of it: to the pool these pieces still run */

void
ngx_http_task_thread_reap(void)
{
    ngx_queue_t            *q, *next;
    ngx_http_task_piece_t  *piece;

    for (q = ngx_queue_head(&ngx_http_task_pieces);
         q != ngx_queue_sentinel(&ngx_http_task_pieces);
         q = next)
    {
        next = ngx_queue_next(q);
        piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);

        if (ngx_http_task_atomic_get(&piece->ended)) {
            piece->thread.event.active = 0;
            ngx_http_task_thread_done(piece);
        }
    }
}


void
ngx_http_task_thread_wake(ngx_task_t *t)
{
    (void) pthread_mutex_lock(&t->piece->mutex);

    ngx_http_task_atomic_set(&t->cancelled, 1);

    (void) pthread_cond_signal(&t->piece->cond);

    (void) pthread_mutex_unlock(&t->piece->mutex);
}


void
ngx_http_task_thread_enter(ngx_http_task_piece_t *piece)
{
    if (ngx_http_task_pieces.next == NULL) {
        ngx_queue_init(&ngx_http_task_pieces);
    }

    ngx_queue_insert_tail(&ngx_http_task_pieces, &piece->queue);

    if (piece->counted) {
        ngx_http_task_zone_add(&piece->counted->given, 1);
    }

    ngx_http_task_hold(NGX_HTTP_TASK_HOLD_PIECE);
}


static void
ngx_http_task_thread_leave(ngx_http_task_piece_t *piece)
{
    ngx_queue_remove(&piece->queue);

    ngx_http_task_pool_returned(piece);

    if (piece->counted) {
        ngx_http_task_zone_add(&piece->counted->returned, 1);
    }

    ngx_http_task_unhold(NGX_HTTP_TASK_HOLD_PIECE);
}


/* those who still wait get an answer; the exit hook does the rest */

void
ngx_http_task_thread_give_up(void)
{
    ngx_task_t             *t;
    ngx_queue_t            *q;
    ngx_connection_t       *c;
    ngx_http_task_piece_t  *piece;

    if (ngx_http_task_pieces.next == NULL) {
        return;
    }

    for (q = ngx_queue_head(&ngx_http_task_pieces);
         q != ngx_queue_sentinel(&ngx_http_task_pieces);
         q = ngx_queue_next(q))
    {
        piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);
        t = piece->task;

        /* a job has a bound of its own; and each is told once */

        if (t->given_up || (t->job && t->state == NGX_HTTP_TASK_PENDING)) {
            continue;
        }

        t->given_up = 1;

        ngx_log_error(NGX_LOG_WARN, t->job ? t->log : ngx_cycle->log, 0,
                      "task \"%V\" runs on after task_shutdown_timeout",
                      &t->function->name);

        ngx_http_task_thread_wake(t);

        if (t->state != NGX_HTTP_TASK_PENDING) {
            continue;
        }

        c = ngx_http_task_enter(t);

        if (t->reading) {
            ngx_http_task_read_end(t, NGX_HTTP_SERVICE_UNAVAILABLE);

        } else {
            ngx_http_task_reject(t, 1);
        }

        ngx_http_task_leave(c);
    }
}


void
ngx_http_task_thread_exit(ngx_cycle_t *cycle)
{
    int64_t                 deadline;
    ngx_queue_t            *q;
    ngx_http_task_piece_t  *piece;

    if (ngx_http_task_pieces.next == NULL) {
        return;
    }

    ngx_http_task_atomic_set(&ngx_http_task_thread_stopping, 1);

    for (q = ngx_queue_head(&ngx_http_task_pieces);
         q != ngx_queue_sentinel(&ngx_http_task_pieces);
         q = ngx_queue_next(q))
    {
        piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);
        ngx_http_task_thread_wake(piece->task);
    }

    deadline = ngx_http_task_now() + NGX_HTTP_TASK_EXIT_WAIT * 1000000LL;

    for (q = ngx_queue_head(&ngx_http_task_pieces);
         q != ngx_queue_sentinel(&ngx_http_task_pieces);
         q = ngx_queue_next(q))
    {
        piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);

        while (!ngx_http_task_atomic_get(&piece->returned)) {

            if (ngx_http_task_now() >= deadline) {
                ngx_http_task_thread_abandon(cycle, piece->task);
            }

            ngx_msleep(1);
        }
    }
}


ngx_uint_t
ngx_http_task_thread_stops(void)
{
    return ngx_http_task_atomic_get(&ngx_http_task_thread_stopping);
}


/*
 * The pool's destructor would spin until the function returns, and the exit
 * handlers of the process would pull the ground from under it.
 */

static void
ngx_http_task_thread_abandon(ngx_cycle_t *cycle, ngx_task_t *t)
{
    ngx_log_error(NGX_LOG_WARN, t->job ? t->log : cycle->log, 0,
                  "task \"%V\" does not stop, leaving without it",
                  &t->function->name);

    _exit(0);
}
