
/*
 * The body of a request, on its way to a task: bytes, or a file.
 */


#include "ngx_http_task.h"


static ngx_int_t ngx_http_task_body_file(ngx_task_t *t, ngx_buf_t *b);


ngx_uint_t
ngx_http_task_body_is_json(ngx_http_request_t *r)
{
    u_char           *p, *last;
    ngx_table_elt_t  *type;

    type = r->headers_in.content_type;

    if (type == NULL) {
        return 0;
    }

    p = type->value.data;
    last = ngx_strlchr(p, p + type->value.len, ';');

    if (last == NULL) {
        last = p + type->value.len;
    }

    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    if (last - p == sizeof("application/json") - 1) {
        return ngx_strncasecmp(p, (u_char *) "application/json", last - p) == 0;
    }

    return last - p > (ssize_t) sizeof("application/+json") - 1
           && ngx_strncasecmp(p, (u_char *) "application/",
                              sizeof("application/") - 1)
              == 0
           && ngx_strncasecmp(last - 5, (u_char *) "+json", 5) == 0;
}


/*
 * nginx has the whole of it either in memory, not more than
 * client_body_buffer_size, or in a file.  The last buffer may be one that only
 * says so: no memory, no file.
 */

ngx_int_t
ngx_http_task_body_take(ngx_task_t *t, ngx_uint_t copy)
{
    u_char              *p;
    size_t               size;
    ngx_buf_t           *b;
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = t->request;

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    size = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        if (!ngx_buf_in_memory(cl->buf) && cl->buf->in_file) {
            return ngx_http_task_body_file(t, cl->buf);
        }

        size += (size_t) ngx_buf_size(cl->buf);
    }

    t->body.len = size;
    b = r->request_body->bufs->buf;

    if (!copy && r->request_body->bufs->next == NULL) {
        t->body.data = b->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(t->pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    t->body.data = p;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        size = (size_t) ngx_buf_size(cl->buf);

        if (size) {
            p = ngx_cpymem(p, cl->buf->pos, size);
        }
    }

    return NGX_OK;
}


/* a descriptor of our own: nginx's is closed with the request */

static ngx_int_t
ngx_http_task_body_file(ngx_task_t *t, ngx_buf_t *b)
{
    u_char      path[sizeof("/proc/self/fd/") + NGX_INT_T_LEN];
    ngx_log_t  *log;

    log = t->request->connection->log;

    /* not dup(): a mirrored request would share the offset with this one */

    *ngx_sprintf(path, "/proc/self/fd/%d", b->file->fd) = '\0';

    t->body.fd = open((char *) path, O_RDONLY|O_CLOEXEC);

    if (t->body.fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno, "open() of \"%V\" failed",
                      &b->file->name);
        return NGX_ERROR;
    }

    /* the offset is shared with nginx, which does not use it */

    if (lseek(t->body.fd, b->file_pos, SEEK_SET) == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno, "lseek() in \"%V\" failed",
                      &b->file->name);
        return NGX_ERROR;
    }

    t->body.len = (size_t) (b->file_last - b->file_pos);

    return NGX_OK;
}


ngx_int_t
ngx_http_task_body_load(ngx_task_t *t)
{
    u_char   *p, *last;
    ssize_t   n;

    if (t->body.data) {
        return NGX_OK;
    }

    p = ngx_palloc(t->pool, t->body.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    t->body.data = p;
    last = p + t->body.len;

    while (p < last) {
        n = read(t->body.fd, p, last - p);

        if (n == -1 && ngx_errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, (n < 0) ? ngx_errno : 0,
                          "read() of a request body failed");
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}
