
/*
 * The store in a shared zone: it has a record for each job, and blocks for
 * results.  All workers use it.
 */


#ifndef _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_


#include "jobs/store/ngx_http_task_store.h"
#include "jobs/store/ngx_http_task_job_table.h"


typedef struct ngx_http_task_state_s  ngx_http_task_state_t;


/* what this process knows of a store in shared memory */

struct ngx_http_task_job_zone_s {
    ngx_http_task_store_t     *store;
    ngx_msec_t                 ttl;
    ngx_msec_t                 keep;         /* an ended job is not dropped
                                                for so long */

    ngx_uint_t                 body;         /* 1: "max_body" was given */

    ngx_http_task_state_t     *state;        /* its file; NULL: none */

    ngx_http_task_job_sh_t    *sh;

    /* state of this worker */

    ngx_uint_t                 damaged;      /* 1: unlock() rebuilds it */
    ngx_uint_t                 full;         /* 1: this was logged already */
    ngx_http_task_job_owner_t *owner;        /* NULL: it is none yet */
    void                     **data;         /* given to bind(), by keys */
    uint32_t                   wake;         /* a worker, by unlock(); NONE */
    ngx_uint_t                 running;      /* its jobs that have not ended */

    /* looks for cancels, for changes that somebody watches for, and for jobs
       that wait */

    ngx_event_t                event;
    ngx_http_task_waker_t      waker;
    int64_t                    looked;       /* at other workers, ns */
    ngx_uint_t                 idle;         /* 1: it looks less often */
    ngx_queue_t                watches;      /* ops, looked at in this round */
    ngx_queue_t                behind;       /* ops, not yet */

    /* long inputs are written, or read, piece by piece */

    ngx_queue_t                inputs;
    ngx_http_task_work_t       work;
};


/* ngx_http_task_job_shm.c: how jobs lie in shared memory */

/* NGX_DECLINED: before a reload the zone has had another state file */

ngx_int_t ngx_http_task_job_shm_create(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, size_t size, void *tag);

/* returns about how long a result a zone of this size can hold, bytes */

size_t ngx_http_task_job_shm_room(size_t size);


/*
 * ngx_http_task_job_rebuild.c: lock() and unlock() take and give back the
 * mutex, and rebuild the zone if they must
 */

void ngx_http_task_job_lock(ngx_http_task_job_zone_t *zone);
void ngx_http_task_job_unlock(ngx_http_task_job_zone_t *zone);

/* rebuilds all that is derived */

void ngx_http_task_job_rebuild(ngx_http_task_job_zone_t *zone);


/* --- begin and progress take no mutex: ngx_http_task_job_progress.c ------ */

/* in any thread of the job's worker, one at a time */

void ngx_http_task_job_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
void ngx_http_task_job_progress(ngx_http_task_record_t *job, int64_t done,
    int64_t total, const char *message);

/* a job that nobody runs is as it was before it began */

void ngx_http_task_job_unbegin(ngx_http_task_record_t *job);

/* copies a job, but for its result; under the mutex */

void ngx_http_task_job_copy(ngx_http_task_job_seen_t *seen,
    ngx_http_task_record_t *job);

/* returns another number when the state or the progress has changed */

uint64_t ngx_http_task_job_change(ngx_http_task_record_t *job);


/*
 * ngx_http_task_job_zone.c, with the mutex: returns the job, or NULL if there
 * is none, or its time is over
 */

ngx_http_task_record_t *ngx_http_task_job_find(ngx_http_task_job_zone_t *zone,
    u_char *id);


/* --- these take the mutex ------------------------------------------------ */

/*
 * ngx_http_task_job_zone.c: what is done with jobs.  The mutex is held about
 * as long as it takes to copy a result, if nothing has to be swept or rebuilt.
 */

/*
 * ngx_http_task_job_add.c: adds a job: NGX_OK; NGX_DECLINED, and op->why; or
 * NGX_AGAIN: its input is long, the job is there, and is written to
 */

ngx_int_t ngx_http_task_job_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t **job);

/* such a job is accepted now; or it is not, as there is no room */

