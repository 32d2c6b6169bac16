
/*
 * A descriptor of somebody's, such as that of a database's connection, is
 * looked at by the event loop.
 *
 * What nginx is given is a duplicate of it.  So whoever owns the descriptor may
 * close it, get another one of the same number, or have it looked at twice:
 * epoll knows each descriptor once, and forgets none that is open elsewhere.
 */


#include "base/ngx_http_task_base.h"

#include <sys/epoll.h>


static ngx_uint_t ngx_http_task_fd_has_events(int fd);
static ngx_int_t ngx_http_task_fd_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t on);


ngx_int_t
ngx_http_task_fd_open(ngx_connection_t **pc, int fd)
{
    int                copy;
    ngx_connection_t  *c;

    if (!ngx_http_task_fd_has_events(fd)) {
        return NGX_DECLINED;
    }

    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy == -1) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "a task cannot wait for a descriptor, there is none for "
                      "its duplicate");
        return NGX_BUSY;
    }

    /* nginx logs if there is none */

    c = ngx_get_connection(copy, ngx_cycle->log);

    if (c == NULL) {
        (void) close(copy);
        return NGX_BUSY;
    }

    c->read->log = c->log;
    c->write->log = c->log;

    *pc = c;

    return NGX_OK;
}


/*
 * Of files and directories epoll knows nothing: they are always ready.  Which
 * of the devices are like them only epoll knows, and nginx would log an alert.
 */

static ngx_uint_t
ngx_http_task_fd_has_events(int fd)
{
    int                 ep;
    ngx_uint_t          has;
    struct stat         st;
    struct epoll_event  ee;

    if (fstat(fd, &st) == -1 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
        return 0;
    }

    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return 1;
    }

    ep = epoll_create1(EPOLL_CLOEXEC);

    /* without a descriptor there is none for the duplicate either */

    if (ep == -1) {
        return 1;
    }

    ngx_memzero(&ee, sizeof(struct epoll_event));

    has = (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ee) == 0 || ngx_errno != EPERM);

    (void) close(ep);

    return has;
}


/* level-triggered: what its owner does not read is told again */

ngx_int_t
ngx_http_task_fd_events(ngx_connection_t *c, unsigned events)
{
    if (ngx_http_task_fd_event(c->read, NGX_READ_EVENT,
                               events & NGX_TASK_READABLE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_task_fd_event(c->write, NGX_WRITE_EVENT,
                                  events & NGX_TASK_WRITABLE);
}


static ngx_int_t
ngx_http_task_fd_event(ngx_event_t *ev, ngx_int_t event, ngx_uint_t on)
{
    if (on && !ev->active) {
        return ngx_add_event(ev, event, NGX_LEVEL_EVENT);
    }

    if (!on && ev->active) {
        return ngx_del_event(ev, event, 0);
    }

    return NGX_OK;
}


/* to close the duplicate is not enough: the file stays open elsewhere */

void
ngx_http_task_fd_close(ngx_connection_t *c)
{
    (void) ngx_http_task_fd_events(c, 0);

    ngx_close_connection(c);
}
