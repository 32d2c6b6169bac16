
/*
 * The parameters of a function, read from its table.  All that can be wrong in
 * the table is found here, when the library is loaded.
 */


#include "function/ngx_http_task_function.h"


static const char *ngx_http_task_param_wrong(
    ngx_http_task_function_t *function, ngx_uint_t i);
static const char *ngx_http_task_param_misplaced(
    ngx_http_task_function_t *function, ngx_uint_t i);
static ngx_int_t ngx_http_task_param_refuse(ngx_conf_t *cf,
    ngx_http_task_function_t *function, const char *name, const char *wrong);
static ngx_int_t ngx_http_task_param_arg(ngx_conf_t *cf,
    ngx_http_task_function_t *function, ngx_http_task_arg_t *arg,
    const ngx_task_param_t *param);
static ngx_int_t ngx_http_task_param_bound(ngx_conf_t *cf,
    ngx_http_task_function_t *function, ngx_http_task_arg_t *arg,
    const char *text, ngx_uint_t max);


ngx_int_t
ngx_http_task_param_table(ngx_conf_t *cf, ngx_http_task_library_t *library,
    ngx_http_task_function_t *function)
{
    u_char            *p;
    size_t             size;
    ngx_uint_t         i, n;
    const char        *wrong;

    p = (u_char *) function->table.params;
    size = library->table.param_size;

    n = p ? ngx_http_task_table_rows(p, size, function->table.args.nparams)
          : 0;

    if (n == NGX_HTTP_TASK_ENDLESS) {
        return ngx_http_task_param_refuse(cf, function, NULL, NULL);
    }

    function->nparams = n;
    function->params = ngx_pcalloc(cf->pool, n * sizeof(ngx_task_param_t) + 1);

    if (function->params == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(&function->params[i], p + i * size, size);

        wrong = ngx_http_task_param_wrong(function, i);

        if (wrong) {
            return ngx_http_task_param_refuse(cf, function,
                                              function->params[i].name, wrong);
        }
    }

    return NGX_OK;
}


/* without a name: the table has no end */

static ngx_int_t
ngx_http_task_param_refuse(ngx_conf_t *cf, ngx_http_task_function_t *function,
    const char *name, const char *wrong)
{
    ngx_str_t  *file;

    file = &function->library->file;

    if (function->settings) {
        return name
               ? ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a setting \"%s\" that %s",
                            file, name, wrong)
               : ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has settings without a last row of NULL: "
                            "end them by one, or give them by "
                            "NGX_TASK_LIBRARY_SET()", file);
    }

    return name
           ? ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a function \"%V\" whose parameter "
                            "\"%s\" %s", file, &function->name, name, wrong)
           : ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a function \"%V\" whose parameters "
                            "have no last row of NULL: end them by one, or "
                            "give them by NGX_TASK_ARGS()", file,
                            &function->name);
}


static const char *
ngx_http_task_param_wrong(ngx_http_task_function_t *function, ngx_uint_t i)
{
    ngx_uint_t         n;
    ngx_task_param_t  *param;

    param = &function->params[i];

    if (!ngx_http_task_param_name(param->name)) {
        return "has an invalid name";
    }

    for (n = 0; n < i; n++) {
        if (ngx_strcmp(function->params[n].name, param->name) == 0) {
            return "is there twice";
        }
    }

    if ((ngx_uint_t) param->type >= ngx_http_task_ntypes) {
        return "is of no known type";
    }

    if (param->flags
        & ~(size_t) (NGX_TASK_SECRET|NGX_TASK_OPTIONAL|NGX_TASK_FIXED))
    {
        return "has an unknown flag";
    }

    if ((param->flags & NGX_TASK_OPTIONAL) && param->def) {
        return "is optional, and has a default";
    }

    if (param->type == NGX_TASK_ENUM
        && !ngx_http_task_param_choices(param->choices))
    {
        return "has no choices, or an empty one";
    }

    return ngx_http_task_param_misplaced(function, i);
}


/* an int where an int64_t belongs is seen if something stands behind it */

