
/*
 * The errors of a request, in the form of FastAPI:
 *
 *     {"detail":[{"type":..,"loc":[..],"msg":..,"input":..,"ctx":{..}}]}
 *
 * A part that could not be allocated is NULL, and NGX_ERROR is returned then.
 */


#include "answer/ngx_http_task_answer.h"
#include "text/ngx_http_task_json.h"


/* how many bytes of a wrong value are sent back */

#define NGX_HTTP_TASK_ECHO  1024


static ngx_int_t ngx_http_task_error_add(cJSON **errors, const char *type,
    const char *msg, cJSON *loc, cJSON *input, cJSON *ctx, ngx_uint_t ok);
static ngx_uint_t ngx_http_task_add(cJSON *to, const char *name, cJSON *item);
static ngx_int_t ngx_http_task_print_to(ngx_pool_t *pool, cJSON *json,
    ngx_str_t *text);


ngx_int_t
ngx_http_task_error(cJSON **errors, const char *type, const char *msg,
    cJSON *loc, cJSON *input, const char *name, cJSON *value)
{
    cJSON       *ctx;
    ngx_uint_t   ok;

    ctx = NULL;
    ok = 1;

    if (name) {
        ctx = cJSON_CreateObject();
        ok = ngx_http_task_add(ctx, name, value);
    }

    return ngx_http_task_error_add(errors, type, msg, loc, input, ctx, ok);
}


/* takes ownership of loc, input and ctx, which has all that it shall: ok */

static ngx_int_t
ngx_http_task_error_add(cJSON **errors, const char *type, const char *msg,
    cJSON *loc, cJSON *input, cJSON *ctx, ngx_uint_t ok)
{
    cJSON  *error;

    if (*errors == NULL) {
        *errors = cJSON_CreateArray();
    }

    error = cJSON_CreateObject();

    ok &= ngx_http_task_add(error, "type", cJSON_CreateString(type));
    ok &= ngx_http_task_add(error, "loc", loc);
    ok &= ngx_http_task_add(error, "msg", cJSON_CreateString(msg));
    ok &= ngx_http_task_add(error, "input", input);

    if (ctx) {
        ok &= ngx_http_task_add(error, "ctx", ctx);
    }

    ok &= ngx_http_task_add(*errors, NULL, error);

    return ok ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_http_task_error_items(cJSON **errors, ngx_uint_t most, size_t bound,
    size_t n, cJSON *loc, cJSON *input)
{
    u_char       msg[128];
    cJSON       *ctx;
    ngx_uint_t   ok;

    *ngx_sprintf(msg, "List should have at %s %uz item%s after validation, not "
                 "%uz", most ? "most" : "least", bound, bound == 1 ? "" : "s",
                 n) = '\0';

    ctx = cJSON_CreateObject();

    ok = ngx_http_task_add(ctx, "field_type", cJSON_CreateString("List"));
    ok &= ngx_http_task_add(ctx, most ? "max_length" : "min_length",
                            cJSON_CreateNumber((double) bound));
    ok &= ngx_http_task_add(ctx, "actual_length",
                            cJSON_CreateNumber((double) n));

    return ngx_http_task_error_add(errors, most ? "too_long" : "too_short",
                                   (char *) msg, loc, input, ctx, ok);
}


/* takes ownership of item, also when it fails; name is NULL for an array */

static ngx_uint_t
ngx_http_task_add(cJSON *to, const char *name, cJSON *item)
{
    if (to && item
        && (name ? cJSON_AddItemToObject(to, name, item)
                 : cJSON_AddItemToArray(to, item)))
    {
        return 1;
    }

    cJSON_Delete(item);

    return 0;
}


ngx_int_t
ngx_http_task_error_invalid(cJSON **errors, ngx_http_task_invalid_t *invalid,
    cJSON *loc, cJSON *input)
{
    cJSON  *value;

    value = NULL;

    if (invalid->ctx) {
        value = invalid->reason ? cJSON_CreateString(invalid->reason)
                                : cJSON_CreateRaw((char *) invalid->bound);
    }

    return ngx_http_task_error(errors, invalid->type, (char *) invalid->msg,
                               loc, input, invalid->ctx, value);
}


ngx_int_t
ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors, ngx_str_t *text)
{
    cJSON      *object;
    ngx_int_t   rc;

    object = cJSON_CreateObject();

    rc = ngx_http_task_add(object, "detail", *errors) ? NGX_OK : NGX_ERROR;

    *errors = NULL;

    if (rc == NGX_OK) {
        rc = ngx_http_task_print_to(pool, object, text);
    }

    cJSON_Delete(object);

    return rc;
}


