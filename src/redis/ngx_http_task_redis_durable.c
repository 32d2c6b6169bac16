
/*
 * Jobs that are accepted when they are on the engine's disk.  When it has them,
 * durable.lua and WAITAOF are sent on a connection of their own, which stands
 * still meanwhile: once for all that have come until then.  As the engine's
 * file is in the order of its commands, those of the other connection are on
 * the disk with these.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* so many are waited for at once */

#define NGX_HTTP_TASK_REDIS_BARRED  256

/* so long a job that comes waits for a connection that has just gone, ns */

#define NGX_HTTP_TASK_REDIS_DOWN  1000000000LL


static void ngx_http_task_redis_durable_gather(ngx_event_t *ev);
static void ngx_http_task_redis_durable_send(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_durable_there(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_durable_missing(ngx_http_task_redis_t *redis,
    redisReply *reply);
static void ngx_http_task_redis_durable_written(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_durable_slow(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_durable_lost(ngx_http_task_redis_link_t *link);


void
ngx_http_task_redis_durable_init(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_held_init(redis);

    redis->gather.handler = ngx_http_task_redis_durable_gather;
    redis->gather.data = redis;
    redis->gather.log = ngx_cycle->log;

    redis->barrier.redis = redis;
    redis->barrier.down = ngx_http_task_now();
    redis->barrier.greet = ngx_http_task_redis_barrier;
    redis->barrier.gone = ngx_http_task_redis_durable_lost;
}


void
ngx_http_task_redis_durable_entered(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_link_t  *link;

    link = &redis->barrier;

    if (!redis->durable || link->ready) {
        return;
    }

    link->down = ngx_http_task_now();

    if (link->retry.timer_set) {
        ngx_del_timer(&link->retry);
    }

    ngx_http_task_redis_dial(link);
}


/* it may be another engine that answers next */

void
ngx_http_task_redis_durable_gone(ngx_http_task_redis_t *redis)
{
    if (redis->durable) {
        ngx_http_task_redis_hang_up(&redis->barrier, NULL);
    }
}


ngx_uint_t
ngx_http_task_redis_durable(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_link_t  *link;

    link = &redis->barrier;

    return link->ready
           || (!redis->unable
               && ngx_http_task_now() - link->down < NGX_HTTP_TASK_REDIS_DOWN);
}


static void
ngx_http_task_redis_durable_gather(ngx_event_t *ev)
{
    ngx_http_task_redis_t  *redis;

    redis = ev->data;

    if (redis->barrier.ready && redis->barring == 0
        && !ngx_queue_empty(&redis->holds))
    {
        ngx_http_task_redis_durable_send(redis);
    }
}


static void
ngx_http_task_redis_durable_send(ngx_http_task_redis_t *redis)
{
    ngx_uint_t                    n;
    ngx_queue_t                  *q;
    redisAsyncContext            *context;
    ngx_http_task_redis_call_t   *call;
    ngx_http_task_redis_words_t  *words;

    static u_char  hex[NGX_HTTP_TASK_REDIS_BARRED][NGX_HTTP_TASK_REDIS_HEX];

    context = redis->barrier.context;
    words = ngx_http_task_redis_words(redis, NGX_HTTP_TASK_REDIS_DURABLE);

    for (n = 0; n < NGX_HTTP_TASK_REDIS_BARRED; n++) {

        if (ngx_queue_empty(&redis->holds)) {
            break;
        }

        q = ngx_queue_head(&redis->holds);
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&redis->barred, q);

        ngx_http_task_redis_hex(hex[n], call->id);
        ngx_http_task_redis_word(words, hex[n], NGX_HTTP_TASK_REDIS_HEX);
    }

    redis->barring = ngx_http_task_now();

    if (words->failed
        || redisAsyncCommandArgv(context, ngx_http_task_redis_durable_there,
                                 NULL, words->n, words->data, words->len)
           != REDIS_OK
        || redisAsyncCommand(context, ngx_http_task_redis_durable_written,
                             NULL, "WAITAOF 1 0 %d",
                             NGX_HTTP_TASK_REDIS_PATIENCE)
           != REDIS_OK)
    {
        ngx_http_task_redis_hang_up(&redis->barrier, "no memory");
    }
}


static void
ngx_http_task_redis_durable_there(redisAsyncContext *context, void *data,
    void *privdata)
{
    redisReply                  *reply;
    ngx_http_task_redis_link_t  *link;

    reply = data;
    link = context->data;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        ngx_http_task_redis_hang_up(link, reply->type == REDIS_REPLY_ERROR
                                          ? reply->str
                                          : "strange answer to a script");
        return;
    }

    ngx_http_task_redis_durable_missing(link->redis, reply);
}


/* the engine was started again, or is another one, and has not kept them */

static void
ngx_http_task_redis_durable_missing(ngx_http_task_redis_t *redis,
    redisReply *reply)
{
    u_char                       id[NGX_HTTP_TASK_JOB_ID];
    size_t                       i;
    ngx_str_t                    hex;
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    for (i = 0; i < reply->elements; i++) {
        hex = ngx_http_task_redis_to_text(reply, i);

        if (ngx_http_task_redis_unhex(id, (char *) hex.data, hex.len)
            != NGX_OK)
        {
            continue;
        }

        for (q = ngx_queue_head(&redis->barred);
             q != ngx_queue_sentinel(&redis->barred);
             q = ngx_queue_next(q))
        {
            call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

            if (ngx_memcmp(call->id, id, NGX_HTTP_TASK_JOB_ID) == 0) {
                ngx_http_task_redis_held_done(q, NGX_DECLINED);
                break;
            }
        }
    }
}


static void
ngx_http_task_redis_durable_written(redisAsyncContext *context, void *data,
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
        ngx_http_task_redis_hang_up(link, reply->str);
        return;
    }

    /* the connection goes: what is on the disk is not known */

    if (!link->ready) {
        return;
    }

    redis->barring = 0;

    if (ngx_http_task_redis_to_number(reply, 0) < 1) {
        ngx_http_task_redis_durable_slow(redis);
        return;
    }

    if (redis->slow) {
        redis->slow = 0;
        ngx_http_task_redis_well(redis);
    }

    ngx_http_task_redis_held_all(&redis->barred, NGX_OK);

    ngx_post_event(&redis->gather, &ngx_posted_events);
}


static void
ngx_http_task_redis_durable_slow(ngx_http_task_redis_t *redis)
{
    redis->slow = 1;

    ngx_http_task_redis_complain(redis, "WAITAOF: jobs were not written to its "
                                 "disk in time, with durable=on they are not "
                                 "accepted");

    ngx_http_task_redis_held_all(&redis->barred, NGX_DECLINED);

    ngx_post_event(&redis->gather, &ngx_posted_events);
}


static void
ngx_http_task_redis_durable_lost(ngx_http_task_redis_link_t *link)
{
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    redis->barring = 0;
    redis->store->away = 1;

    ngx_http_task_redis_held_again(redis);
}


void
ngx_http_task_redis_durable_end(ngx_http_task_redis_t *redis)
{
    if (redis->barrier.context) {
        redisAsyncFree(redis->barrier.context);
    }

    ngx_http_task_redis_held_end(redis);
}
