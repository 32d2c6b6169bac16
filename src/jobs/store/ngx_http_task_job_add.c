
/*
 * A job is added to the zone, under its mutex: it gets an id, a place, and room
 * for what it is made of; and it is this worker's at once, or waits in its
 * queue.
 */


#include "jobs/store/ngx_http_task_state.h"

#include <sys/random.h>


static ngx_uint_t ngx_http_task_job_known(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);
static ngx_int_t ngx_http_task_job_admit(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_job_waiting_t *queue);
static ngx_int_t ngx_http_task_job_make(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t **made);
static void ngx_http_task_job_accept(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_record_t *job);
static void ngx_http_task_job_take_out(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);


ngx_int_t
ngx_http_task_job_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t **added)
{
    ngx_int_t                     rc;
    ngx_http_task_record_t       *job;
    ngx_http_task_job_waiting_t  *queue;

    op->claimed = 0;
    op->why = NGX_HTTP_TASK_STORE_NO_MEMORY;

    if (getrandom(op->id, sizeof(op->id), 0) != sizeof(op->id)) {
        return NGX_DECLINED;
    }

    ngx_http_task_job_lock(zone);

    ngx_http_task_job_expire(zone);

    if (add->keyed && ngx_http_task_job_known(zone, op, add)) {
        ngx_http_task_job_unlock(zone);
        return NGX_DECLINED;
    }

    queue = ngx_http_task_job_queue(zone, add->queue);

    if (queue == NULL) {
        op->why = NGX_HTTP_TASK_STORE_QUEUES;
        rc = NGX_DECLINED;

    } else {
        rc = ngx_http_task_job_admit(zone, op, add, queue);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_make(zone, op, add, &job);
    }

    if (rc == NGX_DECLINED) {
        zone->sh->refused += (op->why != NGX_HTTP_TASK_STORE_QUEUE);

    } else {
        job->queue = queue - zone->sh->queues;
        job->attempts = zone->store->attempts;
        job->keyed = add->keyed;

        ngx_memcpy(job->key, add->key, NGX_HTTP_TASK_JOB_DIGEST);
        ngx_memcpy(job->print, add->print, NGX_HTTP_TASK_JOB_DIGEST);

        job->taking = (rc == NGX_AGAIN);

        ngx_http_task_job_accept(zone, op, job);

        if (op->claimed && add->claim == 1) {
            ngx_http_task_job_hungry(zone, queue, 0);
        }

        *added = job;
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


/* returns 1 if a job has its key, which is not over, erased by its client, or
   refused when its worker had begun */

static ngx_uint_t
ngx_http_task_job_known(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    ngx_http_task_record_t  *job;

    /* the zone was emptied since that was asked: the file may have the job */

    if (ngx_http_task_state_loads(zone)) {
        op->why = NGX_HTTP_TASK_STORE_LOADS;
        return 1;
    }

    job = ngx_http_task_job_key_find(zone, add->key);

    if (job == NULL
        || (ngx_http_task_atomic_get(&job->state) >= NGX_HTTP_TASK_JOB_DONE
            && ngx_http_task_job_is_over(zone, job, ngx_http_task_job_clock())))
    {
        return 0;
    }

    if (ngx_memcmp(job->print, add->print, NGX_HTTP_TASK_JOB_DIGEST) != 0) {
        op->why = NGX_HTTP_TASK_STORE_OTHER;

    } else if (job->taking) {
        op->why = NGX_HTTP_TASK_STORE_TAKING;

    } else {
        op->why = NGX_HTTP_TASK_STORE_SAME;
        op->seen.state = ngx_http_task_atomic_get(&job->state);
        ngx_memcpy(op->id, job->id, NGX_HTTP_TASK_JOB_ID);
    }

    return 1;
}


/* whether it is this worker's at once, or has room to wait */

static ngx_int_t
ngx_http_task_job_admit(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_job_waiting_t *queue)
{
    ngx_uint_t  room, own;

    op->waiting = queue->waiting;

    if (add->claim && zone->owner && queue->waiting == 0) {
        op->claimed = 1;
        return NGX_OK;
    }

    /* this worker comes for one as soon as it can, whichever that is */

    room = ngx_http_task_job_queue_room(queue);

    if (add->claim) {
        own = zone->owner ? zone->owner - zone->sh->owners : 0;

        room += zone->owner
                ? !(((queue->hungry[own / 64] | queue->coming[own / 64])
                     >> own % 64) & 1)
                : 1;
    }

    if (queue->waiting >= add->waiting
        && queue->waiting - add->waiting >= room)
    {
        op->why = NGX_HTTP_TASK_STORE_QUEUE;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* a record that is free, with all that it is made of, if that is not long */

static ngx_int_t
ngx_http_task_job_make(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t **made)
{
    ngx_int_t                rc;
    ngx_uint_t               need;
    ngx_http_task_record_t  *job;

    need = ngx_http_task_job_blocks(add->head.len + add->body.len);

    op->why = NGX_HTTP_TASK_STORE_FULL;

    /* nothing is dropped in vain */

    if (!ngx_http_task_job_has_room(zone, need)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_task_job_place(zone, add->share, add->max, &job);

    if (rc != NGX_OK) {
        op->why = (rc == NGX_DECLINED) ? NGX_HTTP_TASK_STORE_SHARE
                                       : NGX_HTTP_TASK_STORE_FULL;
        return NGX_DECLINED;
    }

    *made = job;

    if (add->head.len + add->body.len > NGX_HTTP_TASK_JOB_PIECE
        && zone->owner)
    {
        return NGX_AGAIN;
    }

    if (ngx_http_task_job_make_room(zone, need) != NGX_OK) {
        ngx_http_task_job_unplace(zone, job);
        return NGX_DECLINED;
    }

    ngx_http_task_job_input_write(zone, job, &add->head, &add->body);

    return NGX_OK;
}


static void
ngx_http_task_job_accept(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_record_t *job)
{
    uint32_t                *bucket, i;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = job - sh->jobs;

    ngx_memcpy(job->id, op->id, NGX_HTTP_TASK_JOB_ID);
    job->created = ngx_http_task_job_now();
    job->accepted = ngx_http_task_job_clock();
    job->order = ++sh->order;
    job->turn = job->order;
    job->since = job->turn;
    job->owner = NGX_HTTP_TASK_JOB_NONE;

    bucket = ngx_http_task_job_bucket(sh, job->id);
    job->next = *bucket;
    *bucket = i;

    ngx_http_task_job_key_add(sh, job);

    sh->shares[job->share].jobs++;
    sh->queues[job->queue].jobs++;

    if (op->claimed || job->taking) {
        ngx_http_task_job_own(zone, job);
        op->key = i;

    } else {
        ngx_http_task_job_queue_up(zone, job);
    }

    ngx_http_task_job_order();

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_QUEUED);
}


void
ngx_http_task_job_added(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job)
{
    /* others may have come to wait meanwhile, but this one was first */

    job->taking = 0;
    ngx_http_task_job_mark(zone->sh, job);

    if (op->claimed) {
        return;
    }

    zone->owner->jobs--;

    ngx_http_task_job_remove(zone->sh, &zone->owner->list, job);
    ngx_http_task_job_queue_up(zone, job);
}


/* nobody knows its id */

void
ngx_http_task_job_not_added(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    zone->owner->jobs--;

    /* a client may have found it in a list */

    if (job->cancel == NGX_HTTP_TASK_JOB_CANCEL_ASKED) {
        ngx_http_task_job_asked_remove(zone, zone->owner, job);
    }

    ngx_http_task_job_remove(zone->sh, &zone->owner->list, job);

    ngx_http_task_job_take_out(zone, job);
}


ngx_int_t
ngx_http_task_job_not_kept(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_int_t   rc;
    ngx_uint_t  state;

    state = ngx_http_task_atomic_get(&job->state);

    if (state == NGX_HTTP_TASK_JOB_QUEUED
        && job->owner == NGX_HTTP_TASK_JOB_NONE)
    {
        rc = job->again ? NGX_BUSY : NGX_OK;

        if (job->again) {
            ngx_http_task_job_again_leave(zone->sh, job);

        } else {
            ngx_http_task_job_queue_leave(zone, job);
        }

        ngx_http_task_job_take_out(zone, job);

        return rc;
    }

    zone->sh->refused++;

    /* a client may have cancelled it by a list, when it waited */

    rc = (state == NGX_HTTP_TASK_JOB_CANCELLED
          && !ngx_http_task_atomic_get(&job->started))
         ? NGX_OK : NGX_BUSY;

    job->forgotten = 1;

    if (state < NGX_HTTP_TASK_JOB_DONE && !job->cancel) {
        job->cancel = NGX_HTTP_TASK_JOB_CANCEL_ASKED;

        ngx_http_task_job_asked_push(zone->sh, &zone->sh->owners[job->owner],
                                     job);
    }

    ngx_http_task_job_mark(zone->sh, job);

    return rc;
}


/* it is in no list */

static void
ngx_http_task_job_take_out(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    zone->sh->refused++;

    job->forgotten = 1;
    ngx_http_task_job_over(zone, job, NGX_HTTP_TASK_JOB_CANCELLED, 0);
    ngx_http_task_job_free(zone, job);
}
