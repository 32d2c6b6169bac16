
/*
 * What is told of a job in the shared zone, under its mutex: all of it, or
 * whether it has changed.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static ngx_int_t ngx_http_task_job_copy_result(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op);


/* copies the job, and its result and events into the pool */

ngx_int_t
ngx_http_task_job_see(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op)
{
    ngx_int_t                rc;
    ngx_http_task_record_t  *job;

    ngx_http_task_job_lock(zone);

    ngx_http_task_job_expire(zone);

    job = ngx_http_task_job_find(zone, op->id);

    if (job == NULL) {
        ngx_http_task_job_unlock(zone);
        return NGX_DECLINED;
    }

    ngx_http_task_job_copy(&op->seen, job);

    rc = ngx_http_task_job_copy_result(zone, job, op);

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_events_see(zone, job, op);
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


/* copies the result with its type, and a null behind it */

static ngx_int_t
ngx_http_task_job_copy_result(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op)
{
    u_char                     *p;
    ngx_http_task_job_chain_t   chain;

    p = ngx_pnalloc(op->pool, (size_t) job->length + 1);

    if (p == NULL || job->type > job->length) {
        return NGX_ERROR;
    }

    chain.job = job - zone->sh->jobs;
    chain.first = &job->block;
    chain.block = NGX_HTTP_TASK_JOB_NONE;
    chain.at = 0;

    if (ngx_http_task_job_chain_read(zone, &chain, p, job->length) != NGX_OK) {
        return NGX_ERROR;
    }

    p[job->length] = '\0';

    op->seen.type.data = p;
    op->seen.type.len = job->type;
    op->seen.result.data = p + job->type;
    op->seen.result.len = job->length - job->type;

    return NGX_OK;
}


/* called again and again for who watches: any change changes version */

ngx_int_t
ngx_http_task_job_peek(ngx_http_task_job_zone_t *zone, u_char *id,
    uint64_t *version, ngx_uint_t *ended)
{
    ngx_uint_t               state;
    ngx_http_task_record_t  *job;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, id);

    if (job) {
        state = ngx_http_task_atomic_get(&job->state);

        *version = ngx_http_task_job_events(job)->number << 40
                   | ngx_http_task_job_change(job);
        *ended = (state >= NGX_HTTP_TASK_JOB_DONE);

        job->wanted = ngx_http_task_job_clock() + NGX_HTTP_TASK_JOB_WANTED;
    }

    ngx_http_task_job_unlock(zone);

    return job ? NGX_OK : NGX_DECLINED;
}
