
/*
 * "task_job_redis": the directive that makes a store.
 */


#include "redis/ngx_http_task_redis_parts.h"
#include "http/ngx_http_task_http.h"
#include "jobs/store/ngx_http_task_store_conf.h"


/* values of options that are not given: milliseconds, bytes */

#define NGX_HTTP_TASK_REDIS_TTL     3600000
#define NGX_HTTP_TASK_REDIS_LEASE   15000
#define NGX_HTTP_TASK_REDIS_RESULT  65536
#define NGX_HTTP_TASK_REDIS_EVENTS  16384

/* the most that an option may have */

#define NGX_HTTP_TASK_REDIS_MAX  0x10000000

#define NGX_HTTP_TASK_REDIS_LEASE_MIN  1000


typedef struct {
    ngx_str_t                name;
    ngx_str_t                url;
    ngx_str_t                password_file;
    ngx_str_t                ca;
    ngx_str_t                prefix;
    ngx_str_t                ttl;
    ngx_str_t                lease;
    ngx_str_t                max_body;
    ngx_str_t                max_result;
    ngx_str_t                max_events;
    ngx_str_t                attempts;
    ngx_str_t                durable;
} ngx_http_task_redis_options_t;


static char *ngx_http_task_redis_options(ngx_conf_t *cf,
    ngx_http_task_redis_options_t *o);
static char *ngx_http_task_redis_set(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_http_task_redis_options_t *o);
static char *ngx_http_task_redis_set_durable(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_str_t *durable);
static ngx_int_t ngx_http_task_redis_needs(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_http_task_redis_options_t *o);
static char *ngx_http_task_redis_times(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_http_task_redis_options_t *o);
static ngx_int_t ngx_http_task_redis_prefix(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_str_t *prefix);
static char *ngx_http_task_redis_size(ngx_conf_t *cf, const char *name,
    ngx_str_t *text, size_t *size);
static char *ngx_http_task_redis_invalid(ngx_conf_t *cf, const char *name,
    ngx_str_t *text, const char *right);


