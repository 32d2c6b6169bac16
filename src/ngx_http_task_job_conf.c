
/*
 * Directives of background jobs.
 */


#include "ngx_http_task.h"


static ngx_int_t ngx_http_task_job_zone_option(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, ngx_str_t *text);


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


/* "name:size [ttl=1h] [max_body=16k] [max_result=64k] [node=name]" */

char *
ngx_http_task_job_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                    size;
    ngx_str_t                 *value, name;
    ngx_uint_t                 i;
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

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_task_job_zone_option(cf, zone, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return (ngx_http_task_job_zone_create(cf, zone, size) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_task_job_zone_option(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_str_t *text)
{
    u_char     c;
    ssize_t    n;
    ngx_str_t  value;

    n = NGX_ERROR;

    if (ngx_strncmp(text->data, "ttl=", 4) == 0) {
        value.data = text->data + 4;
        value.len = text->len - 4;
        n = ngx_parse_time(&value, 0);
        zone->ttl = n;

    } else if (ngx_strncmp(text->data, "max_body=", 9) == 0) {
        value.data = text->data + 9;
        value.len = text->len - 9;
        n = ngx_parse_size(&value);
        zone->max_body = n;

    } else if (ngx_strncmp(text->data, "max_result=", 11) == 0) {
        value.data = text->data + 11;
        value.len = text->len - 11;
        n = ngx_parse_size(&value);
        zone->max_result = n;

    } else if (ngx_strncmp(text->data, "node=", 5) == 0) {
        zone->node.data = text->data + 5;
        zone->node.len = text->len - 5;

        for (n = 0; n < (ssize_t) zone->node.len; n++) {
            c = zone->node.data[n];

            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                  || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            {
                break;
            }
        }

        if (n == 0 || n < (ssize_t) zone->node.len || n > 64) {
            n = NGX_ERROR;
        }
    }

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "invalid parameter \"%V\"", text);
    }

    return NGX_OK;
}


/* "off | on | prefer zone=name [location=/jobs/]" */

char *
ngx_http_task_background(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t   *value, name;
    ngx_uint_t   i;

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

    ngx_str_set(&tlcf->job_location, "/jobs/");

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "zone=", 5) == 0 && value[i].len > 5) {
            name.data = value[i].data + 5;
            name.len = value[i].len - 5;

            tlcf->job_zone = ngx_http_task_job_zone_get(cf, &name);

            if (tlcf->job_zone == NULL) {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_strncmp(value[i].data, "location=/", 10) == 0) {
            tlcf->job_location.data = value[i].data + 9;
            tlcf->job_location.len = value[i].len - 9;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (tlcf->job_zone == NULL) {
        return "must have \"zone\" parameter";
    }

    return NGX_CONF_OK;
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
