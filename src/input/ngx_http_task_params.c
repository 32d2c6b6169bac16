
/*
 * Parameters in a request: a fixed one is taken from the configuration, any
 * other from the query, else from a JSON body, else from its default.  All
 * errors are told at once, in the form of FastAPI's 422.
 *
 * What needs the request is collected on the event loop.  Values are read
 * later, maybe in a thread: a long body is read where the function runs.
 */


#include "input/ngx_http_task_input.h"


#define ngx_http_task_secret(arg)  ((arg)->param->flags & NGX_TASK_SECRET)

#define ngx_http_task_raw_body(conf)                                          \
    ((conf)->function->table.flags & NGX_TASK_RAW_BODY)


static ngx_int_t ngx_http_task_collect_sources(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_variables(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_query(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_body(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, ngx_str_t *error);
static ngx_int_t ngx_http_task_refuse_encoded(ngx_http_request_t *r,
    ngx_str_t *error);
static ngx_int_t ngx_http_task_read_body(ngx_http_task_input_t *in,
    cJSON **errors, ngx_http_task_span_t *root);
static void ngx_http_task_read_member(void *data,
    const ngx_http_task_span_t *name, const ngx_http_task_span_t *value);
static ngx_int_t ngx_http_task_read_value(ngx_http_task_input_t *in,
    ngx_uint_t i, ngx_http_task_span_t *root, ngx_http_task_value_t *value,
    cJSON **errors);
static ngx_int_t ngx_http_task_read_default(ngx_http_task_input_t *in,
    ngx_uint_t i, ngx_http_task_span_t *root, ngx_http_task_value_t *value,
    cJSON **errors);
static cJSON *ngx_http_task_echo_body(ngx_http_task_input_t *in,
    ngx_http_task_span_t *root);
static cJSON *ngx_http_task_echo_value(ngx_http_task_input_t *in,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *json);
static ngx_uint_t ngx_http_task_has_secret(ngx_http_task_input_t *in);


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

    raw = ngx_http_task_raw_body(in->conf);

    rc = ngx_http_task_body_take(in, r, !raw, max);

    if (rc == NGX_OK && !raw && in->body.len
        && ngx_http_task_fields_encoded(r))
    {
        rc = ngx_http_task_refuse_encoded(r, error);
    }

    if (rc != NGX_OK || raw || in->body.len == 0) {
        return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
    }

    return ngx_http_task_body_is_json(r)
           ? NGX_OK : NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
}


/* tells which encoding is taken, see RFC 9110, 15.5.16 */

static ngx_int_t
ngx_http_task_refuse_encoded(ngx_http_request_t *r,
    ngx_str_t *error)
{
    static ngx_str_t  name = ngx_string("Accept-Encoding");
    static ngx_str_t  value = ngx_string("identity");

    ngx_http_task_drop_header(r, &name);

    if (ngx_http_task_add_header(r, &name, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(error, "{\"detail\":\"Unsupported Content-Encoding, "
                       "only identity is taken\"}");

    return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
}


ngx_int_t
ngx_http_task_params_read(ngx_http_task_input_t *in, void **args,
    ngx_str_t *error)
{
    cJSON                  *errors;
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_http_task_span_t    root;
    ngx_http_task_value_t  *values;

    in->unread = 0;

    if (*args) {
        return NGX_OK;
    }

    errors = NULL;
    ngx_memzero(&root, sizeof(ngx_http_task_span_t));

    values = ngx_pcalloc(in->pool, in->conf->args->nelts
                                  * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (!ngx_http_task_raw_body(in->conf) && in->body.len) {
        rc = ngx_http_task_read_body(in, &errors, &root);
    }

    if (rc == NGX_OK) {
        for (i = 0; i < in->conf->args->nelts && rc != NGX_ERROR; i++) {
            rc = ngx_http_task_read_value(in, i, &root, &values[i], &errors);
        }
    }

    if (rc != NGX_ERROR && errors == NULL) {
        *args = ngx_http_task_value_args(in->pool, in->conf->function,
                                         in->conf->args, values);

        return *args ? NGX_OK : NGX_ERROR;
    }

    if (rc != NGX_ERROR) {
        rc = ngx_http_task_error_print(in->pool, &errors, error);
        rc = (rc == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
    }

    cJSON_Delete(errors);

    return rc;
}


static ngx_int_t
ngx_http_task_read_body(ngx_http_task_input_t *in, cJSON **errors,
    ngx_http_task_span_t *root)
{
    cJSON                 *position;
    ngx_http_task_json_t   json;

    static const char  *body = "body";

    if (ngx_http_task_body_load(in) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_task_json_scan(in->body.data, in->body.len,
                            ngx_http_task_read_member, in, &json);

    if (json.error) {
        position = cJSON_CreateNumber((double) json.position);

        return ngx_http_task_error(errors, "json_invalid", "JSON decode error",
                                   ngx_http_task_error_loc("body", position),
                                   cJSON_CreateObject(),
                                   "error", cJSON_CreateString(json.error));
    }

    *root = json.root;

    if (root->data[0] == '{') {
        return NGX_OK;
    }

    /* an error of the body as a whole */

    return ngx_http_task_error(errors, "model_attributes_type",
                               "Input should be a valid dictionary or "
                               "object to extract fields from",
                               cJSON_CreateStringArray(&body, 1),
                               ngx_http_task_echo_body(in, root), NULL, NULL);
}


/* if a name comes twice, the last one counts */

static void
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
            in->sources[i].body = *value;
            break;
        }
    }
}


static ngx_int_t
ngx_http_task_read_value(ngx_http_task_input_t *in, ngx_uint_t i,
    ngx_http_task_span_t *root, ngx_http_task_value_t *value, cJSON **errors)
{
    cJSON                    *loc, *input;
    ngx_int_t                 rc;
    ngx_http_task_arg_t      *arg;
    ngx_http_task_source_t   *src;
    ngx_http_task_invalid_t   invalid;

    arg = (ngx_http_task_arg_t *) in->conf->args->elts + i;
    src = &in->sources[i];

    if (arg->fixed && arg->variable == NULL) {
        *value = arg->value;
        return NGX_OK;
    }

    if (src->query.data) {
        rc = ngx_http_task_value_text(in->pool, arg, &src->query, value,
                                      &invalid);
        if (rc != NGX_DECLINED) {
            return rc;
        }

        loc = ngx_http_task_error_loc("query",
                                 cJSON_CreateString(arg->param->name));
        input = ngx_http_task_secret(arg)
                ? ngx_http_task_error_echo_secret()
                : ngx_http_task_error_echo_text(in->pool, &src->query);

    } else if (src->body.data) {
        rc = ngx_http_task_value_json(in->pool, arg, &src->body, value,
                                      &invalid);
        if (rc != NGX_DECLINED) {
            return rc;
        }

        loc = ngx_http_task_error_loc("body",
                                 cJSON_CreateString(arg->param->name));
        input = ngx_http_task_echo_value(in, arg, &src->body);

    } else {
        return ngx_http_task_read_default(in, i, root, value, errors);
    }

    return ngx_http_task_error_invalid(errors, &invalid, loc, input);
}


static ngx_int_t
ngx_http_task_read_default(ngx_http_task_input_t *in, ngx_uint_t i,
    ngx_http_task_span_t *root, ngx_http_task_value_t *value, cJSON **errors)
{
    cJSON                *loc, *input;
    const char           *where;
    ngx_http_task_arg_t  *arg;

    arg = (ngx_http_task_arg_t *) in->conf->args->elts + i;

    if (arg->has_def) {
        *value = arg->def;
        return NGX_OK;
    }

    where = root->data ? "body" : "query";
    loc = ngx_http_task_error_loc(where,
                                  cJSON_CreateString(arg->param->name));
    input = root->data ? ngx_http_task_echo_body(in, root)
                       : cJSON_CreateNull();

    return ngx_http_task_error(errors, "missing", "Field required",
                               loc, input, NULL, NULL);
}


/* if the function takes a secret, it may be anywhere in the body */

static cJSON *
ngx_http_task_echo_body(ngx_http_task_input_t *in, ngx_http_task_span_t *root)
{
    return ngx_http_task_has_secret(in)
           ? ngx_http_task_error_echo_secret()
           : ngx_http_task_error_echo_json(in->pool, root);
}


/* an object or an array may have the secret of another parameter in it */

static cJSON *
ngx_http_task_echo_value(ngx_http_task_input_t *in, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *json)
{
    if (json->data[0] == '{' || json->data[0] == '[') {
        return ngx_http_task_echo_body(in, json);
    }

    return ngx_http_task_secret(arg)
           ? ngx_http_task_error_echo_secret()
           : ngx_http_task_error_echo_json(in->pool, json);
}


static ngx_uint_t
ngx_http_task_has_secret(ngx_http_task_input_t *in)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = in->conf->args->elts;

    for (i = 0; i < in->conf->args->nelts; i++) {
        if (ngx_http_task_secret(&args[i])) {
            return 1;
        }
    }

    return 0;
}
