
/*
 * The directives that answer in a location: "task", "quick", "task_jobs",
 * "task_status", "task_ready".  A location may have only one of them.
 */


#include "http/ngx_http_task_http.h"


char *
ngx_http_task_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_task_loc_conf_t *tlcf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_task_loc_conf_t  **location;
    ngx_http_task_main_conf_t  *tmcf;

    if (tlcf->handler == handler) {
        return "is duplicate";
    }

    if (tlcf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" directive conflicts with \"%V\"",
                           &cmd->name, &tlcf->content);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "conflicts with a directive of another module before it, which "
               "answers in this location, too";
    }

    tlcf->content = cmd->name;
    tlcf->handler = handler;
    tlcf->clcf = clcf;

    ngx_http_task_conf_place(cf, &tlcf->place);

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    location = ngx_array_push(&tmcf->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    *location = tlcf;

    if (handler != ngx_http_task_quick_handler) {
        tmcf->used = 1;
        tlcf->no_store = (handler != ngx_http_task_handler);
    }

    clcf->handler = handler;

    return NGX_CONF_OK;
}


/* "function [name=value ...]" */

char *
ngx_http_task_content_task(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char       *rv;
    ngx_str_t  *value;

    rv = ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_handler);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    if (ngx_http_task_args_function(cf, &tlcf->args, &value[1]) != NGX_OK
        || ngx_http_task_args_fix(cf, &tlcf->args, &value[2],
                                  cf->args->nelts - 2)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "[json]" */

char *
ngx_http_task_content_quick(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char                  *rv;
    ngx_str_t             *value;
    ngx_http_task_json_t   json;

    rv = ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_quick_handler);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ngx_str_set(&tlcf->quick, "{\"status\":\"quick response\"}");

    if (cf->args->nelts == 2) {
        value = cf->args->elts;

        ngx_http_task_json_scan(value[1].data, value[1].len, NULL, NULL, &json);

        if (json.error == NULL && value[1].data[0] == 0xef) {
            return "string begins with a byte order mark, which is not JSON";
        }

        if (json.error) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not JSON: %s, character %uz",
                               &value[1], json.error, json.position);
            return NGX_CONF_ERROR;
        }

        tlcf->quick = value[1];
    }

    return NGX_CONF_OK;
}


/* "zone=name [list=on]" */

char *
ngx_http_task_content_jobs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char  *rv;

    rv = ngx_http_task_job_told(cf, &tlcf->job);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_jobs_handler);
}


/* "[json | prometheus]" */

char *
ngx_http_task_content_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t  *value;

    if (cf->args->nelts == 2) {
        value = cf->args->elts;

        if (ngx_strcmp(value[1].data, "json") == 0) {
            tlcf->format = NGX_HTTP_TASK_FORMAT_JSON;

        } else if (ngx_strcmp(value[1].data, "prometheus") == 0) {
            tlcf->format = NGX_HTTP_TASK_FORMAT_PROMETHEUS;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\", it must be \"json\" or "
                               "\"prometheus\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_status_handler);
}


/* "[location]" */

char *
ngx_http_task_content_ready(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_http_task_loc_conf_t  **ready;
    ngx_http_task_main_conf_t  *tmcf;

    rv = ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_ready_handler);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    tlcf->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (cf->args->nelts == 2) {
        value = cf->args->elts;
        tlcf->ready = value[1];
    }

    ready = ngx_array_push(&tmcf->ready);
    if (ready == NULL) {
        return NGX_CONF_ERROR;
    }

    *ready = tlcf;

    return NGX_CONF_OK;
}
