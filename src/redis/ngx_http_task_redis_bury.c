
/*
 * Workers of this machine that are gone: their leases end at once.  A worker
 * that ends in order says so itself.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void ngx_http_task_redis_bury_place(void *data, u_char *owner,
    ngx_uint_t alive);
static ngx_int_t ngx_http_task_redis_bury_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_bury_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_bury_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_bury_kind = {
    .script = NGX_HTTP_TASK_REDIS_BURY,
    .words = ngx_http_task_redis_bury_words,
    .reply = ngx_http_task_redis_bury_reply,
    .failed = ngx_http_task_redis_bury_failed
};


void
ngx_http_task_redis_bury_dead(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_node_each(redis, ngx_http_task_redis_bury_place,
                                  redis);
}


static void
ngx_http_task_redis_bury_place(void *data, u_char *owner, ngx_uint_t alive)
{
    ngx_http_task_redis_t *redis = data;

    ngx_http_task_redis_call_t  *call;

    if (alive) {
        return;
    }

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_bury_kind,
                                    NULL);
    if (call) {
        ngx_memcpy(call->owner, owner, NGX_HTTP_TASK_REDIS_OWNER);
        ngx_http_task_redis_call_begin(call, NGX_HTTP_TASK_REDIS_PATIENCE);
    }
}


static ngx_int_t
ngx_http_task_redis_bury_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_redis_word(words, call->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_node_idle(call->redis, call->owner, words);

    return NGX_OK;
}


static void
ngx_http_task_redis_bury_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_http_task_redis_node_free(call->redis, call->owner);

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "task_job_redis \"%V\": worker %*s is gone, its jobs are "
                  "lost or run again", &call->redis->store->name,
                  (size_t) NGX_HTTP_TASK_REDIS_OWNER, call->owner);
}


static void
ngx_http_task_redis_bury_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    /* it is tried again a second later */
}


/* if the engine cannot be told now, others will see that this worker is gone */

void
ngx_http_task_redis_leave(ngx_http_task_redis_t *redis)
{
    redisReply                   *reply;
    redisContext                 *c;
    ngx_http_task_redis_words_t  *words;

    if (redis->away || redis->session == 0) {
        return;
    }

    c = ngx_http_task_redis_block(redis, redis->calls.addr);

    if (c == NULL) {
        return;
    }

    words = ngx_http_task_redis_words(redis, NGX_HTTP_TASK_REDIS_BURY);

    ngx_http_task_redis_word(words, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_node_idle(redis, redis->owner, words);

    reply = words->failed ? NULL
                          : redisCommandArgv(c, words->n, words->data,
                                             words->len);

    if (reply && reply->type != REDIS_REPLY_ERROR) {
        ngx_http_task_redis_node_leave(redis);
    }

    if (reply) {
        freeReplyObject(reply);
    }

    redisFree(c);
}
