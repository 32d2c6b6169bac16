
/*
 * A thread that keeps the lease of a worker whose loop is blocked, by a task in
 * mode sync, say, when no other worker of its machine is there to do so.  It
 * does nothing as long as the loop turns.
 */


#include "redis/ngx_http_task_redis_parts.h"


static ngx_int_t ngx_http_task_redis_keep_init(ngx_http_task_redis_t *redis);
static void *ngx_http_task_redis_keep_cycle(void *data);
static void ngx_http_task_redis_keep_wait(ngx_http_task_redis_t *redis);
static ngx_uint_t ngx_http_task_redis_keep_late(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_keep_lease(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_heard_t *heard);


/* without the thread a blocked loop is taken for a dead one, and no more */

void
ngx_http_task_redis_keep(ngx_http_task_redis_t *redis)
{
    int       rc;
    sigset_t  all, old;

    if (ngx_http_task_redis_keep_init(redis) != NGX_OK) {
        return;
    }

    /* signals are for nginx */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, &old);

    rc = pthread_create(&redis->keep.thread, NULL,
                        ngx_http_task_redis_keep_cycle, redis);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    redis->keep.started = (rc == 0);

    if (rc != 0) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, rc,
                      "task_job_redis \"%V\": no thread to keep the lease of a "
                      "worker whose loop is blocked", &redis->store->name);
    }
}


/* the time of day may be set */

static ngx_int_t
ngx_http_task_redis_keep_init(ngx_http_task_redis_t *redis)
{
    int                 rc;
    pthread_condattr_t  attr;

    if (pthread_condattr_init(&attr) != 0) {
        return NGX_ERROR;
    }

    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);

    if (rc == 0) {
        rc = pthread_mutex_init(&redis->keep.mutex, NULL);
    }

    if (rc == 0) {
        rc = pthread_cond_init(&redis->keep.cond, &attr);
    }

    (void) pthread_condattr_destroy(&attr);

    return (rc == 0) ? NGX_OK : NGX_ERROR;
}


void
ngx_http_task_redis_keep_end(ngx_http_task_redis_t *redis)
{
    if (!redis->keep.started) {
        return;
    }

    (void) pthread_mutex_lock(&redis->keep.mutex);

    redis->keep.stop = 1;

    (void) pthread_cond_signal(&redis->keep.cond);
    (void) pthread_mutex_unlock(&redis->keep.mutex);

    (void) pthread_join(redis->keep.thread, NULL);

    redis->keep.started = 0;
}


/* the loop has heard of the engine: from now on it is late after a while */

void
ngx_http_task_redis_keep_heard(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_heard_t  *heard;

    if (!redis->keep.started) {
        return;
    }

    (void) pthread_mutex_lock(&redis->keep.mutex);

    heard = &redis->keep.heard;

    ngx_memcpy(heard->owner, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_memcpy(heard->sha, redis->sha[NGX_HTTP_TASK_REDIS_TICK_SCRIPT], 40);

    heard->addr = redis->calls.addr;
    heard->session = redis->session;
    heard->time = ngx_http_task_now();

    (void) pthread_mutex_unlock(&redis->keep.mutex);
}


static void *
ngx_http_task_redis_keep_cycle(void *data)
{
    ngx_http_task_redis_t *redis = data;

    ngx_http_task_redis_heard_t  heard;

    for ( ;; ) {
        (void) pthread_mutex_lock(&redis->keep.mutex);

        ngx_http_task_redis_keep_wait(redis);

        if (redis->keep.stop) {
            (void) pthread_mutex_unlock(&redis->keep.mutex);
            return NULL;
        }

        if (!ngx_http_task_redis_keep_late(redis)) {
            (void) pthread_mutex_unlock(&redis->keep.mutex);
            continue;
        }

        heard = redis->keep.heard;

        (void) pthread_mutex_unlock(&redis->keep.mutex);

        ngx_http_task_redis_keep_lease(redis, &heard);
    }
}


static void
ngx_http_task_redis_keep_wait(ngx_http_task_redis_t *redis)
{
    ngx_msec_t       ms;
    struct timespec  ts;

    ms = redis->lease / 5;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    ts.tv_sec += ms / 1000;
    ts.tv_nsec += (ms % 1000) * 1000000;

    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }

    if (!redis->keep.stop) {
        (void) pthread_cond_timedwait(&redis->keep.cond, &redis->keep.mutex,
                                      &ts);
    }
}


/* one that was never heard has no lease; one that is away is not blocked */

static ngx_uint_t
ngx_http_task_redis_keep_late(ngx_http_task_redis_t *redis)
{
    int64_t  silence;

    silence = (ngx_http_task_now() - redis->keep.heard.time) / 1000000;

    return redis->keep.heard.time && silence > (int64_t) redis->lease / 2;
}


/* with the number of the connection that the loop has: else it does nothing */

static void
ngx_http_task_redis_keep_lease(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_heard_t *heard)
{
    size_t         len;
    redisReply    *reply;
    redisContext  *c;

    c = ngx_http_task_redis_block(redis, heard->addr);

    if (c == NULL) {
        return;
    }

    /* where no answer arrives, nothing that this worker has done is heard of */

    reply = redisCommand(c, "PING");

    if (reply == NULL) {
        redisFree(c);
        return;
    }

    freeReplyObject(reply);

    len = NGX_HTTP_TASK_REDIS_OWNER;

    /* the loop may turn again, on another connection: then this is refused */

    reply = redisCommand(c, "EVALSHA %b 1 %b %b %llu %llu 1 %b",
                         heard->sha, (size_t) 40,
                         redis->prefix.data, redis->prefix.len,
                         heard->owner, len,
                         (unsigned long long) heard->session,
                         (unsigned long long) redis->lease,
                         heard->owner, len);
    if (reply) {
        freeReplyObject(reply);
    }

    redisFree(c);
}
