
/*
 * Directives of background jobs.
 */


#include "task/ngx_http_task.h"


static char *ngx_http_task_job_zone_options(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone);
static char *ngx_http_task_job_zone_time(ngx_conf_t *cf,
    ngx_http_task_option_t *option, ngx_msec_t *time);
static char *ngx_http_task_job_zone_bytes(ngx_conf_t *cf,
    ngx_http_task_option_t *option, size_t *size);
static ngx_uint_t ngx_http_task_job_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);
static void ngx_http_task_job_hash(uint64_t *hash, u_char *p, size_t len);
static char *ngx_http_task_background_options(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);


ngx_http_task_job_zone_t *
ngx_http_task_job_zone_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_task_job_zone_t    *zone, **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);
    zones = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {
        if (zones[i]->name.len == name->len
            && ngx_strncmp(zones[i]->name.data, name->data, name->len) == 0)
        {
            return zones[i];
        }
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_job_zone_t));
    zones = ngx_array_push(&tmcf->job_zones);

    if (zone == NULL || zones == NULL) {
        return NULL;
    }

    *zones = zone;

    zone->name = *name;
    ngx_http_task_conf_place(cf, &zone->place);

    zone->ttl = 3600000;
    zone->max_body = 16384;
    zone->max_result = 65536;

    return zone;
}


/*
 * "name:size [ttl=1h] [keep=0] [max_body=16k] [max_result=64k] [node=name]"
 */

char *
ngx_http_task_job_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    size_t                     room;
    ssize_t                    size;
    ngx_str_t                 *value, name;
    ngx_http_task_job_zone_t  *zone;

    value = cf->args->elts;

    size = ngx_http_task_zone_size(cf, "task_job_zone", &value[1], &name,
                                   &ngx_http_task_core_module);

    if (size == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) (2 * sizeof(ngx_http_task_job_sh_t))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, it must have at least "
                           "%uz bytes", &name,
                           2 * sizeof(ngx_http_task_job_sh_t));
        return NGX_CONF_ERROR;
    }

    zone = ngx_http_task_job_zone_get(cf, &name);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (zone->shm_zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"",
                           &name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_task_job_zone_options(cf, zone) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    room = ngx_http_task_job_zone_room(size);

    if (zone->max_result > room) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "no result of %uz bytes, which \"max_result\" "
                           "allows, has room in zone \"%V\", it has room for "
                           "%uz", zone->max_result, &name, room);
    }

    return (ngx_http_task_job_zone_create(cf, zone, size) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_task_job_zone_options(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone)
{
    ngx_str_t  ttl, keep, max_body, max_result, node;

    ngx_http_task_option_t  options[] = {
        { "ttl", &ttl },
        { "keep", &keep },
        { "max_body", &max_body },
        { "max_result", &max_result },
        { "node", &node },
        { NULL, NULL }
    };

    ngx_str_null(&ttl);
    ngx_str_null(&keep);
    ngx_str_null(&max_body);
    ngx_str_null(&max_result);
    ngx_str_null(&node);

    if (ngx_http_task_conf_options(cf, 2, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_task_job_zone_time(cf, &options[0], &zone->ttl) != NGX_CONF_OK
        || ngx_http_task_job_zone_time(cf, &options[1], &zone->keep)
           != NGX_CONF_OK
        || ngx_http_task_job_zone_bytes(cf, &options[2], &zone->max_body)
           != NGX_CONF_OK
        || ngx_http_task_job_zone_bytes(cf, &options[3], &zone->max_result)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (zone->ttl == 0) {
        return ngx_http_task_conf_invalid(cf, &options[0]);
    }

    if (node.data && !ngx_http_task_job_node(node.data, node.len)) {
        return ngx_http_task_conf_invalid(cf, &options[4]);
    }

    zone->node = node;

    return NGX_CONF_OK;
}


/* one that is not given stays as it is */

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


static char *
ngx_http_task_job_zone_bytes(ngx_conf_t *cf, ngx_http_task_option_t *option,
    size_t *size)
{
    ssize_t  n;

    if (option->value->data == NULL) {
        return NGX_CONF_OK;
    }

    n = ngx_parse_size(option->value);

    /* lengths in the zone have 32 bits */

    if (n == NGX_ERROR || (uint64_t) n > 0xffffffff) {
        return ngx_http_task_conf_invalid(cf, option);
    }

    *size = n;

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_task_job_node(u_char *p, size_t len)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < len; i++) {
        c = p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '.'))
        {
            return 0;
        }
    }

    return len > 0 && len <= NGX_HTTP_TASK_JOB_NODE;
}


