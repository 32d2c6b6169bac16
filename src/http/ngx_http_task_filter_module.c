
/*
 * nginx refuses a body that is too large before any content handler is called.
 * These two filters then put JSON in place of nginx's page.  They are
 * installed only if some location has a directive of ours, other than "quick".
 *
 * The header filter runs after nginx's own one of "expires" and "add_header":
 * an answer that is true only now is marked "no-store", and events and what may
 * have changed with a reload "no-cache", unless somebody has set Cache-Control.
 */


#include "http/ngx_http_task_http.h"


static ngx_int_t ngx_http_task_filter_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_task_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_header_cache(ngx_http_request_t *r);
static ngx_uint_t ngx_http_task_header_events(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf);
static ngx_int_t ngx_http_task_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_module_t  ngx_http_task_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_task_filter_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_task_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_task_filter_module_ctx,      /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_task_filter_init(ngx_conf_t *cf)
{
    ngx_http_task_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    if (!tmcf->used) {
        return NGX_OK;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_task_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_task_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_header_filter(ngx_http_request_t *r)
{
    ngx_str_t                 *body;
    ngx_http_task_loc_conf_t  *tlcf;

    if (ngx_http_task_header_cache(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->err_status != NGX_HTTP_REQUEST_ENTITY_TOO_LARGE || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    /* an error_page may have led to an answer already, also of another task */

    if (tlcf->args.function == NULL
        || ngx_http_get_module_ctx(r, ngx_http_task_module)
        || r->headers_out.content_type.data == ngx_http_task_json_type.data)
    {
        return ngx_http_next_header_filter(r);
    }

    body = ngx_http_task_status_body(r->err_status);

    r->headers_out.content_type = ngx_http_task_json_type;
    r->headers_out.content_type_len = ngx_http_task_json_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = body->len;

    ngx_http_set_ctx(r, body, ngx_http_task_filter_module);

    return ngx_http_next_header_filter(r);
}


/*
 * What "task_jobs", "task_status", "task_ready" or a 202 tells; and events, and
 * the document of "task_openapi".
 */

static ngx_int_t
ngx_http_task_header_cache(ngx_http_request_t *r)
{
    ngx_http_task_loc_conf_t  *tlcf;

    static ngx_str_t  name = ngx_string("Cache-Control");
    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  no_cache = ngx_string("no-cache");

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (tlcf->openapi || ngx_http_task_header_events(r, tlcf)) {
        return ngx_http_task_has_cache_control(r)
               ? NGX_OK : ngx_http_task_add_header(r, &name, &no_cache);
    }

    if (!tlcf->no_store
        && (tlcf->args.function == NULL
            || tlcf->job.background == NGX_HTTP_TASK_BACKGROUND_OFF
            || r->headers_out.status != NGX_HTTP_ACCEPTED))
    {
        return NGX_OK;
    }

    if (ngx_http_task_has_cache_control(r)) {
        return NGX_OK;
    }

    return ngx_http_task_add_header(r, &name, &no_store);
}


static ngx_uint_t
ngx_http_task_header_events(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf)
{
    ngx_str_t  *type;

    type = &ngx_http_task_events_type;

    return (tlcf->args.function || tlcf->job.told)
           && r->headers_out.content_type_len == type->len
           && ngx_strncasecmp(r->headers_out.content_type.data, type->data,
                              type->len)
              == 0;
}


static ngx_int_t
ngx_http_task_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_str_t    *body;
    ngx_chain_t   out;

    body = ngx_http_get_module_ctx(r, ngx_http_task_filter_module);

    if (body == NULL || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;
    b->pos = body->data;
    b->last = body->data + body->len;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}
