
/*
 * The mutex of a zone of jobs, and what happens when the process that held it
 * was killed.
 *
 * A process may be killed at any instruction.  All that counts are the states
 * of the records, with what is written before them.  The next process that
 * takes the mutex rebuilds what is derived from these: buckets, lists, counts,
 * and which blocks are free.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


static void ngx_http_task_job_rebuild_lists(ngx_http_task_job_zone_t *zone);
static void ngx_http_task_job_rebuild_job(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
static void ngx_http_task_job_rebuild_pending(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);
static ngx_uint_t ngx_http_task_job_rebuild_state(
    ngx_http_task_job_zone_t *zone, ngx_http_task_record_t *job);
static void ngx_http_task_job_rebuild_blocks(ngx_http_task_job_sh_t *sh);
static void ngx_http_task_job_sort(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list);
static uint32_t ngx_http_task_job_merge(ngx_http_task_job_sh_t *sh,
    uint32_t a, uint32_t b);


void
ngx_http_task_job_lock(ngx_http_task_job_zone_t *zone)
{
    if (pthread_mutex_lock(&zone->sh->mutex) == EOWNERDEAD) {
        (void) pthread_mutex_consistent(&zone->sh->mutex);

        ngx_http_task_job_rebuild(zone);
    }
}


void
ngx_http_task_job_unlock(ngx_http_task_job_zone_t *zone)
{
    if (zone->damaged) {
        zone->damaged = 0;
        ngx_http_task_job_rebuild(zone);
    }

    (void) pthread_mutex_unlock(&zone->sh->mutex);

    if (zone->wake != NGX_HTTP_TASK_JOB_NONE) {
        ngx_http_task_wake(zone->wake);
        zone->wake = NGX_HTTP_TASK_JOB_NONE;
    }
}


void
ngx_http_task_job_rebuild(ngx_http_task_job_zone_t *zone)
{
    uint32_t                 i;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    ngx_memzero(sh->states, sizeof(sh->states));

    sh->free_job = NGX_HTTP_TASK_JOB_NONE;
    sh->free_block = NGX_HTTP_TASK_JOB_NONE;
    sh->free_blocks = 0;
    sh->kept_blocks = 0;

    for (i = 0; i < sh->njobs; i++) {
        sh->buckets[i] = NGX_HTTP_TASK_JOB_NONE;
        sh->keys[i] = NGX_HTTP_TASK_JOB_NONE;
    }

    ngx_http_task_job_rebuild_lists(zone);

    for (i = 0; i < sh->used_jobs; i++) {
        ngx_http_task_job_rebuild_job(zone, &sh->jobs[i]);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_SHARES; i++) {
        ngx_http_task_job_sort(sh, &sh->shares[i].ended[0]);
        ngx_http_task_job_sort(sh, &sh->shares[i].ended[1]);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        ngx_http_task_job_sort(sh, &sh->queues[i].list);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_DELAYS; i++) {
        ngx_http_task_job_sort(sh, &sh->again[i]);
    }

    ngx_http_task_job_rebuild_blocks(sh);

    ngx_http_task_atomic_set(&sh->state.putting, 0);

    ngx_http_task_job_mark_all(sh);
}


static void
ngx_http_task_job_rebuild_lists(ngx_http_task_job_zone_t *zone)
{
    ngx_uint_t                  i;
    ngx_http_task_job_sh_t     *sh;
    ngx_http_task_job_list_t    empty;
    ngx_http_task_job_owner_t  *owner;
    ngx_http_task_job_share_t  *share;
    ngx_http_task_job_waiting_t  *queue;

    sh = zone->sh;

    empty.oldest = NGX_HTTP_TASK_JOB_NONE;
    empty.newest = NGX_HTTP_TASK_JOB_NONE;

    sh->kept = empty;

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        owner = &sh->owners[i];

        owner->list = empty;
        owner->jobs = 0;

        ngx_http_task_atomic_set(&owner->asked, NGX_HTTP_TASK_JOB_NONE);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_SHARES; i++) {
        share = &sh->shares[i];

        share->ended[0] = empty;
        share->ended[1] = empty;
        share->jobs = 0;
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        queue = &sh->queues[i];

        queue->list = empty;
        queue->jobs = 0;

        ngx_http_task_atomic_set(&queue->waiting, 0);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_DELAYS; i++) {
        sh->again[i] = empty;
    }

    ngx_http_task_atomic_set(&sh->nagain, 0);
    ngx_http_task_atomic_set(&sh->due, 0);
}


/* a job that has not ended has nothing of an end, even if that was written */

static void
ngx_http_task_job_rebuild_job(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    uint32_t                    i, *bucket;
    ngx_uint_t                  state;
    ngx_http_task_job_sh_t     *sh;

    sh = zone->sh;
    i = job - sh->jobs;
    state = ngx_http_task_job_rebuild_state(zone, job);

    if (state == NGX_HTTP_TASK_JOB_FREE) {
        job->next = sh->free_job;
        sh->free_job = i;
        return;
    }

    ngx_http_task_atomic_set(&job->reading, 0);
    job->kept = 0;

    ngx_http_task_job_input_reach(sh, job);
    ngx_http_task_job_events_reach(sh, job);

    bucket = ngx_http_task_job_bucket(sh, job->id);
    job->next = *bucket;
    *bucket = i;

    ngx_http_task_job_key_add(sh, job);

    sh->shares[job->share].jobs++;
    sh->queues[job->queue].jobs++;

    if (state < NGX_HTTP_TASK_JOB_DONE) {
        job->block = NGX_HTTP_TASK_JOB_NONE;
        job->length = 0;
        job->type = 0;
        job->status = 0;
        job->ended = 0;
        job->busy = 0;
        job->since = job->turn;

        ngx_http_task_job_rebuild_pending(sh, job);
        return;
    }

    sh->states[state]++;

    if (job->input_length) {
        ngx_http_task_job_input_keep(sh, job);
    }

    if (job->busy && ngx_http_task_job_owned(zone, job)) {
        ngx_http_task_job_append(sh, &sh->owners[job->owner].list, job);
        return;
    }

    job->busy = 0;

    ngx_http_task_job_append(sh, ngx_http_task_job_list(sh, job), job);
}


