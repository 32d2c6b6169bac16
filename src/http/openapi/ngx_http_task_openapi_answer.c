
/*
 * What a task answers, as far as the tables and nginx.conf tell; and the
 * schemas of errors, which are FastAPI's.
 */


#include "http/openapi/ngx_http_task_openapi.h"


#define NGX_HTTP_TASK_OPENAPI_REF(name)                                       \
    "\"content\":{\"application/json\":{\"schema\":"                          \
    "{\"$ref\":\"#/components/schemas/" name "\"}}}"

#define NGX_HTTP_TASK_OPENAPI_RETRY                                           \
    "\"headers\":{\"Retry-After\":{\"description\":\"seconds\","              \
    "\"schema\":{\"type\":\"integer\"}}}"


static void ngx_http_task_openapi_done(ngx_http_task_openapi_t *o,
    cJSON *responses, ngx_http_task_function_t *function);
static ngx_uint_t ngx_http_task_openapi_refuses(
    ngx_http_task_loc_conf_t *location);


static const char  ngx_http_task_openapi_error[] =
    "{\"title\":\"Error\",\"type\":\"object\",\"properties\":{"
    "\"detail\":{\"title\":\"Detail\",\"type\":\"string\"}},"
    "\"required\":[\"detail\"]}";

static const char  ngx_http_task_openapi_invalid[] =
    "{\"title\":\"HTTPValidationError\",\"type\":\"object\",\"properties\":{"
    "\"detail\":{\"title\":\"Detail\",\"type\":\"array\",\"items\":"
    "{\"$ref\":\"#/components/schemas/ValidationError\"}}}}";

static const char  ngx_http_task_openapi_invalid_one[] =
    "{\"title\":\"ValidationError\",\"type\":\"object\",\"properties\":{"
    "\"type\":{\"title\":\"Error Type\",\"type\":\"string\"},"
    "\"loc\":{\"title\":\"Location\",\"type\":\"array\",\"items\":"
    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}},"
    "\"msg\":{\"title\":\"Message\",\"type\":\"string\"},"
    "\"input\":{\"title\":\"Input\"},"
    "\"ctx\":{\"title\":\"Context\",\"type\":\"object\"}},"
    "\"required\":[\"type\",\"loc\",\"msg\"]}";


void
ngx_http_task_openapi_errors(ngx_http_task_openapi_t *o, cJSON *schemas)
{
    ngx_http_task_doc_raw(&o->doc, schemas, "HTTPValidationError",
                          ngx_http_task_openapi_invalid);
    ngx_http_task_doc_raw(&o->doc, schemas, "ValidationError",
                          ngx_http_task_openapi_invalid_one);
    ngx_http_task_doc_raw(&o->doc, schemas, "Error",
                          ngx_http_task_openapi_error);
}


void
ngx_http_task_openapi_answers(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_loc_conf_t *location)
{
    cJSON       *responses;
    ngx_uint_t   background;

    background = location->job.background;
    responses = ngx_http_task_doc_object(&o->doc, op, "responses");

    if (background != NGX_HTTP_TASK_BACKGROUND_ON) {
        ngx_http_task_openapi_done(o, responses, location->args.function);
    }

    if (background != NGX_HTTP_TASK_BACKGROUND_OFF) {
        o->jobs = 1;

        ngx_http_task_openapi_202(o, responses);
    }

    if (ngx_http_task_openapi_refuses(location)
        || ngx_http_task_openapi_keyed(location))
    {
        ngx_http_task_openapi_422(o, responses);
    }

    ngx_http_task_doc_raw(&o->doc, responses, "500",
                          "{\"description\":\"Internal Server Error\","
                          NGX_HTTP_TASK_OPENAPI_REF("Error") "}");
    ngx_http_task_doc_raw(&o->doc, responses, "503",
                          "{\"description\":\"Service Unavailable\","
                          NGX_HTTP_TASK_OPENAPI_RETRY ","
                          NGX_HTTP_TASK_OPENAPI_REF("Error") "}");

    /* the time of a job is not that of its request */

    if (location->run.timeout && background != NGX_HTTP_TASK_BACKGROUND_ON) {
        ngx_http_task_doc_raw(&o->doc, responses, "504",
                              "{\"description\":\"Gateway Timeout\","
                              NGX_HTTP_TASK_OPENAPI_REF("Error") "}");
    }
}


void
ngx_http_task_openapi_202(ngx_http_task_openapi_t *o, cJSON *responses)
{
    ngx_http_task_doc_raw(&o->doc, responses, "202",
                     "{\"description\":\"Accepted as a job\",\"headers\":{"
                     "\"Location\":{\"description\":\"where the job is told\","
                     "\"schema\":{\"type\":\"string\","
                     "\"format\":\"uri-reference\"}},"
                     "\"Retry-After\":{\"description\":\"seconds\","
                     "\"schema\":{\"type\":\"integer\"}}},"
                     NGX_HTTP_TASK_OPENAPI_REF("JobAccepted") "}");
}


void
ngx_http_task_openapi_422(ngx_http_task_openapi_t *o, cJSON *responses)
{
    ngx_http_task_doc_raw(&o->doc, responses, "422",
                          "{\"description\":\"Validation Error\","
                          NGX_HTTP_TASK_OPENAPI_REF("HTTPValidationError")
                          "}");
}


/* the schema is JSON, or the library would not have been loaded */

static void
ngx_http_task_openapi_done(ngx_http_task_openapi_t *o, cJSON *responses,
    ngx_http_task_function_t *function)
{
    cJSON       *done, *content;
    const char  *type, *schema;

    type = function->table.result_type;
    schema = function->table.result_schema;

    if (schema == NULL) {
        schema = "{}";
    }

    done = ngx_http_task_doc_object(&o->doc, responses, "200");

    ngx_http_task_doc_text(&o->doc, done, "description",
                           "Successful Response");

    content = ngx_http_task_doc_object(&o->doc, done, "content");

    ngx_http_task_openapi_types(o, content, type ? type : "application/json",
                                schema);
}


/* something of a request may be wrong */

static ngx_uint_t
ngx_http_task_openapi_refuses(ngx_http_task_loc_conf_t *location)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *arg;

    arg = location->args.args->elts;

    for (i = 0; i < location->args.args->nelts; i++) {
        if (!arg[i].fixed || arg[i].variable) {
            return 1;
        }
    }

    return 0;
}
