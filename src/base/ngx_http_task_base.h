
/*
 * What nginx lacks and all rooms may use: reading directives, time, the event
 * loop, the end of a worker.
 */


#ifndef _NGX_HTTP_TASK_BASE_H_INCLUDED_
#define _NGX_HTTP_TASK_BASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_task.h"
#include "base/ngx_http_task_process.h"


#define NGX_HTTP_TASK_VERSION        "1.0.0"

#define NGX_HTTP_TASK_RESET_CONTENT  205
#define NGX_HTTP_TASK_GONE           410
#define NGX_HTTP_TASK_UNPROCESSABLE  422

/* how many bytes of a function's message are logged */

#define NGX_HTTP_TASK_LOG_TEXT       1024

/* the longest time that may be configured or slept: a year, milliseconds */

#define NGX_HTTP_TASK_MAX_MS         31536000000LL

/* which nginx reads only where it has 64 bits */

#if (NGX_PTR_SIZE == 4)
#define NGX_HTTP_TASK_MAX_TIME       "24d"
#else
#define NGX_HTTP_TASK_MAX_TIME       "365d"
#endif


/* access to what the loop and a thread may touch at the same time: [both] */

#define ngx_http_task_atomic_get(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ngx_http_task_atomic_set(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)

/* each thread has its own; an access is one instruction, and not a call */

#define ngx_http_task_thread_local                                            \
    __thread __attribute__((tls_model("initial-exec")))


/* nginx's level of a library's; what is none is an error */

#define ngx_http_task_log_level(level)                                        \
    ((ngx_uint_t) (level) == NGX_TASK_LOG_WARN ? NGX_LOG_WARN                 \
     : (ngx_uint_t) (level) == NGX_TASK_LOG_NOTICE ? NGX_LOG_NOTICE           \
     : (ngx_uint_t) (level) == NGX_TASK_LOG_INFO ? NGX_LOG_INFO               \
     : NGX_LOG_ERR)


/* --- directives: ngx_http_task_conf.c ------------------------------------ */

/* a line of the configuration, kept for messages when it is merged */

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
 * Logs as ngx_conf_log_error() does, with file and line of the place, or, if
 * that is NULL, of the line that is read now.  Returns NGX_ERROR.
 */

ngx_int_t ngx_http_task_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...);

/* remembers the line that is read now */

void ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *place);

/*
 * Reads the options "name=value" of a directive, from argument number first
 * on, and sets the value of each option that is given.  The last element of
 * options has no name.  NGX_ERROR: an option is unknown or given twice, it is
 * logged.
 */

ngx_int_t ngx_http_task_conf_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_task_option_t *options);

/* returns milliseconds; NGX_ERROR: it is no time, or longer than a year */

ngx_int_t ngx_http_task_conf_time(ngx_str_t *text);

/* the same check, for a directive that ngx_conf_set_msec_slot() reads */

char *ngx_http_task_conf_time_post(ngx_conf_t *cf, void *post, void *data);

/* log what the value of an option must be, and return NGX_CONF_ERROR */

char *ngx_http_task_conf_invalid(ngx_conf_t *cf,
    ngx_http_task_option_t *option, const char *right);
char *ngx_http_task_conf_invalid_time(ngx_conf_t *cf,
    ngx_http_task_option_t *option);


/* --- shared memory: ngx_http_task_shm.c ---------------------------------- */

/*
 * Reads "name:size", returns the size, which is not less than the least bytes;
 * NGX_ERROR: it is wrong, and logged
 */

ssize_t ngx_http_task_shm_size(ngx_conf_t *cf, const char *directive,
    size_t least, ngx_str_t *text, ngx_str_t *name, void *tag);

/* initializes a mutex that is robust and shared by processes */

ngx_int_t ngx_http_task_shm_mutex(pthread_mutex_t *mutex);


/* --- time ---------------------------------------------------------------- */

/*
 * ngx_http_task_clock.c: returns nanoseconds, on the monotonic clock; any
 * thread
 */

int64_t ngx_http_task_now(void);

/* returns what it will be in ms milliseconds; in a year if ms is negative */

int64_t ngx_http_task_until(int64_t ms);


/* --- work: ngx_http_task_work.c; the loop -------------------------------- */

/* timers, work, and looks at jobs may each take so long in a turn of the event
   loop, nanoseconds, then they go on in the next one */

#define NGX_HTTP_TASK_TURN  300000


typedef struct ngx_http_task_work_s  ngx_http_task_work_t;

