
/*
 * A file of a journal, byte by byte: its header, and records that are written.
 */


#include "jobs/store/ngx_http_task_journal_file.h"

#include <sys/random.h>


/* as many parts are written by one call; the head is one of them */

#define NGX_HTTP_TASK_JOURNAL_PARTS  64


static ngx_int_t ngx_http_task_journal_write_parts(
    ngx_http_task_journal_file_t *file, struct iovec *iov, ngx_uint_t n,
    off_t *offset);


ngx_int_t
ngx_http_task_journal_names(ngx_http_task_journal_t *j, const char *path)
{
    char    *p;
    size_t   len, directory;

    ngx_memzero(j, sizeof(ngx_http_task_journal_t));

    j->file.fd = NGX_INVALID_FILE;
    j->copy.fd = NGX_INVALID_FILE;

    len = ngx_strlen(path);

    for (directory = len; directory && path[directory - 1] != '/';
         directory--)
    {
        /* void */
    }

    p = ngx_alloc(3 * len + sizeof(".new") + 3, ngx_cycle->log);

    if (p == NULL) {
        return NGX_ERROR;
    }

    j->path = p;
    p = (char *) ngx_cpymem(p, path, len + 1);

    j->path_new = p;
    p = (char *) ngx_cpymem(p, path, len);
    p = (char *) ngx_cpymem(p, ".new", sizeof(".new"));

    j->directory = p;

    if (directory == 0) {
        *p++ = '.';

    } else {
        p = (char *) ngx_cpymem(p, path, directory);
    }

    *p = '\0';

    return NGX_OK;
}


uint32_t
ngx_http_task_journal_sum(uint32_t sum, const void *p, size_t len)
{
    ngx_crc32_update(&sum, (u_char *) p, len);

    return sum;
}


ngx_uint_t
ngx_http_task_journal_is_head(uint32_t seed,
    const ngx_http_task_journal_head_t *head)
{
    return head->mark == seed
           && head->type != 0
           && head->length <= NGX_HTTP_TASK_JOURNAL_MAX
           && head->sum == ngx_http_task_journal_sum(seed, head,
                                  offsetof(ngx_http_task_journal_head_t, sum));
}


ssize_t
ngx_http_task_journal_pread(ngx_fd_t fd, void *p, size_t size, off_t offset)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < size; done += n) {
        n = pread(fd, (u_char *) p + done, size - done, offset + done);

        if (n == 0) {
            break;
        }

        if (n == -1) {
            if (ngx_errno != EINTR) {
                return -1;
            }

            n = 0;
        }
    }

    return done;
}


