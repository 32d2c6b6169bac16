
/* Percent-encoding, queries, UTF-8, and lines of a log. */


#include "text/ngx_http_task_text.h"

#include "check.h"


#define BAD  "\xef\xbf\xbd"


typedef struct {
    const unsigned char  *text;
    size_t                len;
    const unsigned char  *right;
    size_t                right_len;
} pair_t;


static const pair_t  escapes[] = {
    { TEXT(""), TEXT("") },
    { TEXT("plain"), TEXT("plain") },
    { TEXT("a+b%20c"), TEXT("a b c") },
    { TEXT("%2B%2b"), TEXT("++") },
    { TEXT("%00"), TEXT("\0") },
    { TEXT("%C3%A9"), TEXT("\xc3\xa9") },
    { TEXT("%"), TEXT("%") },
    { TEXT("%4"), TEXT("%4") },
    { TEXT("%4g%g4%%41"), TEXT("%4g%g4%A") },
    { TEXT("%2541"), TEXT("%41") }
};


/* name, value and a null of each pair */

static const pair_t  queries[] = {
    { TEXT(""), TEXT("") },
    { TEXT("a=1"), TEXT("a=1;") },
    { TEXT("a=1&b=2"), TEXT("a=1;b=2;") },
    { TEXT("a"), TEXT("a=;") },
    { TEXT("a="), TEXT("a=;") },
    { TEXT("=1"), TEXT("=1;") },
    { TEXT("a=b=c"), TEXT("a=b=c;") },
    { TEXT("a&&b"), TEXT("a=;=;b=;") },
    { TEXT("a=1&"), TEXT("a=1;") },
    { TEXT("%61+=%26%3d"), TEXT("a =&=;") }
};


/* how many bytes are valid, and a copy */

