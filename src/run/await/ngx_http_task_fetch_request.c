
/*
 * The request of ngx_task_fetch(): one of nginx's, with all its phases, filters
 * and modules, as if it had come from a client.  It is no subrequest: so it has
 * headers, variables and limits of its own, it ends when we say so, and a
 * background job may have one, too.
 */


#include "run/await/ngx_http_task_fetch.h"


static ngx_int_t ngx_http_task_fetch_request(ngx_http_request_t *r,
    ngx_task_t *t, const ngx_task_request_t *request);
static ngx_int_t ngx_http_task_fetch_line(ngx_http_request_t *r,
    const char *method, const char *uri);
static ngx_int_t ngx_http_task_fetch_body(ngx_http_request_t *r, ngx_task_t *t,
    const ngx_task_request_t *request);
static ngx_int_t ngx_http_task_fetch_body_file(ngx_http_request_t *r,
    ngx_buf_t *b, ngx_http_task_body_t *body);
static void ngx_http_task_fetch_closed(ngx_event_t *rev);
static void ngx_http_task_fetch_drop(ngx_http_request_t *r);
static void ngx_http_task_fetch_cleanup(void *data);


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

    cln->handler = ngx_http_task_fetch_cleanup;
    cln->data = r;

    c->read->handler = ngx_http_task_fetch_closed;

    fetch->request = r;
    fetch->has_body = (r->request_body->bufs != NULL);

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

    if (ngx_http_task_fetch_body(r, t, request) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_task_fetch_headers(r, t, request);
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
    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_ERROR;
    }

    b->file->fd = body->fd;
    b->file->log = r->connection->log;
    ngx_str_set(&b->file->name, "request body");

    b->in_file = 1;
    b->file_pos = body->offset;
    b->file_last = b->file_pos + body->len;

    return NGX_OK;
}


/* worker_shutdown_timeout is over before the posted event: it tells the end */

static void
ngx_http_task_fetch_closed(ngx_event_t *rev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = rev->data;
    r = c->data;

    ngx_http_task_fetch_connection(r)->fetch->begun = 1;

    ngx_http_task_fetch_drop(r);
}


/* one that has not begun, which nginx would not know to end */

static void
ngx_http_task_fetch_drop(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    r->logged = 1;

    ngx_http_free_request(r, 0);
    ngx_http_close_connection(c);
}


void
ngx_http_task_fetch_run(ngx_http_task_fetch_t *fetch)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = fetch->request;
    c = r->connection;

    fetch->begun = 1;

    /* both may end the request, as of a client that sent an invalid one */

    if (ngx_http_parse_uri(r) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_BAD_REQUEST);

    } else if (ngx_http_process_request_uri(r) == NGX_OK
               && ngx_http_task_fetch_known(r) == NGX_OK)
    {
        ngx_http_process_request(r);
    }

    ngx_http_run_posted_requests(c);
}


/* as nginx does when worker_shutdown_timeout is over */

void
ngx_http_task_fetch_abort(ngx_http_task_fetch_t *fetch)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = fetch->request;
    c = r->connection;

    ngx_http_task_fetch_connection(r)->fetch = NULL;
    fetch->request = NULL;

    if (!fetch->begun) {
        ngx_http_task_fetch_drop(r);
        return;
    }

    c->error = 1;
    c->close = 1;
    c->read->handler(c->read);
}


/* the request ends, or is about to: nginx logs it as it does a subrequest */

static void
ngx_http_task_fetch_cleanup(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_task_fetch_connection_t  *fc;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!clcf->log_subrequest) {
        r->logged = 1;
    }

    fc = ngx_http_task_fetch_connection(r);

    if (fc->fetch) {
        ngx_http_task_fetch_ended(fc->fetch);
        fc->fetch = NULL;
    }
}
