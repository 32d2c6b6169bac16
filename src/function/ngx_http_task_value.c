
/*
 * Values of parameters: they are read from text or JSON by their type, checked
 * against bounds, and written to the arguments of a function.
 */


#include "function/ngx_http_task_function.h"

#include <math.h>


static ngx_int_t ngx_http_task_check(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static int ngx_http_task_compare(const ngx_http_task_type_t *type,
    ngx_http_task_value_t *value, ngx_http_task_bound_t *bound);
static ngx_int_t ngx_http_task_outside(ngx_http_task_arg_t *arg,
    ngx_http_task_bound_t *bound, ngx_http_task_invalid_t *invalid);
static const char *ngx_http_task_value_print(ngx_pool_t *pool,
    const ngx_task_param_t *param, const void *member);
static const char *ngx_http_task_value_choice(const char *choices, int i,
    size_t *len);


ngx_int_t
ngx_http_task_value_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    ngx_int_t                    rc;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    rc = type->text(space, arg, text, value, invalid);

    return (rc == NGX_OK) ? ngx_http_task_check(arg, value, invalid) : rc;
}


/* the span is valid JSON, see ngx_http_task_json_scan() */

ngx_int_t
ngx_http_task_value_json(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    ngx_int_t                    rc;
    ngx_str_t                    text;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    text.data = (u_char *) span->data;
    text.len = span->len;

    if (text.data[0] == 'n' && (arg->param->flags & NGX_TASK_OPTIONAL)
        && !arg->param->item)
    {
        *value = type->none;
        return NGX_OK;
    }

    if (text.data[0] == '"') {
        text.data = ngx_http_task_space_alloc(space, span->len);
        if (text.data == NULL) {
            return NGX_ERROR;
        }

        text.len = ngx_http_task_json_unquote(text.data, span);

        if (type->string) {
            text.data[text.len] = '\0';

            return ngx_http_task_value_string(arg, &text, value, invalid);
        }

        rc = type->text(space, arg, &text, value, invalid);

    } else if (type->json == NULL) {
        ngx_str_set(&text, "");

        rc = type->text(space, arg, &text, value, invalid);

    } else {
        rc = type->json(&text, value, invalid);
    }

    return (rc == NGX_OK) ? ngx_http_task_check(arg, value, invalid) : rc;
}


ngx_int_t
ngx_http_task_value_string(ngx_http_task_arg_t *arg, ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    value->string = *text;

    return ngx_http_task_check(arg, value, invalid);
}


/* reads "10", or ">10" for a minimum, or "<10" for a maximum */

ngx_int_t
ngx_http_task_value_bound(ngx_http_task_arg_t *arg, ngx_str_t *text,
    u_char exclusive, ngx_http_task_bound_t *bound)
{
    ngx_str_t                    rest;
    ngx_http_task_invalid_t      invalid;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    rest = *text;

    ngx_memzero(bound, sizeof(ngx_http_task_bound_t));

    if (rest.len && rest.data[0] == exclusive) {
        rest.data++;
        rest.len--;
        bound->exclusive = 1;
    }

    bound->set = 1;
    bound->text = rest;

    switch (type->bound) {

    case NGX_HTTP_TASK_BOUND_NONE:
        return NGX_ERROR;

    case NGX_HTTP_TASK_BOUND_LENGTH:
        bound->value.integer = ngx_atoi(rest.data, rest.len);

        return (bound->value.integer == NGX_ERROR) ? NGX_ERROR : NGX_OK;

    case NGX_HTTP_TASK_BOUND_NUMBER:

        /* NaN is no bound: nothing is less than it, nor more */

        if (type->text(NULL, arg, &rest, &bound->value, &invalid) != NGX_OK) {
            return NGX_ERROR;
        }

        return isnan(bound->value.number) ? NGX_ERROR : NGX_OK;

    default:
        return type->text(NULL, arg, &rest, &bound->value, &invalid);
    }
}


/* returns 1 if a is a wider minimum, or maximum, than b */

