
/*
 * A parameter from what a request gives: from text in a query, a form, a path,
 * a header or a cookie; from JSON; from files; or its default.
 */


#include "input/ngx_http_task_reader.h"


static const char *ngx_http_task_value_where(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_source_t *src);
static ngx_uint_t ngx_http_task_value_given(ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src);
static ngx_int_t ngx_http_task_value_list(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_source_t *src,
    ngx_http_task_value_t *value);
static ngx_int_t ngx_http_task_value_one(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, const ngx_http_task_given_t *given,
    ngx_http_task_value_t *value);
static ngx_int_t ngx_http_task_value_file(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, const ngx_http_task_given_t *given,
    ngx_http_task_value_t *value);
static ngx_int_t ngx_http_task_value_tree(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, const ngx_http_task_given_t *given,
    ngx_http_task_value_t *value);
static ngx_int_t ngx_http_task_value_default(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_value_t *value);


ngx_int_t
ngx_http_task_read_value(ngx_http_task_reader_t *rd, ngx_uint_t i,
    ngx_http_task_value_t *value)
{
    ngx_int_t                rc;
    ngx_http_task_arg_t     *arg;
    ngx_http_task_source_t  *src;
    ngx_http_task_invalid_t  invalid;

    arg = (ngx_http_task_arg_t *) rd->in->conf->args->elts + i;
    src = &rd->in->sources[i];

    if (arg->fixed && arg->variable == NULL) {
        *value = arg->value;
        return NGX_OK;
    }

    rd->where = ngx_http_task_value_where(rd, arg, src);

    rd->nsteps = 0;
    ngx_http_task_read_enter(rd, arg->source == NGX_HTTP_TASK_SOURCE_REQUEST
                                 ? arg->param->name
                                 : (char *) arg->source_name.data, 0);

    if (ngx_http_task_value_given(arg, src)) {
        return arg->param->item
               ? ngx_http_task_value_list(rd, arg, src, value)
               : ngx_http_task_value_one(rd, arg, &src->last, value);
    }

    if (src->string.data) {

        /* it was unquoted in steps */

        rc = ngx_http_task_value_string(arg, &src->string, value, &invalid);

        return (rc == NGX_DECLINED)
               ? ngx_http_task_wrong_value(rd, &invalid,
                                   ngx_http_task_echo_json(rd, arg, &src->json))
               : rc;
    }

    return src->json.data ? ngx_http_task_read_json(rd, arg, &src->json, value)
                          : ngx_http_task_value_default(rd, arg, value);
}


static const char *
ngx_http_task_value_where(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src)
{
    switch (arg->source) {

    case NGX_HTTP_TASK_SOURCE_PATH:
        return "path";

    case NGX_HTTP_TASK_SOURCE_HEADER:
        return "header";

    case NGX_HTTP_TASK_SOURCE_COOKIE:
        return "cookie";

    case NGX_HTTP_TASK_SOURCE_QUERY:
    case NGX_HTTP_TASK_SOURCE_OTHER:
        return "query";

    case NGX_HTTP_TASK_SOURCE_REQUEST:
        break;
    }

    if (src->last.text.data && !src->form) {
        return "query";
    }

    /* what is not given is missing in the body, if there is one */

    return (rd->in->media || rd->in->form) ? "body" : "query";
}


/*
 * An empty text of a form counts as not given, as in FastAPI; and one that is
 * fixed to a variable, as any that evaluates to nothing.
 */

static ngx_uint_t
ngx_http_task_value_given(ngx_http_task_arg_t *arg, ngx_http_task_source_t *src)
{
    if (arg->param->item) {
        return src->nall != 0;
    }

    return src->last.file || src->last.text.len
           || (src->last.text.data && !src->form && !arg->fixed);
}


