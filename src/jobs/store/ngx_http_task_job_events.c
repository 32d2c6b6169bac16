
/*
 * The events of a job, as its function streams them: the newest ones are kept
 * in the zone, until the job is freed.
 *
 * What counts of them is written to the one of job->events that does not count
 * yet, and then this one does: a process may be killed at any moment.
 */


#include "jobs/store/ngx_http_task_job_zone.h"
#include "text/ngx_http_task_event.h"


static ngx_int_t ngx_http_task_job_events_copy(
    ngx_http_task_job_zone_t *zone, ngx_http_task_record_t *job,
    ngx_http_task_store_op_t *op);
static size_t ngx_http_task_job_events_behind(ngx_str_t *text, ngx_str_t *id);
static void ngx_http_task_job_events_none(ngx_http_task_job_events_t *events);


ngx_uint_t
ngx_http_task_job_events_blocks(ngx_http_task_record_t *job)
{
    ngx_http_task_job_events_t  *events;

    events = ngx_http_task_job_events(job);

    return events->length ? ngx_http_task_job_blocks((size_t) events->skip
                                                     + events->length)
                          : 0;
}


void
ngx_http_task_job_events_count(ngx_http_task_record_t *job,
    ngx_http_task_job_events_t *events)
{
    uint32_t  which;

    which = (job->which + 1) & 1;

    job->events[which] = *events;
    ngx_http_task_job_order();

    job->which = which;
    ngx_http_task_job_order();
}


void
ngx_http_task_job_events_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_chain_t *chain)
{
    ngx_http_task_job_events_t  *events;

    events = ngx_http_task_job_events(job);

    chain->job = ngx_http_task_job_events_mark(zone, job);
    chain->first = &events->first;
    chain->block = events->first;
    chain->at = events->skip;
}


ngx_int_t
ngx_http_task_job_events_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                     first;
    ngx_uint_t                   blocks;
    ngx_http_task_job_events_t   events;

    blocks = ngx_http_task_job_events_blocks(job);

    if (blocks == 0) {
        return NGX_OK;
    }

    events = *ngx_http_task_job_events(job);
    first = events.first;

    ngx_http_task_job_events_none(&events);
    ngx_http_task_job_events_count(job, &events);

    return ngx_http_task_job_chain_free(zone,
                                     ngx_http_task_job_events_mark(zone, job),
                                     first, blocks, &first);
}


ngx_int_t
ngx_http_task_job_events_see(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op)
{
    size_t                       n;
    ngx_str_t                   *text;
    ngx_http_task_job_events_t  *events;

    events = ngx_http_task_job_events(job);
    text = &op->seen.events;

    op->seen.event = events->number;
    text->len = 0;

    if (!op->events || events->length == 0 || op->behind >= events->number) {
        return NGX_OK;
    }

    if (ngx_http_task_job_events_copy(zone, job, op) != NGX_OK) {
        return NGX_ERROR;
    }

    if (op->behind == 0 && op->behind_id.len) {
        n = ngx_http_task_job_events_behind(text, &op->behind_id);

        text->data += n;
        text->len -= n;
    }

    return NGX_OK;
}


/* those behind a number; there is at least one */

static ngx_int_t
ngx_http_task_job_events_copy(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op)
{
    u_char                      *p;
    uint32_t                     length, left;
    uint64_t                     number;
    ngx_http_task_job_chain_t    chain;
    ngx_http_task_job_events_t  *events;

    p = NULL;
    events = ngx_http_task_job_events(job);

    ngx_http_task_job_events_begin(zone, job, &chain);

    number = events->number - events->count + 1;

    for (left = events->length; left; left -= length) {

        if (ngx_http_task_job_chain_read(zone, &chain, &length,
                                         sizeof(uint32_t))
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        left -= ngx_min(left, sizeof(uint32_t));

        if (p == NULL && number++ > op->behind) {
            p = ngx_pnalloc(op->pool, left);

            if (p == NULL) {
                return NGX_ERROR;
            }

            op->seen.events.data = p;
        }

        if (length > left
            || ngx_http_task_job_chain_read(zone, &chain, p, length) != NGX_OK)
        {
            ngx_http_task_job_damaged(zone, "an event ends too early");
            return NGX_ERROR;
        }

        p += p ? length : 0;
    }

    op->seen.events.len = p ? p - op->seen.events.data : 0;

    return NGX_OK;
}


/* returns where the text behind the last event of this id begins, or 0 */

static size_t
ngx_http_task_job_events_behind(ngx_str_t *text, ngx_str_t *id)
{
    u_char                      *p, *end, *last;
    size_t                       len, n;
    const u_char                *found;
    ngx_http_task_event_scan_t   scan;

    ngx_memzero(&scan, sizeof(ngx_http_task_event_scan_t));

    n = 0;
    last = text->data + text->len;

    for (p = text->data; p < last; p = end) {
        end = ngx_http_task_event_end(&scan, p, last);

        if (end == NULL) {
            break;
        }

        found = ngx_http_task_event_id(p, end - p, &len);

        if (found && len == id->len && ngx_memcmp(found, id->data, len) == 0) {
            n = end - text->data;
        }
    }

    return n;
}


/* a chain that is broken is dropped: no block of it is reached */

void
ngx_http_task_job_events_reach(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    uint32_t                     i, mark;
    ngx_uint_t                   n, blocks;
    ngx_http_task_job_events_t  *events;

    events = ngx_http_task_job_events(job);
    mark = (uint32_t) (job - sh->jobs) | NGX_HTTP_TASK_JOB_EVENTS;
    blocks = ngx_http_task_job_events_blocks(job);

    for (n = 0, i = events->first; n < blocks; n++, i = sh->blocks[i].next) {

        if (i >= sh->used_blocks
            || (sh->blocks[i].job & ~NGX_HTTP_TASK_JOB_REACHED) != mark)
        {
            ngx_http_task_job_events_none(events);
            return;
        }
    }

    for (n = 0, i = events->first; n < blocks; n++, i = sh->blocks[i].next) {
        sh->blocks[i].job = mark | NGX_HTTP_TASK_JOB_REACHED;
    }
}


static void
ngx_http_task_job_events_none(ngx_http_task_job_events_t *events)
{
    events->count = 0;
    events->length = 0;
    events->first = NGX_HTTP_TASK_JOB_NONE;
    events->last = NGX_HTTP_TASK_JOB_NONE;
    events->skip = 0;
}
