
/* Numbers and booleans: which text is one, which one, and back. */


#include "text/ngx_http_task_text.h"

#include "check.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>


static const struct {
    const char  *text;
    int64_t      value;
} ints[] = {
    { "0", 0 },
    { "5", 5 },
    { "-5", -5 },
    { "+5", 5 },
    { "-0", 0 },
    { "007", 7 },
    { " \t5\r\n", 5 },
    { "5.0", 5 },
    { "5.000", 5 },
    { "1_000", 1000 },
    { "1_0_0.00", 100 },
    { "9223372036854775807", INT64_MAX },
    { "9223372036854775808", INT64_MAX },
    { "99999999999999999999", INT64_MAX },
    { "-9223372036854775807", -INT64_MAX },
    { "-9223372036854775808", INT64_MIN },
    { "-9223372036854775809", INT64_MIN },
    { "-99999999999999999999", INT64_MIN }
};


static const char *const  no_ints[] = {
    "", " ", "-", "+", "+-5", "- 5", "5 5", "5.", ".0", "5.5", "5.01", "5.0.0",
    "5,0", "5e0", "0x5", "x", "5x", "_5", "5_", "5__0", "-_5", "5_.0", "5.0_0"
};


static const struct {
    const char  *text;
    double       value;
} numbers[] = {
    { "0.1", 0.1 },
    { ".5", 0.5 },
    { "5.", 5 },
    { "-5", -5 },
    { "+5.25", 5.25 },
    { " 1e3\n", 1000 },
    { "1E+3", 1000 },
    { "1e-3", 0.001 },
    { "1e400", INFINITY },
    { "-1e400", -INFINITY },
    { "1e-400", 0 },
    { "5e-324", DBL_TRUE_MIN },
    { "1.7976931348623157e308", DBL_MAX },
    { "9007199254740993", 9007199254740992 },
    { "inf", INFINITY },
    { "-Infinity", -INFINITY }
};


static const char *const  no_numbers[] = {
    "", " ", ".", "-", "e5", "1e", "1e+", "1,5", "1.5.5", "1 5", "x", "5x",
    "0x10", "0X1p3", "nan(1)", "- 5"
};


/*
 * More digits than strtod() is asked for: what stands first, so many zeros, and
 * what stands last.
 */

static const struct {
    const char  *head;
    unsigned     zeros;
    const char  *tail;
    int          is;
    double       value;
} longs[] = {
    { "1.", 900, "", 1, 1 },
    { "1.", 900, "e10", 1, 1e10 },
    { "-1.", 100000, "E+2", 1, -100 },
    { "1", 900, "e-900", 1, 1 },
    { "1", 900, "", 1, INFINITY },
    { "0.", 850, "1e851", 1, 1 },
    { "0.5", 800, "1", 1, 0.5 },
    { "9007199254740993.", 800, "", 1, 9007199254740992 },
    { "9007199254740993.", 900, "1", 1, 9007199254740994 },
    { "1.00000000000000011102230246251565404236316680908203125", 800, "", 1,
      1 },
    { "1.00000000000000011102230246251565404236316680908203125", 800, "1", 1,
      1 + DBL_EPSILON },
    { "1.", 900, "x", 0, 0 },
    { "1.", 900, "e", 0, 0 },
    { "1.", 900, "e+", 0, 0 },
    { "1.", 900, ".0", 0, 0 },
    { "1.", 900, "_0", 0, 0 }
};


static const struct {
    double       value;
    const char  *text;
} prints[] = {
    { 0, "0" },
    { -0.0, "-0.0" },
    { 5, "5" },
    { -5, "-5" },
    { 0.5, "0.5" },
    { 0.1, "0.1" },
    { 0.1 + 0.2, "0.30000000000000004" },
    { 100.00000000000001, "100.00000000000001" },
    { 1e15, "1000000000000000" },
    { 9007199254740992, "9007199254740992" },
    { -9999999999999998, "-9999999999999998" },
    { 1e16, "1e+16" },
    { 1e23, "1e+23" },
    { 123456789012345678.0, "1.2345678901234568e+17" },
    { DBL_MAX, "1.7976931348623157e+308" },
    { -DBL_MAX, "-1.7976931348623157e+308" },
    { DBL_MIN, "2.2250738585072014e-308" },
    { DBL_TRUE_MIN, "4.94065645841247e-324" },
    { INFINITY, "null" },
    { -INFINITY, "null" },
    { NAN, "null" }
};


static const struct {
    int64_t      value;
    const char  *text;
} int_prints[] = {
    { 0, "0" },
    { -1, "-1" },
    { INT64_MAX, "9223372036854775807" },
    { INT64_MIN, "-9223372036854775808" }
};


static const char *const  bools[][6] = {
    { "0", "false", "off", "no", "n", "f" },
    { "1", "true", "on", "yes", "y", "t" }
};


static const char *const  no_bools[] = {
    "", " ", "2", "00", "1 ", "tr", "truer", "nein", "o", "o\xce", "\x11"
};


