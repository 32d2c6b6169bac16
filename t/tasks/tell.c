
/*
 * A job that leaves a line in a file when it begins, which outlives nginx: so a
 * test sees which jobs have run, and how often.
 */


#include <ngx_task.h>

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>


typedef struct {
    const char  *file;
    int64_t      n;
    int64_t      ms;
} tell_args_t;


static ngx_task_rc_t
tell(ngx_task_t *t)
{
    int                 fd, length;
    char                line[32];
    struct timespec     time;
    const tell_args_t  *args;

    args = ngx_task_args(t);
    length = snprintf(line, sizeof(line), "%lld\n", (long long) args->n);

    fd = open(args->file, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC, 0600);

    if (fd == -1 || write(fd, line, length) != length) {
        return NGX_TASK_FAILED;
    }

    close(fd);

    time.tv_sec = args->ms / 1000;
    time.tv_nsec = args->ms % 1000 * 1000000;

    nanosleep(&time, NULL);

    ngx_task_set_int(t, "n", args->n);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_AS(tell_args_t, file, NGX_TASK_STRING),
    NGX_TASK_PARAM_AS(tell_args_t, n, NGX_TASK_INT, .def = "0"),
    NGX_TASK_PARAM_AS(tell_args_t, ms, NGX_TASK_TIME, .def = "0")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("tell", .block = tell,
                      .args = NGX_TASK_ARGS(tell_args_t, params))
};


NGX_TASK_LIBRARY("tell", functions, NULL, NULL);
