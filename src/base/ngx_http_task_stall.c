
/*
 * Code of a library that holds the event loop.  The loop says when it begins
 * to run such code, and when it has ended; a thread looks on, and logs what
 * runs for too long, while it does: a function that never returns could not be
 * logged otherwise.
 *
 * The thread sleeps while no such code runs.  Before it falls asleep it says
 * so, and looks again after a while, by when the loop sees what it said: so the
 * loop needs no barrier.
 */


#include "base/ngx_http_task_base.h"

#include <signal.h>


/* what the thread does while code runs: it looks so often, milliseconds */

#define NGX_HTTP_TASK_STALL_LOOK_MIN  10
#define NGX_HTTP_TASK_STALL_LOOK_MAX  250

#define NGX_HTTP_TASK_STALL_EVER      INT64_MAX


typedef enum {
    NGX_HTTP_TASK_STALL_IDLE = 0,
    NGX_HTTP_TASK_STALL_RUNS,
    NGX_HTTP_TASK_STALL_LOOKED_AT      /* by the thread: the loop waits */
} ngx_http_task_stall_e;


static void *ngx_http_task_stall_thread(void *data);
static void ngx_http_task_stall_sleep(int64_t look);
static ngx_uint_t ngx_http_task_stall_look(int64_t *seen, int64_t *next);
static size_t ngx_http_task_stall_text(u_char *text, size_t size,
    const char *stands, int64_t ms, ngx_http_task_guard_t *guard);


/* state of this worker */

static int64_t                 ngx_http_task_stall_bound;      /* ns */
static ngx_uint_t              ngx_http_task_stall_exact;
static pthread_t               ngx_http_task_stall_tid;
static ngx_uint_t              ngx_http_task_stall_started;
static int64_t                 ngx_http_task_stall_sum;

/* [both] */

static int                     ngx_http_task_stall_state;
static int64_t                 ngx_http_task_stall_since;
static ngx_http_task_guard_t  *ngx_http_task_stall_guard;
static int                     ngx_http_task_stall_told;
static int                     ngx_http_task_stall_awake;      /* futexes */
static int                     ngx_http_task_stall_ends;


ngx_uint_t
ngx_http_task_stall_start(ngx_msec_t bound, ngx_uint_t exact)
{
    int       err;
    sigset_t  set, old;

    if (bound == 0) {
        return 0;
    }

    ngx_http_task_stall_bound = (int64_t) bound * 1000000;
    ngx_http_task_stall_exact = exact;
    ngx_http_task_stall_awake = 1;
    ngx_http_task_stall_ends = 0;

    (void) sigfillset(&set);
    (void) pthread_sigmask(SIG_BLOCK, &set, &old);

    err = pthread_create(&ngx_http_task_stall_tid, NULL,
                         ngx_http_task_stall_thread, NULL);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    if (err) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, err,
                      "pthread_create() failed, what holds the event loop is "
                      "not logged");
        return 0;
    }

    (void) pthread_setname_np(ngx_http_task_stall_tid, "watch loop");

    ngx_http_task_stall_started = 1;

    return 1;
}


void
ngx_http_task_stall_stop(void)
{
    if (!ngx_http_task_stall_started) {
        return;
    }

    ngx_http_task_futex_wake(&ngx_http_task_stall_ends);
    ngx_http_task_futex_wake(&ngx_http_task_stall_awake);

    (void) pthread_join(ngx_http_task_stall_tid, NULL);

    ngx_http_task_stall_started = 0;
}


int64_t
ngx_http_task_stall_take(void)
{
    int64_t  sum;

    sum = ngx_http_task_stall_sum;
    ngx_http_task_stall_sum = 0;

    return sum;
}


void
ngx_http_task_stall_enter(ngx_http_task_guard_t *guard)
{
    ngx_http_task_stall_guard = guard;

    ngx_http_task_atomic_set(&ngx_http_task_stall_since, ngx_http_task_now());
    ngx_http_task_atomic_set(&ngx_http_task_stall_state,
                             NGX_HTTP_TASK_STALL_RUNS);

    if (ngx_http_task_atomic_get(&ngx_http_task_stall_awake) == 0) {
        ngx_http_task_futex_wake(&ngx_http_task_stall_awake);
    }
}


