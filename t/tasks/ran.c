
/*
 * Writes to a file that it has begun, and that it has ended: tests of jobs count
 * by it how often each of them has run.
 */


#include <ngx_task.h>

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>


typedef struct {
    const char  *file;
} ran_settings_t;


typedef struct {
    int64_t      n;
    int64_t      ms;
    int64_t      deaf;      /* 1: the blocking form does not stop before */
} ran_args_t;


static const ran_settings_t  *ran_conf;


static void
note(const char *what, int64_t n)
{
    int   fd, len;
    char  text[64];

    len = snprintf(text, sizeof(text), "%s %lld\n", what, (long long) n);

    fd = open(ran_conf->file, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC, 0666);

    if (fd != -1) {
        (void) !write(fd, text, len);
        (void) close(fd);
    }
}


static ngx_task_rc_t
ran(ngx_task_t *t, ngx_task_frame_t *f)
{
    const ran_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    note("begin", args->n);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));

    note("end", args->n);
    ngx_task_set_int(t, "n", args->n);

    return NGX_TASK_OK;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
ran_block(ngx_task_t *t)
{
    int64_t            ms;
    const ran_args_t  *args = ngx_task_args(t);

    static const struct timespec  step = { 0, 10000000 };

    note("begin", args->n);

    for (ms = 0; ms < args->ms; ms += 10) {

        if (!args->deaf && ngx_task_cancelled(t)) {
            return NGX_TASK_CANCELLED;
        }

        (void) nanosleep(&step, NULL);
    }

    note("end", args->n);
    ngx_task_set_int(t, "n", args->n);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    ran_conf = ngx_task_settings(worker);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  settings[] = {
    NGX_TASK_PARAM(ran_settings_t, file)
};


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM(ran_args_t, n),
    NGX_TASK_PARAM(ran_args_t, ms, .def = "20"),
    NGX_TASK_PARAM(ran_args_t, deaf, .def = "0")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("ran", .async = ran, .block = ran_block,
                      .args = NGX_TASK_ARGS(ran_args_t, params))
};


NGX_TASK_LIBRARY_SET("ran", functions, ran_settings_t, settings, init, NULL);
