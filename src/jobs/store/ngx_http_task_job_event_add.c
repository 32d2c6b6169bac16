
/*
 * An event of a job is added: the oldest ones of the job go for it, and, if the
 * zone has no room, jobs that have ended.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static ngx_int_t ngx_http_task_job_events_room(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, size_t size);
static ngx_int_t ngx_http_task_job_events_drop(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);


ngx_int_t
ngx_http_task_job_events_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *text)
{
    uint32_t                     length;
    ngx_http_task_job_chain_t    chain;
    ngx_http_task_job_events_t   events;

    length = text->len;

    if (ngx_http_task_job_events_room(zone, job, sizeof(uint32_t) + text->len)
        != NGX_OK)
    {
        return NGX_BUSY;
    }

    events = *ngx_http_task_job_events(job);

    chain.job = ngx_http_task_job_events_mark(zone, job);
    chain.first = &events.first;
    chain.block = NGX_HTTP_TASK_JOB_NONE;
    chain.at = 0;

    if (events.length == 0) {
        events.skip = 0;

    } else {
        chain.block = events.last;
        chain.at = (events.skip + events.length - 1) % NGX_HTTP_TASK_JOB_DATA
                   + 1;
    }

    ngx_http_task_job_chain_write(zone->sh, &chain, &length, sizeof(uint32_t));
    ngx_http_task_job_chain_write(zone->sh, &chain, text->data, text->len);

    events.number++;
    events.count++;
    events.length += sizeof(uint32_t) + text->len;
    events.last = chain.block;

    ngx_http_task_job_events_count(job, &events);

    return NGX_OK;
}


/* drops old events of the job until it may have so many bytes more */

static ngx_int_t
ngx_http_task_job_events_room(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, size_t size)
{
    ngx_uint_t                   need;
    ngx_http_task_job_events_t  *events;

    for ( ;; ) {
        events = ngx_http_task_job_events(job);

        need = ngx_http_task_job_blocks(events->skip + events->length + size)
               - ngx_http_task_job_events_blocks(job);

        if (events->length + size - (events->count + 1) * sizeof(uint32_t)
            <= zone->store->max_events
            && ngx_http_task_job_make_room(zone, need) == NGX_OK)
        {
            return NGX_OK;
        }

        if (events->length == 0
            || ngx_http_task_job_events_drop(zone, job) != NGX_OK)
        {
            return NGX_BUSY;
        }
    }
}


/* drops the oldest event; there must be one */

static ngx_int_t
ngx_http_task_job_events_drop(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                     length, next;
    ngx_uint_t                   blocks;
    ngx_http_task_job_chain_t    chain;
    ngx_http_task_job_events_t   events, *now;

    now = ngx_http_task_job_events(job);
    events = *now;

    ngx_http_task_job_events_begin(zone, job, &chain);

    if (ngx_http_task_job_chain_read(zone, &chain, &length, sizeof(uint32_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    length += sizeof(uint32_t);

    if (events.count <= 1 || length >= events.length) {
        return ngx_http_task_job_events_free(zone, job);
    }

    blocks = (events.skip + length) / NGX_HTTP_TASK_JOB_DATA;

    if (ngx_http_task_job_chain_read(zone, &chain, NULL,
                                     length - sizeof(uint32_t) + 1)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    events.count--;
    events.length -= length;
    events.first = chain.block;
    events.skip = (events.skip + length) % NGX_HTTP_TASK_JOB_DATA;

    next = now->first;

    ngx_http_task_job_events_count(job, &events);

    return ngx_http_task_job_chain_free(zone, chain.job, next, blocks, &next);
}
