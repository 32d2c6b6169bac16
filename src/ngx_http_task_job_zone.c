
/*
 * What is done with jobs in the shared zone, all of it under one robust mutex
 * that is held briefly.  How they lie in it is in ngx_http_task_job_table.c.
 *
 * A job belongs to the worker that took it.  That this is gone is seen when
 * somebody looks at the job: it is lost then.
 */


#include "ngx_http_task.h"

#include <sys/random.h>


static void ngx_http_task_job_lock(ngx_http_task_job_zone_t *zone);
static void ngx_http_task_job_unlock(ngx_http_task_job_zone_t *zone);
static void ngx_http_task_job_copy(ngx_http_task_job_t *dst,
    ngx_http_task_job_t *job);
static ngx_http_task_job_t *ngx_http_task_job_find(
    ngx_http_task_job_zone_t *zone, u_char *id);
static void ngx_http_task_job_finish(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_http_task_job_state_e state);
static ngx_uint_t ngx_http_task_job_alive(ngx_http_task_job_owner_t *owner);
static ngx_int_t ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone);


static void
ngx_http_task_job_lock(ngx_http_task_job_zone_t *zone)
{
    if (pthread_mutex_lock(&zone->sh->mutex) == EOWNERDEAD) {
        (void) pthread_mutex_consistent(&zone->sh->mutex);

        ngx_http_task_job_rebuild(zone->sh);
    }
}


static void
ngx_http_task_job_unlock(ngx_http_task_job_zone_t *zone)
{
    (void) pthread_mutex_unlock(&zone->sh->mutex);
}


/*
 * A job of this worker, queued.  Those that have ended make room; one that has
 * not is never dropped: NULL.
 */

ngx_http_task_job_t *
ngx_http_task_job_add(ngx_http_task_job_zone_t *zone)
{
    u_char                   id[NGX_HTTP_TASK_JOB_ID];
    uint32_t                *bucket;
    ngx_http_task_job_t     *job;
    ngx_http_task_job_sh_t  *sh;

    if (getrandom(id, sizeof(id), 0) != sizeof(id)
        || ngx_http_task_job_enter(zone) != NGX_OK)
    {
        return NULL;
    }

    sh = zone->sh;

    ngx_http_task_job_lock(zone);

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE && sh->used_jobs < sh->njobs) {
        sh->jobs[sh->used_jobs].next = NGX_HTTP_TASK_JOB_NONE;
        sh->free_job = sh->used_jobs++;
    }

    ngx_http_task_job_expire(zone, sh->free_job == NGX_HTTP_TASK_JOB_NONE);

    if (sh->free_job == NGX_HTTP_TASK_JOB_NONE) {
        ngx_http_task_job_unlock(zone);
        return NULL;
    }

    job = &sh->jobs[sh->free_job];
    sh->free_job = job->next;

    ngx_memzero(job, sizeof(ngx_http_task_job_t));

    ngx_memcpy(job->id, id, sizeof(id));
    job->block = NGX_HTTP_TASK_JOB_NONE;
    job->owner = zone->owner - sh->owners;
    job->incarnation = zone->owner->incarnation;
    job->created = ngx_http_task_job_now();

    bucket = ngx_http_task_job_bucket(sh, id);
    job->next = *bucket;
    *bucket = job - sh->jobs;

    ngx_http_task_atomic_set(&job->state, NGX_HTTP_TASK_JOB_QUEUED);

    ngx_http_task_job_unlock(zone);

    return job;
}


/* NGX_DECLINED: the result does not fit */

