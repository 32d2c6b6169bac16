
/*
 * "task_job_zone": the directive that makes a store.
 */


#include "jobs/store/ngx_http_task_state.h"
#include "jobs/store/ngx_http_task_store_conf.h"


/* lengths in the zone have 32 bits; events are read under its mutex */

#define NGX_HTTP_TASK_JOB_ZONE_MAX         0x40000000
#define NGX_HTTP_TASK_JOB_ZONE_MAX_EVENTS  0x100000

/* values of options that are not given: milliseconds, bytes */

#define NGX_HTTP_TASK_JOB_ZONE_TTL     3600000
#define NGX_HTTP_TASK_JOB_ZONE_RESULT  65536
#define NGX_HTTP_TASK_JOB_ZONE_EVENTS  16384


static ngx_uint_t ngx_http_task_job_zone_kept(ngx_conf_t *cf);
static void ngx_http_task_job_zone_room(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, size_t room);
static char *ngx_http_task_job_zone_options(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, ngx_array_t *zones);
static char *ngx_http_task_job_zone_times(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, ngx_http_task_option_t *options);
static char *ngx_http_task_job_zone_attempts(ngx_conf_t *cf,
    ngx_http_task_option_t *option, ngx_http_task_store_t *store);
static char *ngx_http_task_job_zone_time(ngx_conf_t *cf,
    ngx_http_task_option_t *option, ngx_msec_t *time);
static char *ngx_http_task_job_zone_sizes(ngx_conf_t *cf,
    ngx_http_task_option_t *options, ngx_http_task_store_t *store);
static char *ngx_http_task_job_zone_bytes(ngx_conf_t *cf,
    ngx_http_task_option_t *option, size_t max, size_t *size);


/*
 * "name:size [ttl=1h] [keep=0] [max_body=16k] [max_result=64k] [max_events=16k]
 * [attempts=1] [node=name] [state=file] [fsync=everysec]"
 */

char *
ngx_http_task_job_zone_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_array_t               *zones;
    ssize_t                    size;
    ngx_int_t                  rc;
    ngx_str_t                 *value, name;
    ngx_http_task_store_t     *store;
    ngx_http_task_job_zone_t  *zone;

    zones = (ngx_array_t *) ((char *) conf + cmd->offset);

    value = cf->args->elts;

    size = ngx_http_task_shm_size(cf, "task_job_zone",
                                  sizeof(ngx_http_task_job_sh_t)
                                  + 3 * ngx_pagesize,
                                  &value[1], &name,
                                  ngx_http_task_job_zone_kept(cf)
                                  ? NULL : cmd->post);

    if (size == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    store = ngx_http_task_store_get(cf, zones, &name);
    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_job_zone_t));

    if (store == NULL || zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (store->type) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"",
                           &name);
        return NGX_CONF_ERROR;
    }

    store->type = &ngx_http_task_job_store;
    store->data = zone;

    zone->store = store;

    if (ngx_http_task_job_zone_options(cf, zone, zones) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_task_job_zone_room(cf, zone, ngx_http_task_job_shm_room(size));

    rc = ngx_http_task_job_shm_create(cf, zone, size, cmd->post);

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "state file of task_job_zone \"%V\" cannot be "
                           "changed by a reload: restart nginx, or use another "
                           "name", &name);
    }

    return (rc == NGX_OK) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* warns where a result or a request that may be so long never has room */

static void
ngx_http_task_job_zone_room(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    size_t room)
{
    ngx_http_task_store_t  *store;

    store = zone->store;

    if (store->max_result > room) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "no result of %uz bytes, which \"max_result\" "
                           "allows, has room in zone \"%V\", it has room for "
                           "%uz", store->max_result, &store->name, room);
    }

    if (zone->body && store->max_body > room) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "no request of %uz bytes, which \"max_body\" "
                           "allows, has room in zone \"%V\", it has room for "
                           "%uz", store->max_body, &store->name, room);
    }
}


/* one of another size has the jobs of its state file: it may begin anew */

static ngx_uint_t
ngx_http_task_job_zone_kept(ngx_conf_t *cf)
{
    ngx_uint_t  i;
    ngx_str_t  *value;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_strncmp(value[i].data, "state=", 6) == 0) {
            return 1;
        }
    }

    return 0;
}


