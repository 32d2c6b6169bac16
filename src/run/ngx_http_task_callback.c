
/*
 * ngx_task_watch() and ngx_task_timer(): callbacks of a library in its worker,
 * of no task.  They do not keep a worker that quits.
 *
 * Those that a library leaves are freed when the worker exits.
 */


#include "run/ngx_http_task_run.h"


/* the longest time that nginx's timer is set to, milliseconds */

#define NGX_HTTP_TASK_CALLBACK_MAX  3600000


struct ngx_task_watch_s {
    ngx_queue_t          queue;        /* of all */
    ngx_str_t           *name;         /* of its library */
    int                  fd;
    ngx_connection_t    *connection;
    ngx_task_watch_pt    fn;
    void                *data;
};


struct ngx_task_timer_s {
    ngx_queue_t          queue;        /* of all */
    ngx_str_t           *name;         /* of its library */
    ngx_event_t          event;
    int64_t              deadline;     /* nanoseconds */
    ngx_task_timer_pt    fn;
    void                *data;
};


static ngx_str_t *ngx_http_task_callback_name(const char *what);
static ngx_task_rc_t ngx_http_task_callback_wrong(const char *what,
    const char *call);
static ngx_task_rc_t ngx_http_task_watch_make(ngx_task_watch_t **watch, int fd);
static void ngx_http_task_watch_handler(ngx_event_t *ev);
static void ngx_http_task_watch_free(ngx_task_watch_t *w);
static ngx_task_timer_t *ngx_http_task_callback_timer_make(void);
static void ngx_http_task_callback_timer_set(ngx_task_timer_t *timer);
static void ngx_http_task_callback_timer_handler(ngx_event_t *ev);
static void ngx_http_task_callback_timer_free(ngx_task_timer_t *timer);


/* state of this worker */

static ngx_queue_t       ngx_http_task_watches;
static ngx_queue_t       ngx_http_task_callback_timers;
static ngx_connection_t  ngx_http_task_callback_dumb;  /* for the debug log */


void
ngx_http_task_callbacks_init(void)
{
    ngx_queue_init(&ngx_http_task_watches);
    ngx_queue_init(&ngx_http_task_callback_timers);

    ngx_http_task_callback_dumb.fd = (ngx_socket_t) -1;
}


void
ngx_http_task_callbacks_end(void)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ngx_http_task_watches)) {
        q = ngx_queue_head(&ngx_http_task_watches);
        ngx_http_task_watch_free(ngx_queue_data(q, ngx_task_watch_t, queue));
    }

    while (!ngx_queue_empty(&ngx_http_task_callback_timers)) {
        q = ngx_queue_head(&ngx_http_task_callback_timers);
        ngx_http_task_callback_timer_free(
                                   ngx_queue_data(q, ngx_task_timer_t, queue));
    }
}


/* returns the name of the library that calls; NULL: not from the loop */

static ngx_str_t *
ngx_http_task_callback_name(const char *what)
{
    ngx_task_t  *t;

    t = ngx_http_task_guarded()->task;

    if (ngx_http_task_loop_is_here()) {
        return t ? &t->function->library->name : ngx_http_task_guarded()->name;
    }

    if (t) {
        ngx_http_task_log_misuse_of(t, "calls in a thread", what);

    } else {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "a task library calls %s() outside of the event loop",
                      what);
    }

    return NULL;
}


static ngx_task_rc_t
ngx_http_task_callback_wrong(const char *what, const char *call)
{
    ngx_task_t  *t;

    t = ngx_http_task_guarded()->task;

    if (t) {
        ngx_http_task_log_misuse_of(t, what, call);

    } else {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "task library \"%V\" %s: \"%s\"",
                      ngx_http_task_guarded()->name, what, call);
    }

    return NGX_TASK_FAILED;
}


