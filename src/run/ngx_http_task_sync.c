
/*
 * task_mode sync: the blocking form on the event loop.  It is the mistake
 * that the other modes are there to avoid, made on purpose.
 */


#include "task/ngx_http_task.h"


static void ngx_http_task_sync_start(ngx_task_t *t);


const ngx_http_task_executor_t  ngx_http_task_sync = {
    ngx_string("sync"),
    1,
    ngx_http_task_sync_start,
    NULL                       /* nothing is pending when start() returns */
};


static void
ngx_http_task_sync_start(ngx_task_t *t)
{
    int64_t      since;
    ngx_task_t  *before;

    since = ngx_http_task_stall_begin();
    before = ngx_http_task_exit_guard(t);

    ngx_http_task_run_block(t);

    (void) ngx_http_task_exit_guard(before);
    ngx_http_task_stall_end(t, since);

    /* the others' timers must not be set against the time before the block */

    ngx_time_update();

    ngx_http_task_finish(t);
}
