
/*
 * Who may have jobs of a state file.  Each worker locks a byte of FILE.lock,
 * whose offset is the number of its zone: so who finds a file that another zone
 * has written, as that of before a reload with another size, or of another
 * binary, knows whether workers of that are left.  Their jobs would be taken
 * for lost.
 *
 * The kernel gives back the lock when the process is gone, and with it the
 * last thread of a job.  Locks to read do not exclude each other: all workers
 * of a zone have that byte.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_uint_t ngx_http_task_state_held_still(ngx_fd_t fd);
static ngx_int_t ngx_http_task_state_held_by(ngx_http_task_state_writer_t *w,
    const char *path, off_t first, off_t n);
static void ngx_http_task_state_held_lock(struct flock *lock, short type,
    off_t first, off_t n);


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

    ngx_http_task_state_held_lock(&lock, F_RDLCK, w->zone.sh->state.owner, 1);

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
    uint32_t  owner;

    owner = ngx_http_task_journal_owner(&w->journal);

    if (owner == w->zone.sh->state.owner) {
        return NGX_OK;
    }

    return ngx_http_task_state_held_by(w, w->journal.path, owner, 1);
}


/* who had the file that was removed may be about to write another one */

ngx_int_t
ngx_http_task_state_held_without(ngx_http_task_state_writer_t *w,
    const char *path)
{
    off_t        owner;
    ngx_int_t    rc;
    struct stat  st;

    if (lstat(path, &st) == 0 || ngx_errno != NGX_ENOENT) {
        return NGX_OK;
    }

    owner = w->zone.sh->state.owner;

    rc = ngx_http_task_state_held_by(w, path, 0, owner);

    if (rc == NGX_OK) {
        rc = ngx_http_task_state_held_by(w, path, owner + 1, 0);
    }

    return rc;
}


/* so many bytes, or with 0 all from there on; a lock of this process is in
   nobody's way */

static ngx_int_t
ngx_http_task_state_held_by(ngx_http_task_state_writer_t *w, const char *path,
    off_t first, off_t n)
{
    struct flock  lock;

    ngx_http_task_state_held_lock(&lock, F_WRLCK, first, n);

    if (fcntl(w->held, F_GETLK, &lock) == -1) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                      "state file \"%s\": its lock cannot be read", path);
        return NGX_ERROR;
    }

    if (lock.l_type == F_UNLCK) {
        return NGX_OK;
    }

    /* it is of another machine, or of another container */

    w->busy = (lock.l_pid > 0) ? lock.l_pid : -1;

    return NGX_BUSY;
}


static void
ngx_http_task_state_held_lock(struct flock *lock, short type, off_t first,
    off_t n)
{
    ngx_memzero(lock, sizeof(struct flock));

    lock->l_type = type;
    lock->l_whence = SEEK_SET;
    lock->l_start = first;
    lock->l_len = n;
}
