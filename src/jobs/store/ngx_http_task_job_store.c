
/*
 * The zone as a store: each call is done at once, and calls its handler before
 * it returns.  A worker that has jobs looks every so often whether any of them
 * is to be cancelled.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* how often a worker that has jobs looks for cancels, milliseconds */

#define NGX_HTTP_TASK_JOB_LOOK  50


static void ngx_http_task_job_store_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, uint64_t share, ngx_uint_t max, void *data);
static void ngx_http_task_job_store_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, uint64_t key,
    ngx_http_task_store_end_t *end);
static void ngx_http_task_job_store_returned(ngx_http_task_store_t *store,
    uint64_t key);
static void ngx_http_task_job_store_begin(ngx_http_task_store_t *store,
    uint64_t key);
static void ngx_http_task_job_store_progress(ngx_http_task_store_t *store,
    uint64_t key, int64_t done, int64_t total, const char *message);
static void ngx_http_task_job_store_read(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id);
static void ngx_http_task_job_store_peek(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id);
static void ngx_http_task_job_store_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id);
static void ngx_http_task_job_store_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id);
static void ngx_http_task_job_store_drop(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_counts(ngx_http_task_store_t *store,
    ngx_http_task_job_counts_t *counts);
static void ngx_http_task_job_store_leave(ngx_http_task_store_t *store);
static void ngx_http_task_job_store_look(ngx_event_t *ev);


const ngx_http_task_store_type_t  ngx_http_task_job_store = {
    .name = ngx_string("zone"),
    .add = ngx_http_task_job_store_add,
    .end = ngx_http_task_job_store_end,
    .returned = ngx_http_task_job_store_returned,
    .begin = ngx_http_task_job_store_begin,
    .progress = ngx_http_task_job_store_progress,
    .read = ngx_http_task_job_store_read,
    .peek = ngx_http_task_job_store_peek,
    .cancel = ngx_http_task_job_store_cancel,
    .forget = ngx_http_task_job_store_forget,
    .drop = ngx_http_task_job_store_drop,
    .counts = ngx_http_task_job_store_counts,
    .leave = ngx_http_task_job_store_leave
};


#define ngx_http_task_job_store_zone(store)                                   \
    ((ngx_http_task_job_zone_t *) (store))


static void
ngx_http_task_job_store_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, uint64_t share, ngx_uint_t max, void *data)
{
    ngx_int_t                  rc;
    ngx_event_t               *ev;
    ngx_http_task_record_t    *job;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    rc = ngx_http_task_job_add(zone, share, max, data, &job);

    if (rc != NGX_OK) {
        op->handler(op, rc);
        return;
    }

    op->key = job - zone->sh->jobs;
    ngx_memcpy(op->id, job->id, NGX_HTTP_TASK_JOB_ID);

    zone->running++;

    ev = &zone->event;

    if (ev->handler == NULL) {
        ev->handler = ngx_http_task_job_store_look;
        ev->data = zone;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_JOB_LOOK);
    }

    op->handler(op, NGX_OK);
}


static void
ngx_http_task_job_store_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, uint64_t key, ngx_http_task_store_end_t *end)
{
    ngx_int_t                  rc;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    rc = ngx_http_task_job_end(zone, &zone->sh->jobs[key], end->state,
                               end->status, &end->result, end->busy);

    if (rc == NGX_OK) {
        zone->running--;
    }

    op->handler(op, rc);
}


static void
ngx_http_task_job_store_returned(ngx_http_task_store_t *store, uint64_t key)
{
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    ngx_http_task_job_returned(zone, &zone->sh->jobs[key]);
}


static void
ngx_http_task_job_store_begin(ngx_http_task_store_t *store, uint64_t key)
{
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    ngx_http_task_job_begin(zone, &zone->sh->jobs[key]);
}


static void
ngx_http_task_job_store_progress(ngx_http_task_store_t *store, uint64_t key,
    int64_t done, int64_t total, const char *message)
{
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    ngx_http_task_job_progress(&zone->sh->jobs[key], done, total, message);
}


static void
ngx_http_task_job_store_read(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id)
{
    op->handler(op, ngx_http_task_job_see(ngx_http_task_job_store_zone(store),
                                          id, op->pool, &op->seen));
}


static void
ngx_http_task_job_store_peek(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id)
{
    op->handler(op, ngx_http_task_job_peek(ngx_http_task_job_store_zone(store),
                                           id, &op->version, &op->ended));
}


static void
ngx_http_task_job_store_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id)
{
    op->handler(op, ngx_http_task_job_ask(ngx_http_task_job_store_zone(store),
                                          id));
}


static void
ngx_http_task_job_store_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, u_char *id)
{
    op->handler(op,
                ngx_http_task_job_forget(ngx_http_task_job_store_zone(store),
                                         id));
}


/* no call is ever under way */

static void
ngx_http_task_job_store_drop(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    /* void */
}


static void
ngx_http_task_job_store_counts(ngx_http_task_store_t *store,
    ngx_http_task_job_counts_t *counts)
{
    ngx_http_task_job_counts(ngx_http_task_job_store_zone(store), counts);
}


static void
ngx_http_task_job_store_leave(ngx_http_task_store_t *store)
{
    ngx_http_task_job_leave(ngx_http_task_job_store_zone(store));
}


static void
ngx_http_task_job_store_look(ngx_event_t *ev)
{
    void                      *data[NGX_HTTP_TASK_JOB_ASKED];
    ngx_uint_t                 i, n;
    ngx_http_task_job_zone_t  *zone;

    zone = ev->data;

    n = ngx_http_task_job_asked(zone, data);

    for (i = 0; i < n; i++) {
        zone->store.asked(data[i]);
    }

    if (zone->running) {
        ngx_add_timer(ev, (n == NGX_HTTP_TASK_JOB_ASKED)
                          ? 1 : NGX_HTTP_TASK_JOB_LOOK);
    }
}
