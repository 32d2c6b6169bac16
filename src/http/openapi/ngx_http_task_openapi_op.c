
/*
 * An operation of OpenAPI, and its parameters.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static u_char *ngx_http_task_openapi_id(u_char *p, const u_char *text,
    size_t len);
static ngx_uint_t ngx_http_task_openapi_id_known(ngx_array_t *ids,
    ngx_str_t *id);
static ngx_uint_t ngx_http_task_openapi_param_known(cJSON *params,
    const char *in, ngx_str_t *name);


/* "sleep_task_choose_get", and with a number if there is one already */

cJSON *
ngx_http_task_openapi_operation(ngx_http_task_openapi_t *o, cJSON *item,
    const char *method, const char *name, ngx_http_task_openapi_path_t *path)
{
    cJSON       *op;
    size_t       len;
    u_char      *p;
    ngx_str_t    id, *known;
    ngx_uint_t   n;

    op = ngx_http_task_doc_object(&o->doc, item, method);

    len = ngx_strlen(name) + path->text.len + ngx_strlen(method) + 3;
    id.data = ngx_pnalloc(o->cf->temp_pool, len + NGX_INT_T_LEN);
    known = ngx_array_push(&o->ids);

    if (id.data == NULL || known == NULL) {
        o->doc.failed = 1;
        return NULL;
    }

    ngx_str_null(known);

    p = ngx_http_task_openapi_id(id.data, (u_char *) name, ngx_strlen(name));
    p = ngx_http_task_openapi_id(p, path->text.data, path->text.len);
    p = ngx_http_task_openapi_id(p, (u_char *) method, ngx_strlen(method));

    /* without the "_" at the end */

    len = p - 1 - id.data;
    id.len = len;

    for (n = 2; ngx_http_task_openapi_id_known(&o->ids, &id); n++) {
        id.len = ngx_sprintf(id.data + len, "_%ui", n) - id.data;
    }

    *known = id;

    ngx_http_task_doc_str(&o->doc, op, "operationId", &id);

    return op;
}


/* letters and digits, with a "_" behind each run of them */

static u_char *
ngx_http_task_openapi_id(u_char *p, const u_char *text, size_t len)
{
    u_char   c;
    size_t   i;
    u_char  *first;

    first = p;

    for (i = 0; i < len; i++) {
        c = ngx_tolower(text[i]);

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            *p++ = c;

        } else if (p > first && p[-1] != '_') {
            *p++ = '_';
        }
    }

    if (p > first && p[-1] != '_') {
        *p++ = '_';
    }

    return p;
}


static ngx_uint_t
ngx_http_task_openapi_id_known(ngx_array_t *ids, ngx_str_t *id)
{
    ngx_uint_t   i;
    ngx_str_t   *known;

    known = ids->elts;

    for (i = 0; i < ids->nelts; i++) {
        if (known[i].len == id->len
            && ngx_strncmp(known[i].data, id->data, id->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


cJSON *
ngx_http_task_openapi_param(ngx_http_task_openapi_t *o, cJSON *params,
    const char *in, ngx_str_t *name, ngx_uint_t required, const char *summary)
{
    cJSON  *param;

    if (ngx_http_task_openapi_param_known(params, in, name)) {
        return NULL;
    }

    param = ngx_http_task_doc_object(&o->doc, params, NULL);

    ngx_http_task_doc_str(&o->doc, param, "name", name);
    ngx_http_task_doc_text(&o->doc, param, "in", in);
    (void) ngx_http_task_doc_add(&o->doc, param, "required",
                                 cJSON_CreateBool(required));

    if (summary) {
        ngx_http_task_doc_text(&o->doc, param, "description", summary);
    }

    return param;
}


/* names of headers have no case */

static ngx_uint_t
ngx_http_task_openapi_param_known(cJSON *params, const char *in,
    ngx_str_t *name)
{
    char   *known;
    cJSON  *param;

    cJSON_ArrayForEach(param, params) {

        known = cJSON_GetStringValue(cJSON_GetObjectItem(param, "in"));

        if (known == NULL || ngx_strcmp(known, in) != 0) {
            continue;
        }

        known = cJSON_GetStringValue(cJSON_GetObjectItem(param, "name"));

        if (known && ngx_strlen(known) == name->len
            && (in[0] == 'h'
                ? ngx_strncasecmp((u_char *) known, name->data, name->len) == 0
                : ngx_strncmp(known, name->data, name->len) == 0))
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_task_openapi_parts(ngx_http_task_openapi_t *o, cJSON *params,
    ngx_http_task_openapi_path_t *path)
{
    cJSON                         *param;
    ngx_uint_t                     i;
    ngx_http_task_openapi_part_t  *part;

    part = path->parts.elts;

    for (i = 0; i < path->parts.nelts; i++) {

        if (ngx_http_task_openapi_fed(path->location, part[i].number)) {
            continue;
        }

        param = ngx_http_task_openapi_param(o, params, "path", &part[i].name,
                                            1, NULL);
        if (param) {
            ngx_http_task_doc_raw(&o->doc, param, "schema",
                                  "{\"type\":\"string\"}");
        }
    }
}


void
ngx_http_task_openapi_params(ngx_http_task_openapi_t *o, cJSON *op,
    cJSON *params)
{
    if (params && params->child == NULL) {
        cJSON_Delete(params);
        return;
    }

    (void) ngx_http_task_doc_add(&o->doc, op, "parameters", params);
}


ngx_uint_t
ngx_http_task_openapi_keyed(ngx_http_task_loc_conf_t *location)
{
    return location->job.background
           && location->job.idempotency != NGX_HTTP_TASK_IDEMPOTENCY_OFF;
}
