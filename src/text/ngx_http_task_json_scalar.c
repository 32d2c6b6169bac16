
/*
 * JSON, checked strictly: strings and numbers.  Either may be long, and the
 * check may stop within it.
 */


#include "text/ngx_http_task_json_state.h"


/* s->part of a number: where its digits are */

enum {
    JSON_BEGINS = 0,
    JSON_INTEGER,
    JSON_FRACTION,
    JSON_EXPONENT
};


static size_t json_escape(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static size_t json_unicode(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_sign(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_point(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_power(ngx_http_task_json_state_t *s,
    const unsigned char *p);


static size_t
json_error(ngx_http_task_json_state_t *s, const unsigned char *where,
    const char *error)
{
    (void) ngx_http_task_json_error(s, where, error);

    return 0;
}


static int
json_digit(const ngx_http_task_json_state_t *s, const unsigned char *p)
{
    return p < s->end && *p >= '0' && *p <= '9';
}


const unsigned char *
ngx_http_task_json_string(ngx_http_task_json_state_t *s,
    const unsigned char *p)
{
    size_t                n, skip;
    const unsigned char  *near;

    while (p < s->stop) {

        near = (s->stop - p > 8) ? p + 8 : s->stop;

        while (p < near) {

            if (*p >= 0x80) {
                n = ngx_http_task_utf8_char(p, s->end - p, &skip);
                n = n ? n : json_error(s, p, "Invalid UTF-8");

            } else if (*p == '"') {
                return p + 1;

            } else if (*p == '\\') {
                n = json_escape(s, p);

            } else {
                n = (*p >= 0x20) ? 1 : json_error(s, p,
                                              "Invalid control character at");
            }

            if (n == 0) {
                return NULL;
            }

            p += n;
        }

        /* it is long: eight at once, as far as they are simple */

        while (s->stop - p >= 8 && p[-1] < 0x80
               && ngx_http_task_json_simple_word(ngx_http_task_word(p, 8)))
        {
            p += 8;
        }
    }

    s->p = p;

    if (s->stop == s->end) {
        (void) json_error(s, s->token, "Unterminated string starting at");
    }

    return NULL;
}


/* these return the length, or 0: an error */

static size_t
json_escape(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (s->end - p < 2) {
        return json_error(s, s->token, "Unterminated string starting at");
    }

    switch (p[1]) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;

    case 'u':
        return json_unicode(s, p);
    }

    return json_error(s, p, "Invalid \\escape");
}


/* takes what a C string can hold: no null, no half of a surrogate pair */

static size_t
json_unicode(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    int                   i, n, digit;
    unsigned              high, code;
    const unsigned char  *first;

    high = 0;
    first = p;

    for (n = 0; n < 2; n++) {

        if (s->end - p < 2 || p[0] != '\\' || p[1] != 'u') {
            return json_error(s, p, "Invalid \\uXXXX escape");
        }

        code = 0;

        for (i = 2; i < 6; i++) {
            digit = (s->end - p > i) ? ngx_http_task_hex(p[i]) : -1;

            if (digit < 0) {
                return json_error(s, p + 1, "Invalid \\uXXXX escape");
            }

            code = code << 4 | (unsigned) digit;
        }

        if (code == 0) {
            return json_error(s, p, "Null character not allowed");
        }

        /* DC00 to DFFF is the second half of a pair, and nothing else is */

        if (((code & 0xfc00) == 0xdc00) != (high != 0)) {
            return json_error(s, p, "Unpaired surrogate");
        }

        p += 6;

        if ((code & 0xfc00) != 0xd800) {
            break;
        }

        high = code;
    }

    return p - first;
}


const unsigned char *
ngx_http_task_json_number(ngx_http_task_json_state_t *s,
    const unsigned char *p)
{
    if (s->part == JSON_BEGINS) {
        return json_sign(s, p);
    }

    while (p < s->stop && *p >= '0' && *p <= '9') {
        p++;
    }

    if (p >= s->stop && s->stop < s->end) {
        s->p = p;
        return NULL;
    }

    switch (s->part) {
    case JSON_INTEGER: return json_point(s, p);
    case JSON_FRACTION: return json_power(s, p);
    default: return p;
    }
}


static const unsigned char *
json_sign(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    const unsigned char  *first;

    first = (*p == '-') ? p + 1 : p;

    if (!json_digit(s, first)) {
        (void) json_error(s, p, "Expecting value");
        return NULL;
    }

    s->part = JSON_INTEGER;

    /* no digit belongs to a zero in front */

    return (*first == '0') ? json_point(s, first + 1)
                           : ngx_http_task_json_number(s, first + 1);
}


static const unsigned char *
json_point(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (p < s->end && *p == '.' && json_digit(s, p + 1)) {
        s->part = JSON_FRACTION;

        return ngx_http_task_json_number(s, p + 2);
    }

    return json_power(s, p);
}


static const unsigned char *
json_power(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    const unsigned char  *digit;

    if (p == s->end || (*p != 'e' && *p != 'E')) {
        return p;
    }

    digit = p + 1;

    if (digit < s->end && (*digit == '+' || *digit == '-')) {
        digit++;
    }

    if (!json_digit(s, digit)) {
        return p;
    }

    s->part = JSON_EXPONENT;

    return ngx_http_task_json_number(s, digit + 1);
}
