
/*
 * The one place that sets nginx's timers to deadlines of ours, which are on the
 * monotonic clock.  A timer may fire before its deadline, and the handler then
 * sets it again:
 *
 *     nginx's timers fire early, by the rest of a millisecond always, by much
 *     more if the time that nginx keeps is stale;
 *
 *     where a ngx_msec_t has 32 bits, a timer of more than 24 days would be one
 *     that is over: nobody waits for longer than an hour at once.
 */


#include "task/ngx_http_task.h"


/* milliseconds */

#define NGX_HTTP_TASK_TIMER_MAX  3600000


void
ngx_http_task_timer(ngx_event_t *ev, int64_t deadline)
{
    int64_t  ms;

    ms = (deadline - ngx_http_task_now() + 999999) / 1000000;

    ngx_add_timer(ev, (ngx_msec_t) ngx_min(ngx_max(ms, 0),
                                           NGX_HTTP_TASK_TIMER_MAX));
}


ngx_uint_t
ngx_http_task_timer_early(ngx_event_t *ev, int64_t deadline)
{
    if (deadline <= ngx_http_task_now()) {
        return 0;
    }

    ngx_http_task_timer(ev, deadline);

    return 1;
}
