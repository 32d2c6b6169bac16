
/*
 * ngx_task_fetch(): the await.  The function never runs in an event of the
 * request's, and the request never in the function's: each begins and ends by
 * an event of our own.
 */


#include "run/await/ngx_http_task_fetch.h"


/* max_body if it is 0, bytes */

#define NGX_HTTP_TASK_FETCH_BODY  (1024 * 1024)


/* max_body at most, so that a size can be doubled, bytes */

#define NGX_HTTP_TASK_FETCH_MOST  (NGX_MAX_SIZE_T_VALUE / 4)


static ngx_task_rc_t ngx_http_task_fetch_start(ngx_http_task_branch_t *b,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply);
static ngx_task_rc_t ngx_http_task_fetch_refused(ngx_task_t *t, ngx_int_t rc,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply);
static ngx_http_task_fetch_t *ngx_http_task_fetch_make(ngx_task_t *t,
    const ngx_task_request_t *request);
static void ngx_http_task_fetch_handler(ngx_event_t *ev);
static void ngx_http_task_fetch_done(ngx_http_task_fetch_t *fetch);
static void ngx_http_task_fetch_time(void *data);
static ngx_int_t ngx_http_task_fetch_cancel(ngx_http_task_branch_t *b);
static void ngx_http_task_fetch_free(ngx_http_task_kept_t *kept);


static const ngx_http_task_await_t  ngx_http_task_fetch = {
    .cancel = ngx_http_task_fetch_cancel
};


/* replies of what was not begun */

static const ngx_task_reply_t  ngx_http_task_fetch_einval = {
    .fd = -1,
    .error = EINVAL
};

static const ngx_task_reply_t  ngx_http_task_fetch_eagain = {
    .fd = -1,
    .error = EAGAIN
};

static const ngx_task_reply_t  ngx_http_task_fetch_enomem = {
    .fd = -1,
    .error = ENOMEM
};

static const ngx_task_reply_t  ngx_http_task_fetch_eloop = {
    .fd = -1,
    .error = ELOOP
};


ngx_task_rc_t
ngx_task_fetch(ngx_task_frame_t *f, const ngx_task_request_t *request,
    const ngx_task_reply_t **reply)
{
    ngx_task_t              *t;
    const char              *wrong;
    ngx_http_task_branch_t  *b;

    *reply = &ngx_http_task_fetch_einval;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    t = b->task;
    wrong = ngx_http_task_fetch_wrong(t, request);

    if (wrong) {
        ngx_http_task_log_misuse(t, wrong);
        return NGX_TASK_FAILED;
    }

    wrong = ngx_http_task_fetch_invalid(request);

    if (wrong) {
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "fetches \"%s\" with %s",
                     request->uri, wrong);
        return NGX_TASK_FAILED;
    }

    return ngx_http_task_fetch_start(b, request, reply);
}


static ngx_task_rc_t
ngx_http_task_fetch_start(ngx_http_task_branch_t *b,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply)
{
    ngx_int_t               rc;
    ngx_task_t             *t;
    ngx_http_task_fetch_t  *fetch;

    t = b->task;

    fetch = ngx_http_task_fetch_make(t, request);
    rc = fetch ? ngx_http_task_fetch_create(fetch, request) : NGX_ERROR;

    if (rc != NGX_OK) {

        if (fetch) {
            ngx_free(fetch);
        }

        return ngx_http_task_fetch_refused(t, rc, request, reply);
    }

    ngx_http_task_keep(t, &fetch->kept);

    *reply = &fetch->reply;

    fetch->branch = b;
    b->awaited = fetch;

    ngx_post_event(&fetch->event, &ngx_posted_events);

    /* without a bound, too, a worker that quits waits */

    ngx_http_task_timer_set(&b->timer, ngx_http_task_fetch_time, b,
                            ngx_http_task_until(request->timeout > 0
                                                ? request->timeout : -1));

    return ngx_http_task_async_await(b, &ngx_http_task_fetch);
}


static ngx_task_rc_t
ngx_http_task_fetch_refused(ngx_task_t *t, ngx_int_t rc,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply)
{
    switch (rc) {

    case NGX_BUSY:
        *reply = &ngx_http_task_fetch_eagain;
        return NGX_TASK_BUSY;

    case NGX_DECLINED:
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "fetches \"%s\", which fetches "
                     "itself", request->uri);
        *reply = &ngx_http_task_fetch_eloop;
        return NGX_TASK_FAILED;

    default:
        ngx_http_task_no_memory(t);
        *reply = &ngx_http_task_fetch_enomem;
        return NGX_TASK_FAILED;
    }
}


