
/*
 * The memory of a task that may outlive its request: a pool of its own.  As a
 * task needs no more than one block, mostly, that is kept for the next task.
 */


#include "base/ngx_http_task_base.h"


/* size of a pool, bytes: a task, its piece, a few strings fit */

#define NGX_HTTP_TASK_MEMORY_SIZE  2048

/* how many pools are kept; a sanitizer shall see that what is freed is gone */

#ifndef __has_feature
#define __has_feature(feature)  0          /* gcc, which defines the others */
#endif

#if (defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__              \
     || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#define NGX_HTTP_TASK_MEMORY_KEPT  0
#else
#define NGX_HTTP_TASK_MEMORY_KEPT  64
#endif


/* state of this worker; the last entry is there for a size of 0 */

static ngx_pool_t  *ngx_http_task_memory_kept[NGX_HTTP_TASK_MEMORY_KEPT + 1];
static ngx_uint_t   ngx_http_task_memory_number;


ngx_pool_t *
ngx_http_task_memory_create(void)
{
    ngx_pool_t  *pool;

    if (ngx_http_task_memory_number == 0) {
        return ngx_create_pool(NGX_HTTP_TASK_MEMORY_SIZE, ngx_cycle->log);
    }

    pool = ngx_http_task_memory_kept[--ngx_http_task_memory_number];
    pool->log = ngx_cycle->log;

    return pool;
}


void
ngx_http_task_memory_destroy(ngx_pool_t *pool)
{
    if (ngx_http_task_memory_number == NGX_HTTP_TASK_MEMORY_KEPT
        || pool->cleanup || pool->d.next)
    {
        ngx_destroy_pool(pool);
        return;
    }

    ngx_reset_pool(pool);

    ngx_http_task_memory_kept[ngx_http_task_memory_number++] = pool;
}
