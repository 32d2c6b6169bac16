
/*
 * A parameter of a location: found by its name, fixed by "task", narrowed by
 * "task_param".
 */


#include "function/ngx_http_task_function.h"


static ngx_int_t ngx_http_task_arg_dollars(ngx_conf_t *cf,
    ngx_http_task_fix_t *fix);
static ngx_int_t ngx_http_task_arg_default(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_http_task_narrow_t *narrow);
static ngx_int_t ngx_http_task_arg_bound(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_http_task_narrow_t *narrow,
    ngx_uint_t max, ngx_http_task_bound_t *bound);


ngx_http_task_arg_t *
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


ngx_int_t
ngx_http_task_arg_compile(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_http_task_fix_t *fix)
{
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    if (arg && (arg->param->flags & NGX_TASK_FIXED)) {
        fix->variable = NULL;

        return ngx_http_task_arg_dollars(cf, fix);
    }

    cv = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (cv == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &fix->value;
    ccv.complex_value = cv;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_ERROR;
    }

    fix->variable = cv->lengths ? cv : NULL;

    return NGX_OK;
}


/* where there are no variables, "$$" is a "$" */

static ngx_int_t
ngx_http_task_arg_dollars(ngx_conf_t *cf, ngx_http_task_fix_t *fix)
{
    u_char  *p, *dst, *end;

    dst = fix->value.data;
    end = dst + fix->value.len;

    for (p = dst; p < end; p++) {

        if (*p == '$' && (p + 1 == end || *++p != '$')) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                              "parameter \"%V\" takes no variables, as no "
                              "request may choose it: write a \"$\" as \"$$\"",
                              &fix->name);
        }

        *dst++ = *p;
    }

    fix->value.len = dst - fix->value.data;

    return NGX_OK;
}


/* a value with variables is checked in each request, a literal one now */

ngx_int_t
ngx_http_task_arg_fix(ngx_conf_t *cf, ngx_http_task_place_t *place,
    ngx_http_task_arg_t *arg, ngx_http_task_fix_t *fix)
{
    ngx_int_t                rc;
    ngx_http_task_space_t    space = { cf->pool, NULL };
    ngx_http_task_invalid_t  invalid;

    if (arg->fixed) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                              "duplicate parameter \"%V\"", &arg->name);
    }

    arg->fixed = 1;
    arg->variable = fix->variable;

    if (arg->param->type == NGX_TASK_FILE) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                              "parameter \"%V\" is a file: leave it to the "
                              "request", &arg->name);
    }

    if (arg->variable) {
        return ngx_http_task_source_set(cf, arg, &fix->value);
    }

    if (ngx_http_task_param_compound(arg->param)) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                              "parameter \"%V\" takes no value without "
                              "variables, as it is a list, an object or JSON: "
                              "leave it to the request", &arg->name);
    }

    rc = ngx_http_task_value_text(&space, arg, &fix->value, &arg->value,
                                  &invalid);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                              "invalid value \"%V\" of parameter \"%V\": %s",
                              ngx_http_task_param_shown(arg, &fix->value),
                              &arg->name, invalid.msg);
    }

    return rc;
}


ngx_int_t
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
    ngx_http_task_space_t    space = { cf->pool, NULL };
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

    if (ngx_http_task_param_compound(arg->param)) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &narrow->place,
                       "parameter \"%V\" takes no \"default=\", as it is a "
                       "list, an object, JSON or a file", &arg->name);
    }

    arg->has_def = 1;

    rc = ngx_http_task_value_text(&space, arg, &def, &arg->def, &invalid);

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
