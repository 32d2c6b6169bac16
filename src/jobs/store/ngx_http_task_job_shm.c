
/*
 * How a zone of jobs lies in shared memory: a table of records, buckets, and a
 * table of blocks for results.  It is made when nginx starts, and outlives
 * reloads.
 */


#include "jobs/store/ngx_http_task_job_zone.h"
#include "jobs/store/ngx_http_task_state.h"


#define NGX_HTTP_TASK_JOB_LAYOUT  13

/* there is a record for each so many bytes of the zone */

#define NGX_HTTP_TASK_JOB_SIZE    1024

/* bits: as many jobs may be accepted in a millisecond */

#define NGX_HTTP_TASK_JOB_ORDER   12

/* words with a bit for each record */

#define ngx_http_task_job_shm_words(n)  (((n) + 63) / 64)


static ngx_int_t ngx_http_task_job_shm_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_task_job_shm_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool);
static ngx_int_t ngx_http_task_job_shm_layout(ngx_http_task_job_zone_t *zone,
    void *addr, size_t size);


ngx_int_t
ngx_http_task_job_shm_create(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    size_t size, void *tag)
{
    ngx_shm_zone_t  *shm_zone;

    shm_zone = ngx_shared_memory_add(cf, &zone->store->name, size, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_http_task_job_shm_init;
    shm_zone->data = zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_job_shm_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_task_job_zone_t  *zone, *old;

    zone = shm_zone->data;
    old = data;

    if (old == NULL) {
        return ngx_http_task_job_shm_format(zone,
                                     (ngx_slab_pool_t *) shm_zone->shm.addr);
    }

    zone->sh = old->sh;

    if (zone->sh->layout != NGX_HTTP_TASK_JOB_LAYOUT) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "task_job_zone \"%V\" is of another version of the "
                      "module: restart nginx, or use another name",
                      &zone->store->name);
        return NGX_ERROR;
    }

    if (!ngx_http_task_state_same(zone, old)) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "state file of task_job_zone \"%V\" cannot be changed "
                      "by a reload: restart nginx, or use another name",
                      &zone->store->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* takes all that the slab allocator has, in one piece */

static ngx_int_t
ngx_http_task_job_shm_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool)
{
    void    *addr;
    size_t   size;

    shpool->log_nomem = 0;

    for (size = shpool->end - (u_char *) shpool;
         size > sizeof(ngx_http_task_job_sh_t);
         size -= ngx_pagesize)
    {
        addr = ngx_slab_alloc(shpool, size);

        if (addr) {
            shpool->data = addr;
            return ngx_http_task_job_shm_layout(zone, addr, size);
        }
    }

    return NGX_ERROR;
}


/* records and blocks are not zeroed: the kernel gave their memory as zeros */

static ngx_int_t
ngx_http_task_job_shm_layout(ngx_http_task_job_zone_t *zone, void *addr,
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
    sh->jobs = (ngx_http_task_record_t *) p;
    p += sh->njobs * sizeof(ngx_http_task_record_t);
    sh->buckets = (uint32_t *) p;
    p += sh->njobs * sizeof(uint32_t);
    sh->keys = (uint32_t *) p;
    p += sh->njobs * sizeof(uint32_t);

    if (zone->state) {
        p = ngx_align_ptr(p, sizeof(uint64_t));
        sh->dirty = (uint64_t *) p;
        p += ngx_http_task_job_shm_words(sh->njobs) * sizeof(uint64_t);

        /* behind the order of all that was accepted before */

        sh->order = ngx_http_task_job_now() << NGX_HTTP_TASK_JOB_ORDER;
    }

    p = ngx_align_ptr(p, NGX_HTTP_TASK_JOB_BLOCK);
    sh->blocks = (ngx_http_task_job_block_t *) p;
    sh->nblocks = (last - p) / sizeof(ngx_http_task_job_block_t);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        if (ngx_http_task_shm_mutex(&sh->owners[i].alive) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_task_shm_mutex(&sh->mutex) != NGX_OK
        || ngx_http_task_shm_mutex(&sh->state.writer) != NGX_OK)
    {
        return NGX_ERROR;
    }

    zone->sh = sh;

    ngx_http_task_job_rebuild(zone);

    sh->layout = NGX_HTTP_TASK_JOB_LAYOUT;

    return NGX_OK;
}


/* layout() has no more for blocks: the slab allocator takes a page or more */

size_t
ngx_http_task_job_shm_room(size_t size)
{
    size_t  njobs;

    if (size < sizeof(ngx_http_task_job_sh_t) + 2 * ngx_pagesize) {
        return 0;
    }

    size -= sizeof(ngx_http_task_job_sh_t) + ngx_pagesize;
    njobs = size / NGX_HTTP_TASK_JOB_SIZE;

    size -= njobs * (sizeof(ngx_http_task_record_t) + 2 * sizeof(uint32_t))
            + (ngx_http_task_job_shm_words(njobs) + 1) * sizeof(uint64_t);

    return size / sizeof(ngx_http_task_job_block_t)
           * sizeof(((ngx_http_task_job_block_t *) 0)->data);
}
