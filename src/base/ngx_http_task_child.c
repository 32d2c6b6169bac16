
/*
 * What is inherited by programs that a function starts itself, with system(),
 * popen() or posix_spawn().
 *
 * nginx sets FD_CLOEXEC on none of its descriptors: a program that lives on
 * would hold the connections of all clients, and the port.  Threads of nginx
 * block all signals, and SIGPIPE is ignored; a program inherits both.  This is
 * changed only if libraries are loaded, as it costs a system call for each
 * connection.
 */


#include "base/ngx_http_task_base.h"

#include <sys/syscall.h>


/* the call is in Linux since 5.9, the flag since 5.11 */

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC  (1U << 2)
#endif


static void ngx_http_task_child_listening(ngx_cycle_t *cycle);
static void ngx_http_task_child_accepted(ngx_connection_t *c);
static ngx_int_t ngx_http_task_child_connect(ngx_connection_t *c);
static void ngx_http_task_child_signals(void);
static void ngx_http_task_child_signal(int signo, siginfo_t *info,
    void *context);
static void ngx_http_task_child_no_action(int signo);


/* 1 if this worker has libraries */

static ngx_uint_t                  ngx_http_task_child_wanted;

/* the listening sockets, and nginx's handlers of their connections */

static ngx_listening_t            *ngx_http_task_child_sockets;
static ngx_connection_handler_pt  *ngx_http_task_child_handlers;

static ngx_int_t                 (*ngx_http_task_child_add_conn)(
                                                       ngx_connection_t *c);

/* signals that nginx handles, how it does, and the event loop's thread */

static const int                   ngx_http_task_child_signos[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGIO,
    SIGWINCH
};

static struct sigaction            ngx_http_task_child_actions[NSIG];
static pid_t                       ngx_http_task_child_loop;


void
ngx_http_task_child_init(ngx_cycle_t *cycle, ngx_uint_t libraries)
{
    if (libraries == 0) {
        return;
    }

    ngx_http_task_child_wanted = 1;

    ngx_http_task_child_keep();
    ngx_http_task_child_signals();

    /* descriptors that the master has opened, or nginx's event module here */

#ifdef SYS_close_range
    (void) syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
#endif

    /* connections to upstreams; those from clients do not come this way */

    if (ngx_event_actions.add_conn) {
        ngx_http_task_child_add_conn = ngx_event_actions.add_conn;
        ngx_event_actions.add_conn = ngx_http_task_child_connect;
    }

    ngx_http_task_child_listening(cycle);
}


void
ngx_http_task_child_keep(void)
{
    struct sigaction  sa;

    ngx_memzero(&sa, sizeof(struct sigaction));
    sigemptyset(&sa.sa_mask);

    sa.sa_handler = SIG_DFL;
    (void) sigaction(SIGCHLD, &sa, NULL);
}


static void
ngx_http_task_child_listening(ngx_cycle_t *cycle)
{
    ngx_uint_t                  i;
    ngx_listening_t            *ls;
    ngx_connection_handler_pt  *handlers;

    ls = cycle->listening.elts;

    handlers = ngx_pcalloc(cycle->pool, cycle->listening.nelts
                                        * sizeof(ngx_connection_handler_pt));
    if (handlers == NULL) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "no memory, programs that functions start will have the "
                      "connections of clients");
        return;
    }

    ngx_http_task_child_sockets = ls;
    ngx_http_task_child_handlers = handlers;

    for (i = 0; i < cycle->listening.nelts; i++) {
        (void) fcntl(ls[i].fd, F_SETFD, FD_CLOEXEC);

        handlers[i] = ls[i].handler;
        ls[i].handler = ngx_http_task_child_accepted;
    }
}


static void
ngx_http_task_child_accepted(ngx_connection_t *c)
{
    (void) fcntl(c->fd, F_SETFD, FD_CLOEXEC);

    ngx_http_task_child_handlers[c->listening - ngx_http_task_child_sockets](c);
}


static ngx_int_t
ngx_http_task_child_connect(ngx_connection_t *c)
{
    (void) fcntl(c->fd, F_SETFD, FD_CLOEXEC);

    return ngx_http_task_child_add_conn(c);
}


static void
ngx_http_task_child_signals(void)
{
    int                signo;
    ngx_uint_t         i;
    struct sigaction   sa, *was;

    ngx_memzero(&sa, sizeof(struct sigaction));
    sigemptyset(&sa.sa_mask);

    /* exec() resets a signal that is handled, but not one that is ignored */

    sa.sa_handler = ngx_http_task_child_no_action;
    sa.sa_flags = SA_RESTART;
    (void) sigaction(SIGPIPE, &sa, NULL);

    /* threads will not block these signals, but only the loop acts on them */

    ngx_http_task_child_loop = syscall(SYS_gettid);

    sa.sa_sigaction = ngx_http_task_child_signal;
    sa.sa_flags = SA_SIGINFO|SA_RESTART;

    for (i = 0; i < sizeof(ngx_http_task_child_signos) / sizeof(int); i++) {
        signo = ngx_http_task_child_signos[i];
        was = &ngx_http_task_child_actions[signo];

        if (sigaction(signo, NULL, was) == 0
            && was->sa_handler != SIG_DFL && was->sa_handler != SIG_IGN)
        {
            (void) sigaction(signo, &sa, NULL);
        }
    }
}


/*
 * Any thread that does not block a signal to the process may get it.  But it
 * is the event loop that has to act upon it, and has to be woken for that.
 */

static void
ngx_http_task_child_signal(int signo, siginfo_t *info, void *context)
{
    ngx_err_t          err;
    struct sigaction  *was;

    /* in a child by fork(): do what the signal does by default */

    if (getpid() != ngx_pid) {
        (void) signal(signo, SIG_DFL);
        (void) raise(signo);
        return;
    }

    if (!ngx_http_task_loop_is_here()) {
        err = ngx_errno;

        (void) syscall(SYS_tgkill, ngx_pid, ngx_http_task_child_loop, signo);

        ngx_set_errno(err);
        return;
    }

    was = &ngx_http_task_child_actions[signo];

    if (was->sa_flags & SA_SIGINFO) {
        was->sa_sigaction(signo, info, context);

    } else {
        was->sa_handler(signo);
    }
}


void
ngx_http_task_child_thread(void)
{
    sigset_t  set;

    if (!ngx_http_task_child_wanted) {
        return;
    }

    sigemptyset(&set);
    (void) pthread_sigmask(SIG_SETMASK, &set, NULL);
}


static void
ngx_http_task_child_no_action(int signo)
{
    /* a write that nobody reads still fails with EPIPE */
}
