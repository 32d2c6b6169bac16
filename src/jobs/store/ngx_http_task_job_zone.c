
/*
 * What is done with jobs in the shared zone, all of it under one robust mutex
 * that is held briefly.
 *
 * A job belongs to the worker that has claimed it.  If this worker is gone when
 * somebody looks at the job, the job is lost or tried again if it ran, and
 * waits again if not.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static ngx_uint_t ngx_http_task_job_end_none(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_uint_t busy);
static void ngx_http_task_job_let_go(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
static void ngx_http_task_job_end_as(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_end_t *end,
    ngx_http_task_job_state_e state);
static ngx_int_t ngx_http_task_job_write_result(
    ngx_http_task_job_zone_t *zone, ngx_http_task_record_t *job,
    ngx_http_task_store_end_t *end);


void
ngx_http_task_job_event(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *text)
{
    ngx_int_t  rc;

    ngx_http_task_job_lock(zone);

    rc = ngx_http_task_job_events_add(zone, job, text);

    ngx_http_task_job_unlock(zone);

    if (rc == NGX_OK) {
        zone->full = 0;

    } else if (!zone->full) {
        zone->full = 1;

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "no room for events of jobs in task_job_zone \"%V\"",
                      &zone->store->name);
    }
}


ngx_int_t
ngx_http_task_job_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_end_t *end)
{
    ngx_int_t                  rc;
    ngx_http_task_job_state_e  state;

    state = end->state;

    if (state == NGX_HTTP_TASK_JOB_LOST
        && ngx_http_task_job_end_none(zone, job, end->busy))
    {
        return NGX_OK;
    }

    ngx_http_task_job_lock(zone);

    if (state == NGX_HTTP_TASK_JOB_LOST) {
        state = ngx_http_task_job_again_over(job);
    }

    rc = ngx_http_task_job_write_result(zone, job, end);

    if (rc == NGX_OK) {
        ngx_http_task_job_end_as(zone, job, end, state);
    }

    ngx_http_task_job_unlock(zone);

    if (rc == NGX_OK) {
        zone->data[job - zone->sh->jobs] = NULL;
    }

    return rc;
}


static void
ngx_http_task_job_end_as(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_end_t *end,
    ngx_http_task_job_state_e state)
{
    ngx_uint_t               was;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    /* its owner has not looked at the cancel yet */

    if (job->cancel == NGX_HTTP_TASK_JOB_CANCEL_ASKED) {
        ngx_http_task_job_asked_remove(zone, zone->owner, job);
    }

    job->status = end->status;
    job->ended = ngx_http_task_job_now();
    job->since = ngx_http_task_job_clock();
    job->busy = end->busy;

    zone->owner->jobs--;
    sh->states[state]++;
    ngx_http_task_job_order();

    was = __atomic_exchange_n(&job->state, state, __ATOMIC_ACQ_REL);

    ngx_http_task_job_mark(sh, job);

    if (was == NGX_HTTP_TASK_JOB_RUNNING) {
        (void) __atomic_sub_fetch(&zone->owner->running, 1, __ATOMIC_RELAXED);
    }

    ngx_http_task_job_input_over(zone, job);

    if (!end->busy) {
        ngx_http_task_job_remove(sh, &zone->owner->list, job);
        ngx_http_task_job_keep(zone, job);
    }
}


/*
 * Returns 1 if a job that this worker cannot wait for is tried again.  As long
 * as a thread has it nobody else runs it: then returned() lets it go.
 */

static ngx_uint_t
ngx_http_task_job_end_none(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_uint_t busy)
{
    ngx_uint_t  tries;

    ngx_http_task_job_lock(zone);

    tries = ngx_http_task_job_tries(job);

    if (tries && !busy) {
        ngx_http_task_job_let_go(zone, job);
    }

    ngx_http_task_job_unlock(zone);

    if (tries) {
        zone->data[job - zone->sh->jobs] = NULL;
    }

    return tries;
}


/* this worker does not end it: it waits for its next attempt, or is lost */

