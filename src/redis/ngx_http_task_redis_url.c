
/*
 * Where the engine is: "redis://[user@]host[:port][/db]" or "unix:path[:db]".
 * Names are looked up when the configuration is read, as nginx does it.
 */


#include "redis/ngx_http_task_redis_parts.h"


#define NGX_HTTP_TASK_REDIS_PORT  6379

/* a longer password is none */

#define NGX_HTTP_TASK_REDIS_PASSWORD  4096


static ngx_int_t ngx_http_task_redis_url_unix(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_str_t *url);
static ngx_int_t ngx_http_task_redis_url_host(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_str_t *url, ngx_str_t host);
static ngx_int_t ngx_http_task_redis_url_name(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_str_t name);
static ngx_int_t ngx_http_task_redis_url_db(ngx_http_task_redis_t *redis,
    u_char *p, u_char *last);
static ngx_int_t ngx_http_task_redis_url_invalid(ngx_conf_t *cf,
    ngx_str_t *url, const char *why);


ngx_int_t
ngx_http_task_redis_url(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *url)
{
    ngx_str_t  host;

    if (url->len > 5 && ngx_strncmp(url->data, "unix:", 5) == 0) {
        return ngx_http_task_redis_url_unix(cf, redis, url);
    }

    if (url->len > 8 && ngx_strncmp(url->data, "redis://", 8) == 0) {
        host.data = url->data + 8;
        host.len = url->len - 8;

        return ngx_http_task_redis_url_host(cf, redis, url, host);
    }

    if (url->len > 9 && ngx_strncmp(url->data, "rediss://", 9) == 0) {
        host.data = url->data + 9;
        host.len = url->len - 9;
        redis->tls = 1;

        return ngx_http_task_redis_url_host(cf, redis, url, host);
    }

    return ngx_http_task_redis_url_invalid(cf, url, "it must be "
                                           "\"redis://host:port/db\" or "
                                           "\"unix:path:db\"");
}


static ngx_int_t
ngx_http_task_redis_url_unix(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *url)
{
    u_char  *p, *last, *path;
    size_t   len;

    path = url->data + 5;
    last = url->data + url->len;
    p = ngx_strlchr(path, last, ':');

    if (p && ngx_http_task_redis_url_db(redis, p + 1, last) != NGX_OK) {
        return ngx_http_task_redis_url_invalid(cf, url, "behind the path must "
                                               "be the number of a database");
    }

    len = (p ? p : last) - path;

    if (len == 0 || len >= sizeof(((struct sockaddr_un *) 0)->sun_path)) {
        return ngx_http_task_redis_url_invalid(cf, url, "the path is empty or "
                                               "too long");
    }

    redis->path.len = len;
    redis->path.data = ngx_pnalloc(cf->pool, len + 1);

    if (redis->path.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(redis->path.data, path, len);
    redis->path.data[len] = '\0';

    redis->host = redis->path;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_url_host(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *url, ngx_str_t host)
{
    u_char     *p, *last;
    ngx_url_t   u;

    last = host.data + host.len;
    p = ngx_strlchr(host.data, last, '@');

    if (p) {
        redis->user.data = host.data;
        redis->user.len = p - host.data;

        if (ngx_strlchr(host.data, p, ':')) {
            return ngx_http_task_redis_url_invalid(cf, url, "a password "
                                               "belongs into a password_file");
        }

        host.data = p + 1;
    }

    p = ngx_strlchr(host.data, last, '/');

    if (p && p + 1 < last
        && ngx_http_task_redis_url_db(redis, p + 1, last) != NGX_OK)
    {
        return ngx_http_task_redis_url_invalid(cf, url, "behind the slash must "
                                               "be the number of a database");
    }

    host.len = (p ? p : last) - host.data;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = host;
    u.default_port = NGX_HTTP_TASK_REDIS_PORT;

    if (host.len == 0 || ngx_parse_url(cf->pool, &u) != NGX_OK
        || u.naddrs == 0)
    {
        return ngx_http_task_redis_url_invalid(cf, url,
                                               u.err ? u.err : "no host");
    }

    redis->addrs = u.addrs;
    redis->naddrs = u.naddrs;
    redis->host = host;

    return ngx_http_task_redis_url_name(cf, redis, u.host);
}


/* in certificates an address has no brackets */

static ngx_int_t
ngx_http_task_redis_url_name(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t name)
{
    if (name.len > 2 && name.data[0] == '[') {
        name.data++;
        name.len -= 2;
    }

    redis->name.len = name.len;
    redis->name.data = ngx_pnalloc(cf->pool, name.len + 1);

    if (redis->name.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(redis->name.data, name.data, name.len + 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_redis_url_db(ngx_http_task_redis_t *redis, u_char *p,
    u_char *last)
{
    ngx_int_t  n;

    n = ngx_atoi(p, last - p);

    if (n == NGX_ERROR || n > 1000000) {
        return NGX_ERROR;
    }

    redis->db = n;

    return NGX_OK;
}


/* what comes before the host may be a password, which is not logged */

static ngx_int_t
ngx_http_task_redis_url_invalid(ngx_conf_t *cf, ngx_str_t *url,
    const char *why)
{
    u_char     *at, *p, *last;
    ngx_str_t   shown;

    shown = *url;
    last = url->data + url->len;

    if (url->len < 5 || ngx_strncmp(url->data, "unix:", 5) != 0) {
        for (at = url->data; at; at = p) {
            shown.data = at;
            shown.len = last - at;

            p = ngx_strlchr(at, last, '@');
            p = p ? p + 1 : NULL;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid url \"%V\": %s", &shown,
                       why);
    return NGX_ERROR;
}


/* its first line; nginx reads it before its workers change their user */

ngx_int_t
ngx_http_task_redis_password(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *name)
{
    u_char      buf[NGX_HTTP_TASK_REDIS_PASSWORD];
    size_t      len;
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t   file;

    if (name->data == NULL) {
        return NGX_OK;
    }

    file = *name;

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(file.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &file);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));
    (void) ngx_close_file(fd);

    for (len = 0; n > 0 && len < (size_t) n; len++) {
        if (buf[len] == '\n' || buf[len] == '\r') {
            break;
        }
    }

    if (len == 0 || len == sizeof(buf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password is in \"%V\"", &file);
        return NGX_ERROR;
    }

    redis->password.len = len;
    redis->password.data = ngx_pnalloc(cf->pool, len);

    if (redis->password.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(redis->password.data, buf, len);
    ngx_explicit_memzero(buf, sizeof(buf));

    return NGX_OK;
}
