
/*
 * What keeps a worker that quits.  Its event loop ends as soon as only
 * cancelable timers are set.  While anything is held here, a piece of a task
 * in a pool, a task that streams, or a job that has not ended, one timer is
 * set that is not cancelable.  When it fires, look() is called, too.
 *
 * Each kind of holds has a bound of its own, after which they are given up,
 * step by step: there may be thousands.  A job whose piece is in a pool has two
 * holds, one of each kind, until the job ends.
 */


#include "base/ngx_http_task_base.h"


/* how often the timer fires, milliseconds */

#define NGX_HTTP_TASK_HOLD_TIME  500


static void ngx_http_task_hold_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_task_hold_quit(void);
static ngx_uint_t ngx_http_task_hold_step(ngx_http_task_work_t *work);


/* state of this worker */

static ngx_queue_t            ngx_http_task_held[NGX_HTTP_TASK_HOLDS];
static const int64_t         *ngx_http_task_hold_bounds;
static void                 (*ngx_http_task_hold_look)(void);
static ngx_uint_t             ngx_http_task_hold_over;
static int64_t                ngx_http_task_hold_since;   /* it quits, ns */
static ngx_event_t            ngx_http_task_hold_event;
static ngx_connection_t       ngx_http_task_hold_dumb;  /* for the debug log */

/* what is given up next, or the queue's end; NULL: nothing is, or all were */

static ngx_queue_t           *ngx_http_task_hold_at[NGX_HTTP_TASK_HOLDS];
static ngx_http_task_work_t   ngx_http_task_hold_work;


void
ngx_http_task_hold_init(const int64_t *bounds, void (*look)(void))
{
    ngx_uint_t    i;
    ngx_event_t  *ev;

    for (i = 0; i < NGX_HTTP_TASK_HOLDS; i++) {
        ngx_queue_init(&ngx_http_task_held[i]);
    }

    ngx_http_task_hold_bounds = bounds;
    ngx_http_task_hold_look = look;
    ngx_http_task_hold_work.step = ngx_http_task_hold_step;

    ev = &ngx_http_task_hold_event;

    ev->handler = ngx_http_task_hold_handler;
    ev->data = &ngx_http_task_hold_dumb;
    ev->log = ngx_cycle->log;

    ngx_http_task_hold_dumb.fd = (ngx_socket_t) -1;
}


void
ngx_http_task_hold(ngx_http_task_hold_e kind, ngx_http_task_hold_t *hold)
{
    ngx_event_t  *ev;
    ngx_queue_t  *held;

    held = &ngx_http_task_held[kind];

    ngx_queue_insert_tail(held, &hold->queue);

    if (ngx_http_task_hold_at[kind] == held) {
        ngx_http_task_hold_at[kind] = &hold->queue;
    }

    ev = &ngx_http_task_hold_event;
    ev->cancelable = 0;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
    }
}


void
ngx_http_task_unhold(ngx_http_task_hold_t *hold)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TASK_HOLDS; i++) {
        if (ngx_http_task_hold_at[i] == &hold->queue) {
            ngx_http_task_hold_at[i] = ngx_queue_next(&hold->queue);
        }
    }

    ngx_queue_remove(&hold->queue);

    if (!ngx_http_task_hold_any()) {
        ngx_http_task_hold_event.cancelable = 1;
    }
}


ngx_uint_t
ngx_http_task_hold_any(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TASK_HOLDS; i++) {
        if (!ngx_queue_empty(&ngx_http_task_held[i])) {
            return 1;
        }
    }

    return 0;
}


ngx_http_task_hold_t *
ngx_http_task_hold_next(ngx_http_task_hold_e kind, ngx_http_task_hold_t *hold)
{
    ngx_queue_t  *q, *held;

    held = &ngx_http_task_held[kind];

    /* a process that is not a worker holds nothing */

    if (held->next == NULL) {
        return NULL;
    }

    q = hold ? ngx_queue_next(&hold->queue) : ngx_queue_head(held);

    return (q == ngx_queue_sentinel(held))
           ? NULL : ngx_queue_data(q, ngx_http_task_hold_t, queue);
}


ngx_uint_t
ngx_http_task_hold_ends(ngx_http_task_hold_e kind)
{
    return ngx_http_task_hold_over
           || (ngx_http_task_hold_since
               && (ngx_http_task_now() - ngx_http_task_hold_since) / 1000000
                  >= ngx_http_task_hold_bounds[kind]);
}


void
ngx_http_task_hold_no_longer(void)
{
    ngx_http_task_hold_over = 1;
}


static void
ngx_http_task_hold_handler(ngx_event_t *ev)
{
    ngx_http_task_hold_look();

    if (!ngx_http_task_hold_any()) {
        return;
    }

    if (ngx_exiting && !ngx_http_task_hold_quit()) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
}


/* begins to give up holds whose time is over; 1: others are waited for */

static ngx_uint_t
ngx_http_task_hold_quit(void)
{
    ngx_uint_t    i, wait;
    ngx_queue_t  *held;

    wait = 0;

    if (ngx_http_task_hold_since == 0) {
        ngx_http_task_hold_since = ngx_http_task_now();
    }

    for (i = 0; i < NGX_HTTP_TASK_HOLDS; i++) {
        held = &ngx_http_task_held[i];

        if (ngx_queue_empty(held)) {
            continue;
        }

        if (!ngx_http_task_hold_ends(i)) {
            wait = 1;
            continue;
        }

        if (ngx_http_task_hold_at[i] == NULL) {
            ngx_http_task_hold_at[i] = ngx_queue_head(held);
            ngx_http_task_work_begin(&ngx_http_task_hold_work);
        }
    }

    return wait;
}


/*
 * Jobs come first: of one that was given up only a piece may be left.
 * give_up() may undo a hold, or leave it: it is not awaited any more.  It may
 * lead to new holds: those of its kind are behind it, and are given up, too,
 * others when their kind is looked at again.
 */

static ngx_uint_t
ngx_http_task_hold_step(ngx_http_task_work_t *work)
{
    ngx_uint_t             i;
    ngx_queue_t           *q;
    ngx_http_task_hold_t  *hold;

    for (i = 0; i < NGX_HTTP_TASK_HOLDS; i++) {
        q = ngx_http_task_hold_at[i];

        if (q == NULL) {
            continue;
        }

        if (q == ngx_queue_sentinel(&ngx_http_task_held[i])) {
            ngx_http_task_hold_at[i] = NULL;
            continue;
        }

        ngx_http_task_hold_at[i] = ngx_queue_next(q);

        hold = ngx_queue_data(q, ngx_http_task_hold_t, queue);
        hold->give_up(hold);

        return 1;
    }

    return 0;
}
