
/*
 * Private types: the configuration, a task, what a thread runs of it.
 */


#ifndef _NGX_HTTP_TASK_TYPES_H_INCLUDED_
#define _NGX_HTTP_TASK_TYPES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>

#include "ngx_task.h"
#include "text/ngx_http_task_text.h"
#include "text/ngx_http_task_json.h"
#include "stats/ngx_http_task_zone.h"


#define NGX_HTTP_TASK_RESET_CONTENT  205
#define NGX_HTTP_TASK_UNPROCESSABLE  422

/* how much of a function's message goes into the log, bytes */

#define NGX_HTTP_TASK_LOG_TEXT       1024

/* the longest time that is slept or awaited at once: a year, milliseconds */

#define NGX_HTTP_TASK_MAX_MS         31536000000LL

/* the path that a library is loaded by, and its structures in version 1.0 */

#define NGX_HTTP_TASK_LIBRARY_PATH   192
#define NGX_HTTP_TASK_LIBRARY_SIZE                                            \
    (offsetof(ngx_task_library_t, stop) + sizeof(void (*)(void)))
#define NGX_HTTP_TASK_FUNCTION_SIZE                                           \
    (offsetof(ngx_task_function_t, flags) + sizeof(size_t))
#define NGX_HTTP_TASK_PARAM_SIZE                                              \
    (offsetof(ngx_task_param_t, choices) + sizeof(char *))


typedef struct ngx_http_task_piece_s     ngx_http_task_piece_t;
typedef struct ngx_http_task_pool_s      ngx_http_task_pool_t;
typedef struct ngx_http_task_function_s  ngx_http_task_function_t;
typedef struct ngx_http_task_loc_conf_s  ngx_http_task_loc_conf_t;


/* where the task is; only the event loop reads and writes it */

typedef enum {
    NGX_HTTP_TASK_PENDING = 0,         /* waits for a thread, or runs */
    NGX_HTTP_TASK_DONE,
    NGX_HTTP_TASK_FAILED,
    NGX_HTTP_TASK_CANCELLED,
    NGX_HTTP_TASK_REJECTED,
    NGX_HTTP_TASK_TIMEOUT
} ngx_http_task_state_e;


/* of a status: as configured, or as the client asks */

typedef enum {
    NGX_HTTP_TASK_STATUS_ASKED = 0,
    NGX_HTTP_TASK_STATUS_JSON,
    NGX_HTTP_TASK_STATUS_PROMETHEUS
} ngx_http_task_status_e;


/* a line of the configuration, kept for messages that come when it is merged */

typedef struct {
    ngx_str_t                        file;
    ngx_uint_t                       line;
} ngx_http_task_place_t;


/* "name=value" of a directive, see ngx_http_task_conf_options() */

typedef struct {
    const char                      *name;
    ngx_str_t                       *value;        /* data is NULL at first */
} ngx_http_task_option_t;


#include "jobs/ngx_http_task_job.h"


typedef union {
    int64_t                          integer;      /* also bool and enum */
    double                           number;
    ngx_str_t                        string;       /* ends with a null */
} ngx_http_task_value_t;


typedef struct {
    ngx_http_task_value_t            value;        /* of a string: integer */
    ngx_str_t                        text;         /* as configured */
    unsigned                         set:1;
    unsigned                         exclusive:1;
} ngx_http_task_bound_t;


/* a parameter of a function, as a location takes it */

typedef struct {
    const ngx_task_param_t          *param;
    ngx_str_t                        name;

    ngx_http_task_value_t            def;
    ngx_http_task_bound_t            min;
    ngx_http_task_bound_t            max;

    ngx_http_task_value_t            value;        /* if fixed, and .. */
    ngx_http_complex_value_t        *variable;     /* .. this is NULL */

    unsigned                         fixed:1;      /* not for the request */
    unsigned                         has_def:1;
    unsigned                         bounded:1;    /* "task_param ... max=" */
} ngx_http_task_arg_t;


/* why a value is not taken, in the words of pydantic */

typedef struct {
    const char                      *type;
    u_char                           msg[256];
    const char                      *ctx;          /* the member of "ctx" */
    const char                      *reason;       /* its value, or .. */
    u_char                           bound[NGX_HTTP_TASK_NUMBER_TEXT];
                                                   /* .. if that is NULL */
    u_char                           expected[192];
} ngx_http_task_invalid_t;


