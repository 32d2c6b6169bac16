
/*
 * ngx_task_fetch(): the await.  The function never runs in an event of the
 * request's, and the request never in the function's: each begins and ends by
 * an event of our own.
 */


#include "run/await/ngx_http_task_fetch.h"


/* max_body if it is 0, bytes */

#define NGX_HTTP_TASK_FETCH_BODY  (1024 * 1024)


static ngx_task_rc_t ngx_http_task_fetch_start(ngx_http_task_branch_t *b,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply);
static ngx_task_rc_t ngx_http_task_fetch_refused(ngx_task_t *t, ngx_int_t rc,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply);
static const char *ngx_http_task_fetch_wrong(ngx_task_t *t,
    const ngx_task_request_t *request);
static const char *ngx_http_task_fetch_invalid(
    const ngx_task_request_t *request);
static const char *ngx_http_task_fetch_bad_header(
    const ngx_task_header_t *header);
static ngx_uint_t ngx_http_task_fetch_is_token(const char *p);
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


/* returns what is wrong in the function, or NULL */

static const char *
ngx_http_task_fetch_wrong(ngx_task_t *t, const ngx_task_request_t *request)
{
    size_t  i;

    if (request->size < sizeof(ngx_task_request_t)) {
        return "fetches with a request whose size is not set";
    }

    if (request->uri == NULL) {
        return "fetches NULL";
    }

    if (request->flags & ~(unsigned) (NGX_TASK_FETCH_FILE|NGX_TASK_FETCH_BODY))
    {
        return "fetches with flags that do not exist";
    }

    if ((request->body == NULL && request->body_len)
        || (request->headers == NULL && request->nheaders))
    {
        return "fetches with a body, or headers, that are NULL";
    }

    for (i = 0; i < request->nheaders; i++) {
        if (request->headers[i].name == NULL
            || request->headers[i].value == NULL)
        {
            return "fetches with a header that is NULL";
        }
    }

    if (!(request->flags & NGX_TASK_FETCH_BODY)) {
        return NULL;
    }

    if (!(t->function->table.flags & NGX_TASK_RAW_BODY)) {
        return "passes on the body without NGX_TASK_RAW_BODY";
    }

    return request->body ? "fetches with two bodies" : NULL;
}


/* returns what is wrong with it, which a client may have sent; or NULL */

static const char *
ngx_http_task_fetch_invalid(const ngx_task_request_t *request)
{
    size_t       i;
    const char  *p, *wrong;

    if (request->method && !ngx_http_task_fetch_is_token(request->method)) {
        return "an invalid method";
    }

    if (request->uri[0] != '/') {
        return "an URI that does not begin with \"/\"";
    }

    for (p = request->uri; *p; p++) {
        if ((u_char) *p <= ' ' || *p == 0x7f) {
            return "a space or a control character in its URI";
        }
    }

    for (i = 0; i < request->nheaders; i++) {
        wrong = ngx_http_task_fetch_bad_header(&request->headers[i]);

        if (wrong) {
            return wrong;
        }
    }

    return NULL;
}


static const char *
ngx_http_task_fetch_bad_header(const ngx_task_header_t *header)
{
    size_t       i;
    const char  *p;

    /* of a connection, or said by nginx */

    static const char  *own[] = {
        "Connection", "Content-Length", "Expect", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        NULL
    };

    if (!ngx_http_task_fetch_is_token(header->name)) {
        return "an invalid name of a header";
    }

    for (p = header->value; *p; p++) {
        if (((u_char) *p < ' ' && *p != '\t') || *p == 0x7f) {
            return "a control character in a header";
        }
    }

    for (i = 0; own[i]; i++) {
        if (ngx_strcasecmp((u_char *) header->name, (u_char *) own[i]) == 0) {
            return "a header that is nginx's own";
        }
    }

    return NULL;
}


/* as HTTP has methods, and names of headers */

static ngx_uint_t
ngx_http_task_fetch_is_token(const char *p)
{
    if (*p == '\0') {
        return 0;
    }

    for ( /* void */ ; *p; p++) {

        if ((u_char) *p <= ' ' || (u_char) *p >= 0x7f
            || strchr("\"(),/:;<=>?@[\\]{}", *p))
        {
            return 0;
        }
    }

    return 1;
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


/* a reply that is there counts, what still reads the body does not */

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