static const struct {
    const unsigned char  *text;
    size_t                len;
    size_t                valid;
    const char           *copy;
} utf8[] = {
    { TEXT("plain"), 5, "plain" },
    { TEXT("\x7f"), 1, "\x7f" },
    { TEXT("\xc2\x80\xdf\xbf"), 4, "\xc2\x80\xdf\xbf" },
    { TEXT("\xe0\xa0\x80\xef\xbf\xbf"), 6, "\xe0\xa0\x80\xef\xbf\xbf" },
    { TEXT("\xed\x9f\xbf\xee\x80\x80"), 6, "\xed\x9f\xbf\xee\x80\x80" },
    { TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8,
      "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },

    /* alone, overlong, surrogates, too high, no byte of UTF-8 */

    { TEXT("a\x80" "b"), 1, "a" BAD "b" },
    { TEXT("a\xc0\xaf"), 1, "a" BAD BAD },
    { TEXT("\xc1\xbf"), 0, BAD BAD },
    { TEXT("\xe0\x9f\xbf"), 0, BAD BAD BAD },
    { TEXT("\xf0\x8f\xbf\xbf"), 0, BAD BAD BAD BAD },
    { TEXT("\xed\xa0\x80"), 0, BAD BAD BAD },
    { TEXT("\xf4\x90\x80\x80"), 0, BAD BAD BAD BAD },
    { TEXT("\xf5\xff"), 0, BAD BAD },

    /* what is cut is one character that is wrong */

    { TEXT("a\xc3"), 1, "a" BAD },
    { TEXT("\xe2\x82"), 0, BAD },
    { TEXT("\xf0\x9f\x98"), 0, BAD },
    { TEXT("\xe2\x82z"), 0, BAD "z" },
    { TEXT("\xf0\x9f\xc3\xa9"), 0, BAD "\xc3\xa9" },

    /* wherever it stands among eight bytes that are looked at at once */

    { TEXT("1234567\xff"), 7, "1234567" BAD },
    { TEXT("12345678\xff"), 8, "12345678" BAD },
    { TEXT("1234567\xc3\xa9z"), 10, "1234567\xc3\xa9z" }
};


static const struct {
    const char  *text;
    size_t       size;
    const char  *right;
} fits[] = {
    { "", 1, "" },
    { "abc", 1, "" },
    { "abc", 3, "ab" },
    { "abc", 4, "abc" },
    { "abc", 100, "abc" },
    { "a\xc3\xa9", 3, "a" },
    { "a\xc3\xa9", 4, "a\xc3\xa9" },
    { "\xf0\x9f\x98\x80", 4, "" },
    { "\xf0\x9f\x98\x80", 5, "\xf0\x9f\x98\x80" },
    { "a\xff", 4, "a" },
    { "a\xff", 5, "a" BAD },
    { "\xff\xff", 6, BAD },
    { "a\xe2\x82", 100, "a" BAD }
};


static const struct {
    const unsigned char  *text;
    size_t                len;
    size_t                size;
    const char           *right;
} logs[] = {
    { TEXT("plain"), 100, "plain" },
    { TEXT("a\nb\0"), 100, "a\\x0ab\\x00" },
    { TEXT("\x1b[31m\x7f"), 100, "\\x1b[31m\\x7f" },
    { TEXT("\xc2\x9b\xc2\xa0"), 100, "\\xc2\\x9b\xc2\xa0" },
    { TEXT("\xc3\xa9\xf0\x9f\x98\x80"), 100, "\xc3\xa9\xf0\x9f\x98\x80" },
    { TEXT("\xff\xe2\x82"), 100, "\\xff\\xe2\\x82" },
    { TEXT("abc"), 0, "" },
    { TEXT("abc"), 2, "ab" },
    { TEXT("a\n"), 4, "a" },
    { TEXT("a\n"), 5, "a\\x0a" },
    { TEXT("a\xc3\xa9"), 2, "a" }
};


static void
test_hex(void)
{
    int          c, right;
    size_t       wrong;
    const char  *p;

    static const char  digits[] = "0123456789abcdefABCDEF";

    wrong = 0;

    for (c = 0; c < 256; c++) {
        p = c ? strchr(digits, c) : NULL;
        right = p ? (int) (p - digits) - (p - digits > 15 ? 6 : 0) : -1;
        wrong += (ngx_http_task_hex(c) != right);
    }

    check(wrong == 0, "hexadecimal", TEXT("all characters"));
}


static void
test_escapes(void)
{
    size_t          i, n;
    const pair_t   *e;
    unsigned char  *buf;

    for (i = 0; i < COUNT(escapes); i++) {
        e = &escapes[i];
        buf = check_copy(e->text, e->len);
        n = ngx_http_task_unescape(buf, buf, e->len);
        check_same(buf, n, e->right, e->right_len, "unescaped", e->text,
                   e->len);
        free(buf);
    }
}


static void
test_queries(void)
{
    char                  got[64];
    size_t                i, n;
    const pair_t         *q;
    unsigned char        *buf, *p;
    ngx_http_task_span_t  name, value;

    for (i = 0; i < COUNT(queries); i++) {
        q = &queries[i];
        buf = check_copy(q->text, q->len);
        p = buf;
        n = 0;

        while (ngx_http_task_query_pair(&p, buf + q->len, &name, &value)) {
            n += snprintf(got + n, sizeof(got) - n, "%.*s=%.*s;",
                          (int) name.len, (const char *) name.data,
                          (int) value.len, (const char *) value.data);
        }

        check_same(got, n, q->right, q->right_len, "query", q->text, q->len);
        free(buf);
    }
}


static void
test_utf8(void)
{
    size_t          i, n;
    unsigned char  *buf, out[64];

    for (i = 0; i < COUNT(utf8); i++) {
        buf = check_copy(utf8[i].text, utf8[i].len);

        check(ngx_http_task_utf8_valid(buf, utf8[i].len) == utf8[i].valid,
              "valid", buf, utf8[i].len);

        n = ngx_http_task_utf8_copy(out, buf, utf8[i].len);
        check_same(out, n, utf8[i].copy, strlen(utf8[i].copy), "copied", buf,
                   utf8[i].len);
        free(buf);
    }
}


static void
test_fits(void)
{
    size_t          i, n;
    unsigned char  *buf;

    for (i = 0; i < COUNT(fits); i++) {
        buf = malloc(fits[i].size);
        if (buf == NULL) {
            exit(1);
        }

        n = ngx_http_task_utf8_fit(buf, fits[i].size, fits[i].text);
        check_same(buf, n + 1, fits[i].right, strlen(fits[i].right) + 1, "fits",
                   fits[i].text, strlen(fits[i].text));
        free(buf);
    }

    check(ngx_http_task_utf8_fit(NULL, 0, "abc") == 0, "fits",
          TEXT("nowhere"));
}


static void
test_logs(void)
{
    size_t          i, n;
    unsigned char  *text, *buf;

    for (i = 0; i < COUNT(logs); i++) {
        text = check_copy(logs[i].text, logs[i].len);

        buf = malloc(logs[i].size + 1);
        if (buf == NULL) {
            exit(1);
        }

        n = ngx_http_task_log_escape(buf, logs[i].size, text, logs[i].len);
        check_same(buf, n, logs[i].right, strlen(logs[i].right), "in a log",
                   text, logs[i].len);
        free(text);
        free(buf);
    }
}


/* how unlike two names are */

static const struct {
    const char  *one;
    const char  *other;
    unsigned     distance;
} distances[] = {
    { "", "", 0 },
    { "sleep", "sleep", 0 },
    { "", "sleep", 5 },
    { "slep", "sleep", 1 },
    { "slepp", "sleep", 1 },
    { "sleeep", "sleep", 1 },
    { "nmae", "name", 1 },
    { "Name", "name", 1 },
    { "primes", "sleep", 5 },
    { "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv_the end", 0 }
};


static void
test_distances(void)
{
    size_t          i, one, other;
    unsigned char  *a, *b;

    for (i = 0; i < COUNT(distances); i++) {
        one = strlen(distances[i].one);
        other = strlen(distances[i].other);
        a = check_copy((unsigned char *) distances[i].one, one);
        b = check_copy((unsigned char *) distances[i].other, other);

        check(ngx_http_task_text_distance(a, one, b, other)
              == distances[i].distance, "distance", a, one);
        check(ngx_http_task_text_distance(b, other, a, one)
              == distances[i].distance, "and back", a, one);

        free(a);
        free(b);
    }
}


int
main(void)
{
    test_hex();
    test_escapes();
    test_queries();
    test_utf8();
    test_fits();
    test_logs();
    test_distances();

    return 0;
}
