
/*
 * A task's life.  All of it runs on the event loop, except for one file, which
 * says so.
 */


#ifndef _NGX_HTTP_TASK_RUN_H_INCLUDED_
#define _NGX_HTTP_TASK_RUN_H_INCLUDED_


#include "task/ngx_http_task.h"


/* --- NGX_TASK_DEBUG: ngx_http_task_debug.c ------------------------------- */

#define ngx_http_task_debugged(t)                                             \
    ((t)->function->library->table.flags & NGX_TASK_LIBRARY_DEBUG)

/* bytes behind the state of an async function, all of them 0 */

#define NGX_HTTP_TASK_DEBUG_BEHIND  64

/* called before an async function runs, and when it has returned */

void ngx_http_task_debug_spoil(void);
void ngx_http_task_debug_check(ngx_task_t *t);


/* --- tasks that run: ngx_http_task_running.c ----------------------------- */

/* called in a worker */

void ngx_http_task_running_init(void);

/* a task does not end at once; it has ended, harmless if it was not added */

void ngx_http_task_running_add(ngx_task_t *t);
void ngx_http_task_running_remove(ngx_task_t *t);

/* see ngx_http_task_oldest_pt */

ngx_uint_t ngx_http_task_running_oldest(ngx_http_task_old_t *old,
    ngx_uint_t n);


/* --- the life of a task: ngx_http_task_life.c ---------------------------- */

/* accepts a task that has all it needs; it runs now, or when its turn comes */

void ngx_http_task_start(ngx_task_t *t, const ngx_http_task_client_t *client);

/* the task does not end at once: watches whether the client leaves */

void ngx_http_task_wait(ngx_task_t *t);

/*
 * Ends a task as t->rc says, and answers the client.  The call may free the
 * task, and the request, too, unless its content handler is on the stack.
 */

void ngx_http_task_finish(ngx_task_t *t);

/*
 * A job that has not begun ends here, and begins elsewhere: returns 0 if it has
 * begun.  It is not counted, and its client is told that it was cancelled.
 */

ngx_uint_t ngx_http_task_withdraw(ngx_task_t *t);

/* likewise, for a task that had no chance to run: 503; retry is in seconds */

void ngx_http_task_reject(ngx_task_t *t, ngx_uint_t retry);

/* likewise, for a pending task: whatever it does, it does so no longer */

void ngx_http_task_stop(ngx_task_t *t, ngx_http_task_state_e state);

#define ngx_http_task_cancel(t)                                               \
    ngx_http_task_stop(t, NGX_HTTP_TASK_CANCELLED)

/*
 * Every event handler that continues a task calls enter() first and leave()
 * last: nginx then logs for its request, and runs what was posted.
 */

ngx_connection_t *ngx_http_task_enter(ngx_task_t *t);
void ngx_http_task_leave(ngx_connection_t *c);

/* something of the task has stopped: if all has, the turn is given back */

void ngx_http_task_stopped(ngx_task_t *t);

/* frees the task if neither its client nor a thread needs it */

void ngx_http_task_release(ngx_task_t *t);

/* calls the handler when task_timeout is over, if the location has one */

ngx_int_t ngx_http_task_timeout_set(ngx_task_t *t,
    void (*handler)(void *data));
void ngx_http_task_timeout_clear(ngx_task_t *t);
void ngx_http_task_timeout_log(ngx_task_t *t);


/* --- a task that streams: ngx_http_task_stream_run.c --------------------- */

/* the bell of a stream has rung; an async function has put something */

void ngx_http_task_stream_told(ngx_http_task_bell_t *bell);
void ngx_http_task_stream_go(ngx_task_t *t);

/*
 * ngx_http_task_stream_end.c: the state of the task is final; it is freed; adds
 * what was given to nginx, and waited, to what is counted
 */

void ngx_http_task_stream_ended(ngx_task_t *t);
void ngx_http_task_stream_close(ngx_task_t *t);
void ngx_http_task_stream_count(ngx_task_t *t, uint64_t given);

/*
 * await/ngx_http_task_write.c: a thread begins to run a piece of the task's own
 * branch, and may stream; it does no longer
 */

void ngx_http_task_write_lend(ngx_task_t *t);
void ngx_http_task_write_take_back(ngx_task_t *t);


/* --- modes: ngx_http_task_mode.c ----------------------------------------- */

/* "task_mode": a ngx_http_task_mode_t is at the offset in conf */

char *ngx_http_task_mode_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Sets the mode of a location's function, and its pool.  given is the
 * "task_mode" of the location itself if own is 1, else the inherited one.
 */

ngx_int_t ngx_http_task_mode_merge(ngx_conf_t *cf, ngx_http_task_mode_t *mode,
    const ngx_http_task_mode_t *given, ngx_uint_t own,
    ngx_http_task_function_t *function, ngx_http_task_place_t *place);

