
/*
 * Parameters in a request: a fixed one is taken from the configuration, any
 * other from the query, else from a JSON body, else from its default.  All
 * that is wrong is told at once, in the form of FastAPI's 422.
 *
 * What needs the request is collected on the event loop.  A body that is long
 * is read where the function runs: the second part may run in a thread.
 */


#include "task/ngx_http_task.h"


#define ngx_http_task_secret(arg)  ((arg)->param->flags & NGX_TASK_SECRET)


static ngx_int_t ngx_http_task_collect_sources(ngx_task_t *t);
static ngx_int_t ngx_http_task_collect_variables(ngx_task_t *t);
static ngx_int_t ngx_http_task_collect_query(ngx_task_t *t);
static ngx_int_t ngx_http_task_collect_body(ngx_task_t *t);
static ngx_int_t ngx_http_task_refuse_encoded(ngx_task_t *t);
static ngx_int_t ngx_http_task_read_body(ngx_task_t *t, cJSON **errors,
    ngx_http_task_span_t *root);
static void ngx_http_task_read_member(void *data,
    const ngx_http_task_span_t *name, const ngx_http_task_span_t *value);
static ngx_int_t ngx_http_task_read_value(ngx_task_t *t, ngx_uint_t i,
    ngx_http_task_span_t *root, ngx_http_task_value_t *value, cJSON **errors);
static ngx_int_t ngx_http_task_read_default(ngx_task_t *t, ngx_uint_t i,
    ngx_http_task_span_t *root, ngx_http_task_value_t *value, cJSON **errors);
static cJSON *ngx_http_task_echo_body(ngx_task_t *t,
    ngx_http_task_span_t *root);
static cJSON *ngx_http_task_echo_value(ngx_task_t *t, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *json);
static ngx_uint_t ngx_http_task_has_secret(ngx_task_t *t);


/* whether a body is looked at, if there is one */

ngx_uint_t
ngx_http_task_params_in_body(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf)
{
    return (tlcf->function->table.flags & NGX_TASK_RAW_BODY)
           || (tlcf->open && !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)));
}


