
/*
 * A function, or a library that it calls, may end what is nginx's.
 *
 * exit() ends the worker, and if its argument is 2, the master starts no new
 * one.  So a handler names the function that called exit(), and ends the
 * process with a code after which there will be a new worker.  When nginx
 * itself exits, it does so on the event loop, while nothing of a library runs
 * there.
 *
 * pthread_exit() and pthread_cancel() end a thread.  For the thread of the
 * event loop the destructor of a key is then called, which ends the process,
 * too; for threads of a pool see ngx_http_task_piece_run.c.
 */


#include "base/ngx_http_task_base.h"

#include <dlfcn.h>


static void ngx_http_task_exit_handler(int status, void *data);
static void ngx_http_task_exit_quick_handler(void);
static void ngx_http_task_exit_loop(void *data);
static void ngx_http_task_exit_now(const char *call, int status);
static void ngx_http_task_exit_log(const char *call, int status,
    ngx_http_task_guard_t *guarded);


/* how long a worker stays if a start() hook calls exit(), milliseconds */

#define NGX_HTTP_TASK_EXIT_START  1000


static pthread_key_t  ngx_http_task_exit_key;      /* for the loop's thread */


ngx_int_t
ngx_http_task_exit_init(ngx_cycle_t *cycle)
{
    int      err;
    Dl_info  info;

    err = pthread_key_create(&ngx_http_task_exit_key,
                             ngx_http_task_exit_loop);

    if (err) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, err,
                      "pthread_key_create() failed");
        return NGX_ERROR;
    }

    /* nginx unloads modules before it exits: the handlers have to stay */

    if (dladdr(&ngx_http_task_exit_key, &info) == 0
        || dlopen(info.dli_fname, RTLD_NOW|RTLD_NOLOAD|RTLD_NODELETE) == NULL)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "could not keep the module: %s", dlerror());
        return NGX_ERROR;
    }

    ngx_http_task_exit_catch();

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


void
ngx_http_task_exit_forbid_cancel(void)
{
    (void) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    (void) pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
}


static void
ngx_http_task_exit_handler(int status, void *data)
{
    /* a child that a function has forked may end as it likes */

    if (getpid() != ngx_pid) {
        return;
    }

    if (ngx_http_task_guarded()->name == NULL
        && ngx_http_task_loop_is_here())
    {
        return;
    }

    /* another thread may call exit() now: it has to find a handler, too */

    (void) on_exit(ngx_http_task_exit_handler, NULL);

    ngx_http_task_exit_now("exit", status);
}


/* quick_exit() does not tell its argument */

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
    ngx_http_task_guard_t  *guarded;

    guarded = ngx_http_task_guarded();

    ngx_http_task_exit_log(call, status, guarded);

    /* in a start() hook: the next worker will exit there, too, and the master
       would start them without a pause */

    if (guarded->name && !guarded->task
        && !ngx_quit && !ngx_exiting && !ngx_terminate)
    {
        ngx_msleep(NGX_HTTP_TASK_EXIT_START);
    }

    _exit(1);
}


static void
ngx_http_task_exit_log(const char *call, int status,
    ngx_http_task_guard_t *guarded)
{
    u_char  text[NGX_HTTP_TASK_LOG_TEXT], *p, *last;

    last = text + sizeof(text);

    p = ngx_http_task_who(text, last, guarded);
    p = ngx_slprintf(p, last, (status < 0) ? " called %s()" : " called %s(%d)",
                     call, status);
    p = ngx_slprintf(p, last, ", its worker ends");

    if (guarded->task) {
        p = ngx_slprintf(p, last, ", ");
        p = ngx_http_task_who_details(p, last, guarded, 0);
    }

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0, "%*s",
                  (size_t) (p - text), text);
}


/* the destructor of the key: the event loop's thread ends */

static void
ngx_http_task_exit_loop(void *data)
{
    if (getpid() == ngx_pid) {
        ngx_http_task_exit_now("pthread_exit", -1);
    }
}
