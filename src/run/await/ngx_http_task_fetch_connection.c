
/*
 * The connection of a request of ngx_task_fetch().
 *
 * It is one of worker_connections; its descriptor is a socket that all of them
 * share, and of which no event comes.  What nginx sends by it is collected, see
 * ngx_http_task_reply.c: as in HTTP/2, a connection is what send_chain() makes
 * of it.
 */


#include "run/await/ngx_http_task_fetch.h"


/* bytes of a connection's pool: what it has, and addresses */

#define NGX_HTTP_TASK_FETCH_POOL   1024

/* how deep functions may fetch what functions answer, as nginx's subrequests */

#define NGX_HTTP_TASK_FETCH_DEPTH  50

/* so much is collected in a turn of the event loop, bytes */

#define NGX_HTTP_TASK_FETCH_TURN   (256 * 1024)


static ngx_connection_t *ngx_http_task_fetch_get(void);
static void ngx_http_task_fetch_connected(ngx_http_task_fetch_t *fetch,
    ngx_connection_t *c, ngx_http_task_fetch_connection_t *fc);
static ngx_int_t ngx_http_task_fetch_address(ngx_connection_t *c,
    ngx_http_request_t *client);
static ngx_chain_t *ngx_http_task_fetch_send(ngx_connection_t *c,
    ngx_chain_t *in, off_t limit);
static void ngx_http_task_fetch_enough(ngx_http_task_fetch_connection_t *fc);
static u_char *ngx_http_task_fetch_log(ngx_log_t *log, u_char *buf, size_t len);


/* of this worker */

static ngx_socket_t  ngx_http_task_fetch_socket = (ngx_socket_t) -1;


ngx_connection_t *
ngx_http_task_fetch_connect(ngx_http_task_fetch_t *fetch, ngx_int_t *rc)
{
    ngx_pool_t                        *pool;
    ngx_connection_t                  *c;
    ngx_http_task_fetch_connection_t  *fc;

    *rc = NGX_ERROR;

    pool = ngx_create_pool(NGX_HTTP_TASK_FETCH_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    fc = ngx_pcalloc(pool, sizeof(ngx_http_task_fetch_connection_t));
    if (fc == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    c = ngx_http_task_fetch_get();

    if (c == NULL) {
        ngx_destroy_pool(pool);
        *rc = NGX_BUSY;
        return NULL;
    }

    c->pool = pool;
    ngx_http_task_fetch_connected(fetch, c, fc);

    *rc = ngx_http_task_fetch_address(c, fetch->task->request);

    if (*rc == NGX_OK && fc->depth > NGX_HTTP_TASK_FETCH_DEPTH) {
        *rc = NGX_DECLINED;
    }

    if (*rc != NGX_OK) {
        ngx_close_connection(c);
        ngx_destroy_pool(pool);
        return NULL;
    }

    return c;
}


static ngx_connection_t *
ngx_http_task_fetch_get(void)
{
    ngx_connection_t  *c;

    if (ngx_http_task_fetch_socket == -1) {
        ngx_http_task_fetch_socket = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC,
                                            0);

        if (ngx_http_task_fetch_socket == -1) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                          "a task cannot fetch, there is no descriptor for it");
            return NULL;
        }
    }

    /* nginx logs if there is none */

    c = ngx_get_connection(ngx_http_task_fetch_socket, ngx_cycle->log);

    /* nginx does not close what is shared, and knows no event of it */

    if (c) {
        c->shared = 1;
    }

    return c;
}


static void
ngx_http_task_fetch_connected(ngx_http_task_fetch_t *fetch, ngx_connection_t *c,
    ngx_http_task_fetch_connection_t *fc)
{
    ngx_http_request_t        *client;
    ngx_http_core_srv_conf_t  *cscf;

    client = fetch->task->request;
    cscf = fetch->task->conf->server;

    fc->fetch = fetch;

    if (client && client->connection->send_chain == ngx_http_task_fetch_send) {
        fc->depth = ngx_http_task_fetch_connection(client)->depth + 1;
    }

    fc->addr_conf.default_server = cscf;
    fc->http.addr_conf = &fc->addr_conf;
    fc->http.conf_ctx = cscf->ctx;

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    fc->log = *ngx_cycle->log;
    fc->log.connection = c->number;
    fc->log.handler = ngx_http_task_fetch_log;
    fc->log.data = &fc->log_ctx;
    fc->log.action = NULL;

    fc->log_ctx.connection = c;

    c->data = &fc->http;
    c->buffer = &fc->buffer;
    c->log = &fc->log;
    c->read->log = c->log;
    c->write->log = c->log;

    /*
     * It can always be written to, nothing is ever read from it, and nginx has
     * no event to ask for; its end has been read, so it is closed at once.
     */

    c->read->active = 1;
    c->read->eof = 1;
    c->write->active = 1;
    c->write->ready = 1;

    c->send_chain = ngx_http_task_fetch_send;
    c->need_last_buf = 1;
    c->sndlowat = 1;
    c->start_time = ngx_current_msec;
    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;
    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;
}


/* that of the client; or, of a background job, that of a UNIX socket */

