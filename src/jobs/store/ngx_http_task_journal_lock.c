
/*
 * One process has a journal: the others are kept out by a lock, which the
 * kernel lifts when the process ends, however it does.
 *
 * The lock is on the file itself, as one beside it might be removed by whoever
 * tidies up.  A copy is locked before it gets the name, so that what has the
 * name is always locked; and who has got a lock looks whether the file still
 * has the name, or was replaced by a copy meanwhile, and comes again.
 *
 * It is a lock by fcntl(), which a child of the process does not inherit: one
 * that lives longer, as a function may have forked it, holds nothing.  In
 * return such a lock does not keep out the process itself, and is lost when it
 * closes any descriptor of the file.  So the journals of a process are in a
 * list, and a file of theirs is not opened again.
 */


#include "jobs/store/ngx_http_task_journal_file.h"


/* so often another process may be seen to replace the file, then it is busy */

#define NGX_HTTP_TASK_JOURNAL_TRIES  8


static ngx_int_t ngx_http_task_journal_try(ngx_http_task_journal_t *j);
static ngx_uint_t ngx_http_task_journal_in_list(const struct stat *st);
static ngx_uint_t ngx_http_task_journal_is(
    const ngx_http_task_journal_file_t *file, const struct stat *st);


static pthread_mutex_t           ngx_http_task_journal_mutex =
                                                   PTHREAD_MUTEX_INITIALIZER;
static ngx_http_task_journal_t  *ngx_http_task_journals;


ngx_int_t
ngx_http_task_journal_lock(ngx_fd_t fd)
{
    struct flock  lock;

    ngx_memzero(&lock, sizeof(struct flock));

    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;

    if (fcntl(fd, F_SETLK, &lock) == 0) {
        return NGX_OK;
    }

    return (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EACCES)
           ? NGX_BUSY : NGX_ERROR;
}


ngx_uint_t
ngx_http_task_journal_is_here(const struct stat *st)
{
    ngx_uint_t  is;

    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    is = ngx_http_task_journal_in_list(st);

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);

    return is;
}


ngx_int_t
ngx_http_task_journal_take(ngx_http_task_journal_t *j)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    rc = NGX_AGAIN;

    for (i = 0; i < NGX_HTTP_TASK_JOURNAL_TRIES && rc == NGX_AGAIN; i++) {
        rc = ngx_http_task_journal_try(j);
    }

    if (rc == NGX_OK) {
        j->next = ngx_http_task_journals;
        ngx_http_task_journals = j;
    }

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);

    return (rc == NGX_AGAIN) ? NGX_BUSY : rc;
}


/* NGX_AGAIN: what was locked has the name no longer */

static ngx_int_t
ngx_http_task_journal_try(ngx_http_task_journal_t *j)
{
    ngx_fd_t     fd;
    ngx_int_t    rc;
    const char  *why;
    struct stat  st, named;

    if (lstat(j->path, &st) == 0) {

        if (ngx_http_task_journal_kind(&st, &why) != NGX_OK) {
            ngx_http_task_journal_log(j, 0, why);
            return NGX_DECLINED;
        }

        if (ngx_http_task_journal_in_list(&st)) {
            return NGX_BUSY;
        }

    } else if (ngx_errno != NGX_ENOENT) {
        ngx_http_task_journal_log(j, ngx_errno, "lstat() failed");
        return NGX_ERROR;
    }

    fd = open(j->path, O_RDWR|O_CREAT|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        ngx_http_task_journal_log(j, ngx_errno, "open() failed");
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_lock(fd);

    if (rc == NGX_ERROR) {
        ngx_http_task_journal_log(j, ngx_errno, "fcntl() failed");

    } else if (rc == NGX_OK && fstat(fd, &st) == -1) {
        ngx_http_task_journal_log(j, ngx_errno, "fstat() failed");
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        j->file.fd = fd;
        j->file.device = st.st_dev;
        j->file.inode = st.st_ino;
        j->file.size = st.st_size;

        if (lstat(j->path, &named) == 0
            && ngx_http_task_journal_is(&j->file, &named))
        {
            return NGX_OK;
        }

        j->file.fd = NGX_INVALID_FILE;
        rc = NGX_AGAIN;
    }

    (void) close(fd);

    return rc;
}


/* what this process has open is not opened: its lock would be lost */

ngx_pid_t
ngx_http_task_journal_holder(const char *path)
{
    ngx_fd_t      fd;
    ngx_pid_t     pid;
    struct stat   st;
    struct flock  lock;

    pid = 0;

    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    if (lstat(path, &st) == 0 && ngx_http_task_journal_in_list(&st)) {
        (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);
        return ngx_getpid();
    }

    fd = open(path, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd != NGX_INVALID_FILE) {
        ngx_memzero(&lock, sizeof(struct flock));

        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;

        if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
            pid = (lock.l_pid > 0) ? lock.l_pid : -1;
        }

        (void) close(fd);
    }

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);

    return pid;
}