char *
ngx_http_task_redis_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_redis_t          *redis;
    ngx_http_task_store_t          *store;
    ngx_http_task_main_conf_t      *tmcf;
    ngx_http_task_redis_options_t   o;

    if (ngx_http_task_redis_options(cf, &o) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (o.name.len == 0 || o.url.len == 0) {
        return "must have \"name\" and \"url\" parameters";
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    store = ngx_http_task_store_get(cf, &tmcf->job_zones, &o.name);
    redis = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_redis_t));

    if (store == NULL || redis == NULL) {
        return NGX_CONF_ERROR;
    }

    if (store->type) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"",
                           &o.name);
        return NGX_CONF_ERROR;
    }

    store->type = &ngx_http_task_redis_store;
    store->data = redis;

    redis->store = store;

    if (ngx_http_task_redis_set(cf, redis, &o) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return (ngx_http_task_redis_node(cf, redis, cmd->post) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_task_redis_options(ngx_conf_t *cf, ngx_http_task_redis_options_t *o)
{
    ngx_http_task_option_t  options[] = {
        { "name", &o->name },
        { "url", &o->url },
        { "password_file", &o->password_file },
        { "ca", &o->ca },
        { "prefix", &o->prefix },
        { "ttl", &o->ttl },
        { "lease", &o->lease },
        { "max_body", &o->max_body },
        { "max_result", &o->max_result },
        { "max_events", &o->max_events },
        { "attempts", &o->attempts },
        { "durable", &o->durable },
        { NULL, NULL }
    };

    ngx_memzero(o, sizeof(ngx_http_task_redis_options_t));

    return (ngx_http_task_conf_options(cf, 1, options) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_task_redis_set(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_http_task_redis_options_t *o)
{
    ngx_int_t               n;
    ngx_http_task_store_t  *store;

    store = redis->store;

    store->max_result = NGX_HTTP_TASK_REDIS_RESULT;
    store->max_events = NGX_HTTP_TASK_REDIS_EVENTS;

    if (ngx_http_task_redis_url(cf, redis, &o->url) != NGX_OK
        || ngx_http_task_redis_password(cf, redis, &o->password_file) != NGX_OK
        || ngx_http_task_redis_needs(cf, redis, o) != NGX_OK
        || (redis->tls && ngx_http_task_redis_tls(cf, redis, &o->ca) != NGX_OK)
        || ngx_http_task_redis_prefix(cf, redis, &o->prefix) != NGX_OK
        || ngx_http_task_redis_times(cf, redis, o) != NGX_CONF_OK
        || ngx_http_task_redis_size(cf, "max_body", &o->max_body,
                                    &store->max_body)
           != NGX_CONF_OK
        || ngx_http_task_redis_size(cf, "max_result", &o->max_result,
                                    &store->max_result)
           != NGX_CONF_OK
        || ngx_http_task_redis_size(cf, "max_events", &o->max_events,
                                    &store->max_events)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    n = o->attempts.data ? ngx_atoi(o->attempts.data, o->attempts.len) : 1;

    if (n < 1 || n > NGX_HTTP_TASK_JOB_ATTEMPTS) {
        return ngx_http_task_redis_invalid(cf, "attempts", &o->attempts,
                                           "a number from 1 to 100");
    }

    store->attempts = n;

    return ngx_http_task_redis_set_durable(cf, redis, &o->durable);
}


static char *
ngx_http_task_redis_set_durable(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *durable)
{
    if (durable->len == 2 && ngx_strncmp(durable->data, "on", 2) == 0) {
        redis->durable = 1;
        return NGX_CONF_OK;
    }

    if (durable->data == NULL
        || (durable->len == 3 && ngx_strncmp(durable->data, "off", 3) == 0))
    {
        return NGX_CONF_OK;
    }

    return ngx_http_task_redis_invalid(cf, "durable", durable,
                                       "\"on\" or \"off\"");
}


/* options that are nothing without another one */

static ngx_int_t
ngx_http_task_redis_needs(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_http_task_redis_options_t *o)
{
    if (redis->user.len && redis->password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the user \"%V\" in \"url\" needs a "
                           "\"password_file\"", &redis->user);
        return NGX_ERROR;
    }

    if (o->ca.data && !redis->tls) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ca\" needs an \"url\" that begins with "
                           "\"rediss://\"");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static char *
ngx_http_task_redis_times(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_http_task_redis_options_t *o)
{
    ngx_int_t  n;

    n = o->ttl.data ? ngx_http_task_conf_time(&o->ttl)
                    : NGX_HTTP_TASK_REDIS_TTL;

    if (n == NGX_ERROR || n == 0) {
        return ngx_http_task_redis_invalid(cf, "ttl", &o->ttl,
                                           "a time that is not 0");
    }

    redis->ttl = n;

    n = o->lease.data ? ngx_http_task_conf_time(&o->lease)
                      : NGX_HTTP_TASK_REDIS_LEASE;

    if (n == NGX_ERROR || n < NGX_HTTP_TASK_REDIS_LEASE_MIN) {
        return ngx_http_task_redis_invalid(cf, "lease", &o->lease,
                                           "a time of at least 1s");
    }

    redis->lease = n;

    return NGX_CONF_OK;
}


/* with a hash tag all keys are in one place of a cluster */

static ngx_int_t
ngx_http_task_redis_prefix(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *prefix)
{
    u_char  *p;

    if (prefix->data == NULL) {
        p = ngx_pnalloc(cf->pool, redis->store->name.len + sizeof("{task-}:"));

        if (p == NULL) {
            return NGX_ERROR;
        }

        redis->prefix.data = p;
        redis->prefix.len = ngx_sprintf(p, "{task-%V}:", &redis->store->name)
                            - p;
        return NGX_OK;
    }

    p = ngx_strlchr(prefix->data, prefix->data + prefix->len, '{');

    if (p == NULL
        || ngx_strlchr(p, prefix->data + prefix->len, '}') < p + 2)
    {
        (void) ngx_http_task_redis_invalid(cf, "prefix", prefix,
                                           "a text with a hash tag, such as "
                                           "\"{task-jobs}:\"");
        return NGX_ERROR;
    }

    redis->prefix = *prefix;

    return NGX_OK;
}


/* one that is not given stays as it is */

static char *
ngx_http_task_redis_size(ngx_conf_t *cf, const char *name, ngx_str_t *text,
    size_t *size)
{
    ssize_t  n;

    if (text->data == NULL) {
        return NGX_CONF_OK;
    }

    n = ngx_parse_size(text);

    if (n == NGX_ERROR || n > NGX_HTTP_TASK_REDIS_MAX) {
        return ngx_http_task_redis_invalid(cf, name, text,
                                           "a size of at most 256m");
    }

    *size = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_task_redis_invalid(ngx_conf_t *cf, const char *name, ngx_str_t *text,
    const char *right)
{
    ngx_http_task_option_t  option;

    option.name = name;
    option.value = text;

    return ngx_http_task_conf_invalid(cf, &option, right);
}
