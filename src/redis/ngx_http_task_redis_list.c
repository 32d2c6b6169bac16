
/*
 * A page of the jobs that the engine has.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* where a job in an answer of list.lua has its queue, and its order */

#define NGX_HTTP_TASK_REDIS_LISTED_QUEUE  11
#define NGX_HTTP_TASK_REDIS_LISTED_ORDER  12


static ngx_int_t ngx_http_task_redis_list_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_list_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static ngx_int_t ngx_http_task_redis_list_page(ngx_pool_t *pool,
    ngx_http_task_store_list_t *list, redisReply *page);
static ngx_int_t ngx_http_task_redis_list_job(
    ngx_http_task_job_listed_t *listed, redisReply *reply);
static void ngx_http_task_redis_list_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_list_kind = {
    .script = NGX_HTTP_TASK_REDIS_LIST,
    .words = ngx_http_task_redis_list_words,
    .reply = ngx_http_task_redis_list_reply,
    .failed = ngx_http_task_redis_list_failed
};


/* who has asked may be gone, with the list, before the engine answers */

void
ngx_http_task_redis_list(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list)
{
    ngx_http_task_redis_ask(store, op, &ngx_http_task_redis_list_kind, list);
}


static ngx_int_t
ngx_http_task_redis_list_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    const ngx_str_t             *state;
    ngx_http_task_store_list_t  *list;

    if (ngx_http_task_redis_call_op(call) == NULL) {
        return NGX_DECLINED;
    }

    list = call->list;
    state = &ngx_http_task_redis_states[list->state];

    ngx_http_task_redis_word(words, state->data, state->len);
    ngx_http_task_redis_word(words, list->queue.data, list->queue.len);
    ngx_http_task_redis_number(words, list->limit);
    ngx_http_task_redis_number(words, list->after);

    return NGX_OK;
}


static void
ngx_http_task_redis_list_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_int_t                  rc;
    ngx_http_task_store_op_t  *op;

    op = ngx_http_task_redis_call_op(call);

    if (op == NULL) {
        return;
    }

    rc = NGX_ERROR;

    if (ngx_http_task_redis_is(reply, "ok") && reply->elements == 3) {
        rc = ngx_http_task_redis_list_page(op->pool, call->list,
                                           reply->element[1]);

        call->list->next = ngx_http_task_redis_to_number(reply, 2);
    }

    ngx_http_task_store_answer(op, rc);
}


static ngx_int_t
ngx_http_task_redis_list_page(ngx_pool_t *pool,
    ngx_http_task_store_list_t *list, redisReply *page)
{
    size_t                       i;
    ngx_http_task_job_listed_t  *listed;

    list->n = 0;
    list->jobs = ngx_palloc(pool, (page->elements + 1)
                                  * sizeof(ngx_http_task_job_listed_t *));

    if (list->jobs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < page->elements; i++) {
        listed = ngx_pcalloc(pool, sizeof(ngx_http_task_job_listed_t));

        if (listed == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_task_redis_list_job(listed, page->element[i]) == NGX_OK) {
            list->jobs[list->n++] = listed;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_list_job(ngx_http_task_job_listed_t *listed,
    redisReply *reply)
{
    ngx_str_t  hex, queue;

    hex = ngx_http_task_redis_to_text(reply, 0);
    queue = ngx_http_task_redis_to_text(reply,
                                        NGX_HTTP_TASK_REDIS_LISTED_QUEUE);

    if (ngx_http_task_redis_unhex(listed->seen.id, (char *) hex.data, hex.len)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_task_redis_known(&listed->seen, reply);

    listed->order = ngx_http_task_redis_to_number(reply,
                                             NGX_HTTP_TASK_REDIS_LISTED_ORDER);
    listed->queue_len = ngx_min(queue.len, NGX_HTTP_TASK_JOB_QUEUE);

    ngx_memcpy(listed->queue, queue.data, listed->queue_len);

    return NGX_OK;
}


static void
ngx_http_task_redis_list_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_redis_call_answer(call, NGX_ERROR);
}
