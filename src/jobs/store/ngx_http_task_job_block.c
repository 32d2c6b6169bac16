
/*
 * The blocks of the shared zone, which hold the results and the events of jobs:
 * how they are taken, written, read and freed.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static uint32_t ngx_http_task_job_take_block(ngx_http_task_job_sh_t *sh);


ngx_uint_t
ngx_http_task_job_blocks(size_t length)
{
    return (length + NGX_HTTP_TASK_JOB_DATA - 1) / NGX_HTTP_TASK_JOB_DATA;
}


ngx_uint_t
ngx_http_task_job_free_count(ngx_http_task_job_sh_t *sh)
{
    return sh->free_blocks + sh->nblocks - sh->used_blocks;
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


void
ngx_http_task_job_chain_write(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_chain_t *chain, const void *data, size_t n)
{
    size_t                      size;
    uint32_t                    i, *link;
    const u_char               *p;
    ngx_http_task_job_block_t  *block;

    for (p = data; n; p += size, n -= size) {

        if (chain->block == NGX_HTTP_TASK_JOB_NONE
            || chain->at == NGX_HTTP_TASK_JOB_DATA)
        {
            i = ngx_http_task_job_take_block(sh);

            block = &sh->blocks[i];
            block->next = NGX_HTTP_TASK_JOB_NONE;
            block->job = chain->job;

            link = (chain->block == NGX_HTTP_TASK_JOB_NONE)
                   ? chain->first : &sh->blocks[chain->block].next;
            *link = i;

            chain->block = i;
            chain->at = 0;
        }

        size = ngx_min(n, NGX_HTTP_TASK_JOB_DATA - chain->at);

        ngx_memcpy(sh->blocks[chain->block].data + chain->at, p, size);

        chain->at += size;
    }
}


ngx_int_t
ngx_http_task_job_chain_read(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_chain_t *chain, void *data, size_t n)
{
    size_t                   size;
    u_char                  *p;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    for (p = data; n; n -= size) {

        if (chain->block == NGX_HTTP_TASK_JOB_NONE) {
            chain->block = *chain->first;

        } else if (chain->at == NGX_HTTP_TASK_JOB_DATA) {
            chain->block = sh->blocks[chain->block].next;
            chain->at = 0;
        }

        /* a long input is read without the mutex, while others may rebuild */

        if (chain->block >= sh->used_blocks
            || (sh->blocks[chain->block].job & ~NGX_HTTP_TASK_JOB_REACHED)
               != chain->job)
        {
            ngx_http_task_job_damaged(zone, "a result ends too early");
            return NGX_ERROR;
        }

        size = ngx_min(n, NGX_HTTP_TASK_JOB_DATA - chain->at);

        if (p) {
            p = ngx_cpymem(p, sh->blocks[chain->block].data + chain->at, size);
        }

        chain->at += size;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_job_chain_free(ngx_http_task_job_zone_t *zone, uint32_t job,
    uint32_t i, ngx_uint_t n, uint32_t *next)
{
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_block_t  *block;

    sh = zone->sh;
    *next = i;

    for ( /* void */ ; n; n--, i = *next) {

        if (i >= sh->used_blocks || sh->blocks[i].job != job) {
            ngx_http_task_job_damaged(zone, "a result ends too early");
            return NGX_ERROR;
        }

        block = &sh->blocks[i];
        *next = block->next;

        block->job = NGX_HTTP_TASK_JOB_NONE;
        block->next = sh->free_block;
        sh->free_block = i;
        sh->free_blocks++;
    }

    return NGX_OK;
}
