
/*
 * Files that were uploaded: ranges of the body, in memory or in the file to
 * which nginx has spooled it.
 */


#include "task/ngx_http_task.h"


const void *
ngx_task_file(ngx_task_t *t, const ngx_task_file_t *file, int *fd,
    int64_t *offset)
{
    if (fd && offset) {
        *fd = -1;
        *offset = 0;
    }

    if (file == NULL || file->name == NULL || fd == NULL || offset == NULL) {
        ngx_http_task_log_misuse(t, "looks at a file that is not there, or "
                                    "without a place for its descriptor");
        return NULL;
    }

    if (file->data == NULL) {
        *fd = t->in.body.fd;
        *offset = t->in.body.offset + file->offset;
    }

    return file->data;
}


int64_t
ngx_task_file_read(ngx_task_t *t, const ngx_task_file_t *file, int64_t offset,
    void *buf, size_t len)
{
    ssize_t  n;
    size_t   done;

    if (file == NULL || file->name == NULL || buf == NULL || offset < 0) {
        ngx_http_task_log_misuse(t, "reads a file that is not there, or "
                                    "without a place for its bytes");
        ngx_set_errno(NGX_EINVAL);
        return -1;
    }

    if (offset >= file->size) {
        return 0;
    }

    len = ngx_min(len, (size_t) (file->size - offset));

    if (file->data) {
        ngx_memcpy(buf, (const u_char *) file->data + offset, len);
        return len;
    }

    for (done = 0; done < len; done += n) {
        n = pread(t->in.body.fd, (u_char *) buf + done, len - done,
                  t->in.body.offset + file->offset + offset + done);

        if (n == -1 && ngx_errno == EINTR) {
            n = 0;
            continue;
        }

        if (n == 0) {
            ngx_set_errno(EIO);
        }

        if (n <= 0) {
            return -1;
        }
    }

    return done;
}
