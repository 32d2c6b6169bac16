
/*
 * A task's life.  All of it runs on the event loop, but for the one file that
 * says otherwise.
 */


#ifndef _NGX_HTTP_TASK_RUN_H_INCLUDED_
#define _NGX_HTTP_TASK_RUN_H_INCLUDED_


#include "task/ngx_http_task.h"


/* --- the life of a task: ngx_http_task_life.c ---------------------------- */

/* all that it needs is there: it runs now, or when it is its turn */

void ngx_http_task_start(ngx_task_t *t, const ngx_http_task_client_t *client);

/* the executor has begun to wait: notice when the client leaves */

void ngx_http_task_wait(ngx_task_t *t);

/*
 * Ends: the client is answered, and the task may be freed by the call, and a
 * request, too, unless its content handler is on the stack.
 */

void ngx_http_task_finish(ngx_task_t *t);

/* likewise one that had no chance to run: 503; retry is in seconds */

void ngx_http_task_reject(ngx_task_t *t, ngx_uint_t retry);

/* likewise one that nobody wants any more */

void ngx_http_task_cancel(ngx_task_t *t);

/*
 * Every event handler that continues a task calls enter() first and leave()
 * last: nginx then logs for its request, and runs what was posted.
 */

ngx_connection_t *ngx_http_task_enter(ngx_task_t *t);
void ngx_http_task_leave(ngx_connection_t *c);

/* something of the task has stopped running: if all has, its turn is over */

void ngx_http_task_stopped(ngx_task_t *t);

/* frees the task if neither its client nor a thread needs it */

void ngx_http_task_release(ngx_task_t *t);

/* calls the handler when task_timeout is over, if the location has one */

ngx_int_t ngx_http_task_timeout_set(ngx_task_t *t,
    void (*handler)(void *data));
void ngx_http_task_timeout_clear(ngx_task_t *t);
void ngx_http_task_timeout_log(ngx_task_t *t);


/* --- modes: ngx_http_task_mode.c ----------------------------------------- */

/* "task_mode": conf with the offset is a ngx_http_task_mode_t */

char *ngx_http_task_mode_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * The mode of a location's function, and its pool.  Given is what stands in the
 * location, or is inherited, as own says.
 */

ngx_int_t ngx_http_task_mode_merge(ngx_conf_t *cf, ngx_http_task_mode_t *mode,
    const ngx_http_task_mode_t *given, ngx_uint_t own,
    ngx_http_task_function_t *function, ngx_http_task_place_t *place);

extern const ngx_http_task_executor_t  ngx_http_task_async;
extern const ngx_http_task_executor_t  ngx_http_task_thread;
extern const ngx_http_task_executor_t  ngx_http_task_sync;


/* --- turns: ngx_http_task_limit.c ---------------------------------------- */

/* of a location; what is counted is that of this worker */

struct ngx_http_task_limit_s {
    ngx_http_task_limit_conf_t      *conf;
    ngx_str_t                        name;         /* of the location */
    void                            *server;
    ngx_uint_t                       log_level;

    ngx_uint_t                       running;
    ngx_uint_t                       waiting;
    ngx_queue_t                      queue;
    int64_t                          pace;         /* of a turn, nanoseconds */
    ngx_event_t                      event;        /* starts those who wait */
};


/* "task_limit": conf with the offset is a ngx_http_task_limit_conf_t */

char *ngx_http_task_limit_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_http_task_limit_t *ngx_http_task_limit_create(ngx_conf_t *cf,
    ngx_http_task_limit_conf_t *conf, ngx_uint_t log_level,
    ngx_array_t *limits);

/*
 * NGX_OK: it is its turn; NGX_AGAIN: it waits, no longer than the limit says if
 * it is bounded, and its handler will be called; NGX_BUSY: there is no room.
 */

ngx_int_t ngx_http_task_limit_take(ngx_http_task_limit_t *limit,
    ngx_http_task_turn_t *turn, ngx_uint_t bounded);

/* whether it waits, and it waits no longer */

ngx_uint_t ngx_http_task_limit_waits(ngx_http_task_turn_t *turn);
void ngx_http_task_limit_leave(ngx_http_task_turn_t *turn);

