
/*
 * What the two files that check JSON share: ngx_http_task_json.c has its
 * structure, and uses ngx_http_task_json_scalar.c for strings and numbers.
 */


#ifndef _NGX_HTTP_TASK_JSON_STATE_H_INCLUDED_
#define _NGX_HTTP_TASK_JSON_STATE_H_INCLUDED_


#include "text/ngx_http_task_text.h"


/* what is expected next; white space may stand before the first ones */

enum {
    JSON_VALUE = 0,
    JSON_FIRST,             /* a value, or a name; or the end of what is open */
    JSON_NEXT,              /* likewise, behind a comma: no end */
    JSON_COLON,
    JSON_AFTER,             /* behind a value */
    JSON_STRING,            /* the rest of one */
    JSON_NUMBER,
    JSON_WRONG,             /* an error is found, its place is counted */
    JSON_DONE
};


/*
 * Something is wrong: from now on the characters in front of it are counted.
 * Returns the new s->p.
 */

static inline const unsigned char *
ngx_http_task_json_error(ngx_http_task_json_state_t *s,
    const unsigned char *where, const char *error)
{
    s->json.error = error;

    s->p = s->start;
    s->stop = s->start;
    s->end = where;
    s->state = JSON_WRONG;

    return s->p;
}


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
