
/*
 * Where a job of the state file stands in a list of the zone: one that waits
 * before those that were accepted since nginx runs, one that has ended before
 * those that have ended later.
 *
 * They come in order, so that no list is walked for each of them.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_http_task_record_t *ngx_http_task_state_list_waits(
    ngx_http_task_job_sh_t *sh, ngx_http_task_state_load_t *load,
    ngx_http_task_record_t *job);
static ngx_uint_t ngx_http_task_state_list_is(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_last_t *last, ngx_http_task_record_t *job);
static ngx_http_task_record_t *ngx_http_task_state_list_ended(
    ngx_http_task_job_sh_t *sh, ngx_http_task_job_list_t *list,
    ngx_http_task_record_t *job);


void
ngx_http_task_state_list(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job,
    ngx_uint_t state)
{
    ngx_http_task_record_t       *before;
    ngx_http_task_job_list_t     *list;
    ngx_http_task_job_waiting_t  *queue;

    if (job->again) {
        ngx_http_task_job_again_put(sh, job);
        return;
    }

    if (state == NGX_HTTP_TASK_JOB_QUEUED) {
        queue = &sh->queues[job->queue];

        before = ngx_http_task_state_list_waits(sh, load, job);
        ngx_http_task_job_insert(sh, &queue->list, before, job);

        ngx_http_task_atomic_set(&queue->waiting, queue->waiting + 1);

        ngx_http_task_state_list_last(sh, load, job);
        return;
    }

    list = ngx_http_task_job_list(sh, job);

    before = ngx_http_task_state_list_ended(sh, list, job);
    ngx_http_task_job_insert(sh, list, before, job);

    sh->states[state]++;
}


void
ngx_http_task_state_list_last(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job)
{
    ngx_http_task_state_last_t  *last;

    last = &load->last[job->queue];

    last->place = job - sh->jobs;
    ngx_memcpy(last->id, job->id, NGX_HTTP_TASK_JOB_ID);
}


/* behind the last one that was put there: the next one is one that came later,
   but for what a client has queued again */

static ngx_http_task_record_t *
ngx_http_task_state_list_waits(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job)
{
    uint32_t                     i;
    ngx_http_task_state_last_t  *last;

    last = &load->last[job->queue];

    i = ngx_http_task_state_list_is(sh, last, job)
        ? sh->jobs[last->place].newer : sh->queues[job->queue].list.oldest;

    while (i < sh->used_jobs && sh->jobs[i].since <= job->since) {
        i = sh->jobs[i].newer;
    }

    return (i < sh->used_jobs) ? &sh->jobs[i] : NULL;
}


/* returns 0 if it was cancelled meanwhile */

static ngx_uint_t
ngx_http_task_state_list_is(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_last_t *last, ngx_http_task_record_t *job)
{
    ngx_http_task_record_t  *one;

    if (last->place >= sh->used_jobs) {
        return 0;
    }

    one = &sh->jobs[last->place];

    return ngx_memcmp(one->id, last->id, NGX_HTTP_TASK_JOB_ID) == 0
           && ngx_http_task_atomic_get(&one->state) == NGX_HTTP_TASK_JOB_QUEUED
           && one->owner == NGX_HTTP_TASK_JOB_NONE
           && one->again == 0
           && one->queue == job->queue
           && one->since <= job->since;
}


/* from both ends: it is one of the oldest, or was lost just now */

static ngx_http_task_record_t *
ngx_http_task_state_list_ended(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job)
{
    uint32_t  older, newer;

    older = list->oldest;
    newer = list->newest;

    while (older < sh->used_jobs && newer < sh->used_jobs) {

        if (sh->jobs[older].since >= job->since) {
            return &sh->jobs[older];
        }

        if (sh->jobs[newer].since <= job->since) {
            newer = sh->jobs[newer].newer;

            return (newer < sh->used_jobs) ? &sh->jobs[newer] : NULL;
        }

        older = sh->jobs[older].newer;
        newer = sh->jobs[newer].older;
    }

    return NULL;
}
