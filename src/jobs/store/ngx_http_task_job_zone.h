
/*
 * The store in a shared zone: it has a record for each job, and blocks for
 * results.  All workers use it.
 */


#ifndef _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_ZONE_H_INCLUDED_


#include "jobs/store/ngx_http_task_store.h"
#include "jobs/store/ngx_http_task_job_layout.h"


/* what this process knows of a store in shared memory */

typedef struct {
    ngx_http_task_store_t     *store;
    ngx_msec_t                 ttl;
    ngx_msec_t                 keep;         /* an ended job is not dropped
                                                for so long */

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
} ngx_http_task_job_zone_t;


/* ngx_http_task_job_shm.c: how jobs lie in shared memory */

ngx_int_t ngx_http_task_job_shm_create(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, size_t size, void *tag);

/* returns about how long a result a zone of this size can hold, bytes */

size_t ngx_http_task_job_shm_room(size_t size);

/* ngx_http_task_job_table.c */

/* milliseconds: now() since the epoch, clock() on the monotonic clock */

int64_t ngx_http_task_job_now(void);
int64_t ngx_http_task_job_clock(void);

/* --- down to the next such line: the caller holds the zone's mutex ------- */

uint32_t *ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id);
void ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job);

/* inserts the job in front of "before"; at the end if that is NULL */

void ngx_http_task_job_insert(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *before,
    ngx_http_task_record_t *job);
void ngx_http_task_job_remove(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_record_t *job);

/* the list of what an owner is to cancel: puts a job first; takes one out */

void ngx_http_task_job_asked_push(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_owner_t *owner, ngx_http_task_record_t *job);
void ngx_http_task_job_asked_remove(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner, ngx_http_task_record_t *job);

/* returns the list of its share for a job that ends, or has ended */

ngx_http_task_job_list_t *ngx_http_task_job_list(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);

/* logs that something leads nowhere; unlock() will then rebuild the zone */

void ngx_http_task_job_damaged(ngx_http_task_job_zone_t *zone,
    const char *what);


/*
 * ngx_http_task_job_block.c: chains of blocks, which have results and events.
 * NGX_ERROR: a chain ends too early, and the zone is damaged.
 */

/* a place in a chain; the first number of it is where first points to */

typedef struct {
    uint32_t                   job;          /* what its blocks have there */
    uint32_t                  *first;
    uint32_t                   block;        /* NONE: before the first one */
    uint32_t                   at;           /* bytes of the block */
} ngx_http_task_job_chain_t;

#define NGX_HTTP_TASK_JOB_DATA                                                \
    sizeof(((ngx_http_task_job_block_t *) 0)->data)

/* returns how many blocks that many bytes need */

ngx_uint_t ngx_http_task_job_blocks(size_t length);

/* returns how many blocks can be taken */

ngx_uint_t ngx_http_task_job_free_count(ngx_http_task_job_sh_t *sh);

/* appends n bytes at the place, which is the end; there must be room */

void ngx_http_task_job_chain_write(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_chain_t *chain, const void *data, size_t n);

/* reads n bytes, and goes on; with data NULL, goes on */

ngx_int_t ngx_http_task_job_chain_read(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_chain_t *chain, void *data, size_t n);

/* frees n blocks from this one on; returns the next one in next */

ngx_int_t ngx_http_task_job_chain_free(ngx_http_task_job_zone_t *zone,
    uint32_t job, uint32_t block, ngx_uint_t n, uint32_t *next);


/* ngx_http_task_job_events.c: events of jobs */

/* the events that count */

#define ngx_http_task_job_events(job)                                         \
    (&(job)->events[(job)->which & 1])

/* returns how many blocks have events of the job */

ngx_uint_t ngx_http_task_job_events_blocks(ngx_http_task_record_t *job);

#define ngx_http_task_job_events_mark(zone, job)                              \
    ((uint32_t) ((job) - (zone)->sh->jobs) | NGX_HTTP_TASK_JOB_EVENTS)

/* makes others count: a copy of those that do, which was changed */

void ngx_http_task_job_events_count(ngx_http_task_record_t *job,
    ngx_http_task_job_events_t *events);

/* sets the chain to the oldest event */

void ngx_http_task_job_events_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_chain_t *chain);

/* copies the events that op asks for into op->pool, and op->seen */

ngx_int_t ngx_http_task_job_events_see(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_store_op_t *op);

/* frees all */

ngx_int_t ngx_http_task_job_events_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* marks the blocks of the events as reached; if one is not there, drops all */

void ngx_http_task_job_events_reach(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);


/* ngx_http_task_job_keep.c: jobs that have ended */

/* frees a few ended jobs whose time is over */

void ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone);

/* returns 1 if the time of an ended job is over, or it was forgotten */

ngx_uint_t ngx_http_task_job_is_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, int64_t now);

/* frees a job that has ended, and that no thread has */

void ngx_http_task_job_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* puts a job that ends, and is in no list, into a list of its share */

