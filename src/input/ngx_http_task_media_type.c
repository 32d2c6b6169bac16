
/*
 * The type of a body, as its Content-Type tells: whether it holds parameters,
 * and in which form.  What the function does not take is refused with a 415.
 */


#include "input/ngx_http_task_input.h"
#include "text/ngx_http_task_multipart.h"


static ngx_int_t ngx_http_task_media_refuse(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value, ngx_str_t *error, ngx_str_t *text);
static ngx_uint_t ngx_http_task_media_of(ngx_str_t *type);
static ngx_uint_t ngx_http_task_media_json(ngx_str_t *type);
static ngx_int_t ngx_http_task_media_boundary(ngx_http_task_input_t *in,
    ngx_str_t *type);


ngx_int_t
ngx_http_task_media_type(ngx_http_task_input_t *in, ngx_http_request_t *r,
    ngx_str_t *error)
{
    ngx_str_t                  type;
    ngx_http_task_function_t  *function;

    static ngx_str_t  accept = ngx_string("Accept");
    static ngx_str_t  encoding = ngx_string("Accept-Encoding");
    static ngx_str_t  identity = ngx_string("identity");
    static ngx_str_t  encoded = ngx_string("{\"detail\":\"Unsupported "
                                "Content-Encoding, only identity is taken\"}");

    function = in->conf->function;

    ngx_str_null(&type);

    if (r->headers_in.content_type) {
        type = r->headers_in.content_type->value;
    }

    if (function->bodies == 0) {
        return ngx_http_task_media_raw(function, &type)
               ? NGX_OK
               : ngx_http_task_media_refuse(r, &accept, &function->accept,
                                            error, &function->unsupported);
    }

    if (ngx_http_task_fields_encoded(r)) {
        return ngx_http_task_media_refuse(r, &encoding, &identity, error,
                                          &encoded);
    }

    in->media = ngx_http_task_media_of(&type) & function->bodies;

    if (in->media == 0) {
        return ngx_http_task_media_refuse(r, &accept, &function->accept, error,
                                          &function->unsupported);
    }

    return (in->media == NGX_TASK_BODY_MULTIPART)
           ? ngx_http_task_media_boundary(in, &type) : NGX_OK;
}


static ngx_int_t
ngx_http_task_media_refuse(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *error, ngx_str_t *text)
{
    ngx_http_task_drop_header(r, name);

    if (ngx_http_task_add_header(r, name, value) != NGX_OK) {
        return NGX_ERROR;
    }

    *error = *text;

    return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
}


static ngx_uint_t
ngx_http_task_media_of(ngx_str_t *type)
{
    ngx_str_t  name;

    static ngx_str_t  form = ngx_string("application/x-www-form-urlencoded");
    static ngx_str_t  parts = ngx_string("multipart/form-data");

    name = ngx_http_task_media_name(type);

    if (name.len == form.len
        && ngx_strncasecmp(name.data, form.data, form.len) == 0)
    {
        return NGX_TASK_BODY_FORM;
    }

    if (name.len == parts.len
        && ngx_strncasecmp(name.data, parts.data, parts.len) == 0)
    {
        return NGX_TASK_BODY_MULTIPART;
    }

    return ngx_http_task_media_json(&name) ? NGX_TASK_BODY_JSON : 0;
}


/* returns 1 for application/json, application/problem+json and the like */

static ngx_uint_t
ngx_http_task_media_json(ngx_str_t *type)
{
    static ngx_str_t  json = ngx_string("application/json");

    if (type->len == json.len) {
        return ngx_strncasecmp(type->data, json.data, json.len) == 0;
    }

    return type->len > sizeof("application/+json") - 1
           && ngx_strncasecmp(type->data, (u_char *) "application/",
                              sizeof("application/") - 1)
              == 0
           && ngx_strncasecmp(type->data + type->len - 5, (u_char *) "+json", 5)
              == 0;
}


/* without one the body is refused when it is read */

static ngx_int_t
ngx_http_task_media_boundary(ngx_http_task_input_t *in, ngx_str_t *type)
{
    ngx_str_t  *boundary;

    boundary = &in->boundary;

    boundary->data = ngx_pnalloc(in->pool, NGX_HTTP_TASK_MULTIPART_BOUNDARY);
    if (boundary->data == NULL) {
        return NGX_ERROR;
    }

    boundary->len = ngx_http_task_multipart_boundary(type->data, type->len,
                                             boundary->data,
                                             NGX_HTTP_TASK_MULTIPART_BOUNDARY);
    return NGX_OK;
}
