
/*
 * "task_openapi": what the locations of a server take and answer, as a document
 * of OpenAPI 3.1.  It is made when nginx has read its configuration.
 */


#ifndef _NGX_HTTP_TASK_OPENAPI_H_INCLUDED_
#define _NGX_HTTP_TASK_OPENAPI_H_INCLUDED_


#include "http/ngx_http_task_http.h"
#include "function/ngx_http_task_schema.h"


/* --- the directive: ngx_http_task_openapi_conf.c ------------------------- */

char *ngx_http_task_openapi_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* makes the documents, when all of the configuration has been read */

ngx_int_t ngx_http_task_openapi_build(ngx_conf_t *cf);

/* ngx_http_task_openapi_send.c: the content handler */

ngx_int_t ngx_http_task_openapi_handler(ngx_http_request_t *r);


/* --- paths: ngx_http_task_openapi_path.c --------------------------------- */

/* "{id}" in a path */

typedef struct {
    ngx_str_t                        name;
    ngx_uint_t                       number;     /* of the capture; 0: none */
    size_t                           at;         /* where it stands */
} ngx_http_task_openapi_part_t;


typedef struct {
    ngx_http_task_loc_conf_t        *location;
    ngx_str_t                        text;       /* "/items/{id}" */
    ngx_str_t                        shape;      /* the same as "/items/{}" */
    ngx_array_t                      bytes;      /* u_char: text, as it grows */
    ngx_array_t                      parts;
} ngx_http_task_openapi_path_t;


/* NGX_DECLINED: the location cannot be told as a path */

ngx_int_t ngx_http_task_openapi_path(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *location, ngx_http_task_openapi_path_t *path);

/*
 * ngx_http_task_openapi_regex.c: likewise, of a regular expression; appends to
 * path->bytes
 */

ngx_int_t ngx_http_task_openapi_regex(ngx_http_task_openapi_path_t *path,
    ngx_str_t *pattern);

/* ngx_http_task_openapi_part.c: a character that stands for itself */

ngx_int_t ngx_http_task_openapi_literal(ngx_http_task_openapi_path_t *path,
    u_char c);

/* what is variable; number: of the capture, or 0; name: NULL if it has none */

ngx_int_t ngx_http_task_openapi_part(ngx_http_task_openapi_path_t *path,
    ngx_uint_t number, ngx_str_t *name);

/* returns the parameter that is fed by this capture, or NULL */

ngx_http_task_arg_t *ngx_http_task_openapi_fed(
    ngx_http_task_loc_conf_t *location, ngx_uint_t number);


/* --- the document: ngx_http_task_openapi.c ------------------------------- */

/* a document that is made */

typedef struct {
    ngx_conf_t                      *cf;
    ngx_http_task_doc_t              doc;
    ngx_array_t                      ids;        /* ngx_str_t: operationId's */
    ngx_uint_t                       jobs;       /* some operation has them */
    ngx_uint_t                       lists;      /* some operation lists them */
} ngx_http_task_openapi_t;


/* makes openapi->text, for the server of its location */

ngx_int_t ngx_http_task_openapi_make(ngx_conf_t *cf,
    ngx_http_task_main_conf_t *tmcf, ngx_http_task_loc_conf_t *location);

/* --- operations: ngx_http_task_openapi_op.c ------------------------------ */

/* adds an operation, with an id that is made of its name and of its path */

cJSON *ngx_http_task_openapi_operation(ngx_http_task_openapi_t *o,
    cJSON *item, const char *method, const char *name,
    ngx_http_task_openapi_path_t *path);

/*
 * Adds a parameter, and returns it; or NULL: there is one of this name, or no
 * memory.  summary may be NULL.
 */

cJSON *ngx_http_task_openapi_param(ngx_http_task_openapi_t *o,
    cJSON *params, const char *in, ngx_str_t *name, ngx_uint_t required,
    const char *summary);

/* the parts of the path that no parameter of a function names: strings */

void ngx_http_task_openapi_parts(ngx_http_task_openapi_t *o, cJSON *params,
    ngx_http_task_openapi_path_t *path);

/* returns 1 if requests may have an "Idempotency-Key" */

ngx_uint_t ngx_http_task_openapi_keyed(ngx_http_task_loc_conf_t *location);

/* adds parameters, if there are any; takes ownership of them */

void ngx_http_task_openapi_params(ngx_http_task_openapi_t *o, cJSON *op,
    cJSON *params);


/* --- ngx_http_task_openapi_task.c, .._body.c, .._answer.c, .._jobs.c ------ */

void ngx_http_task_openapi_task(ngx_http_task_openapi_t *o, cJSON *item,
    ngx_http_task_openapi_path_t *path);
void ngx_http_task_openapi_body(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_loc_conf_t *location);

/* adds each of the types, "image/png, image/jpeg", with a schema, as JSON */

void ngx_http_task_openapi_types(ngx_http_task_openapi_t *o, cJSON *content,
    const char *types, const char *schema);

void ngx_http_task_openapi_answers(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_loc_conf_t *location);
void ngx_http_task_openapi_quick(ngx_http_task_openapi_t *o, cJSON *item,
    ngx_http_task_openapi_path_t *path);

/* the result of a job has a path of its own */

void ngx_http_task_openapi_jobs(ngx_http_task_openapi_t *o, cJSON *paths,
    cJSON *item, ngx_http_task_openapi_path_t *path);

/* adds the 202 of a job, which was accepted, and the 422 */

void ngx_http_task_openapi_202(ngx_http_task_openapi_t *o, cJSON *responses);
void ngx_http_task_openapi_422(ngx_http_task_openapi_t *o, cJSON *responses);

/* add to components.schemas */

void ngx_http_task_openapi_errors(ngx_http_task_openapi_t *o, cJSON *schemas);
void ngx_http_task_openapi_job_schemas(ngx_http_task_openapi_t *o,
    cJSON *schemas);


/* --- addresses of a server: ngx_http_task_openapi_server.c --------------- */

void ngx_http_task_openapi_servers(ngx_http_task_openapi_t *o, cJSON *root,
    ngx_http_core_srv_conf_t *server);


#endif /* _NGX_HTTP_TASK_OPENAPI_H_INCLUDED_ */