struct ngx_http_task_work_s {
    ngx_queue_t              queue;        /* next is NULL: not to be done */

    /* does a small part; returns 0 if that was all, and may free the work */
    ngx_uint_t             (*step)(ngx_http_task_work_t *work);
};


/*
 * Has steps done, in this turn of the loop and those that follow, until all is
 * done: never from here.  A worker that quits waits for it.
 */

void ngx_http_task_work_begin(ngx_http_task_work_t *work);

/* no step is done any more; harmless if none is to be done */

void ngx_http_task_work_end(ngx_http_task_work_t *work);


/* --- much memory: ngx_http_task_arena.c; the loop ------------------------ */

typedef struct ngx_http_task_chunk_s  ngx_http_task_chunk_t;

typedef struct {
    ngx_http_task_chunk_t   *chunks;
    ngx_http_task_chunk_t   *last;         /* of them */
} ngx_http_task_arena_t;


/* it is freed step by step when the pool is destroyed; NULL: no memory */

ngx_http_task_arena_t *ngx_http_task_arena_create(ngx_pool_t *pool);

/* aligned as ngx_palloc() does; returns NULL: no memory */

void *ngx_http_task_arena_alloc(ngx_http_task_arena_t *arena, size_t size);

/* where values go: to a pool, or, if there may be many, to an arena */

typedef struct {
    ngx_pool_t              *pool;
    ngx_http_task_arena_t   *arena;        /* NULL: to the pool */
} ngx_http_task_space_t;

/* who has the space may be in any thread; returns NULL: no memory */

void *ngx_http_task_space_alloc(ngx_http_task_space_t *space, size_t size);


/* --- timers: ngx_http_task_timer.c; the loop ----------------------------- */

typedef struct {
    ngx_rbtree_node_t        node;         /* the first member */
    int64_t                  deadline;     /* nanoseconds */
    void                   (*handler)(void *data);     /* NULL: not set */
    void                    *data;
} ngx_http_task_timer_t;


/*
 * Calls the handler at the deadline or later, never before it, and
 * never from here.  A worker that quits waits for it.
 */

void ngx_http_task_timer_set(ngx_http_task_timer_t *timer,
    void (*handler)(void *data), void *data, int64_t deadline);

/* harmless if the timer is not set */

void ngx_http_task_timer_clear(ngx_http_task_timer_t *timer);


/* --- what wakes the loop for timers: ngx_http_task_alarm.c; the loop ------ */

/* handler() is called at each alarm */

void ngx_http_task_alarm_init(void (*handler)(void));

/* sets the one alarm to this time, nanoseconds; it may come too early */

void ngx_http_task_alarm_set(int64_t when);

/* 1: a worker that quits goes on; 0: no longer */

void ngx_http_task_alarm_keep(ngx_uint_t keep);


/* --- threads that call the loop: ngx_http_task_bell.c -------------------- */

typedef struct ngx_http_task_bell_s  ngx_http_task_bell_t;

struct ngx_http_task_bell_s {
    ngx_queue_t              queue;        /* next is NULL: not taken */
    ngx_http_task_bell_t    *next;
    int                      rung;         /* [both] */

    /* the loop: called once for all that rang before */
    void                   (*handler)(ngx_http_task_bell_t *bell);
};


/* called in a worker */

ngx_int_t ngx_http_task_bell_init(void);

/* any thread; the rest of a bell is zero before it rings first */

void ngx_http_task_bell_ring(ngx_http_task_bell_t *bell);

/* the loop: nobody rings it any more, and it is not heard */

void ngx_http_task_bell_drop(ngx_http_task_bell_t *bell);


/* --- processes that wake a loop: ngx_http_task_wake.c -------------------- */

#define NGX_HTTP_TASK_WAKES  1024     /* workers that can be woken */


typedef struct {
    ngx_queue_t              queue;

    /* the loop: somebody has called wake(), once or more often */
    void                   (*handler)(void *data);
    void                    *data;
} ngx_http_task_waker_t;


/* called in the master, for each cycle */

ngx_int_t ngx_http_task_wake_create(ngx_cycle_t *cycle);

/* called in a worker: from now on it is woken, and all its wakers are told */

ngx_int_t ngx_http_task_wake_listen(ngx_http_task_waker_t *waker);

/* any thread of any process: wakes the worker of this number */

void ngx_http_task_wake(ngx_uint_t worker);


/* --- descriptors of others: ngx_http_task_fd.c; the loop ----------------- */

#define NGX_HTTP_TASK_EVENTS  (NGX_TASK_READABLE|NGX_TASK_WRITABLE)


