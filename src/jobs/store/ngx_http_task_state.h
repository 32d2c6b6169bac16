
/*
 * The state file of a zone of jobs: a journal, in which the jobs of the zone
 * are kept over a stop of nginx.
 *
 * A record says what is at a place, the number of a job in the table of the
 * zone: in a replay the last one of a place wins.  One thread of all workers
 * writes; it is told by marks what has changed, see job_mark.c, and writes that
 * in passes.  A worker that has added or claimed a job waits for a pass before
 * it tells of the job, or runs it: so no job that was accepted is missing, and
 * none runs again that may have run.
 */


#ifndef _NGX_HTTP_TASK_STATE_H_INCLUDED_
#define _NGX_HTTP_TASK_STATE_H_INCLUDED_


#include "jobs/store/ngx_http_task_job_zone.h"
#include "jobs/store/ngx_http_task_journal.h"


/* values of "fsync" */

#define NGX_HTTP_TASK_STATE_ALWAYS    1
#define NGX_HTTP_TASK_STATE_EVERYSEC  2
#define NGX_HTTP_TASK_STATE_NO        3


/* types of records */

#define NGX_HTTP_TASK_STATE_EMPTY     1    /* no job is at the place */
#define NGX_HTTP_TASK_STATE_JOB       2
#define NGX_HTTP_TASK_STATE_CHANGE    3    /* without the input, which a record
                                              before it has */

#define NGX_HTTP_TASK_STATE_VERSION   1


/*
 * What a record begins with; behind it are the name of the queue, the input,
 * and the result, with its type in front of it.  An empty one has no more than
 * the first two members.
 */

typedef struct {
    uint32_t                   version;
    uint32_t                   place;

    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    uint32_t                   state;        /* a job that a worker has claimed
                                                counts as one that runs */
    uint32_t                   status;
    uint32_t                   keyed;
    uint32_t                   queue;        /* bytes of the name, .. */
    uint32_t                   input;        /* .. of the input, .. */
    uint32_t                   length;       /* .. of result and type, .. */
    uint32_t                   type;         /* .. and of the type */
    uint32_t                   cancel;       /* 1: a client asked for that */
    u_char                     key[NGX_HTTP_TASK_JOB_DIGEST];
    u_char                     print[NGX_HTTP_TASK_JOB_DIGEST];

    uint32_t                   attempts;     /* as of a record of the zone */
    uint32_t                   attempt;
    uint32_t                   lost;
    uint32_t                   before;

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;
    int64_t                    ended;
    int64_t                    accepted;     /* or queued again */
    int64_t                    again;        /* it waits until then; or 0 */
    int64_t                    order;
    int64_t                    turn;
    uint64_t                   share;        /* the key of it */
} ngx_http_task_state_record_t;

#define NGX_HTTP_TASK_STATE_PLACE                                             \
    offsetof(ngx_http_task_state_record_t, id)


/* who writes: the thread of a worker */

typedef struct {
    ngx_http_task_job_zone_t   zone;         /* as this thread sees it */
    ngx_http_task_journal_t    journal;

    u_char                    *buffer;       /* of a record */
    size_t                     size;         /* of the buffer */
    ngx_uint_t                 marked;       /* 1: the file lacks that */
    uint32_t                   type;         /* of the record in it, .. */
    size_t                     length;       /* .. and its bytes */

    ngx_uint_t                 writer;       /* 1: it has the mutex, .. */
    ngx_uint_t                 open;         /* .. 1: and the file is open */
    ngx_fd_t                   held;         /* FILE.lock, or none, .. */
    ngx_uint_t                 unheld;       /* .. 1: which was logged */
    ngx_pid_t                  busy;         /* it may have jobs of the file;
                                                0: nobody has */
    ngx_uint_t                 refused;      /* 1: it could not be opened */
    int64_t                    tell;         /* when the log tells who has the
                                                file, ns; 0: nobody has */
    ngx_pid_t                  holder;       /* of whom it has told; or 0 */
    ngx_uint_t                 told;         /* 1: why the file is not loaded
                                                was logged */

    ngx_uint_t                 whole;        /* 1: what the file has of inputs
                                                is not sure */
    ngx_uint_t                 copying;      /* 1: there is a copy, .. */
    uint32_t                   cursor;       /* .. of the places before this */
    uint64_t                   covers;       /* passes that the copy has */
    off_t                      kept;         /* the size of the file behind the
                                                last pass that was done, .. */
    uint64_t                  *taken;        /* .. bits for each record that
                                                was written since */
    int64_t                    synced;       /* when, ns */
    int64_t                    again;        /* no copy before then, ns */
} ngx_http_task_state_writer_t;


/* the file of a zone, as the configuration has it, and what this worker does */

struct ngx_http_task_state_s {
    ngx_str_t                  path;         /* a null is behind it */
    ngx_uint_t                 fsync;
    ngx_http_task_place_t      place;        /* in nginx.conf */

