
/*
 * What the scheduler is told of the threads of pools: that they are batch jobs.
 * Such a thread has its share of the processors as any other, but when it is
 * woken, it does not interrupt what runs on its core: the event loop that has
 * just given it a piece goes on.
 */


#include "base/ngx_http_task_base.h"

#include <sched.h>


/* 1: this thread was made SCHED_BATCH here */

static ngx_http_task_thread_local ngx_uint_t  ngx_http_task_batch;


void
ngx_http_task_batch_thread(ngx_log_t *log)
{
    struct sched_param  param;
    static ngx_uint_t   told;        /* [both] */

    /* else who started nginx has chosen what it is */

    if (sched_getscheduler(0) != SCHED_OTHER) {
        return;
    }

    ngx_memzero(&param, sizeof(struct sched_param));

    if (sched_setscheduler(0, SCHED_BATCH, &param) == 0) {
        ngx_http_task_batch = 1;

    } else if (__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED) == 0) {
        ngx_log_error(NGX_LOG_INFO, log, ngx_errno,
                      "sched_setscheduler(SCHED_BATCH) failed, threads of "
                      "pools may interrupt the event loop");
    }
}


void
ngx_http_task_batch_child(void)
{
    struct sched_param  param;

    if (ngx_http_task_batch) {
        param.sched_priority = 0;
        (void) sched_setscheduler(0, SCHED_OTHER, &param);
    }
}
