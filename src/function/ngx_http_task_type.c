
/*
 * The types of parameters: which text, and which JSON, is a value of each.
 * The words of the errors are pydantic's.
 */


#include "function/ngx_http_task_function.h"

#include <math.h>
#include <stdbool.h>


static ngx_int_t ngx_http_task_time_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_time_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_size_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_size_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_int_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_int_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_number_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_number_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_bool_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_bool_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_string_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_string_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
static ngx_int_t ngx_http_task_enum_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
static void ngx_http_task_store_int64(void *member, size_t size,
    ngx_http_task_value_t *value);
static void ngx_http_task_store_int(void *member, size_t size,
    ngx_http_task_value_t *value);
static void ngx_http_task_store_double(void *member, size_t size,
    ngx_http_task_value_t *value);
static void ngx_http_task_store_string(void *member, size_t size,
    ngx_http_task_value_t *value);
static void ngx_http_task_store_pointer(void *member, size_t size,
    ngx_http_task_value_t *value);
static void ngx_http_task_store_file(void *member, size_t size,
    ngx_http_task_value_t *value);
static ngx_uint_t ngx_http_task_type_number(ngx_str_t *text, double *number);
static ngx_uint_t ngx_http_task_type_bool(ngx_str_t *text, int64_t *truth);


/* in the order of ngx_task_type_t */

const ngx_http_task_type_t  ngx_http_task_types[] = {
    { ngx_http_task_time_text, ngx_http_task_time_json,
      ngx_http_task_store_int64, NGX_HTTP_TASK_BOUND_INTEGER,
      1000, sizeof(int64_t), 0, 0, { .integer = NGX_TASK_NOT_GIVEN } },
    { ngx_http_task_string_text, ngx_http_task_string_json,
      ngx_http_task_store_string, NGX_HTTP_TASK_BOUND_LENGTH,
      1, sizeof(char *), 0, 1, { .string = ngx_null_string } },
    { ngx_http_task_int_text, ngx_http_task_int_json,
      ngx_http_task_store_int64, NGX_HTTP_TASK_BOUND_INTEGER,
      1, sizeof(int64_t), 0, 0, { .integer = NGX_TASK_NOT_GIVEN } },
    { ngx_http_task_number_text, ngx_http_task_number_json,
      ngx_http_task_store_double, NGX_HTTP_TASK_BOUND_NUMBER,
      1, sizeof(double), 0, 0, { .number = NAN } },
    { ngx_http_task_bool_text, ngx_http_task_bool_json,
      ngx_http_task_store_int, NGX_HTTP_TASK_BOUND_NONE,
      1, sizeof(int), sizeof(bool), 0, { .integer = -1 } },
    { ngx_http_task_size_text, ngx_http_task_size_json,
      ngx_http_task_store_int64, NGX_HTTP_TASK_BOUND_INTEGER,
      1, sizeof(int64_t), 0, 0, { .integer = NGX_TASK_NOT_GIVEN } },
    { ngx_http_task_enum_text, NULL,
      ngx_http_task_store_int, NGX_HTTP_TASK_BOUND_NONE,
      1, sizeof(int), 0, 0, { .integer = -1 } },
    { NULL, NULL,
      ngx_http_task_store_pointer, NGX_HTTP_TASK_BOUND_NONE,
      1, sizeof(cJSON *), 0, 0, { .pointer = NULL } },
    { NULL, NULL,
      ngx_http_task_store_pointer, NGX_HTTP_TASK_BOUND_NONE,
      1, sizeof(void *), 0, 0, { .pointer = NULL } },
    { NULL, NULL,
      ngx_http_task_store_file, NGX_HTTP_TASK_BOUND_NONE,
      1, sizeof(ngx_task_file_t), 0, 0, { .file = NULL } }
};


const ngx_uint_t  ngx_http_task_ntypes = sizeof(ngx_http_task_types)
                                         / sizeof(ngx_http_task_types[0]);


