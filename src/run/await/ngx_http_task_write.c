
/*
 * ngx_task_write() and its like: an async function waits until all that it
 * streams is in the ring.
 *
 * The first of those that wait may have put a part.  If it is let go then, what
 * is left of a line or an event stays in its place; bytes are the function's
 * own, and may be gone.
 */


#include "run/ngx_http_task_run.h"
#include "task/ngx_http_task_stream.h"


static ngx_task_rc_t ngx_http_task_write(ngx_http_task_branch_t *b,
    const u_char *data, size_t len, ngx_uint_t whole);
static ngx_task_rc_t ngx_http_task_write_text(ngx_http_task_branch_t *b,
    u_char *text, size_t len, const char *type);
static void ngx_http_task_write_add(ngx_http_task_stream_t *s,
    ngx_http_task_rest_t *rest);
static void ngx_http_task_write_resume(ngx_task_t *t);
static ngx_int_t ngx_http_task_write_put(ngx_task_t *t,
    ngx_http_task_rest_t *rest);
static ngx_int_t ngx_http_task_write_cancel(ngx_http_task_branch_t *b);
static void ngx_http_task_write_end(ngx_http_task_stream_t *s,
    ngx_http_task_rest_t *rest);


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
    ngx_task_t              *t;
    ngx_http_task_rest_t    *rest;
    ngx_http_task_stream_t  *s;

    t = b->task;
    s = t->stream;
    rest = &b->rest;

    rest->data = data;
    rest->len = len;
    rest->whole = whole;

    /* what others still have to write goes first */

    if (s->resume == NULL && ngx_http_task_write_put(t, rest) == NGX_OK) {
        return NGX_TASK_OK;
    }

    ngx_http_task_write_add(s, rest);

    return ngx_http_task_async_await(b, &ngx_http_task_write_await);
}


static void
ngx_http_task_write_add(ngx_http_task_stream_t *s, ngx_http_task_rest_t *rest)
{
    if (s->resume == NULL) {
        ngx_queue_init(&s->writers);
        s->since = ngx_http_task_now();
        s->resume = ngx_http_task_write_resume;
    }

    ngx_queue_insert_tail(&s->writers, &rest->queue);
}


/* NGX_AGAIN: the ring is full */

static ngx_int_t
ngx_http_task_write_put(ngx_task_t *t, ngx_http_task_rest_t *rest)
{
    size_t  n, len;

    len = rest->len;

    do {
        n = ngx_http_task_stream_put(t->stream, rest->data, rest->len,
                                     rest->whole);

        rest->data += n;
        rest->len -= n;

    } while (n && rest->len);

    /* with no bytes the header is sent */

    if (rest->len < len || len == 0) {
        ngx_http_task_stream_go(t);
    }

    return rest->len ? NGX_AGAIN : NGX_OK;
}


/* the first one of those that write goes on; then there is another turn */

static void
ngx_http_task_write_resume(ngx_task_t *t)
{
    ngx_queue_t             *q;
    ngx_http_task_rest_t    *rest;
    ngx_http_task_branch_t  *b;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    q = ngx_queue_head(&s->writers);
    rest = ngx_queue_data(q, ngx_http_task_rest_t, queue);

    if (ngx_http_task_write_put(t, rest) != NGX_OK) {
        return;
    }

    ngx_http_task_write_end(s, rest);

    if (rest != &s->rest) {
        b = ngx_queue_data(rest, ngx_http_task_branch_t, rest);
        ngx_http_task_async_continue(b, NGX_TASK_OK);
    }
}


static ngx_int_t
ngx_http_task_write_cancel(ngx_http_task_branch_t *b)
{
    ngx_http_task_rest_t    *rest;
    ngx_http_task_stream_t  *s;

    s = b->task->stream;
    rest = &b->rest;

    /* only the first one has begun */

    if (rest->text && rest->data != rest->text) {
        s->rest = *rest;
        rest->text = NULL;

        ngx_queue_insert_head(&s->writers, &s->rest.queue);
    }

    ngx_http_task_write_end(s, rest);

    return NGX_OK;
}


static void
ngx_http_task_write_end(ngx_http_task_stream_t *s, ngx_http_task_rest_t *rest)
{
    ngx_queue_remove(&rest->queue);

    if (ngx_queue_empty(&s->writers)) {
        ngx_http_task_stream_unwait(s);
    }

    cJSON_free(rest->text);
    rest->text = NULL;
}


/* nobody else writes then: a thread that streams writes the rest first */

void
ngx_http_task_write_lend(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    if (s && s->rest.text) {
        ngx_http_task_stream_unwait(s);
    }
}


void
ngx_http_task_write_take_back(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    if (s && s->rest.text) {
        ngx_http_task_write_add(s, &s->rest);
        ngx_http_task_stream_go(t);
    }
}
