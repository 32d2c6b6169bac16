
/*
 * Parameters in a request: what was collected is read, and becomes the
 * function's arguments.  All errors are told at once, in the form of FastAPI's
 * 422.
 */


#include "input/ngx_http_task_reader.h"


static ngx_int_t ngx_http_task_read_body(ngx_http_task_reader_t *rd,
    ngx_http_task_json_t *json);
static ngx_int_t ngx_http_task_read_args(ngx_http_task_reader_t *rd,
    void **args, ngx_str_t *error);


ngx_int_t
ngx_http_task_params_read(ngx_http_task_input_t *in, void **args,
    ngx_str_t *error)
{
    ngx_int_t               rc;
    ngx_http_task_json_t    json;
    ngx_http_task_reader_t  rd;

    in->unread = 0;

    if (*args) {
        return NGX_OK;
    }

    ngx_memzero(&json, sizeof(ngx_http_task_json_t));
    ngx_memzero(&rd, sizeof(ngx_http_task_reader_t));

    rd.in = in;

    rc = ngx_http_task_read_query(in);

    if (rc == NGX_OK) {
        rc = ngx_http_task_read_body(&rd, &json);
    }

    rc = (rc == NGX_OK) ? ngx_http_task_read_root(&rd, &json, args, error)
                        : ngx_http_task_read_refuse(&rd, rc, error);

    /* the values are copies, but files are where they were */

    if (!in->job
        && (in->media == NGX_TASK_BODY_JSON
            || in->media == NGX_TASK_BODY_FORM))
    {
        ngx_http_task_body_free(in);
    }

    return rc;
}


static ngx_int_t
ngx_http_task_read_body(ngx_http_task_reader_t *rd, ngx_http_task_json_t *json)
{
    ngx_http_task_input_t  *in;

    in = rd->in;

    switch (in->media) {

    case NGX_TASK_BODY_JSON:

        if (ngx_http_task_body_load(in) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_task_json_scan(in->body.data, in->body.len,
                                ngx_http_task_read_member, in, json);
        return NGX_OK;

    case NGX_TASK_BODY_FORM:
        return (ngx_http_task_body_load(in) == NGX_OK)
               ? ngx_http_task_read_form(in) : NGX_ERROR;

    case NGX_TASK_BODY_MULTIPART:
        return ngx_http_task_read_parts(rd);
    }

    return NGX_OK;
}


/* json is zeroed if there is no body that is JSON */

ngx_int_t
ngx_http_task_read_root(ngx_http_task_reader_t *rd, ngx_http_task_json_t *json,
    void **args, ngx_str_t *error)
{
    ngx_int_t  rc;

    rd->where = "body";

    if (json->error) {
        ngx_http_task_read_enter(rd, NULL, json->position);

        rc = ngx_http_task_wrong(rd, "json_invalid", "JSON decode error",
                                 cJSON_CreateObject(), "error", json->error);

        return ngx_http_task_read_refuse(rd, rc, error);
    }

    rd->root = json->root;

    if (rd->root.data && rd->root.data[0] != '{') {

        /* an error of the body as a whole */

        rc = ngx_http_task_wrong(rd, "model_attributes_type",
                                 "Input should be a valid dictionary or "
                                 "object to extract fields from",
                                 ngx_http_task_echo_object(rd, &rd->root),
                                 NULL, NULL);

        return ngx_http_task_read_refuse(rd, rc, error);
    }

    return ngx_http_task_read_args(rd, args, error);
}


static ngx_int_t
ngx_http_task_read_args(ngx_http_task_reader_t *rd, void **args,
    ngx_str_t *error)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_http_task_input_t  *in;
    ngx_http_task_value_t  *values;

    in = rd->in;
    rc = NGX_OK;

    values = ngx_pcalloc(in->pool, in->conf->args->nelts
                                   * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        return ngx_http_task_read_refuse(rd, NGX_ERROR, error);
    }

    for (i = 0; i < in->conf->args->nelts && rc != NGX_ERROR; i++) {

        if (rd->nerrors >= NGX_HTTP_TASK_ERRORS) {
            break;
        }

        rc = ngx_http_task_read_value(rd, i, &values[i]);
    }

    if (rc == NGX_ERROR || rd->errors) {
        return ngx_http_task_read_refuse(rd, rc, error);
    }

    *args = ngx_http_task_value_args(in->pool, in->conf, values);

    return *args ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_task_read_refuse(ngx_http_task_reader_t *rd, ngx_int_t rc,
    ngx_str_t *error)
{
    if (rc != NGX_ERROR
        && ngx_http_task_error_print(rd->in->pool, &rd->errors, error)
           == NGX_OK)
    {
        return NGX_DECLINED;
    }

    cJSON_Delete(rd->errors);

    return NGX_ERROR;
}


/* if a name comes twice, the last one counts */

void
ngx_http_task_read_member(void *data, const ngx_http_task_span_t *name,
    const ngx_http_task_span_t *value)
{
    ngx_http_task_input_t *in = data;

    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = in->conf->args->elts;

    for (i = 0; i < in->conf->args->nelts; i++) {

        if (!args[i].fixed
            && ngx_http_task_json_is(name, args[i].name.data,
                                     args[i].name.len))
        {
            in->sources[i].json = *value;
            break;
        }
    }
}
