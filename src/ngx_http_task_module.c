
/*
 * Directives, configuration and its merging.
 */


#include "ngx_http_task.h"


static ngx_int_t ngx_http_task_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_task_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_task_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_task_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_task_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_task_merge_mode(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *prev, ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_check_sync(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);

static char *ngx_http_task(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_task_quick(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_task_mode(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


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

      ngx_null_command
};


static ngx_http_module_t  ngx_http_task_module_ctx = {
    ngx_http_task_preconfiguration,        /* preconfiguration */
    ngx_http_task_postconfiguration,       /* postconfiguration */

    ngx_http_task_create_main_conf,        /* create main configuration */
    NULL,                                  /* init main configuration */

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


void
ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *place)
{
    place->file = cf->conf_file->file.name;
    place->line = cf->conf_file->line;
}


/* what ngx_conf_log_error() says, of a line that was read before */

ngx_int_t
ngx_http_task_conf_error(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...)
{
    u_char            buf[NGX_MAX_CONF_ERRSTR], *p;
    va_list           args;
    ngx_conf_file_t   file, *current;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf) - 1, fmt, args);
    va_end(args);

    *p = '\0';

    current = cf->conf_file;

    if (place) {
        ngx_memzero(&file, sizeof(ngx_conf_file_t));

        file.file.name = place->file;
        file.line = place->line;

        cf->conf_file = &file;
    }

    ngx_conf_log_error(level, cf, 0, "%s", buf);

    cf->conf_file = current;

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_task_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_task_add_variables(cf);
}


static ngx_int_t
ngx_http_task_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_task_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    if (tmcf->used) {
        ngx_http_task_response_init();
    }

    return NGX_OK;
}


static void *
ngx_http_task_create_main_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->used = 0;
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_task_main_conf_t));
}


static void *
ngx_http_task_create_loc_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->function = NULL;
     *     conf->args = NULL;
     *     conf->open = 0;
     *     conf->mode.executor = NULL;
     *     conf->narrow = NULL;
     *     conf->quick = { 0, NULL };
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_task_loc_conf_t));
}


static char *
ngx_http_task_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_task_loc_conf_t *prev = parent;
    ngx_http_task_loc_conf_t *conf = child;

    ngx_array_t               *own;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* "if" and "limit_except" keep the content handler of their location */

    if ((clcf->noname || clcf->lmt_excpt)
        && conf->function == NULL && conf->quick.data == NULL)
    {
        *conf = *prev;

        if (clcf->handler == NULL && conf->function) {
            clcf->handler = ngx_http_task_handler;

        } else if (clcf->handler == NULL && conf->quick.data) {
            clcf->handler = ngx_http_task_quick_handler;
        }

        return NGX_CONF_OK;
    }

    own = conf->narrow;

    if (conf->narrow == NULL) {
        conf->narrow = prev->narrow;
    }

    if (ngx_http_task_merge_mode(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->function == NULL) {
        return NGX_CONF_OK;
    }

    if (ngx_http_task_args_narrow(cf, conf, own) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->mode.executor == &ngx_http_task_sync
        && ngx_http_task_check_sync(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_task_merge_mode(ngx_conf_t *cf, ngx_http_task_loc_conf_t *prev,
    ngx_http_task_loc_conf_t *conf)
{
    ngx_uint_t                  own;
    ngx_http_task_mode_t       *mode;
    const ngx_task_function_t  *f;

    mode = &conf->mode;
    own = (mode->executor != NULL);

    if (!own) {
        *mode = prev->mode;
    }

    f = conf->function;

    if (f == NULL) {
        return NGX_OK;
    }

    if (mode->executor
        && (mode->executor->block ? f->block == NULL : f->async == NULL))
    {
        if (own) {
            return ngx_http_task_conf_error(cf, NGX_LOG_EMERG, &mode->place,
                                 "task \"%s\" has no form for task_mode \"%V\"",
                                 f->name, &mode->executor->name);
        }

        (void) ngx_http_task_conf_error(cf, NGX_LOG_NOTICE, &conf->place,
                                 "task \"%s\" has no form for the inherited "
                                 "task_mode \"%V\", the default is used",
                                 f->name, &mode->executor->name);

        ngx_memzero(mode, sizeof(ngx_http_task_mode_t));
    }

    if (mode->executor == NULL) {
        mode->executor = f->async ? &ngx_http_task_async
                                  : &ngx_http_task_thread;
    }

    if (mode->executor == &ngx_http_task_thread && mode->pool == NULL) {

        /* nginx's pool "default", which "aio threads" uses, too */

        mode->pool = ngx_thread_pool_add(cf, NULL);

        if (mode->pool == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* nobody but the operator decides how long a worker stands still */

static ngx_int_t
ngx_http_task_check_sync(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    arg = tlcf->args->elts;

    for (i = 0; i < tlcf->args->nelts; i++) {

        if (arg[i].param->type == NGX_TASK_TIME
            && (!arg[i].fixed || arg[i].variable)
            && !arg[i].narrowed)
        {
            return ngx_http_task_conf_error(cf, NGX_LOG_EMERG, &tlcf->place,
                       "a request may choose \"%V\" of task \"%s\" and so "
                       "block the worker: with task_mode \"sync\", fix it or "
                       "bound it with \"task_param %V max=\"",
                       &arg[i].name, tlcf->function->name, &arg[i].name);
        }
    }

    (void) ngx_http_task_conf_error(cf, NGX_LOG_WARN, &tlcf->place,
                       "task \"%s\" with task_mode \"sync\" blocks its worker "
                       "and all clients of it while it runs",
                       tlcf->function->name);

    return NGX_OK;
}


static char *
ngx_http_task(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_task_main_conf_t  *tmcf;

    if (tlcf->function) {
        return "is duplicate";
    }

    if (tlcf->quick.data) {
        return "conflicts with \"quick\"";
    }

    value = cf->args->elts;

    tlcf->function = ngx_http_task_find_function(&value[1]);

    if (tlcf->function == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown task function \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_http_task_conf_place(cf, &tlcf->place);

    if (ngx_http_task_args_create(cf, tlcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_task_args_fix(cf, tlcf, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_task_handler;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);
    tmcf->used = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_task_quick(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t                 *value;
    ngx_http_task_json_t       json;
    ngx_http_core_loc_conf_t  *clcf;

    if (tlcf->quick.data) {
        return "is duplicate";
    }

    if (tlcf->function) {
        return "conflicts with \"task\"";
    }

    ngx_str_set(&tlcf->quick, "{\"status\":\"quick response\"}");

    if (cf->args->nelts == 2) {
        value = cf->args->elts;

        ngx_http_task_json_scan(value[1].data, value[1].len, NULL, NULL, &json);

        if (json.error) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not JSON: %s, character %uz",
                               &value[1], json.error, json.position);
            return NGX_CONF_ERROR;
        }

        tlcf->quick = value[1];
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_task_quick_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_task_mode(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t             *value, name;
    ngx_http_task_mode_t  *mode;

    mode = &tlcf->mode;

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

        return mode->pool ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\", it must be \"async\", "
                       "\"thread\", \"thread=pool\" or \"sync\"", &value[1]);

    return NGX_CONF_ERROR;
}
