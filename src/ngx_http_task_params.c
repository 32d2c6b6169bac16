
/*
 * Parameters in a request: a fixed one is taken from the configuration, any
 * other from the query, else from a JSON body, else from its default.  All
 * that is wrong is told at once, in the form of FastAPI's 422.
 */


#include "ngx_http_task.h"


/* where a request may give a parameter */

typedef struct {
    ngx_http_task_arg_t   *arg;
    ngx_str_t              query;          /* data is NULL: not given */
    ngx_http_task_span_t   body;           /* data is NULL: not given */
} ngx_http_task_source_t;


typedef struct {
    ngx_http_request_t      *request;
    ngx_http_task_source_t  *sources;
    ngx_uint_t               n;
    ngx_http_task_span_t     root;         /* of the body; NULL: no body */
    cJSON                   *errors;       /* NULL: none so far */
} ngx_http_task_input_t;


static ngx_int_t ngx_http_task_query(ngx_http_task_input_t *in);
static void ngx_http_task_query_pair(ngx_http_task_input_t *in, u_char *p,
    u_char *last);
static ngx_int_t ngx_http_task_body(ngx_http_task_input_t *in);
static void ngx_http_task_body_member(void *data,
    const ngx_http_task_span_t *name, const ngx_http_task_span_t *value);
static ngx_int_t ngx_http_task_value(ngx_http_task_input_t *in,
    ngx_http_task_source_t *src, ngx_http_task_value_t *value);
static ngx_int_t ngx_http_task_value_default(ngx_http_task_input_t *in,
    ngx_http_task_arg_t *arg, ngx_http_task_value_t *value);


ngx_int_t
ngx_http_task_params(ngx_http_request_t *r, ngx_http_task_value_t *values,
    ngx_str_t *errors)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_task_arg_t       *args;
    ngx_http_task_input_t      in;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    args = tlcf->args->elts;

    ngx_memzero(&in, sizeof(ngx_http_task_input_t));

    in.request = r;
    in.n = tlcf->args->nelts;
    in.sources = ngx_pcalloc(r->pool,
                             in.n * sizeof(ngx_http_task_source_t) + 1);
    if (in.sources == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < in.n; i++) {
        in.sources[i].arg = &args[i];
    }

    if (tlcf->open) {
        rc = ngx_http_task_query(&in);

        if (rc == NGX_OK && r->method == NGX_HTTP_POST) {
            rc = ngx_http_task_body(&in);
        }

        if (rc != NGX_OK) {
            goto done;
        }
    }

    for (i = 0; i < in.n; i++) {
        rc = ngx_http_task_value(&in, &in.sources[i], &values[i]);

        if (rc == NGX_ERROR) {
            goto done;
        }
    }

    rc = in.errors ? NGX_DECLINED : NGX_OK;

done:

    if (rc == NGX_DECLINED
        && ngx_http_task_error_print(r->pool, &in.errors, errors) != NGX_OK)
    {
        rc = NGX_ERROR;
    }

    cJSON_Delete(in.errors);

    return rc;
}


static ngx_int_t
ngx_http_task_query(ngx_http_task_input_t *in)
{
    u_char              *p, *last, *end;
    ngx_http_request_t  *r;

    r = in->request;

    if (r->args.len == 0) {
        return NGX_OK;
    }

    /* decoded in place in a copy: the values point into it */

    p = ngx_pnalloc(r->pool, r->args.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, r->args.data, r->args.len);

    end = p + r->args.len;

    for ( /* void */ ; p < end; p = last + 1) {

        last = ngx_strlchr(p, end, '&');
        if (last == NULL) {
            last = end;
        }

        ngx_http_task_query_pair(in, p, last);
    }

    return NGX_OK;
}


/* of a name that is given twice the last one counts, as FastAPI has it */

static void
ngx_http_task_query_pair(ngx_http_task_input_t *in, u_char *p, u_char *last)
{
    size_t                   len;
    u_char                  *value;
    ngx_uint_t               i;
    ngx_http_task_source_t  *src;

    value = ngx_strlchr(p, last, '=');
    if (value == NULL) {
        value = last;
    }

    len = ngx_http_task_unescape(p, p, value - p);

    if (value < last) {
        value++;
    }

    for (i = 0; i < in->n; i++) {
        src = &in->sources[i];

        if (!src->arg->fixed && src->arg->name.len == len
            && ngx_strncmp(src->arg->name.data, p, len) == 0)
        {
            src->query.data = value;
            src->query.len = ngx_http_task_unescape(value, value, last - value);
            return;
        }
    }
}


