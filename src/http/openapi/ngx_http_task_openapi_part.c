
/*
 * The parts of a path: characters that stand for themselves, and what is
 * variable.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static ngx_int_t ngx_http_task_openapi_put(ngx_http_task_openapi_path_t *path,
    const u_char *p, size_t len);
static ngx_uint_t ngx_http_task_openapi_part_known(
    ngx_http_task_openapi_path_t *path, ngx_str_t *name);


static ngx_int_t
ngx_http_task_openapi_put(ngx_http_task_openapi_path_t *path, const u_char *p,
    size_t len)
{
    u_char  *dst;

    dst = ngx_array_push_n(&path->bytes, len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst, p, len);

    return NGX_OK;
}


/* nginx compares decoded paths, clients send encoded ones */

ngx_int_t
ngx_http_task_openapi_literal(ngx_http_task_openapi_path_t *path, u_char c)
{
    u_char  text[3];

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || (c && ngx_strchr("-._~!$&'()*+,;=:@/", c)))
    {
        return ngx_http_task_openapi_put(path, &c, 1);
    }

    ngx_sprintf(text, "%%%02Xd", (int) c);

    return ngx_http_task_openapi_put(path, text, 3);
}


/* the name of a parameter, else that of the capture, its number, or "any" */

ngx_int_t
ngx_http_task_openapi_part(ngx_http_task_openapi_path_t *path,
    ngx_uint_t number, ngx_str_t *name)
{
    u_char                        *p;
    ngx_str_t                      text;
    ngx_uint_t                     n;
    ngx_http_task_openapi_part_t  *part;

    p = ngx_pnalloc(path->parts.pool, sizeof("any") + NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (name) {
        text = *name;

    } else {
        text.data = p;
        text.len = (number ? ngx_sprintf(p, "%ui", number)
                           : ngx_sprintf(p, "any")) - p;
    }

    for (n = 1; ngx_http_task_openapi_part_known(path, &text); n++) {
        text.data = p;
        text.len = ((number && n == 1) ? ngx_sprintf(p, "%ui", number)
                                       : ngx_sprintf(p, "any%ui", n + 1)) - p;
    }

    part = ngx_array_push(&path->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->name = text;
    part->number = number;
    part->at = path->bytes.nelts;

    if (ngx_http_task_openapi_put(path, (u_char *) "{", 1) != NGX_OK
        || ngx_http_task_openapi_put(path, text.data, text.len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_task_openapi_put(path, (u_char *) "}", 1);
}


static ngx_uint_t
ngx_http_task_openapi_part_known(ngx_http_task_openapi_path_t *path,
    ngx_str_t *name)
{
    ngx_uint_t                     i;
    ngx_http_task_openapi_part_t  *part;

    part = path->parts.elts;

    for (i = 0; i < path->parts.nelts; i++) {
        if (part[i].name.len == name->len
            && ngx_strncmp(part[i].name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_http_task_arg_t *
ngx_http_task_openapi_fed(ngx_http_task_loc_conf_t *location,
    ngx_uint_t number)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    if (number == 0 || location->args.args == NULL) {
        return NULL;
    }

    arg = location->args.args->elts;

    for (i = 0; i < location->args.args->nelts; i++) {
        if (arg[i].fixed && arg[i].variable
            && arg[i].source == NGX_HTTP_TASK_SOURCE_PATH
            && arg[i].capture == number)
        {
            return &arg[i];
        }
    }

    return NULL;
}
