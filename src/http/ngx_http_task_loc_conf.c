
/*
 * The configuration is created and merged part by part, each part by its room.
 * What directives of a location mean together is checked and made ready here,
 * before the first request.
 */


#include "http/ngx_http_task_http.h"
#include "jobs/store/ngx_http_task_store_conf.h"


extern ngx_module_t  ngx_http_rewrite_module  __attribute__((weak));


static void ngx_http_task_loc_conf_lists(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);
static ngx_int_t ngx_http_task_loc_conf_content(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf, ngx_http_core_loc_conf_t *clcf);
static ngx_int_t ngx_http_task_loc_conf_run(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *prev, ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_loc_conf_parts(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *prev, ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_loc_conf_methods(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);
static void ngx_http_task_loc_conf_returns(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);
static ngx_int_t ngx_http_task_loc_conf_stalls(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);


void *
ngx_http_task_main_conf_create(ngx_conf_t *cf)
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
                          sizeof(ngx_http_task_store_t *))
           != NGX_OK)
    {
        return NULL;
    }

    tmcf->stall = NGX_CONF_UNSET_MSEC;

    return tmcf;
}


char *
ngx_http_task_main_conf_init(ngx_conf_t *cf, void *conf)
{
    ngx_http_task_main_conf_t *tmcf = conf;

    tmcf->stall_set = (tmcf->stall != NGX_CONF_UNSET_MSEC);

    ngx_conf_init_msec_value(tmcf->stall, 1000);

    return NGX_CONF_OK;
}


void *
ngx_http_task_loc_conf_create(ngx_conf_t *cf)
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
     *     tlcf->args.function = NULL;
     *     tlcf->run.mode.executor = NULL;
     *     tlcf->run.limit = NULL;
     *     tlcf->content = { 0, NULL };
     *     tlcf->handler = NULL;
     *     tlcf->quick = { 0, NULL };
     *     tlcf->ready = { 0, NULL };
     *     tlcf->server = NULL;
     *     tlcf->format = NGX_HTTP_TASK_FORMAT_ASKED;
     *     tlcf->openapi = NULL;
     */

    if (cf->cmd_type != NGX_MAIN_CONF) {
        tlcf->parent = ngx_http_conf_get_module_loc_conf(cf,
                                                       ngx_http_task_module);
        ngx_http_task_loc_conf_lists(cf, tlcf);
    }

    tlcf->run.limit_conf.running = NGX_CONF_UNSET_UINT;
    tlcf->run.limit_log_level = NGX_CONF_UNSET_UINT;
    tlcf->run.timeout = NGX_CONF_UNSET_MSEC;
    tlcf->run.stream_buffer = NGX_CONF_UNSET_SIZE;
    tlcf->run.stream_ping = NGX_CONF_UNSET_MSEC;
    tlcf->run.ignore_client_abort = NGX_CONF_UNSET;

    tlcf->stats.zone = NGX_CONF_UNSET_PTR;
    tlcf->job.background = NGX_CONF_UNSET_UINT;
    tlcf->job.idempotency = NGX_CONF_UNSET_UINT;
    tlcf->openapi_hide = NGX_CONF_UNSET;

    return tlcf;
}


/* the lists that a room needs: all libraries, zones, and zones of jobs */

static void
ngx_http_task_loc_conf_lists(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf)
{
    ngx_http_task_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    tlcf->args.libraries = &ngx_http_task_core_conf(cf->cycle)->libraries;
    tlcf->stats.zones = &tmcf->zones;
    tlcf->job.zones = &tmcf->job_zones;
}


/* when the configuration of http{} is created, nothing can be looked up yet */

void
ngx_http_task_loc_conf_begin(ngx_conf_t *cf)
{
    ngx_http_task_loc_conf_lists(cf,
               ngx_http_conf_get_module_loc_conf(cf, ngx_http_task_module));
}