static ngx_int_t
ngx_http_task_body(ngx_http_task_input_t *in)
{
    cJSON                 *loc, *ctx, *input;
    ngx_int_t              rc;
    ngx_str_t              text;
    ngx_http_task_json_t   json;

    rc = ngx_http_task_body_text(in->request, &text);

    if (rc != NGX_OK || text.len == 0) {
        return rc;
    }

    if (!ngx_http_task_body_is_json(in->request)) {
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    ngx_http_task_json_scan(text.data, text.len, ngx_http_task_body_member, in,
                            &json);

    loc = ngx_http_task_error_loc("body", NULL);

    if (json.error) {
        cJSON_AddItemToArray(loc, cJSON_CreateNumber((double) json.position));

        ctx = cJSON_CreateObject();
        cJSON_AddStringToObject(ctx, "error", json.error);

        return ngx_http_task_error(&in->errors, "json_invalid",
                                   "JSON decode error",
                                   loc, cJSON_CreateObject(), ctx);
    }

    in->root = json.root;

    if (in->root.data[0] != '{') {
        input = ngx_http_task_error_echo_json(in->request->pool, &in->root);

        return ngx_http_task_error(&in->errors, "model_attributes_type",
                                   "Input should be a valid dictionary or "
                                   "object to extract fields from",
                                   loc, input, NULL);
    }

    cJSON_Delete(loc);

    return NGX_OK;
}


/* a name may have escapes; of one that comes twice the last counts */

static void
ngx_http_task_body_member(void *data, const ngx_http_task_span_t *name,
    const ngx_http_task_span_t *value)
{
    ngx_http_task_input_t *in = data;

    size_t         len;
    cJSON         *json;
    u_char        *p;
    ngx_uint_t     i;
    ngx_str_t     *arg;

    p = (u_char *) name->data + 1;
    len = name->len - 2;
    json = NULL;

    if (ngx_strlchr(p, p + len, '\\')) {
        json = cJSON_ParseWithLength((const char *) name->data, name->len);

        if (json == NULL) {
            return;
        }

        p = (u_char *) json->valuestring;
        len = ngx_strlen(p);
    }

    for (i = 0; i < in->n; i++) {
        arg = &in->sources[i].arg->name;

        if (!in->sources[i].arg->fixed && arg->len == len
            && ngx_strncmp(arg->data, p, len) == 0)
        {
            in->sources[i].body = *value;
            break;
        }
    }

    cJSON_Delete(json);
}


static ngx_int_t
ngx_http_task_value(ngx_http_task_input_t *in, ngx_http_task_source_t *src,
    ngx_http_task_value_t *value)
{
    cJSON                    *loc, *input;
    ngx_int_t                 rc;
    ngx_pool_t               *pool;
    ngx_http_task_arg_t      *arg;
    ngx_http_task_invalid_t   invalid;

    arg = src->arg;
    pool = in->request->pool;

    if (arg->variable) {
        rc = ngx_http_complex_value(in->request, arg->variable, &src->query);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        /* one that evaluates to nothing is not given */

        if (src->query.len == 0) {
            src->query.data = NULL;
        }

    } else if (arg->fixed) {
        *value = arg->value;
        return NGX_OK;
    }

    if (src->query.data) {
        rc = ngx_http_task_value_text(pool, arg, &src->query, value, &invalid);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        loc = ngx_http_task_error_loc("query", arg->param->name);
        input = ngx_http_task_error_echo_text(pool, &src->query);

    } else if (src->body.data) {
        rc = ngx_http_task_value_json(pool, arg, &src->body, value, &invalid);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        loc = ngx_http_task_error_loc("body", arg->param->name);
        input = ngx_http_task_error_echo_json(pool, &src->body);

    } else {
        return ngx_http_task_value_default(in, arg, value);
    }

    return ngx_http_task_error_invalid(&in->errors, &invalid, loc, input);
}


static ngx_int_t
ngx_http_task_value_default(ngx_http_task_input_t *in,
    ngx_http_task_arg_t *arg, ngx_http_task_value_t *value)
{
    cJSON  *loc, *input;

    if (arg->has_def) {
        *value = arg->def;
        return NGX_OK;
    }

    if (in->root.data) {
        loc = ngx_http_task_error_loc("body", arg->param->name);
        input = ngx_http_task_error_echo_json(in->request->pool, &in->root);

    } else {
        loc = ngx_http_task_error_loc("query", arg->param->name);
        input = cJSON_CreateNull();
    }

    return ngx_http_task_error(&in->errors, "missing", "Field required",
                               loc, input, NULL);
}
