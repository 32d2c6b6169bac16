
/*
 * Reads JSON into a tree of cJSON.  The text is checked first, see
 * ngx_http_task_json.c: so all that is read here has the right form, and only
 * memory can be missing.
 */


#include "text/ngx_http_task_json.h"

#include <limits.h>
#include <string.h>


typedef struct {
    const unsigned char          *p;
    const unsigned char          *end;
    ngx_http_task_json_alloc_pt   alloc;
    void                         *data;
} json_tree_t;


static int tree_goes_on(const ngx_http_task_json_t *json,
    const unsigned char *end);
static void *tree_malloc(void *data, size_t size);
static int tree_value(json_tree_t *t, cJSON *json);
static int tree_children(json_tree_t *t, cJSON *parent);
static cJSON *tree_node(json_tree_t *t, cJSON *parent);
static char *tree_string(json_tree_t *t);
static void tree_number(json_tree_t *t, cJSON *json);
static void tree_space(json_tree_t *t);


cJSON *
ngx_http_task_json_tree(const unsigned char *p, size_t len)
{
    cJSON                *tree;
    json_tree_t           t;
    ngx_http_task_json_t  json;

    ngx_http_task_json_check(p, len, NGX_HTTP_TASK_JSON_LEVELS, &json);

    /* as cJSON's parser does, ignore what stands behind the value */

    if (json.root.len == 0 || tree_goes_on(&json, p + len)) {
        return NULL;
    }

    t.p = json.root.data;
    t.end = t.p + json.root.len;
    t.alloc = tree_malloc;
    t.data = NULL;

    tree = tree_node(&t, NULL);

    if (tree && !tree_value(&t, tree)) {
        cJSON_Delete(tree);
        return NULL;
    }

    return tree;
}


cJSON *
ngx_http_task_json_tree_in(const ngx_http_task_span_t *value,
    ngx_http_task_json_alloc_pt alloc, void *data)
{
    cJSON       *tree;
    json_tree_t  t;

    t.p = value->data;
    t.end = t.p + value->len;
    t.alloc = alloc;
    t.data = data;

    tree = tree_node(&t, NULL);

    return (tree && tree_value(&t, tree)) ? tree : NULL;
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


static void *
tree_malloc(void *data, size_t size)
{
    (void) data;

    return cJSON_malloc(size);
}


/* these leave t->p behind what they have read, and return 0: no memory */

static int
tree_value(json_tree_t *t, cJSON *json)
{
    switch (*t->p) {

    case 't':
        t->p += 4;
        json->type = cJSON_True;
        json->valueint = 1;
        return 1;

    case 'f':
        t->p += 5;
        json->type = cJSON_False;
        return 1;

    case 'n':
        t->p += 4;
        json->type = cJSON_NULL;
        return 1;

    case '"':
        json->type = cJSON_String;
        json->valuestring = tree_string(t);
        return json->valuestring != NULL;

    case '{':
        json->type = cJSON_Object;
        return tree_children(t, json);

    case '[':
        json->type = cJSON_Array;
        return tree_children(t, json);
    }

    tree_number(t, json);

    return 1;
}


static int
tree_children(json_tree_t *t, cJSON *parent)
{
    cJSON  *child;

    do {
        t->p++;
        tree_space(t);

        if (*t->p == '}' || *t->p == ']') {
            break;
        }

        child = tree_node(t, parent);
        if (child == NULL) {
            return 0;
        }

        if (parent->type == cJSON_Object) {

            /* if a name comes twice, both members are kept, as cJSON does */

            child->string = tree_string(t);
            if (child->string == NULL) {
                return 0;
            }

            tree_space(t);
            t->p++;
            tree_space(t);
        }

        if (!tree_value(t, child)) {
            return 0;
        }

        tree_space(t);

    } while (*t->p == ',');

    t->p++;

    return 1;
}


/* a root has no parent; the prev of a first child is the last, as in cJSON */

static cJSON *
tree_node(json_tree_t *t, cJSON *parent)
{
    cJSON  *node, *last;

    node = t->alloc(t->data, sizeof(cJSON));
    if (node == NULL) {
        return NULL;
    }

    memset(node, 0, sizeof(cJSON));

    /* until it is read, freeing it has to do nothing with it */

    node->type = cJSON_NULL;

    if (parent == NULL) {
        return node;
    }

    if (parent->child == NULL) {
        parent->child = node;

    } else {
        last = parent->child->prev;
        last->next = node;
        node->prev = last;
    }

    parent->child->prev = node;

    return node;
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

    text = t->alloc(t->data, span.len - 1);

    if (text) {
        len = ngx_http_task_json_unquote((unsigned char *) text, &span);
        text[len] = '\0';
    }

    return text;
}


/* the integer is as cJSON has it */

static void
tree_number(json_tree_t *t, cJSON *json)
{
    double                number;
    const unsigned char  *start;

    start = t->p;

    while (t->p < t->end && *t->p && strchr("0123456789+-.eE", *t->p)) {
        t->p++;
    }

    number = 0;
    (void) ngx_http_task_parse_number(start, t->p - start, &number);

    json->type = cJSON_Number;
    json->valuedouble = number;
    json->valueint = (number >= INT_MAX) ? INT_MAX
                     : (number <= (double) INT_MIN) ? INT_MIN : (int) number;
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
