
/*
 * Jobs are accepted, and claimed.  A worker that finds none is told when there
 * is one; as words may be lost, it also looks once a second, see tick.lua.
 */


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
static void ngx_http_task_redis_add_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_redis_claim_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_claim_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static ngx_int_t ngx_http_task_redis_claimed(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_claim_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_redis_pass_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_pass_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_pass_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_add_kind = {
    .script = NGX_HTTP_TASK_REDIS_ADD,
    .again = 1,
    .words = ngx_http_task_redis_add_words,
    .reply = ngx_http_task_redis_add_reply,
    .failed = ngx_http_task_redis_add_failed
};

/* whether it was done is not known: the next connection finds out */

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_claim_kind = {
    .script = NGX_HTTP_TASK_REDIS_CLAIM,
    .words = ngx_http_task_redis_claim_words,
    .reply = ngx_http_task_redis_claim_reply,
    .failed = ngx_http_task_redis_claim_failed
};

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_pass_kind = {
    .script = NGX_HTTP_TASK_REDIS_PASS,
    .words = ngx_http_task_redis_pass_words,
    .reply = ngx_http_task_redis_pass_reply,
    .failed = ngx_http_task_redis_pass_failed
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

    if (redis->away
        && ngx_http_task_now() - redis->away > NGX_HTTP_TASK_REDIS_GONE)
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

    ngx_http_task_redis_call_begin(call, redis->away
                                         ? NGX_HTTP_TASK_REDIS_GONE / 1000000
                                         : NGX_HTTP_TASK_REDIS_PATIENCE);
}


static ngx_int_t
ngx_http_task_redis_add_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    u_char                     *p, *input;
    ngx_http_task_redis_t      *redis;
    ngx_http_task_store_add_t  *add;

    static u_char  hex[NGX_HTTP_TASK_REDIS_HEX];
    static u_char  share[NGX_INT64_LEN];

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
    ngx_http_task_redis_number(words, add->claim != 0);
    ngx_http_task_redis_number(words, add->waiting);
    ngx_http_task_redis_word(words, share,
                             ngx_sprintf(share, "%016xL", add->share) - share);
    ngx_http_task_redis_number(words, add->max);
    ngx_http_task_redis_number(words, redis->ttl);
    ngx_http_task_redis_number(words, redis->store->attempts);

    /* for an Idempotency-Key, and what it stands for */

    ngx_http_task_redis_word(words, "", 0);
    ngx_http_task_redis_word(words, "", 0);

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

    call->redis->refused++;

    op = ngx_http_task_redis_call_op(call);

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
        job = ngx_http_task_redis_job(call->redis, call->id, attempt);

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

    ngx_http_task_store_answer(op, NGX_OK);
}


static void
ngx_http_task_redis_add_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    call->redis->refused++;

    if (op) {
        op->why = (rc == NGX_BUSY) ? NGX_HTTP_TASK_STORE_FULL
                                   : NGX_HTTP_TASK_STORE_AWAY;

        ngx_http_task_store_answer(op, NGX_DECLINED);
    }
}


/* when the engine is there again, the queues are told */

void
ngx_http_task_redis_claim(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_queue_t *queue)
{
    ngx_http_task_redis_t       *redis;
    ngx_http_task_redis_call_t  *call;

    redis = store->data;

    if (!redis->calls.ready) {
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_claim_kind,
                                    op);

    if (call == NULL) {
        ngx_http_task_store_answer(op, NGX_ERROR);
        return;
    }

    if (op->older == 0) {
        ngx_http_task_redis_queue(redis, queue)->told = 0;
    }

    call->of = queue;

    ngx_http_task_redis_call_begin(call, NGX_HTTP_TASK_REDIS_PATIENCE);
}


static ngx_int_t
ngx_http_task_redis_claim_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_redis_word(words, call->redis->owner,
                             NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_number(words, call->redis->session);
    ngx_http_task_redis_word(words, call->of->name.data, call->of->name.len);
    ngx_http_task_redis_number(words,
                               ngx_http_task_redis_call_op(call)->older);

    return NGX_OK;
}