/* who has the mutex */

static ngx_uint_t
ngx_http_task_journal_in_list(const struct stat *st)
{
    ngx_http_task_journal_t  *j;

    for (j = ngx_http_task_journals; j; j = j->next) {

        if (ngx_http_task_journal_is(&j->file, st)
            || ngx_http_task_journal_is(&j->copy, st))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_task_journal_is(const ngx_http_task_journal_file_t *file,
    const struct stat *st)
{
    return file->fd != NGX_INVALID_FILE
           && file->device == st->st_dev
           && file->inode == st->st_ino;
}


ngx_int_t
ngx_http_task_journal_take_new(ngx_http_task_journal_t *j)
{
    ngx_fd_t     fd;
    ngx_int_t    rc;
    struct stat  st;

    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    rc = NGX_ERROR;

    fd = open(j->path_new, O_RDWR|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        ngx_http_task_journal_log(j, ngx_errno, "open() of its copy failed");

    } else if (ngx_http_task_journal_lock(fd) != NGX_OK
               || fstat(fd, &st) == -1)
    {
        ngx_http_task_journal_log(j, ngx_errno, "fcntl() of its copy failed");

        (void) unlink(j->path_new);
        (void) close(fd);

    } else {
        j->copy.fd = fd;
        j->copy.device = st.st_dev;
        j->copy.inode = st.st_ino;
        j->copy.size = 0;

        rc = NGX_OK;
    }

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);

    return rc;
}


/* the lock is kept until the file is gone */

void
ngx_http_task_journal_leave_new(ngx_http_task_journal_t *j)
{
    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    (void) unlink(j->path_new);
    (void) close(j->copy.fd);

    j->copy.fd = NGX_INVALID_FILE;

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);
}


/* a file that somebody else has put there is not replaced: it would be lost */

ngx_int_t
ngx_http_task_journal_swap(ngx_http_task_journal_t *j)
{
    ngx_int_t    rc;
    struct stat  st;

    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    rc = NGX_ERROR;

    if (lstat(j->path, &st) == 0 && !ngx_http_task_journal_is(&j->file, &st)) {
        ngx_http_task_journal_log(j, 0, "it was replaced by another file, "
                                  "which is left alone: remove that");

    } else if (rename(j->path_new, j->path) == -1) {
        ngx_http_task_journal_log(j, ngx_errno, "rename() failed");

    } else {
        (void) close(j->file.fd);

        j->file = j->copy;
        j->copy.fd = NGX_INVALID_FILE;

        rc = NGX_OK;
    }

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);

    return rc;
}


void
ngx_http_task_journal_leave(ngx_http_task_journal_t *j)
{
    ngx_http_task_journal_t  **next;

    (void) pthread_mutex_lock(&ngx_http_task_journal_mutex);

    for (next = &ngx_http_task_journals; *next; next = &(*next)->next) {

        if (*next == j) {
            *next = j->next;

            (void) close(j->file.fd);
            j->file.fd = NGX_INVALID_FILE;

            break;
        }
    }

    (void) pthread_mutex_unlock(&ngx_http_task_journal_mutex);
}