    pthread_t                  tid;
    ngx_uint_t                 runs;         /* 1: there is a thread */
    int64_t                    quits;        /* since then the process leaves
                                                its stores, ns */
    ngx_uint_t                 kept;         /* 1: the file has what this worker
                                                has changed */
    int                        stop;         /* [both] a futex */
    ngx_http_task_state_writer_t  writer;    /* the thread's */

    /* ngx_http_task_state_wait.c */

    ngx_http_task_job_zone_t  *zone;
    ngx_queue_t                waits;
    ngx_event_t                event;
    ngx_http_task_waker_t      waker;
    ngx_http_task_work_t       work;
};


/*
 * ngx_http_task_state_conf.c: reads "state" and "fsync"; and looks, when all is
 * read, whether the user of the workers may write
 */

char *ngx_http_task_state_conf(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_array_t *stores, ngx_http_task_option_t *path,
    ngx_http_task_option_t *fsync);


/* --- in the thread that writes ------------------------------------------- */

/*
 * ngx_http_task_state_copy.c: makes a record of what is at a place, whose mark
 * was taken.  NGX_DECLINED: there is nothing to say of it; NGX_ERROR: no memory
 */

ngx_int_t ngx_http_task_state_copy(ngx_http_task_state_writer_t *w,
    uint32_t place, ngx_uint_t whole);

/* ngx_http_task_state_kept.c: the file is open; NGX_ERROR: no memory */

ngx_int_t ngx_http_task_state_pass_begin(ngx_http_task_state_writer_t *w);

/* the record at the place was written; what was written so far is kept */

void ngx_http_task_state_took(ngx_http_task_state_writer_t *w, uint32_t place);
void ngx_http_task_state_kept(ngx_http_task_state_writer_t *w);

/* takes back what was written since, and marks it again */

void ngx_http_task_state_take_back(ngx_http_task_state_writer_t *w);

/*
 * ngx_http_task_state_pass.c: writes what is marked, as it is the last time to
 * the disk, too.  NGX_AGAIN: it is kept when the copy is committed
 */

ngx_int_t ngx_http_task_state_pass(ngx_http_task_state_writer_t *w,
    ngx_uint_t last);

/* NGX_AGAIN: there is more to copy; NGX_OK: it is committed */

ngx_int_t ngx_http_task_state_compact(ngx_http_task_state_writer_t *w);

/* wakes the workers that wait for a pass */

void ngx_http_task_state_tell(ngx_http_task_job_sh_t *sh);

/*
 * ngx_http_task_state_held.c: from now on this process may have jobs of the
 * zone, and others know that; harmless if it is so.  It is logged once if that
 * cannot be: w->held is none then, and a later call tries again.
 */

void ngx_http_task_state_hold(ngx_http_task_state_writer_t *w,
    const char *path);

/*
 * NGX_BUSY: other processes may have jobs of the zone that has written the open
 * file; or there is none at that path, or an empty one, and they have jobs of
 * the zone that had it last.  w->busy is one of them then, or -1 if that is of
 * another machine or container.  NGX_ERROR: the system does not say, which was
 * logged.
 *
 * And: this zone has the file now.
 */

ngx_int_t ngx_http_task_state_held(ngx_http_task_state_writer_t *w);
ngx_int_t ngx_http_task_state_held_without(ngx_http_task_state_writer_t *w,
    const char *path);
void ngx_http_task_state_held_now(ngx_http_task_state_writer_t *w);

/* ngx_http_task_state_whose.c: returns 1 if this zone has written the file */

ngx_uint_t ngx_http_task_state_is_mine(ngx_http_task_state_writer_t *w);

/*
 * The file is another one's: the zone is emptied, and the file is to be read.
 * NGX_BUSY: not yet, workers still have jobs of the zone.
 */

ngx_int_t ngx_http_task_state_drop(ngx_http_task_state_writer_t *w);

/*
 * ngx_http_task_state_left.c: the file is closed, and all of it is on the disk;
 * returns 1 if it was so left: then it is as if it had been replayed
 */

void ngx_http_task_state_left(ngx_http_task_state_writer_t *w);
ngx_uint_t ngx_http_task_state_was_left(ngx_http_task_state_writer_t *w);

/*
 * ngx_http_task_state_open.c: opens the file, and reads it if need be.
 * NGX_BUSY: others have it, or may have jobs of it; NGX_ERROR: logged
 */

ngx_int_t ngx_http_task_state_open(ngx_http_task_state_t *state);

/* a job of the file, and all of them */

typedef struct {
    ngx_rbtree_node_t          node;         /* by places */
    ngx_http_task_state_record_t  head;
    u_char                     queue[NGX_HTTP_TASK_JOB_QUEUE];
    u_char                    *input;        /* NULL: it is not known */
    u_char                    *result;       /* NULL: none */
} ngx_http_task_state_job_t;

