
/*
 * JSON, checked strictly.
 *
 * cJSON is lenient where a server must not be: it takes trailing bytes, raw
 * control characters, and numbers that JSON does not have; and it writes to a
 * global variable.  So cJSON parses nothing here: text that has passed this
 * check is read by our own code, scalars in ngx_http_task_type.c, trees in
 * ngx_http_task_json_tree.c.
 *
 * The check may stop after any number of bytes, also within a string, and go
 * on later: what is open, and what is expected next, is in the state.
 */


#include "text/ngx_http_task_json_state.h"

#include <string.h>


static const unsigned char *json_look(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static inline const unsigned char *json_value(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_word(ngx_http_task_json_state_t *s,
    const unsigned char *p, const char *word);
static const unsigned char *json_open(ngx_http_task_json_state_t *s,
    const unsigned char *p, unsigned char close);
static const unsigned char *json_first(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_next(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_element(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_string(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_colon(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_number(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_after(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_ended(ngx_http_task_json_state_t *s,
    const unsigned char *p);
static const unsigned char *json_count(ngx_http_task_json_state_t *s,
    const unsigned char *p);


/* returns 1 if something is next here, and no white space */

static int
json_near(const ngx_http_task_json_state_t *s, const unsigned char *p)
{
    return p < s->stop && *p > ' ';
}


static const unsigned char *
json_space(const ngx_http_task_json_state_t *s, const unsigned char *p)
{
    while (p < s->stop
           && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
    {
        p++;
    }

    return p;
}


void
ngx_http_task_json_scan(const unsigned char *p, size_t len,
    ngx_http_task_member_pt handler, void *data, ngx_http_task_json_t *json)
{
    ngx_http_task_json_state_t  s;

    ngx_http_task_json_begin(&s, p, len, handler, data);

    while (!ngx_http_task_json_step(&s, SIZE_MAX)) { /* void */ }

    *json = s.json;
}


void
ngx_http_task_json_check(const unsigned char *p, size_t len, unsigned depth,
    ngx_http_task_json_t *json)
{
    ngx_http_task_json_state_t  s;

    ngx_http_task_json_begin(&s, p, len, NULL, NULL);

    s.limit = depth;

    while (!ngx_http_task_json_step(&s, SIZE_MAX)) { /* void */ }

    *json = s.json;
}


void
ngx_http_task_json_begin(ngx_http_task_json_state_t *s, const unsigned char *p,
    size_t len, ngx_http_task_member_pt handler, void *data)
{
    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
        len -= 3;
    }

    memset(s, 0, offsetof(ngx_http_task_json_state_t, close));

    s->start = p;
    s->p = p;
    s->end = p + len;
    s->limit = NGX_HTTP_TASK_JSON_DEPTH;
    s->handler = handler;
    s->data = data;
}


int
ngx_http_task_json_step(ngx_http_task_json_state_t *s, size_t bytes)
{
    size_t                left;
    const unsigned char  *p;

    p = s->p;
    left = s->end - p;
    s->stop = p + (bytes < left ? bytes : left);

    while (s->state != JSON_DONE) {

        if (s->state <= JSON_AFTER && !json_near(s, p)) {
            p = json_space(s, p);
        }

        /* at the end of the text there is nothing more to wait for */

        if (p >= s->stop && s->stop < s->end) {
            s->p = p;
            return 0;
        }

        p = json_look(s, p);
    }

    return 1;
}


/*
 * These return the place behind what they have read, and say what is expected
 * there; where that is near, they go on with it.  No more than one value ends
 * in a call.
 */

static const unsigned char *
json_look(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    switch (s->state) {
    case JSON_VALUE: return json_value(s, p);
    case JSON_FIRST: return json_first(s, p);
    case JSON_NEXT: return json_next(s, p);
    case JSON_COLON: return json_colon(s, p);
    case JSON_AFTER: return json_after(s, p);
    case JSON_STRING: return json_string(s, p);
    case JSON_NUMBER: return json_number(s, p);
    default: return json_count(s, p);
    }
}


static inline const unsigned char *
json_value(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (s->depth == 0) {
        s->json.root.data = p;

    } else if (s->depth == 1) {
        s->value.data = p;
    }

    if (p == s->end) {
        return ngx_http_task_json_error(s, p, "Expecting value");
    }

    switch (*p) {

    case '{':
        return json_open(s, p, '}');

    case '[':
        return json_open(s, p, ']');

    case '"':
        s->token = p;
        return json_string(s, p + 1);

    case 't':
        return json_word(s, p, "true");

    case 'f':
        return json_word(s, p, "false");

    case 'n':
        return json_word(s, p, "null");
    }

    s->part = 0;

    return json_number(s, p);
}


static const unsigned char *
json_word(ngx_http_task_json_state_t *s, const unsigned char *p,
    const char *word)
{
    size_t  len;

    len = strlen(word);

    if ((size_t) (s->end - p) < len || memcmp(p, word, len) != 0) {
        return ngx_http_task_json_error(s, p, "Expecting value");
    }

    return json_ended(s, p + len);
}


static const unsigned char *
json_open(ngx_http_task_json_state_t *s, const unsigned char *p,
    unsigned char close)
{
    if (s->depth == s->limit) {
        return ngx_http_task_json_error(s, p, "Too many nested values");
    }

    if (p + 1 < s->end && p[1] == close) {
        return json_ended(s, p + 2);
    }

    s->close[s->depth++] = close;
    s->state = JSON_FIRST;

    return p + 1;
}


static const unsigned char *
json_first(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (p < s->end && *p == s->close[s->depth - 1]) {
        s->depth--;
        return json_ended(s, p + 1);
    }

    return json_element(s, p);
}


static const unsigned char *
json_next(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    int  close;

    close = s->close[s->depth - 1];

    if (p < s->end && *p == close) {
        return ngx_http_task_json_error(s, s->token, (close == '}')
                               ? "Illegal trailing comma before end of object"
                               : "Illegal trailing comma before end of array");
    }

    return json_element(s, p);
}


/* a value of an array, or the name of a member */

static const unsigned char *
json_element(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (s->close[s->depth - 1] == ']') {
        return json_value(s, p);
    }

    if (p == s->end || *p != '"') {
        return ngx_http_task_json_error(s, p,
                          "Expecting property name enclosed in double quotes");
    }

    if (s->depth == 1) {
        s->name.data = p;
    }

    s->token = p;
    s->naming = 1;

    return json_string(s, p + 1);
}


static const unsigned char *
json_string(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    s->state = JSON_STRING;

    p = ngx_http_task_json_string(s, p);

    if (p == NULL) {
        return s->p;
    }

    if (!s->naming) {
        return json_ended(s, p);
    }

    s->naming = 0;
    s->state = JSON_COLON;

    if (s->depth == 1) {
        s->name.len = p - s->name.data;
    }

    return json_near(s, p) ? json_colon(s, p) : p;
}


static const unsigned char *
json_colon(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (p == s->end || *p != ':') {
        return ngx_http_task_json_error(s, p, "Expecting ':' delimiter");
    }

    p++;
    s->state = JSON_VALUE;

    return json_near(s, p) ? json_value(s, p) : p;
}


static const unsigned char *
json_number(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    s->state = JSON_NUMBER;

    p = ngx_http_task_json_number(s, p);

    return p ? json_ended(s, p) : s->p;
}


static const unsigned char *
json_after(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    if (s->depth == 0) {

        if (p < s->end) {
            return ngx_http_task_json_error(s, p, "Extra data");
        }

        s->state = JSON_DONE;

        return p;
    }

    if (p < s->end && *p == s->close[s->depth - 1]) {

        do {
            s->depth--;
            p = json_ended(s, p + 1);

        } while (s->depth && p < s->stop && *p == s->close[s->depth - 1]);

        return p;
    }

    if (p == s->end || *p != ',') {
        return ngx_http_task_json_error(s, p, "Expecting ',' delimiter");
    }

    s->token = p++;
    s->state = JSON_NEXT;

    return json_near(s, p) ? json_next(s, p) : p;
}


/* a value has ended */

static const unsigned char *
json_ended(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    s->state = JSON_AFTER;

    if (s->depth == 0) {
        s->json.root.len = p - s->json.root.data;

    } else if (s->depth == 1 && s->handler && s->close[0] == '}') {
        s->value.len = p - s->value.data;
        s->handler(s->data, &s->name, &s->value);
    }

    return p;
}


static const unsigned char *
json_count(ngx_http_task_json_state_t *s, const unsigned char *p)
{
    while (p < s->stop) {
        s->json.position += (*p++ & 0xc0) != 0x80;
    }

    if (p == s->end) {
        s->state = JSON_DONE;
    }

    return p;
}