ngx_int_t
ngx_http_task_params_collect(ngx_task_t *t)
{
    ngx_int_t            rc;
    ngx_uint_t           json;
    ngx_http_request_t  *r;

    r = t->request;

    json = ngx_http_task_params_in_body(r, t->conf)
           && !(t->function->table.flags & NGX_TASK_RAW_BODY);

    /* nothing of them is up to this request: they are there already */

    if (t->conf->ready_args && !json && (r->args.len == 0 || !t->conf->open)) {
        t->args = t->conf->ready_args;

    } else {
        rc = ngx_http_task_collect_sources(t);

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (t->function->table.flags & NGX_TASK_RAW_BODY) {
        rc = ngx_http_task_body_take(t, 0);

    } else if (json) {
        rc = ngx_http_task_collect_body(t);

    } else {
        rc = NGX_OK;
    }

    return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}


static ngx_int_t
ngx_http_task_collect_sources(ngx_task_t *t)
{
    t->sources = ngx_pcalloc(t->pool, t->conf->args->nelts
                                      * sizeof(ngx_http_task_source_t) + 1);
    if (t->sources == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_task_collect_variables(t) != NGX_OK) {
        return NGX_ERROR;
    }

    if (t->conf->open && t->request->args.len) {
        return ngx_http_task_collect_query(t);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_variables(ngx_task_t *t)
{
    ngx_uint_t            i;
    ngx_str_t             value;
    ngx_http_task_arg_t  *args;

    args = t->conf->args->elts;

    for (i = 0; i < t->conf->args->nelts; i++) {

        if (args[i].variable == NULL) {
            continue;
        }

        if (ngx_http_complex_value(t->request, args[i].variable, &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* one that evaluates to nothing is not given */

        if (value.len == 0) {
            continue;
        }

        t->sources[i].query.len = value.len;
        t->sources[i].query.data = ngx_pstrdup(t->pool, &value);

        if (t->sources[i].query.data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* of a name that is given twice the last one counts, as FastAPI has it */

static ngx_int_t
ngx_http_task_collect_query(ngx_task_t *t)
{
    u_char                *p, *end;
    ngx_uint_t             i;
    ngx_http_task_arg_t   *args;
    ngx_http_task_span_t   name, value;

    /* decoded in place in a copy: the values point into it */

    p = ngx_pstrdup(t->pool, &t->request->args);
    if (p == NULL) {
        return NGX_ERROR;
    }

    end = p + t->request->args.len;
    args = t->conf->args->elts;

    while (ngx_http_task_query_pair(&p, end, &name, &value)) {

        for (i = 0; i < t->conf->args->nelts; i++) {

            if (!args[i].fixed && args[i].name.len == name.len
                && ngx_strncmp(args[i].name.data, name.data, name.len) == 0)
            {
                t->sources[i].query.data = (u_char *) value.data;
                t->sources[i].query.len = value.len;
                break;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_body(ngx_task_t *t)
{
    ngx_int_t  rc;

    rc = ngx_http_task_body_take(t, 1);

    if (rc != NGX_OK || t->body.len == 0) {
        return rc;
    }

    if (ngx_http_task_fields_encoded(t->request)) {
        return ngx_http_task_refuse_encoded(t);
    }

    return ngx_http_task_body_is_json(t->request)
           ? NGX_OK : NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
}


/* says what is taken instead, as RFC 9110, 15.5.16 has it */

static ngx_int_t
ngx_http_task_refuse_encoded(ngx_task_t *t)
{
    static ngx_str_t  name = ngx_string("Accept-Encoding");
    static ngx_str_t  value = ngx_string("identity");

    ngx_http_task_drop_header(t->request, &name);

    if (ngx_http_task_add_header(t->request, &name, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&t->result.body, "{\"detail\":\"Unsupported Content-Encoding, "
                                 "only identity is taken\"}");

    return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
}


ngx_int_t
ngx_http_task_params_read(ngx_task_t *t)
{
    cJSON                  *errors;
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_http_task_span_t    root;
    ngx_http_task_value_t  *values;

    t->unread = 0;

    if (t->args) {
        return NGX_OK;
    }

    errors = NULL;
    ngx_memzero(&root, sizeof(ngx_http_task_span_t));

    values = ngx_pcalloc(t->pool, t->conf->args->nelts
                                  * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (!(t->function->table.flags & NGX_TASK_RAW_BODY) && t->body.len) {
        rc = ngx_http_task_read_body(t, &errors, &root);
    }

    if (rc == NGX_OK) {
        for (i = 0; i < t->conf->args->nelts && rc != NGX_ERROR; i++) {
            rc = ngx_http_task_read_value(t, i, &root, &values[i], &errors);
        }
    }

    if (rc != NGX_ERROR && errors == NULL) {
        t->args = ngx_http_task_args_store(t->pool, t->function, t->conf->args,
                                           values);

        return t->args ? NGX_OK : NGX_ERROR;
    }

    if (rc != NGX_ERROR) {
        t->result.invalid = 1;
        rc = ngx_http_task_error_print(t->pool, &errors, &t->result.body);
        rc = (rc == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
    }

    cJSON_Delete(errors);

    return rc;
}


static ngx_int_t
ngx_http_task_read_body(ngx_task_t *t, cJSON **errors,
    ngx_http_task_span_t *root)
{
    cJSON                 *position;
    ngx_http_task_json_t   json;

    static const char  *body = "body";

    if (ngx_http_task_body_load(t) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_task_json_scan(t->body.data, t->body.len,
                            ngx_http_task_read_member, t, &json);

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

    /* of the body as a whole */

    return ngx_http_task_error(errors, "model_attributes_type",
                               "Input should be a valid dictionary or "
                               "object to extract fields from",
                               cJSON_CreateStringArray(&body, 1),
                               ngx_http_task_echo_body(t, root), NULL, NULL);
}


/* of a name that comes twice the last counts */

static void
ngx_http_task_read_member(void *data, const ngx_http_task_span_t *name,
    const ngx_http_task_span_t *value)
{
    ngx_task_t *t = data;

    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = t->conf->args->elts;

    for (i = 0; i < t->conf->args->nelts; i++) {

        if (!args[i].fixed
            && ngx_http_task_json_is(name, args[i].name.data,
                                     args[i].name.len))
        {
            t->sources[i].body = *value;
            break;
        }
    }
}


static ngx_int_t
ngx_http_task_read_value(ngx_task_t *t, ngx_uint_t i,
    ngx_http_task_span_t *root, ngx_http_task_value_t *value, cJSON **errors)
{
    cJSON                    *loc, *input;
    ngx_int_t                 rc;
    ngx_http_task_arg_t      *arg;
    ngx_http_task_source_t   *src;
    ngx_http_task_invalid_t   invalid;

    arg = (ngx_http_task_arg_t *) t->conf->args->elts + i;
    src = &t->sources[i];

    if (arg->fixed && arg->variable == NULL) {
        *value = arg->value;
        return NGX_OK;
    }

    if (src->query.data) {
        rc = ngx_http_task_value_text(t->pool, arg, &src->query, value,
                                      &invalid);
        if (rc != NGX_DECLINED) {
            return rc;
        }

        loc = ngx_http_task_error_loc("query",
                                 cJSON_CreateString(arg->param->name));
        input = ngx_http_task_secret(arg)
                ? ngx_http_task_error_echo_secret()
                : ngx_http_task_error_echo_text(t->pool, &src->query);

    } else if (src->body.data) {
        rc = ngx_http_task_value_json(t->pool, arg, &src->body, value,
                                      &invalid);
        if (rc != NGX_DECLINED) {
            return rc;
        }

        loc = ngx_http_task_error_loc("body",
                                 cJSON_CreateString(arg->param->name));
        input = ngx_http_task_echo_value(t, arg, &src->body);

    } else {
        return ngx_http_task_read_default(t, i, root, value, errors);
    }

    return ngx_http_task_error_invalid(errors, &invalid, loc, input);
}


static ngx_int_t
ngx_http_task_read_default(ngx_task_t *t, ngx_uint_t i,
    ngx_http_task_span_t *root, ngx_http_task_value_t *value, cJSON **errors)
{
    cJSON                *loc, *input;
    const char           *where;
    ngx_http_task_arg_t  *arg;

    arg = (ngx_http_task_arg_t *) t->conf->args->elts + i;

    if (arg->has_def) {
        *value = arg->def;
        return NGX_OK;
    }

    where = root->data ? "body" : "query";
    loc = ngx_http_task_error_loc(where,
                                  cJSON_CreateString(arg->param->name));
    input = root->data ? ngx_http_task_echo_body(t, root)
                       : cJSON_CreateNull();

    return ngx_http_task_error(errors, "missing", "Field required",
                               loc, input, NULL, NULL);
}


/* with a secret in it none of it is shown: it may stand at any place */

static cJSON *
ngx_http_task_echo_body(ngx_task_t *t, ngx_http_task_span_t *root)
{
    return ngx_http_task_has_secret(t)
           ? ngx_http_task_error_echo_secret()
           : ngx_http_task_error_echo_json(t->pool, root);
}


/* a value in the body: what has members may have the secret of another, too */

static cJSON *
ngx_http_task_echo_value(ngx_task_t *t, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *json)
{
    if (json->data[0] == '{' || json->data[0] == '[') {
        return ngx_http_task_echo_body(t, json);
    }

    return ngx_http_task_secret(arg)
           ? ngx_http_task_error_echo_secret()
           : ngx_http_task_error_echo_json(t->pool, json);
}


static ngx_uint_t
ngx_http_task_has_secret(ngx_task_t *t)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = t->conf->args->elts;

    for (i = 0; i < t->conf->args->nelts; i++) {
        if (ngx_http_task_secret(&args[i])) {
            return 1;
        }
    }

    return 0;
}