static void
ngx_http_task_redis_claim_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    if (ngx_http_task_redis_is(reply, "ok")) {
        ngx_http_task_redis_call_answer(call,
                                     ngx_http_task_redis_claimed(call, reply));
        return;
    }

    ngx_http_task_redis_call_answer(call, NGX_DECLINED);

    if (ngx_http_task_redis_is(reply, "late")) {
        ngx_http_task_redis_hang_up(&call->redis->calls, "another connection "
                                    "speaks for this worker");
    }
}


static ngx_int_t
ngx_http_task_redis_claimed(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_str_t                   hex, input;
    ngx_http_task_store_op_t   *op;
    ngx_http_task_redis_job_t  *job;

    hex = ngx_http_task_redis_to_text(reply, 1);
    op = ngx_http_task_redis_call_op(call);
    job = NULL;

    if (ngx_http_task_redis_unhex(call->id, (char *) hex.data, hex.len)
        == NGX_OK)
    {
        job = ngx_http_task_redis_job(call->redis, call->id,
                                      ngx_http_task_redis_to_number(reply, 2));
    }

    /* the next connection does not know of it */

    if (job == NULL) {
        ngx_http_task_redis_hang_up(&call->redis->calls, "no memory");
        return NGX_ERROR;
    }

    if (op == NULL) {
        ngx_http_task_redis_drop(job);
        return NGX_ERROR;
    }

    input = ngx_http_task_redis_to_text(reply, 4);

    op->claim.input.len = input.len;
    op->claim.input.data = ngx_pnalloc(op->pool, input.len + 1);

    if (op->claim.input.data == NULL) {
        ngx_http_task_redis_drop(job);
        return NGX_ERROR;
    }

    ngx_memcpy(op->claim.input.data, input.data, input.len);
    ngx_memcpy(op->id, call->id, NGX_HTTP_TASK_JOB_ID);

    op->claim.age = ngx_http_task_redis_to_number(reply, 3);
    op->claim.attempt = job->attempt;
    op->claim.events = ngx_http_task_redis_to_number(reply, 5);
    op->key = (uintptr_t) job;

    return NGX_OK;
}


static void
ngx_http_task_redis_claim_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    ngx_http_task_redis_call_answer(call, NGX_DECLINED);
}


void
ngx_http_task_redis_pass(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue)
{
    ngx_http_task_redis_t        *redis;
    ngx_http_task_redis_call_t   *call;
    ngx_http_task_redis_queue_t  *q;

    redis = store->data;
    q = ngx_http_task_redis_queue(redis, queue);

    if (!q->told || !redis->calls.ready) {
        return;
    }

    q->told = 0;

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_pass_kind,
                                    NULL);
    if (call) {
        call->of = queue;
        ngx_http_task_redis_call_begin(call, NGX_HTTP_TASK_REDIS_PATIENCE);
    }
}


static ngx_int_t
ngx_http_task_redis_pass_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_redis_word(words, call->redis->owner,
                             NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_word(words, call->of->name.data, call->of->name.len);

    return NGX_OK;
}


static void
ngx_http_task_redis_pass_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    /* who was told claims the job */
}


static void
ngx_http_task_redis_pass_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    /* all workers look once a second */
}


ngx_http_task_redis_queue_t *
ngx_http_task_redis_queue(ngx_http_task_redis_t *redis,
    ngx_http_task_queue_t *queue)
{
    ngx_uint_t                    i;
    ngx_http_task_redis_queue_t  *q;

    q = redis->queues.elts;

    for (i = 0; i < redis->queues.nelts; i++) {
        if (q[i].queue == queue) {
            return &q[i];
        }
    }

    return NULL;
}


void
ngx_http_task_redis_ready(ngx_http_task_redis_t *redis, const ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_task_redis_queue_t  *q;

    q = redis->queues.elts;

    for (i = 0; i < redis->queues.nelts; i++) {

        if (name == NULL
            || (q[i].queue->name.len == name->len
                && ngx_memcmp(q[i].queue->name.data, name->data, name->len)
                   == 0))
        {
            q[i].told |= (name != NULL);
            q[i].queue->ready(q[i].queue->data);
        }
    }
}
