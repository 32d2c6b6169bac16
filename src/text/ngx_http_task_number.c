
/*
 * Numbers and booleans in text, as pydantic reads them, and doubles to text.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE           /* strtod_l() is not in C */
#endif

#include "text/ngx_http_task_text.h"

#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/*
 * The longest text that strtod() is given.  No two doubles, nor the points in
 * the middle between two, differ only in digits behind the first 768.
 */

#define NGX_HTTP_TASK_NUMBER_LEN     840
#define NGX_HTTP_TASK_NUMBER_DIGITS  800


static size_t number_long(char *dst, const unsigned char *p,
    const unsigned char *end);
static int number_exponent(const unsigned char *p, const unsigned char *end,
    long *exponent);
static double number_read(const char *text, char **last);
static locale_t number_locale(void);


static void
trim(const unsigned char **p, const unsigned char **end)
{
    while (*p < *end && memchr(" \t\n\v\f\r", **p, 6)) {
        (*p)++;
    }

    while (*p < *end && memchr(" \t\n\v\f\r", (*end)[-1], 6)) {
        (*end)--;
    }
}


/*
 * Takes digits, with single underscores between them; "5.0" is an integer,
 * too.  A number that an int64_t cannot hold becomes INT64_MAX or INT64_MIN.
 */

int
ngx_http_task_parse_int(const unsigned char *p, size_t len, int64_t *value)
{
    int                   negative, digit;
    int64_t               n;
    const unsigned char  *end, *first;

    end = p + len;
    trim(&p, &end);

    negative = (p < end && *p == '-');

    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }

    n = 0;

    for (first = p; p < end; p++) {

        if (*p == '_' && p > first && p[-1] != '_'
            && p + 1 < end && p[1] >= '0' && p[1] <= '9')
        {
            continue;
        }

        if (*p < '0' || *p > '9') {
            break;
        }

        digit = *p - '0';

        if (n < (INT64_MIN + digit) / 10) {
            n = INT64_MIN;

        } else {
            n = n * 10 - digit;
        }
    }

    if (p == first) {
        return 0;
    }

    if (p + 1 < end && *p == '.') {
        for (p++; p < end && *p == '0'; p++) { /* void */ }
    }

    if (p != end) {
        return 0;
    }

    if (negative) {
        *value = n;

    } else {
        *value = (n == INT64_MIN) ? INT64_MAX : -n;
    }

    return 1;
}


/* takes "inf" and "nan", too, which are refused later; nothing hexadecimal */

int
ngx_http_task_parse_number(const unsigned char *p, size_t len, double *value)
{
    char                  buf[NGX_HTTP_TASK_NUMBER_LEN + 1], *last;
    size_t                n;
    const unsigned char  *end;

    end = p + len;
    trim(&p, &end);

    n = end - p;

    if (n > NGX_HTTP_TASK_NUMBER_LEN) {
        n = number_long(buf, p, end);

    } else if (memchr(p, 'x', n) || memchr(p, 'X', n) || memchr(p, '(', n)
               || memchr(p, '\0', n))
    {
        return 0;

    } else {
        memcpy(buf, p, n);
    }

    if (n == 0) {
        return 0;
    }

    buf[n] = '\0';

    *value = number_read(buf, &last);

    return last == buf + n;
}


static double
number_read(const char *text, char **last)
{
    locale_t  locale;

    locale = number_locale();

    return locale ? strtod_l(text, last, locale) : strtod(text, last);
}


/* a library may have set a locale in which the point is a comma */

static locale_t  c_locale;


static void
c_locale_init(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
}


static locale_t
number_locale(void)
{
    static pthread_once_t  once = PTHREAD_ONCE_INIT;

    (void) pthread_once(&once, c_locale_init);

    return c_locale;
}


/*
 * Shortens a number of too many digits to an integer, of those that matter,
 * and an exponent.  Of the other digits only this matters: is one of them not
 * zero? Returns the length, or 0 if it is no number.
 */

static size_t
number_long(char *dst, const unsigned char *p, const unsigned char *end)
{
    int     digits, point, more;
    long    exponent, shift;
    char   *d;
    size_t  n;

    d = dst;
    n = 0;
    digits = 0;
    point = 0;
    more = 0;
    shift = 0;
    exponent = 0;

    if (*p == '-' || *p == '+') {
        *d++ = (char) *p++;
    }

    for ( /* void */ ; p < end; p++) {

        if (*p == '.' && !point) {
            point = 1;
            continue;
        }

        if (*p < '0' || *p > '9') {
            break;
        }

        digits = 1;

        if (n == NGX_HTTP_TASK_NUMBER_DIGITS) {
            more |= (*p != '0');
            shift += !point;
            continue;
        }

        shift -= point;

        if (n || *p != '0') {
            d[n++] = (char) *p;
        }
    }

    if (!digits || (p < end && !number_exponent(p, end, &exponent))) {
        return 0;
    }

    /* a last digit "1" or "0" stands for all that are left out */

    d += n;
    d += sprintf(d, "%de%ld", more, exponent + shift - 1);

    return d - dst;
}


static int
number_exponent(const unsigned char *p, const unsigned char *end,
    long *exponent)
{
    int   negative;
    long  n;

    if (*p != 'e' && *p != 'E') {
        return 0;
    }

    p++;
    negative = (p < end && *p == '-');

    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }

    if (p == end) {
        return 0;
    }

    for (n = 0; p < end && *p >= '0' && *p <= '9'; p++) {
        if (n < LONG_MAX / 20) {
            n = n * 10 + (*p - '0');
        }
    }

    *exponent = negative ? -n : n;

    return p == end;
}


/* not ngx_sprintf(), which negates: INT64_MIN cannot be negated */

size_t
ngx_http_task_print_int(unsigned char *dst, int64_t value)
{
    return snprintf((char *) dst, NGX_HTTP_TASK_NUMBER_TEXT, "%" PRId64, value);
}


size_t
ngx_http_task_print_number(unsigned char *dst, double value)
{
    int        n, digits;
    char      *text, *last;
    locale_t   locale;

    text = (char *) dst;

    if (!isfinite(value)) {
        memcpy(text, "null", 4);
        return 4;
    }

    if (value == 0) {
        n = signbit(value) ? 4 : 1;
        memcpy(text, (n == 4) ? "-0.0" : "0", n);
        return n;
    }

    locale = uselocale(number_locale());

    if (value > -1e16 && value < 1e16 && value == (double) (int64_t) value) {
        n = snprintf(text, NGX_HTTP_TASK_NUMBER_TEXT, "%.0f", value);

    } else {
        for (digits = 15; /* void */ ; digits++) {
            n = snprintf(text, NGX_HTTP_TASK_NUMBER_TEXT, "%.*g", digits,
                         value);

            if (digits == 17 || number_read(text, &last) == value) {
                break;
            }
        }
    }

    (void) uselocale(locale);

    return n;
}


int
ngx_http_task_parse_bool(const unsigned char *p, size_t len, int *value)
{
    size_t                i, n;
    static const char    *words[] = {
        "0", "1", "false", "true", "off", "on", "no", "yes", "n", "y", "f", "t"
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {

        if (strlen(words[i]) != len) {
            continue;
        }

        for (n = 0; n < len; n++) {
            if ((p[n] >= 'A' && p[n] <= 'Z' ? p[n] | 0x20 : p[n])
                != (unsigned char) words[i][n])
            {
                break;
            }
        }

        if (n == len) {
            *value = (int) (i & 1);
            return 1;
        }
    }

    return 0;
}
