
/*
 * Jobs are claimed.  A worker that finds none is told when there is one; as
 * words may be lost, it also looks once a second, see tick.lua.
 */


#include "redis/ngx_http_task_redis_parts.h"


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

    call->number = ++call->redis->claims;
    ngx_http_task_redis_number(words, call->number);

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
        ngx_http_task_redis_hang_up(&call->redis->calls, "the lease of "
                                    "this worker was over");
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
        job = ngx_http_task_redis_job(call,
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
