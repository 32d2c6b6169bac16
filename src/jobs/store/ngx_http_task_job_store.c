
/*
 * The zone as a store: each call is answered before it returns, but for a
 * watch, see ngx_http_task_job_look.c.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static void ngx_http_task_job_store_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, uint64_t share, ngx_uint_t max, void *data);
static void ngx_http_task_job_store_event(ngx_http_task_store_t *store,
    uint64_t key, ngx_str_t *text);
static void ngx_http_task_job_store_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_end_t *end);
static void ngx_http_task_job_store_returned(ngx_http_task_store_t *store,
    uint64_t key);
static void ngx_http_task_job_store_begin(ngx_http_task_store_t *store,
    uint64_t key);
static void ngx_http_task_job_store_progress(ngx_http_task_store_t *store,
    uint64_t key, int64_t done, int64_t total, const char *message);
static void ngx_http_task_job_store_read(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_watch(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_counts(ngx_http_task_store_t *store,
    ngx_http_task_job_counts_t *counts);
static void ngx_http_task_job_store_leave(ngx_http_task_store_t *store);


const ngx_http_task_store_type_t  ngx_http_task_job_store = {
    .name = ngx_string("zone"),
    .add = ngx_http_task_job_store_add,
    .event = ngx_http_task_job_store_event,
    .end = ngx_http_task_job_store_end,
    .returned = ngx_http_task_job_store_returned,
    .begin = ngx_http_task_job_store_begin,
    .progress = ngx_http_task_job_store_progress,
    .read = ngx_http_task_job_store_read,
    .cancel = ngx_http_task_job_store_cancel,
    .forget = ngx_http_task_job_store_forget,
    .watch = ngx_http_task_job_store_watch,
    .counts = ngx_http_task_job_store_counts,
    .leave = ngx_http_task_job_store_leave
};


#define ngx_http_task_job_store_zone(store)                                   \
    ((ngx_http_task_job_zone_t *) (store)->data)


static void
ngx_http_task_job_store_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, uint64_t share, ngx_uint_t max, void *data)
{
    ngx_int_t                  rc;
    ngx_http_task_record_t    *job;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    rc = ngx_http_task_job_add(zone, share, max, data, &job);

    if (rc != NGX_OK) {
        ngx_http_task_store_answer(op, rc);
        return;
    }

    op->key = job - zone->sh->jobs;
    ngx_memcpy(op->id, job->id, NGX_HTTP_TASK_JOB_ID);

    zone->running++;
    ngx_http_task_job_look(zone);

    ngx_http_task_store_answer(op, NGX_OK);
}


static void
ngx_http_task_job_store_event(ngx_http_task_store_t *store, uint64_t key,
    ngx_str_t *text)
{
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    ngx_http_task_job_event(zone, &zone->sh->jobs[key], text);
}


static void
ngx_http_task_job_store_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_end_t *end)
{
    ngx_int_t                  rc;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    rc = ngx_http_task_job_end(zone, &zone->sh->jobs[op->key], end);

    if (rc == NGX_OK) {
        zone->running--;
    }

    ngx_http_task_store_answer(op, rc);
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
    ngx_http_task_store_op_t *op)
{
    ngx_int_t  rc;

    rc = ngx_http_task_job_see(ngx_http_task_job_store_zone(store), op);

    ngx_http_task_store_answer(op, rc);
}


static void
ngx_http_task_job_store_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_int_t  rc;

    rc = ngx_http_task_job_ask(ngx_http_task_job_store_zone(store), op->id);

    ngx_http_task_store_answer(op, rc);
}


static void
ngx_http_task_job_store_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_int_t  rc;

    rc = ngx_http_task_job_forget(ngx_http_task_job_store_zone(store),
                                  op->id);

    ngx_http_task_store_answer(op, rc);
}


static void
ngx_http_task_job_store_watch(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_int_t                  rc;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    if (op->version == 0) {
        rc = ngx_http_task_job_peek(zone, op->id, &op->version, &op->ended);
        ngx_http_task_store_answer(op, rc);
        return;
    }

    ngx_http_task_job_look_for(zone, op);
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
