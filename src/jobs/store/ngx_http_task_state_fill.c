
/*
 * What was in the state file is put into the zone: first the jobs that wait,
 * the oldest first, for which ended ones of the zone are dropped, as for any
 * other; then those that have ended, the newest first, as long as there is
 * room.
 *
 * If those that wait have no room, the file is the only place that has them: it
 * is left as it is, and they are taken out of the zone again, so that what
 * waits there goes on.
 *
 * What was put there may be out of date when the file is read again, as there
 * was no room on the disk for a copy, and another nginx has had the file since:
 * if the file is not what it was then, that is taken out before.
 */


#include "jobs/store/ngx_http_task_state.h"


static void ngx_http_task_state_fill_renew(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load);
static void ngx_http_task_state_fill_drop_all(ngx_http_task_state_writer_t *w);
static void ngx_http_task_state_fill_drop(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
static ngx_int_t ngx_http_task_state_fill_check(
    ngx_http_task_state_writer_t *w, ngx_http_task_state_load_t *load);
static void ngx_http_task_state_fill_need(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, uint64_t *places, uint64_t *blocks);
static ngx_int_t ngx_http_task_state_fill_put(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load);
static void ngx_http_task_state_fill_back(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load);
static void ngx_http_task_state_fill_take_out(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
static void ngx_http_task_state_fill_end(ngx_http_task_job_zone_t *zone,
    ngx_uint_t loaded);
static void ngx_http_task_state_fill_log(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load);
static void ngx_http_task_state_fill_refused(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load, ngx_int_t rc);


/* so many jobs are put there before others have a turn, or looked at */

#define NGX_HTTP_TASK_STATE_PUT   64
#define NGX_HTTP_TASK_STATE_LOOK  2048


ngx_int_t
ngx_http_task_state_fill(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load)
{
    ngx_int_t  rc;

    /* who has read it before was killed between two pieces of a job */

    if (ngx_http_task_atomic_get(&w->zone.sh->state.putting)) {
        ngx_http_task_job_lock(&w->zone);

        ngx_http_task_job_rebuild(&w->zone);

        ngx_http_task_job_unlock(&w->zone);
    }

    ngx_http_task_state_fill_renew(w, load);

    rc = ngx_http_task_state_fill_check(w, load);

    if (rc == NGX_OK) {
        ngx_http_task_atomic_set(&w->zone.sh->state.loading, 1);

        rc = ngx_http_task_state_fill_put(w, load);
    }

    if (rc == NGX_OK) {
        ngx_http_task_state_fill_log(w, load);
        return NGX_OK;
    }

    /* who was killed before may have left some there, too */

    ngx_http_task_state_fill_back(&w->zone, load);
    ngx_http_task_state_fill_end(&w->zone, 0);

    ngx_http_task_state_fill_refused(w, load, rc);

    return NGX_ERROR;
}


/*
 * As long as no file is loaded a job with "told" came from one: state_put()
 * sets it, and one that was accepted here gets it later, when the file has it.
 * What a client has cancelled meanwhile stays so, unless it has ended in the
 * file.
 */

static void
ngx_http_task_state_fill_renew(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load)
{
    off_t                      size;
    uint32_t                   seed;
    ngx_uint_t                 i;
    ngx_http_task_record_t    *job;
    ngx_http_task_state_sh_t  *state;

    state = &w->zone.sh->state;

    seed = ngx_http_task_journal_seed(&w->journal);
    size = ngx_http_task_journal_size(&w->journal);

    /* if this zone has made it, or knows it, no other one has written to it */

    if (ngx_http_task_state_is_mine(w)
        || (state->put_seed == seed && state->put_size == size))
    {
        return;
    }

    if (state->put_size) {
        ngx_http_task_state_fill_drop_all(w);

        for (i = load->waits; i < load->n; i++) {
            ngx_http_task_job_lock(&w->zone);

            job = ngx_http_task_state_find(&w->zone, load->jobs[i]->head.id);

            if (job) {
                ngx_http_task_state_fill_drop(&w->zone, job);
            }

            ngx_http_task_job_unlock(&w->zone);
        }

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "state file \"%s\" was written by another nginx since it "
                      "was read: it is read again", w->journal.path);
    }

    state->put_seed = seed;
    state->put_size = size;
}


static void
ngx_http_task_state_fill_drop_all(ngx_http_task_state_writer_t *w)
{
    uint32_t                 i;
    ngx_uint_t               n;
    ngx_http_task_job_sh_t  *sh;
    ngx_http_task_record_t  *job;

    sh = w->zone.sh;
    n = 0;

    ngx_http_task_job_lock(&w->zone);

    for (i = 0; i < sh->used_jobs; i++) {
        job = &sh->jobs[i];

        if (job->told
            && (ngx_http_task_atomic_get(&job->state)
                != NGX_HTTP_TASK_JOB_CANCELLED || job->started))
        {
            ngx_http_task_state_fill_drop(&w->zone, job);
            n += NGX_HTTP_TASK_STATE_LOOK / NGX_HTTP_TASK_STATE_PUT;
        }

        if (++n >= NGX_HTTP_TASK_STATE_LOOK) {
            n = 0;

            ngx_http_task_job_unlock(&w->zone);
            ngx_msleep(1);
            ngx_http_task_job_lock(&w->zone);
        }
    }

    ngx_http_task_job_unlock(&w->zone);
}


/* with the mutex */

static void
ngx_http_task_state_fill_drop(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    ngx_http_task_state_fill_take_out(zone, job);

    if (ngx_http_task_atomic_get(&job->state) >= NGX_HTTP_TASK_JOB_DONE
        && !job->busy)
    {
        ngx_http_task_job_free(zone, job);
    }
}


/* NGX_BUSY: there is no room, as far as can be seen at once, whatever is
   dropped: so nothing is, in vain */

static ngx_int_t
ngx_http_task_state_fill_check(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load)
{
    uint64_t                 places, blocks, used;
    ngx_uint_t               i;
    ngx_http_task_job_sh_t  *sh;

    sh = w->zone.sh;
    places = 0;
    blocks = 0;
    used = 0;

    ngx_http_task_job_lock(&w->zone);

    for (i = 0; i < load->waits; i++) {
        ngx_http_task_state_fill_need(&w->zone, load->jobs[i], &places,
                                      &blocks);

        if (i % NGX_HTTP_TASK_STATE_PUT == NGX_HTTP_TASK_STATE_PUT - 1) {
            ngx_http_task_job_unlock(&w->zone);
            ngx_msleep(1);
            ngx_http_task_job_lock(&w->zone);
        }
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_SHARES; i++) {
        used += sh->shares[i].jobs;
    }

    for (i = NGX_HTTP_TASK_JOB_DONE; i < NGX_HTTP_TASK_JOB_STATES; i++) {
        used -= sh->states[i];
    }

    ngx_http_task_job_unlock(&w->zone);

    return (used + places <= sh->njobs && blocks <= sh->nblocks) ? NGX_OK
                                                                 : NGX_BUSY;
}


/* with the mutex */

static void
ngx_http_task_state_fill_need(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_job_t *loaded, uint64_t *places, uint64_t *blocks)
{
    if (ngx_http_task_state_there(zone, loaded->head.id) == NULL) {
        (*places)++;
        *blocks += ngx_http_task_job_blocks(loaded->head.input);
    }
}


static ngx_int_t
ngx_http_task_state_fill_put(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < load->n; i++) {
        rc = ngx_http_task_state_put(&w->zone, load, load->jobs[i]);

        if (rc != NGX_OK && rc != NGX_DECLINED) {

            if (i < load->waits) {
                return rc;
            }

            load->no_room++;
        }

        load->back += (rc == NGX_OK);

        if (i % NGX_HTTP_TASK_STATE_PUT == NGX_HTTP_TASK_STATE_PUT - 1) {
            ngx_msleep(1);
        }
    }

    return NGX_OK;
}