static void
ngx_http_task_job_let_go(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    zone->owner->jobs--;

    if (ngx_http_task_atomic_get(&job->state) == NGX_HTTP_TASK_JOB_RUNNING) {
        (void) __atomic_sub_fetch(&zone->owner->running, 1, __ATOMIC_RELAXED);
    }

    if (job->cancel == NGX_HTTP_TASK_JOB_CANCEL_ASKED) {
        ngx_http_task_job_asked_remove(zone, zone->owner, job);
    }

    ngx_http_task_job_remove(zone->sh, &zone->owner->list, job);
    ngx_http_task_job_cut(zone, job);
}


/* the type stands in front of it */

static ngx_int_t
ngx_http_task_job_write_result(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_end_t *end)
{
    size_t                     length;
    ngx_int_t                  rc;
    ngx_uint_t                 need;
    ngx_http_task_job_sh_t    *sh;
    ngx_http_task_job_chain_t  chain;

    sh = zone->sh;
    length = end->type.len + end->result.len;
    need = ngx_http_task_job_blocks(length);

    if (end->result.len > zone->store->max_result || need > sh->nblocks) {
        return NGX_DECLINED;
    }

    rc = ngx_http_task_job_make_room(zone, need);

    if (rc != NGX_OK) {
        return rc;
    }

    chain.job = job - sh->jobs;
    chain.first = &job->block;
    chain.block = NGX_HTTP_TASK_JOB_NONE;
    chain.at = 0;

    ngx_http_task_job_chain_write(sh, &chain, end->type.data, end->type.len);
    ngx_http_task_job_chain_write(sh, &chain, end->result.data,
                                  end->result.len);

    job->type = end->type.len;
    job->length = length;

    return NGX_OK;
}


void
ngx_http_task_job_returned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_lock(zone);

    if (ngx_http_task_atomic_get(&job->state) < NGX_HTTP_TASK_JOB_DONE) {
        ngx_http_task_job_let_go(zone, job);

    } else {
        ngx_http_task_job_remove(zone->sh, &zone->owner->list, job);
        ngx_http_task_job_retire(zone, job);
    }

    ngx_http_task_job_unlock(zone);
}


ngx_int_t
ngx_http_task_job_ask(ngx_http_task_job_zone_t *zone, u_char *id)
{
    ngx_http_task_record_t  *job;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, id);

    if (job && ngx_http_task_atomic_get(&job->state) < NGX_HTTP_TASK_JOB_DONE
        && !job->cancel)
    {
        if (job->owner == NGX_HTTP_TASK_JOB_NONE) {
            if (job->again) {
                ngx_http_task_job_again_leave(zone->sh, job);

            } else {
                ngx_http_task_job_queue_leave(zone, job);
            }

            ngx_http_task_job_over(zone, job, NGX_HTTP_TASK_JOB_CANCELLED, 0);

        } else {
            job->cancel = NGX_HTTP_TASK_JOB_CANCEL_ASKED;

            ngx_http_task_job_asked_push(zone->sh,
                                         &zone->sh->owners[job->owner], job);
            ngx_http_task_job_mark(zone->sh, job);
        }
    }

    ngx_http_task_job_unlock(zone);

    return job ? NGX_OK : NGX_DECLINED;
}


void
ngx_http_task_job_ask_again(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_lock(zone);

    if (job->cancel == NGX_HTTP_TASK_JOB_CANCEL_TAKEN) {
        job->cancel = NGX_HTTP_TASK_JOB_CANCEL_ASKED;
        ngx_http_task_job_asked_push(zone->sh, zone->owner, job);
    }

    ngx_http_task_job_unlock(zone);
}


