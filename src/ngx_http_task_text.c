
/*
 * Text that comes from outside: percent-encoding and UTF-8.
 */


#include "ngx_http_task_text.h"

#include <string.h>


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

    for (i = 0; i < len; i += n) {
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
