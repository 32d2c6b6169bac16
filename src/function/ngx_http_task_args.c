
/*
 * Parameters in the configuration: what "task" fixes, and all that is known of
 * them when it was read.  What can be wrong with them is found here.
 */


#include "function/ngx_http_task_function.h"


/*
 * Bytes of input that the event loop reads, where each few bytes may be a
 * value, and bytes of structures that it zeroes: 0.1 ms or so of both.
 */

#define NGX_HTTP_TASK_COMPOUND  8192
#define NGX_HTTP_TASK_ZEROED    262144


static ngx_int_t ngx_http_task_args_fix_one(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_str_t *text);
static void ngx_http_task_args_kinds(ngx_http_task_args_conf_t *conf);
static size_t ngx_http_task_args_short(const ngx_http_task_table_t *table,
    ngx_uint_t depth);
static ngx_uint_t ngx_http_task_args_endless(
    const ngx_http_task_table_t *table);
static ngx_int_t ngx_http_task_args_later(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_http_task_place_t *place);
static ngx_int_t ngx_http_task_args_fixed(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_http_task_place_t *place);
static ngx_int_t ngx_http_task_args_check(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_http_task_place_t *place);
static ngx_int_t ngx_http_task_args_ready(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf);


ngx_int_t
ngx_http_task_args_function(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_str_t *name)
{
    conf->function = ngx_http_task_functions_find(cf, conf->libraries, name);

    if (conf->function == NULL
        || ngx_http_task_args_copy(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->function->table.flags & NGX_TASK_DECLARED) {
        conf->later = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_task_fix_t));
        if (conf->later == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_args_copy(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf)
{
    ngx_uint_t            n;
    ngx_http_task_arg_t  *arg;

    n = conf->function->args.nargs;

    conf->args = ngx_array_create(cf->pool, n + 1, sizeof(ngx_http_task_arg_t));
    if (conf->args == NULL) {
        return NGX_ERROR;
    }

    arg = ngx_array_push_n(conf->args, n);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(arg, conf->function->args.args, n * sizeof(ngx_http_task_arg_t));

    conf->open = n;
    conf->args_size = conf->function->table.args_size;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_args_fix(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_str_t *words, ngx_uint_t n)
{
    ngx_str_t    text;
    ngx_uint_t   i, used;

    for (i = 0; i < n; i += used) {

        used = ngx_http_task_quoted(cf, &words[i], n - i, &text);

        if (used == 0
            || ngx_http_task_args_fix_one(cf, conf, &text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the parameters of a location may stand behind its "task" */

static ngx_int_t
ngx_http_task_args_fix_one(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_str_t *text)
{
    u_char               *p;
    ngx_http_task_arg_t  *arg;
    ngx_http_task_fix_t   fix, *later;

    p = ngx_strlchr(text->data, text->data + text->len, '=');

    if (p == NULL) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "invalid parameter \"%V\", it must be name=value, "
                            "or, with spaces, \"name=a value\"", text);
    }

    fix.name.data = text->data;
    fix.name.len = p - text->data;
    fix.value.data = p + 1;
    fix.value.len = text->data + text->len - fix.value.data;

    arg = ngx_http_task_arg_find(conf, &fix.name);

    if (arg == NULL && conf->later == NULL) {
        return ngx_http_task_unknown_param(cf, NULL, conf, &fix.name);
    }

    if (ngx_http_task_arg_compile(cf, arg, &fix) != NGX_OK) {
        return NGX_ERROR;
    }

    if (arg) {
        conf->open -= !arg->fixed;

        return ngx_http_task_arg_fix(cf, NULL, arg, &fix);
    }

    later = ngx_array_push(conf->later);
    if (later == NULL) {
        return NGX_ERROR;
    }

    *later = fix;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_args_merge(ngx_conf_t *cf, ngx_http_task_args_conf_t *prev,
    ngx_http_task_args_conf_t *conf, ngx_http_task_place_t *place)
{
    ngx_array_t  *own;

    own = conf->narrow;

    if (conf->narrow == NULL) {
        conf->narrow = prev->narrow;
    }

    if (conf->function == NULL) {
        return NGX_OK;
    }

    if (ngx_http_task_declare_args(cf, conf, conf->narrow == own) != NGX_OK
        || ngx_http_task_args_narrow(cf, conf, own) != NGX_OK
        || ngx_http_task_args_later(cf, conf, place) != NGX_OK
        || ngx_http_task_args_fixed(cf, conf, place) != NGX_OK
        || ngx_http_task_args_check(cf, conf, place) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_task_args_kinds(conf);
    ngx_http_task_source_unused(cf, conf, place);

    return ngx_http_task_args_ready(cf, conf);
}


/* what requests need to know of all parameters together */

static void
ngx_http_task_args_kinds(ngx_http_task_args_conf_t *conf)
{
    ngx_uint_t              i, forms;
    ngx_http_task_arg_t    *arg;
    ngx_http_task_table_t   table;

    forms = conf->open && (conf->function->bodies & ~NGX_TASK_BODY_JSON);

    conf->query = conf->open;
    conf->compound = forms ? NGX_HTTP_TASK_COMPOUND : 0;
    conf->secret = ngx_http_task_param_flagged(&conf->function->args,
                                               NGX_TASK_SECRET);

    arg = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {

        if (arg[i].source == NGX_HTTP_TASK_SOURCE_QUERY) {
            conf->query++;
        }

        if (ngx_http_task_param_compound(arg[i].param)) {
            conf->compound = NGX_HTTP_TASK_COMPOUND;
        }
    }

    if (conf->compound) {
        table.args = arg;
        table.nargs = conf->args->nelts;

        conf->compound = ngx_http_task_args_short(&table, 1);
    }
}


/*
 * Each level of objects is walked once more, and each "{}," of a list may be a
 * structure, which is zeroed.
 */

static size_t
ngx_http_task_args_short(const ngx_http_task_table_t *table, ngx_uint_t depth)
{
    size_t                      len, inner;
    ngx_uint_t                  i;
    const ngx_http_task_arg_t  *arg;

    len = NGX_HTTP_TASK_COMPOUND / depth;

    for (i = 0; i < table->nargs; i++) {
        arg = &table->args[i];

        if (arg->fields == NULL) {
            continue;
        }

        inner = ngx_http_task_args_short(arg->fields, depth + 1);
        len = ngx_min(len, inner);

        if (arg->param->item) {
            inner = sizeof("{},") * NGX_HTTP_TASK_ZEROED / arg->param->item;
            len = ngx_min(len, inner);
        }
    }

    return len ? len : 1;
}


/* "name=value" of the parameters that the location has declared */

static ngx_int_t
ngx_http_task_args_later(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_http_task_place_t *place)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;
    ngx_http_task_fix_t  *fix;

    if (conf->later == NULL) {
        return NGX_OK;
    }

    fix = conf->later->elts;

    for (i = 0; i < conf->later->nelts; i++) {

        arg = ngx_http_task_arg_find(conf, &fix[i].name);

        if (arg == NULL) {
            return ngx_http_task_unknown_param(cf, place, conf, &fix[i].name);
        }

        conf->open -= !arg->fixed;

        if (ngx_http_task_arg_fix(cf, place, arg, &fix[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* what no request may choose has its value now */

static ngx_int_t
ngx_http_task_args_fixed(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_http_task_place_t *place)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    arg = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {

        if (arg[i].fixed || !(arg[i].param->flags & NGX_TASK_FIXED)) {
            continue;
        }

        if (!arg[i].has_def) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                            "task \"%V\" has no \"%V=\", which no request may "
                            "choose", &conf->function->name, &arg[i].name);
        }

        arg[i].fixed = 1;
        arg[i].value = arg[i].def;
        conf->open--;
    }

    return NGX_OK;
}


/* the function looks at its arguments, as far as nginx.conf tells them */

static ngx_int_t
ngx_http_task_args_check(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_http_task_place_t *place)
{
    void                    *args;
    ngx_uint_t               i;
    const char              *wrong;
    ngx_http_task_arg_t     *arg;
    ngx_http_task_guard_t    before;
    ngx_http_task_value_t   *values;

    if (conf->function->table.check == NULL) {
        return NGX_OK;
    }

    arg = conf->args->elts;

    values = ngx_palloc(cf->temp_pool, conf->args->nelts
                                       * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->args->nelts; i++) {
        values[i] = (arg[i].fixed && arg[i].variable == NULL) ? arg[i].value
                    : arg[i].has_def ? arg[i].def
                    : ngx_http_task_value_none(arg[i].param);
    }

    args = ngx_http_task_value_args(cf->temp_pool, conf, values);
    if (args == NULL) {
        return NGX_ERROR;
    }

    ngx_http_task_crash_init(ngx_http_task_library_file);
    before = ngx_http_task_guard(NULL, &conf->function->name);

    wrong = conf->function->table.check(args);

    ngx_http_task_unguard(before);
    ngx_http_task_crash_stop();

    return wrong ? ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                            "%s \"%V\": %s",
                            ngx_http_task_function_kind(conf->function),
                            &conf->function->name, wrong)
                 : NGX_OK;
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

    conf->ready = ngx_http_task_value_args(cf->pool, conf, values);

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

        if (arg[i].fields && ngx_http_task_args_endless(arg[i].fields)) {
            return &arg[i];
        }
    }

    return NULL;
}


/* returns 1 if some time in an object has no maximum */

static ngx_uint_t
ngx_http_task_args_endless(const ngx_http_task_table_t *table)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    for (i = 0; i < table->nargs; i++) {
        arg = &table->args[i];

        if ((arg->param->type == NGX_TASK_TIME && !arg->max.set)
            || (arg->fields && ngx_http_task_args_endless(arg->fields)))
        {
            return 1;
        }
    }

    return 0;
}
