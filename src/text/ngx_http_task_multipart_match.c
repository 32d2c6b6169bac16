
/*
 * The search for delimiters of a form, in pieces of it.
 *
 *     delimiter = CRLF "--" boundary [ "--" ] *( SP / HTAB ) CRLF
 *
 * What looks like a delimiter but is not is content, as far as it did so.  A CR
 * is only the first byte of a delimiter, or the one before its last: so none
 * begins within such content, and no byte has to be looked at again.
 */


#include "text/ngx_http_task_multipart_state.h"

#include <string.h>


#define MULTIPART_WORD(c)  (0x0101010101010101 * (c))


static const unsigned char *multipart_near(const ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *end,
    const unsigned char *last);
static int multipart_behind(const ngx_http_task_multipart_t *s,
    unsigned char c);


/*
 * Eight places are looked at together.  At the right one, each of four bytes
 * is the right one: their differences are 0, and so are all of them in one.
 * The time does not depend on what is there, as long as it is not CRLF "--".
 */

const unsigned char *
ngx_http_task_multipart_find(const ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *last)
{
    uint64_t              first, second, third, fourth, differ;
    const unsigned char  *next;

    while (last - p >= 8 + 3) {
        memcpy(&first, p, 8);
        memcpy(&second, p + 1, 8);
        memcpy(&third, p + 2, 8);
        memcpy(&fourth, p + 3, 8);

        differ = (first ^ MULTIPART_WORD('\r'))
                 | (second ^ MULTIPART_WORD('\n'))
                 | (third ^ MULTIPART_WORD('-'))
                 | (fourth ^ MULTIPART_WORD('-'));

        /* if 1 is subtracted from all, one that is 0 sets its highest bit */

        if ((differ - MULTIPART_WORD(1)) & ~differ & NGX_HTTP_TASK_HIGH_BITS) {
            next = multipart_near(s, p, p + 8, last);

            if (next < p + 8) {
                return next;
            }
        }

        p += 8;
    }

    return multipart_near(s, p, last, last);
}


/* likewise, but byte by byte, and returns end if there is none before it */

static const unsigned char *
multipart_near(const ngx_http_task_multipart_t *s, const unsigned char *p,
    const unsigned char *end, const unsigned char *last)
{
    size_t  n;

    for ( /* void */ ; p < end; p++) {
        n = last - p;

        if (*p == '\r'
            && memcmp(p, s->delimiter, n < s->needle ? n : s->needle) == 0)
        {
            break;
        }
    }

    return p;
}


int
ngx_http_task_multipart_match(ngx_http_task_multipart_t *s,
    const unsigned char **p, const unsigned char *last)
{
    int  match;

    for ( /* void */ ; *p < last; (*p)++) {

        if (s->held < s->needle) {

            if (**p != s->delimiter[s->held]) {
                return MATCH_NOT;
            }

            s->held++;
            continue;
        }

        match = multipart_behind(s, **p);

        if (match != MATCH_MORE) {
            return match;
        }

        s->delimiter[s->held++] = **p;
    }

    return MATCH_MORE;
}


/* decides on the byte c, behind a boundary and what is held from there */

static int
multipart_behind(const ngx_http_task_multipart_t *s, unsigned char c)
{
    size_t                n;
    const unsigned char  *behind;

    n = s->held - s->needle;
    behind = s->delimiter + s->needle;

    if (n && behind[n - 1] == '\r') {
        return (c == '\n') ? MATCH_ALL : MATCH_NOT;
    }

    if (n == 1 && behind[0] == '-') {
        return (c == '-') ? MATCH_MORE : MATCH_NOT;
    }

    switch (c) {

    case '\r':
        return MATCH_MORE;

    case ' ':
    case '\t':
        if (n < NGX_HTTP_TASK_MULTIPART_PADDING) {
            return MATCH_MORE;
        }

        return MATCH_LONG;

    case '-':
        return (n == 0) ? MATCH_MORE : MATCH_NOT;

    default:
        return MATCH_NOT;
    }
}
