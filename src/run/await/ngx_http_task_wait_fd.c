
/*
 * ngx_task_wait_fd(): an async function waits for a descriptor.
 */


#include "run/ngx_http_task_run.h"

#include <poll.h>


static void ngx_http_task_wait_fd_handler(ngx_event_t *ev);
static void ngx_http_task_wait_fd_time(void *data);
static ngx_int_t ngx_http_task_wait_fd_end(ngx_http_task_branch_t *b);


static const ngx_http_task_await_t  ngx_http_task_wait_fd = {
    .cancel = ngx_http_task_wait_fd_end
};


ngx_task_rc_t
ngx_task_wait_fd(ngx_task_frame_t *f, int fd, unsigned events, int64_t ms)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    if (events == 0 || (events & ~NGX_HTTP_TASK_EVENTS)) {
        ngx_http_task_log_misuse(b->task, "waits for unknown events of a "
                                          "descriptor");
        return NGX_TASK_FAILED;
    }

    rc = ngx_http_task_fd_open(&c, fd);

    if (rc == NGX_DECLINED) {
        ngx_http_task_log_misuse_number(b->task, "waits for what is no "
                                        "descriptor of a socket, a pipe or the "
                                        "like", fd);
        return NGX_TASK_FAILED;
    }

    if (rc != NGX_OK) {
        return NGX_TASK_BUSY;
    }

    c->data = b;
    c->read->handler = ngx_http_task_wait_fd_handler;
    c->write->handler = ngx_http_task_wait_fd_handler;

    if (ngx_http_task_fd_events(c, events) != NGX_OK) {
        ngx_http_task_fd_close(c);
        return NGX_TASK_FAILED;
    }

    b->awaited = c;

    /* without a bound, too, a worker that quits waits */

    ngx_http_task_timer_set(&b->timer, ngx_http_task_wait_fd_time, b,
                            ngx_http_task_until(ms));

    return ngx_http_task_async_await(b, &ngx_http_task_wait_fd);
}


static void
ngx_http_task_wait_fd_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_task_branch_t  *b;

    c = ev->data;
    b = c->data;

    /* worker_shutdown_timeout is over: those of clients are closed, too */

    if (c->close) {
        c->close = 0;
        return;
    }

    (void) ngx_http_task_wait_fd_end(b);

    ngx_http_task_async_continue(b, NGX_TASK_OK);
}


/* the loop may have been held up: what came meanwhile counts */

static void
ngx_http_task_wait_fd_time(void *data)
{
    ngx_http_task_branch_t *b = data;

    struct pollfd      pfd;
    ngx_task_rc_t      rc;
    ngx_connection_t  *c;

    c = b->awaited;

    pfd.fd = c->fd;
    pfd.events = (c->read->active ? POLLIN : 0)
                 | (c->write->active ? POLLOUT : 0);

    rc = (poll(&pfd, 1, 0) > 0) ? NGX_TASK_OK : NGX_TASK_TIMEOUT;

    (void) ngx_http_task_wait_fd_end(b);

    ngx_http_task_async_continue(b, rc);
}


static ngx_int_t
ngx_http_task_wait_fd_end(ngx_http_task_branch_t *b)
{
    ngx_http_task_timer_clear(&b->timer);
    ngx_http_task_fd_close(b->awaited);

    return NGX_OK;
}
