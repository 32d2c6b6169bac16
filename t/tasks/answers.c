
/*
 * Functions for the tests: answers with headers that nginx looks for, and JSON
 * that is a function's own text.
 */


#include <ngx_task.h>

#include <string.h>


typedef struct {
    const char  *name;
    const char  *value;
    const char  *more;
    int64_t      status;
} answers_args_t;


static ngx_task_rc_t
header(ngx_task_t *t)
{
    const answers_args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_header(t, args->name, args->value);

    if (*args->more) {
        ngx_task_set_header(t, args->name, args->more);
    }

    if (args->status >= 400) {
        return ngx_task_fail(t, (int) args->status, "as it was told");
    }

    ngx_task_set_status(t, (int) args->status);

    return NGX_TASK_OK;
}


/* who may come in is told by a header of the request */

static ngx_task_rc_t
judge(ngx_task_t *t)
{
    const char  *value;

    value = ngx_task_header(t, "Authorization");

    if (value && strcmp(value, "Bearer good") == 0) {
        return NGX_TASK_OK;
    }

    ngx_task_set_header(t, "WWW-Authenticate", "Basic realm=\"first\"");
    ngx_task_set_header(t, "www-authenticate", "Bearer realm=\"second\"");

    return ngx_task_fail(t, 401, "who are you?");
}


static ngx_task_rc_t
lines(ngx_task_t *t)
{
    ngx_task_set_result(t, cJSON_CreateRaw("{\n  \"a\": 1,\r\n\r\n"
                                           "  \"b\": \"x\",\r  \"c\": 2\n}\n"));

    return NGX_TASK_OK;
}


static const ngx_task_param_t  params[] = {
    { "name", NGX_TASK_STRING, offsetof(answers_args_t, name),
      "X-Name", NULL, NULL, "", NULL },
    { "value", NGX_TASK_STRING, offsetof(answers_args_t, value),
      "", NULL, NULL, "", NULL },
    { "more", NGX_TASK_STRING, offsetof(answers_args_t, more),
      "", NULL, NULL, "", NULL },
    { "status", NGX_TASK_INT, offsetof(answers_args_t, status),
      "200", NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {
    { "header", "", header, NULL, sizeof(answers_args_t), params, 0, 0 },
    { "judge", "", judge, NULL, 0, NULL, 0, NGX_TASK_CONTEXT },
    { "lines", "", lines, NULL, 0, NULL, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("answers", functions, NULL, NULL);
