
/*
 * The results of jobs, in blocks of the shared zone: written, and given back.
 */


#include "task/ngx_http_task.h"


static ngx_uint_t ngx_http_task_job_blocks(size_t length);
static ngx_uint_t ngx_http_task_job_can_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t need);
static uint32_t ngx_http_task_job_take_block(ngx_http_task_job_sh_t *sh);


ngx_int_t
ngx_http_task_job_store(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_str_t *result)
{
    size_t                      left, n;
    u_char                     *p;
    uint32_t                   *link;
    ngx_uint_t                  need, have;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_block_t  *block;

    sh = zone->sh;
    need = ngx_http_task_job_blocks(result->len);

    if (result->len > zone->max_result || need > sh->nblocks) {
        return NGX_DECLINED;
    }

    have = sh->free_blocks + sh->nblocks - sh->used_blocks;

    if (need > have && !ngx_http_task_job_can_drop(zone, need - have)) {
        return NGX_BUSY;
    }

    while (need > sh->free_blocks + sh->nblocks - sh->used_blocks) {

        if (!ngx_http_task_job_drop(zone, 0, NGX_HTTP_TASK_JOB_SHARES, 1)) {
            ngx_http_task_job_damaged(zone, "blocks are missing");
            return NGX_BUSY;
        }
    }

    link = &job->block;
    p = result->data;

    for (left = result->len; left; left -= n) {
        *link = ngx_http_task_job_take_block(sh);
        block = &sh->blocks[*link];

        n = ngx_min(left, sizeof(block->data));

        block->job = job - sh->jobs;
        block->next = NGX_HTTP_TASK_JOB_NONE;
        ngx_memcpy(block->data, p, n);

        p += n;
        link = &block->next;
    }

    job->length = result->len;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_task_job_blocks(size_t length)
{
    size_t  size;

    size = sizeof(((ngx_http_task_job_block_t *) 0)->data);

    return (length + size - 1) / size;
}


/* whether so many blocks come free when the oldest results are dropped */

static ngx_uint_t
ngx_http_task_job_can_drop(ngx_http_task_job_zone_t *zone, ngx_uint_t need)
{
    int64_t                  until;
    uint32_t                 i;
    ngx_uint_t               n, blocks;
    ngx_http_task_job_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    until = ngx_http_task_job_clock() - (int64_t) zone->keep;
    blocks = 0;

    for (n = 0; n < NGX_HTTP_TASK_JOB_SHARES; n++) {

        /* each has one block at least: no more steps than blocks are needed */

        for (i = sh->shares[n].ended[1].oldest;
             i < sh->used_jobs && blocks < need;
             i = job->newer)
        {
            job = &sh->jobs[i];

            if (job->since > until) {
                break;
            }

            blocks += ngx_http_task_job_blocks(job->length);
        }
    }

    return blocks >= need;
}


static uint32_t
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


/* those of its result; NGX_ERROR: the zone was rebuilt */

ngx_int_t
ngx_http_task_job_free_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job)
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
