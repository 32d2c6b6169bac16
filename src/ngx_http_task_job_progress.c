
/*
 * What threads of the owner write to a job without the mutex, and how it is
 * read: that it has begun, and its progress.  One of them writes at a time.
 */


#include "ngx_http_task.h"


/* how often one who reads the progress tries, and one who writes it waits */

#define NGX_HTTP_TASK_JOB_TRIES  1000


static void ngx_http_task_job_copy_progress(ngx_http_task_job_t *dst,
    ngx_http_task_job_t *job);
static void ngx_http_task_job_words(uint64_t *dst, uint64_t *src);


/* no mutex: the state may be changed by the loop of this worker meanwhile */

void
ngx_http_task_job_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job)
{
    uint32_t  queued;

    queued = NGX_HTTP_TASK_JOB_QUEUED;

    ngx_http_task_atomic_set(&job->started, ngx_http_task_job_now());

    if (__atomic_compare_exchange_n(&job->state, &queued,
                                    NGX_HTTP_TASK_JOB_RUNNING, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        (void) __atomic_add_fetch(&zone->owner->running, 1, __ATOMIC_RELAXED);
    }
}


void
ngx_http_task_job_progress(ngx_http_task_job_t *job, int64_t done,
    int64_t total, const char *message)
{
    size_t      len;
    uint32_t    version;
    uint64_t    words[NGX_HTTP_TASK_JOB_MESSAGE / sizeof(uint64_t)];
    ngx_uint_t  n;

    if (message) {
        ngx_memzero(words, sizeof(words));

        len = ngx_http_task_utf8_valid((u_char *) message,
                              ngx_min(ngx_strlen(message), sizeof(words) - 1));
        ngx_memcpy(words, message, len);
    }

    for (n = 0;
         n < NGX_HTTP_TASK_JOB_TRIES && ngx_http_task_atomic_get(&job->reading);
         n++)
    {
        ngx_cpu_pause();
    }

    version = __atomic_load_n(&job->changing, __ATOMIC_RELAXED) | 1;

    __atomic_store_n(&job->changing, version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);

    __atomic_store_n(&job->done, done, __ATOMIC_RELAXED);
    __atomic_store_n(&job->total, total, __ATOMIC_RELAXED);

    if (message) {
        ngx_http_task_job_words(job->message, words);
    }

    ngx_http_task_atomic_set(&job->changing, version + 1);
}


void
ngx_http_task_job_copy(ngx_http_task_job_t *dst, ngx_http_task_job_t *job)
{
    ngx_memzero(dst, sizeof(ngx_http_task_job_t));

    dst->state = ngx_http_task_atomic_get(&job->state);
    dst->started = ngx_http_task_atomic_get(&job->started);

    ngx_memcpy(dst->id, job->id, NGX_HTTP_TASK_JOB_ID);

    dst->created = job->created;
    dst->ended = job->ended;
    dst->status = job->status;

    ngx_http_task_job_copy_progress(dst, job);
}


/*
 * A thread of the owner may write it meanwhile: one that does so all the time
 * waits a moment.
 */

static void
ngx_http_task_job_copy_progress(ngx_http_task_job_t *dst,
    ngx_http_task_job_t *job)
{
    uint32_t    version;
    ngx_uint_t  n;

    ngx_http_task_atomic_set(&job->reading, 1);

    for (n = 0; n < NGX_HTTP_TASK_JOB_TRIES; n++) {
        version = ngx_http_task_atomic_get(&job->changing);

        dst->done = __atomic_load_n(&job->done, __ATOMIC_RELAXED);
        dst->total = __atomic_load_n(&job->total, __ATOMIC_RELAXED);
        ngx_http_task_job_words(dst->message, job->message);

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (!(version & 1)
            && version == ngx_http_task_atomic_get(&job->changing))
        {
            break;
        }

        ngx_cpu_pause();
    }

    /* one that died while it wrote: better no message than half of one */

    if (n == NGX_HTTP_TASK_JOB_TRIES) {
        dst->message[0] = 0;
    }

    ngx_http_task_atomic_set(&job->reading, 0);
}


static void
ngx_http_task_job_words(uint64_t *dst, uint64_t *src)
{
    uint64_t    word;
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TASK_JOB_MESSAGE / sizeof(uint64_t); i++) {
        word = __atomic_load_n(&src[i], __ATOMIC_RELAXED);
        __atomic_store_n(&dst[i], word, __ATOMIC_RELAXED);
    }
}