ngx_int_t
ngx_http_task_journal_kind(const struct stat *st, const char **why)
{
    if (S_ISREG(st->st_mode)) {
        return NGX_OK;
    }

    if (S_ISDIR(st->st_mode)) {
        *why = "it is a directory";

    } else if (S_ISLNK(st->st_mode)) {
        *why = "it is a symbolic link, which a copy would replace";

    } else {
        *why = "it is no regular file";
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_task_journal_header_read(ngx_http_task_journal_file_t *file,
    const char **why)
{
    ssize_t                         n;
    ngx_http_task_journal_header_t  header;

    ngx_memzero(&header, sizeof(header));

    n = ngx_http_task_journal_pread(file->fd, &header, sizeof(header), 0);

    if (n == -1) {
        *why = "pread() failed";
        return NGX_ERROR;
    }

    if (ngx_memcmp(header.magic, NGX_HTTP_TASK_JOURNAL_MAGIC,
                   sizeof(header.magic))
        != 0)
    {
        *why = "it is a file of another program, which is left alone";
        return NGX_DECLINED;
    }

    if (header.order == __builtin_bswap32(NGX_HTTP_TASK_JOURNAL_ORDER)) {
        *why = "it was written by a machine of another byte order";
        return NGX_DECLINED;
    }

    /* the header of another version may be another one from here on */

    if (header.order == NGX_HTTP_TASK_JOURNAL_ORDER
        && header.version > NGX_HTTP_TASK_JOURNAL_VERSION)
    {
        *why = "it was written by a newer version of the module";
        return NGX_DECLINED;
    }

    if (n < (ssize_t) sizeof(header)
        || header.sum != ngx_http_task_journal_sum(0xffffffff, &header,
                                offsetof(ngx_http_task_journal_header_t, sum))
        || header.order != NGX_HTTP_TASK_JOURNAL_ORDER
        || header.version != NGX_HTTP_TASK_JOURNAL_VERSION)
    {
        *why = "its header is damaged, so that nothing in it can be read";
        return NGX_DECLINED;
    }

    file->seed = ngx_http_task_journal_sum(0xffffffff, header.salt,
                                           sizeof(header.salt));
    file->owner = header.owner;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_journal_header_write(ngx_http_task_journal_file_t *file)
{
    struct iovec                    iov;
    ngx_http_task_journal_header_t  header;

    ngx_memzero(&header, sizeof(header));

    ngx_memcpy(header.magic, NGX_HTTP_TASK_JOURNAL_MAGIC,
               sizeof(header.magic));

    header.order = NGX_HTTP_TASK_JOURNAL_ORDER;
    header.version = NGX_HTTP_TASK_JOURNAL_VERSION;
    header.owner = file->owner;

    if (getrandom(header.salt, sizeof(header.salt), 0)
        != sizeof(header.salt))
    {
        return NGX_ERROR;
    }

    header.sum = ngx_http_task_journal_sum(0xffffffff, &header,
                               offsetof(ngx_http_task_journal_header_t, sum));

    iov.iov_base = &header;
    iov.iov_len = sizeof(header);

    file->size = 0;
    file->seed = ngx_http_task_journal_sum(0xffffffff, header.salt,
                                           sizeof(header.salt));

    return ngx_http_task_journal_write_parts(file, &iov, 1, &file->size);
}


ngx_int_t
ngx_http_task_journal_write(ngx_http_task_journal_file_t *file, uint32_t type,
    const struct iovec *parts, ngx_uint_t n)
{
    off_t                         offset;
    size_t                        length;
    ngx_uint_t                    i, filled;
    struct iovec                  iov[NGX_HTTP_TASK_JOURNAL_PARTS];
    ngx_http_task_journal_head_t  head;

    length = 0;
    head.bytes = file->seed;

    for (i = 0; i < n; i++) {
        if (parts[i].iov_len > NGX_HTTP_TASK_JOURNAL_MAX - length) {
            return NGX_DECLINED;
        }

        length += parts[i].iov_len;
    }

    if (type == 0) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        head.bytes = ngx_http_task_journal_sum(head.bytes, parts[i].iov_base,
                                               parts[i].iov_len);
    }

    head.mark = file->seed;
    head.length = length;
    head.type = type;
    head.sum = ngx_http_task_journal_sum(file->seed, &head,
                                  offsetof(ngx_http_task_journal_head_t, sum));

    iov[0].iov_base = &head;
    iov[0].iov_len = sizeof(head);

    offset = file->size;
    filled = 1;
    i = 0;

    do {
        while (filled < NGX_HTTP_TASK_JOURNAL_PARTS && i < n) {
            iov[filled++] = parts[i++];
        }

        if (ngx_http_task_journal_write_parts(file, iov, filled, &offset)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        filled = 0;

    } while (i < n);

    file->size = offset;

    return NGX_OK;
}


/* what a call leaves is for the next one: the parts are moved on */

static ngx_int_t
ngx_http_task_journal_write_parts(ngx_http_task_journal_file_t *file,
    struct iovec *iov, ngx_uint_t n, off_t *offset)
{
    size_t   part;
    ssize_t  done;

    for ( ;; ) {

        while (n && iov->iov_len == 0) {
            iov++;
            n--;
        }

        if (n == 0) {
            return NGX_OK;
        }

        done = pwritev(file->fd, iov, n, *offset);

        if (done == -1 && ngx_errno == EINTR) {
            continue;
        }

        if (done == 0) {
            ngx_set_errno(ENOSPC);
        }

        if (done <= 0) {
            return NGX_ERROR;
        }

        *offset += done;

        while (done) {
            part = ngx_min((size_t) done, iov->iov_len);

            iov->iov_base = (u_char *) iov->iov_base + part;
            iov->iov_len -= part;
            done -= part;

            if (iov->iov_len == 0) {
                iov++;
                n--;
            }
        }
    }
}


ngx_int_t
ngx_http_task_journal_cut(ngx_http_task_journal_file_t *file)
{
    while (ftruncate(file->fd, file->size) == -1) {

        if (ngx_errno != EINTR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_http_task_journal_log(ngx_http_task_journal_t *j, ngx_err_t err,
    const char *what)
{
    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, err, "state file \"%s\": %s",
                  j->path, what);
}
