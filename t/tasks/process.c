
/*
 * Functions for the tests: some end what is nginx's, some run programs.
 */


#define _GNU_SOURCE

#include <ngx_task.h>

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>


typedef struct {
    int          how;
    int64_t      n;
} ends_args_t;


typedef struct {
    const char  *cmd;
    const char  *name;
    const char  *dir;
    const char  *text;
    int          input;
    int          echo;
    int64_t      size;
    int64_t      max;
    int64_t      grace;
    int64_t      times;
} spawn_args_t;


typedef struct {
    ngx_task_rc_t  rc;
} spawn_state_t;


static pthread_barrier_t  two;
static pthread_t          victim;
static int                deferred;


/* --- functions that end --------------------------------------------------- */

static void
count(void *data)
{
    (void) data;

    __atomic_add_fetch(&deferred, 1, __ATOMIC_SEQ_CST);
}


static void
exit_later(void *data)
{
    exit(*(int *) data);
}


static void
exit_thread_later(void *data)
{
    (void) data;

    pthread_exit(NULL);
}


static void *
exit_thread(void *data)
{
    (void) data;

    exit(2);

    return NULL;
}


static void *
cancel_thread(void *data)
{
    (void) data;

    usleep(50000);
    pthread_cancel(victim);

    return NULL;
}


/* a child of its own: how it ended, as waitpid() tells */

static int
fork_child(int exits)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        if (exits) {
            exit(3);
        }

        for ( ;; ) {
            pause();
        }
    }

    if (pid == -1) {
        return -1;
    }

    if (!exits) {
        (void) kill(pid, SIGTERM);
    }

    return (waitpid(pid, &status, 0) == pid) ? status : -1;
}


static ngx_task_rc_t
ends(ngx_task_t *t)
{
    pthread_t           tid;
    const ends_args_t  *args;

    static int          code = 2;

    args = ngx_task_args(t);

    switch (args->how) {

    case 0:
        exit((int) args->n);

    case 1:
        quick_exit((int) args->n);

    case 2:
        pthread_barrier_wait(&two);
        exit(2);

    case 3:
        (void) pthread_create(&tid, NULL, exit_thread, NULL);
        (void) pthread_detach(tid);
        return ngx_task_block_ms(t, 5000);

    case 4:
        ngx_task_defer(t, exit_later, &code);
        return NGX_TASK_OK;

    case 5:
        ngx_task_defer(t, count, NULL);
        ngx_task_defer(t, exit_thread_later, NULL);
        ngx_task_defer(t, count, NULL);
        ngx_task_set_json(t, "a", cJSON_CreateString("not to be leaked"));
        pthread_exit(NULL);

    case 6:
        (void) pthread_cancel(pthread_self());
        (void) ngx_task_block_ms(t, 50);
        pthread_testcancel();
        return NGX_TASK_OK;

    case 7:
        victim = pthread_self();
        (void) pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        (void) pthread_create(&tid, NULL, cancel_thread, NULL);
        (void) pthread_detach(tid);
        (void) ngx_task_block_ms(t, 300);
        pthread_testcancel();
        return NGX_TASK_OK;

    case 8:
    case 9:
        ngx_task_set_int(t, "child", fork_child(args->how == 8));
        return NGX_TASK_OK;
    }

    ngx_task_set_int(t, "deferred", __atomic_load_n(&deferred,
                                                    __ATOMIC_SEQ_CST));

    return NGX_TASK_OK;
}


static ngx_task_rc_t
end_piece(ngx_task_t *t, void *data)
{
    (void) t;
    (void) data;

    pthread_exit(NULL);
}


static ngx_task_rc_t
aends(ngx_task_t *t, ngx_task_frame_t *f)
{
    ends_args_t  *args;

    args = (ends_args_t *) ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    if (args->how == 0) {
        exit((int) args->n);
    }

    NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, end_piece, NULL));

    ngx_task_set_int(t, "rc", f->rc);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, 10));

    NGX_TASK_END(f);
}


/* --- programs ------------------------------------------------------------- */

static void
spawn_result(ngx_task_t *t, ngx_task_program_t *p, ngx_task_rc_t rc)
{
    ngx_task_set_int(t, "rc", rc);
    ngx_task_set_int(t, "exit", p->exit_code);
    ngx_task_set_int(t, "signal", p->signal);
    ngx_task_set_int(t, "error", p->error);
    ngx_task_set_int(t, "length", (int64_t) p->output_len);

    if (p->output_len < 4096) {
        ngx_task_set_string(t, "output", p->output);
    }

    ngx_task_set_string(t, "messages", p->messages);
    ngx_task_set_int(t, "messages_length", (int64_t) p->messages_len);
}


