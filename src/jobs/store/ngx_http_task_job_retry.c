
/*
 * A job of a zone that has failed, or was lost, is queued again: behind those
 * that wait by then, under the id that its client knows.  Under the mutex.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static void ngx_http_task_job_renew(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);


ngx_int_t
ngx_http_task_job_retry(ngx_http_task_job_zone_t *zone, u_char *id)
{
    ngx_int_t                rc;
    ngx_http_task_record_t  *job;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, id);

    if (job == NULL) {
        rc = NGX_DECLINED;

    } else if (job->busy || !ngx_http_task_job_may_retry(
                                         ngx_http_task_atomic_get(&job->state)))
    {
        rc = NGX_BUSY;

    } else if (job->input_length == 0) {
        rc = NGX_ABORT;

    } else {
        ngx_http_task_job_renew(zone, job);
        rc = NGX_OK;
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


/*
 * What the state says counts: what is written before it means nothing to a job
 * that has ended, and what is written behind it a rebuild does, too.
 */

static void
ngx_http_task_job_renew(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_uint_t               state;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    state = ngx_http_task_atomic_get(&job->state);

    ngx_http_task_job_remove(sh, ngx_http_task_job_list(sh, job), job);
    ngx_http_task_job_input_unkeep(sh, job);

    sh->states[state]--;
    sh->retried++;

    job->owner = NGX_HTTP_TASK_JOB_NONE;
    job->cancel = 0;
    job->before += job->attempt;
    job->attempt = 0;
    job->lost = 0;
    job->again = 0;
    job->turn = ++sh->order;
    job->accepted = ngx_http_task_job_clock();
    ngx_http_task_job_order();

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_QUEUED);
    ngx_http_task_job_order();

    /* if the zone is damaged, it is rebuilt */

    (void) ngx_http_task_job_chain_free(zone, job - sh->jobs, job->block,
                                        ngx_http_task_job_blocks(job->length),
                                        &job->block);

    job->block = NGX_HTTP_TASK_JOB_NONE;
    job->length = 0;
    job->type = 0;
    job->status = 0;
    job->ended = 0;
    job->since = job->turn;

    ngx_http_task_job_unbegin(job);
    ngx_http_task_job_queue_up(zone, job);
}
