
/*
 * Where jobs are kept, and wait for a worker.  A store knows no task: what a
 * job is made of is bytes to it, and how it keeps them is its own affair.
 *
 * A job waits in a queue, in the order of acceptance, until a worker that has
 * room claims it, which need not be the one that has accepted it.  From then on
 * the job is this worker's, until it has ended, or the worker gives it back, or
 * is gone.
 */


#ifndef _NGX_HTTP_TASK_STORE_H_INCLUDED_
#define _NGX_HTTP_TASK_STORE_H_INCLUDED_


#include "base/ngx_http_task_base.h"


#define NGX_HTTP_TASK_JOB_ID       16      /* random bytes of an id */
#define NGX_HTTP_TASK_JOB_DIGEST   20      /* bytes, of SHA-1 */
#define NGX_HTTP_TASK_JOB_NODE     64      /* characters of "node" */
#define NGX_HTTP_TASK_JOB_ID_TEXT                                             \
    (NGX_HTTP_TASK_JOB_NODE + 1 + 2 * NGX_HTTP_TASK_JOB_ID)
#define NGX_HTTP_TASK_JOB_MESSAGE  96
#define NGX_HTTP_TASK_JOB_SHARES   64      /* locations with "max" */
#define NGX_HTTP_TASK_JOB_QUEUE    64      /* characters of a queue's name */
#define NGX_HTTP_TASK_JOB_QUEUES   128     /* queues of a store */
#define NGX_HTTP_TASK_JOB_ATTEMPTS 100     /* of a job, at most */


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
    NGX_HTTP_TASK_JOB_DEAD,                  /* lost in each attempt */

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

    ngx_uint_t                 attempt;      /* how often it was begun, or .. */
    ngx_uint_t                 attempts;     /* .. claimed, and may be */

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


/* a job as a list has it, without its result and its events */

typedef struct {
    ngx_http_task_job_seen_t   seen;
    uint64_t                   order;        /* of acceptance */
    u_char                     queue[NGX_HTTP_TASK_JOB_QUEUE];
    size_t                     queue_len;
} ngx_http_task_job_listed_t;


/* a page of the jobs of a store; it stays where it is until it is answered */

typedef struct {
    ngx_uint_t                 limit;        /* so many jobs at most, not 0, */
    uint64_t                   after;        /* accepted before the one with
                                                this order; 0: the newest */
    ngx_http_task_job_state_e  state;        /* FREE: any */
    ngx_str_t                  queue;        /* empty: any */

    /* set for the handler, in op->pool: the newest one is the first */

    ngx_http_task_job_listed_t  **jobs;
    ngx_uint_t                 n;
    uint64_t                   next;         /* there may be more after this
                                                one; 0: there are none */
} ngx_http_task_store_list_t;


/* a store as it was at one moment */

typedef struct {
    ngx_uint_t                 places;
    ngx_uint_t                 used;
    ngx_uint_t                 blocks;
    ngx_uint_t                 used_blocks;
    ngx_uint_t                 states[NGX_HTTP_TASK_JOB_STATES];
    uint64_t                   dropped;      /* ended, for room */
    uint64_t                   refused;      /* had no room */
    uint64_t                   retried;      /* ended, and queued again */
    ngx_msec_t                 oldest;       /* so long the one that was queued
                                                first waits; 0: none does */
} ngx_http_task_job_counts_t;


typedef struct ngx_http_task_store_s      ngx_http_task_store_t;
typedef struct ngx_http_task_store_op_s   ngx_http_task_store_op_t;


/* a queue of a store, as the configuration has it */

typedef struct {
    ngx_str_t                  name;
    uint64_t                   hash;         /* of the name */
    ngx_http_task_store_t     *store;

    /*
     * There may be a job to claim.  The store calls it on the loop of a worker
     * that was answered that there is none, and every so often as long as any
     * job waits; jobs/ sets it.
     */
    void                     (*ready)(void *data);
    void                      *data;
} ngx_http_task_queue_t;


/* a job to be added; all of it stays where it is until the call is answered */

