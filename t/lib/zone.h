
/*
 * A zone of jobs, looked at as a whole, under its mutex: whether each block is
 * in one place, each record in one list, each list whole, and each count right.
 * And inputs of jobs that tell whose they are.
 */


#ifndef _ZONE_H_INCLUDED_
#define _ZONE_H_INCLUDED_


#include "jobs/store/ngx_http_task_job_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define ZONE_LINE(line)   #line
#define ZONE_AT(line)     ZONE_LINE(line)

#define wrong_if(condition)                                                   \
    if (condition) {                                                          \
        zone_wrong = __FILE__ ":" ZONE_AT(__LINE__) ": " #condition;          \
        return 1;                                                             \
    }


#define wrong_in(call)  if (call) { return 1; }


/* what was wrong, if anything was */

static const char  *zone_wrong = "";


/* --- inputs --------------------------------------------------------------- */

/* its number and its length, and what no other number has; or nothing */

static inline void
zone_input(unsigned char *p, size_t length, uint32_t number)
{
    size_t    i;
    uint32_t  head[2];

    for (i = 0; i < length; i++) {
        p[i] = (unsigned char) (number * 31 + i * 7 + i / 256);
    }

    head[0] = number;
    head[1] = (uint32_t) length;

    memcpy(p, head, length < sizeof(head) ? length : sizeof(head));
}


/* the number, if it is whole, or 0; one that is too short has none, either */

static inline uint32_t
zone_input_number(const unsigned char *p, size_t length)
{
    int             same;
    uint32_t        number;
    unsigned char  *right;

    if (length < 2 * sizeof(uint32_t)) {
        return 0;
    }

    memcpy(&number, p, sizeof(number));

    right = malloc(length);
    zone_input(right, length, number);

    same = (memcmp(p, right, length) == 0);

    free(right);

    return same ? number : 0;
}


/* the number of what the zone has as the input of a job */

static inline uint32_t
zone_number(ngx_http_task_job_zone_t *z, ngx_http_task_record_t *job)
{
    uint32_t                    number;
    unsigned char              *p;
    ngx_http_task_job_chain_t   chain;

    p = malloc(job->input_length + 1);
    number = 0;

    ngx_http_task_job_input_begin(z, job, &chain);

    if (ngx_http_task_job_chain_read(z, &chain, p, job->input_length)
        == NGX_OK)
    {
        number = zone_input_number(p, job->input_length);
    }

    free(p);

    return number;
}


/* --- blocks --------------------------------------------------------------- */

static inline int
zone_chain(ngx_http_task_job_sh_t *sh, uint32_t first, size_t length,
    uint32_t mark, unsigned char *seen, uint32_t *last)
{
    uint32_t    i;
    ngx_uint_t  n;

    n = ngx_http_task_job_blocks(length);
    *last = NGX_HTTP_TASK_JOB_NONE;

    for (i = first; n; n--, i = sh->blocks[i].next) {
        wrong_if(i >= sh->used_blocks);
        wrong_if(seen[i]++);
        wrong_if(sh->blocks[i].job != mark);

        *last = i;
    }

    return 0;
}


static inline int
zone_job_blocks(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job,
    unsigned char *seen)
{
    uint32_t                     i, last;
    ngx_http_task_job_events_t  *events;

    i = job - sh->jobs;
    events = ngx_http_task_job_events(job);

    wrong_in(zone_chain(sh, job->input, job->input_length,
                        i | NGX_HTTP_TASK_JOB_INPUT, seen, &last));
    wrong_if(last != NGX_HTTP_TASK_JOB_NONE && last != job->input_last);

    wrong_in(zone_chain(sh, events->first,
                        events->length ? events->skip + events->length : 0,
                        i | NGX_HTTP_TASK_JOB_EVENTS, seen, &last));
    wrong_if(events->length && last != events->last);

    if (job->state < NGX_HTTP_TASK_JOB_DONE) {
        wrong_if(job->length);
        return 0;
    }

    wrong_in(zone_chain(sh, job->block, job->length, i, seen, &last));
    wrong_if(last != NGX_HTTP_TASK_JOB_NONE
             && sh->blocks[last].next != NGX_HTTP_TASK_JOB_NONE);

    return 0;
}


