
/*
 * A journal of which something cannot be read is kept as FILE.bad, before a
 * copy, which lacks that, takes its place.
 *
 * It is a second name of the same file, so it takes no room, and no process
 * that is killed leaves a part of it.  Of more than one the last one is kept.
 */


#include "jobs/store/ngx_http_task_journal_file.h"


static ngx_int_t ngx_http_task_journal_aside_room(ngx_http_task_journal_t *j,
    const char *path);


ngx_int_t
ngx_http_task_journal_aside(ngx_http_task_journal_t *j)
{
    char       *path;
    size_t      len;
    ngx_int_t   rc;

    len = ngx_strlen(j->path) + sizeof(".bad");

    path = ngx_alloc(len, ngx_cycle->log);
    if (path == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf((u_char *) path, "%s.bad%Z", j->path);

    rc = ngx_http_task_journal_aside_room(j, path);

    if (rc == NGX_OK && link(j->path, path) == -1) {
        ngx_http_task_journal_log(j, ngx_errno, "link() failed, what cannot be "
                                  "read of it is not kept");
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "state file \"%s\": what it was is kept as \"%s\"",
                      j->path, path);
    }

    ngx_free(path);

    return (rc == NGX_DONE) ? NGX_OK : rc;
}


/* NGX_DONE: it has the name already; its lock is lost if it is opened again */

static ngx_int_t
ngx_http_task_journal_aside_room(ngx_http_task_journal_t *j, const char *path)
{
    ngx_err_t    err;
    const char  *why;
    struct stat  st;

    /* what cannot be looked at, link() tells of */

    if (lstat(path, &st) == -1) {
        return NGX_OK;
    }

    if (st.st_dev == j->file.device && st.st_ino == j->file.inode) {
        return NGX_DONE;
    }

    if (ngx_http_task_journal_is_here(&st)
        || ngx_http_task_journal_check_new(path, &why, &err) != NGX_OK)
    {
        ngx_http_task_journal_log(j, 0, "a file of this name with \".bad\" "
                                  "behind it is no former one, what cannot be "
                                  "read of it is not kept: remove that");
        return NGX_DECLINED;
    }

    if (unlink(path) == -1) {
        ngx_http_task_journal_log(j, ngx_errno, "unlink() of its former one "
                                  "failed, what cannot be read of it is not "
                                  "kept");
        return NGX_ERROR;
    }

    return NGX_OK;
}