static ngx_http_task_fetch_t *
ngx_http_task_fetch_make(ngx_task_t *t, const ngx_task_request_t *request)
{
    ngx_event_t            *ev;
    ngx_http_task_fetch_t  *fetch;

    fetch = ngx_calloc(sizeof(ngx_http_task_fetch_t), ngx_cycle->log);

    if (fetch == NULL) {
        return NULL;
    }

    fetch->kept.free = ngx_http_task_fetch_free;
    fetch->task = t;
    fetch->fd = NGX_INVALID_FILE;

    fetch->max = request->max_body ? request->max_body
                                   : NGX_HTTP_TASK_FETCH_BODY;
    fetch->max = ngx_min(fetch->max, NGX_HTTP_TASK_FETCH_MOST);
    fetch->to_file = request->flags & NGX_TASK_FETCH_FILE;

    fetch->reply.fd = -1;

    ev = &fetch->event;

    ev->handler = ngx_http_task_fetch_handler;
    ev->log = ngx_cycle->log;

    return fetch;
}


static void
ngx_http_task_fetch_handler(ngx_event_t *ev)
{
    ngx_http_task_fetch_t  *fetch;

    fetch = ngx_queue_data(ev, ngx_http_task_fetch_t, event);

    if (!fetch->begun) {
        ngx_http_task_fetch_run(fetch);
        return;
    }

    ngx_http_task_fetch_done(fetch);
}


static void
ngx_http_task_fetch_done(ngx_http_task_fetch_t *fetch)
{
    ngx_http_task_branch_t  *b;

    b = fetch->branch;
    fetch->branch = NULL;

    ngx_http_task_timer_clear(&b->timer);

    if (fetch->error == 0 && ngx_http_task_reply_make(fetch) != NGX_OK) {
        fetch->error = ENOMEM;
    }

    if (fetch->error) {
        fetch->reply.error = fetch->error;

        ngx_http_task_reply_clear(fetch);

        if (fetch->error == EFBIG) {
            ngx_task_log(fetch->task, NGX_TASK_LOG_ERROR,
                         "fetches a body of more than %zu bytes", fetch->max);
        }
    }

    ngx_http_task_async_continue(b, fetch->error ? NGX_TASK_FAILED
                                                 : NGX_TASK_OK);
}


/* a reply that is there counts, what still reads its task's body does not */

static void
ngx_http_task_fetch_time(void *data)
{
    ngx_http_task_branch_t *b = data;

    ngx_http_task_fetch_t  *fetch;

    fetch = b->awaited;

    if (fetch->complete) {

        /* or it has ended in this turn of the loop */

        if (fetch->request) {
            ngx_http_task_fetch_abort(fetch);
            ngx_http_task_fetch_done(fetch);
        }

        return;
    }

    (void) ngx_http_task_fetch_cancel(b);

    fetch->reply.error = ETIMEDOUT;

    ngx_http_task_async_continue(b, NGX_TASK_TIMEOUT);
}


static ngx_int_t
ngx_http_task_fetch_cancel(ngx_http_task_branch_t *b)
{
    ngx_http_task_fetch_t *fetch = b->awaited;

    ngx_http_task_timer_clear(&b->timer);

    fetch->branch = NULL;
    fetch->reply.error = ECANCELED;

    if (fetch->event.posted) {
        ngx_delete_posted_event(&fetch->event);
    }

    if (fetch->request) {
        ngx_http_task_fetch_abort(fetch);
    }

    ngx_http_task_reply_clear(fetch);

    return NGX_OK;
}


static void
ngx_http_task_fetch_free(ngx_http_task_kept_t *kept)
{
    ngx_http_task_fetch_t  *fetch;

    fetch = ngx_queue_data(kept, ngx_http_task_fetch_t, kept);

    ngx_http_task_reply_clear(fetch);
    ngx_free(fetch);
}


void
ngx_task_reply_free(const ngx_task_reply_t *reply)
{
    ngx_http_task_fetch_t  *fetch;

    if (reply == NULL || (reply->status == 0 && reply->error == 0)
        || reply == &ngx_http_task_fetch_einval
        || reply == &ngx_http_task_fetch_eagain
        || reply == &ngx_http_task_fetch_enomem
        || reply == &ngx_http_task_fetch_eloop)
    {
        return;
    }

    fetch = ngx_queue_data(reply, ngx_http_task_fetch_t, reply);

    ngx_http_task_keep_one_no_longer(fetch->task, &fetch->kept);
    ngx_http_task_fetch_free(&fetch->kept);
}
