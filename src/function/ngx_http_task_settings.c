
/*
 * The settings of a library: declared as the parameters of a function are, and
 * given their values by "task_set".  To all that reads and checks parameters
 * they are those of a function that no location has.
 */


#include "function/ngx_http_task_function.h"


static ngx_http_task_library_t *ngx_http_task_settings_library(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_str_t *name);
static ngx_int_t ngx_http_task_settings_value(ngx_conf_t *cf,
    ngx_http_task_library_t *library, ngx_str_t *name, ngx_str_t *text);
static ngx_int_t ngx_http_task_settings_missing(ngx_conf_t *cf,
    ngx_http_task_library_t *library);


ngx_int_t
ngx_http_task_settings_add(ngx_conf_t *cf, ngx_array_t *libraries)
{
    ngx_uint_t                  i;
    ngx_task_params_t          *table;
    ngx_http_task_library_t    *library, **last;
    ngx_http_task_function_t   *function;
    ngx_http_task_settings_t   *settings;

    last = libraries->elts;
    library = last[libraries->nelts - 1];

    table = &library->table.settings;

    if (table->size == 0 && table->params == NULL) {
        return NGX_OK;
    }

    settings = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_settings_t));
    if (settings == NULL) {
        return NGX_ERROR;
    }

    function = &settings->function;

    function->settings = 1;
    function->library = library;
    function->name = library->name;
    function->table.args = *table;
    function->table.args_size = table->size;
    function->table.params = table->params;
    function->table.check = library->table.check;

    if (ngx_http_task_param_table(cf, function) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < function->args.nargs; i++) {
        function->args.params[i].flags |= NGX_TASK_FIXED;
    }

    settings->conf.function = function;

    if (ngx_http_task_args_copy(cf, &settings->conf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_task_conf_place(cf, &settings->place);

    library->settings = settings;

    return NGX_OK;
}


/* "library.name value", without variables: a "$" is a "$" */

char *
ngx_http_task_settings_set(ngx_conf_t *cf, ngx_array_t *libraries)
{
    u_char                   *dot, *end;
    ngx_str_t                *value, name, setting;
    ngx_http_task_library_t  *library;

    value = cf->args->elts;

    end = value[1].data + value[1].len;
    dot = ngx_strlchr(value[1].data, end, '.');

    if (dot == NULL || dot == value[1].data || dot + 1 == end) {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "invalid setting \"%V\", it must be library.name",
                            &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data;
    name.len = dot - name.data;

    setting.data = dot + 1;
    setting.len = end - setting.data;

    library = ngx_http_task_settings_library(cf, libraries, &name);

    if (library == NULL
        || ngx_http_task_settings_value(cf, library, &setting, &value[2])
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_task_library_t *
ngx_http_task_settings_library(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *name)
{
    ngx_uint_t                 i;
    ngx_http_task_library_t  **library;

    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {

        if (library[i]->name.len != name->len
            || ngx_strncmp(library[i]->name.data, name->data, name->len) != 0)
        {
            continue;
        }

        if (library[i]->settings) {
            return library[i];
        }

        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "task library \"%V\" has no settings", name);
        return NULL;
    }

    (void) ngx_http_task_unknown_library(cf, libraries, name);

    return NULL;
}


static ngx_int_t
ngx_http_task_settings_value(ngx_conf_t *cf, ngx_http_task_library_t *library,
    ngx_str_t *name, ngx_str_t *text)
{
    ngx_int_t                   rc;
    ngx_http_task_arg_t        *arg;
    ngx_http_task_space_t       space = { cf->pool, NULL };
    ngx_http_task_invalid_t     invalid;
    ngx_http_task_args_conf_t  *conf;

    conf = &library->settings->conf;

    arg = ngx_http_task_arg_find(conf, name);

    if (arg == NULL) {
        return ngx_http_task_unknown_param(cf, NULL, conf, name);
    }

    if (arg->fixed) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "duplicate \"task_set\" of \"%V.%V\"",
                            &library->name, name);
    }

    arg->fixed = 1;
    conf->open--;

    rc = ngx_http_task_value_text(&space, arg, text, &arg->value, &invalid);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "invalid value \"%V\" of setting \"%V.%V\": %s",
                            ngx_http_task_param_shown(arg, text),
                            &library->name, name, invalid.msg);
    }

    return rc;
}


ngx_int_t
ngx_http_task_settings_ready(ngx_conf_t *cf, ngx_array_t *libraries)
{
    ngx_uint_t                  i;
    ngx_http_task_library_t   **library;
    ngx_http_task_settings_t   *settings;
    ngx_http_task_args_conf_t   none;

    ngx_memzero(&none, sizeof(ngx_http_task_args_conf_t));

    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {

        settings = library[i]->settings;

        if (settings == NULL) {
            continue;
        }

        if (ngx_http_task_settings_missing(cf, library[i]) != NGX_OK
            || ngx_http_task_args_merge(cf, &none, &settings->conf,
                                        &settings->place)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the line of "task_load" is told: there is no other */

static ngx_int_t
ngx_http_task_settings_missing(ngx_conf_t *cf,
    ngx_http_task_library_t *library)
{
    ngx_uint_t                 i;
    ngx_http_task_arg_t       *arg;
    ngx_http_task_settings_t  *settings;

    settings = library->settings;
    arg = settings->conf.args->elts;

    for (i = 0; i < settings->conf.args->nelts; i++) {
        if (!arg[i].fixed && !arg[i].has_def) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &settings->place,
                            "task library \"%V\" has no \"%V\": add "
                            "\"task_set %V.%V ...;\"", &library->name,
                            &arg[i].name, &library->name, &arg[i].name);
        }
    }

    return NGX_OK;
}
