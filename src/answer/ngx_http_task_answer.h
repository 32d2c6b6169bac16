
/*
 * What an answer looks like: its JSON, its headers, and the one place that
 * sends them.  This room knows no task.  All of it runs on the event loop,
 * except that errors may be made in any thread.
 */


#ifndef _NGX_HTTP_TASK_ANSWER_H_INCLUDED_
#define _NGX_HTTP_TASK_ANSWER_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "text/ngx_http_task_text.h"

#include <cjson/cJSON.h>


/* --- errors, as FastAPI words them: ngx_http_task_errors.c --------------- */

/* why a value is refused, in the words of pydantic */

typedef struct {
    const char  *type;
    u_char       msg[256];
    const char  *ctx;                      /* the member of "ctx", or NULL */
    const char  *reason;                   /* its value; if NULL, .. */
    u_char       bound[NGX_HTTP_TASK_NUMBER_TEXT];
                                           /* .. this number is */
    u_char       expected[192];
} ngx_http_task_invalid_t;


/* a step of the way to what is wrong: "items", and then 2 */

typedef struct {
    const char  *name;                     /* NULL: a position */
    size_t       position;
} ngx_http_task_step_t;


/*
 * Add an error, and return NGX_DECLINED; or NGX_ERROR if there is no memory.
 * They take ownership of loc, input and value; each may be NULL, when its
 * allocation failed.  name and value make the member of "ctx"; if name is
 * NULL, there is no "ctx".
 */

ngx_int_t ngx_http_task_error(cJSON **errors, const char *type,
    const char *msg, cJSON *loc, cJSON *input, const char *name, cJSON *value);
ngx_int_t ngx_http_task_error_invalid(cJSON **errors,
    ngx_http_task_invalid_t *invalid, cJSON *loc, cJSON *input);

/* an error of a list of n items, whose bound is most items, or least */

ngx_int_t ngx_http_task_error_items(cJSON **errors, ngx_uint_t most,
    size_t bound, size_t n, cJSON *loc, cJSON *input);

/* prints {"detail":[…]} into pool; takes ownership of the errors */

ngx_int_t ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors,
    ngx_str_t *text);

/* prints {"detail":"…"} into pool */

ngx_int_t ngx_http_task_error_detail(ngx_pool_t *pool,
    const ngx_str_t *detail, ngx_str_t *text);

/* returns ["body","items",2], as the steps are; NULL: no memory */

cJSON *ngx_http_task_error_loc(const char *where,
    const ngx_http_task_step_t *steps, ngx_uint_t n);

/* the "input" of an error; return NULL: no memory */

cJSON *ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text);
cJSON *ngx_http_task_error_echo_json(ngx_pool_t *pool,
    ngx_http_task_span_t *span);
cJSON *ngx_http_task_error_echo_secret(void);


/* --- what is sent: ngx_http_task_response.c ------------------------------ */

ngx_int_t ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_body(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);

/* sends the header alone; len -1: not known.  NGX_DONE: no body is to follow */

ngx_int_t ngx_http_task_send_header(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, off_t len);

/*
 * Send an error.  If body is NULL, a constant one is sent; if the location has
 * an error_page for it, nothing is, and the status is returned.
 */

ngx_int_t ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_not_allowed(ngx_http_request_t *r,
    ngx_str_t *allow);

/* sends a 503; retry is in seconds */

ngx_int_t ngx_http_task_send_unavailable(ngx_http_request_t *r,
    ngx_uint_t retry);

/* returns the constant body of an error */

ngx_str_t *ngx_http_task_status_body(ngx_uint_t status);

/* returns 1 if an error_page will replace an answer with this status */

ngx_uint_t ngx_http_task_has_error_page(ngx_http_request_t *r,
    ngx_uint_t status);

/* returns the level at which a failure with this status is logged */

ngx_uint_t ngx_http_task_failed_level(ngx_uint_t status);

extern ngx_str_t  ngx_http_task_json_type;
extern ngx_str_t  ngx_http_task_events_type;

/* what a stream of events ends with whose worker has to end, to go on anew */

extern ngx_str_t  ngx_http_task_events_retry;


