
/*
 * JSON, checked strictly.
 *
 * cJSON is lenient where a server must not be: it takes trailing bytes, raw
 * control characters, and numbers that JSON does not have; and it writes to a
 * global variable.  So cJSON parses nothing here: text that has passed this
 * check is read by our own code, scalars in ngx_http_task_type.c, trees in
 * ngx_http_task_json_tree.c.
 */


#include "text/ngx_http_task_text.h"

#include <string.h>


typedef struct {
    const unsigned char       *start;
    const unsigned char       *p;
    const unsigned char       *end;
    const unsigned char       *where;       /* place of the error */
    const char                *error;
    unsigned                   depth;
    unsigned                   limit;       /* the greatest depth */
    ngx_http_task_member_pt    handler;
    void                      *data;
} json_scan_t;


static void json_text(json_scan_t *s, const unsigned char *p, size_t len,
    ngx_http_task_json_t *json);
static int json_value(json_scan_t *s);
static int json_object(json_scan_t *s);
static int json_member(json_scan_t *s);
static int json_array(json_scan_t *s);
static int json_comma(json_scan_t *s, int close, const char *trailing);
static int json_string(json_scan_t *s);
static int json_escape(json_scan_t *s, const unsigned char *quote);
static int json_unicode(json_scan_t *s);
static int json_number(json_scan_t *s);


static int
json_digit(const json_scan_t *s, const unsigned char *p)
{
    return p < s->end && *p >= '0' && *p <= '9';
}


static int
json_error(json_scan_t *s, const unsigned char *where, const char *error)
{
    s->where = where;
    s->error = error;

    return 0;
}


static void
json_space(json_scan_t *s)
{
    while (s->p < s->end
           && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
    {
        s->p++;
    }
}


void
ngx_http_task_json_scan(const unsigned char *p, size_t len,
    ngx_http_task_member_pt handler, void *data, ngx_http_task_json_t *json)
{
    json_scan_t  s;

    memset(&s, 0, sizeof(json_scan_t));

    s.limit = NGX_HTTP_TASK_JSON_DEPTH;
    s.handler = handler;
    s.data = data;

    json_text(&s, p, len, json);
}


void
ngx_http_task_json_check(const unsigned char *p, size_t len, unsigned depth,
    ngx_http_task_json_t *json)
{
    json_scan_t  s;

    memset(&s, 0, sizeof(json_scan_t));

    s.limit = depth;

    json_text(&s, p, len, json);
}


static void
json_text(json_scan_t *s, const unsigned char *p, size_t len,
    ngx_http_task_json_t *json)
{
    const unsigned char  *c;

    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
        len -= 3;
    }

    memset(json, 0, sizeof(ngx_http_task_json_t));

    s->start = p;
    s->p = p;
    s->end = p + len;

    json_space(s);
    json->root.data = s->p;

    if (json_value(s)) {
        json->root.len = s->p - json->root.data;

        json_space(s);

        if (s->p != s->end) {
            (void) json_error(s, s->p, "Extra data");
        }
    }

    if (s->error == NULL) {
        return;
    }

    json->error = s->error;

    for (c = s->start; c < s->where; c++) {
        json->position += (*c & 0xc0) != 0x80;
    }
}


/* these leave s->p behind what they have read and return 1; or 0: an error */

static int
json_value(json_scan_t *s)
{
    size_t                left;
    const char          **word;
    static const char    *words[] = { "true", "false", "null", NULL };

    if (s->p == s->end) {
        return json_error(s, s->p, "Expecting value");
    }

    switch (*s->p) {

    case '{':
    case '[':

        if (s->depth == s->limit) {
            return json_error(s, s->p, "Too many nested values");
        }

        return (*s->p == '{') ? json_object(s) : json_array(s);

    case '"':
        return json_string(s);
    }

    left = s->end - s->p;

    for (word = words; *word; word++) {
        if (left >= strlen(*word) && memcmp(s->p, *word, strlen(*word)) == 0) {
            s->p += strlen(*word);
            return 1;
        }
    }

    return json_number(s);
}


static int
json_object(json_scan_t *s)
{
    s->p++;
    s->depth++;

    json_space(s);

    if (s->p < s->end && *s->p == '}') {
        s->p++;
        s->depth--;
        return 1;
    }

    do {
        if (!json_member(s)) {
            return 0;
        }

    } while (json_comma(s, '}', "Illegal trailing comma before end of object"));

    s->depth--;

    return s->error == NULL;
}


