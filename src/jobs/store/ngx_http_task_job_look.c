
/*
 * A worker that has jobs in a zone looks every so often whether any of them is
 * to be cancelled; and as long as somebody watches jobs, which may be those of
 * other workers, it looks whether they have changed.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* the time between two rounds, milliseconds */

#define NGX_HTTP_TASK_JOB_LOOK  50


static void ngx_http_task_job_look_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_task_job_look_cancels(
    ngx_http_task_job_zone_t *zone);
static ngx_uint_t ngx_http_task_job_look_watches(
    ngx_http_task_job_zone_t *zone);
static void ngx_http_task_job_look_at(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op);


void
ngx_http_task_job_look(ngx_http_task_job_zone_t *zone)
{
    ngx_event_t  *ev;

    ev = &zone->event;

    if (ev->handler == NULL) {
        ngx_queue_init(&zone->watches);
        ngx_queue_init(&zone->behind);

        ev->handler = ngx_http_task_job_look_handler;
        ev->data = zone;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_LOOK);
    }
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
    ngx_uint_t                 more;
    ngx_http_task_job_zone_t  *zone;

    zone = ev->data;

    more = ngx_http_task_job_look_cancels(zone);
    more |= ngx_http_task_job_look_watches(zone);

    ev->cancelable = ngx_queue_empty(&zone->watches)
                     && ngx_queue_empty(&zone->behind);

    /* a handler may have set it */

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (zone->running || !ev->cancelable) {
        ngx_add_timer(ev, more ? 1 : NGX_HTTP_TASK_JOB_LOOK);
    }
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
