
/*
 * A location as a path of OpenAPI: what is variable in it stands in braces, and
 * all else stands for itself.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static ngx_int_t ngx_http_task_openapi_path_jobs(
    ngx_http_task_openapi_path_t *path);
static ngx_int_t ngx_http_task_openapi_path_end(ngx_conf_t *cf,
    ngx_http_task_openapi_path_t *path);


ngx_int_t
ngx_http_task_openapi_path(ngx_conf_t *cf, ngx_http_task_loc_conf_t *location,
    ngx_http_task_openapi_path_t *path)
{
    ngx_int_t    rc;
    ngx_str_t   *name;
    ngx_uint_t   i;

    path->location = location;
    name = &location->clcf->name;

    if (ngx_array_init(&path->bytes, cf->pool, 64, 1) != NGX_OK
        || ngx_array_init(&path->parts, cf->pool, 4,
                          sizeof(ngx_http_task_openapi_part_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_OK;

#if (NGX_PCRE)
    if (location->clcf->regex) {
        rc = ngx_http_task_openapi_regex(path, name);

    } else
#endif
    {
        for (i = 0; i < name->len && rc == NGX_OK; i++) {
            rc = ngx_http_task_openapi_literal(path, name->data[i]);
        }
    }

    if (rc == NGX_OK && location->job.told) {
        rc = ngx_http_task_openapi_path_jobs(path);
    }

    return (rc == NGX_OK) ? ngx_http_task_openapi_path_end(cf, path) : rc;
}


/* the id of a job is what stands behind the last slash */

static ngx_int_t
ngx_http_task_openapi_path_jobs(ngx_http_task_openapi_path_t *path)
{
    u_char                        *p;
    ngx_str_t                      name;
    ngx_http_task_openapi_part_t  *part;

    if (path->location->clcf->exact_match) {
        return NGX_DECLINED;
    }

#if (NGX_PCRE)
    if (path->location->clcf->regex) {
        p = path->bytes.elts;

        while (path->bytes.nelts && p[path->bytes.nelts - 1] != '/') {
            path->bytes.nelts--;
        }
    }
#endif

    part = path->parts.elts;

    while (path->parts.nelts
           && part[path->parts.nelts - 1].at >= path->bytes.nelts)
    {
        path->parts.nelts--;
    }

    p = path->bytes.elts;

    if (path->bytes.nelts == 0 || p[path->bytes.nelts - 1] != '/') {
        if (ngx_http_task_openapi_literal(path, '/') != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&name, "id");

    return ngx_http_task_openapi_part(path, 0, &name);
}


/* two paths that differ in the names in their braces alone are the same */

static ngx_int_t
ngx_http_task_openapi_path_end(ngx_conf_t *cf,
    ngx_http_task_openapi_path_t *path)
{
    u_char      *p, *last;
    ngx_uint_t   inside;

    path->text.data = path->bytes.elts;
    path->text.len = path->bytes.nelts;

    if (path->text.len == 0 || path->text.data[0] != '/') {
        return NGX_DECLINED;
    }

    path->shape.data = ngx_pnalloc(cf->temp_pool, path->text.len);
    if (path->shape.data == NULL) {
        return NGX_ERROR;
    }

    last = path->shape.data;
    inside = 0;

    for (p = path->text.data; p < path->text.data + path->text.len; p++) {

        if (*p == '}') {
            inside = 0;
        }

        if (!inside) {
            *last++ = *p;
        }

        if (*p == '{') {
            inside = 1;
        }
    }

    path->shape.len = last - path->shape.data;

    return NGX_OK;
}