void ngx_http_task_job_added(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job);
void ngx_http_task_job_not_added(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * A job of which nobody was told is taken out, as its state file cannot be
 * written.  NGX_BUSY: another worker has claimed it, and it is cancelled, or it
 * has ended: nobody finds it.
 */

ngx_int_t ngx_http_task_job_not_kept(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);


/* ngx_http_task_job_long.c: the loop */

/* input up to this size is written or read under one lock, bytes */

#define NGX_HTTP_TASK_JOB_PIECE  65536

/*
 * Write what a job is made of, or read it into op->claim.input, in turns of the
 * loop, and answer the op then; add is NULL: read it.
 */

void ngx_http_task_job_long(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job);


/*
 * ngx_http_task_job_queues.c, on the loop of any worker: NGX_OK: a job is
 * this worker's; NGX_DECLINED: there is none; NGX_ERROR: no memory; NGX_AGAIN:
 * it is this worker's, but its input is long, and not read yet
 */

ngx_int_t ngx_http_task_job_claim(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_queue_t *queue);
void ngx_http_task_job_pass(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue);
void ngx_http_task_job_give_back(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

ngx_uint_t ngx_http_task_job_queue_wanted(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue);

/* returns 1 if any job waits in the queue; it takes no mutex */

ngx_uint_t ngx_http_task_job_waits(ngx_http_task_job_zone_t *zone,
    ngx_http_task_queue_t *queue);

/*
 * Jobs whose next attempt is due wait in their queues again.  Returns in how
 * many milliseconds the next one may be due, from 1 to max; it takes no mutex
 * if none is.
 */

ngx_msec_t ngx_http_task_job_due(ngx_http_task_job_zone_t *zone,
    ngx_msec_t max);

/* see last() of a store; and whether no other worker is alive at all */

ngx_uint_t ngx_http_task_job_last(ngx_http_task_job_zone_t *zone);
ngx_uint_t ngx_http_task_job_alone(ngx_http_task_job_zone_t *zone);

/* adds an event to a job, on the same loop; logs if it has no room */

void ngx_http_task_job_event(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *text);

/*
 * Ends a job, on the same loop.  With busy a thread still has the job, and
 * returned() is to follow.  NGX_DECLINED: the result is larger than any may be;
 * NGX_BUSY: there is no room for it; then the job has not ended.
 */

ngx_int_t ngx_http_task_job_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_end_t *end);
void ngx_http_task_job_returned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * ngx_http_task_job_see.c, on any worker's loop, as ask(): NGX_DECLINED: no
 * such job; see(): or NGX_ERROR
 */

ngx_int_t ngx_http_task_job_see(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op);
ngx_int_t ngx_http_task_job_peek(ngx_http_task_job_zone_t *zone, u_char *id,
    uint64_t *version, ngx_uint_t *ended);
ngx_int_t ngx_http_task_job_ask(ngx_http_task_job_zone_t *zone, u_char *id);

/* a cancel of a job of this worker was taken when it did not know the job */

void ngx_http_task_job_ask_again(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* erases an ended job; NGX_DECLINED: no such job; NGX_BUSY: it goes on */

ngx_int_t ngx_http_task_job_forget(ngx_http_task_job_zone_t *zone, u_char *id);

/*
 * ngx_http_task_job_retry.c: queues a job again: NGX_OK, NGX_DECLINED, NGX_BUSY
 * or NGX_ABORT, see retry() of a store
 */

ngx_int_t ngx_http_task_job_retry(ngx_http_task_job_zone_t *zone, u_char *id);

/*
 * ngx_http_task_job_page.c: on the loop: sets a page of its jobs, in turns of
 * the loop if there are many, and answers the op
 */

void ngx_http_task_job_page(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list);

/*
 * Sets the data of the jobs that this worker is asked to cancel, up to
 * NGX_HTTP_TASK_JOB_ASKED at a time, and returns their number.
 */

ngx_uint_t ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone,
    void **jobs);

/* ngx_http_task_job_counts.c; the first without the mutex */

ngx_uint_t ngx_http_task_job_all_waiting(ngx_http_task_job_zone_t *zone);

void ngx_http_task_job_counts(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_counts_t *counts);

/* for a worker that ends: its jobs that run are lost, others wait again */

void ngx_http_task_job_leave(ngx_http_task_job_zone_t *zone);


/* ngx_http_task_job_look.c: on the loop */

/* called in a worker that has become an owner, or could not */

ngx_int_t ngx_http_task_job_look_begin(ngx_http_task_job_zone_t *zone);

/* looks for cancels as long as this worker has jobs that have not ended */

void ngx_http_task_job_look(ngx_http_task_job_zone_t *zone);

/* looks at the op's job until there is something to tell, or it is dropped */

void ngx_http_task_job_look_for(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op);


/* ngx_http_task_job_store.c: the zone as a store */

extern const ngx_http_task_store_type_t  ngx_http_task_job_store;


#endif /* _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_ */
