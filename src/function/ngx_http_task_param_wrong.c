
/*
 * What is wrong with a row of a table of parameters, in words that follow its
 * name.
 */


#include "function/ngx_http_task_function.h"


static const char *ngx_http_task_param_wrong_kind(
    ngx_http_task_function_t *function, const ngx_task_param_t *param,
    ngx_uint_t depth);
static const char *ngx_http_task_param_wrong_compound(
    ngx_http_task_function_t *function, const ngx_task_param_t *param,
    ngx_uint_t depth);
static const char *ngx_http_task_param_wrong_size(
    const ngx_task_param_t *param);
static const char *ngx_http_task_param_misplaced(
    const ngx_http_task_table_t *table, ngx_uint_t i);


const char *
ngx_http_task_param_wrong(ngx_http_task_function_t *function,
    const ngx_http_task_table_t *table, ngx_uint_t i, ngx_uint_t depth)
{
    ngx_uint_t               n;
    const char              *wrong;
    const ngx_task_param_t  *param;

    param = &table->params[i];

    if (!ngx_http_task_param_name(param->name)) {
        return "has an invalid name";
    }

    for (n = 0; n < i; n++) {
        if (ngx_strcmp(table->params[n].name, param->name) == 0) {
            return "is there twice";
        }
    }

    wrong = ngx_http_task_param_wrong_kind(function, param, depth);

    return wrong ? wrong : ngx_http_task_param_misplaced(table, i);
}


static const char *
ngx_http_task_param_wrong_kind(ngx_http_task_function_t *function,
    const ngx_task_param_t *param, ngx_uint_t depth)
{
    if ((ngx_uint_t) param->type >= ngx_http_task_ntypes) {
        return "is of no known type";
    }

    if (param->flags
        & ~(size_t) (NGX_TASK_SECRET|NGX_TASK_OPTIONAL|NGX_TASK_FIXED))
    {
        return "has an unknown flag";
    }

    if ((param->flags & NGX_TASK_OPTIONAL) && param->def) {
        return "is optional, and has a default";
    }

    if ((param->flags & NGX_TASK_FIXED) && depth) {
        return "is in an object, and no request may choose it";
    }

    if (param->type == NGX_TASK_ENUM
        && !ngx_http_task_param_choices(param->choices))
    {
        return "has no choices, or an empty one";
    }

    if (param->item == 0 && (param->min_items || param->max_items)) {
        return "has a number of items, but is no list";
    }

    if (ngx_http_task_param_compound(param)) {
        return ngx_http_task_param_wrong_compound(function, param, depth);
    }

    return ngx_http_task_param_wrong_size(param);
}


static const char *
ngx_http_task_param_wrong_compound(ngx_http_task_function_t *function,
    const ngx_task_param_t *param, ngx_uint_t depth)
{
    if (function->settings || (param->flags & NGX_TASK_FIXED)) {
        return "is a list, an object, JSON or a file, which nginx.conf cannot "
               "give";
    }

    if (param->def) {
        return "has a default, which no list, object, JSON or file can have: "
               "let it be optional";
    }

    if (param->max_items && param->min_items > param->max_items) {
        return "has more items as the minimum than as the maximum";
    }

    if (param->type == NGX_TASK_JSON && param->choices
        && ngx_strcmp(param->choices, "object") != 0
        && ngx_strcmp(param->choices, "array") != 0)
    {
        return "is JSON whose choices are not \"object\" or \"array\"";
    }

    if (param->type == NGX_TASK_FILE && depth) {
        return "is a file, and in an object";
    }

    if (param->type == NGX_TASK_OBJECT) {

        if (param->fields.params == NULL || param->fields.size == 0) {
            return "is an object without fields: give them by "
                   "NGX_TASK_PARAM_OBJECT()";
        }

        if (depth == NGX_HTTP_TASK_FIELDS_DEPTH) {
            return "is an object within too many others";
        }
    }

    return ngx_http_task_param_wrong_size(param);
}


static const char *
ngx_http_task_param_wrong_size(const ngx_task_param_t *param)
{
    size_t                       size;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[param->type];
    size = ngx_http_task_param_size(param);

    if (param->item) {

        if (size != sizeof(ngx_http_task_list_t)) {
            return "has a member that is no NGX_TASK_LIST()";
        }

        if (param->type == NGX_TASK_OBJECT
            ? param->item != param->fields.size
            : param->item != type->size && param->item != type->small)
        {
            return "has items of another size than their type";
        }

        return NULL;
    }

    if (size != type->size && size != type->small) {
        return "has a member of another size than its type";
    }

    if (size != type->size && (param->flags & NGX_TASK_OPTIONAL)) {
        return "is optional: its member has to be an int";
    }

    return NULL;
}


/* an int where an int64_t belongs is seen if something stands behind it */

static const char *
ngx_http_task_param_misplaced(const ngx_http_task_table_t *table, ngx_uint_t i)
{
    size_t                   size;
    ngx_uint_t               n;
    const ngx_task_param_t  *param, *other;

    param = &table->params[i];
    size = ngx_http_task_param_size(param);

    if (param->offset > table->size || table->size - param->offset < size) {
        return "is outside of the structure";
    }

    for (n = 0; n < i; n++) {
        other = &table->params[n];

        if (param->offset < other->offset + ngx_http_task_param_size(other)
            && other->offset < param->offset + size)
        {
            return "overlaps another one in the structure: one of their "
                   "members is smaller than its type, such as an int where an "
                   "int64_t belongs";
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_task_param_choices(const char *p)
{
    size_t  len;

    if (p == NULL) {
        return 0;
    }

    for ( ;; ) {
        len = strcspn(p, "|");

        if (len == 0) {
            return 0;
        }

        if (p[len] == '\0') {
            return 1;
        }

        p += len + 1;
    }
}


ngx_uint_t
ngx_http_task_param_name(const char *name)
{
    const char  *p;

    for (p = name; *p; p++) {
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
              || (*p >= '0' && *p <= '9') || *p == '_' || *p == '-'))
        {
            return 0;
        }
    }

    return p > name;
}
