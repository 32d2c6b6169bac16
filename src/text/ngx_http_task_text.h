
/*
 * Text that comes from outside: plain C, so that it can be tested alone.
 * No call allocates, keeps a pointer, or needs a terminating null.
 */


#ifndef _NGX_HTTP_TASK_TEXT_H_INCLUDED_
#define _NGX_HTTP_TASK_TEXT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* how many bytes one invalid byte may become in ngx_http_task_utf8_copy() */

#define NGX_HTTP_TASK_UTF8_GROWTH  3


/* how many levels of arrays and objects a body may have, and a tree of cJSON,
   whose own limit it is */

#define NGX_HTTP_TASK_JSON_DEPTH   128
#define NGX_HTTP_TASK_JSON_LEVELS  1000


/* size of the longest text of a number, with a null */

#define NGX_HTTP_TASK_NUMBER_TEXT  32


typedef struct {
    const unsigned char  *data;
    size_t                len;
} ngx_http_task_span_t;


/* is called for each member of the outermost object, in their order */

typedef void (*ngx_http_task_member_pt)(void *data,
    const ngx_http_task_span_t *name, const ngx_http_task_span_t *value);


typedef struct {
    const char           *error;        /* NULL: the text is valid JSON */
    size_t                position;     /* of the error, in characters */
    ngx_http_task_span_t  root;         /* the value, white space cut off */
} ngx_http_task_json_t;


/* a check of JSON that is under way; who makes it needs no member but json */

typedef struct {
    ngx_http_task_json_t     json;          /* the result, when all is done */

    const unsigned char     *start;
    const unsigned char     *end;           /* if wrong: place of the error */
    const unsigned char     *p;             /* so far it is checked */
    const unsigned char     *stop;          /* so far it may be in this step */
    const unsigned char     *token;         /* the latest quote, or comma */
    ngx_http_task_span_t     name;          /* of a member of the root */
    ngx_http_task_span_t     value;
    ngx_http_task_member_pt  handler;
    void                    *data;
    unsigned                 state;
    unsigned                 part;          /* of a number */
    unsigned                 naming;        /* 1: the string is a name */
    unsigned                 depth;
    unsigned                 limit;         /* the greatest depth */

    /* what closes each array and object that is open */
    unsigned char            close[NGX_HTTP_TASK_JSON_LEVELS];
} ngx_http_task_json_state_t;


/* ngx_http_task_text.c */

/* returns the value of a hexadecimal digit, or -1 */

int ngx_http_task_hex(int c);

/*
 * Undoes percent-encoding and "+", as in a query; what is not a valid escape
 * stays as it is.  Writes at most len bytes and returns how many; dst may be
 * src.
 */

size_t ngx_http_task_unescape(unsigned char *dst, const unsigned char *src,
    size_t len);

/*
 * Decodes the next pair of a query in place.  Returns 1, and p is then behind
 * the pair; or 0 if there are no more.  Without "=" the value is empty.
 */

int ngx_http_task_query_pair(unsigned char **p, unsigned char *end,
    ngx_http_task_span_t *name, ngx_http_task_span_t *value);

/*
 * Returns how many bytes have to be changed, put in, left out, or swapped with
 * the next one, to make one text of the other; of long texts the beginnings are
 * compared.
 */

unsigned ngx_http_task_text_distance(const unsigned char *a, size_t a_len,
    const unsigned char *b, size_t b_len);

/*
 * Returns the length of the character at p, or 0 if it is invalid: skip is
 * then set to the number of bytes that are invalid together.
 */

size_t ngx_http_task_utf8_char(const unsigned char *p, size_t len,
    size_t *skip);

/* returns the length of the longest prefix that is valid UTF-8 */

size_t ngx_http_task_utf8_valid(const unsigned char *p, size_t len);

/*
 * Copies, with U+FFFD in place of what is not UTF-8.  Writes at most
 * NGX_HTTP_TASK_UTF8_GROWTH * len bytes, and returns how many.
 */

size_t ngx_http_task_utf8_copy(unsigned char *dst, const unsigned char *src,
    size_t len);

/*
 * Likewise for a C string: copies as many whole characters as fit into size
 * bytes together with a null.  Returns the length without the null.
 */

size_t ngx_http_task_utf8_fit(unsigned char *dst, size_t size,
    const char *src);

/*
 * Copies text so that it may stand in a line of a log: control characters, and
 * what is not UTF-8, are written as "\x1b".  Writes at most size bytes, leaves
 * out the rest, and returns how many.
 */

size_t ngx_http_task_log_escape(unsigned char *dst, size_t size,
    const unsigned char *src, size_t len);


/* the highest bit of each byte: all are 0 in ASCII */

