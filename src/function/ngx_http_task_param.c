
/*
 * The parameters of a function, read from its table, and the fields of objects
 * from theirs, so that a tree of tables is made.  All that can be wrong in them
 * is found here, when the library is loaded.
 */


#include "function/ngx_http_task_function.h"


/* one table, of those that stand within each other */

typedef struct {
    ngx_conf_t                      *cf;
    ngx_http_task_function_t        *function;
    const char                      *prefix;       /* "user." */
    ngx_uint_t                       depth;
    ngx_uint_t                       secret;       /* the object is one */
} ngx_http_task_level_t;


static ngx_int_t ngx_http_task_param_level(ngx_http_task_level_t *level,
    const ngx_task_params_t *given, ngx_http_task_table_t *table);
static ngx_int_t ngx_http_task_param_fields(ngx_http_task_level_t *level,
    ngx_http_task_arg_t *arg);
static const char *ngx_http_task_param_path(ngx_http_task_level_t *level,
    const char *name, const char *end);
static ngx_int_t ngx_http_task_param_refuse(ngx_http_task_level_t *level,
    const char *name, const char *wrong);
static ngx_int_t ngx_http_task_param_arg(ngx_http_task_level_t *level,
    ngx_http_task_arg_t *arg, const ngx_task_param_t *param);
static ngx_int_t ngx_http_task_param_bound(ngx_http_task_level_t *level,
    ngx_http_task_arg_t *arg, const char *text, ngx_uint_t max);


ngx_int_t
ngx_http_task_param_table(ngx_conf_t *cf, ngx_http_task_function_t *function)
{
    ngx_task_params_t      given;
    ngx_http_task_level_t  level;

    level.cf = cf;
    level.function = function;
    level.prefix = "";
    level.depth = 0;
    level.secret = 0;

    given.size = function->table.args_size;
    given.params = function->table.params;
    given.nparams = function->table.args.nparams;

    return ngx_http_task_param_level(&level, &given, &function->args);
}