typedef struct {
    uint32_t                   place;        /* 0 and an id of zeros: none */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
} ngx_http_task_state_last_t;

typedef struct {
    ngx_rbtree_t               tree;
    ngx_rbtree_node_t          sentinel;

    int64_t                    now;          /* milliseconds since the epoch */
    ngx_uint_t                 n;            /* jobs, .. */
    ngx_uint_t                 waits;        /* .. of which so many wait, .. */
    ngx_http_task_state_job_t **jobs;        /* .. the first ones here */

    /* what was put into each queue last */

    ngx_http_task_state_last_t  last[NGX_HTTP_TASK_JOB_QUEUES];

    ngx_uint_t                 wrong;        /* records that are malformed */
    ngx_uint_t                 lost;
    ngx_uint_t                 back;
    ngx_uint_t                 no_room;
} ngx_http_task_state_load_t;

/* ngx_http_task_state_busy.c: others have the file; called again and again */

void ngx_http_task_state_busy(ngx_http_task_state_writer_t *w,
    const char *path);

/*
 * ngx_http_task_state_load.c: reads the file into a zone, for which it was not
 * done yet.  Unless that is NGX_OK the file is as it was.
 */

ngx_int_t ngx_http_task_state_load(ngx_http_task_state_writer_t *w);

/*
 * ngx_http_task_state_fill.c: puts all that was read into the zone; NGX_ERROR:
 * some that wait have no room, and none of them is there
 */

ngx_int_t ngx_http_task_state_fill(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_load_t *load);

/* the file has all that is in the zone: jobs are claimed now */

void ngx_http_task_state_loaded(ngx_http_task_job_zone_t *zone);

/*
 * ngx_http_task_state_put.c: puts a job into the zone.  NGX_DECLINED: it is
 * there; NGX_BUSY: no room; NGX_ABORT: there are too many queues.
 */

ngx_int_t ngx_http_task_state_put(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_load_t *load, ngx_http_task_state_job_t *loaded);

/* returns the job with that id, however old it is, or NULL; with the mutex */

ngx_http_task_record_t *ngx_http_task_state_find(
    ngx_http_task_job_zone_t *zone, u_char *id);

/* likewise, but for one that was half taken out again: that is set right */

ngx_http_task_record_t *ngx_http_task_state_there(
    ngx_http_task_job_zone_t *zone, u_char *id);

/*
 * ngx_http_task_state_list.c: puts a job into its list; notes that the next one
 * of its queue stands behind it.  With the mutex.
 */

void ngx_http_task_state_list(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job,
    ngx_uint_t state);
void ngx_http_task_state_list_last(ngx_http_task_job_sh_t *sh,
    ngx_http_task_state_load_t *load, ngx_http_task_record_t *job);


/* --- ngx_http_task_state_thread.c: on the loop ---------------------------- */

/* the thread begins; it makes a last pass, and ends: returns 1 if the file has
   all that this worker has changed in the zone */

ngx_int_t ngx_http_task_state_begin(ngx_http_task_job_zone_t *zone);
ngx_uint_t ngx_http_task_state_end(ngx_http_task_job_zone_t *zone);


/* --- ngx_http_task_state_wait.c: on the loop ------------------------------ */

ngx_int_t ngx_http_task_state_wait_begin(ngx_http_task_job_zone_t *zone);

/*
 * Answers an add or, if add is NULL, a claim of a job, or, if that is NULL as
 * well, what was done for a client, with NGX_OK, as soon as the file has it; at
 * once if the zone has none.
 */

void ngx_http_task_state_answer(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job);

/*
 * The key of an add is that of a job, op->id: answers with NGX_DECLINED as soon
 * as the file has this job, at once if a client was told of it.  If the file
 * cannot be written, or the job is gone by then, op->why is another one.
 */

void ngx_http_task_state_known(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);

/* returns 1, and sets op->why, if a job cannot be added now */

ngx_uint_t ngx_http_task_state_refuses(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);

/* returns 1 if a job that is not in the zone may be in the file */

#define ngx_http_task_state_loads(zone)                                       \
    ((zone)->state && !ngx_http_task_atomic_get(&(zone)->sh->state.loaded))

/*
 * Returns 1 if the file has the jobs that wait, or none is accepted: before it
 * was read a job is answered with "always" alone when the file has it.
 */

#define ngx_http_task_state_has_jobs(zone)                                    \
    ((zone)->state                                                            \
     && ((zone)->state->fsync == NGX_HTTP_TASK_STATE_ALWAYS                   \
         || !ngx_http_task_state_loads(zone)))

/* returns 1 if both zones have the same file, or none */

#define ngx_http_task_state_same(a, b)                                        \
    (((a)->state == NULL && (b)->state == NULL)                               \
     || ((a)->state && (b)->state                                             \
         && ngx_strcmp((a)->state->path.data, (b)->state->path.data) == 0))


#endif /* _NGX_HTTP_TASK_STATE_H_INCLUDED_ */