typedef struct {
    ngx_http_task_queue_t     *queue;
    ngx_str_t                  head;         /* what it is made of, .. */
    ngx_str_t                  body;         /* .. in two parts */
    ngx_uint_t                 claim;        /* this worker has room for so
                                                many; not 0: it runs the job at
                                                once, if no other one waits */
    ngx_uint_t                 waiting;      /* so many may wait, beside those
                                                that workers have room for */
    uint64_t                   share;
    ngx_uint_t                 max;          /* of the share; 0: no limit */

    ngx_uint_t                 keyed;        /* 1: it has a key: a digest of
                                                it, and a print of the rest */
    u_char                     key[NGX_HTTP_TASK_JOB_DIGEST];
    u_char                     print[NGX_HTTP_TASK_JOB_DIGEST];
} ngx_http_task_store_add_t;


/* why a job was not added */

typedef enum {
    NGX_HTTP_TASK_STORE_NO_MEMORY = 0,
    NGX_HTTP_TASK_STORE_FULL,                /* the store has no room */
    NGX_HTTP_TASK_STORE_SHARE,               /* the share has max jobs */
    NGX_HTTP_TASK_STORE_QUEUE,               /* too many wait in the queue */
    NGX_HTTP_TASK_STORE_QUEUES,              /* there are too many queues */
    NGX_HTTP_TASK_STORE_AWAY,                /* the engine does not answer */
    NGX_HTTP_TASK_STORE_STATE,               /* the state file cannot be
                                                written */
    NGX_HTTP_TASK_STORE_LOADS,               /* it is read, and may have a job
                                                with this key */

    /* a job with this key is there: of the same request, op->id is its id, and
       op->seen.state its state; it is not accepted yet; of another request */

    NGX_HTTP_TASK_STORE_SAME,
    NGX_HTTP_TASK_STORE_TAKING,
    NGX_HTTP_TASK_STORE_OTHER
} ngx_http_task_store_why_e;


/* a job that this worker has claimed */