static ngx_int_t
ngx_http_task_param_level(ngx_http_task_level_t *level,
    const ngx_task_params_t *given, ngx_http_task_table_t *table)
{
    u_char      *p;
    size_t       size;
    ngx_uint_t   i, n;
    const char  *wrong;

    p = (u_char *) given->params;
    size = level->function->library->table.param_size;

    n = p ? ngx_http_task_table_rows(p, size, given->nparams) : 0;

    if (n == NGX_HTTP_TASK_ENDLESS) {
        return ngx_http_task_param_refuse(level, NULL, NULL);
    }

    table->size = given->size;
    table->nargs = n;
    table->params = ngx_pcalloc(level->cf->pool,
                                n * sizeof(ngx_task_param_t) + 1);
    table->args = ngx_pcalloc(level->cf->pool,
                              n * sizeof(ngx_http_task_arg_t) + 1);

    if (table->params == NULL || table->args == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(&table->params[i], p + i * size, size);

        if (level->secret) {
            table->params[i].flags |= NGX_TASK_SECRET;
        }

        wrong = ngx_http_task_param_wrong(level->function, table, i,
                                          level->depth);

        if (wrong) {
            return ngx_http_task_param_refuse(level, table->params[i].name,
                                              wrong);
        }

        if (ngx_http_task_param_arg(level, &table->args[i], &table->params[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_param_fields(ngx_http_task_level_t *level,
    ngx_http_task_arg_t *arg)
{
    ngx_http_task_level_t  inner;

    inner = *level;
    inner.depth++;
    inner.secret = level->secret || (arg->param->flags & NGX_TASK_SECRET);
    inner.prefix = ngx_http_task_param_path(level, arg->param->name, ".");

    arg->fields = ngx_pcalloc(level->cf->pool, sizeof(ngx_http_task_table_t));

    if (arg->fields == NULL || inner.prefix == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_task_param_level(&inner, &arg->param->fields, arg->fields);
}


/* returns "user.age", or "user.age." for what stands in it */

static const char *
ngx_http_task_param_path(ngx_http_task_level_t *level, const char *name,
    const char *end)
{
    u_char  *p;
    size_t   len;

    len = ngx_strlen(level->prefix) + ngx_strlen(name) + ngx_strlen(end) + 1;

    p = ngx_pnalloc(level->cf->pool, len);

    if (p) {
        (void) ngx_snprintf(p, len, "%s%s%s%Z", level->prefix, name, end);
    }

    return (const char *) p;
}


/* without a name: the table has no end */

static ngx_int_t
ngx_http_task_param_refuse(ngx_http_task_level_t *level, const char *name,
    const char *wrong)
{
    ngx_str_t                 *file;
    ngx_http_task_function_t  *function;

    function = level->function;
    file = &function->library->file;

    if (name) {
        name = ngx_http_task_param_path(level, name, "");
        if (name == NULL) {
            return NGX_ERROR;
        }
    }

    if (function->settings) {
        return name
               ? ngx_http_task_conf_log(level->cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a setting \"%s\" that %s",
                            file, name, wrong)
               : ngx_http_task_conf_log(level->cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has settings without a last row of NULL: "
                            "end them by one, or give them by "
                            "NGX_TASK_LIBRARY_SET()", file);
    }

    return name
           ? ngx_http_task_conf_log(level->cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a function \"%V\" whose parameter "
                            "\"%s\" %s", file, &function->name, name, wrong)
           : ngx_http_task_conf_log(level->cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a function \"%V\" whose parameters "
                            "have no last row of NULL: end them by one, or "
                            "give them by NGX_TASK_ARGS()", file,
                            &function->name);
}


static ngx_int_t
ngx_http_task_param_arg(ngx_http_task_level_t *level, ngx_http_task_arg_t *arg,
    const ngx_task_param_t *param)
{
    ngx_int_t                  rc;
    ngx_str_t                  text;
    ngx_http_task_space_t      space = { level->cf->pool, NULL };
    ngx_http_task_invalid_t    invalid;
    ngx_http_task_function_t  *function;

    arg->param = param;
    arg->name.data = (u_char *) param->name;
    arg->name.len = ngx_strlen(param->name);

    if (ngx_http_task_param_bound(level, arg, param->min, 0) != NGX_OK
        || ngx_http_task_param_bound(level, arg, param->max, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (param->type == NGX_TASK_OBJECT
        && ngx_http_task_param_fields(level, arg) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (param->flags & NGX_TASK_OPTIONAL) {
        arg->has_def = 1;
        arg->def = ngx_http_task_value_none(param);
        return NGX_OK;
    }

    if (param->def == NULL) {
        return NGX_OK;
    }

    arg->has_def = 1;
    text.data = (u_char *) param->def;
    text.len = ngx_strlen(param->def);

    function = level->function;

    rc = ngx_http_task_value_text(&space, arg, &text, &arg->def, &invalid);

    if (rc == NGX_DECLINED) {
        return ngx_http_task_conf_log(level->cf, NGX_LOG_EMERG, NULL,
                            "%s \"%V\": invalid default \"%V\" of %s "
                            "\"%s%V\": %s",
                            ngx_http_task_function_kind(function),
                            &function->name,
                            ngx_http_task_param_shown(arg, &text),
                            ngx_http_task_param_kind(function), level->prefix,
                            &arg->name, invalid.msg);
    }

    return rc;
}


static ngx_int_t
ngx_http_task_param_bound(ngx_http_task_level_t *level,
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

    return ngx_http_task_conf_log(level->cf, NGX_LOG_EMERG, NULL,
                            "%s \"%V\": invalid %s \"%V\" of %s \"%s%V\"",
                            ngx_http_task_function_kind(level->function),
                            &level->function->name, max ? "maximum" : "minimum",
                            &bound, ngx_http_task_param_kind(level->function),
                            level->prefix, &arg->name);
}


ngx_uint_t
ngx_http_task_param_flagged(const ngx_http_task_table_t *table, size_t flag)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    for (i = 0; i < table->nargs; i++) {
        arg = &table->args[i];

        if ((arg->param->flags & flag)
            || (arg->fields && ngx_http_task_param_flagged(arg->fields, flag)))
        {
            return 1;
        }
    }

    return 0;
}


ngx_str_t *
ngx_http_task_param_shown(ngx_http_task_arg_t *arg, ngx_str_t *text)
{
    static ngx_str_t  secret = ngx_string("[secret]");

    return (arg->param->flags & NGX_TASK_SECRET) ? &secret : text;
}
