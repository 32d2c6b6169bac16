
/*
 * Events of a job of this worker.  As many bytes as the engine keeps of a job
 * are under way to it; as many more are held, the newest ones: the engine would
 * drop those before them.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void ngx_http_task_redis_event_hold(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_call_t *call);
static void ngx_http_task_redis_event_some(ngx_http_task_redis_job_t *job);
static void ngx_http_task_redis_event_send(ngx_http_task_redis_job_t *job);
static ngx_http_task_redis_call_t *ngx_http_task_redis_event_take(
    ngx_http_task_redis_job_t *job);
static ngx_int_t ngx_http_task_redis_event_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_event_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_event_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static void ngx_http_task_redis_event_dropped(ngx_http_task_redis_job_t *job,
    const char *why);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_event_kind = {
    .script = NGX_HTTP_TASK_REDIS_EVENT,
    .again = 1,
    .words = ngx_http_task_redis_event_words,
    .reply = ngx_http_task_redis_event_reply,
    .failed = ngx_http_task_redis_event_failed,
    .release = ngx_http_task_redis_job_release
};


void
ngx_http_task_redis_event(ngx_http_task_store_t *store, uint64_t key,
    ngx_str_t *text)
{
    ngx_http_task_redis_job_t   *job;
    ngx_http_task_redis_call_t  *call;

    job = ngx_http_task_redis_job_of(key);

    if (job->gone) {
        return;
    }

    call = ngx_http_task_redis_call(job->redis,
                                    &ngx_http_task_redis_event_kind, NULL);

    if (call) {
        call->text.data = malloc(text->len);
    }

    if (call == NULL || call->text.data == NULL) {
        ngx_http_task_redis_event_dropped(job, "no memory");

        if (call) {
            ngx_free(call);
        }

        return;
    }

    ngx_memcpy(call->text.data, text->data, text->len);
    call->text.len = text->len;

    ngx_http_task_redis_event_hold(job, call);
    ngx_http_task_redis_event_some(job);
}


static void
ngx_http_task_redis_event_hold(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_call_t *call)
{
    ngx_http_task_redis_call_t  *oldest;

    ngx_queue_insert_tail(&job->held, &call->queue);
    job->holds += call->text.len;

    while (job->holds > job->redis->store->max_events) {
        oldest = ngx_http_task_redis_event_take(job);

        free(oldest->text.data);
        ngx_free(oldest);
    }
}


/* as many as may be under way */

static void
ngx_http_task_redis_event_some(ngx_http_task_redis_job_t *job)
{
    ngx_http_task_redis_call_t  *call;

    while (!ngx_queue_empty(&job->held)) {
        call = ngx_queue_data(ngx_queue_head(&job->held),
                              ngx_http_task_redis_call_t, queue);

        if (job->unsaid
            && job->unsaid + call->text.len > job->redis->store->max_events)
        {
            break;
        }

        ngx_http_task_redis_event_send(job);
    }
}


void
ngx_http_task_redis_event_all(ngx_http_task_redis_job_t *job)
{
    while (!ngx_queue_empty(&job->held)) {
        ngx_http_task_redis_event_send(job);
    }
}


static void
ngx_http_task_redis_event_send(ngx_http_task_redis_job_t *job)
{
    ngx_http_task_redis_call_t  *call;

    call = ngx_http_task_redis_event_take(job);

    job->unsaid += call->text.len;

    ngx_http_task_redis_job_call(job, call);
}


static ngx_http_task_redis_call_t *
ngx_http_task_redis_event_take(ngx_http_task_redis_job_t *job)
{
    ngx_http_task_redis_call_t  *call;

    call = ngx_queue_data(ngx_queue_head(&job->held),
                          ngx_http_task_redis_call_t, queue);

    ngx_queue_remove(&call->queue);
    job->holds -= call->text.len;

    return call;
}


/* it keeps the number that it was sent with first */

static ngx_int_t
ngx_http_task_redis_event_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_redis_job_t  *job;

    job = call->job;

    if (job->gone) {
        return NGX_DECLINED;
    }

    if (call->number == 0) {
        call->number = ++job->events;
    }

    ngx_http_task_redis_job_words(job, words);
    ngx_http_task_redis_number(words, call->number);
    ngx_http_task_redis_number(words, job->redis->store->max_events);
    ngx_http_task_redis_word(words, call->text.data, call->text.len);

    return NGX_OK;
}


static void
ngx_http_task_redis_event_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    call->job->unsaid -= call->text.len;

    ngx_http_task_redis_event_some(call->job);
}


/* what is held goes with the next one, or before the end */

static void
ngx_http_task_redis_event_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc)
{
    call->job->unsaid -= call->text.len;

    ngx_http_task_redis_event_dropped(call->job, (rc == NGX_BUSY)
                                      ? "the engine has no memory"
                                      : "the engine does not take them");
}


static void
ngx_http_task_redis_event_dropped(ngx_http_task_redis_job_t *job,
    const char *why)
{
    if (!job->dropped) {
        job->dropped = 1;

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "task_job_redis \"%V\": events of job %*s are dropped: "
                      "%s", &job->redis->store->name,
                      (size_t) NGX_HTTP_TASK_REDIS_HEX, job->hex, why);
    }
}
