
/*
 * Watches whether the client leaves while its request waits for a task, or for
 * a job.
 *
 * In HTTP/1 and HTTP/2 this shows on the read event.  A client that cancels a
 * stream of HTTP/3 may stop reading without resetting its own side, which
 * shows only as an error of the write event.
 */


#include "base/ngx_http_task_base.h"


static void ngx_http_task_watch_writing(ngx_http_request_t *r);


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

    r->read_event_handler = ngx_http_test_reading;
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


/* does what ngx_http_test_reading() does; also runs as a posted request */

static void
ngx_http_task_watch_writing(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (!c->write->error) {
        return;
    }

    c->error = 1;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "client prematurely closed connection");

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
}