static void
ngx_http_task_state_fill_back(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load)
{
    ngx_uint_t               i;
    ngx_http_task_record_t  *job;

    for (i = 0; i < load->waits; i++) {
        ngx_http_task_job_lock(zone);

        job = ngx_http_task_state_find(zone, load->jobs[i]->head.id);

        if (job) {
            ngx_http_task_state_fill_take_out(zone, job);
        }

        ngx_http_task_job_unlock(zone);

        if (i % NGX_HTTP_TASK_STATE_PUT == NGX_HTTP_TASK_STATE_PUT - 1) {
            ngx_msleep(1);
        }
    }
}


/* nobody has claimed it, but a client may have cancelled it: that is kept;
   with the mutex */

static void
ngx_http_task_state_fill_take_out(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job)
{
    if (ngx_http_task_atomic_get(&job->state) != NGX_HTTP_TASK_JOB_QUEUED
        || job->owner != NGX_HTTP_TASK_JOB_NONE)
    {
        return;
    }

    if (job->again) {
        ngx_http_task_job_again_leave(zone->sh, job);

    } else {
        ngx_http_task_job_queue_leave(zone, job);
    }

    job->forgotten = 1;

    ngx_http_task_job_over(zone, job, NGX_HTTP_TASK_JOB_CANCELLED, 0);
    ngx_http_task_job_free(zone, job);
}


