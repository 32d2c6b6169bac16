
/*
 * Where a parameter comes from, as "id=$1" of "task" tells: a value that is one
 * variable, and nothing else, is what that variable stands for.  Errors name it
 * so, and so does the documentation.
 */


#include "function/ngx_http_task_function.h"


static ngx_uint_t ngx_http_task_source_variable(ngx_str_t *value,
    ngx_str_t *name);
static ngx_int_t ngx_http_task_source_named(ngx_conf_t *cf,
    ngx_http_task_arg_t *arg, ngx_str_t *name, const char *prefix,
    ngx_http_task_source_e source);
static ngx_uint_t ngx_http_task_source_capture(ngx_conf_t *cf,
    ngx_str_t *name);
static ngx_uint_t ngx_http_task_source_group(ngx_conf_t *cf, ngx_str_t *name);


ngx_int_t
ngx_http_task_source_set(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_str_t *value)
{
    ngx_int_t   rc;
    ngx_str_t   name;
    ngx_uint_t  i;

    static const struct {
        const char              *prefix;
        ngx_http_task_source_e   source;
    } kinds[] = {
        { "arg_", NGX_HTTP_TASK_SOURCE_QUERY },
        { "http_", NGX_HTTP_TASK_SOURCE_HEADER },
        { "cookie_", NGX_HTTP_TASK_SOURCE_COOKIE }
    };

    arg->source = NGX_HTTP_TASK_SOURCE_OTHER;
    arg->source_name = arg->name;

    if (!ngx_http_task_source_variable(value, &name)) {
        return NGX_OK;
    }

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        rc = ngx_http_task_source_named(cf, arg, &name, kinds[i].prefix,
                                        kinds[i].source);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    arg->capture = ngx_http_task_source_capture(cf, &name);

    if (arg->capture) {
        arg->source = NGX_HTTP_TASK_SOURCE_PATH;
    }

    return NGX_OK;
}


/* "$name" or "${name}", as nginx reads them */

static ngx_uint_t
ngx_http_task_source_variable(ngx_str_t *value, ngx_str_t *name)
{
    u_char  *p, *last;

    p = value->data;
    last = p + value->len;

    if (value->len < 2 || *p++ != '$') {
        return 0;
    }

    if (*p == '{' && last[-1] == '}') {
        p++;
        last--;
    }

    name->data = p;
    name->len = last - p;

    if (name->len && *p >= '1' && *p <= '9') {
        return name->len == 1;
    }

    for ( /* void */ ; p < last; p++) {
        if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')
              || (*p >= '0' && *p <= '9') || *p == '_'))
        {
            return 0;
        }
    }

    return name->len > 0;
}


/* the name of a header has "-" where its variable has "_" */

static ngx_int_t
ngx_http_task_source_named(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_str_t *name, const char *prefix, ngx_http_task_source_e source)
{
    size_t   len;
    u_char  *p;

    len = ngx_strlen(prefix);

    if (name->len <= len
        || ngx_strncasecmp(name->data, (u_char *) prefix, len) != 0)
    {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(cf->pool, name->len - len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    arg->source = source;
    arg->source_name.data = p;
    arg->source_name.len = name->len - len;

    *ngx_cpymem(p, name->data + len, arg->source_name.len) = '\0';

    if (source == NGX_HTTP_TASK_SOURCE_HEADER) {
        for ( /* void */ ; *p; p++) {
            *p = (*p == '_') ? '-' : ngx_tolower(*p);
        }
    }

    return NGX_OK;
}


/* returns the number of what the location's regex captures, or 0 */

static ngx_uint_t
ngx_http_task_source_capture(ngx_conf_t *cf, ngx_str_t *name)
{
#if (NGX_PCRE)
    ngx_uint_t                 n;
    ngx_http_core_loc_conf_t  *clcf;

    if (name->len == 1 && name->data[0] >= '1' && name->data[0] <= '9') {
        n = name->data[0] - '0';
        clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

        return (clcf->regex && n <= (ngx_uint_t) clcf->regex->ncaptures) ? n
                                                                         : 0;
    }
#endif

    return ngx_http_task_source_group(cf, name);
}


static ngx_uint_t
ngx_http_task_source_group(ngx_conf_t *cf, ngx_str_t *name)
{
#if (NGX_PCRE)
    ngx_uint_t                  i;
    ngx_http_regex_t           *regex;
    ngx_http_variable_t        *v;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_core_main_conf_t  *cmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    regex = clcf->regex;

    for (i = 0; regex && i < regex->nvariables; i++) {
        v = cmcf->variables.elts;
        v += regex->variables[i].index;

        if (v->name.len == name->len
            && ngx_strncasecmp(v->name.data, name->data, name->len) == 0)
        {
            /* nginx counts the two ends of each */

            return regex->variables[i].capture / 2;
        }
    }
#endif

    return 0;
}


/* who knows FastAPI expects it to be given by its name alone */

void
ngx_http_task_source_unused(ngx_conf_t *cf, ngx_http_task_args_conf_t *conf,
    ngx_http_task_place_t *place)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    if (conf->function->settings) {
        return;
    }

    arg = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {

        if (!arg[i].fixed && ngx_http_task_source_group(cf, &arg[i].name)) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, place,
                       "what this location captures as \"%V\" is not given "
                       "to the parameter of this name: \"task %V %V=$%V;\" "
                       "does so",
                       &arg[i].name, &conf->function->name, &arg[i].name,
                       &arg[i].name);
        }
    }
}
