
/*
 * Parameters behind the value of a header.
 *
 *     params = *( OWS ";" OWS [ name "=" value ] )
 *     value  = quoted / *( any but SP, HTAB, ";" and DQUOTE )
 *     quoted = DQUOTE *( "\" DQUOTE / "\\" / any but DQUOTE ) DQUOTE
 *
 * A backslash in quotes stays where no quote and no other backslash follows:
 * some browsers of Windows send a whole path as the name of a file.  What is
 * percent-encoded stays, too.  Browsers send %22, %0D and %0A for a quote and
 * the ends of lines, but "%" as it is: "100%22" may be the name of a file, and
 * nobody can tell.  FastAPI does not decode these either.
 */


#include "text/ngx_http_task_multipart_state.h"

#include "text/ngx_http_task_field.h"

#include <string.h>


static int multipart_quoted(const unsigned char **p, const unsigned char *end,
    ngx_http_task_span_t *value);
static int multipart_decode(unsigned char *dst, size_t *len,
    const unsigned char *p, const unsigned char *end, int latin,
    const char **error);
static size_t multipart_boundary(const ngx_http_task_multipart_param_t *param,
    unsigned char *dst, size_t size);
static int multipart_alnum(unsigned char c);


int
ngx_http_task_multipart_param(const unsigned char **p, const unsigned char *end,
    ngx_http_task_multipart_param_t *param, const char **error)
{
    const unsigned char  *start;

    *error = NULL;

    ngx_http_task_multipart_space(p, end);

    if (*p < end && **p != ';') {
        *error = "A header has no semicolon in front of a parameter";
        return 0;
    }

    while (*p < end && **p == ';') {
        (*p)++;
        ngx_http_task_multipart_space(p, end);
    }

    if (*p == end) {
        return 0;
    }

    param->name.data = *p;
    ngx_http_task_multipart_token(p, end);
    param->name.len = *p - param->name.data;

    if (param->name.len == 0 || *p == end || **p != '=') {
        *error = "A parameter of a header has no valid name with an \"=\"";
        return 0;
    }

    (*p)++;
    param->quoted = (*p < end && **p == '"');

    if (param->quoted) {

        if (!multipart_quoted(p, end, &param->value)) {
            *error = "A quote in a header has no end";
            return 0;
        }

        return 1;
    }

    for (start = *p; *p < end; (*p)++) {
        if (**p == ';' || **p == '"' || **p == ' ' || **p == '\t') {
            break;
        }
    }

    param->value.data = start;
    param->value.len = *p - start;

    return 1;
}


/*
 * Returns 0, and p stays, if there is no second quote.  What a backslash does
 * not escape is no quote, and may be passed over with it.
 */

static int
multipart_quoted(const unsigned char **p, const unsigned char *end,
    ngx_http_task_span_t *value)
{
    const unsigned char  *start, *q;

    start = *p + 1;

    for (q = start; q < end; q++) {

        if (*q == '"') {
            value->data = start;
            value->len = q - start;
            *p = q + 1;
            return 1;
        }

        if (*q == '\\' && q + 1 < end) {
            q++;
        }
    }

    return 0;
}


size_t
ngx_http_task_multipart_unquote(unsigned char *p, size_t len)
{
    unsigned char        *dst;
    const unsigned char  *src, *end;

    dst = p;
    end = p + len;

    for (src = p; src < end; src++) {

        if (*src == '\\' && src + 1 < end
            && (src[1] == '"' || src[1] == '\\'))
        {
            src++;
        }

        *dst++ = *src;
    }

    return dst - p;
}