/*
 * Makes a connection of a duplicate of the descriptor, of which no event is
 * looked at; its owner sets data, and both handlers.  NGX_BUSY: nginx is out of
 * connections, or of descriptors; NGX_DECLINED: it is none, or no events come
 * of it.
 */

ngx_int_t ngx_http_task_fd_open(ngx_connection_t **pc, int fd);

/* these events are looked at from now on, and no others */

ngx_int_t ngx_http_task_fd_events(ngx_connection_t *c, unsigned events);

void ngx_http_task_fd_close(ngx_connection_t *c);


/* --- the event loop: ngx_http_task_loop.c; any thread -------------------- */

/* remembers this thread as the event loop's */

void ngx_http_task_loop_init(void);
ngx_uint_t ngx_http_task_loop_is_here(void);

/* the worker exits: programs that tasks run get a shorter grace */

void ngx_http_task_loop_stop(void);
ngx_uint_t ngx_http_task_loop_stops(void);


/* --- the end of a worker: ngx_http_task_hold.c; the loop ----------------- */

/*
 * Jobs and streams come first, and are given up first: one that was given up
 * may still be a piece in a pool.
 */

typedef enum {
    NGX_HTTP_TASK_HOLD_JOB = 0,            /* a job that has not ended */
    NGX_HTTP_TASK_HOLD_STREAM,             /* a task that streams */
    NGX_HTTP_TASK_HOLD_PIECE,              /* a piece in a pool */

    NGX_HTTP_TASK_HOLDS
} ngx_http_task_hold_e;


#define NGX_HTTP_TASK_HOLD_UNBOUND  INT64_MAX


typedef struct ngx_http_task_hold_s  ngx_http_task_hold_t;

struct ngx_http_task_hold_s {
    ngx_queue_t              queue;

    /* a worker that quits waits no longer: may undo the hold, and free it; one
       that is left may be told again */
    void                   (*give_up)(ngx_http_task_hold_t *hold);
};


/*
 * bounds: how long a worker that quits waits for the holds of each kind, in
 * milliseconds; the array is not copied.  look() is called every half second
 * while anything is held.
 */

void ngx_http_task_hold_init(const int64_t *bounds, void (*look)(void));

void ngx_http_task_hold(ngx_http_task_hold_e kind, ngx_http_task_hold_t *hold);
void ngx_http_task_unhold(ngx_http_task_hold_t *hold);

/* returns 1 if anything is held */

ngx_uint_t ngx_http_task_hold_any(void);

/* returns the hold after this one, or the first if it is NULL; or NULL */

ngx_http_task_hold_t *ngx_http_task_hold_next(ngx_http_task_hold_e kind,
    ngx_http_task_hold_t *hold);

/* returns 1 if a worker that quits waits for no hold of this kind any more */

ngx_uint_t ngx_http_task_hold_ends(ngx_http_task_hold_e kind);

/* ends the time of all holds: a worker that quits gives them up */

void ngx_http_task_hold_no_longer(void);


/* --- a task's own pool: ngx_http_task_memory.c; the loop ----------------- */

ngx_pool_t *ngx_http_task_memory_create(void);
void ngx_http_task_memory_destroy(ngx_pool_t *pool);


/* --- threads that sleep: ngx_http_task_futex.c; any thread --------------- */

/*
 * Returns 1 as soon as the word is not 0, or else 0 at the deadline, which is
 * in nanoseconds on the monotonic clock; or, if that is 0, at once.
 */

ngx_uint_t ngx_http_task_futex_wait(int *word, int64_t deadline);

/* sets the word to 1, and wakes all threads that wait for that */

void ngx_http_task_futex_wake(int *word);

/* the same, where the word is in memory that processes share */

ngx_uint_t ngx_http_task_futex_shared_wait(int *word, int64_t deadline);
void ngx_http_task_futex_shared_wake(int *word);


/* --- clients: ngx_http_task_watch.c; the loop ---------------------------- */

/* watches a request that waits: ends it when its client leaves */

void ngx_http_task_watch(ngx_http_request_t *r);

/* in a write handler: returns 1 if the client has left, the request is ended */

ngx_uint_t ngx_http_task_watch_failed(ngx_http_request_t *r);

/*
 * True if post_action has taken the request elsewhere since r->uri_changes had
 * this value: its client left.
 */

#define ngx_http_task_elsewhere(r, changes)  ((r)->uri_changes != (changes))


#endif /* _NGX_HTTP_TASK_BASE_H_INCLUDED_ */
