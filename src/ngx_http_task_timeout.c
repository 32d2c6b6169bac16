
/*
 * task_timeout: the client has its answer on time, whatever becomes of the
 * task.
 */


#include "ngx_http_task.h"


static void ngx_http_task_timeout_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_task_timeout_set(ngx_task_t *t)
{
    ngx_event_t  *ev;

    if (t->conf->timeout == 0) {
        return NGX_OK;
    }

    ev = ngx_pcalloc(t->pool, sizeof(ngx_event_t));
    if (ev == NULL) {
        return NGX_ERROR;
    }

    ev->handler = ngx_http_task_timeout_handler;
    ev->data = t;
    ev->log = t->log;

    t->timeout = ev;

    ngx_add_timer(ev, t->conf->timeout);

    return NGX_OK;
}


void
ngx_http_task_timeout_clear(ngx_task_t *t)
{
    if (t->timeout && t->timeout->timer_set) {
        ngx_del_timer(t->timeout);
    }
}


/* nginx's timers may fire early, see ngx_http_task_async.c */

static void
ngx_http_task_timeout_handler(ngx_event_t *ev)
{
    int64_t            left;
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = ev->data;

    left = t->created + (int64_t) t->conf->timeout * 1000000
           - ngx_http_task_now();

    if (left > 0) {
        ngx_add_timer(ev, (ngx_msec_t) ((left + 999999) / 1000000));
        return;
    }

    c = ngx_http_task_enter(t);

    ngx_http_task_expire(t);

    ngx_http_task_leave(c);
}
