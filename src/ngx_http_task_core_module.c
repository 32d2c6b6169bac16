
/*
 * The module's part outside of http{}: libraries, and the start and the end
 * of a worker.
 *
 * `config` puts this module before nginx's thread pool module, since exit
 * hooks run in the order of the modules: our pieces have to be out of the
 * pools before these are destroyed.
 */


#include "http/ngx_http_task_http.h"
#include "jobs/store/ngx_http_task_store_conf.h"


extern const ngx_task_library_t  ngx_task_library;      /* the built-in one */


static void *ngx_http_task_core_create_conf(ngx_cycle_t *cycle);
static char *ngx_http_task_core_init_conf(ngx_cycle_t *cycle, void *conf);
static ngx_int_t ngx_http_task_core_pools(ngx_conf_t *cf);
static char *ngx_http_task_load(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_task_core_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_task_shutdown_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_task_init_process(ngx_cycle_t *cycle);
static void ngx_http_task_worker_watch(ngx_cycle_t *cycle,
    ngx_uint_t libraries);
static ngx_int_t ngx_http_task_worker_start(ngx_cycle_t *cycle);
static void ngx_http_task_exit_process(ngx_cycle_t *cycle);
static void ngx_http_task_exit_abandon(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_task_core_commands[] = {

    { ngx_string("task_load"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE1,
      ngx_http_task_load,
      0,
      0,
      NULL },

    { ngx_string("task_set"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE2,
      ngx_http_task_core_set,
      0,
      0,
      NULL },

    { ngx_string("task_shutdown_timeout"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE12,
      ngx_http_task_shutdown_timeout,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_http_task_core_module_ctx = {
    ngx_string("http_task_core"),
    ngx_http_task_core_create_conf,
    ngx_http_task_core_init_conf
};


ngx_module_t  ngx_http_task_core_module = {
    NGX_MODULE_V1,
    &ngx_http_task_core_module_ctx,        /* module context */
    ngx_http_task_core_commands,           /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_task_wake_create,             /* init module */
    ngx_http_task_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_task_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_task_core_create_conf(ngx_cycle_t *cycle)
{
    ngx_http_task_core_conf_t  *tccf;

    tccf = ngx_pcalloc(cycle->pool, sizeof(ngx_http_task_core_conf_t));
    if (tccf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&tccf->libraries, cycle->pool, 2,
                       sizeof(ngx_http_task_library_t *))
        != NGX_OK)
    {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     tccf->shutdown_jobs = 0;
     */

    tccf->shutdown_timeout = NGX_CONF_UNSET_MSEC;

    return tccf;
}


static char *
ngx_http_task_core_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_http_task_core_conf_t *tccf = conf;

    ngx_int_t        rc;
    ngx_conf_t       cf;
    ngx_conf_file_t  file;

    ngx_conf_init_msec_value(tccf->shutdown_timeout, 60000);

    tccf->bounds[NGX_HTTP_TASK_HOLD_PIECE] = tccf->shutdown_timeout;
    tccf->bounds[NGX_HTTP_TASK_HOLD_STREAM] = tccf->shutdown_timeout;
    tccf->bounds[NGX_HTTP_TASK_HOLD_JOB] = tccf->shutdown_jobs
                                           ? (int64_t) tccf->shutdown_jobs
                                           : NGX_HTTP_TASK_HOLD_UNBOUND;

    /* nginx gives this call no ngx_conf_t */

    ngx_memzero(&cf, sizeof(ngx_conf_t));
    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    cf.cycle = cycle;
    cf.pool = cycle->pool;
    cf.log = cycle->log;
    cf.conf_file = &file;

    cf.temp_pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cycle->log);
    if (cf.temp_pool == NULL) {
        return NGX_CONF_ERROR;
    }

    rc = ngx_http_task_settings_ready(&cf, &tccf->libraries);

    if (rc == NGX_OK) {
        rc = ngx_http_task_core_pools(&cf);
    }

    ngx_destroy_pool(cf.temp_pool);

    return (rc == NGX_OK) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/*
 * nginx's thread pool module, which is behind this one, now checks and
 * completes each pool that was asked for.  If http{} is merged later, as in
 * Angie, this is the last moment to ask for one.
 */

static ngx_int_t
ngx_http_task_core_pools(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_task_loc_conf_t   **locations;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cf->cycle,
                                               ngx_http_task_module);

    if (tmcf == NULL) {
        return NGX_OK;
    }

    locations = tmcf->locations.elts;

    for (i = 0; i < tmcf->locations.nelts; i++) {
        if (ngx_http_task_loc_conf_mode(cf, locations[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_task_state_ready(cf, &tmcf->job_zones);
}


static char *
ngx_http_task_load(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_core_conf_t *tccf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    /* relative to the prefix, as for load_module */

    if (ngx_conf_full_name(cf->cycle, &value[1], 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_task_library_builtin(cf, &tccf->libraries, &ngx_task_library)
        != NGX_OK
        || ngx_http_task_library_load(cf, &tccf->libraries, &value[1])
           != NGX_OK
        || ngx_http_task_settings_add(cf, &tccf->libraries) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* in http{}, ngx_http_task_module.c has the same */

static char *
ngx_http_task_core_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_core_conf_t *tccf = conf;

    return ngx_http_task_settings_set(cf, &tccf->libraries);
}


/* "60s [jobs=1h]" */

static char *
ngx_http_task_shutdown_timeout(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_core_conf_t *tccf = conf;

    ngx_int_t   ms, jobs;
    ngx_str_t  *value, text;

    ngx_http_task_option_t  options[] = {
        { "jobs", &text },
        { NULL, NULL }
    };

    if (tccf->shutdown_timeout != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ms = ngx_http_task_conf_time(&value[1]);

    if (ms == NGX_ERROR) {
        return "takes a time of at most " NGX_HTTP_TASK_MAX_TIME;
    }

    ngx_str_null(&text);

    if (ngx_http_task_conf_options(cf, 2, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    jobs = text.data ? ngx_http_task_conf_time(&text) : 0;

    if (jobs == NGX_ERROR) {
        return ngx_http_task_conf_invalid_time(cf, &options[0]);
    }

    tccf->shutdown_timeout = ms;
    tccf->shutdown_jobs = jobs;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_task_init_process(ngx_cycle_t *cycle)
{
    ngx_http_task_core_conf_t  *tccf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    ngx_http_task_loop_init();
    ngx_http_task_who_init(ngx_http_task_describe);

    if (ngx_http_task_exit_init(cycle) != NGX_OK
        || ngx_http_task_piece_init(cycle) != NGX_OK
        || ngx_http_task_bell_init() != NGX_OK)
    {
        return NGX_ERROR;
    }

    tccf = ngx_http_task_core_conf(cycle);

    ngx_http_task_callbacks_init();
    ngx_http_task_hold_init(tccf->bounds, ngx_http_task_replace_look);

    /* there, a job without a bound is awaited as long as others */

    ngx_http_task_replace_init(ngx_max(tccf->shutdown_timeout,
                                       tccf->shutdown_jobs),
                               tccf->shutdown_timeout);

    /* the first library is the built-in one */

    ngx_http_task_library_init(&tccf->libraries);
    ngx_http_task_child_init(cycle, tccf->libraries.nelts > 1);

    if (tccf->libraries.nelts > 1) {
        ngx_http_task_crash_init(ngx_http_task_library_file);
    }

    ngx_http_task_worker_watch(cycle, tccf->libraries.nelts > 1);

    ngx_http_task_hooks_start(&tccf->libraries);

    /*
     * Registered again, so that these are called before the exit handlers of
     * libraries, and end the process.
     */

    ngx_http_task_exit_catch();

    return ngx_http_task_worker_start(cycle);
}


static ngx_int_t
ngx_http_task_worker_start(ngx_cycle_t *cycle)
{
    ngx_uint_t                   i;
    ngx_http_task_zone_t       **zones;
    ngx_http_task_store_t      **stores;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_task_module);

    /* there is no http{} */

    if (tmcf == NULL) {
        return NGX_OK;
    }

    zones = tmcf->zones.elts;

    for (i = 0; i < tmcf->zones.nelts; i++) {
        if (ngx_http_task_slot_enter(zones[i]) != NGX_OK) {
            ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                          "all slots of task_zone \"%V\" are taken by workers "
                          "that leave, this one does not count yet",
                          &zones[i]->name);
        }
    }

    ngx_http_task_running_init();
    ngx_http_task_heartbeat_start(&tmcf->zones,
                                  tmcf->stall_set ? tmcf->stall : 0,
                                  ngx_http_task_running_oldest);

    stores = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {
        if (ngx_http_task_job_serve_begin(stores[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What may hold the event loop is watched: code of libraries, and sync tasks.
 * What tasks may start is theirs to wait for.
 */

static void
ngx_http_task_worker_watch(ngx_cycle_t *cycle, ngx_uint_t libraries)
{
    ngx_uint_t                         i;
    ngx_http_task_loc_conf_t         **locations;
    ngx_http_task_main_conf_t         *tmcf;
    const ngx_http_task_executor_t    *executor;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_task_module);

    if (tmcf == NULL) {
        return;
    }

    locations = tmcf->locations.elts;

    for (i = 0; i < tmcf->locations.nelts; i++) {
        executor = locations[i]->run.mode.executor;

        libraries |= executor && executor->stalls;

        /* a blocking form, as that of "command", may run a program */

        if (executor && executor->block) {
            ngx_http_task_child_keep();
        }
    }

    if (libraries) {
        ngx_http_task_guard_watch(ngx_http_task_stall_start(tmcf->stall,
                                                            tmcf->stall_set));
    }
}


static void
ngx_http_task_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                   i;
    ngx_http_task_zone_t       **zones;
    ngx_http_task_store_t      **stores;
    ngx_http_task_main_conf_t   *tmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return;
    }

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_task_module);

    ngx_http_task_jobs_abandon();

    /* ends the process if a function runs that does not end */

    ngx_http_task_piece_exit(cycle, ngx_http_task_exit_abandon);

    ngx_http_task_hooks_stop(&ngx_http_task_core_conf(cycle)->libraries);
    ngx_http_task_callbacks_end();

    ngx_http_task_guard_watch(0);
    ngx_http_task_stall_stop();

    if (tmcf) {
        stores = tmcf->job_zones.elts;

        for (i = 0; i < tmcf->job_zones.nelts; i++) {
            stores[i]->type->leave(stores[i]);
        }

        zones = tmcf->zones.elts;

        for (i = 0; i < tmcf->zones.nelts; i++) {
            ngx_http_task_slot_leave(zones[i]);
        }
    }

    /* ends the process if threads are missing */

    ngx_http_task_replace_exit();
}


/* what stores have of this worker, and other processes would not find out */

static void
ngx_http_task_exit_abandon(ngx_cycle_t *cycle)
{
    ngx_uint_t                   i;
    ngx_http_task_store_t      **stores;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_task_module);

    if (tmcf == NULL) {
        return;
    }

    stores = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {

        if (stores[i]->type->abandon) {
            stores[i]->type->abandon(stores[i]);
        }
    }
}
