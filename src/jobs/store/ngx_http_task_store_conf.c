
/*
 * The stores of the configuration, by name.  A location may name a store
 * before a directive defines it.
 */


#include "jobs/store/ngx_http_task_store_conf.h"


/* the value of "max_body" if it is not given, bytes */

#define NGX_HTTP_TASK_STORE_BODY  16384


ngx_http_task_store_t *
ngx_http_task_store_get(ngx_conf_t *cf, ngx_array_t *array, ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_http_task_store_t   *store, **stores;

    stores = array->elts;

    for (i = 0; i < array->nelts; i++) {
        if (stores[i]->name.len == name->len
            && ngx_strncmp(stores[i]->name.data, name->data, name->len) == 0)
        {
            return stores[i];
        }
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_store_t));
    stores = ngx_array_push(array);

    if (store == NULL || stores == NULL) {
        return NULL;
    }

    *stores = store;

    store->name = *name;
    store->max_body = NGX_HTTP_TASK_STORE_BODY;
    ngx_http_task_conf_place(cf, &store->place);

    if (ngx_array_init(&store->queues, cf->pool, 4,
                       sizeof(ngx_http_task_queue_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return store;
}


ngx_http_task_queue_t *
ngx_http_task_store_queue(ngx_conf_t *cf, ngx_http_task_store_t *store,
    ngx_str_t *name, ngx_http_task_place_t *place)
{
    ngx_uint_t               i;
    ngx_http_task_queue_t   *queue, **queues;

    queues = store->queues.elts;

    for (i = 0; i < store->queues.nelts; i++) {
        if (queues[i]->name.len == name->len
            && ngx_strncmp(queues[i]->name.data, name->data, name->len) == 0)
        {
            return queues[i];
        }
    }

    /* those of the configuration before a reload have places, too */

    if (store->queues.nelts == NGX_HTTP_TASK_JOB_QUEUES / 2) {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                                      "at most %d queues may be in the zone "
                                      "\"%V\" of jobs",
                                      NGX_HTTP_TASK_JOB_QUEUES / 2,
                                      &store->name);
        return NULL;
    }

    queue = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_queue_t));
    queues = ngx_array_push(&store->queues);

    if (queue == NULL || queues == NULL) {
        return NULL;
    }

    *queues = queue;

    queue->name = *name;
    queue->store = store;
    queue->hash = ngx_http_task_store_hash(NGX_HTTP_TASK_STORE_HASH,
                                           name->data, name->len);

    return queue;
}


/* FNV-1a; no key of a share or a queue is 0 */

uint64_t
ngx_http_task_store_hash(uint64_t hash, u_char *p, size_t len)
{
    while (len--) {
        hash = (hash ^ *p++) * 0x100000001b3;
    }

    return hash ? hash : 1;
}


ngx_int_t
ngx_http_task_store_check(ngx_conf_t *cf, ngx_array_t *array)
{
    ngx_uint_t               i;
    ngx_http_task_store_t  **stores;

    stores = array->elts;

    for (i = 0; i < array->nelts; i++) {

        if (stores[i]->type == NULL) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &stores[i]->place,
                           "zone \"%V\" of jobs is not defined by a "
                           "\"task_job_zone\" or a \"task_job_redis\"",
                           &stores[i]->name);
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_task_store_is_node(u_char *p, size_t len)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < len; i++) {
        c = p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '.'))
        {
            return 0;
        }
    }

    return len > 0 && len <= NGX_HTTP_TASK_JOB_NODE;
}
