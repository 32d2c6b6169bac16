
/*
 * Which jobs are dropped, so that a zone has room: the oldest of those that
 * have ended, one after the other.  A job that has not ended is never dropped,
 * nor one that ended less than "keep" ago.
 *
 * Before them go the inputs that are kept of ended jobs, for another try: what
 * has become of such a job is still told.
 *
 * A location with "max" has a share of its own.  When the share has max jobs,
 * an old one of the same share is dropped for a new one.  When the zone is
 * full, the oldest one of any share is dropped.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static ngx_uint_t ngx_http_task_job_drop_any(ngx_http_task_job_zone_t *zone,
    ngx_uint_t first, ngx_uint_t last);
static ngx_uint_t ngx_http_task_job_share(ngx_http_task_job_sh_t *sh,
    uint64_t key);
static ngx_uint_t ngx_http_task_job_can_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t need);


ngx_int_t
ngx_http_task_job_place(ngx_http_task_job_zone_t *zone, uint64_t key,
    ngx_uint_t max, ngx_http_task_record_t **place)
{
    ngx_uint_t               n, share;
    ngx_http_task_record_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    share = ngx_http_task_job_share(sh, key);

    if (share == NGX_HTTP_TASK_JOB_SHARES) {
        return NGX_DECLINED;
    }

    /* drops two for one, until a "max" that a reload has lowered is reached */

    for (n = 0; max && n < 2 && sh->shares[share].jobs >= max; n++) {

        if (!ngx_http_task_job_drop_any(zone, share, share + 1)) {
            return NGX_DECLINED;
        }
    }

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE) {

        /* a record that was never used is zero, and so it is free */

        if (sh->used_jobs < sh->njobs) {
            sh->jobs[sh->used_jobs].next = NGX_HTTP_TASK_JOB_NONE;
            sh->free_job = sh->used_jobs;
            ngx_http_task_atomic_set(&sh->used_jobs, sh->used_jobs + 1);

        } else if (!ngx_http_task_job_drop_any(zone, 0,
                                               NGX_HTTP_TASK_JOB_SHARES))
        {
            return NGX_BUSY;
        }
    }

    /* if the zone is damaged, what was dropped may not be free */

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE) {
        return NGX_BUSY;
    }

    job = &sh->jobs[sh->free_job];
    sh->free_job = job->next;

    ngx_memzero(job, sizeof(ngx_http_task_record_t));

    job->share = share;
    job->block = NGX_HTTP_TASK_JOB_NONE;
    job->input = NGX_HTTP_TASK_JOB_NONE;

    *place = job;

    return NGX_OK;
}


void
ngx_http_task_job_unplace(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    job->next = zone->sh->free_job;
    zone->sh->free_job = job - zone->sh->jobs;
}


/* sweeps if it must: jobs whose worker is gone may not be known to be lost */

static ngx_uint_t
ngx_http_task_job_drop_any(ngx_http_task_job_zone_t *zone, ngx_uint_t first,
    ngx_uint_t last)
{
    if (ngx_http_task_job_drop(zone, first, last, 0)) {
        return 1;
    }

    (void) ngx_http_task_job_sweep(zone);

    return ngx_http_task_job_drop(zone, first, last, 0);
}


/*
 * Returns the share of that key, or an unused one, which gets the key, or
 * NGX_HTTP_TASK_JOB_SHARES if all are used.
 */

static ngx_uint_t
ngx_http_task_job_share(ngx_http_task_job_sh_t *sh, uint64_t key)
{
    ngx_uint_t  i, unused;

    if (key == 0) {
        return 0;
    }

    unused = NGX_HTTP_TASK_JOB_SHARES;

    for (i = 1; i < NGX_HTTP_TASK_JOB_SHARES; i++) {

        if (sh->shares[i].key == key) {
            return i;
        }

        if (sh->shares[i].jobs == 0 && unused == NGX_HTTP_TASK_JOB_SHARES) {
            unused = i;
        }
    }

    if (unused < NGX_HTTP_TASK_JOB_SHARES) {
        sh->shares[unused].key = key;
    }

    return unused;
}


ngx_uint_t
ngx_http_task_job_has_room(ngx_http_task_job_zone_t *zone, ngx_uint_t blocks)
{
    ngx_uint_t  have;

    have = ngx_http_task_job_free_count(zone->sh);

    return blocks <= have || ngx_http_task_job_can_drop(zone, blocks - have);
}


ngx_int_t
ngx_http_task_job_make_room(ngx_http_task_job_zone_t *zone, ngx_uint_t blocks)
{
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    if (!ngx_http_task_job_has_room(zone, blocks)) {
        return NGX_BUSY;
    }

    while (blocks > ngx_http_task_job_free_count(sh)) {

        if (ngx_http_task_job_input_drop(zone)) {
            continue;
        }

        if (zone->damaged
            || !ngx_http_task_job_drop(zone, 0, NGX_HTTP_TASK_JOB_SHARES, 1))
        {
            ngx_http_task_job_damaged(zone, "blocks are missing");
            return NGX_BUSY;
        }
    }

    return NGX_OK;
}


/* returns 1 if so many blocks come free when the oldest ones are dropped */

static ngx_uint_t
ngx_http_task_job_can_drop(ngx_http_task_job_zone_t *zone, ngx_uint_t need)
{
    int64_t                  until;
    uint32_t                 i;
    ngx_uint_t               n, blocks;
    ngx_http_task_record_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    until = ngx_http_task_job_clock() - (int64_t) zone->keep;
    blocks = sh->kept_blocks;

    for (n = 0; n < NGX_HTTP_TASK_JOB_SHARES; n++) {

        /* each has a block at least: no more steps than blocks needed */

        for (i = sh->shares[n].ended[1].oldest;
             i < sh->used_jobs && blocks < need;
             i = job->newer)
        {
            job = &sh->jobs[i];

            if (job->since > until) {
                break;
            }

            blocks += ngx_http_task_job_blocks(job->length)
                      + ngx_http_task_job_events_blocks(job);
        }
    }

    return blocks >= need;
}
