
/*
 * The body of a request, on its way to a task: bytes, or a file.
 *
 * A long body is read in a thread, if there is a pool; else, if it is JSON, on
 * the event loop in steps, see ngx_http_task_params_step().  A task that waits
 * for its turn has no descriptor of its own, and a job never has one.
 */


#include "input/ngx_http_task_input.h"


static ngx_uint_t ngx_http_task_body_own(ngx_http_task_input_t *in);
static void ngx_http_task_body_leave(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_buf_t *file);
static ngx_buf_t *ngx_http_task_body_file(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_body_copy(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_uint_t copy);
static ngx_int_t ngx_http_task_body_read(ngx_http_task_input_t *in,
    ngx_fd_t fd);


/*
 * nginx has the whole body either in memory, at most client_body_buffer_size,
 * or in a file.  The last buffer may have neither, and only mark the end.
 */

ngx_int_t
ngx_http_task_body_size(ngx_http_task_input_t *in, ngx_http_request_t *r,
    size_t max)
{
    ngx_chain_t  *cl;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        in->body.len += (size_t) ngx_buf_size(cl->buf);
    }

    return (in->body.len > max) ? NGX_HTTP_REQUEST_ENTITY_TOO_LARGE : NGX_OK;
}


ngx_int_t
ngx_http_task_body_take(ngx_http_task_input_t *in, ngx_http_request_t *r)
{
    ngx_buf_t   *file;
    ngx_uint_t   ranges;

    file = ngx_http_task_body_file(r);

    if (in->steps && in->media && ngx_http_task_is_long(in, in->body.len)) {
        ngx_http_task_body_leave(in, r, file);
        return NGX_OK;
    }

    /* of parts, and where it is raw, the function gets what is in the file */

    ranges = (in->media == 0 || in->media == NGX_TASK_BODY_MULTIPART);

    if (in->pool_reads && (ngx_http_task_is_long(in, in->body.len)
                           || (file && in->media && ranges)))
    {
        /* whether a job's request is valid is known before it is accepted */

        in->unread |= (in->media != 0);
        in->ahead = in->unread ? (!in->thread || in->job) : (file && in->job);
    }

    if (file == NULL) {
        return ngx_http_task_body_copy(in, r, ngx_http_task_body_own(in));
    }

    in->body.offset = file->file_pos;

    if (in->unread || in->ahead || (ranges && !in->job)) {
        return NGX_OK;
    }

    return ngx_http_task_body_read(in, file->file->fd);
}


/* returns 1 if the body may be needed when the request is gone, or changes */

static ngx_uint_t
ngx_http_task_body_own(ngx_http_task_input_t *in)
{
    switch (in->media) {

    case NGX_TASK_BODY_JSON:
        return in->thread || in->job || in->unread;

    case NGX_TASK_BODY_FORM:
        return 1;

    default:
        return in->pool_reads || in->job;
    }
}


/* leaves it in the request, which is there while it is read in steps; that of a
   job is copied then */

static void
ngx_http_task_body_leave(ngx_http_task_input_t *in, ngx_http_request_t *r,
    ngx_buf_t *file)
{
    ngx_chain_t  *bufs;

    in->ahead = 1;

    bufs = r->request_body->bufs;

    if (file) {
        in->body.offset = file->file_pos;

    } else if (bufs->next == NULL && !in->job) {
        in->body.data = bufs->buf->pos;
    }
}


static ngx_buf_t *
ngx_http_task_body_file(ngx_http_request_t *r)
{
    ngx_chain_t  *cl;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        if (!ngx_buf_in_memory(cl->buf) && cl->buf->in_file) {
            return cl->buf;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_task_body_copy(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_uint_t copy)
{
    u_char       *p;
    size_t        size;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body->bufs;

    if (bufs == NULL) {
        return NGX_OK;
    }

    if (!copy && bufs->next == NULL) {
        in->body.data = bufs->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(in->pool, in->body.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    in->body.data = p;
    in->body.own = 1;

    for (cl = bufs; cl; cl = cl->next) {
        size = (size_t) ngx_buf_size(cl->buf);

        if (size) {
            p = ngx_cpymem(p, cl->buf->pos, size);
        }
    }

    return NGX_OK;
}


/*
 * When the body is about to be used, it gets a descriptor of our own: nginx
 * closes its own one with the request.
 */

ngx_int_t
ngx_http_task_body_open(ngx_http_task_input_t *in, ngx_http_request_t *r)
{
    u_char      path[sizeof("/proc/self/fd/") + NGX_INT_T_LEN];
    ngx_buf_t  *b;
    ngx_log_t  *log;

    if (in->body.data || in->body.len == 0 || in->body.fd != NGX_INVALID_FILE) {
        return NGX_OK;
    }

    log = r->connection->log;
    b = ngx_http_task_body_file(r);

    /* not dup(): a mirrored request would share the offset with this one */

    *ngx_sprintf(path, "/proc/self/fd/%d", b->file->fd) = '\0';

    in->body.fd = open((char *) path, O_RDONLY|O_CLOEXEC);

    if (in->body.fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno, "open() of \"%V\" failed",
                      &b->file->name);
        return NGX_ERROR;
    }

    if (lseek(in->body.fd, in->body.offset, SEEK_SET) == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno, "lseek() in \"%V\" failed",
                      &b->file->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_body_load(ngx_http_task_input_t *in)
{
    ngx_int_t  rc;

    if (in->body.data || in->body.len == 0) {
        return NGX_OK;
    }

    rc = ngx_http_task_body_read(in, in->body.fd);

    (void) close(in->body.fd);
    in->body.fd = NGX_INVALID_FILE;

    return rc;
}


/* what is long has a block of its own, which is given back now */

void
ngx_http_task_body_free(ngx_http_task_input_t *in)
{
    if (in->body.own && ngx_pfree(in->pool, in->body.data) == NGX_OK) {
        in->body.own = 0;
        in->body.data = NULL;
        in->body.len = 0;
    }
}


static ngx_int_t
ngx_http_task_body_read(ngx_http_task_input_t *in, ngx_fd_t fd)
{
    u_char  *p;

    p = ngx_pnalloc(in->pool, in->body.len);

    if (p == NULL
        || ngx_http_task_body_pread(fd, p, in->body.len, in->body.offset)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    in->body.data = p;
    in->body.own = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_body_pread(ngx_fd_t fd, u_char *dst, size_t size, off_t offset)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < size; done += n) {
        n = pread(fd, dst + done, size - done, offset + done);

        if (n == -1 && ngx_errno == EINTR) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, (n < 0) ? ngx_errno : 0,
                          "pread() of a request body failed");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_body_part(ngx_http_task_input_t *in, ngx_http_request_t *r,
    u_char *dst, size_t offset, size_t size)
{
    size_t        n;
    ngx_buf_t    *file;
    ngx_chain_t  *cl;

    file = ngx_http_task_body_file(r);

    if (file) {
        return ngx_http_task_body_pread(file->file->fd, dst, size,
                                        in->body.offset + offset);
    }

    for (cl = r->request_body->bufs; cl && size; cl = cl->next) {
        n = (size_t) ngx_buf_size(cl->buf);

        if (offset >= n) {
            offset -= n;
            continue;
        }

        n = ngx_min(n - offset, size);
        dst = ngx_cpymem(dst, cl->buf->pos + offset, n);

        offset = 0;
        size -= n;
    }

    return NGX_OK;
}


void
ngx_http_task_body_close(ngx_http_task_input_t *in)
{
    if (in->body.fd != NGX_INVALID_FILE) {
        (void) close(in->body.fd);
        in->body.fd = NGX_INVALID_FILE;
    }
}