ngx_uint_t
ngx_http_task_value_wider(ngx_http_task_arg_t *arg, ngx_http_task_bound_t *a,
    ngx_http_task_bound_t *b, ngx_uint_t max)
{
    int                          diff;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    if (type->bound == NGX_HTTP_TASK_BOUND_NUMBER) {
        diff = (a->value.number > b->value.number)
               - (a->value.number < b->value.number);

    } else {
        diff = (a->value.integer > b->value.integer)
               - (a->value.integer < b->value.integer);
    }

    if (diff == 0) {
        return b->exclusive && !a->exclusive;
    }

    return max ? diff > 0 : diff < 0;
}


static ngx_int_t
ngx_http_task_check(ngx_http_task_arg_t *arg, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    int                          diff;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    if (type->bound == NGX_HTTP_TASK_BOUND_NONE) {
        return NGX_OK;
    }

    if (arg->max.set) {
        diff = ngx_http_task_compare(type, value, &arg->max);

        if (diff > 0 || (diff == 0 && arg->max.exclusive)) {
            return ngx_http_task_outside(arg, &arg->max, invalid);
        }
    }

    if (arg->min.set) {
        diff = ngx_http_task_compare(type, value, &arg->min);

        if (diff < 0 || (diff == 0 && arg->min.exclusive)) {
            return ngx_http_task_outside(arg, &arg->min, invalid);
        }
    }

    if (type->bound == NGX_HTTP_TASK_BOUND_NUMBER && !isfinite(value->number)) {
        return ngx_http_task_type_invalid(invalid, "finite_number",
                                     "Input should be a finite number", NULL);
    }

    /* an int64_t could not hold it, see ngx_http_task_parse_int() */

    if (type->bound == NGX_HTTP_TASK_BOUND_INTEGER
        && (value->integer == INT64_MAX || value->integer == INT64_MIN))
    {
        return ngx_http_task_type_invalid(invalid, "int_parsing_size",
                                     "Unable to parse input string as an "
                                     "integer, exceeded maximum size", NULL);
    }

    return NGX_OK;
}


/* as a value NaN is beyond any maximum */

static int
ngx_http_task_compare(const ngx_http_task_type_t *type,
    ngx_http_task_value_t *value, ngx_http_task_bound_t *bound)
{
    size_t   i;
    int64_t  n;

    if (type->bound == NGX_HTTP_TASK_BOUND_NUMBER) {
        return !(value->number <= bound->value.number)
               - (value->number < bound->value.number);
    }

    n = value->integer;

    if (type->bound == NGX_HTTP_TASK_BOUND_LENGTH) {
        for (i = 0, n = 0; i < value->string.len; i++) {
            n += (value->string.data[i] & 0xc0) != 0x80;
        }
    }

    return (n > bound->value.integer) - (n < bound->value.integer);
}


static ngx_int_t
ngx_http_task_outside(ngx_http_task_arg_t *arg, ngx_http_task_bound_t *bound,
    ngx_http_task_invalid_t *invalid)
{
    u_char                      *last, *end;
    ngx_uint_t                   max;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    max = (bound == &arg->max);
    last = invalid->msg + sizeof(invalid->msg) - 1;

    invalid->reason = NULL;

    /* an int64_t may have more digits than a double */

    end = invalid->bound;

    if (type->bound != NGX_HTTP_TASK_BOUND_NUMBER && type->unit == 1) {
        end += ngx_http_task_print_int(end, bound->value.integer);

    } else {
        end += ngx_http_task_print_number(end,
                               (type->bound == NGX_HTTP_TASK_BOUND_NUMBER)
                               ? bound->value.number
                               : (double) bound->value.integer / type->unit);
    }

    *end = '\0';

    if (type->bound == NGX_HTTP_TASK_BOUND_LENGTH) {
        invalid->type = max ? "string_too_long" : "string_too_short";
        invalid->ctx = max ? "max_length" : "min_length";

        *ngx_slprintf(invalid->msg, last, "String should have at %s %L "
                      "character%s", max ? "most" : "least",
                      bound->value.integer,
                      bound->value.integer == 1 ? "" : "s") = '\0';

        return NGX_DECLINED;
    }

    if (bound->exclusive) {
        invalid->type = max ? "less_than" : "greater_than";
        invalid->ctx = max ? "lt" : "gt";

    } else {
        invalid->type = max ? "less_than_equal" : "greater_than_equal";
        invalid->ctx = max ? "le" : "ge";
    }

    *ngx_slprintf(invalid->msg, last, "Input should be %s than %s%V",
                  max ? "less" : "greater",
                  bound->exclusive ? "" : "or equal to ", &bound->text) = '\0';

    return NGX_DECLINED;
}


