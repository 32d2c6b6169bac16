
/*
 * A job that does nothing but tell when it has begun, in nanoseconds of the
 * monotonic clock, which all processes of a machine share; t/bench/queues.py
 * has it.
 */


#include <ngx_task.h>

#include <time.h>


typedef struct {
    int64_t  n;
} stamp_args_t;


static ngx_task_rc_t
stamp(ngx_task_t *t)
{
    struct timespec      now;
    const stamp_args_t  *args;

    clock_gettime(CLOCK_MONOTONIC, &now);

    args = ngx_task_args(t);

    ngx_task_set_int(t, "n", args->n);
    ngx_task_set_int(t, "began", now.tv_sec * 1000000000LL + now.tv_nsec);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
stamp_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) f;

    return stamp(t);
}


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_AS(stamp_args_t, n, NGX_TASK_INT, .def = "0")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("stamp", .block = stamp, .async = stamp_async,
                      .args = NGX_TASK_ARGS(stamp_args_t, params))
};


NGX_TASK_LIBRARY("stamp", functions, NULL, NULL);
