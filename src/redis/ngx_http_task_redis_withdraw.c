
/*
 * A job that was accepted is not on the engine's disk in time: it is taken
 * back, whether or not the engine can be reached now, unless it has begun.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void ngx_http_task_redis_withdraw_begin(ngx_http_task_redis_t *redis,
    u_char *id, ngx_http_task_store_op_t *op);
static ngx_int_t ngx_http_task_redis_withdraw_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_withdraw_reply(
    ngx_http_task_redis_call_t *call, redisReply *reply);
static void ngx_http_task_redis_withdraw_failed(
    ngx_http_task_redis_call_t *call, ngx_int_t rc);
static void ngx_http_task_redis_withdraw_refuse(ngx_http_task_store_op_t *op);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_withdraw_kind = {
    .script = NGX_HTTP_TASK_REDIS_WITHDRAW,
    .again = 1,
    .words = ngx_http_task_redis_withdraw_words,
    .reply = ngx_http_task_redis_withdraw_reply,
    .failed = ngx_http_task_redis_withdraw_failed
};


/* nobody waits for an engine that is away: it is told when it is back */

void
ngx_http_task_redis_withdraw(ngx_http_task_redis_call_t *call)
{
    ngx_http_task_redis_t     *redis;
    ngx_http_task_store_op_t  *op;

    redis = call->redis;
    op = ngx_http_task_redis_call_op(call);

    if (redis->calls.ready) {
        ngx_http_task_redis_withdraw_begin(redis, call->id, op);
        return;
    }

    ngx_http_task_redis_withdraw_begin(redis, call->id, NULL);

    if (op) {
        ngx_http_task_redis_withdraw_refuse(op);
    }
}


static void
ngx_http_task_redis_withdraw_begin(ngx_http_task_redis_t *redis, u_char *id,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_call_t  *call;

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_withdraw_kind,
                                    NULL);

    if (call == NULL) {
        if (op) {
            ngx_http_task_redis_withdraw_refuse(op);
        }

        return;
    }

    ngx_memcpy(call->id, id, NGX_HTTP_TASK_JOB_ID);

    if (op) {
        call->called = 1;
        ngx_queue_remove(&op->queue);
        ngx_http_task_store_later(&call->op, op);
    }

    ngx_http_task_redis_call_begin(call, op ? NGX_HTTP_TASK_REDIS_PATIENCE : 0);
}


static ngx_int_t
ngx_http_task_redis_withdraw_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    static u_char  hex[NGX_HTTP_TASK_REDIS_HEX];

    ngx_http_task_redis_hex(hex, call->id);

    ngx_http_task_redis_word(words, "", 0);
    ngx_http_task_redis_word(words, "", 0);
    ngx_http_task_redis_word(words, hex, NGX_HTTP_TASK_REDIS_HEX);
    ngx_http_task_redis_word(words, "", 0);

    return NGX_OK;
}


/* who was told that it is not accepted would have it run twice */

static void
ngx_http_task_redis_withdraw_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {
        return;
    }

    if (ngx_http_task_redis_is(reply, "begun")) {
        op->claimed = 0;
        op->waiting = 0;

        ngx_http_task_store_answer(op, NGX_OK);
        return;
    }

    ngx_http_task_redis_withdraw_refuse(op);
}


static void
ngx_http_task_redis_withdraw_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {
        return;
    }

    ngx_http_task_redis_withdraw_begin(call->redis, call->id, NULL);
    ngx_http_task_redis_withdraw_refuse(op);
}


static void
ngx_http_task_redis_withdraw_refuse(ngx_http_task_store_op_t *op)
{
    op->why = NGX_HTTP_TASK_STORE_AWAY;

    ngx_http_task_store_answer(op, NGX_DECLINED);
}
