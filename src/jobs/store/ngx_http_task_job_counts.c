
/*
 * What a zone of jobs keeps, in numbers.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* so many jobs that a worker has claimed, the last ones, may not have begun */

#define NGX_HTTP_TASK_JOB_CLAIMED  16


static ngx_msec_t ngx_http_task_job_oldest_queued(
    ngx_http_task_job_zone_t *zone);
static int64_t ngx_http_task_job_oldest_claimed(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_owner_t *owner, int64_t oldest);


ngx_uint_t
ngx_http_task_job_all_waiting(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t  i, n;

    n = ngx_http_task_atomic_get(&zone->sh->nagain);

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        n += ngx_http_task_atomic_get(&zone->sh->queues[i].waiting);
    }

    return n;
}


/* sweeps first: jobs whose worker is gone may not be known to be lost yet */

void
ngx_http_task_job_counts(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_counts_t *counts)
{
    ngx_uint_t                  i;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_owner_t  *owner;

    sh = zone->sh;

    ngx_http_task_job_lock(zone);

    (void) ngx_http_task_job_sweep(zone);

    counts->places = sh->njobs;
    counts->blocks = sh->nblocks;
    counts->used_blocks = sh->used_blocks - sh->free_blocks;
    counts->dropped = sh->dropped;
    counts->refused = sh->refused;
    counts->retried = sh->retried;
    counts->oldest = ngx_http_task_job_oldest_queued(zone);

    for (i = 0; i < NGX_HTTP_TASK_JOB_STATES; i++) {
        counts->states[i] = sh->states[i];
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        owner = &sh->owners[i];

        counts->states[NGX_HTTP_TASK_JOB_QUEUED] += owner->jobs;
        counts->states[NGX_HTTP_TASK_JOB_RUNNING] += owner->jobs
               ? ngx_min(ngx_http_task_atomic_get(&owner->running), owner->jobs)
               : 0;
    }

    counts->states[NGX_HTTP_TASK_JOB_QUEUED] -=
                                     counts->states[NGX_HTTP_TASK_JOB_RUNNING];

    counts->states[NGX_HTTP_TASK_JOB_QUEUED]
                                        += ngx_http_task_job_all_waiting(zone);

    ngx_http_task_job_unlock(zone);

    counts->used = 0;

    for (i = NGX_HTTP_TASK_JOB_QUEUED; i < NGX_HTTP_TASK_JOB_STATES; i++) {
        counts->used += counts->states[i];
    }
}


/* the first one of a queue has waited longest of it */

static ngx_msec_t
ngx_http_task_job_oldest_queued(ngx_http_task_job_zone_t *zone)
{
    int64_t                  now, oldest;
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    now = ngx_http_task_job_clock();
    oldest = now + 1;

    for (n = 0; n < NGX_HTTP_TASK_JOB_QUEUES; n++) {
        i = sh->queues[n].list.oldest;

        if (i < sh->used_jobs) {
            oldest = ngx_min(oldest, sh->jobs[i].accepted);
        }
    }

    for (n = 0; n < NGX_HTTP_TASK_JOB_OWNERS; n++) {
        if (sh->owners[n].jobs) {
            oldest = ngx_http_task_job_oldest_claimed(sh, &sh->owners[n],
                                                      oldest);
        }
    }

    /* one that came just now has waited, too */

    return (oldest <= now) ? ngx_max(now - oldest, 1) : 0;
}


/* a worker may have claimed one for which it has no thread yet */

static int64_t
ngx_http_task_job_oldest_claimed(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_owner_t *owner, int64_t oldest)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_record_t  *job;

    i = owner->list.newest;

    for (n = 0; n < NGX_HTTP_TASK_JOB_CLAIMED && i < sh->used_jobs; n++) {
        job = &sh->jobs[i];

        if (ngx_http_task_atomic_get(&job->state) == NGX_HTTP_TASK_JOB_QUEUED
            && !job->taking)
        {
            oldest = ngx_min(oldest, job->accepted);
        }

        i = job->older;
    }

    return oldest;
}
