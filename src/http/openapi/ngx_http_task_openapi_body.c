
/*
 * What a task takes as the body of its request.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static ngx_uint_t ngx_http_task_openapi_body_params(
    ngx_http_task_openapi_t *o, cJSON *content, ngx_http_task_schema_t *s,
    ngx_uint_t bodies);
static ngx_uint_t ngx_http_task_openapi_body_count(
    ngx_http_task_schema_t *s);


static const struct {
    ngx_uint_t   flag;
    const char  *type;
    ngx_uint_t   json;
    ngx_uint_t   files;
} ngx_http_task_openapi_media[] = {
    { NGX_TASK_BODY_JSON, "application/json", 1, 0 },
    { NGX_TASK_BODY_FORM, "application/x-www-form-urlencoded", 0, 0 },
    { NGX_TASK_BODY_MULTIPART, "multipart/form-data", 0, 1 },
    { 0, NULL, 0, 0 }
};


void
ngx_http_task_openapi_body(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_loc_conf_t *location)
{
    cJSON                     *body, *content;
    ngx_uint_t                 all, plain;
    ngx_http_task_schema_t     s;
    ngx_http_task_function_t  *f;

    f = location->args.function;

    ngx_memzero(&s, sizeof(ngx_http_task_schema_t));

    s.doc = &o->doc;
    s.conf = &location->args;

    plain = ngx_http_task_openapi_body_count(&s);

    s.files = 1;
    all = ngx_http_task_openapi_body_count(&s);

    if (f->table.flags & NGX_TASK_RAW_BODY) {
        body = ngx_http_task_doc_object(&o->doc, op, "requestBody");
        content = ngx_http_task_doc_object(&o->doc, body, "content");

        ngx_http_task_openapi_types(o, content, f->table.body_types
                                                ? f->table.body_types : "*/*",
                                    "{\"type\":\"string\","
                                    "\"format\":\"binary\"}");
        return;
    }

    if (all == 0) {
        return;
    }

    body = ngx_http_task_doc_object(&o->doc, op, "requestBody");

    if (plain) {
        ngx_http_task_doc_text(&o->doc, body, "description",
                       (plain == all)
                       ? "Each of these may also stand in the query, which "
                         "then counts."
                       : "What is no file may also stand in the query, which "
                         "then counts.");
    }

    content = ngx_http_task_doc_object(&o->doc, body, "content");

    if (ngx_http_task_openapi_body_params(o, content, &s, f->bodies)) {
        ngx_http_task_doc_true(&o->doc, body, "required");
    }
}


/* returns 1 if a parameter is required */

static ngx_uint_t
ngx_http_task_openapi_body_params(ngx_http_task_openapi_t *o, cJSON *content,
    ngx_http_task_schema_t *s, ngx_uint_t bodies)
{
    cJSON       *media, *schema;
    ngx_uint_t   i, required;

    required = 0;

    for (i = 0; ngx_http_task_openapi_media[i].flag; i++) {

        if (!(bodies & ngx_http_task_openapi_media[i].flag)) {
            continue;
        }

        s->json = ngx_http_task_openapi_media[i].json;
        s->files = ngx_http_task_openapi_media[i].files;

        media = ngx_http_task_doc_object(&o->doc, content,
                                         ngx_http_task_openapi_media[i].type);
        schema = ngx_http_task_doc_object(&o->doc, media, "schema");

        ngx_http_task_schema_object(s, schema, s->conf->args->elts,
                                    s->conf->args->nelts);

        required |= (cJSON_GetObjectItem(schema, "required") != NULL);
    }

    return required;
}


void
ngx_http_task_openapi_types(ngx_http_task_openapi_t *o, cJSON *content,
    const char *types, const char *schema)
{
    cJSON       *media;
    size_t       len, skip;
    u_char      *type;
    const char  *p;

    for (p = types; *p; p += skip) {
        p += strspn(p, " \t,");
        skip = strcspn(p, ",");

        for (len = skip; len && (p[len - 1] == ' ' || p[len - 1] == '\t');
             len--)
        {
            /* void */
        }

        if (len == 0) {
            continue;
        }

        type = ngx_pnalloc(o->cf->temp_pool, len + 1);
        if (type == NULL) {
            o->doc.failed = 1;
            return;
        }

        *ngx_cpymem(type, p, len) = '\0';

        media = ngx_http_task_doc_object(&o->doc, content, (char *) type);

        (void) ngx_http_task_doc_add(&o->doc, media, "schema",
                                     ngx_http_task_json_tree((u_char *) schema,
                                                         ngx_strlen(schema)));
    }
}


static ngx_uint_t
ngx_http_task_openapi_body_count(ngx_http_task_schema_t *s)
{
    ngx_uint_t            i, n;
    ngx_http_task_arg_t  *arg;

    arg = s->conf->args->elts;

    for (i = 0, n = 0; i < s->conf->args->nelts; i++) {
        n += ngx_http_task_schema_takes(s, &arg[i]);
    }

    return n;
}
