
/*
 * A task function: `nginx-task run first.c` builds and serves it, and does so
 * again when this file is saved.  All that it may use is told in ngx_task.h.
 */


#include <ngx_task.h>


/* what a request may say: ?name=you, or {"name":"you"} in a body */

typedef struct {
    const char  *name;
} first_args_t;


/* in a thread: it may block, or use a processor, for as long as it likes */

static ngx_task_rc_t
first(ngx_task_t *t)
{
    const first_args_t  *args = ngx_task_args(t);

    ngx_task_set_string(t, "hello", args->name);

    return NGX_TASK_OK;
}


/* checked before anything runs; what has no default is required */

static const ngx_task_param_t  first_params[] = {

    NGX_TASK_PARAM(first_args_t, name, .def = "world",
                   .summary = "whom to greet")
};


/* what "task" in nginx.conf may name */

static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("first", .summary = "greets", .block = first,
                      .args = NGX_TASK_ARGS(first_args_t, first_params))
};


NGX_TASK_LIBRARY("first", functions, NULL, NULL);
