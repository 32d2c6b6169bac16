
/*
 * What a request gives to a function: parameters, a body, and what it says of
 * itself.  This room knows no task.
 */


#ifndef _NGX_HTTP_TASK_INPUT_H_INCLUDED_
#define _NGX_HTTP_TASK_INPUT_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "function/ngx_http_task_function.h"
#include "text/ngx_http_task_text.h"

#include <ngx_sha1.h>


/* a value that a request gives: text, or a file */

typedef struct {
    ngx_str_t                        text;         /* NULL data: none */
    ngx_task_file_t                 *file;
} ngx_http_task_given_t;


/* what it gives of a parameter: text goes before JSON */

typedef struct {
    ngx_http_task_given_t            last;
    ngx_http_task_given_t           *all;          /* of a list */
    size_t                           nall;
    size_t                           room;         /* for so many */
    ngx_uint_t                       form;         /* it is from the body */

    ngx_http_task_span_t             json;         /* NULL data: not given */
    ngx_str_t                        string;       /* of json; likewise */
} ngx_http_task_source_t;


/* a body: bytes in memory, or, if data is NULL, in a file */

typedef struct {
    u_char                          *data;
    size_t                           len;
    ngx_fd_t                         fd;           /* open while it is used */
    off_t                            offset;       /* in the file */
    ngx_uint_t                       own;          /* the bytes are a copy */
} ngx_http_task_body_t;


/* the request as a function sees it: copies, which a thread may read */

typedef struct {
    ngx_str_t                        method;
    ngx_str_t                        uri;
    ngx_str_t                        remote_addr;
    ngx_str_t                        request_id;
    ngx_str_t                        traceparent;  /* NULL data: none */
    ngx_table_elt_t                 *headers;
    ngx_uint_t                       nheaders;
} ngx_http_task_context_t;


typedef struct {
    ngx_pool_t                      *pool;
    const ngx_http_task_args_conf_t *conf;

    ngx_http_task_source_t          *sources;      /* one for each parameter */
    ngx_http_task_space_t            space;        /* for what is read */
    ngx_str_t                        query;        /* a copy, to be decoded */
    ngx_uint_t                       media;        /* NGX_TASK_BODY_..; 0: there
                                                      are no parameters in it */
    ngx_str_t                        boundary;     /* of parts; empty: none */
    ngx_http_task_body_t             body;
    ngx_http_task_context_t         *context;      /* NULL: not wanted */
    ngx_str_t                        packed;       /* but for the body */

    /* set by the owner: who will look at it */

    unsigned                         thread:1;     /* the function, in one */
    unsigned                         pool_reads:1; /* a thread can read it */
    unsigned                         steps:1;      /* else the loop, in steps */
    unsigned                         job:1;        /* it is for a job */

    /* set when the input is collected */

    unsigned                         unread:1;     /* nothing is parsed yet */
    unsigned                         ahead:1;      /* first read, then start */
    unsigned                         form:1;       /* a form could have been
                                                      sent */
} ngx_http_task_input_t;


/* the reading of an input whose body is JSON, in steps */

typedef struct {
    ngx_http_task_input_t           *in;
    u_char                          *copy;         /* of a body in parts .. */
    size_t                           copied;       /* .. so much */
    ngx_uint_t                       loaded;       /* then it is checked */
    ngx_http_task_json_state_t       json;
    ngx_uint_t                       checked;      /* then long strings .. */
    ngx_uint_t                       arg;          /* .. are read: this one */
    ngx_http_task_span_t             rest;
} ngx_http_task_params_steps_t;


/* --- parameters: ngx_http_task_params.c, _params_read.c ------------------- */

#define ngx_http_task_raw_body(conf)                                          \
    ((conf)->function->table.flags & NGX_TASK_RAW_BODY)

/* returns 1 if a body is looked at, if there is one */

ngx_uint_t ngx_http_task_params_in_body(
    const ngx_http_task_args_conf_t *conf, ngx_http_request_t *r);

/*
 * On the loop: collects what the request gives.  Returns NGX_OK, or a status;
 * error is then the body of that answer, or is left as it was.  *args is set
 * only if the arguments do not depend on this request.  A body of more than
 * max bytes is a 413.
 */

ngx_int_t ngx_http_task_params_collect(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, void **args, ngx_str_t *error);

/*
 * How to read an input that was unpacked.  NGX_OK: there is nothing to read,
 * *args is set; NGX_DECLINED: it is short; NGX_AGAIN: it is long.
 */

ngx_int_t ngx_http_task_params_plan(ngx_http_task_input_t *in, void **args);

/* in any thread: notes a value of a parameter, whose text is not copied */

ngx_int_t ngx_http_task_params_give(ngx_http_task_input_t *in,
    const ngx_http_task_arg_t *arg, ngx_http_task_source_t *src,
    const ngx_http_task_given_t *given);

/*
 * In any thread: converts what was collected into the function's arguments.
 * NGX_DECLINED: the request is invalid, and error is the body of a 422.
 */

