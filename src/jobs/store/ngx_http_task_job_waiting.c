
/*
 * Jobs that wait in a zone, queue by queue, the oldest first, and the workers
 * that wait for them.
 *
 * A worker that has room and finds no job in a queue is hungry.  When a job
 * comes, one of the hungry is told, and is hungry no more: it claims the job,
 * or, if it has no room any more, passes on the word.  A worker that was told
 * may be killed: so each of them also looks once in a while.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


/* a job that waits again is put behind at most so many others */

#define NGX_HTTP_TASK_JOB_AHEAD  64


static ngx_uint_t ngx_http_task_job_take_hungry(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_waiting_t *queue);


ngx_http_task_job_waiting_t *
ngx_http_task_job_queue_find(ngx_http_task_job_zone_t *zone, uint64_t hash)
{
    ngx_uint_t               i;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        if (ngx_http_task_atomic_get(&sh->queues[i].hash) == hash) {
            return &sh->queues[i];
        }
    }

    return NULL;
}


/* an unused one becomes this queue; else one that has no job any more */

ngx_http_task_job_waiting_t *
ngx_http_task_job_queue(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue)
{
    ngx_uint_t                    i;
    ngx_http_task_job_sh_t       *sh;
    ngx_http_task_job_waiting_t  *q, *unused;

    sh = zone->sh;
    q = ngx_http_task_job_queue_find(zone, queue->hash);

    if (q) {
        return q;
    }

    unused = ngx_http_task_job_queue_find(zone, 0);

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES && unused == NULL; i++) {
        if (sh->queues[i].jobs == 0) {
            unused = &sh->queues[i];
        }
    }

    if (unused == NULL) {
        return NULL;
    }

    ngx_http_task_atomic_set(&unused->hash, 0);

    ngx_memzero(unused->hungry, sizeof(unused->hungry));
    ngx_memzero(unused->coming, sizeof(unused->coming));
    ngx_memcpy(unused->name, queue->name.data, queue->name.len);
    unused->length = queue->name.len;

    ngx_http_task_atomic_set(&unused->hash, queue->hash);

    return unused;
}


ngx_uint_t
ngx_http_task_job_queue_hungry(ngx_http_task_job_waiting_t *queue)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS / 64; i++) {
        n += __builtin_popcountll(queue->hungry[i]);
    }

    return n;
}


/* each of them can take one, and so can each that is coming for one */

ngx_uint_t
ngx_http_task_job_queue_room(ngx_http_task_job_waiting_t *queue)
{
    ngx_uint_t  i, n;

    n = ngx_http_task_job_queue_hungry(queue);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS / 64; i++) {
        n += __builtin_popcountll(queue->coming[i]);
    }

    return n;
}


void
ngx_http_task_job_queue_up(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                      i;
    ngx_uint_t                    n;
    ngx_http_task_job_sh_t       *sh;
    ngx_http_task_record_t       *before;
    ngx_http_task_job_waiting_t  *queue;

    sh = zone->sh;
    queue = &sh->queues[job->queue];
    before = NULL;

    /* its worker may have been killed when it was about to begin */

    job->started = 0;
    job->attempt = job->lost;
    ngx_http_task_job_order();

    job->owner = NGX_HTTP_TASK_JOB_NONE;

    ngx_http_task_job_mark(sh, job);

    i = queue->list.newest;

    /* a new one is the last; one that waited before is one of the first */

    if (i < sh->used_jobs && sh->jobs[i].since > job->since) {
        i = queue->list.oldest;

        for (n = 0; i < sh->used_jobs && n < NGX_HTTP_TASK_JOB_AHEAD; n++) {
            before = &sh->jobs[i];

            if (before->since > job->since) {
                break;
            }

            i = before->newer;
        }
    }

    ngx_http_task_job_insert(sh, &queue->list, before, job);

    ngx_http_task_atomic_set(&queue->waiting, queue->waiting + 1);

    ngx_http_task_job_queue_tell(zone, queue);
}


void
ngx_http_task_job_queue_leave(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_waiting_t  *queue;

    queue = &zone->sh->queues[job->queue];

    ngx_http_task_job_remove(zone->sh, &queue->list, job);
    ngx_http_task_atomic_set(&queue->waiting, queue->waiting - 1);
}


void
ngx_http_task_job_own(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    job->incarnation = zone->owner->incarnation;
    job->attempt = job->lost + 1;
    ngx_http_task_job_order();

    job->owner = zone->owner - zone->sh->owners;

    ngx_http_task_job_append(zone->sh, &zone->owner->list, job);
    zone->owner->jobs++;

    ngx_http_task_job_mark(zone->sh, job);
}


/* unlock() wakes it */

void
ngx_http_task_job_queue_tell(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_waiting_t *queue)
{
    ngx_uint_t  i;

    i = ngx_http_task_job_take_hungry(zone, queue);

    if (i == NGX_HTTP_TASK_JOB_OWNERS) {
        return;
    }

    if (zone->wake != NGX_HTTP_TASK_JOB_NONE) {
        ngx_http_task_wake(zone->wake);
    }

    queue->coming[i / 64] |= (uint64_t) 1 << i % 64;

    zone->wake = zone->sh->owners[i].worker;
    queue->told = ngx_http_task_job_clock();
}


/*
 * Each in turn, and this worker last, as its loop is at work; returns the place
 * of an owner, or that behind the last one.
 */

static ngx_uint_t
ngx_http_task_job_take_hungry(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_waiting_t *queue)
{
    uint64_t    bits;
    ngx_uint_t  i, n, own, word;

    i = zone->sh->told;
    own = zone->owner ? (ngx_uint_t) (zone->owner - zone->sh->owners)
                      : NGX_HTTP_TASK_JOB_OWNERS;

    /* the word in which it begins is looked at twice: first behind that bit */

    for (n = 0; n <= NGX_HTTP_TASK_JOB_OWNERS / 64; n++) {
        word = (i / 64 + n) % (NGX_HTTP_TASK_JOB_OWNERS / 64);
        bits = queue->hungry[word];

        if (n == 0) {
            bits &= ~(uint64_t) 1 << i % 64;
        }

        if (own / 64 == word) {
            bits &= ~((uint64_t) 1 << own % 64);
        }

        if (bits) {
            i = word * 64 + __builtin_ctzll(bits);

            queue->hungry[word] &= ~((uint64_t) 1 << i % 64);
            zone->sh->told = i;

            return i;
        }
    }

    if (zone->owner && (queue->hungry[own / 64] & (uint64_t) 1 << own % 64)) {
        ngx_http_task_job_hungry(zone, queue, 0);
        return own;
    }

    return NGX_HTTP_TASK_JOB_OWNERS;
}


void
ngx_http_task_job_hungry(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_waiting_t *queue, ngx_uint_t hungry)
{
    uint64_t    bit;
    ngx_uint_t  i;

    i = zone->owner - zone->sh->owners;
    bit = (uint64_t) 1 << i % 64;

    queue->coming[i / 64] &= ~bit;

    if (hungry) {
        queue->hungry[i / 64] |= bit;

    } else {
        queue->hungry[i / 64] &= ~bit;
    }
}


/* an owner that is gone is told of nothing */

void
ngx_http_task_job_sated(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner)
{
    ngx_uint_t  i, n;

    i = owner - zone->sh->owners;

    for (n = 0; n < NGX_HTTP_TASK_JOB_QUEUES; n++) {
        zone->sh->queues[n].hungry[i / 64] &= ~((uint64_t) 1 << i % 64);
        zone->sh->queues[n].coming[i / 64] &= ~((uint64_t) 1 << i % 64);
    }
}
