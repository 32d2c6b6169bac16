
/*
 * Merging of the configuration.  All that a location's directives say together
 * is checked and made ready here, before the first request.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_merge_check_content(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf, ngx_http_core_loc_conf_t *clcf);
static void ngx_http_task_merge_background(ngx_http_task_loc_conf_t *prev,
    ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_merge_default_mode(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_merge_limits(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *prev, ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_merge_args(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_merge_methods(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_check_sync(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);


char *
ngx_http_task_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_task_loc_conf_t *prev = parent;
    ngx_http_task_loc_conf_t *conf = child;

    ngx_array_t               *own;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* "if" and "limit_except" keep the content handler of their location */

    if ((clcf->noname || clcf->lmt_excpt) && conf->handler == NULL) {
        *conf = *prev;

        if (clcf->handler == NULL) {
            clcf->handler = conf->handler;
        }

        return NGX_CONF_OK;
    }

    own = conf->narrow;

    if (conf->narrow == NULL) {
        conf->narrow = prev->narrow;
    }

    if (ngx_http_task_merge_check_content(cf, conf, clcf) != NGX_OK
        || ngx_http_task_merge_mode(cf, conf) != NGX_OK
        || ngx_http_task_merge_limits(cf, prev, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_ptr_value(conf->zone, prev->zone, NULL);
    ngx_http_task_merge_background(prev, conf);

    if (conf->function == NULL) {
        return NGX_CONF_OK;
    }

    if (conf->zone && ngx_http_task_stats_create(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_task_job_merge_share(cf, conf) != NGX_OK
        || ngx_http_task_args_narrow(cf, conf, own) != NGX_OK
        || ngx_http_task_merge_args(cf, conf) != NGX_OK
        || ngx_http_task_merge_methods(cf, conf) != NGX_OK)
    {
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
ngx_http_task_merge_check_content(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf, ngx_http_core_loc_conf_t *clcf)
{
    if (conf->handler == NULL || clcf->handler == conf->handler) {
        return NGX_OK;
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &conf->place,
                       "\"%V\" conflicts with a directive of another module "
                       "behind it, which answers in this location, too",
                       &conf->content);
}


static void
ngx_http_task_merge_background(ngx_http_task_loc_conf_t *prev,
    ngx_http_task_loc_conf_t *conf)
{
    if (conf->background != NGX_CONF_UNSET_UINT) {
        return;
    }

    conf->background = (prev->background == NGX_CONF_UNSET_UINT)
                       ? NGX_HTTP_TASK_BACKGROUND_OFF : prev->background;
    conf->job_zone = prev->job_zone;
    conf->job_location = prev->job_location;
    conf->job_max = prev->job_max;
}


/*
 * The mode of a task, and its pool: in nginx when http{} is merged, in Angie,
 * which does that when the pools are made already, before.
 */

ngx_int_t
ngx_http_task_merge_mode(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    ngx_http_task_mode_t      *mode;
    ngx_http_task_function_t  *f;
    ngx_http_task_loc_conf_t  *level;

    f = conf->function;
    mode = &conf->mode;

    if (f == NULL || mode->executor) {
        return NGX_OK;
    }

    for (level = conf;
         level->parent && level->given.executor == NULL;
         level = level->parent)
    {
        /* void */
    }

    /* a default is not inherited: another function may have another one */

    *mode = level->given;

    if (mode->executor
        && (mode->executor->block ? f->table.block == NULL
                                  : f->table.async == NULL))
    {
        if (level == conf) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &mode->place,
                                 "task \"%V\" has no form for task_mode \"%V\"",
                                 &f->name, &mode->executor->name);
        }

        (void) ngx_http_task_conf_log(cf, NGX_LOG_NOTICE, &conf->place,
                                 "task \"%V\" has no form for the inherited "
                                 "task_mode \"%V\", the default is used",
                                 &f->name, &mode->executor->name);

        ngx_memzero(mode, sizeof(ngx_http_task_mode_t));
    }

    return ngx_http_task_merge_default_mode(cf, conf);
}


/* async where there is such a form; and the pool that has no name */

static ngx_int_t
ngx_http_task_merge_default_mode(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    ngx_http_task_mode_t      *mode;
    ngx_http_task_function_t  *f;

    mode = &conf->mode;
    f = conf->function;

    if (mode->executor == NULL) {
        mode->executor = f->table.async ? &ngx_http_task_async
                                  : &ngx_http_task_thread;
    }

    if (mode->pool == NULL
        && (mode->executor == &ngx_http_task_thread
            || (mode->executor == &ngx_http_task_async
                && f->library->descriptor != &ngx_task_library)))
    {
        /*
         * nginx's pool "default", which "aio threads" uses, too.  An async
         * function may offload to it; the built-in ones do not.
         */

        mode->pool = ngx_thread_pool_add(cf, NULL);
        ngx_str_set(&mode->pool_name, "default");

        if (mode->pool == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_merge_limits(ngx_conf_t *cf, ngx_http_task_loc_conf_t *prev,
    ngx_http_task_loc_conf_t *conf)
{
    if (conf->function && conf->mode.executor == &ngx_http_task_sync
        && conf->timeout != NGX_CONF_UNSET_MSEC && conf->timeout)
    {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, &conf->place,
                       "\"task_timeout\" cannot end a task \"%V\" with "
                       "task_mode \"sync\"", &conf->function->name);
    }

    ngx_conf_merge_msec_value(conf->timeout, prev->timeout, 0);
    ngx_conf_merge_value(conf->ignore_client_abort,
                         prev->ignore_client_abort, 0);
    ngx_conf_merge_uint_value(conf->limit_log_level,
                              prev->limit_log_level, NGX_LOG_ERR);

    if (conf->limit_conf.running == NGX_CONF_UNSET_UINT) {
        conf->limit_conf = prev->limit_conf;
    }

    if (conf->function == NULL
        || conf->limit_conf.running == NGX_CONF_UNSET_UINT)
    {
        return NGX_OK;
    }

    conf->limit = ngx_http_task_limit_create(cf, conf);

    return conf->limit ? NGX_OK : NGX_ERROR;
}


/* the arguments of a request that gives none, if that is possible */

static ngx_int_t
ngx_http_task_merge_args(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    ngx_uint_t              i;
    ngx_http_task_arg_t    *arg;
    ngx_http_task_value_t  *values;

    arg = conf->args->elts;

    values = ngx_palloc(cf->temp_pool, conf->args->nelts
                                       * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->args->nelts; i++) {

        if (arg[i].variable || !(arg[i].fixed || arg[i].has_def)) {
            return NGX_OK;
        }

        values[i] = arg[i].fixed ? arg[i].value : arg[i].def;
    }

    conf->ready_args = ngx_http_task_args_store(cf->pool, conf->function,
                                                conf->args, values);

    return conf->ready_args ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_task_merge_methods(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    u_char      *p;
    ngx_uint_t   i;

    static const struct {
        ngx_uint_t  method;
        ngx_str_t   name;
    } methods[] = {
        { NGX_HTTP_GET, ngx_string("GET, ") },
        { NGX_HTTP_HEAD, ngx_string("HEAD, ") },
        { NGX_HTTP_POST, ngx_string("POST, ") },
        { NGX_HTTP_PUT, ngx_string("PUT, ") },
        { NGX_HTTP_DELETE, ngx_string("DELETE, ") },
        { NGX_HTTP_PATCH, ngx_string("PATCH, ") }
    };

    conf->methods = conf->function->methods;

    if (conf->methods == 0) {
        conf->methods = NGX_HTTP_GET|NGX_HTTP_HEAD;

        if (conf->open
            || (conf->function->table.flags & NGX_TASK_RAW_BODY))
        {
            conf->methods |= NGX_HTTP_POST;
        }
    }

    /* an answer without a body could not tell of the job that it began */

    if (conf->background == NGX_HTTP_TASK_BACKGROUND_ON) {
        conf->methods &= ~NGX_HTTP_HEAD;
    }

    p = ngx_pnalloc(cf->pool, sizeof("GET, HEAD, POST, PUT, DELETE, PATCH, "));
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->allow.data = p;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (conf->methods & methods[i].method) {
            p = ngx_cpymem(p, methods[i].name.data, methods[i].name.len);
        }
    }

    conf->allow.len = p - conf->allow.data - 2;

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
            && !arg[i].bounded)
        {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &tlcf->place,
                       "a request may choose \"%V\" of task \"%V\" and so "
                       "block the worker: with task_mode \"sync\", fix it or "
                       "bound it with \"task_param %V max=\"",
                       &arg[i].name, &tlcf->function->name, &arg[i].name);
        }
    }

    (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, &tlcf->place,
                       "task \"%V\" with task_mode \"sync\" blocks its worker "
                       "and all clients of it while it runs",
                       &tlcf->function->name);

    return NGX_OK;
}


/* a zone whose jobs nobody can ask for: another server of it may tell them */

void
ngx_http_task_merge_check_jobs(ngx_conf_t *cf)
{
    ngx_uint_t                   i, n;
    ngx_http_task_loc_conf_t    *maker, **locations;
    ngx_http_task_job_zone_t   **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    zones = tmcf->job_zones.elts;
    locations = tmcf->locations.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {
        maker = NULL;

        for (n = 0; n < tmcf->locations.nelts; n++) {

            if (locations[n]->jobs == zones[i]) {
                break;
            }

            if (maker == NULL && locations[n]->function
                && locations[n]->background != NGX_HTTP_TASK_BACKGROUND_OFF
                && locations[n]->job_zone == zones[i])
            {
                maker = locations[n];
            }
        }

        if (n == tmcf->locations.nelts && maker) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, &maker->place,
                           "task \"%V\" makes jobs in zone \"%V\", for which "
                           "no \"task_jobs\" answers",
                           &maker->function->name, &zones[i]->name);
        }
    }
}
