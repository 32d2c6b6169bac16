
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
