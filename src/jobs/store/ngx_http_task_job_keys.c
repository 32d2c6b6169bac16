
/*
 * Jobs that have a key, by its digest: of those with the same key only the
 * newest one is found, and none that was forgotten.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* digests are random: any part of one is a hash */

static uint32_t *
ngx_http_task_job_key_bucket(ngx_http_task_job_sh_t *sh, const u_char *key)
{
    uint32_t  hash;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    return &sh->keys[hash % sh->njobs];
}


void
ngx_http_task_job_key_add(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    uint32_t  *bucket;

    if (job->keyed) {
        bucket = ngx_http_task_job_key_bucket(sh, job->key);

        job->next_key = *bucket;
        *bucket = job - sh->jobs;
    }
}


void
ngx_http_task_job_key_remove(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                *p, i;
    ngx_uint_t               n;
    ngx_http_task_job_sh_t  *sh;

    if (!job->keyed) {
        return;
    }

    sh = zone->sh;
    i = job - sh->jobs;
    p = ngx_http_task_job_key_bucket(sh, job->key);

    for (n = 0; *p != i; n++) {

        if (*p >= sh->used_jobs || n == sh->used_jobs) {
            ngx_http_task_job_damaged(zone, "a key leads nowhere");
            return;
        }

        p = &sh->jobs[*p].next_key;
    }

    *p = job->next_key;
}


ngx_http_task_record_t *
ngx_http_task_job_key_find(ngx_http_task_job_zone_t *zone, const u_char *key)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_record_t  *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = *ngx_http_task_job_key_bucket(sh, key);

    for (n = 0; i != NGX_HTTP_TASK_JOB_NONE; n++, i = job->next_key) {

        if (i >= sh->used_jobs || n == sh->used_jobs) {
            ngx_http_task_job_damaged(zone, "a key leads nowhere");
            return NULL;
        }

        job = &sh->jobs[i];

        if (!job->forgotten
            && ngx_memcmp(job->key, key, NGX_HTTP_TASK_JOB_DIGEST) == 0)
        {
            return job;
        }
    }

    return NULL;
}
