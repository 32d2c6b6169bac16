
/*
 * Header fields that are lists, by their grammar:
 *
 *     field  = [ member ] *( OWS "," OWS [ member ] )
 *     member = pair *( OWS ";" OWS [ pair ] )
 *     pair   = name [ BWS "=" BWS [ value ] ]
 *
 * A name is a token, or in "Accept" two tokens with a slash between them; a
 * value is a token or a quoted string.  A member that is not of this form is
 * passed over, up to its comma.
 */


#include "text/ngx_http_task_field.h"

#include <string.h>


static int field_same(const unsigned char *p, const char *text, size_t len);
static int field_member(const unsigned char **p, const unsigned char *end,
    ngx_http_task_field_t *member);
static int field_pair(const unsigned char **p, const unsigned char *end,
    ngx_http_task_field_t *pair);
static int field_quoted(const unsigned char **p, const unsigned char *end);
static void field_token(const unsigned char **p, const unsigned char *end);
static void field_space(const unsigned char **p, const unsigned char *end);
static void field_pass(const unsigned char **p, const unsigned char *end);
static unsigned field_rank(const ngx_http_task_span_t *range,
    const char *type);
static int field_weight(const ngx_http_task_span_t *value);
static unsigned field_seconds(const ngx_http_task_span_t *value);


int
ngx_http_task_field_member(ngx_http_task_span_t *field,
    ngx_http_task_field_t *member)
{
    int                   found;
    const unsigned char  *p, *end, *start;

    p = field->data;
    end = p + field->len;
    found = 0;

    for ( ;; ) {

        field_space(&p, end);

        if (p == end) {
            break;
        }

        if (*p == ',') {
            p++;
            continue;
        }

        start = p;
        found = field_member(&p, end, member);

        if (found) {
            break;
        }

        p = start;
        field_pass(&p, end);
    }

    field->data = p;
    field->len = end - p;

    return found;
}


/* the member was read before, so its parameters are of the right form */

int
ngx_http_task_field_param(ngx_http_task_span_t *params,
    ngx_http_task_field_t *param)
{
    int                   found;
    const unsigned char  *p, *end;

    p = params->data;
    end = p + params->len;

    while (p < end && (*p == ';' || *p == ' ' || *p == '\t')) {
        p++;
    }

    found = field_pair(&p, end, param);

    params->data = p;
    params->len = end - p;

    return found;
}


int
ngx_http_task_field_is(const ngx_http_task_span_t *span, const char *text)
{
    return span->len == strlen(text)
           && field_same(span->data, text, span->len);
}


static int
field_same(const unsigned char *p, const char *text, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = p[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (c != (unsigned char) text[i]) {
            return 0;
        }
    }

    return 1;
}


void
ngx_http_task_field_accept(ngx_http_task_accept_t *accept,
    const ngx_http_task_span_t *field)
{
    int                     q;
    unsigned                i, rank, params;
    ngx_http_task_span_t    rest;
    ngx_http_task_field_t   range, param;
    ngx_http_task_liked_t  *liked;

    rest = *field;

    while (ngx_http_task_field_member(&rest, &range)) {

        q = 1000;
        params = 0;

        /* parameters behind the weight do not belong to the type */

        while (ngx_http_task_field_param(&range.params, &param)) {

            if (ngx_http_task_field_is(&param.name, "q")) {
                q = field_weight(&param.value);
                break;
            }

            params = 1;
        }

        if (q < 0) {
            continue;
        }

        for (i = 0; accept->types[i]; i++) {
            liked = &accept->liked[i];
            rank = field_rank(&range.name, accept->types[i]);

            /* parameters are not compared, but make a range more exact */

            rank += (rank && params);

            if (rank > liked->rank) {
                liked->q = (unsigned) q;
                liked->rank = rank;
                liked->order = accept->ranges;
            }
        }

        accept->ranges++;
    }
}


unsigned
ngx_http_task_field_choose(const ngx_http_task_accept_t *accept)
{
    unsigned                      i, best;
    const ngx_http_task_liked_t  *a, *b;

    best = 0;

    for (i = 1; accept->types[i]; i++) {
        a = &accept->liked[i];
        b = &accept->liked[best];

        if (a->q > b->q || (a->q && a->q == b->q && a->order < b->order)) {
            best = i;
        }
    }

    return best;
}


void
ngx_http_task_field_prefer(ngx_http_task_prefer_t *prefer,
    const ngx_http_task_span_t *field)
{
    ngx_http_task_span_t   rest;
    ngx_http_task_field_t  member;

    rest = *field;

    while (ngx_http_task_field_member(&rest, &member)) {

        if (ngx_http_task_field_is(&member.name, "respond-async")) {
            prefer->respond_async = 1;

        } else if (ngx_http_task_field_is(&member.name, "wait")) {

            if (prefer->waits++ == 0) {
                prefer->wait = field_seconds(&member.value);
            }
        }
    }
}


/* returns 0 if it is no member: p is then somewhere in it */