ngx_int_t
ngx_http_task_job_end(ngx_http_task_job_zone_t *zone, ngx_http_task_job_t *job,
    ngx_http_task_job_state_e state, ngx_uint_t status, ngx_str_t *result)
{
    ngx_int_t  rc;

    ngx_http_task_job_lock(zone);

    rc = ngx_http_task_job_store(zone, job, result);

    if (rc == NGX_OK) {
        job->status = status;
        ngx_http_task_job_finish(zone, job, state);
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


static void
ngx_http_task_job_finish(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_http_task_job_state_e state)
{
    job->ended = ngx_http_task_job_now();

    ngx_http_task_job_append(zone->sh, job);

    ngx_http_task_atomic_set(&job->state, state);
}


/* a copy, in the pool; NGX_DECLINED: there is no such job */

ngx_int_t
ngx_http_task_job_see(ngx_http_task_job_zone_t *zone, u_char *id,
    ngx_pool_t *pool, ngx_http_task_job_seen_t *seen)
{
    u_char                     *p;
    size_t                      left, n;
    uint32_t                    i;
    ngx_http_task_job_t        *job;
    ngx_http_task_job_block_t  *block;

    ngx_http_task_job_lock(zone);

    ngx_http_task_job_expire(zone, 0);

    job = ngx_http_task_job_find(zone, id);

    if (job == NULL) {
        ngx_http_task_job_unlock(zone);
        return NGX_DECLINED;
    }

    ngx_http_task_job_copy(&seen->job, job);

    seen->result.len = job->length;
    seen->result.data = ngx_pnalloc(pool, job->length + 1);

    if (seen->result.data == NULL) {
        ngx_http_task_job_unlock(zone);
        return NGX_ERROR;
    }

    p = seen->result.data;
    left = job->length;

    for (i = job->block; left && i != NGX_HTTP_TASK_JOB_NONE; i = block->next) {
        block = &zone->sh->blocks[i];
        n = ngx_min(left, sizeof(block->data));
        p = ngx_cpymem(p, block->data, n);
        left -= n;
    }

    *p = '\0';

    ngx_http_task_job_unlock(zone);

    return NGX_OK;
}


/* whether there is something new of the job: what changes is in the version */

ngx_int_t
ngx_http_task_job_peek(ngx_http_task_job_zone_t *zone, u_char *id,
    uint64_t *version, ngx_uint_t *ended)
{
    ngx_http_task_job_t  *job;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, id);

    if (job) {
        *version = (uint64_t) ngx_http_task_atomic_get(&job->changing) << 8
                   | ngx_http_task_atomic_get(&job->state);
        *ended = (job->state >= NGX_HTTP_TASK_JOB_DONE);
    }

    ngx_http_task_job_unlock(zone);

    return job ? NGX_OK : NGX_DECLINED;
}


/* its progress may be written meanwhile, by a thread of its owner */

static void
ngx_http_task_job_copy(ngx_http_task_job_t *dst, ngx_http_task_job_t *job)
{
    uint32_t    version;
    ngx_uint_t  tries;

    for (tries = 0; tries < 100; tries++) {
        version = ngx_http_task_atomic_get(&job->changing);

        *dst = *job;

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (!(version & 1)
            && version == ngx_http_task_atomic_get(&job->changing))
        {
            return;
        }
    }

    /* one that died while it wrote: better no message than half of one */

    dst->message[0] = '\0';
}


/* of a job in any worker; NGX_DECLINED: there is none */

ngx_int_t
ngx_http_task_job_ask(ngx_http_task_job_zone_t *zone, u_char *id)
{
    uint32_t                    n;
    ngx_http_task_job_t        *job;
    ngx_http_task_job_owner_t  *owner;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, id);

    if (job && job->state < NGX_HTTP_TASK_JOB_DONE && !job->cancel) {
        owner = &zone->sh->owners[job->owner];
        n = owner->nasked;

        ngx_http_task_atomic_set(&job->cancel, 1);

        if (n < NGX_HTTP_TASK_JOB_ASKED) {
            owner->asked[n] = job - zone->sh->jobs;
        }

        ngx_http_task_atomic_set(&owner->nasked, n + 1);
    }

    ngx_http_task_job_unlock(zone);

    return job ? NGX_OK : NGX_DECLINED;
}


/* the jobs that this worker is asked to cancel; -1: more than fit */

ngx_int_t
ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t **jobs)
{
    ngx_int_t                   i, n;
    ngx_http_task_job_owner_t  *owner;

    owner = zone->owner;

    if (ngx_http_task_atomic_get(&owner->nasked) == 0) {
        return 0;
    }

    ngx_http_task_job_lock(zone);

    n = owner->nasked;

    if (n > NGX_HTTP_TASK_JOB_ASKED) {
        n = -1;
    }

    for (i = 0; i < n; i++) {
        jobs[i] = &zone->sh->jobs[owner->asked[i]];
    }

    ngx_http_task_atomic_set(&owner->nasked, 0);

    ngx_http_task_job_unlock(zone);

    return n;
}


/* in any thread of the owner: no mutex, one writer at a time */

