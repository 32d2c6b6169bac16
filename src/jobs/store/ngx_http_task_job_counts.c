
/*
 * What a zone of jobs keeps, in numbers.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


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
