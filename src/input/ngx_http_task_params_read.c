
/*
 * Parameters in a request: values are read from what was collected, and become
 * the function's arguments.  All errors are told at once, in the form of
 * FastAPI's 422.
 */


#include "input/ngx_http_task_input.h"


#define ngx_http_task_secret(arg)  ((arg)->param->flags & NGX_TASK_SECRET)


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
