
/*
 * ngx_task_spawn(): the task's thread runs a program, which ends with the
 * task.
 */


#include "task/ngx_http_task_program.h"

#include <sys/syscall.h>


/* max_output if it is 0, bytes */

#define NGX_HTTP_TASK_SPAWN_OUTPUT  (1024 * 1024)

/* max_output at most, so that a size can be doubled, bytes */

#define NGX_HTTP_TASK_SPAWN_MOST    (NGX_MAX_SIZE_T_VALUE / 4)

/* how many bytes of its standard error are logged */

#define NGX_HTTP_TASK_SPAWN_LOGGED  1024


static ngx_task_rc_t ngx_http_task_spawn(ngx_task_t *t,
    ngx_task_program_t *program);
static const char *ngx_http_task_spawn_check(ngx_task_t *t,
    ngx_task_program_t *program);
static ngx_err_t ngx_http_task_spawn_start(ngx_http_task_spawn_t *s);
static ngx_err_t ngx_http_task_spawn_input(ngx_http_task_spawn_t *s);
static size_t ngx_http_task_spawn_max(ngx_task_program_t *program);
static void ngx_http_task_spawn_clear(ngx_task_program_t *program);
static ngx_http_task_spawned_t *ngx_http_task_spawn_keep(
    ngx_http_task_spawn_t *s, ngx_http_task_spawned_t *kept);
static void ngx_http_task_spawn_free(ngx_http_task_kept_t *kept);
static ngx_task_rc_t ngx_http_task_spawn_result(ngx_http_task_spawn_t *s,
    ngx_http_task_spawned_t *kept);
static void ngx_http_task_spawn_log(ngx_http_task_spawn_t *s);


ngx_task_rc_t
ngx_task_spawn(ngx_task_t *t, ngx_task_program_t *program)
{
    int            state;
    ngx_task_rc_t  rc;

    /* a thread that ended here would leave a program, pipes, and memory */

    (void) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);

    rc = ngx_http_task_spawn(t, program);

    (void) pthread_setcancelstate(state, NULL);

    return rc;
}


static ngx_task_rc_t
ngx_http_task_spawn(ngx_task_t *t, ngx_task_program_t *program)
{
    const char               *wrong;
    ngx_http_task_spawn_t     s;
    ngx_http_task_spawned_t  *kept;

    wrong = ngx_http_task_spawn_check(t, program);

    if (wrong) {
        ngx_http_task_log_misuse(t, wrong);
        return NGX_TASK_FAILED;
    }

    ngx_http_task_spawn_clear(program);

    if (ngx_task_cancelled(t)) {
        return NGX_TASK_CANCELLED;
    }

    kept = malloc(sizeof(ngx_http_task_spawned_t));
    if (kept == NULL) {
        ngx_http_task_no_memory(t);
        program->error = ENOMEM;
        return NGX_TASK_FAILED;
    }

    ngx_memzero(&s, offsetof(ngx_http_task_spawn_t, errors));

    s.task = t;
    s.program = program;
    s.max = ngx_http_task_spawn_max(program);

    program->error = ngx_http_task_spawn_start(&s);

    if (program->error) {
        ngx_http_task_spawn_log(&s);
        free(kept);
        return NGX_TASK_FAILED;
    }

    ngx_http_task_spawn_run(&s);

    /* until it is reaped, its pid, which is its group's, is not used again */

    if (!s.lost) {
        (void) kill(-s.child.pid, SIGKILL);
        ngx_http_task_program_reap(s.child.pid);
    }

    ngx_http_task_program_close(&s.in);
    ngx_http_task_program_close(&s.out);
    ngx_http_task_program_close(&s.err);
    ngx_http_task_program_close(&s.pidfd);

    kept = ngx_http_task_spawn_keep(&s, kept);

    return ngx_http_task_spawn_result(&s, kept);
}


/* a task may run many programs: of what each says it keeps what there is */

