
/*
 * Numbers and booleans in text, as pydantic reads them.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE           /* strtod_l(), which C does not have */
#endif

#include "ngx_http_task_text.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>


/* the longest text that strtod() is asked for */

#define NGX_HTTP_TASK_NUMBER_LEN  400


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
 * Digits, with single underscores between them; "5.0" is an integer, too.
 * What an int64_t cannot hold becomes the largest or the smallest one.
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


static locale_t  c_locale;


static void
c_locale_init(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
}


/* also "inf" and "nan", which no bound lets pass; nothing hexadecimal */

int
ngx_http_task_parse_number(const unsigned char *p, size_t len, double *value)
{
    char                  buf[NGX_HTTP_TASK_NUMBER_LEN + 1], *last;
    size_t                n;
    const unsigned char  *end;

    static pthread_once_t  once = PTHREAD_ONCE_INIT;

    end = p + len;
    trim(&p, &end);

    n = end - p;

    if (n == 0 || n > NGX_HTTP_TASK_NUMBER_LEN
        || memchr(p, 'x', n) || memchr(p, 'X', n) || memchr(p, '(', n)
        || memchr(p, '\0', n))
    {
        return 0;
    }

    memcpy(buf, p, n);
    buf[n] = '\0';

    /* a library may have set a locale that has a comma for the point */

    (void) pthread_once(&once, c_locale_init);

    *value = c_locale ? strtod_l(buf, &last, c_locale) : strtod(buf, &last);

    return last == buf + n;
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
