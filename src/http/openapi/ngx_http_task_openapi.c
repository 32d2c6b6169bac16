
/*
 * The document of a server: its locations with "task", "quick" and "task_jobs"
 * as paths of OpenAPI 3.1, and what all operations share.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static ngx_int_t ngx_http_task_openapi_paths(ngx_conf_t *cf,
    ngx_http_task_main_conf_t *tmcf, ngx_http_core_srv_conf_t *server,
    ngx_array_t *paths);
static ngx_uint_t ngx_http_task_openapi_shown(
    ngx_http_task_loc_conf_t *location, ngx_http_core_srv_conf_t *server);
static ngx_http_task_openapi_path_t *ngx_http_task_openapi_same(
    ngx_array_t *paths, ngx_http_task_openapi_path_t *path);
static void ngx_http_task_openapi_info(ngx_http_task_openapi_t *o, cJSON *root,
    ngx_http_task_openapi_conf_t *conf);
static void ngx_http_task_openapi_items(ngx_http_task_openapi_t *o,
    cJSON *root, ngx_array_t *paths);
static void ngx_http_task_openapi_components(ngx_http_task_openapi_t *o,
    cJSON *root);


ngx_int_t
ngx_http_task_openapi_make(ngx_conf_t *cf, ngx_http_task_main_conf_t *tmcf,
    ngx_http_task_loc_conf_t *location)
{
    cJSON                         *root;
    ngx_array_t                    paths;
    ngx_http_task_openapi_t        o;
    ngx_http_task_openapi_conf_t  *conf;

    conf = location->openapi;

    ngx_memzero(&o, sizeof(ngx_http_task_openapi_t));

    o.cf = cf;
    o.doc.pool = cf->pool;

    if (ngx_array_init(&paths, cf->temp_pool, 16,
                       sizeof(ngx_http_task_openapi_path_t))
        != NGX_OK
        || ngx_array_init(&o.ids, cf->temp_pool, 16, sizeof(ngx_str_t))
           != NGX_OK
        || ngx_http_task_openapi_paths(cf, tmcf, location->run.server, &paths)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    root = cJSON_CreateObject();

    ngx_http_task_doc_text(&o.doc, root, "openapi", "3.1.0");
    ngx_http_task_openapi_info(&o, root, conf);

    if (conf->server) {
        ngx_http_task_openapi_servers(&o, root, location->run.server);
    }

    ngx_http_task_openapi_items(&o, root, &paths);
    ngx_http_task_openapi_components(&o, root);

    return ngx_http_task_doc_print(&o.doc, root, &conf->text);
}


/* nginx takes "= /path" before any other location that has the same path */

static ngx_int_t
ngx_http_task_openapi_paths(ngx_conf_t *cf, ngx_http_task_main_conf_t *tmcf,
    ngx_http_core_srv_conf_t *server, ngx_array_t *paths)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_task_loc_conf_t      **location;
    ngx_http_task_openapi_path_t   *path, *same, next;

    location = tmcf->locations.elts;

    for (i = 0; i < tmcf->locations.nelts; i++) {

        if (!ngx_http_task_openapi_shown(location[i], server)) {
            continue;
        }

        rc = ngx_http_task_openapi_path(cf, location[i], &next);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_NOTICE,
                           &location[i]->place,
                           "location \"%V\" cannot be told as a path, and is "
                           "not in the document of \"task_openapi\"",
                           &location[i]->clcf->name);
            continue;
        }

        same = ngx_http_task_openapi_same(paths, &next);

        if (same) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_NOTICE,
                           &location[i]->place,
                           "the document of \"task_openapi\" has \"%V\" only "
                           "once, and there is another location for it",
                           &next.text);

            if (next.location->clcf->exact_match
                && !same->location->clcf->exact_match)
            {
                *same = next;
            }

            continue;
        }

        path = ngx_array_push(paths);
        if (path == NULL) {
            return NGX_ERROR;
        }

        *path = next;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_task_openapi_shown(ngx_http_task_loc_conf_t *location,
    ngx_http_core_srv_conf_t *server)
{
    return location->run.server == server && !location->openapi_hide
           && !location->clcf->named && !location->clcf->internal
           && (location->args.function || location->quick.len
               || location->job.told);
}


static ngx_http_task_openapi_path_t *
ngx_http_task_openapi_same(ngx_array_t *paths,
    ngx_http_task_openapi_path_t *path)
{
    ngx_uint_t                     i;
    ngx_http_task_openapi_path_t  *known;

    known = paths->elts;

    for (i = 0; i < paths->nelts; i++) {
        if (known[i].shape.len == path->shape.len
            && ngx_strncmp(known[i].shape.data, path->shape.data,
                           path->shape.len)
               == 0)
        {
            return &known[i];
        }
    }

    return NULL;
}


static void
ngx_http_task_openapi_info(ngx_http_task_openapi_t *o, cJSON *root,
    ngx_http_task_openapi_conf_t *conf)
{
    cJSON  *info;

    info = ngx_http_task_doc_object(&o->doc, root, "info");

    ngx_http_task_doc_str(&o->doc, info, "title", &conf->title);
    ngx_http_task_doc_str(&o->doc, info, "version", &conf->version);
}


static void
ngx_http_task_openapi_items(ngx_http_task_openapi_t *o, cJSON *root,
    ngx_array_t *paths)
{
    cJSON                         *all, *item;
    u_char                        *name;
    ngx_uint_t                     i;
    ngx_http_task_openapi_path_t  *path;

    all = ngx_http_task_doc_object(&o->doc, root, "paths");
    path = paths->elts;

    for (i = 0; i < paths->nelts; i++) {

        name = ngx_pnalloc(o->cf->temp_pool, path[i].text.len + 1);
        if (name == NULL) {
            o->doc.failed = 1;
            return;
        }

        *ngx_cpymem(name, path[i].text.data, path[i].text.len) = '\0';

        item = ngx_http_task_doc_object(&o->doc, all, (char *) name);

        if (path[i].location->args.function) {
            ngx_http_task_openapi_task(o, item, &path[i]);

        } else if (path[i].location->job.told) {
            ngx_http_task_openapi_jobs(o, all, item, &path[i]);

        } else {
            ngx_http_task_openapi_quick(o, item, &path[i]);
        }
    }
}


static void
ngx_http_task_openapi_components(ngx_http_task_openapi_t *o, cJSON *root)
{
    cJSON  *components, *schemas;

    components = ngx_http_task_doc_object(&o->doc, root, "components");
    schemas = ngx_http_task_doc_object(&o->doc, components, "schemas");

    ngx_http_task_openapi_errors(o, schemas);

    if (o->jobs) {
        ngx_http_task_openapi_job_schemas(o, schemas);
    }
}
