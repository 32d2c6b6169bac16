
/*
 * The document of "task_openapi" is sent from memory.  nginx's own filter
 * compares the ETag.
 */


#include "http/ngx_http_task_http.h"


ngx_int_t
ngx_http_task_openapi_handler(ngx_http_request_t *r)
{
    ngx_buf_t                     *b;
    ngx_int_t                      rc;
    ngx_chain_t                    out;
    ngx_http_task_loc_conf_t      *tlcf;
    ngx_http_task_openapi_conf_t  *conf;

    static ngx_str_t  allow = ngx_string("GET, HEAD");
    static ngx_str_t  etag = ngx_string("ETag");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);
    conf = tlcf->openapi;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = conf->text.len;
    r->headers_out.content_type = ngx_http_task_json_type;
    r->headers_out.content_type_len = ngx_http_task_json_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_task_add_header(r, &etag, &conf->etag) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = conf->text.data;
    b->last = conf->text.data + conf->text.len;
    b->memory = 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
