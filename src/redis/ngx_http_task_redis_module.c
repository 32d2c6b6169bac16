
/*
 * nginx's hooks of this module, and its directive.
 */


#include "redis/ngx_http_task_redis_parts.h"
#include "http/ngx_http_task_http.h"
#include "jobs/store/ngx_http_task_store_conf.h"


static ngx_int_t ngx_http_task_redis_preconfiguration(ngx_conf_t *cf);


extern ngx_module_t  ngx_http_task_redis_module;


static ngx_command_t  ngx_http_task_redis_commands[] = {

    { ngx_string("task_job_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_task_redis_slot,
      0,
      0,
      &ngx_http_task_redis_module },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_task_redis_module_ctx = {
    ngx_http_task_redis_preconfiguration,  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_task_redis_module = {
    NGX_MODULE_V1,
    &ngx_http_task_redis_module_ctx,       /* module context */
    ngx_http_task_redis_commands,          /* module directives */
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


/*
 * All of the other module is bound weakly: what was not there when nginx loaded
 * this one is NULL for ever, and the next symbol of it would be a crash.  Both
 * are of one build: a reload loads a file that is new, but keeps what it has of
 * one that was replaced.
 */

static ngx_int_t
ngx_http_task_redis_preconfiguration(ngx_conf_t *cf)
{
    if (&ngx_http_task_module == NULL || ngx_http_task_store_get == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "ngx_http_task_redis_module.so needs "
                      "ngx_http_task_module.so, which must be loaded before "
                      "it: \"load_module\" of that comes first");
        return NGX_ERROR;
    }

    if (ngx_http_task_version == NULL
        || ngx_strcmp(ngx_http_task_version, NGX_HTTP_TASK_VERSION) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "ngx_http_task_redis_module.so is of version %s, and "
                      "ngx_http_task_module.so, as it is loaded, of another "
                      "one: restart nginx", NGX_HTTP_TASK_VERSION);
        return NGX_ERROR;
    }

    return NGX_OK;
}
