
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

    { "steps", NGX_TASK_INT, offsetof(countdown_args_t, steps),
      "10", "1", "1000", "how many", NULL },

    { "every", NGX_TASK_TIME, offsetof(countdown_args_t, every),
      "1s", "0", "1m", "how long each takes", NULL },

    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {

    { "countdown", "counts steps", countdown, NULL, sizeof(countdown_args_t),
      countdown_params, 0, 0 },

    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("countdown", functions, NULL, NULL);