void ngx_http_task_job_keep(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* keeps a job that ended before, when its thread still had it; or frees it */

void ngx_http_task_job_retire(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * Drops the oldest ended job of the shares from first to before last; with
 * result, the oldest one that has a result.  Returns 0 if there is none, or
 * "keep" protects it.
 */

ngx_uint_t ngx_http_task_job_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t first, ngx_uint_t last, ngx_uint_t result);


/* ngx_http_task_job_owner.c: the workers that jobs belong to */

/* at most so many jobs are lost under one lock */

#define NGX_HTTP_TASK_JOB_SWEEP  1000

/* makes this worker an owner; NGX_DECLINED: there are too many; NGX_ERROR */

ngx_int_t ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone);

/* returns 1 if the worker of a job is alive */

ngx_uint_t ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * Loses a job whose worker is gone, if it ran, else it waits again.  A job that
 * has ended keeps its state, and may be freed.
 */

void ngx_http_task_job_lose(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* ends a job that is in no list, and without a result */

void ngx_http_task_job_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_state_e state,
    ngx_uint_t status);

/*
 * Loses a bounded number of jobs of workers that are gone.  NGX_AGAIN: there
 * may be more.
 */

ngx_int_t ngx_http_task_job_sweep(ngx_http_task_job_zone_t *zone);

/*
 * Loses up to max jobs of an owner, and frees the owner's place when it has no
 * job left.  Returns what is left of max; 0, too, if the zone is damaged.
 */

ngx_uint_t ngx_http_task_job_sweep_owner(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner, ngx_uint_t max);


/*
 * ngx_http_task_job_input.c: what a job is made of: begin() sets the chain
 * before its first byte, over() frees it if the job will never run again, and
 * reach() marks its blocks as reached, or drops it if one is not there
 */

void ngx_http_task_job_input_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_http_task_job_chain_t *chain);
void ngx_http_task_job_input_write(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *head, ngx_str_t *body);
ngx_int_t ngx_http_task_job_input_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
void ngx_http_task_job_input_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
void ngx_http_task_job_input_reach(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);


/* ngx_http_task_job_waiting.c: jobs that wait */

/* returns the queue; NULL: too many have jobs */

ngx_http_task_job_waiting_t *ngx_http_task_job_queue(
    ngx_http_task_job_zone_t *zone, ngx_http_task_queue_t *queue);

/* returns the queue with this hash, or NULL; without the mutex, too */

ngx_http_task_job_waiting_t *ngx_http_task_job_queue_find(
    ngx_http_task_job_zone_t *zone, uint64_t hash);

/* returns how many workers wait for its jobs */

ngx_uint_t ngx_http_task_job_queue_room(ngx_http_task_job_waiting_t *queue);

/* puts a job that is in no list into its queue; takes it out */

void ngx_http_task_job_queue_up(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
void ngx_http_task_job_queue_leave(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* makes this worker the owner of a job that is in no list */

void ngx_http_task_job_own(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* this worker, which is an owner, waits for jobs of the queue; or does not */

void ngx_http_task_job_hungry(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_waiting_t *queue, ngx_uint_t hungry);

/* an owner waits for no job any more */

void ngx_http_task_job_sated(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_owner_t *owner);


/* ngx_http_task_job_room.c: which jobs are dropped to make room */

/*
 * Takes a place for a job of the share with this key, which may have max jobs;
 * 0: any number.  NGX_DECLINED: the share is full, or no share is unused;
 * NGX_BUSY: the zone is full.
 */

ngx_int_t ngx_http_task_job_place(ngx_http_task_job_zone_t *zone,
    uint64_t key, ngx_uint_t max, ngx_http_task_record_t **place);

/* gives the place back, unused */

void ngx_http_task_job_unplace(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* returns 1 if make_room() would find so many blocks */

ngx_uint_t ngx_http_task_job_has_room(ngx_http_task_job_zone_t *zone,
    ngx_uint_t blocks);

/*
 * Drops the oldest ended jobs that have blocks, until so many are free.
 * NGX_BUSY: there are too few of them, and no job is dropped.
 */

ngx_int_t ngx_http_task_job_make_room(ngx_http_task_job_zone_t *zone,
    ngx_uint_t blocks);


/*
 * ngx_http_task_job_event_add.c: adds an event, and drops the oldest ones of
 * the job for it; NGX_BUSY: there is no room
 */

ngx_int_t ngx_http_task_job_events_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job, ngx_str_t *text);


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

/* adds a job: NGX_OK, or NGX_DECLINED, and op->why */

ngx_int_t ngx_http_task_job_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);

/*
 * ngx_http_task_job_waiting.c, on the loop of any worker: NGX_OK: a job is
 * this worker's; NGX_DECLINED: there is none; NGX_ERROR: no memory
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

/* ngx_http_task_job_owner.c: see last() of a store */

ngx_uint_t ngx_http_task_job_last(ngx_http_task_job_zone_t *zone);

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

/* erases an ended job; NGX_DECLINED: no such job; NGX_BUSY: it goes on */

ngx_int_t ngx_http_task_job_forget(ngx_http_task_job_zone_t *zone, u_char *id);

/*
 * Sets the data of the jobs that this worker is asked to cancel, up to
 * NGX_HTTP_TASK_JOB_ASKED at a time, and returns their number.
 */

ngx_uint_t ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone,
    void **jobs);

/* ngx_http_task_job_counts.c */

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
