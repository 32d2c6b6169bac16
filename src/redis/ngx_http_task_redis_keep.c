
/*
 * A thread that keeps the lease of a worker whose loop is blocked, by a task in
 * mode sync, say, when no other worker of its machine is there to do so.  It
 * does nothing as long as the loop turns.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void *ngx_http_task_redis_keep_cycle(void *data);
static void ngx_http_task_redis_keep_wait(ngx_http_task_redis_t *redis);
static ngx_uint_t ngx_http_task_redis_keep_late(ngx_http_task_redis_t *redis);
static void ngx_http_task_redis_keep_lease(ngx_http_task_redis_t *redis);


/* without the thread a blocked loop is taken for a dead one, and no more */

void
ngx_http_task_redis_keep(ngx_http_task_redis_t *redis)
{
    int       rc;
    sigset_t  all, old;

    if (pthread_mutex_init(&redis->keep.mutex, NULL) != 0
        || pthread_cond_init(&redis->keep.cond, NULL) != 0)
    {
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
    (void) pthread_mutex_lock(&redis->keep.mutex);

    ngx_memcpy(redis->keep.owner, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_memcpy(redis->keep.sha, redis->sha[NGX_HTTP_TASK_REDIS_TICK_SCRIPT],
               40);

    redis->keep.session = redis->session;
    redis->keep.heard = ngx_http_task_now();

    (void) pthread_mutex_unlock(&redis->keep.mutex);
}


static void *
ngx_http_task_redis_keep_cycle(void *data)
{
    ngx_http_task_redis_t *redis = data;

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

        (void) pthread_mutex_unlock(&redis->keep.mutex);

        ngx_http_task_redis_keep_lease(redis);
    }
}


static void
ngx_http_task_redis_keep_wait(ngx_http_task_redis_t *redis)
{
    ngx_msec_t       ms;
    struct timespec  ts;

    ms = redis->lease / 5;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

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

    silence = (ngx_http_task_now() - redis->keep.heard) / 1000000;

    return redis->keep.heard && silence > (int64_t) redis->lease / 2;
}


/* with the number of the connection that the loop has: else it does nothing */

static void
ngx_http_task_redis_keep_lease(ngx_http_task_redis_t *redis)
{
    size_t         len;
    redisReply    *reply;
    redisContext  *c;

    c = ngx_http_task_redis_block(redis);

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

    /* the loop, which alone changes them, is blocked, or has just changed them:
       then the script refuses this */

    reply = redisCommand(c, "EVALSHA %b 1 %b %b %llu %llu 1 %b",
                         redis->keep.sha, (size_t) 40,
                         redis->prefix.data, redis->prefix.len,
                         redis->keep.owner, len,
                         (unsigned long long) redis->keep.session,
                         (unsigned long long) redis->lease,
                         redis->keep.owner, len);
    if (reply) {
        freeReplyObject(reply);
    }

    redisFree(c);
}
