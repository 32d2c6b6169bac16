
/*
 * The types of parameters: what text and what JSON is a value, and whether
 * it is within bounds.  The words of the errors are pydantic's.
 */


#include "ngx_http_task.h"


typedef struct {
    /* a value as nginx.conf and a query have it */
    ngx_int_t  (*text)(ngx_pool_t *pool, ngx_str_t *text,
                       ngx_http_task_value_t *value,
                       ngx_http_task_invalid_t *invalid);

    /* a value as a JSON body has it */
    ngx_int_t  (*json)(ngx_pool_t *pool, cJSON *json,
                       ngx_http_task_value_t *value,
                       ngx_http_task_invalid_t *invalid);

    ngx_int_t  (*bound)(ngx_str_t *text, int64_t *bound);

    ngx_int_t  (*check)(ngx_http_task_arg_t *arg, ngx_http_task_value_t *value,
                        ngx_http_task_invalid_t *invalid);
} ngx_http_task_type_t;


static ngx_int_t ngx_http_task_time_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_time_json(ngx_pool_t *pool, cJSON *json,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_time_bound(ngx_str_t *text, int64_t *bound);
static ngx_int_t ngx_http_task_time_check(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);

static ngx_int_t ngx_http_task_string_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_string_json(ngx_pool_t *pool, cJSON *json,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_string_bound(ngx_str_t *text, int64_t *bound);
static ngx_int_t ngx_http_task_string_check(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);

static ngx_int_t ngx_http_task_invalid(ngx_http_task_invalid_t *invalid,
    const char *type, const char *msg, const char *reason);


/* in the order of ngx_task_type_t */

static const ngx_http_task_type_t  ngx_http_task_types[] = {
    { ngx_http_task_time_text, ngx_http_task_time_json,
      ngx_http_task_time_bound, ngx_http_task_time_check },
    { ngx_http_task_string_text, ngx_http_task_string_json,
      ngx_http_task_string_bound, ngx_http_task_string_check }
};


ngx_int_t
ngx_http_task_value_text(ngx_pool_t *pool, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    ngx_int_t                    rc;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    rc = type->text(pool, text, value, invalid);

    return (rc == NGX_OK) ? type->check(arg, value, invalid) : rc;
}


ngx_int_t
ngx_http_task_value_json(ngx_pool_t *pool, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *span, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    cJSON                       *json;
    ngx_int_t                    rc;
    const ngx_http_task_type_t  *type;

    type = &ngx_http_task_types[arg->param->type];

    /* the text is valid, so it is memory that lacks if this fails */

    json = cJSON_ParseWithLength((const char *) span->data, span->len);
    if (json == NULL) {
        return NGX_ERROR;
    }

    rc = type->json(pool, json, value, invalid);

    cJSON_Delete(json);

    return (rc == NGX_OK) ? type->check(arg, value, invalid) : rc;
}


ngx_int_t
ngx_http_task_value_bound(ngx_http_task_arg_t *arg, ngx_str_t *text,
    int64_t *bound)
{
    return ngx_http_task_types[arg->param->type].bound(text, bound);
}


size_t
ngx_http_task_value_size(ngx_http_task_arg_t *arg, ngx_http_task_value_t *value)
{
    return (arg->param->type == NGX_TASK_STRING) ? value->string.len + 1 : 0;
}


u_char *
ngx_http_task_value_store(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, void *args, u_char *strings)
{
    u_char  *member;

    member = (u_char *) args + arg->param->offset;

    switch (arg->param->type) {

    case NGX_TASK_TIME:
        *(int64_t *) member = value->integer;
        break;

    case NGX_TASK_STRING:
        *(const char **) member = (const char *) strings;
        strings = ngx_cpymem(strings, value->string.data, value->string.len);
        *strings++ = '\0';
        break;
    }

    return strings;
}


static ngx_int_t
ngx_http_task_time_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    if (ngx_http_task_time_bound(text, &value->integer) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_task_invalid(invalid, "time_delta_parsing",
                                 "Input should be a valid timedelta, ",
                                 "expected a time as 1500ms, 20s or 1m30s");
}


static ngx_int_t
ngx_http_task_time_json(ngx_pool_t *pool, cJSON *json,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    ngx_str_t  text;

    if (cJSON_IsString(json)) {
        text.data = (u_char *) json->valuestring;
        text.len = ngx_strlen(json->valuestring);

        return ngx_http_task_time_text(pool, &text, value, invalid);
    }

    if (!cJSON_IsNumber(json)) {
        return ngx_http_task_invalid(invalid, "time_delta_type",
                                     "Input should be a valid timedelta", NULL);
    }

    /* seconds; the limits keep the product within an int64_t */

    if (json->valuedouble < -1e12 || json->valuedouble > 1e12) {
        value->integer = (json->valuedouble < 0) ? INT64_MIN : INT64_MAX;

    } else {
        value->integer = (int64_t) (json->valuedouble * 1000
                                    + (json->valuedouble < 0 ? -0.5 : 0.5));
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_time_bound(ngx_str_t *text, int64_t *bound)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(text, 0);

    *bound = ms;

    return (ms == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_task_time_check(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    u_char  *last;

    last = invalid->msg + sizeof(invalid->msg);
    invalid->reason = NULL;

    if (arg->has_min && value->integer < arg->min) {
        invalid->type = "greater_than_equal";
        invalid->ctx = "ge";
        invalid->bound = (double) arg->min / 1000;

        *ngx_slprintf(invalid->msg, last - 1,
                      "Input should be greater than or equal to %V",
                      &arg->min_text) = '\0';
        return NGX_DECLINED;
    }

    if (arg->has_max && value->integer > arg->max) {
        invalid->type = "less_than_equal";
        invalid->ctx = "le";
        invalid->bound = (double) arg->max / 1000;

        *ngx_slprintf(invalid->msg, last - 1,
                      "Input should be less than or equal to %V",
                      &arg->max_text) = '\0';
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_string_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    size_t   size;
    u_char  *p;

    if (ngx_strlchr(text->data, text->data + text->len, '\0')) {
        return ngx_http_task_invalid(invalid, "value_error", "Value error, ",
                                     "null character not allowed");
    }

    size = text->len;

    if (ngx_http_task_utf8_valid(text->data, text->len) != text->len) {
        size *= NGX_HTTP_TASK_UTF8_GROWTH;
    }

    p = ngx_pnalloc(pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->string.data = p;
    value->string.len = ngx_http_task_utf8_copy(p, text->data, text->len);

    p[value->string.len] = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_string_json(ngx_pool_t *pool, cJSON *json,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    ngx_str_t  text;

    if (!cJSON_IsString(json)) {
        return ngx_http_task_invalid(invalid, "string_type",
                                     "Input should be a valid string", NULL);
    }

    text.data = (u_char *) json->valuestring;
    text.len = ngx_strlen(json->valuestring);

    return ngx_http_task_string_text(pool, &text, value, invalid);
}


/* bounds of a string are numbers of characters */

static ngx_int_t
ngx_http_task_string_bound(ngx_str_t *text, int64_t *bound)
{
    *bound = ngx_atoi(text->data, text->len);

    return (*bound == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_task_string_check(ngx_http_task_arg_t *arg,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    size_t    i;
    u_char   *last;
    int64_t   n;

    if (!arg->has_min && !arg->has_max) {
        return NGX_OK;
    }

    for (i = 0, n = 0; i < value->string.len; i++) {
        n += (value->string.data[i] & 0xc0) != 0x80;
    }

    last = invalid->msg + sizeof(invalid->msg);
    invalid->reason = NULL;

    if (arg->has_min && n < arg->min) {
        invalid->type = "string_too_short";
        invalid->ctx = "min_length";
        invalid->bound = (double) arg->min;

        *ngx_slprintf(invalid->msg, last - 1,
                      "String should have at least %L character%s",
                      arg->min, arg->min == 1 ? "" : "s") = '\0';
        return NGX_DECLINED;
    }

    if (arg->has_max && n > arg->max) {
        invalid->type = "string_too_long";
        invalid->ctx = "max_length";
        invalid->bound = (double) arg->max;

        *ngx_slprintf(invalid->msg, last - 1,
                      "String should have at most %L character%s",
                      arg->max, arg->max == 1 ? "" : "s") = '\0';
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* the message ends with the reason, which is told apart in "ctx" */

static ngx_int_t
ngx_http_task_invalid(ngx_http_task_invalid_t *invalid, const char *type,
    const char *msg, const char *reason)
{
    invalid->type = type;
    invalid->ctx = reason ? "error" : NULL;
    invalid->reason = reason;

    *ngx_slprintf(invalid->msg, invalid->msg + sizeof(invalid->msg) - 1,
                  "%s%s", msg, reason ? reason : "") = '\0';

    return NGX_DECLINED;
}
