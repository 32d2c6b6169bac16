
/*
 * Reads JSON into a tree of cJSON.  The text is checked first, see
 * ngx_http_task_json.c: so all that is read here has the right form, and only
 * memory can be missing.
 */


#include "text/ngx_http_task_json.h"

#include <string.h>


typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;
} json_tree_t;


static int tree_goes_on(const ngx_http_task_json_t *json,
    const unsigned char *end);
static cJSON *tree_value(json_tree_t *t);
static int tree_children(json_tree_t *t, cJSON *parent);
static char *tree_string(json_tree_t *t);
static cJSON *tree_number(json_tree_t *t);
static void tree_space(json_tree_t *t);


cJSON *
ngx_http_task_json_tree(const unsigned char *p, size_t len)
{
    json_tree_t           t;
    ngx_http_task_json_t  json;

    ngx_http_task_json_check(p, len, NGX_HTTP_TASK_JSON_LEVELS, &json);

    /* as cJSON's parser does, ignore what stands behind the value */

    if (json.root.len == 0 || tree_goes_on(&json, p + len)) {
        return NULL;
    }

    t.p = json.root.data;
    t.end = t.p + json.root.len;

    return tree_value(&t);
}


/* returns 1 for "01" and "truer": this is no value with something behind it */

static int
tree_goes_on(const ngx_http_task_json_t *json, const unsigned char *end)
{
    int                   c;
    const unsigned char  *p;

    p = json->root.data + json->root.len;

    if (p == end) {
        return 0;
    }

    c = *p | 0x20;

    return (c >= 'a' && c <= 'z') || (*p >= '0' && *p <= '9')
           || *p == '.' || *p == '+' || *p == '-' || *p == '_';
}


/* these leave t->p behind what they have read; NULL, or 0: no memory */

static cJSON *
tree_value(json_tree_t *t)
{
    cJSON  *json;

    switch (*t->p) {

    case 't':
        t->p += 4;
        return cJSON_CreateTrue();

    case 'f':
        t->p += 5;
        return cJSON_CreateFalse();

    case 'n':
        t->p += 4;
        return cJSON_CreateNull();

    case '"':
        json = cJSON_CreateNull();

        if (json) {
            json->type = cJSON_String;
            json->valuestring = tree_string(t);
        }

        if (json && json->valuestring) {
            return json;
        }

        break;

    case '{':
    case '[':
        json = (*t->p == '{') ? cJSON_CreateObject() : cJSON_CreateArray();

        if (json && tree_children(t, json)) {
            return json;
        }

        break;

    default:
        return tree_number(t);
    }

    cJSON_Delete(json);

    return NULL;
}


static int
tree_children(json_tree_t *t, cJSON *parent)
{
    char   *name;
    cJSON  *child;

    do {
        t->p++;
        tree_space(t);

        if (*t->p == '}' || *t->p == ']') {
            break;
        }

        name = NULL;

        if (cJSON_IsObject(parent)) {
            name = tree_string(t);
            if (name == NULL) {
                return 0;
            }

            tree_space(t);
            t->p++;
            tree_space(t);
        }

        child = tree_value(t);

        if (child == NULL) {
            cJSON_free(name);
            return 0;
        }

        /* if a name comes twice, both members are kept, as cJSON does */

        child->string = name;

        if (!cJSON_AddItemToArray(parent, child)) {
            cJSON_Delete(child);
            return 0;
        }

        tree_space(t);

    } while (*t->p == ',');

    t->p++;

    return 1;
}


static char *
tree_string(json_tree_t *t)
{
    char                  *text;
    size_t                 len;
    const unsigned char   *quote;
    ngx_http_task_span_t   span;

    span.data = t->p;

    for (quote = t->p + 1; *quote != '"'; quote++) {
        if (*quote == '\\') {
            quote++;
        }
    }

    t->p = quote + 1;
    span.len = t->p - span.data;

    text = cJSON_malloc(span.len - 1);

    if (text) {
        len = ngx_http_task_json_unquote((unsigned char *) text, &span);
        text[len] = '\0';
    }

    return text;
}


static cJSON *
tree_number(json_tree_t *t)
{
    double                number;
    const unsigned char  *start;

    start = t->p;

    while (t->p < t->end && *t->p && strchr("0123456789+-.eE", *t->p)) {
        t->p++;
    }

    number = 0;
    (void) ngx_http_task_parse_number(start, t->p - start, &number);

    return cJSON_CreateNumber(number);
}


static void
tree_space(json_tree_t *t)
{
    while (*t->p == ' ' || *t->p == '\t' || *t->p == '\n' || *t->p == '\r') {
        t->p++;
    }
}


/* cJSON_Delete() calls itself for each level: so lift children to this one */

void
ngx_http_task_json_delete(cJSON *json)
{
    cJSON  *last, *next;

    for (last = json; json; json = next) {

        while (last->next) {
            last = last->next;
        }

        if (json->child && !(json->type & cJSON_IsReference)) {
            last->next = json->child;
            json->child = NULL;
        }

        next = json->next;
        json->next = NULL;

        if (last == json) {
            last = next;
        }

        cJSON_Delete(json);
    }
}
