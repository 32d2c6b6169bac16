
/*
 * Work of which there may be much, as when thousands of tasks end together.  It
 * is done step by step, each work in turn, and all of it for a part of a
 * millisecond in a turn of the event loop: then others have theirs.
 *
 * A worker that quits waits for what is left: nginx looks at its timers only,
 * so one of them is not cancelable then.
 */


#include "base/ngx_http_task_base.h"


/* how long the timer is set to, milliseconds: nothing happens when it fires */

#define NGX_HTTP_TASK_WORK_KEEP  3600000


static void ngx_http_task_work_init(void);
static void ngx_http_task_work_handler(ngx_event_t *ev);
static void ngx_http_task_work_keep(ngx_event_t *ev);


/* state of this worker */

static ngx_queue_t       ngx_http_task_works;
static ngx_event_t       ngx_http_task_work_event;
static ngx_event_t       ngx_http_task_work_timer;
static ngx_connection_t  ngx_http_task_work_dumb;      /* for the debug log */
static ngx_uint_t        ngx_http_task_work_now;       /* 1: steps are done */


void
ngx_http_task_work_begin(ngx_http_task_work_t *work)
{
    if (ngx_http_task_works.next == NULL) {
        ngx_http_task_work_init();
    }

    if (work->queue.next) {
        return;
    }

    ngx_queue_insert_tail(&ngx_http_task_works, &work->queue);

    if (!ngx_http_task_work_now && !ngx_http_task_work_event.posted) {
        ngx_post_event(&ngx_http_task_work_event, &ngx_posted_events);
    }
}


void
ngx_http_task_work_end(ngx_http_task_work_t *work)
{
    if (work->queue.next) {
        ngx_queue_remove(&work->queue);
        work->queue.next = NULL;
    }
}


static void
ngx_http_task_work_init(void)
{
    ngx_queue_init(&ngx_http_task_works);

    ngx_http_task_work_dumb.fd = (ngx_socket_t) -1;

    ngx_http_task_work_event.handler = ngx_http_task_work_handler;
    ngx_http_task_work_event.data = &ngx_http_task_work_dumb;
    ngx_http_task_work_event.log = ngx_cycle->log;

    ngx_http_task_work_timer.handler = ngx_http_task_work_keep;
    ngx_http_task_work_timer.data = &ngx_http_task_work_dumb;
    ngx_http_task_work_timer.log = ngx_cycle->log;
}


static void
ngx_http_task_work_handler(ngx_event_t *ev)
{
    int64_t                now, start;
    ngx_queue_t           *works;
    ngx_http_task_work_t  *work;

    works = &ngx_http_task_works;
    start = 0;

    ngx_http_task_work_now = 1;

    while (!ngx_queue_empty(works)) {

        work = ngx_queue_data(ngx_queue_head(works), ngx_http_task_work_t,
                              queue);

        ngx_http_task_work_end(work);

        /* work that is done may be freed */

        if (work->step(work)) {
            ngx_http_task_work_begin(work);
        }

        /* most often this was all, and no clock is looked at */

        if (!ngx_queue_empty(works)) {
            now = ngx_http_task_now();
            start = start ? start : now;

            if (now - start >= NGX_HTTP_TASK_TURN) {
                break;
            }
        }
    }

    ngx_http_task_work_now = 0;

    if (!ngx_queue_empty(works)) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }

    ngx_http_task_work_keep(&ngx_http_task_work_timer);
}


static void
ngx_http_task_work_keep(ngx_event_t *ev)
{
    ev->cancelable = ngx_queue_empty(&ngx_http_task_works);

    if (!ev->cancelable && !ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_WORK_KEEP);
    }
}
