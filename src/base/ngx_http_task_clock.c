
/*
 * The monotonic clock, which nobody sets.
 */


#include "base/ngx_http_task_base.h"


int64_t
ngx_http_task_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


int64_t
ngx_http_task_until(int64_t ms)
{
    if (ms < 0 || ms > NGX_HTTP_TASK_MAX_MS) {
        ms = NGX_HTTP_TASK_MAX_MS;
    }

    return ngx_http_task_now() + ms * 1000000;
}
