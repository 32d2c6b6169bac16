
/*
 * The table of all directives, and nginx's hooks.
 */


#include "http/openapi/ngx_http_task_openapi.h"
#include "jobs/store/ngx_http_task_store_conf.h"


static char *ngx_http_task_module_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_task_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_task_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_task_init(ngx_cycle_t *cycle);


extern const ngx_task_library_t  ngx_task_library;      /* the built-in one */


static ngx_conf_enum_t  ngx_http_task_limit_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_task_idempotencies[] = {
    { ngx_string("off"), NGX_HTTP_TASK_IDEMPOTENCY_OFF },
    { ngx_string("on"), NGX_HTTP_TASK_IDEMPOTENCY_ON },
    { ngx_string("required"), NGX_HTTP_TASK_IDEMPOTENCY_REQUIRED },
    { ngx_null_string, 0 }
};


static ngx_conf_post_t  ngx_http_task_time = { ngx_http_task_conf_time_post };

/* less would be sent in tiny pieces, more would not be sent faster */

static ngx_conf_num_bounds_t  ngx_http_task_stream_buffer = {
    ngx_conf_check_num_bounds, 4096, 64 * 1024 * 1024
};


static ngx_command_t  ngx_http_task_commands[] = {

    { ngx_string("task_set"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_task_module_set,
      0,
      0,
      NULL },

    { ngx_string("task"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_task_content_task,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("quick"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_task_content_quick,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_mode"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_task_mode_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.given),
      NULL },

    { ngx_string("task_param"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_2MORE,
      ngx_http_task_args_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, args),
      NULL },

    { ngx_string("task_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_task_limit_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.limit_conf),
      NULL },

    { ngx_string("task_limit_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.limit_log_level),
      &ngx_http_task_limit_log_levels },

    { ngx_string("task_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.timeout),
      &ngx_http_task_time },

    { ngx_string("task_stream_buffer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.stream_buffer),
      &ngx_http_task_stream_buffer },

    { ngx_string("task_stream_ping"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.stream_ping),
      &ngx_http_task_time },

    { ngx_string("task_ignore_client_abort"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, run.ignore_client_abort),
      NULL },

    { ngx_string("task_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_task_stats_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_task_main_conf_t, zones),
      &ngx_http_task_module },

    { ngx_string("task_job_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_task_job_zone_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_task_main_conf_t, job_zones),
      &ngx_http_task_core_module },

    { ngx_string("task_background"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_task_job_background,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, job),
      NULL },

    { ngx_string("task_idempotency"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, job.idempotency),
      &ngx_http_task_idempotencies },

    { ngx_string("task_jobs"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_task_content_jobs,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_stats"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_task_stats_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, stats),
      NULL },

    { ngx_string("task_stall_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_task_main_conf_t, stall),
      &ngx_http_task_time },

    { ngx_string("task_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_task_content_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_ready"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_task_content_ready,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_openapi"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_task_openapi_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("task_openapi_hide"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_task_loc_conf_t, openapi_hide),
      NULL },

      ngx_null_command
};


/* for the module of Redis, which has to be of the same build */

const char  ngx_http_task_version[] = NGX_HTTP_TASK_VERSION;


static ngx_http_module_t  ngx_http_task_module_ctx = {
    ngx_http_task_preconfiguration,        /* preconfiguration */
    ngx_http_task_postconfiguration,       /* postconfiguration */

    ngx_http_task_main_conf_create,        /* create main configuration */
    ngx_http_task_main_conf_init,          /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_task_loc_conf_create,         /* create location configuration */
    ngx_http_task_loc_conf_merge           /* merge location configuration */
};


ngx_module_t  ngx_http_task_module = {
    NGX_MODULE_V1,
    &ngx_http_task_module_ctx,             /* module context */
    ngx_http_task_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_task_init,                    /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * The core module has the same, for the main context: of core modules nginx
 * takes no directives in http{}.
 */

static char *
ngx_http_task_module_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_task_settings_set(cf,
                               &ngx_http_task_core_conf(cf->cycle)->libraries);
}


static ngx_int_t
ngx_http_task_preconfiguration(ngx_conf_t *cf)
{
    ngx_array_t  *libraries;

    libraries = &ngx_http_task_core_conf(cf->cycle)->libraries;

    if (ngx_http_task_library_builtin(cf, libraries, &ngx_task_library)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_task_loc_conf_begin(cf);

    return ngx_http_task_variables_add(cf);
}


/* the documents tell what has passed the checks */

static ngx_int_t
ngx_http_task_postconfiguration(ngx_conf_t *cf)
{
    ngx_int_t  rc;

    rc = ngx_http_task_loc_conf_check(cf);

    return (rc == NGX_OK) ? ngx_http_task_openapi_build(cf) : rc;
}


static ngx_int_t
ngx_http_task_init(ngx_cycle_t *cycle)
{
    ngx_http_task_trace_init(cycle);

    return NGX_OK;
}
