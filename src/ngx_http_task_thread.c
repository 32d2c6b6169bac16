
/*
 * task_mode thread: the blocking form in a thread of one of nginx's pools.
 *
 * A pool keeps its threads, its queue and their lengths to itself, and a task
 * that is in it cannot leave it.  So a cancelled task falls through when its
 * turn comes, and a sleeping one is woken.
 *
 * The event loop of a worker that is told to quit ends as soon as no timer
 * but cancelable ones is set: while anything of ours is in a pool, one timer
 * of the worker, that otherwise does nothing, is not cancelable.
 */


#include "ngx_http_task.h"


/* how long a worker that stops at once waits for its threads, milliseconds */

#define NGX_HTTP_TASK_EXIT_WAIT  2000

/* how often the timer that holds the worker is set again, milliseconds */

#define NGX_HTTP_TASK_HOLD_TIME  3600000


static void ngx_http_task_thread_start(ngx_task_t *t);
static void ngx_http_task_thread_cancel(ngx_task_t *t);
static ngx_http_task_piece_t *ngx_http_task_thread_create(ngx_task_t *t);
static void ngx_http_task_thread_handler(void *data, ngx_log_t *log);
static void ngx_http_task_thread_completion(ngx_event_t *ev);
static void ngx_http_task_thread_enter(ngx_http_task_piece_t *piece);
static void ngx_http_task_thread_leave(ngx_http_task_piece_t *piece);
static void ngx_http_task_thread_hold_handler(ngx_event_t *ev);


const ngx_http_task_executor_t  ngx_http_task_thread = {
    ngx_string("thread"),
    1,
    ngx_http_task_thread_start,
    ngx_http_task_thread_cancel
};


/* of this worker: the pieces that are in a pool, and what holds it for them */

static ngx_queue_t       ngx_http_task_pieces;
static ngx_event_t       ngx_http_task_hold_event;
static ngx_connection_t  ngx_http_task_hold_dumb;  /* for the debug log */


static void
ngx_http_task_thread_start(ngx_task_t *t)
{
    ngx_http_task_piece_t  *piece;

    piece = ngx_http_task_thread_create(t);

    if (piece == NULL) {
        ngx_http_task_finish(t, NGX_HTTP_TASK_FAILED);
        return;
    }

    t->piece = piece;

    if (ngx_thread_task_post(t->conf->mode.pool, &piece->thread) != NGX_OK) {
        ngx_http_task_finish(t, NGX_HTTP_TASK_REJECTED);
        return;
    }

    /* the loop's own marks: its thread may have the task already */

    piece->posted = 1;
    ngx_http_task_thread_enter(piece);

    ngx_http_task_wait(t);
}


static ngx_http_task_piece_t *
ngx_http_task_thread_create(ngx_task_t *t)
{
    ngx_log_t              *log;
    pthread_condattr_t      attr;
    ngx_http_task_piece_t  *piece;

    log = t->request->connection->log;

    piece = ngx_calloc(sizeof(ngx_http_task_piece_t), log);
    if (piece == NULL) {
        return NULL;
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

    return piece;

failed:

    ngx_log_error(NGX_LOG_ERR, log, 0, "could not create a thread's task");

    ngx_free(piece);

    return NULL;
}


void
ngx_http_task_thread_free(ngx_http_task_piece_t *piece)
{
    (void) pthread_mutex_destroy(&piece->mutex);
    (void) pthread_cond_destroy(&piece->cond);

    ngx_free(piece);
}


/* in a thread of the pool */

static void
ngx_http_task_thread_handler(void *data, ngx_log_t *log)
{
    ngx_http_task_piece_t *piece = data;

    if (!ngx_task_cancelled(piece->task)) {
        ngx_http_task_run_block(piece->task);
    }

    ngx_http_task_store(&piece->returned, 1);
}


static void
ngx_http_task_thread_completion(ngx_event_t *ev)
{
    ngx_task_t             *t;
    ngx_connection_t       *c;
    ngx_http_task_piece_t  *piece;

    piece = ev->data;
    t = piece->task;

    piece->posted = 0;
    ngx_http_task_thread_leave(piece);

    if (t->state != NGX_HTTP_TASK_PENDING) {
        ngx_http_task_release(t);
        return;
    }

    c = t->request->connection;

    ngx_http_set_log_request(c->log, t->request);

    ngx_http_task_finish(t, (t->rc == NGX_TASK_OK) ? NGX_HTTP_TASK_DONE
                                                   : NGX_HTTP_TASK_FAILED);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_task_thread_cancel(ngx_task_t *t)
{
    (void) pthread_mutex_lock(&t->piece->mutex);

    ngx_http_task_store(&t->cancelled, 1);

    (void) pthread_cond_signal(&t->piece->cond);

    (void) pthread_mutex_unlock(&t->piece->mutex);
}


static void
ngx_http_task_thread_enter(ngx_http_task_piece_t *piece)
{
    ngx_event_t  *ev;

    ev = &ngx_http_task_hold_event;

    if (ev->handler == NULL) {
        ngx_queue_init(&ngx_http_task_pieces);

        ev->handler = ngx_http_task_thread_hold_handler;
        ev->data = &ngx_http_task_hold_dumb;
        ev->log = ngx_cycle->log;

        ngx_http_task_hold_dumb.fd = (ngx_socket_t) -1;

        ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
    }

    ngx_queue_insert_tail(&ngx_http_task_pieces, &piece->queue);

    ev->cancelable = 0;
}


static void
ngx_http_task_thread_leave(ngx_http_task_piece_t *piece)
{
    ngx_queue_remove(&piece->queue);

    if (ngx_queue_empty(&ngx_http_task_pieces)) {
        ngx_http_task_hold_event.cancelable = 1;
    }
}


static void
ngx_http_task_thread_hold_handler(ngx_event_t *ev)
{
    ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
}


void
ngx_http_task_thread_exit(ngx_cycle_t *cycle)
{
    int64_t                 deadline;
    ngx_queue_t            *q;
    ngx_http_task_piece_t  *piece;

    if (ngx_http_task_hold_event.handler == NULL) {
        return;
    }

    for (q = ngx_queue_head(&ngx_http_task_pieces);
         q != ngx_queue_sentinel(&ngx_http_task_pieces);
         q = ngx_queue_next(q))
    {
        piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);
        ngx_http_task_thread_cancel(piece->task);
    }

    deadline = ngx_http_task_now() + NGX_HTTP_TASK_EXIT_WAIT * 1000000LL;

    for (q = ngx_queue_head(&ngx_http_task_pieces);
         q != ngx_queue_sentinel(&ngx_http_task_pieces);
         q = ngx_queue_next(q))
    {
        piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);

        while (!ngx_http_task_load(&piece->returned)) {

            if (ngx_http_task_now() >= deadline) {
                ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                              "task \"%s\" did not stop in time",
                              piece->task->function->name);
                return;
            }

            ngx_msleep(1);
        }
    }
}
