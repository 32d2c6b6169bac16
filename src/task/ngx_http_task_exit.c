
/*
 * A function, or a library that it calls, that ends what is nginx's.
 *
 * exit() ends the worker, and where its argument is 2 the master starts no
 * other one.  So a handler names the function that called it, and ends the
 * process with a code after which there will be a new worker.  What nginx ends
 * by itself is on the event loop, while nothing of a library runs there.
 *
 * pthread_exit() ends a thread of a pool, which tells nobody.  So what runs in
 * a thread is kept as its value of a key, whose destructor is called in a
 * thread that ends with one: it marks the piece, and the event loop, which
 * looks every so often while anything is in a pool, does the rest.  The event
 * loop's own thread has a value, too, which is none of a piece.
 *
 * Only a new worker has all of its threads, and the master starts one when this
 * one is gone.  Until nothing of ours is held it serves as before, except by
 * that thread; then it quits, for which the time is bounded.
 */


#include "task/ngx_http_task.h"

#include <dlfcn.h>


static void ngx_http_task_exit_handler(int status, void *data);
static void ngx_http_task_exit_quick_handler(void);
static void ngx_http_task_exit_now(const char *call, int status);
static void ngx_http_task_exit_log(const char *call, int status);
static void ngx_http_task_exit_thread(void *data);
static void ngx_http_task_exit_wait(ngx_event_t *ev);


/* how often it is looked whether the worker may quit, milliseconds */

#define NGX_HTTP_TASK_EXIT_LOOK   500

/* how long a worker stays that could not even start, milliseconds */

#define NGX_HTTP_TASK_EXIT_START  1000


/*
 * What runs in this thread: a task's function, or a hook of a library.  With
 * this model each look at it is one instruction, and not a call.
 */

#define ngx_http_task_exit_local                                              \
    static __thread __attribute__((tls_model("initial-exec")))

ngx_http_task_exit_local ngx_task_t  *ngx_http_task_exit_task;
ngx_http_task_exit_local ngx_str_t   *ngx_http_task_exit_library;

static pthread_key_t         ngx_http_task_exit_key;

/* threads that have ended, [both]; those that the loop knows of */

static ngx_uint_t            ngx_http_task_exit_ended;
static ngx_uint_t            ngx_http_task_exit_seen;

/* from then on until the worker quits, and is gone; nanoseconds */

static ngx_event_t           ngx_http_task_exit_event;
static ngx_connection_t      ngx_http_task_exit_dumb;  /* for the debug log */
static int64_t               ngx_http_task_exit_until;
static ngx_uint_t            ngx_http_task_exit_quits;


ngx_int_t
ngx_http_task_exit_init(ngx_cycle_t *cycle)
{
    int      err;
    Dl_info  info;

    err = pthread_key_create(&ngx_http_task_exit_key,
                             ngx_http_task_exit_thread);

    if (err) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, err,
                      "pthread_key_create() failed");
        return NGX_ERROR;
    }

    /* nginx unloads its modules before it exits: this one has to stay */

    if (dladdr(&ngx_http_task_exit_key, &info) == 0
        || dlopen(info.dli_fname, RTLD_NOW|RTLD_NOLOAD|RTLD_NODELETE) == NULL)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "could not keep the module: %s", dlerror());
        return NGX_ERROR;
    }

    ngx_http_task_exit_catch();

    /* the loop's thread is not to end either, see exit_thread() */

    (void) pthread_setspecific(ngx_http_task_exit_key, &ngx_http_task_exit_key);
    ngx_http_task_exit_forbid_cancel();

    return NGX_OK;
}


void
ngx_http_task_exit_catch(void)
{
    (void) on_exit(ngx_http_task_exit_handler, NULL);
    (void) at_quick_exit(ngx_http_task_exit_quick_handler);
}


ngx_task_t *
ngx_http_task_exit_guard(ngx_task_t *t)
{
    ngx_task_t  *before;

    before = ngx_http_task_exit_task;
    ngx_http_task_exit_task = t;

    return before;
}


void
ngx_http_task_exit_guard_library(ngx_str_t *name)
{
    ngx_http_task_exit_library = name;
}


void
ngx_http_task_exit_guard_thread(ngx_http_task_piece_t *piece)
{
    (void) pthread_setspecific(ngx_http_task_exit_key, piece);
}


void
ngx_http_task_exit_forbid_cancel(void)
{
    (void) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    (void) pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
}


ngx_task_t *
ngx_http_task_exit_current(void)
{
    return ngx_http_task_exit_task;
}


static void
ngx_http_task_exit_handler(int status, void *data)
{
    /* a child that a function has made by fork() may end as it likes */

    if (getpid() != ngx_pid) {
        return;
    }

    if (ngx_http_task_exit_task == NULL && ngx_http_task_exit_library == NULL
        && ngx_http_task_on_loop())
    {
        return;
    }

    /* another thread may call exit() now: it has to find a handler, too */

    (void) on_exit(ngx_http_task_exit_handler, NULL);

    ngx_http_task_exit_now("exit", status);
}


