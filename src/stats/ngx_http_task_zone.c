
/*
 * The shared zone of a "task_zone": the master makes, inherits and tidies it
 * up, when it has read a configuration.  What workers do in it is in
 * ngx_http_task_slot.c.
 *
 * A generation is the slots of the workers of one configuration.  It is freed
 * by a later reload, when no worker is alive in it; a series is freed with the
 * last generation that has it.
 */


#include "stats/ngx_http_task_stats.h"


/* the version of what lies in the zone */

#define NGX_HTTP_TASK_ZONE_LAYOUT  4

/* alignment of slots: no two share a cache line, or a prefetched pair */

#define NGX_HTTP_TASK_ZONE_ALIGN   128


static ngx_int_t ngx_http_task_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_http_task_zone_format(ngx_http_task_zone_t *zone);
static ngx_int_t ngx_http_task_zone_inherit(ngx_http_task_zone_t *zone,
    ngx_http_task_zone_t *old);
static void ngx_http_task_zone_collect(ngx_http_task_zone_t *zone,
    uint64_t keep);
static ngx_int_t ngx_http_task_zone_generation(ngx_http_task_zone_t *zone);
static ngx_http_task_series_t *ngx_http_task_zone_series(
    ngx_http_task_zone_t *zone, ngx_str_t *name);
static void ngx_http_task_zone_link(ngx_queue_t *queue, ngx_queue_t *q);
static size_t ngx_http_task_zone_enough(ngx_http_task_zone_t *zone);
static size_t ngx_http_task_zone_slot_size(ngx_http_task_zone_t *zone,
    ngx_uint_t nseries);
static ngx_uint_t ngx_http_task_zone_nslots(ngx_http_task_zone_t *zone);
static ngx_int_t ngx_http_task_zone_slots(ngx_http_task_zone_t *zone,
    ngx_http_task_generation_t *generation);


/* zones are listed in the order in which they are named first */

ngx_http_task_zone_t *
ngx_http_task_zone_get(ngx_conf_t *cf, ngx_array_t *array, ngx_str_t *name)
{
    ngx_uint_t              i;
    ngx_http_task_zone_t   *zone, **zones;

    zones = array->elts;

    for (i = 0; i < array->nelts; i++) {
        if (zones[i]->name.len == name->len
            && ngx_strncmp(zones[i]->name.data, name->data, name->len) == 0)
        {
            return zones[i];
        }
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_zone_t));
    zones = ngx_array_push(array);

    if (zone == NULL || zones == NULL
        || ngx_array_init(&zone->stats, cf->pool, 8,
                          sizeof(ngx_http_task_stats_t *))
           != NGX_OK)
    {
        return NULL;
    }

    *zones = zone;

    zone->name = *name;
    ngx_http_task_conf_place(cf, &zone->place);
    zone->cycle = cf->cycle;

    return zone;
}


ngx_int_t
ngx_http_task_zone_create(ngx_conf_t *cf, ngx_http_task_zone_t *zone,
    size_t size, void *tag)
{
    ngx_shm_zone_t  *shm_zone;

    shm_zone = ngx_shared_memory_add(cf, &zone->name, size, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_http_task_zone_init;
    shm_zone->data = zone;

    zone->shm_zone = shm_zone;

    /* a histogram: the buckets, what is beyond, and the sum */

    zone->ncounters = NGX_HTTP_TASK_COUNTS + 2 * (zone->nbuckets + 2);

    return NGX_OK;
}


/* called in the master, after all of the configuration has been read */

static ngx_int_t
ngx_http_task_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_int_t              rc;
    ngx_http_task_zone_t  *zone, *old;

    zone = shm_zone->data;
    old = data;

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    zone->shpool->log_nomem = 0;

    rc = old ? ngx_http_task_zone_inherit(zone, old)
             : ngx_http_task_zone_format(zone);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_task_slot_lock(zone);

    /* who copies the zone begins anew */

    zone->sh->generations++;

    /* keep the generation that runs: it may get new workers yet */

    ngx_http_task_zone_collect(zone, old ? old->generation : 0);

    rc = ngx_http_task_zone_generation(zone);

    ngx_http_task_slot_unlock(zone);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "task_zone \"%V\" is too small for %ui locations, the "
                      "numbers of all workers and those of old workers: %uz, "
                      "%uzk is enough",
                      &zone->name, zone->stats.nelts, shm_zone->shm.size,
                      ngx_http_task_zone_enough(zone) / 1024);
    }

    return rc;
}


