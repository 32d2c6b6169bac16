
/*
 * A connection to the engine, in nginx's event loop: hiredis says which events
 * it wants, and is told of them.  A connection that is lost is made again,
 * after a while that grows, and that is another one for each worker.
 */


#include "redis/ngx_http_task_redis_parts.h"

#include <linux/sockios.h>


/* the time before the second try, and the longest one, milliseconds */

#define NGX_HTTP_TASK_REDIS_RETRY      50
#define NGX_HTTP_TASK_REDIS_RETRY_MAX  2000


static void ngx_http_task_redis_link_retry(ngx_event_t *ev);
static redisAsyncContext *ngx_http_task_redis_link_connect(
    ngx_http_task_redis_link_t *link);
static ngx_int_t ngx_http_task_redis_link_open(
    ngx_http_task_redis_link_t *link);
static void ngx_http_task_redis_link_read(ngx_event_t *ev);
static void ngx_http_task_redis_link_write(ngx_event_t *ev);
static void ngx_http_task_redis_link_look(ngx_http_task_redis_link_t *link,
    unsigned events);
static void ngx_http_task_redis_link_add_write(void *data);
static void ngx_http_task_redis_link_del_write(void *data);
static void ngx_http_task_redis_link_cleanup(void *data);
static void ngx_http_task_redis_link_connected(const redisAsyncContext *context,
    int status);
static void ngx_http_task_redis_link_hello(ngx_event_t *ev);
static void ngx_http_task_redis_link_later(ngx_http_task_redis_link_t *link);


void
ngx_http_task_redis_dial(ngx_http_task_redis_link_t *link)
{
    redisAsyncContext  *context;

    if (link->context) {
        return;
    }

    link->retry.handler = ngx_http_task_redis_link_retry;
    link->retry.data = link;
    link->retry.log = ngx_cycle->log;
    link->retry.cancelable = 1;

    link->hello.handler = ngx_http_task_redis_link_hello;
    link->hello.data = link;
    link->hello.log = ngx_cycle->log;

    link->heard = ngx_http_task_now();
    link->written = 0;
    link->arrived = 0;

    context = ngx_http_task_redis_link_connect(link);

    if (context == NULL || context->err) {
        ngx_http_task_redis_complain(link->redis, context ? context->errstr
                                                          : "no memory");
        if (context) {
            redisAsyncFree(context);
        }

        ngx_http_task_redis_link_later(link);
        return;
    }

    link->context = context;
    context->data = link;

    if (ngx_http_task_redis_link_open(link) != NGX_OK) {
        ngx_http_task_redis_hang_up(link, "no connection, or no descriptor");

    } else if (ngx_http_task_redis_tls_begin(link->redis, &context->c)
               != NGX_OK)
    {
        ngx_http_task_redis_hang_up(link, NULL);
    }
}


static redisAsyncContext *
ngx_http_task_redis_link_connect(ngx_http_task_redis_link_t *link)
{
    u_char                  text[NGX_SOCKADDR_STRLEN + 1];
    size_t                  len;
    ngx_addr_t             *addr;
    ngx_http_task_redis_t  *redis;

    redis = link->redis;

    if (redis->addrs == NULL) {
        return redisAsyncConnectUnix((char *) redis->path.data);
    }

    /* the engine that is asked is the one that tells */

    if (redis->calls.ready) {
        link->addr = redis->calls.addr;
    }

    addr = &redis->addrs[link->addr % redis->naddrs];

    len = ngx_sock_ntop(addr->sockaddr, addr->socklen, text,
                        NGX_SOCKADDR_STRLEN, 0);
    text[len] = '\0';

    return redisAsyncConnect((char *) text,
                             ngx_inet_get_port(addr->sockaddr));
}


static ngx_int_t
ngx_http_task_redis_link_open(ngx_http_task_redis_link_t *link)
{
    ngx_connection_t   *c;
    redisAsyncContext  *context;

    context = link->context;

    context->ev.data = link;
    context->ev.addWrite = ngx_http_task_redis_link_add_write;
    context->ev.delWrite = ngx_http_task_redis_link_del_write;
    context->ev.cleanup = ngx_http_task_redis_link_cleanup;

    if (ngx_http_task_fd_open(&c, context->c.fd) != NGX_OK) {
        return NGX_ERROR;
    }

    link->events = c;

    c->data = link;
    c->read->handler = ngx_http_task_redis_link_read;
    c->write->handler = ngx_http_task_redis_link_write;

    /* it also asks for the event that tells of it */

    redisAsyncSetConnectCallback(context, ngx_http_task_redis_link_connected);

    return NGX_OK;
}


