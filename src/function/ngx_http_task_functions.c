
/*
 * The functions of a library: read from its tables, and found by name.  All
 * that can be wrong in the tables is found now.
 */


#include "function/ngx_http_task_function.h"
#include "function/ngx_http_task_schema.h"


static ngx_int_t ngx_http_task_function_init(ngx_conf_t *cf,
    ngx_http_task_library_t *library, ngx_http_task_function_t *function);
static size_t ngx_http_task_function_flags(ngx_http_task_function_t *function);
static ngx_int_t ngx_http_task_library_wrong(ngx_conf_t *cf,
    ngx_http_task_library_t *library, const char *what, const char *name);


ngx_int_t
ngx_http_task_functions_add(ngx_conf_t *cf, ngx_http_task_library_t *library)
{
    u_char                    *p;
    ngx_uint_t                 i, n;
    ngx_task_library_t        *d;
    ngx_http_task_function_t  *function;

    d = &library->table;

    if (!ngx_http_task_param_name(d->name)) {
        return ngx_http_task_library_wrong(cf, library,
                                           "has an invalid name", d->name);
    }

    /* the library's structures may be shorter than ours, see ngx_task.h */

    p = (u_char *) d->functions;
    n = ngx_http_task_table_rows(p, d->function_size, d->nfunctions);

    if (n == NGX_HTTP_TASK_ENDLESS) {
        return ngx_http_task_library_wrong(cf, library,
                            "has functions without a last row of NULL, which "
                            "NGX_TASK_LIBRARY() of this ngx_task.h does not "
                            "need: build it again", d->name);
    }

    function = ngx_pcalloc(cf->pool, n * sizeof(ngx_http_task_function_t) + 1);
    if (function == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(&function[i].table, p + i * d->function_size,
                   d->function_size);

        if (ngx_http_task_function_init(cf, library, &function[i]) != NGX_OK
            || ngx_http_task_schema_check(cf, &function[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    library->functions = function;
    library->nfunctions = n;

    for (i = 1; i < library->nfunctions; i++) {
        for (n = 0; n < i; n++) {
            if (ngx_strcmp(function[i].table.name, function[n].table.name) == 0)
            {
                return ngx_http_task_library_wrong(cf, library,
                            "has two functions of one name",
                            function[i].table.name);
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_function_init(ngx_conf_t *cf, ngx_http_task_library_t *library,
    ngx_http_task_function_t *function)
{
    const char           *wrong;
    ngx_task_function_t  *table;

    table = &function->table;

    if (!ngx_http_task_param_name(table->name)) {
        return ngx_http_task_library_wrong(cf, library,
                                "has a function of an invalid name",
                                table->name);
    }

    if (table->block == NULL && table->async == NULL) {
        return ngx_http_task_library_wrong(cf, library,
                                "has a function without any form",
                                table->name);
    }

    if (table->flags & ~ngx_http_task_function_flags(function)) {
        return ngx_http_task_library_wrong(cf, library,
                                "has a function with an unknown flag",
                                table->name);
    }

    if (table->args.size || table->args.params) {
        table->args_size = table->args.size;
        table->params = table->args.params;
    }

    function->library = library;
    function->name.data = (u_char *) table->name;
    function->name.len = ngx_strlen(table->name);

    if (ngx_http_task_param_table(cf, function) != NGX_OK) {
        return NGX_ERROR;
    }

    wrong = ngx_http_task_media_wrong(function);

    if (wrong) {
        return ngx_http_task_library_wrong(cf, library, wrong, table->name);
    }

    return ngx_http_task_media_init(cf, function);
}


/* sets the methods, and returns all flags that there are */

static size_t
ngx_http_task_function_flags(ngx_http_task_function_t *function)
{
    size_t      known;
    ngx_uint_t  i;

    static const struct {
        size_t      flag;
        ngx_uint_t  methods;
    } methods[] = {
        { NGX_TASK_GET, NGX_HTTP_GET|NGX_HTTP_HEAD },
        { NGX_TASK_POST, NGX_HTTP_POST },
        { NGX_TASK_PUT, NGX_HTTP_PUT },
        { NGX_TASK_DELETE, NGX_HTTP_DELETE },
        { NGX_TASK_PATCH, NGX_HTTP_PATCH }
    };

    known = NGX_TASK_RAW_BODY|NGX_TASK_CONTEXT|NGX_TASK_DECLARED
            |NGX_TASK_BODY_JSON|NGX_TASK_BODY_FORM|NGX_TASK_BODY_MULTIPART;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        known |= methods[i].flag;

        if (function->table.flags & methods[i].flag) {
            function->methods |= methods[i].methods;
        }
    }

    return known;
}


static ngx_int_t
ngx_http_task_library_wrong(ngx_conf_t *cf, ngx_http_task_library_t *library,
    const char *what, const char *name)
{
    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                    "\"%V\" %s: \"%s\"",
                                    &library->file, what, name);
}


/* "primes", or "demo.primes" */

ngx_http_task_function_t *
ngx_http_task_functions_find(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *name)
{
    u_char                     *dot;
    ngx_str_t                   last;
    ngx_uint_t                  i, n;
    ngx_http_task_library_t   **library;
    ngx_http_task_function_t   *f, *found;

    last = *name;
    dot = ngx_strlchr(name->data, name->data + name->len, '.');

    if (dot) {
        last.data = dot + 1;
        last.len = name->data + name->len - last.data;
    }

    found = NULL;
    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {

        if (dot && (library[i]->name.len != (size_t) (dot - name->data)
                    || ngx_strncmp(library[i]->name.data, name->data,
                                   library[i]->name.len)
                       != 0))
        {
            continue;
        }

        for (n = 0; n < library[i]->nfunctions; n++) {
            f = &library[i]->functions[n];

            if (f->name.len != last.len
                || ngx_strncmp(f->name.data, last.data, last.len) != 0)
            {
                continue;
            }

            if (found) {
                (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "task function \"%V\" is in two libraries: "
                            "\"%V.%V\" and \"%V.%V\"", name,
                            &found->library->name, name,
                            &library[i]->name, name);
                return NULL;
            }

            found = f;
        }
    }

    if (found == NULL) {
        (void) ngx_http_task_unknown_function(cf, libraries, name, &last);
    }

    return found;
}
