
/*
 * A job of the state file is put into the zone.  Its state is written last: a
 * process that is killed before has put nothing there, and the next one begins
 * again; what is there already is left as it is.
 *
 * What it is made of, and its result, are written piece by piece, so that the
 * mutex is never held for long.  Meanwhile the record is free, and in no list:
 * who rebuilds the zone takes it, and says so.
 */


#include "jobs/store/ngx_http_task_state.h"


/* between two pieces, for others who want the mutex, microseconds */

#define NGX_HTTP_TASK_STATE_BREATH  50


/* what is left of a job to write */

typedef struct {
    ngx_http_task_state_job_t  *loaded;
    ngx_http_task_record_t     *job;
    ngx_uint_t                  result;      /* 1: its input is written */
    size_t                      input;       /* bytes in all */
    ngx_http_task_job_chain_t   chain;
} ngx_http_task_state_put_t;


static ngx_int_t ngx_http_task_state_put_all(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load, ngx_http_task_state_job_t *loaded);
static ngx_uint_t ngx_http_task_state_put_has_input(
    ngx_http_task_job_zone_t *zone, ngx_http_task_state_job_t *loaded);
static ngx_int_t ngx_http_task_state_put_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_put_t *put);
static ngx_int_t ngx_http_task_state_put_place(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, ngx_http_task_record_t **place);
static ngx_int_t ngx_http_task_state_put_piece(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_put_t *put);
static void ngx_http_task_state_put_undo(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
static void ngx_http_task_state_put_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job,
    ngx_http_task_state_record_t *head);
static void ngx_http_task_state_put_times(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_state_record_t *head,
    int64_t now);


ngx_int_t
ngx_http_task_state_put(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load, ngx_http_task_state_job_t *loaded)
{
    ngx_int_t                rc;
    ngx_http_task_record_t  *job;

    ngx_http_task_job_lock(zone);

    do {
        job = ngx_http_task_state_there(zone, loaded->head.id);

        if (job == NULL) {
            rc = ngx_http_task_state_put_all(zone, load, loaded);

        } else {
            ngx_http_task_state_list_last(zone->sh, load, job);
            rc = NGX_DECLINED;
        }

    } while (rc == NGX_AGAIN);

    ngx_http_task_job_unlock(zone);

    return rc;
}


/* with the mutex; NGX_AGAIN: the zone was rebuilt meanwhile */

static ngx_int_t
ngx_http_task_state_put_all(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load, ngx_http_task_state_job_t *loaded)
{
    ngx_int_t                  rc;
    struct timespec            breath;
    ngx_http_task_job_sh_t    *sh;
    ngx_http_task_state_put_t  put;

    sh = zone->sh;

    ngx_memzero(&put, sizeof(put));

    put.loaded = loaded;

    rc = ngx_http_task_state_put_begin(zone, &put);

    if (rc != NGX_OK) {
        return rc;
    }

    breath.tv_sec = 0;
    breath.tv_nsec = NGX_HTTP_TASK_STATE_BREATH * 1000;

    for ( ;; ) {
        rc = ngx_http_task_state_put_piece(zone, &put);

        if (rc != NGX_AGAIN) {
            break;
        }

        ngx_http_task_atomic_set(&sh->state.putting, 1);

        ngx_http_task_job_unlock(zone);

        (void) nanosleep(&breath, NULL);

        ngx_http_task_job_lock(zone);

        if (!ngx_http_task_atomic_get(&sh->state.putting)) {
            return NGX_AGAIN;
        }
    }

    if (rc == NGX_OK) {
        ngx_http_task_state_put_end(zone, load, put.job, &loaded->head);

    } else {
        ngx_http_task_state_put_undo(zone, put.job);
    }

    ngx_http_task_job_order();
    ngx_http_task_atomic_set(&sh->state.putting, 0);

    return rc;
}


ngx_http_task_record_t *
ngx_http_task_state_find(ngx_http_task_job_zone_t *zone, u_char *id)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;
    i = *ngx_http_task_job_bucket(sh, id);

    for (n = 0; i < sh->used_jobs && n < sh->used_jobs; n++) {

        if (ngx_memcmp(sh->jobs[i].id, id, NGX_HTTP_TASK_JOB_ID) == 0) {
            return &sh->jobs[i];
        }

        i = sh->jobs[i].next;
    }

    return NULL;
}


/*
 * No client has been told of it: who is forgotten was being taken out, for want
 * of room, by a process that was killed.
 */