/* how large it has to be, with as much again for a reload */

static size_t
ngx_http_task_zone_enough(ngx_http_task_zone_t *zone)
{
    size_t                   size, total;
    ngx_uint_t               i;
    ngx_http_task_stats_t  **stats;

    stats = zone->stats.elts;

    total = ngx_http_task_zone_slot_size(zone, zone->stats.nelts + 1)
            * ngx_http_task_zone_nslots(zone);

    for (i = 0; i < zone->stats.nelts; i++) {
        size = sizeof(ngx_http_task_series_t) + stats[i]->name.len
               + 2 * zone->ncounters * sizeof(uint64_t);

        /* nginx's allocator rounds up to a power of two, or to pages */

        total += (size > ngx_pagesize / 2) ? ngx_align(size, ngx_pagesize)
                                           : 2 * size;
    }

    return ngx_align(2 * total + 16 * ngx_pagesize, 65536);
}


static ngx_int_t
ngx_http_task_zone_format(ngx_http_task_zone_t *zone)
{
    ngx_http_task_zone_sh_t  *sh;

    sh = ngx_slab_calloc(zone->shpool, sizeof(ngx_http_task_zone_sh_t));

    if (sh == NULL || ngx_http_task_shm_mutex(&sh->mutex) != NGX_OK) {
        return NGX_ERROR;
    }

    sh->layout = NGX_HTTP_TASK_ZONE_LAYOUT;
    sh->nbuckets = zone->nbuckets;
    ngx_memcpy(sh->buckets, zone->buckets, sizeof(sh->buckets));

    ngx_queue_init(&sh->series);
    ngx_queue_init(&sh->alive);

    zone->shpool->data = sh;
    zone->sh = sh;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_zone_inherit(ngx_http_task_zone_t *zone,
    ngx_http_task_zone_t *old)
{
    zone->sh = old->sh;

    if (zone->sh->layout != NGX_HTTP_TASK_ZONE_LAYOUT) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "task_zone \"%V\" is of another version of the module: "
                      "restart nginx, or use another name", &zone->name);
        return NGX_ERROR;
    }

    if (zone->sh->nbuckets != zone->nbuckets
        || ngx_memcmp(zone->sh->buckets, zone->buckets,
                      sizeof(zone->buckets))
           != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "buckets of task_zone \"%V\" cannot be changed by a "
                      "reload: restart nginx, or use another name",
                      &zone->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* frees generations without a worker, and series without a generation */

static void
ngx_http_task_zone_collect(ngx_http_task_zone_t *zone, uint64_t keep)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *next;
    ngx_http_task_series_t      *series;
    ngx_http_task_generation_t  *generation;

    for (q = ngx_queue_head(&zone->sh->alive);
         q != ngx_queue_sentinel(&zone->sh->alive);
         q = next)
    {
        next = ngx_queue_next(q);
        generation = ngx_queue_data(q, ngx_http_task_generation_t, queue);

        if (ngx_http_task_slots_sweep(zone, generation)
            || generation->number == keep)
        {
            continue;
        }

        for (i = 0; i < generation->nseries; i++) {
            generation->series[i]->refs--;
        }

        ngx_queue_remove(q);
        ngx_slab_free_locked(zone->shpool, generation->slots);
        ngx_slab_free_locked(zone->shpool, generation);
    }

    for (q = ngx_queue_head(&zone->sh->series);
         q != ngx_queue_sentinel(&zone->sh->series);
         q = next)
    {
        next = ngx_queue_next(q);
        series = ngx_queue_data(q, ngx_http_task_series_t, queue);

        if (series->refs == 0) {
            ngx_queue_remove(q);
            ngx_slab_free_locked(zone->shpool, series);
        }
    }
}