static ngx_int_t
ngx_http_task_fetch_address(ngx_connection_t *c, ngx_http_request_t *client)
{
    u_char            *p;
    ngx_connection_t  *cc;

    static struct sockaddr_un  unix_addr = { .sun_family = AF_UNIX };

    if (client == NULL) {
        c->sockaddr = (struct sockaddr *) &unix_addr;
        c->socklen = offsetof(struct sockaddr_un, sun_path);
        c->local_sockaddr = c->sockaddr;
        c->local_socklen = c->socklen;
        ngx_str_set(&c->addr_text, "unix:");

        if (ngx_cycle->listening.nelts) {
            c->listening = ngx_cycle->listening.elts;
        }

        return NGX_OK;
    }

    cc = client->connection;

    /* nginx asks for it when it is first needed */

    if (ngx_connection_local_sockaddr(cc, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_palloc(c->pool, cc->socklen + cc->local_socklen
                            + cc->addr_text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* the request may outlive that of the client */

    c->listening = cc->listening;
    c->socklen = cc->socklen;
    c->local_socklen = cc->local_socklen;
    c->addr_text.len = cc->addr_text.len;

    c->sockaddr = (struct sockaddr *) p;
    p = ngx_cpymem(p, cc->sockaddr, cc->socklen);

    c->local_sockaddr = (struct sockaddr *) p;
    p = ngx_cpymem(p, cc->local_sockaddr, cc->local_socklen);

    c->addr_text.data = p;
    ngx_memcpy(p, cc->addr_text.data, cc->addr_text.len);

    return NGX_OK;
}


static ngx_chain_t *
ngx_http_task_fetch_send(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    size_t                             size;
    ngx_buf_t                         *b;
    ngx_chain_t                       *cl, *rest;
    ngx_http_request_t                *r;
    ngx_http_task_fetch_t             *fetch;
    ngx_http_task_fetch_connection_t  *fc;

    r = c->data;
    r = r->main;

    fc = ngx_http_task_fetch_connection(r);
    fetch = fc->fetch;

    if (fetch && (fetch->complete || fetch->error)) {
        fetch = NULL;
    }

    if (fetch && ngx_http_task_reply_begin(fetch, r) != NGX_OK) {
        goto failed;
    }

    size = 0;

    for (cl = in; cl && size < NGX_HTTP_TASK_FETCH_TURN; cl = cl->next) {
        b = cl->buf;

        if (!ngx_buf_in_memory(b)) {
            continue;
        }

        if (fetch && ngx_http_task_reply_add(fetch, b->pos, b->last - b->pos)
                     != NGX_OK)
        {
            goto failed;
        }

        size += b->last - b->pos;
    }

    c->sent += size;

    for (cl = in; cl->next; cl = cl->next) { /* void */ }

    rest = ngx_chain_update_sent(in, size);

    if (rest == NULL && cl->buf->last_buf && fetch) {
        fetch->complete = 1;
        ngx_http_task_fetch_enough(fc);
    }

    return rest;

failed:

    ngx_http_task_fetch_enough(fc);

    return NGX_CHAIN_ERROR;
}


/*
 * The function does not wait until nginx is done with the request, as with its
 * cache; but it has to if nginx may still read a body of the function's, as to
 * mirror it.
 */

static void
ngx_http_task_fetch_enough(ngx_http_task_fetch_connection_t *fc)
{
    ngx_http_task_fetch_t  *fetch;

    fetch = fc->fetch;

    if (!fetch->has_body) {
        fc->fetch = NULL;
        ngx_http_task_fetch_ended(fetch);
    }
}


void
ngx_http_task_fetch_ended(ngx_http_task_fetch_t *fetch)
{
    fetch->request = NULL;

    if (!fetch->complete && fetch->error == 0) {
        fetch->error = EPIPE;
    }

    /* what is answered at once does not take all of this turn of the loop */

    if (fetch->branch) {
        ngx_post_event(&fetch->event, fetch->running ? &ngx_posted_next_events
                                                     : &ngx_posted_events);
    }
}


#if (angie_version >= 1012000)


static u_char *
ngx_http_task_fetch_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p, *last;
    ngx_http_log_ctx_t  *ctx;

    ctx = log->data;
    p = buf;
    last = buf + len;

    if (log->action) {
        p = ngx_log_action(log, p, last, log->action);
    }

    p = ngx_log_property(log, p, last, ngx_http_log_prop(CLIENT), "%V",
                         &ctx->connection->addr_text);

    if (ctx->request) {
        p = ngx_log_object(log, p, last, ngx_http_log_prop(REQUEST),
                           ctx->request->log_handler, ctx);
    }

    return p;
}

#else


static u_char *
ngx_http_task_fetch_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_http_request_t  *r;
    ngx_http_log_ctx_t  *ctx;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
        buf = p;
    }

    ctx = log->data;

    p = ngx_snprintf(buf, len, ", fetched, client: %V",
                     &ctx->connection->addr_text);
    len -= p - buf;

    r = ctx->request;

    return r ? r->log_handler(r, ctx->current_request, p, len) : p;
}

#endif
