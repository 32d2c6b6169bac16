
/*
 * task_mode: the table of executors, and which one of them runs a function.
 */


#include "run/ngx_http_task_run.h"


static char *ngx_http_task_mode_pool(ngx_conf_t *cf,
    ngx_http_task_mode_t *mode, ngx_str_t *pool);
static ngx_int_t ngx_http_task_mode_default(ngx_conf_t *cf,
    ngx_http_task_mode_t *mode, ngx_http_task_function_t *function);


static const ngx_http_task_executor_t *const  ngx_http_task_executors[] = {
    &ngx_http_task_async,
    &ngx_http_task_thread,
    &ngx_http_task_sync,
    NULL
};


/* "async", "thread", "sync", or "thread=pool" */

char *
ngx_http_task_mode_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                               *value, name, pool;
    ngx_http_task_mode_t                    *mode;
    const ngx_http_task_executor_t *const   *executor;

    mode = (ngx_http_task_mode_t *) ((char *) conf + cmd->offset);

    if (mode->executor) {
        return "is duplicate";
    }

    value = cf->args->elts;

    name = value[1];
    ngx_str_null(&pool);

    pool.data = ngx_strlchr(name.data, name.data + name.len, '=');

    if (pool.data) {
        name.len = pool.data - name.data;
        pool.len = value[1].len - name.len - 1;
        pool.data++;
    }

    for (executor = ngx_http_task_executors; *executor; executor++) {
        if ((*executor)->name.len == name.len
            && ngx_strncmp((*executor)->name.data, name.data, name.len) == 0)
        {
            break;
        }
    }

    if (*executor == NULL
        || (pool.data && (pool.len == 0 || !(*executor)->thread)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be \"async\", "
                           "\"thread\", \"thread=pool\" or \"sync\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_http_task_conf_place(cf, &mode->place);

    mode->executor = *executor;

    return pool.data ? ngx_http_task_mode_pool(cf, mode, &pool) : NGX_CONF_OK;
}


static char *
ngx_http_task_mode_pool(ngx_conf_t *cf, ngx_http_task_mode_t *mode,
    ngx_str_t *pool)
{
    /* if it is not defined behind this either, nginx says so */

    if (ngx_thread_pool_get(cf->cycle, pool) == NULL
        && ngx_strcmp(pool->data, "default") != 0)
    {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_NOTICE, NULL,
                           "thread pool \"%V\" is not defined before this: if "
                           "not behind it either, add \"thread_pool %V "
                           "threads=4;\" to the main context",
                           pool, pool);
    }

    mode->pool = ngx_thread_pool_add(cf, pool);
    mode->pool_name = *pool;

    return mode->pool ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_task_mode_merge(ngx_conf_t *cf, ngx_http_task_mode_t *mode,
    const ngx_http_task_mode_t *given, ngx_uint_t own,
    ngx_http_task_function_t *function, ngx_http_task_place_t *place)
{
    *mode = *given;

    if (mode->executor
        && (mode->executor->block ? function->table.block == NULL
                                  : function->table.async == NULL))
    {
        if (own) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &mode->place,
                                 "task \"%V\" has no form for task_mode \"%V\"",
                                 &function->name, &mode->executor->name);
        }

        (void) ngx_http_task_conf_log(cf, NGX_LOG_NOTICE, place,
                                 "task \"%V\" has no form for the inherited "
                                 "task_mode \"%V\", the default is used",
                                 &function->name, &mode->executor->name);

        ngx_memzero(mode, sizeof(ngx_http_task_mode_t));
    }

    return ngx_http_task_mode_default(cf, mode, function);
}


/* sets what is not given: async if there is such a form; the default pool */

static ngx_int_t
ngx_http_task_mode_default(ngx_conf_t *cf, ngx_http_task_mode_t *mode,
    ngx_http_task_function_t *function)
{
    if (mode->executor == NULL) {
        mode->executor = function->table.async ? &ngx_http_task_async
                                               : &ngx_http_task_thread;
    }

    if (mode->pool == NULL
        && (mode->executor->thread
            || (!mode->executor->block && !function->library->builtin)))
    {
        /*
         * nginx's pool "default", which "aio threads" uses, too.  Async
         * functions may offload to it, but the built-in ones do not.
         */

        mode->pool = ngx_thread_pool_add(cf, NULL);
        ngx_str_set(&mode->pool_name, "default");

        if (mode->pool == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
