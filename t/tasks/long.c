
/*
 * Sleeps of days, for t/296-long.t.
 */


#include <stddef.h>

#include "ngx_task.h"


typedef struct {
    int64_t  days;
} long_args_t;


static ngx_task_rc_t
long_sleep(ngx_task_t *t, ngx_task_frame_t *f)
{
    const long_args_t  *args;

    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->days * 86400 * 1000));

    NGX_TASK_END(f);
}


static ngx_task_rc_t
long_block(ngx_task_t *t)
{
    const long_args_t  *args;

    args = ngx_task_args(t);

    return ngx_task_block_ms(t, args->days * 86400 * 1000);
}


static const ngx_task_param_t  long_params[] = {
    { "days", NGX_TASK_INT, offsetof(long_args_t, days),
      NULL, NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {
    { "long", "", long_block, long_sleep, sizeof(long_args_t), long_params,
      0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("long", functions, NULL, NULL);
