
/*
 * Parameters in the configuration: what "task" fixes, what "task_param"
 * narrows.  All that can be wrong with them is found here, while the
 * configuration is read.
 */


#include "function/ngx_http_task_function.h"


static ngx_int_t ngx_http_task_args_narrow(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_array_t *own);
static ngx_int_t ngx_http_task_args_ready(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf);


ngx_int_t
ngx_http_task_args_function(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_str_t *name)
{
    ngx_uint_t            n;
    ngx_http_task_arg_t  *arg;

    conf->function = ngx_http_task_functions_find(cf, conf->libraries, name);

    if (conf->function == NULL) {
        return NGX_ERROR;
    }

    n = conf->function->nparams;

    conf->args = ngx_array_create(cf->pool, n + 1, sizeof(ngx_http_task_arg_t));
    if (conf->args == NULL) {
        return NGX_ERROR;
    }

    arg = ngx_array_push_n(conf->args, n);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(arg, conf->function->args, n * sizeof(ngx_http_task_arg_t));

    conf->open = n;

    return NGX_OK;
}


/* "name=value" of the "task" directive */

ngx_int_t
ngx_http_task_args_fix(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_str_t *text)
{
    u_char               *p;
    ngx_str_t             name, value;
    ngx_http_task_arg_t  *arg;

    p = ngx_strlchr(text->data, text->data + text->len, '=');

    if (p == NULL) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "invalid parameter \"%V\", it must be name=value, "
                            "without spaces",
                            text);
    }

    name.data = text->data;
    name.len = p - text->data;
    value.data = p + 1;
    value.len = text->data + text->len - value.data;

    arg = ngx_http_task_arg_find(conf, &name);

    if (arg == NULL) {
        return ngx_http_task_unknown_param(cf, NULL, conf->function,
                                           &name);
    }

    if (arg->fixed) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                        "duplicate parameter \"%V\"", &name);
    }

    arg->fixed = 1;
    conf->open--;

    return ngx_http_task_arg_fix(cf, arg, &value);
}


char *
ngx_http_task_args_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_task_narrow_t     *narrow;
    ngx_http_task_args_conf_t  *acf;

    ngx_http_task_option_t  options[] = {
        { "default", NULL },
        { "min", NULL },
        { "max", NULL },
        { NULL, NULL }
    };

    acf = (ngx_http_task_args_conf_t *) ((char *) conf + cmd->offset);

    value = cf->args->elts;

    if (acf->narrow == NULL) {
        acf->narrow = ngx_array_create(cf->pool, 2,
                                        sizeof(ngx_http_task_narrow_t));
        if (acf->narrow == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    narrow = acf->narrow->elts;

    for (i = 0; i < acf->narrow->nelts; i++) {
        if (narrow[i].name.len == value[1].len
            && ngx_strncmp(narrow[i].name.data, value[1].data, value[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"task_param\" of \"%V\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_task_unknown_anywhere(cf, acf->libraries, &value[1])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    narrow = ngx_array_push(acf->narrow);
    if (narrow == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(narrow, sizeof(ngx_http_task_narrow_t));

    narrow->name = value[1];
    ngx_http_task_conf_place(cf, &narrow->place);

    options[0].value = &narrow->def;
    options[1].value = &narrow->min;
    options[2].value = &narrow->max;

    return (ngx_http_task_conf_options(cf, 2, options) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_task_args_merge(ngx_conf_t *cf, ngx_http_task_args_conf_t *prev,
    ngx_http_task_args_conf_t *conf)
{
    ngx_array_t  *own;

    own = conf->narrow;

    if (conf->narrow == NULL) {
        conf->narrow = prev->narrow;
    }

    if (conf->function == NULL) {
        return NGX_OK;
    }

    if (ngx_http_task_args_narrow(cf, conf, own) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_task_args_ready(cf, conf);
}


/*
 * own: the "task_param" directives of this very location.  Only these must
 * name a parameter of its function; inherited ones may be meant for other
 * tasks.
 */

static ngx_int_t
ngx_http_task_args_narrow(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_array_t *own)
{
    ngx_uint_t               i;
    ngx_http_task_arg_t     *arg;
    ngx_http_task_narrow_t  *narrow;

    if (conf->narrow == NULL) {
        return NGX_OK;
    }

    narrow = conf->narrow->elts;

    for (i = 0; i < conf->narrow->nelts; i++) {

        arg = ngx_http_task_arg_find(conf, &narrow[i].name);

        if (arg == NULL) {

            if (conf->narrow != own) {
                continue;
            }

            return ngx_http_task_unknown_param(cf, &narrow[i].place,
                                               conf->function, &narrow[i].name);
        }

        if (ngx_http_task_arg_narrow(cf, arg, &narrow[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* makes the arguments for requests that give none, if there are such */

static ngx_int_t
ngx_http_task_args_ready(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf)
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

    conf->ready = ngx_http_task_value_args(cf->pool, conf->function,
                                                conf->args, values);

    return conf->ready ? NGX_OK : NGX_ERROR;
}


ngx_http_task_arg_t *
ngx_http_task_args_unbounded(ngx_http_task_args_conf_t *conf)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    arg = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {

        if (arg[i].param->type == NGX_TASK_TIME
            && (!arg[i].fixed || arg[i].variable)
            && !arg[i].bounded)
        {
            return &arg[i];
        }
    }

    return NULL;
}