static ngx_task_rc_t
spawn(ngx_task_t *t)
{
    int                  fd;
    size_t               len;
    char                *buf;
    int64_t              i;
    const void          *body;
    ngx_task_rc_t        rc;
    const char          *argv[4];
    const spawn_args_t  *args;
    ngx_task_program_t   p;

    static const char   *env[] = { "ONLY=this", NULL };

    args = ngx_task_args(t);

    memset(&p, 0, sizeof(p));
    p.size = sizeof(p);
    p.argv = argv;
    p.max_output = (size_t) args->max;
    p.grace = args->grace;
    p.input_type = (ngx_task_input_t) args->input;

    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = args->cmd;
    argv[3] = NULL;

    if (*args->name) {
        argv[0] = args->name;
        argv[1] = NULL;
    }

    if (*args->dir) {
        p.dir = args->dir;
        p.env = env;
    }

    buf = NULL;
    fd = -1;

    if (p.input_type == NGX_TASK_INPUT_BYTES) {
        buf = malloc((size_t) args->size + 1);

        for (i = 0; i < args->size; i++) {
            buf[i] = (char) (i * 7 + i / 251);
        }

        p.input = buf;
        p.input_len = (size_t) args->size;

    } else if (p.input_type == NGX_TASK_INPUT_FD) {

        /* not marked: it is in the way of nobody but bare system() */

        fd = open(args->text, O_RDONLY);
        p.input_fd = fd;
    }

    rc = NGX_TASK_OK;

    for (i = 0; i < args->times && rc == NGX_TASK_OK; i++) {
        rc = ngx_task_spawn(t, &p);
    }

    spawn_result(t, &p, rc);

    if (buf) {
        ngx_task_set_bool(t, "same", p.output_len == p.input_len
                          && memcmp(p.output, buf, p.input_len) == 0);
    }

    if (p.input_type == NGX_TASK_INPUT_BODY) {
        body = ngx_task_body(t, &len, &fd);
        ngx_task_set_bool(t, "memory", body != NULL);
        ngx_task_set_bool(t, "whole", p.output_len == len);
        fd = -1;
    }

    free(buf);

    if (fd != -1) {
        (void) close(fd);
    }

    if (args->echo && rc == NGX_TASK_OK) {
        ngx_task_set_bytes(t, "application/octet-stream", p.output,
                           p.output_len, NULL);
    }

    return (rc == NGX_TASK_CANCELLED) ? rc : NGX_TASK_OK;
}


static ngx_task_rc_t
spawn_piece(ngx_task_t *t, void *data)
{
    ngx_task_program_t   p;

    static const char   *argv[] = { "echo", "piece", NULL };

    (void) data;

    memset(&p, 0, sizeof(p));
    p.size = sizeof(p);
    p.argv = argv;

    if (ngx_task_spawn(t, &p) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    ngx_task_set_string(t, "output", p.output);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
aspawn(ngx_task_t *t, ngx_task_frame_t *f)
{
    ends_args_t  *args;

    args = (ends_args_t *) ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    if (args->n) {
        (void) spawn_piece(t, NULL);
        ngx_task_set_bool(t, "went on", 1);
        return NGX_TASK_OK;
    }

    NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, spawn_piece, NULL));

    if (f->rc != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    NGX_TASK_END(f);
}


static ngx_task_rc_t
wrong_spawn(ngx_task_t *t)
{
    const ends_args_t   *args;
    ngx_task_program_t   p;

    static const char   *argv[] = { "true", NULL };

    args = ngx_task_args(t);

    memset(&p, 0, sizeof(p));
    p.size = sizeof(p);
    p.argv = argv;

    switch (args->n) {

    case 0:
        (void) ngx_task_spawn(t, NULL);
        break;

    case 1:
        p.size = 0;
        break;

    case 2:
        p.argv = NULL;
        break;

    case 3:
        p.argv = argv + 1;
        break;

    case 4:
        p.input_type = NGX_TASK_INPUT_BYTES;
        p.input_len = 1;
        break;

    case 5:
        p.input_type = NGX_TASK_INPUT_BODY;
        break;

    case 6:
        p.input_type = (ngx_task_input_t) 17;
    }

    (void) ngx_task_spawn(t, &p);

    return NGX_TASK_OK;
}


/* what a function may do without us */

static ngx_task_rc_t
shell(ngx_task_t *t)
{
    FILE                *f;
    char                 buf[4096];
    size_t               n;
    const spawn_args_t  *args;

    args = ngx_task_args(t);

    f = popen(args->cmd, "r");
    if (f == NULL) {
        return NGX_TASK_FAILED;
    }

    n = fread(buf, 1, sizeof(buf) - 1, f);
    buf[n] = '\0';

    (void) pclose(f);

    ngx_task_set_string(t, "output", buf);

    return NGX_TASK_OK;
}


/* without a shell, which unblocks its signals by itself */

static ngx_task_rc_t
signals(ngx_task_t *t)
{
    int                          fd[2], status;
    char                         buf[4096];
    pid_t                        pid;
    ssize_t                      n;
    posix_spawn_file_actions_t   actions;

    static char                 *argv[] = {
        "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL
    };

    if (pipe(fd) == -1) {
        return NGX_TASK_FAILED;
    }

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd[1], 1);

    status = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);

    posix_spawn_file_actions_destroy(&actions);
    close(fd[1]);

    n = (status == 0) ? read(fd[0], buf, sizeof(buf) - 1) : 0;
    buf[n > 0 ? n : 0] = '\0';

    close(fd[0]);

    if (status == 0) {
        (void) waitpid(pid, &status, 0);
    }

    ngx_task_set_string(t, "output", buf);

    return NGX_TASK_OK;
}


