
/*
 * The bodies that a function takes: those that its parameters are read from, or
 * a raw one of certain types.  A 415 tells which, see RFC 9110, 15.5.16.
 */


#include "function/ngx_http_task_function.h"


static const struct {
    ngx_uint_t  body;
    ngx_str_t   type;
} ngx_http_task_media[] = {
    { NGX_TASK_BODY_JSON, ngx_string("application/json") },
    { NGX_TASK_BODY_FORM, ngx_string("application/x-www-form-urlencoded") },
    { NGX_TASK_BODY_MULTIPART, ngx_string("multipart/form-data") }
};

#define NGX_HTTP_TASK_MEDIA                                                   \
    (sizeof(ngx_http_task_media) / sizeof(ngx_http_task_media[0]))


static ngx_uint_t ngx_http_task_media_files(
    const ngx_http_task_function_t *function);
static ngx_uint_t ngx_http_task_media_types(const char *p);
static ngx_int_t ngx_http_task_media_text(ngx_conf_t *cf,
    ngx_http_task_function_t *function);
static ngx_uint_t ngx_http_task_media_is(const char *p, size_t len,
    ngx_str_t *type);


const char *
ngx_http_task_media_wrong(const ngx_http_task_function_t *function)
{
    size_t      flags, bodies;
    ngx_uint_t  files;

    flags = function->table.flags;
    bodies = flags & (NGX_TASK_BODY_JSON|NGX_TASK_BODY_FORM
                      |NGX_TASK_BODY_MULTIPART);

    files = ngx_http_task_media_files(function);

    if ((flags & NGX_TASK_RAW_BODY) && (bodies || files)) {
        return "has a function with NGX_TASK_RAW_BODY, and parameters from a "
               "body";
    }

    if (!(flags & NGX_TASK_RAW_BODY) && function->table.body_types) {
        return "has a function with body_types, but without NGX_TASK_RAW_BODY";
    }

    if (function->table.body_types
        && !ngx_http_task_media_types(function->table.body_types))
    {
        return "has a function whose body_types are no types of media";
    }

    if (files && bodies && !(bodies & NGX_TASK_BODY_MULTIPART)) {
        return "has a function with files, but without NGX_TASK_BODY_MULTIPART";
    }

    return NULL;
}


static ngx_uint_t
ngx_http_task_media_files(const ngx_http_task_function_t *function)
{
    ngx_uint_t  i;

    for (i = 0; i < function->args.nargs; i++) {
        if (function->args.params[i].type == NGX_TASK_FILE) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_task_media_init(ngx_conf_t *cf, ngx_http_task_function_t *function)
{
    ngx_uint_t  files;

    if (function->table.flags & NGX_TASK_RAW_BODY) {
        return function->table.body_types
               ? ngx_http_task_media_text(cf, function) : NGX_OK;
    }

    files = ngx_http_task_media_files(function);

    function->bodies = function->table.flags
                       & (NGX_TASK_BODY_JSON|NGX_TASK_BODY_FORM
                          |NGX_TASK_BODY_MULTIPART);

    if (function->bodies == 0) {
        function->bodies = files ? NGX_TASK_BODY_MULTIPART : NGX_TASK_BODY_JSON;
    }

    /* no query can give a file */

    if (files && function->methods == 0) {
        function->methods = NGX_HTTP_POST;
    }

    return ngx_http_task_media_text(cf, function);
}


/* makes "a, b, c", and "... only a, b and c are taken" */

static ngx_int_t
ngx_http_task_media_text(ngx_conf_t *cf, ngx_http_task_function_t *function)
{
    u_char      *p, *text;
    ngx_str_t    type, types[NGX_HTTP_TASK_MEDIA];
    ngx_uint_t   i, n, one;

    n = 0;

    for (i = 0; i < NGX_HTTP_TASK_MEDIA; i++) {
        if (function->bodies & ngx_http_task_media[i].body) {
            types[n++] = ngx_http_task_media[i].type;
        }
    }

    if (n == 0) {
        types[n].data = (u_char *) function->table.body_types;
        types[n++].len = ngx_strlen(function->table.body_types);
    }

    function->accept.len = 0;

    for (i = 0; i < n; i++) {
        function->accept.len += types[i].len + sizeof(", ");
    }

    p = ngx_pnalloc(cf->pool, function->accept.len);

    text = ngx_pnalloc(cf->pool, function->accept.len
                                 + sizeof("Unsupported Media Type, only ")
                                 + sizeof(" and  are taken"));
    if (p == NULL || text == NULL) {
        return NGX_ERROR;
    }

    function->accept.data = p;
    type.data = text;

    text = ngx_cpymem(text, "Unsupported Media Type, only ",
                      sizeof("Unsupported Media Type, only ") - 1);

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "%s%V", i ? ", " : "", &types[i]);
        text = ngx_sprintf(text, "%s%V", i == 0 ? "" : i + 1 < n ? ", "
                           : " and ", &types[i]);
    }

    function->accept.len = p - function->accept.data;

    p = function->accept.data;
    one = (ngx_strlchr(p, p + function->accept.len, ',') == NULL);

    *ngx_sprintf(text, " %s taken", one ? "is" : "are") = '\0';

    type.len = ngx_strlen(type.data);

    return ngx_http_task_error_detail(cf->pool, &type, &function->unsupported);
}


ngx_str_t
ngx_http_task_media_name(ngx_str_t *type)
{
    u_char     *end;
    ngx_str_t   name;

    name = *type;
    end = ngx_strlchr(name.data, name.data + name.len, ';');

    if (end) {
        name.len = end - name.data;
    }

    while (name.len && (name.data[name.len - 1] == ' '
                        || name.data[name.len - 1] == '\t'))
    {
        name.len--;
    }

    return name;
}


/* returns 1 if all of these are types, "image/png, image/jpeg" */

static ngx_uint_t
ngx_http_task_media_types(const char *p)
{
    size_t  len;

    static const char  *token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                "UVWXYZ0123456789!#$&-^_.+*";

    for ( ;; ) {
        len = strspn(p, token);

        if (len == 0 || p[len] != '/') {
            return 0;
        }

        p += len + 1;
        len = strspn(p, token);
        p += len;

        if (len == 0 || (*p != ',' && *p != '\0')) {
            return 0;
        }

        if (*p == '\0') {
            return 1;
        }

        p += 1 + strspn(p + 1, " ");
    }
}


/* returns 1 if the type is in that list, where a subtype may be "*" */

ngx_uint_t
ngx_http_task_media_raw(const ngx_http_task_function_t *function,
    ngx_str_t *type)
{
    size_t       len;
    ngx_str_t    name;
    const char  *p;

    if (function->table.body_types == NULL) {
        return 1;
    }

    name = ngx_http_task_media_name(type);

    for (p = function->table.body_types; *p; p += len) {
        p += strspn(p, ", ");
        len = strcspn(p, ", ");

        if (ngx_http_task_media_is(p, len, &name)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_task_media_is(const char *p, size_t len, ngx_str_t *type)
{
    if (len == 3 && ngx_strncmp(p, "*/*", 3) == 0) {
        return 1;
    }

    if (len > 2 && p[len - 1] == '*' && p[len - 2] == '/') {
        len--;
        return type->len > len
               && ngx_strncasecmp((u_char *) p, type->data, len) == 0;
    }

    return type->len == len
           && ngx_strncasecmp((u_char *) p, type->data, len) == 0;
}
