
/*
 * A thread rings a bell, and the event loop calls its handler: an eventfd that
 * wakes the loop, and a list of the bells that have rung.  A bell that rings
 * again before it was heard is heard once.  If there are too many for one turn
 * of the loop, the others are heard in the next one.  (ngx_notify() has one handler for
 * all of nginx, which is that of its thread pools.)
 */


#include "base/ngx_http_task_base.h"

#include <sys/eventfd.h>


static void ngx_http_task_bell_handler(ngx_event_t *ev);
static void ngx_http_task_bell_take(void);


/* not one of worker_connections, as the eventfd of nginx's epoll module */

static ngx_connection_t       ngx_http_task_bell_connection;
static ngx_event_t            ngx_http_task_bell_read;
static ngx_event_t            ngx_http_task_bell_write;  /* epoll looks at it */

/* bells that have rung, the last one first, [both] */

static ngx_http_task_bell_t  *ngx_http_task_bells;

/* those that the loop has taken, in their order */

static ngx_queue_t            ngx_http_task_bells_taken;


ngx_int_t
ngx_http_task_bell_init(void)
{
    ngx_connection_t  *c;

    ngx_queue_init(&ngx_http_task_bells_taken);

    c = &ngx_http_task_bell_connection;

    c->log = ngx_cycle->log;
    c->read = &ngx_http_task_bell_read;
    c->write = &ngx_http_task_bell_write;

    c->read->handler = ngx_http_task_bell_handler;
    c->read->data = c;
    c->read->log = ngx_cycle->log;

    c->write->data = c;
    c->write->log = ngx_cycle->log;

    c->fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (c->fd == -1) {
        ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, ngx_errno,
                      "eventfd() failed");
        return NGX_ERROR;
    }

    return ngx_add_event(c->read, NGX_READ_EVENT,
                         (ngx_event_flags & NGX_USE_CLEAR_EVENT)
                         ? NGX_CLEAR_EVENT : NGX_LEVEL_EVENT);
}


void
ngx_http_task_bell_ring(ngx_http_task_bell_t *bell)
{
    uint64_t               one;
    ngx_http_task_bell_t  *next;

    if (__atomic_exchange_n(&bell->rung, 1, __ATOMIC_SEQ_CST)) {
        return;
    }

    next = __atomic_load_n(&ngx_http_task_bells, __ATOMIC_RELAXED);

    do {
        bell->next = next;
    } while (!__atomic_compare_exchange_n(&ngx_http_task_bells, &next, bell, 1,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));

    /* who finds a list that is not empty knows that the loop was told */

    if (next == NULL) {
        one = 1;

        /* it can only fail if it was written to 2^64 times */

        (void) !write(ngx_http_task_bell_connection.fd, &one, sizeof(uint64_t));
    }
}


void
ngx_http_task_bell_drop(ngx_http_task_bell_t *bell)
{
    ngx_http_task_bell_take();

    if (bell->queue.next) {
        ngx_queue_remove(&bell->queue);
        bell->queue.next = NULL;
    }
}


static void
ngx_http_task_bell_handler(ngx_event_t *ev)
{
    int64_t                now, start;
    uint64_t               n;
    ngx_queue_t           *q;
    ngx_http_task_bell_t  *bell;

    /* where each write is an edge, it need not be read */

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT)) {
        (void) !read(ngx_http_task_bell_connection.fd, &n, sizeof(uint64_t));
    }

    ngx_http_task_bell_take();

    start = 0;

    while (!ngx_queue_empty(&ngx_http_task_bells_taken)) {

        q = ngx_queue_head(&ngx_http_task_bells_taken);
        bell = ngx_queue_data(q, ngx_http_task_bell_t, queue);

        ngx_queue_remove(q);
        q->next = NULL;

        /* what rings it from now on is heard again */

        (void) __atomic_exchange_n(&bell->rung, 0, __ATOMIC_SEQ_CST);

        bell->handler(bell);

        /* most often this was all, and no clock is looked at */

        if (!ngx_queue_empty(&ngx_http_task_bells_taken)) {
            now = ngx_http_task_now();
            start = start ? start : now;

            if (now - start >= NGX_HTTP_TASK_TURN) {
                ngx_post_event(ev, &ngx_posted_next_events);
                break;
            }
        }
    }
}


/* the list is that of the loop alone when it has taken it */

static void
ngx_http_task_bell_take(void)
{
    ngx_queue_t           *last;
    ngx_http_task_bell_t  *bell;

    last = ngx_queue_last(&ngx_http_task_bells_taken);
    bell = __atomic_exchange_n(&ngx_http_task_bells, NULL, __ATOMIC_ACQUIRE);

    /* the one that rang first is the last of the list */

    for ( /* void */ ; bell; bell = bell->next) {
        ngx_queue_insert_after(last, &bell->queue);
    }
}
