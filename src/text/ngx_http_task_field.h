
/*
 * Header fields that are lists, and what a client asks for in two of them.
 * Plain C, so that it can be tested alone: no call allocates, keeps a pointer,
 * or needs a terminating null.
 */


#ifndef _NGX_HTTP_TASK_FIELD_H_INCLUDED_
#define _NGX_HTTP_TASK_FIELD_H_INCLUDED_


#include "text/ngx_http_task_text.h"


/* how many types may be offered at once; the longest wait, in seconds */

#define NGX_HTTP_TASK_OFFERS       4
#define NGX_HTTP_TASK_PREFER_WAIT  86400


/* a member of a list, or one of the parameters of a member */

typedef struct {
    ngx_http_task_span_t   name;
    ngx_http_task_span_t   value;       /* with its quotes; may be empty */
    ngx_http_task_span_t   params;      /* of a member only */
} ngx_http_task_field_t;


/* "Accept": how much the client likes a type that is offered */

typedef struct {
    unsigned               q;           /* in thousandths, 0: not at all */
    unsigned               rank;        /* how exactly it is named, 0: not */
    unsigned               order;       /* the number of the naming range */
} ngx_http_task_liked_t;


typedef struct {
    const char *const     *types;       /* in lower case, ends with NULL */
    unsigned               ranges;      /* how many were read */
    ngx_http_task_liked_t  liked[NGX_HTTP_TASK_OFFERS];
} ngx_http_task_accept_t;


/* "Prefer" */

typedef struct {
    unsigned               respond_async;
    unsigned               waits;       /* how many; only the first counts */
    unsigned               wait;        /* seconds */
} ngx_http_task_prefer_t;


/*
 * Read the next member of a list, or the next parameter of a member.  Return
 * 1, and the span then begins behind it; or 0 if there are no more.
 */

int ngx_http_task_field_member(ngx_http_task_span_t *field,
    ngx_http_task_field_t *member);
int ngx_http_task_field_param(ngx_http_task_span_t *params,
    ngx_http_task_field_t *param);

/* returns 1 if the span is the lower case text, compared without case */

int ngx_http_task_field_is(const ngx_http_task_span_t *span, const char *text);

/*
 * Add a field to accept or prefer, which the caller has zeroed before the
 * first one.  Fields are added in their order.
 */

void ngx_http_task_field_accept(ngx_http_task_accept_t *accept,
    const ngx_http_task_span_t *field);
void ngx_http_task_field_prefer(ngx_http_task_prefer_t *prefer,
    const ngx_http_task_span_t *field);

/*
 * Takes the quotes from a string of 1 to 255 visible characters, or leaves as
 * it is what has none, as some clients send it; returns 0: it is none of both.
 * A quote or a backslash in it stays as it was sent.
 */

int ngx_http_task_field_string(ngx_http_task_span_t *field);

/* returns the index of the type that the client prefers; 0 if it takes none */

unsigned ngx_http_task_field_choose(const ngx_http_task_accept_t *accept);


#endif /* _NGX_HTTP_TASK_FIELD_H_INCLUDED_ */
