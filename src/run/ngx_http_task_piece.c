
/*
 * A piece of a task in one of nginx's pools, as the event loop sees it.
 *
 * A pool keeps its threads and its queue to itself, and what is in it cannot
 * leave it.  So a piece of a cancelled task does nothing when a thread gets
 * it, and a piece that sleeps is woken.
 */


#include "run/ngx_http_task_run.h"
#include "task/ngx_http_task_stream.h"


/* how long a worker that stops at once waits for its threads, milliseconds */

#define NGX_HTTP_TASK_EXIT_WAIT  1000


static void ngx_http_task_piece_completion(ngx_event_t *ev);
static ngx_uint_t ngx_http_task_piece_step(ngx_http_task_work_t *work);
static void ngx_http_task_piece_done(ngx_http_task_piece_t *piece);
static void ngx_http_task_piece_give_up(ngx_http_task_hold_t *hold);
static ngx_http_task_piece_t *ngx_http_task_piece_next(
    ngx_http_task_piece_t *piece);
static void ngx_http_task_piece_abandon(ngx_cycle_t *cycle, ngx_task_t *t,
    void (*abandon)(ngx_cycle_t *cycle));


/* pieces that nginx's pools have given back */

static ngx_queue_t           ngx_http_task_pieces_back;
static ngx_http_task_work_t  ngx_http_task_piece_work;


ngx_int_t
ngx_http_task_piece_post(ngx_http_task_piece_t *piece,
    const ngx_http_task_piece_type_t *type, ngx_thread_pool_t *pool,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data)
{
    ngx_task_t  *t;

    t = piece->task;

    piece->type = type;
    piece->fn = fn;
    piece->data = data;
    piece->cancelled = 0;
    piece->returned = 0;
    piece->ended = 0;
    piece->counted = t->cell ? ngx_http_task_count_pool(t->conf->stats, name)
                             : NULL;
    piece->pool = ngx_http_task_pool_get(pool);

    if (piece->pool == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_task_pool_post(piece);
}


ngx_http_task_piece_t *
ngx_http_task_piece_get(ngx_task_t *t, ngx_http_task_piece_t **place)
{
    ngx_http_task_piece_t  *piece;

    piece = *place;

    if (piece) {
        return piece;
    }

    piece = ngx_pcalloc(t->pool, sizeof(ngx_http_task_piece_t));
    if (piece == NULL) {
        return NULL;
    }

    ngx_http_task_piece_make(piece, t);

    *place = piece;

    return piece;
}


void
ngx_http_task_piece_make(ngx_http_task_piece_t *piece, ngx_task_t *t)
{
    piece->task = t;
    piece->hold.give_up = ngx_http_task_piece_give_up;

    piece->thread.ctx = piece;
    piece->thread.handler = ngx_http_task_piece_run;
    piece->thread.event.data = piece;
    piece->thread.event.handler = ngx_http_task_piece_completion;
}


void
ngx_http_task_piece_cancel(ngx_http_task_piece_t *piece)
{
    ngx_http_task_futex_wake(&piece->cancelled);
    ngx_http_task_stream_wake(piece->task);
}


/* a thread of the function's own may wait, too */

void
ngx_http_task_piece_stop(ngx_task_t *t)
{
    ngx_http_task_futex_wake(&t->cancelled);

    if (t->piece) {
        ngx_http_task_piece_cancel(t->piece);
    }
}


/* nginx tells of all that have come back meanwhile, one after the other */

static void
ngx_http_task_piece_completion(ngx_event_t *ev)
{
    ngx_http_task_piece_t *piece = ev->data;

    if (ngx_http_task_piece_work.step == NULL) {
        ngx_queue_init(&ngx_http_task_pieces_back);
        ngx_http_task_piece_work.step = ngx_http_task_piece_step;
    }

    ngx_queue_insert_tail(&ngx_http_task_pieces_back, &piece->queue);

    ngx_http_task_work_begin(&ngx_http_task_piece_work);
}


static ngx_uint_t
ngx_http_task_piece_step(ngx_http_task_work_t *work)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(&ngx_http_task_pieces_back);
    ngx_queue_remove(q);

    ngx_http_task_piece_done(ngx_queue_data(q, ngx_http_task_piece_t, queue));

    return !ngx_queue_empty(&ngx_http_task_pieces_back);
}


