
/*
 * An answer that is sent bit by bit, as nginx's own ngx_http_writer() would:
 * send_timeout, limit_rate, and filters that keep something back.
 */


#include "answer/ngx_http_task_answer.h"


ngx_int_t
ngx_http_task_stream_out_events(ngx_http_request_t *r)
{
    static ngx_str_t  name = ngx_string("X-Accel-Buffering");
    static ngx_str_t  value = ngx_string("no");

    ngx_http_task_drop_header(r, &name);

    return ngx_http_task_add_header(r, &name, &value);
}


ngx_int_t
ngx_http_task_stream_out(ngx_http_request_t *r, ngx_chain_t *out)
{
    return (ngx_http_output_filter(r, out) == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


ngx_uint_t
ngx_http_task_stream_out_busy(ngx_http_request_t *r)
{
    return r->out || r->buffered || r->postponed || r->connection->buffered
           || r->connection->write->delayed;
}


/* of limit_rate nginx's own timer is set, and it is no fault of the client */

ngx_int_t
ngx_http_task_stream_out_wait(ngx_http_request_t *r, ngx_uint_t progress)
{
    ngx_event_t               *wev;
    ngx_http_core_loc_conf_t  *clcf;

    wev = r->connection->write;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* first: an event is active from here on; a second call may never come */

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!wev->delayed) {

        if (wev->active && !wev->ready && ngx_http_task_stream_out_busy(r)) {

            if (progress || !wev->timer_set) {
                ngx_add_timer(wev, clcf->send_timeout);
            }

        } else if (wev->timer_set) {
            ngx_del_timer(wev);
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_task_stream_out_failed(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    /* of HTTP/3 only here shows that a client has stopped reading */

    if (ngx_http_task_watch_failed(r)) {
        return 1;
    }

    if (!c->write->timedout) {
        return 0;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");

    c->timedout = 1;

    ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);

    return 1;
}
