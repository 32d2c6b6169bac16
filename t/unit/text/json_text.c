
/* Strings in JSON: with quotes and escapes, and back. */


#include "text/ngx_http_task_text.h"

#include "check.h"


/* text, its JSON, and another JSON that is read as the same */

static const struct {
    const unsigned char  *text;
    size_t                len;
    const char           *quoted;
    const char           *other;
} strings[] = {
    { TEXT(""), "\"\"", "\"\"" },
    { TEXT("plain, of many bytes"), "\"plain, of many bytes\"",
      "\"plain\\u002c of many bytes\"" },
    { TEXT("1234567\"9"), "\"1234567\\\"9\"", "\"1234567\\u00229\"" },
    { TEXT("12345678\\"), "\"12345678\\\\\"", "\"12345678\\u005c\"" },
    { TEXT("\b\f\n\r\t/"), "\"\\b\\f\\n\\r\\t/\"",
      "\"\\u0008\\u000C\\u000a\\u000D\\u0009\\/\"" },
    { TEXT("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\"",
      "\"\\u0001\\u001F\\u007f\"" },
    { TEXT("\xc3\xa9\xe2\x82\xac"), "\"\xc3\xa9\xe2\x82\xac\"",
      "\"\\u00E9\\u20ac\"" },
    { TEXT("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"),
      "\"\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"",
      "\"\\ud83d\\uDE00\\udbff\\udfff\"" }
};


/* in parts of any size, none of which is much longer */

static void
test_parts(const ngx_http_task_span_t *string, const unsigned char *text,
    size_t len)
{
    int                    right;
    size_t                 n, bytes, left;
    unsigned char         *buf;
    ngx_http_task_span_t   rest;

    right = 1;

    for (bytes = 1; bytes <= string->len; bytes++) {
        buf = check_copy(text, len);
        n = 0;

        rest.data = string->data + 1;
        rest.len = string->len - 2;

        while (rest.len) {
            left = rest.len;
            n += ngx_http_task_json_unquote_part(buf + n, &rest, bytes);

            /* an escape may begin with the last byte of a part */

            right &= left - rest.len < bytes + 12;
        }

        right &= n == len && memcmp(buf, text, len) == 0;

        free(buf);
    }

    check(right, "unquoted in parts", text, len);
}


static void
test_strings(void)
{
    size_t                 i, n, len;
    unsigned char         *text, *buf;
    ngx_http_task_span_t   span, other;

    for (i = 0; i < COUNT(strings); i++) {
        len = strings[i].len;
        text = check_copy(strings[i].text, len);

        n = ngx_http_task_json_quote(NULL, text, len);
        buf = check_copy(strings[i].quoted, n);

        memset(buf, 0, n);
        check(ngx_http_task_json_quote(buf, text, len) == n,
              "the length is told", text, len);
        check_same(buf, n, strings[i].quoted, strlen(strings[i].quoted),
                   "quoted", text, len);

        span.data = buf;
        span.len = n;
        check(ngx_http_task_json_is(&span, text, len), "is", text, len);

        other.len = strlen(strings[i].other);
        other.data = check_copy(strings[i].other, other.len);
        check(ngx_http_task_json_is(&other, text, len), "is, too", text, len);

        if (len) {
            check(!ngx_http_task_json_is(&other, text, len - 1),
                  "is longer than a part of", text, len);
            check(!ngx_http_task_json_is(&other, text + 1, len - 1),
                  "is not the end of", text, len);
        }

        free(buf);
        buf = check_copy(strings[i].other, other.len - 2);
        n = ngx_http_task_json_unquote(buf, &other);
        check_same(buf, n, text, len, "unquoted", text, len);

        test_parts(&other, text, len);

        free(buf);
        free(text);
        free((void *) other.data);
    }
}


/* what is simple, whatever its length, and wherever it is not */

static void
test_simple(void)
{
    size_t          i, n, len;
    unsigned char  *text;

    static const unsigned char  others[] = { '"', '\\', 0, 0x1f, 0x80, 0xff };

    for (len = 0; len < 20; len++) {
        text = check_copy((unsigned char *) "012345678 !#[]~\x7fxyz", len);

        check(ngx_http_task_json_simple(text, len), "simple", text, len);

        for (i = 0; i < len * COUNT(others); i++) {
            n = text[i / COUNT(others)];
            text[i / COUNT(others)] = others[i % COUNT(others)];

            check(!ngx_http_task_json_simple(text, len), "not simple", text,
                  len);

            text[i / COUNT(others)] = (unsigned char) n;
        }

        free(text);
    }
}


/* what is escaped, wherever it stands among eight bytes looked at at once */

static void
test_places(unsigned char c, const char *escape)
{
    size_t         i, n, len;
    unsigned char  text[20], buf[32], right[32];

    len = strlen(escape);

    for (i = 0; i < sizeof(text); i++) {
        memset(text, 'a', sizeof(text));
        text[i] = c;

        memset(right, 'a', sizeof(right));
        right[0] = '"';
        memcpy(right + 1 + i, escape, len);
        right[sizeof(text) + len] = '"';

        n = ngx_http_task_json_quote(buf, text, sizeof(text));
        check_same(buf, n, right, sizeof(text) + len + 1, "quoted", text,
                   sizeof(text));
    }
}


int
main(void)
{
    test_strings();
    test_simple();
    test_places('"', "\\\"");
    test_places('\\', "\\\\");
    test_places('\n', "\\n");
    test_places(0x1f, "\\u001f");

    return 0;
}
