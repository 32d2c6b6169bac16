
/*
 * The headers that a function has set are added to its answer.
 */


#include "http/ngx_http_task_http.h"


static ngx_uint_t ngx_http_task_result_headers_of_body(ngx_task_t *t,
    ngx_str_t *name);


/*
 * The body of a failure is not the function's own: headers that describe a
 * body are left out then, as they were meant for another one.
 */

ngx_int_t
ngx_http_task_result_headers(ngx_task_t *t, ngx_uint_t failed)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (t->result.headers == NULL) {
        return NGX_OK;
    }

    kv = t->result.headers->elts;

    for (i = 0; i < t->result.headers->nelts; i++) {

        if (failed
            && ngx_http_task_result_headers_of_body(t, &kv[i].key))
        {
            continue;
        }

        if (ngx_http_task_add_header(t->request, &kv[i].key, &kv[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_task_result_headers_of_body(ngx_task_t *t, ngx_str_t *name)
{
    ngx_uint_t  i;

    static ngx_str_t  names[] = {
        ngx_string("Accept-Ranges"),
        ngx_string("Content-Disposition"),
        ngx_string("Content-Encoding"),
        ngx_string("Content-Language"),
        ngx_string("Content-Location"),
        ngx_string("ETag"),
        ngx_string("Last-Modified"),
        ngx_string("Content-Range"),
        ngx_null_string
    };

    /* with a 416, Content-Range tells how long the whole body is */

    if (t->result.failed == NGX_HTTP_RANGE_NOT_SATISFIABLE
        && name->len == 13
        && ngx_strncasecmp(name->data, (u_char *) "Content-Range", 13) == 0)
    {
        return 0;
    }

    for (i = 0; names[i].len; i++) {
        if (names[i].len == name->len
            && ngx_strncasecmp(names[i].data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
