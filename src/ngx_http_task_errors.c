
/*
 * The errors of a request, as FastAPI tells them:
 *
 *     {"detail":[{"type":..,"loc":[..],"msg":..,"input":..,"ctx":{..}}]}
 *
 * What could not be allocated is NULL, which cJSON takes for nothing.
 */


#include "ngx_http_task.h"


/* how much of a wrong value is sent back, bytes */

#define NGX_HTTP_TASK_ECHO  1024


static ngx_int_t ngx_http_task_print_to(ngx_pool_t *pool, cJSON *json,
    ngx_str_t *text);


ngx_int_t
ngx_http_task_error(cJSON **errors, const char *type, const char *msg,
    cJSON *loc, cJSON *input, cJSON *ctx)
{
    cJSON  *error;

    if (*errors == NULL) {
        *errors = cJSON_CreateArray();
    }

    error = cJSON_CreateObject();

    if (*errors == NULL || error == NULL || loc == NULL || input == NULL) {
        cJSON_Delete(error);
        cJSON_Delete(loc);
        cJSON_Delete(input);
        cJSON_Delete(ctx);
        return NGX_ERROR;
    }

    cJSON_AddStringToObject(error, "type", type);
    cJSON_AddItemToObject(error, "loc", loc);
    cJSON_AddStringToObject(error, "msg", msg);
    cJSON_AddItemToObject(error, "input", input);

    if (ctx) {
        cJSON_AddItemToObject(error, "ctx", ctx);
    }

    cJSON_AddItemToArray(*errors, error);

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_task_error_invalid(cJSON **errors, ngx_http_task_invalid_t *invalid,
    cJSON *loc, cJSON *input)
{
    cJSON  *ctx;

    ctx = NULL;

    if (invalid->ctx) {
        ctx = cJSON_CreateObject();

        if (invalid->reason) {
            cJSON_AddStringToObject(ctx, invalid->ctx, invalid->reason);

        } else {
            cJSON_AddNumberToObject(ctx, invalid->ctx, invalid->bound);
        }
    }

    return ngx_http_task_error(errors, invalid->type, (char *) invalid->msg,
                               loc, input, ctx);
}


ngx_int_t
ngx_http_task_error_print(ngx_pool_t *pool, cJSON **errors, ngx_str_t *text)
{
    cJSON      *object;
    ngx_int_t   rc;

    object = cJSON_CreateObject();

    if (!cJSON_AddItemToObject(object, "detail", *errors)) {
        cJSON_Delete(object);
        return NGX_ERROR;
    }

    *errors = NULL;

    rc = ngx_http_task_print_to(pool, object, text);

    cJSON_Delete(object);

    return rc;
}


/* {"detail": "..."} */

ngx_int_t
ngx_http_task_error_detail(ngx_pool_t *pool, ngx_str_t *detail, ngx_str_t *text)
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
    char  *p;

    p = cJSON_PrintUnformatted(json);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_strlen(p);
    text->data = ngx_pnalloc(pool, text->len + 1);

    if (text->data) {
        ngx_memcpy(text->data, p, text->len);
    }

    cJSON_free(p);

    return text->data ? NGX_OK : NGX_ERROR;
}


cJSON *
ngx_http_task_error_loc(const char *where, const char *name)
{
    cJSON  *loc;

    loc = cJSON_CreateArray();

    cJSON_AddItemToArray(loc, cJSON_CreateString(where));

    if (name) {
        cJSON_AddItemToArray(loc, cJSON_CreateString(name));
    }

    return loc;
}


cJSON *
ngx_http_task_error_echo_text(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t   i, n, len;
    u_char  *p, *last;

    /* a cut inside a character ends in a replacement, as any invalid byte */

    len = ngx_min(text->len, NGX_HTTP_TASK_ECHO);

    p = ngx_pnalloc(pool, len * NGX_HTTP_TASK_UTF8_GROWTH + 1);
    if (p == NULL) {
        return NULL;
    }

    last = p;

    for (i = 0; i < len; i += n + 1) {

        /* a null could not be shown, it is as invalid as other bytes */

        for (n = 0; i + n < len && text->data[i + n]; n++) { /* void */ }

        last += ngx_http_task_utf8_copy(last, text->data + i, n);

        if (i + n < len) {
            last = ngx_cpymem(last, "\xef\xbf\xbd", 3);
        }
    }

    *last = '\0';

    return cJSON_CreateString((char *) p);
}


/* as it stands: numbers keep digits that a double has not */

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
