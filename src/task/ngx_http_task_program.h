
/*
 * A program that runs for a task: its start, and what is between the two.
 */


#ifndef _NGX_HTTP_TASK_PROGRAM_H_INCLUDED_
#define _NGX_HTTP_TASK_PROGRAM_H_INCLUDED_


/* the end of what it writes to its standard error, bytes */

#define NGX_HTTP_TASK_SPAWN_ERRORS  4096


typedef struct {
    char        **argv;
    char        **env;
    const char   *dir;         /* NULL: that of this process */
    int           fds[3];      /* what becomes 0, 1 and 2, none of them is */
    pid_t         pid;

    int           told;        /* a pipe's end, for an error in the child */
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
    ngx_uint_t                lost;        /* somebody else waited for it */
    ngx_uint_t                cancelled;
    int64_t                   until;       /* of a state, nanoseconds */
    int                       pidfd;       /* -1: the kernel has none */

    int                       in;          /* -1: closed */
    int                       out;
    int                       err;

    const u_char             *input;
    size_t                    left;

    u_char                   *output;      /* by malloc() */
    size_t                    len;
    size_t                    size;
    size_t                    max;

    size_t                    errors_len;
    u_char                    errors[2 * NGX_HTTP_TASK_SPAWN_ERRORS];
} ngx_http_task_spawn_t;


/* an error, or 0: it has begun, as the first of a session of its own */

ngx_err_t ngx_http_task_program_start(ngx_http_task_program_t *p);

void ngx_http_task_program_reap(pid_t pid);

/* an error, or 0; closed by exec(), and neither of 0, 1, 2 */

ngx_err_t ngx_http_task_program_pipe(int *fd);
ngx_err_t ngx_http_task_program_dup(int *fd);

/* harmless if it is closed: -1 */

void ngx_http_task_program_close(int *fd);

/* until it has ended, or has been */

void ngx_http_task_spawn_run(ngx_http_task_spawn_t *s);


#endif /* _NGX_HTTP_TASK_PROGRAM_H_INCLUDED_ */