void
ngx_http_task_state_loaded(ngx_http_task_job_zone_t *zone)
{
    ngx_http_task_state_fill_end(zone, 1);
}


/* nobody was told of the jobs, and those who came were sent away */

static void
ngx_http_task_state_fill_end(ngx_http_task_job_zone_t *zone, ngx_uint_t loaded)
{
    uint64_t                      n;
    ngx_uint_t                    i;
    ngx_http_task_job_sh_t       *sh;
    ngx_http_task_job_waiting_t  *queue;

    sh = zone->sh;

    ngx_http_task_job_lock(zone);

    ngx_http_task_atomic_set(&sh->state.loaded, loaded);
    ngx_http_task_atomic_set(&sh->state.loading, 0);

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        queue = &sh->queues[i];

        for (n = ngx_min(queue->waiting,
                         ngx_http_task_job_queue_hungry(queue));
             n;
             n--)
        {
            ngx_http_task_job_queue_tell(zone, queue);
        }
    }

    ngx_http_task_job_unlock(zone);
}


static void
ngx_http_task_state_fill_log(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load)
{
    if (load->back) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "state file \"%s\": %ui jobs are back, %ui are lost",
                      w->journal.path, load->back, load->lost);
    }

    if (load->wrong) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "state file \"%s\": %ui records are malformed, they are "
                      "skipped", w->journal.path, load->wrong);
    }

    if (load->no_room) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "state file \"%s\": %ui jobs have no room in "
                      "task_job_zone \"%V\", they are gone", w->journal.path,
                      load->no_room, &w->zone.store->name);
    }
}


/* once, as it is tried again and again */

static void
ngx_http_task_state_fill_refused(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load, ngx_int_t rc)
{
    if (w->told) {
        return;
    }

    w->told = 1;

    if (rc == NGX_ABORT) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "state file \"%s\": it has jobs of more queues than the "
                      "%d of a zone, it is left as it is, and task_job_zone "
                      "\"%V\" takes no job: let those end that wait there",
                      w->journal.path, NGX_HTTP_TASK_JOB_QUEUES,
                      &w->zone.store->name);
        return;
    }

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "state file \"%s\": the %ui jobs that wait in it have no "
                  "room in task_job_zone \"%V\", which takes no job until they "
                  "have: make it larger", w->journal.path, load->waits,
                  &w->zone.store->name);
}
