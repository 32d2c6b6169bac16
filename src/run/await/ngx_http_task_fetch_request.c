
/*
 * The request of ngx_task_fetch(): one of nginx's, with all its phases, filters
 * and modules, as if it had come from a client.  It is no subrequest: so it has
 * headers, variables and limits of its own, it ends when we say so, and a
 * background job may have one, too.
 */


#include "run/await/ngx_http_task_fetch.h"


static ngx_int_t ngx_http_task_fetch_request(ngx_http_request_t *r,
    ngx_task_t *t, const ngx_task_request_t *request);
static ngx_uint_t ngx_http_task_fetch_has(const ngx_task_request_t *request,
    const char *name);
static ngx_int_t ngx_http_task_fetch_server(ngx_http_request_t *r,
    ngx_task_t *t, const ngx_task_request_t *request);
static ngx_int_t ngx_http_task_fetch_line(ngx_http_request_t *r,
    const char *method, const char *uri);
static ngx_int_t ngx_http_task_fetch_body(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request);
static ngx_int_t ngx_http_task_fetch_body_file(ngx_http_request_t *r,
    ngx_buf_t *b, ngx_http_task_body_t *body);
static ngx_int_t ngx_http_task_fetch_trace(ngx_http_request_t *r,
    ngx_task_t *t, ngx_str_t *trace, ngx_str_t *id);
static ngx_int_t ngx_http_task_fetch_headers(ngx_http_request_t *r,
    ngx_task_t *t, const ngx_task_request_t *request);
static ngx_int_t ngx_http_task_fetch_header(ngx_http_request_t *r,
    const char *name, const u_char *value, size_t len);


static const struct {
    ngx_str_t   name;
    ngx_uint_t  method;
} ngx_http_task_fetch_methods[] = {
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS },
    { ngx_string("MKCOL"), NGX_HTTP_MKCOL },
    { ngx_string("COPY"), NGX_HTTP_COPY },
    { ngx_string("MOVE"), NGX_HTTP_MOVE },
    { ngx_string("PROPFIND"), NGX_HTTP_PROPFIND },
    { ngx_string("PROPPATCH"), NGX_HTTP_PROPPATCH },
    { ngx_string("LOCK"), NGX_HTTP_LOCK },
    { ngx_string("UNLOCK"), NGX_HTTP_UNLOCK },
    { ngx_string("TRACE"), NGX_HTTP_TRACE }
};


