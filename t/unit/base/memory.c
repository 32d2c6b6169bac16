
/*
 * Tasks' own pools: some are kept for the next tasks, as empty as new ones, and
 * no more than that; one with a cleanup, or with more than a block, is not.
 */


#include "base/ngx_http_task_base.h"

#include "check.h"
#include "loop.h"

/* where a sanitizer looks on, nothing is kept, but this is a test of keeping */

#undef __SANITIZE_ADDRESS__

#include "base/ngx_http_task_memory.c"


#define MANY  (NGX_HTTP_TASK_MEMORY_KEPT + 10)


/* nginx's pools, as far as they are used here */

static ngx_uint_t  created, destroyed, reset;


ngx_pool_t *
ngx_create_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t  *pool;

    pool = calloc(1, sizeof(ngx_pool_t));

    pool->log = log;
    created++;

    return pool;
}


void
ngx_destroy_pool(ngx_pool_t *pool)
{
    destroyed++;
    free(pool);
}


void
ngx_reset_pool(ngx_pool_t *pool)
{
    reset++;
}


static void
told(int right, const char *what)
{
    check(right, what, "", 0);
}


int
main(void)
{
    ngx_uint_t          i;
    ngx_pool_t         *pools[MANY], *pool;
    ngx_log_t           other;
    ngx_pool_cleanup_t  cleanup;

    for (i = 0; i < MANY; i++) {
        pools[i] = ngx_http_task_memory_create();
    }

    for (i = 0; i < MANY; i++) {
        ngx_http_task_memory_destroy(pools[i]);
    }

    told(created == MANY && destroyed == 10, "so many are kept");
    told(reset == NGX_HTTP_TASK_MEMORY_KEPT, "which are empty");

    /* after a reload in a process without workers there is another log */

    loop_cycle.log = &other;

    for (i = 0; i < MANY; i++) {
        pools[i] = ngx_http_task_memory_create();
    }

    told(created == MANY + 10, "those are taken first");

    for (i = 0; i < MANY && pools[i]->log == &other; i++) { /* void */ }

    told(i == MANY, "the log is the one of now");

    pool = pools[0];
    pool->cleanup = &cleanup;
    ngx_http_task_memory_destroy(pool);

    told(destroyed == 11, "one with a cleanup is destroyed");

    pool = pools[1];
    pool->d.next = pools[2];
    ngx_http_task_memory_destroy(pool);

    told(destroyed == 12, "one of two blocks is destroyed");

    for (i = 2; i < MANY; i++) {
        ngx_http_task_memory_destroy(pools[i]);
    }

    told(created - destroyed == NGX_HTTP_TASK_MEMORY_KEPT, "none is lost");

    while (ngx_http_task_memory_number) {
        free(ngx_http_task_memory_create());
    }

    return 0;
}
