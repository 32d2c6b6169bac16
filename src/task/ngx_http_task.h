
/*
 * A task, and what its function may call.  The code of this room may run in a
 * thread of a pool, and touches the task alone: what runs only on the event
 * loop is in run/.
 */


#ifndef _NGX_HTTP_TASK_H_INCLUDED_
#define _NGX_HTTP_TASK_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "input/ngx_http_task_input.h"
#include "stats/ngx_http_task_stats.h"
#include "text/ngx_http_task_json.h"

#include <ngx_thread_pool.h>


typedef struct ngx_http_task_piece_s     ngx_http_task_piece_t;
typedef struct ngx_http_task_pool_s      ngx_http_task_pool_t;
typedef struct ngx_http_task_limit_s     ngx_http_task_limit_t;
typedef struct ngx_http_task_stream_s    ngx_http_task_stream_t;


/* the state of a task; only the event loop reads and writes it */

typedef enum {
    NGX_HTTP_TASK_PENDING = 0,         /* waits or runs */
    NGX_HTTP_TASK_DONE,
    NGX_HTTP_TASK_FAILED,
    NGX_HTTP_TASK_CANCELLED,
    NGX_HTTP_TASK_REJECTED,
    NGX_HTTP_TASK_TIMEOUT
} ngx_http_task_state_e;


/* --- how it is run ------------------------------------------------------- */

/* a task_mode; the table of all is in ngx_http_task_mode.c */

typedef struct {
    ngx_str_t                        name;
    ngx_uint_t                       block;        /* runs the blocking form */
    ngx_uint_t                       thread;       /* in a thread of a pool */
    ngx_uint_t                       stalls;       /* on the event loop */

    /* runs the task, and calls ngx_http_task_finish() now or later */
    void                           (*start)(ngx_task_t *t);

    /* a pending task, that has begun to run or waits for a thread, ends now;
       NULL: no task is pending when start() has returned */
    void                           (*cancel)(ngx_task_t *t);
} ngx_http_task_executor_t;


typedef struct {
    const ngx_http_task_executor_t  *executor;     /* NULL: not set */
    ngx_thread_pool_t               *pool;
    ngx_str_t                        pool_name;
    ngx_http_task_place_t            place;
} ngx_http_task_mode_t;


typedef struct {
    ngx_uint_t                       running;      /* unset: no limit */
    ngx_uint_t                       queue;
    ngx_msec_t                       wait;         /* 0: without bound */
} ngx_http_task_limit_conf_t;


/* how the tasks of a location are run */

typedef struct {
    ngx_http_task_mode_t             given;        /* by "task_mode" */
    ngx_http_task_mode_t             mode;         /* of this "task" */

    ngx_http_task_limit_conf_t       limit_conf;
    ngx_http_task_limit_t           *limit;        /* NULL: no limit */
    ngx_uint_t                       limit_log_level;

    ngx_msec_t                       timeout;      /* 0: no timeout */
    size_t                           stream_buffer;
    ngx_msec_t                       stream_ping;  /* 0: nothing is sent */
    ngx_flag_t                       ignore_client_abort;

    ngx_http_task_stats_t           *stats;        /* NULL: not counted */
    ngx_http_core_srv_conf_t        *server;       /* of the location */
} ngx_http_task_run_conf_t;


/*
 * A turn to run: a task_limit has a number of them, see ngx_http_task_limit.c.
 * It is embedded in whoever takes one.
 */

typedef struct ngx_http_task_turn_s  ngx_http_task_turn_t;

struct ngx_http_task_turn_s {
    ngx_queue_t                      queue;        /* while it waits */
    ngx_http_task_limit_t           *limit;        /* NULL: not taken */
    int64_t                          since;        /* ns; 0: it waits */
    ngx_http_task_timer_t           *timer;        /* lent by its owner */

    /* the turn has come: NGX_OK; or it has waited in vain: NGX_BUSY */
    void                           (*handler)(ngx_http_task_turn_t *turn,
                                              ngx_int_t rc);
};


/* whom a task answers: a request, or the record of a job */

