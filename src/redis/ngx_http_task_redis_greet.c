
/*
 * What is said first on the connection for calls: the password, the database,
 * the scripts, and who this worker is, and which jobs it has.  Calls follow
 * when that was answered.
 */


#include "redis/ngx_http_task_redis_parts.h"

#include <sys/random.h>


/* the least version of the engine */

#define NGX_HTTP_TASK_REDIS_MAJOR  6
#define NGX_HTTP_TASK_REDIS_MINOR  2


static ngx_int_t ngx_http_task_redis_greet_load(
    ngx_http_task_redis_link_t *link);
static void ngx_http_task_redis_greet_reply(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_greet_info(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_greet_loaded(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_greet_enter(ngx_http_task_redis_link_t *link);
static void ngx_http_task_redis_greet_entered(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_greet_ready(ngx_http_task_redis_t *redis,
    redisReply *reply);
static void ngx_http_task_redis_greet_died(ngx_http_task_redis_t *redis);
static redisReply *ngx_http_task_redis_greet_check(redisAsyncContext *context,
    void *data);


void
ngx_http_task_redis_greet(ngx_http_task_redis_link_t *link)
{
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (ngx_http_task_redis_greet_auth(link, ngx_http_task_redis_greet_reply)
        != NGX_OK
        || (redis->db
            && redisAsyncCommand(link->context,
                                 ngx_http_task_redis_greet_reply, NULL,
                                 "SELECT %d", (int) redis->db)
               != REDIS_OK)
        || redisAsyncCommand(link->context, ngx_http_task_redis_greet_info,
                             NULL, "INFO")
           != REDIS_OK
        || ngx_http_task_redis_greet_load(link) != NGX_OK)
    {
        ngx_http_task_redis_hang_up(link, "no memory");
    }
}


ngx_int_t
ngx_http_task_redis_greet_auth(ngx_http_task_redis_link_t *link,
    redisCallbackFn *fn)
{
    int                     rc;
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (redis->password.len == 0) {
        return NGX_OK;
    }

    if (redis->user.len) {
        rc = redisAsyncCommand(link->context, fn, NULL, "AUTH %b %b",
                               redis->user.data, redis->user.len,
                               redis->password.data, redis->password.len);

    } else {
        rc = redisAsyncCommand(link->context, fn, NULL, "AUTH %b",
                               redis->password.data, redis->password.len);
    }

    return (rc == REDIS_OK) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_task_redis_greet_load(ngx_http_task_redis_link_t *link)
{
    int         rc;
    char       *text;
    size_t      common, len;
    uintptr_t   i;

    common = ngx_strlen(ngx_http_task_redis_common);

    for (i = 0; i < NGX_HTTP_TASK_REDIS_SCRIPTS; i++) {
        len = ngx_strlen(ngx_http_task_redis_scripts[i]);

        text = malloc(common + len);
        if (text == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(text, ngx_http_task_redis_common, common);
        ngx_memcpy(text + common, ngx_http_task_redis_scripts[i], len);

        rc = redisAsyncCommand(link->context, ngx_http_task_redis_greet_loaded,
                               (void *) i, "SCRIPT LOAD %b", text,
                               common + len);
        free(text);

        if (rc != REDIS_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* returns NULL if it is no good: the connection goes */

static redisReply *
ngx_http_task_redis_greet_check(redisAsyncContext *context, void *data)
{
    redisReply *reply = data;

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        ngx_http_task_redis_hang_up(context->data, reply->str);
        return NULL;
    }

    return reply;
}


static void
ngx_http_task_redis_greet_reply(redisAsyncContext *context, void *data,
    void *privdata)
{
    (void) ngx_http_task_redis_greet_check(context, data);
}


/* an engine that drops keys for others would drop jobs */

static void
ngx_http_task_redis_greet_info(redisAsyncContext *context, void *data,
    void *privdata)
{
    int                          major, minor;
    char                        *p;
    redisReply                  *reply;
    ngx_http_task_redis_t       *redis;
    ngx_http_task_redis_link_t  *link;

    reply = ngx_http_task_redis_greet_check(context, data);

    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        return;
    }

    link = context->data;
    redis = link->redis;

    p = strstr(reply->str, "redis_version:");

    if (p && sscanf(p, "redis_version:%d.%d", &major, &minor) == 2
        && (major < NGX_HTTP_TASK_REDIS_MAJOR
            || (major == NGX_HTTP_TASK_REDIS_MAJOR
                && minor < NGX_HTTP_TASK_REDIS_MINOR)))
    {
        ngx_http_task_redis_hang_up(link, "version is too old, it must be 6.2 "
                                    "or newer");
        return;
    }

    p = strstr(reply->str, "maxmemory_policy:");

    if (p && strncmp(p, "maxmemory_policy:noeviction", 27) != 0
        && !redis->evicts)
    {
        redis->evicts = 1;

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "task_job_redis \"%V\": %V: its maxmemory-policy is not "
                      "noeviction, it may drop jobs when it is full",
                      &redis->store->name, &redis->host);
    }
}


static void
ngx_http_task_redis_greet_loaded(redisAsyncContext *context, void *data,
    void *privdata)
{
    uintptr_t                    i;
    redisReply                  *reply;
    ngx_http_task_redis_link_t  *link;

    i = (uintptr_t) privdata;
    link = context->data;
    reply = ngx_http_task_redis_greet_check(context, data);

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_STRING || reply->len != 40) {
        ngx_http_task_redis_hang_up(link, "strange answer to SCRIPT LOAD");
        return;
    }

    ngx_memcpy(link->redis->sha[i], reply->str, 40);

    if (i == NGX_HTTP_TASK_REDIS_SCRIPTS - 1) {
        ngx_http_task_redis_greet_enter(link);
    }
}


/* each connection has its number: what an older one has sent does nothing */

static void
ngx_http_task_redis_greet_enter(ngx_http_task_redis_link_t *link)
{
    ngx_http_task_redis_t        *redis;
    ngx_http_task_redis_words_t  *words;

    redis = link->redis;
    redis->session++;

    words = ngx_http_task_redis_words(redis, NGX_HTTP_TASK_REDIS_ENTER);

    ngx_http_task_redis_word(words, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_number(words, redis->session);
    ngx_http_task_redis_number(words, redis->lease);
    ngx_http_task_redis_jobs_words(redis, words);

    if (words->failed
        || redisAsyncCommandArgv(link->context,
                                 ngx_http_task_redis_greet_entered, NULL,
                                 words->n, words->data, words->len)
           != REDIS_OK)
    {
        ngx_http_task_redis_hang_up(link, "no memory");
    }
}


static void
ngx_http_task_redis_greet_entered(redisAsyncContext *context, void *data,
    void *privdata)
{
    redisReply                  *reply;
    ngx_http_task_redis_link_t  *link;

    link = context->data;
    reply = ngx_http_task_redis_greet_check(context, data);

    if (reply == NULL) {
        return;
    }

    if (ngx_http_task_redis_is(reply, "dead")) {
        ngx_http_task_redis_greet_died(link->redis);
        ngx_http_task_redis_greet_enter(link);
        return;
    }

    if (!ngx_http_task_redis_is(reply, "ok")) {
        ngx_http_task_redis_hang_up(link, "strange answer to a script");
        return;
    }

    link->ready = 1;
    link->down = 0;
    link->failures = 0;

    ngx_http_task_redis_greet_ready(link->redis, reply);
}


static void
ngx_http_task_redis_greet_ready(ngx_http_task_redis_t *redis,
    redisReply *reply)
{
    redis->away = 0;
    redis->store->away = redis->durable && !redis->barrier.ready;

    ngx_http_task_redis_well(redis);
    ngx_http_task_redis_keep_heard(redis);

    if (redis->session == 1) {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "task_job_redis \"%V\": %V: this worker is %*s",
                      &redis->store->name, &redis->host,
                      (size_t) NGX_HTTP_TASK_REDIS_OWNER, redis->owner);
    }

    redis->entered(redis, reply->elements > 1 ? reply->element[1] : NULL);
}


/* the others took this worker for dead, or the engine has forgotten all */

static void
ngx_http_task_redis_greet_died(ngx_http_task_redis_t *redis)
{
    ngx_http_task_redis_jobs_gone(redis);

    ngx_http_task_redis_name(redis);
    ngx_http_task_redis_node_rename(redis);

    if (redis->words.context) {
        redisAsyncFree(redis->words.context);
    }
}


void
ngx_http_task_redis_name(ngx_http_task_redis_t *redis)
{
    u_char      bytes[NGX_HTTP_TASK_REDIS_OWNER / 2];
    ngx_uint_t  i;

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
        for (i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (u_char) ngx_random();
        }
    }

    (void) ngx_hex_dump(redis->owner, bytes, sizeof(bytes));

    redis->session = 0;
}
