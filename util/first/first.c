
/*
 * A task function: `nginx-task run first.c` builds and serves it, and does so
 * again when this file is saved.  All that it may use is told in ngx_task.h.
 */


#include <ngx_task.h>


/* what a request may say: ?name=you, or {"name":"you"} in a body */

typedef struct {
    const char  *name;
} first_args_t;


/* it runs in a thread: it may block, or use a processor, for as long as it likes */

static ngx_task_rc_t
first(ngx_task_t *t)
{
    const first_args_t  *args = ngx_task_args(t);

    ngx_task_set_string(t, "hello", args->name);

    return NGX_TASK_OK;
}


/* a request is checked by it before anything runs; without a default: required */

static const ngx_task_param_t  first_params[] = {

    { "name", NGX_TASK_STRING, offsetof(first_args_t, name),
      "world", NULL, NULL, "whom to greet", NULL, 0 },

    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL, 0 }
};


/* what "task" in nginx.conf may name */

static const ngx_task_function_t  functions[] = {
    { "first", "greets", first, NULL, sizeof(first_args_t), first_params, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("first", functions, NULL, NULL);
