
/*
 * JSON: what is wrong with a text, and where, in the words of Python's json;
 * and the members of an object.
 */


#include "text/ngx_http_task_text.h"

#include "check.h"


static const struct {
    const unsigned char  *text;
    size_t                len;
    const char           *error;
    size_t                position;
} wrongs[] = {
    { TEXT(""), "Expecting value", 0 },
    { TEXT("  "), "Expecting value", 2 },
    { TEXT("\xef\xbb\xbf x"), "Expecting value", 1 },
    { TEXT("x"), "Expecting value", 0 },
    { TEXT("tru"), "Expecting value", 0 },
    { TEXT("True"), "Expecting value", 0 },
    { TEXT("NaN"), "Expecting value", 0 },
    { TEXT("-"), "Expecting value", 0 },
    { TEXT("+1"), "Expecting value", 0 },
    { TEXT(".5"), "Expecting value", 0 },
    { TEXT("'a'"), "Expecting value", 0 },
    { TEXT("\v1"), "Expecting value", 0 },
    { TEXT("01"), "Extra data", 1 },
    { TEXT("1."), "Extra data", 1 },
    { TEXT("1.e5"), "Extra data", 1 },
    { TEXT("1e"), "Extra data", 1 },
    { TEXT("1e+"), "Extra data", 1 },
    { TEXT("0x10"), "Extra data", 1 },
    { TEXT("truer"), "Extra data", 4 },
    { TEXT("1 2"), "Extra data", 2 },
    { TEXT("{}\0"), "Extra data", 2 },
    { TEXT("{} // x"), "Extra data", 3 },
    { TEXT("[\"\xc3\xa9\"] x"), "Extra data", 6 },
    { TEXT("["), "Expecting value", 1 },
    { TEXT("[,"), "Expecting value", 1 },
    { TEXT("[1,"), "Expecting value", 3 },
    { TEXT("[1 2]"), "Expecting ',' delimiter", 3 },
    { TEXT("[1}"), "Expecting ',' delimiter", 2 },
    { TEXT("[1"), "Expecting ',' delimiter", 2 },
    { TEXT("[1,-]"), "Expecting value", 3 },
    { TEXT("[1e1,x]"), "Expecting value", 5 },
    { TEXT("[1 , ]"), "Illegal trailing comma before end of array", 3 },
    { TEXT("{"), "Expecting property name enclosed in double quotes", 1 },
    { TEXT("{a"), "Expecting property name enclosed in double quotes", 1 },
    { TEXT("{1:2}"), "Expecting property name enclosed in double quotes", 1 },
    { TEXT("{\"a\":1,2"), "Expecting property name enclosed in double quotes",
      7 },
    { TEXT("{\"a\"}"), "Expecting ':' delimiter", 4 },
    { TEXT("{\"a\" 1}"), "Expecting ':' delimiter", 5 },
    { TEXT("{\"a\":}"), "Expecting value", 5 },
    { TEXT("{\"a\":1"), "Expecting ',' delimiter", 6 },
    { TEXT("{\"a\":1]"), "Expecting ',' delimiter", 6 },
    { TEXT("{\"a\":1,}"), "Illegal trailing comma before end of object", 6 },
    { TEXT("\""), "Unterminated string starting at", 0 },
    { TEXT("[\"a"), "Unterminated string starting at", 1 },
    { TEXT("\"a\\"), "Unterminated string starting at", 0 },
    { TEXT("\"a\\\""), "Unterminated string starting at", 0 },
    { TEXT("\"a\nb\""), "Invalid control character at", 2 },
    { TEXT("\"\0\""), "Invalid control character at", 1 },
    { TEXT("\"\\x\""), "Invalid \\escape", 1 },
    { TEXT("\"\\\0\""), "Invalid \\escape", 1 },
    { TEXT("\"\\u12g4\""), "Invalid \\uXXXX escape", 2 },
    { TEXT("\"\\u12\""), "Invalid \\uXXXX escape", 2 },
    { TEXT("\"\\u"), "Invalid \\uXXXX escape", 2 },
    { TEXT("\"\\ud83d\\u12"), "Invalid \\uXXXX escape", 8 },

    /* what a C string, and UTF-8, cannot hold */

    { TEXT("\"a\\u0000\""), "Null character not allowed", 2 },
    { TEXT("\"\\ud83d\""), "Invalid \\uXXXX escape", 7 },
    { TEXT("\"\\ud83d\\n  \""), "Invalid \\uXXXX escape", 7 },
    { TEXT("\"\\ud83d\\u0041\""), "Unpaired surrogate", 7 },
    { TEXT("\"\\ud83d\\ud83d\""), "Unpaired surrogate", 7 },
    { TEXT("\"\\ude00\""), "Unpaired surrogate", 1 },
    { TEXT("\"\xc3\xa9\xff\""), "Invalid UTF-8", 2 },
    { TEXT("\"\xed\xa0\x80\""), "Invalid UTF-8", 1 }
};


