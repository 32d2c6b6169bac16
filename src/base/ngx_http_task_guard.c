
/*
 * What runs in each thread: a task's function, or a hook of a library.  If it
 * ends the process, crashes, or holds the event loop, the log says who it was.
 */


#include "base/ngx_http_task_base.h"


static ngx_http_task_thread_local ngx_http_task_guard_t
    ngx_http_task_guard_here;

/* what ran last, [both]: a crash later may be its doing */

static ngx_str_t  *ngx_http_task_guard_ran;

/* this is the event loop's thread, and it is watched */

static ngx_http_task_thread_local ngx_uint_t  ngx_http_task_guard_watched;


void
ngx_http_task_guard_watch(ngx_uint_t watch)
{
    ngx_http_task_guard_watched = watch;
}


ngx_http_task_guard_t
ngx_http_task_guard(ngx_task_t *t, ngx_str_t *name)
{
    ngx_http_task_guard_t  before;

    before = ngx_http_task_guard_here;

    /* what a piece has deferred is called in it */

    if (t != before.task) {
        ngx_http_task_guard_here.cancelled = NULL;
        ngx_http_task_guard_here.beside = 0;
    }

    ngx_http_task_guard_here.task = t;
    ngx_http_task_guard_here.name = name;

    /* written only if it is another one: threads share it */

    if (ngx_http_task_atomic_get(&ngx_http_task_guard_ran) != name) {
        ngx_http_task_atomic_set(&ngx_http_task_guard_ran, name);
    }

    if (ngx_http_task_guard_watched && before.name == NULL) {
        ngx_http_task_stall_enter(&ngx_http_task_guard_here);
    }

    return before;
}


void
ngx_http_task_unguard(ngx_http_task_guard_t before)
{
    if (ngx_http_task_guard_watched && before.name == NULL) {
        ngx_http_task_stall_leave(&ngx_http_task_guard_here);
    }

    ngx_http_task_guard_here = before;
}


ngx_str_t *
ngx_http_task_guard_last(void)
{
    return ngx_http_task_atomic_get(&ngx_http_task_guard_ran);
}


ngx_http_task_guard_t *
ngx_http_task_guarded(void)
{
    return &ngx_http_task_guard_here;
}


ngx_task_t *
ngx_http_task_guarded_task(void)
{
    return ngx_http_task_guard_here.beside ? NULL
                                           : ngx_http_task_guard_here.task;
}
