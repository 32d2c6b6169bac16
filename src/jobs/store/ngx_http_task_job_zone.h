
/*
 * The store that is a zone which all workers share: a record for each job, and
 * blocks for results.
 */


#ifndef _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_


#include "jobs/store/ngx_http_task_store.h"
#include "jobs/store/ngx_http_task_job_layout.h"


/* a store in shared memory: what this process knows of it */

typedef struct {
    ngx_http_task_store_t      store;        /* the first member */

    ngx_shm_zone_t            *shm_zone;     /* NULL: it is not defined */
    ngx_http_task_job_sh_t    *sh;

    /* of this worker */

    ngx_uint_t                 damaged;      /* to be rebuilt, see unlock() */
    ngx_http_task_job_owner_t *owner;        /* NULL: it has had none yet */
    void                     **data;         /* of its jobs, by their keys */
    ngx_uint_t                 running;      /* its jobs that have not ended */
    ngx_event_t                event;        /* looks for cancels */
} ngx_http_task_job_zone_t;


/* ngx_http_task_job_shm.c: how jobs lie in shared memory */

ngx_int_t ngx_http_task_job_shm_create(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, size_t size, void *tag);

/* the largest result that a zone of this size has blocks for, bytes */

size_t ngx_http_task_job_shm_room(size_t size);

/* ngx_http_task_job_table.c */

/* milliseconds: since the epoch; on the monotonic clock */

int64_t ngx_http_task_job_now(void);
int64_t ngx_http_task_job_clock(void);

/* --- all that follows up to the next line: under the zone's mutex -------- */

uint32_t *ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id);
void ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job);

/* in front of that one; NULL: at the end */

void ngx_http_task_job_insert(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *before,
    ngx_http_task_record_t *job);
void ngx_http_task_job_remove(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job);

/* the list of a job that has ended, and that no thread has */

ngx_http_task_job_list_t *ngx_http_task_job_list(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);

/* something leads nowhere: it is logged, and the zone rebuilt by unlock() */

void ngx_http_task_job_damaged(ngx_http_task_job_zone_t *zone,
    const char *what);


/* ngx_http_task_job_block.c: results */

/* how many blocks a result of that length needs */

ngx_uint_t ngx_http_task_job_blocks(size_t length);

/* one that is free, of which there is one */

uint32_t ngx_http_task_job_take_block(ngx_http_task_job_sh_t *sh);

/* those of its result; NGX_ERROR: the zone is damaged */

ngx_int_t ngx_http_task_job_free_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);


/* ngx_http_task_job_keep.c: jobs that have ended */

/* frees a few of those that are over their time */

void ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone);

ngx_uint_t ngx_http_task_job_is_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, int64_t now);

/* frees one that has ended, and that no thread has */

void ngx_http_task_job_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* puts one that ends, and is in no list, into that of its share */

void ngx_http_task_job_keep(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* likewise one that had ended already, but a thread had it until now */

void ngx_http_task_job_retire(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * Drops the oldest one that has ended, of the shares from first to before last,
 * and with result of those that have one; 0: there is none.
 */

ngx_uint_t ngx_http_task_job_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t first, ngx_uint_t last, ngx_uint_t result);


/* ngx_http_task_job_owner.c: the workers whose jobs they are */

/* so many jobs are lost at once */

#define NGX_HTTP_TASK_JOB_SWEEP  1000

/* NGX_DECLINED: too many workers have jobs */

ngx_int_t ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone);

ngx_uint_t ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* a job whose worker is gone; one that has ended may be freed by it */

