
/*
 * What an answer looks like: its JSON, its headers, and the one place that
 * sends them.  Knows no task; all of it runs on the event loop, but for the
 * errors, which a thread may make.
 */


#ifndef _NGX_HTTP_TASK_ANSWER_H_INCLUDED_
#define _NGX_HTTP_TASK_ANSWER_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "text/ngx_http_task_text.h"

#include <cjson/cJSON.h>


/* --- errors, as FastAPI words them: ngx_http_task_errors.c --------------- */

/* why a value is not taken, in the words of pydantic */

typedef struct {
    const char  *type;
    u_char       msg[256];
    const char  *ctx;                      /* the member of "ctx" */
    const char  *reason;                   /* its value, or .. */
    u_char       bound[NGX_HTTP_TASK_NUMBER_TEXT];
                                           /* .. if that is NULL */
    u_char       expected[192];
} ngx_http_task_invalid_t;


/*
 * Adds an error: NGX_DECLINED, or NGX_ERROR: no memory.  Takes ownership of
 * loc, input and value, each of which may be NULL when its allocation failed.
 * Name and value are those of the member of "ctx"; name is NULL: no "ctx".
 */

ngx_int_t ngx_http_task_error(cJSON **errors, const char *type,
    const char *msg, cJSON *loc, cJSON *input, const char *name, cJSON *value);
ngx_int_t ngx_http_task_error_invalid(cJSON **errors,
    ngx_http_task_invalid_t *invalid, cJSON *loc, cJSON *input);

/* {"detail":[…]}; takes ownership of the errors */

ngx_int_t ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors,
    ngx_str_t *text);

/* {"detail":"…"} */

ngx_int_t ngx_http_task_error_detail(ngx_pool_t *pool, ngx_str_t *detail,
    ngx_str_t *text);

/* takes ownership of what, a name or a position */

cJSON *ngx_http_task_error_loc(const char *where, cJSON *what);

cJSON *ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text);
cJSON *ngx_http_task_error_echo_json(ngx_pool_t *pool,
    ngx_http_task_span_t *span);
cJSON *ngx_http_task_error_echo_secret(void);


/* --- what is sent: ngx_http_task_response.c ------------------------------ */

ngx_int_t ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_body(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);

/* a body in buffers, of which the last one is marked so */

ngx_int_t ngx_http_task_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out, off_t len);

/* the header of an event stream */

ngx_int_t ngx_http_task_send_stream(ngx_http_request_t *r);

/* the body may be NULL: then a constant one; a location's error_page wins */

ngx_int_t ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_not_allowed(ngx_http_request_t *r,
    ngx_str_t *allow);

/* 503; retry is in seconds */

ngx_int_t ngx_http_task_send_unavailable(ngx_http_request_t *r,
    ngx_uint_t retry);

/* the constant body of an error */

ngx_str_t *ngx_http_task_status_body(ngx_uint_t status);

/* whether an error_page will replace what is sent with this status */

ngx_uint_t ngx_http_task_has_error_page(ngx_http_request_t *r,
    ngx_uint_t status);

/* the level of the line that a failure with this status is logged by */

ngx_uint_t ngx_http_task_failed_level(ngx_uint_t status);

extern ngx_str_t  ngx_http_task_json_type;


/* --- headers: ngx_http_task_header.c ------------------------------------- */

/* puts it where nginx's filters look for it */

ngx_int_t ngx_http_task_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);
void ngx_http_task_drop_header(ngx_http_request_t *r, ngx_str_t *name);
ngx_uint_t ngx_http_task_has_cache_control(ngx_http_request_t *r);


/* --- what a request asks for: ngx_http_task_fields.c --------------------- */

/* which of the types, a NULL behind them, the client likes best */

ngx_uint_t ngx_http_task_fields_accept(ngx_http_request_t *r,
    const char *const *types);

/* whether it prefers "respond-async", and how long it waits before that */

ngx_uint_t ngx_http_task_fields_prefer(ngx_http_request_t *r,
    ngx_msec_t *wait);

/* whether the body is not what it says, but an encoding of that */

ngx_uint_t ngx_http_task_fields_encoded(ngx_http_request_t *r);

/* tells caches that the answer depends on the field */

ngx_int_t ngx_http_task_fields_vary(ngx_http_request_t *r, const char *name);


/* --- a text that grows: ngx_http_task_out.c ------------------------------ */

/* an allocation that fails is remembered */

typedef struct {
    ngx_pool_t   *pool;
    ngx_chain_t  *first;
    ngx_chain_t **last;
    ngx_buf_t    *buf;
    off_t         len;
    ngx_uint_t    failed;
} ngx_http_task_out_t;


void ngx_http_task_out_init(ngx_http_task_out_t *out, ngx_pool_t *pool);

/* as ngx_sprintf(), up to 256 bytes */

void ngx_http_task_out(ngx_http_task_out_t *out, const char *fmt, ...);
void ngx_http_task_out_str(ngx_http_task_out_t *out, ngx_str_t *s);

/* nanoseconds, as seconds */

void ngx_http_task_out_time(ngx_http_task_out_t *out, uint64_t ns);

/* "name":"s" */

void ngx_http_task_out_json(ngx_http_task_out_t *out, const char *name,
    ngx_str_t *s);

/* answers with it */

ngx_int_t ngx_http_task_out_send(ngx_http_task_out_t *out,
    ngx_http_request_t *r, ngx_str_t *type);


#endif /* _NGX_HTTP_TASK_ANSWER_H_INCLUDED_ */
