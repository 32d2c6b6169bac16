
/*
 * The workers of this machine, in a zone of shared memory: each holds the mutex
 * of its place for life, so that the others learn from the kernel when it is
 * gone.  A job of a worker has a slot, where a thread notes that it begins: if
 * the worker dies, those that have not can be run by another one.
 */


#include "redis/ngx_http_task_redis_parts.h"


#define NGX_HTTP_TASK_REDIS_LAYOUT  2
#define NGX_HTTP_TASK_REDIS_PLACES  256
#define NGX_HTTP_TASK_REDIS_SLOTS   4096


struct ngx_http_task_redis_place_s {
    pthread_mutex_t              alive;
    uint32_t                     taken;
    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];
};


/* place: 0: it is free; else that of its worker, and 1 */

struct ngx_http_task_redis_slot_s {
    uint32_t                     place;
    uint32_t                     begun;
    u_char                       hex[NGX_HTTP_TASK_REDIS_HEX];
};


struct ngx_http_task_redis_node_s {
    uint32_t                     layout;
    uint32_t                     next;        /* where a slot may be free */
    uint64_t                     refused;     /* jobs, since the start */
    uint64_t                     retried;     /* as the engine has told last */
    ngx_http_task_redis_place_t  places[NGX_HTTP_TASK_REDIS_PLACES];
    ngx_http_task_redis_slot_t   slots[NGX_HTTP_TASK_REDIS_SLOTS];
};


static ngx_int_t ngx_http_task_redis_node_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_uint_t ngx_http_task_redis_place_alive(
    ngx_http_task_redis_place_t *place);
static void ngx_http_task_redis_place_free(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_place_t *place);


