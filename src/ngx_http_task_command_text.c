
/*
 * What the parameters of "command" say: words, and statuses.
 */


#include "ngx_http_task_command.h"

#include <string.h>


#define NGX_HTTP_TASK_COMMAND_SPACE  " \t\r\n"


static const char *ngx_http_task_command_number(const char *p, int *n);


/* quotes group, whatever stands beside them: a"b c"d is one word */

int
ngx_http_task_command_words(const char *text, char **words, char *p,
    size_t *size)
{
    int          n, inside;
    char         quote;
    const char  *c;

    n = 0;
    inside = 0;
    quote = '\0';
    *size = 0;

    for (c = text; *c; c++) {

        if (quote == '\0' && strchr(NGX_HTTP_TASK_COMMAND_SPACE, *c)) {

            if (inside && p) {
                p[*size] = '\0';
            }

            *size += inside;
            inside = 0;

            continue;
        }

        if (!inside) {

            if (words) {
                words[n] = p + *size;
            }

            inside = 1;
            n++;
        }

        if (quote == '\0' && (*c == '"' || *c == '\'')) {
            quote = *c;

        } else if (*c == quote) {
            quote = '\0';

        } else {

            if (p) {
                p[*size] = *c;
            }

            (*size)++;
        }
    }

    if (inside && p) {
        p[*size] = '\0';
    }

    *size += inside;

    return quote ? -1 : n;
}


int
ngx_http_task_command_status(const char *fail, int code)
{
    int          n, status, found, other;
    char         seen[256];
    const char  *p;

    found = 0;
    other = 0;
    memset(seen, 0, sizeof(seen));

    for (p = fail; *p; p += strspn(p, " ")) {

        if (*p == '*') {
            n = 0;
            p++;

        } else {
            p = ngx_http_task_command_number(p, &n);

            if (p == NULL || n < 1 || n > 255) {
                return 0;
            }
        }

        p = (*p == ':') ? ngx_http_task_command_number(p + 1, &status) : NULL;

        if (p == NULL || status < 400 || status > 599
            || (*p && *p != ' ') || seen[n])
        {
            return 0;
        }

        seen[n] = 1;

        if (n == 0) {
            other = status;

        } else if (n == code) {
            found = status;
        }
    }

    return found ? found : other ? other : 500;
}


/* returns what stands behind a number of up to three digits, or NULL */

static const char *
ngx_http_task_command_number(const char *p, int *n)
{
    const char  *begin;

    *n = 0;

    for (begin = p; *p >= '0' && *p <= '9' && p - begin < 3; p++) {
        *n = *n * 10 + (*p - '0');
    }

    return (p > begin) ? p : NULL;
}
