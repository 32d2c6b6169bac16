
/*
 * The file of a body, when the task is over.  nginx has removed its name, so
 * whoever closes it last gives its room back: about 50 ms a GB.  nginx closes
 * it with the request, which is in this turn of the event loop, or was before;
 * so a file that is large is closed in the next one, by a thread.
 */


#include "run/ngx_http_task_run.h"


/* bytes of a body; what is smaller takes less than a millisecond */

#define NGX_HTTP_TASK_CLOSE_LARGE  8388608


typedef struct {
    ngx_event_t         next;
    ngx_thread_task_t   thread;
    ngx_thread_pool_t  *pool;
    ngx_fd_t            fd;
} ngx_http_task_close_t;


static void ngx_http_task_close_next(ngx_event_t *ev);
static void ngx_http_task_close_thread(void *data, ngx_log_t *log);
static void ngx_http_task_close_done(ngx_event_t *ev);


void
ngx_http_task_close(ngx_task_t *t)
{
    ngx_http_task_close_t  *later;

    if (t->in.body.fd == NGX_INVALID_FILE) {
        return;
    }

    later = NULL;

    if (t->conf->mode.pool && t->in.body.len >= NGX_HTTP_TASK_CLOSE_LARGE) {
        later = ngx_calloc(sizeof(ngx_http_task_close_t), ngx_cycle->log);
    }

    if (later == NULL) {
        ngx_http_task_body_close(&t->in);
        return;
    }

    later->pool = t->conf->mode.pool;
    later->fd = t->in.body.fd;

    t->in.body.fd = NGX_INVALID_FILE;

    later->next.handler = ngx_http_task_close_next;
    later->next.data = later;
    later->next.log = ngx_cycle->log;

    ngx_post_event(&later->next, &ngx_posted_next_events);
}


static void
ngx_http_task_close_next(ngx_event_t *ev)
{
    ngx_http_task_close_t *later = ev->data;

    later->thread.ctx = later;
    later->thread.handler = ngx_http_task_close_thread;
    later->thread.event.handler = ngx_http_task_close_done;
    later->thread.event.data = later;
    later->thread.event.log = ngx_cycle->log;

    if (ngx_thread_task_post(later->pool, &later->thread) != NGX_OK) {
        ngx_http_task_close_thread(later, NULL);
        ngx_free(later);
    }
}


static void
ngx_http_task_close_thread(void *data, ngx_log_t *log)
{
    ngx_http_task_close_t *later = data;

    (void) close(later->fd);
}


static void
ngx_http_task_close_done(ngx_event_t *ev)
{
    ngx_free(ev->data);
}
