
/*
 * A regular expression as a path of OpenAPI, as well as it can be told: what is
 * optional is left out, unless a parameter is in it; of alternatives the first
 * one is told; and what may be of many characters is a part in braces.  What
 * captures a parameter has its name.
 */


#include "http/openapi/ngx_http_task_openapi.h"


typedef enum {
    NGX_HTTP_TASK_OPENAPI_ONCE = 0,
    NGX_HTTP_TASK_OPENAPI_MAYBE,           /* "?", "*", "{0,5}" */
    NGX_HTTP_TASK_OPENAPI_MANY             /* "+", "{5}" */
} ngx_http_task_openapi_times_e;


typedef struct {
    ngx_http_task_openapi_path_t  *path;
    u_char                        *start;
} ngx_http_task_openapi_regex_t;


static ngx_int_t ngx_http_task_openapi_sequence(
    ngx_http_task_openapi_regex_t *re, u_char *p, u_char *end);
static u_char *ngx_http_task_openapi_atom(u_char *p, u_char *end);
static u_char *ngx_http_task_openapi_class(u_char *p, u_char *end);
static u_char *ngx_http_task_openapi_times(u_char *p, u_char *end,
    ngx_http_task_openapi_times_e *times);
static ngx_int_t ngx_http_task_openapi_told(ngx_http_task_openapi_regex_t *re,
    u_char *p, u_char *end, ngx_http_task_openapi_times_e times);
static ngx_int_t ngx_http_task_openapi_escape(
    ngx_http_task_openapi_regex_t *re, u_char c,
    ngx_http_task_openapi_times_e times);
static ngx_int_t ngx_http_task_openapi_group(ngx_http_task_openapi_regex_t *re,
    u_char *p, u_char *end, ngx_http_task_openapi_times_e times);
static ngx_int_t ngx_http_task_openapi_capture(
    ngx_http_task_openapi_regex_t *re, u_char *p, u_char *end,
    ngx_http_task_openapi_times_e times);
static u_char *ngx_http_task_openapi_named(u_char *p);
static ngx_uint_t ngx_http_task_openapi_count(
    ngx_http_task_openapi_regex_t *re, u_char *p);
static ngx_uint_t ngx_http_task_openapi_feeds(
    ngx_http_task_openapi_regex_t *re, u_char *p, u_char *end);


ngx_int_t
ngx_http_task_openapi_regex(ngx_http_task_openapi_path_t *path,
    ngx_str_t *pattern)
{
    ngx_http_task_openapi_regex_t  re;

    re.path = path;
    re.start = pattern->data;

    return ngx_http_task_openapi_sequence(&re, pattern->data,
                                          pattern->data + pattern->len);
}


/* as far as the end, or the first "|" */

