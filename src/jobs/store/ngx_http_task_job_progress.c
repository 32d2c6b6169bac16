
/*
 * A thread of the owner writes to a record without the mutex that the job has
 * begun, and its progress; one thread at a time.  Here is how this is written,
 * and how it is read.
 */


#include "jobs/store/ngx_http_task_job_zone.h"
#include "text/ngx_http_task_text.h"


/* how often a reader of the progress tries, and its writer waits */

#define NGX_HTTP_TASK_JOB_TRIES  1000


static void ngx_http_task_job_copy_progress(ngx_http_task_job_progress_t *dst,
    ngx_http_task_record_t *job);
static void ngx_http_task_job_words(void *dst, void *src, size_t size);


/* without the mutex: the loop of this worker may end the job meanwhile */

void
ngx_http_task_job_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t  queued;

    queued = NGX_HTTP_TASK_JOB_QUEUED;

    ngx_http_task_atomic_set(&job->started, ngx_http_task_job_now());

    if (__atomic_compare_exchange_n(&job->state, &queued,
                                    NGX_HTTP_TASK_JOB_RUNNING, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        (void) __atomic_add_fetch(&zone->owner->running, 1, __ATOMIC_RELAXED);

        ngx_http_task_job_mark(zone->sh, job);
    }
}


/*
 * Writes the progress that does not count, and then makes it count: a reader
 * finds a whole one, also if this thread stands still, or its process is
 * killed.
 */

void
ngx_http_task_job_progress(ngx_http_task_record_t *job, int64_t done,
    int64_t total, const char *message)
{
    uint32_t                       version;
    ngx_uint_t                     n;
    ngx_http_task_job_progress_t   progress, *now, *next;

    version = __atomic_load_n(&job->version, __ATOMIC_RELAXED);

    now = &job->progress[version & 1];
    next = &job->progress[(version + 1) & 1];

    ngx_memzero(&progress, sizeof(ngx_http_task_job_progress_t));

    progress.done = done;
    progress.total = total;

    if (message) {
        (void) ngx_http_task_utf8_fit((u_char *) progress.message,
                                      NGX_HTTP_TASK_JOB_MESSAGE, message);

    } else {
        ngx_http_task_job_words(progress.message, now->message,
                                sizeof(progress.message));
    }

    /* a reader would else never see the same version twice */

    for (n = 0;
         n < NGX_HTTP_TASK_JOB_TRIES && ngx_http_task_atomic_get(&job->reading);
         n++)
    {
        ngx_cpu_pause();
    }

    __atomic_thread_fence(__ATOMIC_RELEASE);

    ngx_http_task_job_words(next, &progress, sizeof(progress));

    ngx_http_task_atomic_set(&job->version, version + 1);
}


void
ngx_http_task_job_unbegin(ngx_http_task_record_t *job)
{
    ngx_http_task_atomic_set(&job->started, 0);

    ngx_http_task_job_progress(job, 0, 0, "");
}


void
ngx_http_task_job_copy(ngx_http_task_job_seen_t *seen,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_progress_t  progress;

    seen->state = ngx_http_task_atomic_get(&job->state);
    seen->started = ngx_http_task_atomic_get(&job->started);

    ngx_memcpy(seen->id, job->id, NGX_HTTP_TASK_JOB_ID);

    seen->change = ngx_http_task_job_change(job);
    seen->created = job->created;
    seen->ended = job->ended;
    seen->status = job->status;
    seen->attempt = job->before + job->attempt;
    seen->attempts = job->before + job->attempts;

    ngx_http_task_job_copy_progress(&progress, job);

    seen->done = progress.done;
    seen->total = progress.total;

    ngx_memcpy(seen->message, progress.message, NGX_HTTP_TASK_JOB_MESSAGE);
    seen->message[NGX_HTTP_TASK_JOB_MESSAGE] = '\0';
}


/* a number of 40 bits, above 0 */

uint64_t
ngx_http_task_job_change(ngx_http_task_record_t *job)
{
    return (uint64_t) ngx_http_task_atomic_get(&job->version) << 8
           | ngx_http_task_atomic_get(&job->state);
}


static void
ngx_http_task_job_copy_progress(ngx_http_task_job_progress_t *dst,
    ngx_http_task_record_t *job)
{
    uint32_t    version;
    ngx_uint_t  n;

    ngx_http_task_atomic_set(&job->reading, 1);

    for (n = 0; n < NGX_HTTP_TASK_JOB_TRIES; n++) {
        version = ngx_http_task_atomic_get(&job->version);

        ngx_http_task_job_words(dst, &job->progress[version & 1],
                                sizeof(ngx_http_task_job_progress_t));

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (version == ngx_http_task_atomic_get(&job->version)) {
            break;
        }
    }

    ngx_http_task_atomic_set(&job->reading, 0);
}


/* copies words that other threads may read or write at the same time */

static void
ngx_http_task_job_words(void *dst, void *src, size_t size)
{
    uint64_t   *d, *s, word;
    ngx_uint_t  i;

    d = dst;
    s = src;

    for (i = 0; i < size / sizeof(uint64_t); i++) {
        word = __atomic_load_n(&s[i], __ATOMIC_RELAXED);
        __atomic_store_n(&d[i], word, __ATOMIC_RELAXED);
    }
}