void ngx_http_task_job_lose(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * Loses jobs of workers that are gone, a bounded number.  NGX_AGAIN: there may
 * be more.
 */

ngx_int_t ngx_http_task_job_sweep(ngx_http_task_job_zone_t *zone);

/*
 * Loses up to max jobs of an owner, and frees its place when it has none any
 * more; returns what is left of max.
 */

ngx_uint_t ngx_http_task_job_sweep_owner(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner, ngx_uint_t max);


/* ngx_http_task_job_room.c: who has to go, so that there is room */

/*
 * A place for a job of the share with this key, at most max of which may be
 * there; 0: any number.  NGX_DECLINED: the share is full; NGX_BUSY: the zone.
 */

ngx_int_t ngx_http_task_job_place(ngx_http_task_job_zone_t *zone,
    uint64_t key, ngx_uint_t max, ngx_http_task_record_t **place);

/*
 * Writes the result into blocks.  NGX_DECLINED: it is larger than any may be;
 * NGX_BUSY: there is no room for it.  Nothing is dropped in vain.
 */

ngx_int_t ngx_http_task_job_result_write(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *result);


/* ngx_http_task_job_rebuild.c: the mutex, and a process that was killed */

void ngx_http_task_job_lock(ngx_http_task_job_zone_t *zone);
void ngx_http_task_job_unlock(ngx_http_task_job_zone_t *zone);

/* makes anew all that is derived */

void ngx_http_task_job_rebuild(ngx_http_task_job_zone_t *zone);


/* --- without the mutex: ngx_http_task_job_progress.c --------------------- */

/* in any thread of the worker, one at a time */

void ngx_http_task_job_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
void ngx_http_task_job_progress(ngx_http_task_record_t *job, int64_t done,
    int64_t total, const char *message);

/* what is told of a job */

void ngx_http_task_job_copy(ngx_http_task_job_seen_t *seen,
    ngx_http_task_record_t *job);


/* --- these take the mutex ------------------------------------------------ */

/*
 * ngx_http_task_job_zone.c: what is done with jobs; all of it takes the mutex,
 * for no longer than it takes to copy a result
 */

/*
 * On the loop of the worker that will run it; data is what asked() gives back.
 * NGX_BUSY: there is no room in
 * the zone; NGX_DECLINED: none for this location; NGX_ABORT: too many workers
 * have jobs; NGX_ERROR.
 */

ngx_int_t ngx_http_task_job_add(ngx_http_task_job_zone_t *zone, uint64_t key,
    ngx_uint_t max, void *data, ngx_http_task_record_t **job);

/*
 * On the same loop.  With busy a thread still has the job, and returned() is
 * to follow.  NGX_DECLINED, NGX_BUSY: as of store(); the job has not ended.
 */

ngx_int_t ngx_http_task_job_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_state_e state,
    ngx_uint_t status, ngx_str_t *result, ngx_uint_t busy);
void ngx_http_task_job_returned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* on any worker's loop; NGX_DECLINED: there is no such job */

ngx_int_t ngx_http_task_job_see(ngx_http_task_job_zone_t *zone, u_char *id,
    ngx_pool_t *pool, ngx_http_task_job_seen_t *seen);
ngx_int_t ngx_http_task_job_peek(ngx_http_task_job_zone_t *zone, u_char *id,
    uint64_t *version, ngx_uint_t *ended);
ngx_int_t ngx_http_task_job_ask(ngx_http_task_job_zone_t *zone, u_char *id);

/* erases one that has ended; NGX_BUSY: it has not */

ngx_int_t ngx_http_task_job_forget(ngx_http_task_job_zone_t *zone, u_char *id);

/*
 * The data of the jobs that this worker is asked to cancel, up to
 * NGX_HTTP_TASK_JOB_ASKED at a time; returns their number.
 */

ngx_uint_t ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone,
    void **jobs);

void ngx_http_task_job_counts(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_counts_t *counts);

/* in a worker that ends: what it has not ended is lost */

void ngx_http_task_job_leave(ngx_http_task_job_zone_t *zone);


/* ngx_http_task_job_store.c: the zone as a store */

extern const ngx_http_task_store_type_t  ngx_http_task_job_store;


#endif /* _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_ */
