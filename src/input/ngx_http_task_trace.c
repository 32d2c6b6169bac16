
/*
 * Which span of a trace a request belongs to: the header "traceparent" of W3C,
 * version 00.  Where a tracer has variables for it, as ngx_otel_module has, it
 * is the span that nginx has made for the request, else the client's.
 */


#include "input/ngx_http_task_input.h"


#define NGX_HTTP_TASK_TRACE_ID    32
#define NGX_HTTP_TASK_TRACE_SPAN  16
#define NGX_HTTP_TASK_TRACE_LEN   55      /* 00-ID-SPAN-01 */


static ngx_int_t ngx_http_task_trace_index(ngx_conf_t *cf, ngx_str_t *name);
static ngx_uint_t ngx_http_task_trace_made(ngx_http_request_t *r);
static void ngx_http_task_trace_header(ngx_http_request_t *r,
    ngx_str_t *value);
static u_char *ngx_http_task_trace_hex(ngx_http_request_t *r, ngx_int_t index,
    size_t len);


/* of variables, or NGX_ERROR: there is none; NULL: no such module */

static ngx_int_t      ngx_http_task_trace_id = NGX_ERROR;
static ngx_int_t      ngx_http_task_trace_span = NGX_ERROR;
static ngx_module_t  *ngx_http_task_trace_otel;


ngx_int_t
ngx_http_task_trace_init(ngx_conf_t *cf)
{
    ngx_uint_t  i;

    static ngx_str_t  id = ngx_string("otel_trace_id");
    static ngx_str_t  span = ngx_string("otel_span_id");

    ngx_http_task_trace_id = ngx_http_task_trace_index(cf, &id);
    ngx_http_task_trace_span = ngx_http_task_trace_index(cf, &span);
    ngx_http_task_trace_otel = NULL;

    for (i = 0; cf->cycle->modules[i]; i++) {
        if (ngx_strcmp(cf->cycle->modules[i]->name, "ngx_http_otel_module")
            == 0)
        {
            ngx_http_task_trace_otel = cf->cycle->modules[i];
        }
    }

    return NGX_OK;
}


/* nginx refuses an index of a variable that nobody has */

static ngx_int_t
ngx_http_task_trace_index(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name->len
            && ngx_strncmp(key[i].key.data, name->data, name->len) == 0)
        {
            return ngx_http_get_variable_index(cf, name);
        }
    }

    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_trace(ngx_http_request_t *r, ngx_pool_t *pool, ngx_str_t *trace)
{
    u_char  *p, *id, *span, *flags;

    ngx_str_null(trace);

    ngx_http_task_trace_header(r, trace);

    if (!ngx_http_task_trace_made(r)) {
        return NGX_OK;
    }

    id = ngx_http_task_trace_hex(r, ngx_http_task_trace_id,
                                 NGX_HTTP_TASK_TRACE_ID);
    span = ngx_http_task_trace_hex(r, ngx_http_task_trace_span,
                                   NGX_HTTP_TASK_TRACE_SPAN);

    if (id == NULL || span == NULL) {
        return NGX_OK;
    }

    /* whether it is recorded: what goes on from the client's does as that */

    flags = (u_char *) "01";

    if (trace->len == NGX_HTTP_TASK_TRACE_LEN
        && ngx_memcmp(trace->data + 3, id, NGX_HTTP_TASK_TRACE_ID) == 0)
    {
        flags = trace->data + NGX_HTTP_TASK_TRACE_LEN - 2;
    }

    p = ngx_pnalloc(pool, NGX_HTTP_TASK_TRACE_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    trace->data = p;
    trace->len = ngx_sprintf(p, "00-%*s-%*s-%*s",
                             (size_t) NGX_HTTP_TASK_TRACE_ID, id,
                             (size_t) NGX_HTTP_TASK_TRACE_SPAN, span,
                             (size_t) 2, flags)
                 - p;

    return NGX_OK;
}


/*
 * Where ngx_otel_module does not trace it makes an id when it is asked for one,
 * which leads nowhere.  What it has made before is its context of the request,
 * or of that which this one is a part of.
 */

static ngx_uint_t
ngx_http_task_trace_made(ngx_http_request_t *r)
{
    if (ngx_http_task_trace_otel == NULL) {
        return 1;
    }

    return r->ctx[ngx_http_task_trace_otel->ctx_index] != NULL
           || r->main->ctx[ngx_http_task_trace_otel->ctx_index] != NULL;
}


/* the first one counts */

static void
ngx_http_task_trace_header(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("traceparent") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "traceparent",
                                   h[i].key.len)
                   == 0)
            {
                *value = h[i].value;
                return;
            }
        }
    }
}


/* NULL: it has no value, or one of another form */

static u_char *
ngx_http_task_trace_hex(ngx_http_request_t *r, ngx_int_t index, size_t len)
{
    size_t                      i;
    ngx_http_variable_value_t  *v;

    if (index == NGX_ERROR) {
        return NULL;
    }

    v = ngx_http_get_indexed_variable(r, index);

    if (v == NULL || v->not_found || v->len != len) {
        return NULL;
    }

    for (i = 0; i < len; i++) {
        if (ngx_hextoi(v->data + i, 1) == NGX_ERROR) {
            return NULL;
        }
    }

    return v->data;
}
