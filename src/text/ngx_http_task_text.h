
/*
 * Text that comes from outside: plain C, so that it can be tested alone.
 * No call allocates, keeps a pointer, or needs a terminating null.
 */


#ifndef _NGX_HTTP_TASK_TEXT_H_INCLUDED_
#define _NGX_HTTP_TASK_TEXT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* bytes that may stand for one invalid byte after the copy below */

#define NGX_HTTP_TASK_UTF8_GROWTH  3


/* how many levels of arrays and objects a body may have */

#define NGX_HTTP_TASK_JSON_DEPTH   128


/* the longest text of a number, with a null */

#define NGX_HTTP_TASK_NUMBER_TEXT  32


typedef struct {
    const unsigned char  *data;
    size_t                len;
} ngx_http_task_span_t;


/* a member of the outermost object, in the order of the text */

typedef void (*ngx_http_task_member_pt)(void *data,
    const ngx_http_task_span_t *name, const ngx_http_task_span_t *value);


typedef struct {
    const char           *error;        /* NULL: the text is valid JSON */
    size_t                position;     /* of the error, in characters */
    ngx_http_task_span_t  root;         /* the value, without white space */
} ngx_http_task_json_t;


/* ngx_http_task_text.c */

/* the value of a hexadecimal digit, or -1 */

int ngx_http_task_hex(int c);

/*
 * Undoes percent-encoding and "+", as in a query; what is not a valid escape
 * stays as it is.  Writes at most len bytes, dst may be src.
 */

size_t ngx_http_task_unescape(unsigned char *dst, const unsigned char *src,
    size_t len);

/*
 * The next pair of a query, decoded in place: 1, and p is behind it; 0: there
 * is none.  Without "=" the value is empty.
 */

int ngx_http_task_query_pair(unsigned char **p, unsigned char *end,
    ngx_http_task_span_t *name, ngx_http_task_span_t *value);

/*
 * The length of the character at p, or 0 if there is none: skip then tells
 * how many bytes are wrong together.
 */

size_t ngx_http_task_utf8_char(const unsigned char *p, size_t len,
    size_t *skip);

/* length of the longest valid UTF-8 prefix */

size_t ngx_http_task_utf8_valid(const unsigned char *p, size_t len);

/*
 * Copies with U+FFFD in the place of what is not UTF-8.  Writes at most
 * NGX_HTTP_TASK_UTF8_GROWTH * len bytes.
 */

size_t ngx_http_task_utf8_copy(unsigned char *dst, const unsigned char *src,
    size_t len);

/*
 * Likewise, of a C string: as many whole characters as fit, and a null, are at
 * most size bytes.  Returns the length without the null.
 */

size_t ngx_http_task_utf8_fit(unsigned char *dst, size_t size,
    const char *src);

/*
 * As it may stand in a line of a log: control characters, and what is not
 * UTF-8, are written as "\x1b".  At most size bytes, the rest is left out.
 */

size_t ngx_http_task_log_escape(unsigned char *dst, size_t size,
    const unsigned char *src, size_t len);


/* the next 8 bytes, or as many as there are, and then "AAA..." */

static inline uint64_t
ngx_http_task_word(const unsigned char *p, size_t len)
{
    uint64_t  word;

    word = 0x4141414141414141;

    if (len >= sizeof(word)) {
        memcpy(&word, p, sizeof(word));

    } else {
        memcpy(&word, p, len);
    }

    return word;
}


/* ngx_http_task_json_text.c */

/*
 * Text as a JSON string, with its quotes.  Returns its length, at most
 * 6 * len + 2; with dst as NULL nothing is written.
 */

size_t ngx_http_task_json_quote(unsigned char *dst, const unsigned char *src,
    size_t len);

/*
 * And back, of a string that ngx_http_task_json_scan() has passed.  Returns
 * the length, which is at most src->len - 2.
 */

size_t ngx_http_task_json_unquote(unsigned char *dst,
    const ngx_http_task_span_t *src);

/* whether such a string is that text */

int ngx_http_task_json_is(const ngx_http_task_span_t *src,
    const unsigned char *text, size_t len);


/* ngx_http_task_number.c: 1: it is one, 0: it is not */

int ngx_http_task_parse_int(const unsigned char *p, size_t len,
    int64_t *value);
int ngx_http_task_parse_number(const unsigned char *p, size_t len,
    double *value);
int ngx_http_task_parse_bool(const unsigned char *p, size_t len, int *value);

/* less than NGX_HTTP_TASK_NUMBER_TEXT bytes, and returns how many */

size_t ngx_http_task_print_int(unsigned char *dst, int64_t value);

/*
 * Text in JSON that is read as the same number: with 15 digits where these are
 * enough, else with 16 or 17; "null", if it is not finite.  Returns its length,
 * less than NGX_HTTP_TASK_NUMBER_TEXT.
 */

size_t ngx_http_task_print_number(unsigned char *dst, double value);


/* ngx_http_task_json.c */

/*
 * Checks JSON strictly, with the messages and positions of Python's json,
 * and calls the handler, if there is one, for the members of the root object;
 * an error may come after these calls.
 */

void ngx_http_task_json_scan(const unsigned char *p, size_t len,
    ngx_http_task_member_pt handler, void *data, ngx_http_task_json_t *json);

/* only checks, with another number of levels */

void ngx_http_task_json_check(const unsigned char *p, size_t len,
    unsigned depth, ngx_http_task_json_t *json);


#endif /* _NGX_HTTP_TASK_TEXT_H_INCLUDED_ */
