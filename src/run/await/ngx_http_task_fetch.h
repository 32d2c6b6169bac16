
/*
 * ngx_task_fetch(): an async function waits for the reply to an HTTP request of
 * its own, which nginx answers as it does those of clients, by a location.
 *
 *     fetch      what the function awaits, and then the reply, which is kept
 *                until the task is freed
 *     request    one of nginx's, see ngx_http_task_fetch_request.c; it goes its
 *                own way when the reply is complete, or nobody wants it
 */


#ifndef _NGX_HTTP_TASK_FETCH_H_INCLUDED_
#define _NGX_HTTP_TASK_FETCH_H_INCLUDED_


#include "run/ngx_http_task_run.h"


typedef struct {
    ngx_task_reply_t         reply;        /* the function has its address */
    ngx_http_task_kept_t     kept;
    ngx_task_t              *task;
    ngx_http_task_branch_t  *branch;       /* NULL: nobody waits */
    ngx_http_request_t      *request;      /* NULL: it is not needed */
    ngx_uint_t               begun;        /* nginx has it */
    ngx_uint_t               running;      /* it is being begun */
    ngx_event_t              event;        /* begins the request; then, it has
                                              ended */

    size_t                   max;          /* bytes of a body */
    ngx_uint_t               to_file;      /* one that is large */
    ngx_uint_t               has_body;     /* nginx reads a body of its task */
    int                      error;        /* an errno, or 0 */
    ngx_uint_t               complete;

    /* what has come: the header and, unless it is in a file, the body */

    u_char                  *data;
    size_t                   len;
    size_t                   size;         /* room for a null not counted */
    size_t                   header;       /* bytes */
    ngx_uint_t               status;       /* 0: no header has come */
    ngx_fd_t                 fd;
    off_t                    file_len;
    ngx_task_header_t       *headers;
} ngx_http_task_fetch_t;


/* what nginx's connection of a client has, and is freed with its pool */

typedef struct {
    ngx_http_connection_t    http;         /* the first member */
    ngx_http_addr_conf_t     addr_conf;
    ngx_http_task_fetch_t   *fetch;        /* NULL: nobody wants it */
    ngx_uint_t               depth;
    ngx_log_t                log;
    ngx_http_log_ctx_t       log_ctx;
    ngx_buf_t                buffer;
} ngx_http_task_fetch_connection_t;


#define ngx_http_task_fetch_connection(r)                                     \
    ((ngx_http_task_fetch_connection_t *) (r)->main->http_connection)


/* --- what is wrong with it: ngx_http_task_fetch_check.c ------------------ */

/* return what is, by the function, or by what a client has sent; or NULL */

const char *ngx_http_task_fetch_wrong(ngx_task_t *t,
    const ngx_task_request_t *request);
const char *ngx_http_task_fetch_invalid(const ngx_task_request_t *request);


/* --- the request: ngx_http_task_fetch_request.c -------------------------- */

/*
 * Makes the request, which sends nothing yet.  NGX_BUSY: nginx is out of
 * connections, or of descriptors; NGX_DECLINED: it is too deep, as if a
 * location's function fetched this very location.
 */

ngx_int_t ngx_http_task_fetch_create(ngx_http_task_fetch_t *fetch,
    const ngx_task_request_t *request);


/* --- its life: ngx_http_task_fetch_run.c --------------------------------- */

/* a request is made, and the cleanup that was added to it; or it is freed */

void ngx_http_task_fetch_made(ngx_http_task_fetch_t *fetch,
    ngx_http_request_t *r, ngx_http_cleanup_t *cln);
void ngx_http_task_fetch_drop(ngx_http_request_t *r);

/* nginx answers it: may end it at once */

void ngx_http_task_fetch_run(ngx_http_task_fetch_t *fetch);

/* ends the request: it knows the fetch no longer */

void ngx_http_task_fetch_abort(ngx_http_task_fetch_t *fetch);


/* --- its connection: ngx_http_task_fetch_connection.c -------------------- */

/*
 * Returns one that sends to the fetch; or NULL, and sets rc, see
 * ngx_http_task_fetch_create()
 */

ngx_connection_t *ngx_http_task_fetch_connect(ngx_http_task_fetch_t *fetch,
    ngx_int_t *rc);

/* the request has ended, or sends no more that counts: posts the event */

void ngx_http_task_fetch_ended(ngx_http_task_fetch_t *fetch);


/* --- the reply: ngx_http_task_reply.c ------------------------------------ */

/* r sends its header, and these bytes; NGX_ERROR: see fetch->error */

ngx_int_t ngx_http_task_reply_begin(ngx_http_task_fetch_t *fetch,
    ngx_http_request_t *r);
ngx_int_t ngx_http_task_reply_add(ngx_http_task_fetch_t *fetch,
    const u_char *p, size_t len);

/* makes fetch->reply of what has come; NGX_ERROR: no memory */

ngx_int_t ngx_http_task_reply_make(ngx_http_task_fetch_t *fetch);

/* frees what has come, but not the fetch */

void ngx_http_task_reply_clear(ngx_http_task_fetch_t *fetch);


#endif /* _NGX_HTTP_TASK_FETCH_H_INCLUDED_ */
