
/*
 * What wakes the event loop at a time of the monotonic clock: a timerfd, which
 * knows nanoseconds, in nginx's epoll.  nginx's own timers have milliseconds,
 * of a clock that is read once a turn of the loop.
 *
 * The descriptor is made when it is first needed.  Where there is none, or no
 * epoll, one timer of nginx's takes its place.  This timer is there all the
 * same: while it is not cancelable, a worker that quits goes on.
 */


#include "base/ngx_http_task_base.h"

#include <sys/timerfd.h>


/* the longest time that nginx's timer is set to, milliseconds */

#define NGX_HTTP_TASK_ALARM_MAX    3600000

/* after so long it is tried again to make a descriptor, nanoseconds */

#define NGX_HTTP_TASK_ALARM_RETRY  60000000000


static ngx_int_t ngx_http_task_alarm_open(void);
static void ngx_http_task_alarm_timer_set(ngx_msec_t ms);
static void ngx_http_task_alarm_handler(ngx_event_t *ev);
static void ngx_http_task_alarm_timer_handler(ngx_event_t *ev);


/* state of this worker */

static void            (*ngx_http_task_alarm)(void);

/* not one of worker_connections, as the eventfd of nginx's epoll module */

static ngx_connection_t  ngx_http_task_alarm_connection;
static ngx_event_t       ngx_http_task_alarm_read;
static ngx_event_t       ngx_http_task_alarm_write;     /* epoll looks at it */
static int64_t           ngx_http_task_alarm_retry;

static ngx_event_t       ngx_http_task_alarm_timer;


void
ngx_http_task_alarm_init(void (*handler)(void))
{
    ngx_event_t       *ev;
    ngx_connection_t  *c;

    ngx_http_task_alarm = handler;

    c = &ngx_http_task_alarm_connection;

    c->fd = (ngx_socket_t) -1;
    c->log = ngx_cycle->log;
    c->read = &ngx_http_task_alarm_read;
    c->write = &ngx_http_task_alarm_write;

    ev = c->read;

    ev->handler = ngx_http_task_alarm_handler;
    ev->data = c;
    ev->log = ngx_cycle->log;

    c->write->data = c;
    c->write->log = ngx_cycle->log;

    ev = &ngx_http_task_alarm_timer;

    ev->handler = ngx_http_task_alarm_timer_handler;
    ev->data = c;
    ev->log = ngx_cycle->log;
}


void
ngx_http_task_alarm_set(int64_t when)
{
    int64_t            ms;
    ngx_fd_t           fd;
    struct itimerspec  its;

    if (ngx_http_task_alarm_open() != NGX_OK) {
        ms = (when - ngx_http_task_now() + 999999) / 1000000;

        /* with 0 it would fire again in this turn of the loop */

        ngx_http_task_alarm_timer_set(ngx_min(ngx_max(ms, 1),
                                              NGX_HTTP_TASK_ALARM_MAX));
        return;
    }

    /* zero would disarm it; what is over fires at once */

    when = ngx_max(when, 1);

    ngx_memzero(&its, sizeof(struct itimerspec));

    its.it_value.tv_sec = when / 1000000000;
    its.it_value.tv_nsec = when % 1000000000;

    fd = ngx_http_task_alarm_connection.fd;

    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) == -1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "timerfd_settime() failed");
    }
}


void
ngx_http_task_alarm_keep(ngx_uint_t keep)
{
    ngx_event_t  *ev;

    ev = &ngx_http_task_alarm_timer;

    ev->cancelable = !keep;

    if (keep && !ev->timer_set) {
        ngx_http_task_alarm_timer_set(NGX_HTTP_TASK_ALARM_MAX);
    }
}


static ngx_int_t
ngx_http_task_alarm_open(void)
{
    int64_t            now;
    ngx_fd_t           fd;
    ngx_connection_t  *c;

    c = &ngx_http_task_alarm_connection;

    if (c->fd != (ngx_socket_t) -1) {
        return NGX_OK;
    }

    now = ngx_http_task_now();

    if (!(ngx_event_flags & NGX_USE_EPOLL_EVENT)
        || now < ngx_http_task_alarm_retry)
    {
        return NGX_DECLINED;
    }

    ngx_http_task_alarm_retry = now + NGX_HTTP_TASK_ALARM_RETRY;

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK|TFD_CLOEXEC);

    if (fd == -1) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "timerfd_create() failed, tasks may end a millisecond "
                      "late");
        return NGX_DECLINED;
    }

    c->fd = fd;

    /* edge-triggered, and never read: setting it forgets what has fired */

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK) {
        (void) close(fd);
        c->fd = (ngx_socket_t) -1;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_task_alarm_timer_set(ngx_msec_t ms)
{
    if (ngx_http_task_alarm_timer.timer_set) {
        ngx_del_timer(&ngx_http_task_alarm_timer);
    }

    ngx_add_timer(&ngx_http_task_alarm_timer, ms);
}


static void
ngx_http_task_alarm_handler(ngx_event_t *ev)
{
    ngx_http_task_alarm();
}


static void
ngx_http_task_alarm_timer_handler(ngx_event_t *ev)
{
    ngx_http_task_alarm();

    if (!ev->timer_set && !ev->cancelable) {
        ngx_http_task_alarm_timer_set(NGX_HTTP_TASK_ALARM_MAX);
    }
}
