
/*
 * The smallest function there is, with parameters: /hello?name=you&times=3
 */


#include <ngx_task.h>

#include <stdbool.h>
#include <stdio.h>


typedef struct {
    const char  *name;
    int64_t      times;
    bool         loud;
} hello_args_t;


static ngx_task_rc_t
hello(ngx_task_t *t)
{
    char                 text[128];
    const hello_args_t  *args;

    args = ngx_task_args(t);

    snprintf(text, sizeof(text), "hello, %s%s", args->name,
             args->loud ? "!" : "");

    ngx_task_set_string(t, "message", text);
    ngx_task_set_int(t, "times", args->times);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  hello_params[] = {

    NGX_TASK_PARAM(hello_args_t, name, .def = "world", .min = "1", .max = "40",
                   .summary = "whom to greet"),

    NGX_TASK_PARAM(hello_args_t, times, .def = "1", .min = "1", .max = "100",
                   .summary = "how often"),

    NGX_TASK_PARAM(hello_args_t, loud, .def = "no",
                   .summary = "with an exclamation mark")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("hello", .summary = "greets", .block = hello,
                      .args = NGX_TASK_ARGS(hello_args_t, hello_params))
};


NGX_TASK_LIBRARY("hello", functions, NULL, NULL);
