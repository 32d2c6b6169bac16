
/*
 * The jobs that this worker has claimed.  A thread tells that a job begins, and
 * how far it is, to its record here; the loop tells the engine, not more often
 * than some twenty times a second, and the newest only.
 */


#include "redis/ngx_http_task_redis_parts.h"
#include "text/ngx_http_task_text.h"


static void ngx_http_task_redis_job_bell(ngx_http_task_bell_t *bell);
static void ngx_http_task_redis_job_later(ngx_event_t *ev);
static void ngx_http_task_redis_job_unhold(ngx_http_task_redis_job_t *job);
static void ngx_http_task_redis_job_tell(ngx_http_task_redis_job_t *job);
static ngx_int_t ngx_http_task_redis_tell_words(
    ngx_http_task_redis_call_t *call, ngx_http_task_redis_words_t *words);
static void ngx_http_task_redis_tell_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply);
static void ngx_http_task_redis_tell_failed(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);
static ngx_http_task_redis_job_t *ngx_http_task_redis_job_find(
    ngx_http_task_redis_t *redis, const char *hex, size_t len);


static const ngx_http_task_redis_kind_t  ngx_http_task_redis_tell = {
    .script = NGX_HTTP_TASK_REDIS_TELL,
    .words = ngx_http_task_redis_tell_words,
    .reply = ngx_http_task_redis_tell_reply,
    .failed = ngx_http_task_redis_tell_failed,
    .release = ngx_http_task_redis_job_release
};


ngx_http_task_redis_job_t *
ngx_http_task_redis_job(ngx_http_task_redis_call_t *call, uint64_t attempt)
{
    ngx_http_task_redis_t      *redis;
    ngx_http_task_redis_job_t  *job;

    redis = call->redis;

    job = ngx_calloc(sizeof(ngx_http_task_redis_job_t), ngx_cycle->log);
    if (job == NULL) {
        return NULL;
    }

    if (pthread_mutex_init(&job->mutex, NULL) != 0) {
        ngx_free(job);
        return NULL;
    }

    job->redis = redis;
    job->attempt = attempt;
    job->bell.handler = ngx_http_task_redis_job_bell;

    job->later.handler = ngx_http_task_redis_job_later;
    job->later.data = job;
    job->later.log = ngx_cycle->log;
    job->later.cancelable = 1;

    ngx_memcpy(job->id, call->id, NGX_HTTP_TASK_JOB_ID);
    ngx_memcpy(job->owner, redis->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_hex(job->hex, call->id);

    job->slot = ngx_http_task_redis_slot_get(redis, job->hex);

    ngx_queue_init(&job->held);
    ngx_queue_insert_tail(&redis->jobs, &job->queue);

    redis->claimed = call->number;

    return job;
}


void
ngx_http_task_redis_job_over(ngx_http_task_redis_job_t *job)
{
    ngx_http_task_bell_drop(&job->bell);

    if (job->later.timer_set) {
        ngx_del_timer(&job->later);
    }

    if (job->slot) {
        ngx_http_task_redis_slot_free(job->slot);
        job->slot = NULL;
    }

    if (!job->over) {
        job->over = 1;
        ngx_queue_remove(&job->queue);
    }

    ngx_http_task_redis_job_unhold(job);

    if (job->refs == 0) {
        (void) pthread_mutex_destroy(&job->mutex);
        ngx_free(job);
    }
}


/* events that wait to be sent are gone with it */

static void
ngx_http_task_redis_job_unhold(ngx_http_task_redis_job_t *job)
{
    ngx_queue_t                 *q;
    ngx_http_task_redis_call_t  *call;

    while (!ngx_queue_empty(&job->held)) {
        q = ngx_queue_head(&job->held);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_task_redis_call_t, queue);

        free(call->text.data);
        ngx_free(call);
    }
}


void
ngx_http_task_redis_job_call(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_call_t *call)
{
    call->job = job;
    job->refs++;

    ngx_http_task_redis_call_begin(call, 0);
}


void
ngx_http_task_redis_job_release(ngx_http_task_redis_call_t *call)
{
    ngx_http_task_redis_job_t  *job;

    job = call->job;

    if (--job->refs == 0 && job->over) {
        ngx_http_task_redis_job_over(job);
    }
}


