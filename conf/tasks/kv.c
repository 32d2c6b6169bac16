
/*
 * Commands of Redis from async functions, by hiredis (package libhiredis-dev):
 * all of a worker go over one connection, which outlives them and is made anew
 * when it is lost.
 *
 *     nginx-task run kv.c -lhiredis
 *
 * In nginx.conf, the server by its address, as hiredis would block to look up a
 * name:
 *
 *     task_set kv.host 127.0.0.1;
 */


#include <ngx_task.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define PAUSE  100              /* before it is tried again, milliseconds */


typedef struct {
    const char           *host;
    int64_t               port;
    int64_t               patience;
} kv_settings_t;


typedef struct {
    const char           *key;
    const char           *value;
} kv_args_t;


/* the data of a promise: a copy of the reply */

typedef struct {
    ngx_task_promise_t    promise;
    int                   type;
    int64_t               integer;
    char                 *text;
} kv_reply_t;


static struct {
    const kv_settings_t  *settings;
    redisAsyncContext    *redis;     /* NULL: lost, and not yet tried again */
    ngx_task_watch_t     *watch;
    unsigned              events;
    ngx_task_timer_t     *timer;     /* to try again, or of patience */
    size_t                pending;   /* commands */
    char                  lost[128]; /* why */
} kv = { .lost = "not yet connected" };


static void dial(void *data);


/* init() has made the timer: to set it cannot fail any more */

static void
set_timer(int64_t ms, ngx_task_timer_pt fn)
{
    (void) !ngx_task_timer(&kv.timer, ms, fn, NULL);
}


/* what is pending gets no reply, and cleanup() is called */

static void
lose(void *data)
{
    (void) data;

    redisAsyncFree(kv.redis);
}


static void
lose_patience(void *data)
{
    if (kv.redis && kv.pending) {
        lose(data);
    }
}


static void
on_event(void *data, unsigned event)
{
    (void) data;

    if (event == NGX_TASK_READABLE) {
        redisAsyncHandleRead(kv.redis);

    } else {
        redisAsyncHandleWrite(kv.redis);
    }
}


/* reading is always looked for; hiredis does not want to know of a failure */

static void
look(unsigned events)
{
    if (events != kv.events
        && ngx_task_watch(&kv.watch, kv.redis->c.fd, events, on_event, NULL)
           != NGX_TASK_OK)
    {
        events = 0;
        set_timer(0, lose);
    }

    kv.events = events;
}


static void
add_write(void *data)
{
    (void) data;

    look(NGX_TASK_READABLE|NGX_TASK_WRITABLE);
}


static void
del_write(void *data)
{
    (void) data;

    look(NGX_TASK_READABLE);
}


/* hiredis is about to free the connection, for whatever reason */

static void
cleanup(void *data)
{
    (void) data;

    snprintf(kv.lost, sizeof(kv.lost), "%s",
             kv.redis->err ? kv.redis->errstr : "no reply in time");

    look(0);
    kv.redis = NULL;
    set_timer(PAUSE, dial);
}


static void
dial(void *data)
{
    redisAsyncContext  *redis;

    (void) data;

    redis = redisAsyncConnect(kv.settings->host, (int) kv.settings->port);

    if (redis == NULL || redis->err) {
        snprintf(kv.lost, sizeof(kv.lost), "%s",
                 redis ? redis->errstr : "no memory");

        if (redis) {
            redisAsyncFree(redis);
        }

        set_timer(PAUSE, dial);
        return;
    }

    redis->ev.addWrite = add_write;
    redis->ev.delWrite = del_write;
    redis->ev.cleanup = cleanup;

    kv.redis = redis;
    look(NGX_TASK_READABLE);
}


static void
free_reply(void *data)
{
    free(((kv_reply_t *) data)->text);
}


/* the task may be gone: then its promise is freed, as it is resolved */

static void
on_reply(redisAsyncContext *redis, void *data, void *promised)
{
    redisReply          *got = data;
    kv_reply_t          *reply = promised;
    ngx_task_rc_t        rc;
    ngx_task_promise_t   promise = reply->promise;

    (void) redis;

    kv.pending--;
    rc = NGX_TASK_FAILED;

    if (got) {
        set_timer(kv.settings->patience, lose_patience);

        reply->type = got->type;
        reply->integer = got->integer;
        reply->text = got->str ? strdup(got->str) : NULL;

        rc = (got->str && reply->text == NULL) ? NGX_TASK_FAILED : NGX_TASK_OK;
    }

    (void) ngx_task_resolve(&promise, rc);
}


/* the log has why, the client has not */

