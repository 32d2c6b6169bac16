
/*
 * The connection by which the engine tells of jobs: that one waits, that one of
 * this worker's is to be cancelled, that one has changed which is watched.  A
 * word may be lost with the connection: then all is asked for again.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void ngx_http_task_redis_listen_reply(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_listen_told(redisAsyncContext *context,
    void *data, void *privdata);
static void ngx_http_task_redis_listen_mine(ngx_http_task_redis_t *redis,
    ngx_str_t *text);
static void ngx_http_task_redis_listen_job(redisAsyncContext *context,
    void *data, void *privdata);
static ngx_int_t ngx_http_task_redis_listen_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_listen_peeked(
    ngx_http_task_redis_call_t *call, redisReply *reply);
static void ngx_http_task_redis_listen_failed(
    ngx_http_task_redis_call_t *call, ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_listen_kind = {
    .script = NGX_HTTP_TASK_REDIS_PEEK,
    .words = ngx_http_task_redis_listen_words,
    .reply = ngx_http_task_redis_listen_peeked,
    .failed = ngx_http_task_redis_listen_failed
};


void
ngx_http_task_redis_listen(ngx_http_task_redis_link_t *link)
{
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (ngx_http_task_redis_greet_auth(link, ngx_http_task_redis_listen_reply)
        != NGX_OK
        || redisAsyncCommand(link->context, ngx_http_task_redis_listen_told,
                             NULL, "SUBSCRIBE %bworker:%b",
                             redis->prefix.data, redis->prefix.len,
                             redis->owner, (size_t) NGX_HTTP_TASK_REDIS_OWNER)
           != REDIS_OK)
    {
        ngx_http_task_redis_hang_up(link, "no memory");
    }
}


static void
ngx_http_task_redis_listen_reply(redisAsyncContext *context, void *data,
    void *privdata)
{
    redisReply *reply = data;

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        ngx_http_task_redis_hang_up(context->data, reply->str);
    }
}


static void
ngx_http_task_redis_listen_told(redisAsyncContext *context, void *data,
    void *privdata)
{
    ngx_str_t                    kind, text;
    redisReply                  *reply;
    ngx_http_task_redis_link_t  *link;

    link = context->data;
    reply = data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_task_redis_hang_up(link, reply->str);
        return;
    }

    kind = ngx_http_task_redis_to_text(reply, 0);

    if (kind.len == 9 && !link->ready) {             /* "subscribe" */
        link->ready = 1;
        link->down = 0;
        link->failures = 0;

        link->redis->listens(link->redis);
        return;
    }

    if (kind.len == 7) {                             /* "message" */
        text = ngx_http_task_redis_to_text(reply, 2);
        ngx_http_task_redis_listen_mine(link->redis, &text);
    }
}


static void
ngx_http_task_redis_listen_mine(ngx_http_task_redis_t *redis, ngx_str_t *text)
{
    ngx_str_t  name;

    if (text->len > 6 && ngx_strncmp(text->data, "ready ", 6) == 0) {
        name.data = text->data + 6;
        name.len = text->len - 6;
        ngx_http_task_redis_ready(redis, &name);
        return;
    }

    if (text->len > 7 && ngx_strncmp(text->data, "cancel ", 7) == 0) {
        ngx_http_task_redis_job_asked(redis, (char *) text->data + 7,
                                      text->len - 7);
    }
}


/* the engine answers with the word that it is subscribed to, and then peeks */

void
ngx_http_task_redis_subscribe(ngx_http_task_redis_t *redis, u_char *hex)
{
    if (!redis->words.ready) {
        return;
    }

    if (redisAsyncCommand(redis->words.context,
                          ngx_http_task_redis_listen_job, NULL,
                          "SUBSCRIBE %bjob:%b", redis->prefix.data,
                          redis->prefix.len, hex,
                          (size_t) NGX_HTTP_TASK_REDIS_HEX)
        != REDIS_OK)
    {
        ngx_http_task_redis_hang_up(&redis->words, "no memory");
    }
}


void
ngx_http_task_redis_unsubscribe(ngx_http_task_redis_t *redis, u_char *hex)
{
    if (redis->words.ready) {
        (void) redisAsyncCommand(redis->words.context, NULL, NULL,
                                 "UNSUBSCRIBE %bjob:%b", redis->prefix.data,
                                 redis->prefix.len, hex,
                                 (size_t) NGX_HTTP_TASK_REDIS_HEX);
    }
}


static void
ngx_http_task_redis_listen_job(redisAsyncContext *context, void *data,
    void *privdata)
{
    u_char                       id[NGX_HTTP_TASK_JOB_ID];
    ngx_str_t                    kind, channel, text;
    redisReply                  *reply;
    ngx_http_task_redis_t       *redis;
    ngx_http_task_redis_link_t  *link;

    reply = data;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    link = context->data;
    redis = link->redis;

    kind = ngx_http_task_redis_to_text(reply, 0);
    channel = ngx_http_task_redis_to_text(reply, 1);
    text = ngx_http_task_redis_to_text(reply, 2);

    if (channel.len < NGX_HTTP_TASK_REDIS_HEX
        || ngx_http_task_redis_unhex(id, (char *) channel.data + channel.len
                                         - NGX_HTTP_TASK_REDIS_HEX,
                                     NGX_HTTP_TASK_REDIS_HEX)
           != NGX_OK)
    {
        return;
    }

    if (kind.len == 9) {                             /* "subscribe" */
        ngx_http_task_redis_listen_peek(redis, id);

    } else if (kind.len == 7 && text.len > 2) {      /* "message": "12 0" */
        redis->changed(redis, id, strtoull((char *) text.data, NULL, 10),
                       text.data[text.len - 1] == '1');
    }
}


/* where there is none, all are looked at when there is */

void
ngx_http_task_redis_listen_peek(ngx_http_task_redis_t *redis, u_char *id)
{
    ngx_http_task_redis_call_t  *call;

    if (!redis->calls.ready) {
        return;
    }

    call = ngx_http_task_redis_call(redis, &ngx_http_task_redis_listen_kind,
                                    NULL);

    if (call) {
        ngx_memcpy(call->id, id, NGX_HTTP_TASK_JOB_ID);
        ngx_http_task_redis_call_begin(call, NGX_HTTP_TASK_REDIS_PATIENCE);
    }
}


static ngx_int_t
ngx_http_task_redis_listen_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    static u_char  hex[NGX_HTTP_TASK_REDIS_HEX];

    ngx_http_task_redis_hex(hex, call->id);
    ngx_http_task_redis_word(words, hex, NGX_HTTP_TASK_REDIS_HEX);

    return NGX_OK;
}


static void
ngx_http_task_redis_listen_peeked(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    if (ngx_http_task_redis_is(reply, "ok")) {
        call->redis->changed(call->redis, call->id,
                             ngx_http_task_redis_to_number(reply, 1),
                             ngx_http_task_redis_to_number(reply, 2));

    } else {
        call->redis->changed(call->redis, call->id, 0, 1);
    }
}


static void
ngx_http_task_redis_listen_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    /* if the connection is lost, it is asked for by the next one */
}