ngx_int_t ngx_http_task_params_read(ngx_http_task_input_t *in, void **args,
    ngx_str_t *error);


/*
 * On the loop, while the request is there: does a step of the same, and returns
 * NGX_AGAIN if it was not the last one.  A step takes some 10 or 20
 * microseconds; the last one longer if a value is long and no string.
 */

ngx_int_t ngx_http_task_params_step(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r, void **args, ngx_str_t *error);


/* --- its type: ngx_http_task_media_type.c -------------------------------- */

/*
 * On the loop: sets in->media by the request's Content-Type.  Returns NGX_OK,
 * NGX_ERROR, or a status with its body.
 */

ngx_int_t ngx_http_task_media_type(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_str_t *error);


/* --- the body: ngx_http_task_body.c -------------------------------------- */

/*
 * Input up to this size, in bytes, is read on the event loop in any mode; much
 * less of it where each few bytes may be a value, see conf->compound.
 */

#define NGX_HTTP_TASK_SHORT  65536

#define ngx_http_task_is_long(in, len)                                        \
    ((len) > ((in)->conf->compound ? (in)->conf->compound                     \
                                   : NGX_HTTP_TASK_SHORT))

/*
 * On the loop: the first sets the length of the body, and returns NGX_OK, or a
 * status; the second takes it from the request.
 */

ngx_int_t ngx_http_task_body_size(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max);
ngx_int_t ngx_http_task_body_take(ngx_http_task_input_t *in,
    ngx_http_request_t *r);

/*
 * On the loop: opens the file of a body that is in one, before it is used.
 * The request may be NULL if the file is open already, or the body is in
 * memory.
 */

ngx_int_t ngx_http_task_body_open(ngx_http_task_input_t *in,
    ngx_http_request_t *r);

/* in any thread: reads a body in a file into memory, and closes the file */

ngx_int_t ngx_http_task_body_load(ngx_http_task_input_t *in);

/* in any thread: frees such a body, all of which is read */

void ngx_http_task_body_free(ngx_http_task_input_t *in);

/* in any thread: reads so many bytes of it at an offset, wherever they are */

ngx_int_t ngx_http_task_body_pread(ngx_fd_t fd, u_char *dst, size_t size,
    off_t offset);

/* on the loop: copies size bytes of the request's body, from offset on */

ngx_int_t ngx_http_task_body_part(ngx_http_task_input_t *in,
    ngx_http_request_t *r, u_char *dst, size_t offset, size_t size);

/* on the loop: closes the file, harmless if there is none */

void ngx_http_task_body_close(ngx_http_task_input_t *in);


/* --- an input as bytes: ngx_http_task_pack.c ----------------------------- */

/*
 * On the loop, right after it was collected, with its context: packs all but
 * the body; key is that of the location, line the first one of the request, for
 * logs.
 */

ngx_int_t ngx_http_task_pack(ngx_http_task_input_t *in, uint64_t key,
    ngx_str_t *line);

/*
 * On the loop, when the body is known: sets the bytes of the input, in two
 * parts which belong to it.
 */

void ngx_http_task_pack_body(ngx_http_task_input_t *in, ngx_str_t *head,
    ngx_str_t *body);

/*
 * On the loop: adds what the request gave, but for its body, to a print.  Of
 * the same request that is sent again it is the same.
 */

void ngx_http_task_pack_print(ngx_http_task_input_t *in, ngx_sha1_t *sha1);

/* on the loop: the store has them; what the function does not read is freed */

void ngx_http_task_pack_done(ngx_http_task_input_t *in);

/*
 * On the loop: makes an input of these bytes, into which it points then;
 * in->pool and in->conf are set, and in->context if it is wanted.
 * NGX_DECLINED: they are no input of this function.
 */

ngx_int_t ngx_http_task_unpack(ngx_http_task_input_t *in, ngx_str_t *packed,
    ngx_str_t *line);

/* returns the key of the location; 0: it is no input */

uint64_t ngx_http_task_unpack_key(ngx_str_t *packed);


/* --- what it says of itself: ngx_http_task_context.c --------------------- */

/* on the loop: copies what the request says of itself */

ngx_int_t ngx_http_task_context_create(ngx_http_task_input_t *in,
    ngx_http_request_t *r);

/* copies a string to in->pool, with a null behind it; NGX_ERROR: no memory */

ngx_int_t ngx_http_task_context_string(ngx_http_task_input_t *in,
    ngx_str_t *dst, ngx_str_t *src);


/* --- the trace that it is a part of: ngx_http_task_trace.c --------------- */

/* when the process begins: looks which variables there are */

void ngx_http_task_trace_init(ngx_cycle_t *cycle);

/*
 * On the loop: sets the header "traceparent" for what the request begins; NULL
 * data: there is none.  Its bytes are the request's, or of the pool.
 * NGX_ERROR: no memory.
 */

ngx_int_t ngx_http_task_trace(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_str_t *trace);


#endif /* _NGX_HTTP_TASK_INPUT_H_INCLUDED_ */
