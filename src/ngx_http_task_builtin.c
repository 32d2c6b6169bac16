
/*
 * The functions of the module itself, written as a user would write them:
 * against ngx_task.h alone.
 */


#include "ngx_task.h"
#include "ngx_http_task_command.h"


typedef struct {
    int64_t      duration;
    const char  *status;
} sleep_args_t;


static ngx_task_rc_t
sleep_block(ngx_task_t *t)
{
    const sleep_args_t  *args;

    args = ngx_task_args(t);

    if (ngx_task_block_ms(t, args->duration) != NGX_TASK_OK) {
        return NGX_TASK_CANCELLED;
    }

    ngx_task_set_string(t, "status", args->status);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
sleep_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    const sleep_args_t  *args;

    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->duration));

    ngx_task_set_string(t, "status", args->status);

    NGX_TASK_END(f);
}


static const ngx_task_param_t  sleep_params[] = {

    NGX_TASK_PARAM_AS(sleep_args_t, duration, NGX_TASK_TIME,
                      .def = "20s", .min = "0", .max = "1h",
                      .summary = "how long to sleep"),

    NGX_TASK_PARAM(sleep_args_t, status,
                   .def = "long_running task completed",
                   .summary = "what to answer")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("sleep", .summary = "sleeps and answers with a status",
                      .block = sleep_block, .async = sleep_async,
                      .args = NGX_TASK_ARGS(sleep_args_t, sleep_params)),

    NGX_TASK_FUNCTION("command", .summary = "runs a program",
                      .block = ngx_http_task_command_block,
                      .flags = NGX_TASK_RAW_BODY|NGX_TASK_DECLARED,
                      .args = NGX_TASK_ARGS(ngx_http_task_command_args_t,
                                            ngx_http_task_command_params),
                      .check = ngx_http_task_command_check,
                      .result_type = "*/*")
};


NGX_TASK_LIBRARY("nginx", functions, NULL, NULL);
