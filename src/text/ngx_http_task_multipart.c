
/*
 * Forms: their parts, by the delimiters between them.
 *
 *     form    = [ preamble CRLF ] *( "--" boundary padding CRLF part CRLF )
 *               "--" boundary "--" padding [ CRLF epilogue ]
 *     part    = *( header CRLF ) [ CRLF content ]
 *     padding = *( SP / HTAB )
 *
 * A delimiter begins with the CRLF in front of its boundary.  At the start of
 * the body, and at that of content, there was one: the empty line behind the
 * headers has a CRLF that may also be that of a delimiter.
 */


#include "text/ngx_http_task_multipart_state.h"

#include <string.h>


static const unsigned char *multipart_content(ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *last);
static void multipart_delimiter(ngx_http_task_multipart_t *s,
    const unsigned char *p);
static void multipart_begin(ngx_http_task_multipart_t *s,
    const unsigned char *p);
static int multipart_give(ngx_http_task_multipart_t *s, const unsigned char *p,
    size_t len);
static int multipart_over(ngx_http_task_multipart_t *s, unsigned closing);
static int multipart_stop(ngx_http_task_multipart_t *s);
static uint64_t multipart_at(const ngx_http_task_multipart_t *s,
    const unsigned char *p);


void
ngx_http_task_multipart_begin(ngx_http_task_multipart_t *s,
    const unsigned char *boundary, size_t len,
    const ngx_http_task_multipart_limits_t *limits,
    const ngx_http_task_multipart_handlers_t *handlers, void *data)
{
    memset(s, 0, offsetof(ngx_http_task_multipart_t, delimiter));

    s->handlers = handlers;
    s->data = data;
    s->limits = *limits;

    if (s->limits.max_head > NGX_HTTP_TASK_MULTIPART_HEAD) {
        s->limits.max_head = NGX_HTTP_TASK_MULTIPART_HEAD;
    }

    if (len == 0 || len > NGX_HTTP_TASK_MULTIPART_BOUNDARY) {
        ngx_http_task_multipart_error(s, 0, "The boundary has no valid length");
        return;
    }

    memcpy(s->delimiter, "\r\n--", 4);
    memcpy(s->delimiter + 4, boundary, len);

    s->needle = 4 + len;
    s->held = 2;
}


int
ngx_http_task_multipart_feed(ngx_http_task_multipart_t *s,
    const unsigned char *p, size_t len)
{
    const unsigned char  *last;

    if (len == 0) {
        return s->state != MULTIPART_DONE;
    }

    s->piece = p;
    last = p + len;

    while (p < last && s->state != MULTIPART_DONE) {

        if (s->state != MULTIPART_HEAD) {
            p = multipart_content(s, p, last);
            continue;
        }

        p = ngx_http_task_multipart_head(s, p, last);

        if (s->state == MULTIPART_CONTENT) {
            multipart_begin(s, p);
        }
    }

    s->piece = NULL;
    s->base += len;

    return s->state != MULTIPART_DONE;
}


int
ngx_http_task_multipart_end(ngx_http_task_multipart_t *s)
{
    size_t                n;
    const unsigned char  *behind;

    if (s->state == MULTIPART_DONE) {
        return s->error == NULL;
    }

    if (s->base == 0) {
        return ngx_http_task_multipart_error(s, 0, "The form is empty");
    }

    /* the last line needs no CRLF */

    if (s->held > s->needle + 1) {
        n = s->held - s->needle;
        behind = s->delimiter + s->needle;

        if (behind[0] == '-' && behind[n - 1] != '\r') {
            return multipart_over(s, 1);
        }
    }

    switch (s->state) {

    case MULTIPART_PREAMBLE:
        return ngx_http_task_multipart_error(s, s->base,
                              "The boundary of the form is nowhere in it");

    case MULTIPART_HEAD:
        return ngx_http_task_multipart_error(s, s->base,
                              "The form ends within the headers of a part");

    default:
        return ngx_http_task_multipart_error(s, s->base,
                              "The form ends without its last boundary");
    }
}


