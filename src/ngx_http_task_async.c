
/*
 * task_mode async: the async form on the event loop, with nginx's timers.
 *
 * nginx's timers may fire early: by the rest of a millisecond always, by
 * much more if the time that nginx keeps is stale.  So a sleep has a deadline
 * on the monotonic clock, and a timer that fires before it is set again.
 */


#include "ngx_http_task.h"


static void ngx_http_task_async_start(ngx_task_t *t);
static void ngx_http_task_async_cancel(ngx_task_t *t);
static void ngx_http_task_async_resume(ngx_task_t *t);
static void ngx_http_task_async_timer_handler(ngx_event_t *ev);


const ngx_http_task_executor_t  ngx_http_task_async = {
    ngx_string("async"),
    0,
    ngx_http_task_async_start,
    ngx_http_task_async_cancel
};


static void
ngx_http_task_async_start(ngx_task_t *t)
{
    t->started = t->created;

    t->frame.task = t;

    t->timer.handler = ngx_http_task_async_timer_handler;
    t->timer.data = t;
    t->timer.log = t->request->connection->log;

    ngx_http_task_async_resume(t);
}


static void
ngx_http_task_async_cancel(ngx_task_t *t)
{
    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }
}


static void
ngx_http_task_async_resume(ngx_task_t *t)
{
    ngx_uint_t     first;
    ngx_task_rc_t  rc;

    first = (t->frame.line == 0);

    rc = t->function->async(t, &t->frame);

    if (rc == NGX_TASK_AGAIN) {

        if (first) {
            ngx_http_task_wait(t);
        }

        return;
    }

    ngx_http_task_complete(t, rc);

    ngx_http_task_finish(t, (t->rc == NGX_TASK_OK) ? NGX_HTTP_TASK_DONE
                                                   : NGX_HTTP_TASK_FAILED);
}


static void
ngx_http_task_async_timer_handler(ngx_event_t *ev)
{
    int64_t            left;
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = ev->data;

    left = t->deadline - ngx_http_task_now();

    if (left > 0) {
        ngx_add_timer(ev, (ngx_msec_t) ((left + 999999) / 1000000));
        return;
    }

    c = t->request->connection;

    ngx_http_set_log_request(c->log, t->request);

    t->frame.rc = NGX_TASK_OK;

    ngx_http_task_async_resume(t);

    ngx_http_run_posted_requests(c);
}


ngx_task_rc_t
ngx_task_sleep(ngx_task_frame_t *f, int64_t ms)
{
    ngx_task_t  *t;

    t = f->task;

    if (ms <= 0) {
        return NGX_TASK_OK;
    }

    t->deadline = ngx_http_task_now() + ms * 1000000;

    ngx_add_timer(&t->timer, (ngx_msec_t) ms);

    return NGX_TASK_AGAIN;
}
