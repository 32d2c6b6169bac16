
/*
 * Private types and prototypes of background jobs: what lies in the shared zone
 * of a "task_job_zone", and what a process knows of it.
 */


#ifndef _NGX_HTTP_TASK_JOB_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_TASK_JOB_ID       16      /* random bytes of an id */
#define NGX_HTTP_TASK_JOB_NODE     64      /* characters in front of it */
#define NGX_HTTP_TASK_JOB_ID_TEXT                                             \
    (NGX_HTTP_TASK_JOB_NODE + 1 + 2 * NGX_HTTP_TASK_JOB_ID)
#define NGX_HTTP_TASK_JOB_MESSAGE  96
#define NGX_HTTP_TASK_JOB_OWNERS   256     /* workers that have jobs */
#define NGX_HTTP_TASK_JOB_SHARES   64      /* locations with "max" */
#define NGX_HTTP_TASK_JOB_ASKED    64      /* cancels that are taken at once */
#define NGX_HTTP_TASK_JOB_BLOCK    256

#define NGX_HTTP_TASK_JOB_NONE     ((uint32_t) -1)


/*
 * The stores above are made before those below, also by the compiler: the
 * process may be killed in between.
 */

#define ngx_http_task_job_order()  __atomic_signal_fence(__ATOMIC_SEQ_CST)


/* of "task_background" */

#define NGX_HTTP_TASK_BACKGROUND_OFF     0
#define NGX_HTTP_TASK_BACKGROUND_ON      1
#define NGX_HTTP_TASK_BACKGROUND_PREFER  2


typedef enum {
    NGX_HTTP_TASK_JOB_FREE = 0,
    NGX_HTTP_TASK_JOB_QUEUED,
    NGX_HTTP_TASK_JOB_RUNNING,

    /* ended */

    NGX_HTTP_TASK_JOB_DONE,
    NGX_HTTP_TASK_JOB_FAILED,
    NGX_HTTP_TASK_JOB_CANCELLED,
    NGX_HTTP_TASK_JOB_TIMEOUT,
    NGX_HTTP_TASK_JOB_LOST,

    NGX_HTTP_TASK_JOB_STATES
} ngx_http_task_job_state_e;


/* a list of jobs, by their places in the table; all lists are derived */

typedef struct {
    uint32_t                   oldest;
    uint32_t                   newest;
} ngx_http_task_job_list_t;


/* how far a job is, as its function tells it */

typedef struct {
    int64_t                    done;
    int64_t                    total;
    uint64_t                   message[NGX_HTTP_TASK_JOB_MESSAGE
                                       / sizeof(uint64_t)];
} ngx_http_task_job_progress_t;


/*
 * A job.  It exists as soon as its state says so, and the state is written
 * last: a process may be killed between any two stores.  Members marked
 * "derived" are rebuilt by the next process that locks the zone.
 *
 * A job is in one list: as long as a thread or the loop of its worker may write
 * to it, in that of its owner; then in one of those of its share.
 *
 * The threads of its owner write what is marked with [both], without the mutex.
 */

typedef struct {
    uint32_t                   state;        /* [both] */

    uint32_t                   next;         /* derived: of a bucket, or free */
    uint32_t                   older;        /* derived: in its list */
    uint32_t                   newer;        /* likewise */
    uint32_t                   asked;        /* derived: the next one whose
                                                cancel its owner is told */

    uint32_t                   owner;        /* a place in owners, .. */
    uint64_t                   incarnation;  /* .. as long as it has this one */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    uint32_t                   share;        /* a place in shares */
    uint32_t                   cancel;       /* is asked for */

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;      /* [both]; 0: not yet */
    int64_t                    ended;
    int64_t                    since;        /* it ended, on the monotonic
                                                clock, milliseconds */

    uint32_t                   status;       /* of the answer, as by HTTP */
    uint32_t                   busy;         /* ended, but a thread has it */
    uint32_t                   forgotten;    /* nobody is told of it */
    uint32_t                   block;        /* the first one of the result */
    uint32_t                   length;       /* of it, bytes */

    uint32_t                   reading;      /* [both]: the progress is read */
    uint32_t                   version;      /* [both]: of it, which tells .. */
    uint32_t                   unused;

    ngx_http_task_job_progress_t  progress[2];  /* .. which one counts; [both] */
} ngx_http_task_job_t;


