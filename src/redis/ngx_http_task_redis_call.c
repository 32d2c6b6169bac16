
/*
 * Calls of the engine, in their order.  One that was sent on a connection that
 * is lost before the answer is sent again on the next one: each of them may be
 * done twice.  So the end of a job waits for the engine as long as that takes,
 * and other calls for a while.  An engine that refuses the end of a job, for a
 * reason that is not known here, is asked again, too.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* the time between two looks at the calls, milliseconds */

#define NGX_HTTP_TASK_REDIS_CHECK  100

/* so long a worker that quits waits for an engine that is away, ns */

#define NGX_HTTP_TASK_REDIS_EXIT  10000000000LL


static ngx_uint_t ngx_http_task_redis_call_dropped(
    ngx_http_task_redis_call_t *call);
static ngx_int_t ngx_http_task_redis_call_send(
    ngx_http_task_redis_call_t *call);
static void ngx_http_task_redis_call_replied(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_call_refused(ngx_http_task_redis_call_t *call,
    const char *text);
static void ngx_http_task_redis_call_again(ngx_http_task_redis_call_t *call);
static void ngx_http_task_redis_call_fail(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static ngx_uint_t ngx_http_task_redis_call_stuck(ngx_http_task_redis_t *redis,
    int64_t now);
static ngx_uint_t ngx_http_task_redis_call_expire(
    ngx_http_task_redis_t *redis, int64_t now);


ngx_http_task_redis_call_t *
ngx_http_task_redis_call(ngx_http_task_redis_t *redis,
    const ngx_http_task_redis_kind_t *kind, ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_call_t  *call;

    call = ngx_calloc(sizeof(ngx_http_task_redis_call_t), ngx_cycle->log);

    if (call) {
        ngx_http_task_redis_call_init(call, redis, kind, op);
    }

    return call;
}


void
ngx_http_task_redis_call_init(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_t *redis, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_op_t *op)
{
    call->redis = redis;
    call->kind = kind;

    ngx_queue_init(&call->op);

    if (op) {
        call->called = 1;
        ngx_memcpy(call->id, op->id, NGX_HTTP_TASK_JOB_ID);
        ngx_http_task_store_later(&call->op, op);
    }
}


void
ngx_http_task_redis_call_begin(ngx_http_task_redis_call_t *call,
    ngx_msec_t patience)
{
    ngx_event_t            *ev;
    ngx_http_task_redis_t  *redis;

    redis = call->redis;
    ev = &redis->check;

    if (patience) {
        call->deadline = ngx_http_task_now() + (int64_t) patience * 1000000;
    }

    ngx_queue_insert_tail(&redis->waiting, &call->queue);

    if (call->called) {
        ev->cancelable = 0;
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_CHECK);
    }

    ngx_http_task_redis_call_flush(redis);
}


ngx_http_task_store_op_t *
ngx_http_task_redis_call_op(ngx_http_task_redis_call_t *call)
{
    if (ngx_queue_empty(&call->op)) {
        return NULL;
    }

    return ngx_queue_data(ngx_queue_head(&call->op), ngx_http_task_store_op_t,
                          queue);
}


void
ngx_http_task_redis_call_answer(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op) {
        ngx_http_task_store_answer(op, rc);
    }
}


static ngx_uint_t
ngx_http_task_redis_call_dropped(ngx_http_task_redis_call_t *call)
{
    return call->called && ngx_queue_empty(&call->op);
}


void
ngx_http_task_redis_call_flush(ngx_http_task_redis_t *redis)
{
    ngx_int_t                    rc;
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    while (redis->calls.ready && !ngx_queue_empty(&redis->waiting)) {
        q = ngx_queue_head(&redis->waiting);
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        ngx_queue_remove(q);

        if (ngx_http_task_redis_call_dropped(call)) {
            ngx_http_task_redis_call_free(call);
            continue;
        }

        rc = ngx_http_task_redis_call_send(call);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_AGAIN) {
            ngx_queue_insert_head(&redis->waiting, q);
            ngx_http_task_redis_hang_up(&redis->calls, "no memory");
            return;
        }

        /* there is nothing to say; or no memory for it */

        ngx_queue_init(q);

        if (rc == NGX_DECLINED) {
            ngx_http_task_redis_call_free(call);

        } else {
            ngx_http_task_redis_call_fail(call, NGX_ERROR);
        }
    }
}


