
/*
 * The smallest function there is, with parameters: /hello?name=you&times=3
 */


#include <ngx_task.h>

#include <stdio.h>


typedef struct {
    const char  *name;
    int64_t      times;
    int          loud;
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

    { "name", NGX_TASK_STRING, offsetof(hello_args_t, name),
      "world", "1", "40", "whom to greet", NULL },

    { "times", NGX_TASK_INT, offsetof(hello_args_t, times),
      "1", "1", "100", "how often", NULL },

    { "loud", NGX_TASK_BOOL, offsetof(hello_args_t, loud),
      "no", NULL, NULL, "with an exclamation mark", NULL },

    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {

    { "hello", "greets", hello, NULL, sizeof(hello_args_t), hello_params, 0,
      0 },

    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("hello", functions, NULL, NULL);