static char *
ngx_http_task_job_zone_options(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_array_t *zones)
{
    ngx_str_t               ttl, keep, max_body, max_result, max_events, node,
                            attempts, state, fsync;
    ngx_http_task_store_t  *store;

    ngx_http_task_option_t  options[] = {
        { "ttl", &ttl },
        { "keep", &keep },
        { "max_body", &max_body },
        { "max_result", &max_result },
        { "max_events", &max_events },
        { "node", &node },
        { "attempts", &attempts },
        { "state", &state },
        { "fsync", &fsync },
        { NULL, NULL }
    };

    ngx_str_null(&ttl);
    ngx_str_null(&keep);
    ngx_str_null(&max_body);
    ngx_str_null(&max_result);
    ngx_str_null(&max_events);
    ngx_str_null(&node);
    ngx_str_null(&attempts);
    ngx_str_null(&state);
    ngx_str_null(&fsync);

    if (ngx_http_task_conf_options(cf, 2, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    store = zone->store;

    if (ngx_http_task_job_zone_times(cf, zone, options) != NGX_CONF_OK
        || ngx_http_task_job_zone_sizes(cf, &options[2], store) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    zone->body = (max_body.data != NULL);

    if (node.data && !ngx_http_task_store_is_node(node.data, node.len)) {
        return ngx_http_task_conf_invalid(cf, &options[5],
                                          "letters, digits, \"_\" and \".\"");
    }

    store->node = node;

    if (ngx_http_task_job_zone_attempts(cf, &options[6], store)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_task_state_conf(cf, zone, zones, &options[7], &options[8]);
}


/* "ttl" and "keep" */

static char *
ngx_http_task_job_zone_times(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_http_task_option_t *options)
{
    zone->ttl = NGX_HTTP_TASK_JOB_ZONE_TTL;

    if (ngx_http_task_job_zone_time(cf, &options[0], &zone->ttl) != NGX_CONF_OK
        || ngx_http_task_job_zone_time(cf, &options[1], &zone->keep)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (zone->ttl == 0) {
        return ngx_http_task_conf_invalid(cf, &options[0],
                                          "a time that is not 0");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_task_job_zone_attempts(ngx_conf_t *cf, ngx_http_task_option_t *option,
    ngx_http_task_store_t *store)
{
    ngx_int_t   n;
    ngx_str_t  *text;

    text = option->value;
    n = text->data ? ngx_atoi(text->data, text->len) : 1;

    if (n < 1 || n > NGX_HTTP_TASK_JOB_ATTEMPTS) {
        return ngx_http_task_conf_invalid(cf, option, "a number from 1 to 100");
    }

    store->attempts = n;

    return NGX_CONF_OK;
}


/* an option that is not given leaves the value as it is */

static char *
ngx_http_task_job_zone_time(ngx_conf_t *cf, ngx_http_task_option_t *option,
    ngx_msec_t *time)
{
    ngx_int_t  n;

    if (option->value->data == NULL) {
        return NGX_CONF_OK;
    }

    n = ngx_http_task_conf_time(option->value);

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_invalid_time(cf, option);
    }

    *time = n;

    return NGX_CONF_OK;
}


/* of a body, a result and events */

static char *
ngx_http_task_job_zone_sizes(ngx_conf_t *cf, ngx_http_task_option_t *options,
    ngx_http_task_store_t *store)
{
    store->max_result = NGX_HTTP_TASK_JOB_ZONE_RESULT;
    store->max_events = NGX_HTTP_TASK_JOB_ZONE_EVENTS;

    if (ngx_http_task_job_zone_bytes(cf, &options[0],
                                     NGX_HTTP_TASK_JOB_ZONE_MAX,
                                     &store->max_body)
        != NGX_CONF_OK
        || ngx_http_task_job_zone_bytes(cf, &options[1],
                                        NGX_HTTP_TASK_JOB_ZONE_MAX,
                                        &store->max_result)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_task_job_zone_bytes(cf, &options[2],
                                        NGX_HTTP_TASK_JOB_ZONE_MAX_EVENTS,
                                        &store->max_events);
}


static char *
ngx_http_task_job_zone_bytes(ngx_conf_t *cf, ngx_http_task_option_t *option,
    size_t max, size_t *size)
{
    ssize_t  n;

    if (option->value->data == NULL) {
        return NGX_CONF_OK;
    }

    n = ngx_parse_size(option->value);

    if (n == NGX_ERROR || (size_t) n > max) {
        return ngx_http_task_conf_invalid(cf, option,
                                          max == NGX_HTTP_TASK_JOB_ZONE_MAX
                                          ? "a size of at most 1g"
                                          : "a size of at most 1m");
    }

    *size = n;

    return NGX_CONF_OK;
}
