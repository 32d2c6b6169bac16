
/*
 * A parameter as JSON Schema, and a table of them: what values a request may
 * give, where they stand in JSON, and where they are text.
 */


#include "function/ngx_http_task_schema.h"


static void ngx_http_task_schema_value(const ngx_http_task_schema_t *s,
    cJSON *schema, const ngx_http_task_arg_t *arg);
static void ngx_http_task_schema_items(const ngx_http_task_schema_t *s,
    cJSON *schema, const ngx_http_task_arg_t *arg);
static ngx_int_t ngx_http_task_schema_wrong(ngx_conf_t *cf,
    ngx_http_task_function_t *function, const char *wrong);


cJSON *
ngx_http_task_schema_arg(const ngx_http_task_schema_t *s, cJSON *parent,
    const char *name, const ngx_http_task_arg_t *arg, ngx_uint_t described)
{
    cJSON  *schema;

    schema = ngx_http_task_doc_object(s->doc, parent, name);

    if (arg->param->item && !s->single) {
        ngx_http_task_schema_items(s, schema, arg);

    } else {
        ngx_http_task_schema_value(s, schema, arg);
    }

    ngx_http_task_schema_default(s, schema, arg);

    if (described && arg->param->summary) {
        ngx_http_task_doc_text(s->doc, schema, "description",
                               arg->param->summary);
    }

    return schema;
}


static void
ngx_http_task_schema_items(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg)
{
    ngx_http_task_doc_text(s->doc, schema, "type", "array");

    ngx_http_task_schema_value(s,
                         ngx_http_task_doc_object(s->doc, schema, "items"),
                         arg);

    if (arg->param->min_items) {
        ngx_http_task_doc_int(s->doc, schema, "minItems",
                              arg->param->min_items);
    }

    if (arg->param->max_items) {
        ngx_http_task_doc_int(s->doc, schema, "maxItems",
                              arg->param->max_items);
    }
}


/* in a query, a header or a form JSON is text */

static void
ngx_http_task_schema_value(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg)
{
    cJSON                   *outer;
    ngx_http_task_schema_t   inner;

    inner = *s;
    outer = schema;

    if (!s->json && (arg->param->type == NGX_TASK_JSON
                     || arg->param->type == NGX_TASK_OBJECT))
    {
        ngx_http_task_doc_text(s->doc, schema, "type", "string");
        ngx_http_task_doc_text(s->doc, schema, "contentMediaType",
                               "application/json");

        schema = ngx_http_task_doc_object(s->doc, schema, "contentSchema");
        inner.json = 1;
    }

    if (arg->param->type == NGX_TASK_OBJECT) {
        inner.conf = NULL;
        inner.single = 0;
        inner.required = 0;
        inner.files = 0;

        ngx_http_task_schema_object(&inner, schema, arg->fields->args,
                                    arg->fields->nargs);

    } else {
        ngx_http_task_schema_type(&inner, schema, arg);
        ngx_http_task_schema_bounds(&inner, schema, arg);
    }

    if (arg->param->flags & NGX_TASK_SECRET) {
        ngx_http_task_doc_true(s->doc, outer, "writeOnly");
        ngx_http_task_doc_text(s->doc, outer, "format", "password");
    }
}


void
ngx_http_task_schema_object(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg, ngx_uint_t n)
{
    cJSON       *properties, *required;
    ngx_uint_t   i;

    ngx_http_task_doc_text(s->doc, schema, "type", "object");
    properties = ngx_http_task_doc_object(s->doc, schema, "properties");
    required = NULL;

    for (i = 0; i < n; i++) {

        if (!ngx_http_task_schema_takes(s, &arg[i])) {
            continue;
        }

        (void) ngx_http_task_schema_arg(s, properties,
                                        (char *) arg[i].param->name, &arg[i],
                                        1);

        if (arg[i].has_def) {
            continue;
        }

        if (required == NULL) {
            required = ngx_http_task_doc_array(s->doc, schema, "required");
        }

        ngx_http_task_doc_text(s->doc, required, NULL, arg[i].param->name);
    }
}


ngx_uint_t
ngx_http_task_schema_takes(const ngx_http_task_schema_t *s,
    const ngx_http_task_arg_t *arg)
{
    return !arg->fixed && !(arg->param->flags & NGX_TASK_FIXED)
           && (s->files || arg->param->type != NGX_TASK_FILE);
}


ngx_int_t
ngx_http_task_schema_check(ngx_conf_t *cf, ngx_http_task_function_t *function)
{
    size_t                 len;
    const u_char          *text;
    ngx_http_task_json_t   json;

    text = (u_char *) function->table.result_schema;

    if (text == NULL) {
        return NGX_OK;
    }

    len = ngx_strlen(text);

    ngx_http_task_json_check(text, len, NGX_HTTP_TASK_JSON_DEPTH, &json);

    if (json.error) {
        return ngx_http_task_schema_wrong(cf, function, json.error);
    }

    /* "true" and "false" are schemas, too */

    switch (json.root.data[0]) {
    case '{':
    case 't':
    case 'f':
        return NGX_OK;
    }

    return ngx_http_task_schema_wrong(cf, function, "it is no object");
}


static ngx_int_t
ngx_http_task_schema_wrong(ngx_conf_t *cf, ngx_http_task_function_t *function,
    const char *wrong)
{
    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                            "\"%V\" has a function \"%V\" whose result_schema "
                            "is no JSON Schema: %s", &function->library->file,
                            &function->name, wrong);
}
