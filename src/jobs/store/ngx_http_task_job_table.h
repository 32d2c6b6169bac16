
/*
 * What is in a zone of jobs, piece by piece.  The caller holds the mutex of the
 * zone, where nothing else is said.
 */


#ifndef _NGX_HTTP_TASK_JOB_TABLE_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_TABLE_H_INCLUDED_


#include "jobs/store/ngx_http_task_job_layout.h"


typedef struct ngx_http_task_job_zone_s  ngx_http_task_job_zone_t;


/* ngx_http_task_job_table.c */

/* milliseconds: now() since the epoch, clock() on the monotonic clock */

int64_t ngx_http_task_job_now(void);
int64_t ngx_http_task_job_clock(void);

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
 * ngx_http_task_job_mark.c: what the state file lacks.  Who changes a job marks
 * it before the mutex is given back, or, without the mutex, behind the change.
 */

void ngx_http_task_job_mark(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);
void ngx_http_task_job_mark_all(ngx_http_task_job_sh_t *sh);

/* takes the mark of a record; returns 1 if it had one */

ngx_uint_t ngx_http_task_job_unmark(ngx_http_task_job_sh_t *sh, uint32_t i);


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


/*
 * ngx_http_task_job_again.c: jobs that have run, and wait for another attempt
 */

/* returns 1 if it may be tried again, should its worker not end it */

ngx_uint_t ngx_http_task_job_tries(ngx_http_task_record_t *job);

/* what a job is, if not: lost, or dead */

ngx_http_task_job_state_e ngx_http_task_job_again_over(
    ngx_http_task_record_t *job);

/* a job that is in no list, and that nobody runs any more, waits so long */

void ngx_http_task_job_again(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* returns how long it waits that came to nothing so often, milliseconds */

int64_t ngx_http_task_job_again_while(uint32_t lost);

/* puts one that does into its list, as the last one; takes it out */

void ngx_http_task_job_again_put(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);
void ngx_http_task_job_again_leave(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);

/* those whose time has come wait in their queues, a bounded number of them */

void ngx_http_task_job_again_due(ngx_http_task_job_zone_t *zone, int64_t now);


/* ngx_http_task_job_owner.c: the workers that jobs belong to */

/* at most so many jobs are lost under one lock */

#define NGX_HTTP_TASK_JOB_SWEEP  1000

/* makes this worker an owner; NGX_DECLINED: there are too many; NGX_ERROR */

ngx_int_t ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone);

/* returns 1 if this worker is alive; and if that of a job is */

ngx_uint_t ngx_http_task_job_alive(ngx_http_task_job_owner_t *owner);

ngx_uint_t ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/*
 * Takes a job from a worker that is gone: if it ran, cut() says what becomes of
 * it, else it waits again.  A job that has ended keeps its state, and may be
 * freed.
 */

void ngx_http_task_job_lose(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

/* a job that ran, and is in no list: it is tried again, or is lost */

void ngx_http_task_job_cut(ngx_http_task_job_zone_t *zone,
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
 * before its first byte, over() frees that of a job that has ended, or keeps it
 * for another try; and reach() marks its blocks as reached, or drops it if one
 * is not there, or the job will never run again
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

/* returns 1 if a job of this state may be tried again */

ngx_uint_t ngx_http_task_job_may_retry(ngx_uint_t state);

/* an input is kept, the newest one, or the oldest one; or not any more: it
   stays where it is */

void ngx_http_task_job_input_keep(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);
void ngx_http_task_job_input_keep_first(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);
void ngx_http_task_job_input_unkeep(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);

/* frees the oldest input that is kept; returns 0 if none is */

ngx_uint_t ngx_http_task_job_input_drop(ngx_http_task_job_zone_t *zone);


/* ngx_http_task_job_keys.c: jobs that have a key; find() returns NULL: none */

void ngx_http_task_job_key_add(ngx_http_task_job_sh_t *sh,
    ngx_http_task_record_t *job);
void ngx_http_task_job_key_remove(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);
ngx_http_task_record_t *ngx_http_task_job_key_find(
    ngx_http_task_job_zone_t *zone, const u_char *key);


/* ngx_http_task_job_waiting.c: jobs that wait */

/* returns the queue; NULL: too many have jobs */

ngx_http_task_job_waiting_t *ngx_http_task_job_queue(
    ngx_http_task_job_zone_t *zone, ngx_http_task_queue_t *queue);

/* returns the queue with this hash, or NULL; without the mutex, too */

ngx_http_task_job_waiting_t *ngx_http_task_job_queue_find(
    ngx_http_task_job_zone_t *zone, uint64_t hash);

/* returns how many workers wait for its jobs; and with those who were told of
   one, and come for it */

ngx_uint_t ngx_http_task_job_queue_hungry(ngx_http_task_job_waiting_t *queue);
ngx_uint_t ngx_http_task_job_queue_room(ngx_http_task_job_waiting_t *queue);

/* one of the workers that wait for its jobs is told of one */

void ngx_http_task_job_queue_tell(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_waiting_t *queue);

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

/* ngx_http_task_job_queues.c: a job that this worker has claimed waits again */

void ngx_http_task_job_unclaim(ngx_http_task_job_zone_t *zone,
    ngx_http_task_record_t *job);

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


#endif /* _NGX_HTTP_TASK_JOB_TABLE_H_INCLUDED_ */
