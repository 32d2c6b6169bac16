
/*
 * ngx_task_sleep(): an async function waits for a time.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_sleep_handler(void *data);
static ngx_int_t ngx_http_task_sleep_cancel(ngx_http_task_branch_t *b);


static const ngx_http_task_await_t  ngx_http_task_sleep = {
    .cancel = ngx_http_task_sleep_cancel
};


ngx_task_rc_t
ngx_task_sleep(ngx_task_frame_t *f, int64_t ms)
{
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    if (ms <= 0) {
        return NGX_TASK_OK;
    }

    ms = ngx_min(ms, NGX_HTTP_TASK_MAX_MS);

    ngx_http_task_timer_set(&b->timer, ngx_http_task_sleep_handler, b,
                            ngx_http_task_now() + ms * 1000000);

    return ngx_http_task_async_await(b, &ngx_http_task_sleep);
}


static void
ngx_http_task_sleep_handler(void *data)
{
    ngx_http_task_async_continue(data, NGX_TASK_OK);
}


static ngx_int_t
ngx_http_task_sleep_cancel(ngx_http_task_branch_t *b)
{
    ngx_http_task_timer_clear(&b->timer);

    return NGX_OK;
}