ngx_task_rc_t
ngx_task_watch(ngx_task_watch_t **watch, int fd, unsigned events,
    ngx_task_watch_pt fn, void *data)
{
    ngx_str_t         *name;
    ngx_task_rc_t      rc;
    ngx_task_watch_t  *w;

    name = ngx_http_task_callback_name("ngx_task_watch");

    if (name == NULL) {
        return NGX_TASK_FAILED;
    }

    if (events & ~NGX_HTTP_TASK_EVENTS) {
        return ngx_http_task_callback_wrong("asks for unknown events",
                                            "ngx_task_watch");
    }

    if (events && fn == NULL) {
        return ngx_http_task_callback_wrong("has NULL called",
                                            "ngx_task_watch");
    }

    w = *watch;

    if (w && (events == 0 || w->fd != fd)) {
        ngx_http_task_watch_free(w);
        *watch = w = NULL;
    }

    if (events == 0) {
        return NGX_TASK_OK;
    }

    if (w == NULL) {
        rc = ngx_http_task_watch_make(&w, fd);

        if (rc != NGX_TASK_OK) {
            return rc;
        }

        w->name = name;
        *watch = w;
    }

    w->fn = fn;
    w->data = data;

    if (ngx_http_task_fd_events(w->connection, events) != NGX_OK) {
        ngx_http_task_watch_free(w);
        *watch = NULL;
        return NGX_TASK_FAILED;
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
ngx_http_task_watch_make(ngx_task_watch_t **watch, int fd)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;
    ngx_task_watch_t  *w;

    w = ngx_calloc(sizeof(ngx_task_watch_t), ngx_cycle->log);
    if (w == NULL) {
        return NGX_TASK_FAILED;
    }

    rc = ngx_http_task_fd_open(&c, fd);

    if (rc != NGX_OK) {
        ngx_free(w);
        return (rc == NGX_BUSY) ? NGX_TASK_BUSY : NGX_TASK_FAILED;
    }

    c->data = w;
    c->read->handler = ngx_http_task_watch_handler;
    c->write->handler = ngx_http_task_watch_handler;

    w->fd = fd;
    w->connection = c;

    ngx_queue_insert_tail(&ngx_http_task_watches, &w->queue);

    *watch = w;

    return NGX_TASK_OK;
}


/* the callback may end its watch */

static void
ngx_http_task_watch_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_task_watch_t       *w;
    ngx_http_task_guard_t   before;

    c = ev->data;
    w = c->data;

    /* worker_shutdown_timeout is over, which closes those of clients, too */

    if (c->close) {
        c->close = 0;
        return;
    }

    before = ngx_http_task_guard(NULL, w->name);

    w->fn(w->data, ev->write ? NGX_TASK_WRITABLE : NGX_TASK_READABLE);

    ngx_http_task_unguard(before);
}


static void
ngx_http_task_watch_free(ngx_task_watch_t *w)
{
    ngx_queue_remove(&w->queue);
    ngx_http_task_fd_close(w->connection);
    ngx_free(w);
}


ngx_task_rc_t
ngx_task_timer(ngx_task_timer_t **timer, int64_t ms, ngx_task_timer_pt fn,
    void *data)
{
    ngx_str_t         *name;
    ngx_task_timer_t  *set;

    name = ngx_http_task_callback_name("ngx_task_timer");

    if (name == NULL) {
        return NGX_TASK_FAILED;
    }

    set = *timer;

    if (ms < 0) {

        if (set) {
            ngx_http_task_callback_timer_free(set);
            *timer = NULL;
        }

        return NGX_TASK_OK;
    }

    if (fn == NULL) {
        return ngx_http_task_callback_wrong("has NULL called",
                                            "ngx_task_timer");
    }

    if (set == NULL) {
        set = ngx_http_task_callback_timer_make();

        if (set == NULL) {
            return NGX_TASK_FAILED;
        }

        set->name = name;
        *timer = set;
    }

    set->fn = fn;
    set->data = data;
    set->deadline = ngx_http_task_until(ms);

    ngx_http_task_callback_timer_set(set);

    return NGX_TASK_OK;
}


static ngx_task_timer_t *
ngx_http_task_callback_timer_make(void)
{
    ngx_event_t       *ev;
    ngx_task_timer_t  *timer;

    timer = ngx_calloc(sizeof(ngx_task_timer_t), ngx_cycle->log);

    if (timer) {
        ev = &timer->event;

        ev->handler = ngx_http_task_callback_timer_handler;
        ev->data = &ngx_http_task_callback_dumb;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;

        ngx_queue_insert_tail(&ngx_http_task_callback_timers, &timer->queue);
    }

    return timer;
}


/* nginx has milliseconds of a clock that may be behind: none is too early */

static void
ngx_http_task_callback_timer_set(ngx_task_timer_t *timer)
{
    int64_t  left;

    left = timer->deadline - ngx_http_task_now();
    left = ngx_max(left, 0);

    if (timer->event.timer_set) {
        ngx_del_timer(&timer->event);
    }

    ngx_add_timer(&timer->event,
                  (ngx_msec_t) ngx_min((left + 999999) / 1000000,
                                       NGX_HTTP_TASK_CALLBACK_MAX));
}


static void
ngx_http_task_callback_timer_handler(ngx_event_t *ev)
{
    ngx_task_timer_t       *timer;
    ngx_http_task_guard_t   before;

    timer = ngx_queue_data(ev, ngx_task_timer_t, event);

    if (ngx_http_task_now() < timer->deadline) {
        ngx_http_task_callback_timer_set(timer);
        return;
    }

    /* the callback may set it again, or free it */

    before = ngx_http_task_guard(NULL, timer->name);

    timer->fn(timer->data);

    ngx_http_task_unguard(before);
}


static void
ngx_http_task_callback_timer_free(ngx_task_timer_t *timer)
{
    ngx_queue_remove(&timer->queue);

    if (timer->event.timer_set) {
        ngx_del_timer(&timer->event);
    }

    ngx_free(timer);
}