static ngx_int_t
ngx_http_task_time_text(ngx_http_task_space_t *space, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    value->integer = ngx_parse_time(text, 0);

    if (value->integer == NGX_ERROR) {
        return ngx_http_task_type_invalid(invalid, "time_delta_parsing",
                                 "Input should be a valid timedelta, ",
                                 "expected a time as 1500ms, 20s or 1m30s");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_time_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    double  ms;

    if (!ngx_http_task_type_number(text, &ms)) {
        return ngx_http_task_type_invalid(invalid, "time_delta_type",
                                     "Input should be a valid timedelta", NULL);
    }

    ms = round(ms * 1000);

    if (ms < 0) {

        /* a time in nginx's text cannot be negative either */

        return ngx_http_task_type_invalid(invalid, "time_delta_parsing",
                                 "Input should be a valid timedelta, ",
                                 "expected a time that is not negative");
    }

    value->integer = (ms < 1e18) ? (int64_t) ms : INT64_MAX;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_size_text(ngx_http_task_space_t *space, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    value->integer = ngx_parse_offset(text);

    if (value->integer == NGX_ERROR) {
        return ngx_http_task_type_invalid(invalid, "byte_size",
                  "could not parse value and unit from byte string", NULL);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_size_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    ngx_int_t  rc;

    rc = ngx_http_task_int_json(text, value, invalid);

    if (rc == NGX_OK && value->integer >= 0) {
        return NGX_OK;
    }

    return ngx_http_task_type_invalid(invalid, "byte_size",
                  "could not parse value and unit from byte string", NULL);
}


static ngx_int_t
ngx_http_task_int_text(ngx_http_task_space_t *space, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    if (ngx_http_task_parse_int(text->data, text->len, &value->integer)) {
        return NGX_OK;
    }

    return ngx_http_task_type_invalid(invalid, "int_parsing",
                  "Input should be a valid integer, unable to parse string as "
                  "an integer", NULL);
}


/* reads the text of a number, which may have more digits than a double */

static ngx_int_t
ngx_http_task_int_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    double  n;

    if (ngx_http_task_type_bool(text, &value->integer)
        || ngx_http_task_parse_int(text->data, text->len, &value->integer))
    {
        return NGX_OK;
    }

    if (!ngx_http_task_type_number(text, &n)) {
        return ngx_http_task_type_invalid(invalid, "int_type",
                                     "Input should be a valid integer", NULL);
    }

    if (fabs(n) >= 9223372036854775808.0) {
        value->integer = (n < 0) ? INT64_MIN : INT64_MAX;
        return NGX_OK;
    }

    if (n != floor(n)) {
        return ngx_http_task_type_invalid(invalid, "int_from_float",
                  "Input should be a valid integer, got a number with a "
                  "fractional part", NULL);
    }

    value->integer = (int64_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_number_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    if (ngx_http_task_parse_number(text->data, text->len, &value->number)) {
        return NGX_OK;
    }

    return ngx_http_task_type_invalid(invalid, "float_parsing",
                  "Input should be a valid number, unable to parse string as a "
                  "number", NULL);
}


static ngx_int_t
ngx_http_task_number_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    int64_t  truth;

    if (ngx_http_task_type_bool(text, &truth)) {
        value->number = (double) truth;
        return NGX_OK;
    }

    if (ngx_http_task_type_number(text, &value->number)) {
        return NGX_OK;
    }

    return ngx_http_task_type_invalid(invalid, "float_type",
                                     "Input should be a valid number", NULL);
}


static ngx_int_t
ngx_http_task_bool_text(ngx_http_task_space_t *space, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    int  n;

    if (!ngx_http_task_parse_bool(text->data, text->len, &n)) {
        return ngx_http_task_type_invalid(invalid, "bool_parsing",
                  "Input should be a valid boolean, unable to interpret input",
                  NULL);
    }

    value->integer = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_bool_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    double  n;

    if (ngx_http_task_type_bool(text, &value->integer)) {
        return NGX_OK;
    }

    if (!ngx_http_task_type_number(text, &n)) {
        return ngx_http_task_type_invalid(invalid, "bool_type",
                                     "Input should be a valid boolean", NULL);
    }

    if (n != floor(n) || fabs(n) >= 9223372036854775808.0) {
        return ngx_http_task_type_invalid(invalid, "bool_type",
                                     "Input should be a valid boolean", NULL);
    }

    if (n != 0 && n != 1) {
        return ngx_http_task_type_invalid(invalid, "bool_parsing",
                  "Input should be a valid boolean, unable to interpret input",
                  NULL);
    }

    value->integer = (n == 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_string_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    size_t   size;
    u_char  *p;

    if (ngx_strlchr(text->data, text->data + text->len, '\0')) {
        return ngx_http_task_type_invalid(invalid, "value_error",
                             "Value error, ", "null character not allowed");
    }

    size = text->len;

    if (ngx_http_task_utf8_valid(text->data, text->len) != text->len) {
        size *= NGX_HTTP_TASK_UTF8_GROWTH;
    }

    p = ngx_http_task_space_alloc(space, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->string.data = p;
    value->string.len = ngx_http_task_utf8_copy(p, text->data, text->len);

    p[value->string.len] = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_string_json(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    return ngx_http_task_type_invalid(invalid, "string_type",
                                     "Input should be a valid string", NULL);
}


/* for "red|green" the error says: 'red' or 'green' */

static ngx_int_t
ngx_http_task_enum_text(ngx_http_task_space_t *space, ngx_http_task_arg_t *arg,
    ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid)
{
    size_t       len;
    u_char      *p, *last;
    const char  *choice, *end;

    value->integer = 0;

    p = invalid->expected;
    last = p + sizeof(invalid->expected) - 1;

    for (choice = arg->param->choices; *choice; choice = end) {

        len = strcspn(choice, "|");
        end = choice + len + (choice[len] == '|');

        if (len == text->len && ngx_strncmp(choice, text->data, len) == 0) {
            return NGX_OK;
        }

        p = ngx_slprintf(p, last, "%s'%*s'", value->integer == 0 ? ""
                                             : *end ? ", " : " or ",
                         len, choice);

        value->integer++;
    }

    *p = '\0';

    (void) ngx_http_task_type_invalid(invalid, "literal_error",
                             "Input should be ", (char *) invalid->expected);

    invalid->ctx = "expected";

    return NGX_DECLINED;
}


static void
ngx_http_task_store_int64(void *member, size_t size,
    ngx_http_task_value_t *value)
{
    *(int64_t *) member = value->integer;
}


static void
ngx_http_task_store_int(void *member, size_t size,
    ngx_http_task_value_t *value)
{
    if (size == sizeof(bool)) {
        *(bool *) member = (bool) value->integer;

    } else {
        *(int *) member = (int) value->integer;
    }
}


static void
ngx_http_task_store_double(void *member, size_t size,
    ngx_http_task_value_t *value)
{
    *(double *) member = value->number;
}


static void
ngx_http_task_store_string(void *member, size_t size,
    ngx_http_task_value_t *value)
{
    *(const char **) member = (const char *) value->string.data;
}


static void
ngx_http_task_store_pointer(void *member, size_t size,
    ngx_http_task_value_t *value)
{
    *(const void **) member = value->pointer;
}


static void
ngx_http_task_store_file(void *member, size_t size,
    ngx_http_task_value_t *value)
{
    if (value->file) {
        *(ngx_task_file_t *) member = *value->file;

    } else {
        ngx_memzero(member, sizeof(ngx_task_file_t));
    }
}


/* the text is valid JSON: its first character tells what it is */

static ngx_uint_t
ngx_http_task_type_number(ngx_str_t *text, double *number)
{
    return (text->data[0] == '-'
            || (text->data[0] >= '0' && text->data[0] <= '9'))
           && ngx_http_task_parse_number(text->data, text->len, number);
}


static ngx_uint_t
ngx_http_task_type_bool(ngx_str_t *text, int64_t *truth)
{
    *truth = (text->data[0] == 't');

    return *truth || text->data[0] == 'f';
}


/* the message ends with the reason, which is also the value in "ctx" */

ngx_int_t
ngx_http_task_type_invalid(ngx_http_task_invalid_t *invalid, const char *type,
    const char *msg, const char *reason)
{
    invalid->type = type;
    invalid->ctx = reason ? "error" : NULL;
    invalid->reason = reason;

    *ngx_slprintf(invalid->msg, invalid->msg + sizeof(invalid->msg) - 1,
                  "%s%s", msg, reason ? reason : "") = '\0';

    return NGX_DECLINED;
}