typedef struct {
    uint32_t                   next;         /* of the result, or free */
    uint32_t                   job;          /* counts if that has ended */
    u_char                     data[NGX_HTTP_TASK_JOB_BLOCK
                                    - 2 * sizeof(uint32_t)];
} ngx_http_task_job_block_t;


/* a worker that has jobs; it holds the mutex for life, see _slot.c */

typedef struct {
    pthread_mutex_t            alive;
    uint64_t                   incarnation;  /* 0: nobody */
    uint64_t                   running;      /* [both]: jobs that have begun */
    uint64_t                   jobs;         /* derived: that have not ended */
    ngx_http_task_job_list_t   list;         /* of these, and of busy ones */
    uint32_t                   asked;        /* derived: the first one */
} ngx_http_task_job_owner_t;


/* the jobs of a location with "max"; the first share is that of all others */

typedef struct {
    uint64_t                   key;          /* of the location; 0: unused */
    uint64_t                   jobs;         /* derived: in any state */
    ngx_http_task_job_list_t   ended[2];     /* without a result, with one */
} ngx_http_task_job_share_t;


typedef struct {
    uint64_t                   layout;
    pthread_mutex_t            mutex;        /* robust, of all but [both] */
    uint64_t                   incarnations;

    uint32_t                   njobs;
    uint32_t                   nblocks;
    uint32_t                   used_jobs;    /* so many ever: the pages .. */
    uint32_t                   used_blocks;  /* .. behind are untouched */

    uint64_t                   dropped;      /* ended ones, to make room */
    uint64_t                   refused;      /* for lack of room */

    /* derived */

    uint64_t                   states[NGX_HTTP_TASK_JOB_STATES];
    uint32_t                   free_job;
    uint32_t                   free_block;
    uint32_t                   free_blocks;  /* in this list */

    uint32_t                  *buckets;      /* njobs of them */
    ngx_http_task_job_t       *jobs;
    ngx_http_task_job_block_t *blocks;

    ngx_http_task_job_share_t  shares[NGX_HTTP_TASK_JOB_SHARES];
    ngx_http_task_job_owner_t  owners[NGX_HTTP_TASK_JOB_OWNERS];
} ngx_http_task_job_sh_t;


typedef struct {
    ngx_str_t                  name;
    ngx_shm_zone_t            *shm_zone;     /* NULL: not defined */
    ngx_http_task_place_t      place;        /* where it is named first */

    ngx_str_t                  node;         /* in front of an id, or empty */
    ngx_msec_t                 ttl;
    ngx_msec_t                 keep;         /* so long none is dropped */
    size_t                     max_body;
    size_t                     max_result;
    ngx_uint_t                 nshares;      /* locations with "max" */

    ngx_http_task_job_sh_t    *sh;

    /* of this worker */

    ngx_http_task_job_owner_t *owner;        /* NULL: it has had none yet */
    ngx_queue_t                tasks;        /* its jobs that have not ended */
    ngx_task_t               **by_job;       /* the same, by their places */
    ngx_event_t                event;        /* looks for cancels */
} ngx_http_task_job_zone_t;


/* a job as it was at one moment: a copy */

typedef struct {
    ngx_http_task_job_t           job;
    ngx_http_task_job_progress_t  progress;
    ngx_str_t                     result;
} ngx_http_task_job_seen_t;


/* a zone as it was at one moment */

typedef struct {
    ngx_uint_t                 places;
    ngx_uint_t                 used;
    ngx_uint_t                 blocks;
    ngx_uint_t                 used_blocks;
    ngx_uint_t                 states[NGX_HTTP_TASK_JOB_STATES];
    uint64_t                   dropped;      /* ended, to make room */
    uint64_t                   refused;      /* for lack of room */
} ngx_http_task_job_counts_t;


/* ngx_http_task_job_table.c: how jobs lie in the shared zone */

ngx_int_t ngx_http_task_job_zone_create(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, size_t size);

/* the largest result that a zone of this size has blocks for, bytes */

size_t ngx_http_task_job_zone_room(size_t size);

/* milliseconds: since the epoch; on the monotonic clock */

int64_t ngx_http_task_job_now(void);
int64_t ngx_http_task_job_clock(void);

