
/*
 * The workers that run the jobs of a zone.  Each has a place among the owners,
 * and holds the mutex of this place for life.  When a worker is gone, whoever
 * tries its mutex learns this from the kernel.  Of the worker's jobs those that
 * ran are lost, or tried again, and the others wait for another worker.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


ngx_int_t
ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t                  i;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_owner_t  *owner;

    sh = zone->sh;

    if (zone->data == NULL) {
        zone->data = ngx_calloc(sh->njobs * sizeof(void *), ngx_cycle->log);
        if (zone->data == NULL) {
            return NGX_ERROR;
        }
    }

    (void) ngx_http_task_job_sweep(zone);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        owner = &sh->owners[i];

        if (owner->incarnation || ngx_http_task_job_alive(owner)
            || pthread_mutex_trylock(&owner->alive) != 0)
        {
            continue;
        }

        owner->running = 0;
        owner->worker = ngx_worker;
        owner->quits = 0;
        ngx_http_task_job_order();

        owner->incarnation = ++sh->incarnations;
        zone->owner = owner;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_task_job_alive(ngx_http_task_job_owner_t *owner)
{
    switch (pthread_mutex_trylock(&owner->alive)) {

    case 0:
        break;

    case EOWNERDEAD:
        (void) pthread_mutex_consistent(&owner->alive);
        break;

    default:
        return 1;
    }

    (void) pthread_mutex_unlock(&owner->alive);

    return 0;
}


ngx_uint_t
ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_owner_t  *owner;

    owner = &zone->sh->owners[job->owner];

    return owner->incarnation == job->incarnation
           && (owner == zone->owner || ngx_http_task_job_alive(owner));
}


void
ngx_http_task_job_lose(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_owner_t  *owner;

    sh = zone->sh;
    owner = &sh->owners[job->owner];

    ngx_http_task_job_remove(sh, &owner->list, job);

    if (ngx_http_task_atomic_get(&job->state) >= NGX_HTTP_TASK_JOB_DONE) {
        ngx_http_task_job_retire(zone, job);
        return;
    }

    owner->jobs--;

    /* the worker is gone: nobody will look at its cancels */

    ngx_http_task_atomic_set(&owner->asked, NGX_HTTP_TASK_JOB_NONE);

    /* who took it before may have been killed, when it was already to wait */

    if (ngx_http_task_atomic_get(&job->state) == NGX_HTTP_TASK_JOB_RUNNING
        || job->again)
    {
        ngx_http_task_job_cut(zone, job);

    } else if (job->cancel || job->taking) {
        job->forgotten |= job->taking;
        ngx_http_task_job_over(zone, job, NGX_HTTP_TASK_JOB_CANCELLED, 0);

    } else {
        ngx_http_task_job_queue_up(zone, job);
    }
}


void
ngx_http_task_job_cut(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    if (ngx_http_task_job_tries(job)) {
        ngx_http_task_job_again(zone, job);

    } else {
        ngx_http_task_job_over(zone, job, ngx_http_task_job_again_over(job),
                               NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


void
ngx_http_task_job_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_state_e state,
    ngx_uint_t status)
{
    job->status = status;
    job->ended = ngx_http_task_job_now();
    job->since = ngx_http_task_job_clock();

    zone->sh->states[state]++;
    ngx_http_task_job_order();

    ngx_http_task_atomic_set(&job->state, state);

    ngx_http_task_job_mark(zone->sh, job);
    ngx_http_task_job_input_over(zone, job);
    ngx_http_task_job_keep(zone, job);
}


ngx_int_t
ngx_http_task_job_sweep(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t                  i, left;
    ngx_http_task_job_owner_t  *owner;

    left = NGX_HTTP_TASK_JOB_SWEEP;

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS && left; i++) {
        owner = &zone->sh->owners[i];

        if (owner->incarnation == 0 || owner == zone->owner
            || ngx_http_task_job_alive(owner))
        {
            continue;
        }

        left = ngx_http_task_job_sweep_owner(zone, owner, left);
    }

    return left ? NGX_OK : NGX_AGAIN;
}


ngx_uint_t
ngx_http_task_job_sweep_owner(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner, ngx_uint_t max)
{
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    /* of what waits again others are told */

    ngx_http_task_job_sated(zone, owner);

    /* the newest one first: each that waits again is before the others then */

    while (owner->list.newest != NGX_HTTP_TASK_JOB_NONE) {

        if (max == 0) {
            return 0;
        }

        if (owner->list.newest >= sh->used_jobs) {
            ngx_http_task_job_damaged(zone, "a list leads nowhere");
            return 0;
        }

        ngx_http_task_job_lose(zone, &sh->jobs[owner->list.newest]);
        max--;
    }

    owner->incarnation = 0;

    return max;
}
