
/*
 * libFuzzer on all that reads text from outside: FUZZ is one of fuzz_json,
 * fuzz_text, fuzz_number.  Beside what the sanitizers find, some things have to
 * be true.
 */


#include "ngx_http_task_text.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>


void fuzz_json(const unsigned char *p, size_t len);
void fuzz_text(const unsigned char *p, size_t len);
void fuzz_number(const unsigned char *p, size_t len);


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
    cJSON  *json;

    (void) data;

    /* a name, and a scalar, is what cJSON takes */

    must(name->len >= 2 && name->data[0] == '"');
    must(value->len > 0);

    json = cJSON_ParseWithLength((const char *) name->data, name->len);
    must(json != NULL && cJSON_IsString(json));
    cJSON_Delete(json);

    if (value->data[0] != '{' && value->data[0] != '[') {
        json = cJSON_ParseWithLength((const char *) value->data, value->len);
        must(json != NULL);
        cJSON_Delete(json);
    }
}


void
fuzz_json(const unsigned char *p, size_t len)
{
    cJSON                 *json;
    ngx_http_task_json_t   out;

    ngx_http_task_json_scan(p, len, member, NULL, &out);

    must(out.position <= len);

    if (out.error == NULL) {
        must(out.root.data >= p && out.root.data + out.root.len <= p + len);

        json = cJSON_ParseWithLength((const char *) out.root.data,
                                     out.root.len);
        must(json != NULL);
        cJSON_Delete(json);
    }
}


void
fuzz_text(const unsigned char *p, size_t len)
{
    cJSON          *json;
    size_t          n, m;
    unsigned char  *buf, *copy;

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
    int       truth;
    double    number;
    int64_t   n;

    if (ngx_http_task_parse_int(p, len, &n)
        && ngx_http_task_parse_number(p, len, &number)
        && n > -1000000000000000 && n < 1000000000000000)
    {
        must((double) n == number);
    }

    if (ngx_http_task_parse_bool(p, len, &truth)) {
        must(truth == 0 || truth == 1);
    }
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
