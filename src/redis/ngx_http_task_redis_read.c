
/*
 * What is known of a job, and what a client may ask for: that it is cancelled,
 * or forgotten, or tried again.
 */


#include "redis/ngx_http_task_redis_parts.h"
#include "text/ngx_http_task_event.h"


/* where an answer of read.lua has what; to ATTEMPTS one of list.lua, too */

typedef enum {
    NGX_HTTP_TASK_REDIS_SEEN_STATE = 1,
    NGX_HTTP_TASK_REDIS_SEEN_STATUS,
    NGX_HTTP_TASK_REDIS_SEEN_CREATED,
    NGX_HTTP_TASK_REDIS_SEEN_STARTED,
    NGX_HTTP_TASK_REDIS_SEEN_ENDED,
    NGX_HTTP_TASK_REDIS_SEEN_DONE,
    NGX_HTTP_TASK_REDIS_SEEN_TOTAL,
    NGX_HTTP_TASK_REDIS_SEEN_MESSAGE,
    NGX_HTTP_TASK_REDIS_SEEN_ATTEMPT,
    NGX_HTTP_TASK_REDIS_SEEN_ATTEMPTS,
    NGX_HTTP_TASK_REDIS_SEEN_TYPE,
    NGX_HTTP_TASK_REDIS_SEEN_CHANGE,
    NGX_HTTP_TASK_REDIS_SEEN_EVENT,
    NGX_HTTP_TASK_REDIS_SEEN_RESULT,
    NGX_HTTP_TASK_REDIS_SEEN_EVENTS
} ngx_http_task_redis_seen_e;


static ngx_int_t ngx_http_task_redis_id_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static ngx_int_t ngx_http_task_redis_read_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_read_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static ngx_int_t ngx_http_task_redis_seen(ngx_http_task_store_op_t *op,
    redisReply *reply);
static ngx_int_t ngx_http_task_redis_copy(ngx_pool_t *pool, ngx_str_t *text);
static ngx_int_t ngx_http_task_redis_seen_events(ngx_http_task_store_op_t *op,
    redisReply *events);
static void ngx_http_task_redis_behind(ngx_str_t *text, ngx_str_t *id);
static void ngx_http_task_redis_peek_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_ask_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_ask_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_read_kind = {
    .script = NGX_HTTP_TASK_REDIS_READ,
    .again = 1,
    .words = ngx_http_task_redis_read_words,
    .reply = ngx_http_task_redis_read_reply,
    .failed = ngx_http_task_redis_ask_failed
};

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_peek_kind = {
    .script = NGX_HTTP_TASK_REDIS_PEEK,
    .again = 1,
    .words = ngx_http_task_redis_id_words,
    .reply = ngx_http_task_redis_peek_reply,
    .failed = ngx_http_task_redis_ask_failed
};

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_cancel_kind = {
    .script = NGX_HTTP_TASK_REDIS_CANCEL,
    .again = 1,
    .words = ngx_http_task_redis_id_words,
    .reply = ngx_http_task_redis_ask_reply,
    .failed = ngx_http_task_redis_ask_failed
};

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_forget_kind = {
    .script = NGX_HTTP_TASK_REDIS_FORGET,
    .again = 1,
    .words = ngx_http_task_redis_id_words,
    .reply = ngx_http_task_redis_ask_reply,
    .failed = ngx_http_task_redis_ask_failed
};


