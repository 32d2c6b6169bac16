
/*
 * A job of the state file is put into the zone.  Its state is written last: a
 * process that is killed before has put nothing there, and the next one begins
 * again; what is there already is left as it is.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_uint_t ngx_http_task_state_put_known(ngx_http_task_job_zone_t *zone,
    u_char *id);
static ngx_uint_t ngx_http_task_state_put_has_input(
    ngx_http_task_job_zone_t *zone, ngx_http_task_state_job_t *loaded);
static ngx_int_t ngx_http_task_state_put_place(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, ngx_http_task_record_t **place);
static void ngx_http_task_state_put_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_state_job_t *loaded);
static void ngx_http_task_state_put_times(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_state_record_t *head,
    int64_t now);
static void ngx_http_task_state_put_list(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_uint_t state);


/* NGX_DECLINED: it is there already */

ngx_int_t
ngx_http_task_state_put(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, int64_t now)
{
    ngx_int_t                      rc;
    uint32_t                      *bucket;
    ngx_http_task_job_sh_t        *sh;
    ngx_http_task_record_t        *job;
    ngx_http_task_state_record_t  *head;

    sh = zone->sh;
    head = &loaded->head;

    ngx_http_task_job_lock(zone);

    rc = ngx_http_task_state_put_known(zone, head->id)
         ? NGX_DECLINED : ngx_http_task_state_put_place(zone, loaded, &job);

    if (rc != NGX_OK) {
        ngx_http_task_job_unlock(zone);
        return rc;
    }

    ngx_http_task_state_put_blocks(zone, job, loaded);
    ngx_http_task_state_put_times(zone, job, head, now);

    ngx_memcpy(job->id, head->id, NGX_HTTP_TASK_JOB_ID);
    ngx_memcpy(job->key, head->key, NGX_HTTP_TASK_JOB_DIGEST);
    ngx_memcpy(job->print, head->print, NGX_HTTP_TASK_JOB_DIGEST);

    job->owner = NGX_HTTP_TASK_JOB_NONE;
    job->status = head->status;
    job->told = 1;

    /* of those with the same key the newest comes first */

    job->keyed = head->keyed
                 && ngx_http_task_job_key_find(zone, head->key) == NULL;

    bucket = ngx_http_task_job_bucket(sh, job->id);
    job->next = *bucket;
    *bucket = job - sh->jobs;

    ngx_http_task_job_key_add(sh, job);

    sh->shares[job->share].jobs++;
    sh->queues[job->queue].jobs++;

    ngx_http_task_state_put_list(zone, job, head->state);

    ngx_http_task_job_order();
    ngx_http_task_atomic_set(&job->state, head->state);

    ngx_http_task_job_mark(sh, job);

    ngx_http_task_job_unlock(zone);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_task_state_put_known(ngx_http_task_job_zone_t *zone, u_char *id)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = *ngx_http_task_job_bucket(sh, id);

    for (n = 0; i < sh->used_jobs && n < sh->used_jobs; n++) {

        if (ngx_memcmp(sh->jobs[i].id, id, NGX_HTTP_TASK_JOB_ID) == 0) {
            return 1;
        }

        i = sh->jobs[i].next;
    }

    return 0;
}


/* that of an ended job is kept if it may be tried again */

static ngx_uint_t
ngx_http_task_state_put_has_input(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded)
{
    return loaded->input
           && (loaded->head.state == NGX_HTTP_TASK_JOB_QUEUED
               || (zone->store->lists
                   && ngx_http_task_job_may_retry(loaded->head.state)));
}


/* nothing is dropped for it, as what is there is newer */

static ngx_int_t
ngx_http_task_state_put_place(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, ngx_http_task_record_t **place)
{
    ngx_int_t                      rc;
    ngx_uint_t                     need;
    ngx_http_task_queue_t          queue;
    ngx_http_task_job_sh_t        *sh;
    ngx_http_task_job_waiting_t   *q;
    ngx_http_task_state_record_t  *head;

    sh = zone->sh;
    head = &loaded->head;

    need = ngx_http_task_job_blocks(head->length)
           + ngx_http_task_job_blocks(ngx_http_task_state_put_has_input(zone,
                                                                      loaded)
                                      ? head->input : 0);

    if ((sh->free_job == NGX_HTTP_TASK_JOB_NONE && sh->used_jobs == sh->njobs)
        || need > ngx_http_task_job_free_count(sh))
    {
        return NGX_BUSY;
    }

    queue.name.data = loaded->queue;
    queue.name.len = head->queue;
    queue.hash = ngx_http_task_store_hash(NGX_HTTP_TASK_STORE_HASH,
                                          loaded->queue, head->queue);

    q = ngx_http_task_job_queue(zone, &queue);

    if (q == NULL) {
        return NGX_BUSY;
    }

    /* a share that is no longer there is the common one */

    rc = ngx_http_task_job_place(zone, head->share, 0, place);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_job_place(zone, 0, 0, place);
    }

    if (rc != NGX_OK) {
        return NGX_BUSY;
    }

    (*place)->queue = q - sh->queues;

    return NGX_OK;
}


