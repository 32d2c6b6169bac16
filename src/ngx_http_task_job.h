
/*
 * Private types and prototypes of background jobs: what lies in the shared zone
 * of a "task_job_zone", and what a process knows of it.
 */


#ifndef _NGX_HTTP_TASK_JOB_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_TASK_JOB_ID       16      /* random bytes of an id */
#define NGX_HTTP_TASK_JOB_ID_TEXT  (64 + 1 + 2 * NGX_HTTP_TASK_JOB_ID)
#define NGX_HTTP_TASK_JOB_MESSAGE  96
#define NGX_HTTP_TASK_JOB_OWNERS   256     /* workers that have jobs */
#define NGX_HTTP_TASK_JOB_ASKED    64      /* cancels that wait for an owner */
#define NGX_HTTP_TASK_JOB_BLOCK    256

#define NGX_HTTP_TASK_JOB_NONE     ((uint32_t) -1)


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
    NGX_HTTP_TASK_JOB_LOST
} ngx_http_task_job_state_e;


/*
 * A job.  Its state is what makes it count: all else is written before it, so
 * that a process may be killed between any two stores.  What is derived is made
 * anew by the next one that takes the mutex.
 */

typedef struct {
    uint32_t                   state;

    uint32_t                   next;         /* derived: of a bucket, or free */
    uint32_t                   older;        /* derived: of those that ended */
    uint32_t                   newer;        /* likewise */

    u_char                     id[NGX_HTTP_TASK_JOB_ID];

    uint32_t                   owner;        /* a place in owners, .. */
    uint32_t                   cancel;       /* is asked for */
    uint64_t                   incarnation;  /* .. as long as it has this one */

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;      /* 0: not yet */
    int64_t                    ended;

    uint32_t                   changing;     /* odd: the progress is written */
    uint32_t                   status;       /* of the answer, as by HTTP */
    int64_t                    done;
    int64_t                    total;
    u_char                     message[NGX_HTTP_TASK_JOB_MESSAGE];

    uint32_t                   busy;         /* ended, but a thread has it */
    uint32_t                   block;        /* the first one of the result */
    uint32_t                   length;       /* of it, bytes */
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
    uint32_t                   nasked;       /* more than fit: look at all */
    uint32_t                   asked[NGX_HTTP_TASK_JOB_ASKED];
} ngx_http_task_job_owner_t;


typedef struct {
    uint64_t                   layout;
    pthread_mutex_t            mutex;        /* robust, of all but the jobs' */
    uint64_t                   incarnations;

    uint32_t                   njobs;
    uint32_t                   nblocks;
    uint32_t                   used_jobs;    /* so many ever: the pages .. */
    uint32_t                   used_blocks;  /* .. behind are untouched */

    /* derived */

    uint32_t                   free_job;
    uint32_t                   free_block;
    uint32_t                   oldest;       /* of those that ended */
    uint32_t                   newest;

    uint32_t                  *buckets;      /* njobs of them */
    ngx_http_task_job_t       *jobs;
    ngx_http_task_job_block_t *blocks;

    ngx_http_task_job_owner_t  owners[NGX_HTTP_TASK_JOB_OWNERS];
} ngx_http_task_job_sh_t;


typedef struct {
    ngx_str_t                  name;
    ngx_shm_zone_t            *shm_zone;     /* NULL: not defined */
    ngx_http_task_place_t      place;        /* where it is named first */

    ngx_str_t                  node;         /* in front of an id, or empty */
    ngx_msec_t                 ttl;
    size_t                     max_body;
    size_t                     max_result;

    ngx_http_task_job_sh_t    *sh;

    /* of this worker */

    ngx_http_task_job_owner_t *owner;        /* NULL: it has had none yet */
    ngx_queue_t                tasks;        /* its jobs that have not ended */
    ngx_task_t               **by_job;       /* the same, by their places */
    ngx_event_t                event;        /* looks for cancels */
} ngx_http_task_job_zone_t;


/* a job as it was at one moment: a copy */

typedef struct {
    ngx_http_task_job_t        job;
    ngx_str_t                  result;
} ngx_http_task_job_seen_t;


/* a zone as it was at one moment */

typedef struct {
    ngx_uint_t                 places;
    ngx_uint_t                 used;
    ngx_uint_t                 blocks;
    ngx_uint_t                 used_blocks;
    ngx_uint_t                 states[8];    /* by ngx_http_task_job_state_e */
    uint64_t                   dropped;      /* ended, to make room */
    uint64_t                   refused;      /* for lack of room */
} ngx_http_task_job_counts_t;


/* ngx_http_task_job_table.c: how jobs lie in the shared zone */

ngx_int_t ngx_http_task_job_zone_create(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, size_t size);

/* milliseconds since the epoch */

int64_t ngx_http_task_job_now(void);

/* these under the zone's mutex */

void ngx_http_task_job_rebuild(ngx_http_task_job_sh_t *sh);
uint32_t *ngx_http_task_job_bucket(ngx_http_task_job_sh_t *sh, u_char *id);
void ngx_http_task_job_append(ngx_http_task_job_sh_t *sh,
    ngx_http_task_job_t *job);
void ngx_http_task_job_expire(ngx_http_task_job_zone_t *zone,
    ngx_uint_t force);
ngx_int_t ngx_http_task_job_store(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_str_t *result);


/* ngx_http_task_job_zone.c: what is done with them */

ngx_uint_t ngx_http_task_job_owned(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job);
ngx_http_task_job_t *ngx_http_task_job_add(ngx_http_task_job_zone_t *zone);
ngx_int_t ngx_http_task_job_end(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t *job, ngx_http_task_job_state_e state,
    ngx_uint_t status, ngx_str_t *result);
ngx_int_t ngx_http_task_job_see(ngx_http_task_job_zone_t *zone, u_char *id,
    ngx_pool_t *pool, ngx_http_task_job_seen_t *seen);
ngx_int_t ngx_http_task_job_peek(ngx_http_task_job_zone_t *zone, u_char *id,
    uint64_t *version, ngx_uint_t *ended);
ngx_int_t ngx_http_task_job_ask(ngx_http_task_job_zone_t *zone, u_char *id);
ngx_int_t ngx_http_task_job_asked(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_t **jobs);
void ngx_http_task_job_begin(ngx_http_task_job_t *job);
void ngx_http_task_job_progress(ngx_http_task_job_t *job, int64_t done,
    int64_t total, const char *message);
void ngx_http_task_job_leave(ngx_http_task_job_zone_t *zone);
void ngx_http_task_job_counts(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_counts_t *counts);


/* ngx_http_task_job_conf.c */

char *ngx_http_task_job_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_task_background(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_http_task_job_zone_t *ngx_http_task_job_zone_get(ngx_conf_t *cf,
    ngx_str_t *name);
ngx_int_t ngx_http_task_job_check(ngx_conf_t *cf);


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

ngx_int_t ngx_http_task_job_wait(ngx_http_request_t *r,
    ngx_http_task_job_zone_t *zone, u_char *id, ngx_http_task_job_wait_e kind,
    ngx_msec_t time);


#endif /* _NGX_HTTP_TASK_JOB_H_INCLUDED_ */
