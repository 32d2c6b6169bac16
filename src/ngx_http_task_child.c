
/*
 * What programs inherit that a function starts by itself, by system(), popen()
 * or posix_spawn().
 *
 * nginx marks none of its descriptors: a program that lives on would hold the
 * connections of all clients, and the port.  Its threads block all signals,
 * and SIGPIPE is ignored; both is inherited.  Only where libraries are loaded
 * is any of it changed, as it costs a system call for each connection.
 */


#include "ngx_http_task.h"

#include <sys/syscall.h>


/* since Linux 5.9 and 5.11 */

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC  (1U << 2)
#endif


static ngx_int_t ngx_http_task_child_listening(ngx_cycle_t *cycle);
static void ngx_http_task_child_accepted(ngx_connection_t *c);
static ngx_int_t ngx_http_task_child_connect(ngx_connection_t *c);
static void ngx_http_task_child_no_action(int signo);


/* of this worker; are there libraries? */

static ngx_uint_t                  ngx_http_task_child_wanted;

/* of the listening sockets: what they do with a connection */

static ngx_listening_t            *ngx_http_task_child_sockets;
static ngx_connection_handler_pt  *ngx_http_task_child_handlers;

static ngx_int_t                 (*ngx_http_task_child_add_conn)(
                                                       ngx_connection_t *c);


ngx_int_t
ngx_http_task_child_init(ngx_cycle_t *cycle)
{
    struct sigaction            sa;
    ngx_http_task_core_conf_t  *tccf;

    tccf = ngx_http_task_core_conf(cycle);

    /* the first one is the built-in one */

    if (tccf->libraries.nelts <= 1) {
        return NGX_OK;
    }

    ngx_http_task_child_wanted = 1;

    ngx_memzero(&sa, sizeof(struct sigaction));
    sigemptyset(&sa.sa_mask);

    /* nginx's handler would reap the children of system() and popen() */

    sa.sa_handler = SIG_DFL;
    (void) sigaction(SIGCHLD, &sa, NULL);

    /* what is handled, unlike what is ignored, ends with exec() */

    sa.sa_handler = ngx_http_task_child_no_action;
    sa.sa_flags = SA_RESTART;
    (void) sigaction(SIGPIPE, &sa, NULL);

    /* what the master has opened, and nginx's event module here */

#ifdef SYS_close_range
    (void) syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
#endif

    /* connections to upstreams; those of clients do not come this way */

    if (ngx_event_actions.add_conn) {
        ngx_http_task_child_add_conn = ngx_event_actions.add_conn;
        ngx_event_actions.add_conn = ngx_http_task_child_connect;
    }

    return ngx_http_task_child_listening(cycle);
}


static ngx_int_t
ngx_http_task_child_listening(ngx_cycle_t *cycle)
{
    ngx_uint_t                  i;
    ngx_listening_t            *ls;
    ngx_connection_handler_pt  *handlers;

    ls = cycle->listening.elts;

    handlers = ngx_pcalloc(cycle->pool, cycle->listening.nelts
                                        * sizeof(ngx_connection_handler_pt));
    if (handlers == NULL) {
        return NGX_ERROR;
    }

    ngx_http_task_child_sockets = ls;
    ngx_http_task_child_handlers = handlers;

    for (i = 0; i < cycle->listening.nelts; i++) {
        (void) fcntl(ls[i].fd, F_SETFD, FD_CLOEXEC);

        handlers[i] = ls[i].handler;
        ls[i].handler = ngx_http_task_child_accepted;
    }

    return NGX_OK;
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


/*
 * In a thread of a pool, once.  A signal to the process is taken by its first
 * thread, the event loop's, wherever that one can take it.
 */

void
ngx_http_task_child_thread(void)
{
    sigset_t                    set;
    static __thread ngx_uint_t  done;

    if (done || !ngx_http_task_child_wanted) {
        return;
    }

    done = 1;

    sigemptyset(&set);
    (void) pthread_sigmask(SIG_SETMASK, &set, NULL);
}


static void
ngx_http_task_child_no_action(int signo)
{
    /* a write to what nobody reads any more fails with EPIPE, as it did */
}
