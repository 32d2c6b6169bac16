
/*
 * What nginx lacks, and all rooms may use: directives that are read, time, the
 * end of a worker, what a function may do to its process.
 */


#ifndef _NGX_HTTP_TASK_BASE_H_INCLUDED_
#define _NGX_HTTP_TASK_BASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_task.h"


#define NGX_HTTP_TASK_VERSION        "0.5.0"

#define NGX_HTTP_TASK_RESET_CONTENT  205
#define NGX_HTTP_TASK_UNPROCESSABLE  422

/* how much of a function's message goes into the log, bytes */

#define NGX_HTTP_TASK_LOG_TEXT       1024

/* the longest time that is slept or awaited at once: a year, milliseconds */

#define NGX_HTTP_TASK_MAX_MS         31536000000LL


/* what the loop and a thread touch at the same time, which is marked [both] */

#define ngx_http_task_atomic_get(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ngx_http_task_atomic_set(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)


/* --- directives: ngx_http_task_conf.c ------------------------------------ */

/* a line of the configuration, kept for messages that come when it is merged */

typedef struct {
    ngx_str_t                file;
    ngx_uint_t               line;
} ngx_http_task_place_t;


/* "name=value" of a directive */

typedef struct {
    const char              *name;
    ngx_str_t               *value;        /* data is NULL at first */
} ngx_http_task_option_t;


/*
 * Logs as ngx_conf_log_error() does, of the line that is read now, or of the
 * place, if that is not NULL.  Returns NGX_ERROR.
 */

ngx_int_t ngx_http_task_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...);

/* the line that is read now */

void ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *place);

/*
 * Reads the options "name=value" of a directive, from its argument first on:
 * where one is given, its value is set.  Unknown ones, and those that are given
 * twice, are logged, which is NGX_ERROR.  The last one has no name.
 */

ngx_int_t ngx_http_task_conf_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_task_option_t *options);

/* milliseconds, up to a year; NGX_ERROR: it is no time, or a longer one */

ngx_int_t ngx_http_task_conf_time(ngx_str_t *text);

/* the same, for a directive that ngx_conf_set_msec_slot() reads */

char *ngx_http_task_conf_time_post(ngx_conf_t *cf, void *post, void *data);

/* log an option whose value is not valid; these return NGX_CONF_ERROR */

char *ngx_http_task_conf_invalid(ngx_conf_t *cf,
    ngx_http_task_option_t *option);
char *ngx_http_task_conf_invalid_time(ngx_conf_t *cf,
    ngx_http_task_option_t *option);


/* --- shared memory: ngx_http_task_shm.c ---------------------------------- */

/* reads "name:size"; NGX_ERROR: what is wrong with it is logged */

ssize_t ngx_http_task_shm_size(ngx_conf_t *cf, const char *directive,
    ngx_str_t *text, ngx_str_t *name, void *tag);

/* a mutex that is shared by processes, and robust */

ngx_int_t ngx_http_task_shm_mutex(pthread_mutex_t *mutex);


/* --- time: ngx_http_task_timer.c ----------------------------------------- */

/* set by its owner: event.log */

typedef struct {
    ngx_event_t              event;        /* the first member */
    int64_t                  deadline;     /* nanoseconds */
    void                   (*handler)(void *data);
} ngx_http_task_timer_t;


/* nanoseconds, on the monotonic clock; any thread */

int64_t ngx_http_task_now(void);

/*
 * On the loop: calls the handler at the deadline or later, never before it.
 * The data begin with 32 bytes that nginx's debug log may look at.
 */

void ngx_http_task_timer_set(ngx_http_task_timer_t *timer,
    void (*handler)(void *data), void *data, int64_t deadline);

/* harmless if it is not set */

void ngx_http_task_timer_clear(ngx_http_task_timer_t *timer);


/* --- the event loop: ngx_http_task_loop.c; any thread -------------------- */

/* remembers this thread as the event loop's */

void ngx_http_task_loop_init(void);
ngx_uint_t ngx_http_task_loop_is_here(void);

/* the worker has come to its end: nothing that blocks is begun any more */

void ngx_http_task_loop_stop(void);
ngx_uint_t ngx_http_task_loop_stops(void);


/* --- the end of a worker: ngx_http_task_hold.c; the loop ----------------- */

/* jobs are first: one that was given up may still be a piece in a pool */

typedef enum {
    NGX_HTTP_TASK_HOLD_JOB = 0,            /* has not ended */
    NGX_HTTP_TASK_HOLD_PIECE,              /* is in a pool */

    NGX_HTTP_TASK_HOLDS
} ngx_http_task_hold_e;


#define NGX_HTTP_TASK_HOLD_UNBOUND  INT64_MAX


typedef struct ngx_http_task_hold_s  ngx_http_task_hold_t;

struct ngx_http_task_hold_s {
    ngx_queue_t              queue;

    /* a worker that quits waits no longer; may undo the hold, and free it */
    void                   (*give_up)(ngx_http_task_hold_t *hold);
};


/*
 * How long a worker that quits waits for the holds of each kind, milliseconds,
 * and what it looks at every so often while there are any.
 */

void ngx_http_task_hold_init(const int64_t *bounds, void (*look)(void));

void ngx_http_task_hold(ngx_http_task_hold_e kind, ngx_http_task_hold_t *hold);
void ngx_http_task_unhold(ngx_http_task_hold_t *hold);

/* whether there is any */

ngx_uint_t ngx_http_task_hold_any(void);

/* the one after hold, or the first one after NULL; NULL: there is none */

ngx_http_task_hold_t *ngx_http_task_hold_next(ngx_http_task_hold_e kind,
    ngx_http_task_hold_t *hold);

/* all of it has had its time: a worker that quits gives it up */

void ngx_http_task_hold_no_longer(void);


/* --- functions that end what is nginx's: ngx_http_task_exit.c ------------ */

/* who runs in a thread: a task's function, or a hook of a library */

typedef struct {
    ngx_task_t              *task;         /* NULL: a hook, or nobody */
    ngx_str_t               *name;         /* NULL: nobody */
} ngx_http_task_guard_t;


ngx_int_t ngx_http_task_exit_init(ngx_cycle_t *cycle);

/* the handlers that are registered last are the first to be called */

void ngx_http_task_exit_catch(void);

/* around what is a function's; any thread.  Returns who ran before. */

ngx_http_task_guard_t ngx_http_task_exit_guard(ngx_task_t *t, ngx_str_t *name);
void ngx_http_task_exit_unguard(ngx_http_task_guard_t before);

/* the task that runs in this thread, or NULL */

ngx_task_t *ngx_http_task_exit_guarded_task(void);

/* after what is a function's: it may have allowed that its thread is ended */

void ngx_http_task_exit_forbid_cancel(void);


/* --- what programs inherit: ngx_http_task_child.c ------------------------ */

/* in a worker; libraries: whether any were loaded */

void ngx_http_task_child_init(ngx_cycle_t *cycle, ngx_uint_t libraries);

/* in a thread of a pool, before it runs what is a function's */

void ngx_http_task_child_thread(void);


/* --- clients: ngx_http_task_watch.c; the loop ---------------------------- */

/* ends a request that waits when its client leaves */

void ngx_http_task_watch(ngx_http_request_t *r);

/*
 * Whether post_action has taken a request elsewhere since its r->uri_changes
 * were these: its client left.
 */

#define ngx_http_task_elsewhere(r, changes)  ((r)->uri_changes != (changes))


#endif /* _NGX_HTTP_TASK_BASE_H_INCLUDED_ */
