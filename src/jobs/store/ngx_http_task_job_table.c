
/*
 * How jobs lie in the shared zone: a table of jobs, and a table of blocks for
 * their results.
 */


#include "task/ngx_http_task.h"


#define NGX_HTTP_TASK_JOB_LAYOUT  2

/* a job for each so many bytes of the zone */

#define NGX_HTTP_TASK_JOB_SIZE    1024


static ngx_int_t ngx_http_task_job_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_task_job_zone_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool);
static ngx_int_t ngx_http_task_job_zone_layout(ngx_http_task_job_zone_t *zone,
    void *addr, size_t size);


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


/* all that the slab allocator has, in one piece */

static ngx_int_t
ngx_http_task_job_zone_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool)
{
    void    *addr;
    size_t   size;

    shpool->log_nomem = 0;

    for (size = zone->shm_zone->shm.size;
         size > sizeof(ngx_http_task_job_sh_t);
         size -= ngx_pagesize)
    {
        addr = ngx_slab_alloc(shpool, size);

        if (addr) {
            shpool->data = addr;
            return ngx_http_task_job_zone_layout(zone, addr, size);
        }
    }

    return NGX_ERROR;
}


/* the memory is zero, as it came from the kernel, but for the first page */

static ngx_int_t
ngx_http_task_job_zone_layout(ngx_http_task_job_zone_t *zone, void *addr,
    size_t size)
{
    u_char                  *p, *last;
    ngx_uint_t               i;
    ngx_http_task_job_sh_t  *sh;

    p = addr;
    last = p + size;
    sh = addr;

    ngx_memzero(sh, sizeof(ngx_http_task_job_sh_t));

    sh->njobs = (size - sizeof(ngx_http_task_job_sh_t))
                / NGX_HTTP_TASK_JOB_SIZE;

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

    zone->sh = sh;

    ngx_http_task_job_rebuild(zone);

    sh->layout = NGX_HTTP_TASK_JOB_LAYOUT;

    return NGX_OK;
}


/* what layout() leaves for blocks; some pages are the slab allocator's own */

size_t
ngx_http_task_job_zone_room(size_t size)
{
    size_t  njobs;

    if (size < sizeof(ngx_http_task_job_sh_t) + 2 * ngx_pagesize) {
        return 0;
    }

    size -= sizeof(ngx_http_task_job_sh_t) + ngx_pagesize;
    njobs = size / NGX_HTTP_TASK_JOB_SIZE;

    size -= njobs * (sizeof(ngx_http_task_job_t) + sizeof(uint32_t));

    return size / sizeof(ngx_http_task_job_block_t)
           * sizeof(((ngx_http_task_job_block_t *) 0)->data);
}


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


/* ids are random, any part of one is a hash */

uint32_t *
ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id)
{
    uint32_t  hash;

    ngx_memcpy(&hash, id, sizeof(uint32_t));

    return &sh->buckets[hash % sh->njobs];
}


ngx_http_task_job_list_t *
ngx_http_task_job_list(ngx_http_task_job_sh_t *sh, ngx_http_task_job_t *job)
{
    return &sh->shares[job->share].ended[job->length > 0];
}


void
ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *job)
{
    ngx_http_task_job_insert(sh, list, NULL, job);
}


void
ngx_http_task_job_insert(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *before,
    ngx_http_task_job_t *job)
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
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *job)
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