/* a list of arguments that is too long */

static ngx_task_rc_t
e2big(ngx_task_t *t)
{
    int                  i;
    char                *large;
    const char          *argv[200];
    ngx_task_program_t   p;

    large = malloc(100001);
    memset(large, 'x', 100000);
    large[100000] = '\0';

    argv[0] = "true";

    for (i = 1; i < 199; i++) {
        argv[i] = large;
    }

    argv[199] = NULL;

    memset(&p, 0, sizeof(p));
    p.size = sizeof(p);
    p.argv = argv;

    ngx_task_set_int(t, "rc", ngx_task_spawn(t, &p));
    ngx_task_set_int(t, "error", p.error);
    ngx_task_set_string(t, "output", p.output);

    free(large);

    return NGX_TASK_OK;
}


/* how much memory of 100 programs is kept, in task_mode sync */

static ngx_task_rc_t
kept(ngx_task_t *t)
{
    int                  i;
    size_t               before;
    ngx_task_program_t   p;

    static const char *const  argv[] = { "sh", "-c", "echo said >&2", NULL };

    before = mallinfo2().uordblks;

    for (i = 0; i < 100; i++) {
        memset(&p, 0, sizeof(p));
        p.size = sizeof(p);
        p.argv = argv;

        if (ngx_task_spawn(t, &p) != NGX_TASK_OK
            || strcmp(p.messages, "said\n") != 0 || *p.output != '\0')
        {
            return NGX_TASK_FAILED;
        }
    }

    ngx_task_set_int(t, "bytes", mallinfo2().uordblks - before);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  ends_params[] = {
    { "how", NGX_TASK_ENUM, offsetof(ends_args_t, how), "fine", NULL, NULL, "",
      "exit|quick|two|own|defer|thread|cancel|enabled|fork|child|fine" },
    { "n", NGX_TASK_INT, offsetof(ends_args_t, n), "2", NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_param_t  spawn_params[] = {
    { "cmd", NGX_TASK_STRING, offsetof(spawn_args_t, cmd), "true",
      NULL, NULL, "", NULL },
    { "name", NGX_TASK_STRING, offsetof(spawn_args_t, name), "",
      NULL, NULL, "", NULL },
    { "dir", NGX_TASK_STRING, offsetof(spawn_args_t, dir), "",
      NULL, NULL, "", NULL },
    { "text", NGX_TASK_STRING, offsetof(spawn_args_t, text), "",
      NULL, NULL, "", NULL },
    { "input", NGX_TASK_ENUM, offsetof(spawn_args_t, input), "none",
      NULL, NULL, "", "none|bytes|fd|body" },
    { "echo", NGX_TASK_BOOL, offsetof(spawn_args_t, echo), "false",
      NULL, NULL, "", NULL },
    { "size", NGX_TASK_SIZE, offsetof(spawn_args_t, size), "0",
      NULL, NULL, "", NULL },
    { "max", NGX_TASK_SIZE, offsetof(spawn_args_t, max), "0",
      NULL, NULL, "", NULL },
    { "grace", NGX_TASK_TIME, offsetof(spawn_args_t, grace), "0",
      NULL, NULL, "", NULL },
    { "times", NGX_TASK_INT, offsetof(spawn_args_t, times), "1",
      NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {
    { "ends", "", ends, NULL, sizeof(ends_args_t), ends_params, 0, 0 },
    { "aends", "", NULL, aends, sizeof(ends_args_t), ends_params, 0, 0 },
    { "spawn", "", spawn, NULL, sizeof(spawn_args_t), spawn_params, 0, 0 },
    { "spawn-body", "", spawn, NULL, sizeof(spawn_args_t), spawn_params, 0,
      NGX_TASK_RAW_BODY|NGX_TASK_POST },
    { "shell", "", shell, NULL, sizeof(spawn_args_t), spawn_params, 0, 0 },
    { "signals", "", signals, NULL, 0, NULL, 0, 0 },
    { "aspawn", "", NULL, aspawn, sizeof(ends_args_t), ends_params, 0, 0 },
    { "wrong-spawn", "", wrong_spawn, NULL, sizeof(ends_args_t), ends_params,
      0, 0 },
    { "kept", "", kept, NULL, 0, NULL, 0, 0 },
    { "e2big", "", e2big, NULL, 0, NULL, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


static ngx_task_rc_t
start(void)
{
    if (getenv("PROCESS_START")) {
        exit(2);
    }

    (void) pthread_barrier_init(&two, NULL, 2);

    return NGX_TASK_OK;
}


static void
stop(void)
{
    if (getenv("PROCESS_STOP")) {
        exit(2);
    }
}


NGX_TASK_LIBRARY("process", functions, start, stop);
