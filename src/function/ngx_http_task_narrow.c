
/*
 * "task_param": what it says of a parameter is read where it stands, and used
 * by all locations that inherit it, each for its own function.
 */


#include "function/ngx_http_task_function.h"


static ngx_http_task_narrow_t *ngx_http_task_args_narrow_add(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_str_t *name);


char *
ngx_http_task_args_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                  *value, type, choices;
    ngx_http_task_narrow_t     *narrow;
    ngx_http_task_args_conf_t  *acf;

    ngx_http_task_option_t  options[] = {
        { "default", NULL },
        { "min", NULL },
        { "max", NULL },
        { "type", &type },
        { "choices", &choices },
        { NULL, NULL }
    };

    acf = (ngx_http_task_args_conf_t *) ((char *) conf + cmd->offset);

    value = cf->args->elts;

    narrow = ngx_http_task_args_narrow_add(cf, acf, &value[1]);
    if (narrow == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&type);
    ngx_str_null(&choices);

    options[0].value = &narrow->def;
    options[1].value = &narrow->min;
    options[2].value = &narrow->max;

    if (ngx_http_task_conf_options(cf, 2, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (type.data || choices.data) {
        return (ngx_http_task_declare_read(cf, narrow, &type, &choices)
                == NGX_OK)
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    return (ngx_http_task_unknown_anywhere(cf, acf->libraries, &value[1])
            == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_http_task_narrow_t *
ngx_http_task_args_narrow_add(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_http_task_narrow_t  *narrow;

    if (conf->narrow == NULL) {
        conf->narrow = ngx_array_create(cf->pool, 2,
                                        sizeof(ngx_http_task_narrow_t));
        if (conf->narrow == NULL) {
            return NULL;
        }
    }

    narrow = conf->narrow->elts;

    for (i = 0; i < conf->narrow->nelts; i++) {
        if (narrow[i].name.len == name->len
            && ngx_strncmp(narrow[i].name.data, name->data, name->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"task_param\" of \"%V\"", name);
            return NULL;
        }
    }

    narrow = ngx_array_push(conf->narrow);

    if (narrow) {
        ngx_memzero(narrow, sizeof(ngx_http_task_narrow_t));

        narrow->name = *name;
        ngx_http_task_conf_place(cf, &narrow->place);
    }

    return narrow;
}


ngx_int_t
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

        if (narrow[i].declared
            && !(conf->function->table.flags & NGX_TASK_DECLARED))
        {
            continue;
        }

        arg = ngx_http_task_arg_find(conf, &narrow[i].name);

        if (arg == NULL) {

            if (conf->narrow != own) {
                continue;
            }

            return ngx_http_task_unknown_param(cf, &narrow[i].place,
                                               conf, &narrow[i].name);
        }

        if (ngx_http_task_arg_narrow(cf, arg, &narrow[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
