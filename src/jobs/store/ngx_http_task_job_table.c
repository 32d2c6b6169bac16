
/*
 * Buckets and lists of records in a zone of jobs, and time as records have it.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


int64_t
ngx_http_task_job_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


int64_t
ngx_http_task_job_clock(void)
{
    return ngx_http_task_now() / 1000000;
}


/* ids are random: any part of an id is a hash */

uint32_t *
ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id)
{
    uint32_t  hash;

    ngx_memcpy(&hash, id, sizeof(uint32_t));

    return &sh->buckets[hash % sh->njobs];
}


ngx_http_task_job_list_t *
ngx_http_task_job_list(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job)
{
    ngx_uint_t  blocks;

    /* an input that is kept may go at any time, and is in a list of its own */

    blocks = (job->length || ngx_http_task_job_events(job)->length);

    return &sh->shares[job->share].ended[blocks];
}


void
ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job)
{
    ngx_http_task_job_insert(sh, list, NULL, job);
}


void
ngx_http_task_job_insert(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *before,
    ngx_http_task_record_t *job)
{
    uint32_t  i;

    i = job - sh->jobs;

    job->older = before ? before->older : list->newest;
    job->newer = before ? (uint32_t) (before - sh->jobs)
                        : NGX_HTTP_TASK_JOB_NONE;

    if (job->older == NGX_HTTP_TASK_JOB_NONE) {
        list->oldest = i;

    } else {
        sh->jobs[job->older].newer = i;
    }

    if (before) {
        before->older = i;

    } else {
        list->newest = i;
    }
}


void
ngx_http_task_job_remove(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job)
{
    if (job->older == NGX_HTTP_TASK_JOB_NONE) {
        list->oldest = job->newer;

    } else {
        sh->jobs[job->older].newer = job->newer;
    }

    if (job->newer == NGX_HTTP_TASK_JOB_NONE) {
        list->newest = job->older;

    } else {
        sh->jobs[job->newer].older = job->older;
    }
}


void
ngx_http_task_job_asked_push(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_owner_t *owner, ngx_http_task_record_t *job)
{
    uint32_t  i;

    i = job - sh->jobs;

    job->asked = owner->asked;
    job->asked_before = NGX_HTTP_TASK_JOB_NONE;

    if (job->asked < sh->used_jobs) {
        sh->jobs[job->asked].asked_before = i;
    }

    ngx_http_task_atomic_set(&owner->asked, i);
}


void
ngx_http_task_job_asked_remove(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner, ngx_http_task_record_t *job)
{
    uint32_t                *p;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    p = (job->asked_before < sh->used_jobs)
        ? &sh->jobs[job->asked_before].asked : &owner->asked;

    if (*p != (uint32_t) (job - sh->jobs)) {
        ngx_http_task_job_damaged(zone, "a cancel leads nowhere");
        return;
    }

    if (job->asked < sh->used_jobs) {
        sh->jobs[job->asked].asked_before = job->asked_before;
    }

    ngx_http_task_atomic_set(p, job->asked);
}


/* a function that writes where it must not may break a list: nobody hangs */

void
ngx_http_task_job_damaged(ngx_http_task_job_zone_t *zone, const char *what)
{
    if (zone->damaged) {
        return;
    }

    zone->damaged = 1;

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "task_job_zone \"%V\" is damaged: %s, it is rebuilt",
                  &zone->store->name, what);
}
