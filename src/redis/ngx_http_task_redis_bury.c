
/*
 * Workers of this machine that are gone: their leases end at once.  A worker
 * that ends in order says so itself.
 */


#include "redis/ngx_http_task_redis.h"


/* so long a worker that ends waits for the engine, milliseconds */

#define NGX_HTTP_TASK_REDIS_FAREWELL  500


static void ngx_http_task_redis_bury_place(void *data, u_char *owner,
    ngx_uint_t alive);
static ngx_int_t ngx_http_task_redis_bury_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_bury_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_bury_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static redisContext *ngx_http_task_redis_farewell(
    ngx_http_task_redis_t *redis);
static ngx_int_t ngx_http_task_redis_farewell_auth(
    ngx_http_task_redis_t *redis, redisContext *c);


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

    c = ngx_http_task_redis_farewell(redis);

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


static redisContext *
ngx_http_task_redis_farewell(ngx_http_task_redis_t *redis)
{
    u_char           text[NGX_SOCKADDR_STRLEN + 1];
    size_t           len;
    ngx_addr_t      *addr;
    redisReply      *reply;
    redisContext    *c;
    struct timeval   tv;

    tv.tv_sec = 0;
    tv.tv_usec = NGX_HTTP_TASK_REDIS_FAREWELL * 1000;

    if (redis->addrs) {
        addr = &redis->addrs[redis->addr % redis->naddrs];
        len = ngx_sock_ntop(addr->sockaddr, addr->socklen, text,
                            NGX_SOCKADDR_STRLEN, 0);
        text[len] = '\0';

        c = redisConnectWithTimeout((char *) text,
                                    ngx_inet_get_port(addr->sockaddr), tv);

    } else {
        c = redisConnectUnixWithTimeout((char *) redis->path.data, tv);
    }

    if (c == NULL) {
        return NULL;
    }

    if (c->err || redisSetTimeout(c, tv) != REDIS_OK
        || ngx_http_task_redis_farewell_auth(redis, c) != NGX_OK)
    {
        redisFree(c);
        return NULL;
    }

    if (redis->db) {
        reply = redisCommand(c, "SELECT %d", (int) redis->db);

        if (reply == NULL) {
            redisFree(c);
            return NULL;
        }

        freeReplyObject(reply);
    }

    return c;
}


static ngx_int_t
ngx_http_task_redis_farewell_auth(ngx_http_task_redis_t *redis,
    redisContext *c)
{
    redisReply  *reply;

    if (redis->password.len == 0) {
        return NGX_OK;
    }

    if (redis->user.len) {
        reply = redisCommand(c, "AUTH %b %b", redis->user.data,
                             redis->user.len, redis->password.data,
                             redis->password.len);
    } else {
        reply = redisCommand(c, "AUTH %b", redis->password.data,
                             redis->password.len);
    }

    if (reply == NULL) {
        return NGX_ERROR;
    }

    freeReplyObject(reply);

    return NGX_OK;
}