/* these, and all of the next three files, under the zone's mutex */

uint32_t *ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id);
void ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *job);
void ngx_http_task_job_remove(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *job);

/* the list of a job that has ended, and that no thread has */

ngx_http_task_job_list_t *ngx_http_task_job_list(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_t *job);


/* ngx_http_task_job_rebuild.c: the mutex, and a process that was killed */

void ngx_http_task_job_lock(ngx_http_task_job_zone_t *zone);
void ngx_http_task_job_unlock(ngx_http_task_job_zone_t *zone);

/* makes anew all that is derived */

void ngx_http_task_job_rebuild(ngx_http_task_job_zone_t *zone);

/* likewise, when it leads nowhere, and logs that */

void ngx_http_task_job_damaged(ngx_http_task_job_zone_t *zone,
    const char *what);


/* ngx_http_task_job_room.c: who has to go, so that there is room */

/* frees a few of those that are over their time */

void ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone);

ngx_uint_t ngx_http_task_job_is_over(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, int64_t now);

/* of one that has ended, and that no thread has */

void ngx_http_task_job_free(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/*
 * A place for a job of the share with this key, at most max of which may be
 * there; 0: any number.  NULL: there is none.
 */

ngx_http_task_job_t *ngx_http_task_job_place(ngx_http_task_job_zone_t *zone,
    uint64_t key, ngx_uint_t max);

/*
 * Writes the result into blocks.  NGX_DECLINED: it is larger than any may be;
 * NGX_BUSY: there is no room for it.  Nothing is dropped in vain.
 */

ngx_int_t ngx_http_task_job_store(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_str_t *result);


/* ngx_http_task_job_owner.c: the workers whose jobs they are */

/* NGX_DECLINED: too many workers have jobs */

ngx_int_t ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone);

ngx_uint_t ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/* a job whose worker is gone */

void ngx_http_task_job_lose(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/*
 * Loses jobs of workers that are gone, a bounded number.  NGX_AGAIN: there may
 * be more.
 */

ngx_int_t ngx_http_task_job_sweep(ngx_http_task_job_zone_t *zone);

/* takes the mutex: in a worker that ends, what it has not ended is lost */

void ngx_http_task_job_leave(ngx_http_task_job_zone_t *zone);


/* ngx_http_task_job_progress.c: without the mutex */

/* in any thread of the worker, one at a time */

void ngx_http_task_job_begin(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);
void ngx_http_task_job_progress(ngx_http_task_job_t *job, int64_t done,
    int64_t total, const char *message);

/* what is told of a job */

void ngx_http_task_job_copy(ngx_http_task_job_seen_t *seen,
    ngx_http_task_job_t *job);


/*
 * ngx_http_task_job_zone.c: what is done with jobs; all of it takes the mutex,
 * for no longer than it takes to copy a result
 */

/*
 * On the loop of the worker that will run it.  NGX_BUSY: there is no room in
 * the zone; NGX_DECLINED: none for this location; NGX_ABORT: too many workers
 * have jobs; NGX_ERROR.
 */

ngx_int_t ngx_http_task_job_add(ngx_http_task_job_zone_t *zone, uint64_t key,
    ngx_uint_t max, ngx_http_task_job_t **job);

/*
 * On the same loop.  With busy a thread still has the job, and returned() is
 * to follow.  NGX_DECLINED, NGX_BUSY: as of store(); the job has not ended.
 */

ngx_int_t ngx_http_task_job_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_http_task_job_state_e state,
    ngx_uint_t status, ngx_str_t *result, ngx_uint_t busy);
void ngx_http_task_job_returned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/* on any worker's loop; NGX_DECLINED: there is no such job */

ngx_int_t ngx_http_task_job_see(ngx_http_task_job_zone_t *zone, u_char *id,
    ngx_pool_t *pool, ngx_http_task_job_seen_t *seen);
ngx_int_t ngx_http_task_job_peek(ngx_http_task_job_zone_t *zone, u_char *id,
    uint64_t *version, ngx_uint_t *ended);
ngx_int_t ngx_http_task_job_ask(ngx_http_task_job_zone_t *zone, u_char *id);

/* erases one that has ended; NGX_BUSY: it has not */

ngx_int_t ngx_http_task_job_forget(ngx_http_task_job_zone_t *zone, u_char *id);

