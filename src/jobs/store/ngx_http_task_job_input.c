
/*
 * What a job is made of, in blocks of the zone: it is there as long as the job
 * may run.  Where jobs may be tried again, it is kept of one that has ended,
 * until the blocks are needed for anything else.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


void
ngx_http_task_job_input_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_chain_t *chain)
{
    chain->job = (uint32_t) (job - zone->sh->jobs) | NGX_HTTP_TASK_JOB_INPUT;
    chain->first = &job->input;
    chain->block = NGX_HTTP_TASK_JOB_NONE;
    chain->at = 0;
}


/* there must be room; the record is free yet */

void
ngx_http_task_job_input_write(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *head, ngx_str_t *body)
{
    ngx_http_task_job_chain_t  chain;

    ngx_http_task_job_input_begin(zone, job, &chain);

    ngx_http_task_job_chain_write(zone->sh, &chain, head->data, head->len);
    ngx_http_task_job_chain_write(zone->sh, &chain, body->data, body->len);

    job->input_length = head->len + body->len;
    job->input_last = chain.block;
}


/*
 * There may be thousands of blocks: they go to the free ones together, with the
 * number of the job on them, which means nothing as no chain leads there.
 */

ngx_int_t
ngx_http_task_job_input_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_uint_t               n;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    n = ngx_http_task_job_blocks(job->input_length);

    if (n == 0) {
        return NGX_OK;
    }

    ngx_http_task_job_input_unkeep(sh, job);

    job->input_length = 0;
    ngx_http_task_job_order();

    if (job->input >= sh->used_blocks || job->input_last >= sh->used_blocks) {
        ngx_http_task_job_damaged(zone, "an input leads nowhere");
        return NGX_ERROR;
    }

    sh->blocks[job->input_last].next = sh->free_block;
    sh->free_block = job->input;
    sh->free_blocks += n;

    return NGX_OK;
}


void
ngx_http_task_job_input_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    if (zone->store->lists && job->input_length
        && ngx_http_task_job_may_retry(ngx_http_task_atomic_get(&job->state)))
    {
        ngx_http_task_job_input_keep(zone->sh, job);

    } else {
        (void) ngx_http_task_job_input_free(zone, job);
    }
}


ngx_uint_t
ngx_http_task_job_may_retry(ngx_uint_t state)
{
    return state == NGX_HTTP_TASK_JOB_FAILED
           || state == NGX_HTTP_TASK_JOB_LOST
           || state == NGX_HTTP_TASK_JOB_DEAD;
}


void
ngx_http_task_job_input_keep(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    uint32_t  i;

    i = job - sh->jobs;

    job->kept = 1;
    job->kept_older = sh->kept.newest;
    job->kept_newer = NGX_HTTP_TASK_JOB_NONE;

    if (sh->kept.newest == NGX_HTTP_TASK_JOB_NONE) {
        sh->kept.oldest = i;

    } else {
        sh->jobs[sh->kept.newest].kept_newer = i;
    }

    sh->kept.newest = i;
    sh->kept_blocks += ngx_http_task_job_blocks(job->input_length);
}


/* those that were kept before are newer */

void
ngx_http_task_job_input_keep_first(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    uint32_t  i;

    i = job - sh->jobs;

    job->kept = 1;
    job->kept_older = NGX_HTTP_TASK_JOB_NONE;
    job->kept_newer = sh->kept.oldest;

    if (sh->kept.oldest == NGX_HTTP_TASK_JOB_NONE) {
        sh->kept.newest = i;

    } else {
        sh->jobs[sh->kept.oldest].kept_older = i;
    }

    sh->kept.oldest = i;
    sh->kept_blocks += ngx_http_task_job_blocks(job->input_length);
}


void
ngx_http_task_job_input_unkeep(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    if (!job->kept) {
        return;
    }

    job->kept = 0;

    if (job->kept_older == NGX_HTTP_TASK_JOB_NONE) {
        sh->kept.oldest = job->kept_newer;

    } else {
        sh->jobs[job->kept_older].kept_newer = job->kept_newer;
    }

    if (job->kept_newer == NGX_HTTP_TASK_JOB_NONE) {
        sh->kept.newest = job->kept_older;

    } else {
        sh->jobs[job->kept_newer].kept_older = job->kept_older;
    }

    sh->kept_blocks -= ngx_http_task_job_blocks(job->input_length);
}


ngx_uint_t
ngx_http_task_job_input_drop(ngx_http_task_job_zone_t *zone)
{
    ngx_http_task_job_sh_t  *sh;
    ngx_http_task_record_t  *job;

    sh = zone->sh;

    if (sh->kept.oldest == NGX_HTTP_TASK_JOB_NONE) {
        return 0;
    }

    if (sh->kept.oldest >= sh->used_jobs) {
        ngx_http_task_job_damaged(zone, "a kept input leads nowhere");
        return 0;
    }

    job = &sh->jobs[sh->kept.oldest];

    if (ngx_http_task_job_input_free(zone, job) != NGX_OK) {
        return 0;
    }

    ngx_http_task_job_mark(sh, job);

    return 1;
}


/*
 * One that is broken is dropped: the job cannot be made any more.  Of one that
 * was being written, the last block is that of input_length.
 */

void
ngx_http_task_job_input_reach(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    uint32_t    i, mark;
    ngx_uint_t  n, blocks;

    mark = (uint32_t) (job - sh->jobs) | NGX_HTTP_TASK_JOB_INPUT;
    blocks = ngx_http_task_job_blocks(job->input_length);

    if (job->state >= NGX_HTTP_TASK_JOB_DONE
        && !ngx_http_task_job_may_retry(job->state))
    {
        job->input_length = 0;
        return;
    }

    for (n = 0, i = job->input; n < blocks; n++, i = sh->blocks[i].next) {

        if (i >= sh->used_blocks
            || (sh->blocks[i].job & ~NGX_HTTP_TASK_JOB_REACHED) != mark)
        {
            job->input_length = 0;
            return;
        }
    }

    for (n = 0, i = job->input; n < blocks; n++, i = sh->blocks[i].next) {
        sh->blocks[i].job = mark | NGX_HTTP_TASK_JOB_REACHED;
        job->input_last = i;
    }
}
