
/*
 * libFuzzer on all that reads text from outside: FUZZ is one of fuzz_json,
 * fuzz_text, fuzz_number, fuzz_field.  Beside what the sanitizers find, some
 * things have to be true.
 */


#include "text/ngx_http_task_field.h"
#include "text/ngx_http_task_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>


void fuzz_json(const unsigned char *p, size_t len);
void fuzz_text(const unsigned char *p, size_t len);
void fuzz_number(const unsigned char *p, size_t len);
void fuzz_field(const unsigned char *p, size_t len);


static void
must(int truth)
{
    if (!truth) {
        abort();
    }
}


static void
member(void *data, const ngx_http_task_span_t *name,
    const ngx_http_task_span_t *value)
{
    cJSON          *json;
    size_t          len;
    unsigned char  *buf;

    (void) data;

    /* a name, and a scalar, is what cJSON takes, and means the same */

    must(name->len >= 2 && name->data[0] == '"');
    must(value->len > 0);

    json = cJSON_ParseWithLength((const char *) name->data, name->len);
    must(json != NULL && cJSON_IsString(json));

    buf = malloc(name->len);
    must(buf != NULL);

    len = ngx_http_task_json_unquote(buf, name);
    must(len <= name->len - 2);
    must(strlen(json->valuestring) == len);
    must(memcmp(json->valuestring, buf, len) == 0);
    must(ngx_http_task_json_is(name, buf, len));
    must(len == 0 || !ngx_http_task_json_is(name, buf, len - 1));

    free(buf);
    cJSON_Delete(json);

    if (value->data[0] != '{' && value->data[0] != '[') {
        json = cJSON_ParseWithLength((const char *) value->data, value->len);
        must(json != NULL);
        cJSON_Delete(json);
    }
}


static char *
print(const cJSON *json, size_t *len)
{
    char        *text;
    const char  *wrong;

    must(json != NULL);
    must(ngx_http_task_json_print(json, &text, len, &wrong));

    return text;
}


void
fuzz_json(const unsigned char *p, size_t len)
{
    char                  *text, *again;
    cJSON                 *json, *tree;
    size_t                 n, m;
    ngx_http_task_json_t   out;

    ngx_http_task_json_scan(p, len, member, NULL, &out);

    must(out.position <= len);

    if (out.error) {
        return;
    }

    must(out.root.data >= p && out.root.data + out.root.len <= p + len);

    tree = ngx_http_task_json_tree(p, len);
    text = print(tree, &n);

    /* cJSON reads the same, but cuts numbers of more than 63 characters */

    json = cJSON_ParseWithLength((const char *) out.root.data, out.root.len);
    must(json != NULL);

    if (len < 60) {
        again = print(json, &m);
        must(m == n && memcmp(text, again, n) == 0);
        cJSON_free(again);
    }

    cJSON_Delete(json);
    cJSON_Delete(tree);

    /* and what was printed means the same */

    tree = ngx_http_task_json_tree((unsigned char *) text, n);
    again = print(tree, &m);
    must(m == n && memcmp(text, again, n) == 0);

    cJSON_free(again);
    cJSON_free(text);
    cJSON_Delete(tree);
}


/* what is cut, or escaped, is whole characters; nothing makes a line */

static void
fit(const unsigned char *text, size_t len)
{
    size_t          i, n, size;
    unsigned char  *buf;

    size = len / 2 + 1;
    buf = malloc(size);
    must(buf != NULL);

    n = ngx_http_task_utf8_fit(buf, size, (const char *) text);
    must(n < size && buf[n] == '\0' && strlen((char *) buf) == n);
    must(ngx_http_task_utf8_valid(buf, n) == n);

    n = ngx_http_task_log_escape(buf, size, text, len);
    must(n <= size);
    must(ngx_http_task_utf8_valid(buf, n) == n);

    for (i = 0; i < n; i++) {
        must(buf[i] >= 0x20 && buf[i] != 0x7f);
        must(buf[i] != 0xc2 || buf[i + 1] >= 0xa0);
    }

    free(buf);
}


static void
pairs(const unsigned char *text, size_t len)
{
    size_t                 sum;
    unsigned char         *copy, *p;
    ngx_http_task_span_t   name, value;

    copy = malloc(len + 1);
    must(copy != NULL);
    memcpy(copy, text, len);

    p = copy;
    sum = 0;

    while (ngx_http_task_query_pair(&p, copy + len, &name, &value)) {
        must(p <= copy + len);
        must(name.data >= copy && value.data + value.len <= copy + len);
        must(name.data + name.len <= value.data);
        sum += name.len + value.len;
    }

    must(p == copy + len && sum <= len);

    free(copy);
}


