
/*
 * Private prototypes of what an answer looks like: its JSON, its headers, and
 * the one place that sends them.
 */


#ifndef _NGX_HTTP_TASK_ANSWER_H_INCLUDED_
#define _NGX_HTTP_TASK_ANSWER_H_INCLUDED_


#include "task/ngx_http_task_types.h"


/* ngx_http_task_errors.c: NGX_DECLINED: an error was added, or NGX_ERROR */

/* these take loc, input and value, also if they are NULL, out of memory */

/* name and value are those of the member of "ctx"; name is NULL: no "ctx" */

ngx_int_t ngx_http_task_error(cJSON **errors, const char *type,
    const char *msg, cJSON *loc, cJSON *input, const char *name, cJSON *value);
ngx_int_t ngx_http_task_error_invalid(cJSON **errors,
    ngx_http_task_invalid_t *invalid, cJSON *loc, cJSON *input);

/* takes the errors */

ngx_int_t ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors,
    ngx_str_t *text);

/* {"detail": "..."} */

ngx_int_t ngx_http_task_error_detail(ngx_pool_t *pool, ngx_str_t *detail,
    ngx_str_t *text);

/* takes what, a name or a position */

cJSON *ngx_http_task_error_loc(const char *where, cJSON *what);

cJSON *ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text);
cJSON *ngx_http_task_error_echo_json(ngx_pool_t *pool,
    ngx_http_task_span_t *span);
cJSON *ngx_http_task_error_echo_secret(void);


/* ngx_http_task_response.c */

ngx_int_t ngx_http_task_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/* a body in buffers, of which the last one is marked so */

ngx_int_t ngx_http_task_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out, off_t len);

ngx_int_t ngx_http_task_send_stream(ngx_http_request_t *r);

/* the body may be NULL: then a constant one; a location's error_page wins */

ngx_int_t ngx_http_task_send_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);
ngx_int_t ngx_http_task_send_not_allowed(ngx_http_request_t *r,
    ngx_str_t *allow);

/* what the function answered */

ngx_int_t ngx_http_task_send_result(ngx_task_t *t);
ngx_int_t ngx_http_task_send_unavailable(ngx_http_request_t *r,
    ngx_uint_t retry);

ngx_str_t *ngx_http_task_status_body(ngx_uint_t status);

/* of the line that a failure with this status is logged by */

ngx_uint_t ngx_http_task_failed_level(ngx_uint_t status);

extern ngx_str_t  ngx_http_task_json_type;


/* ngx_http_task_header.c */

ngx_int_t ngx_http_task_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);
void ngx_http_task_drop_header(ngx_http_request_t *r, ngx_str_t *name);
ngx_uint_t ngx_http_task_has_cache_control(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TASK_ANSWER_H_INCLUDED_ */
