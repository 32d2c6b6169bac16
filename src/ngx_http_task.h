
/*
 * Private prototypes, grouped by file.
 *
 * Calls go one way: module -> handler -> params -> executor -> function -> api,
 * and back only through ngx_http_task_finish().
 */


#ifndef _NGX_HTTP_TASK_H_INCLUDED_
#define _NGX_HTTP_TASK_H_INCLUDED_


#include "ngx_http_task_types.h"


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

/* of one whose value is not valid; returns NGX_CONF_ERROR */

char *ngx_http_task_conf_invalid(ngx_conf_t *cf,
    ngx_http_task_option_t *option);


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


/* ngx_http_task_life.c: the event loop's part of a task's life */

/* from now on the task is its request's, and ends with it */

ngx_int_t ngx_http_task_attach(ngx_http_request_t *r, ngx_task_t *t);

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


/* ngx_http_task_timer.c: deadlines on the monotonic clock, nanoseconds */

void ngx_http_task_timer(ngx_event_t *ev, int64_t deadline);

/* of a timer that has fired: if that was early, it is set again */

ngx_uint_t ngx_http_task_timer_early(ngx_event_t *ev, int64_t deadline);


/* ngx_http_task_timeout.c */

ngx_int_t ngx_http_task_timeout_set(ngx_task_t *t);
void ngx_http_task_timeout_clear(ngx_task_t *t);


/* ngx_http_task_stats.c */

char *ngx_http_task_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_task_stats(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_task_stats_check(ngx_conf_t *cf);

/* "name:size" of a shared zone; NGX_ERROR: it is logged why */

ssize_t ngx_http_task_zone_size(ngx_conf_t *cf, const char *directive,
    ngx_str_t *text, ngx_str_t *name, void *tag);
ngx_int_t ngx_http_task_stats_create(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);

/* on the loop; harmless where nothing is counted */

void ngx_http_task_stats_start(ngx_task_t *t);
void ngx_http_task_stats_end(ngx_task_t *t);
void ngx_http_task_stats_observe(ngx_http_task_zone_t *zone,
    uint64_t *histogram, int64_t ns);
ngx_http_task_zone_pool_t *ngx_http_task_stats_pool(ngx_task_t *t,
    ngx_str_t *name);


/* ngx_http_task_zone.c */

/* one that is shared by processes, and robust */

ngx_int_t ngx_http_task_mutex_init(pthread_mutex_t *mutex);

/* the zone of that name, also if it is not yet defined */

ngx_http_task_zone_t *ngx_http_task_zone_get(ngx_conf_t *cf, ngx_str_t *name);
ngx_int_t ngx_http_task_zone_create(ngx_conf_t *cf, ngx_http_task_zone_t *zone,
    size_t size);


/* ngx_http_task_slot.c */

void ngx_http_task_zone_lock(ngx_http_task_zone_t *zone);
void ngx_http_task_zone_unlock(ngx_http_task_zone_t *zone);

/* of this worker, when it begins and when it ends */

ngx_int_t ngx_http_task_slot_enter(ngx_http_task_zone_t *zone);
void ngx_http_task_slot_leave(ngx_http_task_zone_t *zone);

/*
 * Under the zone's mutex: adds to the totals what dead workers have left, and
 * returns how many of the generation are alive.
 */

ngx_uint_t ngx_http_task_slots_sweep(ngx_http_task_zone_t *zone,
    ngx_http_task_generation_t *generation);


/* ngx_http_task_heartbeat.c */

void ngx_http_task_heartbeat_start(ngx_http_task_main_conf_t *tmcf);

/* when the beat after this one is due, nanoseconds */

int64_t ngx_http_task_heartbeat_due(int64_t now);

/* around what a function does on the loop; logs it if it took too long */

int64_t ngx_http_task_stall_begin(void);
void ngx_http_task_stall_end(ngx_task_t *t, int64_t since);


/* ngx_http_task_status.c */

char *ngx_http_task_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_http_task_hold.c: a worker that quits waits until each hold is undone */

typedef enum {
    NGX_HTTP_TASK_HOLD_PIECE = 0,      /* is in a pool */
    NGX_HTTP_TASK_HOLD_JOB,            /* has not ended */

    NGX_HTTP_TASK_HOLDS
} ngx_http_task_hold_e;

void ngx_http_task_hold(ngx_http_task_hold_e what);
void ngx_http_task_unhold(ngx_http_task_hold_e what);


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

/*
 * Makes the arguments of it, in any thread.  NGX_DECLINED: what is wrong is
 * the body of the result, a 422.
 */

ngx_int_t ngx_http_task_params_read(ngx_task_t *t);


/* ngx_http_task_body.c */

/* application/json, application/problem+json and the like, as FastAPI */

ngx_uint_t ngx_http_task_body_is_json(ngx_http_request_t *r);

/* takes the body of the request for the task; copy: a thread may read it */

ngx_int_t ngx_http_task_body_take(ngx_task_t *t, ngx_uint_t copy);

/* from its file to memory, in any thread */

ngx_int_t ngx_http_task_body_load(ngx_task_t *t);


/* ngx_http_task_context.c */

ngx_int_t ngx_http_task_context_create(ngx_task_t *t);


/* ngx_http_task_errors.c: NGX_DECLINED: an error was added, or NGX_ERROR */

/* these take loc, input and value, also if they are NULL, out of memory */

/* name and value are those of the member of "ctx"; name is NULL: no "ctx" */

ngx_int_t ngx_http_task_error(cJSON **errors, const char *type,
    const char *msg, cJSON *loc, cJSON *input, const char *name, cJSON *value);
ngx_int_t ngx_http_task_error_invalid(cJSON **errors,
    ngx_http_task_invalid_t *invalid, cJSON *loc, cJSON *input);

/* takes the errors */

ngx_int_t ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors,
    ngx_str_t *text);