static void
ngx_http_task_state_put_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_state_job_t *loaded)
{
    ngx_str_t                      input, none;
    ngx_http_task_job_chain_t      chain;
    ngx_http_task_state_record_t  *head;

    head = &loaded->head;

    if (ngx_http_task_state_put_has_input(zone, loaded)) {
        input.data = loaded->input;
        input.len = head->input;
        ngx_str_null(&none);

        ngx_http_task_job_input_write(zone, job, &input, &none);

        if (head->state != NGX_HTTP_TASK_JOB_QUEUED && job->input_length) {
            ngx_http_task_job_input_keep(zone->sh, job);
        }
    }

    chain.job = job - zone->sh->jobs;
    chain.first = &job->block;
    chain.block = NGX_HTTP_TASK_JOB_NONE;
    chain.at = 0;

    ngx_http_task_job_chain_write(zone->sh, &chain, loaded->result,
                                  head->length);

    job->length = head->length;
    job->type = head->type;
}


/* a wall clock that was set back makes nothing come from the future */

static void
ngx_http_task_state_put_times(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_state_record_t *head,
    int64_t now)
{
    int64_t                  clock;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    clock = ngx_http_task_job_clock();

    job->created = head->created;
    job->started = head->started;
    job->ended = head->ended;

    job->accepted = clock - ngx_max(now - head->accepted, 0);

    job->order = ngx_max(head->order, 1);
    job->turn = ngx_max(head->turn, 1);
    sh->order = ngx_max(sh->order, ngx_max(job->order, job->turn));

    job->since = (head->state == NGX_HTTP_TASK_JOB_QUEUED)
                 ? job->turn : clock - ngx_max(now - head->ended, 0);

    job->attempts = head->attempts;
    job->lost = head->lost;
    job->before = head->before;
    job->attempt = (head->state == NGX_HTTP_TASK_JOB_QUEUED) ? head->lost
                                                             : head->attempt;

    /* no while is longer than the one that it had */

    job->again = 0;

    if (head->state == NGX_HTTP_TASK_JOB_QUEUED && head->again) {
        job->again = clock + ngx_min(ngx_max(head->again - now, 0),
                                   ngx_http_task_job_again_while(head->lost));
    }
}


/*
 * One that waits is put before those that were accepted since nginx runs; one
 * that has ended before those that have ended later.
 */

static void
ngx_http_task_state_put_list(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_uint_t state)
{
    uint32_t                      i;
    ngx_http_task_job_sh_t       *sh;
    ngx_http_task_record_t       *before;
    ngx_http_task_job_list_t     *list;
    ngx_http_task_job_waiting_t  *queue;

    sh = zone->sh;
    queue = &sh->queues[job->queue];
    before = NULL;

    if (job->again) {
        ngx_http_task_job_again_put(sh, job);
        return;
    }

    if (state == NGX_HTTP_TASK_JOB_QUEUED) {
        list = &queue->list;

        /* those that came before it are there, in order */

        for (i = list->newest; i < sh->used_jobs; i = sh->jobs[i].older) {

            if (sh->jobs[i].since <= job->since) {
                break;
            }

            before = &sh->jobs[i];
        }

        ngx_http_task_atomic_set(&queue->waiting, queue->waiting + 1);

    } else {
        list = ngx_http_task_job_list(sh, job);

        for (i = list->oldest; i < sh->used_jobs; i = sh->jobs[i].newer) {

            if (sh->jobs[i].since >= job->since) {
                before = &sh->jobs[i];
                break;
            }
        }

        sh->states[state]++;
    }

    ngx_http_task_job_insert(sh, list, before, job);
}
