
/*
 * Watches whether the client leaves while its request waits for a task, or for
 * a job.
 *
 * In HTTP/1 and HTTP/2 this shows on the read event.  A client that cancels a
 * stream of HTTP/3 may stop reading without resetting its own side, which
 * shows only as an error of the write event.
 *
 * Thousands may leave together.  To end a request takes nginx some 10
 * microseconds, most of them to close the connection, and it handles up to 512
 * events in a turn of the event loop.  So read events are put into a queue of
 * posted events of their own, and handled step by step.  But a stream of HTTP/2
 * or HTTP/3 has no connection to close, and ends at once: the next request on
 * its connection must not be counted beside it.
 */


#include "base/ngx_http_task_base.h"


static void ngx_http_task_watch_reading(ngx_http_request_t *r);
static ngx_uint_t ngx_http_task_watch_step(ngx_http_task_work_t *work);
static void ngx_http_task_watch_writing(ngx_http_request_t *r);


/* read events, as nginx posts them: it removes those of closed connections */

static ngx_queue_t           ngx_http_task_watch_posted;
static ngx_http_task_work_t  ngx_http_task_watch_work;
static ngx_uint_t            ngx_http_task_watch_now;  /* 1: one is handled */


void
ngx_http_task_watch(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    /* a background or post_action request has no client that could leave */

    if (r->background || r->post_action) {
        r->write_event_handler = ngx_http_request_empty_handler;
        return;
    }

    r->read_event_handler = ngx_http_task_watch_reading;
    r->write_event_handler = ngx_http_task_watch_writing;

    /* the client may have left already, and no other event would come */

    if (c->write->error) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
        return;
    }

    /* if this fails, the next event of the connection shows it */

    (void) ngx_handle_read_event(c->read, 0);
}


static void
ngx_http_task_watch_reading(ngx_http_request_t *r)
{
    if (ngx_http_task_watch_now || r->http_version >= NGX_HTTP_VERSION_20) {
        ngx_http_test_reading(r);
        return;
    }

    if (ngx_http_task_watch_work.step == NULL) {
        ngx_queue_init(&ngx_http_task_watch_posted);
        ngx_http_task_watch_work.step = ngx_http_task_watch_step;
    }

    ngx_post_event(r->connection->read, &ngx_http_task_watch_posted);

    ngx_http_task_work_begin(&ngx_http_task_watch_work);
}


/* the request may have been answered meanwhile: the event has its handler */

static ngx_uint_t
ngx_http_task_watch_step(ngx_http_task_work_t *work)
{
    ngx_event_t  *ev;

    if (ngx_queue_empty(&ngx_http_task_watch_posted)) {
        return 0;
    }

    ev = ngx_queue_data(ngx_queue_head(&ngx_http_task_watch_posted),
                        ngx_event_t, queue);

    ngx_delete_posted_event(ev);

    ngx_http_task_watch_now = 1;
    ev->handler(ev);
    ngx_http_task_watch_now = 0;

    return !ngx_queue_empty(&ngx_http_task_watch_posted);
}


/* also runs as a posted request */

static void
ngx_http_task_watch_writing(ngx_http_request_t *r)
{
    (void) ngx_http_task_watch_failed(r);
}


/* does what ngx_http_test_reading() does */

ngx_uint_t
ngx_http_task_watch_failed(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (!c->write->error) {
        return 0;
    }

    c->error = 1;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "client prematurely closed connection");

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);

    return 1;
}
