
/*
 * Private types and prototypes, grouped by file.
 *
 * Calls go one way: module -> handler -> params -> executor -> api -> function,
 * and back only through ngx_http_task_finish().
 */


#ifndef _NGX_HTTP_TASK_H_INCLUDED_
#define _NGX_HTTP_TASK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>

#include "ngx_task.h"
#include "ngx_http_task_text.h"


#define NGX_HTTP_TASK_UNPROCESSABLE  422


typedef struct ngx_http_task_piece_s  ngx_http_task_piece_t;


/* where the task is; only the event loop reads and writes it */

typedef enum {
    NGX_HTTP_TASK_PENDING = 0,         /* waits for a thread, or runs */
    NGX_HTTP_TASK_DONE,
    NGX_HTTP_TASK_FAILED,
    NGX_HTTP_TASK_CANCELLED,
    NGX_HTTP_TASK_REJECTED
} ngx_http_task_state_e;


/* a line of the configuration, kept for messages that come when it is merged */

typedef struct {
    ngx_str_t                        file;
    ngx_uint_t                       line;
} ngx_http_task_place_t;


typedef union {
    int64_t                          integer;
    ngx_str_t                        string;       /* ends with a null */
} ngx_http_task_value_t;


/* a parameter of a function, as a location takes it */

typedef struct {
    const ngx_task_param_t          *param;
    ngx_str_t                        name;

    ngx_http_task_value_t            def;
    int64_t                          min;
    int64_t                          max;
    ngx_str_t                        min_text;     /* as configured */
    ngx_str_t                        max_text;

    ngx_http_task_value_t            value;        /* if fixed, and .. */
    ngx_http_complex_value_t        *variable;     /* .. this is NULL */

    unsigned                         fixed:1;      /* not for the request */
    unsigned                         has_def:1;
    unsigned                         has_min:1;
    unsigned                         has_max:1;
    unsigned                         narrowed:1;   /* "task_param ... max=" */
} ngx_http_task_arg_t;


/* why a value is not taken, in the words of pydantic */

typedef struct {
    const char                      *type;
    u_char                           msg[256];
    const char                      *ctx;          /* the member of "ctx" */
    const char                      *reason;       /* its value, or .. */
    double                           bound;        /* .. if that is NULL */
} ngx_http_task_invalid_t;


typedef struct {
    ngx_str_t                        name;
    ngx_uint_t                       block;        /* runs the blocking form */

    /* calls ngx_http_task_finish(), now or later */
    void                           (*start)(ngx_task_t *t);

    /* of a pending task, whose request ends now */
    void                           (*cancel)(ngx_task_t *t);
} ngx_http_task_executor_t;


typedef struct {
    const ngx_http_task_executor_t  *executor;     /* NULL: not set */
    ngx_thread_pool_t               *pool;
    ngx_http_task_place_t            place;
} ngx_http_task_mode_t;


typedef struct {
    const ngx_task_function_t       *function;     /* NULL: no "task" */
    ngx_array_t                     *args;         /* ngx_http_task_arg_t */
    ngx_uint_t                       open;         /* left to the request */
    ngx_http_task_place_t            place;

    ngx_http_task_mode_t             mode;
    ngx_array_t                     *narrow;       /* of "task_param" */

    ngx_str_t                        quick;
} ngx_http_task_loc_conf_t;


typedef struct {
    ngx_uint_t                       used;         /* there is a "task" */
} ngx_http_task_main_conf_t;


/*
 * A task is a block of the heap with two owners: the event loop, and at most
 * one thread of a pool that runs a piece of it.
 *
 *     the request      ends first: the loop cancels the task, the piece goes
 *                      on until it notices; its completion frees the task
 *     the piece        ends first: the request answers, its pool frees the
 *                      task
 *
 * Only the loop frees.  The thread touches what is marked with [thread]; what
 * both touch at the same time is marked with [both] and accessed with the
 * ngx_http_task_load() and ngx_http_task_store() below.
 */

struct ngx_task_s {
    ngx_http_request_t              *request;      /* NULL once it is gone */
    ngx_http_task_loc_conf_t        *conf;
    const ngx_task_function_t       *function;     /* [thread] */
    void                            *args;         /* [thread] */

    /* the above stands first: nginx's debug log looks at 32 bytes of data */

    ngx_http_task_state_e            state;
    ngx_http_task_piece_t           *piece;        /* [thread], not changed */

    int                              cancelled;    /* [both] */

    /* on the monotonic clock, in nanoseconds; 0: not yet */

    int64_t                          created;
    int64_t                          started;      /* [both] */
    int64_t                          ended;

    /* the result; belongs to whoever runs the function */

    cJSON                           *result;       /* [thread] */
    ngx_str_t                        body;         /* [thread] */
    ngx_task_rc_t                    rc;           /* [thread] */
    unsigned                         nomem;        /* [thread] */

    /* of the async executor */

    ngx_task_frame_t                 frame;
    ngx_event_t                      timer;
    int64_t                          deadline;
};


/* what a pool's thread runs of a task */

struct ngx_http_task_piece_s {
    ngx_thread_task_t                thread;
    ngx_task_t                      *task;
    ngx_queue_t                      queue;        /* of those in a pool */
    ngx_uint_t                       posted;       /* is in that queue */
    int                              returned;     /* [both] */