extern const ngx_http_task_executor_t  ngx_http_task_async;
extern const ngx_http_task_executor_t  ngx_http_task_thread;
extern const ngx_http_task_executor_t  ngx_http_task_sync;


/* --- turns: ngx_http_task_limit.c ---------------------------------------- */

/* the limit of a location; its counts are those of this worker */

struct ngx_http_task_limit_s {
    ngx_http_task_limit_conf_t      *conf;
    ngx_str_t                        name;         /* of the location */
    void                            *server;
    ngx_uint_t                       log_level;

    ngx_uint_t                       running;
    ngx_uint_t                       waiting;
    ngx_uint_t                       reserved;     /* places of the above two */
    ngx_queue_t                      queue;
    int64_t                          pace;         /* mean turn, nanoseconds */
    ngx_http_task_work_t             work;         /* gives out turns */

    /* a turn was given back, and no one waits for it; NULL: nobody cares */
    void                           (*idle)(void *data);
    void                            *idle_data;
};


/* "task_limit": a ngx_http_task_limit_conf_t is at the offset in conf */

char *ngx_http_task_limit_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_http_task_limit_t *ngx_http_task_limit_create(ngx_conf_t *cf,
    ngx_http_task_limit_conf_t *conf, ngx_uint_t log_level,
    ngx_array_t *limits);

/*
 * NGX_OK: the turn is taken.  NGX_AGAIN: it waits, if bounded no longer than
 * the limit says, and its handler will be called.  NGX_BUSY: there is no room,
 * if bounded.
 */

ngx_int_t ngx_http_task_limit_take(ngx_http_task_limit_t *limit,
    ngx_http_task_turn_t *turn, ngx_uint_t bounded);

/* returns 1 if the turn waits; ends the waiting of one that does */

ngx_uint_t ngx_http_task_limit_waits(ngx_http_task_turn_t *turn);
void ngx_http_task_limit_leave(ngx_http_task_turn_t *turn);

/* gives back a turn; harmless if it is not taken */

void ngx_http_task_limit_give_back(ngx_http_task_turn_t *turn);

/*
 * Reserves the place of a turn that will be asked for later, unless there is no
 * room: then it returns NGX_BUSY.  A reservation is undone right before its
 * turn is asked for, or if it will not be.
 */

ngx_int_t ngx_http_task_limit_reserve(ngx_http_task_limit_t *limit);
void ngx_http_task_limit_unreserve(ngx_http_task_limit_t *limit);

/* returns 1 if a turn asked for now would be taken, or would wait */

ngx_uint_t ngx_http_task_limit_has_room(ngx_http_task_limit_t *limit);

/* returns how many turns can be taken at once, beside those reserved */

ngx_uint_t ngx_http_task_limit_free(ngx_http_task_limit_t *limit);

/*
 * Returns in how many seconds those that wait, and so many more, will have run,
 * at this pace.
 */

ngx_uint_t ngx_http_task_limit_retry(ngx_http_task_limit_t *limit,
    ngx_uint_t more);

/* tells how many run and wait, and that so many more do */

void ngx_http_task_limit_log(ngx_http_task_limit_t *limit, ngx_log_t *log,
    ngx_uint_t more, const char *why);


/* --- pieces in threads: ngx_http_task_piece.c ---------------------------- */

/* for whom a thread runs a piece; called on the loop */

typedef struct ngx_http_task_piece_type_s {
    /* the piece has returned, or its thread has ended */
    void                           (*done)(ngx_http_task_piece_t *piece);

    /* a worker that quits waits no longer, but the task is pending; NULL: the
       task is rejected */
    void                           (*give_up)(ngx_task_t *t);
} ngx_http_task_piece_type_t;


/* returns *place, a piece of the task, which is made if it is NULL; or NULL */

ngx_http_task_piece_t *ngx_http_task_piece_get(ngx_task_t *t,
    ngx_http_task_piece_t **place);

/* makes a piece of memory of all zeros */

void ngx_http_task_piece_make(ngx_http_task_piece_t *piece, ngx_task_t *t);

/*
 * Gives a piece to a pool: fn(t, data), or, if fn is NULL, the blocking form.
 * NGX_BUSY: the queue is full, which nginx has logged.
 */

ngx_int_t ngx_http_task_piece_post(ngx_http_task_piece_t *piece,
    const ngx_http_task_piece_type_t *type, ngx_thread_pool_t *pool,
    ngx_str_t *name, ngx_task_piece_pt fn, void *data);

/* cancels a piece, and wakes it if it sleeps */

void ngx_http_task_piece_cancel(ngx_http_task_piece_t *piece);

/* cancels the task, with its blocking form, or the reading of its body */

void ngx_http_task_piece_stop(ngx_task_t *t);

/* completes the pieces whose threads have ended: they have failed */

void ngx_http_task_piece_reap(void);

/* wakes all pieces in pools, and awaits them; may end the process instead, and
   calls abandon() before */