static inline int
zone_blocks(ngx_http_task_job_sh_t *sh, unsigned char *seen)
{
    uint32_t                 i, n;
    ngx_http_task_record_t  *job;

    for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {

        if (job->state != NGX_HTTP_TASK_JOB_FREE) {
            wrong_in(zone_job_blocks(sh, job, seen));
        }
    }

    n = 0;

    for (i = sh->free_block; i != NGX_HTTP_TASK_JOB_NONE;
         i = sh->blocks[i].next)
    {
        wrong_if(i >= sh->used_blocks);
        wrong_if(seen[i]++);
        n++;
    }

    wrong_if(n != sh->free_blocks);
    wrong_if(sh->used_blocks > sh->nblocks);

    for (i = 0; i < sh->used_blocks; i++) {
        wrong_if(seen[i] != 1);
    }

    return 0;
}


/* --- records and lists ---------------------------------------------------- */

typedef struct {
    ngx_uint_t  states[NGX_HTTP_TASK_JOB_STATES];
    ngx_uint_t  owners[NGX_HTTP_TASK_JOB_OWNERS];
    ngx_uint_t  shares[NGX_HTTP_TASK_JOB_SHARES];
    ngx_uint_t  waiting[NGX_HTTP_TASK_JOB_QUEUES];
    ngx_uint_t  queues[NGX_HTTP_TASK_JOB_QUEUES];
    ngx_uint_t  again;
    ngx_uint_t  used;
} zone_counts_t;


/* one that has not ended has nothing of an end, one that waits of no run */

static inline int
zone_record(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job,
    zone_counts_t *counts)
{
    if (job->state == NGX_HTTP_TASK_JOB_FREE) {
        return 0;
    }

    wrong_if(job->state >= NGX_HTTP_TASK_JOB_STATES);
    wrong_if(job->share >= NGX_HTTP_TASK_JOB_SHARES);
    wrong_if(job->queue >= NGX_HTTP_TASK_JOB_QUEUES);

    counts->used++;
    counts->shares[job->share]++;
    counts->queues[job->queue]++;

    wrong_if(sh->queues[job->queue].hash == 0);

    if (job->state >= NGX_HTTP_TASK_JOB_DONE) {
        counts->states[job->state]++;
        wrong_if(job->kept != (job->input_length > 0));
        wrong_if(job->kept && !ngx_http_task_job_may_retry(job->state));
        return 0;
    }

    wrong_if(job->kept);
    wrong_if(job->busy || job->ended || job->status);
    wrong_if(job->forgotten && !job->taking && !job->cancel);

    if (job->owner != NGX_HTTP_TASK_JOB_NONE) {
        wrong_if(job->owner >= NGX_HTTP_TASK_JOB_OWNERS);
        counts->owners[job->owner]++;
        return 0;
    }

    wrong_if(job->state != NGX_HTTP_TASK_JOB_QUEUED);
    wrong_if(job->started || job->cancel || job->taking);
    wrong_if(job->attempt != job->lost);

    if (job->again) {
        wrong_if(job->since != job->again);
        wrong_if(job->lost == 0 || job->lost >= job->attempts);
        wrong_if(sh->due == 0 || sh->due > job->again);

        counts->again++;
        return 0;
    }

    wrong_if(job->since <= 0 || job->since > sh->order);

    counts->waiting[job->queue]++;

    return 0;
}


typedef int (*zone_member_pt)(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job, ngx_uint_t place,
    ngx_http_task_job_list_t *list);


static inline int
zone_is_owned(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job,
    ngx_uint_t place, ngx_http_task_job_list_t *list)
{
    return job->owner == place && job->state != NGX_HTTP_TASK_JOB_FREE
           && (job->state < NGX_HTTP_TASK_JOB_DONE || job->busy);
}


static inline int
zone_is_waiting(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job,
    ngx_uint_t place, ngx_http_task_job_list_t *list)
{
    return job->owner == NGX_HTTP_TASK_JOB_NONE && job->queue == place
           && job->again == 0 && job->state == NGX_HTTP_TASK_JOB_QUEUED;
}


static inline int
zone_is_again(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job,
    ngx_uint_t place, ngx_http_task_job_list_t *list)
{
    return job->owner == NGX_HTTP_TASK_JOB_NONE && job->again
           && job->lost == place + 1
           && job->state == NGX_HTTP_TASK_JOB_QUEUED;
}


static inline int
zone_is_kept(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job,
    ngx_uint_t place, ngx_http_task_job_list_t *list)
{
    return job->share == place && job->state >= NGX_HTTP_TASK_JOB_DONE
           && !job->busy && ngx_http_task_job_list(sh, job) == list;
}


