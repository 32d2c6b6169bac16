
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


/*
 * So many bytes are looked at together.  So far ahead of them memory is asked
 * for: if it is not near, it is there when its turn comes.
 */

#define MULTIPART_BLOCK  32
#define MULTIPART_AHEAD  1024

#define MULTIPART_BYTES(c)  (0x0101010101010101 * (c))


static inline uint64_t multipart_word(const unsigned char *p);
static const unsigned char *multipart_near(const ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *end,
    const unsigned char *last);
static int multipart_behind(const ngx_http_task_multipart_t *s,
    unsigned char c);


/* the time does not depend on what is there, as long as it is not CRLF "--" */

const unsigned char *
ngx_http_task_multipart_find(const ngx_http_task_multipart_t *s,
    const unsigned char *p, const unsigned char *last)
{
    size_t                i;
    uint64_t              found;
    const unsigned char  *next;

    while (last - p >= MULTIPART_BLOCK + 3) {
        __builtin_prefetch(p + MULTIPART_AHEAD);

        found = 0;

        for (i = 0; i < MULTIPART_BLOCK; i += 8) {
            found |= multipart_word(p + i);
        }

        if (found & NGX_HTTP_TASK_HIGH_BITS) {
            next = multipart_near(s, p, p + MULTIPART_BLOCK, last);

            if (next < p + MULTIPART_BLOCK) {
                return next;
            }
        }

        p += MULTIPART_BLOCK;
    }

    return multipart_near(s, p, last, last);
}


/*
 * Returns a word with one of the highest bits set if CRLF "--" begins at one of
 * eight places.  At such a place all of four bytes are the right ones: what
 * they differ by is 0.  If 1 is subtracted from all bytes at once, one that is
 * 0 sets its highest bit; in those that have it already, it does not count.
 */

static inline uint64_t
multipart_word(const unsigned char *p)
{
    uint64_t  first, second, third, fourth, differ;

    memcpy(&first, p, 8);
    memcpy(&second, p + 1, 8);
    memcpy(&third, p + 2, 8);
    memcpy(&fourth, p + 3, 8);

    differ = (first ^ MULTIPART_BYTES('\r'))
             | (second ^ MULTIPART_BYTES('\n'))
             | (third ^ MULTIPART_BYTES('-'))
             | (fourth ^ MULTIPART_BYTES('-'));

    return (differ - MULTIPART_BYTES(1)) & ~differ;
}


/*
 * Likewise, but byte by byte, and compares all that there is of a delimiter.
 * Returns end if none begins before it.
 */

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
