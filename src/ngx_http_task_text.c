
/*
 * Text that comes from outside: percent-encoding and UTF-8.
 */


#include "ngx_http_task_text.h"

#include <string.h>


static uint64_t ngx_http_task_word(const unsigned char *p, size_t len);
static size_t ngx_http_task_json_plain(const unsigned char *p, size_t len);
static size_t ngx_http_task_json_escape(unsigned char *dst, unsigned char c);


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


/* the next 8 bytes, or as many as there are, and then "AAA..." */

static uint64_t
ngx_http_task_word(const unsigned char *p, size_t len)
{
    uint64_t  word;

    word = 0x4141414141414141;

    if (len >= sizeof(word)) {
        memcpy(&word, p, sizeof(word));

    } else {
        memcpy(&word, p, len);
    }

    return word;
}


size_t
ngx_http_task_utf8_valid(const unsigned char *p, size_t len)
{
    size_t  i, n, skip;

    /* nearly all text is ASCII */

    for (i = 0; i < len; i += 8) {
        if (ngx_http_task_word(p + i, len - i) & 0x8080808080808080) {
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


/*
 * How many bytes from here on need no escape in JSON.  Eight at a time: a byte
 * of a word is below n, or zero, where n borrows from its highest bit.
 */

static size_t
ngx_http_task_json_plain(const unsigned char *p, size_t len)
{
    size_t    i;
    uint64_t  word, quote, backslash, special;

    for (i = 0; i < len; i += 8) {
        word = ngx_http_task_word(p + i, len - i);

        quote = word ^ 0x2222222222222222;
        backslash = word ^ 0x5c5c5c5c5c5c5c5c;

        special = ((word - 0x2020202020202020) & ~word)
                  | ((quote - 0x0101010101010101) & ~quote)
                  | ((backslash - 0x0101010101010101) & ~backslash);

        if (special & 0x8080808080808080) {
            break;
        }
    }

    if (i >= len) {
        return len;
    }

    while (i < len && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\') {
        i++;
    }

    return i;
}


size_t
ngx_http_task_json_quote(unsigned char *dst, const unsigned char *src,
    size_t len)
{
    size_t                n, plain, size;
    unsigned char         buf[6];
    const unsigned char  *end;

    end = src + len;
    n = 1;

    for ( ;; ) {
        plain = ngx_http_task_json_plain(src, end - src);

        if (dst && plain) {
            memcpy(dst + n, src, plain);
        }

        n += plain;
        src += plain;

        if (src == end) {
            break;
        }

        size = ngx_http_task_json_escape(buf, *src++);

        if (dst) {
            memcpy(dst + n, buf, size);
        }

        n += size;
    }

    if (dst) {
        dst[0] = '"';
        dst[n] = '"';
    }

    return n + 1;
}


/* returns the length of the escape */

static size_t
ngx_http_task_json_escape(unsigned char *dst, unsigned char c)
{
    static const char  hex[] = "0123456789abcdef";

    dst[0] = '\\';

    switch (c) {
    case '\b': dst[1] = 'b'; return 2;
    case '\f': dst[1] = 'f'; return 2;
    case '\n': dst[1] = 'n'; return 2;
    case '\r': dst[1] = 'r'; return 2;
    case '\t': dst[1] = 't'; return 2;

    case '"':
    case '\\':
        dst[1] = c;
        return 2;
    }

    memcpy(dst + 1, "u00", 3);
    dst[4] = (unsigned char) hex[c >> 4];
    dst[5] = (unsigned char) hex[c & 0xf];

    return 6;
}