/* "name:value," of each member of the root, as they stand in the text */

static const struct {
    const char  *text;
    const char  *root;
    const char  *members;
} rights[] = {
    { "0", "0", "" },
    { " -0.5e+10\n", "-0.5e+10", "" },
    { "\xef\xbb\xbf" "true", "true", "" },
    { "\t null ", "null", "" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "" },
    { "[ ]", "[ ]", "" },
    { "[{\"a\":1}]", "[{\"a\":1}]", "" },
    { " { } ", "{ }", "" },
    { "{\"a\":1}", "{\"a\":1}", "\"a\":1," },
    { "{ \"a\" : [ 1 ] , \"b\" : {\"c\":2} }",
      "{ \"a\" : [ 1 ] , \"b\" : {\"c\":2} }",
      "\"a\":[ 1 ],\"b\":{\"c\":2}," },
    { "{\"a\":1,\"a\":2,\"\":3}", "{\"a\":1,\"a\":2,\"\":3}",
      "\"a\":1,\"a\":2,\"\":3," }
};


static void
test_wrongs(void)
{
    int                    right;
    size_t                 i;
    unsigned char         *p;
    ngx_http_task_json_t   json;

    for (i = 0; i < COUNT(wrongs); i++) {
        p = check_copy(wrongs[i].text, wrongs[i].len);

        ngx_http_task_json_scan(p, wrongs[i].len, NULL, NULL, &json);

        right = json.error && strcmp(json.error, wrongs[i].error) == 0
                && json.position == wrongs[i].position;

        if (!check(right, wrongs[i].error, p, wrongs[i].len)) {
            printf("# got %s at %zu\n", json.error ? json.error : "nothing",
                   json.position);
        }

        free(p);
    }
}


static void
member(void *data, const ngx_http_task_span_t *name,
    const ngx_http_task_span_t *value)
{
    char  *got;

    got = data;

    sprintf(got + strlen(got), "%.*s:%.*s,",
            (int) name->len, (const char *) name->data,
            (int) value->len, (const char *) value->data);
}


static void
test_rights(void)
{
    char                   got[128];
    size_t                 i, len;
    unsigned char         *p;
    ngx_http_task_json_t   json;

    for (i = 0; i < COUNT(rights); i++) {
        len = strlen(rights[i].text);
        p = check_copy(rights[i].text, len);
        got[0] = '\0';

        ngx_http_task_json_scan(p, len, member, got, &json);

        check(json.error == NULL, "no error", p, len);
        check_same(json.root.data, json.root.len, rights[i].root,
                   strlen(rights[i].root), "root", p, len);
        check_same(got, strlen(got), rights[i].members,
                   strlen(rights[i].members), "members", p, len);
        free(p);
    }
}


/* a text is checked the same in steps of any size, each of them bounded */

static void
test_steps(const unsigned char *text, size_t len)
{
    int                          right;
    char                         got[128], whole[128];
    size_t                       bytes, steps;
    unsigned char               *p;
    ngx_http_task_json_t         json;
    ngx_http_task_json_state_t   s;

    p = check_copy(text, len);
    whole[0] = '\0';
    right = 1;

    ngx_http_task_json_scan(p, len, member, whole, &json);

    for (bytes = 1; bytes <= len + 1; bytes++) {
        got[0] = '\0';
        steps = 1;

        ngx_http_task_json_begin(&s, p, len, member, got);

        while (!ngx_http_task_json_step(&s, bytes)) {
            steps++;
        }

        right &= s.json.error == json.error
                 && s.json.position == json.position
                 && s.json.root.data == json.root.data
                 && s.json.root.len == json.root.len
                 && strcmp(got, whole) == 0;

        /* once to the end, once more to count the position of an error */

        right &= steps <= 2 * (len / bytes + 1);
    }

    check(right, "in steps", p, len);

    free(p);
}


