
/*
 * The tasks of this worker that have not ended at once, in the order of their
 * requests: which of them run for longest is told in the status.
 */


#include "run/ngx_http_task_run.h"


/* so many are looked at: those in front may wait for their turn */

#define NGX_HTTP_TASK_RUNNING_LOOK  256


static ngx_queue_t  ngx_http_task_running;


void
ngx_http_task_running_init(void)
{
    ngx_queue_init(&ngx_http_task_running);
}


void
ngx_http_task_running_add(ngx_task_t *t)
{
    if (t->cell) {
        ngx_queue_insert_tail(&ngx_http_task_running, &t->running);
        t->listed = 1;
    }
}


void
ngx_http_task_running_remove(ngx_task_t *t)
{
    if (t->listed) {
        ngx_queue_remove(&t->running);
        t->listed = 0;
    }
}


ngx_uint_t
ngx_http_task_running_oldest(ngx_http_task_old_t *old, ngx_uint_t n)
{
    int64_t       begun;
    ngx_uint_t    i, looked;
    ngx_task_t   *t;
    ngx_queue_t  *q;

    i = 0;
    looked = 0;

    for (q = ngx_queue_head(&ngx_http_task_running);
         q != ngx_queue_sentinel(&ngx_http_task_running)
         && i < n && looked < NGX_HTTP_TASK_RUNNING_LOOK;
         q = ngx_queue_next(q), looked++)
    {
        t = ngx_queue_data(q, ngx_task_t, running);
        begun = ngx_http_task_atomic_get(&t->started);

        /* one that is about to begin */

        if (begun == 0 && t->conf->mode.executor->stalls) {
            begun = ngx_http_task_now();
        }

        if (begun > 0) {
            old[i].cell = t->cell;
            old[i++].begun = begun;
        }
    }

    return i;
}
