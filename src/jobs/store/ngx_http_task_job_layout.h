
/*
 * What lies in the shared zone of a "task_job_zone".  No pointer in it leads to
 * a process, and its layout has a version.
 */


#ifndef _NGX_HTTP_TASK_JOB_LAYOUT_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_LAYOUT_H_INCLUDED_


#include "jobs/store/ngx_http_task_store.h"


#define NGX_HTTP_TASK_JOB_OWNERS   256     /* workers that have jobs */
#define NGX_HTTP_TASK_JOB_ASKED    64      /* cancels that are taken at once */
#define NGX_HTTP_TASK_JOB_BLOCK    256

#define NGX_HTTP_TASK_JOB_NONE     ((uint32_t) -1)


/*
 * The stores above are made before those below, also by the compiler: the
 * process may be killed in between.
 */

#define ngx_http_task_job_order()  __atomic_signal_fence(__ATOMIC_SEQ_CST)


/* how long one is waited for after the last look, milliseconds */

#define NGX_HTTP_TASK_JOB_WANTED  100


/* whether a cancel is asked for, and whether the owner knows */

#define NGX_HTTP_TASK_JOB_CANCEL_ASKED  1
#define NGX_HTTP_TASK_JOB_CANCEL_TAKEN  2


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
    uint32_t                   cancel;       /* see below */

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;      /* [both]; 0: not yet */
    int64_t                    ended;
    int64_t                    since;        /* it is kept, on the monotonic
                                                clock, milliseconds */
    int64_t                    wanted;       /* till then somebody waits */

    uint32_t                   status;       /* of the answer, as by HTTP */
    uint32_t                   busy;         /* ended, but a thread has it */
    uint32_t                   forgotten;    /* nobody is told of it */
    uint32_t                   block;        /* the first one of the result */
    uint32_t                   length;       /* of it, bytes */

    uint32_t                   reading;      /* [both]: the progress is read */
    uint32_t                   version;      /* [both]: of it, which tells .. */
    uint32_t                   unused;

    /* .. which one of these counts; [both] */

    ngx_http_task_job_progress_t  progress[2];
} ngx_http_task_record_t;


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
    ngx_http_task_record_t       *jobs;
    ngx_http_task_job_block_t *blocks;

    ngx_http_task_job_share_t  shares[NGX_HTTP_TASK_JOB_SHARES];
    ngx_http_task_job_owner_t  owners[NGX_HTTP_TASK_JOB_OWNERS];
} ngx_http_task_job_sh_t;


#endif /* _NGX_HTTP_TASK_JOB_LAYOUT_H_INCLUDED_ */