void
ngx_http_task_redis_bind(ngx_http_task_store_t *store, uint64_t key,
    void *data)
{
    ngx_http_task_redis_job_of(key)->data = data;
}


/* any thread */

void
ngx_http_task_redis_begin(ngx_http_task_store_t *store, uint64_t key)
{
    ngx_http_task_redis_job_t  *job;

    job = ngx_http_task_redis_job_of(key);

    /* first: who finds this process dead is to know it */

    if (job->slot) {
        ngx_http_task_redis_slot_begin(job->slot);
    }

    (void) pthread_mutex_lock(&job->mutex);

    job->begun = ngx_http_task_now();
    job->begin = 1;

    (void) pthread_mutex_unlock(&job->mutex);

    ngx_http_task_bell_ring(&job->bell);
}


void
ngx_http_task_redis_progress(ngx_http_task_store_t *store, uint64_t key,
    int64_t done, int64_t total, const char *message)
{
    ngx_http_task_redis_job_t  *job;

    job = ngx_http_task_redis_job_of(key);

    (void) pthread_mutex_lock(&job->mutex);

    job->progress = 1;
    job->had_progress = 1;
    job->done = done;
    job->total = total;

    if (message) {
        job->has_message = 1;
        job->had_message = 1;
        (void) ngx_http_task_utf8_fit((u_char *) job->message,
                                      NGX_HTTP_TASK_JOB_MESSAGE, message);
    }

    (void) pthread_mutex_unlock(&job->mutex);

    ngx_http_task_bell_ring(&job->bell);
}


static void
ngx_http_task_redis_job_bell(ngx_http_task_bell_t *bell)
{
    ngx_http_task_redis_job_tell(ngx_queue_data(bell,
                                           ngx_http_task_redis_job_t, bell));
}


static void
ngx_http_task_redis_job_later(ngx_event_t *ev)
{
    ngx_http_task_redis_job_tell(ev->data);
}


static void
ngx_http_task_redis_job_tell(ngx_http_task_redis_job_t *job)
{
    int64_t                      next;
    ngx_uint_t                   begin, any;
    ngx_http_task_redis_call_t  *call;

    if (job->gone || job->ended || job->over || job->telling) {
        return;
    }

    (void) pthread_mutex_lock(&job->mutex);

    begin = job->begin;
    any = begin || job->progress;

    (void) pthread_mutex_unlock(&job->mutex);

    if (!any || job->later.timer_set) {
        return;
    }

    next = job->told + NGX_HTTP_TASK_REDIS_LOOK * 1000000LL
           - ngx_http_task_now();

    if (!begin && next > 0) {
        ngx_add_timer(&job->later, (ngx_msec_t) (next / 1000000 + 1));
        return;
    }

    call = ngx_http_task_redis_call(job->redis, &ngx_http_task_redis_tell,
                                    NULL);

    /* without memory the engine is told at the end */

    if (call) {
        job->telling = 1;
        ngx_http_task_redis_job_call(job, call);
    }
}


static ngx_int_t
ngx_http_task_redis_tell_words(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_redis_job_t  *job;

    job = call->job;

    if (job->gone || job->over) {
        job->telling = 0;
        return NGX_DECLINED;
    }

    job->told = ngx_http_task_now();

    ngx_http_task_redis_job_words(job, words);
    ngx_http_task_redis_job_begun(job, words);
    ngx_http_task_redis_job_so_far(job, words);

    return NGX_OK;
}


void
ngx_http_task_redis_job_words(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words)
{
    ngx_http_task_redis_word(words, job->owner, NGX_HTTP_TASK_REDIS_OWNER);
    ngx_http_task_redis_number(words, job->redis->session);
    ngx_http_task_redis_word(words, job->hex, NGX_HTTP_TASK_REDIS_HEX);
    ngx_http_task_redis_number(words, job->attempt);
}


void
ngx_http_task_redis_job_begun(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words)
{
    (void) pthread_mutex_lock(&job->mutex);

    if (job->begun) {
        ngx_http_task_redis_number(words, (ngx_http_task_now() - job->begun)
                                          / 1000000);

    } else {
        ngx_http_task_redis_word(words, "", 0);
    }

    job->begin = 0;

    (void) pthread_mutex_unlock(&job->mutex);
}


/* a message is copied, as a thread may write another one */