int
ngx_http_task_multipart_extended(unsigned char *dst, size_t *len,
    const ngx_http_task_span_t *value, const char **error)
{
    int                    latin;
    ngx_http_task_span_t   charset;
    const unsigned char   *p, *end, *text;

    p = value->data;
    end = p + value->len;

    /* charset "'" [ language ] "'" text */

    text = memchr(p, '\'', end - p);
    charset.data = p;
    charset.len = text ? text - p : 0;

    text = text ? memchr(text + 1, '\'', end - text - 1) : NULL;

    latin = ngx_http_task_field_is(&charset, "iso-8859-1");

    if (text == NULL
        || (!latin && !ngx_http_task_field_is(&charset, "utf-8")))
    {
        *error = "A filename* is not of the form UTF-8''text";
        return 0;
    }

    if (!multipart_decode(dst, len, text + 1, end, latin, error)) {
        return 0;
    }

    *error = "A filename* is not UTF-8";

    return ngx_http_task_utf8_valid(dst, *len) == *len;
}


static int
multipart_decode(unsigned char *dst, size_t *len, const unsigned char *p,
    const unsigned char *end, int latin, const char **error)
{
    int             high, low;
    unsigned char   c, *d;

    for (d = dst; p < end; p++) {
        c = *p;

        if (c == '%') {
            high = (end - p > 2) ? ngx_http_task_hex(p[1]) : -1;
            low = (high >= 0) ? ngx_http_task_hex(p[2]) : -1;

            if (low < 0) {
                *error = "A filename* has a \"%\" without two digits";
                return 0;
            }

            c = (unsigned char) (high << 4 | low);
            p += 2;

            if (c == '\0') {
                *error = "A filename* has a null";
                return 0;
            }

        } else if (!multipart_alnum(c) && !memchr("!#$&+-.^_`|~", c, 12)) {
            *error = "A filename* has a character that is not percent-encoded";
            return 0;
        }

        if (latin && c >= 0x80) {
            *d++ = (unsigned char) (0xc0 | c >> 6);
            c &= 0xbf;
        }

        *d++ = c;
    }

    *len = d - dst;

    return 1;
}


size_t
ngx_http_task_multipart_boundary(const unsigned char *content_type, size_t len,
    unsigned char *dst, size_t size)
{
    size_t                            found;
    const char                       *error;
    const unsigned char              *p, *end;
    ngx_http_task_multipart_param_t   param;

    p = content_type;
    end = p + len;
    found = 0;

    while (p < end && *p != ';') {
        p++;
    }

    while (ngx_http_task_multipart_param(&p, end, &param, &error)) {

        if (!ngx_http_task_field_is(&param.name, "boundary")) {
            continue;
        }

        /* the second one might be meant, too */

        if (found) {
            return 0;
        }

        found = multipart_boundary(&param, dst, size);

        if (found == 0) {
            return 0;
        }
    }

    return error ? 0 : found;
}


/*
 * Some clients send "=" or "/" without quotes: nothing else can be meant.  But
 * a comma may be that between two headers which were joined.
 */

static size_t
multipart_boundary(const ngx_http_task_multipart_param_t *param,
    unsigned char *dst, size_t size)
{
    size_t                       i, allowed;
    const ngx_http_task_span_t  *value;

    value = &param->value;
    allowed = param->quoted ? 13 : 11;

    if (value->len == 0 || value->len > NGX_HTTP_TASK_MULTIPART_BOUNDARY
        || value->len > size || value->data[value->len - 1] == ' ')
    {
        return 0;
    }

    for (i = 0; i < value->len; i++) {
        if (!multipart_alnum(value->data[i])
            && !memchr("'()+_-./:=?, ", value->data[i], allowed))
        {
            return 0;
        }
    }

    memcpy(dst, value->data, value->len);

    return value->len;
}


void
ngx_http_task_multipart_token(const unsigned char **p, const unsigned char *end)
{
    while (*p < end && (multipart_alnum(**p)
                        || memchr("!#$%&'*+-.^_`|~", **p, 15)))
    {
        (*p)++;
    }
}


void
ngx_http_task_multipart_space(const unsigned char **p, const unsigned char *end)
{
    while (*p < end && (**p == ' ' || **p == '\t')) {
        (*p)++;
    }
}


static int
multipart_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9')
           || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}