char *
ngx_http_task_loc_conf_merge(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_task_loc_conf_t *prev = parent;
    ngx_http_task_loc_conf_t *conf = child;

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

    if (ngx_http_task_loc_conf_content(cf, conf, clcf) != NGX_OK
        || ngx_http_task_loc_conf_mode(cf, conf) != NGX_OK
        || ngx_http_task_loc_conf_run(cf, prev, conf) != NGX_OK
        || ngx_http_task_loc_conf_parts(cf, prev, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->args.function == NULL) {
        return NGX_CONF_OK;
    }

    if (ngx_http_task_loc_conf_methods(cf, conf) != NGX_OK
        || ngx_http_task_loc_conf_stalls(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_task_loc_conf_content(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf,
    ngx_http_core_loc_conf_t *clcf)
{
    if (conf->handler == NULL) {
        return NGX_OK;
    }

    if (clcf->handler == conf->handler) {
        ngx_http_task_loc_conf_returns(cf, conf);
        return NGX_OK;
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &conf->place,
                       "\"%V\" conflicts with a directive of another module "
                       "behind it, which answers in this location, too",
                       &conf->content);
}


/*
 * A location that begins with "return" never comes to its content.  nginx's
 * rewrite module, which may not be there, has its code first.
 */

static void
ngx_http_task_loc_conf_returns(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    ngx_array_t              **codes;
    ngx_http_script_code_pt   *code;

    if (&ngx_http_rewrite_module == NULL) {
        return;
    }

    codes = ngx_http_conf_get_module_loc_conf(cf, ngx_http_rewrite_module);

    if (*codes == NULL || (*codes)->nelts == 0) {
        return;
    }

    code = (*codes)->elts;

    if (*code == ngx_http_script_return_code) {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, &conf->place,
                       "\"return\" in this location answers before \"%V\" can",
                       &conf->content);
    }
}


ngx_int_t
ngx_http_task_loc_conf_mode(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    ngx_http_task_loc_conf_t  *level;

    if (conf->args.function == NULL || conf->run.mode.executor) {
        return NGX_OK;
    }

    /* a default mode is not inherited: it depends on the function */

    for (level = conf;
         level->parent && level->run.given.executor == NULL;
         level = level->parent)
    {
        /* void */
    }

    return ngx_http_task_mode_merge(cf, &conf->run.mode, &level->run.given,
                                    level == conf, conf->args.function,
                                    &conf->place);
}


static ngx_int_t
ngx_http_task_loc_conf_run(ngx_conf_t *cf, ngx_http_task_loc_conf_t *prev,
    ngx_http_task_loc_conf_t *conf)
{
    ngx_http_task_run_conf_t   *run;
    ngx_http_task_main_conf_t  *tmcf;

    run = &conf->run;

    if (conf->args.function && run->mode.executor->stalls
        && run->timeout != NGX_CONF_UNSET_MSEC && run->timeout)
    {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, &conf->place,
                       "\"task_timeout\" cannot end a task \"%V\" with "
                       "task_mode \"sync\"", &conf->args.function->name);
    }

    ngx_conf_merge_msec_value(run->timeout, prev->run.timeout, 0);
    ngx_conf_merge_value(run->ignore_client_abort,
                         prev->run.ignore_client_abort, 0);
    ngx_conf_merge_size_value(run->stream_buffer, prev->run.stream_buffer,
                              64 * 1024);
    ngx_conf_merge_msec_value(run->stream_ping, prev->run.stream_ping, 15000);
    ngx_conf_merge_uint_value(run->limit_log_level,
                              prev->run.limit_log_level, NGX_LOG_ERR);

    if (run->limit_conf.running == NGX_CONF_UNSET_UINT) {
        run->limit_conf = prev->run.limit_conf;
    }

    run->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (conf->args.function == NULL
        || run->limit_conf.running == NGX_CONF_UNSET_UINT)
    {
        return NGX_OK;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    run->limit = ngx_http_task_limit_create(cf, &run->limit_conf,
                                            run->limit_log_level,
                                            &tmcf->limits);

    return run->limit ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_task_loc_conf_parts(ngx_conf_t *cf, ngx_http_task_loc_conf_t *prev,
    ngx_http_task_loc_conf_t *conf)
{
    ngx_http_task_function_t  *f;

    f = conf->args.function;

    ngx_conf_merge_value(conf->openapi_hide, prev->openapi_hide, 0);

    if (ngx_http_task_stats_merge(cf, &prev->stats, &conf->stats,
                                  f ? &f->name : NULL,
                                  f ? &conf->run.mode.executor->name : NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    conf->run.stats = conf->stats.stats;
    conf->job.ping = conf->run.stream_ping;

    ngx_http_task_job_merge(&prev->job, &conf->job);

    if (f && ngx_http_task_job_merge_share(cf, &conf->job, &conf->place)
             != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_task_args_merge(cf, &prev->args, &conf->args, &conf->place)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return f ? ngx_http_task_job_serve(cf, &conf->job, &conf->run, &conf->args,
                                       &conf->place)
             : NGX_OK;
}


static ngx_int_t
ngx_http_task_loc_conf_methods(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_http_task_function_t  *f;

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

    f = conf->args.function;
    conf->methods = f->methods;

    if (conf->methods == 0) {
        conf->methods = NGX_HTTP_GET|NGX_HTTP_HEAD;

        if (conf->args.open || (f->table.flags & NGX_TASK_RAW_BODY)) {
            conf->methods |= NGX_HTTP_POST;
        }
    }

    /* an answer without a body could not tell which job was made */

    if (conf->job.background == NGX_HTTP_TASK_BACKGROUND_ON) {
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


/* only the operator may decide how long a worker stands still */

static ngx_int_t
ngx_http_task_loc_conf_stalls(ngx_conf_t *cf, ngx_http_task_loc_conf_t *conf)
{
    ngx_str_t            *name;
    ngx_http_task_arg_t  *arg;

    if (!conf->run.mode.executor->stalls) {
        return NGX_OK;
    }

    name = &conf->args.function->name;
    arg = ngx_http_task_args_unbounded(&conf->args);

    if (arg && arg->fields) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &conf->place,
                       "a request may choose a time in \"%V\" of task \"%V\" "
                       "without a bound, and so block the worker: with "
                       "task_mode \"sync\" its table has to have a maximum",
                       &arg->name, name);
    }

    if (arg) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &conf->place,
                       "a request may choose \"%V\" of task \"%V\" and so "
                       "block the worker: with task_mode \"sync\", fix it or "
                       "bound it with \"task_param %V max=\"",
                       &arg->name, name, &arg->name);
    }

    (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, &conf->place,
                       "task \"%V\" with task_mode \"sync\" blocks its worker "
                       "and all clients of it while it runs", name);

    return NGX_OK;
}


ngx_int_t
ngx_http_task_loc_conf_check(ngx_conf_t *cf)
{
    ngx_http_task_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    if (ngx_http_task_ready_check(cf, tmcf) != NGX_OK
        || ngx_http_task_stats_check(cf, &tmcf->zones) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_task_untold(cf, tmcf);

    return ngx_http_task_store_check(cf, &tmcf->job_zones);
}
