
/*
 * What threads know of this worker's event loop: which thread it is, and
 * whether it has ended.
 */


#include "base/ngx_http_task_base.h"


static pthread_t  ngx_http_task_loop_thread;

static int        ngx_http_task_loop_stopping;                 /* [both] */


void
ngx_http_task_loop_init(void)
{
    ngx_http_task_loop_thread = pthread_self();
}


ngx_uint_t
ngx_http_task_loop_is_here(void)
{
    return pthread_equal(pthread_self(), ngx_http_task_loop_thread) != 0;
}


void
ngx_http_task_loop_stop(void)
{
    ngx_http_task_atomic_set(&ngx_http_task_loop_stopping, 1);
}


ngx_uint_t
ngx_http_task_loop_stops(void)
{
    return ngx_http_task_atomic_get(&ngx_http_task_loop_stopping);
}