/*
 * The jobs that this worker is asked to cancel, up to NGX_HTTP_TASK_JOB_ASKED
 * at a time; returns their number.
 */

ngx_uint_t ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t **jobs);

void ngx_http_task_job_counts(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_counts_t *counts);


/* ngx_http_task_job_conf.c */

char *ngx_http_task_job_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_task_background(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_http_task_job_zone_t *ngx_http_task_job_zone_get(ngx_conf_t *cf,
    ngx_str_t *name);
ngx_int_t ngx_http_task_job_check(ngx_conf_t *cf);

/* whether this may stand in front of an id */

ngx_uint_t ngx_http_task_job_node(u_char *p, size_t len);


/* ngx_http_task_job.c: the jobs of this worker */

ngx_uint_t ngx_http_task_job_wanted(ngx_http_request_t *r, ngx_msec_t *wait);

/*
 * Makes a job of the task and answers 202, or says why not: what is to be
 * finalized.  t->job is set if it is one; it is then to be started.
 */

ngx_int_t ngx_http_task_job_accept(ngx_task_t *t);
ngx_int_t ngx_http_task_job_accepted(ngx_http_request_t *r, u_char *id,
    const char *state);
void ngx_http_task_job_start(ngx_task_t *t);

/* the task of a job has its final state: frees it as soon as that can be */

void ngx_http_task_job_ended(ngx_task_t *t);


/* ngx_http_task_job_quit.c: jobs of a worker that ends before they do */

void ngx_http_task_jobs_give_up(void);
void ngx_http_task_jobs_abandon(ngx_http_task_job_zone_t *zone);


/* ngx_http_task_job_name.c: the id of a job in the logs */

void ngx_http_task_job_name(ngx_task_t *t);

/* of the job that the request made, or NULL */

ngx_str_t *ngx_http_task_job_made(ngx_http_request_t *r);

/* that of the worker, with the id at the end of each line */

ngx_log_t *ngx_http_task_job_log(ngx_task_t *t);


/* ngx_http_task_jobs.c */

char *ngx_http_task_jobs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* writes the id as text; returns what is behind it */

u_char *ngx_http_task_job_id(u_char *p, ngx_http_task_job_zone_t *zone,
    u_char *id);

/* the job as JSON */

ngx_int_t ngx_http_task_job_text(ngx_pool_t *pool,
    ngx_http_task_job_zone_t *zone, ngx_http_task_job_seen_t *seen,
    ngx_str_t *text);
ngx_int_t ngx_http_task_job_send(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id);

extern const char *const  ngx_http_task_job_states[];


/* ngx_http_task_job_wait.c: requests that wait for a job */

typedef enum {
    NGX_HTTP_TASK_JOB_POLL = 0,        /* GET with "wait" */
    NGX_HTTP_TASK_JOB_PREFER,          /* its own request, with "Prefer" */
    NGX_HTTP_TASK_JOB_STREAM           /* server-sent events */
} ngx_http_task_job_wait_e;


/* between two looks at the job, milliseconds */

#define NGX_HTTP_TASK_JOB_TICK     50


typedef struct {
    ngx_http_request_t        *request;
    ngx_http_task_job_zone_t  *zone;
    ngx_event_t                event;
    ngx_http_task_job_wait_e   kind;
    ngx_uint_t                 watched;      /* the client is */

    int64_t                    deadline;     /* on the monotonic clock, ns */
    int64_t                    spoken;       /* a stream: the last time */
    uint64_t                   version;      /* a stream: what was sent, .. */
    ngx_buf_t                 *buf;          /* .. and in which buffer */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
} ngx_http_task_job_wait_t;


ngx_int_t ngx_http_task_job_wait(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id, ngx_http_task_job_wait_e kind,
    ngx_msec_t time);


/* ngx_http_task_job_stream.c */

/* NGX_OK and no header_only: events follow; else what is to be finalized */

ngx_int_t ngx_http_task_job_stream_begin(ngx_http_task_job_wait_t *w,
    ngx_uint_t ended);
void ngx_http_task_job_stream(ngx_http_task_job_wait_t *w, uint64_t version,
    ngx_uint_t ended);
void ngx_http_task_job_stream_writer(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TASK_JOB_H_INCLUDED_ */