typedef struct {
    ngx_str_t                  input;        /* head and body, in op->pool */
    int64_t                    age;          /* since it was accepted, ms */
    ngx_uint_t                 attempt;      /* 1: the first one */
    uint64_t                   events;       /* that those before have added */
} ngx_http_task_store_claim_t;


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

    ngx_msec_t                 older;        /* claim(): only a job that has
                                                waited so long; 0: any */

    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    uint64_t                   key;          /* of one that is this worker's */
    uint64_t                   version;      /* watch() */

    /* set for the handler */

    ngx_uint_t                 claimed;      /* add(): 1: it is this worker's */
    ngx_uint_t                 waiting;      /* add(): so many wait before it */
    ngx_http_task_store_why_e  why;          /* add() */
    ngx_http_task_store_claim_t  claim;      /* claim() */
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

    /* --- on the loop of a worker ------------------------------------------ */

    /* called when a worker begins; its queues may be told now, or later */
    ngx_int_t  (*enter)(ngx_http_task_store_t *store);

    /*
     * Adds a job, and sets its id; and, if it is this worker's, its key, by
     * which only this worker knows it.  NGX_DECLINED: op->why tells why not.
     */
    void  (*add)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        ngx_http_task_store_add_t *add);

    /*
     * Claims the oldest job that waits in the queue: sets its id, its key, and
     * op->claim.  NGX_DECLINED: none waits; without op->older, queue->ready()
     * will be called when one may.  NGX_ERROR: no memory, it is called again.
     */
    void  (*claim)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        ngx_http_task_queue_t *queue);

    /* this worker, which was told of a job, has no room: another one is told */
    void  (*pass)(ngx_http_task_store_t *store, ngx_http_task_queue_t *queue);

    /* returns 1 if another worker is known to wait for a job of the queue */
    ngx_uint_t  (*wanted)(ngx_http_task_store_t *store,
        ngx_http_task_queue_t *queue);

    /*
     * Returns 1 if jobs that wait are for this worker alone, although it quits:
     * no other one is left to claim them, and they would be gone with it.
     */
    ngx_uint_t  (*last)(ngx_http_task_store_t *store);

    /* --- on the loop of the worker whose job it is ------------------------ */

    /* called once, by who was answered that the job is this worker's, before
       the handler returns; store->asked() is given data */
    void  (*bind)(ngx_http_task_store_t *store, uint64_t key, void *data);

    /*
     * The job with op->key waits in its queue again, where it was; begin() was
     * not called.  It is no longer this worker's, however that is answered.
     */
    void  (*give_back)(ngx_http_task_store_t *store,
        ngx_http_task_store_op_t *op);

    /*
     * Adds an event to the job with that key, before end() is called: its text,
     * with the empty line behind it, of store->max_events bytes at most.  The
     * oldest ones of the job are dropped for it.  It is not answered: what
     * becomes of an event that has no room is told in the log.
     */
    void  (*event)(ngx_http_task_store_t *store, uint64_t key,
        ngx_str_t *text);

    /*
     * Ends the job with op->key.  One that is lost so waits for its next
     * attempt, if it has one.  An engine that cannot be reached is tried
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

    /* NGX_DECLINED: there is no such job; NGX_AGAIN: nor is there one yet, but
       the store still reads what it had before; of those that change a job,
       NGX_DONE: that is done, but could not be kept; NGX_ERROR */
    void  (*read)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);
    void  (*cancel)(ngx_http_task_store_t *store,
        ngx_http_task_store_op_t *op);

    /* erases an ended job, else as read(); NGX_BUSY: the job has not ended */
    void  (*forget)(ngx_http_task_store_t *store,
        ngx_http_task_store_op_t *op);

    /*
     * A job that has failed, or was lost, or is dead, is queued again: it keeps
     * its id, and loses its result; of two calls at once one does it.
     * NGX_DECLINED: there is no such job; NGX_BUSY: it is none of those, or a
     * thread still has it; NGX_ABORT: what it was made of is not kept any more;
     * NGX_ERROR.
     */
    void  (*retry)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);

    /*
     * Sets a page of its jobs.  A job that is there all the time is in one page
     * of those that follow each other; a page may have less jobs than it could,
     * or none, although others follow.  NGX_OK; NGX_AGAIN: not yet, as
     * read(); or NGX_ERROR.
     */
    void  (*list)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
        ngx_http_task_store_list_t *list);

    /*
     * Tells that the job has ended, or has another version than op->version,
     * and sets both.  No job has the version 0: with it the call is as read().
     * An event changes the version, too.
     *
     * With any other version it is answered after the call has returned; not
     * more often than some twenty times a second, if only the version changes;
     * and at once, whether there is anything to tell or not, when the worker
     * quits (ngx_exiting, which the store's timer looks at).  NGX_DECLINED: the
     * job is gone; NGX_AGAIN: as read(); NGX_ERROR: there is no telling.
     */
    void  (*watch)(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op);

    /* --- for the worker as a whole ---------------------------------------- */

    /* sets the counts that this worker knows, before it returns */
    void  (*counts)(ngx_http_task_store_t *store,
        ngx_http_task_job_counts_t *counts);

    /* called when a worker ends: its jobs that run are lost, or tried again,
       others wait for another worker */
    void  (*leave)(ngx_http_task_store_t *store);

    /*
     * Called instead of leave() by a worker that ends while a thread of a job
     * still runs: as for a process that is killed, but for what nobody else
     * would see of that.  NULL: others see all.
     */
    void  (*abandon)(ngx_http_task_store_t *store);
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
    ngx_uint_t                 attempts;     /* so often a job may begin */
    ngx_uint_t                 lists;        /* 1: a location lists its jobs,
                                                and jobs may be tried again */
    ngx_uint_t                 nshares;      /* locations with "max" */
    ngx_array_t                queues;       /* ngx_http_task_queue_t * */
    ngx_uint_t                 away;         /* 1: no job is taken now, as this
                                                worker knows */

    /*
     * A client wants the job with this data to be cancelled.  The store calls
     * it on the loop of the job's worker, after bind(), and before end() is
     * called; jobs/ sets it.
     */
    void                     (*asked)(void *data);

    /*
     * The job with this data is not this worker's any more: if it has not
     * begun, it does not begin.  Called as asked().
     */
    void                     (*lost)(void *data);
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

/* goes on with a hash, which begins with the number */

#define NGX_HTTP_TASK_STORE_HASH  0xcbf29ce484222325

uint64_t ngx_http_task_store_hash(uint64_t hash, u_char *p, size_t len);

/* returns 1 if this may be the name of a node */

ngx_uint_t ngx_http_task_store_is_node(u_char *p, size_t len);


#endif /* _NGX_HTTP_TASK_STORE_H_INCLUDED_ */
