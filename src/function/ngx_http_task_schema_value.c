
/*
 * A single value as JSON Schema: its type, its bounds, its default.
 */


#include "function/ngx_http_task_schema.h"

#include <math.h>


/* as ngx_parse_time() and ngx_parse_offset() read them */

#define NGX_HTTP_TASK_SCHEMA_TIME                                             \
    "^(?=\\d)(\\d+w *)?(\\d+d *)?(\\d+h *)?(\\d+m *)?(\\d+s *)?(\\d+ms *)?"   \
    "(\\d+)?$"
#define NGX_HTTP_TASK_SCHEMA_SIZE  "^\\d+[kKmMgG]?$"


static void ngx_http_task_schema_named(const ngx_http_task_schema_t *s,
    cJSON *schema, const char *name, const char *number, const char *pattern);
static void ngx_http_task_schema_choices(const ngx_http_task_schema_t *s,
    cJSON *schema, const char *choices);
static void ngx_http_task_schema_bound(const ngx_http_task_schema_t *s,
    cJSON *schema, const ngx_http_task_arg_t *arg,
    const ngx_http_task_bound_t *bound, ngx_uint_t max);
static ngx_uint_t ngx_http_task_schema_default_text(
    const ngx_http_task_schema_t *s, const ngx_http_task_arg_t *arg,
    ngx_str_t *text);


void
ngx_http_task_schema_type(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg)
{
    const ngx_task_param_t  *param;

    param = arg->param;

    switch (param->type) {

    case NGX_TASK_TIME:
        ngx_http_task_schema_named(s, schema, "time", "number",
                                   NGX_HTTP_TASK_SCHEMA_TIME);
        break;

    case NGX_TASK_SIZE:
        ngx_http_task_schema_named(s, schema, "size", "integer",
                                   NGX_HTTP_TASK_SCHEMA_SIZE);
        break;

    case NGX_TASK_INT:
        ngx_http_task_doc_text(s->doc, schema, "type", "integer");
        break;

    case NGX_TASK_NUMBER:
        ngx_http_task_doc_text(s->doc, schema, "type", "number");
        break;

    case NGX_TASK_BOOL:
        ngx_http_task_doc_text(s->doc, schema, "type", "boolean");
        break;

    case NGX_TASK_ENUM:
        ngx_http_task_schema_choices(s, schema, param->choices);
        break;

    case NGX_TASK_JSON:

        /* "object" or "array"; without choices it may be anything */

        if (param->choices) {
            ngx_http_task_doc_text(s->doc, schema, "type", param->choices);
        }

        break;

    case NGX_TASK_FILE:
        ngx_http_task_doc_text(s->doc, schema, "type", "string");
        ngx_http_task_doc_text(s->doc, schema, "format", "binary");
        ngx_http_task_doc_text(s->doc, schema, "contentMediaType",
                               "application/octet-stream");
        break;

    default:
        ngx_http_task_doc_text(s->doc, schema, "type", "string");
    }
}


/* text with a unit, or in JSON a number, too */

static void
ngx_http_task_schema_named(const ngx_http_task_schema_t *s, cJSON *schema,
    const char *name, const char *number, const char *pattern)
{
    cJSON  *types;

    if (s->json) {
        types = ngx_http_task_doc_array(s->doc, schema, "type");
        ngx_http_task_doc_text(s->doc, types, NULL, number);
        ngx_http_task_doc_text(s->doc, types, NULL, "string");

    } else {
        ngx_http_task_doc_text(s->doc, schema, "type", "string");
    }

    ngx_http_task_doc_text(s->doc, schema, "pattern", pattern);
    ngx_http_task_doc_text(s->doc, schema, "x-task-type", name);
}


static void
ngx_http_task_schema_choices(const ngx_http_task_schema_t *s, cJSON *schema,
    const char *choices)
{
    cJSON       *array;
    ngx_str_t    choice;
    const char  *p;

    ngx_http_task_doc_text(s->doc, schema, "type", "string");
    array = ngx_http_task_doc_array(s->doc, schema, "enum");

    for (p = choices; *p; p += choice.len + (p[choice.len] == '|')) {
        choice.data = (u_char *) p;
        choice.len = strcspn(p, "|");

        ngx_http_task_doc_str(s->doc, array, NULL, &choice);
    }
}


