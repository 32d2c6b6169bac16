
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
 * looks every so often while anything is in a pool, does the rest.
 */


#include "ngx_http_task.h"

#include <dlfcn.h>


static void ngx_http_task_exit_handler(int status, void *data);
static void ngx_http_task_exit_quick_handler(void);
static void ngx_http_task_exit_log(const char *call, int status);
static void ngx_http_task_exit_thread(void *data);


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


ngx_task_t *
ngx_http_task_exit_current(void)
{
    return ngx_http_task_exit_task;
}


static void
ngx_http_task_exit_handler(int status, void *data)
{
    if (ngx_http_task_exit_task == NULL && ngx_http_task_exit_library == NULL
        && ngx_http_task_on_loop())
    {
        return;
    }

    /* another thread may call exit() now: it has to find a handler, too */

    (void) on_exit(ngx_http_task_exit_handler, NULL);

    ngx_http_task_exit_log("exit", status);

    _exit(1);
}


/* it is not told the argument */

static void
ngx_http_task_exit_quick_handler(void)
{
    (void) at_quick_exit(ngx_http_task_exit_quick_handler);

    ngx_http_task_exit_log("quick_exit", -1);

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
    ngx_uint_t  ended;

    ended = ngx_http_task_atomic_get(&ngx_http_task_exit_ended);

    if (ended == ngx_http_task_exit_seen) {
        return;
    }

    ngx_http_task_exit_seen = ended;

    ngx_http_task_thread_reap();

    if (ngx_process != NGX_PROCESS_WORKER || ngx_exiting) {
        return;
    }

    /* a new one has all of its threads: the master sees an exit unasked for */

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "a thread of a pool was ended by a task, its worker quits");

    ngx_quit = 1;
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
