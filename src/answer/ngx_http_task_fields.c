
/*
 * What a request asks for: the header fields are looked up here, and read by
 * ngx_http_task_field.c.
 */


#include "answer/ngx_http_task_answer.h"
#include "text/ngx_http_task_field.h"


typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_http_task_fields_t;


/* finds the next field of that name, and returns 1; 0: there are no more */

static ngx_uint_t
ngx_http_task_fields_next(ngx_http_task_fields_t *fields, const char *name,
    ngx_http_task_span_t *field)
{
    size_t            len;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for ( /* void */ ; fields->part; fields->part = fields->part->next) {

        while (fields->i < fields->part->nelts) {
            h = (ngx_table_elt_t *) fields->part->elts + fields->i++;

            if (h->key.len == len
                && ngx_strncasecmp(h->key.data, (u_char *) name, len) == 0)
            {
                field->data = h->value.data;
                field->len = h->value.len;
                return 1;
            }
        }

        fields->i = 0;
    }

    return 0;
}


ngx_uint_t
ngx_http_task_fields_accept(ngx_http_request_t *r, const char *const *types)
{
    ngx_http_task_span_t    field;
    ngx_http_task_accept_t  accept;
    ngx_http_task_fields_t  fields;

    ngx_memzero(&accept, sizeof(ngx_http_task_accept_t));
    accept.types = types;

    fields.part = &r->headers_in.headers.part;
    fields.i = 0;

    while (ngx_http_task_fields_next(&fields, "Accept", &field)) {
        ngx_http_task_field_accept(&accept, &field);
    }

    return ngx_http_task_field_choose(&accept);
}


ngx_uint_t
ngx_http_task_fields_prefer(ngx_http_request_t *r, ngx_msec_t *wait)
{
    ngx_http_task_span_t    field;
    ngx_http_task_prefer_t  prefer;
    ngx_http_task_fields_t  fields;

    ngx_memzero(&prefer, sizeof(ngx_http_task_prefer_t));

    fields.part = &r->headers_in.headers.part;
    fields.i = 0;

    while (ngx_http_task_fields_next(&fields, "Prefer", &field)) {
        ngx_http_task_field_prefer(&prefer, &field);
    }

    *wait = (ngx_msec_t) prefer.wait * 1000;

    return prefer.respond_async;
}


ngx_int_t
ngx_http_task_fields_key(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_uint_t              n;
    ngx_http_task_span_t    field, next;
    ngx_http_task_fields_t  fields;

    fields.part = &r->headers_in.headers.part;
    fields.i = 0;

    for (n = 0; ngx_http_task_fields_next(&fields, "Idempotency-Key", &next);
         n++)
    {
        field = next;
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    key->data = (u_char *) field.data;
    key->len = field.len;

    if (n > 1 || !ngx_http_task_field_string(&field)) {
        return NGX_ERROR;
    }

    key->data = (u_char *) field.data;
    key->len = field.len;

    return NGX_OK;
}


ngx_uint_t
ngx_http_task_fields_encoded(ngx_http_request_t *r)
{
    u_char                 *p, *last;
    ngx_http_task_span_t    field, coding;
    ngx_http_task_fields_t  fields;

    fields.part = &r->headers_in.headers.part;
    fields.i = 0;

    /* an invalid field counts as an encoding, it is not "identity" */

    while (ngx_http_task_fields_next(&fields, "Content-Encoding", &field)) {
        p = (u_char *) field.data;
        last = p + field.len;

        while (p < last) {
            coding.data = p;

            while (p < last && *p != ',' && *p != ' ' && *p != '\t') {
                p++;
            }

            coding.len = p - coding.data;
            p++;

            if (coding.len && !ngx_http_task_field_is(&coding, "identity")) {
                return 1;
            }
        }
    }

    return 0;
}


ngx_int_t
ngx_http_task_fields_vary(ngx_http_request_t *r, const char *name)
{
    ngx_str_t  vary, value;

    ngx_str_set(&vary, "Vary");

    value.data = (u_char *) name;
    value.len = ngx_strlen(name);

    return ngx_http_task_add_header(r, &vary, &value);
}
