
/*
 * Results and errors to JSON, and the one place that sends headers.
 *
 * A body that is too large is refused by nginx before any content handler is
 * called.  That the client gets JSON then as well is up to the two filters
 * here, which see only a 413 of nginx's own in a location with a task.
 */


#include "ngx_http_task.h"


typedef struct {
    ngx_uint_t  status;
    ngx_str_t   body;
} ngx_http_task_error_t;


static ngx_str_t *ngx_http_task_error_body(ngx_uint_t status);
static ngx_uint_t ngx_http_task_has_error_page(ngx_http_request_t *r,
    ngx_uint_t status);
static ngx_int_t ngx_http_task_add_header(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_task_send_body(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);
static ngx_int_t ngx_http_task_send_failed(ngx_task_t *t);
static ngx_int_t ngx_http_task_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_str_t  ngx_http_task_json_type = ngx_string("application/json");


static ngx_http_task_error_t  ngx_http_task_errors[] = {
    { NGX_HTTP_NOT_ALLOWED,
      ngx_string("{\"detail\":\"Method Not Allowed\"}") },
    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
      ngx_string("{\"detail\":\"Request Entity Too Large\"}") },
    { NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
      ngx_string("{\"detail\":\"Unsupported Media Type\"}") },
    { NGX_HTTP_SERVICE_UNAVAILABLE,
      ngx_string("{\"detail\":\"Service Unavailable\"}") },

    /* the last one, and any other */

    { NGX_HTTP_INTERNAL_SERVER_ERROR,
      ngx_string("{\"detail\":\"Internal Server Error\"}") }
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *body)
{
    return ngx_http_task_send_body(r, status, &ngx_http_task_json_type, body);
}


static ngx_int_t
ngx_http_task_send_body(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_http_complex_value_t  cv;

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));

    cv.value = *body;

    return ngx_http_send_response(r, status, type, &cv);
}


ngx_int_t
ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    if (ngx_http_task_has_error_page(r, status)) {
        return status;
    }

    /* an error needs no body: do not ask for it with "100 Continue" */

    r->expect_tested = 1;

    if (body == NULL) {
        body = ngx_http_task_error_body(status);
    }

    if (status == NGX_HTTP_TASK_UNPROCESSABLE) {

        /* the one status here that nginx has no name for */

        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    return ngx_http_task_send(r, status, body);
}


ngx_int_t
ngx_http_task_send_not_allowed(ngx_http_request_t *r, ngx_str_t *allow)
{
    ngx_str_t  name;

    ngx_str_set(&name, "Allow");

    if (ngx_http_task_add_header(r, &name, allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, NGX_HTTP_NOT_ALLOWED, NULL);
}


ngx_int_t
ngx_http_task_send_unavailable(ngx_http_request_t *r)
{
    ngx_str_t  name, value;

    ngx_str_set(&name, "Retry-After");
    ngx_str_set(&value, "1");

    if (ngx_http_task_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, NULL);
}


ngx_int_t
ngx_http_task_send_result(ngx_task_t *t)
{
    ngx_uint_t               i;
    ngx_keyval_t            *kv;
    ngx_http_request_t      *r;
    ngx_http_task_result_t  *result;

    r = t->request;
    result = &t->result;

    if (result->invalid) {
        return ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE,
                                        &result->body);
    }

    if (result->headers && !result->nomem && !result->misuse) {
        kv = result->headers->elts;

        for (i = 0; i < result->headers->nelts; i++) {
            if (ngx_http_task_add_header(r, &kv[i].key, &kv[i].value)
                != NGX_OK)
            {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }
        }
    }

    if (t->rc != NGX_TASK_OK) {
        return ngx_http_task_send_failed(t);
    }

    return ngx_http_task_send_body(r, result->status ? result->status
                                                     : NGX_HTTP_OK,
                                   result->type.len ? &result->type
                                                    : &ngx_http_task_json_type,
                                   &result->body);
}


/* what the client sees is what ngx_task_fail() was given, or nothing */

static ngx_int_t
ngx_http_task_send_failed(ngx_task_t *t)
{
    ngx_int_t                rc;
    ngx_str_t                body;
    ngx_uint_t               status, level;
    ngx_http_request_t      *r;
    ngx_http_task_result_t  *result;

    r = t->request;
    result = &t->result;

    if (result->nomem || result->misuse || result->detail.len == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "task \"%V\" failed%s", &t->function->name,
                      result->misuse ? ": it is written wrong"
                      : result->nomem ? ": no memory" : "");

        return ngx_http_task_send_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        NULL);
    }

    status = result->status;

    level = (status < 500) ? NGX_LOG_INFO : NGX_LOG_ERR;

    ngx_log_error(level, r->connection->log, 0, "task \"%V\" failed, %ui: %V",
                  &t->function->name, status, &result->detail);

    rc = ngx_http_task_error_detail(r->pool, &result->detail, &body);

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, status, &body);
}


static ngx_str_t *
ngx_http_task_error_body(ngx_uint_t status)
{
    ngx_http_task_error_t  *e;

    e = ngx_http_task_errors;

    while (e->status != status && e->status != NGX_HTTP_INTERNAL_SERVER_ERROR) {
        e++;
    }

    return &e->body;
}


/* as ngx_http_special_response_handler() will find it */

static ngx_uint_t
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


static ngx_int_t
ngx_http_task_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    h->key = *name;
    h->value = *value;

    return NGX_OK;
}


void
ngx_http_task_response_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_task_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_task_body_filter;
}


static ngx_int_t
ngx_http_task_header_filter(ngx_http_request_t *r)
{
    ngx_http_task_loc_conf_t  *tlcf;

    if (r->err_status != NGX_HTTP_REQUEST_ENTITY_TOO_LARGE || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (tlcf->function) {
        r->headers_out.content_type = ngx_http_task_json_type;
        r->headers_out.content_type_len = ngx_http_task_json_type.len;
        r->headers_out.content_type_lowcase = NULL;
        r->headers_out.content_length_n =
                             ngx_http_task_error_body(r->err_status)->len;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_task_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_str_t    *body;
    ngx_chain_t   out;

    if (in == NULL
        || r->err_status != NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
        || r != r->main
        || r->headers_out.content_type.data != ngx_http_task_json_type.data)
    {
        return ngx_http_next_body_filter(r, in);
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    body = ngx_http_task_error_body(r->err_status);

    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;
    b->pos = body->data;
    b->last = body->data + body->len;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}
