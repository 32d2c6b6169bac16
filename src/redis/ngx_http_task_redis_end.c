
/*
 * What becomes of a job of this worker: it ends, behind its events, and its
 * thread may be back later; or it waits again.  It is told as long as it takes.
 */


#include "redis/ngx_http_task_redis_parts.h"


static ngx_http_task_redis_call_t *ngx_http_task_redis_last(
    ngx_http_task_redis_job_t *job, ngx_http_task_redis_call_t *call,
    const ngx_http_task_redis_kind_t *kind, ngx_http_task_store_op_t *op);
static ngx_int_t ngx_http_task_redis_end_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_end_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_end_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static void ngx_http_task_redis_ended(ngx_http_task_redis_job_t *job);
static void ngx_http_task_redis_returned_reply(
    ngx_http_task_redis_call_t *call, redisReply *reply);
static void ngx_http_task_redis_returned_failed(
    ngx_http_task_redis_call_t *call, ngx_int_t rc);
static ngx_int_t ngx_http_task_redis_give_back_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_give_back_reply(
    ngx_http_task_redis_call_t *call, redisReply *reply);
static void ngx_http_task_redis_give_back_failed(
    ngx_http_task_redis_call_t *call, ngx_int_t rc);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_end_kind = {
    .script = NGX_HTTP_TASK_REDIS_END,
    .again = 1,
    .words = ngx_http_task_redis_end_words,
    .reply = ngx_http_task_redis_end_reply,
    .failed = ngx_http_task_redis_end_failed,
    .release = ngx_http_task_redis_job_release
};

/* its words are those of who gives it back */

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_returned_kind = {
    .script = NGX_HTTP_TASK_REDIS_RETURNED,
    .again = 1,
    .words = ngx_http_task_redis_give_back_words,
    .reply = ngx_http_task_redis_returned_reply,
    .failed = ngx_http_task_redis_returned_failed,
    .release = ngx_http_task_redis_job_release
};

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_give_back_kind = {
    .script = NGX_HTTP_TASK_REDIS_GIVE_BACK,
    .again = 1,
    .words = ngx_http_task_redis_give_back_words,
    .reply = ngx_http_task_redis_give_back_reply,
    .failed = ngx_http_task_redis_give_back_failed,
    .release = ngx_http_task_redis_job_release
};

static const ngx_http_task_redis_kind_t  ngx_http_task_redis_retract_kind = {
    .script = NGX_HTTP_TASK_REDIS_WITHDRAW,
    .again = 1,
    .words = ngx_http_task_redis_give_back_words,
    .reply = ngx_http_task_redis_give_back_reply,
    .failed = ngx_http_task_redis_give_back_failed,
    .release = ngx_http_task_redis_job_release
};


void
ngx_http_task_redis_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_end_t *end)
{
    ngx_http_task_redis_job_t   *job;
    ngx_http_task_redis_call_t  *call;

    job = ngx_http_task_redis_job_of(op->key);

    if (end->result.len > store->max_result) {
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    job->ended = 1;
    job->busy = end->busy;

    if (job->gone) {
        ngx_http_task_redis_ended(job);
        ngx_http_task_store_answer(op, NGX_ERROR);
        return;
    }

    ngx_http_task_redis_event_all(job);

    call = ngx_http_task_redis_last(job, &job->last,
                                    &ngx_http_task_redis_end_kind, op);
    call->end = end;

    ngx_http_task_redis_job_call(job, call);
}


static ngx_http_task_redis_call_t *
ngx_http_task_redis_last(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_call_t *call, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_op_t *op)
{
    ngx_memzero(call, sizeof(ngx_http_task_redis_call_t));

    call->inside = 1;
    ngx_http_task_redis_call_init(call, job->redis, kind, op);

    return call;
}


static ngx_int_t
ngx_http_task_redis_end_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    const ngx_str_t             *state;
    ngx_http_task_redis_job_t  *job;
    ngx_http_task_store_end_t  *end;

    job = call->job;
    end = call->end;

    if (job->gone) {
        return NGX_ERROR;
    }

    ngx_http_task_redis_job_words(job, words);

    ngx_http_task_redis_job_begun(job, words);

    state = &ngx_http_task_redis_states[end->state];

    ngx_http_task_redis_word(words, state->data, state->len);
    ngx_http_task_redis_number(words, end->status);
    ngx_http_task_redis_word(words, end->type.data, end->type.len);
    ngx_http_task_redis_word(words, end->result.data, end->result.len);
    ngx_http_task_redis_word(words, "busy", job->busy ? 4 : 0);

    /* what it has said just before is not told elsewhere */

    ngx_http_task_redis_job_untold(job);
    ngx_http_task_redis_job_so_far(job, words);

    return NGX_OK;
}


