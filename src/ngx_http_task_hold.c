
/*
 * The event loop of a worker that is told to quit ends as soon as no timer but
 * cancelable ones is set.  While anything of ours is in a pool, or is a job
 * that has not ended, one timer that otherwise does nothing is not cancelable:
 * for no longer than task_shutdown_timeout.  It also looks whether a thread
 * has ended.
 */


#include "ngx_http_task.h"


/* the timer, milliseconds: it also looks whether it is still wanted */

#define NGX_HTTP_TASK_HOLD_TIME  500


static void ngx_http_task_hold_handler(ngx_event_t *ev);


/* of this worker */

static ngx_uint_t        ngx_http_task_held;
static ngx_event_t       ngx_http_task_hold_event;
static ngx_connection_t  ngx_http_task_hold_dumb;  /* for the debug log */


void
ngx_http_task_hold(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_task_hold_event;

    if (ev->handler == NULL) {
        ev->handler = ngx_http_task_hold_handler;
        ev->data = &ngx_http_task_hold_dumb;
        ev->log = ngx_cycle->log;

        ngx_http_task_hold_dumb.fd = (ngx_socket_t) -1;
    }

    ngx_http_task_held++;

    ev->cancelable = 0;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
    }
}


void
ngx_http_task_unhold(void)
{
    if (--ngx_http_task_held == 0) {
        ngx_http_task_hold_event.cancelable = 1;
    }
}


static void
ngx_http_task_hold_handler(ngx_event_t *ev)
{
    int64_t                     now;
    ngx_http_task_core_conf_t  *tccf;

    static int64_t  deadline;

    ngx_http_task_exit_look();

    if (ngx_http_task_held == 0) {
        return;
    }

    if (ngx_exiting) {
        now = ngx_http_task_now();
        tccf = ngx_http_task_core_conf((ngx_cycle_t *) ngx_cycle);

        if (deadline == 0) {
            deadline = now + (int64_t) tccf->shutdown_timeout * 1000000;
        }

        if (now >= deadline) {
            ngx_http_task_thread_give_up();
            ngx_http_task_jobs_give_up();
            ev->cancelable = 1;
            return;
        }
    }

    ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
}
