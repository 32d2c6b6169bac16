
/*
 * The reply to ngx_task_fetch(): bytes as nginx sends them to a client, the
 * header first, become a status, headers and a body.
 */


#include "run/await/ngx_http_task_fetch.h"


/* memory that is taken first where the length is not known, bytes */

#define NGX_HTTP_TASK_REPLY_FIRST  2048

/* a body up to this size is in memory, also if a file was asked for, bytes */

#define NGX_HTTP_TASK_REPLY_SHORT  65536


static ngx_int_t ngx_http_task_reply_room(ngx_http_task_fetch_t *fetch,
    size_t size);
static ngx_int_t ngx_http_task_reply_file(ngx_http_task_fetch_t *fetch);
static ngx_int_t ngx_http_task_reply_write(ngx_http_task_fetch_t *fetch,
    const u_char *p, size_t len);
static void ngx_http_task_reply_line(ngx_http_task_fetch_t *fetch, u_char *p,
    u_char *last);


ngx_int_t
ngx_http_task_reply_begin(ngx_http_task_fetch_t *fetch, ngx_http_request_t *r)
{
    off_t   body;
    size_t  size;

    if (fetch->data) {
        return NGX_OK;
    }

    /* nginx sends none if it takes what a server sent for HTTP/0.9 */

    if (r->header_size == 0) {
        fetch->error = EPROTO;
        return NGX_ERROR;
    }

    fetch->status = r->headers_out.status;
    fetch->header = r->header_size;

    body = r->header_only ? 0 : r->headers_out.content_length_n;

    if (body > 0 && (size_t) body > fetch->max) {
        fetch->error = EFBIG;
        return NGX_ERROR;
    }

    if (fetch->to_file && body > NGX_HTTP_TASK_REPLY_SHORT) {
        body = 0;
    }

    size = fetch->header + (body < 0 ? NGX_HTTP_TASK_REPLY_FIRST : body);

    return ngx_http_task_reply_room(fetch, size);
}