static void
ngx_http_task_piece_done(ngx_http_task_piece_t *piece)
{
    ngx_http_task_pool_returned(piece);

    piece->type->done(piece);
}


/* to nginx's pool, a piece whose thread has ended still runs */

void
ngx_http_task_piece_reap(void)
{
    ngx_http_task_piece_t  *piece, *next;

    for (piece = ngx_http_task_piece_next(NULL); piece; piece = next) {
        next = ngx_http_task_piece_next(piece);

        if (ngx_http_task_atomic_get(&piece->ended)) {
            piece->thread.event.active = 0;
            ngx_http_task_piece_done(piece);
        }
    }
}


/* answers a client that still waits; the exit hook does the rest */

static void
ngx_http_task_piece_give_up(ngx_http_task_hold_t *hold)
{
    ngx_log_t              *log;
    ngx_task_t             *t;
    ngx_uint_t              promised;
    ngx_connection_t       *c;
    ngx_http_task_piece_t  *piece;

    piece = ngx_queue_data(hold, ngx_http_task_piece_t, hold);
    t = piece->task;
    promised = ngx_http_task_promised(t);

    /* a pending job has a bound of its own; and each task is told once */

    if (t->given_up || (promised && t->state == NGX_HTTP_TASK_PENDING)) {
        return;
    }

    t->given_up = 1;

    /* a request, and its log, may be gone */

    log = promised ? t->log : ngx_cycle->log;

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "task \"%V\" runs on after task_shutdown_timeout",
                  &t->function->name);

    /* its thread may be back before its stream is given up, too */

    if (t->stream) {
        t->stream->left = 1;
    }

    ngx_http_task_futex_wake(&t->cancelled);
    ngx_http_task_piece_cancel(piece);

    if (t->state != NGX_HTTP_TASK_PENDING) {
        return;
    }

    if (piece->type->give_up) {
        piece->type->give_up(t);
        return;
    }

    c = ngx_http_task_enter(t);

    /* an async function may wait for something else as well */

    t->retry = 1;
    ngx_http_task_stop(t, NGX_HTTP_TASK_REJECTED);

    ngx_http_task_leave(c);
}


static ngx_http_task_piece_t *
ngx_http_task_piece_next(ngx_http_task_piece_t *piece)
{
    ngx_http_task_hold_t  *hold;

    hold = ngx_http_task_hold_next(NGX_HTTP_TASK_HOLD_PIECE,
                                   piece ? &piece->hold : NULL);

    return hold ? ngx_queue_data(hold, ngx_http_task_piece_t, hold) : NULL;
}


void
ngx_http_task_piece_exit(ngx_cycle_t *cycle,
    void (*abandon)(ngx_cycle_t *cycle))
{
    int64_t                 deadline;
    ngx_http_task_piece_t  *piece;

    piece = ngx_http_task_piece_next(NULL);

    if (piece) {
        ngx_http_task_loop_stop();
    }

    for ( /* void */ ; piece; piece = ngx_http_task_piece_next(piece)) {
        ngx_http_task_futex_wake(&piece->task->cancelled);
        ngx_http_task_piece_cancel(piece);
    }

    deadline = ngx_http_task_now() + NGX_HTTP_TASK_EXIT_WAIT * 1000000LL;

    for (piece = ngx_http_task_piece_next(NULL);
         piece;
         piece = ngx_http_task_piece_next(piece))
    {
        while (!ngx_http_task_atomic_get(&piece->returned)) {

            if (ngx_http_task_now() >= deadline) {
                ngx_http_task_piece_abandon(cycle, piece->task, abandon);
            }

            ngx_msleep(1);
        }
    }
}


/*
 * The pool's destructor would spin until the function returns, and the exit
 * handlers of the process would free what the function uses.
 */

static void
ngx_http_task_piece_abandon(ngx_cycle_t *cycle, ngx_task_t *t,
    void (*abandon)(ngx_cycle_t *cycle))
{
    ngx_log_error(NGX_LOG_WARN, ngx_http_task_promised(t) ? t->log : cycle->log,
                  0,
                  "task \"%V\" does not stop, leaving without it",
                  &t->function->name);

    abandon(cycle);

    _exit(0);
}
