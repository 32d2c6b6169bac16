
/*
 * Once a second a worker renews the leases of all workers of its machine that
 * live, so that one whose loop is blocked is not taken for dead; it learns how
 * its queues are; and it looks whether the engine is still heard.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* milliseconds */

#define NGX_HTTP_TASK_REDIS_TICK  1000

/* how many workers of a machine are renewed */

#define NGX_HTTP_TASK_REDIS_ALIVE  256


typedef struct {
    ngx_http_task_redis_t       *redis;
    ngx_uint_t                   n;
    u_char                       owners[NGX_HTTP_TASK_REDIS_ALIVE]
                                       [NGX_HTTP_TASK_REDIS_OWNER];
} ngx_http_task_redis_alive_t;


static void ngx_http_task_redis_tick_handler(ngx_event_t *ev);
static void ngx_http_task_redis_tick_look(ngx_http_task_redis_link_t *link);
static void ngx_http_task_redis_tick_place(void *data, u_char *owner,
    ngx_uint_t alive);
static ngx_int_t ngx_http_task_redis_tick_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_tick_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_tick_queues(ngx_http_task_redis_t *redis,
    redisReply *queues);
static void ngx_http_task_redis_tick_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_tick_kind = {
    .script = NGX_HTTP_TASK_REDIS_TICK_SCRIPT,
    .words = ngx_http_task_redis_tick_words,
    .reply = ngx_http_task_redis_tick_reply,
    .failed = ngx_http_task_redis_tick_failed
};


/* state of this worker: those that lived when it was looked at last */

static ngx_http_task_redis_alive_t  ngx_http_task_redis_alive;


ngx_int_t
ngx_http_task_redis_tick_init(ngx_http_task_redis_t *redis)
{
    ngx_event_t  *ev;

    ev = &redis->tick;

    ev->handler = ngx_http_task_redis_tick_handler;
    ev->data = redis;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_TICK);

    return NGX_OK;
}


static void
ngx_http_task_redis_tick_handler(ngx_event_t *ev)
{
    ngx_http_task_redis_t  *redis;

    redis = ev->data;

    ngx_http_task_redis_tick_look(&redis->calls);
    ngx_http_task_redis_tick_look(&redis->words);

    if (redis->durable) {
        ngx_http_task_redis_tick_look(&redis->barrier);
    }

    ngx_http_task_redis_node_enter(redis);
    ngx_http_task_redis_watch_tidy(redis);
    ngx_http_task_redis_tick(redis);

    ngx_add_timer(ev, ngx_min(NGX_HTTP_TASK_REDIS_TICK, redis->lease / 5));
}


/* each tick is heard on both connections; while the engine takes none, it is
   known why */

static void
ngx_http_task_redis_tick_look(ngx_http_task_redis_link_t *link)
{
    int64_t  silence;

    if (link->context && !link->ready) {
        ngx_http_task_redis_arrives(link, ngx_http_task_redis_written(link));
    }

    silence = ngx_http_task_now() - link->heard;

    if (link->context && silence > NGX_HTTP_TASK_REDIS_PATIENCE * 1000000LL
        && (!link->ready || (link == &link->redis->words
                             && link->redis->calls.ready)))
    {
        ngx_http_task_redis_hang_up(link, "no answer in time");
    }
}


void
ngx_http_task_redis_tick(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_call_t  *call;

    if (redis->ticking || !redis->calls.ready) {
        return;
    }

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_tick_kind,
                                    NULL);
    if (call) {
        redis->ticking = 1;
        ngx_http_task_redis_call_begin(call, 0);
    }
}


static ngx_int_t
ngx_http_task_redis_tick_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_uint_t                     i;
    ngx_http_task_redis_t         *redis;
    ngx_http_task_redis_alive_t   *alive;
    ngx_http_task_redis_queue_t   *q;

    redis = call->redis;
    alive = &ngx_http_task_redis_alive;

    alive->redis = redis;
    alive->n = 0;

    ngx_memcpy(alive->owners[alive->n++], redis->owner,
               NGX_HTTP_TASK_REDIS_OWNER);

    ngx_http_task_redis_node_each(redis, ngx_http_task_redis_tick_place,
                                  alive);

    ngx_http_task_redis_word(words, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_number(words, redis->session);
    ngx_http_task_redis_number(words, redis->lease);
    ngx_http_task_redis_number(words, alive->n);

    for (i = 0; i < alive->n; i++) {
        ngx_http_task_redis_word(words, alive->owners[i],
                                 NGX_HTTP_TASK_REDIS_OWNER);
    }

    q = redis->queues.elts;

    for (i = 0; i < redis->queues.nelts; i++) {
        ngx_http_task_redis_word(words, q[i].queue->name.data,
                                 q[i].queue->name.len);
    }

    return NGX_OK;
}


static void
ngx_http_task_redis_tick_place(void *data, u_char *owner, ngx_uint_t alive)
{
    ngx_http_task_redis_alive_t *a = data;

    if (alive && a->n < NGX_HTTP_TASK_REDIS_ALIVE
        && ngx_memcmp(owner, a->redis->owner, NGX_HTTP_TASK_REDIS_OWNER) != 0)
    {
        ngx_memcpy(a->owners[a->n++], owner, NGX_HTTP_TASK_REDIS_OWNER);
    }
}


static void
ngx_http_task_redis_tick_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    size_t                  i;
    ngx_str_t               hex;
    redisReply             *asked, *counts;
    ngx_http_task_redis_t  *redis;

    redis = call->redis;
    redis->ticking = 0;

    if (!ngx_http_task_redis_is(reply, "ok") || reply->elements < 6) {
        ngx_http_task_redis_hang_up(&redis->calls, "the lease of this worker "
                                    "was over");
        return;
    }

    redis->ticked = ngx_http_task_now();
    ngx_http_task_redis_keep_heard(redis);

    asked = reply->element[1];
    counts = reply->element[3];

    for (i = 0; i < counts->elements
                && NGX_HTTP_TASK_JOB_QUEUED + i < NGX_HTTP_TASK_JOB_STATES;
         i++)
    {
        redis->counts[NGX_HTTP_TASK_JOB_QUEUED + i] =
                                     ngx_http_task_redis_to_number(counts, i);
    }

    redis->oldest = ngx_http_task_redis_to_number(reply, 4);

    ngx_http_task_redis_node_retried(redis,
                                     ngx_http_task_redis_to_number(reply, 5));

    for (i = 0; i < asked->elements; i++) {
        hex = ngx_http_task_redis_to_text(asked, i);
        ngx_http_task_redis_job_asked(redis, (char *) hex.data, hex.len);
    }

    ngx_http_task_redis_tick_queues(redis, reply->element[2]);

    ngx_http_task_redis_bury_dead(redis);

    /* more jobs are over than one tick drops */

    if (ngx_http_task_redis_to_number(reply, 6)) {
        ngx_http_task_redis_tick(redis);
    }
}


static void
ngx_http_task_redis_tick_queues(ngx_http_task_redis_t *redis,
    redisReply *queues)
{
    ngx_uint_t                    i;
    ngx_http_task_redis_queue_t  *q;

    q = redis->queues.elts;

    for (i = 0; i < redis->queues.nelts; i++) {
        q[i].others = ngx_http_task_redis_to_number(queues, 2 * i + 1);

        if (ngx_http_task_redis_to_number(queues, 2 * i)) {
            q[i].queue->ready(q[i].queue->data);
        }
    }
}


static void
ngx_http_task_redis_tick_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    call->redis->ticking = 0;
}