static ngx_task_rc_t
away(ngx_task_t *t, const char *why)
{
    ngx_task_log(t, NGX_TASK_LOG_ERROR, "Redis: %s", why);

    return ngx_task_fail(t, 503, "the store is not available");
}


/* other errors are of the server, such as LOADING; it is full: ERR, too */

static int
is_refused(const char *error)
{
    return (strncmp(error, "ERR ", 4) == 0
            && strcmp(error, "ERR max number of clients reached") != 0)
           || strncmp(error, "WRONGTYPE ", 10) == 0;
}


static ngx_task_rc_t
answer(ngx_task_t *t, const kv_reply_t *reply)
{
    switch (reply->type) {

    case REDIS_REPLY_NIL:
        return ngx_task_fail(t, 404, "there is no such key");

    case REDIS_REPLY_INTEGER:
        ngx_task_set_int(t, "reply", reply->integer);
        return NGX_TASK_OK;

    case REDIS_REPLY_ERROR:

        return is_refused(reply->text) ? ngx_task_fail(t, 409, reply->text)
                                       : away(t, reply->text);
    }

    ngx_task_set_string(t, "reply", reply->text);

    return NGX_TASK_OK;
}


/* is called by an async function with the frame of that: it is a part of it */

static ngx_task_rc_t
command(ngx_task_t *t, ngx_task_frame_t *f, int argc, const char **argv)
{
    kv_reply_t          *reply;
    ngx_task_promise_t  *promise = f->state;

    NGX_TASK_BEGIN(f);

    if (kv.redis == NULL) {
        return away(t, kv.lost);
    }

    if (ngx_task_promise(f, promise, sizeof(kv_reply_t), free_reply)
        != NGX_TASK_OK)
    {
        return NGX_TASK_FAILED;
    }

    reply = promise->data;
    reply->promise = *promise;

    if (kv.pending++ == 0) {
        set_timer(kv.settings->patience, lose_patience);
    }

    if (redisAsyncCommandArgv(kv.redis, on_reply, reply, argc, argv, NULL)
        != REDIS_OK)
    {
        on_reply(kv.redis, NULL, reply);
    }

    NGX_TASK_AWAIT(f, ngx_task_wait(f, promise));

    return (f->rc == NGX_TASK_OK) ? answer(t, promise->data) : away(t, kv.lost);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
get(ngx_task_t *t, ngx_task_frame_t *f)
{
    const kv_args_t  *args = ngx_task_args(t);

    return command(t, f, 2, (const char *[]) { "GET", args->key });
}


static ngx_task_rc_t
set(ngx_task_t *t, ngx_task_frame_t *f)
{
    const kv_args_t  *args = ngx_task_args(t);

    return command(t, f, 3, (const char *[]) { "SET", args->key, args->value });
}


static ngx_task_rc_t
incr(ngx_task_t *t, ngx_task_frame_t *f)
{
    const kv_args_t  *args = ngx_task_args(t);

    return command(t, f, 2, (const char *[]) { "INCR", args->key });
}


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    kv.settings = ngx_task_settings(worker);

    if (ngx_task_timer(&kv.timer, 0, dial, NULL) != NGX_TASK_OK) {
        return ngx_task_worker_fail(worker, "no memory");
    }

    return NGX_TASK_OK;
}


static void
stop(void)
{
    if (kv.redis) {
        redisAsyncFree(kv.redis);
    }
}


static const ngx_task_param_t  settings[] = {

    NGX_TASK_PARAM(kv_settings_t, host, .def = "127.0.0.1"),
    NGX_TASK_PARAM(kv_settings_t, port,
                   .def = "6379", .min = "1", .max = "65535"),
    NGX_TASK_PARAM_AS(kv_settings_t, patience, NGX_TASK_TIME,
                      .def = "2s", .min = "1ms",
                      .summary = "how long no reply comes at most")
};


#define KEY    NGX_TASK_PARAM(kv_args_t, key, .min = "1", .max = "500")
#define VALUE  NGX_TASK_PARAM(kv_args_t, value)

static const ngx_task_param_t  key[] = { KEY };
static const ngx_task_param_t  key_and_value[] = { KEY, VALUE };


#define COMMAND(name_, method, table)                                         \
    NGX_TASK_FUNCTION(#name_, .async = name_, .flags = method,                \
                      .state_size = sizeof(ngx_task_promise_t),               \
                      .args = NGX_TASK_ARGS(kv_args_t, table))

static const ngx_task_function_t  functions[] = {
    COMMAND(get, NGX_TASK_GET, key),
    COMMAND(set, NGX_TASK_POST, key_and_value),
    COMMAND(incr, NGX_TASK_POST, key)
};


NGX_TASK_LIBRARY_SET("kv", functions, kv_settings_t, settings, init, stop);
