
/*
 * task_timeout: the client has its answer on time, whatever becomes of the
 * task.
 */


#include "task/ngx_http_task.h"


static int64_t ngx_http_task_timeout_deadline(ngx_task_t *t);
static void ngx_http_task_timeout_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_task_timeout_set(ngx_task_t *t)
{
    ngx_event_t  *ev;

    if (t->conf->timeout == 0) {
        return NGX_OK;
    }

    ev = t->timeout;

    if (ev == NULL) {
        ev = ngx_pcalloc(t->pool, sizeof(ngx_event_t));
        if (ev == NULL) {
            return NGX_ERROR;
        }

        ev->handler = ngx_http_task_timeout_handler;
        ev->data = t;

        t->timeout = ev;
    }

    /* a job has another one than the request that its body was read for */

    ev->log = t->log;

    ngx_http_task_timer(ev, ngx_http_task_timeout_deadline(t));

    return NGX_OK;
}


void
ngx_http_task_timeout_clear(ngx_task_t *t)
{
    if (t->timeout && t->timeout->timer_set) {
        ngx_del_timer(t->timeout);
    }
}


static int64_t
ngx_http_task_timeout_deadline(ngx_task_t *t)
{
    return t->created + (int64_t) t->conf->timeout * 1000000;
}


static void
ngx_http_task_timeout_handler(ngx_event_t *ev)
{
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = ev->data;

    if (ngx_http_task_timer_early(ev, ngx_http_task_timeout_deadline(t))) {
        return;
    }

    c = ngx_http_task_enter(t);

    ngx_log_error(NGX_LOG_ERR, t->log, 0, "task \"%V\" timed out",
                  &t->function->name);

    if (t->reading) {
        ngx_http_task_read_end(t, NGX_HTTP_GATEWAY_TIME_OUT);

    } else {
        ngx_http_task_expire(t);
    }

    ngx_http_task_leave(c);
}
