
/*
 * A task whose client is a request: the request is answered when the task
 * ends, and the task is cancelled when the client leaves before that.
 */


#include "http/ngx_http_task_http.h"
#include "task/ngx_http_task_stream.h"


/* told when the request ends, and then, when its pool is freed */

typedef struct {
    ngx_http_cleanup_t  request;
    ngx_pool_cleanup_t  pool;
} ngx_http_task_request_end_t;


static void ngx_http_task_request_cleanup(void *data);
static void ngx_http_task_request_pool_cleanup(void *data);
static ngx_uint_t ngx_http_task_request_left(ngx_task_t *t);
static void ngx_http_task_request_answer(ngx_task_t *t);
static void ngx_http_task_request_answer_stream(ngx_task_t *t);
static ngx_int_t ngx_http_task_request_failed(ngx_task_t *t);
static void ngx_http_task_request_log(ngx_task_t *t);


static const ngx_http_task_client_t  ngx_http_task_request = {
    .watch = ngx_http_task_request_watch,
    .told = ngx_http_task_stream_told,
    .write = ngx_http_task_request_write,
    .enter = ngx_http_task_request_enter,
    .left = ngx_http_task_request_left,
    .answer = ngx_http_task_request_answer
};


ngx_int_t
ngx_http_task_request_attach(ngx_task_t *t)
{
    ngx_http_request_t           *r;
    ngx_http_task_request_end_t  *end;

    r = t->request;

    /* as nginx's functions add cleanups, but both in one allocation */

    end = ngx_palloc(r->pool, sizeof(ngx_http_task_request_end_t));
    if (end == NULL) {
        return NGX_ERROR;
    }

    end->pool.handler = ngx_http_task_request_pool_cleanup;
    end->pool.data = t;
    end->pool.next = r->pool->cleanup;

    r->pool->cleanup = &end->pool;

    end->request.handler = ngx_http_task_request_cleanup;
    end->request.data = t;
    end->request.next = r->main->cleanup;

    r->main->cleanup = &end->request;

    ngx_http_set_ctx(r, t, ngx_http_task_module);

    return NGX_OK;
}


ngx_int_t
ngx_http_task_request_start(ngx_task_t *t)
{
    t->starting = 1;
    t->answer = NGX_DONE;

    ngx_http_task_start(t, &ngx_http_task_request);

    t->starting = 0;

    return t->answer;
}


/* the request is terminated: the client left, or its connection failed */

static void
ngx_http_task_request_cleanup(void *data)
{
    ngx_task_t *t = data;

    if (t->state == NGX_HTTP_TASK_PENDING) {
        ngx_http_task_cancel(t);

    } else if (t->streamed) {
        t->stream->over = 1;
    }
}


static void
ngx_http_task_request_pool_cleanup(void *data)
{
    ngx_task_t *t = data;

    t->request = NULL;

    ngx_http_task_release(t);
}


void
ngx_http_task_request_watch(ngx_task_t *t)
{
    ngx_http_request_t  *r;

    r = t->request;

    if (t->conf->ignore_client_abort) {
        r->write_event_handler = ngx_http_request_empty_handler;
        return;
    }

    ngx_http_task_watch(r);
}


ngx_connection_t *
ngx_http_task_request_enter(ngx_task_t *t)
{
    ngx_connection_t  *c;

    if (t->request == NULL) {
        return NULL;
    }

    c = t->request->connection;

    ngx_http_set_log_request(c->log, t->request);

    return c;
}


/* the client has left if post_action has taken the request elsewhere */

static ngx_uint_t
ngx_http_task_request_left(ngx_task_t *t)
{
    return ngx_http_task_elsewhere(t->request, t->changes);
}