static ngx_http_task_spawned_t *
ngx_http_task_spawn_keep(ngx_http_task_spawn_t *s,
    ngx_http_task_spawned_t *kept)
{
    void    *smaller;
    size_t   len;

    len = ngx_min(s->errors_len, NGX_HTTP_TASK_SPAWN_ERRORS);

    *ngx_cpymem(kept->messages, s->errors + s->errors_len - len, len) = '\0';

    if (s->program->stream || s->len == 0) {
        free(s->output);
        s->output = NULL;
    }

    if (s->output) {
        s->output[s->len] = '\0';

        smaller = realloc(s->output, s->len + 1);
        if (smaller) {
            s->output = smaller;
        }
    }

    kept->output = s->output;
    kept->kept.free = ngx_http_task_spawn_free;

    smaller = realloc(kept, offsetof(ngx_http_task_spawned_t, messages)
                            + len + 1);
    if (smaller) {
        kept = smaller;
    }

    /* from now on others may have its address */

    ngx_http_task_keep(s->task, &kept->kept);

    return kept;
}


static void
ngx_http_task_spawn_free(ngx_http_task_kept_t *kept)
{
    ngx_http_task_spawned_t  *spawned;

    spawned = ngx_queue_data(kept, ngx_http_task_spawned_t, kept);

    free(spawned->output);
    free(spawned);
}


static size_t
ngx_http_task_spawn_max(ngx_task_program_t *program)
{
    size_t  max;

    if (program->stream) {
        return program->max_output ? program->max_output
                                   : NGX_MAX_SIZE_T_VALUE;
    }

    max = program->max_output ? program->max_output
                              : NGX_HTTP_TASK_SPAWN_OUTPUT;

    return ngx_min(max, (size_t) NGX_HTTP_TASK_SPAWN_MOST);
}


static void
ngx_http_task_spawn_clear(ngx_task_program_t *program)
{
    program->exit_code = -1;
    program->signal = 0;
    program->error = 0;
    program->output = NULL;
    program->output_len = 0;
    program->messages = NULL;
    program->messages_len = 0;
}


static const char *
ngx_http_task_spawn_check(ngx_task_t *t, ngx_task_program_t *program)
{
    if (ngx_http_task_loop_is_here() && !t->conf->mode.executor->stalls) {
        return "starts a program on the event loop";
    }

    if (program == NULL || program->size < sizeof(ngx_task_program_t)) {
        return "starts a program without its size";
    }

    /* programs would read from one descriptor */

    if (program->input_type == NGX_TASK_INPUT_BODY
        && ngx_http_task_guarded()->beside)
    {
        return "gives a program the body in a piece that runs beside others, "
               "in a gather";
    }

    if (program->stream && ngx_http_task_loop_is_here()) {
        return "streams in task_mode \"sync\", in which nothing can be sent";
    }

    if (program->argv == NULL || program->argv[0] == NULL) {
        return "starts a program without a name";
    }

    switch (program->input_type) {

    case NGX_TASK_INPUT_NONE:
    case NGX_TASK_INPUT_FD:
        return NULL;

    case NGX_TASK_INPUT_BYTES:
        return (program->input == NULL && program->input_len)
               ? "starts a program with NULL as its input" : NULL;

    case NGX_TASK_INPUT_BODY:
        return (t->function->table.flags & NGX_TASK_RAW_BODY)
               ? NULL : "gives a program the body without NGX_TASK_RAW_BODY";
    }

    return "starts a program with an unknown input";
}


static ngx_err_t
ngx_http_task_spawn_start(ngx_http_task_spawn_t *s)
{
    int        out[2], err[2];
    ngx_err_t  error;

    s->child.argv = (char **) s->program->argv;
    s->child.env = s->program->env ? (char **) s->program->env : environ;
    s->child.dir = s->program->dir;
    s->in = -1;

    error = ngx_http_task_spawn_input(s);
    if (error) {
        return error;
    }

    error = ngx_http_task_program_pipe(out);

    if (error == 0) {
        error = ngx_http_task_program_pipe(err);

        if (error == 0) {
            s->child.fds[1] = out[1];
            s->child.fds[2] = err[1];

            error = ngx_http_task_program_start(&s->child);

            s->out = out[0];
            s->err = err[0];

            (void) close(err[1]);

            if (error) {
                (void) close(err[0]);
            }
        }

        (void) close(out[1]);

        if (error) {
            (void) close(out[0]);
        }
    }

    (void) close(s->child.fds[0]);

    if (error) {
        ngx_http_task_program_close(&s->in);
        return error;
    }

    (void) ngx_nonblocking(s->out);
    (void) ngx_nonblocking(s->err);

#ifdef SYS_pidfd_open
    s->pidfd = syscall(SYS_pidfd_open, s->child.pid, 0);
#else
    s->pidfd = -1;
#endif

    return 0;
}


