
/*
 * A program that runs for a task: how it is started, and what goes between the
 * two.  All of it runs in the task's thread.
 */


#ifndef _NGX_HTTP_TASK_PROGRAM_H_INCLUDED_
#define _NGX_HTTP_TASK_PROGRAM_H_INCLUDED_


#include "task/ngx_http_task.h"


/* how many bytes of its standard error are kept, the last ones */

#define NGX_HTTP_TASK_SPAWN_ERRORS  4096


/* what a program has written: its task keeps it */

typedef struct {
    ngx_http_task_kept_t      kept;
    void                     *output;
    char                      messages[NGX_HTTP_TASK_SPAWN_ERRORS + 1];
} ngx_http_task_spawned_t;


typedef struct {
    char        **argv;
    char        **env;
    const char   *dir;         /* NULL: the one of this process */
    int           fds[3];      /* become 0, 1 and 2; each is above 2 */
    pid_t         pid;

    int           told;        /* the child writes an error to this pipe */
} ngx_http_task_program_t;


typedef enum {
    NGX_HTTP_TASK_SPAWN_RUNS = 0,
    NGX_HTTP_TASK_SPAWN_TERMINATED,
    NGX_HTTP_TASK_SPAWN_KILLED
} ngx_http_task_spawn_e;


typedef struct {
    ngx_task_t               *task;
    ngx_task_program_t       *program;
    ngx_http_task_program_t   child;

    ngx_http_task_spawn_e     state;
    ngx_uint_t                ended;
    ngx_uint_t                lost;        /* somebody else has reaped it */
    ngx_uint_t                cancelled;
    int64_t                   until;       /* end of a state, nanoseconds */
    int                       behind;      /* bytes in its output when it has
                                              ended, still to be read */
    int                       pidfd;       /* -1: none, or closed */

    int                       in;          /* -1: closed */
    int                       out;
    int                       err;

    const u_char             *input;
    size_t                    left;

    u_char                   *output;      /* by realloc(); of a stream, what
                                              was read last */
    size_t                    len;         /* read so far */
    size_t                    size;
    size_t                    max;

    size_t                    errors_len;
    u_char                    errors[2 * NGX_HTTP_TASK_SPAWN_ERRORS];
} ngx_http_task_spawn_t;


/* returns an errno, or 0: the program runs, in a session of its own */

ngx_err_t ngx_http_task_program_start(ngx_http_task_program_t *p);

void ngx_http_task_program_reap(pid_t pid);

/* return an errno, or 0; new descriptors are above 2, and closed by exec() */

ngx_err_t ngx_http_task_program_pipe(int *fd);
ngx_err_t ngx_http_task_program_dup(int *fd);

/* closes the descriptor and sets it to -1; harmless if it is -1 */

void ngx_http_task_program_close(int *fd);

/* serves the program until it has ended, or was ended */

void ngx_http_task_spawn_run(ngx_http_task_spawn_t *s);


#endif /* _NGX_HTTP_TASK_PROGRAM_H_INCLUDED_ */
