
/*
 * Private types of background jobs: what lies in the shared zone of a
 * "task_job_zone", and what a process knows of it.
 */


#ifndef _NGX_HTTP_TASK_JOB_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_TASK_JOB_ID       16      /* bytes of an id, all of them random */
#define NGX_HTTP_TASK_JOB_MESSAGE  96
#define NGX_HTTP_TASK_JOB_OWNERS   256     /* workers that have jobs at a time */
#define NGX_HTTP_TASK_JOB_ASKED    64      /* cancels that wait for an owner */
#define NGX_HTTP_TASK_JOB_BLOCK    256

#define NGX_HTTP_TASK_JOB_NONE     ((uint32_t) -1)


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

    uint32_t                   next;         /* derived: of its bucket, or free */
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


#endif /* _NGX_HTTP_TASK_JOB_H_INCLUDED_ */
