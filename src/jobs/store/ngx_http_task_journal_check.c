
/*
 * What may be the file of a journal, and what is left of a copy: no file of
 * another program is ever replaced or removed.
 */


#include "jobs/store/ngx_http_task_journal_file.h"


static ngx_int_t ngx_http_task_journal_check_file(const char *path,
    struct stat *st, const char **why, ngx_err_t *err);
static ngx_int_t ngx_http_task_journal_check_directory(const char *directory,
    const char **why, ngx_err_t *err);
static ngx_uint_t ngx_http_task_journal_is_ours(const u_char *p, size_t n);


ngx_int_t
ngx_http_task_journal_check(const char *path, const char **why, ngx_err_t *err)
{
    ngx_int_t                rc;
    struct stat              st;
    ngx_http_task_journal_t  j;

    *why = NULL;
    *err = 0;

    if (ngx_http_task_journal_names(&j, path) != NGX_OK) {
        *why = "no memory";
        return NGX_ERROR;
    }

    if (lstat(path, &st) == 0) {
        rc = ngx_http_task_journal_check_file(path, &st, why, err);

    } else if (ngx_errno == NGX_ENOENT) {
        rc = NGX_OK;

    } else {
        *err = ngx_errno;
        *why = "lstat() failed";
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_journal_check_directory(j.directory, why, err);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_journal_check_new(j.path_new, why, err);
    }

    ngx_free(j.path);

    return rc;
}


/* one that a journal of this process has open is not opened: see the lock */

static ngx_int_t
ngx_http_task_journal_check_file(const char *path, struct stat *st,
    const char **why, ngx_err_t *err)
{
    ngx_int_t                     rc;
    ngx_http_task_journal_file_t  file;

    rc = ngx_http_task_journal_kind(st, why);

    if (rc != NGX_OK || ngx_http_task_journal_is_here(st)) {
        return rc;
    }

    if (access(path, R_OK|W_OK) == -1) {
        *err = ngx_errno;
        *why = "it cannot be read and written";
        return NGX_ERROR;
    }

    if (st->st_size == 0) {
        return NGX_OK;
    }

    file.fd = open(path, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (file.fd == NGX_INVALID_FILE) {
        *err = ngx_errno;
        *why = "open() failed";
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_header_read(&file, why);

    if (rc == NGX_ERROR) {
        *err = ngx_errno;
    }

    (void) close(file.fd);

    return rc;
}


/* a copy is made in it, and it is synced, for which it is opened to read */

static ngx_int_t
ngx_http_task_journal_check_directory(const char *directory, const char **why,
    ngx_err_t *err)
{
    if (access(directory, R_OK|W_OK|X_OK) == 0) {
        return NGX_OK;
    }

    *err = ngx_errno;
    *why = "its directory cannot be read and written";

    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_journal_check_new(const char *path, const char **why,
    ngx_err_t *err)
{
    u_char       bytes[sizeof(ngx_http_task_journal_header_t)];
    ssize_t      n;
    ngx_fd_t     fd;
    struct stat  st;

    if (lstat(path, &st) == -1) {

        if (ngx_errno == NGX_ENOENT) {
            return NGX_OK;
        }

        *err = ngx_errno;
        *why = "lstat() of its copy failed";
        return NGX_ERROR;
    }

    if (ngx_http_task_journal_is_here(&st)) {
        return NGX_OK;
    }

    n = -1;

    if (S_ISREG(st.st_mode)) {
        fd = open(path, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

        if (fd == NGX_INVALID_FILE) {
            *err = ngx_errno;
            *why = "open() of its copy failed";
            return NGX_ERROR;
        }

        n = ngx_http_task_journal_pread(fd, bytes, sizeof(bytes), 0);

        (void) close(fd);
    }

    if (n != -1 && ngx_http_task_journal_is_ours(bytes, n)) {
        return NGX_OK;
    }

    *why = "a file of this name with \".new\" behind it is no copy of it: "
           "remove that";

    return NGX_DECLINED;
}


/*
 * A process may have died before it has written the header of a copy.  After a
 * crash of the machine a file system may have kept the size, and zeros in place
 * of bytes.
 */

static ngx_uint_t
ngx_http_task_journal_is_ours(const u_char *p, size_t n)
{
    size_t  i, magic;

    magic = sizeof(NGX_HTTP_TASK_JOURNAL_MAGIC) - 1;

    for (i = 0; i < n && i < magic; i++) {

        if (p[i] != (u_char) NGX_HTTP_TASK_JOURNAL_MAGIC[i]) {
            break;
        }
    }

    if (i == magic) {
        return 1;
    }

    while (i < n && p[i] == 0) {
        i++;
    }

    return (i == n);
}