static const char *
ngx_http_task_param_misplaced(ngx_http_task_function_t *function, ngx_uint_t i)
{
    size_t                       size;
    ngx_uint_t                   n;
    ngx_task_param_t            *param, *other;
    const ngx_http_task_type_t  *type;

    param = &function->params[i];
    type = &ngx_http_task_types[param->type];
    size = ngx_http_task_param_size(param);

    if (size != type->size && size != type->small) {
        return "has a member of another size than its type";
    }

    if (size != type->size && (param->flags & NGX_TASK_OPTIONAL)) {
        return "is optional: its member has to be an int";
    }

    if (param->offset > function->table.args_size
        || function->table.args_size - param->offset < size)
    {
        return "is outside of the structure";
    }

    for (n = 0; n < i; n++) {
        other = &function->params[n];

        if (param->offset < other->offset + ngx_http_task_param_size(other)
            && other->offset < param->offset + size)
        {
            return "overlaps another one in the structure: one of their "
                   "members is smaller than its type, such as an int where an "
                   "int64_t belongs";
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_task_param_choices(const char *p)
{
    size_t  len;

    if (p == NULL) {
        return 0;
    }

    for ( ;; ) {
        len = strcspn(p, "|");

        if (len == 0) {
            return 0;
        }

        if (p[len] == '\0') {
            return 1;
        }

        p += len + 1;
    }
}


ngx_uint_t
ngx_http_task_param_name(const char *name)
{
    const char  *p;

    for (p = name; *p; p++) {
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
              || (*p >= '0' && *p <= '9') || *p == '_' || *p == '-'))
        {
            return 0;
        }
    }

    return p > name;
}


ngx_int_t
ngx_http_task_param_args(ngx_conf_t *cf, ngx_http_task_function_t *function)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    arg = ngx_pcalloc(cf->pool, function->nparams * sizeof(ngx_http_task_arg_t)
                                + 1);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    function->args = arg;

    for (i = 0; i < function->nparams; i++) {
        if (ngx_http_task_param_arg(cf, function, &arg[i],
                                    &function->params[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_param_arg(ngx_conf_t *cf, ngx_http_task_function_t *function,
    ngx_http_task_arg_t *arg, const ngx_task_param_t *param)
{
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_http_task_invalid_t  invalid;

    ngx_memzero(arg, sizeof(ngx_http_task_arg_t));

    arg->param = param;
    arg->name.data = (u_char *) param->name;
    arg->name.len = ngx_strlen(param->name);

    if (ngx_http_task_param_bound(cf, function, arg, param->min, 0) != NGX_OK
        || ngx_http_task_param_bound(cf, function, arg, param->max, 1)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (param->flags & NGX_TASK_OPTIONAL) {
        arg->has_def = 1;
        arg->def = ngx_http_task_types[param->type].none;
        return NGX_OK;
    }

    if (param->def == NULL) {
        return NGX_OK;
    }

    arg->has_def = 1;
    text.data = (u_char *) param->def;
    text.len = ngx_strlen(param->def);

    rc = ngx_http_task_value_text(cf->pool, arg, &text, &arg->def, &invalid);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "%s \"%V\": invalid default \"%V\" of %s \"%V\": "
                            "%s", ngx_http_task_function_kind(function),
                            &function->name,
                            ngx_http_task_param_shown(arg, &text),
                            ngx_http_task_param_kind(function), &arg->name,
                            invalid.msg);
    }

    return rc;
}


static ngx_int_t
ngx_http_task_param_bound(ngx_conf_t *cf, ngx_http_task_function_t *function,
    ngx_http_task_arg_t *arg, const char *text, ngx_uint_t max)
{
    ngx_str_t  bound;

    if (text == NULL) {
        return NGX_OK;
    }

    bound.data = (u_char *) text;
    bound.len = ngx_strlen(text);

    if (ngx_http_task_value_bound(arg, &bound, max ? '<' : '>',
                                  max ? &arg->max : &arg->min)
        == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "%s \"%V\": invalid %s \"%V\" of %s \"%V\"",
                            ngx_http_task_function_kind(function),
                            &function->name, max ? "maximum" : "minimum",
                            &bound, ngx_http_task_param_kind(function),
                            &arg->name);
}


ngx_str_t *
ngx_http_task_param_shown(ngx_http_task_arg_t *arg, ngx_str_t *text)
{
    static ngx_str_t  secret = ngx_string("[secret]");

    return (arg->param->flags & NGX_TASK_SECRET) ? &secret : text;
}
