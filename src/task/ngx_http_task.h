
/*
 * Private prototypes, grouped by file.
 *
 * Calls go one way: module -> handler -> params -> executor -> function -> api,
 * and back only through ngx_http_task_finish().
 */


#ifndef _NGX_HTTP_TASK_H_INCLUDED_
#define _NGX_HTTP_TASK_H_INCLUDED_


#include "task/ngx_http_task_types.h"
#include "answer/ngx_http_task_answer.h"
#include "stats/ngx_http_task_stats.h"
#include "run/ngx_http_task_pool.h"
#include "task/ngx_http_task_exit.h"


#define NGX_HTTP_TASK_VERSION  "0.5.0"


/* ngx_http_task_module.c */

/* what answers in the location: only one directive may say it */

char *ngx_http_task_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_task_loc_conf_t *tlcf, ngx_http_handler_pt handler);

extern ngx_module_t  ngx_http_task_module;


/* ngx_http_task_merge.c */

char *ngx_http_task_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
ngx_int_t ngx_http_task_merge_mode(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);
void ngx_http_task_merge_check_jobs(ngx_conf_t *cf);


/* ngx_http_task_conf.c */

/*
 * Logs as ngx_conf_log_error() does, of the line that is read now, or of the
 * place, if that is not NULL.  Returns NGX_ERROR.
 */

ngx_int_t ngx_http_task_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...);
void ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *place);

/*
 * The options "name=value" of a directive, from its argument first on: where
 * one is given, its value is set.  Unknown ones, and those that are given
 * twice, are logged: NGX_ERROR.  The last one has no name.
 */

ngx_int_t ngx_http_task_conf_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_task_option_t *options);

/* milliseconds, up to a year; NGX_ERROR: it is no time, or a longer one */

ngx_int_t ngx_http_task_conf_time(ngx_str_t *text);

/* the same, of a directive that ngx_conf_set_msec_slot() reads */

char *ngx_http_task_conf_time_post(ngx_conf_t *cf, void *post, void *data);

/* of one whose value is not valid; these return NGX_CONF_ERROR */

char *ngx_http_task_conf_invalid(ngx_conf_t *cf,
    ngx_http_task_option_t *option);
char *ngx_http_task_conf_invalid_time(ngx_conf_t *cf,
    ngx_http_task_option_t *option);


/* ngx_http_task_job_conf.c: in the merge */

ngx_int_t ngx_http_task_job_merge_share(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);


/* ngx_http_task_variables.c */

ngx_int_t ngx_http_task_add_variables(ngx_conf_t *cf);


/* ngx_http_task_core_module.c */

ngx_http_task_core_conf_t *ngx_http_task_core_conf(ngx_cycle_t *cycle);

extern ngx_module_t  ngx_http_task_core_module;


/* ngx_http_task_library.c */

extern const ngx_task_library_t  ngx_task_library;      /* the built-in one */

ngx_int_t ngx_http_task_library_builtin(ngx_conf_t *cf);
ngx_int_t ngx_http_task_library_load(ngx_conf_t *cf, ngx_str_t *file);
void ngx_http_task_library_start(ngx_cycle_t *cycle);
void ngx_http_task_library_stop(ngx_cycle_t *cycle);


/* ngx_http_task_functions.c */

ngx_int_t ngx_http_task_functions_add(ngx_conf_t *cf,
    ngx_http_task_library_t *library);

/* NULL: it is logged why */

ngx_http_task_function_t *ngx_http_task_function_find(ngx_conf_t *cf,
    ngx_str_t *name);

ngx_uint_t ngx_http_task_param_known(ngx_conf_t *cf, ngx_str_t *name);


/* ngx_http_task_handler.c */

ngx_int_t ngx_http_task_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_task_quick_handler(ngx_http_request_t *r);

/* all of the request is read: begins the task, or says what is wrong, see rc */

void ngx_http_task_go(ngx_task_t *t, ngx_int_t rc);


/* ngx_http_task_life.c: the event loop's part of a task's life */

/* from now on the task is its request's, and ends with it */

ngx_int_t ngx_http_task_attach(ngx_http_request_t *r, ngx_task_t *t);

/* it is its turn */

void ngx_http_task_start(ngx_task_t *t);

/* the executor has begun to wait: notice when the client leaves */

void ngx_http_task_wait(ngx_task_t *t);

/*
 * The only way back to the request.  The task may be freed by the call, and
 * the request, too, unless its content handler is on the stack.
 */

void ngx_http_task_finish(ngx_task_t *t);

/* likewise, of one that had no chance to run: 503; retry is in seconds */

void ngx_http_task_reject(ngx_task_t *t, ngx_uint_t retry);

/* likewise, of one whose time is over: 504 */

void ngx_http_task_expire(ngx_task_t *t);

/*
 * Around what the loop does with a task when it comes back to it: a timer has
 * fired, or a thread returned.  The request may be gone in between.
 */

