
/*
 * task_mode sync: the blocking form on the event loop.  It is the mistake
 * that the other modes are there to avoid, made on purpose.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_sync_start(ngx_task_t *t);


/* nothing is pending when start() returns: there is nothing to be cancelled */

const ngx_http_task_executor_t  ngx_http_task_sync = {
    .name = ngx_string("sync"),
    .block = 1,
    .stalls = 1,
    .start = ngx_http_task_sync_start
};


static void
ngx_http_task_sync_start(ngx_task_t *t)
{
    int64_t                since;
    ngx_http_task_guard_t  before;

    since = ngx_http_task_heartbeat_stall_begin();
    before = ngx_http_task_exit_guard(t, &t->function->name);

    ngx_http_task_call_block(t);

    ngx_http_task_exit_unguard(before);
    ngx_http_task_heartbeat_stall_end(since, t->log, &t->function->name);

    /* the others' timers must not be set against the time before the block */

    ngx_time_update();

    ngx_http_task_finish(t);
}
