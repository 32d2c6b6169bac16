
/*
 * Which span of a trace a request belongs to: the header "traceparent" of W3C,
 * version 00.  Where a tracer has variables for it, as ngx_otel_module has, it
 * is the span that nginx has made for the request, else the client's.
 */


#include "input/ngx_http_task_input.h"


#define NGX_HTTP_TASK_TRACE_ID    32
#define NGX_HTTP_TASK_TRACE_SPAN  16
#define NGX_HTTP_TASK_TRACE_LEN   55      /* 00-ID-SPAN-01 */


static ngx_uint_t ngx_http_task_trace_made(ngx_http_request_t *r);
static void ngx_http_task_trace_header(ngx_http_request_t *r,
    ngx_str_t *value);
static u_char *ngx_http_task_trace_hex(ngx_http_request_t *r, ngx_str_t *name,
    size_t len);
static ngx_uint_t ngx_http_task_trace_is_hex(u_char *p, size_t len);


static ngx_str_t  ngx_http_task_trace_id = ngx_string("otel_trace_id");
static ngx_str_t  ngx_http_task_trace_span = ngx_string("otel_span_id");

/* of the configuration of this process */

static ngx_uint_t     ngx_http_task_trace_known;  /* 1: somebody has them */
static ngx_module_t  *ngx_http_task_trace_otel;   /* NULL: it is not loaded */


void
ngx_http_task_trace_init(ngx_cycle_t *cycle)
{
    ngx_str_t                  *id, *span;
    ngx_uint_t                  i;
    ngx_http_core_main_conf_t  *cmcf;

    ngx_http_task_trace_known = 0;
    ngx_http_task_trace_otel = NULL;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_core_module);

    if (cmcf == NULL) {
        return;
    }

    id = &ngx_http_task_trace_id;
    span = &ngx_http_task_trace_span;

    ngx_http_task_trace_known =
        ngx_hash_find(&cmcf->variables_hash, ngx_hash_key(id->data, id->len),
                      id->data, id->len)
        && ngx_hash_find(&cmcf->variables_hash,
                         ngx_hash_key(span->data, span->len), span->data,
                         span->len);

    for (i = 0; cycle->modules[i]; i++) {
        if (ngx_strcmp(cycle->modules[i]->name, "ngx_http_otel_module") == 0) {
            ngx_http_task_trace_otel = cycle->modules[i];
        }
    }
}


ngx_int_t
ngx_http_task_trace(ngx_http_request_t *r, ngx_pool_t *pool, ngx_str_t *trace)
{
    u_char  *p, *id, *span, *flags;

    ngx_str_null(trace);

    ngx_http_task_trace_header(r, trace);

    if (!ngx_http_task_trace_known || !ngx_http_task_trace_made(r)) {
        return NGX_OK;
    }

    id = ngx_http_task_trace_hex(r, &ngx_http_task_trace_id,
                                 NGX_HTTP_TASK_TRACE_ID);
    span = ngx_http_task_trace_hex(r, &ngx_http_task_trace_span,
                                   NGX_HTTP_TASK_TRACE_SPAN);

    if (id == NULL || span == NULL) {
        return NGX_OK;
    }

    /* whether it is recorded: what goes on from the client's does as that */

    flags = (u_char *) "01";

    if (trace->len == NGX_HTTP_TASK_TRACE_LEN
        && ngx_memcmp(trace->data + 3, id, NGX_HTTP_TASK_TRACE_ID) == 0
        && ngx_memcmp(trace->data + NGX_HTTP_TASK_TRACE_LEN - 3, "-00", 3) == 0)
    {
        flags = (u_char *) "00";
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
ngx_http_task_trace_hex(ngx_http_request_t *r, ngx_str_t *name, size_t len)
{
    ngx_http_variable_value_t  *v;

    v = ngx_http_get_variable(r, name, ngx_hash_key(name->data, name->len));

    return (v && !v->not_found && v->len == len
            && ngx_http_task_trace_is_hex(v->data, len))
           ? v->data : NULL;
}


/* as W3C has it: of lower case, and not zero */

static ngx_uint_t
ngx_http_task_trace_is_hex(u_char *p, size_t len)
{
    size_t      i;
    ngx_uint_t  some;

    some = 0;

    for (i = 0; i < len; i++) {
        if (!(p[i] >= '0' && p[i] <= '9') && !(p[i] >= 'a' && p[i] <= 'f')) {
            return 0;
        }

        some |= (p[i] != '0');
    }

    return some;
}
