
/*
 * What a function answers.  All of this may run in a thread of a pool.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_copy(ngx_task_t *t, ngx_str_t *dst,
    const char *src);
static const char *ngx_http_task_header_wrong(const char *name,
    const char *value);
static ngx_uint_t ngx_http_task_text_is_safe(const char *p);
static void ngx_http_task_print(ngx_task_t *t);


void
ngx_http_task_misuse(ngx_task_t *t, const char *what)
{
    ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s", what);

    t->result.misuse = what;
}


void
ngx_http_task_complete(ngx_task_t *t, ngx_task_rc_t rc)
{
    if ((ngx_uint_t) rc >= NGX_TASK_BUSY) {
        ngx_http_task_misuse(t, (rc == NGX_TASK_AGAIN)
                                ? "returns NGX_TASK_AGAIN, awaiting nothing"
                                : "returns what is no result");
        rc = NGX_TASK_FAILED;
    }

    /* printing belongs to the run: in thread mode it is off the event loop */

    if (rc == NGX_TASK_OK && !t->result.bytes && !t->result.misuse) {
        ngx_http_task_print(t);
    }

    t->result.made = 1;

    ngx_http_task_object_free(&t->result);

    ngx_http_task_json_delete(t->result.json);
    t->result.json = NULL;

    ngx_http_task_run_defers(t);

    t->rc = (t->result.nomem || t->result.misuse) ? NGX_TASK_FAILED : rc;
}


static void
ngx_http_task_print(ngx_task_t *t)
{
    ngx_http_task_result_t  *result;

    result = &t->result;

    if (result->json == NULL) {
        ngx_http_task_object_print(t);
        return;
    }

    result->body.data = ngx_http_task_result_json(t, result->json,
                                                  &result->body.len);

    if (result->body.data) {
        result->free_body = cJSON_free;
    }
}


u_char *
ngx_http_task_result_json(ngx_task_t *t, cJSON *json, size_t *len)
{
    char        *text;
    const char  *wrong;

    if (ngx_http_task_json_print(json, &text, len, &wrong)) {
        return (u_char *) text;
    }

    if (wrong) {
        ngx_http_task_misuse(t, wrong);

    } else {
        t->result.nomem = 1;
    }

    return NULL;
}


void
ngx_http_task_result_free(ngx_http_task_result_t *result)
{
    ngx_http_task_object_free(result);

    ngx_http_task_json_delete(result->json);
    result->json = NULL;

    if (result->free_body) {
        result->free_body(result->body.data);
        result->free_body = NULL;
    }
}


ngx_uint_t
ngx_http_task_may_set(ngx_task_t *t)
{
    if (t->result.made) {
        ngx_http_task_misuse(t, "sets its result in a deferred call");
        return 0;
    }

    return 1;
}


/*
 * Whether the value is nobody's: not set before, nor in an array or an object,
 * where cJSON links each item to the one before.
 */

ngx_uint_t
ngx_http_task_may_take(ngx_task_t *t, cJSON *value)
{
    ngx_http_task_member_t  *member;

    if (value == NULL) {
        return 1;
    }

    member = t->result.members;

    while (member && member->json != value) {
        member = member->next;
    }

    if (member || value == t->result.json || value->prev || value->next) {
        ngx_http_task_misuse(t, "sets a value that belongs to another already");
        return 0;
    }

    return 1;
}


void
ngx_task_set_result(ngx_task_t *t, cJSON *value)
{
    if (t->result.json && value == t->result.json) {
        return;
    }

    if (!ngx_http_task_may_take(t, value)) {
        return;
    }

    if (!ngx_http_task_may_set(t)) {
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
    t->result.nomem |= (value == NULL);
}


void
ngx_task_set_bytes(ngx_task_t *t, const char *content_type, void *data,
    size_t len, void (*free_fn)(void *))
{
    if (!ngx_http_task_may_set(t)) {
        if (free_fn) {
            free_fn(data);
        }

        return;
    }

    if (data == NULL && len) {
        ngx_http_task_misuse(t, "sets bytes that are NULL");
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

    if (content_type == NULL || *content_type == '\0'
        || !ngx_http_task_text_is_safe(content_type))
    {
        ngx_http_task_misuse(t, "sets an invalid content type");
        return;
    }

    (void) ngx_http_task_copy(t, &t->result.type, content_type);
}


void
ngx_task_set_status(ngx_task_t *t, int status)
{
    if (!ngx_http_task_may_set(t)) {
        return;
    }

    if (status < 200 || status > 599) {
        ngx_http_task_misuse(t, "sets an invalid status");
        return;
    }

    t->result.status = status;
}


void
ngx_task_set_header(ngx_task_t *t, const char *name, const char *value)
{
    ngx_keyval_t  *kv;
    const char    *wrong;

    if (!ngx_http_task_may_set(t)) {
        return;
    }

    wrong = ngx_http_task_header_wrong(name, value);

    if (wrong) {
        ngx_http_task_misuse(t, wrong);
        return;
    }

    if (t->result.headers == NULL) {
        t->result.headers = ngx_array_create(t->pool, 4, sizeof(ngx_keyval_t));
    }

    kv = t->result.headers ? ngx_array_push(t->result.headers) : NULL;

    if (kv == NULL) {
        t->result.nomem = 1;
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


/* NULL: nothing is */

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

    if (p == name || *p || !ngx_http_task_text_is_safe(value)) {
        return "sets an invalid header";
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

    if (!ngx_http_task_may_set(t)) {
        return NGX_TASK_FAILED;
    }

    if (status < 400 || status > 599) {
        ngx_http_task_misuse(t, "fails with an invalid status");
        return NGX_TASK_FAILED;
    }

    t->result.failed = status;

    message = message ? message : "";
    len = ngx_strlen(message);

    p = ngx_pnalloc(t->pool, len * NGX_HTTP_TASK_UTF8_GROWTH + 1);
    if (p == NULL) {
        t->result.nomem = 1;
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
        t->result.nomem = 1;
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, src, dst->len + 1);

    return NGX_OK;
}


/* no control characters: no second header, no second line of a log */

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
