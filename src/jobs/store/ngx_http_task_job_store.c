
/*
 * The zone as a store: each call is answered before it returns, but for a
 * watch, see ngx_http_task_job_look.c, and what is done with a long input, see
 * ngx_http_task_job_long.c.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_int_t ngx_http_task_job_store_enter(ngx_http_task_store_t *store);
static void ngx_http_task_job_store_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);
static void ngx_http_task_job_store_claim(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_queue_t *queue);
static void ngx_http_task_job_store_pass(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue);
static ngx_uint_t ngx_http_task_job_store_last(ngx_http_task_store_t *store);
static ngx_uint_t ngx_http_task_job_store_wanted(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue);
static void ngx_http_task_job_store_bind(ngx_http_task_store_t *store,
    uint64_t key, void *data);
static void ngx_http_task_job_store_give_back(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
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
static void ngx_http_task_job_store_do(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op,
    ngx_int_t (*change)(ngx_http_task_job_zone_t *zone, u_char *id));
static void ngx_http_task_job_store_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_retry(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
static void ngx_http_task_job_store_list(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list);
static void ngx_http_task_job_store_counts(ngx_http_task_store_t *store,
    ngx_http_task_job_counts_t *counts);
static void ngx_http_task_job_store_leave(ngx_http_task_store_t *store);
static void ngx_http_task_job_store_abandon(ngx_http_task_store_t *store);


const ngx_http_task_store_type_t  ngx_http_task_job_store = {
    .name = ngx_string("zone"),
    .enter = ngx_http_task_job_store_enter,
    .add = ngx_http_task_job_store_add,
    .claim = ngx_http_task_job_store_claim,
    .pass = ngx_http_task_job_store_pass,
    .wanted = ngx_http_task_job_store_wanted,
    .last = ngx_http_task_job_store_last,
    .bind = ngx_http_task_job_store_bind,
    .give_back = ngx_http_task_job_store_give_back,
    .event = ngx_http_task_job_store_event,
    .end = ngx_http_task_job_store_end,
    .returned = ngx_http_task_job_store_returned,
    .begin = ngx_http_task_job_store_begin,
    .progress = ngx_http_task_job_store_progress,
    .read = ngx_http_task_job_store_read,
    .cancel = ngx_http_task_job_store_cancel,
    .forget = ngx_http_task_job_store_forget,
    .retry = ngx_http_task_job_store_retry,
    .list = ngx_http_task_job_store_list,
    .watch = ngx_http_task_job_store_watch,
    .counts = ngx_http_task_job_store_counts,
    .leave = ngx_http_task_job_store_leave,
    .abandon = ngx_http_task_job_store_abandon
};


#define ngx_http_task_job_store_zone(store)                                   \
    ((ngx_http_task_job_zone_t *) (store)->data)

/* a job that was not there may be in the state file, if that was not read */

#define ngx_http_task_job_store_none(loads, rc)                               \
    (((rc) == NGX_DECLINED && (loads)) ? NGX_AGAIN : (rc))


static ngx_int_t
ngx_http_task_job_store_enter(ngx_http_task_store_t *store)
{
    ngx_int_t                  rc;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    zone->wake = NGX_HTTP_TASK_JOB_NONE;
    zone->idle = 1;

    ngx_http_task_job_lock(zone);

    rc = ngx_http_task_job_enter(zone);

    ngx_http_task_job_unlock(zone);

    /* the look timer tries it again */

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "all places of task_job_zone \"%V\" are taken by workers "
                      "that leave, this one does not run jobs yet",
                      &store->name);

    } else if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "no memory for task_job_zone \"%V\", this worker does "
                      "not run jobs yet", &store->name);
    }

    if (ngx_http_task_job_look_begin(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    return zone->state ? ngx_http_task_state_begin(zone) : NGX_OK;
}


static void
ngx_http_task_job_store_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    ngx_int_t                  rc;
    ngx_http_task_record_t    *job;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    rc = ngx_http_task_state_refuses(zone, op, add)
         ? NGX_DECLINED : ngx_http_task_job_add(zone, op, add, &job);

    if (rc == NGX_AGAIN) {
        ngx_http_task_job_long(zone, op, add, job);

    } else if (rc == NGX_OK) {
        ngx_http_task_state_answer(zone, op, add, job);

    } else if (op->why == NGX_HTTP_TASK_STORE_SAME) {
        ngx_http_task_state_known(zone, op, add);

    } else {
        ngx_http_task_store_answer(op, rc);
    }
}


