
/*
 * Parameters in a request: values are read from what was collected, and become
 * the function's arguments.  All errors are told at once, in the form of
 * FastAPI's 422.
 */


#include "input/ngx_http_task_input.h"


/* how many bytes of a body are copied, checked or unquoted in a step */

#define NGX_HTTP_TASK_PARAMS_STEP  8192


#define ngx_http_task_secret(arg)  ((arg)->param->flags & NGX_TASK_SECRET)


static ngx_int_t ngx_http_task_read_load(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_read_string(ngx_http_task_params_steps_t *steps);
static ngx_int_t ngx_http_task_read_values(ngx_http_task_input_t *in,
    ngx_http_task_json_t *json, void **args, ngx_str_t *error);
static ngx_int_t ngx_http_task_read_root(ngx_http_task_input_t *in,
    ngx_http_task_json_t *json, cJSON **errors, ngx_http_task_span_t *root);
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
    ngx_http_task_json_t  json;

    in->unread = 0;

    if (*args) {
        return NGX_OK;
    }

    ngx_memzero(&json, sizeof(ngx_http_task_json_t));

    if (!ngx_http_task_raw_body(in->conf) && in->body.len) {

        if (ngx_http_task_body_load(in) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_task_json_scan(in->body.data, in->body.len,
                                ngx_http_task_read_member, in, &json);
    }

    return ngx_http_task_read_values(in, &json, args, error);
}


ngx_int_t
ngx_http_task_params_step(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r, void **args, ngx_str_t *error)
{
    ngx_int_t               rc;
    ngx_http_task_input_t  *in;

    in = steps->in;

    if (!steps->loaded) {
        rc = ngx_http_task_read_load(steps, r);

        if (rc != NGX_OK) {
            return rc;
        }

        steps->loaded = 1;

        ngx_http_task_json_begin(&steps->json, in->body.data, in->body.len,
                                 ngx_http_task_read_member, in);
    }

    if (!steps->checked) {

        if (!ngx_http_task_json_step(&steps->json, NGX_HTTP_TASK_PARAMS_STEP)) {
            return NGX_AGAIN;
        }

        steps->checked = 1;
    }

    if (steps->json.json.error == NULL) {
        rc = ngx_http_task_read_string(steps);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = ngx_http_task_read_values(in, &steps->json.json, args, error);

    /* the values are copies, and a job outlives the request's buffers */

    in->body.data = NULL;
    in->body.len = 0;

    if (steps->copy) {
        (void) ngx_pfree(in->pool, steps->copy);
    }

    return rc;
}


static ngx_int_t
ngx_http_task_read_load(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r)
{
    size_t                  size;
    ngx_http_task_input_t  *in;

    in = steps->in;

    if (in->body.data) {
        return NGX_OK;
    }

    if (steps->copy == NULL) {
        steps->copy = ngx_pnalloc(in->pool, in->body.len);
        if (steps->copy == NULL) {
            return NGX_ERROR;
        }
    }

    size = ngx_min(in->body.len - steps->copied, NGX_HTTP_TASK_PARAMS_STEP);

    if (ngx_http_task_body_part(in, r, steps->copy + steps->copied,
                                steps->copied, size)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    steps->copied += size;

    if (steps->copied < in->body.len) {
        return NGX_AGAIN;
    }

    in->body.data = steps->copy;

    return NGX_OK;
}


/* unquotes a part of the next long string; NGX_OK: there is none */

static ngx_int_t
ngx_http_task_read_string(ngx_http_task_params_steps_t *steps)
{
    ngx_pool_t              *pool;
    ngx_http_task_arg_t     *args;
    ngx_http_task_source_t  *src;

    pool = steps->in->pool;
    args = steps->in->conf->args->elts;

    for ( /* void */ ; steps->arg < steps->in->conf->args->nelts; steps->arg++)
    {
        src = &steps->in->sources[steps->arg];

        if (src->query.data || src->body.len <= NGX_HTTP_TASK_PARAMS_STEP
            || src->body.data[0] != '"'
            || !ngx_http_task_types[args[steps->arg].param->type].string)
        {
            continue;
        }

        if (src->string.data == NULL) {
            src->string.data = ngx_pnalloc(pool, src->body.len);
            if (src->string.data == NULL) {
                return NGX_ERROR;
            }

            steps->rest.data = src->body.data + 1;
            steps->rest.len = src->body.len - 2;
        }

        if (steps->rest.len) {
            src->string.len += ngx_http_task_json_unquote_part(
                                            src->string.data + src->string.len,
                                            &steps->rest,
                                            NGX_HTTP_TASK_PARAMS_STEP);
            return NGX_AGAIN;
        }

        src->string.data[src->string.len] = '\0';
    }

    return NGX_OK;
}


/* json is zeroed if there is no body that is JSON */

static ngx_int_t
ngx_http_task_read_values(ngx_http_task_input_t *in, ngx_http_task_json_t *json,
    void **args, ngx_str_t *error)
{
    cJSON                  *errors;
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_http_task_span_t    root;
    ngx_http_task_value_t  *values;

    errors = NULL;
    ngx_memzero(&root, sizeof(ngx_http_task_span_t));

    values = ngx_pcalloc(in->pool, in->conf->args->nelts
                                  * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_read_root(in, json, &errors, &root);

    if (rc == NGX_OK) {
        for (i = 0; i < in->conf->args->nelts && rc != NGX_ERROR; i++) {
            rc = ngx_http_task_read_value(in, i, &root, &values[i], &errors);
        }
    }

    if (rc != NGX_ERROR && errors == NULL) {
        *args = ngx_http_task_value_args(in->pool, in->conf, values);

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
ngx_http_task_read_root(ngx_http_task_input_t *in, ngx_http_task_json_t *json,
    cJSON **errors, ngx_http_task_span_t *root)
{
    cJSON  *position;

    static const char  *body = "body";

    if (json->error) {
        position = cJSON_CreateNumber((double) json->position);

        return ngx_http_task_error(errors, "json_invalid", "JSON decode error",
                                   ngx_http_task_error_loc("body", position),
                                   cJSON_CreateObject(),
                                   "error", cJSON_CreateString(json->error));
    }

    *root = json->root;

    if (root->data == NULL || root->data[0] == '{') {
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
        rc = src->string.data
             ? ngx_http_task_value_string(arg, &src->string, value, &invalid)
             : ngx_http_task_value_json(in->pool, arg, &src->body, value,
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