void ngx_http_task_piece_exit(ngx_cycle_t *cycle,
    void (*abandon)(ngx_cycle_t *cycle));


/* --- in the thread: ngx_http_task_piece_run.c ---------------------------- */

ngx_int_t ngx_http_task_piece_init(ngx_cycle_t *cycle);

void ngx_http_task_piece_run(void *data, ngx_log_t *log);

/* returns how many threads have ended; any thread */

ngx_uint_t ngx_http_task_piece_threads_lost(void);


/* --- the file of a body, at the end: ngx_http_task_close.c --------------- */

/* closes it, in a thread if it is large, and if there is a pool */

void ngx_http_task_close(ngx_task_t *t);


/* --- nginx's pools, as this worker uses them: ngx_http_task_pool.c ------- */

struct ngx_http_task_pool_s {
    ngx_thread_pool_t     *pool;
    ngx_queue_t            waiting;      /* pieces that wait for room */
    uint32_t               given;        /* pieces, to nginx's pool, .. */
    uint32_t               begun;        /* [both] .. and begun by threads */
    uint32_t               returned;     /* pieces that are back */
    uint32_t               asked;        /* [both] 1: the bell is to be rung */
    uint32_t               most;         /* so many have run at a time */
    uint32_t               threads;      /* so many ran when others waited .. */
    int64_t                known;        /* .. which is believed till then */
    int64_t                pace;         /* mean time of a piece, nanoseconds */
    ngx_http_task_bell_t   bell;
    ngx_http_task_pool_t  *next;
};


ngx_http_task_pool_t *ngx_http_task_pool_get(ngx_thread_pool_t *tp);

/* NGX_BUSY: there is no room.  The piece of a job then waits: NGX_OK */

ngx_int_t ngx_http_task_pool_post(ngx_http_task_piece_t *piece);

/* a piece waits no longer for room; harmless if it does not wait */

void ngx_http_task_pool_leave(ngx_http_task_piece_t *piece);

/* a piece has left its pool */

void ngx_http_task_pool_returned(ngx_http_task_piece_t *piece);

/* in the thread: a piece is begun */

void ngx_http_task_pool_begun(ngx_http_task_piece_t *piece);

/*
 * Returns how many pieces would begin at once, or within a millisecond, as far
 * as can be known: as many as have run at a time, fewer if full() was told, and
 * more if they are short.  If it is not sure, it is one if each piece that was
 * given was begun.  With 0, idle() is called when that may have changed.
 */

ngx_uint_t ngx_http_task_pool_room(ngx_http_task_pool_t *pool,
    ngx_uint_t *sure);
void ngx_http_task_pool_init(void (*idle)(void));

/* no thread begins what waits: all of them run something */

void ngx_http_task_pool_full(ngx_http_task_pool_t *pool);


/* --- a worker that has lost a thread: ngx_http_task_replace.c ------------ */

/* how long holds are awaited, and then other requests; milliseconds */

void ngx_http_task_replace_init(ngx_msec_t held, ngx_msec_t timeout);

/* looks whether a thread was lost; called every so often */

void ngx_http_task_replace_look(void);

/* called when the worker exits; ends the process if threads are missing */

void ngx_http_task_replace_exit(void);


/* --- async functions: ngx_http_task_async.c ------------------------------ */

/*
 * Returns the branch of the frame, or NULL if it may not await, which is
 * logged.  The frame comes from a function, and need not be one.
 */

ngx_http_task_branch_t *ngx_http_task_async_may_await(ngx_task_frame_t *f);

/* the branch now awaits this; returns what the function has to return */

ngx_task_rc_t ngx_http_task_async_await(ngx_http_task_branch_t *b,
    const ngx_http_task_await_t *await);

/* what the branch awaited has ended with rc: the function goes on */

void ngx_http_task_async_continue(ngx_http_task_branch_t *b,
    ngx_task_rc_t rc);

/* the same, between enter() and leave() */

void ngx_http_task_async_go_on(ngx_http_task_branch_t *b, ngx_task_rc_t rc);

/* likewise: begins the function of a branch */

void ngx_http_task_async_begin(ngx_http_task_branch_t *b, ngx_task_async_pt fn,
    void *state);

/*
 * The branch awaits no longer.  NGX_AGAIN: a thread still has something of it,
 * see cancel().
 */

ngx_int_t ngx_http_task_async_let_go(ngx_http_task_branch_t *b);

/* what returned NGX_AGAIN from cancel() uses the branch no longer */

void ngx_http_task_async_released(ngx_http_task_branch_t *b);


/* --- callbacks of libraries: ngx_http_task_callback.c -------------------- */

/* called in a worker, before its libraries start; after they have stopped */

void ngx_http_task_callbacks_init(void);
void ngx_http_task_callbacks_end(void);


#endif /* _NGX_HTTP_TASK_RUN_H_INCLUDED_ */
