
/*
 * Where the records of jobs are kept.  A store knows no task, and how it keeps
 * records is its own affair.
 *
 * A call with an op may take a while: an engine may be on the network.  Its
 * handler is called once, on the event loop, when the call is done; the shared
 * zone calls it before the call returns.
 */


#ifndef _NGX_HTTP_TASK_STORE_H_INCLUDED_
#define _NGX_HTTP_TASK_STORE_H_INCLUDED_


#include "base/ngx_http_task_base.h"


#define NGX_HTTP_TASK_JOB_ID       16      /* random bytes of an id */
#define NGX_HTTP_TASK_JOB_NODE     64      /* characters of "node" */
#define NGX_HTTP_TASK_JOB_ID_TEXT                                             \
    (NGX_HTTP_TASK_JOB_NODE + 1 + 2 * NGX_HTTP_TASK_JOB_ID)
#define NGX_HTTP_TASK_JOB_MESSAGE  96
#define NGX_HTTP_TASK_JOB_SHARES   64      /* locations with "max" */


typedef enum {
    NGX_HTTP_TASK_JOB_FREE = 0,
    NGX_HTTP_TASK_JOB_QUEUED,
    NGX_HTTP_TASK_JOB_RUNNING,

    /* the job has ended */

    NGX_HTTP_TASK_JOB_DONE,
    NGX_HTTP_TASK_JOB_FAILED,
    NGX_HTTP_TASK_JOB_CANCELLED,
    NGX_HTTP_TASK_JOB_TIMEOUT,
    NGX_HTTP_TASK_JOB_LOST,

    NGX_HTTP_TASK_JOB_STATES
} ngx_http_task_job_state_e;


/* a copy of a job as it was at one moment */

typedef struct {
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    ngx_http_task_job_state_e  state;
    ngx_uint_t                 status;       /* HTTP's; 0: there is none */

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;      /* 0: not yet */
    int64_t                    ended;        /* 0: not yet */

    int64_t                    done;         /* how far it is, .. */
    int64_t                    total;        /* .. as its function tells */
    u_char                     message[NGX_HTTP_TASK_JOB_MESSAGE + 1];

    ngx_str_t                  result;       /* JSON, or what went wrong; a
                                                null is behind it */
} ngx_http_task_job_seen_t;


/* a store as it was at one moment */

typedef struct {
    ngx_uint_t                 places;
    ngx_uint_t                 used;
    ngx_uint_t                 blocks;
    ngx_uint_t                 used_blocks;
    ngx_uint_t                 states[NGX_HTTP_TASK_JOB_STATES];
    uint64_t                   dropped;      /* ended, for room */
    uint64_t                   refused;      /* had no room */
} ngx_http_task_job_counts_t;


typedef struct ngx_http_task_store_s      ngx_http_task_store_t;
typedef struct ngx_http_task_store_op_s   ngx_http_task_store_op_t;


/*
 * A call of a store.  It belongs to the caller, who leaves it alone until its
 * handler is called, or drop() has returned.
 */

struct ngx_http_task_store_op_s {
    void                     (*handler)(ngx_http_task_store_op_t *op,
                                        ngx_int_t rc);
    void                      *data;         /* the caller's */
    ngx_pool_t                *pool;         /* read(): for the result */

    /* the store sets these for the handler */

    ngx_uint_t                 late;         /* 1: the call had returned */
    uint64_t                   key;          /* add() */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];   /* add() */
    ngx_http_task_job_seen_t   seen;         /* read() */
    uint64_t                   version;      /* peek() */
    ngx_uint_t                 ended;        /* peek() */
};


/* how a job ends */

typedef struct {
    ngx_http_task_job_state_e  state;
    ngx_uint_t                 status;
    ngx_str_t                  result;       /* stays until end() is done */
    ngx_uint_t                 busy;         /* a thread still has the job, and
                                                returned() is to follow */
} ngx_http_task_store_end_t;


typedef struct {
    ngx_str_t                  name;

    /*
     * Adds a job; on the loop of the worker that will run it.  asked() is
     * given data.  NGX_BUSY: there is no room; NGX_DECLINED: the share has max
     * jobs, or there are too many shares; NGX_ABORT: too many workers have
     * jobs; NGX_ERROR.
     */
    void  (*add)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        uint64_t share, ngx_uint_t max, void *data);

    /*
     * Ends a job; on the same loop.  NGX_DECLINED: the result is larger than
     * any may be; NGX_BUSY: there is no room for it.  With either the job has
     * not ended.
     */
    void  (*end)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        uint64_t key, ngx_http_task_store_end_t *end);
    void  (*returned)(ngx_http_task_store_t *store, uint64_t key);

    /* in any thread of that worker, one at a time */
    void  (*begin)(ngx_http_task_store_t *store, uint64_t key);
    void  (*progress)(ngx_http_task_store_t *store, uint64_t key, int64_t done,
        int64_t total, const char *message);

    /* on any worker's loop.  NGX_DECLINED: there is no such job; NGX_ERROR */
    void  (*read)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);
    void  (*peek)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);
    void  (*cancel)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);

    /* erases an ended job, else as read(); NGX_BUSY: the job has not ended */
    void  (*forget)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);

    /* drops a call, whose caller goes: its handler will not be called */
    void  (*drop)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);

    /* sets the counts that this worker knows, before it returns */
    void  (*counts)(ngx_http_task_store_t *store,
        ngx_http_task_job_counts_t *counts);

    /* called when a worker ends: its jobs that have not ended are lost */
    void  (*leave)(ngx_http_task_store_t *store);
} ngx_http_task_store_type_t;


struct ngx_http_task_store_s {
    const ngx_http_task_store_type_t  *type;

    ngx_str_t                  name;
    ngx_http_task_place_t      place;        /* where the name came first */

    ngx_str_t                  node;         /* ids begin with it, or empty */
    ngx_msec_t                 ttl;
    ngx_msec_t                 keep;         /* an ended job is not dropped
                                                for so long */
    size_t                     max_body;
    size_t                     max_result;
    ngx_uint_t                 nshares;      /* locations with "max" */

    /* set by whoever adds jobs; called on the loop of the job's worker: the
       job with this data is to be cancelled */

    void                     (*asked)(void *data);
};


/* --- ngx_http_task_job_zone_conf.c ---------------------------------------- */

/* "task_job_zone": the array of stores is at the offset in conf */

char *ngx_http_task_job_zone_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* returns the store of that name, defined or not yet; NULL: no memory */

ngx_http_task_store_t *ngx_http_task_job_zone_get(ngx_conf_t *cf,
    ngx_array_t *stores, ngx_str_t *name);

/* logs, and returns NGX_ERROR, if a store is named but not defined */

ngx_int_t ngx_http_task_job_zone_check(ngx_conf_t *cf, ngx_array_t *stores);

/* returns 1 if this may be the name of a node */

ngx_uint_t ngx_http_task_job_zone_node(u_char *p, size_t len);


#endif /* _NGX_HTTP_TASK_STORE_H_INCLUDED_ */
