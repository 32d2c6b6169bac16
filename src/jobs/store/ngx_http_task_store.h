
/*
 * Where the records of jobs are kept.  A store knows no task, and its records
 * are its own.
 *
 * What is asked of a store may take a while: an engine may be on the network.
 * So a call has a handler, which is called once, on the event loop, when it is
 * done; a zone that all workers share calls it before the call returns.
 */


#ifndef _NGX_HTTP_TASK_STORE_H_INCLUDED_
#define _NGX_HTTP_TASK_STORE_H_INCLUDED_


#include "base/ngx_http_task_base.h"


#define NGX_HTTP_TASK_JOB_ID       16      /* random bytes of an id */
#define NGX_HTTP_TASK_JOB_NODE     64      /* characters in front of it */
#define NGX_HTTP_TASK_JOB_ID_TEXT                                             \
    (NGX_HTTP_TASK_JOB_NODE + 1 + 2 * NGX_HTTP_TASK_JOB_ID)
#define NGX_HTTP_TASK_JOB_MESSAGE  96
#define NGX_HTTP_TASK_JOB_SHARES   64      /* locations with "max" */


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


/* a job as it was at one moment: a copy */

typedef struct {
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    ngx_http_task_job_state_e  state;
    ngx_uint_t                 status;       /* of the answer, as by HTTP */

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;      /* likewise; 0: not yet */
    int64_t                    ended;

    int64_t                    done;         /* how far it is, .. */
    int64_t                    total;        /* .. as its function tells */
    u_char                     message[NGX_HTTP_TASK_JOB_MESSAGE + 1];

    ngx_str_t                  result;       /* JSON, or what went wrong; with
                                                a null behind it */
} ngx_http_task_job_seen_t;


/* a store as it was at one moment */

typedef struct {
    ngx_uint_t                 places;
    ngx_uint_t                 used;
    ngx_uint_t                 blocks;
    ngx_uint_t                 used_blocks;
    ngx_uint_t                 states[NGX_HTTP_TASK_JOB_STATES];
    uint64_t                   dropped;      /* ended, to make room */
    uint64_t                   refused;      /* for lack of room */
} ngx_http_task_job_counts_t;


typedef struct ngx_http_task_store_s      ngx_http_task_store_t;
typedef struct ngx_http_task_store_op_s   ngx_http_task_store_op_t;


/*
 * A call that is asked of a store: it belongs to its owner, who lets it be
 * until its handler is called, or drops it.
 */

struct ngx_http_task_store_op_s {
    void                     (*handler)(ngx_http_task_store_op_t *op,
                                        ngx_int_t rc);
    void                      *data;         /* its owner's */
    ngx_pool_t                *pool;         /* of read(): for the result */

    /* what is told to the handler */

    ngx_uint_t                 late;         /* the call had returned before */
    uint64_t                   key;          /* of add() */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];   /* likewise */
    ngx_http_task_job_seen_t   seen;         /* of read() */
    uint64_t                   version;      /* of peek() */
    ngx_uint_t                 ended;        /* likewise */
};


/* how a job ends */

typedef struct {
    ngx_http_task_job_state_e  state;
    ngx_uint_t                 status;
    ngx_str_t                  result;       /* stays until it is done */
    ngx_uint_t                 busy;         /* a thread still has the job, and
                                                returned() is to follow */
} ngx_http_task_store_end_t;


typedef struct {
    ngx_str_t                  name;

    /*
     * The loop of the worker that will run the job; data is what asked() is
     * given.  NGX_BUSY: there is no room; NGX_DECLINED: max jobs of this share
     * are there; NGX_ABORT: too many workers have jobs; NGX_ERROR.
     */
    void  (*add)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        uint64_t share, ngx_uint_t max, void *data);

    /*
     * The same loop.  NGX_DECLINED: the result is larger than any may be;
     * NGX_BUSY: there is no room for it; the job has then not ended.
     */
    void  (*end)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        uint64_t key, ngx_http_task_store_end_t *end);
    void  (*returned)(ngx_http_task_store_t *store, uint64_t key);

    /* any thread of that worker, one at a time */
    void  (*begin)(ngx_http_task_store_t *store, uint64_t key);
    void  (*progress)(ngx_http_task_store_t *store, uint64_t key, int64_t done,
        int64_t total, const char *message);

    /* the loop of any worker.  NGX_DECLINED: there is no such job; NGX_ERROR */
    void  (*read)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);
    void  (*peek)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);
    void  (*cancel)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);

    /* erases a job that has ended; NGX_BUSY: it has not */
    void  (*forget)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        u_char *id);

    /* the owner of a call goes: its handler is not called any more */
    void  (*drop)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);

    /* what is known here, at once */
    void  (*counts)(ngx_http_task_store_t *store,
        ngx_http_task_job_counts_t *counts);

    /* in a worker that ends: what it has not ended is lost */
    void  (*leave)(ngx_http_task_store_t *store);
} ngx_http_task_store_type_t;


struct ngx_http_task_store_s {
    const ngx_http_task_store_type_t  *type;

    ngx_str_t                  name;
    ngx_http_task_place_t      place;        /* where it is named first */

    ngx_str_t                  node;         /* in front of an id, or empty */
    ngx_msec_t                 ttl;
    ngx_msec_t                 keep;         /* so long none is dropped */
    size_t                     max_body;
    size_t                     max_result;
    ngx_uint_t                 nshares;      /* locations with "max" */

    /* set by whoever adds jobs: this one is to be cancelled */

    void                     (*asked)(void *data);
};


/* --- ngx_http_task_job_zone_conf.c ---------------------------------------- */

/* "task_job_zone": conf with the offset is the array of stores */

char *ngx_http_task_job_zone_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the store of that name, also if it is not yet defined */

ngx_http_task_store_t *ngx_http_task_job_zone_get(ngx_conf_t *cf,
    ngx_array_t *stores, ngx_str_t *name);

/* each store that is named is defined */

ngx_int_t ngx_http_task_job_zone_check(ngx_conf_t *cf, ngx_array_t *stores);

/* whether this may stand in front of an id */

ngx_uint_t ngx_http_task_job_zone_node(u_char *p, size_t len);


#endif /* _NGX_HTTP_TASK_STORE_H_INCLUDED_ */
