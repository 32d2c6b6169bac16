
/*
 * A name in the configuration that is not known: the message tells those that
 * are, the most similar first.
 */


#include "function/ngx_http_task_function.h"


/* so many are told */

#define NGX_HTTP_TASK_UNKNOWN_LIST  12


typedef struct {
    ngx_str_t   name;
    ngx_uint_t  distance;
} ngx_http_task_near_t;


static ngx_int_t ngx_http_task_unknown_add(ngx_array_t *names,
    ngx_str_t *name, ngx_str_t *wanted);
static ngx_str_t ngx_http_task_unknown_list(ngx_conf_t *cf, ngx_array_t *names,
    ngx_str_t *wanted);
static ngx_int_t ngx_http_task_unknown_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_task_unknown_function(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *name, ngx_str_t *last)
{
    ngx_str_t                  *known, list;
    ngx_uint_t                  i, n;
    ngx_array_t                 names;
    ngx_http_task_library_t   **library;

    if (ngx_array_init(&names, cf->temp_pool, 16, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {
        for (n = 0; n < library[i]->nfunctions; n++) {

            known = ngx_array_push(&names);
            if (known == NULL) {
                return NGX_ERROR;
            }

            *known = library[i]->functions[n].name;
        }
    }

    list = ngx_http_task_unknown_list(cf, &names, last);

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "unknown task function \"%V\", known: %V%s",
                            name, &list, libraries->nelts > 1 ? ""
                            : "; there is no \"task_load\" before it");
}


ngx_int_t
ngx_http_task_unknown_param(ngx_conf_t *cf, ngx_http_task_place_t *place,
    ngx_http_task_args_conf_t *conf, ngx_str_t *name)
{
    ngx_str_t            *known, list;
    ngx_uint_t            i;
    ngx_array_t           names;
    ngx_http_task_arg_t  *args;

    if (ngx_array_init(&names, cf->temp_pool, 16, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    args = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {

        known = ngx_array_push(&names);
        if (known == NULL) {
            return NGX_ERROR;
        }

        *known = args[i].name;
    }

    list = ngx_http_task_unknown_list(cf, &names, name);

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                            "%s \"%V\" has no %s \"%V\", it has: %V",
                            ngx_http_task_function_kind(conf->function),
                            &conf->function->name,
                            ngx_http_task_param_kind(conf->function), name,
                            &list);
}


ngx_int_t
ngx_http_task_unknown_library(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *name)
{
    ngx_str_t                  *known, list;
    ngx_uint_t                  i;
    ngx_array_t                 names;
    ngx_http_task_library_t   **library;

    if (ngx_array_init(&names, cf->temp_pool, 4, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {

        if (library[i]->settings == NULL) {
            continue;
        }

        known = ngx_array_push(&names);
        if (known == NULL) {
            return NGX_ERROR;
        }

        *known = library[i]->name;
    }

    list = ngx_http_task_unknown_list(cf, &names, name);

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "unknown task library \"%V\", libraries with "
                            "settings: %V; its \"task_load\" must stand "
                            "before \"task_set\"", name, &list);
}


ngx_int_t
ngx_http_task_unknown_anywhere(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *name)
{
    ngx_str_t                   list;
    ngx_uint_t                  i, n, k;
    ngx_array_t                 names;
    ngx_http_task_library_t   **library;
    ngx_http_task_function_t   *f;

    if (ngx_array_init(&names, cf->temp_pool, 16, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {
        for (n = 0; n < library[i]->nfunctions; n++) {
            f = &library[i]->functions[n];

            for (k = 0; k < f->args.nargs; k++) {
                if (ngx_http_task_unknown_add(&names, &f->args.args[k].name,
                                              name)
                    == NGX_DONE)
                {
                    return NGX_OK;
                }
            }
        }
    }

    list = ngx_http_task_unknown_list(cf, &names, name);

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "no task function has a parameter \"%V\", there "
                            "are: %V", name, &list);
}


/* each name once; NGX_DONE: it is the one that is wanted */

static ngx_int_t
ngx_http_task_unknown_add(ngx_array_t *names, ngx_str_t *name,
    ngx_str_t *wanted)
{
    ngx_str_t   *known;
    ngx_uint_t   i;

    if (name->len == wanted->len
        && ngx_strncmp(name->data, wanted->data, name->len) == 0)
    {
        return NGX_DONE;
    }

    known = names->elts;

    for (i = 0; i < names->nelts; i++) {
        if (known[i].len == name->len
            && ngx_strncmp(known[i].data, name->data, name->len) == 0)
        {
            return NGX_OK;
        }
    }

    known = ngx_array_push(names);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = *name;

    return NGX_OK;
}


static ngx_str_t
ngx_http_task_unknown_list(ngx_conf_t *cf, ngx_array_t *names,
    ngx_str_t *wanted)
{
    u_char                *p;
    size_t                 len;
    ngx_str_t             *name, text;
    ngx_uint_t             i, n;
    ngx_http_task_near_t  *near;

    ngx_str_set(&text, "none");

    near = ngx_palloc(cf->temp_pool,
                      names->nelts * sizeof(ngx_http_task_near_t) + 1);

    if (near == NULL || names->nelts == 0) {
        return text;
    }

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        near[i].name = name[i];
        near[i].distance = ngx_http_task_text_distance(name[i].data,
                                          name[i].len, wanted->data,
                                          wanted->len);
    }

    ngx_sort(near, names->nelts, sizeof(ngx_http_task_near_t),
             ngx_http_task_unknown_cmp);

    n = ngx_min(names->nelts, NGX_HTTP_TASK_UNKNOWN_LIST);
    len = sizeof(", ...");

    for (i = 0; i < n; i++) {
        len += near[i].name.len + sizeof("\"\", ") - 1;
    }

    p = ngx_pnalloc(cf->temp_pool, len);
    if (p == NULL) {
        return text;
    }

    text.data = p;

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "%s\"%V\"", i ? ", " : "", &near[i].name);
    }

    if (n < names->nelts) {
        p = ngx_cpymem(p, ", ...", sizeof(", ...") - 1);
    }

    text.len = p - text.data;

    return text;
}


static ngx_int_t
ngx_http_task_unknown_cmp(const void *one, const void *two)
{
    const ngx_http_task_near_t  *a, *b;

    a = one;
    b = two;

    return (a->distance > b->distance) - (a->distance < b->distance);
}