typedef struct {
    /* the client was promised that the task will run: it waits for room as
       long as it takes, and a worker that quits awaits it longer */
    ngx_uint_t                       promised;

    /* any thread: the task begins to run, or tells how far it is; NULL: not
       wanted */
    void                           (*begin)(ngx_task_t *t);
    void                           (*progress)(ngx_task_t *t, int64_t done,
                                               int64_t total,
                                               const char *message);

    /* the loop: a bell has rung, the function streams; then, in turns of the
       loop, write() sends what it may.  It returns NGX_OK, or NGX_DONE if
       nothing more is sent: the task may be gone */
    void                           (*told)(ngx_http_task_bell_t *bell);
    ngx_int_t                      (*write)(ngx_task_t *t);

    /* the loop: the task does not end at once, watch whether the client
       leaves; may be NULL */
    void                           (*watch)(ngx_task_t *t);

    /* the loop: called before what continues the task; returns what
       ngx_http_task_leave() takes, NULL: there is no connection */
    ngx_connection_t              *(*enter)(ngx_task_t *t);

    /* the loop: returns 1 if nobody is left to be answered */
    ngx_uint_t                     (*left)(ngx_task_t *t);

    /* the loop: the state is final; the task may be freed by the call */
    void                           (*answer)(ngx_task_t *t);

    /* the loop: nothing of the task runs any more, it is freed; may be NULL */
    void                           (*release)(ngx_task_t *t);
} ngx_http_task_client_t;


/* what an async function waits for */

typedef struct ngx_http_task_branch_s  ngx_http_task_branch_t;

typedef struct {
    ngx_uint_t                       thread;       /* a thread has the task */

    /* the branch is let go while it waits, as the task ends, or a gather stops.
       Returns NGX_OK; or NGX_AGAIN if something still uses the branch, and
       calls ngx_http_task_async_released() later.
       NULL: there is nothing to cancel */
    ngx_int_t                      (*cancel)(ngx_http_task_branch_t *b);
} ngx_http_task_await_t;


/* what a branch still has to write to its stream */

typedef struct {
    ngx_queue_t                      queue;        /* of those that write */
    const u_char                    *data;
    size_t                           len;
    ngx_uint_t                       whole;        /* it ends an event */
    void                            *text;         /* it is in, or NULL */
} ngx_http_task_rest_t;


/*
 * An async function that runs; a task has one, and more while it gathers.  It
 * is a chain of frames, each of which but the innermost awaits the function of
 * the next one.
 */

struct ngx_http_task_branch_s {
    ngx_task_t                      *task;
    ngx_task_frame_t                 root;         /* the outermost */
    ngx_task_frame_t                *frame;        /* the innermost */
    const ngx_http_task_await_t     *await;        /* NULL: awaits nothing */

    /* of a child of a gather, NULL of the task's own branch: its function has
       returned; a thread that it was let go by has returned */

    void                           (*ended)(ngx_http_task_branch_t *b,
                                            ngx_task_rc_t rc);
    void                           (*released)(ngx_http_task_branch_t *b);

    /* what is awaited may use these */

    void                            *awaited;
    ngx_http_task_rest_t             rest;
    ngx_http_task_timer_t            timer;
    ngx_http_task_piece_t           *piece;        /* NULL: none was needed */
};


/* --- the task ------------------------------------------------------------ */

typedef struct ngx_http_task_defer_s  ngx_http_task_defer_t;

struct ngx_http_task_defer_s {
    void                           (*fn)(void *data);
    void                            *data;
    ngx_http_task_defer_t           *next;
};


/* memory that is kept until the task is freed */

typedef struct ngx_http_task_kept_s  ngx_http_task_kept_t;

struct ngx_http_task_kept_s {
    void                           (*free)(ngx_http_task_kept_t *kept);
    ngx_http_task_kept_t            *next;
};


/* a member of the JSON object that a function answers */

typedef struct ngx_http_task_member_s  ngx_http_task_member_t;

struct ngx_http_task_member_s {
    ngx_str_t                        key;          /* the name as given */
    ngx_str_t                        name;         /* with its quotes */
    ngx_str_t                        text;
    cJSON                           *json;         /* NULL: text has it */
    ngx_http_task_member_t          *next;
};


/* what a function answers */

