
/*
 * The request as a function sees it: strings are copied on the event loop,
 * before the function runs, so that a thread may read them.
 */


#include "input/ngx_http_task_input.h"


static ngx_int_t ngx_http_task_context_id(ngx_http_request_t *r,
    ngx_str_t *id);
static ngx_int_t ngx_http_task_context_headers(ngx_http_task_input_t *in,
    ngx_http_request_t *r);


ngx_int_t
ngx_http_task_context_create(ngx_http_task_input_t *in, ngx_http_request_t *r)
{
    ngx_str_t                 id, trace;
    ngx_http_task_context_t  *context;

    context = ngx_pcalloc(in->pool, sizeof(ngx_http_task_context_t));
    if (context == NULL) {
        return NGX_ERROR;
    }

    in->context = context;

    if (ngx_http_task_context_string(in, &context->method, &r->method_name)
        != NGX_OK
        || ngx_http_task_context_string(in, &context->uri, &r->uri) != NGX_OK
        || ngx_http_task_context_string(in, &context->remote_addr,
                                        &r->connection->addr_text)
           != NGX_OK
        || ngx_http_task_context_id(r, &id) != NGX_OK
        || ngx_http_task_context_string(in, &context->request_id, &id)
           != NGX_OK
        || ngx_http_task_trace(r, in->pool, &trace) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (trace.data
        && ngx_http_task_context_string(in, &context->traceparent, &trace)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_task_context_headers(in, r);
}


ngx_int_t
ngx_http_task_context_string(ngx_http_task_input_t *in, ngx_str_t *dst,
    ngx_str_t *src)
{
    dst->len = src->len;
    dst->data = ngx_pnalloc(in->pool, src->len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(dst->data, src->data, src->len) = '\0';

    return NGX_OK;
}


/* $request_id, which logs and headers may have, too */

static ngx_int_t
ngx_http_task_context_id(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_uint_t                  key;
    ngx_http_variable_value_t  *v;

    static ngx_str_t  name = ngx_string("request_id");

    key = ngx_hash_key(name.data, name.len);

    v = ngx_http_get_variable(r, &name, key);

    if (v == NULL || v->not_found) {
        return NGX_ERROR;
    }

    id->data = v->data;
    id->len = v->len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_context_headers(ngx_http_task_input_t *in,
    ngx_http_request_t *r)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *from, *to;

    n = 0;

    /* a job keeps no headers: its request is answered before it runs */

    if (in->job) {
        return NGX_OK;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    to = ngx_pcalloc(in->pool, n * sizeof(ngx_table_elt_t) + 1);
    if (to == NULL) {
        return NGX_ERROR;
    }

    in->context->headers = to;
    in->context->nheaders = n;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        from = part->elts;

        for (i = 0; i < part->nelts; i++, to++) {
            if (ngx_http_task_context_string(in, &to->key, &from[i].key)
                != NGX_OK
                || ngx_http_task_context_string(in, &to->value, &from[i].value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
