
/*
 * Jobs that ran when their worker was gone, or could not wait for them, and
 * that may be tried again.  Each waits for a while, a second, two, four and so
 * on, and then in its queue, where it was.
 *
 * The while of an attempt has always the same length, and a list of its own: so
 * who comes last is due last.
 *
 * A process may be killed between any two writes.  As soon as "again" is
 * written the job is to wait, whoever comes to it; it has no owner when all
 * else is written.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* milliseconds: the first while is a second, and none is longer than that */

#define NGX_HTTP_TASK_JOB_AGAIN_FIRST  1000
#define NGX_HTTP_TASK_JOB_AGAIN_LAST   300000

/* at most so many jobs come to their queues under one lock */

#define NGX_HTTP_TASK_JOB_AGAIN_DUE    100


static ngx_uint_t ngx_http_task_job_again_place(uint32_t lost);


/* whoever wants it to be cancelled does not want it to be tried again */

ngx_uint_t
ngx_http_task_job_tries(ngx_http_task_record_t *job)
{
    return job->attempt < job->attempts && !job->cancel;
}


ngx_http_task_job_state_e
ngx_http_task_job_again_over(ngx_http_task_record_t *job)
{
    return (job->attempts > 1 && !job->cancel) ? NGX_HTTP_TASK_JOB_DEAD
                                               : NGX_HTTP_TASK_JOB_LOST;
}


void
ngx_http_task_job_again(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    job->lost = job->attempt;
    job->again = ngx_http_task_job_clock()
                 + ngx_http_task_job_again_while(job->lost);

    ngx_http_task_job_order();

    /* of what it did nothing is left but its events; who watches sees a change
       from when it runs to when it runs again */

    ngx_http_task_job_progress(job, 0, 0, "");
    ngx_http_task_atomic_set(&job->started, 0);
    ngx_http_task_job_order();

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_QUEUED);
    ngx_http_task_job_order();

    job->owner = NGX_HTTP_TASK_JOB_NONE;

    ngx_http_task_job_again_put(zone->sh, job);
    ngx_http_task_job_mark(zone->sh, job);
}


int64_t
ngx_http_task_job_again_while(uint32_t lost)
{
    int64_t  ms;

    ms = (int64_t) NGX_HTTP_TASK_JOB_AGAIN_FIRST
         << ngx_http_task_job_again_place(lost);

    return ngx_min(ms, NGX_HTTP_TASK_JOB_AGAIN_LAST);
}


/* the whiles behind the last one are as long as that */

static ngx_uint_t
ngx_http_task_job_again_place(uint32_t lost)
{
    return lost ? ngx_min(lost, NGX_HTTP_TASK_JOB_DELAYS) - 1 : 0;
}


void
ngx_http_task_job_again_put(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    job->since = job->again;

    ngx_http_task_job_append(sh,
                     &sh->again[ngx_http_task_job_again_place(job->lost)],
                     job);

    ngx_http_task_atomic_set(&sh->nagain, sh->nagain + 1);

    if (sh->due == 0 || job->again < sh->due) {
        ngx_http_task_atomic_set(&sh->due, job->again);
    }
}


/* if it was the first one that is due, who looks then finds none */

void
ngx_http_task_job_again_leave(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_remove(sh,
                     &sh->again[ngx_http_task_job_again_place(job->lost)],
                     job);

    ngx_http_task_atomic_set(&sh->nagain, sh->nagain - 1);
}


void
ngx_http_task_job_again_due(ngx_http_task_job_zone_t *zone, int64_t now)
{
    int64_t                  due;
    uint32_t                 k;
    ngx_uint_t               i, n;
    ngx_http_task_record_t  *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    due = 0;
    n = 0;

    for (i = 0; i < NGX_HTTP_TASK_JOB_DELAYS; i++) {

        while ((k = sh->again[i].oldest) != NGX_HTTP_TASK_JOB_NONE) {

            if (k >= sh->used_jobs) {
                ngx_http_task_job_damaged(zone, "a list leads nowhere");
                return;
            }

            job = &sh->jobs[k];

            if (job->again > now || n == NGX_HTTP_TASK_JOB_AGAIN_DUE) {
                due = due ? ngx_min(due, job->again) : job->again;
                break;
            }

            n++;

            ngx_http_task_job_again_leave(sh, job);

            job->since = job->turn;
            job->again = 0;

            ngx_http_task_job_queue_up(zone, job);
        }
    }

    ngx_http_task_atomic_set(&sh->due, due);
}
