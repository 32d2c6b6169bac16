
/*
 * Prints a tree of cJSON.  cJSON's own printer may print 15 digits of a double
 * that needs 17, and lets pass what is not UTF-8.
 */


#include "text/ngx_http_task_json.h"

#include <string.h>


/* the first size of a text, bytes; it is doubled when that is not enough */

#define NGX_HTTP_TASK_JSON_PRINT  256


typedef struct {
    char        *start;
    size_t       len;
    size_t       size;
    unsigned     depth;
    const char  *wrong;
} json_print_t;


static int print_value(json_print_t *out, const cJSON *json);
static int print_children(json_print_t *out, const cJSON *json);
static int print_string(json_print_t *out, const char *text);
static int print_text(json_print_t *out, const char *text, size_t len);
static unsigned char *print_room(json_print_t *out, size_t len);


int
ngx_http_task_json_print(const cJSON *json, char **text, size_t *len,
    const char **wrong)
{
    json_print_t  out;

    memset(&out, 0, sizeof(json_print_t));

    if (print_value(&out, json)) {
        *text = out.start;
        *len = out.len;
        return 1;
    }

    cJSON_free(out.start);
    *wrong = out.wrong;

    return 0;
}


/* these return 1; or 0, if there is no memory, or something is wrong */

static int
print_value(json_print_t *out, const cJSON *json)
{
    size_t          n;
    unsigned char  *p;

    switch (json->type & 0xff) {

    case cJSON_NULL:
        return print_text(out, "null", 4);

    case cJSON_False:
        return print_text(out, "false", 5);

    case cJSON_True:
        return print_text(out, "true", 4);

    case cJSON_Number:
        p = print_room(out, NGX_HTTP_TASK_NUMBER_TEXT);
        n = p ? ngx_http_task_print_number(p, json->valuedouble) : 0;
        out->len += n;
        return n > 0;

    case cJSON_String:
        return print_string(out, json->valuestring);

    case cJSON_Raw:

        if (json->valuestring) {
            return print_text(out, json->valuestring,
                              strlen(json->valuestring));
        }

        break;

    case cJSON_Array:
    case cJSON_Object:

        if (out->depth == NGX_HTTP_TASK_JSON_LEVELS) {
            out->wrong = "sets JSON of too many levels";
            return 0;
        }

        return print_children(out, json);
    }

    out->wrong = "sets what is no JSON";

    return 0;
}


static int
print_children(json_print_t *out, const cJSON *json)
{
    int           object;
    const cJSON  *child;

    object = cJSON_IsObject(json);

    if (!print_text(out, object ? "{" : "[", 1)) {
        return 0;
    }

    out->depth++;

    for (child = json->child; child; child = child->next) {

        if (object && (!print_string(out, child->string)
                       || !print_text(out, ":", 1)))
        {
            return 0;
        }

        if (!print_value(out, child)) {
            return 0;
        }

        if (child->next && !print_text(out, ",", 1)) {
            return 0;
        }
    }

    out->depth--;

    return print_text(out, object ? "}" : "]", 1);
}


/* NULL is printed as "", as cJSON does; what is not UTF-8 is replaced */

static int
print_string(json_print_t *out, const char *text)
{
    size_t                len, n;
    unsigned char        *p, *copy;
    const unsigned char  *src;

    src = (const unsigned char *) (text ? text : "");
    len = strlen((const char *) src);
    copy = NULL;

    if (ngx_http_task_utf8_valid(src, len) != len) {
        copy = cJSON_malloc(len * NGX_HTTP_TASK_UTF8_GROWTH);
        if (copy == NULL) {
            return 0;
        }

        len = ngx_http_task_utf8_copy(copy, src, len);
        src = copy;
    }

    n = ngx_http_task_json_quote(NULL, src, len);
    p = print_room(out, n);

    if (p) {
        (void) ngx_http_task_json_quote(p, src, len);
        out->len += n;
    }

    cJSON_free(copy);

    return p != NULL;
}


static int
print_text(json_print_t *out, const char *text, size_t len)
{
    unsigned char  *p;

    p = print_room(out, len);

    if (p) {
        memcpy(p, text, len);
        out->len += len;
    }

    return p != NULL;
}


static unsigned char *
print_room(json_print_t *out, size_t len)
{
    char    *start;
    size_t   size;

    if (out->size - out->len < len || out->size == 0) {

        size = out->size ? out->size : NGX_HTTP_TASK_JSON_PRINT;

        while (size - out->len < len) {
            size *= 2;
        }

        start = cJSON_malloc(size);
        if (start == NULL) {
            return NULL;
        }

        if (out->len) {
            memcpy(start, out->start, out->len);
        }

        cJSON_free(out->start);

        out->start = start;
        out->size = size;
    }

    return (unsigned char *) out->start + out->len;
}