/* one that has not ended is its worker's, or waits for one */

static void
ngx_http_task_job_rebuild_pending(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_owner_t    *owner;
    ngx_http_task_job_waiting_t  *queue;

    if (job->owner == NGX_HTTP_TASK_JOB_NONE) {
        job->attempt = job->lost;

        if (job->again) {
            ngx_http_task_job_again_put(sh, job);
            return;
        }

        queue = &sh->queues[job->queue];

        if (job->before) {
            ngx_http_task_job_unbegin(job);
        }

        ngx_http_task_atomic_set(&queue->waiting, queue->waiting + 1);
        ngx_http_task_job_append(sh, &queue->list, job);
        return;
    }

    owner = &sh->owners[job->owner];

    owner->jobs++;
    ngx_http_task_job_append(sh, &owner->list, job);

    if (job->cancel == NGX_HTTP_TASK_JOB_CANCEL_ASKED) {
        ngx_http_task_job_asked_push(sh, owner, job);
    }
}


/* returns the state; a record that a stray write has hit is freed */

static ngx_uint_t
ngx_http_task_job_rebuild_state(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_uint_t  state;

    state = ngx_http_task_atomic_get(&job->state);

    if (state < NGX_HTTP_TASK_JOB_STATES
        && job->share < NGX_HTTP_TASK_JOB_SHARES
        && job->queue < NGX_HTTP_TASK_JOB_QUEUES
        && (job->owner < NGX_HTTP_TASK_JOB_OWNERS
            || (job->owner == NGX_HTTP_TASK_JOB_NONE && !job->busy
                && state != NGX_HTTP_TASK_JOB_RUNNING)))
    {
        return state;
    }

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "a job in task_job_zone \"%V\" is damaged, it is dropped",
                  &zone->store->name);

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_FREE);

    return NGX_HTTP_TASK_JOB_FREE;
}


static void
ngx_http_task_job_rebuild_blocks(ngx_http_task_job_sh_t *sh)
{
    uint32_t                    i;
    ngx_http_task_job_block_t  *block;

    for (i = 0; i < sh->used_blocks; i++) {
        block = &sh->blocks[i];

        if (block->job != NGX_HTTP_TASK_JOB_NONE
            && (block->job & NGX_HTTP_TASK_JOB_REACHED))
        {
            block->job &= ~NGX_HTTP_TASK_JOB_REACHED;

        } else if (block->job >= sh->used_jobs
                   || sh->jobs[block->job].state < NGX_HTTP_TASK_JOB_DONE)
        {
            block->job = NGX_HTTP_TASK_JOB_NONE;
            block->next = sh->free_block;
            sh->free_block = i;
            sh->free_blocks++;
        }
    }
}


/* sorts, the oldest first: sorted[n] is a list of 2^n jobs, or empty */

static void
ngx_http_task_job_sort(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list)
{
    uint32_t    i, next, sorted[32];
    ngx_uint_t  n;

    for (n = 0; n < 32; n++) {
        sorted[n] = NGX_HTTP_TASK_JOB_NONE;
    }

    for (i = list->oldest; i != NGX_HTTP_TASK_JOB_NONE; i = next) {
        next = sh->jobs[i].newer;
        sh->jobs[i].newer = NGX_HTTP_TASK_JOB_NONE;

        for (n = 0; sorted[n] != NGX_HTTP_TASK_JOB_NONE; n++) {
            i = ngx_http_task_job_merge(sh, sorted[n], i);
            sorted[n] = NGX_HTTP_TASK_JOB_NONE;
        }

        sorted[n] = i;
    }

    for (n = 0, i = NGX_HTTP_TASK_JOB_NONE; n < 32; n++) {
        i = ngx_http_task_job_merge(sh, sorted[n], i);
    }

    list->oldest = NGX_HTTP_TASK_JOB_NONE;
    list->newest = NGX_HTTP_TASK_JOB_NONE;

    for ( /* void */ ; i != NGX_HTTP_TASK_JOB_NONE; i = next) {
        next = sh->jobs[i].newer;
        ngx_http_task_job_append(sh, list, &sh->jobs[i]);
    }
}


static uint32_t
ngx_http_task_job_merge(ngx_http_task_job_sh_t *sh, uint32_t a, uint32_t b)
{
    uint32_t  first, *last;

    last = &first;

    while (a != NGX_HTTP_TASK_JOB_NONE && b != NGX_HTTP_TASK_JOB_NONE) {

        if (sh->jobs[a].since <= sh->jobs[b].since) {
            *last = a;
            last = &sh->jobs[a].newer;
            a = *last;

        } else {
            *last = b;
            last = &sh->jobs[b].newer;
            b = *last;
        }
    }

    *last = (a != NGX_HTTP_TASK_JOB_NONE) ? a : b;

    return first;
}