    /* what a sleeping thread waits for: the task is cancelled */

    pthread_mutex_t                  mutex;
    pthread_cond_t                   cond;
};


#define ngx_http_task_load(p)        __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ngx_http_task_store(p, v)    __atomic_store_n(p, v, __ATOMIC_RELEASE)


/* ngx_http_task_module.c */

ngx_int_t ngx_http_task_conf_error(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...);
void ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *place);

extern ngx_module_t  ngx_http_task_module;


/* ngx_http_task_variables.c */

ngx_int_t ngx_http_task_add_variables(ngx_conf_t *cf);


/* ngx_http_task_library.c: the functions that there are */

const ngx_task_function_t *ngx_http_task_find_function(ngx_str_t *name);


/* ngx_http_task_handler.c: the event loop's part of a task's life */

ngx_int_t ngx_http_task_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_task_quick_handler(ngx_http_request_t *r);

/* the executor has begun to wait: notice when the client leaves */

void ngx_http_task_wait(ngx_task_t *t);

/*
 * The only way back to the request.  The task may be freed by the call, and
 * the request, too, unless its content handler is on the stack.
 */

void ngx_http_task_finish(ngx_task_t *t, ngx_http_task_state_e state);

/* frees the task if neither a request nor a thread needs it */

void ngx_http_task_release(ngx_task_t *t);

/* the latest task of the request, also after an internal redirect, or NULL */

ngx_task_t *ngx_http_task_get(ngx_http_request_t *r);


/* ngx_http_task_args.c: parameters in the configuration */

ngx_int_t ngx_http_task_args_create(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);
ngx_int_t ngx_http_task_args_fix(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf, ngx_str_t *text);
char *ngx_http_task_param(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_task_args_narrow(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf, ngx_array_t *own);


/* ngx_http_task_params.c: parameters in a request */

/*
 * Fills in one value for each parameter, or makes in errors the body of a
 * 422.  NGX_DECLINED: see errors; another status or NGX_ERROR as it is.
 */

ngx_int_t ngx_http_task_params(ngx_http_request_t *r,
    ngx_http_task_value_t *values, ngx_str_t *errors);


/* ngx_http_task_body.c */

/* application/json, application/problem+json and the like, as FastAPI */

ngx_uint_t ngx_http_task_body_is_json(ngx_http_request_t *r);

/* the body in one piece: it may be in several buffers, and in a file */

ngx_int_t ngx_http_task_body_text(ngx_http_request_t *r, ngx_str_t *text);


/* ngx_http_task_errors.c: NGX_DECLINED: an error was added, or NGX_ERROR */

/* these take loc, input and ctx */

ngx_int_t ngx_http_task_error(cJSON **errors, const char *type,
    const char *msg, cJSON *loc, cJSON *input, cJSON *ctx);
ngx_int_t ngx_http_task_error_invalid(cJSON **errors,
    ngx_http_task_invalid_t *invalid, cJSON *loc, cJSON *input);

/* takes the errors */

ngx_int_t ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors,
    ngx_str_t *text);

cJSON *ngx_http_task_error_loc(const char *where, const char *name);
cJSON *ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text);
cJSON *ngx_http_task_error_echo_json(ngx_pool_t *pool,
    ngx_http_task_span_t *span);


/* ngx_http_task_value.c: types; NGX_DECLINED: see invalid */

ngx_int_t ngx_http_task_value_text(ngx_pool_t *pool, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
ngx_int_t ngx_http_task_value_json(ngx_pool_t *pool, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *json, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
ngx_int_t ngx_http_task_value_bound(ngx_http_task_arg_t *arg, ngx_str_t *text,
    int64_t *bound);

/* the bytes that the value takes behind the arguments, and to write it there */

size_t ngx_http_task_value_size(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value);
u_char *ngx_http_task_value_store(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, void *args, u_char *strings);


/* ngx_http_task_async.c, ngx_http_task_thread.c, ngx_http_task_sync.c */

extern const ngx_http_task_executor_t  ngx_http_task_async;
extern const ngx_http_task_executor_t  ngx_http_task_thread;
extern const ngx_http_task_executor_t  ngx_http_task_sync;

/* wakes and awaits, for a bounded time, all that is in a pool */

void ngx_http_task_thread_exit(ngx_cycle_t *cycle);

void ngx_http_task_thread_free(ngx_http_task_piece_t *piece);


/* ngx_http_task_api.c: what ngx_task.h offers, and what stands around it */

int64_t ngx_http_task_now(void);
void ngx_http_task_run_block(ngx_task_t *t);
void ngx_http_task_complete(ngx_task_t *t, ngx_task_rc_t rc);


/* ngx_http_task_response.c */

ngx_int_t ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/* the body may be NULL: then a constant one; a location's error_page wins */

ngx_int_t ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_not_allowed(ngx_http_request_t *r,
    ngx_uint_t post);
ngx_int_t ngx_http_task_send_unavailable(ngx_http_request_t *r);
void ngx_http_task_response_init(void);


#endif /* _NGX_HTTP_TASK_H_INCLUDED_ */
