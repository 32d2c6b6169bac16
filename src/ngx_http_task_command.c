
/*
 * The built-in function "command": a program answers.  nginx.conf says which,
 * with which words; the body is its input, and parameters of the location are
 * its environment.  No shell reads any of it.
 */


#include "ngx_http_task_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


/* the environment of the program, but for TASK_... */

#define NGX_HTTP_TASK_COMMAND_PATH  "PATH=/usr/local/bin:/usr/bin:/bin"

/* of what it writes to its standard error the end is logged, bytes */

#define NGX_HTTP_TASK_COMMAND_LOGGED  1024


static char **ngx_http_task_command_argv(
    const ngx_http_task_command_args_t *args);
static char **ngx_http_task_command_env(ngx_task_t *t);
static char *ngx_http_task_command_variable(char *p, const char *name,
    const char *value);
static ngx_task_rc_t ngx_http_task_command_run(ngx_task_t *t,
    const ngx_http_task_command_args_t *args, char **argv, char **env);
static ngx_task_rc_t ngx_http_task_command_ended(ngx_task_t *t,
    const ngx_http_task_command_args_t *args, ngx_task_program_t *program);
static void ngx_http_task_command_says(ngx_task_t *t,
    const ngx_http_task_command_args_t *args, ngx_task_program_t *program);
static const char *ngx_http_task_command_dir(
    const ngx_http_task_command_args_t *args);
static const char *ngx_http_task_command_file(const char *name,
    const char *path, mode_t type);
static int ngx_http_task_command_type(const char *type);


const ngx_task_param_t  ngx_http_task_command_params[] = {

    NGX_TASK_PARAM(ngx_http_task_command_args_t, program,
                   .summary = "the path of the program",
                   .flags = NGX_TASK_FIXED),

    NGX_TASK_PARAM(ngx_http_task_command_args_t, args, .def = "",
                   .summary = "its arguments",
                   .flags = NGX_TASK_FIXED),

    NGX_TASK_PARAM(ngx_http_task_command_args_t, type,
                   .def = "application/octet-stream",
                   .summary = "the content type of its output",
                   .flags = NGX_TASK_FIXED),

    NGX_TASK_PARAM(ngx_http_task_command_args_t, fail, .def = "*:500",
                   .summary = "statuses for its exit codes",
                   .flags = NGX_TASK_FIXED),

    NGX_TASK_PARAM(ngx_http_task_command_args_t, dir, .def = "/",
                   .summary = "the directory it runs in",
                   .flags = NGX_TASK_FIXED),

    NGX_TASK_PARAM_AS(ngx_http_task_command_args_t, max_output, NGX_TASK_SIZE,
                      .min = "1", .summary = "how much it may write",
                      .flags = NGX_TASK_FIXED|NGX_TASK_OPTIONAL),

    NGX_TASK_PARAM_AS(ngx_http_task_command_args_t, output, NGX_TASK_ENUM,
                      .def = "stream", .choices = "stream|whole",
                      .summary = "whether it is sent as it comes",
                      .flags = NGX_TASK_FIXED)
};


ngx_task_rc_t
ngx_http_task_command_block(ngx_task_t *t)
{
    char           **argv, **env;
    ngx_task_rc_t    rc;

    const ngx_http_task_command_args_t  *args;

    args = ngx_task_args(t);

    argv = ngx_http_task_command_argv(args);
    env = ngx_http_task_command_env(t);

    if (argv && env) {
        rc = ngx_http_task_command_run(t, args, argv, env);

    } else {
        rc = ngx_task_fail(t, 500, "there is no memory to run the program");
    }

    free(argv);
    free(env);

    return rc;
}


/* pointers and words in one piece of memory; NULL: there is none */

static char **
ngx_http_task_command_argv(const ngx_http_task_command_args_t *args)
{
    int      n;
    char   **argv;
    size_t   size;

    n = ngx_http_task_command_words(args->args, NULL, NULL, &size);

    argv = malloc((n + 2) * sizeof(char *) + size);
    if (argv == NULL) {
        return NULL;
    }

    argv[0] = (char *) args->program;
    argv[n + 1] = NULL;

    (void) ngx_http_task_command_words(args->args, argv + 1,
                                       (char *) (argv + n + 2), &size);

    return argv;
}


/* likewise */

static char **
ngx_http_task_command_env(ngx_task_t *t)
{
    char        **env, *p;
    size_t        i, n, size;
    const char   *name, *value;

    size = sizeof(NGX_HTTP_TASK_COMMAND_PATH);

    for (n = 0; (name = ngx_task_declared(t, n, &value)) != NULL; n++) {
        size += sizeof("TASK_=") + strlen(name) + strlen(value);
    }

    env = malloc((n + 2) * sizeof(char *) + size);
    if (env == NULL) {
        return NULL;
    }

    p = (char *) (env + n + 2);

    env[0] = strcpy(p, NGX_HTTP_TASK_COMMAND_PATH);
    env[n + 1] = NULL;

    p += sizeof(NGX_HTTP_TASK_COMMAND_PATH);

    for (i = 0; i < n; i++) {
        name = ngx_task_declared(t, i, &value);

        env[i + 1] = p;
        p = ngx_http_task_command_variable(p, name, value);
    }

    return env;
}


