
/*
 * A job that tells how far it is: counts so many steps, each of which takes its
 * time, in a thread.  See conf/jobs.conf.
 */


#include <ngx_task.h>

#include <stdio.h>


typedef struct {
    int64_t  steps;
    int64_t  every;
} countdown_args_t;


static ngx_task_rc_t
countdown(ngx_task_t *t)
{
    char                     text[64];
    int64_t                  i;
    const countdown_args_t  *args;

    args = ngx_task_args(t);

    for (i = 0; i < args->steps; i++) {
        snprintf(text, sizeof(text), "step %lld", (long long) i + 1);

        ngx_task_progress(t, i, args->steps, text);

        if (ngx_task_block_ms(t, args->every) != NGX_TASK_OK) {
            return NGX_TASK_CANCELLED;
        }
    }

    ngx_task_progress(t, args->steps, args->steps, "all steps");

    ngx_task_set_int(t, "steps", args->steps);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  countdown_params[] = {

    NGX_TASK_PARAM(countdown_args_t, steps,
                   .def = "10", .min = "1", .max = "1000",
                   .summary = "how many"),

    NGX_TASK_PARAM_AS(countdown_args_t, every, NGX_TASK_TIME,
                      .def = "1s", .min = "0", .max = "1m",
                      .summary = "how long each takes")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("countdown", .summary = "counts steps",
                      .block = countdown,
                      .args = NGX_TASK_ARGS(countdown_args_t, countdown_params))
};


NGX_TASK_LIBRARY("countdown", functions, NULL, NULL);