/*
 * Content is handed over in runs as long as possible: from is where that
 * begins which nobody has got yet.  Of what is held, the first bytes may have
 * come in earlier pieces.
 */

static const unsigned char *
multipart_content(ngx_http_task_multipart_t *s, const unsigned char *p,
    const unsigned char *last)
{
    int                   match;
    size_t                earlier;
    const unsigned char  *from;

    from = p;
    earlier = s->held;

    while (p < last) {

        if (s->held == 0) {
            p = ngx_http_task_multipart_find(s, p, last);

            if (p == last) {
                break;
            }
        }

        match = ngx_http_task_multipart_match(s, &p, last);

        if (match == MATCH_LONG) {
            ngx_http_task_multipart_error(s, multipart_at(s, p),
                                      "Too much white space after a boundary");
            return p;
        }

        if (match == MATCH_ALL) {

            if (multipart_give(s, from, p - (s->held - earlier) - from)) {
                multipart_delimiter(s, p + 1);
            }

            return p + 1;
        }

        if (match == MATCH_NOT) {

            if (!multipart_give(s, s->delimiter + s->skip, earlier - s->skip)) {
                return p;
            }

            earlier = 0;
            s->held = 0;
            s->skip = 0;
        }
    }

    multipart_give(s, from, last - (s->held - earlier) - from);

    return last;
}


/* a delimiter is read, p is behind it; what was in front of it is given */

static void
multipart_delimiter(ngx_http_task_multipart_t *s, const unsigned char *p)
{
    unsigned  closing;

    closing = (s->delimiter[s->needle] == '-');
    s->held = 0;

    if (!multipart_over(s, closing) || closing) {
        return;
    }

    if (s->parts == s->limits.max_parts) {
        ngx_http_task_multipart_error(s, multipart_at(s, p), "Too many parts");
        return;
    }

    s->parts++;

    s->head = 0;
    s->len = 0;
    s->line_at = multipart_at(s, p);
    s->text_len = 0;
    s->cr = 0;
    s->disposed = 0;

    memset(&s->part, 0, sizeof(s->part));
}


/* the headers of a part are read, p is behind them */

static void
multipart_begin(ngx_http_task_multipart_t *s, const unsigned char *p)
{
    int  rc;

    s->offset = multipart_at(s, p);
    s->size = 0;
    s->held = 2;
    s->skip = 2;

    rc = s->handlers->head(s->data, &s->part);

    s->want = (rc == NGX_HTTP_TASK_MULTIPART_WANT);

    if (rc == NGX_HTTP_TASK_MULTIPART_STOP) {
        multipart_stop(s);
    }
}


/* returns 0 if this was the last call of a handler, as in what follows */

static int
multipart_give(ngx_http_task_multipart_t *s, const unsigned char *p, size_t len)
{
    if (len == 0 || s->state != MULTIPART_CONTENT) {
        return 1;
    }

    s->size += len;

    if (s->want && s->handlers->bytes(s->data, p, len)
                   == NGX_HTTP_TASK_MULTIPART_STOP)
    {
        return multipart_stop(s);
    }

    return 1;
}


/* the content is over, if there was any; so is the form, if it is closing */

static int
multipart_over(ngx_http_task_multipart_t *s, unsigned closing)
{
    unsigned  state;

    state = s->state;
    s->state = closing ? MULTIPART_DONE : MULTIPART_HEAD;

    if (state == MULTIPART_CONTENT
        && s->handlers->end(s->data, s->offset, s->size)
           == NGX_HTTP_TASK_MULTIPART_STOP)
    {
        return multipart_stop(s);
    }

    return 1;
}


static int
multipart_stop(ngx_http_task_multipart_t *s)
{
    return ngx_http_task_multipart_error(s, s->offset + s->size,
                                         "The form is not read to its end");
}


/* returns where in the body a place of the piece is */

static uint64_t
multipart_at(const ngx_http_task_multipart_t *s, const unsigned char *p)
{
    return s->base + (p - s->piece);
}
