
/*
 * A location with "task" as operations, one for each method: what it takes from
 * the path, the query, headers and cookies, and what it answers.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static void ngx_http_task_openapi_method(ngx_http_task_openapi_t *o,
    cJSON *item, const char *method, ngx_http_task_openapi_path_t *path,
    ngx_uint_t query);
static void ngx_http_task_openapi_args(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_openapi_path_t *path, ngx_uint_t query);
static void ngx_http_task_openapi_arg(ngx_http_task_openapi_t *o,
    cJSON *params, ngx_http_task_openapi_path_t *path,
    ngx_http_task_arg_t *arg);
static ngx_str_t *ngx_http_task_openapi_arg_part(
    ngx_http_task_openapi_path_t *path, ngx_http_task_arg_t *arg);
static void ngx_http_task_openapi_prefer(ngx_http_task_openapi_t *o,
    cJSON *params);
static void ngx_http_task_openapi_key(ngx_http_task_openapi_t *o,
    cJSON *params, ngx_http_task_loc_conf_t *location);
static void ngx_http_task_openapi_extensions(ngx_http_task_openapi_t *o,
    cJSON *op, ngx_http_task_loc_conf_t *location);


void
ngx_http_task_openapi_task(ngx_http_task_openapi_t *o, cJSON *item,
    ngx_http_task_openapi_path_t *path)
{
    ngx_uint_t                 i, raw;
    ngx_http_task_loc_conf_t  *location;

    static const struct {
        ngx_uint_t   method;
        const char  *name;
        ngx_uint_t   query;       /* its body should mean nothing */
    } methods[] = {
        { NGX_HTTP_GET, "get", 1 },
        { NGX_HTTP_POST, "post", 0 },
        { NGX_HTTP_PUT, "put", 0 },
        { NGX_HTTP_PATCH, "patch", 0 },
        { NGX_HTTP_DELETE, "delete", 1 }
    };

    location = path->location;
    raw = location->args.function->table.flags & NGX_TASK_RAW_BODY;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {

        if (location->methods & methods[i].method) {
            ngx_http_task_openapi_method(o, item, methods[i].name, path,
                                         methods[i].query | (raw ? 2 : 0));
        }
    }
}


/* query: 1: there is no body; 2: the body has no parameters */

static void
ngx_http_task_openapi_method(ngx_http_task_openapi_t *o, cJSON *item,
    const char *method, ngx_http_task_openapi_path_t *path, ngx_uint_t query)
{
    cJSON                     *op;
    ngx_str_t                 *library;
    ngx_http_task_function_t  *f;

    f = path->location->args.function;
    library = &f->library->name;

    op = ngx_http_task_openapi_operation(o, item, method, f->table.name, path);

    if (f->table.summary) {
        ngx_http_task_doc_text(&o->doc, op, "summary", f->table.summary);
    }

    ngx_http_task_doc_str(&o->doc,
                          ngx_http_task_doc_array(&o->doc, op, "tags"),
                          NULL, library);

    ngx_http_task_openapi_args(o, op, path, query);

    if (!(query & 1)) {
        ngx_http_task_openapi_body(o, op, path->location);
    }

    ngx_http_task_openapi_answers(o, op, path->location);
    ngx_http_task_openapi_extensions(o, op, path->location);
}


static void
ngx_http_task_openapi_args(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_openapi_path_t *path, ngx_uint_t query)
{
    cJSON                      *params, *param;
    ngx_uint_t                  i;
    ngx_http_task_arg_t        *arg;
    ngx_http_task_schema_t      s;
    ngx_http_task_args_conf_t  *conf;

    params = cJSON_CreateArray();
    conf = &path->location->args;
    arg = conf->args->elts;

    ngx_memzero(&s, sizeof(ngx_http_task_schema_t));

    s.doc = &o->doc;
    s.conf = conf;

    ngx_http_task_openapi_parts(o, params, path);

    for (i = 0; i < conf->args->nelts; i++) {

        if (arg[i].fixed && arg[i].variable) {
            ngx_http_task_openapi_arg(o, params, path, &arg[i]);
            continue;
        }

        if (query == 0 || !ngx_http_task_schema_takes(&s, &arg[i])) {
            continue;
        }

        param = ngx_http_task_openapi_param(o, params, "query", &arg[i].name,
                                            !arg[i].has_def,
                                            arg[i].param->summary);
        if (param) {
            (void) ngx_http_task_schema_arg(&s, param, "schema", &arg[i], 0);
        }
    }

    if (path->location->job.background == NGX_HTTP_TASK_BACKGROUND_PREFER) {
        ngx_http_task_openapi_prefer(o, params);
    }

    if (ngx_http_task_openapi_keyed(path->location)) {
        ngx_http_task_openapi_key(o, params, path->location);
    }

    ngx_http_task_openapi_params(o, op, params);
}


/* a parameter whose value in nginx.conf is a variable of the request */

