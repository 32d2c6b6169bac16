
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
static void ngx_http_task_write_end(ngx_task_t *t);
static ngx_int_t ngx_http_task_write_cancel(ngx_http_task_branch_t *b);


static const ngx_http_task_await_t  ngx_http_task_write_await = {
    .cancel = ngx_http_task_write_cancel
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
        b->task->stream->text = text;

    } else {
        cJSON_free(text);
    }

    return rc;
}


static ngx_task_rc_t
ngx_http_task_write(ngx_http_task_branch_t *b, const u_char *data, size_t len,
    ngx_uint_t whole)
{
    size_t                   n;
    ngx_http_task_stream_t  *s;

    s = b->task->stream;

    do {
        n = ngx_http_task_stream_put(s, data, len, whole);

        data += n;
        len -= n;

    } while (n && len);

    ngx_http_task_stream_go(b->task);

    if (len == 0) {
        return NGX_TASK_OK;
    }

    s->rest = data;
    s->rest_len = len;
    s->rest_whole = whole;
    s->since = ngx_http_task_now();
    s->writer = b;
    s->resume = ngx_http_task_write_resume;

    return ngx_http_task_async_await(b, &ngx_http_task_write_await);
}


static void
ngx_http_task_write_resume(ngx_task_t *t)
{
    size_t                   n;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    while (s->rest_len) {
        n = ngx_http_task_stream_put(s, s->rest, s->rest_len, s->rest_whole);

        if (n == 0) {
            break;
        }

        s->rest += n;
        s->rest_len -= n;

        ngx_http_task_stream_go(t);
    }

    if (s->rest_len == 0) {
        ngx_http_task_write_end(t);
        ngx_http_task_async_continue(s->writer, NGX_TASK_OK);
    }
}


static void
ngx_http_task_write_end(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    s->resume = NULL;
    s->waited = ngx_http_task_stream_waited(s);
    s->since = 0;

    if (s->text) {
        cJSON_free(s->text);
        s->text = NULL;
    }
}


static ngx_int_t
ngx_http_task_write_cancel(ngx_http_task_branch_t *b)
{
    ngx_http_task_write_end(b->task);

    return NGX_OK;
}