static inline int
zone_list(ngx_http_task_job_sh_t *sh, ngx_http_task_job_list_t *list,
    unsigned char *seen, int sorted, zone_member_pt member, ngx_uint_t place,
    ngx_uint_t *n)
{
    uint32_t                 i, older;
    ngx_http_task_record_t  *job;

    *n = 0;
    older = NGX_HTTP_TASK_JOB_NONE;

    for (i = list->oldest; i != NGX_HTTP_TASK_JOB_NONE; i = job->newer) {
        wrong_if(i >= sh->used_jobs);
        wrong_if(seen[i]++);

        job = &sh->jobs[i];

        wrong_if(job->older != older);
        wrong_if(sorted && *n && job->since < sh->jobs[older].since);
        wrong_if(!member(sh, job, place, list));

        older = i;
        (*n)++;
    }

    wrong_if(list->newest != older);

    return 0;
}


/* in the order of acceptance, which is that of their inputs' numbers, but for
   those that are tried again */

static inline int
zone_queue(ngx_http_task_job_zone_t *z, ngx_http_task_job_waiting_t *queue)
{
    uint32_t                 i, number, last;
    ngx_http_task_record_t  *job;

    last = 0;

    for (i = queue->list.oldest; i != NGX_HTTP_TASK_JOB_NONE; i = job->newer) {
        job = &z->sh->jobs[i];

        if (job->input_length < 2 * sizeof(uint32_t) || job->before) {
            continue;
        }

        number = zone_number(z, job);

        wrong_if(number <= last);

        last = number;
    }

    return 0;
}


static inline int
zone_lists(ngx_http_task_job_zone_t *z, unsigned char *seen,
    zone_counts_t *counts)
{
    ngx_uint_t                    i, k, n;
    ngx_http_task_job_sh_t       *sh;
    ngx_http_task_job_waiting_t  *queue;

    sh = z->sh;

    for (i = 0, k = 0; i < NGX_HTTP_TASK_JOB_DELAYS; i++, k += n) {
        wrong_in(zone_list(sh, &sh->again[i], seen, 1, zone_is_again, i, &n));
    }

    wrong_if(counts->again != k);
    wrong_if(counts->again != sh->nagain);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        wrong_in(zone_list(sh, &sh->owners[i].list, seen, 0, zone_is_owned, i,
                           &n));
        wrong_if(counts->owners[i] != sh->owners[i].jobs);
        wrong_if(counts->owners[i] > n);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_SHARES; i++) {

        for (k = 0; k < 2; k++) {
            wrong_in(zone_list(sh, &sh->shares[i].ended[k], seen, 1,
                               zone_is_kept, i, &n));
        }

        wrong_if(counts->shares[i] != sh->shares[i].jobs);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        queue = &sh->queues[i];

        wrong_in(zone_list(sh, &queue->list, seen, 1, zone_is_waiting, i, &n));
        wrong_if(counts->waiting[i] != n);
        wrong_if(counts->waiting[i] != queue->waiting);
        wrong_if(counts->queues[i] != queue->jobs);
        wrong_if(queue->length > NGX_HTTP_TASK_JOB_QUEUE);
        wrong_in(zone_queue(z, queue));

        for (k = 0; k < i && queue->hash; k++) {
            wrong_if(sh->queues[k].hash == queue->hash);
        }
    }

    return 0;
}


/* the inputs of ended jobs */

static inline int
zone_kept(ngx_http_task_job_sh_t *sh)
{
    uint32_t                 i, n, older, blocks;
    ngx_http_task_record_t  *job;

    n = 0;
    blocks = 0;
    older = NGX_HTTP_TASK_JOB_NONE;

    for (i = sh->kept.oldest; i != NGX_HTTP_TASK_JOB_NONE; i = job->kept_newer)
    {
        wrong_if(i >= sh->used_jobs || n++ == sh->used_jobs);

        job = &sh->jobs[i];

        wrong_if(job->kept_older != older);
        wrong_if(!job->kept || job->state < NGX_HTTP_TASK_JOB_DONE);

        blocks += ngx_http_task_job_blocks(job->input_length);
        older = i;
    }

    wrong_if(sh->kept.newest != older);
    wrong_if(sh->kept_blocks != blocks);

    for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {
        n -= (job->state != NGX_HTTP_TASK_JOB_FREE && job->kept);
    }

    wrong_if(n != 0);

    return 0;
}