typedef enum {
    NGX_HTTP_TASK_BOUND_NONE = 0,
    NGX_HTTP_TASK_BOUND_INTEGER,
    NGX_HTTP_TASK_BOUND_NUMBER,
    NGX_HTTP_TASK_BOUND_LENGTH
} ngx_http_task_bound_e;


typedef ngx_int_t (*ngx_http_task_text_pt)(ngx_pool_t *pool,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
typedef ngx_int_t (*ngx_http_task_json_pt)(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);


typedef struct {
    /* a value as nginx.conf and a query have it, and a string in JSON */
    ngx_http_task_text_pt            text;

    /* the text of any other value in JSON; NULL: is none */
    ngx_http_task_json_pt            json;

    ngx_http_task_bound_e            bound;
    double                           unit;         /* of a bound, in "ctx" */
    size_t                           size;         /* of the C type */
} ngx_http_task_type_t;


typedef struct {
    const ngx_task_library_t        *descriptor;
    ngx_str_t                        name;
    ngx_str_t                        file;
    ngx_http_task_function_t        *functions;
    ngx_uint_t                       nfunctions;
    ngx_uint_t                       failed;       /* to start, here */
} ngx_http_task_library_t;


struct ngx_http_task_function_s {
    ngx_str_t                        name;
    ngx_http_task_library_t         *library;
    ngx_task_function_t              table;        /* a copy, of our size */
    ngx_task_param_t                *params;       /* likewise */
    ngx_uint_t                       nparams;
    ngx_http_task_arg_t             *args;         /* as nobody configured */
    ngx_uint_t                       methods;      /* 0: the default ones */
};


typedef struct {
    ngx_array_t                      libraries;    /* pointers to them */
    ngx_msec_t                       shutdown_timeout;
    ngx_msec_t                       shutdown_jobs;        /* 0: no bound */
} ngx_http_task_core_conf_t;


typedef struct {
    ngx_str_t                        name;
    ngx_uint_t                       block;        /* runs the blocking form */

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


/* of a location; what is counted is that of this worker */

typedef struct {
    ngx_http_task_limit_conf_t      *conf;
    ngx_str_t                        name;         /* of the location */
    void                            *server;
    ngx_uint_t                       log_level;

    ngx_uint_t                       running;
    ngx_uint_t                       waiting;
    ngx_queue_t                      queue;
    int64_t                          pace;         /* of a slot, nanoseconds */
    ngx_event_t                      event;        /* starts those who wait */
} ngx_http_task_limit_t;


struct ngx_http_task_loc_conf_s {
    ngx_http_task_loc_conf_t        *parent;       /* NULL: that of http{} */

    ngx_http_task_function_t        *function;     /* NULL: no "task" */
    ngx_array_t                     *args;         /* ngx_http_task_arg_t */
    ngx_uint_t                       open;         /* left to the request */
    void                            *ready_args;   /* if it gives none; NULL:
                                                      it has to, or variables */
    ngx_uint_t                       methods;
    ngx_str_t                        allow;
    ngx_http_task_place_t            place;

    ngx_http_task_mode_t             given;        /* by "task_mode" */
    ngx_http_task_mode_t             mode;         /* of this "task" */
    ngx_array_t                     *narrow;       /* of "task_param" */

    ngx_http_task_limit_conf_t       limit_conf;
    ngx_http_task_limit_t           *limit;        /* NULL: there is none */
    ngx_uint_t                       limit_log_level;

    ngx_msec_t                       timeout;
    ngx_flag_t                       ignore_client_abort;

    ngx_http_task_zone_t            *zone;         /* NULL: not counted */
    ngx_http_task_stats_t           *stats;        /* likewise */

    ngx_uint_t                       background;   /* unset: inherited */
    ngx_http_task_job_zone_t        *job_zone;     /* of "task_background" */
    ngx_str_t                        job_location;
    ngx_uint_t                       job_max;      /* 0: there is none */
    uint64_t                         job_share;    /* its key; 0: all others' */
    ngx_http_task_job_zone_t        *jobs;         /* of "task_jobs" */

    ngx_str_t                        content;      /* the directive of .. */
    ngx_http_handler_pt              handler;      /* .. this one, or NULL */
    ngx_uint_t                       no_store;     /* true only now */

    ngx_str_t                        quick;
    ngx_str_t                        ready;        /* of "task_ready" */
    ngx_http_task_status_e           status;       /* of "task_status" */
    void                            *server;
};


typedef struct {
    ngx_uint_t                       used;         /* more than "quick" is */
    ngx_array_t                      locations;    /* pointers: that answer */
    ngx_array_t                      limits;       /* pointers to them */
    ngx_array_t                      ready;        /* "task_ready" locations */
    ngx_array_t                      zones;        /* pointers to them */
    ngx_array_t                      job_zones;    /* likewise */
    ngx_msec_t                       stall;        /* 0: is not logged */
} ngx_http_task_main_conf_t;


/* where a request may give a parameter */

typedef struct {
    ngx_str_t                        query;        /* data is NULL: not given */
    ngx_http_task_span_t             body;         /* likewise */
} ngx_http_task_source_t;


/* a body: bytes in memory, or a file of that length, open while it is used */

typedef struct {
    u_char                          *data;
    size_t                           len;
    ngx_fd_t                         fd;
    off_t                            offset;       /* in the file */
} ngx_http_task_body_t;


/* the request as a function sees it: copies, a thread may read them */

typedef struct {
    ngx_str_t                        method;
    ngx_str_t                        uri;
    ngx_str_t                        remote_addr;
    ngx_str_t                        request_id;
    ngx_table_elt_t                 *headers;
    ngx_uint_t                       nheaders;
} ngx_http_task_context_t;


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


typedef enum {
    NGX_HTTP_TASK_AWAIT_NOTHING = 0,
    NGX_HTTP_TASK_AWAIT_CALL,
    NGX_HTTP_TASK_AWAIT_SLEEP,
    NGX_HTTP_TASK_AWAIT_PIECE
} ngx_http_task_await_e;


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
 * accessed with the ngx_http_task_atomic_get() and _set() below.
 */

struct ngx_task_s {
    ngx_http_request_t              *request;      /* NULL once it is gone,
                                                      and of a job */
    ngx_http_task_loc_conf_t        *conf;
    ngx_http_task_function_t        *function;
    void                            *args;

    /* the above stands first: nginx's debug log looks at 32 bytes of data */

    ngx_pool_t                      *pool;
    ngx_uint_t                       own_pool;     /* not the request's */

    ngx_http_task_state_e            state;        /* the loop's */
    ngx_http_task_piece_t           *piece;
    int                              cancelled;    /* [both] */

    /* on the monotonic clock, in nanoseconds; 0: not yet */

    int64_t                          created;
    int64_t                          started;      /* [both]; -1: never */
    int64_t                          ended;

    uint64_t                        *cell;         /* [both], or NULL */

    ngx_http_task_job_t             *job;          /* [both], or NULL */
    ngx_queue_t                      jobs;         /* of the worker */
    ngx_str_t                        job_name;     /* the id, or empty */
    ngx_log_t                       *log;          /* the loop's */

    /* in front of the executor */

    ngx_queue_t                      queue;        /* of the limit, .. */
    unsigned                         waiting:1;    /* .. if this is set */
    unsigned                         watched:1;    /* the client is */
    unsigned                         background:1; /* its client wants a job */
    unsigned                         given_up:1;   /* its worker ends */
    ngx_msec_t                       wait;         /* for it, at first */
    int64_t                          slot;         /* taken then; 0: none */
    ngx_event_t                     *timeout;      /* NULL: there is none */

    /* what comes in */

    ngx_http_task_source_t          *sources;      /* one for each parameter */
    ngx_http_task_body_t             body;
    ngx_uint_t                       unread;       /* parameters, in the body */
    ngx_uint_t                       ahead;        /* read it, then go on */
    ngx_http_cleanup_t              *reading;      /* a thread does, or NULL */
    ngx_http_task_context_t         *context;
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
    ngx_http_task_await_e            await;
    ngx_uint_t                       resumed;      /* a frame runs now */

    /* of what is waited for: a turn, or an awaited sleep */

    int64_t                          deadline;
    ngx_event_t                      timer;
};


/* post_action has taken it elsewhere since, which each time is one change */

#define ngx_http_task_elsewhere(r, changes)  ((r)->uri_changes != (changes))


/* what a pool's thread runs of a task */

struct ngx_http_task_piece_s {
    ngx_thread_task_t                thread;
    ngx_task_t                      *task;
    ngx_http_task_pool_t            *pool;
    ngx_queue_t                      queue;        /* of those in a pool, .. */
    ngx_uint_t                       in_pool;      /* .. the loop gave it, .. */
    ngx_uint_t                       waiting;      /* .. or in front of one */
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


#define ngx_http_task_atomic_get(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ngx_http_task_atomic_set(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)


#endif /* _NGX_HTTP_TASK_TYPES_H_INCLUDED_ */