static ngx_int_t
ngx_http_task_zone_generation(ngx_http_task_zone_t *zone)
{
    size_t                        n;
    ngx_str_t                     loop;
    ngx_uint_t                    i;
    ngx_http_task_stats_t       **stats;
    ngx_http_task_generation_t   *generation;

    n = zone->stats.nelts + 1;
    stats = zone->stats.elts;

    generation = ngx_slab_calloc_locked(zone->shpool,
                                        sizeof(ngx_http_task_generation_t)
                                        + n * sizeof(void *));
    if (generation == NULL) {
        return NGX_ERROR;
    }

    generation->nseries = n;
    generation->number = zone->sh->generations;

    ngx_str_set(&loop, "");
    generation->series[0] = ngx_http_task_zone_series(zone, &loop);

    for (i = 1; i < n; i++) {
        generation->series[i] = ngx_http_task_zone_series(zone,
                                                          &stats[i - 1]->name);
    }

    for (i = 0; i < n && generation->series[i]; i++) { /* void */ }

    if (i < n || ngx_http_task_zone_slots(zone, generation) != NGX_OK) {
        ngx_slab_free_locked(zone->shpool, generation);
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        generation->series[i]->refs++;
    }

    ngx_http_task_zone_link(&zone->sh->alive, &generation->queue);

    zone->generation = generation->number;

    return NGX_OK;
}


/* returns the series of that name, or a new one; NULL: no memory */

static ngx_http_task_series_t *
ngx_http_task_zone_series(ngx_http_task_zone_t *zone, ngx_str_t *name)
{
    size_t                   size;
    u_char                  *p;
    ngx_queue_t             *q;
    ngx_http_task_series_t  *series;

    for (q = ngx_queue_head(&zone->sh->series);
         q != ngx_queue_sentinel(&zone->sh->series);
         q = ngx_queue_next(q))
    {
        series = ngx_queue_data(q, ngx_http_task_series_t, queue);

        if (series->name.len == name->len
            && ngx_memcmp(series->name.data, name->data, name->len) == 0)
        {
            return series;
        }
    }

    size = zone->ncounters * sizeof(uint64_t);

    series = ngx_slab_calloc_locked(zone->shpool,
                                    sizeof(ngx_http_task_series_t) + 2 * size
                                    + name->len);
    if (series == NULL) {
        return NULL;
    }

    p = (u_char *) series + sizeof(ngx_http_task_series_t);

    series->total[0] = (uint64_t *) p;
    series->total[1] = (uint64_t *) (p + size);

    series->name.len = name->len;
    series->name.data = p + 2 * size;
    ngx_memcpy(series->name.data, name->data, name->len);

    ngx_http_task_zone_link(&zone->sh->series, &series->queue);

    return series;
}


/*
 * Appends.  Workers walk from the head to the end.  The master may be killed
 * at any instruction: they then find the queue either with the element or
 * without.
 */

static void
ngx_http_task_zone_link(ngx_queue_t *queue, ngx_queue_t *q)
{
    ngx_queue_t  *last;

    last = ngx_queue_last(queue);

    q->prev = last;
    q->next = queue;

    ngx_http_task_atomic_set(&last->next, q);

    queue->prev = q;
}


static ngx_int_t
ngx_http_task_zone_slots(ngx_http_task_zone_t *zone,
    ngx_http_task_generation_t *generation)
{
    size_t                 size;
    ngx_uint_t             i;
    ngx_http_task_slot_t  *slot;

    size = ngx_http_task_zone_slot_size(zone, generation->nseries);

    generation->nslots = ngx_http_task_zone_nslots(zone);
    generation->slot_size = size;

    generation->slots = ngx_slab_calloc_locked(zone->shpool,
                                               generation->nslots * size);

    if (generation->slots == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < generation->nslots; i++) {
        slot = ngx_http_task_zone_slot(generation, i);
        slot->generation = generation;

        if (ngx_http_task_shm_mutex(&slot->alive) != NGX_OK) {
            ngx_slab_free_locked(zone->shpool, generation->slots);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static size_t
ngx_http_task_zone_slot_size(ngx_http_task_zone_t *zone, ngx_uint_t nseries)
{
    size_t  size;

    size = offsetof(ngx_http_task_slot_t, cells)
           + nseries * zone->ncounters * sizeof(uint64_t);

    return ngx_align(size, NGX_HTTP_TASK_ZONE_ALIGN);
}


static ngx_uint_t
ngx_http_task_zone_nslots(ngx_http_task_zone_t *zone)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(zone->cycle->conf_ctx,
                                           ngx_core_module);

    return ngx_max(ccf->worker_processes, 1);
}