static int
json_member(json_scan_t *s)
{
    ngx_http_task_span_t  name, value;

    name.data = s->p;

    if (s->p == s->end || *s->p != '"') {
        return json_error(s, s->p,
                          "Expecting property name enclosed in double quotes");
    }

    if (!json_string(s)) {
        return 0;
    }

    name.len = s->p - name.data;

    json_space(s);

    if (s->p == s->end || *s->p != ':') {
        return json_error(s, s->p, "Expecting ':' delimiter");
    }

    s->p++;

    json_space(s);

    value.data = s->p;

    if (!json_value(s)) {
        return 0;
    }

    value.len = s->p - value.data;

    if (s->depth == 1 && s->handler) {
        s->handler(s->data, &name, &value);
    }

    return 1;
}


static int
json_array(json_scan_t *s)
{
    s->p++;
    s->depth++;

    json_space(s);

    if (s->p < s->end && *s->p == ']') {
        s->p++;
        s->depth--;
        return 1;
    }

    do {
        if (!json_value(s)) {
            return 0;
        }

    } while (json_comma(s, ']', "Illegal trailing comma before end of array"));

    s->depth--;

    return s->error == NULL;
}


/* returns 1 if another element follows; 0: it was the last, or an error */

static int
json_comma(json_scan_t *s, int close, const char *trailing)
{
    const unsigned char  *comma;

    json_space(s);

    if (s->p < s->end && *s->p == close) {
        s->p++;
        return 0;
    }

    if (s->p == s->end || *s->p != ',') {
        return json_error(s, s->p, "Expecting ',' delimiter");
    }

    comma = s->p++;

    json_space(s);

    if (s->p < s->end && *s->p == close) {
        return json_error(s, comma, trailing);
    }

    return 1;
}


static int
json_string(json_scan_t *s)
{
    size_t                n, skip;
    const unsigned char  *quote;

    quote = s->p++;

    while (s->p < s->end) {

        if (*s->p == '"') {
            s->p++;
            return 1;
        }

        if (*s->p == '\\') {
            if (!json_escape(s, quote)) {
                return 0;
            }

            continue;
        }

        if (*s->p < 0x20) {
            return json_error(s, s->p, "Invalid control character at");
        }

        n = ngx_http_task_utf8_char(s->p, s->end - s->p, &skip);

        if (n == 0) {
            return json_error(s, s->p, "Invalid UTF-8");
        }

        s->p += n;
    }

    return json_error(s, quote, "Unterminated string starting at");
}


static int
json_escape(json_scan_t *s, const unsigned char *quote)
{
    if (s->end - s->p < 2) {
        return json_error(s, quote, "Unterminated string starting at");
    }

    if (s->p[1] == 'u') {
        return json_unicode(s);
    }

    if (strchr("\"\\/bfnrt", s->p[1]) == NULL || s->p[1] == '\0') {
        return json_error(s, s->p, "Invalid \\escape");
    }

    s->p += 2;

    return 1;
}


/* takes what a C string can hold: no null, no half of a surrogate pair */

static int
json_unicode(json_scan_t *s)
{
    int       i, n, digit;
    unsigned  high, code;

    high = 0;

    for (n = 0; n < 2; n++) {

        if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u') {
            return json_error(s, s->p, "Invalid \\uXXXX escape");
        }

        code = 0;

        for (i = 2; i < 6; i++) {
            digit = (s->end - s->p > i) ? ngx_http_task_hex(s->p[i]) : -1;

            if (digit < 0) {
                return json_error(s, s->p + 1, "Invalid \\uXXXX escape");
            }

            code = code << 4 | (unsigned) digit;
        }

        if (code == 0) {
            return json_error(s, s->p, "Null character not allowed");
        }

        /* DC00 to DFFF is the second half of a pair, and nothing else is */

        if (((code & 0xfc00) == 0xdc00) != (high != 0)) {
            return json_error(s, s->p, "Unpaired surrogate");
        }

        s->p += 6;

        if ((code & 0xfc00) != 0xd800) {
            return 1;
        }

        high = code;
    }

    return 1;
}


static int
json_number(json_scan_t *s)
{
    const unsigned char  *p;

    p = s->p;

    if (*p == '-') {
        p++;
    }

    if (!json_digit(s, p)) {
        return json_error(s, s->p, "Expecting value");
    }

    if (*p == '0') {
        p++;

    } else {
        while (json_digit(s, p)) {
            p++;
        }
    }

    s->p = p;

    if (p < s->end && *p == '.' && json_digit(s, p + 1)) {

        for (p++; json_digit(s, p); p++) { /* void */ }

        s->p = p;
    }

    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < s->end && (*p == '+' || *p == '-')) {
            p++;
        }

        if (json_digit(s, p)) {

            while (json_digit(s, p)) {
                p++;
            }

            s->p = p;
        }
    }

    return 1;
}
