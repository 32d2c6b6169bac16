
/*
 * What a function takes, as JSON Schema: made while nginx reads its
 * configuration, and printed then.
 */


#ifndef _NGX_HTTP_TASK_SCHEMA_H_INCLUDED_
#define _NGX_HTTP_TASK_SCHEMA_H_INCLUDED_


#include "function/ngx_http_task_function.h"
#include "text/ngx_http_task_json.h"


/* --- a tree of JSON that is put together: ngx_http_task_doc.c ------------ */

/* an allocation that fails sets failed, and nothing is printed then */

typedef struct {
    ngx_pool_t               *pool;
    ngx_uint_t                failed;
} ngx_http_task_doc_t;


/*
 * Takes ownership of the item, and returns it; or NULL, if it, or its parent,
 * is NULL.  In an array it has no name.
 */

cJSON *ngx_http_task_doc_add(ngx_http_task_doc_t *doc, cJSON *parent,
    const char *name, cJSON *item);

#define ngx_http_task_doc_object(doc, parent, name)                           \
    ngx_http_task_doc_add(doc, parent, name, cJSON_CreateObject())
#define ngx_http_task_doc_array(doc, parent, name)                            \
    ngx_http_task_doc_add(doc, parent, name, cJSON_CreateArray())
#define ngx_http_task_doc_text(doc, parent, name, text)                       \
    (void) ngx_http_task_doc_add(doc, parent, name, cJSON_CreateString(text))
#define ngx_http_task_doc_number(doc, parent, name, n)                        \
    (void) ngx_http_task_doc_add(doc, parent, name, cJSON_CreateNumber(n))
#define ngx_http_task_doc_true(doc, parent, name)                             \
    (void) ngx_http_task_doc_add(doc, parent, name, cJSON_CreateTrue())

/* text that is JSON already, printed as it is */

#define ngx_http_task_doc_raw(doc, parent, name, text)                        \
    (void) ngx_http_task_doc_add(doc, parent, name, cJSON_CreateRaw(text))

void ngx_http_task_doc_str(ngx_http_task_doc_t *doc, cJSON *parent,
    const char *name, const ngx_str_t *text);

/* a number of which no digit is lost */

void ngx_http_task_doc_int(ngx_http_task_doc_t *doc, cJSON *parent,
    const char *name, int64_t n);

/* prints into the pool, and frees the tree */

ngx_int_t ngx_http_task_doc_print(ngx_http_task_doc_t *doc, cJSON *root,
    ngx_str_t *text);


/* --- schemas: ngx_http_task_schema.c ------------------------------------- */

typedef struct {
    ngx_http_task_doc_t              *doc;
    const ngx_http_task_args_conf_t  *conf;      /* of the location */
    ngx_uint_t                        json;      /* values stand in JSON, not
                                                    in a query or a form */
    ngx_uint_t                        files;     /* there may be files */
    ngx_uint_t                        single;    /* of a list there is but one
                                                    item */
    ngx_uint_t                        required;  /* so no default is told */
} ngx_http_task_schema_t;


/* adds the schema of a parameter, and returns it; described: by its summary */

cJSON *ngx_http_task_schema_arg(const ngx_http_task_schema_t *s, cJSON *parent,
    const char *name, const ngx_http_task_arg_t *arg, ngx_uint_t described);

/*
 * Makes of an empty schema that of an object whose members are those parameters
 * that a request may give in it.
 */

void ngx_http_task_schema_object(const ngx_http_task_schema_t *s,
    cJSON *schema, const ngx_http_task_arg_t *arg, ngx_uint_t n);

/* returns 1 if a request may give it there under its own name */

ngx_uint_t ngx_http_task_schema_takes(const ngx_http_task_schema_t *s,
    const ngx_http_task_arg_t *arg);

/* checks what the table says of the function's result */

ngx_int_t ngx_http_task_schema_check(ngx_conf_t *cf,
    ngx_http_task_function_t *function);


/* --- values as schemas tell them: ngx_http_task_schema_value.c ----------- */

/* these add what the type, the bounds and the default of a parameter say */

void ngx_http_task_schema_type(const ngx_http_task_schema_t *s, cJSON *schema,
    const ngx_http_task_arg_t *arg);
void ngx_http_task_schema_bounds(const ngx_http_task_schema_t *s,
    cJSON *schema, const ngx_http_task_arg_t *arg);
void ngx_http_task_schema_default(const ngx_http_task_schema_t *s,
    cJSON *schema, const ngx_http_task_arg_t *arg);


#endif /* _NGX_HTTP_TASK_SCHEMA_H_INCLUDED_ */
