
/*
 * Who may have jobs of a state file.  Each worker locks a byte of FILE.lock,
 * whose offset is the number of its zone: so who finds a file that another zone
 * has written, as that of before a reload with another size, or of another
 * binary, knows whether workers of that are left.  Their jobs would be taken
 * for lost.
 *
 * FILE.lock has the number of the zone that had the file last, for when the
 * file itself is gone.
 *
 * The kernel gives back the lock when the process is gone, and with it the
 * last thread of a job.  Locks to read do not exclude each other: all workers
 * of a zone have that byte.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_uint_t ngx_http_task_state_held_still(ngx_fd_t fd);
static ngx_int_t ngx_http_task_state_held_by(ngx_http_task_state_writer_t *w,
    const char *path, uint32_t owner);
static ngx_int_t ngx_http_task_state_held_error(
    ngx_http_task_state_writer_t *w, const char *path);
static void ngx_http_task_state_held_lock(struct flock *lock, short type,
    uint32_t owner);


void
ngx_http_task_state_hold(ngx_http_task_state_writer_t *w, const char *path)
{
    int           fd;
    u_char       *name;
    size_t        len;
    struct flock  lock;

    if (w->held != NGX_INVALID_FILE
        && ngx_http_task_state_held_still(w->held))
    {
        return;
    }

    len = ngx_strlen(path) + sizeof(".lock");

    name = ngx_alloc(len, ngx_cycle->log);
    if (name == NULL) {
        return;
    }

    (void) ngx_snprintf(name, len, "%s.lock%Z", path);

    fd = open((char *) name, O_RDWR|O_CREAT|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC,
              0600);

    ngx_http_task_state_held_lock(&lock, F_RDLCK, w->zone.sh->state.owner);

    if (fd == -1 || fcntl(fd, F_SETLK, &lock) == -1) {

        if (!w->unheld) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          "state file \"%s\": its lock \"%s\" cannot be taken",
                          path, name);
        }

        if (fd != -1) {
            (void) close(fd);
        }

        fd = NGX_INVALID_FILE;
    }

    ngx_free(name);

    if (w->held != NGX_INVALID_FILE) {
        (void) close(w->held);
    }

    w->held = fd;
    w->unheld = (fd == NGX_INVALID_FILE);

    if (w->open && !w->unheld) {
        ngx_http_task_state_held_now(w);
    }
}


/* nobody would find it in a file that was removed */

static ngx_uint_t
ngx_http_task_state_held_still(ngx_fd_t fd)
{
    struct stat  st;

    return fstat(fd, &st) == -1 || st.st_nlink > 0;
}


ngx_int_t
ngx_http_task_state_held(ngx_http_task_state_writer_t *w)
{
    return ngx_http_task_state_held_by(w, w->journal.path,
                                    ngx_http_task_journal_owner(&w->journal));
}


/* who had the file that was removed may be about to write another one */

ngx_int_t
ngx_http_task_state_held_without(ngx_http_task_state_writer_t *w,
    const char *path)
{
    ssize_t      n;
    uint32_t     owner;
    struct stat  st;

    if (lstat(path, &st) == 0 ? st.st_size > 0 : ngx_errno != NGX_ENOENT) {
        return NGX_OK;
    }

    n = pread(w->held, &owner, sizeof(uint32_t), 0);

    /* it is a new one */

    if (n != -1 && n < (ssize_t) sizeof(uint32_t)) {
        return NGX_OK;
    }

    if (n == -1) {
        return ngx_http_task_state_held_error(w, path);
    }

    return ngx_http_task_state_held_by(w, path, owner);
}


void
ngx_http_task_state_held_now(ngx_http_task_state_writer_t *w)
{
    uint32_t  owner;

    owner = w->zone.sh->state.owner;

    if (pwrite(w->held, &owner, sizeof(uint32_t), 0) == -1) {
        (void) ngx_http_task_state_held_error(w, w->journal.path);
    }
}


static ngx_int_t
ngx_http_task_state_held_by(ngx_http_task_state_writer_t *w, const char *path,
    uint32_t owner)
{
    struct flock  lock;

    if (owner == w->zone.sh->state.owner) {
        return NGX_OK;
    }

    ngx_http_task_state_held_lock(&lock, F_WRLCK, owner);

    if (fcntl(w->held, F_GETLK, &lock) == -1) {
        return ngx_http_task_state_held_error(w, path);
    }

    if (lock.l_type == F_UNLCK) {
        return NGX_OK;
    }

    /* it is of another machine, or of another container */

    w->busy = (lock.l_pid > 0) ? lock.l_pid : -1;

    return NGX_BUSY;
}


/* once, as it is tried again and again */

static ngx_int_t
ngx_http_task_state_held_error(ngx_http_task_state_writer_t *w,
    const char *path)
{
    if (!w->unheld) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                      "state file \"%s\": its lock cannot be read and written",
                      path);
    }

    w->unheld = 1;

    return NGX_ERROR;
}


static void
ngx_http_task_state_held_lock(struct flock *lock, short type, uint32_t owner)
{
    ngx_memzero(lock, sizeof(struct flock));

    lock->l_type = type;
    lock->l_whence = SEEK_SET;
    lock->l_start = owner;
    lock->l_len = 1;
}
