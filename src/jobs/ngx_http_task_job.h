
/*
 * Private types and prototypes of background jobs.
 */


#ifndef _NGX_HTTP_TASK_JOB_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_H_INCLUDED_


#include "jobs/store/ngx_http_task_job_layout.h"


/* of "task_background" */

#define NGX_HTTP_TASK_BACKGROUND_OFF     0
#define NGX_HTTP_TASK_BACKGROUND_ON      1
#define NGX_HTTP_TASK_BACKGROUND_PREFER  2


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

/* these, and all of the next four files, under the zone's mutex */

uint32_t *ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id);
void ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *job);

/* NULL: at the end */

void ngx_http_task_job_insert(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_list_t *list, ngx_http_task_job_t *before,
    ngx_http_task_job_t *job);
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

/* puts one that ends, and is in no list, into that of its share */

void ngx_http_task_job_keep(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/* likewise one that had ended already, but a thread had it until now */

void ngx_http_task_job_retire(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/*
 * A place for a job of the share with this key, at most max of which may be
 * there; 0: any number.  NGX_DECLINED: the share is full; NGX_BUSY: the zone.
 */

ngx_int_t ngx_http_task_job_place(ngx_http_task_job_zone_t *zone,
    uint64_t key, ngx_uint_t max, ngx_http_task_job_t **place);

/*
 * Drops the oldest one that has ended, of the shares from first to before last,
 * and with result of those that have one; 0: there is none.
 */

ngx_uint_t ngx_http_task_job_drop(ngx_http_task_job_zone_t *zone,
    ngx_uint_t first, ngx_uint_t last, ngx_uint_t result);


/* ngx_http_task_job_block.c: results */

/*
 * Writes the result into blocks.  NGX_DECLINED: it is larger than any may be;
 * NGX_BUSY: there is no room for it.  Nothing is dropped in vain.
 */

ngx_int_t ngx_http_task_job_store(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_str_t *result);

/* NGX_ERROR: the zone was damaged, and is rebuilt */

ngx_int_t ngx_http_task_job_free_blocks(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);


/* ngx_http_task_job_owner.c: the workers whose jobs they are */

/* NGX_DECLINED: too many workers have jobs */

ngx_int_t ngx_http_task_job_enter(ngx_http_task_job_zone_t *zone);

ngx_uint_t ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);

/* a job whose worker is gone; one that has ended may be freed by it */

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
ngx_int_t ngx_http_task_job_accepted(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf, u_char *id, const char *state);
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
    ngx_uint_t                 changes;      /* of its URI, then */
    ngx_http_task_loc_conf_t  *conf;
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