/* {"detail": "..."} */

ngx_int_t
ngx_http_task_error_detail(ngx_pool_t *pool, const ngx_str_t *detail,
    ngx_str_t *text)
{
    cJSON      *object;
    ngx_int_t   rc;

    object = cJSON_CreateObject();

    if (!cJSON_AddStringToObject(object, "detail", (char *) detail->data)) {
        cJSON_Delete(object);
        return NGX_ERROR;
    }

    rc = ngx_http_task_print_to(pool, object, text);

    cJSON_Delete(object);

    return rc;
}


static ngx_int_t
ngx_http_task_print_to(ngx_pool_t *pool, cJSON *json, ngx_str_t *text)
{
    char        *p;
    const char  *wrong;

    if (!ngx_http_task_json_print(json, &p, &text->len, &wrong)) {
        return NGX_ERROR;
    }

    text->data = ngx_pnalloc(pool, text->len);

    if (text->data) {
        ngx_memcpy(text->data, p, text->len);
    }

    cJSON_free(p);

    return text->data ? NGX_OK : NGX_ERROR;
}


cJSON *
ngx_http_task_error_loc(const char *where, const ngx_http_task_step_t *steps,
    ngx_uint_t n)
{
    cJSON       *loc, *step;
    ngx_uint_t   i, ok;

    loc = cJSON_CreateArray();

    ok = ngx_http_task_add(loc, NULL, cJSON_CreateString(where));

    for (i = 0; i < n; i++) {
        step = steps[i].name ? cJSON_CreateString(steps[i].name)
                             : cJSON_CreateNumber((double) steps[i].position);

        ok &= ngx_http_task_add(loc, NULL, step);
    }

    if (!ok) {
        cJSON_Delete(loc);
        return NULL;
    }

    return loc;
}


cJSON *
ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t   i, n, len;
    u_char  *p, *last;

    /* a character that is cut is replaced, as any invalid byte is */

    len = ngx_min(text->len, NGX_HTTP_TASK_ECHO);

    p = ngx_pnalloc(pool, len * NGX_HTTP_TASK_UTF8_GROWTH + 1);
    if (p == NULL) {
        return NULL;
    }

    last = p;

    for (i = 0; i < len; i += n + 1) {

        /* a null cannot be shown: it is replaced, as an invalid byte is */

        for (n = 0; i + n < len && text->data[i + n]; n++) { /* void */ }

        last += ngx_http_task_utf8_copy(last, text->data + i, n);

        if (i + n < len) {
            last = ngx_cpymem(last, "\xef\xbf\xbd", 3);
        }
    }

    *last = '\0';

    return cJSON_CreateString((char *) p);
}


/* sends JSON back as it stands: a double could not hold all digits */

cJSON *
ngx_http_task_error_echo_json(ngx_pool_t *pool, ngx_http_task_span_t *span)
{
    u_char     *p;
    ngx_str_t   text;

    if (span->len > NGX_HTTP_TASK_ECHO) {
        text.data = (u_char *) span->data;
        text.len = span->len;

        return ngx_http_task_error_echo_text(pool, &text);
    }

    p = ngx_pnalloc(pool, span->len + 1);
    if (p == NULL) {
        return NULL;
    }

    *ngx_cpymem(p, span->data, span->len) = '\0';

    return cJSON_CreateRaw((char *) p);
}


/* replaces a secret, and what may have one in it */

cJSON *
ngx_http_task_error_echo_secret(void)
{
    return cJSON_CreateString("[secret]");
}
