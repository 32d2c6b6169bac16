
/*
 * A journal is opened, appended to, synced and closed.
 */


#include "jobs/store/ngx_http_task_journal_file.h"


/* it can be written again when nothing has failed for so long, nanoseconds: a
   disk that is full may have room for a small record, and not for the next */

#define NGX_HTTP_TASK_JOURNAL_AGAIN  5000000000LL


static ngx_int_t ngx_http_task_journal_begin(ngx_http_task_journal_t *j);
static void ngx_http_task_journal_failed(ngx_http_task_journal_t *j,
    ngx_err_t err);
static ngx_int_t ngx_http_task_journal_unsure(ngx_http_task_journal_t *j);


ngx_int_t
ngx_http_task_journal_open(ngx_http_task_journal_t *j, const char *path,
    uint32_t owner)
{
    ngx_int_t  rc;

    if (ngx_http_task_journal_names(j, path) != NGX_OK) {
        return NGX_ERROR;
    }

    j->owner = owner;

    rc = ngx_http_task_journal_take(j);

    if (rc == NGX_OK) {
        rc = ngx_http_task_journal_begin(j);
    }

    if (rc != NGX_OK) {
        ngx_http_task_journal_close(j);
    }

    return rc;
}


/*
 * An empty file gets its header by way of a copy: so no crash leaves a part of
 * a header, which would look like a file of another program.
 *
 * What another process has written may be in memory alone, as if it were on the
 * disk: its sync may have failed, and the kernel tells that to nobody else.
 */

static ngx_int_t
ngx_http_task_journal_begin(ngx_http_task_journal_t *j)
{
    ngx_int_t    rc;
    const char  *why;

    if (j->file.size == 0) {
        j->fresh = 1;
        rc = ngx_http_task_journal_copy_start(j);

        return (rc == NGX_OK) ? ngx_http_task_journal_copy_commit(j) : rc;
    }

    j->unsure = 1;

    rc = ngx_http_task_journal_header_read(&j->file, &why);

    if (rc != NGX_OK) {
        ngx_http_task_journal_log(j, (rc == NGX_ERROR) ? ngx_errno : 0, why);
    }

    return rc;
}


void
ngx_http_task_journal_resume(ngx_http_task_journal_t *j, off_t copied)
{
    j->copied = copied;
    j->unsure = 0;
    j->ready = 1;
}


void
ngx_http_task_journal_close(ngx_http_task_journal_t *j)
{
    if (j->path == NULL) {
        return;
    }

    ngx_http_task_journal_copy_abort(j);
    ngx_http_task_journal_leave(j);

    ngx_free(j->path);
    j->path = NULL;

    j->ready = 0;
}


ngx_int_t
ngx_http_task_journal_append(ngx_http_task_journal_t *j, uint32_t type,
    const struct iovec *parts, ngx_uint_t n)
{
    ngx_int_t  rc;

    if (!j->ready) {
        return NGX_ERROR;
    }

    /* a shorter record would leave some of what is there behind it */

    if (j->untidy && ngx_http_task_journal_cut(&j->file) != NGX_OK) {
        ngx_http_task_journal_failed(j, ngx_errno);
        return NGX_ERROR;
    }

    j->untidy = 0;

    rc = ngx_http_task_journal_write(&j->file, type, parts, n);

    if (rc == NGX_ERROR) {
        ngx_http_task_journal_failed(j, ngx_errno);

        j->untidy = (ngx_http_task_journal_cut(&j->file) != NGX_OK);

        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        j->unsynced = 1;

        j->failing = 0;
    }

    return rc;
}


static void
ngx_http_task_journal_failed(ngx_http_task_journal_t *j, ngx_err_t err)
{
    if (j->failed == 0) {
        ngx_http_task_journal_log(j, err, "it cannot be written, what changes "
                                  "is not kept");
    }

    j->failing = 1;
    j->failed = ngx_http_task_now();
}


void
ngx_http_task_journal_tell(ngx_http_task_journal_t *j)
{
    if (j->failed == 0 || j->failing
        || ngx_http_task_now() - j->failed < NGX_HTTP_TASK_JOURNAL_AGAIN)
    {
        return;
    }

    j->failed = 0;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "state file \"%s\" can be written again", j->path);
}


void
ngx_http_task_journal_rewind(ngx_http_task_journal_t *j, off_t size)
{
    if (j->ready && size < j->file.size) {
        j->file.size = size;
        j->untidy = (ngx_http_task_journal_cut(&j->file) != NGX_OK);
    }
}


/*
 * After an error the kernel takes what was not written for clean, and another
 * call would tell success.  So there is none: all is written anew, to a copy.
 */

ngx_int_t
ngx_http_task_journal_sync(ngx_http_task_journal_t *j)
{
    if (!j->ready || j->unsure) {
        return NGX_ERROR;
    }

    while (j->unsynced && fdatasync(j->file.fd) == -1) {

        if (ngx_errno != EINTR) {
            ngx_http_task_journal_log(j, ngx_errno, "fdatasync() failed, it "
                                      "will be copied");
            return ngx_http_task_journal_unsure(j);
        }
    }

    if (ngx_http_task_journal_look(j) != NGX_OK) {
        return NGX_ERROR;
    }

    j->unsynced = 0;

    return NGX_OK;
}


/* what it was unsure of before is not known now either */

void
ngx_http_task_journal_flush(ngx_http_task_journal_t *j)
{
    if (j->ready && j->unsynced && fdatasync(j->file.fd) == 0) {
        j->unsynced = 0;
    }
}


ngx_int_t
ngx_http_task_journal_look(ngx_http_task_journal_t *j)
{
    struct stat  st;

    if (j->unsure) {
        return NGX_ERROR;
    }

    if (fstat(j->file.fd, &st) == 0 && st.st_nlink == 0) {
        ngx_http_task_journal_log(j, 0, "it was removed, it will be copied");
        return ngx_http_task_journal_unsure(j);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_journal_unsure(ngx_http_task_journal_t *j)
{
    j->unsure = 1;

    return NGX_ERROR;
}