void
ngx_http_task_schema_bounds(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg)
{
    if (arg->min.set) {
        ngx_http_task_schema_bound(s, schema, arg, &arg->min, 0);
    }

    if (arg->max.set) {
        ngx_http_task_schema_bound(s, schema, arg, &arg->max, 1);
    }
}


/* what has a unit is bounded as it is written, and in JSON as a number, too */

static void
ngx_http_task_schema_bound(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg, const ngx_http_task_bound_t *bound,
    ngx_uint_t max)
{
    int64_t      n;
    ngx_uint_t   i;
    const char  *name;

    static const char *const  number[] = {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"
    };

    static const char *const  text[] = {
        "x-task-minimum", "x-task-maximum", "x-task-exclusiveMinimum",
        "x-task-exclusiveMaximum"
    };

    i = max + 2 * bound->exclusive;
    name = number[i];
    n = bound->value.integer;

    switch (arg->param->type) {

    case NGX_TASK_STRING:
        n += max ? -(int64_t) bound->exclusive : (int64_t) bound->exclusive;
        ngx_http_task_doc_int(s->doc, schema, max ? "maxLength" : "minLength",
                              ngx_max(n, 0));
        return;

    case NGX_TASK_NUMBER:
        if (isfinite(bound->value.number)) {
            ngx_http_task_doc_number(s->doc, schema, name,
                                     bound->value.number);
        }

        return;

    case NGX_TASK_FILE:
    case NGX_TASK_TIME:
    case NGX_TASK_SIZE:
        ngx_http_task_doc_str(s->doc, schema, text[i], &bound->text);

        if (!s->json || arg->param->type == NGX_TASK_FILE) {
            return;
        }

        if (arg->param->type == NGX_TASK_TIME) {
            ngx_http_task_doc_number(s->doc, schema, name, (double) n / 1000);
            return;
        }

        /* fall through */

    default:
        ngx_http_task_doc_int(s->doc, schema, name, n);
    }
}


/* nobody is told the default of a secret */

void
ngx_http_task_schema_default(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg)
{
    ngx_str_t  text;

    if (s->required || !arg->has_def || (arg->param->flags & NGX_TASK_SECRET)
        || !ngx_http_task_schema_default_text(s, arg, &text))
    {
        return;
    }

    switch (arg->param->type) {

    case NGX_TASK_INT:
        ngx_http_task_doc_int(s->doc, schema, "default", arg->def.integer);
        break;

    case NGX_TASK_NUMBER:
        ngx_http_task_doc_number(s->doc, schema, "default", arg->def.number);
        break;

    case NGX_TASK_BOOL:
        (void) ngx_http_task_doc_add(s->doc, schema, "default",
                                     cJSON_CreateBool(arg->def.integer == 1));
        break;

    default:
        ngx_http_task_doc_str(s->doc, schema, "default", &text);
    }
}


/* returns 0 if the default is that of what is left out */

static ngx_uint_t
ngx_http_task_schema_default_text(const ngx_http_task_schema_t *s,
    const ngx_http_task_arg_t *arg, ngx_str_t *text)
{
    size_t                   declares;
    ngx_uint_t               i;
    ngx_http_task_narrow_t  *narrow;

    text->data = (u_char *) arg->param->def;
    text->len = text->data ? ngx_strlen(text->data) : 0;

    if (s->conf == NULL || s->conf->narrow == NULL) {
        return text->data != NULL;
    }

    narrow = s->conf->narrow->elts;
    declares = s->conf->function->table.flags & NGX_TASK_DECLARED;

    for (i = 0; i < s->conf->narrow->nelts; i++) {

        if (narrow[i].def.data && (narrow[i].declared == NULL || declares)
            && narrow[i].name.len == arg->name.len
            && ngx_strncmp(narrow[i].name.data, arg->name.data, arg->name.len)
               == 0)
        {
            *text = narrow[i].def;
        }
    }

    return text->data != NULL;
}