static void
test_all_steps(void)
{
    size_t  i;

    for (i = 0; i < COUNT(wrongs); i++) {
        test_steps(wrongs[i].text, wrongs[i].len);
    }

    for (i = 0; i < COUNT(rights); i++) {
        test_steps((const unsigned char *) rights[i].text,
                   strlen(rights[i].text));
    }
}


/* a step ends within white space, a string, a number, and what is wrong */

static void
test_long(const char *first, const char *unit, const char *last,
    const char *error)
{
    size_t                       i, len, n, steps;
    unsigned char               *p;
    ngx_http_task_json_state_t   s;

    n = strlen(unit);
    len = strlen(first) + 10000 * n + strlen(last);

    p = malloc(len + 1);
    if (p == NULL) {
        exit(1);
    }

    strcpy((char *) p, first);

    for (i = 0; i < 10000; i++) {
        memcpy(p + strlen(first) + i * n, unit, n + 1);
    }

    memcpy(p + strlen(first) + i * n, last, strlen(last));

    steps = 1;

    ngx_http_task_json_begin(&s, p, len, NULL, NULL);

    while (!ngx_http_task_json_step(&s, 100)) {

        /* a step looks at a few bytes more, where these belong together */

        if (s.json.error == NULL && s.p > p + steps * (100 + 12)) {
            break;
        }

        steps++;
    }

    check(steps >= len / 112 + s.json.position / 100
          && (error == NULL) == (s.json.error == NULL)
          && (error == NULL || strcmp(error, s.json.error) == 0),
          "a long text is checked in steps", unit, n);

    free(p);
}


static void
test_longs(void)
{
    test_long("\"", "a", "\"", NULL);
    test_long("\"", "\xd0\x9f", "\"", NULL);
    test_long("\"", "\\n", "\"", NULL);
    test_long("\"", "\\ud83d\\ude00", "\"", NULL);
    test_long("-1", "0", "", NULL);
    test_long("0.", "0", "e1", NULL);
    test_long("1.0e+1", "0", "", NULL);
    test_long("[", " \t\r\n", "]", NULL);
    test_long("[0", ",[]", "]", NULL);
    test_long("{\"a\":0", ",\"a\":{}", "}", NULL);
    test_long("\"", "a", "", "Unterminated string starting at");
    test_long("[", " ", "", "Expecting value");
    test_long("[\"", "a", "\"}", "Expecting ',' delimiter");
}


/* so many arrays in arrays */

static void
test_levels(unsigned levels)
{
    char                   name[16];
    size_t                 len;
    unsigned char         *p;
    ngx_http_task_json_t   checked;

    len = sprintf(name, "%u levels", levels);

    p = malloc(2 * levels);
    if (p == NULL) {
        exit(1);
    }

    memset(p, '[', levels);
    memset(p + levels, ']', levels);

    ngx_http_task_json_scan(p, 2 * levels, NULL, NULL, &checked);

    if (levels <= NGX_HTTP_TASK_JSON_DEPTH) {
        check(checked.error == NULL, "a body of", name, len);

    } else {
        check(checked.error
              && strcmp(checked.error, "Too many nested values") == 0
              && checked.position == NGX_HTTP_TASK_JSON_DEPTH,
              "no body of", name, len);
    }

    ngx_http_task_json_check(p, 2 * levels, levels - 1, &checked);
    check(checked.error && checked.position == levels - 1, "one less than",
          name, len);

    free(p);
}


int
main(void)
{
    test_wrongs();
    test_rights();
    test_all_steps();
    test_longs();
    test_levels(NGX_HTTP_TASK_JSON_DEPTH);
    test_levels(NGX_HTTP_TASK_JSON_DEPTH + 1);
    test_levels(1000);

    return 0;
}