/* a copy of all is sent: the words are free then */

static ngx_int_t
ngx_http_task_redis_call_send(ngx_http_task_redis_call_t *call)
{
    int                           rc;
    ngx_int_t                     ready;
    ngx_http_task_redis_t        *redis;
    ngx_http_task_redis_words_t  *words;

    redis = call->redis;

    words = ngx_http_task_redis_words(redis, call->kind->script);
    ready = call->kind->words(call, words);

    /* one that is told as long as it takes is told later */

    if (words->failed && ready == NGX_OK) {
        ready = call->deadline ? NGX_ERROR : NGX_AGAIN;
    }

    if (ready == NGX_OK) {
        call->sent = ngx_http_task_now();
        ngx_queue_insert_tail(&redis->sent, &call->queue);

        rc = redisAsyncCommandArgv(redis->calls.context,
                                   ngx_http_task_redis_call_replied, call,
                                   words->n, words->data, words->len);

        if (rc != REDIS_OK) {
            ngx_queue_remove(&call->queue);
            call->sent = 0;
            ready = NGX_AGAIN;
        }

        call->upto = ngx_http_task_redis_written(&redis->calls);
    }

    free(words->temp);
    words->temp = NULL;

    return ready;
}


static void
ngx_http_task_redis_call_replied(redisAsyncContext *context, void *data,
    void *privdata)
{
    redisReply                  *reply;
    ngx_http_task_redis_call_t  *call;

    reply = data;
    call = privdata;

    ngx_queue_remove(&call->queue);
    ngx_queue_init(&call->queue);

    call->sent = 0;

    /* the connection is gone */

    if (reply == NULL) {
        call->redis->calls.ready = 0;
        ngx_http_task_redis_call_again(call);
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_task_redis_call_refused(call, reply->str);
        return;
    }

    call->kind->reply(call, reply);

    if (call->held == NULL) {
        ngx_http_task_redis_call_free(call);
    }
}


static void
ngx_http_task_redis_call_refused(ngx_http_task_redis_call_t *call,
    const char *text)
{
    ngx_http_task_redis_t  *redis;

    redis = call->redis;

    if (ngx_http_task_redis_is_away(text)) {
        ngx_http_task_redis_call_again(call);
        ngx_http_task_redis_hang_up(&redis->calls, text);
        return;
    }

    ngx_http_task_redis_complain(redis, text);

    /* it may be mended, and nothing else tells how the job ends */

    if (call->inside && !strstr(text, "OOM ")) {
        ngx_http_task_redis_later(call);
        return;
    }

    /* a script that has done nothing else says it as an error of its own */

    ngx_http_task_redis_call_fail(call, strstr(text, "OOM ") ? NGX_BUSY
                                                             : NGX_ERROR);
}


/* keeps their order; they come before those that wait already */

static void
ngx_http_task_redis_call_again(ngx_http_task_redis_call_t *call)
{
    if (call->kind->again) {
        ngx_queue_insert_tail(&call->redis->again, &call->queue);
        return;
    }

    ngx_http_task_redis_call_fail(call, NGX_DECLINED);
}


void
ngx_http_task_redis_call_gone(ngx_http_task_redis_t *redis)
{
    if (!ngx_queue_empty(&redis->waiting)) {
        ngx_queue_add(&redis->again, &redis->waiting);
        ngx_queue_init(&redis->waiting);
    }

    if (!ngx_queue_empty(&redis->again)) {
        ngx_queue_add(&redis->waiting, &redis->again);
        ngx_queue_init(&redis->again);
    }
}


static void
ngx_http_task_redis_call_fail(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    call->kind->failed(call, rc);

    ngx_http_task_redis_call_free(call);
}