typedef struct {
    ngx_http_task_member_t          *members;
    cJSON                           *json;         /* replaces members */
    ngx_str_t                        body;         /* printed, or bytes */
    void                           (*free_body)(void *data);
    ngx_str_t                        type;         /* empty: JSON */
    ngx_uint_t                       status;       /* 0: the default one */
    ngx_uint_t                       failed;       /* by ngx_task_fail(): .. */
    ngx_str_t                        detail;       /* .. status and message */
    ngx_array_t                     *headers;      /* ngx_keyval_t */
    const char                      *misuse;       /* [both] done wrong */
    int                              nomem;        /* [both] */
    unsigned                         trees:1;      /* members have some */
    unsigned                         bytes:1;
    unsigned                         made:1;       /* too late to set it */
    int                              invalid;      /* [both] body is that of
                                                      a 422 */
} ngx_http_task_result_t;


/*
 * A task has two owners: the event loop, and at most one thread of a pool that
 * runs a piece of it.
 *
 *     the request      ends first: the loop cancels the task, the piece goes
 *                      on until it notices; its completion frees the task
 *     the piece        ends first: the request answers, its pool frees the
 *                      task
 *
 * Only the loop frees.  A task that a thread may touch has a pool of its own,
 * in which the loop and the thread allocate in turn: the thread while it has
 * the piece.  Members that both may touch at the same time are marked with
 * [both], and are accessed by atomic loads and stores.
 */

struct ngx_task_s {
    ngx_http_request_t              *request;      /* NULL: it is gone, or
                                                      this is a job */
    ngx_http_task_run_conf_t        *conf;
    ngx_http_task_function_t        *function;
    void                            *args;

    /* the above stands first: nginx's debug log looks at 32 bytes of data */

    ngx_pool_t                      *pool;

    const ngx_http_task_client_t    *client;       /* NULL: not accepted yet */
    void                            *client_data;

    ngx_http_task_state_e            state;        /* the loop's */
    int                              cancelled;    /* [both] nobody waits */
    ngx_http_task_piece_t           *piece;        /* the blocking form, or
                                                      the reading of a body */
    ngx_uint_t                       in_pools;     /* how many pieces are */

    /* on the monotonic clock, in nanoseconds; 0: not yet */

    int64_t                          created;
    int64_t                          started;      /* [both] has begun to run;
                                                      -1: will never begin */
    int64_t                          ended;

    uint64_t                        *cell;         /* [both], or NULL */
    ngx_queue_t                      running;      /* while it is listed */

    ngx_str_t                        request_line; /* its first bytes */
    ngx_str_t                        job_name;     /* a job's id, or empty */
    ngx_uint_t                       attempt;      /* of a job that waited,
                                                      from 1; else 0 */
    ngx_log_t                       *log;          /* the loop's */
    ngx_uint_t                       bodiless;     /* only headers are sent;
                                                      set before it starts */

    unsigned                         own_pool:1;   /* not the request's */
    unsigned                         watched:1;    /* watch() was called */
    unsigned                         listed:1;     /* as one that runs */
    unsigned                         given_up:1;   /* told so: worker ends */
    unsigned                         held:1;       /* by its client, still */
    unsigned                         streamed:1;   /* when it ended, it did */
    unsigned                         starting:1;   /* a task that ends now
                                                      leaves its answer here */
    uint32_t                         retry;        /* seconds, if rejected */
    ngx_int_t                        answer;       /* a status, or an error */

    ngx_http_task_turn_t             turn;
    ngx_http_task_timer_t           *timeout;      /* task_timeout, or NULL */

    /* what comes in */

    ngx_http_task_input_t            in;
    ngx_http_cleanup_t              *reading;      /* the body is read */
    ngx_atomic_uint_t                connection;   /* its number in the log */
    ngx_uint_t                       changes;      /* r->uri_changes then */

    /* what goes out */

    ngx_http_task_result_t           result;
    ngx_http_task_stream_t          *stream;       /* [both], or NULL */
    ngx_http_task_defer_t           *defers;
    ngx_http_task_kept_t            *kept;         /* [both] */
    ngx_task_rc_t                    rc;

    /* the async executor's */

    ngx_http_task_branch_t           trunk;        /* its timer bounds the wait
                                                      for a turn, too */
    ngx_http_task_branch_t          *resumed;      /* a frame of it runs now */
    ngx_task_frame_t                *free_frames;
};


