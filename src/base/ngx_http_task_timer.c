
/*
 * The monotonic clock, and timers whose deadlines are on it.  This is the one
 * place that sets nginx's timers to deadlines.  A timer that fires before its
 * deadline is set again:
 *
 *     nginx's timers fire early, always by a part of a millisecond, and by
 *     much more if the time that nginx keeps is stale;
 *
 *     if ngx_msec_t has 32 bits, a timer of more than 24 days would fire at
 *     once: so each is set to an hour at most.
 */


#include "base/ngx_http_task_base.h"


/* the longest time that nginx's timer is set to, milliseconds */

#define NGX_HTTP_TASK_TIMER_MAX  3600000


static void ngx_http_task_timer_add(ngx_http_task_timer_t *timer);
static void ngx_http_task_timer_handler(ngx_event_t *ev);


int64_t
ngx_http_task_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
ngx_http_task_timer_set(ngx_http_task_timer_t *timer,
    void (*handler)(void *data), void *data, int64_t deadline)
{
    timer->event.handler = ngx_http_task_timer_handler;
    timer->event.data = data;
    timer->handler = handler;
    timer->deadline = deadline;

    ngx_http_task_timer_add(timer);
}


static void
ngx_http_task_timer_add(ngx_http_task_timer_t *timer)
{
    int64_t  ms;

    ms = (timer->deadline - ngx_http_task_now() + 999999) / 1000000;

    ngx_add_timer(&timer->event, (ngx_msec_t) ngx_min(ngx_max(ms, 0),
                                                  NGX_HTTP_TASK_TIMER_MAX));
}


void
ngx_http_task_timer_clear(ngx_http_task_timer_t *timer)
{
    if (timer->event.timer_set) {
        ngx_del_timer(&timer->event);
    }
}


static void
ngx_http_task_timer_handler(ngx_event_t *ev)
{
    ngx_http_task_timer_t  *timer;

    timer = (ngx_http_task_timer_t *) ev;

    if (timer->deadline > ngx_http_task_now()) {
        ngx_http_task_timer_add(timer);
        return;
    }

    timer->handler(ev->data);
}
