
/*
 * What the files that read forms share: ngx_http_task_multipart.c uses
 * ngx_http_task_multipart_match.c to find delimiters, and
 * ngx_http_task_multipart_head.c for the headers of a part, which uses
 * ngx_http_task_multipart_param.c for their parameters.
 */


#ifndef _NGX_HTTP_TASK_MULTIPART_STATE_H_INCLUDED_
#define _NGX_HTTP_TASK_MULTIPART_STATE_H_INCLUDED_


#include "text/ngx_http_task_multipart.h"


/* where in the form the next byte is */

enum {
    MULTIPART_PREAMBLE = 0,
    MULTIPART_HEAD,
    MULTIPART_CONTENT,
    MULTIPART_DONE          /* it has ended, or something is wrong */
};


/* returns 0 */

static inline int
ngx_http_task_multipart_error(ngx_http_task_multipart_t *s, uint64_t position,
    const char *error)
{
    s->error = error;
    s->position = position;
    s->state = MULTIPART_DONE;

    return 0;
}


/* ngx_http_task_multipart_match.c */

enum {
    MATCH_NOT = 0,
    MATCH_MORE,
    MATCH_ALL,
    MATCH_LONG              /* too much white space, see _PADDING */
};


/*
 * Returns where a delimiter may begin: the first place with a CRLF and the
 * boundary, or with as much of these as there is; or last.
 */

const unsigned char *ngx_http_task_multipart_find(
    const ngx_http_task_multipart_t *s, const unsigned char *p,
    const unsigned char *last);

/*
 * Holds what may belong to a delimiter, and moves p to the byte that decides:
 * behind what is held it is none, or this is its last byte.
 */

int ngx_http_task_multipart_match(ngx_http_task_multipart_t *s,
    const unsigned char **p, const unsigned char *last);


/* ngx_http_task_multipart_head.c */

/*
 * Goes on with the headers of a part, and returns the place behind what is
 * read.  If the empty line behind them was, the state is then that of content;
 * the part is told to nobody yet.
 */

const unsigned char *ngx_http_task_multipart_head(ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *last);


/* ngx_http_task_multipart_param.c */

typedef struct {
    ngx_http_task_span_t  name;
    ngx_http_task_span_t  value;          /* without its quotes */
    unsigned              quoted;
} ngx_http_task_multipart_param_t;


/*
 * Reads the next ";" and parameter; p is behind a value, or a parameter.
 * Returns 1; or 0 if there are no more, or what is there is no parameter: error
 * is then set, and p is where it is wrong.
 */

int ngx_http_task_multipart_param(const unsigned char **p,
    const unsigned char *end, ngx_http_task_multipart_param_t *param,
    const char **error);

/* undoes the escapes of a quoted string, at its place; returns the length */

size_t ngx_http_task_multipart_unquote(unsigned char *p, size_t len);

/*
 * Decodes a value as RFC 5987 has it.  Writes at most value->len bytes, which
 * are valid UTF-8, and sets len.  Returns 1; or 0, and error is set.
 */

int ngx_http_task_multipart_extended(unsigned char *dst, size_t *len,
    const ngx_http_task_span_t *value, const char **error);

/* move p behind a token, or behind white space; there may be none */

void ngx_http_task_multipart_token(const unsigned char **p,
    const unsigned char *end);
void ngx_http_task_multipart_space(const unsigned char **p,
    const unsigned char *end);


#endif /* _NGX_HTTP_TASK_MULTIPART_STATE_H_INCLUDED_ */