ngx_http_task_value_t
ngx_http_task_value_none(const ngx_task_param_t *param)
{
    static const ngx_http_task_value_t  empty = { .list = { NULL, 0 } };

    return param->item ? empty : ngx_http_task_types[param->type].none;
}


void
ngx_http_task_value_store(const ngx_task_param_t *param, void *structure,
    ngx_http_task_value_t *value)
{
    u_char  *member;

    member = (u_char *) structure + param->offset;

    if (param->item) {
        *(ngx_http_task_list_t *) member = value->list;
        return;
    }

    ngx_http_task_types[param->type].store(member,
                                           ngx_http_task_param_size(param),
                                           value);
}


/*
 * Makes the structure; its strings stay where they are.  Of a parameter that
 * the location has declared it has the text.
 */

void *
ngx_http_task_value_args(ngx_pool_t *pool,
    const ngx_http_task_args_conf_t *conf, ngx_http_task_value_t *values)
{
    u_char                      *stored;
    int64_t                      declared;
    ngx_uint_t                   i;
    const char                 **text;
    ngx_http_task_arg_t         *arg;
    const ngx_http_task_type_t  *type;

    stored = ngx_pcalloc(pool, conf->args_size + 1);
    if (stored == NULL) {
        return NULL;
    }

    arg = conf->args->elts;

    for (i = 0; i < conf->args->nelts; i++) {
        if (i < conf->function->args.nargs
            || arg[i].param->type == NGX_TASK_STRING)
        {
            ngx_http_task_value_store(arg[i].param, stored, &values[i]);
            continue;
        }

        type = &ngx_http_task_types[arg[i].param->type];

        type->store((u_char *) &declared,
                    ngx_http_task_param_size(arg[i].param), &values[i]);

        text = (const char **) (stored + arg[i].param->offset);
        *text = ngx_http_task_value_print(pool, arg[i].param, &declared);

        if (*text == NULL) {
            return NULL;
        }
    }

    return stored;
}


/* as text, which is no string; NULL: no memory */

static const char *
ngx_http_task_value_print(ngx_pool_t *pool, const ngx_task_param_t *param,
    const void *member)
{
    size_t        len;
    u_char       *p;
    const char   *choice;

    switch (param->type) {

    case NGX_TASK_BOOL:
        return *(const int *) member ? "true" : "false";

    case NGX_TASK_ENUM:
        choice = ngx_http_task_value_choice(param->choices,
                                            *(const int *) member, &len);

        p = ngx_pnalloc(pool, len + 1);

        if (p) {
            *ngx_cpymem(p, choice, len) = '\0';
        }

        break;

    default:
        p = ngx_pnalloc(pool, NGX_HTTP_TASK_NUMBER_TEXT);

        if (p) {
            len = (param->type == NGX_TASK_NUMBER)
                  ? ngx_http_task_print_number(p, *(const double *) member)
                  : ngx_http_task_print_int(p, *(const int64_t *) member);

            p[len] = '\0';
        }
    }

    return (const char *) p;
}


/* returns the choice of this index, which is valid, and sets its length */

static const char *
ngx_http_task_value_choice(const char *choices, int i, size_t *len)
{
    const char  *p;

    for (p = choices; i > 0; i--) {
        p += strcspn(p, "|") + 1;
    }

    *len = strcspn(p, "|");

    return p;
}