static void
ngx_http_task_openapi_arg(ngx_http_task_openapi_t *o, cJSON *params,
    ngx_http_task_openapi_path_t *path, ngx_http_task_arg_t *arg)
{
    cJSON                   *param;
    ngx_str_t               *name;
    ngx_uint_t               required;
    const char              *in;
    ngx_http_task_schema_t   s;

    name = &arg->source_name;
    required = !arg->has_def;

    switch (arg->source) {

    case NGX_HTTP_TASK_SOURCE_PATH:
        in = "path";
        name = ngx_http_task_openapi_arg_part(path, arg);
        required = 1;
        break;

    case NGX_HTTP_TASK_SOURCE_QUERY:
        in = "query";
        break;

    case NGX_HTTP_TASK_SOURCE_HEADER:
        in = "header";
        break;

    case NGX_HTTP_TASK_SOURCE_COOKIE:
        in = "cookie";
        break;

    default:
        return;
    }

    param = name ? ngx_http_task_openapi_param(o, params, in, name, required,
                                               arg->param->summary)
                 : NULL;

    if (param == NULL) {
        return;
    }

    ngx_memzero(&s, sizeof(ngx_http_task_schema_t));

    s.doc = &o->doc;
    s.conf = &path->location->args;
    s.single = (arg->source == NGX_HTTP_TASK_SOURCE_PATH
                || arg->source == NGX_HTTP_TASK_SOURCE_COOKIE);
    s.required = required;

    (void) ngx_http_task_schema_arg(&s, param, "schema", arg, 0);
}


/* returns the name of the part of the path that it is, or NULL */

static ngx_str_t *
ngx_http_task_openapi_arg_part(ngx_http_task_openapi_path_t *path,
    ngx_http_task_arg_t *arg)
{
    ngx_uint_t                     i;
    ngx_http_task_openapi_part_t  *part;

    part = path->parts.elts;

    for (i = 0; i < path->parts.nelts; i++) {
        if (part[i].number == arg->capture) {
            return &part[i].name;
        }
    }

    return NULL;
}


static void
ngx_http_task_openapi_prefer(ngx_http_task_openapi_t *o, cJSON *params)
{
    cJSON      *param;
    ngx_str_t   name;

    ngx_str_set(&name, "Prefer");

    param = ngx_http_task_openapi_param(o, params, "header", &name, 0,
                       "respond-async makes a job of the request; with wait=5 "
                       "only if its result is not there in 5 seconds");
    if (param) {
        ngx_http_task_doc_raw(&o->doc, param, "schema",
                              "{\"type\":\"string\"}");
    }
}


static void
ngx_http_task_openapi_key(ngx_http_task_openapi_t *o, cJSON *params,
    ngx_http_task_loc_conf_t *location)
{
    cJSON      *param;
    ngx_str_t   name;

    ngx_str_set(&name, "Idempotency-Key");

    param = ngx_http_task_openapi_param(o, params, "header", &name,
                                        location->job.idempotency
                                        == NGX_HTTP_TASK_IDEMPOTENCY_REQUIRED,
                                        "the same key makes the same job");
    if (param) {
        ngx_http_task_doc_raw(&o->doc, param, "schema",
                              "{\"type\":\"string\",\"minLength\":1,"
                              "\"maxLength\":255}");
    }
}


static void
ngx_http_task_openapi_extensions(ngx_http_task_openapi_t *o, cJSON *op,
    ngx_http_task_loc_conf_t *location)
{
    cJSON                       *limit;
    ngx_http_task_run_conf_t    *run;
    ngx_http_task_limit_conf_t  *conf;

    run = &location->run;

    ngx_http_task_doc_text(&o->doc, op, "x-task-function",
                           location->args.function->table.name);
    ngx_http_task_doc_str(&o->doc, op, "x-task-mode",
                          &run->mode.executor->name);

    if (run->mode.executor->thread) {
        ngx_http_task_doc_str(&o->doc, op, "x-task-pool",
                              &run->mode.pool_name);
    }

    if (run->limit) {
        conf = run->limit->conf;

        limit = ngx_http_task_doc_object(&o->doc, op, "x-task-limit");
        ngx_http_task_doc_int(&o->doc, limit, "running", conf->running);
        ngx_http_task_doc_int(&o->doc, limit, "queue", conf->queue);

        if (conf->wait) {
            ngx_http_task_doc_number(&o->doc, limit, "wait",
                                     (double) conf->wait / 1000);
        }
    }

    if (run->timeout) {
        ngx_http_task_doc_number(&o->doc, op, "x-task-timeout",
                                 (double) run->timeout / 1000);
    }

    if (location->job.background) {
        ngx_http_task_doc_text(&o->doc, op, "x-task-background",
                               location->job.background
                               == NGX_HTTP_TASK_BACKGROUND_ON
                               ? "on" : "prefer");
    }
}