/* harmless if it has none */

void ngx_http_task_limit_give_back(ngx_http_task_turn_t *turn);

/* whether one that came now would have its turn, or wait */

ngx_uint_t ngx_http_task_limit_has_room(ngx_http_task_limit_t *limit);

/* when those that wait now will have run, at the recent pace, in seconds */

ngx_uint_t ngx_http_task_limit_retry(ngx_http_task_limit_t *limit);

void ngx_http_task_limit_log(ngx_http_task_limit_t *limit, ngx_log_t *log,
    const char *why);


/* --- pieces in threads: ngx_http_task_piece.c ---------------------------- */

/* for whom a thread runs a piece */

typedef struct ngx_http_task_piece_type_s {
    /* it has returned */
    void                           (*done)(ngx_task_t *t, ngx_task_rc_t rc);

    /* a worker that quits waits no longer, but the task is pending; NULL: it
       is rejected */
    void                           (*give_up)(ngx_task_t *t);
} ngx_http_task_piece_type_t;


/*
 * Gives a piece of the task to a pool: the blocking form, or fn(data).
 * NGX_BUSY: the queue is full, which nginx has logged.
 */

ngx_int_t ngx_http_task_piece_post(ngx_task_t *t,
    const ngx_http_task_piece_type_t *type, ngx_thread_pool_t *pool,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data);

/* tells the piece, which there is, that nobody waits for it */

void ngx_http_task_piece_wake(ngx_task_t *t);

/* those whose threads have ended have failed */

void ngx_http_task_piece_reap(void);

/* wakes and awaits, for a bounded time, all that is in a pool */

void ngx_http_task_piece_exit(ngx_cycle_t *cycle);


/* --- in the thread: ngx_http_task_piece_run.c ---------------------------- */

ngx_int_t ngx_http_task_piece_init(ngx_cycle_t *cycle);

void ngx_http_task_piece_run(void *data, ngx_log_t *log);

/* how many threads were ended; any thread */

ngx_uint_t ngx_http_task_piece_threads_lost(void);


/* --- nginx's pools, as this worker uses them: ngx_http_task_pool.c ------- */

struct ngx_http_task_pool_s {
    ngx_thread_pool_t     *pool;
    ngx_queue_t            waiting;      /* those of jobs that wait for it */
    ngx_http_task_pool_t  *next;
};


ngx_http_task_pool_t *ngx_http_task_pool_get(ngx_thread_pool_t *tp);

/* NGX_BUSY: there is no room; a job then waits for it, which is NGX_OK */

ngx_int_t ngx_http_task_pool_post(ngx_http_task_piece_t *piece);

/* the task ends while it waits; harmless if it does not wait */

void ngx_http_task_pool_leave(ngx_http_task_piece_t *piece);

/* it was in the pool, and is not any more */

void ngx_http_task_pool_returned(ngx_http_task_piece_t *piece);


/* --- a worker that has lost a thread: ngx_http_task_replace.c ------------ */

/* how long what is held is awaited then, and other requests after it, ms */

void ngx_http_task_replace_init(ngx_msec_t held, ngx_msec_t timeout);

/* every so often */

void ngx_http_task_replace_look(void);

/* when the worker ends; does not return if threads are missing */

void ngx_http_task_replace_exit(void);


/* --- async functions: ngx_http_task_async.c ------------------------------ */

/* the task, or NULL; the frame is one that a function gave, if it is any */

ngx_task_t *ngx_http_task_async_may_await(ngx_task_frame_t *f);

/* it waits now for this; returns what the function has to return */

ngx_task_rc_t ngx_http_task_async_await(ngx_task_t *t,
    const ngx_http_task_await_t *await);

/* what it waited for is over: the function goes on */

void ngx_http_task_async_continue(ngx_task_t *t, ngx_task_rc_t rc);

/* what cancel() has left behind uses the task no longer */

void ngx_http_task_async_released(ngx_task_t *t);


#endif /* _NGX_HTTP_TASK_RUN_H_INCLUDED_ */
