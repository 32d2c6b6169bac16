
/*
 * Who has to go, so that there is room in a zone of jobs: those that are over
 * their time, and where that is not enough, the oldest of those that have
 * ended.  A job that has not ended is never dropped, nor one whose result is
 * younger than "keep".
 *
 * A location with "max" has a share of its own, and makes room in that first:
 * so it cannot drop the results of others.
 */


#include "ngx_http_task.h"


/* so many are freed at most when somebody comes by, and nobody needs room */

#define NGX_HTTP_TASK_JOB_EXPIRE  16


static ngx_uint_t ngx_http_task_job_share(ngx_http_task_job_sh_t *sh,
    uint64_t key);
static ngx_http_task_job_t *ngx_http_task_job_oldest(
    ngx_http_task_job_zone_t *zone, ngx_uint_t first, ngx_uint_t last,
    ngx_uint_t result);
static int64_t ngx_http_task_job_old(ngx_http_task_job_zone_t *zone);
static ngx_uint_t ngx_http_task_job_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t first, ngx_uint_t last, ngx_uint_t result);
static ngx_uint_t ngx_http_task_job_blocks(size_t length);
static ngx_uint_t ngx_http_task_job_can_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t need);
static uint32_t ngx_http_task_job_take_block(ngx_http_task_job_sh_t *sh);
static void ngx_http_task_job_free_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);


ngx_uint_t
ngx_http_task_job_is_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, int64_t now)
{
    return job->forgotten || job->since + (int64_t) zone->ttl <= now;
}


void
ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone)
{
    int64_t                     now;
    uint32_t                    oldest;
    ngx_uint_t                  i, n;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_share_t  *share;

    sh = zone->sh;
    now = ngx_http_task_job_clock();
    n = 0;

    for (i = 0; i < 2 * NGX_HTTP_TASK_JOB_SHARES; /* void */) {
        share = &sh->shares[i / 2];
        oldest = share->ended[i % 2].oldest;

        if (oldest == NGX_HTTP_TASK_JOB_NONE
            || !ngx_http_task_job_is_over(zone, &sh->jobs[oldest], now))
        {
            i++;
            continue;
        }

        if (n++ == NGX_HTTP_TASK_JOB_EXPIRE) {
            return;
        }

        ngx_http_task_job_free(zone, &sh->jobs[oldest]);
    }
}


void
ngx_http_task_job_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job)
{
    uint32_t                *p, i;
    ngx_uint_t               n, state;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = job - sh->jobs;
    state = job->state;

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_FREE);
    ngx_http_task_job_order();

    p = ngx_http_task_job_bucket(sh, job->id);

    for (n = 0; *p != i; n++) {

        if (*p >= sh->used_jobs || n == sh->used_jobs) {
            ngx_http_task_job_damaged(zone, "a job is in no bucket");
            return;
        }

        p = &sh->jobs[*p].next;
    }

    *p = job->next;

    ngx_http_task_job_remove(sh, ngx_http_task_job_list(sh, job), job);
    ngx_http_task_job_free_blocks(zone, job);

    sh->states[state]--;
    sh->shares[job->share].jobs--;

    job->next = sh->free_job;
    sh->free_job = i;
}


ngx_http_task_job_t *
ngx_http_task_job_place(ngx_http_task_job_zone_t *zone, uint64_t key,
    ngx_uint_t max)
{
    ngx_uint_t               n, share;
    ngx_http_task_job_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    share = ngx_http_task_job_share(sh, key);

    if (share == NGX_HTTP_TASK_JOB_SHARES) {
        return NULL;
    }

    /* two for one: a "max" that a reload has lowered is reached at last */

    for (n = 0; max && n < 2 && sh->shares[share].jobs >= max; n++) {

        if (!ngx_http_task_job_drop(zone, share, share + 1, 0)) {
            return NULL;
        }
    }

    /* one that was never used is zero, and so it is free */

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE && sh->used_jobs < sh->njobs) {
        sh->jobs[sh->used_jobs].next = NGX_HTTP_TASK_JOB_NONE;
        sh->free_job = sh->used_jobs++;
    }

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE
        && !ngx_http_task_job_drop(zone, 0, NGX_HTTP_TASK_JOB_SHARES, 0))
    {
        /* jobs of workers that were killed may not be known to be lost yet */

        (void) ngx_http_task_job_sweep(zone);
        (void) ngx_http_task_job_drop(zone, 0, NGX_HTTP_TASK_JOB_SHARES, 0);
    }

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE) {
        return NULL;
    }

    job = &sh->jobs[sh->free_job];
    sh->free_job = job->next;

    ngx_memzero(job, sizeof(ngx_http_task_job_t));

    job->share = share;
    job->block = NGX_HTTP_TASK_JOB_NONE;

    return job;
}


/* the one of that key, or one that nobody uses; NGX_HTTP_TASK_JOB_SHARES */

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


/* of these shares, and with result of those that have one; NULL: none */

