
/*
 * Forms of the type multipart/form-data, as RFC 7578 and RFC 2046 have them,
 * read while they arrive.  Plain C, so that it can be tested alone: no call
 * allocates, or keeps a pointer other than those to handlers and their data.
 */


#ifndef _NGX_HTTP_TASK_MULTIPART_H_INCLUDED_
#define _NGX_HTTP_TASK_MULTIPART_H_INCLUDED_


#include "text/ngx_http_task_text.h"


/* the longest boundary; the most that max_head may be */

#define NGX_HTTP_TASK_MULTIPART_BOUNDARY  70
#define NGX_HTTP_TASK_MULTIPART_HEAD      4096


/* how many bytes may stand between a boundary and the CRLF of its line */

#define NGX_HTTP_TASK_MULTIPART_PADDING   64


/* what a handler returns; WANT is for head() only, and all but STOP go on */

#define NGX_HTTP_TASK_MULTIPART_STOP      0
#define NGX_HTTP_TASK_MULTIPART_GO        1
#define NGX_HTTP_TASK_MULTIPART_WANT      2


/*
 * What the headers of a part say, as valid UTF-8: U+FFFD stands where bytes are
 * not.  No text has a null.  That of a filename* may have control characters.
 */

typedef struct {
    ngx_http_task_span_t  name;
    ngx_http_task_span_t  filename;
    ngx_http_task_span_t  type;           /* data is NULL: there is none */
    unsigned              has_filename;   /* 1: a file, also if it is empty */
} ngx_http_task_multipart_part_t;


typedef struct {

    /* The headers of a part are read.  The texts stay until end() is called. */
    int  (*head)(void *data, const ngx_http_task_multipart_part_t *part);

    /* The next bytes of the content, if head() has returned WANT. */
    int  (*bytes)(void *data, const unsigned char *p, size_t len);

    /* The content is over: where in the body it began, and its size. */
    int  (*end)(void *data, uint64_t offset, uint64_t size);

} ngx_http_task_multipart_handlers_t;


typedef struct {
    unsigned              max_parts;
    size_t                max_head;       /* bytes of all headers of a part,
                                             with the empty line behind them */
} ngx_http_task_multipart_limits_t;


/* who reads a form needs no member but error and position */

typedef struct {
    const char           *error;          /* NULL: nothing is wrong so far */
    uint64_t              position;       /* of the error, in bytes */

    const ngx_http_task_multipart_handlers_t  *handlers;
    void                                      *data;
    ngx_http_task_multipart_limits_t           limits;

    unsigned              state;
    unsigned              parts;
    uint64_t              base;           /* where in the body the piece is */
    const unsigned char  *piece;          /* while it is looked at */

    /* what looks like a delimiter so far */
    size_t                needle;         /* length of CRLF "--" boundary */
    size_t                held;           /* so many bytes of it are the same,
                                             and those behind are allowed */
    size_t                skip;           /* the first ones that are held, and
                                             do not belong to the content */

    /* the headers of a part */
    size_t                head;           /* so many bytes are read */
    size_t                len;            /* of the line that is read */
    uint64_t              line_at;        /* where in the body it is */
    size_t                text_len;
    unsigned              cr;             /* 1: the latest byte was a CR */
    unsigned              disposed;       /* 1: Content-Disposition is read */

    /* the content of a part */
    unsigned              want;           /* 1: bytes() is called */
    uint64_t              offset;
    uint64_t              size;

    ngx_http_task_multipart_part_t  part;

    unsigned char         delimiter[NGX_HTTP_TASK_MULTIPART_BOUNDARY + 4
                                    + NGX_HTTP_TASK_MULTIPART_PADDING + 1];
    unsigned char         line[NGX_HTTP_TASK_MULTIPART_HEAD];
    unsigned char         text[NGX_HTTP_TASK_UTF8_GROWTH
                               * NGX_HTTP_TASK_MULTIPART_HEAD];
} ngx_http_task_multipart_t;


/* ngx_http_task_multipart.c */

/*
 * Begins to read a form.  The handlers have to stay where they are, all else is
 * copied.
 */

void ngx_http_task_multipart_begin(ngx_http_task_multipart_t *s,
    const unsigned char *boundary, size_t len,
    const ngx_http_task_multipart_limits_t *limits,
    const ngx_http_task_multipart_handlers_t *handlers, void *data);

/*
 * Reads the next piece, of any size.  Returns 1 if more is needed; or 0 if the
 * form has ended, or something is wrong: what is fed then is ignored.  How the
 * body is cut into pieces makes no difference but to the calls of bytes(),
 * which get its bytes in the piece, or in the state for some that could have
 * been a delimiter.
 */

int ngx_http_task_multipart_feed(ngx_http_task_multipart_t *s,
    const unsigned char *p, size_t len);

/* has to be called when all is fed; returns 1, or 0 if something is wrong */

int ngx_http_task_multipart_end(ngx_http_task_multipart_t *s);


/* ngx_http_task_multipart_param.c */

/*
 * Finds the boundary in the value of a header "Content-Type", whose type is not
 * looked at.  Copies it and returns its length; or returns 0 if there is none,
 * if it is none, or does not fit into size bytes.
 */

size_t ngx_http_task_multipart_boundary(const unsigned char *content_type,
    size_t len, unsigned char *dst, size_t size);


#endif /* _NGX_HTTP_TASK_MULTIPART_H_INCLUDED_ */
