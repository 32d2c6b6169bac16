
/*
 * A task, and what its function may call.  What is here may run in a thread of
 * a pool, and touches the task alone: what runs on the event loop is in run/.
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


/* where the task is; only the event loop reads and writes it */

typedef enum {
    NGX_HTTP_TASK_PENDING = 0,         /* waits for a thread, or runs */
    NGX_HTTP_TASK_DONE,
    NGX_HTTP_TASK_FAILED,
    NGX_HTTP_TASK_CANCELLED,
    NGX_HTTP_TASK_REJECTED,
    NGX_HTTP_TASK_TIMEOUT
} ngx_http_task_state_e;


/* --- how it is run ------------------------------------------------------- */

/* a task_mode: ngx_http_task_mode.c has the table of them */

typedef struct {
    ngx_str_t                        name;
    ngx_uint_t                       block;        /* runs the blocking form */
    ngx_uint_t                       thread;       /* in a thread of a pool */
    ngx_uint_t                       stalls;       /* on the event loop */

    /* calls ngx_http_task_finish(), now or later */
    void                           (*start)(ngx_task_t *t);

    /* of a pending task, whose request ends now; NULL: it is never pending */
    void                           (*cancel)(ngx_task_t *t);
} ngx_http_task_executor_t;


typedef struct {
    const ngx_http_task_executor_t  *executor;     /* NULL: not set */
    ngx_thread_pool_t               *pool;
    ngx_str_t                        pool_name;
    ngx_http_task_place_t            place;
} ngx_http_task_mode_t;


typedef struct {
    ngx_uint_t                       running;      /* unset: not configured */
    ngx_uint_t                       queue;
    ngx_msec_t                       wait;         /* 0: for ever */
} ngx_http_task_limit_conf_t;


/* how the tasks of a location are run */

typedef struct {
    ngx_http_task_mode_t             given;        /* by "task_mode" */
    ngx_http_task_mode_t             mode;         /* of this "task" */

    ngx_http_task_limit_conf_t       limit_conf;
    ngx_http_task_limit_t           *limit;        /* NULL: there is none */
    ngx_uint_t                       limit_log_level;

    ngx_msec_t                       timeout;      /* 0: there is none */
    ngx_flag_t                       ignore_client_abort;

    ngx_http_task_stats_t           *stats;        /* NULL: not counted */
} ngx_http_task_run_conf_t;


/*
 * A turn to run, of those that a task_limit has: see ngx_http_task_limit.c.
 * Embedded in whoever takes one.
 */

typedef struct ngx_http_task_turn_s  ngx_http_task_turn_t;

struct ngx_http_task_turn_s {
    ngx_queue_t                      queue;        /* of those that wait */
    ngx_http_task_limit_t           *limit;        /* NULL: neither */
    int64_t                          since;        /* 0: it waits */
    ngx_http_task_timer_t           *timer;        /* lent by its owner */

    /* its turn has come; NGX_BUSY: it has waited in vain */
    void                           (*handler)(ngx_http_task_turn_t *turn,
                                              ngx_int_t rc);
};


/* whom a task answers: a request, the record of a job */

typedef struct {
    /* it was promised that it will run: it waits for room as long as it
       takes, and a worker that quits awaits it longer */
    ngx_uint_t                       accepted;

    /* any thread: it begins to run, and how far it is; NULL: nobody cares */
    void                           (*begin)(ngx_task_t *t);
    void                           (*progress)(ngx_task_t *t, int64_t done,
                                               int64_t total,
                                               const char *message);

    /* the loop: it does not end at once, notice when the client leaves */
    void                           (*watch)(ngx_task_t *t);

    /* the loop: before what continues the task; NULL: there is no connection,
       and nothing to be left */
    ngx_connection_t              *(*enter)(ngx_task_t *t);

    /* the loop: whether nobody is there any more to be answered */
    ngx_uint_t                     (*left)(ngx_task_t *t);

    /* the loop: the state is final; the task may be freed by the call */
    void                           (*answer)(ngx_task_t *t);

    /* the loop: nothing of the task runs any more, it is freed; NULL */
    void                           (*release)(ngx_task_t *t);
} ngx_http_task_client_t;


/* what an async function waits for */

typedef struct {
    ngx_uint_t                       thread;       /* has the task */

    /* the task ends while it waits.  NGX_AGAIN: something still uses it, and
       calls ngx_http_task_async_released() later; NULL: nothing does */
    ngx_int_t                      (*cancel)(ngx_task_t *t);
} ngx_http_task_await_t;


/* --- the task ------------------------------------------------------------ */

typedef struct ngx_http_task_defer_s  ngx_http_task_defer_t;

struct ngx_http_task_defer_s {
    void                           (*fn)(void *data);
    void                            *data;
    ngx_http_task_defer_t           *next;
};


/* a member of the object that a function answers, in JSON */

typedef struct ngx_http_task_member_s  ngx_http_task_member_t;

struct ngx_http_task_member_s {
    ngx_str_t                        name;         /* with its quotes */
    ngx_str_t                        text;
    cJSON                           *json;         /* NULL: the text it is */
    ngx_http_task_member_t          *next;
    u_char                           key[1];       /* the name as given */
};


/* what a function answers */