static ngx_int_t
ngx_http_task_openapi_sequence(ngx_http_task_openapi_regex_t *re, u_char *p,
    u_char *end)
{
    u_char                         *behind;
    ngx_int_t                       rc;
    ngx_http_task_openapi_times_e   times;

    while (p < end && *p != '|') {

        behind = ngx_http_task_openapi_atom(p, end);

        rc = NGX_OK;

        if (*p != '^' && *p != '$') {
            u_char  *next;

            next = ngx_http_task_openapi_times(behind, end, &times);
            rc = ngx_http_task_openapi_told(re, p, behind, times);
            behind = next;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        p = behind;
    }

    return NGX_OK;
}


/* nginx has compiled it: it is well-formed */

static u_char *
ngx_http_task_openapi_atom(u_char *p, u_char *end)
{
    switch (*p) {

    case '\\':
        return ngx_min(p + 2, end);

    case '[':
        return ngx_http_task_openapi_class(p, end);

    case '(':

        for (p++; p < end && *p != ')'; /* void */) {
            p = ngx_http_task_openapi_atom(p, end);
        }

        return ngx_min(p + 1, end);
    }

    return p + 1;
}


/* "[]a]", "[^]a]" and "[[:digit:]]" */

static u_char *
ngx_http_task_openapi_class(u_char *p, u_char *end)
{
    p++;

    if (p < end && *p == '^') {
        p++;
    }

    if (p < end && *p == ']') {
        p++;
    }

    while (p < end && *p != ']') {

        if (*p == '[' && p + 1 < end && p[1] == ':') {
            for (p += 2; p + 1 < end && !(p[0] == ':' && p[1] == ']'); p++) {
                /* void */
            }

            p++;

        } else if (*p == '\\') {
            p++;
        }

        p++;
    }

    return ngx_min(p + 1, end);
}


/* a quantifier, also one that is lazy or possessive */

static u_char *
ngx_http_task_openapi_times(u_char *p, u_char *end,
    ngx_http_task_openapi_times_e *times)
{
    *times = NGX_HTTP_TASK_OPENAPI_ONCE;

    if (p == end) {
        return p;
    }

    if (*p == '?' || *p == '*') {
        *times = NGX_HTTP_TASK_OPENAPI_MAYBE;

    } else if (*p == '+') {
        *times = NGX_HTTP_TASK_OPENAPI_MANY;

    } else if (*p == '{' && p + 1 < end && p[1] >= '0' && p[1] <= '9') {
        *times = (ngx_atoi(p + 1, strspn((char *) p + 1, "0123456789")) == 0)
                 ? NGX_HTTP_TASK_OPENAPI_MAYBE : NGX_HTTP_TASK_OPENAPI_MANY;

        while (p < end - 1 && *p != '}') {
            p++;
        }

    } else {
        return p;
    }

    p++;

    return (p < end && (*p == '?' || *p == '+')) ? p + 1 : p;
}


static ngx_int_t
ngx_http_task_openapi_told(ngx_http_task_openapi_regex_t *re, u_char *p,
    u_char *end, ngx_http_task_openapi_times_e times)
{
    switch (*p) {

    case '(':
        return ngx_http_task_openapi_group(re, p, end, times);

    case '\\':
        return ngx_http_task_openapi_escape(re, end[-1], times);

    case '[':

        /* "[.]" */

        if (end - p != 3 || p[1] == '^') {
            return ngx_http_task_openapi_part(re->path, 0, NULL);
        }

        p++;
        break;

    case '.':
        return ngx_http_task_openapi_part(re->path, 0, NULL);
    }

    return (times == NGX_HTTP_TASK_OPENAPI_MAYBE)
           ? NGX_OK : ngx_http_task_openapi_literal(re->path, *p);
}


static ngx_int_t
ngx_http_task_openapi_escape(ngx_http_task_openapi_regex_t *re, u_char c,
    ngx_http_task_openapi_times_e times)
{
    if (ngx_strchr("dDwWsShHvVNRX", c)) {
        return ngx_http_task_openapi_part(re->path, 0, NULL);
    }

    if (ngx_strchr("bBAzZGK", c)) {
        return NGX_OK;
    }

    /* "\x2f", "\Q", "\1", "\p{L}" */

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9'))
    {
        return NGX_DECLINED;
    }

    return (times == NGX_HTTP_TASK_OPENAPI_MAYBE)
           ? NGX_OK : ngx_http_task_openapi_literal(re->path, c);
}


static ngx_int_t
ngx_http_task_openapi_group(ngx_http_task_openapi_regex_t *re, u_char *p,
    u_char *end, ngx_http_task_openapi_times_e times)
{
    u_char  *inner;

    if (p[1] != '?' || ngx_http_task_openapi_named(p)) {
        return ngx_http_task_openapi_capture(re, p, end, times);
    }

    /* what is looked at, a comment, and an option take no characters */

    for (inner = p + 2; inner < end && ngx_strchr("imsxUJ-", *inner); inner++) {
        /* void */
    }

    if (inner == end || (*inner != ':' && *inner != '>')) {
        return NGX_OK;
    }

    inner++;

    if (!ngx_http_task_openapi_feeds(re, p, end)) {

        if (times == NGX_HTTP_TASK_OPENAPI_MAYBE) {
            return NGX_OK;
        }

        if (times == NGX_HTTP_TASK_OPENAPI_MANY) {
            return ngx_http_task_openapi_part(re->path, 0, NULL);
        }
    }

    return ngx_http_task_openapi_sequence(re, inner, end - 1);
}


/* of captures within each other one that is a parameter is told */

static ngx_int_t
ngx_http_task_openapi_capture(ngx_http_task_openapi_regex_t *re, u_char *p,
    u_char *end, ngx_http_task_openapi_times_e times)
{
    u_char               *first;
    ngx_str_t             name;
    ngx_uint_t            n;
    ngx_http_task_arg_t  *arg;

    n = ngx_http_task_openapi_count(re, p) + 1;
    arg = ngx_http_task_openapi_fed(re->path->location, n);

    if (arg) {
        return ngx_http_task_openapi_part(re->path, n, &arg->name);
    }

    first = ngx_http_task_openapi_named(p);

    if (ngx_http_task_openapi_feeds(re, p + 1, end)) {
        p = first ? first + strcspn((char *) first, ">'") : p;

        return ngx_http_task_openapi_sequence(re, p + 1, end - 1);
    }

    if (times == NGX_HTTP_TASK_OPENAPI_MAYBE) {
        return NGX_OK;
    }

    if (first == NULL) {
        return ngx_http_task_openapi_part(re->path, n, NULL);
    }

    name.data = first;
    name.len = strcspn((char *) first, ">'");

    return ngx_http_task_openapi_part(re->path, n, &name);
}


/* returns the name of "(?<name>", "(?P<name>" or "(?'name'", or NULL */

static u_char *
ngx_http_task_openapi_named(u_char *p)
{
    if (p[0] != '(' || p[1] != '?') {
        return NULL;
    }

    p += (p[2] == 'P') ? 3 : 2;

    return ((p[0] == '<' && p[1] != '=' && p[1] != '!') || p[0] == '\'')
           ? p + 1 : NULL;
}


/* returns how many captures begin before this one */

static ngx_uint_t
ngx_http_task_openapi_count(ngx_http_task_openapi_regex_t *re, u_char *p)
{
    u_char      *q;
    ngx_uint_t   n;

    n = 0;

    for (q = re->start; q < p; /* void */) {

        if (*q != '(') {
            q = ngx_http_task_openapi_atom(q, p);
            continue;
        }

        n += (q[1] != '?' || ngx_http_task_openapi_named(q) != NULL);
        q++;
    }

    return n;
}


/* returns 1 if a capture that begins there is a parameter */

static ngx_uint_t
ngx_http_task_openapi_feeds(ngx_http_task_openapi_regex_t *re, u_char *p,
    u_char *end)
{
    ngx_uint_t  n, last;

    n = ngx_http_task_openapi_count(re, p);
    last = ngx_http_task_openapi_count(re, end);

    while (n < last) {
        if (ngx_http_task_openapi_fed(re->path->location, ++n)) {
            return 1;
        }
    }

    return 0;
}
