
/*
 * A worker that has jobs in a zone looks every so often whether any of them is
 * to be cancelled; and as long as somebody watches jobs, which may be those of
 * other workers, it looks whether they have changed.  Now and then it looks for
 * workers that are gone, for jobs that wait although it was not told, and for
 * those whose next attempt is due.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* the time between two rounds, milliseconds */

#define NGX_HTTP_TASK_JOB_LOOK  50

/* likewise of a worker that has no jobs, and watches none */

#define NGX_HTTP_TASK_JOB_IDLE  1000


static void ngx_http_task_job_look_handler(ngx_event_t *ev);
static void ngx_http_task_job_look_woken(void *data);
static void ngx_http_task_job_look_waiting(ngx_http_task_job_zone_t *zone);
static void ngx_http_task_job_look_owners(ngx_http_task_job_zone_t *zone);
static ngx_uint_t ngx_http_task_job_look_cancels(
    ngx_http_task_job_zone_t *zone);
static ngx_uint_t ngx_http_task_job_look_watches(
    ngx_http_task_job_zone_t *zone);
static void ngx_http_task_job_look_at(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op);


ngx_int_t
ngx_http_task_job_look_begin(ngx_http_task_job_zone_t *zone)
{
    ngx_event_t  *ev;

    ngx_queue_init(&zone->watches);
    ngx_queue_init(&zone->behind);

    ev = &zone->event;

    ev->handler = ngx_http_task_job_look_handler;
    ev->data = zone;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    zone->waker.handler = ngx_http_task_job_look_woken;
    zone->waker.data = zone;

    /* a loop that begins does what was posted before when something happens */

    ngx_add_timer(ev, 1);

    return ngx_http_task_wake_listen(&zone->waker);
}


void
ngx_http_task_job_look(ngx_http_task_job_zone_t *zone)
{
    ngx_event_t  *ev;

    ev = &zone->event;

    if (zone->idle) {
        zone->idle = 0;

        if (ev->timer_set) {
            ngx_del_timer(ev);
        }

        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_LOOK);
    }
}


/* a worker is woken for any of its queues in any zone */

static void
ngx_http_task_job_look_woken(void *data)
{
    ngx_http_task_job_zone_t *zone = data;

    ngx_http_task_job_look_waiting(zone);
}


/* a worker that quits answers those who watch: the timer is not cancelable */

void
ngx_http_task_job_look_for(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_job_look(zone);
    ngx_http_task_store_later(&zone->watches, op);

    zone->event.cancelable = 0;
}


static void
ngx_http_task_job_look_handler(ngx_event_t *ev)
{
    ngx_msec_t                 wait;
    ngx_uint_t                 more;
    ngx_http_task_job_zone_t  *zone;

    zone = ev->data;

    wait = ngx_http_task_job_due(zone, NGX_HTTP_TASK_JOB_IDLE);

    more = ngx_http_task_job_look_cancels(zone);
    more |= ngx_http_task_job_look_watches(zone);

    ngx_http_task_job_look_waiting(zone);
    ngx_http_task_job_look_owners(zone);

    ev->cancelable = ngx_queue_empty(&zone->watches)
                     && ngx_queue_empty(&zone->behind);

    /* a handler may have set it */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    zone->idle = (zone->running == 0 && ev->cancelable);

    if (!zone->idle) {
        wait = ngx_min(wait, NGX_HTTP_TASK_JOB_LOOK);
    }

    ngx_add_timer(ev, more ? 1 : wait);
}


static void
ngx_http_task_job_look_waiting(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t               i;
    ngx_http_task_queue_t  **queues;

    queues = zone->store->queues.elts;

    for (i = 0; i < zone->store->queues.nelts; i++) {

        if (ngx_http_task_job_waits(zone, queues[i])) {
            queues[i]->ready(queues[i]->data);
        }
    }
}


/*
 * What they had claimed, and not begun, waits again.  What they ran may wait
 * for its next attempt, which is not due before each worker has looked.
 */

static void
ngx_http_task_job_look_owners(ngx_http_task_job_zone_t *zone)
{
    int64_t  now;

    now = ngx_http_task_now();

    if (now - zone->looked < NGX_HTTP_TASK_JOB_IDLE * (int64_t) 1000000) {
        return;
    }

    zone->looked = now;

    ngx_http_task_job_lock(zone);

    if (zone->owner == NULL) {
        (void) ngx_http_task_job_enter(zone);

    } else {
        (void) ngx_http_task_job_sweep(zone);
    }

    ngx_http_task_job_unlock(zone);
}


/* returns 1 if there may be more cancels */

static ngx_uint_t
ngx_http_task_job_look_cancels(ngx_http_task_job_zone_t *zone)
{
    void        *data[NGX_HTTP_TASK_JOB_ASKED];
    ngx_uint_t   i, n;

    if (zone->running == 0) {
        return 0;
    }

    n = ngx_http_task_job_asked(zone, data);

    for (i = 0; i < n; i++) {
        zone->store->asked(data[i]);
    }

    return n == NGX_HTTP_TASK_JOB_ASKED;
}


/*
 * Looks at the next ops of a round, or of a new one; returns 1 if some are left
 * of it.  A handler may watch again, or drop any other op.
 */

static ngx_uint_t
ngx_http_task_job_look_watches(ngx_http_task_job_zone_t *zone)
{
    int64_t       start;
    ngx_queue_t  *q;

    start = ngx_http_task_now();

    if (ngx_queue_empty(&zone->behind) && !ngx_queue_empty(&zone->watches)) {
        ngx_queue_add(&zone->behind, &zone->watches);
        ngx_queue_init(&zone->watches);
    }

    while (!ngx_queue_empty(&zone->behind)) {

        if (ngx_http_task_now() - start >= NGX_HTTP_TASK_TURN) {
            return 1;
        }

        q = ngx_queue_head(&zone->behind);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&zone->watches, q);

        ngx_http_task_job_look_at(zone,
                                  ngx_queue_data(q, ngx_http_task_store_op_t,
                                                 queue));
    }

    return 0;
}


static void
ngx_http_task_job_look_at(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op)
{
    uint64_t   version;
    ngx_int_t  rc;

    version = op->version;

    rc = ngx_http_task_job_peek(zone, op->id, &op->version, &op->ended);

    if (rc != NGX_OK || op->ended || op->version != version || ngx_exiting) {
        ngx_http_task_store_answer(op, rc);
    }
}