static void
ngx_http_task_redis_link_read(ngx_event_t *ev)
{
    ngx_connection_t            *c;
    ngx_http_task_redis_link_t  *link;

    c = ev->data;
    link = c->data;

    link->heard = ngx_http_task_now();

    redisAsyncHandleRead(link->context);
}


static void
ngx_http_task_redis_link_write(ngx_event_t *ev)
{
    size_t                       before;
    ngx_connection_t            *c;
    redisAsyncContext           *context;
    ngx_http_task_redis_link_t  *link;

    c = ev->data;
    link = c->data;
    context = link->context;

    before = sdslen(context->c.obuf);

    redisAsyncHandleWrite(context);

    if (link->context == context) {
        link->written += before - sdslen(context->c.obuf);
    }
}


int64_t
ngx_http_task_redis_written(ngx_http_task_redis_link_t *link)
{
    return link->written + sdslen(link->context->c.obuf);
}


void
ngx_http_task_redis_arrives(ngx_http_task_redis_link_t *link, int64_t end)
{
    int      left;
    int64_t  arrived;

    if (link->context == NULL
        || ioctl(link->context->c.fd, SIOCOUTQ, &left) == -1)
    {
        return;
    }

    arrived = link->written - left;

    /* when all of it has, it is the engine's turn */

    if (arrived > link->arrived && arrived < end) {
        link->heard = ngx_http_task_now();
    }

    link->arrived = arrived;
}


/* a failure is found out when nothing is heard */

static void
ngx_http_task_redis_link_look(ngx_http_task_redis_link_t *link,
    unsigned events)
{
    if (link->events
        && ngx_http_task_fd_events(link->events, events) != NGX_OK)
    {
        ngx_http_task_redis_complain(link->redis, "no events");
    }
}


static void
ngx_http_task_redis_link_add_write(void *data)
{
    ngx_http_task_redis_link_look(data, NGX_HTTP_TASK_EVENTS);
}


static void
ngx_http_task_redis_link_del_write(void *data)
{
    ngx_http_task_redis_link_look(data, NGX_TASK_READABLE);
}


static void
ngx_http_task_redis_link_connected(const redisAsyncContext *context,
    int status)
{
    ngx_http_task_redis_link_t  *link;

    link = context->data;

    /* else hiredis is going to free it; here it may not be freed by others */

    if (status == REDIS_OK) {
        ngx_post_event(&link->hello, &ngx_posted_events);
    }
}


static void
ngx_http_task_redis_link_hello(ngx_event_t *ev)
{
    ngx_http_task_redis_link_t  *link;

    link = ev->data;

    link->heard = ngx_http_task_now();
    link->greet(link);
}


/* hiredis has told all that were not answered, and frees the connection */

static void
ngx_http_task_redis_link_cleanup(void *data)
{
    ngx_http_task_redis_link_t *link = data;

    if (link->context->err) {
        ngx_http_task_redis_complain(link->redis, link->context->errstr);
    }

    if (link->events) {
        ngx_http_task_fd_close(link->events);
        link->events = NULL;
    }

    if (link->hello.posted) {
        ngx_delete_posted_event(&link->hello);
    }

    link->context = NULL;
    link->ready = 0;

    if (link->down == 0) {
        link->down = ngx_http_task_now();
    }

    link->gone(link);

    ngx_http_task_redis_link_later(link);
}


/* the first try is made at once, the next one from half to all of its time */

static void
ngx_http_task_redis_link_later(ngx_http_task_redis_link_t *link)
{
    ngx_msec_t  ms;

    ms = NGX_HTTP_TASK_REDIS_RETRY << ngx_min(link->failures, 10);
    ms = ngx_min(ms, NGX_HTTP_TASK_REDIS_RETRY_MAX);
    ms = ms / 2 + ngx_random() % (ms / 2 + 1);

    link->failures++;
    link->addr++;

    if (!link->retry.timer_set && !link->redis->ends) {
        ngx_add_timer(&link->retry, ms);
    }
}


static void
ngx_http_task_redis_link_retry(ngx_event_t *ev)
{
    ngx_http_task_redis_dial(ev->data);
}


/* from a callback of hiredis, the connection is freed a little later */

void
ngx_http_task_redis_hang_up(ngx_http_task_redis_link_t *link, const char *why)
{
    ngx_http_task_redis_complain(link->redis, why);

    link->ready = 0;

    if (link->context) {
        redisAsyncFree(link->context);
    }
}
