
/*
 * What is said first on the connection that waits for the engine's disk:
 * whether it can tell of that.  An engine that cannot is asked again later, as
 * it may be told to, or be another one then.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void ngx_http_task_redis_barrier_reply(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_barrier_able(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_barrier_unable(
    ngx_http_task_redis_link_t *link, const char *text);


void
ngx_http_task_redis_barrier(ngx_http_task_redis_link_t *link)
{
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (ngx_http_task_redis_greet_auth(link, ngx_http_task_redis_barrier_reply)
        != NGX_OK
        || (redis->db
            && redisAsyncCommand(link->context,
                                 ngx_http_task_redis_barrier_reply, NULL,
                                 "SELECT %d", (int) redis->db)
               != REDIS_OK)
        || redisAsyncCommand(link->context, ngx_http_task_redis_barrier_able,
                             NULL, "WAITAOF 1 0 1")
           != REDIS_OK)
    {
        ngx_http_task_redis_hang_up(link, "no memory");
    }
}


static void
ngx_http_task_redis_barrier_reply(redisAsyncContext *context, void *data,
    void *privdata)
{
    redisReply *reply = data;

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        ngx_http_task_redis_hang_up(context->data, reply->str);
    }
}


static void
ngx_http_task_redis_barrier_able(redisAsyncContext *context, void *data,
    void *privdata)
{
    redisReply                  *reply;
    ngx_http_task_redis_t       *redis;
    ngx_http_task_redis_link_t  *link;

    reply = data;
    link = context->data;
    redis = link->redis;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_task_redis_barrier_unable(link, reply->str);
        return;
    }

    link->ready = 1;
    link->down = 0;
    link->failures = 0;

    if (redis->unable && redis->calls.ready) {
        ngx_http_task_redis_well(redis);
    }

    redis->unable = 0;
    redis->store->away = (redis->away != 0);

    ngx_post_event(&redis->gather, &ngx_posted_events);
}


/* the adds that are held are let go by "expire" */

static void
ngx_http_task_redis_barrier_unable(ngx_http_task_redis_link_t *link,
    const char *text)
{
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (!ngx_http_task_redis_is_away(text)) {
        redis->unable = 1;
    }

    if (!redis->calls.ready) {
        ngx_http_task_redis_hang_up(link, NULL);

    } else if (strstr(text, "unknown command")) {
        ngx_http_task_redis_hang_up(link, "WAITAOF is not known to it, which "
                                    "durable=on needs: it must be Redis 7.2 "
                                    "or newer, or a Valkey");

    } else if (strstr(text, "appendonly")) {
        ngx_http_task_redis_hang_up(link, "WAITAOF is refused, as it keeps "
                                    "nothing on a disk: durable=on needs its "
                                    "\"appendonly yes\"");

    } else {
        ngx_http_task_redis_hang_up(link, text);
    }
}
