
/*
 * What this worker has in nginx's thread pools, and the pieces of jobs that
 * wait in front of a pool whose queue is full.
 *
 * A client is told that there is no room.  A job was promised to run: it waits
 * until one of our pieces has left the pool, or something of others, which
 * only a try can tell.  A pool cannot be asked for room, and logs an error
 * each time there is none, so it is tried only every so often.
 */


#include "run/ngx_http_task_run.h"


/* how often a pool is tried, as others may have left it, milliseconds */

#define NGX_HTTP_TASK_POOL_RETRY  1000

/* how long it is believed how many threads a pool has for us, nanoseconds */

#define NGX_HTTP_TASK_POOL_KNOWN  1000000000LL


static ngx_int_t ngx_http_task_pool_give(ngx_http_task_piece_t *piece);
static ngx_int_t ngx_http_task_pool_next(ngx_http_task_pool_t *pool);
static void ngx_http_task_pool_handler(ngx_event_t *ev);
static void ngx_http_task_pool_told(ngx_http_task_bell_t *bell);


/* state of this worker */

static ngx_http_task_pool_t  *ngx_http_task_pools;
static void                 (*ngx_http_task_pool_idle)(void);
static ngx_event_t            ngx_http_task_pool_event;
static ngx_connection_t       ngx_http_task_pool_dumb;  /* for the debug log */


ngx_http_task_pool_t *
ngx_http_task_pool_get(ngx_thread_pool_t *tp)
{
    ngx_http_task_pool_t  *pool;

    for (pool = ngx_http_task_pools; pool; pool = pool->next) {
        if (pool->pool == tp) {
            return pool;
        }
    }

    pool = ngx_calloc(sizeof(ngx_http_task_pool_t), ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    pool->pool = tp;
    pool->bell.handler = ngx_http_task_pool_told;
    pool->next = ngx_http_task_pools;
    ngx_queue_init(&pool->waiting);

    ngx_http_task_pools = pool;

    return pool;
}


ngx_int_t
ngx_http_task_pool_post(ngx_http_task_piece_t *piece)
{
    ngx_event_t           *ev;
    ngx_http_task_pool_t  *pool;

    pool = piece->pool;

    if (!ngx_http_task_promised(piece->task)) {
        return ngx_http_task_pool_give(piece);
    }

    /* pieces that wait already go first */

    if (ngx_queue_empty(&pool->waiting)
        && ngx_http_task_pool_give(piece) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_queue_insert_tail(&pool->waiting, &piece->queue);
    piece->waiting = 1;

    ev = &ngx_http_task_pool_event;

    if (ev->handler == NULL) {
        ev->handler = ngx_http_task_pool_handler;
        ev->data = &ngx_http_task_pool_dumb;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;

        ngx_http_task_pool_dumb.fd = (ngx_socket_t) -1;
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_POOL_RETRY);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_pool_give(ngx_http_task_piece_t *piece)
{
    if (ngx_thread_task_post(piece->pool->pool, &piece->thread) != NGX_OK) {
        return NGX_BUSY;
    }

    /* only the loop touches these: a thread may have the task already */

    piece->pool->given++;
    piece->in_pool = 1;
    piece->task->in_pools++;

    if (piece->counted) {
        ngx_http_task_count_piece_given(piece->counted);
    }

    ngx_http_task_hold(NGX_HTTP_TASK_HOLD_PIECE, &piece->hold);

    return NGX_OK;
}


void
ngx_http_task_pool_leave(ngx_http_task_piece_t *piece)
{
    if (piece->waiting) {
        ngx_queue_remove(&piece->queue);
        piece->waiting = 0;
    }
}


void
ngx_http_task_pool_returned(ngx_http_task_piece_t *piece)
{
    piece->in_pool = 0;
    piece->task->in_pools--;

    if (piece->counted) {
        ngx_http_task_count_piece_returned(piece->counted);
    }

    ngx_http_task_unhold(&piece->hold);

    piece->pool->returned++;

    (void) ngx_http_task_pool_next(piece->pool);

    if (ngx_http_task_pool_idle) {
        ngx_http_task_pool_idle();
    }
}


void
ngx_http_task_pool_begun(ngx_http_task_piece_t *piece)
{
    ngx_http_task_pool_t  *pool;

    pool = piece->pool;

    (void) __atomic_add_fetch(&pool->begun, 1, __ATOMIC_SEQ_CST);

    if (__atomic_load_n(&pool->asked, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&pool->asked, 0, __ATOMIC_SEQ_CST);
        ngx_http_task_bell_ring(&pool->bell);
    }
}


static void
ngx_http_task_pool_told(ngx_http_task_bell_t *bell)
{
    ngx_http_task_pool_idle();
}


void
ngx_http_task_pool_init(void (*idle)(void))
{
    ngx_http_task_pool_idle = idle;
}


ngx_http_task_pool_room_e
ngx_http_task_pool_has_room(ngx_http_task_pool_t *pool)
{
    uint32_t  running;

    if (!ngx_queue_empty(&pool->waiting)) {
        return NGX_HTTP_TASK_POOL_NONE;
    }

    running = ngx_http_task_atomic_get(&pool->begun) - pool->returned;

    if (running >= pool->threads && ngx_http_task_now() < pool->known) {
        return NGX_HTTP_TASK_POOL_NONE;
    }

    if (pool->given != __atomic_load_n(&pool->begun, __ATOMIC_SEQ_CST)) {

        /* it may be begun now, before its thread can see the question */

        __atomic_store_n(&pool->asked, 1, __ATOMIC_SEQ_CST);

        if (pool->given != __atomic_load_n(&pool->begun, __ATOMIC_SEQ_CST)) {
            return NGX_HTTP_TASK_POOL_NONE;
        }
    }

    if (running < pool->most) {
        return NGX_HTTP_TASK_POOL_FREE;
    }

    pool->most = running;

    return running ? NGX_HTTP_TASK_POOL_MAYBE : NGX_HTTP_TASK_POOL_FREE;
}


void
ngx_http_task_pool_full(ngx_http_task_pool_t *pool)
{
    pool->threads = ngx_http_task_atomic_get(&pool->begun) - pool->returned;
    pool->known = ngx_http_task_now() + NGX_HTTP_TASK_POOL_KNOWN;
}


/* gives the first piece that waits; NGX_DECLINED: none; NGX_BUSY: no room */

static ngx_int_t
ngx_http_task_pool_next(ngx_http_task_pool_t *pool)
{
    ngx_queue_t            *q;
    ngx_http_task_piece_t  *piece;

    if (ngx_queue_empty(&pool->waiting)) {
        return NGX_DECLINED;
    }

    q = ngx_queue_head(&pool->waiting);
    piece = ngx_queue_data(q, ngx_http_task_piece_t, queue);

    ngx_http_task_pool_leave(piece);

    if (ngx_http_task_pool_give(piece) == NGX_OK) {
        return NGX_OK;
    }

    ngx_queue_insert_head(&pool->waiting, &piece->queue);
    piece->waiting = 1;

    return NGX_BUSY;
}


/* nobody tells when something of others has left a pool */

static void
ngx_http_task_pool_handler(ngx_event_t *ev)
{
    ngx_uint_t             waiting;
    ngx_http_task_pool_t  *pool;

    waiting = 0;

    for (pool = ngx_http_task_pools; pool; pool = pool->next) {

        while (ngx_http_task_pool_next(pool) == NGX_OK) { /* void */ }

        waiting |= !ngx_queue_empty(&pool->waiting);
    }

    if (waiting) {
        ngx_add_timer(ev, NGX_HTTP_TASK_POOL_RETRY);
    }
}