void
ngx_http_task_job_begin(ngx_http_task_job_t *job)
{
    uint32_t  queued;

    job->started = ngx_http_task_job_now();
    queued = NGX_HTTP_TASK_JOB_QUEUED;

    (void) __atomic_compare_exchange_n(&job->state, &queued,
                                       NGX_HTTP_TASK_JOB_RUNNING, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}


void
ngx_http_task_job_progress(ngx_http_task_job_t *job, int64_t done,
    int64_t total, const char *message)
{
    ngx_http_task_atomic_set(&job->changing, job->changing + 1);

    __atomic_thread_fence(__ATOMIC_RELEASE);

    job->done = done;
    job->total = total;

    if (message) {
        (void) ngx_http_task_utf8_fit(job->message, sizeof(job->message),
                                      message);
    }

    ngx_http_task_atomic_set(&job->changing, job->changing + 1);
}


/* under the mutex; one whose worker is gone is lost from now on */

static ngx_http_task_job_t *
ngx_http_task_job_find(ngx_http_task_job_zone_t *zone, u_char *id)
{
    uint32_t                 i;
    ngx_http_task_job_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    for (i = *ngx_http_task_job_bucket(sh, id);
         i != NGX_HTTP_TASK_JOB_NONE;
         i = sh->jobs[i].next)
    {
        job = &sh->jobs[i];

        if (ngx_memcmp(job->id, id, NGX_HTTP_TASK_JOB_ID) == 0) {

            if (job->state < NGX_HTTP_TASK_JOB_DONE
                && !ngx_http_task_job_owned(zone, job))
            {
                ngx_http_task_job_finish(zone, job, NGX_HTTP_TASK_JOB_LOST);
            }

            return job;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job)
{
    ngx_http_task_job_owner_t  *owner;

    owner = &zone->sh->owners[job->owner];

    return owner->incarnation == job->incarnation
           && (owner == zone->owner || ngx_http_task_job_alive(owner));
}


static ngx_uint_t
ngx_http_task_job_alive(ngx_http_task_job_owner_t *owner)
{
    switch (pthread_mutex_trylock(&owner->alive)) {

    case 0:
        break;

    case EOWNERDEAD:
        (void) pthread_mutex_consistent(&owner->alive);
        break;

    default:
        return 1;
    }

    owner->incarnation = 0;

    (void) pthread_mutex_unlock(&owner->alive);

    return 0;
}


/* a worker that has its first job; it then looks at those of dead ones, too */

static ngx_int_t
ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone)
{
    uint32_t                    i;
    ngx_http_task_job_t        *job;
    ngx_http_task_job_owner_t  *owner;

    if (zone->owner) {
        return NGX_OK;
    }

    zone->by_job = ngx_calloc(zone->sh->njobs * sizeof(ngx_task_t *),
                              ngx_cycle->log);
    if (zone->by_job == NULL) {
        return NGX_ERROR;
    }

    ngx_http_task_job_lock(zone);

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        owner = &zone->sh->owners[i];

        if (!ngx_http_task_job_alive(owner)
            && pthread_mutex_trylock(&owner->alive) == 0)
        {
            owner->nasked = 0;
            owner->incarnation = ++zone->sh->incarnations;
            zone->owner = owner;
            break;
        }
    }

    for (i = 0; zone->owner && i < zone->sh->used_jobs; i++) {
        job = &zone->sh->jobs[i];

        if ((job->state == NGX_HTTP_TASK_JOB_QUEUED
             || job->state == NGX_HTTP_TASK_JOB_RUNNING)
            && !ngx_http_task_job_owned(zone, job))
        {
            ngx_http_task_job_finish(zone, job, NGX_HTTP_TASK_JOB_LOST);
        }
    }

    ngx_http_task_job_unlock(zone);

    if (zone->owner == NULL) {
        ngx_free(zone->by_job);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* in a worker that ends: what it has not ended is lost */

void
ngx_http_task_job_leave(ngx_http_task_job_zone_t *zone)
{
    if (zone->owner == NULL) {
        return;
    }

    ngx_http_task_job_lock(zone);

    zone->owner->incarnation = 0;

    (void) pthread_mutex_unlock(&zone->owner->alive);

    ngx_http_task_job_unlock(zone);

    ngx_free(zone->by_job);
    zone->owner = NULL;
}
