
/* Trees of cJSON: from text, and to text. */


#include "text/ngx_http_task_json.h"

#include "check.h"

#include <math.h>


/* NULL: no tree */

static const struct {
    const char  *text;
    const char  *printed;
} trees[] = {
    { "null", "null" },
    { " [ true , false ] ", "[true,false]" },
    { "{\"a\":{\"b\":[]},\"a\":\"\\u0041\\n\"}",
      "{\"a\":{\"b\":[]},\"a\":\"A\\n\"}" },
    { "[0,-0,0.1,1e3,1e400,0.30000000000000004,123456789012345678901]",
      "[0,-0.0,0.1,1000,null,0.30000000000000004,1.2345678901234568e+20]" },
    { "[{},{ },[ ]]", "[{},{},[]]" },

    /* what stands behind a value does not matter, if it is not a part of it */

    { "[1] x", "[1]" },
    { "[1]}", "[1]" },
    { "1 2", "1" },
    { "01", NULL },
    { "1.", NULL },
    { "1e+", NULL },
    { "truer", NULL },
    { "", NULL },
    { "[1,]", NULL },
    { "[", NULL },
    { "{\"a\" 1}", NULL },
    { "\"\\ud83d\"", NULL }
};


static void
test_trees(void)
{
    char           *text;
    cJSON          *json;
    size_t          i, n, len;
    const char     *wrong;
    unsigned char  *p;

    for (i = 0; i < COUNT(trees); i++) {
        len = strlen(trees[i].text);
        p = check_copy(trees[i].text, len);
        json = ngx_http_task_json_tree(p, len);

        if (!check((json != NULL) == (trees[i].printed != NULL),
                   trees[i].printed ? "a tree" : "no tree", p, len)
            || json == NULL)
        {
            free(p);
            continue;
        }

        if (check(ngx_http_task_json_print(json, &text, &n, &wrong),
                  "can be printed", p, len))
        {
            check_same(text, n, trees[i].printed, strlen(trees[i].printed),
                       "printed", p, len);
            cJSON_free(text);
        }

        ngx_http_task_json_delete(json);
        free(p);
    }
}


/* trees that no text makes */

static void
test_print(void)
{
    char        *text;
    cJSON       *json;
    size_t       n;
    const char  *wrong;

    json = cJSON_CreateArray();
    cJSON_AddItemToArray(json, cJSON_CreateNumber(NAN));
    cJSON_AddItemToArray(json, cJSON_CreateString("caf\xe9"));
    cJSON_AddItemToArray(json, cJSON_CreateRaw("[ 1 ]"));

    if (check(ngx_http_task_json_print(json, &text, &n, &wrong),
              "can be printed", TEXT("what is not UTF-8")))
    {
        check_same(text, n, TEXT("[null,\"caf\xef\xbf\xbd\",[ 1 ]]"),
                   "printed", TEXT("what is not UTF-8"));
        cJSON_free(text);
    }

    cJSON_AddItemToArray(json, cJSON_CreateNull());
    cJSON_GetArrayItem(json, 3)->type = cJSON_Invalid;

    check(!ngx_http_task_json_print(json, &text, &n, &wrong)
          && wrong && strcmp(wrong, "sets what is no JSON") == 0,
          "cannot be printed", TEXT("an item of no type"));

    ngx_http_task_json_delete(json);
}


/* so many arrays in arrays, as text */

static void
test_levels(unsigned levels)
{
    char            name[16];
    cJSON          *json;
    size_t          len;
    unsigned char  *p;

    len = sprintf(name, "%u levels", levels);

    p = malloc(2 * levels);
    if (p == NULL) {
        exit(1);
    }

    memset(p, '[', levels);
    memset(p + levels, ']', levels);

    json = ngx_http_task_json_tree(p, 2 * levels);
    check((json != NULL) == (levels <= NGX_HTTP_TASK_JSON_LEVELS), "a tree of",
          name, len);

    ngx_http_task_json_delete(json);
    free(p);
}


/* and as a tree */

static void
test_tree_levels(unsigned levels)
{
    char        *text, name[16];
    cJSON       *json, *outer;
    size_t       n, len;
    unsigned     i;
    const char  *wrong;

    len = sprintf(name, "%u levels", levels);

    json = cJSON_CreateArray();

    for (i = 1; i < levels; i++) {
        outer = cJSON_CreateArray();
        cJSON_AddItemToArray(outer, json);
        json = outer;
    }

    if (ngx_http_task_json_print(json, &text, &n, &wrong)) {
        check(levels <= NGX_HTTP_TASK_JSON_LEVELS && n == 2 * levels,
              "printed", name, len);
        cJSON_free(text);

    } else {
        check(levels > NGX_HTTP_TASK_JSON_LEVELS
              && wrong && strcmp(wrong, "sets JSON of too many levels") == 0,
              "cannot be printed", name, len);
    }

    ngx_http_task_json_delete(json);
    check(1, "deleted", name, len);
}


int
main(void)
{
    test_trees();
    test_print();
    test_levels(NGX_HTTP_TASK_JSON_LEVELS);
    test_levels(NGX_HTTP_TASK_JSON_LEVELS + 1);
    test_tree_levels(NGX_HTTP_TASK_JSON_LEVELS);
    test_tree_levels(NGX_HTTP_TASK_JSON_LEVELS + 1);
    test_tree_levels(500000);
    ngx_http_task_json_delete(NULL);

    return 0;
}