ngx_int_t
ngx_http_task_redis_node(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    void *tag)
{
    u_char          *p;
    size_t           size;
    ngx_str_t        name;
    ngx_shm_zone_t  *shm_zone;

    name.len = sizeof("task_job_redis:") - 1 + redis->store->name.len;
    name.data = ngx_pnalloc(cf->pool, name.len);

    if (name.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(name.data, "task_job_redis:", sizeof("task_job_redis:") - 1);
    ngx_memcpy(p, redis->store->name.data, redis->store->name.len);

    size = ngx_align(sizeof(ngx_http_task_redis_node_t), ngx_pagesize);

    shm_zone = ngx_shared_memory_add(cf, &name, size + 8 * ngx_pagesize, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_http_task_redis_node_init;
    shm_zone->data = redis;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_node_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_uint_t                   i;
    ngx_slab_pool_t             *shpool;
    ngx_http_task_redis_t       *redis, *old;
    ngx_http_task_redis_node_t  *node;

    redis = shm_zone->data;
    old = data;

    if (old) {
        redis->node = old->node;

        if (redis->node->layout != NGX_HTTP_TASK_REDIS_LAYOUT) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "task_job_redis \"%V\" is of another version of the "
                          "module: restart nginx, or use another name",
                          &redis->store->name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    node = ngx_slab_calloc(shpool, sizeof(ngx_http_task_redis_node_t));
    if (node == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_TASK_REDIS_PLACES; i++) {
        if (ngx_http_task_shm_mutex(&node->places[i].alive) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    node->layout = NGX_HTTP_TASK_REDIS_LAYOUT;
    redis->node = node;

    return NGX_OK;
}


void
ngx_http_task_redis_node_refused(ngx_http_task_redis_t *redis)
{
    __atomic_fetch_add(&redis->node->refused, 1, __ATOMIC_RELAXED);
}


/*
 * What another worker was told may be newer: a counter does not fall, unless
 * the engine has forgotten all.
 */

void
ngx_http_task_redis_node_retried(ngx_http_task_redis_t *redis, uint64_t n)
{
    if (n == 0 || n > ngx_http_task_atomic_get(&redis->node->retried)) {
        ngx_http_task_atomic_set(&redis->node->retried, n);
    }
}


void
ngx_http_task_redis_node_counts(ngx_http_task_redis_t *redis,
    ngx_http_task_job_counts_t *counts)
{
    counts->refused = ngx_http_task_atomic_get(&redis->node->refused);
    counts->retried = ngx_http_task_atomic_get(&redis->node->retried);
}


/* harmless if it has a place; a place whose worker is dead is buried first */

void
ngx_http_task_redis_node_enter(ngx_http_task_redis_t *redis)
{
    ngx_uint_t                    i;
    ngx_http_task_redis_place_t  *place;

    for (i = 0; i < NGX_HTTP_TASK_REDIS_PLACES && redis->place == NULL; i++) {
        place = &redis->node->places[i];

        if (ngx_http_task_atomic_get(&place->taken)
            || pthread_mutex_trylock(&place->alive) != 0)
        {
            continue;
        }

        if (place->taken) {
            (void) pthread_mutex_unlock(&place->alive);
            continue;
        }

        redis->place = place;
        ngx_http_task_redis_node_rename(redis);
    }
}


void
ngx_http_task_redis_node_rename(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_place_t  *place;

    place = redis->place;

    if (place) {
        ngx_http_task_atomic_set(&place->taken, 0);
        ngx_memcpy(place->owner, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
        ngx_http_task_atomic_set(&place->taken, 1);
    }
}


/* the mutex of a place that nobody has is free, or is made so */

static ngx_uint_t
ngx_http_task_redis_place_alive(ngx_http_task_redis_place_t *place)
{
    switch (pthread_mutex_trylock(&place->alive)) {

    case 0:
        break;

    case EOWNERDEAD:
        (void) pthread_mutex_consistent(&place->alive);
        break;

    default:
        return 1;
    }

    (void) pthread_mutex_unlock(&place->alive);

    return 0;
}


void
ngx_http_task_redis_node_each(ngx_http_task_redis_t *redis,
    void (*fn)(void *data, u_char *owner, ngx_uint_t alive), void *data)
{
    u_char                        owner[NGX_HTTP_TASK_REDIS_OWNER];
    ngx_uint_t                    i;
    ngx_http_task_redis_place_t  *place;

    for (i = 0; i < NGX_HTTP_TASK_REDIS_PLACES; i++) {
        place = &redis->node->places[i];

        if (!ngx_http_task_atomic_get(&place->taken)) {
            continue;
        }

        ngx_memcpy(owner, place->owner, NGX_HTTP_TASK_REDIS_OWNER);

        fn(data, owner, place == redis->place
                        || ngx_http_task_redis_place_alive(place));
    }
}


/* whoever has the place now, if anybody, has another name, and its mutex */

void
ngx_http_task_redis_node_free(ngx_http_task_redis_t *redis, u_char *owner)
{
    ngx_uint_t                    i;
    ngx_http_task_redis_place_t  *place;

    for (i = 0; i < NGX_HTTP_TASK_REDIS_PLACES; i++) {
        place = &redis->node->places[i];

        if (!ngx_http_task_atomic_get(&place->taken)
            || ngx_memcmp(place->owner, owner, NGX_HTTP_TASK_REDIS_OWNER) != 0
            || place == redis->place
            || pthread_mutex_trylock(&place->alive) != 0)
        {
            continue;
        }

        if (place->taken && ngx_memcmp(place->owner, owner,
                                       NGX_HTTP_TASK_REDIS_OWNER) == 0)
        {
            ngx_http_task_redis_place_free(redis, place);
        }

        (void) pthread_mutex_unlock(&place->alive);
    }
}


/* the next one that has the place has none of these jobs */

static void
ngx_http_task_redis_place_free(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_place_t *place)
{
    uint32_t                     i;
    ngx_uint_t                   n;
    ngx_http_task_redis_slot_t  *slot;

    i = place - redis->node->places + 1;

    for (n = 0; n < NGX_HTTP_TASK_REDIS_SLOTS; n++) {
        slot = &redis->node->slots[n];

        if (ngx_http_task_atomic_get(&slot->place) == i) {
            ngx_http_task_redis_slot_free(slot);
        }
    }

    ngx_http_task_atomic_set(&place->taken, 0);
}


/* all is said: the place is free when the process is gone */

void
ngx_http_task_redis_node_leave(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_place_t  *place;

    place = redis->place;

    if (place) {
        ngx_http_task_redis_place_free(redis, place);
        (void) pthread_mutex_unlock(&place->alive);
        redis->place = NULL;
    }
}


/* NULL: there is none, and the job counts as begun */

ngx_http_task_redis_slot_t *
ngx_http_task_redis_slot_get(ngx_http_task_redis_t *redis, u_char *hex)
{
    uint32_t                     i, none, place;
    ngx_uint_t                   n;
    ngx_http_task_redis_slot_t  *slot;

    if (redis->place == NULL) {
        return NULL;
    }

    place = redis->place - redis->node->places + 1;
    i = __atomic_load_n(&redis->node->next, __ATOMIC_RELAXED);

    for (n = 0; n < NGX_HTTP_TASK_REDIS_SLOTS; n++, i++) {
        slot = &redis->node->slots[i % NGX_HTTP_TASK_REDIS_SLOTS];
        none = 0;

        if (__atomic_load_n(&slot->place, __ATOMIC_RELAXED)
            || !__atomic_compare_exchange_n(&slot->place, &none, place, 0,
                                            __ATOMIC_ACQ_REL,
                                            __ATOMIC_RELAXED))
        {
            continue;
        }

        __atomic_store_n(&redis->node->next, i + 1, __ATOMIC_RELAXED);

        ngx_memcpy(slot->hex, hex, NGX_HTTP_TASK_REDIS_HEX);
        ngx_http_task_atomic_set(&slot->begun, 0);

        return slot;
    }

    return NULL;
}


void
ngx_http_task_redis_slot_begin(ngx_http_task_redis_slot_t *slot)
{
    __atomic_store_n(&slot->begun, 1, __ATOMIC_SEQ_CST);
}


/* a slot that nobody has counts as begun, until its id is there */

void
ngx_http_task_redis_slot_free(ngx_http_task_redis_slot_t *slot)
{
    ngx_http_task_atomic_set(&slot->begun, 1);
    ngx_http_task_atomic_set(&slot->place, 0);
}


void
ngx_http_task_redis_node_idle(ngx_http_task_redis_t *redis, u_char *owner,
    ngx_http_task_redis_words_t *words)
{
    ngx_uint_t                    i, n;
    ngx_http_task_redis_place_t  *place;
    ngx_http_task_redis_slot_t   *slot;

    for (i = 0; i < NGX_HTTP_TASK_REDIS_PLACES; i++) {
        place = &redis->node->places[i];

        if (ngx_http_task_atomic_get(&place->taken)
            && ngx_memcmp(place->owner, owner, NGX_HTTP_TASK_REDIS_OWNER) == 0)
        {
            break;
        }
    }

    for (n = 0; n < NGX_HTTP_TASK_REDIS_SLOTS; n++) {
        slot = &redis->node->slots[n];

        if (ngx_http_task_atomic_get(&slot->place) == i + 1
            && !ngx_http_task_atomic_get(&slot->begun))
        {
            ngx_http_task_redis_word(words, slot->hex,
                                     NGX_HTTP_TASK_REDIS_HEX);
        }
    }
}
