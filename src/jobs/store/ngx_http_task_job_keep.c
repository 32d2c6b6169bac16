
/*
 * Which jobs are kept, and until when.  A job that has ended, and that no
 * thread has, is in one of the lists of its share, the oldest first.  It is
 * freed when its time is over, or when it is dropped to make room.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* at most so many jobs are freed by one expire() */

#define NGX_HTTP_TASK_JOB_EXPIRE  16

/* a job is put before at most so many others in its list */

#define NGX_HTTP_TASK_JOB_BACK    64


static ngx_http_task_record_t *ngx_http_task_job_oldest(
    ngx_http_task_job_zone_t *zone, ngx_uint_t first, ngx_uint_t last,
    ngx_uint_t result);


ngx_uint_t
ngx_http_task_job_is_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, int64_t now)
{
    return job->forgotten || job->since + (int64_t) zone->ttl <= now;
}


void
ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone)
{
    int64_t                     now;
    uint32_t                    oldest;
    ngx_uint_t                  i, n;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_share_t  *share;

    sh = zone->sh;
    now = ngx_http_task_job_clock();
    n = 0;

    for (i = 0; i < 2 * NGX_HTTP_TASK_JOB_SHARES; /* void */) {
        share = &sh->shares[i / 2];
        oldest = share->ended[i % 2].oldest;

        if (oldest == NGX_HTTP_TASK_JOB_NONE
            || !ngx_http_task_job_is_over(zone, &sh->jobs[oldest], now))
        {
            i++;
            continue;
        }

        if (n++ == NGX_HTTP_TASK_JOB_EXPIRE || zone->damaged) {
            return;
        }

        ngx_http_task_job_free(zone, &sh->jobs[oldest]);
    }
}


void
ngx_http_task_job_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                *p, i;
    ngx_uint_t               n, state;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = job - sh->jobs;
    state = ngx_http_task_atomic_get(&job->state);

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_FREE);
    ngx_http_task_job_order();

    ngx_http_task_job_mark(sh, job);

    p = ngx_http_task_job_bucket(sh, job->id);

    for (n = 0; *p != i; n++) {

        if (*p >= sh->used_jobs || n == sh->used_jobs) {
            ngx_http_task_job_damaged(zone, "a job is in no bucket");
            return;
        }

        p = &sh->jobs[*p].next;
    }

    *p = job->next;

    ngx_http_task_job_key_remove(zone, job);
    ngx_http_task_job_remove(sh, ngx_http_task_job_list(sh, job), job);

    if (ngx_http_task_job_chain_free(zone, i, job->block,
                                     ngx_http_task_job_blocks(job->length),
                                     &job->block)
        != NGX_OK
        || ngx_http_task_job_input_free(zone, job) != NGX_OK
        || ngx_http_task_job_events_free(zone, job) != NGX_OK)
    {
        return;
    }

    sh->states[state]--;
    sh->shares[job->share].jobs--;
    sh->queues[job->queue].jobs--;

    job->next = sh->free_job;
    sh->free_job = i;
}


/*
 * A list is in the order of job->since.  If somebody waits for a job, this is
 * a moment later than now, so that nobody drops the job before it was looked
 * at.  A job that ends within this moment, and is not awaited, goes before it.
 */

void
ngx_http_task_job_keep(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    int64_t                    now;
    uint32_t                   i;
    ngx_uint_t                 n;
    ngx_http_task_record_t       *before;
    ngx_http_task_job_sh_t    *sh;
    ngx_http_task_job_list_t  *list;

    sh = zone->sh;
    list = ngx_http_task_job_list(sh, job);
    now = ngx_http_task_job_clock();

    job->since = (job->wanted > now) ? now + NGX_HTTP_TASK_JOB_WANTED : now;

    before = NULL;

    for (n = 0; n < NGX_HTTP_TASK_JOB_BACK; n++) {
        i = before ? before->older : list->newest;

        if (i >= sh->used_jobs || sh->jobs[i].since <= job->since) {
            break;
        }

        before = &sh->jobs[i];
    }

    ngx_http_task_job_insert(sh, list, before, job);
}


void
ngx_http_task_job_retire(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_uint_t  over;

    over = ngx_http_task_job_is_over(zone, job, ngx_http_task_job_clock());

    ngx_http_task_job_keep(zone, job);
    ngx_http_task_job_order();

    job->busy = 0;

    if (over) {
        ngx_http_task_job_free(zone, job);
    }
}


/* returns the job that drop() is to drop, or NULL if there is none */

static ngx_http_task_record_t *
ngx_http_task_job_oldest(ngx_http_task_job_zone_t *zone, ngx_uint_t first,
    ngx_uint_t last, ngx_uint_t result)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_record_t     *job, *oldest;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    oldest = NULL;

    for (n = 2 * first; n < 2 * last; n++) {
        i = sh->shares[n / 2].ended[n % 2].oldest;

        if (i == NGX_HTTP_TASK_JOB_NONE || (result && n % 2 == 0)) {
            continue;
        }

        job = &sh->jobs[i];

        if (oldest == NULL || job->since < oldest->since) {
            oldest = job;
        }
    }

    if (oldest
        && oldest->since + (int64_t) zone->keep
           > ngx_http_task_job_clock())
    {
        return NULL;
    }

    return oldest;
}


ngx_uint_t
ngx_http_task_job_drop(ngx_http_task_job_zone_t *zone, ngx_uint_t first,
    ngx_uint_t last, ngx_uint_t result)
{
    ngx_http_task_record_t  *job;

    job = ngx_http_task_job_oldest(zone, first, last, result);

    if (job == NULL) {
        return 0;
    }

    if (!ngx_http_task_job_is_over(zone, job, ngx_http_task_job_clock())) {
        zone->sh->dropped++;
    }

    ngx_http_task_job_free(zone, job);

    return 1;
}