ngx_http_task_record_t *
ngx_http_task_state_there(ngx_http_task_job_zone_t *zone, u_char *id)
{
    ngx_uint_t               state;
    ngx_http_task_record_t  *job;

    job = ngx_http_task_state_find(zone, id);

    if (job == NULL || !job->forgotten) {
        return job;
    }

    state = ngx_http_task_atomic_get(&job->state);

    if (state >= NGX_HTTP_TASK_JOB_DONE && !job->busy) {
        ngx_http_task_job_free(zone, job);
        return NULL;
    }

    if (state == NGX_HTTP_TASK_JOB_QUEUED
        && job->owner == NGX_HTTP_TASK_JOB_NONE)
    {
        job->forgotten = 0;
        ngx_http_task_job_mark(zone->sh, job);
    }

    return job;
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


/*
 * For one that waits ended ones are dropped, as for one that is added; for one
 * that has ended nothing is, as what is there is newer.
 */

static ngx_int_t
ngx_http_task_state_put_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_put_t *put)
{
    ngx_uint_t                     need;
    ngx_http_task_job_sh_t        *sh;
    ngx_http_task_state_record_t  *head;

    sh = zone->sh;
    head = &put->loaded->head;

    put->input = ngx_http_task_state_put_has_input(zone, put->loaded)
                 ? head->input : 0;

    need = ngx_http_task_job_blocks(head->length)
           + ngx_http_task_job_blocks(put->input);

    if (head->state == NGX_HTTP_TASK_JOB_QUEUED) {

        if (!ngx_http_task_job_has_room(zone, need)) {
            return NGX_BUSY;
        }

    } else if ((sh->free_job == NGX_HTTP_TASK_JOB_NONE
                && sh->used_jobs == sh->njobs)
               || need > ngx_http_task_job_free_count(sh))
    {
        return NGX_BUSY;
    }

    return ngx_http_task_state_put_place(zone, put->loaded, &put->job);
}


/* queue and share count it from now on: they are not another's then */

static ngx_int_t
ngx_http_task_state_put_place(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, ngx_http_task_record_t **place)
{
    ngx_int_t                     rc;
    ngx_http_task_queue_t         queue;
    ngx_http_task_job_sh_t       *sh;
    ngx_http_task_job_waiting_t  *q;

    sh = zone->sh;

    queue.name.data = loaded->queue;
    queue.name.len = loaded->head.queue;
    queue.hash = ngx_http_task_store_hash(NGX_HTTP_TASK_STORE_HASH,
                                          loaded->queue, loaded->head.queue);

    q = ngx_http_task_job_queue(zone, &queue);

    if (q == NULL) {
        return NGX_ABORT;
    }

    q->jobs++;

    /* one whose location is gone has a share all the same, if one is unused */

    rc = ngx_http_task_job_place(zone, loaded->head.share, 0, place);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_job_place(zone, 0, 0, place);
    }

    if (rc != NGX_OK) {
        q->jobs--;
        return NGX_BUSY;
    }

    (*place)->queue = q - sh->queues;
    sh->shares[(*place)->share].jobs++;

    return NGX_OK;
}


/* a piece of its input, and then of its result; NGX_AGAIN: there is more */

static ngx_int_t
ngx_http_task_state_put_piece(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_put_t *put)
{
    u_char                     *p;
    size_t                      n, size, left;
    uint32_t                   *done;
    ngx_uint_t                  need;
    ngx_http_task_record_t     *job;
    ngx_http_task_job_chain_t  *chain;

    job = put->job;
    chain = &put->chain;

    for (left = NGX_HTTP_TASK_JOB_PIECE; /* void */ ; left -= n) {
        done = put->result ? &job->length : &job->input_length;
        p = put->result ? put->loaded->result : put->loaded->input;
        size = put->result ? put->loaded->head.length : put->input;

        if (*done == 0) {
            ngx_http_task_job_input_begin(zone, job, chain);
        }

        if (*done == 0 && put->result) {
            chain->job = job - zone->sh->jobs;
            chain->first = &job->block;
        }

        n = ngx_min(size - *done, left);
        need = ngx_http_task_job_blocks(*done + n)
               - ngx_http_task_job_blocks(*done);

        if (put->loaded->head.state == NGX_HTTP_TASK_JOB_QUEUED
            ? ngx_http_task_job_make_room(zone, need) != NGX_OK
            : need > ngx_http_task_job_free_count(zone->sh))
        {
            return NGX_BUSY;
        }

        ngx_http_task_job_chain_write(zone->sh, chain, p + *done, n);
        *done += n;

        if (!put->result) {
            job->input_last = chain->block;
        }

        if (*done < size) {
            return NGX_AGAIN;
        }

        if (put->result) {
            return NGX_OK;
        }

        put->result = 1;
    }
}


/* there was no room for all of it */

static void
ngx_http_task_state_put_undo(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    (void) ngx_http_task_job_chain_free(zone, job - sh->jobs, job->block,
                                        ngx_http_task_job_blocks(job->length),
                                        &job->block);
    (void) ngx_http_task_job_input_free(zone, job);

    sh->shares[job->share].jobs--;
    sh->queues[job->queue].jobs--;

    ngx_http_task_job_unplace(zone, job);
}


static void
ngx_http_task_state_put_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job,
    ngx_http_task_state_record_t *head)
{
    uint32_t                *bucket;
    ngx_http_task_job_sh_t  *sh;

    sh = zone->sh;

    job->type = head->type;

    /* the newest one comes first */

    if (head->state != NGX_HTTP_TASK_JOB_QUEUED && job->input_length) {
        ngx_http_task_job_input_keep_first(sh, job);
    }

    ngx_http_task_state_put_times(zone, job, head, load->now);

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

    ngx_http_task_state_list(sh, load, job, head->state);

    ngx_http_task_job_order();
    ngx_http_task_atomic_set(&job->state, head->state);

    ngx_http_task_job_mark(sh, job);
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
