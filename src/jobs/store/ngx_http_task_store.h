
/*
 * Where the records of jobs are kept.  A store knows no task, and how it keeps
 * records is its own affair.
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

    ngx_str_t                  type;         /* of the result; empty: JSON, if
                                                the job is done */
    ngx_str_t                  result;       /* or what went wrong; a null is
                                                behind it */

    uint64_t                   change;       /* another one, if anything but
                                                events has changed */
    uint64_t                   event;        /* the number of the last one */
    ngx_str_t                  events;       /* as they were given */
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
 * A call of a store, which may take a while: an engine may be on the network.
 *
 * Each call is answered once, on the event loop, by its handler.  A store that
 * answers before the call returns calls answer(), else it calls later(), which
 * links the op to a queue of the store's, and answer() later.  A call is
 * answered within a bounded time, if need be with NGX_ERROR; a watch when there
 * is something to tell.  Until then the store keeps a timer that is not
 * cancelable, so that a worker which quits waits for the answer.
 *
 * The op belongs to the caller, who leaves it alone, and all that the call was
 * given, until the handler is called, or drop() has returned.  The handler may
 * use the op for another call, or free it.  A store finds that a call was
 * dropped when it sees that the op has left the queue; whether a cancel or a
 * forget is done then is left to the store.
 */

struct ngx_http_task_store_op_s {
    void                     (*handler)(ngx_http_task_store_op_t *op,
                                        ngx_int_t rc);
    void                      *data;         /* the caller's */
    ngx_pool_t                *pool;         /* read(): for the result */
    ngx_uint_t                 events;       /* read(): 1: events, too, .. */
    uint64_t                   behind;       /* .. those behind this number, */
    ngx_str_t                  behind_id;    /* .. or, if that is 0, behind the
                                                last one of this id; if none is
                                                kept that has it, all */

    u_char                     id[NGX_HTTP_TASK_JOB_ID];   /* add() sets it */
    uint64_t                   key;                        /* add() sets it */
    uint64_t                   version;      /* watch() */

    /* set for the handler */

    ngx_http_task_job_seen_t   seen;         /* read() */
    ngx_uint_t                 ended;        /* watch() */

    /* 1: this call or one before it with this op was answered later */

    ngx_uint_t                 late;

    ngx_queue_t                queue;        /* the store's; next is NULL if
                                                no call is under way */
};


/* how a job ends */

typedef struct {
    ngx_http_task_job_state_e  state;
    ngx_uint_t                 status;
    ngx_str_t                  type;         /* of the result; empty: JSON */
    ngx_str_t                  result;
    ngx_uint_t                 busy;         /* a thread still has the job, and
                                                returned() is to follow */
} ngx_http_task_store_end_t;