static void
test_ints(void)
{
    int                   is;
    size_t                i, len;
    int64_t               value;
    const unsigned char  *p;

    for (i = 0; i < COUNT(ints); i++) {
        p = (const unsigned char *) ints[i].text;
        len = strlen(ints[i].text);
        is = ngx_http_task_parse_int(p, len, &value);

        if (!check(is && value == ints[i].value, "integer", p, len)) {
            printf("# got %" PRId64 "\n", is ? value : 0);
        }
    }

    for (i = 0; i < COUNT(no_ints); i++) {
        p = (const unsigned char *) no_ints[i];
        len = strlen(no_ints[i]);
        check(!ngx_http_task_parse_int(p, len, &value), "no integer", p, len);
    }

    check(!ngx_http_task_parse_int(TEXT("5\0"), &value), "no integer",
          TEXT("5\0"));
}


static int
is_number(const unsigned char *p, size_t len, double right)
{
    double  value;

    return ngx_http_task_parse_number(p, len, &value) && value == right;
}


static void
test_numbers(void)
{
    size_t                i, len;
    double                value;
    const unsigned char  *p;

    for (i = 0; i < COUNT(numbers); i++) {
        p = (const unsigned char *) numbers[i].text;
        len = strlen(numbers[i].text);
        check(is_number(p, len, numbers[i].value), "number", p, len);
    }

    for (i = 0; i < COUNT(no_numbers); i++) {
        p = (const unsigned char *) no_numbers[i];
        len = strlen(no_numbers[i]);
        check(!ngx_http_task_parse_number(p, len, &value), "no number", p,
              len);
    }

    check(!ngx_http_task_parse_number(TEXT("5\0"), &value), "no number",
          TEXT("5\0"));
    check(ngx_http_task_parse_number(TEXT("nan"), &value) && isnan(value),
          "number", TEXT("nan"));
    check(ngx_http_task_parse_number(TEXT("-0"), &value) && signbit(value),
          "number", TEXT("-0"));
}


static void
test_longs(void)
{
    int             right;
    char           *text;
    double          value;
    size_t          i, len, head, tail;
    unsigned char  *p;

    for (i = 0; i < COUNT(longs); i++) {
        head = strlen(longs[i].head);
        tail = strlen(longs[i].tail);
        len = head + longs[i].zeros + tail;

        text = malloc(len);
        if (text == NULL) {
            exit(1);
        }

        memcpy(text, longs[i].head, head);
        memset(text + head, '0', longs[i].zeros);
        memcpy(text + len - tail, longs[i].tail, tail);

        p = (unsigned char *) text;
        right = longs[i].is ? is_number(p, len, longs[i].value)
                            : !ngx_http_task_parse_number(p, len, &value);

        check(right, longs[i].tail, p, len);

        free(text);
    }
}


static void
test_prints(void)
{
    size_t         i, n, len;
    unsigned char  text[NGX_HTTP_TASK_NUMBER_TEXT];

    for (i = 0; i < COUNT(prints); i++) {
        n = ngx_http_task_print_number(text, prints[i].value);
        len = strlen(prints[i].text);
        check_same(text, n, prints[i].text, len, "printed", prints[i].text,
                   len);
    }

    for (i = 0; i < COUNT(int_prints); i++) {
        n = ngx_http_task_print_int(text, int_prints[i].value);
        len = strlen(int_prints[i].text);
        check_same(text, n, int_prints[i].text, len, "printed",
                   int_prints[i].text, len);
    }
}


/* of any bits: what is printed is read as the same, and no digit is to spare */

static void
test_any(void)
{
    char           shorter[NGX_HTTP_TASK_NUMBER_TEXT];
    double         value;
    size_t         i, n, wrong;
    uint64_t       bits;
    unsigned char  text[NGX_HTTP_TASK_NUMBER_TEXT];

    wrong = 0;
    bits = 1;

    for (i = 0; i < 200000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &bits, sizeof(value));

        if (!isfinite(value)) {
            continue;
        }

        n = ngx_http_task_print_number(text, value);
        snprintf(shorter, sizeof(shorter), "%.15g", value);

        wrong += !is_number(text, n, value)
                 || (strtod(shorter, NULL) == value && n > strlen(shorter));
    }

    check(wrong == 0, "doubles", TEXT("of any bits"));
}


static void
test_bools(void)
{
    int                   i, value;
    char                  upper[8];
    size_t                n, k, len;
    const unsigned char  *p;

    for (i = 0; i < 2; i++) {
        for (n = 0; n < COUNT(bools[i]); n++) {
            len = strlen(bools[i][n]);

            for (k = 0; k < len; k++) {
                upper[k] = bools[i][n][k];
                upper[k] -= (k % 2 == 0 && upper[k] >= 'a') ? 0x20 : 0;
            }

            p = (const unsigned char *) bools[i][n];
            check(ngx_http_task_parse_bool(p, len, &value) && value == i,
                  i ? "true" : "false", p, len);

            p = (const unsigned char *) upper;
            check(ngx_http_task_parse_bool(p, len, &value) && value == i,
                  i ? "true" : "false", p, len);
        }
    }

    for (n = 0; n < COUNT(no_bools); n++) {
        p = (const unsigned char *) no_bools[n];
        len = strlen(no_bools[n]);
        check(!ngx_http_task_parse_bool(p, len, &value), "no boolean", p, len);
    }
}


int
main(void)
{
    test_ints();
    test_numbers();
    test_longs();
    test_prints();
    test_any();
    test_bools();

    return 0;
}
