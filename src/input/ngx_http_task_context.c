
/*
 * The request as a function sees it: strings that are copied on the event
 * loop, before anything runs, so that a thread may read them.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_context_string(ngx_task_t *t, ngx_str_t *dst,
    ngx_str_t *src);
static ngx_int_t ngx_http_task_context_id(ngx_task_t *t);
static ngx_int_t ngx_http_task_context_headers(ngx_task_t *t);


ngx_int_t
ngx_http_task_context_create(ngx_task_t *t)
{
    ngx_http_request_t       *r;
    ngx_http_task_context_t  *context;

    r = t->request;

    context = ngx_pcalloc(t->pool, sizeof(ngx_http_task_context_t));
    if (context == NULL) {
        return NGX_ERROR;
    }

    t->context = context;

    if (ngx_http_task_context_string(t, &context->method, &r->method_name)
        != NGX_OK
        || ngx_http_task_context_string(t, &context->uri, &r->uri) != NGX_OK
        || ngx_http_task_context_string(t, &context->remote_addr,
                                        &r->connection->addr_text)
           != NGX_OK
        || ngx_http_task_context_id(t) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_task_context_headers(t);
}


/* with a null behind it */

static ngx_int_t
ngx_http_task_context_string(ngx_task_t *t, ngx_str_t *dst, ngx_str_t *src)
{
    dst->len = src->len;
    dst->data = ngx_pnalloc(t->pool, src->len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(dst->data, src->data, src->len) = '\0';

    return NGX_OK;
}


/* the one of $request_id, as any log or header may have it */

static ngx_int_t
ngx_http_task_context_id(ngx_task_t *t)
{
    ngx_str_t                   id;
    ngx_uint_t                  key;
    ngx_http_variable_value_t  *v;

    static ngx_str_t  name = ngx_string("request_id");

    key = ngx_hash_key(name.data, name.len);

    v = ngx_http_get_variable(t->request, &name, key);

    if (v == NULL || v->not_found) {
        return NGX_ERROR;
    }

    id.data = v->data;
    id.len = v->len;

    return ngx_http_task_context_string(t, &t->context->request_id, &id);
}


static ngx_int_t
ngx_http_task_context_headers(ngx_task_t *t)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *from, *to;

    n = 0;

    /* those of a job are not kept: they were for the answer that it has got */

    if (t->background) {
        return NGX_OK;
    }

    for (part = &t->request->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    to = ngx_pcalloc(t->pool, n * sizeof(ngx_table_elt_t) + 1);
    if (to == NULL) {
        return NGX_ERROR;
    }

    t->context->headers = to;
    t->context->nheaders = n;

    for (part = &t->request->headers_in.headers.part; part; part = part->next) {
        from = part->elts;

        for (i = 0; i < part->nelts; i++, to++) {
            if (ngx_http_task_context_string(t, &to->key, &from[i].key)
                != NGX_OK
                || ngx_http_task_context_string(t, &to->value, &from[i].value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static const char *
ngx_http_task_context_get(ngx_task_t *t, size_t offset)
{
    ngx_str_t  *s;

    if (t->context == NULL) {
        ngx_http_task_misuse(t, "looks at the request without "
                                "NGX_TASK_CONTEXT");
        return NULL;
    }

    s = (ngx_str_t *) ((u_char *) t->context + offset);

    return (const char *) s->data;
}


const char *
ngx_task_method(ngx_task_t *t)
{
    return ngx_http_task_context_get(t,
                                     offsetof(ngx_http_task_context_t, method));
}


const char *
ngx_task_uri(ngx_task_t *t)
{
    return ngx_http_task_context_get(t, offsetof(ngx_http_task_context_t, uri));
}


const char *
ngx_task_remote_addr(ngx_task_t *t)
{
    return ngx_http_task_context_get(t,
                                offsetof(ngx_http_task_context_t, remote_addr));
}


const char *
ngx_task_request_id(ngx_task_t *t)
{
    return ngx_http_task_context_get(t,
                                 offsetof(ngx_http_task_context_t, request_id));
}


const char *
ngx_task_traceparent(ngx_task_t *t)
{
    return ngx_task_header(t, "traceparent");
}


const char *
ngx_task_header(ngx_task_t *t, const char *name)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *headers;

    if (ngx_task_method(t) == NULL) {
        return NULL;
    }

    if (name == NULL) {
        ngx_http_task_misuse(t, "looks for a header NULL");
        return NULL;
    }

    headers = t->context->headers;

    for (i = 0; i < t->context->nheaders; i++) {
        if (ngx_strcasecmp(headers[i].key.data, (u_char *) name) == 0) {
            return (const char *) headers[i].value.data;
        }
    }

    return NULL;
}
