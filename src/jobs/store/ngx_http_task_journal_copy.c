
/*
 * The copy of a journal, which has only what is live, and takes its place.
 *
 * FILE.new is on the disk before it gets the name of FILE, and then the
 * directory is: whenever the machine goes down, FILE is whole, old or new.
 */


#include "jobs/store/ngx_http_task_journal_file.h"


/* bytes that are written to the disk at once */

#define NGX_HTTP_TASK_JOURNAL_FLUSH  (4 * 1024 * 1024)


static ngx_int_t ngx_http_task_journal_copy_remove(ngx_http_task_journal_t *j);
static ngx_int_t ngx_http_task_journal_copy_unlink(ngx_http_task_journal_t *j);
static ngx_int_t ngx_http_task_journal_copy_sync(ngx_http_task_journal_t *j);
static ngx_int_t ngx_http_task_journal_fsync(ngx_fd_t fd);
static ngx_int_t ngx_http_task_journal_fsync_directory(
    ngx_http_task_journal_t *j);


ngx_int_t
ngx_http_task_journal_copy_begin(ngx_http_task_journal_t *j)
{
    return (j->ready && ngx_http_task_journal_copy_start(j) == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_task_journal_copy_start(ngx_http_task_journal_t *j)
{
    ngx_int_t  rc;

    if (j->copy.fd != NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_copy_remove(j);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_task_journal_take_new(j) != NGX_OK) {
        return NGX_ERROR;
    }

    j->incomplete = 0;
    j->flushed = 0;
    j->copy.owner = j->owner;

    if (ngx_http_task_journal_header_write(&j->copy) != NGX_OK) {
        ngx_http_task_journal_log(j, ngx_errno, "its copy cannot be written");
        ngx_http_task_journal_leave_new(j);

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what is left of a copy that was never committed */

static ngx_int_t
ngx_http_task_journal_copy_remove(ngx_http_task_journal_t *j)
{
    ngx_err_t    err;
    ngx_int_t    rc;
    const char  *why;
    struct stat  st;

    if (lstat(j->path_new, &st) == -1 && ngx_errno == NGX_ENOENT) {
        return NGX_OK;
    }

    err = 0;
    rc = ngx_http_task_journal_check_new(j->path_new, &why, &err);

    if (rc != NGX_OK) {
        ngx_http_task_journal_log(j, err, why);
        return rc;
    }

    rc = ngx_http_task_journal_is_here(&st)
         ? NGX_BUSY : ngx_http_task_journal_copy_unlink(j);

    if (rc == NGX_BUSY) {
        ngx_http_task_journal_log(j, 0, "another state file has the name of "
                                  "its copy");
        return NGX_DECLINED;
    }

    return rc;
}


/* it may be the FILE of another journal, which is locked then */

static ngx_int_t
ngx_http_task_journal_copy_unlink(ngx_http_task_journal_t *j)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    fd = open(j->path_new, O_RDWR|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        ngx_http_task_journal_log(j, ngx_errno, "open() of its copy failed");
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_lock(fd);

    if (rc == NGX_ERROR) {
        ngx_http_task_journal_log(j, ngx_errno, "fcntl() of its copy failed");

    } else if (rc == NGX_OK && unlink(j->path_new) == -1) {
        ngx_http_task_journal_log(j, ngx_errno, "unlink() of its copy failed");
        rc = NGX_ERROR;
    }

    (void) close(fd);

    return rc;
}


ngx_int_t
ngx_http_task_journal_copy_append(ngx_http_task_journal_t *j, uint32_t type,
    const struct iovec *parts, ngx_uint_t n)
{
    ngx_int_t  rc;

    if (!j->ready || j->copy.fd == NGX_INVALID_FILE || j->incomplete) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_write(&j->copy, type, parts, n);

    if (rc == NGX_ERROR) {
        j->incomplete = 1;
        ngx_http_task_journal_log(j, ngx_errno, "its copy cannot be written");
    }

    return rc;
}


/* an error is told by the kernel once: commit() would not hear of it */

void
ngx_http_task_journal_copy_flush(ngx_http_task_journal_t *j)
{
    if (j->copy.fd == NGX_INVALID_FILE || j->incomplete
        || j->copy.size - j->flushed < NGX_HTTP_TASK_JOURNAL_FLUSH)
    {
        return;
    }

    while (fdatasync(j->copy.fd) == -1) {

        if (ngx_errno != EINTR) {
            j->incomplete = 1;
            ngx_http_task_journal_log(j, ngx_errno, "fsync() of its copy "
                                      "failed");
            return;
        }
    }

    j->flushed = j->copy.size;
}


ngx_int_t
ngx_http_task_journal_copy_commit(ngx_http_task_journal_t *j)
{
    if (j->path == NULL || j->copy.fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    if (j->incomplete
        || ngx_http_task_journal_copy_sync(j) != NGX_OK
        || ngx_http_task_journal_swap(j) != NGX_OK)
    {
        ngx_http_task_journal_leave_new(j);
        return NGX_ERROR;
    }

    j->copied = j->file.size;
    j->skipped = 0;
    j->places = 0;

    j->unsynced = 0;
    j->untidy = 0;
    j->unsure = 0;

    if (ngx_http_task_journal_fsync_directory(j) == NGX_OK) {
        return NGX_OK;
    }

    /* after a crash of the machine the old one might be there again */

    j->unsure = 1;

    ngx_http_task_journal_log(j, ngx_errno, "fsync() of its directory failed, "
                              "it will be copied again");
    return NGX_ERROR;
}


static ngx_int_t
ngx_http_task_journal_copy_sync(ngx_http_task_journal_t *j)
{
    if (ngx_http_task_journal_fsync(j->copy.fd) == NGX_OK) {
        return NGX_OK;
    }

    ngx_http_task_journal_log(j, ngx_errno, "fsync() of its copy failed");

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_task_journal_fsync(ngx_fd_t fd)
{
    while (fsync(fd) == -1) {

        if (ngx_errno != EINTR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a file system that cannot sync a directory need not, or says nothing else */

static ngx_int_t
ngx_http_task_journal_fsync_directory(ngx_http_task_journal_t *j)
{
    ngx_fd_t   fd;
    ngx_err_t  err;
    ngx_int_t  rc;

    fd = open(j->directory, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_fsync(fd);
    err = ngx_errno;

    (void) close(fd);

    if (rc == NGX_OK || err == NGX_EINVAL) {
        return NGX_OK;
    }

    ngx_set_errno(err);

    return NGX_ERROR;
}


void
ngx_http_task_journal_copy_abort(ngx_http_task_journal_t *j)
{
    if (j->path && j->copy.fd != NGX_INVALID_FILE) {
        ngx_http_task_journal_leave_new(j);
    }
}