void
fuzz_text(const unsigned char *p, size_t len)
{
    cJSON          *json;
    size_t          n, m;
    unsigned char  *buf, *copy;

    pairs(p, len);

    buf = malloc(len + 1);
    copy = malloc(len * NGX_HTTP_TASK_UTF8_GROWTH + 1);
    must(buf && copy);

    n = ngx_http_task_unescape(buf, p, len);
    must(n <= len);

    m = ngx_http_task_utf8_copy(copy, buf, n);
    must(m <= n * NGX_HTTP_TASK_UTF8_GROWTH);
    must(ngx_http_task_utf8_valid(copy, m) == m);

    if (ngx_http_task_utf8_valid(buf, n) == n) {
        must(m == n && memcmp(buf, copy, n) == 0);
    }

    buf[n] = '\0';
    fit(buf, n);

    free(buf);

    /* quoted, it is JSON, and means the same; a null is not for C strings */

    n = ngx_http_task_json_quote(NULL, copy, m);
    must(n <= 6 * m + 2);

    buf = malloc(n);
    must(buf != NULL);
    must(ngx_http_task_json_quote(buf, copy, m) == n);

    if (memchr(copy, '\0', m) == NULL) {
        json = cJSON_ParseWithLength((const char *) buf, n);
        must(json != NULL && cJSON_IsString(json));
        must(strlen(json->valuestring) == m);
        must(memcmp(json->valuestring, copy, m) == 0);
        cJSON_Delete(json);
    }

    free(buf);
    free(copy);
}


void
fuzz_number(const unsigned char *p, size_t len)
{
    int              truth;
    char            *copy;
    double           number, again;
    size_t           size;
    int64_t          n;
    unsigned char    text[NGX_HTTP_TASK_NUMBER_TEXT];

    if (ngx_http_task_parse_int(p, len, &n)
        && ngx_http_task_parse_number(p, len, &number)
        && n > -1000000000000000 && n < 1000000000000000)
    {
        must((double) n == number);
    }

    if (ngx_http_task_parse_number(p, len, &number)) {

        /* of any length it is what strtod() reads */

        copy = malloc(len + 1);
        must(copy != NULL);
        memcpy(copy, p, len);
        copy[len] = '\0';

        again = strtod(copy, NULL);
        must(again == number || (isnan(again) && isnan(number)));

        free(copy);

        size = ngx_http_task_print_number(text, number);
        must(size > 0 && size < sizeof(text));

        if (isfinite(number)) {
            must(ngx_http_task_parse_number(text, size, &again));
            must(again == number && signbit(again) == signbit(number));
        }
    }

    if (ngx_http_task_parse_bool(p, len, &truth)) {
        must(truth == 0 || truth == 1);
    }
}


static const char *const  types[] = {
    "application/json", "text/plain", "text/event-stream", NULL
};


void
fuzz_field(const unsigned char *p, size_t len)
{
    unsigned                i;
    unsigned char          *buf;
    ngx_http_task_span_t    rest, all, one, params;
    ngx_http_task_field_t   member, again, param;
    ngx_http_task_accept_t  accept, accept_more;
    ngx_http_task_prefer_t  prefer, prefer_more;

    /* each member, alone, is a member */

    all.data = p;
    all.len = len;

    for (rest = all; ngx_http_task_field_member(&rest, &member); ) {
        must(rest.data + rest.len == p + len);

        one.data = member.name.data;
        one.len = member.params.data + member.params.len - one.data;
        must(one.data >= p && one.data + one.len <= rest.data);

        must(ngx_http_task_field_member(&one, &again));
        must(one.len == 0);
        must(again.name.data == member.name.data);
        must(again.name.len == member.name.len && again.name.len);
        must(again.value.len == member.value.len);

        for (params = member.params; params.len; ) {
            if (ngx_http_task_field_param(&params, &param)) {
                must(param.name.len);
            }
        }
    }

    must(rest.len == 0);

    /* empty ones in front make no difference */

    buf = malloc(len + 3);
    must(buf != NULL);
    memcpy(buf, ", ,", 3);
    memcpy(buf + 3, p, len);

    rest.data = buf;
    rest.len = len + 3;

    memset(&accept, 0, sizeof(accept));
    accept.types = types;
    accept_more = accept;
    memset(&prefer, 0, sizeof(prefer));
    prefer_more = prefer;

    ngx_http_task_field_accept(&accept, &all);
    ngx_http_task_field_accept(&accept_more, &rest);
    must(memcmp(&accept, &accept_more, sizeof(accept)) == 0);
    must(ngx_http_task_field_choose(&accept) < 3);

    for (i = 0; i < 3; i++) {
        must(accept.liked[i].q <= 1000 && accept.liked[i].rank <= 6);
        must(accept.liked[i].order <= accept.ranges);
    }

    ngx_http_task_field_prefer(&prefer, &all);
    ngx_http_task_field_prefer(&prefer_more, &rest);
    must(memcmp(&prefer, &prefer_more, sizeof(prefer)) == 0);
    must(prefer.wait <= NGX_HTTP_TASK_PREFER_WAIT);

    free(buf);
}


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    unsigned char  *p;

    /* a copy of just that length: a byte too far is found */

    p = malloc(size ? size : 1);
    must(p != NULL);
    memcpy(p, data, size);

    FUZZ(p, size);

    free(p);

    return 0;
}
