
/*
 * Server-sent events, and lines of JSON, as a function streams them.
 */


#include "task/ngx_http_task_stream.h"
#include "text/ngx_http_task_event.h"


static ngx_task_rc_t ngx_http_task_stream_text_send(ngx_task_t *t,
    u_char *text, size_t len, const char *type);


u_char *
ngx_http_task_stream_event(ngx_task_t *t, const char *event, const char *id,
    const char *data, size_t *len)
{
    size_t   n;
    u_char  *text;

    if ((event && strpbrk(event, "\r\n")) || (id && strpbrk(id, "\r\n"))) {
        ngx_http_task_log_misuse(t, "streams an event whose name or id has a "
                                    "line end");
        return NULL;
    }

    n = data ? ngx_strlen(data) : 0;

    text = cJSON_malloc(ngx_http_task_event_size(event, id, data, n));

    if (text == NULL) {
        ngx_http_task_no_memory(t);
        return NULL;
    }

    *len = ngx_http_task_event_print(text, event, id, data, n) - text;

    return text;
}


u_char *
ngx_http_task_stream_line(ngx_task_t *t, cJSON *value, size_t *len)
{
    u_char  *text;

    if (value == NULL) {
        ngx_http_task_no_memory(t);
        return NULL;
    }

    text = NULL;

    if (ngx_http_task_set_takes(t, value)) {
        text = ngx_http_task_set_text(t, value, len);

        ngx_http_task_json_delete(value);
    }

    /* in place of the null behind it */

    if (text) {
        text[(*len)++] = LF;
    }

    return text;
}


ngx_task_rc_t
ngx_task_send_event(ngx_task_t *t, const char *event, const char *id,
    const char *data)
{
    size_t         len;
    u_char        *text;
    ngx_task_rc_t  rc;

    rc = ngx_http_task_stream_here(t);

    if (rc != NGX_TASK_OK) {
        return rc;
    }

    text = ngx_http_task_stream_event(t, event, id, data, &len);

    return ngx_http_task_stream_text_send(t, text, len,
                                          NGX_HTTP_TASK_STREAM_EVENTS);
}


ngx_task_rc_t
ngx_task_send_line(ngx_task_t *t, cJSON *value)
{
    size_t         len;
    u_char        *text;
    ngx_task_rc_t  rc;

    rc = ngx_http_task_stream_here(t);

    if (rc != NGX_TASK_OK) {
        ngx_http_task_json_delete(value);
        return rc;
    }

    text = ngx_http_task_stream_line(t, value, &len);

    return ngx_http_task_stream_text_send(t, text, len,
                                          NGX_HTTP_TASK_STREAM_LINES);
}


ngx_task_rc_t
ngx_http_task_stream_begin_text(ngx_task_t *t, u_char *text, const char *type)
{
    ngx_task_rc_t  rc;

    rc = text ? ngx_http_task_stream_begin(t, type) : NGX_TASK_FAILED;

    if (rc == NGX_TASK_OK && !t->stream->events
        && ngx_strcmp(type, NGX_HTTP_TASK_STREAM_EVENTS) == 0)
    {
        ngx_http_task_log_misuse(t, "streams an event in an answer of another "
                                    "type than text/event-stream");
        rc = NGX_TASK_FAILED;
    }

    if (rc != NGX_TASK_OK && text) {
        cJSON_free(text);
    }

    return rc;
}


static ngx_task_rc_t
ngx_http_task_stream_text_send(ngx_task_t *t, u_char *text, size_t len,
    const char *type)
{
    ngx_task_rc_t  rc;

    rc = ngx_http_task_stream_begin_text(t, text, type);

    if (rc != NGX_TASK_OK) {
        return rc;
    }

    rc = ngx_http_task_stream_send(t, text, len, 1);

    cJSON_free(text);

    return rc;
}