#define ngx_http_task_redis_seen_number(name)                                 \
    ngx_http_task_redis_to_number(reply, NGX_HTTP_TASK_REDIS_SEEN_ ## name)
#define ngx_http_task_redis_seen_text(name)                                   \
    ngx_http_task_redis_to_text(reply, NGX_HTTP_TASK_REDIS_SEEN_ ## name)


/* of a retry it is not known whether it was done, if its answer is lost */

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_retry_kind = {
    .script = NGX_HTTP_TASK_REDIS_RETRY,
    .words = ngx_http_task_redis_id_words,
    .reply = ngx_http_task_redis_ask_reply,
    .failed = ngx_http_task_redis_ask_failed
};


const ngx_str_t  ngx_http_task_redis_states[] = {
    ngx_null_string,
    ngx_string("queued"),
    ngx_string("running"),
    ngx_string("done"),
    ngx_string("failed"),
    ngx_string("cancelled"),
    ngx_string("timeout"),
    ngx_string("lost"),
    ngx_string("dead")
};


void
ngx_http_task_redis_read(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_ask(store, op, &ngx_http_task_redis_read_kind, NULL);
}


void
ngx_http_task_redis_peek(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_ask(store, op, &ngx_http_task_redis_peek_kind, NULL);
}


void
ngx_http_task_redis_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_ask(store, op, &ngx_http_task_redis_cancel_kind, NULL);
}


void
ngx_http_task_redis_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_ask(store, op, &ngx_http_task_redis_forget_kind, NULL);
}


void
ngx_http_task_redis_retry(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_ask(store, op, &ngx_http_task_redis_retry_kind, NULL);
}


/* an engine that has been away for a while answers nobody */

void
ngx_http_task_redis_ask(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_list_t *list)
{
    int64_t                      gone;
    ngx_http_task_redis_t       *redis;
    ngx_http_task_redis_call_t  *call;

    redis = store->data;
    gone = redis->away ? (ngx_http_task_now() - redis->away) / 1000000 : 0;

    call = (gone < NGX_HTTP_TASK_REDIS_PATIENCE)
           ? ngx_http_task_redis_call(redis, kind, op) : NULL;

    if (call == NULL) {
        ngx_http_task_store_answer(op, NGX_ERROR);
        return;
    }

    call->list = list;

    ngx_http_task_redis_call_begin(call, NGX_HTTP_TASK_REDIS_PATIENCE - gone);
}


static ngx_int_t
ngx_http_task_redis_id_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    static u_char  hex[NGX_HTTP_TASK_REDIS_HEX];

    ngx_http_task_redis_hex(hex, call->id);
    ngx_http_task_redis_word(words, hex, NGX_HTTP_TASK_REDIS_HEX);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_read_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    (void) ngx_http_task_redis_id_words(call, words);

    ngx_http_task_redis_number(words, op->events);
    ngx_http_task_redis_number(words, op->events ? op->behind : 0);

    return NGX_OK;
}


static void
ngx_http_task_redis_read_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_int_t                  rc;
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {
        return;
    }

    rc = ngx_http_task_redis_is(reply, "ok")
         ? ngx_http_task_redis_seen(op, reply) : NGX_DECLINED;

    ngx_http_task_store_answer(op, rc);
}


static ngx_int_t
ngx_http_task_redis_seen(ngx_http_task_store_op_t *op, redisReply *reply)
{
    ngx_http_task_job_seen_t  *seen;

    seen = &op->seen;

    ngx_memcpy(seen->id, op->id, NGX_HTTP_TASK_JOB_ID);

    ngx_http_task_redis_known(seen, reply);

    seen->change = ngx_http_task_redis_seen_number(CHANGE);
    seen->event = ngx_http_task_redis_seen_number(EVENT);
    seen->type = ngx_http_task_redis_seen_text(TYPE);
    seen->result = ngx_http_task_redis_seen_text(RESULT);
    seen->events.len = 0;

    if (ngx_http_task_redis_copy(op->pool, &seen->type) != NGX_OK
        || ngx_http_task_redis_copy(op->pool, &seen->result) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!op->events || reply->elements <= NGX_HTTP_TASK_REDIS_SEEN_EVENTS) {
        return NGX_OK;
    }

    return ngx_http_task_redis_seen_events(op,
                             reply->element[NGX_HTTP_TASK_REDIS_SEEN_EVENTS]);
}


