
/*
 * What workers do with the queues of a zone, under its mutex: they claim jobs,
 * and give them back; and they bring those whose next attempt is due.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* so long a worker that was told of a job may need to come for it, ms */

#define NGX_HTTP_TASK_JOB_COMES  10


static ngx_int_t ngx_http_task_job_take(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op);


ngx_int_t
ngx_http_task_job_claim(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_queue_t *queue)
{
    uint32_t                      i;
    ngx_int_t                     rc;
    ngx_http_task_job_waiting_t  *q;

    ngx_http_task_job_lock(zone);

    q = zone->owner ? ngx_http_task_job_queue(zone, queue) : NULL;

    if (q == NULL) {
        ngx_http_task_job_unlock(zone);
        return NGX_DECLINED;
    }

    i = q->list.oldest;
    rc = NGX_DECLINED;

    if (i == NGX_HTTP_TASK_JOB_NONE
        || ngx_http_task_atomic_get(&zone->sh->state.loading))
    {
        if (op->older == 0) {
            ngx_http_task_job_hungry(zone, q, 1);
        }

    } else if (i >= zone->sh->used_jobs) {
        ngx_http_task_job_damaged(zone, "a queue leads nowhere");

    } else if (op->older == 0 || ngx_http_task_job_clock()
                                 - zone->sh->jobs[i].accepted
                                 >= (int64_t) op->older)
    {
        ngx_http_task_job_hungry(zone, q, 0);
        rc = ngx_http_task_job_take(zone, &zone->sh->jobs[i], op);
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


static ngx_int_t
ngx_http_task_job_take(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op)
{
    u_char                     *p;
    ngx_uint_t                  is_long;
    ngx_http_task_job_chain_t   chain;

    p = ngx_pnalloc(op->pool, (size_t) job->input_length + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    is_long = (job->input_length > NGX_HTTP_TASK_JOB_PIECE);

    ngx_http_task_job_input_begin(zone, job, &chain);

    if (!is_long
        && ngx_http_task_job_chain_read(zone, &chain, p, job->input_length)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    op->key = job - zone->sh->jobs;
    op->claim.input.data = p;
    op->claim.input.len = job->input_length;
    op->claim.age = ngx_http_task_job_clock() - job->accepted;
    op->claim.attempt = job->before + job->lost + 1;
    op->claim.events = ngx_http_task_job_events(job)->number;

    ngx_memcpy(op->id, job->id, NGX_HTTP_TASK_JOB_ID);

    ngx_http_task_job_queue_leave(zone, job);
    ngx_http_task_job_own(zone, job);

    return is_long ? NGX_AGAIN : NGX_OK;
}


void
ngx_http_task_job_pass(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue)
{
    ngx_http_task_job_waiting_t  *q;

    ngx_http_task_job_lock(zone);

    q = ngx_http_task_job_queue_find(zone, queue->hash);

    if (q && zone->owner) {
        ngx_http_task_job_hungry(zone, q, 0);
    }

    if (q && q->waiting) {
        ngx_http_task_job_queue_tell(zone, q);
    }

    ngx_http_task_job_unlock(zone);
}


void
ngx_http_task_job_give_back(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_lock(zone);

    ngx_http_task_job_unclaim(zone, job);

    ngx_http_task_job_unlock(zone);

    zone->data[job - zone->sh->jobs] = NULL;
}


/* a job that a client wants to be cancelled is that now; or it was refused */

void
ngx_http_task_job_unclaim(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    zone->owner->jobs--;

    if (job->cancel == NGX_HTTP_TASK_JOB_CANCEL_ASKED) {
        ngx_http_task_job_asked_remove(zone, zone->owner, job);
    }

    ngx_http_task_job_remove(zone->sh, &zone->owner->list, job);

    if (job->cancel) {
        ngx_http_task_job_over(zone, job, NGX_HTTP_TASK_JOB_CANCELLED, 0);

        if (job->forgotten) {
            ngx_http_task_job_free(zone, job);
        }

    } else {
        ngx_http_task_job_queue_up(zone, job);
    }
}


ngx_uint_t
ngx_http_task_job_queue_wanted(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue)
{
    ngx_uint_t                    n, own;
    ngx_http_task_job_waiting_t  *q;

    ngx_http_task_job_lock(zone);

    q = ngx_http_task_job_queue_find(zone, queue->hash);
    n = q ? ngx_http_task_job_queue_hungry(q) : 0;

    if (n && zone->owner) {
        own = zone->owner - zone->sh->owners;
        n -= (q->hungry[own / 64] >> own % 64) & 1;
    }

    /* one that was told is not there yet */

    if (q && ngx_http_task_job_clock() - q->told < NGX_HTTP_TASK_JOB_COMES) {
        n = 1;
    }

    ngx_http_task_job_unlock(zone);

    return n != 0;
}


ngx_uint_t
ngx_http_task_job_waits(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue)
{
    ngx_http_task_job_waiting_t  *q;

    q = ngx_http_task_job_queue_find(zone, queue->hash);

    return q && ngx_http_task_atomic_get(&q->waiting);
}


ngx_msec_t
ngx_http_task_job_due(ngx_http_task_job_zone_t *zone, ngx_msec_t max)
{
    int64_t  now, due;

    due = ngx_http_task_atomic_get(&zone->sh->due);

    if (due == 0) {
        return max;
    }

    now = ngx_http_task_job_clock();

    if (due <= now) {
        ngx_http_task_job_lock(zone);

        ngx_http_task_job_again_due(zone, now);
        due = zone->sh->due;

        ngx_http_task_job_unlock(zone);
    }

    if (due == 0 || due - now >= (int64_t) max) {
        return max;
    }

    return ngx_max(due - now, 1);
}


ngx_uint_t
ngx_http_task_job_last(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t                  i, last;
    ngx_http_task_job_owner_t  *owner;

    last = 1;

    ngx_http_task_job_lock(zone);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS && last; i++) {
        owner = &zone->sh->owners[i];

        if (owner == zone->owner) {
            owner->quits = 1;
            continue;
        }

        last = (owner->incarnation == 0 || owner->quits
                || !ngx_http_task_job_alive(owner));
    }

    ngx_http_task_job_unlock(zone);

    return last;
}


ngx_uint_t
ngx_http_task_job_alone(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t                  i, alone;
    ngx_http_task_job_owner_t  *owner;

    alone = 1;

    ngx_http_task_job_lock(zone);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS && alone; i++) {
        owner = &zone->sh->owners[i];

        alone = (owner == zone->owner || owner->incarnation == 0
                 || !ngx_http_task_job_alive(owner));
    }

    ngx_http_task_job_unlock(zone);

    return alone;
}
