
/*
 * What a function answers.  All of this may run in a thread of a pool.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_copy(ngx_task_t *t, ngx_str_t *dst,
    const char *src);
static const char *ngx_http_task_header_wrong(const char *name,
    const char *value);
static ngx_uint_t ngx_http_task_text_is_safe(const char *p);


void
ngx_http_task_result_free(ngx_http_task_result_t *result)
{
    if (result->members) {
        ngx_http_task_object_free(result);
    }

    if (result->json) {
        ngx_http_task_json_delete(result->json);
        result->json = NULL;
    }

    if (result->free_body) {
        result->free_body(result->body.data);
        result->free_body = NULL;
    }
}


const char *
ngx_http_task_result_why(ngx_task_t *t)
{
    if (ngx_http_task_misused(t)) {
        return "it is written wrong";
    }

    if (ngx_http_task_lacked_memory(t)) {
        return "no memory";
    }

    if (t->result.failed) {
        return NULL;
    }

    return (t->rc == NGX_TASK_CANCELLED)
           ? "it returned NGX_TASK_CANCELLED, and was not cancelled"
           : "it returned NGX_TASK_FAILED, and gave no reason by "
             "ngx_task_fail()";
}


void
ngx_task_set_result(ngx_task_t *t, cJSON *value)
{
    if (t->result.json && value == t->result.json) {
        return;
    }

    if (!ngx_http_task_set_takes(t, value)) {
        return;
    }

    if (!ngx_http_task_set_may(t)) {
        ngx_http_task_json_delete(value);
        return;
    }

    ngx_http_task_result_free(&t->result);

    if (t->result.bytes) {
        t->result.bytes = 0;
        ngx_str_null(&t->result.body);
        ngx_str_null(&t->result.type);
    }

    t->result.json = value;
    if (value == NULL) {
        ngx_http_task_no_memory(t);
    }
}


void
ngx_task_set_bytes(ngx_task_t *t, const char *content_type, void *data,
    size_t len, void (*free_fn)(void *))
{
    if (!ngx_http_task_set_may(t)) {
        if (free_fn) {
            free_fn(data);
        }

        return;
    }

    if (data == NULL && len) {
        ngx_http_task_log_misuse(t, "sets bytes that are NULL");
        return;
    }

    if (t->result.bytes && t->result.body.data == data) {
        t->result.free_body = NULL;
    }

    ngx_http_task_result_free(&t->result);

    t->result.bytes = 1;
    t->result.body.data = data;
    t->result.body.len = len;
    t->result.free_body = free_fn;

    ngx_task_set_content_type(t, content_type);
}


void
ngx_task_set_content_type(ngx_task_t *t, const char *content_type)
{
    if (!ngx_http_task_set_may(t)) {
        return;
    }

    if (content_type == NULL || *content_type == '\0'
        || !ngx_http_task_text_is_safe(content_type))
    {
        ngx_http_task_log_misuse(t, "sets an invalid content type");
        return;
    }

    (void) ngx_http_task_copy(t, &t->result.type, content_type);
}


void
ngx_task_set_status(ngx_task_t *t, int status)
{
    if (!ngx_http_task_set_may(t)) {
        return;
    }

    if (status < 200 || status > 599) {
        ngx_http_task_log_misuse_number(t, "sets an invalid status, it "
                                           "must be 200 to 599", status);
        return;
    }

    t->result.status = status;
}


void
ngx_task_set_header(ngx_task_t *t, const char *name, const char *value)
{
    ngx_keyval_t  *kv;
    const char    *wrong;

    if (!ngx_http_task_set_may(t)) {
        return;
    }

    wrong = ngx_http_task_header_wrong(name, value);

    if (wrong) {
        ngx_http_task_log_misuse_of(t, wrong, name ? name : "NULL");
        return;
    }

    if (t->result.headers == NULL) {
        t->result.headers = ngx_array_create(t->pool, 4, sizeof(ngx_keyval_t));
    }

    kv = t->result.headers ? ngx_array_push(t->result.headers) : NULL;

    if (kv == NULL) {
        ngx_http_task_no_memory(t);
        return;
    }

    /* in HTTP/2 space around a value is an error */

    while (*value == ' ') {
        value++;
    }

    if (ngx_http_task_copy(t, &kv->key, name) != NGX_OK
        || ngx_http_task_copy(t, &kv->value, value) != NGX_OK)
    {
        t->result.headers->nelts--;
        return;
    }

    while (kv->value.len && kv->value.data[kv->value.len - 1] == ' ') {
        kv->value.len--;
    }
}


/* returns what is wrong with a header, or NULL */

static const char *
ngx_http_task_header_wrong(const char *name, const char *value)
{
    const char  *p, **header;

    static const char  *own[] = {
        "Connection", "Content-Length", "Content-Type", "Date",
        "HTTP2-Settings", "Keep-Alive", "Proxy-Connection", "Server", "TE",
        "Trailer", "Transfer-Encoding", "Upgrade", NULL
    };

    if (name == NULL || value == NULL) {
        return "sets a header that is NULL";
    }

    for (p = name; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *p)) {
            break;
        }
    }

    if (p == name || *p) {
        return "sets a header of an invalid name";
    }

    if (!ngx_http_task_text_is_safe(value)) {
        return "sets a header to an invalid value";
    }

    for (header = own; *header; header++) {
        if (ngx_strcasecmp((u_char *) *header, (u_char *) name) == 0) {
            return "sets a header that is nginx's own";
        }
    }

    return NULL;
}


ngx_task_rc_t
ngx_task_fail(ngx_task_t *t, int status, const char *message)
{
    size_t   len;
    u_char  *p;

    if (!ngx_http_task_set_late(t)) {
        return NGX_TASK_FAILED;
    }

    if (status < 400 || status > 599) {
        ngx_http_task_log_misuse_number(t, "fails with an invalid status, it "
                                           "must be 400 to 599", status);
        return NGX_TASK_FAILED;
    }

    t->result.failed = status;

    message = message ? message : "";
    len = ngx_strlen(message);

    p = ngx_pnalloc(t->pool, len * NGX_HTTP_TASK_UTF8_GROWTH + 1);
    if (p == NULL) {
        ngx_http_task_no_memory(t);
        return NGX_TASK_FAILED;
    }

    t->result.detail.data = p;
    t->result.detail.len = ngx_http_task_utf8_copy(p, (u_char *) message, len);
    p[t->result.detail.len] = '\0';

    return NGX_TASK_FAILED;
}


static ngx_int_t
ngx_http_task_copy(ngx_task_t *t, ngx_str_t *dst, const char *src)
{
    dst->len = ngx_strlen(src);
    dst->data = ngx_pnalloc(t->pool, dst->len + 1);

    if (dst->data == NULL) {
        ngx_http_task_no_memory(t);
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, src, dst->len + 1);

    return NGX_OK;
}


/* returns 0 if there are control characters: they could begin another line */

static ngx_uint_t
ngx_http_task_text_is_safe(const char *p)
{
    for ( /* void */ ; *p; p++) {
        if ((u_char) *p < 0x20 || *p == 0x7f) {
            return 0;
        }
    }

    return 1;
}