static ngx_int_t
ngx_http_task_value_list(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src, ngx_http_task_value_t *value)
{
    size_t                  i;
    u_char                 *items;
    ngx_int_t               rc;
    ngx_uint_t              wrong;
    ngx_http_task_value_t   item;

    if (arg->param->max_items && src->nall > arg->param->max_items) {
        return ngx_http_task_wrong_items(rd, 1, arg->param->max_items,
                                         src->nall,
                                         ngx_http_task_echo_all(rd, arg, src));
    }

    items = ngx_http_task_read_items(rd, arg, src->nall);
    if (items == NULL) {
        return NGX_ERROR;
    }

    wrong = 0;

    for (i = 0; i < src->nall && rd->nerrors < NGX_HTTP_TASK_ERRORS; i++) {

        ngx_http_task_read_enter(rd, NULL, i);
        rc = ngx_http_task_value_one(rd, arg, &src->all[i], &item);
        ngx_http_task_read_leave(rd);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            ngx_http_task_read_item(arg, items, i, &item);

        } else {
            wrong = 1;
        }
    }

    if (wrong) {
        return NGX_DECLINED;
    }

    value->list.items = items;
    value->list.n = src->nall;

    return (src->nall < arg->param->min_items)
           ? ngx_http_task_wrong_items(rd, 0, arg->param->min_items, src->nall,
                                       ngx_http_task_echo_all(rd, arg, src))
           : NGX_OK;
}


static ngx_int_t
ngx_http_task_value_one(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    const ngx_http_task_given_t *given, ngx_http_task_value_t *value)
{
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_http_task_invalid_t  invalid;

    switch (arg->param->type) {

    case NGX_TASK_FILE:
        return ngx_http_task_value_file(rd, arg, given, value);

    case NGX_TASK_JSON:
    case NGX_TASK_OBJECT:

        if (given->file == NULL) {
            return ngx_http_task_value_tree(rd, arg, given, value);
        }

        break;

    default:
        break;
    }

    if (given->file) {
        return ngx_http_task_wrong(rd, "value_error", "Value error, expected a "
                                   "field, got a file",
                                   ngx_http_task_echo_given(rd, arg, given),
                                   "error", "expected a field, got a file");
    }

    text = given->text;

    rc = ngx_http_task_value_text(&rd->in->space, arg, &text, value, &invalid);

    return (rc == NGX_DECLINED)
           ? ngx_http_task_wrong_value(rd, &invalid,
                                     ngx_http_task_echo_given(rd, arg, given))
           : rc;
}


static ngx_int_t
ngx_http_task_value_file(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    const ngx_http_task_given_t *given, ngx_http_task_value_t *value)
{
    if (given->file) {
        value->file = given->file;
        return NGX_OK;
    }

    return ngx_http_task_wrong(rd, "value_error", "Value error, expected a "
                               "file, got a field",
                               ngx_http_task_echo_given(rd, arg, given),
                               "error", "expected a file, got a field");
}


/* a text that is JSON */

static ngx_int_t
ngx_http_task_value_tree(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    const ngx_http_task_given_t *given, ngx_http_task_value_t *value)
{
    u_char                  msg[128];
    ngx_http_task_json_t    json;

    ngx_http_task_json_scan(given->text.data, given->text.len, NULL, NULL,
                            &json);

    if (json.error == NULL) {
        return ngx_http_task_read_json_item(rd, arg, &json.root, value);
    }

    (void) ngx_snprintf(msg, sizeof(msg), "Invalid JSON: %s%Z", json.error);

    return ngx_http_task_wrong(rd, "json_invalid", (char *) msg,
                               ngx_http_task_echo_given(rd, arg, given),
                               "error", json.error);
}


/* a path is always there: one that captures nothing is wrong */

static ngx_int_t
ngx_http_task_value_default(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_value_t *value)
{
    cJSON  *input;

    if (arg->has_def && arg->source != NGX_HTTP_TASK_SOURCE_PATH) {
        *value = arg->def;
        return NGX_OK;
    }

    input = (rd->root.data && arg->source == NGX_HTTP_TASK_SOURCE_REQUEST)
            ? ngx_http_task_echo_object(rd, &rd->root) : cJSON_CreateNull();

    return ngx_http_task_wrong(rd, "missing", "Field required", input, NULL,
                               NULL);
}
