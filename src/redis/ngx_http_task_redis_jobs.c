
/*
 * All jobs of this worker, as each new connection tells the engine of them:
 * what it has of this worker that is not among them had begun, and is lost,
 * unless the answer was lost that would have told of it.
 */


#include "redis/ngx_http_task_redis_parts.h"


static void ngx_http_task_redis_jobs_word(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words);


void
ngx_http_task_redis_jobs_words(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_words_t *words)
{
    ngx_queue_t                *q;
    ngx_http_task_redis_job_t  *job;

    ngx_http_task_redis_number(words, redis->claimed);

    for (q = ngx_queue_head(&redis->jobs);
         q != ngx_queue_sentinel(&redis->jobs);
         q = ngx_queue_next(q))
    {
        job = ngx_queue_data(q, ngx_http_task_redis_job_t, queue);

        if (!job->gone) {
            ngx_http_task_redis_word(words, job->hex, NGX_HTTP_TASK_REDIS_HEX);
            ngx_http_task_redis_number(words, job->attempt);
            ngx_http_task_redis_jobs_word(job, words);
        }
    }
}


static void
ngx_http_task_redis_jobs_word(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words)
{
    int64_t  begun;

    if (job->left) {
        job->left = 2;
        ngx_http_task_redis_word(words, "back", sizeof("back") - 1);
        return;
    }

    (void) pthread_mutex_lock(&job->mutex);
    begun = job->begun;
    (void) pthread_mutex_unlock(&job->mutex);

    if (begun) {
        ngx_http_task_redis_number(words, (ngx_http_task_now() - begun)
                                          / 1000000);

    } else {
        ngx_http_task_redis_word(words, "", 0);
    }
}


/* one that was left after they were told waits for the next connection */

void
ngx_http_task_redis_jobs_told(ngx_http_task_redis_t *redis, redisReply *lost)
{
    size_t                      i;
    ngx_str_t                   hex;
    ngx_queue_t                *q, *next;
    ngx_http_task_redis_job_t  *job;

    for (q = ngx_queue_head(&redis->jobs);
         q != ngx_queue_sentinel(&redis->jobs);
         q = next)
    {
        next = ngx_queue_next(q);
        job = ngx_queue_data(q, ngx_http_task_redis_job_t, queue);

        if (job->left == 2) {
            ngx_http_task_redis_job_over(job);
        }
    }

    for (i = 0; lost && i < lost->elements; i++) {
        hex = ngx_http_task_redis_to_text(lost, i);
        ngx_http_task_redis_job_lost(redis, (char *) hex.data, hex.len);
    }
}


void
ngx_http_task_redis_jobs_gone(ngx_http_task_redis_t *redis)
{
    ngx_queue_t                *q, *next;
    ngx_http_task_redis_job_t  *job;

    for (q = ngx_queue_head(&redis->jobs);
         q != ngx_queue_sentinel(&redis->jobs);
         q = next)
    {
        next = ngx_queue_next(q);
        job = ngx_queue_data(q, ngx_http_task_redis_job_t, queue);

        if (job->left) {
            ngx_http_task_redis_job_over(job);

        } else {
            ngx_http_task_redis_job_gone(job);
        }
    }
}