ngx_uint_t
ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone, void **jobs)
{
    uint32_t                    i;
    ngx_uint_t                  n, steps;
    ngx_http_task_record_t        *job;
    ngx_http_task_job_owner_t  *owner;

    owner = zone->owner;

    if (ngx_http_task_atomic_get(&owner->asked) == NGX_HTTP_TASK_JOB_NONE) {
        return 0;
    }

    ngx_http_task_job_lock(zone);

    i = owner->asked;
    n = 0;

    for (steps = 0; i != NGX_HTTP_TASK_JOB_NONE; steps++) {

        if (steps == NGX_HTTP_TASK_JOB_ASKED) {
            break;
        }

        /* a job that comes twice is already taken: the list is a circle */

        if (i >= zone->sh->used_jobs
            || zone->sh->jobs[i].cancel != NGX_HTTP_TASK_JOB_CANCEL_ASKED)
        {
            ngx_http_task_job_damaged(zone, "a cancel leads nowhere");
            i = NGX_HTTP_TASK_JOB_NONE;
            break;
        }

        job = &zone->sh->jobs[i];
        job->cancel = NGX_HTTP_TASK_JOB_CANCEL_TAKEN;

        if (zone->data[i]) {
            jobs[n++] = zone->data[i];
        }

        i = job->asked;
    }

    if (i < zone->sh->used_jobs) {
        zone->sh->jobs[i].asked_before = NGX_HTTP_TASK_JOB_NONE;
    }

    ngx_http_task_atomic_set(&owner->asked, i);

    ngx_http_task_job_unlock(zone);

    return n;
}


ngx_int_t
ngx_http_task_job_forget(ngx_http_task_job_zone_t *zone, u_char *id)
{
    ngx_int_t                rc;
    ngx_http_task_record_t  *job;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, id);
    rc = NGX_OK;

    if (job == NULL) {
        rc = NGX_DECLINED;

    } else if (ngx_http_task_atomic_get(&job->state)
               < NGX_HTTP_TASK_JOB_DONE)
    {
        rc = NGX_BUSY;

    } else if (job->busy) {
        job->forgotten = 1;
        ngx_http_task_job_mark(zone->sh, job);

    } else {
        ngx_http_task_job_free(zone, job);
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


/* if its worker is gone, the job is lost now, or it waits */

ngx_http_task_record_t *
ngx_http_task_job_find(ngx_http_task_job_zone_t *zone, u_char *id)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_record_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = *ngx_http_task_job_bucket(sh, id);

    for (n = 0; i != NGX_HTTP_TASK_JOB_NONE; n++, i = job->next) {

        if (i >= sh->used_jobs || n == sh->used_jobs) {
            ngx_http_task_job_damaged(zone, "a bucket leads nowhere");
            return NULL;
        }

        job = &sh->jobs[i];

        if (ngx_memcmp(job->id, id, NGX_HTTP_TASK_JOB_ID) != 0) {
            continue;
        }

        if (ngx_http_task_atomic_get(&job->state) < NGX_HTTP_TASK_JOB_DONE) {

            if (job->owner != NGX_HTTP_TASK_JOB_NONE
                && !ngx_http_task_job_owned(zone, job))
            {
                ngx_http_task_job_lose(zone, job);
            }

            return job;
        }

        return ngx_http_task_job_is_over(zone, job, ngx_http_task_job_clock())
               ? NULL : job;
    }

    return NULL;
}


void
ngx_http_task_job_leave(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t                  i, left;
    ngx_http_task_queue_t     **queues;
    ngx_http_task_job_owner_t  *owner;

    owner = zone->owner;
    queues = zone->store->queues.elts;

    if (owner == NULL) {
        return;
    }

    /* another worker is told of what this one was told of */

    ngx_http_task_job_lock(zone);

    ngx_http_task_job_sated(zone, owner);

    ngx_http_task_job_unlock(zone);

    for (i = 0; i < zone->store->queues.nelts; i++) {
        ngx_http_task_job_pass(zone, queues[i]);
    }

    do {
        ngx_http_task_job_lock(zone);

        left = ngx_http_task_job_sweep_owner(zone, owner,
                                             NGX_HTTP_TASK_JOB_SWEEP);
        ngx_http_task_job_unlock(zone);

    } while (left == 0);

    (void) pthread_mutex_unlock(&owner->alive);

    ngx_free(zone->data);
    zone->data = NULL;
    zone->owner = NULL;
}
