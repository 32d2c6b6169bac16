
/*
 * A connection that blocks, but briefly: for a worker whose loop does not turn,
 * or turns no more.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* so long each step waits for the engine, milliseconds */

#define NGX_HTTP_TASK_REDIS_BLOCK  500


static ngx_int_t ngx_http_task_redis_block_auth(ngx_http_task_redis_t *redis,
    redisContext *c);


redisContext *
ngx_http_task_redis_block(ngx_http_task_redis_t *redis, ngx_uint_t n)
{
    u_char           text[NGX_SOCKADDR_STRLEN + 1];
    size_t           len;
    ngx_addr_t      *addr;
    redisReply      *reply;
    redisContext    *c;
    struct timeval   tv;

    tv.tv_sec = 0;
    tv.tv_usec = NGX_HTTP_TASK_REDIS_BLOCK * 1000;

    if (redis->addrs) {
        addr = &redis->addrs[n % redis->naddrs];
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
        || ngx_http_task_redis_tls_begin(redis, c) != NGX_OK
        || ngx_http_task_redis_block_auth(redis, c) != NGX_OK)
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
ngx_http_task_redis_block_auth(ngx_http_task_redis_t *redis,
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