#define ngx_http_task_misused(t)  ngx_http_task_atomic_get(&(t)->result.misuse)
#define ngx_http_task_no_memory(t)                                            \
    ngx_http_task_atomic_set(&(t)->result.nomem, 1)
#define ngx_http_task_lacked_memory(t)                                        \
    ngx_http_task_atomic_get(&(t)->result.nomem)

#define ngx_http_task_promised(t)  ((t)->client && (t)->client->promised)


/* a piece of a task, which a thread of a pool runs */

struct ngx_http_task_piece_s {
    ngx_thread_task_t                thread;
    ngx_task_t                      *task;
    ngx_http_task_branch_t          *branch;       /* awaits it, or NULL */
    const struct ngx_http_task_piece_type_s  *type;   /* see run/ */
    ngx_http_task_pool_t            *pool;
    ngx_http_task_hold_t             hold;         /* while it is in_pool */
    ngx_uint_t                       in_pool;      /* given to a pool */
    ngx_queue_t                      queue;        /* while it is waiting */
    ngx_uint_t                       waiting;      /* for room in a pool */
    ngx_http_task_zone_pool_t       *counted;      /* [both], or NULL */
    int                              cancelled;    /* [both] wakes its thread */
    int                              returned;     /* [both] */
    int                              ended;        /* [both] its thread has */
    int64_t                          took;         /* in its thread, ns */

    /* an offloaded piece, or the reading of a body; fn NULL: the blocking
       form itself */

    ngx_task_piece_pt                fn;
    void                            *data;
    ngx_task_rc_t                    rc;
};


/* --- the log: ngx_http_task_log.c; any thread that runs the task --------- */

/* remembers and logs what a function must not do; the task ends with a 500 */

void ngx_http_task_log_misuse(ngx_task_t *t, const char *what);

/* the same of a name, or of a number, that was given */

void ngx_http_task_log_misuse_of(ngx_task_t *t, const char *what,
    const char *value);
void ngx_http_task_log_misuse_number(ngx_task_t *t, const char *what,
    int64_t number);


/* --- what the log tells of a task: ngx_http_task_describe.c; any thread -- */

u_char *ngx_http_task_describe(u_char *p, u_char *last, ngx_task_t *t,
    ngx_uint_t null);


/* --- calls of the function: ngx_http_task_call.c; any thread ------------- */

/* begins the task, and returns 1; or 0 if the loop has ended it already */

ngx_uint_t ngx_http_task_call_begin(ngx_task_t *t);

/* runs the blocking form, from its parameters to its result */

void ngx_http_task_call_block(ngx_task_t *t);

/* the function has ended: prints the result, runs what was deferred */

void ngx_http_task_call_complete(ngx_task_t *t, ngx_task_rc_t rc);
void ngx_http_task_call_defers(ngx_task_t *t);


/* --- what is kept until a task is freed: ngx_http_task_keep.c ------------ */

/* any thread */

void ngx_http_task_keep(ngx_task_t *t, ngx_http_task_kept_t *kept);

/* the loop: frees all of it; one of them is its owner's again */

void ngx_http_task_keep_no_longer(ngx_task_t *t);
void ngx_http_task_keep_one_no_longer(ngx_task_t *t,
    ngx_http_task_kept_t *kept);


/* --- the result: ngx_http_task_set.c, _object.c, _result.c; any thread --- */

/*
 * Return 1 if the result may still be set, also if the function has begun to
 * stream; if it has not; or set to value; else log why.
 */

ngx_uint_t ngx_http_task_set_late(ngx_task_t *t);
ngx_uint_t ngx_http_task_set_may(ngx_task_t *t);
ngx_uint_t ngx_http_task_set_takes(ngx_task_t *t, cJSON *value);

/*
 * Returns JSON as text, which the caller frees by cJSON_free(); or NULL, and
 * the result remembers what is wrong.
 */

u_char *ngx_http_task_set_text(ngx_task_t *t, cJSON *json, size_t *len);

void ngx_http_task_object_print(ngx_task_t *t);
void ngx_http_task_object_free(ngx_http_task_result_t *result);

void ngx_http_task_result_free(ngx_http_task_result_t *result);

/* returns why a task failed, for the log; NULL: as ngx_task_fail() was told */

const char *ngx_http_task_result_why(ngx_task_t *t);


#endif /* _NGX_HTTP_TASK_H_INCLUDED_ */
