
/*
 * How jobs lie in the shared zone: a table of jobs, and a table of blocks for
 * their results.
 *
 * Who held the mutex may have been killed at any instruction.  Then all that is
 * derived from the states of the jobs, that is, buckets, free lists, and
 * the order in which they ended, is made anew.
 */


#include "ngx_http_task.h"


#define NGX_HTTP_TASK_JOB_LAYOUT  1


static ngx_int_t ngx_http_task_job_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_task_job_zone_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool);
static void ngx_http_task_job_free(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_t *job);
static void ngx_http_task_job_unlink(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_t *job);
static void ngx_http_task_job_return(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_t *job);


ngx_int_t
ngx_http_task_job_zone_create(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    size_t size)
{
    zone->shm_zone = ngx_shared_memory_add(cf, &zone->name, size,
                                           &ngx_http_task_core_module);
    if (zone->shm_zone == NULL) {
        return NGX_ERROR;
    }

    zone->shm_zone->init = ngx_http_task_job_zone_init;
    zone->shm_zone->data = zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_job_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_task_job_zone_t  *zone, *old;

    zone = shm_zone->data;
    old = data;

    if (old == NULL) {
        return ngx_http_task_job_zone_format(zone,
                                     (ngx_slab_pool_t *) shm_zone->shm.addr);
    }

    zone->sh = old->sh;

    if (zone->sh->layout != NGX_HTTP_TASK_JOB_LAYOUT) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "task_job_zone \"%V\" is of another version of the "
                      "module: restart nginx, or use another name",
                      &zone->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a job for each 1 KB of the zone, and blocks for the rest */

static ngx_int_t
ngx_http_task_job_zone_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool)
{
    size_t                   size;
    u_char                  *p, *last;
    ngx_uint_t               i;
    ngx_http_task_job_sh_t  *sh;

    /* all that the slab allocator has, in one piece */

    shpool->log_nomem = 0;

    for (size = zone->shm_zone->shm.size; size > 8 * ngx_pagesize;
         size -= ngx_pagesize)
    {
        sh = ngx_slab_alloc(shpool, size);

        if (sh) {
            goto found;
        }
    }

    return NGX_ERROR;

found:

    p = (u_char *) sh;
    last = p + size;

    /* the rest is zero, as it came from the kernel */

    ngx_memzero(sh, sizeof(ngx_http_task_job_sh_t));

    sh->njobs = (size - sizeof(ngx_http_task_job_sh_t)) / 1024;

    p += sizeof(ngx_http_task_job_sh_t);
    sh->jobs = (ngx_http_task_job_t *) p;
    p += sh->njobs * sizeof(ngx_http_task_job_t);
    sh->buckets = (uint32_t *) p;
    p += sh->njobs * sizeof(uint32_t);
    p = ngx_align_ptr(p, NGX_HTTP_TASK_JOB_BLOCK);
    sh->blocks = (ngx_http_task_job_block_t *) p;
    sh->nblocks = (last - p) / sizeof(ngx_http_task_job_block_t);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        if (ngx_http_task_mutex_init(&sh->owners[i].alive) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_task_mutex_init(&sh->mutex) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_task_job_rebuild(sh);

    sh->layout = NGX_HTTP_TASK_JOB_LAYOUT;
    zone->sh = sh;
    shpool->data = sh;

    return NGX_OK;
}


int64_t
ngx_http_task_job_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* all that is derived, from the states of the jobs; ended ones in any order */

void
ngx_http_task_job_rebuild(ngx_http_task_job_sh_t *sh)
{
    uint32_t                    i, *bucket;
    ngx_http_task_job_t        *job;
    ngx_http_task_job_block_t  *block;

    sh->free_job = NGX_HTTP_TASK_JOB_NONE;
    sh->free_block = NGX_HTTP_TASK_JOB_NONE;
    sh->oldest = NGX_HTTP_TASK_JOB_NONE;
    sh->newest = NGX_HTTP_TASK_JOB_NONE;

    for (i = 0; i < sh->njobs; i++) {
        sh->buckets[i] = NGX_HTTP_TASK_JOB_NONE;
    }

    for (i = 0; i < sh->used_jobs; i++) {
        job = &sh->jobs[i];

        if (job->state == NGX_HTTP_TASK_JOB_FREE) {
            job->next = sh->free_job;
            sh->free_job = i;
            continue;
        }

        bucket = ngx_http_task_job_bucket(sh, job->id);
        job->next = *bucket;
        *bucket = i;

        if (job->state >= NGX_HTTP_TASK_JOB_DONE) {
            ngx_http_task_job_append(sh, job);
        }
    }

    for (i = 0; i < sh->used_blocks; i++) {
        block = &sh->blocks[i];

        if (block->job == NGX_HTTP_TASK_JOB_NONE
            || sh->jobs[block->job].state < NGX_HTTP_TASK_JOB_DONE)
        {
            block->job = NGX_HTTP_TASK_JOB_NONE;
            block->next = sh->free_block;
            sh->free_block = i;
        }
    }
}


/* ids are random, any part of one is a hash */

uint32_t *
ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id)
{
    uint32_t  hash;

    ngx_memcpy(&hash, id, sizeof(uint32_t));

    return &sh->buckets[hash % sh->njobs];
}