void
ngx_http_task_stall_leave(ngx_http_task_guard_t *guard)
{
    int      runs;
    size_t   len;
    u_char   text[NGX_HTTP_TASK_LOG_TEXT];
    int64_t  took;

    for ( ;; ) {
        runs = NGX_HTTP_TASK_STALL_RUNS;

        if (__atomic_compare_exchange_n(&ngx_http_task_stall_state, &runs,
                                        NGX_HTTP_TASK_STALL_IDLE, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        {
            break;
        }

        ngx_sched_yield();
    }

    if (!ngx_http_task_stall_exact
        && !ngx_http_task_atomic_get(&ngx_http_task_stall_told))
    {
        return;
    }

    took = ngx_http_task_now() - ngx_http_task_stall_since;

    if (took > ngx_http_task_stall_bound) {
        len = ngx_http_task_stall_text(text, sizeof(text), "stood",
                                       took / 1000000, guard);

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "%*s", len, text);

        ngx_http_task_stall_sum += took;
    }

    ngx_http_task_atomic_set(&ngx_http_task_stall_told, 0);
}


static void *
ngx_http_task_stall_thread(void *data)
{
    int64_t     look, seen, next;
    ngx_uint_t  idle;

    look = ngx_http_task_stall_bound / 4;
    look = ngx_max(look, NGX_HTTP_TASK_STALL_LOOK_MIN * 1000000);
    look = ngx_min(look, NGX_HTTP_TASK_STALL_LOOK_MAX * 1000000);

    seen = 0;
    next = 0;
    idle = 0;

    while (!ngx_http_task_futex_wait(&ngx_http_task_stall_ends,
                                     ngx_http_task_now() + look))
    {
        if (ngx_http_task_stall_look(&seen, &next)) {
            idle = 0;

        } else if (++idle > 1) {
            ngx_http_task_stall_sleep(look);
            idle = 0;
        }
    }

    return NULL;
}


/* until code of a library runs, or the worker ends */

static void
ngx_http_task_stall_sleep(int64_t look)
{
    ngx_http_task_atomic_set(&ngx_http_task_stall_awake, 0);

    if (!ngx_http_task_futex_wait(&ngx_http_task_stall_awake,
                                  ngx_http_task_now() + look)
        && ngx_http_task_atomic_get(&ngx_http_task_stall_state)
           == NGX_HTTP_TASK_STALL_IDLE
        && !ngx_http_task_atomic_get(&ngx_http_task_stall_ends))
    {
        (void) ngx_http_task_futex_wait(&ngx_http_task_stall_awake,
                                        NGX_HTTP_TASK_STALL_EVER);
    }

    ngx_http_task_atomic_set(&ngx_http_task_stall_awake, 1);
}


/* returns 0 if nothing runs; logs what runs at next, and twice as late again */

static ngx_uint_t
ngx_http_task_stall_look(int64_t *seen, int64_t *next)
{
    int      runs;
    size_t   len;
    u_char   text[NGX_HTTP_TASK_LOG_TEXT];
    int64_t  since, took;

    since = ngx_http_task_atomic_get(&ngx_http_task_stall_since);

    if (ngx_http_task_atomic_get(&ngx_http_task_stall_state)
        == NGX_HTTP_TASK_STALL_IDLE)
    {
        return 0;
    }

    if (since != *seen) {
        *seen = since;
        *next = ngx_http_task_stall_bound;
    }

    took = ngx_http_task_now() - since;

    if (took < *next) {
        return 1;
    }

    /* the loop cannot leave now, so that what is logged stays as it is */

    runs = NGX_HTTP_TASK_STALL_RUNS;

    if (!__atomic_compare_exchange_n(&ngx_http_task_stall_state, &runs,
                                     NGX_HTTP_TASK_STALL_LOOKED_AT, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return 1;
    }

    len = 0;

    if (ngx_http_task_stall_since == since) {
        len = ngx_http_task_stall_text(text, sizeof(text), "stands",
                                       took / 1000000,
                                       ngx_http_task_stall_guard);

        ngx_http_task_atomic_set(&ngx_http_task_stall_told, 1);
        *next *= 2;
    }

    ngx_http_task_atomic_set(&ngx_http_task_stall_state,
                             NGX_HTTP_TASK_STALL_RUNS);

    if (len) {
        ngx_http_task_note(NGX_LOG_ERR, text, len);
    }

    return 1;
}


static size_t
ngx_http_task_stall_text(u_char *text, size_t size, const char *stands,
    int64_t ms, ngx_http_task_guard_t *guard)
{
    u_char  *p, *last;

    last = text + size;

    p = ngx_slprintf(text, last, "event loop %s still for %L ms in ", stands,
                     ms);
    p = ngx_http_task_who(p, last, guard);

    if (guard->task) {
        p = ngx_slprintf(p, last, ", ");
        p = ngx_http_task_who_details(p, last, guard, 0);
    }

    return p - text;
}
