
/*
 * A process wakes the event loop of a worker: an eventfd for each number that a
 * worker may have.  The master makes them, and keeps them over reloads, so that
 * all processes of one nginx know them; two workers that have the same number,
 * the one that a reload has made and the one that quits, are both woken.
 */


#include "base/ngx_http_task_base.h"

#include <sys/eventfd.h>


static void ngx_http_task_wake_handler(ngx_event_t *ev);


/* by the number of a worker; made in the master */

static int                    ngx_http_task_wakes[NGX_HTTP_TASK_WAKES];
static ngx_uint_t             ngx_http_task_nwakes;

/* state of this worker; not one of worker_connections */

static ngx_connection_t       ngx_http_task_wake_connection;
static ngx_event_t            ngx_http_task_wake_read;
static ngx_event_t            ngx_http_task_wake_write;  /* epoll needs it */
static ngx_queue_t            ngx_http_task_wakers;


ngx_int_t
ngx_http_task_wake_create(ngx_cycle_t *cycle)
{
    int               fd;
    ngx_uint_t        n;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    n = ngx_min((ngx_uint_t) ngx_max(ccf->worker_processes, 1),
                NGX_HTTP_TASK_WAKES);

    while (ngx_http_task_nwakes < n) {
        fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fd == -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "eventfd() failed");
            return NGX_ERROR;
        }

        ngx_http_task_wakes[ngx_http_task_nwakes++] = fd;
    }

    return NGX_OK;
}


void
ngx_http_task_wake(ngx_uint_t worker)
{
    uint64_t  one;

    one = 1;

    /* it fails only where 2^64 were written, and nobody has read */

    if (worker < ngx_http_task_nwakes) {
        (void) !write(ngx_http_task_wakes[worker], &one, sizeof(uint64_t));
    }
}


ngx_int_t
ngx_http_task_wake_listen(ngx_http_task_waker_t *waker)
{
    ngx_connection_t  *c;

    c = &ngx_http_task_wake_connection;

    if (ngx_http_task_wakers.next) {
        ngx_queue_insert_tail(&ngx_http_task_wakers, &waker->queue);
        return NGX_OK;
    }

    ngx_queue_init(&ngx_http_task_wakers);
    ngx_queue_insert_tail(&ngx_http_task_wakers, &waker->queue);

    /* nobody can wake a worker of a higher number: its timer looks */

    if (ngx_worker >= ngx_http_task_nwakes) {
        return NGX_OK;
    }

    c->log = ngx_cycle->log;
    c->fd = ngx_http_task_wakes[ngx_worker];
    c->read = &ngx_http_task_wake_read;
    c->write = &ngx_http_task_wake_write;

    c->read->handler = ngx_http_task_wake_handler;
    c->read->data = c;
    c->read->log = ngx_cycle->log;

    c->write->data = c;
    c->write->log = ngx_cycle->log;

    return ngx_add_event(c->read, NGX_READ_EVENT,
                         (ngx_event_flags & NGX_USE_CLEAR_EVENT)
                         ? NGX_CLEAR_EVENT : NGX_LEVEL_EVENT);
}


static void
ngx_http_task_wake_handler(ngx_event_t *ev)
{
    uint64_t                n;
    ngx_queue_t            *q;
    ngx_http_task_waker_t  *waker;

    /* where each write is an edge, it need not be read */

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT)) {
        (void) !read(ngx_http_task_wake_connection.fd, &n, sizeof(uint64_t));
    }

    for (q = ngx_queue_head(&ngx_http_task_wakers);
         q != ngx_queue_sentinel(&ngx_http_task_wakers);
         q = ngx_queue_next(q))
    {
        waker = ngx_queue_data(q, ngx_http_task_waker_t, queue);
        waker->handler(waker->data);
    }
}
