
/* Jobs are accepted: the engine has them, or they are not. */


#include "redis/ngx_http_task_redis_parts.h"

#include <sys/random.h>


/* so long a job that comes waits for an engine that has just gone, ns */

#define NGX_HTTP_TASK_REDIS_GONE  1000000000LL


static ngx_int_t ngx_http_task_redis_add_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_add_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_add_accepted(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_add_held(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static void ngx_http_task_redis_add_undo(ngx_http_task_redis_call_t *call);
static void ngx_http_task_redis_add_known(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_add_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_add_kind = {
    .script = NGX_HTTP_TASK_REDIS_ADD,
    .again = 1,
    .words = ngx_http_task_redis_add_words,
    .reply = ngx_http_task_redis_add_reply,
    .failed = ngx_http_task_redis_add_failed
};


void
ngx_http_task_redis_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    ngx_http_task_redis_t       *redis;
    ngx_http_task_redis_call_t  *call;

    redis = store->data;

    op->claimed = 0;
    op->why = NGX_HTTP_TASK_STORE_NO_MEMORY;

    if ((redis->away
         && ngx_http_task_now() - redis->away > NGX_HTTP_TASK_REDIS_GONE)
        || (redis->durable && !ngx_http_task_redis_durable(redis)))
    {
        op->why = NGX_HTTP_TASK_STORE_AWAY;
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    if (getrandom(op->id, NGX_HTTP_TASK_JOB_ID, 0) != NGX_HTTP_TASK_JOB_ID) {
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_add_kind, op);

    if (call == NULL) {
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    call->add = add;
    call->keyed = add->keyed;

    ngx_http_task_redis_call_begin(call, redis->away
                                         ? NGX_HTTP_TASK_REDIS_GONE / 1000000
                                         : NGX_HTTP_TASK_REDIS_PATIENCE);
}


static ngx_int_t
ngx_http_task_redis_add_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    u_char                     *p, *input;
    size_t                      len;
    ngx_http_task_redis_t      *redis;
    ngx_http_task_store_add_t  *add;

    static u_char  hex[NGX_HTTP_TASK_REDIS_HEX];
    static u_char  share[NGX_INT64_LEN];
    static u_char  key[2 * NGX_HTTP_TASK_JOB_DIGEST];
    static u_char  print[2 * NGX_HTTP_TASK_JOB_DIGEST];

    redis = call->redis;
    add = call->add;

    input = malloc(add->head.len + add->body.len + 1);
    if (input == NULL) {
        return NGX_ERROR;
    }

    words->temp = input;

    p = ngx_cpymem(input, add->head.data, add->head.len);

    if (add->body.len) {
        p = ngx_cpymem(p, add->body.data, add->body.len);
    }

    ngx_http_task_redis_hex(hex, call->id);

    ngx_http_task_redis_word(words, hex, NGX_HTTP_TASK_REDIS_HEX);
    ngx_http_task_redis_word(words, add->queue->name.data,
                             add->queue->name.len);
    ngx_http_task_redis_word(words, input, p - input);
    ngx_http_task_redis_word(words, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_number(words, redis->session);
    ngx_http_task_redis_number(words, add->claim);
    ngx_http_task_redis_number(words, add->waiting);
    ngx_http_task_redis_word(words, share,
                             ngx_sprintf(share, "%016xL", add->share) - share);
    ngx_http_task_redis_number(words, add->max);
    ngx_http_task_redis_number(words, redis->ttl);
    ngx_http_task_redis_number(words, redis->store->attempts);

    len = 0;

    if (add->keyed) {
        len = 2 * NGX_HTTP_TASK_JOB_DIGEST;
        (void) ngx_hex_dump(key, add->key, NGX_HTTP_TASK_JOB_DIGEST);
        (void) ngx_hex_dump(print, add->print, NGX_HTTP_TASK_JOB_DIGEST);
    }

    ngx_http_task_redis_word(words, key, len);
    ngx_http_task_redis_word(words, print, len);

    /* sent again, it is another one */

    call->number = ++redis->claims;
    ngx_http_task_redis_number(words, call->number);

    return NGX_OK;
}


static void
ngx_http_task_redis_add_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_http_task_store_op_t  *op;

    if (ngx_http_task_redis_is(reply, "ok")) {
        ngx_http_task_redis_add_accepted(call, reply);
        return;
    }

    op = ngx_http_task_redis_call_op(call);

    if (ngx_http_task_redis_is(reply, "same")
        || ngx_http_task_redis_is(reply, "other"))
    {
        ngx_http_task_redis_add_known(call, reply);
        return;
    }

    ngx_http_task_redis_node_refused(call->redis);

    if (op == NULL) {
        return;
    }

    if (ngx_http_task_redis_is(reply, "queue")) {
        op->why = NGX_HTTP_TASK_STORE_QUEUE;
        op->waiting = ngx_http_task_redis_to_number(reply, 1);

    } else {
        op->why = NGX_HTTP_TASK_STORE_SHARE;
    }

    ngx_http_task_store_answer(op, NGX_DECLINED);
}


/* without memory for one of its own, it waits for anybody's */

static void
ngx_http_task_redis_add_accepted(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    uint64_t                    attempt;
    ngx_http_task_store_op_t   *op;
    ngx_http_task_redis_job_t  *job;

    job = NULL;

    if (ngx_http_task_redis_to_number(reply, 1)) {
        attempt = ngx_http_task_redis_to_number(reply, 3);
        job = ngx_http_task_redis_job(call, attempt);

        if (job == NULL) {
            ngx_http_task_redis_hang_up(&call->redis->calls, "no memory");
        }
    }

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {

        if (job) {
            ngx_http_task_redis_drop(job);
        }

        return;
    }

    op->claimed = (job != NULL);
    op->key = (uintptr_t) job;
    op->waiting = ngx_http_task_redis_to_number(reply, 2);

    if (call->redis->durable) {
        call->job = job;
        ngx_http_task_redis_hold(call, ngx_http_task_redis_add_held);
        return;
    }

    ngx_http_task_store_answer(op, NGX_OK);
}


/* the job is on the disk, or is not accepted */

static void
ngx_http_task_redis_add_held(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_store_op_t   *op;
    ngx_http_task_redis_job_t  *job;

    op = ngx_http_task_redis_call_op(call);
    job = call->job;

    if (rc != NGX_OK && !call->known) {
        ngx_http_task_redis_add_undo(call);
        return;
    }

    /* others took this worker for dead, and have the job */

    if (job && job->gone) {
        ngx_http_task_redis_job_over(job);
        job = NULL;
    }

    if (op == NULL) {

        if (job) {
            ngx_http_task_redis_drop(job);
        }

        return;
    }

    if (rc == NGX_OK && !call->known) {
        op->claimed = (job != NULL);
        ngx_http_task_store_answer(op, NGX_OK);
        return;
    }

    op->why = (rc == NGX_OK) ? NGX_HTTP_TASK_STORE_SAME
                             : NGX_HTTP_TASK_STORE_AWAY;

    ngx_http_task_store_answer(op, NGX_DECLINED);
}


/* one with a key stays, for who asks again with this key */

static void
ngx_http_task_redis_add_undo(ngx_http_task_redis_call_t *call)
{
    ngx_http_task_store_op_t   *op;
    ngx_http_task_redis_job_t  *job;

    op = ngx_http_task_redis_call_op(call);
    job = call->job;

    ngx_http_task_redis_node_refused(call->redis);

    if (job == NULL && !call->keyed) {
        ngx_http_task_redis_withdraw(call);
        return;
    }

    if (job && job->gone) {
        ngx_http_task_redis_job_over(job);

    } else if (job && call->keyed) {
        ngx_http_task_redis_drop(job);

    } else if (job) {
        ngx_http_task_redis_retract(job);
    }

    if (op) {
        op->why = NGX_HTTP_TASK_STORE_AWAY;
        ngx_http_task_store_answer(op, NGX_DECLINED);
    }
}


/* a job with this key is there */

static void
ngx_http_task_redis_add_known(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_str_t                  id;
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {
        return;
    }

    op->why = NGX_HTTP_TASK_STORE_OTHER;

    if (ngx_http_task_redis_is(reply, "same")) {
        id = ngx_http_task_redis_to_text(reply, 1);

        op->why = NGX_HTTP_TASK_STORE_SAME;
        op->seen.state = ngx_http_task_redis_state(
                                       ngx_http_task_redis_to_text(reply, 2));

        if (ngx_http_task_redis_unhex(op->id, (char *) id.data, id.len)
            != NGX_OK)
        {
            op->why = NGX_HTTP_TASK_STORE_AWAY;
        }
    }

    /* it may have come a moment ago */

    if (call->redis->durable && op->why == NGX_HTTP_TASK_STORE_SAME) {
        call->known = 1;
        ngx_memcpy(call->id, op->id, NGX_HTTP_TASK_JOB_ID);
        ngx_http_task_redis_hold(call, ngx_http_task_redis_add_held);
        return;
    }

    ngx_http_task_store_answer(op, NGX_DECLINED);
}


static void
ngx_http_task_redis_add_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    ngx_http_task_redis_node_refused(call->redis);

    if (op) {
        op->why = (rc == NGX_BUSY) ? NGX_HTTP_TASK_STORE_FULL
                                   : NGX_HTTP_TASK_STORE_AWAY;

        ngx_http_task_store_answer(op, NGX_DECLINED);
    }
}