ngx_connection_t *ngx_http_task_enter(ngx_task_t *t);
void ngx_http_task_leave(ngx_connection_t *c);

/* nobody wants it any more: of a job that has not ended */

void ngx_http_task_cancel(ngx_task_t *t);

/* something of the task has stopped running: if all has, its slot is free */

void ngx_http_task_stopped(ngx_task_t *t);

/* frees the task if neither a request nor a thread needs it */

void ngx_http_task_release(ngx_task_t *t);

/* the latest task of the request, also after an internal redirect, or NULL */

ngx_task_t *ngx_http_task_get(ngx_http_request_t *r);


/* ngx_http_task_watch.c: ends a request that waits when its client leaves */

void ngx_http_task_watch(ngx_http_request_t *r);


/* ngx_http_task_limit.c */

char *ngx_http_task_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_task_ready(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_http_task_limit_t *ngx_http_task_limit_create(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);
ngx_int_t ngx_http_task_limit_check(ngx_conf_t *cf);

/* the task runs, waits, or is rejected */

void ngx_http_task_limit_start(ngx_task_t *t);
void ngx_http_task_limit_leave_queue(ngx_task_t *t);
void ngx_http_task_limit_leave(ngx_task_t *t);
ngx_uint_t ngx_http_task_limit_has_room(ngx_http_task_limit_t *limit);
ngx_uint_t ngx_http_task_limit_retry(ngx_http_task_limit_t *limit);


/* ngx_http_task_timer.c: deadlines on the monotonic clock, nanoseconds */

void ngx_http_task_timer(ngx_event_t *ev, int64_t deadline);

/* of a timer that has fired: if that was early, it is set again */

ngx_uint_t ngx_http_task_timer_early(ngx_event_t *ev, int64_t deadline);


/* ngx_http_task_timeout.c */

ngx_int_t ngx_http_task_timeout_set(ngx_task_t *t);
void ngx_http_task_timeout_clear(ngx_task_t *t);


/* ngx_http_task_hold.c: a worker that quits waits until each hold is undone */

typedef enum {
    NGX_HTTP_TASK_HOLD_PIECE = 0,      /* is in a pool */
    NGX_HTTP_TASK_HOLD_JOB,            /* has not ended */

    NGX_HTTP_TASK_HOLDS
} ngx_http_task_hold_e;

void ngx_http_task_hold(ngx_http_task_hold_e what);
void ngx_http_task_unhold(ngx_http_task_hold_e what);

/* whether there is any */

ngx_uint_t ngx_http_task_hold_any(void);

/* all of it has had its time: a worker that quits gives it up */

void ngx_http_task_hold_no_longer(void);


/* ngx_http_task_args.c: parameters in the configuration */

ngx_int_t ngx_http_task_args_init(ngx_conf_t *cf,
    ngx_http_task_function_t *function);
ngx_int_t ngx_http_task_args_create(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);
ngx_int_t ngx_http_task_args_fix(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf, ngx_str_t *text);
char *ngx_http_task_param(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_task_args_narrow(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf, ngx_array_t *own);


/* ngx_http_task_params.c: parameters in a request */

/*
 * Collects what the request gives, on the loop.  NGX_OK, or a status.
 */

ngx_int_t ngx_http_task_params_collect(ngx_task_t *t);
ngx_uint_t ngx_http_task_params_in_body(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf);

/*
 * Makes the arguments of it, in any thread.  NGX_DECLINED: what is wrong is
 * the body of the result, a 422.
 */

ngx_int_t ngx_http_task_params_read(ngx_task_t *t);


/* ngx_http_task_body.c */

/* application/json, application/problem+json and the like, as FastAPI */

ngx_uint_t ngx_http_task_body_is_json(ngx_http_request_t *r);

/* takes the body of the request for the task: JSON, or as it is */

ngx_int_t ngx_http_task_body_take(ngx_task_t *t, ngx_uint_t json);

/* on the loop, before what may use a body that is in a file */

ngx_int_t ngx_http_task_body_open(ngx_task_t *t);

/* from its file to memory, in any thread */

ngx_int_t ngx_http_task_body_load(ngx_task_t *t);


/* ngx_http_task_read.c: in a thread, before the task goes on */

/* NGX_OK, NGX_ERROR, or a status */

ngx_int_t ngx_http_task_read_ahead(ngx_task_t *t);
void ngx_http_task_read_done(ngx_task_t *t, ngx_task_rc_t rc);

/* answers this status, a 503 or 504, before it is read; if anybody waits */

void ngx_http_task_read_end(ngx_task_t *t, ngx_int_t status);


/* ngx_http_task_fields.c: what header fields of a request ask for */

/* which of the types, a NULL behind them, the client likes best */

ngx_uint_t ngx_http_task_fields_accept(ngx_http_request_t *r,
    const char *const *types);

/* whether it prefers "respond-async", and how long it waits before that */

ngx_uint_t ngx_http_task_fields_prefer(ngx_http_request_t *r,
    ngx_msec_t *wait);

/* whether the body is not what it says, but an encoding of that */

ngx_uint_t ngx_http_task_fields_encoded(ngx_http_request_t *r);

/* tells caches that the answer depends on the field */

ngx_int_t ngx_http_task_fields_vary(ngx_http_request_t *r, const char *name);


/* ngx_http_task_context.c */

ngx_int_t ngx_http_task_context_create(ngx_task_t *t);


/* ngx_http_task_type.c */

ngx_int_t ngx_http_task_type_invalid(ngx_http_task_invalid_t *invalid,
    const char *type, const char *msg, const char *reason);

extern const ngx_http_task_type_t  ngx_http_task_types[];


/* ngx_http_task_value.c: NGX_DECLINED: see invalid */

ngx_int_t ngx_http_task_value_text(ngx_pool_t *pool, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
ngx_int_t ngx_http_task_value_json(ngx_pool_t *pool, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *json, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);

ngx_int_t ngx_http_task_value_bound(ngx_http_task_arg_t *arg, ngx_str_t *text,
    u_char exclusive, ngx_http_task_bound_t *bound);
ngx_uint_t ngx_http_task_value_wider(ngx_http_task_arg_t *arg,
    ngx_http_task_bound_t *a, ngx_http_task_bound_t *b, ngx_uint_t max);

/* the size of the member of the arguments; 0: there is no such type */

size_t ngx_http_task_value_member(ngx_task_type_t type);

/* the arguments of a function, from one value for each; NULL: no memory */

void *ngx_http_task_args_store(ngx_pool_t *pool,
    ngx_http_task_function_t *function, ngx_array_t *args,
    ngx_http_task_value_t *values);


/* ngx_http_task_async.c, ngx_http_task_thread.c, ngx_http_task_sync.c */

extern const ngx_http_task_executor_t  ngx_http_task_async;
extern const ngx_http_task_executor_t  ngx_http_task_thread;
extern const ngx_http_task_executor_t  ngx_http_task_sync;

/* wakes and awaits, for a bounded time, all that is in a pool */

void ngx_http_task_thread_exit(ngx_cycle_t *cycle);

/* whether that has begun, in any thread */

ngx_uint_t ngx_http_task_thread_stops(void);

/* answers those who wait for what does not end in time */

void ngx_http_task_thread_give_up(void);

/*
 * Gives a piece of the task to a pool: the blocking form, or fn(data).
 * NGX_BUSY: the queue is full, which nginx has logged.
 */

ngx_int_t ngx_http_task_thread_post(ngx_task_t *t, ngx_thread_pool_t *pool,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data);

/* what was in threads that have ended has failed, on the loop */

void ngx_http_task_thread_reap(void);

/* tells a piece, if there is one, that nobody waits for it */

void ngx_http_task_thread_wake(ngx_task_t *t);

void ngx_http_task_thread_enter(ngx_http_task_piece_t *piece);
void ngx_http_task_thread_free(ngx_http_task_piece_t *piece);


/* an offloaded piece has returned, on the loop */

void ngx_http_task_async_piece_done(ngx_task_t *t, ngx_task_rc_t rc);


/* ngx_http_task_api.c: what ngx_task.h offers, and what stands around it */

/* in nanoseconds, on the monotonic clock */

int64_t ngx_http_task_now(void);

/* the calls that only the event loop's thread may make know it by this */

void ngx_http_task_loop_init(void);
ngx_uint_t ngx_http_task_on_loop(void);

/*
 * Whether the task may begin: the loop may have ended it, in which case it
 * never does.  In any thread.
 */

ngx_uint_t ngx_http_task_begin(ngx_task_t *t);

void ngx_http_task_run_block(ngx_task_t *t);
void ngx_http_task_run_defers(ngx_task_t *t);


/* ngx_http_task_result.c */

/* remembers and logs what a function must not do; it then ends with a 500 */

void ngx_http_task_misuse(ngx_task_t *t, const char *what);

/* whether it may answer still, and that with a value: it is logged why not */

ngx_uint_t ngx_http_task_may_set(ngx_task_t *t);
ngx_uint_t ngx_http_task_may_take(ngx_task_t *t, cJSON *value);

/* the function is done: prints the result, runs what was deferred */

void ngx_http_task_complete(ngx_task_t *t, ngx_task_rc_t rc);
void ngx_http_task_result_free(ngx_http_task_result_t *result);

/* as text, for cJSON_free(); NULL: what is wrong is remembered */

u_char *ngx_http_task_result_json(ngx_task_t *t, cJSON *json, size_t *len);


/* ngx_http_task_object.c */

void ngx_http_task_object_print(ngx_task_t *t);
void ngx_http_task_object_free(ngx_http_task_result_t *result);


/* ngx_http_task_result_headers.c: those of the function */

ngx_int_t ngx_http_task_result_headers(ngx_task_t *t);


#endif /* _NGX_HTTP_TASK_H_INCLUDED_ */
