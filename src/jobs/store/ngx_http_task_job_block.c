
/*
 * The blocks of the shared zone, which hold the results of jobs: how they are
 * taken, and freed.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


ngx_uint_t
ngx_http_task_job_blocks(size_t length)
{
    size_t  size;

    size = sizeof(((ngx_http_task_job_block_t *) 0)->data);

    return (length + size - 1) / size;
}


uint32_t
ngx_http_task_job_take_block(ngx_http_task_job_sh_t *sh)
{
    uint32_t  i;

    i = sh->free_block;

    if (i == NGX_HTTP_TASK_JOB_NONE) {
        i = sh->used_blocks;

        sh->blocks[i].job = NGX_HTTP_TASK_JOB_NONE;
        ngx_http_task_job_order();

        sh->used_blocks = i + 1;
        ngx_http_task_job_order();

        return i;
    }

    sh->free_block = sh->blocks[i].next;
    sh->free_blocks--;

    return i;
}


ngx_int_t
ngx_http_task_job_free_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                    i, next, owner;
    ngx_uint_t                  n;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_block_t  *block;

    sh = zone->sh;
    owner = job - sh->jobs;
    i = job->block;

    for (n = ngx_http_task_job_blocks(job->length); n; n--, i = next) {

        if (i >= sh->used_blocks || sh->blocks[i].job != owner) {
            ngx_http_task_job_damaged(zone, "a result ends too early");
            return NGX_ERROR;
        }

        block = &sh->blocks[i];
        next = block->next;

        block->job = NGX_HTTP_TASK_JOB_NONE;
        block->next = sh->free_block;
        sh->free_block = i;
        sh->free_blocks++;
    }

    job->block = NGX_HTTP_TASK_JOB_NONE;

    return NGX_OK;
}