/* --- an answer that is sent bit by bit: ngx_http_task_stream_out.c ------- */

/* adds the header that keeps nginx in front from holding back events */

ngx_int_t ngx_http_task_stream_out_events(ngx_http_request_t *r);

/*
 * Sends a chain, or, if it is NULL, what nginx still has.  NGX_ERROR: the
 * request has to be finalized with it.
 */

ngx_int_t ngx_http_task_stream_out(ngx_http_request_t *r, ngx_chain_t *out);

/* returns 1 if nginx still has output, or limit_rate holds it back */

ngx_uint_t ngx_http_task_stream_out_busy(ngx_http_request_t *r);

/*
 * Called after something was sent, or was not: if the client does not take it,
 * send_timeout begins, or, with progress, begins anew.
 */

ngx_int_t ngx_http_task_stream_out_wait(ngx_http_request_t *r,
    ngx_uint_t progress);

/* in a write handler: returns 1 if the client is gone, the request is ended */

ngx_uint_t ngx_http_task_stream_out_failed(ngx_http_request_t *r);


/* --- headers: ngx_http_task_header.c ------------------------------------- */

/* adds a header, and puts it where nginx's filters look for it */

ngx_int_t ngx_http_task_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);
void ngx_http_task_drop_header(ngx_http_request_t *r, ngx_str_t *name);
ngx_uint_t ngx_http_task_has_cache_control(ngx_http_request_t *r);


/* --- what a request asks for: ngx_http_task_fields.c --------------------- */

/* returns the index of the type that the client likes best; ends with NULL */

ngx_uint_t ngx_http_task_fields_accept(ngx_http_request_t *r,
    const char *const *types);

/* returns 1 if it prefers "respond-async"; wait is set to milliseconds */

ngx_uint_t ngx_http_task_fields_prefer(ngx_http_request_t *r,
    ngx_msec_t *wait);

/*
 * Sets its "Idempotency-Key", without quotes.  NGX_DECLINED: it has none;
 * NGX_ERROR: it has several, or a wrong one, which key is set to.
 */

ngx_int_t ngx_http_task_fields_key(ngx_http_request_t *r, ngx_str_t *key);

/* returns 1 if the body has a Content-Encoding other than "identity" */

ngx_uint_t ngx_http_task_fields_encoded(ngx_http_request_t *r);

/* tells caches that the answer depends on the field */

ngx_int_t ngx_http_task_fields_vary(ngx_http_request_t *r, const char *name);


/* --- a text that grows: ngx_http_task_out.c ------------------------------ */

/* an allocation that fails sets failed, and the answer is then a 500 */

typedef struct {
    ngx_pool_t             *pool;
    ngx_http_task_arena_t  *arena;       /* for the text */
    ngx_chain_t            *first;
    ngx_chain_t           **last;
    ngx_buf_t              *buf;
    off_t                   len;
    ngx_uint_t              failed;
} ngx_http_task_out_t;


void ngx_http_task_out_init(ngx_http_task_out_t *out, ngx_pool_t *pool,
    ngx_http_task_arena_t *arena);

/* appends as ngx_sprintf() does, up to 256 bytes at once */

void ngx_http_task_out(ngx_http_task_out_t *out, const char *fmt, ...);
void ngx_http_task_out_str(ngx_http_task_out_t *out, ngx_str_t *s);

/* appends nanoseconds as seconds */

void ngx_http_task_out_time(ngx_http_task_out_t *out, uint64_t ns);

/* appends "name":"s" */

void ngx_http_task_out_json(ngx_http_task_out_t *out, const char *name,
    ngx_str_t *s);

/*
 * Answers 200 with the text.  First comes the header: NGX_OK: the text is to
 * follow; NGX_DONE: it is not; or an error.  Then each call sends a buffer of
 * the text, and returns what nginx's filters do; out->first is NULL after the
 * last one.
 */

ngx_int_t ngx_http_task_out_begin(ngx_http_task_out_t *out,
    ngx_http_request_t *r, ngx_str_t *type);
ngx_int_t ngx_http_task_out_next(ngx_http_task_out_t *out,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_TASK_ANSWER_H_INCLUDED_ */