void
ngx_http_task_redis_job_so_far(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words)
{
    static char  message[NGX_HTTP_TASK_JOB_MESSAGE + 1];

    (void) pthread_mutex_lock(&job->mutex);

    if (job->progress) {
        ngx_http_task_redis_number(words, job->done);
        ngx_http_task_redis_number(words, job->total);

    } else {
        ngx_http_task_redis_word(words, "", 0);
        ngx_http_task_redis_word(words, "", 0);
    }

    if (job->has_message) {
        ngx_memcpy(message, job->message, sizeof(message));
        ngx_http_task_redis_word(words, message, ngx_strlen(message));
    }

    job->progress = 0;
    job->has_message = 0;

    (void) pthread_mutex_unlock(&job->mutex);
}


/* all is to be told once more */

void
ngx_http_task_redis_job_untold(ngx_http_task_redis_job_t *job)
{
    (void) pthread_mutex_lock(&job->mutex);

    job->begin = (job->begun != 0);
    job->progress = job->had_progress;
    job->has_message = job->had_message;

    (void) pthread_mutex_unlock(&job->mutex);
}


static void
ngx_http_task_redis_tell_reply(ngx_http_task_redis_call_t *call,
    redisReply *reply)
{
    ngx_http_task_redis_job_t  *job;

    job = call->job;
    job->telling = 0;

    if (job->ended || job->over) {
        return;
    }

    if (ngx_http_task_redis_is(reply, "ok")) {
        ngx_http_task_redis_job_tell(job);

    } else {
        ngx_http_task_redis_job_gone(job);
    }
}


/* the connection is gone: what was taken for this call is to be told again */

static void
ngx_http_task_redis_tell_failed(ngx_http_task_redis_call_t *call, ngx_int_t rc)
{
    ngx_http_task_redis_job_t  *job;

    job = call->job;
    job->telling = 0;

    if (rc != NGX_DECLINED || job->over) {
        return;
    }

    ngx_http_task_redis_job_untold(job);

    if (!job->redis->ends) {
        ngx_http_task_redis_job_tell(job);
    }
}


/*
 * It goes on, as nothing can stop it safely, and nothing of it is written; but
 * if it has not begun, it does not, and may be freed here.  Who finds this
 * process dead is not to take it for one that this worker has claimed again.
 */

void
ngx_http_task_redis_job_gone(ngx_http_task_redis_job_t *job)
{
    if (job->gone) {
        return;
    }

    job->gone = 1;

    if (job->slot) {
        ngx_http_task_redis_slot_begin(job->slot);
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "task_job_redis \"%V\": job %*s is not this worker's any "
                  "more, what it still says is not stored",
                  &job->redis->store->name, (size_t) NGX_HTTP_TASK_REDIS_HEX,
                  job->hex);

    if (job->data && !job->ended) {
        job->redis->store->lost(job->data);
    }
}


/* this worker may have claimed one again that was gone */

static ngx_http_task_redis_job_t *
ngx_http_task_redis_job_find(ngx_http_task_redis_t *redis, const char *hex,
    size_t len)
{
    ngx_queue_t                *q;
    ngx_http_task_redis_job_t  *job;

    for (q = ngx_queue_head(&redis->jobs);
         q != ngx_queue_sentinel(&redis->jobs);
         q = ngx_queue_next(q))
    {
        job = ngx_queue_data(q, ngx_http_task_redis_job_t, queue);

        if (len == NGX_HTTP_TASK_REDIS_HEX && !job->gone
            && ngx_memcmp(job->hex, hex, len) == 0)
        {
            return job;
        }
    }

    return NULL;
}


void
ngx_http_task_redis_job_asked(ngx_http_task_redis_t *redis, const char *hex,
    size_t len)
{
    ngx_http_task_redis_job_t  *job;

    job = ngx_http_task_redis_job_find(redis, hex, len);

    if (job && job->data && !job->asked && !job->ended) {
        job->asked = 1;
        redis->store->asked(job->data);
    }
}


void
ngx_http_task_redis_job_lost(ngx_http_task_redis_t *redis, const char *hex,
    size_t len)
{
    ngx_http_task_redis_job_t  *job;

    job = ngx_http_task_redis_job_find(redis, hex, len);

    /* one that has ended may have, and the answer was lost */

    if (job && !job->ended) {
        ngx_http_task_redis_job_gone(job);
    }
}
