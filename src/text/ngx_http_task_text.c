
/*
 * Text that comes from outside: percent-encoding, UTF-8, and how such text is
 * written to a log.
 */


#include "text/ngx_http_task_text.h"

#include <string.h>


/* so many bytes of a text are compared with another, see _text_distance() */

#define DISTANCE_LEN  48


int
ngx_http_task_hex(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}


size_t
ngx_http_task_unescape(unsigned char *dst, const unsigned char *src, size_t len)
{
    int                   high, low;
    unsigned char        *d;
    const unsigned char  *end;

    d = dst;
    end = src + len;

    for ( /* void */ ; src < end; src++) {

        if (*src == '%' && end - src > 2) {
            high = ngx_http_task_hex(src[1]);
            low = ngx_http_task_hex(src[2]);

            if (high >= 0 && low >= 0) {
                *d++ = (unsigned char) (high << 4 | low);
                src += 2;
                continue;
            }
        }

        *d++ = (*src == '+') ? ' ' : *src;
    }

    return d - dst;
}


int
ngx_http_task_query_pair(unsigned char **p, unsigned char *end,
    ngx_http_task_span_t *name, ngx_http_task_span_t *value)
{
    unsigned char  *start, *equals, *last;

    if (*p == end) {
        return 0;
    }

    start = *p;

    last = memchr(start, '&', end - start);
    if (last == NULL) {
        last = end;
    }

    equals = memchr(start, '=', last - start);
    if (equals == NULL) {
        equals = last;
    }

    *p = (last == end) ? end : last + 1;

    name->data = start;
    name->len = ngx_http_task_unescape(start, start, equals - start);

    if (equals < last) {
        equals++;
    }

    value->data = equals;
    value->len = ngx_http_task_unescape(equals, equals, last - equals);

    return 1;
}


unsigned
ngx_http_task_text_distance(const unsigned char *a, size_t a_len,
    const unsigned char *b, size_t b_len)
{
    size_t    i, j;
    unsigned  best, change, d[DISTANCE_LEN + 1][DISTANCE_LEN + 1];

    a_len = (a_len < DISTANCE_LEN) ? a_len : DISTANCE_LEN;
    b_len = (b_len < DISTANCE_LEN) ? b_len : DISTANCE_LEN;

    /* d[i][j]: of the first i bytes of a, and the first j of b */

    for (i = 0; i <= a_len; i++) {
        for (j = 0; j <= b_len; j++) {

            if (i == 0 || j == 0) {
                d[i][j] = (unsigned) (i + j);
                continue;
            }

            change = (a[i - 1] != b[j - 1]);
            best = d[i - 1][j - 1] + change;

            if (d[i - 1][j] + 1 < best) {
                best = d[i - 1][j] + 1;
            }

            if (d[i][j - 1] + 1 < best) {
                best = d[i][j - 1] + 1;
            }

            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && d[i - 2][j - 2] + change < best)
            {
                best = d[i - 2][j - 2] + change;
            }

            d[i][j] = best;
        }
    }

    return d[a_len][b_len];
}


size_t
ngx_http_task_utf8_char(const unsigned char *p, size_t len, size_t *skip)
{
    size_t         i, n;
    unsigned char  lo, hi;

    *skip = 1;
    lo = 0x80;
    hi = 0xbf;

    if (p[0] < 0x80) {
        return 1;
    }

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;
        lo = (p[0] == 0xe0) ? 0xa0 : 0x80;     /* no overlong forms */
        hi = (p[0] == 0xed) ? 0x9f : 0xbf;     /* no surrogates */

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        lo = (p[0] == 0xf0) ? 0x90 : 0x80;
        hi = (p[0] == 0xf4) ? 0x8f : 0xbf;     /* up to U+10FFFF */

    } else {
        return 0;
    }

    for (i = 1; i < n; i++) {

        if (i == len || p[i] < lo || p[i] > hi) {
            *skip = i;
            return 0;
        }

        lo = 0x80;
        hi = 0xbf;
    }

    return n;
}


size_t
ngx_http_task_utf8_valid(const unsigned char *p, size_t len)
{
    size_t  i, n, skip;

    /* nearly all text is ASCII */

    for (i = 0; i < len; i += 8) {
        if (ngx_http_task_word(p + i, len - i) & NGX_HTTP_TASK_HIGH_BITS) {
            break;
        }
    }

    if (i >= len) {
        return len;
    }

    for ( /* void */ ; i < len; i += n) {
        n = ngx_http_task_utf8_char(p + i, len - i, &skip);

        if (n == 0) {
            break;
        }
    }

    return i;
}


size_t
ngx_http_task_utf8_copy(unsigned char *dst, const unsigned char *src,
    size_t len)
{
    size_t          i, n, skip;
    unsigned char  *d;

    d = dst;

    for (i = 0; i < len; i += skip) {
        n = ngx_http_task_utf8_char(src + i, len - i, &skip);

        if (n == 0) {
            memcpy(d, "\xef\xbf\xbd", 3);
            d += 3;
            continue;
        }

        memcpy(d, src + i, n);
        d += n;
        skip = n;
    }

    return d - dst;
}


size_t
ngx_http_task_utf8_fit(unsigned char *dst, size_t size, const char *src)
{
    size_t                len, n, skip;
    unsigned char        *d;
    const unsigned char  *p, *end;

    if (size == 0) {
        return 0;
    }

    d = dst;
    p = (const unsigned char *) src;

    /* each byte becomes at least one, so no more of them can fit */

    len = strnlen(src, size + 3);
    end = p + len;

    for ( /* void */ ; p < end; p += skip) {
        n = ngx_http_task_utf8_char(p, end - p, &skip);

        if ((size_t) (d - dst) + (n ? n : 3) >= size) {
            break;
        }

        if (n == 0) {
            memcpy(d, "\xef\xbf\xbd", 3);
            d += 3;
            continue;
        }

        memcpy(d, p, n);
        d += n;
        skip = n;
    }

    *d = '\0';

    return d - dst;
}


size_t
ngx_http_task_log_escape(unsigned char *dst, size_t size,
    const unsigned char *src, size_t len)
{
    size_t                n, skip;
    unsigned char        *d;
    const unsigned char  *end;

    static const char  hex[] = "0123456789abcdef";

    d = dst;
    end = src + len;

    for ( /* void */ ; src < end; src += n) {
        n = ngx_http_task_utf8_char(src, end - src, &skip);

        /* U+0080 to U+009F are control characters, too */

        if (n == 0 || *src < 0x20 || *src == 0x7f
            || (*src == 0xc2 && src[1] < 0xa0))
        {
            if (size - (d - dst) < 4) {
                break;
            }

            n = 1;
            *d++ = '\\';
            *d++ = 'x';
            *d++ = (unsigned char) hex[*src >> 4];
            *d++ = (unsigned char) hex[*src & 0xf];

        } else {
            if (size - (d - dst) < n) {
                break;
            }

            memcpy(d, src, n);
            d += n;
        }
    }

    return d - dst;
}
