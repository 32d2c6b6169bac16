
/*
 * ngx_task_write() and its like: an async function waits until all that it
 * streams is in the ring.
 */


#include "run/ngx_http_task_run.h"
#include "task/ngx_http_task_stream.h"


static ngx_task_rc_t ngx_http_task_write(ngx_http_task_branch_t *b,
    const u_char *data, size_t len, ngx_uint_t whole);
static ngx_task_rc_t ngx_http_task_write_text(ngx_http_task_branch_t *b,
    u_char *text, size_t len, const char *type);
static void ngx_http_task_write_resume(ngx_task_t *t);
static ngx_int_t ngx_http_task_write_put(ngx_http_task_branch_t *b);
static ngx_int_t ngx_http_task_write_end(ngx_http_task_branch_t *b);


static const ngx_http_task_await_t  ngx_http_task_write_await = {
    .cancel = ngx_http_task_write_end
};


ngx_task_rc_t
ngx_task_write(ngx_task_frame_t *f, const void *data, size_t len)
{
    ngx_task_t              *t;
    ngx_task_rc_t            rc;
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    t = b->task;

    if (data == NULL && len) {
        ngx_http_task_log_misuse(t, "sends bytes that are NULL");
        return NGX_TASK_FAILED;
    }

    rc = ngx_http_task_stream_begin(t, NGX_HTTP_TASK_STREAM_BYTES);

    if (rc != NGX_TASK_OK) {
        return rc;
    }

    return ngx_http_task_write(b, data, len,
                               ngx_http_task_stream_ends_event(t->stream, data,
                                                               len));
}


ngx_task_rc_t
ngx_task_write_event(ngx_task_frame_t *f, const char *event, const char *id,
    const char *data)
{
    size_t                   len;
    u_char                  *text;
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    text = ngx_http_task_stream_event(b->task, event, id, data, &len);

    return ngx_http_task_write_text(b, text, len, NGX_HTTP_TASK_STREAM_EVENTS);
}


ngx_task_rc_t
ngx_task_write_line(ngx_task_frame_t *f, cJSON *value)
{
    size_t                   len;
    u_char                  *text;
    ngx_http_task_branch_t  *b;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        ngx_http_task_json_delete(value);
        return NGX_TASK_FAILED;
    }

    text = ngx_http_task_stream_line(b->task, value, &len);

    return ngx_http_task_write_text(b, text, len, NGX_HTTP_TASK_STREAM_LINES);
}


static ngx_task_rc_t
ngx_http_task_write_text(ngx_http_task_branch_t *b, u_char *text, size_t len,
    const char *type)
{
    ngx_task_rc_t  rc;

    rc = ngx_http_task_stream_begin_text(b->task, text, type);

    if (rc != NGX_TASK_OK) {
        return rc;
    }

    rc = ngx_http_task_write(b, text, len, 1);

    if (rc == NGX_TASK_AGAIN) {
        b->rest.text = text;

    } else {
        cJSON_free(text);
    }

    return rc;
}


static ngx_task_rc_t
ngx_http_task_write(ngx_http_task_branch_t *b, const u_char *data, size_t len,
    ngx_uint_t whole)
{
    ngx_http_task_rest_t    *rest;
    ngx_http_task_stream_t  *s;

    s = b->task->stream;
    rest = &b->rest;

    rest->data = data;
    rest->len = len;
    rest->whole = whole;

    /* what others still have to write goes first */

    if (s->resume == NULL && ngx_http_task_write_put(b) == NGX_OK) {
        return NGX_TASK_OK;
    }

    if (s->resume == NULL) {
        ngx_queue_init(&s->writers);
        s->since = ngx_http_task_now();
        s->resume = ngx_http_task_write_resume;
    }

    ngx_queue_insert_tail(&s->writers, &rest->queue);

    return ngx_http_task_async_await(b, &ngx_http_task_write_await);
}


/* NGX_AGAIN: the ring is full */

static ngx_int_t
ngx_http_task_write_put(ngx_http_task_branch_t *b)
{
    size_t                 n, len;
    ngx_http_task_rest_t  *rest;

    rest = &b->rest;
    len = rest->len;

    do {
        n = ngx_http_task_stream_put(b->task->stream, rest->data, rest->len,
                                     rest->whole);

        rest->data += n;
        rest->len -= n;

    } while (n && rest->len);

    /* with no bytes the header is sent */

    if (rest->len < len || len == 0) {
        ngx_http_task_stream_go(b->task);
    }

    return rest->len ? NGX_AGAIN : NGX_OK;
}


/* the first one of those that write goes on; then there is another turn */

static void
ngx_http_task_write_resume(ngx_task_t *t)
{
    ngx_queue_t             *q;
    ngx_http_task_branch_t  *b;

    q = ngx_queue_head(&t->stream->writers);
    b = ngx_queue_data(q, ngx_http_task_branch_t, rest.queue);

    if (ngx_http_task_write_put(b) == NGX_OK) {
        (void) ngx_http_task_write_end(b);
        ngx_http_task_async_continue(b, NGX_TASK_OK);
    }
}


static ngx_int_t
ngx_http_task_write_end(ngx_http_task_branch_t *b)
{
    ngx_http_task_stream_t  *s;

    s = b->task->stream;

    ngx_queue_remove(&b->rest.queue);

    if (ngx_queue_empty(&s->writers)) {
        s->resume = NULL;
        s->waited = ngx_http_task_stream_waited(s);
        s->since = 0;
    }

    if (b->rest.text) {
        cJSON_free(b->rest.text);
        b->rest.text = NULL;
    }

    return NGX_OK;
}
