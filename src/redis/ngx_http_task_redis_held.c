
/*
 * Adds that are held until their jobs are on the engine's disk: those that wait
 * to be asked for, and those that were.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* the time between two looks at them, milliseconds */

#define NGX_HTTP_TASK_REDIS_EXPIRE  100


static void ngx_http_task_redis_held_expire(ngx_event_t *ev);
static ngx_uint_t ngx_http_task_redis_held_late(ngx_queue_t *calls,
    int64_t now);


void
ngx_http_task_redis_held_init(ngx_http_task_redis_t *redis)
{
    ngx_queue_init(&redis->holds);
    ngx_queue_init(&redis->barred);

    redis->expire.handler = ngx_http_task_redis_held_expire;
    redis->expire.data = redis;
    redis->expire.log = ngx_cycle->log;
}


void
ngx_http_task_redis_hold(ngx_http_task_redis_call_t *call,
    void (*held)(ngx_http_task_redis_call_t *call, ngx_int_t rc))
{
    ngx_event_t            *ev;
    ngx_http_task_redis_t  *redis;

    redis = call->redis;
    ev = &redis->expire;

    call->held = held;
    call->deadline = ngx_http_task_now()
                     + NGX_HTTP_TASK_REDIS_PATIENCE * 1000000LL;

    ngx_queue_insert_tail(&redis->holds, &call->queue);

    if (!ngx_queue_empty(&call->op)) {
        ev->cancelable = 0;
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_EXPIRE);
    }

    ngx_post_event(&redis->gather, &ngx_posted_events);
}


/* a handler may make other calls */

void
ngx_http_task_redis_held_all(ngx_queue_t *calls, ngx_int_t rc)
{
    while (!ngx_queue_empty(calls)) {
        ngx_http_task_redis_held_done(ngx_queue_head(calls), rc);
    }
}


void
ngx_http_task_redis_held_done(ngx_queue_t *q, ngx_int_t rc)
{
    ngx_http_task_redis_call_t  *call;

    call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

    ngx_queue_remove(q);
    ngx_queue_init(q);

    call->held(call, rc);

    ngx_http_task_redis_call_free(call);
}


/* their order stays */

void
ngx_http_task_redis_held_again(ngx_http_task_redis_t *redis)
{
    if (!ngx_queue_empty(&redis->holds)) {
        ngx_queue_add(&redis->barred, &redis->holds);
        ngx_queue_init(&redis->holds);
    }

    if (!ngx_queue_empty(&redis->barred)) {
        ngx_queue_add(&redis->holds, &redis->barred);
        ngx_queue_init(&redis->barred);
    }
}


/* an engine that cannot tell is not waited for */

static void
ngx_http_task_redis_held_expire(ngx_event_t *ev)
{
    int64_t                 now;
    ngx_http_task_redis_t  *redis;

    redis = ev->data;
    now = ngx_http_task_now();

    if (redis->barring
        && now - redis->barring > 2 * NGX_HTTP_TASK_REDIS_PATIENCE * 1000000LL)
    {
        ngx_http_task_redis_hang_up(&redis->barrier, "no answer in time");
    }

    if (redis->unable) {
        ngx_http_task_redis_held_all(&redis->holds, NGX_DECLINED);
    }

    while (ngx_http_task_redis_held_late(&redis->barred, now)
           || ngx_http_task_redis_held_late(&redis->holds, now))
    {
        /* void */
    }

    if (ngx_queue_empty(&redis->holds) && ngx_queue_empty(&redis->barred)) {
        return;
    }

    ev->cancelable = !ngx_http_task_redis_call_awaited(&redis->holds)
                     && !ngx_http_task_redis_call_awaited(&redis->barred);

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_EXPIRE);
    }
}


/* the oldest one comes first */

static ngx_uint_t
ngx_http_task_redis_held_late(ngx_queue_t *calls, int64_t now)
{
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    if (ngx_queue_empty(calls)) {
        return 0;
    }

    q = ngx_queue_head(calls);
    call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

    if (now < call->deadline) {
        return 0;
    }

    ngx_http_task_redis_held_done(q, NGX_DECLINED);

    return 1;
}


/* no connection is left */

void
ngx_http_task_redis_held_end(ngx_http_task_redis_t *redis)
{
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    ngx_http_task_redis_held_again(redis);

    while (!ngx_queue_empty(&redis->holds)) {
        q = ngx_queue_head(&redis->holds);
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        ngx_queue_remove(q);

        if (!ngx_queue_empty(&call->op)) {
            ngx_http_task_store_drop(ngx_http_task_redis_call_op(call));
        }

        ngx_http_task_redis_call_free(call);
    }
}