/* makes the program's descriptor 0, and notes what is to be written to it */

static ngx_err_t
ngx_http_task_spawn_input(ngx_http_task_spawn_t *s)
{
    int                  fd[2];
    ngx_err_t            err;
    ngx_task_input_t     type;
    ngx_task_program_t  *program;

    program = s->program;
    type = program->input_type;

    s->input = program->input;
    s->left = (type == NGX_TASK_INPUT_BYTES) ? program->input_len : 0;
    fd[0] = program->input_fd;

    if (type == NGX_TASK_INPUT_BODY) {
        s->input = s->task->in.body.data;
        s->left = s->input ? s->task->in.body.len : 0;
        fd[0] = s->task->in.body.fd;

        if (fd[0] != NGX_INVALID_FILE && s->input == NULL) {
            type = NGX_TASK_INPUT_FD;

            if (lseek(fd[0], 0, SEEK_SET) == -1) {
                return ngx_errno;
            }
        }
    }

    if (type == NGX_TASK_INPUT_FD) {
        err = ngx_http_task_program_dup(&fd[0]);

    } else if (s->left) {
        err = ngx_http_task_program_pipe(fd);

        if (err == 0) {
            s->in = fd[1];
            (void) ngx_nonblocking(s->in);
        }

    } else {
        fd[1] = open("/dev/null", O_RDONLY|O_CLOEXEC);

        if (fd[1] == -1) {
            return ngx_errno;
        }

        fd[0] = fd[1];
        err = ngx_http_task_program_dup(&fd[0]);

        (void) close(fd[1]);
    }

    s->child.fds[0] = fd[0];

    return err;
}


static ngx_task_rc_t
ngx_http_task_spawn_result(ngx_http_task_spawn_t *s,
    ngx_http_task_spawned_t *kept)
{
    size_t               len;
    ngx_task_program_t  *program;

    program = s->program;

    if (s->lost) {
        program->error = ECHILD;
    }

    len = ngx_min(s->errors_len, NGX_HTTP_TASK_SPAWN_ERRORS);

    program->messages = kept->messages;
    program->messages_len = len;

    /* "" if there is no output at all */

    program->output = kept->messages + len;
    program->output_len = s->len;

    if (s->output) {
        program->output = (char *) s->output;
    }

    if (s->cancelled) {
        return NGX_TASK_CANCELLED;
    }

    ngx_http_task_spawn_log(s);

    return program->error ? NGX_TASK_FAILED : NGX_TASK_OK;
}


static void
ngx_http_task_spawn_log(ngx_http_task_spawn_t *s)
{
    size_t               len;
    u_char               text[NGX_MAX_ERROR_STR], *p;
    const char          *name;
    ngx_task_t          *t;
    ngx_task_program_t  *program;

    t = s->task;
    program = s->program;
    name = program->argv[0];

    if (program->error == EFBIG && s->child.pid) {
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "program \"%s\" was ended: its "
                     "output is larger than %zu bytes", name, s->max);
        return;
    }

    if (program->error) {
        p = ngx_strerror(program->error, text, sizeof(text));

        ngx_task_log(t, NGX_TASK_LOG_ERROR, "program \"%s\" failed: %.*s",
                     name, (int) (p - text), text);
        return;
    }

    if (program->exit_code == 0) {
        return;
    }

    len = ngx_min(program->messages_len, NGX_HTTP_TASK_SPAWN_LOGGED);

    /* a null would end the text for printf() */

    len = ngx_http_task_log_escape(text, sizeof(text),
                                   (u_char *) program->messages
                                   + program->messages_len - len, len);

    if (program->signal) {
        ngx_task_log(t, NGX_TASK_LOG_WARN,
                     "program \"%s\" was ended by signal %d%s%.*s", name,
                     program->signal, len ? ": " : "", (int) len, text);

    } else {
        ngx_task_log(t, NGX_TASK_LOG_WARN,
                     "program \"%s\" exited with code %d%s%.*s", name,
                     program->exit_code, len ? ": " : "", (int) len, text);
    }
}