static ngx_http_task_job_t *
ngx_http_task_job_oldest(ngx_http_task_job_zone_t *zone, ngx_uint_t first,
    ngx_uint_t last, ngx_uint_t result)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_job_t     *job, *oldest;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    oldest = NULL;

    for (n = 2 * first; n < 2 * last; n++) {
        i = sh->shares[n / 2].ended[n % 2].oldest;

        if (i == NGX_HTTP_TASK_JOB_NONE || (result && n % 2 == 0)) {
            continue;
        }

        job = &sh->jobs[i];

        if (oldest == NULL || job->since < oldest->since) {
            oldest = job;
        }
    }

    if (oldest && oldest->since > ngx_http_task_job_old(zone)) {
        return NULL;
    }

    return oldest;
}


/*
 * What has ended since then stays: as long as "keep", and as long as it takes
 * those who wait for it to look at it.
 */

static int64_t
ngx_http_task_job_old(ngx_http_task_job_zone_t *zone)
{
    int64_t  keep;

    keep = ngx_max(zone->keep, 2 * NGX_HTTP_TASK_JOB_TICK);

    return ngx_http_task_job_clock() - keep;
}


static ngx_uint_t
ngx_http_task_job_drop(ngx_http_task_job_zone_t *zone, ngx_uint_t first,
    ngx_uint_t last, ngx_uint_t result)
{
    ngx_http_task_job_t  *job;

    job = ngx_http_task_job_oldest(zone, first, last, result);

    if (job == NULL) {
        return 0;
    }

    zone->sh->dropped++;

    ngx_http_task_job_free(zone, job);

    return 1;
}


ngx_int_t
ngx_http_task_job_store(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_str_t *result)
{
    size_t                      left, n;
    u_char                     *p;
    uint32_t                   *link;
    ngx_uint_t                  need, have;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_block_t  *block;

    sh = zone->sh;
    need = ngx_http_task_job_blocks(result->len);

    if (result->len > zone->max_result || need > sh->nblocks) {
        return NGX_DECLINED;
    }

    have = sh->free_blocks + sh->nblocks - sh->used_blocks;

    if (need > have && !ngx_http_task_job_can_drop(zone, need - have)) {
        return NGX_BUSY;
    }

    while (need > sh->free_blocks + sh->nblocks - sh->used_blocks) {

        if (!ngx_http_task_job_drop(zone, 0, NGX_HTTP_TASK_JOB_SHARES, 1)) {
            ngx_http_task_job_damaged(zone, "blocks are missing");
            return NGX_BUSY;
        }
    }

    link = &job->block;
    p = result->data;

    for (left = result->len; left; left -= n) {
        *link = ngx_http_task_job_take_block(sh);
        block = &sh->blocks[*link];

        n = ngx_min(left, sizeof(block->data));

        block->job = job - sh->jobs;
        block->next = NGX_HTTP_TASK_JOB_NONE;
        ngx_memcpy(block->data, p, n);

        p += n;
        link = &block->next;
    }

    job->length = result->len;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_task_job_blocks(size_t length)
{
    size_t  size;

    size = sizeof(((ngx_http_task_job_block_t *) 0)->data);

    return (length + size - 1) / size;
}


/* whether so many blocks come free when the oldest results are dropped */

static ngx_uint_t
ngx_http_task_job_can_drop(ngx_http_task_job_zone_t *zone, ngx_uint_t need)
{
    int64_t                  until;
    uint32_t                 i;
    ngx_uint_t               n, blocks;
    ngx_http_task_job_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    until = ngx_http_task_job_old(zone);
    blocks = 0;

    for (n = 0; n < NGX_HTTP_TASK_JOB_SHARES; n++) {

        /* each has one block at least: no more steps than blocks are needed */

        for (i = sh->shares[n].ended[1].oldest;
             i < sh->used_jobs && blocks < need;
             i = job->newer)
        {
            job = &sh->jobs[i];

            if (job->since > until) {
                break;
            }

            blocks += ngx_http_task_job_blocks(job->length);
        }
    }

    return blocks >= need;
}


static uint32_t
ngx_http_task_job_take_block(ngx_http_task_job_sh_t *sh)
{
    uint32_t  i;

    i = sh->free_block;

    if (i == NGX_HTTP_TASK_JOB_NONE) {
        i = sh->used_blocks;

        sh->blocks[i].job = NGX_HTTP_TASK_JOB_NONE;
        ngx_http_task_job_order();

        sh->used_blocks = i + 1;
        ngx_http_task_job_order();

        return i;
    }

    sh->free_block = sh->blocks[i].next;
    sh->free_blocks--;

    return i;
}


/* those of its result */

static void
ngx_http_task_job_free_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job)
{
    uint32_t                    i, next, owner;
    ngx_uint_t                  n;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_block_t  *block;

    sh = zone->sh;
    owner = job - sh->jobs;
    i = job->block;

    for (n = ngx_http_task_job_blocks(job->length); n; n--, i = next) {

        if (i >= sh->used_blocks || sh->blocks[i].job != owner) {
            ngx_http_task_job_damaged(zone, "a result ends too early");
            return;
        }

        block = &sh->blocks[i];
        next = block->next;

        block->job = NGX_HTTP_TASK_JOB_NONE;
        block->next = sh->free_block;
        sh->free_block = i;
        sh->free_blocks++;
    }

    job->block = NGX_HTTP_TASK_JOB_NONE;
}
