
/*
 * The headers of a request of ngx_task_fetch(): none of the client's own, but
 * for what tells that the two belong together.
 */


#include "run/await/ngx_http_task_fetch.h"


static ngx_int_t ngx_http_task_fetch_server(ngx_http_request_t *r,
    ngx_task_t *t, const ngx_task_request_t *request);
static ngx_int_t ngx_http_task_fetch_header(ngx_http_request_t *r,
    const char *name, const u_char *value, size_t len);


ngx_int_t
ngx_http_task_fetch_headers(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request)
{
    u_char     *p, length[NGX_SIZE_T_LEN];
    size_t      i;
    ngx_str_t   trace, id;

    if (ngx_list_init(&r->headers_in.headers, r->pool, request->nheaders + 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_task_fetch_server(r, t, request) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_task_context_trace(&t->in, t->request, &trace, &id);

    if ((trace.len && ngx_http_task_fetch_header(r, "traceparent", trace.data,
                                                 trace.len)
                      != NGX_OK)
        || (id.len && ngx_http_task_fetch_header(r, "X-Request-ID", id.data,
                                                 id.len)
                      != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (r->headers_in.content_length_n >= 0) {
        p = ngx_sprintf(length, "%O", r->headers_in.content_length_n);

        if (ngx_http_task_fetch_header(r, "Content-Length", length, p - length)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < request->nheaders; i++) {
        if (ngx_http_task_fetch_header(r, request->headers[i].name,
                                     (u_char *) request->headers[i].value,
                                     ngx_strlen(request->headers[i].value))
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* as the client's, which the request may outlive; nginx takes that of a Host */

static ngx_int_t
ngx_http_task_fetch_server(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request)
{
    size_t      i;
    ngx_str_t  *server;

    for (i = 0; i < request->nheaders; i++) {
        if (ngx_strcasecmp((u_char *) request->headers[i].name,
                           (u_char *) "Host")
            == 0)
        {
            return NGX_OK;
        }
    }

    server = t->request ? &t->request->headers_in.server
                        : &t->conf->server->server_name;

    r->headers_in.server.len = server->len;
    r->headers_in.server.data = ngx_pstrdup(r->pool, server);

    return r->headers_in.server.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_task_fetch_header(ngx_http_request_t *r, const char *name,
    const u_char *value, size_t len)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.len = ngx_strlen(name);
    h->value.len = len;

    p = ngx_pnalloc(r->pool, h->key.len * 2 + len + 3);
    if (p == NULL) {
        return NGX_ERROR;
    }

    h->key.data = p;
    p = ngx_cpymem(p, name, h->key.len + 1);

    h->lowcase_key = p;
    h->hash = ngx_hash_strlow(p, h->key.data, h->key.len);
    p += h->key.len;
    *p++ = '\0';

    h->value.data = p;
    p = ngx_cpymem(p, value, len);
    *p = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_http_task_fetch_known(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *h;
    ngx_http_header_t          *hh;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            hh = ngx_hash_find(&cmcf->headers_in_hash, h[i].hash,
                               h[i].lowcase_key, h[i].key.len);

            if (hh && hh->handler(r, &h[i], hh->offset) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
