
/*
 * Whose the state file is.  Each zone has a number, which is in the header of
 * the files that it makes, and a zone that reads a file makes a copy at once:
 * so it knows whether another one has had the file since, as that of an nginx
 * which was upgraded, and then left to the one of before.
 *
 * What that has written is newer than what is in the zone: the jobs that waited
 * have run there.  So the zone is emptied, and the file is read.  Nothing of
 * this zone was begun meanwhile, as no worker of it could write.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_uint_t ngx_http_task_state_in_hand(ngx_http_task_job_zone_t *zone);


/* so is one that was not there: its header was made when it was opened */

ngx_uint_t
ngx_http_task_state_is_mine(ngx_http_task_state_writer_t *w)
{
    return ngx_http_task_journal_owner(&w->journal)
           == w->zone.sh->state.owner;
}


ngx_int_t
ngx_http_task_state_drop(ngx_http_task_state_writer_t *w)
{
    uint32_t                 i, first;
    ngx_http_task_job_sh_t  *sh;

    sh = w->zone.sh;
    first = !ngx_http_task_atomic_get(&sh->state.loading);

    /* nobody adds a job, or claims one; those who wait for a pass give up */

    ngx_http_task_atomic_set(&sh->state.refuses, 1);
    ngx_http_task_atomic_set(&sh->state.loading, 1);

    (void) __atomic_fetch_add(&sh->state.others, 1, __ATOMIC_SEQ_CST);

    ngx_http_task_job_lock(&w->zone);

    if (ngx_http_task_state_in_hand(&w->zone)) {
        ngx_http_task_job_unlock(&w->zone);

        if (first) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "state file \"%s\" was written by another nginx "
                          "since: it is read when the jobs of task_job_zone "
                          "\"%V\" that run have ended", w->journal.path,
                          &w->zone.store->name);
        }

        return NGX_BUSY;
    }

    for (i = 0; i < sh->used_jobs; i++) {
        ngx_http_task_atomic_set(&sh->jobs[i].state, NGX_HTTP_TASK_JOB_FREE);
    }

    ngx_http_task_job_rebuild(&w->zone);

    ngx_http_task_atomic_set(&sh->state.loaded, 0);
    sh->state.put_size = 0;

    ngx_http_task_job_unlock(&w->zone);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "state file \"%s\" was written by another nginx since: what "
                  "task_job_zone \"%V\" has is dropped, and the file is read",
                  w->journal.path, &w->zone.store->name);

    return NGX_OK;
}


/* returns 1 if a worker has a job, or a thread of it */

static ngx_uint_t
ngx_http_task_state_in_hand(ngx_http_task_job_zone_t *zone)
{
    uint32_t                 i;
    ngx_uint_t               state;
    ngx_http_task_job_sh_t  *sh;
    ngx_http_task_record_t  *job;

    sh = zone->sh;

    for (i = 0; i < sh->used_jobs; i++) {
        job = &sh->jobs[i];
        state = ngx_http_task_atomic_get(&job->state);

        if (state == NGX_HTTP_TASK_JOB_FREE
            || job->owner == NGX_HTTP_TASK_JOB_NONE
            || (state >= NGX_HTTP_TASK_JOB_DONE && !job->busy))
        {
            continue;
        }

        if (ngx_http_task_job_owned(zone, job)) {
            return 1;
        }
    }

    return 0;
}