#define NGX_HTTP_TASK_HIGH_BITS  0x8080808080808080


/*
 * Returns the next 8 bytes; or, if there are less, but at least one, each of
 * these at least once.  Their order does not matter to who looks at them.
 */

static inline uint64_t
ngx_http_task_word(const unsigned char *p, size_t len)
{
    uint32_t  first, last;
    uint64_t  word;

    if (len >= 8) {
        memcpy(&word, p, 8);
        return word;
    }

    if (len >= 4) {
        memcpy(&first, p, 4);
        memcpy(&last, p + len - 4, 4);
        return (uint64_t) first << 32 | last;
    }

    return 0x4141414141000000 | p[0] << 16 | p[len / 2] << 8 | p[len - 1];
}


/*
 * Returns 1 if eight bytes are ASCII of which nothing has to be escaped in
 * JSON.  If n is subtracted from all of them at once, one that is below n
 * borrows, which sets its highest bit.  In ASCII none else has that bit set.
 */

static inline int
ngx_http_task_json_simple_word(uint64_t word)
{
    uint64_t  quote, backslash, found;

    quote = word ^ 0x2222222222222222;
    backslash = word ^ 0x5c5c5c5c5c5c5c5c;

    found = word | (word - 0x2020202020202020)
            | (quote - 0x0101010101010101)
            | (backslash - 0x0101010101010101);

    return (found & NGX_HTTP_TASK_HIGH_BITS) == 0;
}


/* ngx_http_task_json_text.c */

/* returns 1 if text is ASCII of which nothing has to be escaped in JSON */

int ngx_http_task_json_simple(const unsigned char *p, size_t len);

/*
 * Writes text as a JSON string, with its quotes.  Returns the length, which is
 * at most 6 * len + 2; if dst is NULL, nothing is written.
 */

size_t ngx_http_task_json_quote(unsigned char *dst, const unsigned char *src,
    size_t len);

/*
 * The way back, for a string that ngx_http_task_json_scan() has found valid.
 * Returns the length, which is at most src->len - 2.
 */

size_t ngx_http_task_json_unquote(unsigned char *dst,
    const ngx_http_task_span_t *src);

/*
 * The same in parts: rest is what is left of the string, without its quotes, of
 * which so many bytes are read, or a few more.
 */

size_t ngx_http_task_json_unquote_part(unsigned char *dst,
    ngx_http_task_span_t *rest, size_t bytes);

/* returns 1 if such a string says the same as text */

int ngx_http_task_json_is(const ngx_http_task_span_t *src,
    const unsigned char *text, size_t len);


/* ngx_http_task_number.c */

/* return 1, or 0 if the text is not a value of this type */

int ngx_http_task_parse_int(const unsigned char *p, size_t len,
    int64_t *value);
int ngx_http_task_parse_number(const unsigned char *p, size_t len,
    double *value);
int ngx_http_task_parse_bool(const unsigned char *p, size_t len, int *value);

/* returns the length, which is less than NGX_HTTP_TASK_NUMBER_TEXT */

size_t ngx_http_task_print_int(unsigned char *dst, int64_t value);

/*
 * Prints a number that JSON reads as the same one: with 15 digits where these
 * are enough, else with 16 or 17; "null" if it is not finite.  Returns the
 * length, which is less than NGX_HTTP_TASK_NUMBER_TEXT.
 */

size_t ngx_http_task_print_number(unsigned char *dst, double value);


/* ngx_http_task_json.c, ngx_http_task_json_scalar.c */

/*
 * Checks JSON strictly, with the messages and positions of Python's json.
 * Calls the handler, which may be NULL, for each member of the root object; an
 * error may be found after these calls.
 */

void ngx_http_task_json_scan(const unsigned char *p, size_t len,
    ngx_http_task_member_pt handler, void *data, ngx_http_task_json_t *json);

/*
 * only checks, with depth as the most levels of arrays and objects, which are
 * NGX_HTTP_TASK_JSON_LEVELS or less
 */

void ngx_http_task_json_check(const unsigned char *p, size_t len,
    unsigned depth, ngx_http_task_json_t *json);

/*
 * The same as ngx_http_task_json_scan(), in steps: each one looks at so many
 * bytes, or a few more, and returns 1 if all is done.  The text stays where it
 * is until then.
 */

void ngx_http_task_json_begin(ngx_http_task_json_state_t *s,
    const unsigned char *p, size_t len, ngx_http_task_member_pt handler,
    void *data);
int ngx_http_task_json_step(ngx_http_task_json_state_t *s, size_t bytes);


#endif /* _NGX_HTTP_TASK_TEXT_H_INCLUDED_ */
