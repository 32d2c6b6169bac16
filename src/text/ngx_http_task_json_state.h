
/*
 * What the two files that check JSON share: its structure is in one, what
 * strings and numbers are is in the other.
 */


#ifndef _NGX_HTTP_TASK_JSON_STATE_H_INCLUDED_
#define _NGX_HTTP_TASK_JSON_STATE_H_INCLUDED_


#include "text/ngx_http_task_text.h"


/* ngx_http_task_json.c: something is wrong there; returns the new s->p */

const unsigned char *ngx_http_task_json_error(ngx_http_task_json_state_t *s,
    const unsigned char *where, const char *error);


/*
 * ngx_http_task_json_scalar.c: go on with a string, behind its first quote, or
 * with a number, whose part is 0 at first.  Return the place behind it; or
 * NULL, if this step ends before it does, or there is an error: s->p is then
 * set.  They look a few bytes further than s->stop, where these belong
 * together.
 */

const unsigned char *ngx_http_task_json_string(ngx_http_task_json_state_t *s,
    const unsigned char *p);
const unsigned char *ngx_http_task_json_number(ngx_http_task_json_state_t *s,
    const unsigned char *p);


#endif /* _NGX_HTTP_TASK_JSON_STATE_H_INCLUDED_ */
