
/*
 * Parameters of a location, for functions with NGX_TASK_DECLARED: "task_param"
 * with "type=".  Their values stand behind the function's own arguments, and
 * they are read, bounded and refused as any.
 */


#include "function/ngx_http_task_function.h"


static const char *const  ngx_http_task_declare_types[] = {
    [NGX_TASK_TIME] = "time",
    [NGX_TASK_STRING] = "string",
    [NGX_TASK_INT] = "int",
    [NGX_TASK_NUMBER] = "number",
    [NGX_TASK_BOOL] = "bool",
    [NGX_TASK_SIZE] = "size",
    [NGX_TASK_ENUM] = "enum"
};


static ngx_int_t ngx_http_task_declare_type(ngx_conf_t *cf,
    ngx_task_param_t *param, ngx_str_t *type);
static ngx_int_t ngx_http_task_declare_choices(ngx_conf_t *cf,
    ngx_task_param_t *param, ngx_str_t *choices);
static ngx_int_t ngx_http_task_declare_arg(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_http_task_narrow_t *narrow);


ngx_int_t
ngx_http_task_declare_read(ngx_conf_t *cf, ngx_http_task_narrow_t *narrow,
    ngx_str_t *type, ngx_str_t *choices)
{
    ngx_str_t         *name;
    ngx_task_param_t  *param;

    name = &narrow->name;

    if (!ngx_http_task_param_name((char *) name->data)
        || ngx_strlchr(name->data, name->data + name->len, '-'))
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "invalid name \"%V\" of a parameter, it must be "
                            "letters, digits and \"_\"", name);
    }

    param = ngx_pcalloc(cf->pool, sizeof(ngx_task_param_t));
    if (param == NULL) {
        return NGX_ERROR;
    }

    param->name = (char *) name->data;
    narrow->declared = param;

    if (ngx_http_task_declare_type(cf, param, type) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_task_declare_choices(cf, param, choices);
}


static ngx_int_t
ngx_http_task_declare_type(ngx_conf_t *cf, ngx_task_param_t *param,
    ngx_str_t *type)
{
    ngx_uint_t  i;

    for (i = 0; type->data && i <= NGX_TASK_ENUM; i++) {
        if (ngx_strcmp(ngx_http_task_declare_types[i], type->data) == 0) {
            param->type = i;
            return NGX_OK;
        }
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "invalid type \"%V\" of parameter \"%s\", it must "
                            "be \"string\", \"int\", \"number\", \"bool\", "
                            "\"time\", \"size\" or \"enum\"",
                            type, param->name);
}


/* "a,b" in nginx.conf is "a|b" in a table */

static ngx_int_t
ngx_http_task_declare_choices(ngx_conf_t *cf, ngx_task_param_t *param,
    ngx_str_t *choices)
{
    u_char  *p;

    if (param->type != NGX_TASK_ENUM) {
        return choices->data == NULL
               ? NGX_OK
               : ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "\"choices=\" of parameter \"%s\", whose type is "
                            "not \"enum\"", param->name);
    }

    p = ngx_strlchr(choices->data, choices->data + choices->len, '|');

    if (p == NULL && choices->data) {

        for (p = choices->data; *p; p++) {
            if (*p == ',') {
                *p = '|';
            }
        }

        if (ngx_http_task_param_choices((char *) choices->data)) {
            param->choices = (char *) choices->data;
            return NGX_OK;
        }
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "parameter \"%s\" of type \"enum\" must have "
                            "\"choices=a,b\", none of them empty or with \"|\"",
                            param->name);
}


ngx_int_t
ngx_http_task_declare_args(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_uint_t own)
{
    ngx_uint_t               i;
    ngx_http_task_narrow_t  *narrow;

    if (conf->narrow == NULL) {
        return NGX_OK;
    }

    narrow = conf->narrow->elts;

    for (i = 0; i < conf->narrow->nelts; i++) {

        if (narrow[i].declared == NULL) {
            continue;
        }

        if (conf->function->table.flags & NGX_TASK_DECLARED) {
            if (ngx_http_task_declare_arg(cf, conf, &narrow[i]) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (own) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow[i].place,
                            "\"type=\" of parameter \"%V\": task \"%V\" takes "
                            "no parameters but its own", &narrow[i].name,
                            &conf->function->name);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_declare_arg(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_http_task_narrow_t *narrow)
{
    ngx_uint_t            i;
    ngx_task_param_t     *param;
    ngx_http_task_arg_t  *arg;

    /* a program sees names in upper case */

    arg = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {

        if (arg[i].name.len != narrow->name.len
            || ngx_strncasecmp(arg[i].name.data, narrow->name.data,
                               narrow->name.len)
               != 0)
        {
            continue;
        }

        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow->place,
                            "parameter \"%V\" cannot be declared: task \"%V\" "
                            "has \"%V\"", &narrow->name,
                            &conf->function->name, &arg[i].name);
    }

    /* a location that inherits this has its own place in its arguments */

    param = ngx_palloc(cf->pool, sizeof(ngx_task_param_t));
    if (param == NULL) {
        return NGX_ERROR;
    }

    *param = *narrow->declared;

    /* the place of its text: a pointer, which is not larger */

    param->offset = ngx_align(conf->args_size, sizeof(int64_t));
    conf->args_size = param->offset + sizeof(int64_t);

    arg = ngx_array_push(conf->args);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(arg, sizeof(ngx_http_task_arg_t));

    arg->param = param;
    arg->name = narrow->name;

    conf->open++;

    return NGX_OK;
}
