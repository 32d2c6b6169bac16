
/*
 * What a request gives to a function: parameters, a body, what it says of
 * itself.  Knows no task.
 */


#ifndef _NGX_HTTP_TASK_INPUT_H_INCLUDED_
#define _NGX_HTTP_TASK_INPUT_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "function/ngx_http_task_function.h"
#include "text/ngx_http_task_text.h"


/* where a request may give a parameter */

typedef struct {
    ngx_str_t                        query;        /* data is NULL: not given */
    ngx_http_task_span_t             body;         /* likewise */
} ngx_http_task_source_t;


/* a body: bytes in memory, or a file of that length, open while it is used */

typedef struct {
    u_char                          *data;
    size_t                           len;
    ngx_fd_t                         fd;
    off_t                            offset;       /* in the file */
} ngx_http_task_body_t;


/* the request as a function sees it: copies, a thread may read them */

typedef struct {
    ngx_str_t                        method;
    ngx_str_t                        uri;
    ngx_str_t                        remote_addr;
    ngx_str_t                        request_id;
    ngx_table_elt_t                 *headers;
    ngx_uint_t                       nheaders;
} ngx_http_task_context_t;


typedef struct {
    ngx_pool_t                      *pool;
    const ngx_http_task_args_conf_t *conf;

    ngx_http_task_source_t          *sources;      /* one for each parameter */
    ngx_http_task_body_t             body;
    ngx_http_task_context_t         *context;      /* NULL: is not wanted */

    /* set by its owner: who will look at it */

    unsigned                         thread:1;     /* the function's */
    unsigned                         pool_reads:1; /* a thread can read it */
    unsigned                         job:1;        /* nobody waits */

    /* set when it is collected */

    unsigned                         unread:1;     /* parameters in the body */
    unsigned                         ahead:1;      /* read it, then go on */
} ngx_http_task_input_t;


/* --- parameters: ngx_http_task_params.c ---------------------------------- */

/* whether a body is looked at, if there is one */

ngx_uint_t ngx_http_task_params_in_body(
    const ngx_http_task_args_conf_t *conf, ngx_http_request_t *r);

/*
 * On the loop: collects what the request gives.  NGX_OK, or a status, with the
 * body of that answer in error or NULL there.  args is set if it is known what
 * they are, whatever the request gives.  A body of more than max is a 413.
 */

ngx_int_t ngx_http_task_params_collect(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, void **args, ngx_str_t *error);

/*
 * In any thread: converts what was collected into the function's arguments.
 * NGX_DECLINED: the request is invalid, and error is the body of a 422.
 */

ngx_int_t ngx_http_task_params_read(ngx_http_task_input_t *in, void **args,
    ngx_str_t *error);


/* --- the body: ngx_http_task_body.c -------------------------------------- */

/* application/json, application/problem+json and the like, as FastAPI */

ngx_uint_t ngx_http_task_body_is_json(ngx_http_request_t *r);

/* on the loop: takes it from the request, JSON, or as it is */

ngx_int_t ngx_http_task_body_take(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_uint_t json, size_t max);

/*
 * On the loop, before what may use a body that is in a file.  The request may
 * be NULL if it was opened already, or is in memory.
 */

ngx_int_t ngx_http_task_body_open(ngx_http_task_input_t *in,
    ngx_http_request_t *r);

/* from its file to memory, in any thread; the file is closed */

ngx_int_t ngx_http_task_body_load(ngx_http_task_input_t *in);

/* on the loop */

void ngx_http_task_body_close(ngx_http_task_input_t *in);


/* --- what it says of itself: ngx_http_task_context.c --------------------- */

/* on the loop: copies it */

ngx_int_t ngx_http_task_context_create(ngx_http_task_input_t *in,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_TASK_INPUT_H_INCLUDED_ */
