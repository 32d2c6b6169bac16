
/*
 * Calls that the engine has refused, for a reason that may be mended: they are
 * sent again a while later.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* so long, ns */

#define NGX_HTTP_TASK_REDIS_LATER  1000000000LL


void
ngx_http_task_redis_later(ngx_http_task_redis_call_t *call)
{
    call->later = ngx_http_task_now() + NGX_HTTP_TASK_REDIS_LATER;

    ngx_queue_insert_tail(&call->redis->refused, &call->queue);
}


/* they are in the order of their times */

void
ngx_http_task_redis_later_look(ngx_http_task_redis_t *redis, int64_t now)
{
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    while (!ngx_queue_empty(&redis->refused)) {
        q = ngx_queue_head(&redis->refused);
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        if (now < call->later) {
            return;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&redis->waiting, q);
    }
}