static char *
ngx_http_task_command_variable(char *p, const char *name, const char *value)
{
    p = stpcpy(p, "TASK_");

    for ( /* void */ ; *name; name++) {
        *p++ = (*name >= 'a' && *name <= 'z') ? *name - 'a' + 'A' : *name;
    }

    *p++ = '=';

    return stpcpy(p, value) + 1;
}


static ngx_task_rc_t
ngx_http_task_command_run(ngx_task_t *t,
    const ngx_http_task_command_args_t *args, char **argv, char **env)
{
    ngx_task_rc_t        rc;
    ngx_task_program_t   program;

    memset(&program, 0, sizeof(ngx_task_program_t));

    program.size = sizeof(ngx_task_program_t);
    program.argv = (const char *const *) argv;
    program.env = (const char *const *) env;
    program.dir = ngx_http_task_command_dir(args);
    program.input_type = NGX_TASK_INPUT_BODY;
    program.stream = !args->output;

    if (args->max_output != NGX_TASK_NOT_GIVEN) {
        program.max_output = args->max_output;
    }

    ngx_task_set_content_type(t, args->type);

    rc = ngx_task_spawn(t, &program);

    if (rc == NGX_TASK_FAILED) {
        return ngx_task_fail(t, 500, program.error == EFBIG
                                     ? "the output of the program is too large"
                                     : "the program could not be run");
    }

    return (rc == NGX_TASK_OK) ? ngx_http_task_command_ended(t, args, &program)
                               : rc;
}


static ngx_task_rc_t
ngx_http_task_command_ended(ngx_task_t *t,
    const ngx_http_task_command_args_t *args, ngx_task_program_t *program)
{
    if (program->exit_code) {
        return ngx_task_fail(t, ngx_http_task_command_status(args->fail,
                                                         program->exit_code),
                             "the program has failed");
    }

    ngx_http_task_command_says(t, args, program);

    if (!program->stream || program->output_len == 0) {
        ngx_task_set_bytes(t, args->type, program->output, program->output_len,
                           NULL);
    }

    return NGX_TASK_OK;
}


/* what a program that fails has said is in the log already */

static void
ngx_http_task_command_says(ngx_task_t *t,
    const ngx_http_task_command_args_t *args, ngx_task_program_t *program)
{
    size_t       n;
    const char  *end;

    n = program->messages_len;

    if (n == 0) {
        return;
    }

    n = (n < NGX_HTTP_TASK_COMMAND_LOGGED) ? n : NGX_HTTP_TASK_COMMAND_LOGGED;
    end = program->messages + program->messages_len - n;

    ngx_task_log(t, NGX_TASK_LOG_WARN, "program \"%s\" says: %s",
                 args->program, end);
}


/* "." is the directory of the worker */

static const char *
ngx_http_task_command_dir(const ngx_http_task_command_args_t *args)
{
    return strcmp(args->dir, ".") ? args->dir : NULL;
}


/* nginx reads its configuration in one thread: what is wrong is static */

const char *
ngx_http_task_command_check(const void *data)
{
    size_t       size;
    const char  *wrong;

    const ngx_http_task_command_args_t  *args = data;

    wrong = ngx_http_task_command_file("program", args->program, S_IFREG);

    if (wrong == NULL && ngx_http_task_command_dir(args)) {
        wrong = ngx_http_task_command_file("dir", args->dir, S_IFDIR);
    }

    if (wrong) {
        return wrong;
    }

    if (ngx_http_task_command_words(args->args, NULL, NULL, &size) == -1) {
        return "a quote in \"args=\" is not closed";
    }

    if (ngx_http_task_command_status(args->fail, -1) == 0) {
        return "invalid \"fail=\", it must be as \"1:422 *:500\": codes of 1 "
               "to 255, each once, and statuses of 400 to 599";
    }

    if (!ngx_http_task_command_type(args->type)) {
        return "invalid \"type=\", it must be a content type, as text/html";
    }

    return NULL;
}


static const char *
ngx_http_task_command_file(const char *name, const char *path, mode_t type)
{
    const char   *why;
    struct stat   st;

    static char   wrong[1024];

    if (*path != '/') {
        why = "is not an absolute path";

    } else if (stat(path, &st) == -1) {
        why = strerror(errno);

    } else if ((st.st_mode & S_IFMT) != type
               || (type == S_IFREG && !(st.st_mode & 0111)))
    {
        why = (type == S_IFDIR) ? "is not a directory"
                                : "is not an executable file";

    } else if (access(path, X_OK) == -1) {
        why = strerror(errno);

    } else {
        return NULL;
    }

    (void) snprintf(wrong, sizeof(wrong), "\"%s=%s\": %s", name, path, why);

    return wrong;
}


/* nothing in it may begin another line of the header */

static int
ngx_http_task_command_type(const char *type)
{
    size_t       len;
    const char  *p;

    for (p = type; *p; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f) {
            return 0;
        }
    }

    len = strcspn(type, " ;/");

    return len > 0 && type[len] == '/' && strcspn(type + len + 1, " ;/") > 0;
}
