
/*
 * The start of a program: what stands between a thread of this process and
 * exec().
 *
 * Between vfork() and exec() the child borrows the memory of this process, and
 * the thread that started it waits; so the child makes only system calls.  An
 * error is told over a pipe that exec() closes.
 */


#include "task/ngx_http_task.h"
#include "task/ngx_http_task_program.h"

#include <sys/prctl.h>
#include <sys/syscall.h>


/* since Linux 5.11 */

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC  (1U << 2)
#endif


/* how many descriptors are closed one by one, without close_range() */

#define NGX_HTTP_TASK_PROGRAM_FDS  1048576


static ngx_err_t ngx_http_task_program_fork(ngx_http_task_program_t *p,
    int *told);
static void ngx_http_task_program_exec(ngx_http_task_program_t *p,
    pid_t parent);
static void ngx_http_task_program_close_on_exec(void);
static ngx_err_t ngx_http_task_program_high(int *fd);


ngx_err_t
ngx_http_task_program_start(ngx_http_task_program_t *p)
{
    int        told[2];
    ssize_t    n;
    ngx_err_t  err;

    err = ngx_http_task_program_pipe(told);

    if (err == 0) {

        /* a forked child may keep the other end open: do not wait for it */

        (void) ngx_nonblocking(told[0]);

        err = ngx_http_task_program_fork(p, told);
        (void) close(told[1]);

        if (err == 0) {
            do {
                n = read(told[0], &err, sizeof(ngx_err_t));
            } while (n == -1 && ngx_errno == EINTR);

            /* exec() failed: nobody else knows of the child */

            if (n == sizeof(ngx_err_t)) {
                ngx_http_task_program_reap(p->pid);

            } else {
                err = 0;
            }
        }

        (void) close(told[0]);
    }

    return err;
}


static ngx_err_t
ngx_http_task_program_fork(ngx_http_task_program_t *p, int *told)
{
    pid_t      parent;
    sigset_t   all, before;
    ngx_err_t  err;

    parent = getpid();
    p->told = told[1];

    /* no handler of this process is to run in the child */

    sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);

    p->pid = vfork();

    if (p->pid == 0) {
        ngx_http_task_program_exec(p, parent);

        err = ngx_errno;
        (void) !write(p->told, &err, sizeof(ngx_err_t));
        _exit(127);
    }

    err = (p->pid == -1) ? ngx_errno : 0;

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    return err;
}


/* runs in the child; returns if it failed */

static void
ngx_http_task_program_exec(ngx_http_task_program_t *p, pid_t parent)
{
    int               i;
    sigset_t          none;
    struct sigaction  sa;

    /* the child ends with the thread that waits for it, so with the worker */

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (getppid() != parent) {
        _exit(127);
    }

    (void) setsid();

    ngx_http_task_batch_child();

    /* this fails for signals of glibc's own, and for SIGKILL and SIGSTOP */

    sa.sa_handler = SIG_DFL;
    sa.sa_flags = 0;
    sigemptyset(&sa.sa_mask);

    for (i = 1; i < NSIG; i++) {
        (void) sigaction(i, &sa, NULL);
    }

    for (i = 0; i < 3; i++) {
        if (dup2(p->fds[i], i) == -1) {
            return;
        }
    }

    ngx_http_task_program_close_on_exec();

    if (p->dir && chdir(p->dir) == -1) {
        return;
    }

    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);

    (void) execvpe(p->argv[0], p->argv, p->env);
}


static void
ngx_http_task_program_close_on_exec(void)
{
    int   fd;
    long  n;

#ifdef SYS_close_range

    if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        return;
    }

#endif

    n = sysconf(_SC_OPEN_MAX);

    if (n < 0 || n > NGX_HTTP_TASK_PROGRAM_FDS) {
        n = NGX_HTTP_TASK_PROGRAM_FDS;
    }

    for (fd = 3; fd < n; fd++) {
        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}


void
ngx_http_task_program_reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) == -1 && ngx_errno == EINTR) {
        /* void */
    }
}


ngx_err_t
ngx_http_task_program_pipe(int *fd)
{
    ngx_err_t  err;

    if (pipe2(fd, O_CLOEXEC) == -1) {
        return ngx_errno;
    }

    err = ngx_http_task_program_high(&fd[0]);

    if (err == 0) {
        err = ngx_http_task_program_high(&fd[1]);
    }

    if (err) {
        (void) close(fd[0]);
        (void) close(fd[1]);
    }

    return err;
}


ngx_err_t
ngx_http_task_program_dup(int *fd)
{
    int  n;

    n = fcntl(*fd, F_DUPFD_CLOEXEC, 3);

    if (n == -1) {
        return ngx_errno;
    }

    *fd = n;

    return 0;
}


/* if nginx was started with 0, 1 or 2 closed, pipes may get these numbers */

static ngx_err_t
ngx_http_task_program_high(int *fd)
{
    int        low;
    ngx_err_t  err;

    low = *fd;

    if (low > 2) {
        return 0;
    }

    err = ngx_http_task_program_dup(fd);

    if (err == 0) {
        (void) close(low);
    }

    return err;
}


void
ngx_http_task_program_close(int *fd)
{
    if (*fd != -1) {
        (void) close(*fd);
        *fd = -1;
    }
}