static void
ngx_http_task_redis_end_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_int_t                   rc;
    ngx_http_task_redis_job_t  *job;

    job = call->job;
    rc = NGX_OK;

    if (!ngx_http_task_redis_is(reply, "ok")) {
        ngx_http_task_redis_job_gone(job);
        rc = NGX_ERROR;

    } else {
        job->told_busy = job->busy;
    }

    ngx_http_task_redis_ended(job);

    ngx_http_task_redis_call_answer(call, rc);
}


static void
ngx_http_task_redis_end_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    if (rc != NGX_BUSY) {
        ngx_http_task_redis_ended(call->job);
        rc = NGX_ERROR;
    }

    ngx_http_task_redis_call_answer(call, rc);
}


/* a thread may still tell of its progress */

static void
ngx_http_task_redis_ended(ngx_http_task_redis_job_t *job)
{
    if (!job->busy) {
        ngx_http_task_redis_job_over(job);
    }
}


void
ngx_http_task_redis_returned(ngx_http_task_store_t *store, uint64_t key)
{
    ngx_http_task_redis_job_t  *job;

    job = ngx_http_task_redis_job_of(key);

    if (!job->told_busy || job->gone) {
        ngx_http_task_redis_job_over(job);
        return;
    }

    ngx_http_task_redis_job_call(job,
                                 ngx_http_task_redis_last(job, &job->back,
                                        &ngx_http_task_redis_returned_kind,
                                        NULL));
}


static void
ngx_http_task_redis_returned_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_http_task_redis_job_over(call->job);
}


static void
ngx_http_task_redis_returned_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    ngx_http_task_redis_job_over(call->job);
}


void
ngx_http_task_redis_give_back(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_http_task_redis_job_t   *job;
    ngx_http_task_redis_call_t  *call;

    job = ngx_http_task_redis_job_of(op->key);
    job->ended = 1;

    if (job->gone) {
        ngx_http_task_redis_job_over(job);
        ngx_http_task_store_answer(op, NGX_ERROR);
        return;
    }

    call = ngx_http_task_redis_last(job, &job->last,
                                    &ngx_http_task_redis_give_back_kind, op);

    ngx_http_task_redis_job_call(job, call);
}


void
ngx_http_task_redis_drop(ngx_http_task_redis_job_t *job)
{
    job->ended = 1;

    ngx_http_task_redis_job_call(job,
                ngx_http_task_redis_last(job, &job->last,
                                         &ngx_http_task_redis_give_back_kind,
                                         NULL));
}


void
ngx_http_task_redis_retract(ngx_http_task_redis_job_t *job)
{
    job->ended = 1;

    ngx_http_task_redis_job_call(job,
                ngx_http_task_redis_last(job, &job->last,
                                         &ngx_http_task_redis_retract_kind,
                                         NULL));
}


static ngx_int_t
ngx_http_task_redis_give_back_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    if (call->job->gone) {
        return NGX_ERROR;
    }

    ngx_http_task_redis_job_words(call->job, words);

    return NGX_OK;
}


static void
ngx_http_task_redis_give_back_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_http_task_redis_job_over(call->job);
    ngx_http_task_redis_call_answer(call, NGX_OK);
}


/* the engine, which may come back, and who finds this worker dead are to know
   that it has not begun */

static void
ngx_http_task_redis_give_back_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    ngx_http_task_redis_job_t  *job;

    job = call->job;

    if (job->gone) {
        ngx_http_task_redis_job_over(job);

    } else {
        job->left = 1;
        job->data = NULL;
    }

    ngx_http_task_redis_call_answer(call, NGX_ERROR);
}