static void
ngx_http_task_job_store_claim(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_queue_t *queue)
{
    ngx_int_t                  rc;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    rc = ngx_http_task_job_claim(zone, op, queue);

    if (rc == NGX_AGAIN) {
        ngx_http_task_job_long(zone, op, NULL, &zone->sh->jobs[op->key]);

    } else if (rc == NGX_OK) {
        ngx_http_task_state_answer(zone, op, NULL, &zone->sh->jobs[op->key]);

    } else {
        ngx_http_task_store_answer(op, rc);
    }
}


static void
ngx_http_task_job_store_pass(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue)
{
    ngx_http_task_job_pass(ngx_http_task_job_store_zone(store), queue);
}


static ngx_uint_t
ngx_http_task_job_store_wanted(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue)
{
    return ngx_http_task_job_queue_wanted(ngx_http_task_job_store_zone(store),
                                          queue);
}


static ngx_uint_t
ngx_http_task_job_store_last(ngx_http_task_store_t *store)
{
    ngx_uint_t                 last;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    last = ngx_http_task_job_last(zone);

    /* they wait for the next start, if the state file has them */

    return last && !ngx_http_task_state_has_jobs(zone);
}


static void
ngx_http_task_job_store_bind(ngx_http_task_store_t *store, uint64_t key,
    void *data)
{
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    zone->data[key] = data;

    /* a client has asked for it before this worker could be told */

    if (data && zone->sh->jobs[key].cancel) {
        ngx_http_task_job_ask_again(zone, &zone->sh->jobs[key]);
    }

    zone->running++;
    ngx_http_task_job_look(zone);
}


static void
ngx_http_task_job_store_give_back(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    ngx_http_task_job_give_back(zone, &zone->sh->jobs[op->key]);

    zone->running--;

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
    ngx_int_t                  rc;
    ngx_uint_t                 loads;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);
    loads = ngx_http_task_state_loads(zone);

    rc = ngx_http_task_job_see(zone, op);

    ngx_http_task_store_answer(op, ngx_http_task_job_store_none(loads, rc));
}


/* what a client has asked for is answered when the state file has it */

static void
ngx_http_task_job_store_do(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op,
    ngx_int_t (*change)(ngx_http_task_job_zone_t *zone, u_char *id))
{
    ngx_int_t                  rc;
    ngx_uint_t                 loads;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);
    loads = ngx_http_task_state_loads(zone);

    rc = change(zone, op->id);

    if (rc == NGX_OK) {
        ngx_http_task_state_answer(zone, op, NULL, NULL);

    } else {
        ngx_http_task_store_answer(op, ngx_http_task_job_store_none(loads, rc));
    }
}


static void
ngx_http_task_job_store_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_job_store_do(store, op, ngx_http_task_job_ask);
}


static void
ngx_http_task_job_store_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_job_store_do(store, op, ngx_http_task_job_forget);
}


static void
ngx_http_task_job_store_retry(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_job_store_do(store, op, ngx_http_task_job_retry);
}


static void
ngx_http_task_job_store_list(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list)
{
    ngx_http_task_job_page(ngx_http_task_job_store_zone(store), op, list);
}


static void
ngx_http_task_job_store_watch(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_int_t                  rc;
    ngx_uint_t                 loads;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    if (op->version == 0) {
        loads = ngx_http_task_state_loads(zone);
        rc = ngx_http_task_job_peek(zone, op->id, &op->version, &op->ended);
        ngx_http_task_store_answer(op, ngx_http_task_job_store_none(loads, rc));
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

    ngx_http_task_job_store_abandon(store);
}


/* others see what this worker had; but the file has to be written */

static void
ngx_http_task_job_store_abandon(ngx_http_task_store_t *store)
{
    ngx_uint_t                 waiting;
    ngx_http_task_job_zone_t  *zone;

    zone = ngx_http_task_job_store_zone(store);

    if (zone->state && ngx_http_task_state_end(zone)) {
        return;
    }

    waiting = ngx_http_task_job_alone(zone)
              ? ngx_http_task_job_all_waiting(zone) : 0;

    if (waiting && zone->state) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "%ui jobs wait in task_job_zone \"%V\", and no worker is "
                      "left to run them: those that its state file lacks are "
                      "gone", waiting, &store->name);

    } else if (waiting) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "%ui jobs wait in task_job_zone \"%V\", and no worker is "
                      "left to run them", waiting, &store->name);
    }
}