static int
field_member(const unsigned char **p, const unsigned char *end,
    ngx_http_task_field_t *member)
{
    ngx_http_task_field_t  param;

    if (!field_pair(p, end, member)) {
        return 0;
    }

    member->params.data = *p;

    while (*p < end && **p == ';') {
        (*p)++;

        field_space(p, end);

        if (*p < end && **p != ';' && **p != ','
            && !field_pair(p, end, &param))
        {
            return 0;
        }
    }

    member->params.len = *p - member->params.data;

    return *p == end || **p == ',';
}


/* reads a pair and the white space behind it */

static int
field_pair(const unsigned char **p, const unsigned char *end,
    ngx_http_task_field_t *pair)
{
    memset(pair, 0, sizeof(ngx_http_task_field_t));

    pair->name.data = *p;
    field_token(p, end);
    pair->name.len = *p - pair->name.data;

    field_space(p, end);

    pair->value.data = *p;

    if (*p < end && **p == '=') {
        (*p)++;

        field_space(p, end);

        pair->value.data = *p;

        if (*p < end && **p == '"') {

            if (!field_quoted(p, end)) {
                return 0;
            }

        } else {
            field_token(p, end);
        }

        pair->value.len = *p - pair->value.data;

        field_space(p, end);
    }

    return pair->name.len > 0;
}


static int
field_quoted(const unsigned char **p, const unsigned char *end)
{
    for ((*p)++; *p < end; (*p)++) {

        if (**p == '"') {
            (*p)++;
            return 1;
        }

        if (**p == '\\' && ++(*p) == end) {
            break;
        }

        if ((**p < 0x20 && **p != '\t') || **p == 0x7f) {
            break;
        }
    }

    return 0;
}


static void
field_token(const unsigned char **p, const unsigned char *end)
{
    while (*p < end && **p > 0x20 && **p < 0x7f
           && memchr("\"(),:;<=>?@[\\]{}", **p, 16) == NULL)
    {
        (*p)++;
    }
}


static void
field_space(const unsigned char **p, const unsigned char *end)
{
    while (*p < end && (**p == ' ' || **p == '\t')) {
        (*p)++;
    }
}


/* skips to the comma behind what is no member */

static void
field_pass(const unsigned char **p, const unsigned char *end)
{
    int  quoted;

    quoted = 0;

    for ( /* void */ ; *p < end && (quoted || **p != ','); (*p)++) {

        if (**p == '"') {
            quoted = !quoted;

        } else if (quoted && **p == '\\' && *p + 1 < end) {
            (*p)++;
        }
    }
}


/* returns how exactly a range names the type, 0: not at all */

static unsigned
field_rank(const ngx_http_task_span_t *range, const char *type)
{
    size_t  len;

    if (ngx_http_task_field_is(range, type)) {
        return 5;
    }

    /* the length of "text/" in "text/plain" */

    len = strcspn(type, "/") + 1;

    if (range->len == len + 1 && range->data[len] == '*'
        && field_same(range->data, type, len))
    {
        return 3;
    }

    return ngx_http_task_field_is(range, "*/*");
}


/* returns the weight in thousandths; -1: it is none */

static int
field_weight(const ngx_http_task_span_t *value)
{
    int     q, unit;
    size_t  i;

    if (value->len == 0 || value->len > 5
        || (value->data[0] != '0' && value->data[0] != '1')
        || (value->len > 1 && value->data[1] != '.'))
    {
        return -1;
    }

    q = (value->data[0] - '0') * 1000;

    for (i = 2, unit = 100; i < value->len; i++, unit /= 10) {

        if (value->data[i] < '0' || value->data[i] > '9') {
            return -1;
        }

        q += (value->data[i] - '0') * unit;
    }

    return (q <= 1000) ? q : -1;
}


/* reads digits, in quotes or not; returns 0 for anything else */

static unsigned
field_seconds(const ngx_http_task_span_t *value)
{
    unsigned              n;
    const unsigned char  *p, *end;

    n = 0;
    p = value->data;
    end = p + value->len;

    if (p < end && *p == '"') {
        p++;
        end--;
    }

    for ( /* void */ ; p < end; p++) {

        if (*p == '\\') {
            p++;
        }

        if (*p < '0' || *p > '9') {
            return 0;
        }

        n = n * 10 + (*p - '0');

        if (n > NGX_HTTP_TASK_PREFER_WAIT) {
            n = NGX_HTTP_TASK_PREFER_WAIT;
        }
    }

    return n;
}


int
ngx_http_task_field_string(ngx_http_task_span_t *field)
{
    size_t                i, len;
    const unsigned char  *p;

    p = field->data;
    len = field->len;

    if (len >= 2 && p[0] == '"' && p[len - 1] == '"') {
        p++;
        len -= 2;
    }

    if (len == 0 || len > 255) {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if (p[i] == '\\' && i + 1 < len && (p[i + 1] == '"'
                                            || p[i + 1] == '\\'))
        {
            i++;
            continue;
        }

        if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\') {
            return 0;
        }
    }

    field->data = p;
    field->len = len;

    return 1;
}
