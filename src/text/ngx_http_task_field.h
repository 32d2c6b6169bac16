
/*
 * Header fields that are lists, and what is asked for in two of them.  Plain
 * C, so that it can be tested alone: no call allocates, keeps a pointer, or
 * needs a terminating null.
 */


#ifndef _NGX_HTTP_TASK_FIELD_H_INCLUDED_
#define _NGX_HTTP_TASK_FIELD_H_INCLUDED_


#include "text/ngx_http_task_text.h"


/* how many types may be offered at once, and the longest wait, in seconds */

#define NGX_HTTP_TASK_OFFERS       4
#define NGX_HTTP_TASK_PREFER_WAIT  86400


/* a member of a list, or one of the parameters of a member */

typedef struct {
    ngx_http_task_span_t   name;
    ngx_http_task_span_t   value;       /* with its quotes; empty: none */
    ngx_http_task_span_t   params;      /* of a member */
} ngx_http_task_field_t;


/* "Accept": how the client likes a type that is offered */

typedef struct {
    unsigned               q;           /* in thousandths, 0: not at all */
    unsigned               rank;        /* how exactly it is named, 0: not */
    unsigned               order;       /* of the range that names it */
} ngx_http_task_liked_t;


typedef struct {
    const char *const     *types;       /* in lower case, NULL is the last */
    unsigned               ranges;      /* that were read */
    ngx_http_task_liked_t  liked[NGX_HTTP_TASK_OFFERS];
} ngx_http_task_accept_t;


/* "Prefer" */

typedef struct {
    unsigned               respond_async;
    unsigned               waits;       /* how many; the first one counts */
    unsigned               wait;        /* seconds */
} ngx_http_task_prefer_t;


/*
 * The next member of a list, or the next parameter of a member: 1, and the
 * span begins behind it; 0: there is none.
 */

int ngx_http_task_field_member(ngx_http_task_span_t *field,
    ngx_http_task_field_t *member);
int ngx_http_task_field_param(ngx_http_task_span_t *params,
    ngx_http_task_field_t *param);

/* whether the span is that text, which is in lower case; in any case */

int ngx_http_task_field_is(const ngx_http_task_span_t *span, const char *text);

/*
 * Each takes one field after another, in their order, into what was zeroed
 * before the first one.
 */

void ngx_http_task_field_accept(ngx_http_task_accept_t *accept,
    const ngx_http_task_span_t *field);
void ngx_http_task_field_prefer(ngx_http_task_prefer_t *prefer,
    const ngx_http_task_span_t *field);

/* the index of the type that the client prefers; of the first, if of none */

unsigned ngx_http_task_field_choose(const ngx_http_task_accept_t *accept);


#endif /* _NGX_HTTP_TASK_FIELD_H_INCLUDED_ */
