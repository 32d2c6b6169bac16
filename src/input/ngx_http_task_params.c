
/*
 * Parameters in a request: a fixed one is taken from the configuration, any
 * other from the query, else from a JSON body, else from its default.
 *
 * What needs the request is collected here, on the event loop.  Values are read
 * later, maybe in a thread, see ngx_http_task_params_read.c.
 */


#include "input/ngx_http_task_input.h"


static ngx_int_t ngx_http_task_collect_sources(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_variables(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_query(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_body(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, ngx_str_t *error);
static ngx_int_t ngx_http_task_refuse_body(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value, ngx_str_t *error, ngx_str_t *text);


ngx_uint_t
ngx_http_task_params_in_body(const ngx_http_task_args_conf_t *conf,
    ngx_http_request_t *r)
{
    return ngx_http_task_raw_body(conf)
           || (conf->open && !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)));
}


ngx_int_t
ngx_http_task_params_collect(ngx_http_task_input_t *in, ngx_http_request_t *r,
    size_t max, void **args, ngx_str_t *error)
{
    ngx_uint_t  body;

    body = ngx_http_task_params_in_body(in->conf, r);

    /* this request cannot give a parameter: the arguments are made already */

    if (in->conf->ready && (r->args.len == 0 || !in->conf->open)
        && (!body || ngx_http_task_raw_body(in->conf)))
    {
        *args = in->conf->ready;

    } else if (ngx_http_task_collect_sources(in, r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return body ? ngx_http_task_collect_body(in, r, max, error) : NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_sources(ngx_http_task_input_t *in,
    ngx_http_request_t *r)
{
    in->sources = ngx_pcalloc(in->pool, in->conf->args->nelts
                                      * sizeof(ngx_http_task_source_t) + 1);
    if (in->sources == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_task_collect_variables(in, r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (in->conf->open && r->args.len) {
        return ngx_http_task_collect_query(in, r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_variables(ngx_http_task_input_t *in,
    ngx_http_request_t *r)
{
    ngx_uint_t            i;
    ngx_str_t             value;
    ngx_http_task_arg_t  *args;

    args = in->conf->args->elts;

    for (i = 0; i < in->conf->args->nelts; i++) {

        if (args[i].variable == NULL) {
            continue;
        }

        if (ngx_http_complex_value(r, args[i].variable, &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* a value that evaluates to nothing counts as not given */

        if (value.len == 0) {
            continue;
        }

        in->sources[i].query.len = value.len;
        in->sources[i].query.data = ngx_pstrdup(in->pool, &value);

        if (in->sources[i].query.data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* if a name is given twice, the last one counts, as in FastAPI */

static ngx_int_t
ngx_http_task_collect_query(ngx_http_task_input_t *in,
    ngx_http_request_t *r)
{
    u_char                *p, *end;
    ngx_uint_t             i;
    ngx_http_task_arg_t   *args;
    ngx_http_task_span_t   name, value;

    /* a copy, which is decoded in place: the values point into it */

    p = ngx_pstrdup(in->pool, &r->args);
    if (p == NULL) {
        return NGX_ERROR;
    }

    end = p + r->args.len;
    args = in->conf->args->elts;

    while (ngx_http_task_query_pair(&p, end, &name, &value)) {

        for (i = 0; i < in->conf->args->nelts; i++) {

            if (!args[i].fixed && args[i].name.len == name.len
                && ngx_strncmp(args[i].name.data, name.data, name.len) == 0)
            {
                in->sources[i].query.data = (u_char *) value.data;
                in->sources[i].query.len = value.len;
                break;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_body(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, ngx_str_t *error)
{
    ngx_int_t   rc;
    ngx_uint_t  raw;

    static ngx_str_t  encoding = ngx_string("Accept-Encoding");
    static ngx_str_t  identity = ngx_string("identity");
    static ngx_str_t  encoded = ngx_string("{\"detail\":\"Unsupported "
                                "Content-Encoding, only identity is taken\"}");

    static ngx_str_t  accept = ngx_string("Accept");
    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  other = ngx_string("{\"detail\":\"Unsupported Media Type,"
                                         " only application/json is taken\"}");

    raw = ngx_http_task_raw_body(in->conf);

    rc = ngx_http_task_body_take(in, r, !raw, max);

    if (rc == NGX_OK && !raw && in->body.len) {

        if (ngx_http_task_fields_encoded(r)) {
            rc = ngx_http_task_refuse_body(r, &encoding, &identity, error,
                                           &encoded);

        } else if (!ngx_http_task_body_is_json(r)) {
            rc = ngx_http_task_refuse_body(r, &accept, &json, error, &other);
        }
    }

    return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}


/* a 415 tells what is taken, see RFC 9110, 15.5.16 */

static ngx_int_t
ngx_http_task_refuse_body(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_str_t *error, ngx_str_t *text)
{
    ngx_http_task_drop_header(r, name);

    if (ngx_http_task_add_header(r, name, value) != NGX_OK) {
        return NGX_ERROR;
    }

    *error = *text;

    return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
}