ngx_int_t
ngx_http_task_reply_add(ngx_http_task_fetch_t *fetch, const u_char *p,
    size_t len)
{
    size_t  body, size;

    if (fetch->fd != NGX_INVALID_FILE) {
        return ngx_http_task_reply_write(fetch, p, len);
    }

    size = fetch->len + len;
    body = (size > fetch->header) ? size - fetch->header : 0;

    if (body > fetch->max) {
        fetch->error = EFBIG;
        return NGX_ERROR;
    }

    if (fetch->to_file && body > NGX_HTTP_TASK_REPLY_SHORT
        && fetch->len >= fetch->header)
    {
        if (ngx_http_task_reply_file(fetch) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_task_reply_write(fetch, p, len);
    }

    if (size > fetch->size
        && ngx_http_task_reply_room(fetch, ngx_max(size, fetch->size * 2))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(fetch->data + fetch->len, p, len);
    fetch->len = size;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_reply_room(ngx_http_task_fetch_t *fetch, size_t size)
{
    u_char  *data;

    data = realloc(fetch->data, size + 1);

    if (data == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "realloc() of a reply failed, bytes: %uz", size);
        fetch->error = ENOMEM;
        return NGX_ERROR;
    }

    fetch->data = data;
    fetch->size = size;

    return NGX_OK;
}


/* the body goes on in a file of no name, where nginx has those of requests */

static ngx_int_t
ngx_http_task_reply_file(ngx_http_task_fetch_t *fetch)
{
    ngx_file_t                 file;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = fetch->request;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.log = ngx_cycle->log;

    if (ngx_create_temp_file(&file, clcf->client_body_temp_path, r->pool, 0, 0,
                             NGX_FILE_OWNER_ACCESS)
        != NGX_OK)
    {
        fetch->error = EIO;
        return NGX_ERROR;
    }

    /* with the request nginx deletes the file, and closes its descriptor */

    fetch->fd = fcntl(file.fd, F_DUPFD_CLOEXEC, 0);

    if (fetch->fd == NGX_INVALID_FILE) {
        fetch->error = ngx_errno;
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "a task has no descriptor for the file of a reply");
        return NGX_ERROR;
    }

    if (ngx_http_task_reply_write(fetch, fetch->data + fetch->header,
                                  fetch->len - fetch->header)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    fetch->len = fetch->header;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_reply_write(ngx_http_task_fetch_t *fetch, const u_char *p,
    size_t len)
{
    ssize_t  n;

    if (fetch->file_len + (off_t) len > (off_t) fetch->max) {
        fetch->error = EFBIG;
        return NGX_ERROR;
    }

    while (len) {
        n = pwrite(fetch->fd, p, len, fetch->file_len);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n <= 0) {
            fetch->error = (n == 0) ? EIO : ngx_errno;
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          "pwrite() of a reply failed");
            return NGX_ERROR;
        }

        p += n;
        len -= n;
        fetch->file_len += n;
    }

    return NGX_OK;
}


/* lines of the header get nulls behind names and values */

ngx_int_t
ngx_http_task_reply_make(ngx_http_task_fetch_t *fetch)
{
    u_char            *p, *end, *last;
    ngx_uint_t         n;
    ngx_task_reply_t  *reply;

    end = fetch->data + fetch->header;

    for (n = 0, p = fetch->data; p < end; p++) {
        n += (*p == LF);
    }

    fetch->headers = ngx_alloc((n + 1) * sizeof(ngx_task_header_t),
                               ngx_cycle->log);
    if (fetch->headers == NULL) {
        return NGX_ERROR;
    }

    reply = &fetch->reply;

    reply->status = fetch->status;
    reply->headers = fetch->headers;

    if (fetch->fd != NGX_INVALID_FILE) {
        reply->fd = fetch->fd;
        reply->body_len = fetch->file_len;

    } else {
        fetch->data[fetch->len] = '\0';
        reply->body = (char *) end;
        reply->body_len = fetch->len - fetch->header;
    }

    /* behind the status line */

    p = ngx_strlchr(fetch->data, end, LF);

    for (p = p ? p + 1 : end; p < end; p = last + 1) {
        last = ngx_strlchr(p, end, LF);

        if (last == NULL) {
            break;
        }

        ngx_http_task_reply_line(fetch, p, last);
    }

    return NGX_OK;
}


static void
ngx_http_task_reply_line(ngx_http_task_fetch_t *fetch, u_char *p, u_char *last)
{
    u_char             *colon;
    ngx_task_header_t  *h;

    if (last > p && last[-1] == CR) {
        last--;
    }

    colon = ngx_strlchr(p, last, ':');

    if (colon == NULL) {
        return;
    }

    *colon++ = '\0';
    *last = '\0';

    /* that of nginx's connection to nobody */

    if (ngx_strcasecmp(p, (u_char *) "Connection") == 0) {
        return;
    }

    while (*colon == ' ') {
        colon++;
    }

    h = &fetch->headers[fetch->reply.nheaders++];

    h->name = (char *) p;
    h->value = (char *) colon;
}


void
ngx_http_task_reply_clear(ngx_http_task_fetch_t *fetch)
{
    ngx_task_reply_t  *reply;

    if (fetch->fd != NGX_INVALID_FILE) {
        (void) close(fetch->fd);
        fetch->fd = NGX_INVALID_FILE;
    }

    free(fetch->data);
    fetch->data = NULL;

    if (fetch->headers) {
        ngx_free(fetch->headers);
        fetch->headers = NULL;
    }

    reply = &fetch->reply;

    reply->status = 0;
    reply->headers = NULL;
    reply->nheaders = 0;
    reply->body = NULL;
    reply->body_len = 0;
    reply->fd = -1;
}


const char *
ngx_task_reply_header(const ngx_task_reply_t *reply, const char *name)
{
    size_t  i;

    for (i = 0; i < reply->nheaders; i++) {
        if (ngx_strcasecmp((u_char *) reply->headers[i].name, (u_char *) name)
            == 0)
        {
            return reply->headers[i].value;
        }
    }

    return NULL;
}