ngx_int_t
ngx_http_task_fetch_create(ngx_http_task_fetch_t *fetch,
    const ngx_task_request_t *request)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    c = ngx_http_task_fetch_connect(fetch, &rc);

    if (c == NULL) {
        return rc;
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    r = ngx_http_create_request(c);

    if (r == NULL) {
        ngx_http_close_connection(c);
        return NGX_ERROR;
    }

    c->data = r;
    cln = ngx_http_cleanup_add(r, 0);

    if (cln == NULL
        || ngx_http_task_fetch_request(r, fetch->task, request) != NGX_OK)
    {
        ngx_http_task_fetch_drop(r);
        return NGX_ERROR;
    }

    ngx_http_task_fetch_made(fetch, r, cln);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_fetch_request(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request)
{
    r->http_version = NGX_HTTP_VERSION_10;
    ngx_str_set(&r->http_protocol, "HTTP/1.0");

    /* as of an internal redirect; and what is sent is looked at in memory */

    r->internal = 1;
    r->main_filter_need_in_memory = 1;

    r->headers_in.connection_type = NGX_HTTP_CONNECTION_CLOSE;

    if (ngx_http_task_fetch_line(r, request->method ? request->method : "GET",
                                 request->uri)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_list_init(&r->headers_in.headers, r->pool, request->nheaders + 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_task_fetch_body(r, t, request) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_task_fetch_server(r, t, request) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_task_fetch_headers(r, t, request);
}


/* returns 1 if the function gives a header of this name */

static ngx_uint_t
ngx_http_task_fetch_has(const ngx_task_request_t *request, const char *name)
{
    size_t  i;

    for (i = 0; i < request->nheaders; i++) {
        if (ngx_strcasecmp((u_char *) request->headers[i].name,
                           (u_char *) name)
            == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* as the client's, which the request may outlive; nginx takes that of a Host */

static ngx_int_t
ngx_http_task_fetch_server(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request)
{
    ngx_str_t  *server;

    if (ngx_http_task_fetch_has(request, "Host")) {
        return NGX_OK;
    }

    server = t->request ? &t->request->headers_in.server
                        : &t->conf->server->server_name;

    r->headers_in.server.len = server->len;
    r->headers_in.server.data = ngx_pstrdup(r->pool, server);

    return r->headers_in.server.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_task_fetch_line(ngx_http_request_t *r, const char *method,
    const char *uri)
{
    u_char           *p;
    size_t            method_len, uri_len;
    ngx_uint_t        i;
    const ngx_str_t  *name;

    method_len = ngx_strlen(method);
    uri_len = ngx_strlen(uri);

    p = ngx_pnalloc(r->pool, method_len + 1 + uri_len + sizeof(" HTTP/1.0"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    r->request_line.data = p;
    r->request_line.len = ngx_sprintf(p, "%s %s HTTP/1.0%Z", method, uri) - p
                          - 1;

    r->method_name.data = p;
    r->method_name.len = method_len;

    r->request_start = p;
    r->method_end = p + method_len - 1;

    r->uri_start = p + method_len + 1;
    r->uri_end = r->uri_start + uri_len;

    for (i = 0; i < sizeof(ngx_http_task_fetch_methods)
                / sizeof(ngx_http_task_fetch_methods[0]); i++) {
        name = &ngx_http_task_fetch_methods[i].name;

        if (name->len == method_len
            && ngx_strncmp(name->data, method, method_len) == 0)
        {
            r->method = ngx_http_task_fetch_methods[i].method;
        }
    }

    return NGX_OK;
}


/* a request body that is there stops nginx from reading one */

static ngx_int_t
ngx_http_task_fetch_body(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request)
{
    size_t       len;
    u_char      *data;
    ngx_buf_t   *b;
    ngx_uint_t   own;

    own = request->flags & NGX_TASK_FETCH_BODY;

    data = own ? t->in.body.data : (u_char *) request->body;
    len = own ? t->in.body.len : request->body_len;

    r->request_body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (r->request_body == NULL) {
        return NGX_ERROR;
    }

    if (len == 0) {

        /* without it servers wait for a body that some methods have */

        if (r->method & (NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH)) {
            r->headers_in.content_length_n = 0;
        }

        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    r->request_body->bufs = ngx_alloc_chain_link(r->pool);

    if (b == NULL || r->request_body->bufs == NULL) {
        return NGX_ERROR;
    }

    r->request_body->bufs->buf = b;
    r->request_body->bufs->next = NULL;
    r->headers_in.content_length_n = len;

    b->last_buf = 1;

    if (data) {
        b->start = data;
        b->pos = data;
        b->last = data + len;
        b->end = b->last;
        b->memory = 1;

        return NGX_OK;
    }

    return ngx_http_task_fetch_body_file(r, b, &t->in.body);
}


static ngx_int_t
ngx_http_task_fetch_body_file(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_http_task_body_t *body)
{
    ngx_pool_cleanup_t       *cln;
    ngx_pool_cleanup_file_t  *file;

    /* a thread of nginx's may read it when the task has closed its own */

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pool_cleanup_file_t));
    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));

    if (cln == NULL || b->file == NULL) {
        return NGX_ERROR;
    }

    b->file->fd = fcntl(body->fd, F_DUPFD_CLOEXEC, 0);

    if (b->file->fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "a task has no descriptor to pass on a body by");
        return NGX_ERROR;
    }

    file = cln->data;
    file->fd = b->file->fd;
    file->name = (u_char *) "request body";
    file->log = r->connection->log;

    cln->handler = ngx_pool_cleanup_file;

    b->file->log = r->connection->log;
    ngx_str_set(&b->file->name, "request body");

    b->in_file = 1;
    b->file_pos = body->offset;
    b->file_last = b->file_pos + body->len;

    return NGX_OK;
}


/* what is not known is empty; the request may be gone */

static ngx_int_t
ngx_http_task_fetch_trace(ngx_http_request_t *r, ngx_task_t *t,
    ngx_str_t *trace, ngx_str_t *id)
{
    ngx_str_null(trace);
    ngx_str_null(id);

    if (t->in.context) {
        *trace = t->in.context->traceparent;
        *id = t->in.context->request_id;
        return NGX_OK;
    }

    return t->request ? ngx_http_task_trace(t->request, r->pool, trace)
                      : NGX_OK;
}


/* none of the client's own, but for what tells that the two belong together */

static ngx_int_t
ngx_http_task_fetch_headers(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request)
{
    u_char     *p, length[NGX_SIZE_T_LEN];
    size_t      i;
    ngx_str_t   trace, id;

    if (ngx_http_task_fetch_trace(r, t, &trace, &id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_task_fetch_has(request, "traceparent")) {
        trace.len = 0;
    }

    if (ngx_http_task_fetch_has(request, "X-Request-ID")) {
        id.len = 0;
    }

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
