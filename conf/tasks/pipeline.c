
/*
 * An async function: it sleeps, awaits another one, and has a piece that
 * blocks done in a thread, while the event loop serves everybody else.
 */


#include <ngx_task.h>

#include <stdlib.h>
#include <string.h>


#define SIZE  (16 * 1024 * 1024)


typedef struct {
    int64_t   pause;
} pipeline_args_t;


/* what has to outlive an await: zeroed at the start */

typedef struct {
    unsigned char  *buf;
    uint32_t        sum;
    int             step;
} pipeline_state_t;


/* in a thread: this takes a while */

static ngx_task_rc_t
checksum(ngx_task_t *t, void *data)
{
    size_t             i;
    pipeline_state_t  *s;

    s = data;
    memset(s->buf, 7, SIZE);

    for (i = 0; i < SIZE; i++) {

        if (i % 65536 == 0 && ngx_task_cancelled(t)) {
            return NGX_TASK_CANCELLED;
        }

        s->sum = s->sum * 31 + s->buf[i];
    }

    return NGX_TASK_OK;
}


/* another async function, which shares the state of the one that awaits it */

static ngx_task_rc_t
count_down(ngx_task_t *t, ngx_task_frame_t *f)
{
    pipeline_state_t       *s;
    const pipeline_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    for (s->step = 3; s->step > 0; s->step--) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->pause));
    }

    NGX_TASK_END(f);
}


static ngx_task_rc_t
pipeline(ngx_task_t *t, ngx_task_frame_t *f)
{
    pipeline_state_t       *s;
    const pipeline_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    s->buf = malloc(SIZE);
    if (s->buf == NULL) {
        return ngx_task_fail(t, 503, "no memory");
    }

    if (ngx_task_defer(t, free, s->buf) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->pause));
    NGX_TASK_AWAIT(f, ngx_task_call(f, count_down, s));
    NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, checksum, s));

    if (f->rc != NGX_TASK_OK) {
        return ngx_task_fail(t, 503, "try later");
    }

    ngx_task_set_int(t, "checksum", s->sum);

    NGX_TASK_END(f);
}


static const ngx_task_param_t  pipeline_params[] = {

    NGX_TASK_PARAM_AS(pipeline_args_t, pause, NGX_TASK_TIME,
                      .def = "100ms", .min = "0", .max = "10s",
                      .summary = "between the steps")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("pipeline", .summary = "sleep, call, offload",
                      .async = pipeline,
                      .state_size = sizeof(pipeline_state_t),
                      .args = NGX_TASK_ARGS(pipeline_args_t, pipeline_params))
};


NGX_TASK_LIBRARY("pipeline", functions, NULL, NULL);