void
ngx_http_task_job_append(ngx_http_task_job_sh_t *sh, ngx_http_task_job_t *job)
{
    uint32_t  i;

    i = job - sh->jobs;

    job->older = sh->newest;
    job->newer = NGX_HTTP_TASK_JOB_NONE;

    if (sh->newest == NGX_HTTP_TASK_JOB_NONE) {
        sh->oldest = i;

    } else {
        sh->jobs[sh->newest].newer = i;
    }

    sh->newest = i;
}


/* of one that has ended */

static void
ngx_http_task_job_free(ngx_http_task_job_sh_t *sh, ngx_http_task_job_t *job)
{
    uint32_t  *p;

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_FREE);

    for (p = ngx_http_task_job_bucket(sh, job->id);
         &sh->jobs[*p] != job;
         p = &sh->jobs[*p].next)
    { /* void */ }

    *p = job->next;

    ngx_http_task_job_unlink(sh, job);
    ngx_http_task_job_return(sh, job);

    job->next = sh->free_job;
    sh->free_job = job - sh->jobs;
}


static void
ngx_http_task_job_unlink(ngx_http_task_job_sh_t *sh, ngx_http_task_job_t *job)
{
    if (job->older == NGX_HTTP_TASK_JOB_NONE) {
        sh->oldest = job->newer;

    } else {
        sh->jobs[job->older].newer = job->newer;
    }

    if (job->newer == NGX_HTTP_TASK_JOB_NONE) {
        sh->newest = job->older;

    } else {
        sh->jobs[job->newer].older = job->older;
    }
}


/* the blocks of its result */

static void
ngx_http_task_job_return(ngx_http_task_job_sh_t *sh, ngx_http_task_job_t *job)
{
    uint32_t                    i, next;
    ngx_http_task_job_block_t  *block;

    for (i = job->block; i != NGX_HTTP_TASK_JOB_NONE; i = next) {
        block = &sh->blocks[i];
        next = block->next;

        block->job = NGX_HTTP_TASK_JOB_NONE;
        block->next = sh->free_block;
        sh->free_block = i;
    }

    job->block = NGX_HTTP_TASK_JOB_NONE;
}


/* a few of those that are over their time; with force the oldest one anyway */

void
ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone, ngx_uint_t force)
{
    int64_t                  now;
    ngx_uint_t               n;
    ngx_http_task_job_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    now = ngx_http_task_job_now();

    for (n = 0; n < 4 && sh->oldest != NGX_HTTP_TASK_JOB_NONE; n++) {
        job = &sh->jobs[sh->oldest];

        if (job->ended + (int64_t) zone->ttl > now && !force) {
            return;
        }

        /* one whose thread still runs goes to the end of the line */

        if (ngx_http_task_atomic_get(&job->busy)
            && ngx_http_task_job_owned(zone, job))
        {
            ngx_http_task_job_unlink(sh, job);
            ngx_http_task_job_append(sh, job);
            continue;
        }

        ngx_http_task_job_free(sh, job);
        force = 0;
    }
}


ngx_int_t
ngx_http_task_job_store(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_str_t *result)
{
    size_t                      left, n;
    u_char                     *p;
    uint32_t                   *link;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_block_t  *block;

    sh = zone->sh;

    if (result->len > zone->max_result) {
        return NGX_DECLINED;
    }

    link = &job->block;
    p = result->data;

    for (left = result->len; left; left -= n) {

        if (sh->free_block == NGX_HTTP_TASK_JOB_NONE
            && sh->used_blocks < sh->nblocks)
        {
            block = &sh->blocks[sh->used_blocks];
            block->job = NGX_HTTP_TASK_JOB_NONE;
            block->next = NGX_HTTP_TASK_JOB_NONE;
            sh->free_block = sh->used_blocks++;
        }

        if (sh->free_block == NGX_HTTP_TASK_JOB_NONE) {
            ngx_http_task_job_expire(zone, 1);
        }

        if (sh->free_block == NGX_HTTP_TASK_JOB_NONE) {
            ngx_http_task_job_return(sh, job);
            return NGX_DECLINED;
        }

        *link = sh->free_block;
        block = &sh->blocks[*link];
        sh->free_block = block->next;

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