typedef struct {
    ngx_str_t                  name;

    /* --- on the loop of the worker that will run the job ----------------- */

    /*
     * Adds a job: sets its id, and the key that its worker knows it by.
     * store->asked() is given data.  NGX_BUSY: there is no room; NGX_DECLINED:
     * the share has max jobs, or there are too many shares; NGX_ABORT: too many
     * workers have jobs; NGX_ERROR.
     */
    void  (*add)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        uint64_t share, ngx_uint_t max, void *data);

    /*
     * Adds an event to the job with that key, before end() is called: its text,
     * with the empty line behind it, of store->max_events bytes at most.  The
     * oldest ones of the job are dropped for it.  It is not answered: what
     * becomes of an event that has no room is told in the log.
     */
    void  (*event)(ngx_http_task_store_t *store, uint64_t key,
        ngx_str_t *text);

    /*
     * Ends the job with op->key.  An engine that cannot be reached is tried
     * again, as long as the store may take.  NGX_DECLINED: the result is larger
     * than any may be; NGX_BUSY: there is no room for it; with either the job
     * has not ended, and end() may be called again.  NGX_ERROR: the store has
     * given up.
     */
    void  (*end)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        ngx_http_task_store_end_t *end);

    /*
     * The thread of a job is back for which end() had "busy", however that was
     * answered: this is the last call for the job.
     */
    void  (*returned)(ngx_http_task_store_t *store, uint64_t key);

    /* --- in any thread of that worker, one at a time --------------------- */

    /*
     * begin() is called at most once; progress() any number of times, until
     * end() is answered, or with "busy" until returned() is called.  Neither
     * blocks.
     */
    void  (*begin)(ngx_http_task_store_t *store, uint64_t key);
    void  (*progress)(ngx_http_task_store_t *store, uint64_t key, int64_t done,
        int64_t total, const char *message);

    /* --- on any worker's loop, about the job with op->id ------------------ */

    /* NGX_DECLINED: there is no such job; NGX_ERROR */
    void  (*read)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);
    void  (*cancel)(ngx_http_task_store_t *store,
        ngx_http_task_store_op_t *op);

    /* erases an ended job, else as read(); NGX_BUSY: the job has not ended */
    void  (*forget)(ngx_http_task_store_t *store,
        ngx_http_task_store_op_t *op);

    /*
     * Tells that the job has ended, or has another version than op->version,
     * and sets both.  No job has the version 0: with it the call is as read().
     * An event changes the version, too.
     *
     * With any other version it is answered after the call has returned; not
     * more often than some twenty times a second, if only the version changes;
     * and at once, whether there is anything to tell or not, when the worker
     * quits (ngx_exiting, which the store's timer looks at).  NGX_DECLINED: the
     * job is gone; NGX_ERROR: there is no telling.
     */
    void  (*watch)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);

    /* --- for the worker as a whole ---------------------------------------- */

    /* sets the counts that this worker knows, before it returns */
    void  (*counts)(ngx_http_task_store_t *store,
        ngx_http_task_job_counts_t *counts);

    /* called when a worker ends: its jobs that have not ended are lost */
    void  (*leave)(ngx_http_task_store_t *store);
} ngx_http_task_store_type_t;


struct ngx_http_task_store_s {
    const ngx_http_task_store_type_t  *type;   /* NULL: not defined yet */
    void                      *data;           /* the type's own */

    ngx_str_t                  name;
    ngx_http_task_place_t      place;        /* where the name came first */

    ngx_str_t                  node;         /* ids begin with it, or empty */
    size_t                     max_body;     /* of a job's request, bytes */
    size_t                     max_result;   /* of a job, bytes */
    size_t                     max_events;   /* kept of a job, bytes; 0: none
                                                are, event() is not called */
    ngx_uint_t                 nshares;      /* locations with "max" */

    /*
     * A client wants the job with this data to be cancelled.  The store calls
     * it on the loop of the job's worker, after add() was answered, and before
     * end() is called; jobs/ sets it.
     */
    void                     (*asked)(void *data);
};


/* --- ngx_http_task_store_op.c: for stores; drop(): for all ---------- */

/* links the op of a call that returns before its answer */

void ngx_http_task_store_later(ngx_queue_t *queue,
    ngx_http_task_store_op_t *op);

/* unlinks the op, and calls its handler */

void ngx_http_task_store_answer(ngx_http_task_store_op_t *op, ngx_int_t rc);

/*
 * The caller goes: if a call is under way, its op is unlinked, and the handler
 * will not be called.
 */

void ngx_http_task_store_drop(ngx_http_task_store_op_t *op);

#define ngx_http_task_store_under_way(op)  ((op)->queue.next != NULL)


/* --- ngx_http_task_store_conf.c ------------------------------------------ */

/* returns the store of that name, defined or not yet; NULL: no memory */

ngx_http_task_store_t *ngx_http_task_store_get(ngx_conf_t *cf,
    ngx_array_t *stores, ngx_str_t *name);

/* logs, and returns NGX_ERROR, if a store is named but not defined */

ngx_int_t ngx_http_task_store_check(ngx_conf_t *cf, ngx_array_t *stores);

/* returns 1 if this may be the name of a node */

ngx_uint_t ngx_http_task_store_is_node(u_char *p, size_t len);


/* --- ngx_http_task_job_zone_conf.c ---------------------------------------- */

/* "task_job_zone": the array of stores is at the offset in conf */

char *ngx_http_task_job_zone_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_TASK_STORE_H_INCLUDED_ */
