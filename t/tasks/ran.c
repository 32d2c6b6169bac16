
/*
 * Writes to a file that it has begun, and that it has ended, in which attempt
 * and which process: tests of jobs count by it how often each of them has run,
 * and know whom to kill.
 */


#include <ngx_task.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>


typedef struct {
    const char  *file;
} ran_settings_t;


typedef struct {
    int64_t      n;
    int64_t      ms;
    bool         stubborn;
} ran_args_t;


typedef struct {
    int          i;
} tells_state_t;


static const ran_settings_t  *ran_conf;


static void
note(ngx_task_t *t, const char *what)
{
    int                fd, len;
    char               text[96];
    const ran_args_t  *args = ngx_task_args(t);

    len = snprintf(text, sizeof(text), "%s %lld %d %d\n", what,
                   (long long) args->n, ngx_task_attempt(t), (int) getpid());

    fd = open(ran_conf->file, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC, 0666);

    if (fd != -1) {
        (void) !write(fd, text, len);
        (void) close(fd);
    }
}


static void
answer(ngx_task_t *t)
{
    const ran_args_t  *args = ngx_task_args(t);

    note(t, "end");
    ngx_task_set_int(t, "n", args->n);
    ngx_task_set_int(t, "attempt", ngx_task_attempt(t));
}


static ngx_task_rc_t
ran(ngx_task_t *t, ngx_task_frame_t *f)
{
    const ran_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    note(t, "begin");
    ngx_task_progress(t, 1, 2, "it sleeps");

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));

    answer(t);

    return NGX_TASK_OK;

    NGX_TASK_END(f);
}


/* stubborn: it does not look whether it is cancelled */

static ngx_task_rc_t
blocks(ngx_task_t *t)
{
    int                i;
    const ran_args_t  *args = ngx_task_args(t);

    note(t, "begin");

    if (!args->stubborn) {

        if (ngx_task_block_ms(t, args->ms) != NGX_TASK_OK) {
            return NGX_TASK_CANCELLED;
        }
    }

    for (i = 0; args->stubborn && i < args->ms; i++) {
        (void) usleep(1000);
        ngx_task_progress(t, i, args->ms, "it does not stop");
    }

    answer(t);

    return NGX_TASK_OK;
}


/* three events, and then it sleeps */

static ngx_task_rc_t
tells(ngx_task_t *t, ngx_task_frame_t *f)
{
    char               text[32];
    tells_state_t     *s = f->state;
    const ran_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    note(t, "begin");

    for (s->i = 1; s->i <= 3; s->i++) {
        snprintf(text, sizeof(text), "%d.%d", ngx_task_attempt(t), s->i);

        NGX_TASK_AWAIT(f, ngx_task_write_event(f, "told", NULL, text));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }
    }

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));

    note(t, "end");

    return NGX_TASK_OK;

    NGX_TASK_END(f);
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
    NGX_TASK_PARAM(ran_args_t, stubborn, .def = "false")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("ran", .async = ran, .block = blocks,
                      .args = NGX_TASK_ARGS(ran_args_t, params)),
    NGX_TASK_FUNCTION("blocks", .block = blocks,
                      .args = NGX_TASK_ARGS(ran_args_t, params)),
    NGX_TASK_FUNCTION("tells", .async = tells,
                      .state_size = sizeof(tells_state_t),
                      .args = NGX_TASK_ARGS(ran_args_t, params))
};


NGX_TASK_LIBRARY_SET("ran", functions, ran_settings_t, settings, init, NULL);
