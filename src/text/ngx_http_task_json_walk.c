
/*
 * Walks through JSON that was checked before, see ngx_http_task_json.c: so all
 * of it has the right form, and nothing here looks for an end.
 */


#include "text/ngx_http_task_json.h"

#include <string.h>


static const unsigned char *walk_space(const unsigned char *p);
static const unsigned char *walk_string(const unsigned char *p);
static const unsigned char *walk_value(const unsigned char *p);
static const unsigned char *walk_nested(const unsigned char *p);


void
ngx_http_task_json_walk(ngx_http_task_json_walk_t *w,
    const ngx_http_task_span_t *value)
{
    w->object = (value->data[0] == '{');
    w->p = walk_space(value->data + 1);
}


int
ngx_http_task_json_next(ngx_http_task_json_walk_t *w,
    ngx_http_task_span_t *name, ngx_http_task_span_t *value)
{
    if (*w->p == '}' || *w->p == ']') {
        return 0;
    }

    if (w->object) {
        name->data = w->p;
        w->p = walk_string(w->p);
        name->len = w->p - name->data;

        /* behind the colon */

        w->p = walk_space(walk_space(w->p) + 1);
    }

    value->data = w->p;
    w->p = walk_value(w->p);
    value->len = w->p - value->data;

    w->p = walk_space(w->p);

    if (*w->p == ',') {
        w->p = walk_space(w->p + 1);
    }

    return 1;
}


/* these return the place behind what they have read */

static const unsigned char *
walk_space(const unsigned char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
        p++;
    }

    return p;
}


static const unsigned char *
walk_string(const unsigned char *p)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\\') {
            p++;
        }
    }

    return p + 1;
}


static const unsigned char *
walk_value(const unsigned char *p)
{
    switch (*p) {

    case '"':
        return walk_string(p);

    case '{':
    case '[':
        return walk_nested(p);

    case 't':
    case 'n':
        return p + 4;

    case 'f':
        return p + 5;
    }

    /* a number; what stands around it is no part of one */

    while ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == '.'
           || *p == 'e' || *p == 'E')
    {
        p++;
    }

    return p;
}


static const unsigned char *
walk_nested(const unsigned char *p)
{
    size_t  depth;

    depth = 0;

    for ( ;; ) {

        switch (*p) {

        case '"':
            p = walk_string(p);
            continue;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            if (--depth == 0) {
                return p + 1;
            }
        }

        p++;
    }
}
