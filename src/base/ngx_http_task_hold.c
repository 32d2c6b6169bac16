
/*
 * The event loop of a worker that is told to quit ends as soon as no timer but
 * cancelable ones is set.  While anything of ours is in a pool, or is a job
 * that has not ended, one timer that otherwise does nothing is not cancelable.
 * It also looks whether a thread has ended.
 *
 * Both have a bound of their own in task_shutdown_timeout.  A job that is in a
 * pool is both: it is a job as long as it has not ended.
 */


#include "task/ngx_http_task.h"


/* the timer, milliseconds: it also looks whether it is still wanted */

#define NGX_HTTP_TASK_HOLD_TIME  500


static void ngx_http_task_hold_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_task_hold_quit(void);


/* of this worker */

static ngx_uint_t        ngx_http_task_held[NGX_HTTP_TASK_HOLDS];
static ngx_uint_t        ngx_http_task_hold_over;
static ngx_event_t       ngx_http_task_hold_event;
static ngx_connection_t  ngx_http_task_hold_dumb;  /* for the debug log */


void
ngx_http_task_hold(ngx_http_task_hold_e what)
{
    ngx_event_t  *ev;

    ev = &ngx_http_task_hold_event;

    if (ev->handler == NULL) {
        ev->handler = ngx_http_task_hold_handler;
        ev->data = &ngx_http_task_hold_dumb;
        ev->log = ngx_cycle->log;

        ngx_http_task_hold_dumb.fd = (ngx_socket_t) -1;
    }

    ngx_http_task_held[what]++;

    ev->cancelable = 0;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
    }
}


void
ngx_http_task_unhold(ngx_http_task_hold_e what)
{
    ngx_http_task_held[what]--;

    if (!ngx_http_task_hold_any()) {
        ngx_http_task_hold_event.cancelable = 1;
    }
}


ngx_uint_t
ngx_http_task_hold_any(void)
{
    return ngx_http_task_held[NGX_HTTP_TASK_HOLD_PIECE]
           || ngx_http_task_held[NGX_HTTP_TASK_HOLD_JOB];
}


void
ngx_http_task_hold_no_longer(void)
{
    ngx_http_task_hold_over = 1;
}


static void
ngx_http_task_hold_handler(ngx_event_t *ev)
{
    ngx_http_task_exit_look();

    if (!ngx_http_task_hold_any()) {
        return;
    }

    if (ngx_exiting && !ngx_http_task_hold_quit()) {
        ev->cancelable = 1;
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_TASK_HOLD_TIME);
}


/* gives up what has had its time; whether anything else is waited for */

static ngx_uint_t
ngx_http_task_hold_quit(void)
{
    int64_t                     now, waited;
    ngx_uint_t                  wait;
    ngx_http_task_core_conf_t  *tccf;

    static int64_t  since;

    now = ngx_http_task_now();
    tccf = ngx_http_task_core_conf((ngx_cycle_t *) ngx_cycle);

    if (since == 0) {
        since = now;
    }

    waited = (now - since) / 1000000;
    wait = 0;

    /* what was a job is then but a piece that still runs */

    if (ngx_http_task_hold_over
        || (tccf->shutdown_jobs && waited >= (int64_t) tccf->shutdown_jobs))
    {
        ngx_http_task_jobs_give_up();
    }

    if (ngx_http_task_held[NGX_HTTP_TASK_HOLD_JOB]) {
        wait = 1;
    }

    if (ngx_http_task_hold_over
        || waited >= (int64_t) tccf->shutdown_timeout)
    {
        ngx_http_task_thread_give_up();

    } else if (ngx_http_task_held[NGX_HTTP_TASK_HOLD_PIECE]) {
        wait = 1;
    }

    return wait;
}
