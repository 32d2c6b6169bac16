
/*
 * A tree of JSON that is put together.  It is made of cJSON, whose functions
 * take NULL for what could not be allocated: so only the end has to look.
 */


#include "function/ngx_http_task_schema.h"


cJSON *
ngx_http_task_doc_add(ngx_http_task_doc_t *doc, cJSON *parent,
    const char *name, cJSON *item)
{
    cJSON_bool  added;

    added = name ? cJSON_AddItemToObject(parent, name, item)
                 : cJSON_AddItemToArray(parent, item);

    if (added) {
        return item;
    }

    cJSON_Delete(item);

    doc->failed = 1;

    return NULL;
}


void
ngx_http_task_doc_str(ngx_http_task_doc_t *doc, cJSON *parent,
    const char *name, const ngx_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(doc->pool, text->len + 1);

    if (p == NULL) {
        doc->failed = 1;
        return;
    }

    *ngx_cpymem(p, text->data, text->len) = '\0';

    ngx_http_task_doc_text(doc, parent, name, (char *) p);
}


void
ngx_http_task_doc_int(ngx_http_task_doc_t *doc, cJSON *parent,
    const char *name, int64_t n)
{
    u_char  text[NGX_HTTP_TASK_NUMBER_TEXT];

    text[ngx_http_task_print_int(text, n)] = '\0';

    ngx_http_task_doc_raw(doc, parent, name, (char *) text);
}


ngx_int_t
ngx_http_task_doc_print(ngx_http_task_doc_t *doc, cJSON *root, ngx_str_t *text)
{
    char        *printed;
    size_t       len;
    const char  *wrong;

    if (doc->failed || root == NULL
        || !ngx_http_task_json_print(root, &printed, &len, &wrong))
    {
        ngx_http_task_json_delete(root);
        return NGX_ERROR;
    }

    ngx_http_task_json_delete(root);

    text->len = len;
    text->data = ngx_pnalloc(doc->pool, len);

    if (text->data) {
        ngx_memcpy(text->data, printed, len);
    }

    cJSON_free(printed);

    return text->data ? NGX_OK : NGX_ERROR;
}