/* it is not told the argument */

static void
ngx_http_task_exit_quick_handler(void)
{
    if (getpid() != ngx_pid) {
        return;
    }

    (void) at_quick_exit(ngx_http_task_exit_quick_handler);

    ngx_http_task_exit_now("quick_exit", -1);
}


static void
ngx_http_task_exit_now(const char *call, int status)
{
    ngx_http_task_exit_log(call, status);

    /* in start(), and so will the next worker: the master would not wait */

    if (ngx_http_task_exit_library
        && !ngx_quit && !ngx_exiting && !ngx_terminate)
    {
        ngx_msleep(NGX_HTTP_TASK_EXIT_START);
    }

    _exit(1);
}


static void
ngx_http_task_exit_log(const char *call, int status)
{
    u_char      text[32];
    ngx_task_t  *t;

    t = ngx_http_task_exit_task;

    *ngx_snprintf(text, sizeof(text) - 1, (status < 0) ? "%s()" : "%s(%d)",
                  call, status) = '\0';

    if (t) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "task \"%V\" called %s, its worker ends",
                      &t->function->name, text);
        return;
    }

    if (ngx_http_task_exit_library) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "a hook of task library \"%V\" called %s, its worker "
                      "ends", ngx_http_task_exit_library, text);
        return;
    }

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "a thread of a task library called %s, its worker ends",
                  text);
}


/*
 * In a thread that ends: what was deferred may do the same, which calls this
 * again.
 */

static void
ngx_http_task_exit_thread(void *data)
{
    ngx_task_t             *t;
    ngx_http_task_piece_t  *piece;

    if (getpid() != ngx_pid) {
        return;
    }

    if (data == &ngx_http_task_exit_key) {
        ngx_http_task_exit_now("pthread_exit", -1);
    }

    piece = data;
    t = piece->task;

    ngx_http_task_exit_guard_thread(piece);

    if (piece->fn) {
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s", "ends its thread");
        piece->rc = NGX_TASK_FAILED;

    } else {
        ngx_http_task_misuse(t, "ends its thread");
        ngx_http_task_complete(t, NGX_TASK_FAILED);
    }

    (void) ngx_http_task_exit_guard(NULL);
    ngx_http_task_exit_guard_thread(NULL);

    ngx_http_task_atomic_set(&piece->returned, 1);
    ngx_http_task_atomic_set(&piece->ended, 1);

    (void) __atomic_add_fetch(&ngx_http_task_exit_ended, 1, __ATOMIC_ACQ_REL);
}


/* on the event loop */

void
ngx_http_task_exit_look(void)
{
    ngx_uint_t                  ended;
    ngx_event_t                *ev;
    ngx_http_task_core_conf_t  *tccf;

    ended = ngx_http_task_atomic_get(&ngx_http_task_exit_ended);

    if (ended == ngx_http_task_exit_seen) {
        return;
    }

    ngx_http_task_exit_seen = ended;

    ngx_http_task_thread_reap();

    ev = &ngx_http_task_exit_event;

    if (ngx_process != NGX_PROCESS_WORKER || ev->handler) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "a thread of a pool was ended by a task, its worker will "
                  "be replaced");

    ev->handler = ngx_http_task_exit_wait;
    ev->data = &ngx_http_task_exit_dumb;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_http_task_exit_dumb.fd = (ngx_socket_t) -1;

    tccf = ngx_http_task_core_conf((ngx_cycle_t *) ngx_cycle);

    ngx_http_task_exit_until = ngx_http_task_now()
                               + ngx_max(tccf->shutdown_timeout,
                                         tccf->shutdown_jobs) * 1000000LL;

    ngx_http_task_exit_wait(ev);
}


/* the master sees an exit unasked for */

static void
ngx_http_task_exit_wait(ngx_event_t *ev)
{
    int64_t                     now;
    ngx_uint_t                  over;
    ngx_http_task_core_conf_t  *tccf;

    now = ngx_http_task_now();
    over = (now >= ngx_http_task_exit_until);

    /* in a pool without a thread it would never end */

    if (over) {
        ngx_http_task_hold_no_longer();
    }

    if (ngx_http_task_exit_quits) {

        /* other requests: until they have ended nobody else is served */

        if (over) {
            ngx_terminate = 1;
        }

    } else if (!ngx_quit && !ngx_exiting
               && (over || !ngx_http_task_hold_any()))
    {
        tccf = ngx_http_task_core_conf((ngx_cycle_t *) ngx_cycle);

        ngx_http_task_exit_quits = 1;
        ngx_http_task_exit_until = now
                              + (tccf->shutdown_timeout + 1000) * 1000000LL;
        ngx_quit = 1;
    }

    ngx_add_timer(ev, NGX_HTTP_TASK_EXIT_LOOK);
}


/*
 * A pool's destructor would wait for ever for a thread that is gone.  All of
 * our own that has to be done at exit is done.
 */

void
ngx_http_task_exit_leave(void)
{
    if (ngx_http_task_atomic_get(&ngx_http_task_exit_ended)) {
        _exit(0);
    }
}
