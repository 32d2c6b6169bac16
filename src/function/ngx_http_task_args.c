
/*
 * Parameters in the configuration: what "task" fixes, what "task_param"
 * narrows.  All that can be wrong with them is found here, while the
 * configuration is read.
 */


#include "function/ngx_http_task_function.h"


typedef struct {
    ngx_str_t               name;
    ngx_str_t               def;
    ngx_str_t               min;
    ngx_str_t               max;
    ngx_http_task_place_t   place;
} ngx_http_task_narrow_t;


static ngx_int_t ngx_http_task_args_narrow(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_array_t *own);
static ngx_int_t ngx_http_task_args_ready(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf);
static ngx_http_task_arg_t *ngx_http_task_arg_find(
    ngx_http_task_args_conf_t *conf, ngx_str_t *name);
static ngx_int_t ngx_http_task_arg_fix(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_str_t *value);
static ngx_int_t ngx_http_task_arg_narrow(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_http_task_narrow_t *narrow);
static ngx_int_t ngx_http_task_arg_default(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_http_task_narrow_t *narrow);
static ngx_int_t ngx_http_task_arg_bound(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_http_task_narrow_t *narrow,
    ngx_uint_t max, ngx_http_task_bound_t *bound);


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


static ngx_http_task_arg_t *
ngx_http_task_arg_find(ngx_http_task_args_conf_t *conf, ngx_str_t *name)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {
        if (args[i].name.len == name->len
            && ngx_strncmp(args[i].name.data, name->data, name->len) == 0)
        {
            return &args[i];
        }
    }

    return NULL;
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


/* a value with variables is checked in each request, a literal one now */

static ngx_int_t
ngx_http_task_arg_fix(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_str_t *value)
{
    ngx_int_t                          rc;
    ngx_http_task_invalid_t            invalid;
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    cv = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (cv == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = cv;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_ERROR;
    }

    if (cv->lengths) {
        arg->variable = cv;
        return NGX_OK;
    }

    rc = ngx_http_task_value_text(cf->pool, arg, value, &arg->value, &invalid);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                              "invalid value \"%V\" of parameter \"%V\": %s",
                              ngx_http_task_param_shown(arg, value), &arg->name,
                              invalid.msg);
    }

    return rc;
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


static ngx_int_t
ngx_http_task_arg_narrow(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_http_task_narrow_t *narrow)
{
    ngx_http_task_arg_t  wide;

    wide = *arg;

    if (narrow->min.data) {
        if (ngx_http_task_arg_bound(cf, &wide, narrow, 0, &arg->min)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (narrow->max.data) {
        if (ngx_http_task_arg_bound(cf, &wide, narrow, 1, &arg->max)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        arg->bounded = 1;
    }

    if (arg->min.set && arg->max.set
        && ngx_http_task_value_wider(arg, &arg->min, &arg->max, 1))
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow->place,
                       "\"min=%V\" of parameter \"%V\" is over \"max=%V\"",
                       &arg->min.text, &arg->name, &arg->max.text);
    }

    return ngx_http_task_arg_default(cf, arg, narrow);
}


/* the function's own default has to be within the new bounds, too */

static ngx_int_t
ngx_http_task_arg_default(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_http_task_narrow_t *narrow)
{
    ngx_int_t                rc;
    ngx_str_t                def;
    ngx_http_task_invalid_t  invalid;

    def = narrow->def;

    if (def.data == NULL) {

        /* without a default of the function's, or needing none */

        if (arg->param->def == NULL
            || (arg->fixed && arg->variable == NULL))
        {
            return NGX_OK;
        }

        def.data = (u_char *) arg->param->def;
        def.len = ngx_strlen(def.data);
    }

    arg->has_def = 1;

    rc = ngx_http_task_value_text(cf->pool, arg, &def, &arg->def, &invalid);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow->place,
                       "invalid default \"%V\" of parameter \"%V\": %s%s",
                       ngx_http_task_param_shown(arg, &def), &arg->name,
                       invalid.msg,
                       narrow->def.data ? "" : ", add \"default=\"");
    }

    return rc;
}


static ngx_int_t
ngx_http_task_arg_bound(ngx_conf_t *cf, ngx_http_task_arg_t *wide,
    ngx_http_task_narrow_t *narrow, ngx_uint_t max,
    ngx_http_task_bound_t *bound)
{
    ngx_str_t              *text;
    const char             *what;
    ngx_http_task_bound_t  *own;

    text = max ? &narrow->max : &narrow->min;
    what = max ? "max" : "min";
    own = max ? &wide->max : &wide->min;

    if (ngx_http_task_value_bound(wide, text, max ? '<' : '>', bound)
        != NGX_OK)
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow->place,
                            "invalid value in \"%s=%V\" of parameter \"%V\"",
                            what, text, &narrow->name);
    }

    if (own->set && ngx_http_task_value_wider(wide, bound, own, max)) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow->place,
                     "\"%s=%V\" of parameter \"%V\" is outside of the "
                     "function's own \"%s=%V\"",
                     what, text, &narrow->name, what, &own->text);
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
