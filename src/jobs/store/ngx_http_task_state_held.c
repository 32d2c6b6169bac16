
/*
 * Who may have jobs of a state file.  Each worker locks a byte of FILE.lock,
 * whose offset is the number of its zone, until it is gone: so who finds a file
 * that another zone has written, as that of before a reload with another size,
 * or of another binary, knows whether workers of that are left.  Their jobs
 * would be taken for lost.
 *
 * The kernel gives back the lock of a process that is gone.  Locks of a byte do
 * not exclude each other: all workers of a zone have it.
 */


#include "jobs/store/ngx_http_task_state.h"


static void ngx_http_task_state_held_lock(struct flock *lock, short type,
    uint32_t owner);


void
ngx_http_task_state_hold(ngx_http_task_state_writer_t *w, const char *path)
{
    int           fd;
    u_char       *name;
    size_t        len;
    struct flock  lock;

    if (w->held != NGX_INVALID_FILE) {
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

    w->held = fd;
    w->unheld = (fd == NGX_INVALID_FILE);
}


void
ngx_http_task_state_release(ngx_http_task_state_writer_t *w)
{
    if (w->held != NGX_INVALID_FILE) {
        (void) close(w->held);
        w->held = NGX_INVALID_FILE;
    }
}


/* a lock of this process is in nobody's way */

ngx_uint_t
ngx_http_task_state_is_held(ngx_http_task_state_writer_t *w)
{
    uint32_t      owner;
    struct flock  lock;

    owner = ngx_http_task_journal_owner(&w->journal);

    if (owner == w->zone.sh->state.owner) {
        return 0;
    }

    ngx_http_task_state_held_lock(&lock, F_WRLCK, owner);

    if (fcntl(w->held, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK) {
        return 0;
    }

    w->busy = lock.l_pid;

    return 1;
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
