
/*
 * The engine as a store, and what of it is a worker's as a whole.
 */


#include "redis/ngx_http_task_redis_parts.h"


static ngx_int_t ngx_http_task_redis_enter(ngx_http_task_store_t *store);
static ngx_int_t ngx_http_task_redis_enter_queues(
    ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_enter_links(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_entered(ngx_http_task_redis_t *redis,
    redisReply *lost);
static void ngx_http_task_redis_hear(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_listens(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_calls_gone(ngx_http_task_redis_link_t *link);
static void ngx_http_task_redis_words_gone(ngx_http_task_redis_link_t *link);
static ngx_uint_t ngx_http_task_redis_wanted(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue);
static ngx_uint_t ngx_http_task_redis_last(ngx_http_task_store_t *store);
static void ngx_http_task_redis_counts(ngx_http_task_store_t *store,
    ngx_http_task_job_counts_t *counts);
static void ngx_http_task_redis_exit(ngx_http_task_store_t *store);
static void ngx_http_task_redis_abandon(ngx_http_task_store_t *store);


const ngx_http_task_store_type_t  ngx_http_task_redis_store = {
    .name = ngx_string("redis"),
    .enter = ngx_http_task_redis_enter,
    .add = ngx_http_task_redis_add,
    .claim = ngx_http_task_redis_claim,
    .pass = ngx_http_task_redis_pass,
    .wanted = ngx_http_task_redis_wanted,
    .last = ngx_http_task_redis_last,
    .bind = ngx_http_task_redis_bind,
    .give_back = ngx_http_task_redis_give_back,
    .event = ngx_http_task_redis_event,
    .end = ngx_http_task_redis_end,
    .returned = ngx_http_task_redis_returned,
    .begin = ngx_http_task_redis_begin,
    .progress = ngx_http_task_redis_progress,
    .read = ngx_http_task_redis_read,
    .cancel = ngx_http_task_redis_cancel,
    .forget = ngx_http_task_redis_forget,
    .retry = ngx_http_task_redis_retry,
    .list = ngx_http_task_redis_list,
    .watch = ngx_http_task_redis_watch,
    .counts = ngx_http_task_redis_counts,
    .leave = ngx_http_task_redis_exit,
    .abandon = ngx_http_task_redis_abandon
};


static ngx_int_t
ngx_http_task_redis_enter(ngx_http_task_store_t *store)
{
    ngx_http_task_redis_t  *redis;

    redis = store->data;

    ngx_queue_init(&redis->waiting);
    ngx_queue_init(&redis->sent);
    ngx_queue_init(&redis->again);
    ngx_queue_init(&redis->refused);
    ngx_queue_init(&redis->jobs);

    ngx_http_task_redis_durable_init(redis);

    redis->check.handler = ngx_http_task_redis_call_check;
    redis->check.data = redis;
    redis->check.log = ngx_cycle->log;

    if (ngx_http_task_redis_enter_queues(redis) != NGX_OK
        || ngx_http_task_redis_watch_init(redis) != NGX_OK
        || ngx_http_task_redis_tick_init(redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_task_redis_name(redis);
    ngx_http_task_redis_node_enter(redis);
    ngx_http_task_redis_enter_links(redis);
    ngx_http_task_redis_keep(redis);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_enter_queues(ngx_http_task_redis_t *redis)
{
    ngx_uint_t                     i;
    ngx_http_task_queue_t        **queues;
    ngx_http_task_redis_queue_t   *q;

    if (ngx_array_init(&redis->queues, ngx_cycle->pool,
                       redis->store->queues.nelts + 1,
                       sizeof(ngx_http_task_redis_queue_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    queues = redis->store->queues.elts;

    for (i = 0; i < redis->store->queues.nelts; i++) {
        q = ngx_array_push(&redis->queues);
        if (q == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(q, sizeof(ngx_http_task_redis_queue_t));
        q->queue = queues[i];
    }

    return NGX_OK;
}


/* what comes before the engine has answered waits a moment */

static void
ngx_http_task_redis_enter_links(ngx_http_task_redis_t *redis)
{
    redis->away = ngx_http_task_now();
    redis->store->away = 1;

    redis->entered = ngx_http_task_redis_entered;
    redis->listens = ngx_http_task_redis_listens;

    redis->calls.redis = redis;
    redis->calls.down = redis->away;
    redis->calls.greet = ngx_http_task_redis_greet;
    redis->calls.gone = ngx_http_task_redis_calls_gone;

    redis->words.redis = redis;
    redis->words.down = redis->away;
    redis->words.greet = ngx_http_task_redis_listen;
    redis->words.gone = ngx_http_task_redis_words_gone;

    ngx_http_task_redis_dial(&redis->calls);
    ngx_http_task_redis_dial(&redis->words);
}


static void
ngx_http_task_redis_entered(ngx_http_task_redis_t *redis, redisReply *lost)
{
    ngx_http_task_redis_jobs_told(redis, lost);

    /* hiredis 1.0 tells of these after it has told that the connection goes */

    ngx_http_task_redis_call_gone(redis);

    ngx_http_task_redis_hear(redis);
    ngx_http_task_redis_durable_entered(redis);

    ngx_http_task_redis_call_flush(redis);
    ngx_http_task_redis_watch_peek(redis);
    ngx_http_task_redis_tick(redis);
    ngx_http_task_redis_ready(redis, NULL);
}


/*
 * The other connection may have stayed while the engine took no command: it may
 * have refused a word to listen for, too.  From now on ticks are heard there.
 */

static void
ngx_http_task_redis_hear(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_link_t  *link;

    link = &redis->words;
    link->heard = ngx_http_task_now();

    if (link->ready) {
        ngx_http_task_redis_watch_again(redis);
        return;
    }

    if (link->down) {
        link->down = link->heard;
    }

    if (link->retry.timer_set) {
        ngx_del_timer(&link->retry);
        ngx_http_task_redis_dial(link);
    }
}


/* what was said when nobody listened */

static void
ngx_http_task_redis_listens(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_watch_again(redis);
    ngx_http_task_redis_tick(redis);
    ngx_http_task_redis_ready(redis, NULL);
}


static void
ngx_http_task_redis_calls_gone(ngx_http_task_redis_link_t *link)
{
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (redis->away == 0) {
        redis->away = ngx_http_task_now();
        redis->store->away = 1;
    }

    ngx_http_task_redis_durable_gone(redis);
}


static void
ngx_http_task_redis_words_gone(ngx_http_task_redis_link_t *link)
{
    /* when it is there again, all is asked for */
}


/* what was known lately; if that is long ago, the next answer is newer */

static ngx_uint_t
ngx_http_task_redis_wanted(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue)
{
    ngx_http_task_redis_t  *redis;

    redis = store->data;

    if (ngx_http_task_now() - redis->ticked
        > NGX_HTTP_TASK_REDIS_LOOK * 1000000LL / 2)
    {
        ngx_http_task_redis_tick(redis);
    }

    return ngx_http_task_redis_queue(redis, queue)->others != 0;
}


/* jobs that wait are there for whoever comes */

static ngx_uint_t
ngx_http_task_redis_last(ngx_http_task_store_t *store)
{
    return 0;
}


static void
ngx_http_task_redis_counts(ngx_http_task_store_t *store,
    ngx_http_task_job_counts_t *counts)
{
    ngx_uint_t              i;
    ngx_http_task_redis_t  *redis;

    redis = store->data;

    ngx_memzero(counts, sizeof(ngx_http_task_job_counts_t));

    for (i = NGX_HTTP_TASK_JOB_QUEUED; i < NGX_HTTP_TASK_JOB_STATES; i++) {
        counts->states[i] = redis->counts[i];
        counts->used += redis->counts[i];
    }

    counts->oldest = redis->oldest;

    ngx_http_task_redis_node_counts(redis, counts);
}


static void
ngx_http_task_redis_exit(ngx_http_task_store_t *store)
{
    ngx_http_task_redis_t  *redis;

    redis = store->data;

    ngx_http_task_redis_abandon(store);

    if (redis->calls.context) {
        redisAsyncFree(redis->calls.context);
    }

    if (redis->words.context) {
        redisAsyncFree(redis->words.context);
    }

    ngx_http_task_redis_durable_end(redis);
    ngx_http_task_redis_call_end(redis);
}


/* if nginx is stopped, no worker of this machine is left to find out; threads
   may still tell of their jobs, which stay */

static void
ngx_http_task_redis_abandon(ngx_http_task_store_t *store)
{
    ngx_http_task_redis_t  *redis;

    redis = store->data;
    redis->ends = 1;

    ngx_http_task_redis_keep_end(redis);
    ngx_http_task_redis_leave(redis);
}
