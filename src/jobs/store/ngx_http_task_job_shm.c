
/*
 * How a zone of jobs lies in shared memory: a table of records, buckets, and a
 * table of blocks for results.  It is made when nginx starts, and outlives
 * reloads.
 */


#include "jobs/store/ngx_http_task_job_zone.h"
#include "jobs/store/ngx_http_task_state.h"

#include <sys/random.h>


#define NGX_HTTP_TASK_JOB_LAYOUT  15

/* there is a record for each so many bytes of the zone */

#define NGX_HTTP_TASK_JOB_SIZE    1024

/* bits: as many jobs may be accepted in a millisecond */

#define NGX_HTTP_TASK_JOB_ORDER   12

/* words with a bit for each record */

#define ngx_http_task_job_shm_words(n)  (((n) + 63) / 64)


static ngx_http_task_job_zone_t *ngx_http_task_job_shm_old(ngx_conf_t *cf,
    ngx_shm_zone_t *shm_zone);
static ngx_int_t ngx_http_task_job_shm_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_task_job_shm_format(ngx_http_task_job_zone_t *zone,
    ngx_slab_pool_t *shpool);
static ngx_int_t ngx_http_task_job_shm_layout(ngx_http_task_job_zone_t *zone,
    void *addr, size_t size);
static ngx_int_t ngx_http_task_job_shm_state(ngx_http_task_job_sh_t *sh);


ngx_int_t
ngx_http_task_job_shm_create(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    size_t size, void *tag)
{
    ngx_shm_zone_t            *shm_zone;
    ngx_http_task_job_zone_t  *old;

    shm_zone = ngx_shared_memory_add(cf, &zone->store->name, size, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_http_task_job_shm_init;
    shm_zone->data = zone;

    old = ngx_http_task_job_shm_old(cf, shm_zone);

    return (old == NULL || ngx_http_task_state_same(zone, old)) ? NGX_OK
                                                                : NGX_DECLINED;
}


/* returns the zone of this name before a reload, whatever its size, or NULL */

static ngx_http_task_job_zone_t *
ngx_http_task_job_shm_old(ngx_conf_t *cf, ngx_shm_zone_t *shm_zone)
{
    ngx_uint_t        i;
    ngx_cycle_t      *cycle;
    ngx_shm_zone_t   *zones;
    ngx_list_part_t  *part;

    cycle = cf->cycle->old_cycle;

    if (ngx_is_init_cycle(cycle)) {
        return NULL;
    }

    for (part = &cycle->shared_memory.part; part; part = part->next) {
        zones = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (zones[i].init == shm_zone->init
                && zones[i].shm.name.len == shm_zone->shm.name.len
                && ngx_strncmp(zones[i].shm.name.data,
                               shm_zone->shm.name.data,
                               shm_zone->shm.name.len)
                   == 0)
            {
                return zones[i].data;
            }
        }
    }

    return NULL;
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

        if (ngx_http_task_job_shm_state(sh) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    p = ngx_align_ptr(p, NGX_HTTP_TASK_JOB_BLOCK);
    sh->blocks = (ngx_http_task_job_block_t *) p;
    sh->nblocks = (last - p) / sizeof(ngx_http_task_job_block_t);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        if (ngx_http_task_shm_mutex(&sh->owners[i].alive) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_task_shm_mutex(&sh->mutex) != NGX_OK) {
        return NGX_ERROR;
    }

    zone->sh = sh;

    ngx_http_task_job_rebuild(zone);

    sh->layout = NGX_HTTP_TASK_JOB_LAYOUT;

    return NGX_OK;
}


/* the order of its jobs is behind that of all which were accepted before */

static ngx_int_t
ngx_http_task_job_shm_state(ngx_http_task_job_sh_t *sh)
{
    uint32_t  owner;

    if (ngx_http_task_shm_mutex(&sh->state.writer) != NGX_OK
        || getrandom(&owner, sizeof(owner), 0) != sizeof(owner))
    {
        return NGX_ERROR;
    }

    /* 0 is nobody */

    sh->state.owner = owner | 1;
    sh->order = ngx_http_task_job_now() << NGX_HTTP_TASK_JOB_ORDER;

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