typedef struct {
    ngx_http_task_member_t          *members;
    cJSON                           *json;         /* in their place */
    ngx_str_t                        body;         /* printed, or bytes */
    void                           (*free_body)(void *data);
    ngx_str_t                        type;         /* empty: JSON */
    ngx_uint_t                       status;       /* 0: the default one */
    ngx_uint_t                       failed;       /* of ngx_task_fail(): .. */
    ngx_str_t                        detail;       /* .. its status, message */
    ngx_array_t                     *headers;      /* ngx_keyval_t */
    const char                      *misuse;       /* what was done wrong */
    unsigned                         nomem:1;
    unsigned                         bytes:1;
    unsigned                         made:1;       /* what is set is too late */
    unsigned                         invalid:1;    /* a 422, body is made */
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
 * the piece.  What both touch at the same time is marked with [both], and
 * accessed with the ngx_http_task_atomic_get() and _set().
 */

struct ngx_task_s {
    ngx_http_request_t              *request;      /* NULL once it is gone,
                                                      and of a job */
    ngx_http_task_run_conf_t        *conf;
    ngx_http_task_function_t        *function;
    void                            *args;

    /* the above stands first: nginx's debug log looks at 32 bytes of data */

    ngx_pool_t                      *pool;

    const ngx_http_task_client_t    *client;       /* NULL: it is not started */
    void                            *client_data;

    ngx_http_task_state_e            state;        /* the loop's */
    int                              cancelled;    /* [both] */
    ngx_http_task_piece_t           *piece;

    /* on the monotonic clock, in nanoseconds; 0: not yet */

    int64_t                          created;
    int64_t                          started;      /* [both]; -1: never */
    int64_t                          ended;

    uint64_t                        *cell;         /* [both], or NULL */

    ngx_str_t                        job_name;     /* the id, or empty */
    ngx_log_t                       *log;          /* the loop's */

    unsigned                         own_pool:1;   /* not the request's */
    unsigned                         watched:1;    /* the client is */
    unsigned                         given_up:1;   /* its worker ends */
    unsigned                         resumed:1;    /* a frame runs now */
    uint32_t                         retry;        /* seconds, if rejected */

    ngx_http_task_turn_t             turn;
    ngx_http_task_timer_t           *timeout;      /* NULL: there is none */

    /* what comes in */

    ngx_http_task_input_t            in;
    ngx_http_cleanup_t              *reading;      /* a thread reads it */
    ngx_atomic_uint_t                connection;   /* its number in the log */
    ngx_uint_t                       changes;      /* of its URI, then */

    /* what goes out */

    ngx_http_task_result_t           result;
    ngx_http_task_defer_t           *defers;
    ngx_task_rc_t                    rc;

    /* of the async executor */

    ngx_task_frame_t                 root;
    ngx_task_frame_t                *frame;        /* the innermost */
    ngx_task_frame_t                *free_frames;
    const ngx_http_task_await_t     *await;        /* NULL: nothing */

    /* of what is waited for: a turn, or an awaited sleep */

    ngx_http_task_timer_t            timer;
};


#define ngx_http_task_accepted(t)  ((t)->client && (t)->client->accepted)


/* what a pool's thread runs of a task */

struct ngx_http_task_piece_s {
    ngx_thread_task_t                thread;
    ngx_task_t                      *task;
    const struct ngx_http_task_piece_type_s  *type;   /* see run/ */
    ngx_pool_cleanup_t               cleanup;      /* of the task's pool */
    ngx_http_task_pool_t            *pool;
    ngx_http_task_hold_t             hold;         /* while it is in a pool, */
    ngx_uint_t                       in_pool;      /* .. the loop gave it */
    ngx_queue_t                      queue;        /* in front of one, if .. */
    ngx_uint_t                       waiting;      /* .. this is set */
    ngx_http_task_zone_pool_t       *counted;      /* [both], or NULL */
    int                              returned;     /* [both] */
    int                              ended;        /* [both], its thread */

    /* an offloaded piece; NULL: the blocking form itself */

    ngx_task_piece_pt                fn;
    void                            *data;
    ngx_task_rc_t                    rc;

    /* what a sleeping thread waits for: the task is cancelled */

    pthread_mutex_t                  mutex;
    pthread_cond_t                   cond;
};


/* --- its log: ngx_http_task_log.c; any thread that runs it --------------- */

/* remembers and logs what a function must not do; it then ends with a 500 */

void ngx_http_task_log_misuse(ngx_task_t *t, const char *what);


/* --- calls of its function: ngx_http_task_call.c; any thread ------------- */

/*
 * Whether the task may begin: the loop may have ended it, in which case it
 * never does.
 */

ngx_uint_t ngx_http_task_call_begin(ngx_task_t *t);

/* all of the blocking form */

void ngx_http_task_call_block(ngx_task_t *t);

/* the function is done: prints the result, runs what was deferred */

void ngx_http_task_call_complete(ngx_task_t *t, ngx_task_rc_t rc);
void ngx_http_task_call_defers(ngx_task_t *t);


/* --- what it answers: ngx_http_task_set.c, _object.c, _result.c ---------- */

/* whether it may answer still, and that with a value: it is logged why not */

ngx_uint_t ngx_http_task_set_may(ngx_task_t *t);
ngx_uint_t ngx_http_task_set_takes(ngx_task_t *t, cJSON *value);

/* JSON as text, for cJSON_free(); NULL: what is wrong is remembered */

u_char *ngx_http_task_set_text(ngx_task_t *t, cJSON *json, size_t *len);

void ngx_http_task_object_print(ngx_task_t *t);
void ngx_http_task_object_free(ngx_http_task_result_t *result);

void ngx_http_task_result_free(ngx_http_task_result_t *result);


#endif /* _NGX_HTTP_TASK_H_INCLUDED_ */
