
/*
 * Strings in JSON: text with its quotes and escapes, and back.
 */


#include "text/ngx_http_task_text.h"

#include <string.h>


static size_t ngx_http_task_json_plain(const unsigned char *p, size_t len);
static size_t ngx_http_task_json_escape(unsigned char *dst, unsigned char c);
static size_t ngx_http_task_json_char(unsigned char *dst,
    const unsigned char **p);
static unsigned ngx_http_task_json_hex(const unsigned char *p);


int
ngx_http_task_json_simple(const unsigned char *p, size_t len)
{
    if (len == 0) {
        return 1;
    }

    for ( /* void */ ; len > 8; p += 8, len -= 8) {
        if (!ngx_http_task_json_simple_word(ngx_http_task_word(p, 8))) {
            return 0;
        }
    }

    return ngx_http_task_json_simple_word(ngx_http_task_word(p, len));
}


/* returns how many bytes from here on need no escape in JSON */

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

        if (special & NGX_HTTP_TASK_HIGH_BITS) {
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


size_t
ngx_http_task_json_unquote(unsigned char *dst, const ngx_http_task_span_t *src)
{
    ngx_http_task_span_t  rest;

    rest.data = src->data + 1;
    rest.len = src->len - 2;

    return ngx_http_task_json_unquote_part(dst, &rest, rest.len);
}


size_t
ngx_http_task_json_unquote_part(unsigned char *dst, ngx_http_task_span_t *rest,
    size_t bytes)
{
    size_t                n;
    unsigned char        *d;
    const unsigned char  *p, *stop, *escape;

    d = dst;
    p = rest->data;
    stop = p + (bytes < rest->len ? bytes : rest->len);

    while (p < stop) {

        if (*p == '\\') {
            d += ngx_http_task_json_char(d, &p);
            continue;
        }

        escape = memchr(p, '\\', stop - p);
        n = (escape ? escape : stop) - p;

        memcpy(d, p, n);
        d += n;
        p += n;
    }

    rest->len -= p - rest->data;
    rest->data = p;

    return d - dst;
}


int
ngx_http_task_json_is(const ngx_http_task_span_t *src,
    const unsigned char *text, size_t len)
{
    size_t                n;
    unsigned char         c[4];
    const unsigned char  *p, *end;

    p = src->data + 1;
    end = src->data + src->len - 1;

    while (p < end) {

        if (*p == '\\') {
            n = ngx_http_task_json_char(c, &p);

        } else {
            c[0] = *p++;
            n = 1;
        }

        if (n > len || memcmp(c, text, n) != 0) {
            return 0;
        }

        text += n;
        len -= n;
    }

    return len == 0;
}


/* writes the escape at p as UTF-8, 4 bytes at most, and moves p behind it */

static size_t
ngx_http_task_json_char(unsigned char *dst, const unsigned char **p)
{
    unsigned  code;

    (*p)++;

    switch (*(*p)++) {
    case 'b': dst[0] = '\b'; return 1;
    case 'f': dst[0] = '\f'; return 1;
    case 'n': dst[0] = '\n'; return 1;
    case 'r': dst[0] = '\r'; return 1;
    case 't': dst[0] = '\t'; return 1;
    case 'u': break;

    default:
        dst[0] = (*p)[-1];
        return 1;
    }

    code = ngx_http_task_json_hex(*p);
    *p += 4;

    if ((code & 0xfc00) == 0xd800) {
        code = 0x10000 + ((code & 0x3ff) << 10)
               + (ngx_http_task_json_hex(*p + 2) & 0x3ff);
        *p += 6;

        dst[0] = (unsigned char) (0xf0 | code >> 18);
        dst[1] = (unsigned char) (0x80 | (code >> 12 & 0x3f));
        dst[2] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
        dst[3] = (unsigned char) (0x80 | (code & 0x3f));
        return 4;
    }

    if (code < 0x80) {
        dst[0] = (unsigned char) code;
        return 1;
    }

    if (code < 0x800) {
        dst[0] = (unsigned char) (0xc0 | code >> 6);
        dst[1] = (unsigned char) (0x80 | (code & 0x3f));
        return 2;
    }

    dst[0] = (unsigned char) (0xe0 | code >> 12);
    dst[1] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
    dst[2] = (unsigned char) (0x80 | (code & 0x3f));

    return 3;
}


static unsigned
ngx_http_task_json_hex(const unsigned char *p)
{
    return (unsigned) (ngx_http_task_hex(p[0]) << 12
                       | ngx_http_task_hex(p[1]) << 8
                       | ngx_http_task_hex(p[2]) << 4
                       | ngx_http_task_hex(p[3]));
}
