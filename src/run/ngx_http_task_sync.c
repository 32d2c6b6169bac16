
/*
 * task_mode sync: the blocking form on the event loop.  This is the mistake
 * that the other modes avoid, made on purpose.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_sync_start(ngx_task_t *t);


/* nothing is pending when start() returns, so there is nothing to cancel */

const ngx_http_task_executor_t  ngx_http_task_sync = {
    .name = ngx_string("sync"),
    .block = 1,
    .stalls = 1,
    .start = ngx_http_task_sync_start
};


static void
ngx_http_task_sync_start(ngx_task_t *t)
{
    ngx_http_task_guard_t  before;

    /* the loop, which tells others what runs, stands still now */

    ngx_http_task_running_add(t);
    ngx_http_task_heartbeat_tell();

    before = ngx_http_task_guard(t, &t->function->name);

    ngx_http_task_call_block(t);

    ngx_http_task_unguard(before);

    /* timers of others must not be set by the time before the task */

    ngx_time_update();

    ngx_http_task_finish(t);
}