static void
ngx_http_task_request_answer(ngx_task_t *t)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = t->request;

    if (t->state == NGX_HTTP_TASK_CANCELLED) {
        return;
    }

    r->read_event_handler = ngx_http_block_reading;

    if (t->streamed) {
        ngx_http_task_request_answer_stream(t);
        return;
    }

    switch (t->state) {

    case NGX_HTTP_TASK_REJECTED:
        rc = ngx_http_task_send_unavailable(r, t->retry);
        break;

    case NGX_HTTP_TASK_TIMEOUT:
        rc = ngx_http_task_send_error(r, NGX_HTTP_GATEWAY_TIME_OUT, NULL);
        break;

    default:
        rc = ngx_http_task_request_send(t);
    }

    if (t->starting) {
        t->answer = rc;
        return;
    }

    ngx_http_finalize_request(r, rc);
}


static void
ngx_http_task_request_answer_stream(ngx_task_t *t)
{
    ngx_int_t  rc;

    if (t->state == NGX_HTTP_TASK_FAILED && !t->stream->left) {
        ngx_http_task_request_log(t);
    }

    rc = ngx_http_task_request_stream_answer(t);

    if (t->starting) {
        t->answer = rc;

    } else if (rc != NGX_DONE) {
        ngx_http_finalize_request(t->request, rc);
    }
}


ngx_int_t
ngx_http_task_request_send(ngx_task_t *t)
{
    ngx_http_request_t      *r;
    ngx_http_task_result_t  *result;

    r = t->request;
    result = &t->result;

    if (result->invalid) {
        return ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE,
                                        &result->body);
    }

    if (t->rc != NGX_TASK_OK) {
        return ngx_http_task_request_failed(t);
    }

    if (ngx_http_task_result_headers(t, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_body(r, result->status ? result->status
                                                     : NGX_HTTP_OK,
                                   result->type.len ? &result->type
                                                    : &ngx_http_task_json_type,
                                   &result->body);
}


/* the client sees what ngx_task_fail() was given, or else a plain 500 */

static ngx_int_t
ngx_http_task_request_failed(ngx_task_t *t)
{
    ngx_int_t                rc;
    ngx_str_t                body;
    ngx_uint_t               status;
    ngx_http_request_t      *r;
    ngx_http_task_result_t  *result;

    r = t->request;
    result = &t->result;

    ngx_http_task_request_log(t);

    if (ngx_http_task_result_why(t)) {
        return ngx_http_task_send_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        NULL);
    }

    status = result->failed;

    rc = ngx_http_task_error_detail(r->pool, &result->detail, &body);

    /* an error_page that replaces the answer gets none of its headers */

    if (rc == NGX_OK && !ngx_http_task_has_error_page(r, status)) {
        rc = ngx_http_task_result_headers(t, 1);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, status, &body);
}


/* logs why a task has failed */

static void
ngx_http_task_request_log(ngx_task_t *t)
{
    u_char       buf[NGX_HTTP_TASK_LOG_TEXT];
    size_t       len;
    ngx_log_t   *log;
    ngx_uint_t   status;
    const char  *why;

    log = t->request->connection->log;
    why = ngx_http_task_result_why(t);

    if (why) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "task \"%V\" failed: %s",
                      &t->function->name, why);
        return;
    }

    status = t->result.failed;

    len = ngx_http_task_log_escape(buf, sizeof(buf), t->result.detail.data,
                                   t->result.detail.len);

    ngx_log_error(ngx_http_task_failed_level(status), log, 0,
                  "task \"%V\" failed, %ui: %*s",
                  &t->function->name, status, len, buf);
}


ngx_task_t *
ngx_http_task_request_task(ngx_http_request_t *r)
{
    ngx_task_t          *t;
    ngx_pool_cleanup_t  *cln;

    t = ngx_http_get_module_ctx(r, ngx_http_task_module);

    if (t || !(r->internal || r->filter_finalize)) {
        return t;
    }

    /* an internal redirect clears contexts; the latest cleanup is first */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_task_request_pool_cleanup) {
            t = cln->data;

            if (t->request == r) {
                return t;
            }
        }
    }

    return NULL;
}
