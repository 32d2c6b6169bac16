
/*
 * Directives and configuration; it is merged in ngx_http_task_merge.c.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_task_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_task_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_task_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_task_create_loc_conf(ngx_conf_t *cf);

static char *ngx_http_task(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_task_quick(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_task_mode(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


static ngx_conf_enum_t  ngx_http_task_limit_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_post_t  ngx_http_task_time = { ngx_http_task_conf_time_post };


static ngx_command_t  ngx_http_task_commands[] = {

    { ngx_string("task"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_task,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("quick"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_task_quick,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_mode"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_task_mode,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_param"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_TAKE2|NGX_CONF_TAKE3|NGX_CONF_TAKE4,
      ngx_http_task_param,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_task_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_limit_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, limit_log_level),
      &ngx_http_task_limit_log_levels },

    { ngx_string("task_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, timeout),
      &ngx_http_task_time },

    { ngx_string("task_ignore_client_abort"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, ignore_client_abort),
      NULL },

    { ngx_string("task_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_task_zone,
      0,
      0,
      NULL },

    { ngx_string("task_job_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_task_job_zone,
      0,
      0,
      NULL },

    { ngx_string("task_background"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1234,
      ngx_http_task_background,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_jobs"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_task_jobs,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_stats"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_task_stats,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_stall_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_task_main_conf_t, stall),
      &ngx_http_task_time },

    { ngx_string("task_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_task_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_ready"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_task_ready,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_task_module_ctx = {
    ngx_http_task_preconfiguration,        /* preconfiguration */
    ngx_http_task_postconfiguration,       /* postconfiguration */

    ngx_http_task_create_main_conf,        /* create main configuration */
    ngx_http_task_init_main_conf,          /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_task_create_loc_conf,         /* create location configuration */
    ngx_http_task_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_task_module = {
    NGX_MODULE_V1,
    &ngx_http_task_module_ctx,             /* module context */
    ngx_http_task_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_task_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_http_task_library_builtin(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_task_add_variables(cf);
}


/* what was named before it was defined */

static ngx_int_t
ngx_http_task_postconfiguration(ngx_conf_t *cf)
{
    if (ngx_http_task_limit_check(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_task_stats_check(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_task_merge_check_jobs(cf);

    return ngx_http_task_job_check(cf);
}


static void *
ngx_http_task_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_task_main_conf_t  *tmcf;

    tmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_main_conf_t));
    if (tmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     tmcf->used = 0;
     */

    if (ngx_array_init(&tmcf->locations, cf->pool, 8,
                       sizeof(ngx_http_task_loc_conf_t *))
        != NGX_OK
        || ngx_array_init(&tmcf->limits, cf->pool, 4,
                          sizeof(ngx_http_task_limit_t *))
           != NGX_OK
        || ngx_array_init(&tmcf->ready, cf->pool, 2,
                          sizeof(ngx_http_task_loc_conf_t *))
           != NGX_OK
        || ngx_array_init(&tmcf->zones, cf->pool, 2,
                          sizeof(ngx_http_task_zone_t *))
           != NGX_OK
        || ngx_array_init(&tmcf->job_zones, cf->pool, 2,
                          sizeof(ngx_http_task_job_zone_t *))
           != NGX_OK)
    {
        return NULL;
    }

    tmcf->stall = NGX_CONF_UNSET_MSEC;

    return tmcf;
}


static char *
ngx_http_task_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_task_main_conf_t *tmcf = conf;

    ngx_conf_init_msec_value(tmcf->stall, 0);

    return NGX_CONF_OK;
}


static void *
ngx_http_task_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_loc_conf_t));
    if (tlcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     tlcf->parent = NULL;
     *     tlcf->function = NULL;
     *     tlcf->args = NULL;
     *     tlcf->open = 0;
     *     tlcf->mode.executor = NULL;
     *     tlcf->narrow = NULL;
     *     tlcf->limit = NULL;
     *     tlcf->stats = NULL;
     *     tlcf->content = { 0, NULL };
     *     tlcf->handler = NULL;
     *     tlcf->quick = { 0, NULL };
     *     tlcf->ready = { 0, NULL };
     *     tlcf->status = 0;
     *     tlcf->server = NULL;
     */

    if (cf->cmd_type != NGX_MAIN_CONF) {
        tlcf->parent = ngx_http_conf_get_module_loc_conf(cf,
                                                       ngx_http_task_module);
    }

    tlcf->limit_conf.running = NGX_CONF_UNSET_UINT;
    tlcf->limit_log_level = NGX_CONF_UNSET_UINT;
    tlcf->timeout = NGX_CONF_UNSET_MSEC;
    tlcf->ignore_client_abort = NGX_CONF_UNSET;
    tlcf->zone = NGX_CONF_UNSET_PTR;
    tlcf->background = NGX_CONF_UNSET_UINT;

    return tlcf;
}


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


static char *
ngx_http_task(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    rv = ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_handler);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    tlcf->function = ngx_http_task_function_find(cf, &value[1]);

    if (tlcf->function == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_task_args_create(cf, tlcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_task_args_fix(cf, tlcf, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_task_quick(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
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


static char *
ngx_http_task_mode(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t             *value, name;
    ngx_http_task_mode_t  *mode;

    mode = &tlcf->given;

    if (mode->executor) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ngx_http_task_conf_place(cf, &mode->place);

    if (ngx_strcmp(value[1].data, "async") == 0) {
        mode->executor = &ngx_http_task_async;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "sync") == 0) {
        mode->executor = &ngx_http_task_sync;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "thread") == 0) {
        mode->executor = &ngx_http_task_thread;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[1].data, "thread=", 7) == 0 && value[1].len > 7) {
        mode->executor = &ngx_http_task_thread;

        name.data = value[1].data + 7;
        name.len = value[1].len - 7;

        mode->pool = ngx_thread_pool_add(cf, &name);
        mode->pool_name = name;

        return mode->pool ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\", it must be \"async\", "
                       "\"thread\", \"thread=pool\" or \"sync\"", &value[1]);

    return NGX_CONF_ERROR;
}