void
ngx_http_task_redis_call_free(ngx_http_task_redis_call_t *call)
{
    ngx_uint_t  inside;

    inside = call->inside;

    free(call->text.data);
    call->text.data = NULL;

    /* with a job it may be freed here */

    if (call->kind->release) {
        call->kind->release(call);
    }

    if (!inside) {
        ngx_free(call);
    }
}


void
ngx_http_task_redis_call_check(ngx_event_t *ev)
{
    int64_t                 now;
    ngx_http_task_redis_t  *redis;

    redis = ev->data;
    now = ngx_http_task_now();

    if (ngx_exiting && redis->exiting == 0) {
        redis->exiting = now;
    }

    if (ngx_http_task_redis_call_stuck(redis, now)) {
        ngx_http_task_redis_hang_up(&redis->calls, "no answer in time");
    }

    if (!redis->calls.ready) {
        ngx_http_task_redis_call_gone(redis);
    }

    ngx_http_task_redis_later_look(redis, now);

    while (ngx_http_task_redis_call_expire(redis, now)) { /* void */ }

    ngx_http_task_redis_call_flush(redis);

    if (ngx_queue_empty(&redis->waiting) && ngx_queue_empty(&redis->sent)
        && ngx_queue_empty(&redis->refused))
    {
        return;
    }

    ev->cancelable = !ngx_http_task_redis_call_awaited(&redis->waiting)
                     && !ngx_http_task_redis_call_awaited(&redis->refused)
                     && !ngx_http_task_redis_call_awaited(&redis->sent);

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_CHECK);
    }
}


/* the oldest one was sent long ago, and nothing was heard since */

static ngx_uint_t
ngx_http_task_redis_call_stuck(ngx_http_task_redis_t *redis, int64_t now)
{
    int64_t                      since;
    ngx_http_task_redis_call_t  *call;

    if (ngx_queue_empty(&redis->sent)) {
        return 0;
    }

    call = ngx_queue_data(ngx_queue_head(&redis->sent),
                          ngx_http_task_redis_call_t, queue);

    /* of those behind it the system of an engine that hangs takes some, too */

    ngx_http_task_redis_arrives(&redis->calls, call->upto);

    since = ngx_max(call->sent, redis->calls.heard);

    return now - since > NGX_HTTP_TASK_REDIS_PATIENCE * 1000000LL;
}


/* a handler may make other calls: one at a time; returns 0 if there was none */

static ngx_uint_t
ngx_http_task_redis_call_expire(ngx_http_task_redis_t *redis, int64_t now)
{
    ngx_uint_t                   exits, quits;
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    exits = redis->exiting && redis->away
            && now - ngx_max(redis->exiting, redis->away)
               > NGX_HTTP_TASK_REDIS_EXIT;

    quits = redis->exiting
            && now - redis->exiting > NGX_HTTP_TASK_REDIS_EXIT;

    for (q = ngx_queue_head(&redis->waiting);
         q != ngx_queue_sentinel(&redis->waiting);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        if (exits || (quits && call->later)
            || (call->deadline && now >= call->deadline))
        {
            ngx_queue_remove(q);
            ngx_queue_init(q);
            ngx_http_task_redis_call_fail(call, call->deadline ? NGX_DECLINED
                                                               : NGX_ERROR);
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_task_redis_call_awaited(ngx_queue_t *calls)
{
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    for (q = ngx_queue_head(calls);
         q != ngx_queue_sentinel(calls);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        if (!ngx_queue_empty(&call->op)) {
            return 1;
        }
    }

    return 0;
}


/* no connection is left */

void
ngx_http_task_redis_call_end(ngx_http_task_redis_t *redis)
{
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    ngx_http_task_redis_call_gone(redis);

    ngx_http_task_redis_later_look(redis, INT64_MAX);

    while (!ngx_queue_empty(&redis->waiting)) {
        q = ngx_queue_head(&redis->waiting);
        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        ngx_queue_remove(q);

        if (!ngx_queue_empty(&call->op)) {
            ngx_http_task_store_drop(ngx_http_task_redis_call_op(call));
        }

        ngx_http_task_redis_call_free(call);
    }
}
