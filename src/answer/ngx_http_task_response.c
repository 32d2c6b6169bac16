
/*
 * The one place that sends headers, and the bodies of errors.
 */


#include "answer/ngx_http_task_answer.h"


typedef struct {
    ngx_uint_t  status;
    ngx_str_t   body;
} ngx_http_task_status_body_t;


ngx_str_t  ngx_http_task_json_type = ngx_string("application/json");
ngx_str_t  ngx_http_task_events_type = ngx_string("text/event-stream");
ngx_str_t  ngx_http_task_events_retry = ngx_string("retry: 1000\n\n");


static ngx_http_task_status_body_t  ngx_http_task_status_bodies[] = {
    { NGX_HTTP_NOT_ALLOWED,
      ngx_string("{\"detail\":\"Method Not Allowed\"}") },
    { NGX_HTTP_NOT_FOUND,
      ngx_string("{\"detail\":\"Not Found\"}") },
    { NGX_HTTP_CONFLICT,
      ngx_string("{\"detail\":\"Conflict\"}") },
    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
      ngx_string("{\"detail\":\"Request Entity Too Large\"}") },
    { NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
      ngx_string("{\"detail\":\"Unsupported Media Type\"}") },
    { NGX_HTTP_SERVICE_UNAVAILABLE,
      ngx_string("{\"detail\":\"Service Unavailable\"}") },
    { NGX_HTTP_GATEWAY_TIME_OUT,
      ngx_string("{\"detail\":\"Gateway Timeout\"}") },

    /* the last one stands for all others, too */

    { NGX_HTTP_INTERNAL_SERVER_ERROR,
      ngx_string("{\"detail\":\"Internal Server Error\"}") }
};


ngx_int_t
ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *body)
{
    return ngx_http_task_send_body(r, status, &ngx_http_task_json_type, body);
}


ngx_int_t
ngx_http_task_send_body(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    static ngx_str_t  nothing = ngx_null_string;

    if (status == NGX_HTTP_TASK_RESET_CONTENT) {
        body = &nothing;
    }

    rc = ngx_http_task_send_header(r, status, type, body->len);

    if (rc != NGX_OK || (r != r->main && body->len == 0)) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = body->len ? 1 : 0;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_task_send_header(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, off_t len)
{
    u_char     *p;
    ngx_int_t   rc;

    /* not ngx_http_send_response(): it takes the body of a redirect as URL */

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    p = (type == &ngx_http_task_json_type)
        ? NULL : ngx_strlchr(type->data, type->data + type->len, ';');

    r->headers_out.status = status;
    r->headers_out.content_length_n = len;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = p ? (size_t) (p - type->data) : type->len;
    r->headers_out.content_type_lowcase = NULL;

    if (status == NGX_HTTP_NOT_MODIFIED) {

        /* the headers would describe a body that is not sent */

        ngx_http_clear_content_length(r);
        ngx_str_null(&r->headers_out.content_type);
    }

    /* the function has run: a precondition could not undo that */

    r->disable_not_modified = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    /* NGX_AGAIN: the header is on its way, and the body may follow */

    return r->header_only ? NGX_DONE : NGX_OK;
}


ngx_int_t
ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    if (ngx_http_task_has_error_page(r, status)) {
        return status;
    }

    /* an error does not need the request's body: send no "100 Continue" */

    r->expect_tested = 1;

    if (body == NULL) {
        body = ngx_http_task_status_body(status);
    }

    if (status == NGX_HTTP_TASK_UNPROCESSABLE) {

        /* nginx has no reason phrase for this one */

        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    return ngx_http_task_send(r, status, body);
}


ngx_int_t
ngx_http_task_send_not_allowed(ngx_http_request_t *r, ngx_str_t *allow)
{
    ngx_str_t  name;

    ngx_str_set(&name, "Allow");

    ngx_http_task_drop_header(r, &name);

    if (ngx_http_task_add_header(r, &name, allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, NGX_HTTP_NOT_ALLOWED, NULL);
}


ngx_int_t
ngx_http_task_send_unavailable(ngx_http_request_t *r, ngx_uint_t retry)
{
    ngx_str_t  name, value;

    ngx_str_set(&name, "Retry-After");

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%ui", retry) - value.data;

    ngx_http_task_drop_header(r, &name);

    if (ngx_http_task_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, NULL);
}


/* a task or a job that fails with a 4xx is not an error of the server */

ngx_uint_t
ngx_http_task_failed_level(ngx_uint_t status)
{
    return (status < NGX_HTTP_INTERNAL_SERVER_ERROR) ? NGX_LOG_INFO
                                                     : NGX_LOG_ERR;
}


ngx_str_t *
ngx_http_task_status_body(ngx_uint_t status)
{
    ngx_http_task_status_body_t  *e;

    e = ngx_http_task_status_bodies;

    while (e->status != status && e->status != NGX_HTTP_INTERNAL_SERVER_ERROR) {
        e++;
    }

    return &e->body;
}


/* looks for it as ngx_http_special_response_handler() will */

ngx_uint_t
ngx_http_task_has_error_page(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_uint_t                 i;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->error_page || clcf->error_pages == NULL || r->uri_changes == 0) {
        return 0;
    }

    page = clcf->error_pages->elts;

    for (i = 0; i < clcf->error_pages->nelts; i++) {
        if (page[i].status == (ngx_int_t) status) {
            return 1;
        }
    }

    return 0;
}