void
ngx_http_task_redis_known(ngx_http_task_job_seen_t *seen, redisReply *reply)
{
    ngx_str_t  message;

    seen->state = ngx_http_task_redis_state(
                                        ngx_http_task_redis_seen_text(STATE));
    seen->status = ngx_http_task_redis_seen_number(STATUS);
    seen->created = ngx_http_task_redis_seen_number(CREATED);
    seen->started = ngx_http_task_redis_seen_number(STARTED);
    seen->ended = ngx_http_task_redis_seen_number(ENDED);
    seen->attempt = ngx_http_task_redis_seen_number(ATTEMPT);
    seen->attempts = ngx_http_task_redis_seen_number(ATTEMPTS);
    seen->done = ngx_http_task_redis_seen_number(DONE);
    seen->total = ngx_http_task_redis_seen_number(TOTAL);

    message = ngx_http_task_redis_seen_text(MESSAGE);
    message.len = ngx_min(message.len, NGX_HTTP_TASK_JOB_MESSAGE);

    ngx_memcpy(seen->message, message.data, message.len);
    seen->message[message.len] = '\0';
}


ngx_http_task_job_state_e
ngx_http_task_redis_state(ngx_str_t text)
{
    ngx_uint_t        i;
    const ngx_str_t  *states;

    states = ngx_http_task_redis_states;

    for (i = NGX_HTTP_TASK_JOB_QUEUED; i < NGX_HTTP_TASK_JOB_STATES; i++) {
        if (states[i].len == text.len
            && ngx_memcmp(states[i].data, text.data, text.len) == 0)
        {
            return i;
        }
    }

    return NGX_HTTP_TASK_JOB_LOST;
}


/* the answer is freed: a copy, with a null behind it */

static ngx_int_t
ngx_http_task_redis_copy(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text->data, text->len);
    p[text->len] = '\0';

    text->data = p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_seen_events(ngx_http_task_store_op_t *op,
    redisReply *events)
{
    u_char     *p;
    size_t      i, size;
    ngx_str_t   event, *text;

    text = &op->seen.events;
    size = 0;

    for (i = 0; i < events->elements; i++) {
        size += ngx_http_task_redis_to_text(events, i).len;
    }

    if (size == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(op->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = size;

    for (i = 0; i < events->elements; i++) {
        event = ngx_http_task_redis_to_text(events, i);
        p = ngx_cpymem(p, event.data, event.len);
    }

    if (op->behind == 0 && op->behind_id.len) {
        ngx_http_task_redis_behind(text, &op->behind_id);
    }

    return NGX_OK;
}


/* leaves what is behind the last event of this id */

static void
ngx_http_task_redis_behind(ngx_str_t *text, ngx_str_t *id)
{
    u_char                      *p, *end, *last;
    size_t                       len;
    const u_char                *found;
    ngx_http_task_event_scan_t   scan;

    ngx_memzero(&scan, sizeof(ngx_http_task_event_scan_t));

    last = text->data + text->len;

    for (p = text->data; p < last; p = end) {
        end = ngx_http_task_event_end(&scan, p, last);

        if (end == NULL) {
            break;
        }

        found = ngx_http_task_event_id(p, end - p, &len);

        if (found && len == id->len && ngx_memcmp(found, id->data, len) == 0) {
            text->data = end;
        }
    }

    text->len = last - text->data;
}


static void
ngx_http_task_redis_peek_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_int_t                  rc;
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {
        return;
    }

    rc = NGX_DECLINED;

    if (ngx_http_task_redis_is(reply, "ok")) {
        op->version = ngx_http_task_redis_to_number(reply, 1);
        op->ended = ngx_http_task_redis_to_number(reply, 2);
        rc = NGX_OK;
    }

    ngx_http_task_store_answer(op, rc);
}


static void
ngx_http_task_redis_ask_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    if (ngx_http_task_redis_is(reply, "ok")) {
        rc = NGX_OK;

    } else if (ngx_http_task_redis_is(reply, "busy")) {
        rc = NGX_BUSY;

    } else if (ngx_http_task_redis_is(reply, "gone")) {
        rc = NGX_ABORT;
    }

    ngx_http_task_redis_call_answer(call, rc);
}


static void
ngx_http_task_redis_ask_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_redis_call_answer(call, NGX_ERROR);
}
