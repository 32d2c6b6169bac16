
/*
 * Tables made by the macros of ngx_task.h; parameters that may be left out;
 * init(), which tells why it fails; and mistakes of async functions that show
 * only while they run.
 */


#include <ngx_task.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    bool         bit;
    bool         other;
    double       x;
    int64_t      n;
    int64_t      every;
    int64_t      size;
    const char  *text;
    int          color;
    int          flag;
} tables_args_t;


static void
tables_set(ngx_task_t *t, const char *name, int64_t value)
{
    if (value == NGX_TASK_NOT_GIVEN) {
        ngx_task_set_string(t, name, "not given");

    } else {
        ngx_task_set_int(t, name, value);
    }
}


/* says what it was given */

static ngx_task_rc_t
tables(ngx_task_t *t)
{
    const tables_args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_bool(t, "bit", args->bit);
    ngx_task_set_bool(t, "other", args->other);
    tables_set(t, "n", args->n);
    tables_set(t, "every", args->every);
    tables_set(t, "size", args->size);
    ngx_task_set_int(t, "color", args->color);
    ngx_task_set_int(t, "flag", args->flag);
    ngx_task_set_string(t, "text", args->text ? args->text : "not given");

    if (isnan(args->x)) {
        ngx_task_set_string(t, "x", "not given");

    } else {
        ngx_task_set_number(t, "x", args->x);
    }

    return NGX_TASK_OK;
}


#define TWO(f)  ngx_task_sleep(f, 1)

/* a local that is kept over an await, and two awaits on one line */

static ngx_task_rc_t
kept(ngx_task_t *t, ngx_task_frame_t *f)
{
    volatile int64_t  local;

    NGX_TASK_BEGIN(f);

    local = 7;

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1)); NGX_TASK_AWAIT(f, TWO(f));

    ngx_task_set_int(t, "local", local);

    NGX_TASK_END(f);
}


/* its state_size is smaller than what it has there */

static ngx_task_rc_t
small(ngx_task_t *t, ngx_task_frame_t *f)
{
    int64_t  *state = f->state;

    NGX_TASK_BEGIN(f);

    state[1] = 7;

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1));

    ngx_task_set_int(t, "state", state[1]);

    NGX_TASK_END(f);
}


/* an await that another switch has */

static ngx_task_rc_t
switched(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    switch (*(int *) f->state) {

    case 0:
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 10));
        ngx_task_set_int(t, "slept", 1);
    }

    NGX_TASK_END(f);
}


static const ngx_task_param_t  tables_params[] = {
    NGX_TASK_PARAM(tables_args_t, bit, .def = "on"),
    NGX_TASK_PARAM(tables_args_t, other, .def = "off"),
    NGX_TASK_PARAM(tables_args_t, x, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(tables_args_t, n, .max = "10",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(tables_args_t, text, .min = "0",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_AS(tables_args_t, every, NGX_TASK_TIME,
                      .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_AS(tables_args_t, size, NGX_TASK_SIZE,
                      .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_AS(tables_args_t, color, NGX_TASK_ENUM,
                      .choices = "red|green", .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_AS(tables_args_t, flag, NGX_TASK_BOOL,
                      .flags = NGX_TASK_OPTIONAL)
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("tables", .block = tables,
                      .args = NGX_TASK_ARGS(tables_args_t, tables_params)),
    NGX_TASK_FUNCTION("kept", .async = kept),
    NGX_TASK_FUNCTION("small", .async = small, .state_size = sizeof(int64_t)),
    NGX_TASK_FUNCTION("switched", .async = switched,
                      .state_size = sizeof(int))
};


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    const char  *file;

    file = getenv("TABLES_FILE");

    if (file) {
        return ngx_task_worker_fail(worker, "cannot open \"%s\":\n%s", file,
                                    strerror(ENOENT));
    }

    ngx_task_worker_log(worker, NGX_TASK_LOG_WARN, "%s has begun", "init");

    return NGX_TASK_OK;
}


NGX_TASK_LIBRARY_INIT("tables", functions, init, NULL);