/* {"detail": "..."} */

ngx_int_t ngx_http_task_error_detail(ngx_pool_t *pool, ngx_str_t *detail,
    ngx_str_t *text);

/* takes what, a name or a position */

cJSON *ngx_http_task_error_loc(const char *where, cJSON *what);

cJSON *ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text);
cJSON *ngx_http_task_error_echo_json(ngx_pool_t *pool,
    ngx_http_task_span_t *span);


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

/* answers those who wait for what does not end in time */

void ngx_http_task_thread_give_up(void);

/*
 * Gives a piece of the task to a pool: the blocking form, or fn(data).
 * NGX_BUSY: the queue is full, which nginx has logged.
 */

ngx_int_t ngx_http_task_thread_post(ngx_task_t *t, ngx_thread_pool_t *pool,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data);

/* tells a piece, if there is one, that nobody waits for it */

void ngx_http_task_thread_wake(ngx_task_t *t);

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

/* the function is done: prints the result, runs what was deferred */

void ngx_http_task_complete(ngx_task_t *t, ngx_task_rc_t rc);
void ngx_http_task_result_free(ngx_http_task_result_t *result);


/* ngx_http_task_object.c */

ngx_int_t ngx_http_task_object_print(ngx_task_t *t);
void ngx_http_task_object_free(ngx_http_task_result_t *result);


/* ngx_http_task_response.c */

ngx_int_t ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/* a body in buffers, of which the last one is marked so */

ngx_int_t ngx_http_task_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out, off_t len);

ngx_int_t ngx_http_task_send_stream(ngx_http_request_t *r);

/* the body may be NULL: then a constant one; a location's error_page wins */

ngx_int_t ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_not_allowed(ngx_http_request_t *r,
    ngx_str_t *allow);

/* what the function answered */

ngx_int_t ngx_http_task_send_result(ngx_task_t *t);
ngx_int_t ngx_http_task_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);
ngx_int_t ngx_http_task_send_unavailable(ngx_http_request_t *r,
    ngx_uint_t retry);

ngx_str_t *ngx_http_task_status_body(ngx_uint_t status);

/* whether the client names the type in "Accept" */

ngx_uint_t ngx_http_task_accepts(ngx_http_request_t *r, const char *type);

extern ngx_str_t  ngx_http_task_json_type;


#endif /* _NGX_HTTP_TASK_H_INCLUDED_ */