/* "off | on | prefer zone=name [location=/jobs/] [max=1000]" */

char *
ngx_http_task_background(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t  *value;

    if (tlcf->background != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        tlcf->background = NGX_HTTP_TASK_BACKGROUND_OFF;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") == 0) {
        tlcf->background = NGX_HTTP_TASK_BACKGROUND_ON;

    } else if (ngx_strcmp(value[1].data, "prefer") == 0) {
        tlcf->background = NGX_HTTP_TASK_BACKGROUND_PREFER;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be \"off\", or "
                           "\"on\" or \"prefer\" with \"zone=name\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_task_background_options(cf, tlcf);
}


static char *
ngx_http_task_background_options(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf)
{
    ngx_int_t  n;
    ngx_str_t  zone, location, max;

    ngx_http_task_option_t  options[] = {
        { "zone", &zone },
        { "location", &location },
        { "max", &max },
        { NULL, NULL }
    };

    ngx_str_null(&zone);
    ngx_str_null(&location);
    ngx_str_null(&max);

    if (ngx_http_task_conf_options(cf, 2, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (zone.len == 0) {
        return "must have \"zone\" parameter";
    }

    tlcf->job_zone = ngx_http_task_job_zone_get(cf, &zone);

    if (tlcf->job_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (location.data == NULL) {
        ngx_str_set(&location, "/jobs/");
    }

    if (location.len == 0 || location.data[0] != '/'
        || location.data[location.len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"location=%V\", a location "
                           "begins and ends with a slash", &location);
        return NGX_CONF_ERROR;
    }

    tlcf->job_location = location;

    n = max.data ? ngx_atoi(max.data, max.len) : 0;

    if (n == NGX_ERROR || (max.data && n == 0)) {
        return ngx_http_task_conf_invalid(cf, &options[2]);
    }

    tlcf->job_max = n;

    return NGX_CONF_OK;
}


/*
 * A location with "max" has a share of its own in the zone, and finds it after
 * a reload again: by its name, and that of its server.
 */

ngx_int_t
ngx_http_task_job_merge_share(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf)
{
    u_char                     kind;
    ngx_uint_t                 server;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    if (tlcf->job_max == 0) {
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    server = ngx_http_task_job_server(cf, cscf);
    kind = clcf->exact_match ? '=' : ' ';

#if (NGX_PCRE)
    if (clcf->regex) {
        kind = '~';
    }
#endif

    tlcf->job_share = 0xcbf29ce484222325;            /* of FNV-1a */

    ngx_http_task_job_hash(&tlcf->job_share, cscf->server_name.data,
                           cscf->server_name.len);
    ngx_http_task_job_hash(&tlcf->job_share, (u_char *) &server,
                           sizeof(ngx_uint_t));
    ngx_http_task_job_hash(&tlcf->job_share, &kind, 1);
    ngx_http_task_job_hash(&tlcf->job_share, clcf->name.data, clcf->name.len);

    if (++tlcf->job_zone->nshares > NGX_HTTP_TASK_JOB_SHARES / 2) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &tlcf->place,
                           "at most %d locations may have \"max\" in the zone "
                           "\"%V\" of jobs", NGX_HTTP_TASK_JOB_SHARES / 2,
                           &tlcf->job_zone->name);
    }

    return NGX_OK;
}


/* the how manieth of its name it is */

static ngx_uint_t
ngx_http_task_job_server(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_uint_t                   i, n;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    servers = cmcf->servers.elts;
    n = 0;

    for (i = 0; i < cmcf->servers.nelts && servers[i] != cscf; i++) {
        n += (servers[i]->server_name.len == cscf->server_name.len
              && ngx_strncmp(servers[i]->server_name.data,
                             cscf->server_name.data, cscf->server_name.len)
                 == 0);
    }

    return n;
}


static void
ngx_http_task_job_hash(uint64_t *hash, u_char *p, size_t len)
{
    while (len--) {
        *hash = (*hash ^ *p++) * 0x100000001b3;
    }
}


ngx_int_t
ngx_http_task_job_check(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_task_job_zone_t   **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);
    zones = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {

        if (zones[i]->shm_zone == NULL) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &zones[i]->place,
                           "zone \"%V\" of jobs is not defined by a "
                           "\"task_job_zone\"", &zones[i]->name);
        }
    }

    return NGX_OK;
}