static inline int
zone_cancels(ngx_http_task_job_sh_t *sh)
{
    uint32_t                 i, k, n, before;
    ngx_http_task_record_t  *job;

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        n = 0;
        before = NGX_HTTP_TASK_JOB_NONE;

        for (k = sh->owners[i].asked; k != NGX_HTTP_TASK_JOB_NONE;
             k = job->asked)
        {
            wrong_if(k >= sh->used_jobs || n++ == sh->used_jobs);

            job = &sh->jobs[k];

            wrong_if(job->owner != i);
            wrong_if(job->cancel != NGX_HTTP_TASK_JOB_CANCEL_ASKED);
            wrong_if(job->asked_before != before);
            wrong_if(job->state == NGX_HTTP_TASK_JOB_FREE
                     || job->state >= NGX_HTTP_TASK_JOB_DONE);

            before = k;
        }
    }

    return 0;
}


static inline int
zone_places(ngx_http_task_job_sh_t *sh, unsigned char *seen, ngx_uint_t used)
{
    uint32_t    i, k;
    ngx_uint_t  n, keyed;

    keyed = 0;

    for (i = sh->free_job; i != NGX_HTTP_TASK_JOB_NONE; i = sh->jobs[i].next) {
        wrong_if(i >= sh->used_jobs);
        wrong_if(seen[i]++);
        wrong_if(sh->jobs[i].state != NGX_HTTP_TASK_JOB_FREE);
    }

    for (i = 0; i < sh->used_jobs; i++) {
        wrong_if(seen[i] != 1);
    }

    n = 0;

    for (i = 0; i < sh->njobs; i++) {
        for (k = sh->buckets[i]; k != NGX_HTTP_TASK_JOB_NONE;
             k = sh->jobs[k].next)
        {
            wrong_if(k >= sh->used_jobs || n++ == used);
            wrong_if(sh->jobs[k].state == NGX_HTTP_TASK_JOB_FREE);
            wrong_if(ngx_http_task_job_bucket(sh, sh->jobs[k].id)
                     != &sh->buckets[i]);
        }
    }

    wrong_if(n != used);

    for (i = 0; i < sh->used_jobs; i++) {
        keyed += (sh->jobs[i].state != NGX_HTTP_TASK_JOB_FREE
                  && sh->jobs[i].keyed);
    }

    for (i = 0; i < sh->njobs; i++) {
        for (k = sh->keys[i]; k != NGX_HTTP_TASK_JOB_NONE;
             k = sh->jobs[k].next_key)
        {
            wrong_if(k >= sh->used_jobs || keyed-- == 0);
            wrong_if(sh->jobs[k].state == NGX_HTTP_TASK_JOB_FREE);
            wrong_if(!sh->jobs[k].keyed);
        }
    }

    wrong_if(keyed != 0);

    return 0;
}


/* --- all of it ------------------------------------------------------------ */

static inline int
zone_whole(ngx_http_task_job_zone_t *z, unsigned char *jobs,
    unsigned char *blocks)
{
    ngx_uint_t               i;
    zone_counts_t            counts;
    ngx_http_task_record_t  *job;
    ngx_http_task_job_sh_t  *sh;

    sh = z->sh;

    memset(&counts, 0, sizeof(counts));

    for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {
        wrong_in(zone_record(sh, job, &counts));
    }

    for (i = NGX_HTTP_TASK_JOB_DONE; i < NGX_HTTP_TASK_JOB_STATES; i++) {
        wrong_if(counts.states[i] != sh->states[i]);
    }

    return zone_blocks(sh, blocks) || zone_lists(z, jobs, &counts)
           || zone_kept(sh) || zone_cancels(sh)
           || zone_places(sh, jobs, counts.used);
}


/* 0, or zone_wrong tells what is wrong */

static inline int
zone_check(ngx_http_task_job_zone_t *z)
{
    int             rc;
    unsigned char  *jobs, *blocks;

    ngx_http_task_job_lock(z);

    jobs = calloc(z->sh->njobs + 1, 1);
    blocks = calloc(z->sh->nblocks + 1, 1);

    rc = zone_whole(z, jobs, blocks);

    free(jobs);
    free(blocks);

    ngx_http_task_job_unlock(z);

    return rc;
}


/* nobody is hungry who is gone: right after a sweep */

static inline int
zone_check_hungry(ngx_http_task_job_zone_t *z)
{
    ngx_uint_t  i, n;

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {

        if (z->sh->owners[i].incarnation) {
            continue;
        }

        for (n = 0; n < NGX_HTTP_TASK_JOB_QUEUES; n++) {
            wrong_if(z->sh->queues[n].hungry[i / 64] >> i % 64 & 1);
        }
    }

    return 0;
}


#endif /* _ZONE_H_INCLUDED_ */
