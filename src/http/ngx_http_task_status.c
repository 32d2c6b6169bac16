
/*
 * "task_status" shows the zones of numbers and those of jobs, in the format
 * that is configured, or that the client asks for.
 */


#include "http/ngx_http_task_http.h"
#include "stats/ngx_http_task_seen.h"


/*
 * A request for the status: first all is copied, then it is printed, and then
 * sent, all of it piece by piece.
 */

typedef struct {
    ngx_http_request_t            *request;
    ngx_uint_t                     changes;      /* r->uri_changes at first */
    ngx_http_task_format_e         format;
    ngx_http_task_main_conf_t     *conf;
    ngx_array_t                    zones;        /* ngx_http_task_seen_t */
    ngx_uint_t                     copied;       /* zones */
    ngx_array_t                    jobs;
    ngx_http_task_out_t            out;
    ngx_http_task_status_print_t   print;
    ngx_uint_t                     begun;        /* 1: the header is sent */
    ngx_http_task_work_t           work;
} ngx_http_task_status_t;


/* so many pieces are printed in a step: some 10 microseconds */

#define NGX_HTTP_TASK_STATUS_STEP  16


static ngx_int_t ngx_http_task_status_init(ngx_http_task_status_t *status);
static void ngx_http_task_status_cleanup(void *data);
static ngx_uint_t ngx_http_task_status_step(ngx_http_task_work_t *work);
static ngx_int_t ngx_http_task_status_make(ngx_http_task_status_t *status);
static ngx_int_t ngx_http_task_status_piece(ngx_http_task_status_t *status);
static ngx_uint_t ngx_http_task_status_print(ngx_http_task_status_t *status);
static ngx_int_t ngx_http_task_status_begin(ngx_http_task_status_t *status);
static void ngx_http_task_status_libraries(ngx_http_task_out_t *out,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_status_send(ngx_http_task_status_t *status);
static ngx_int_t ngx_http_task_status_format(ngx_http_request_t *r,
    ngx_http_task_format_e *format);


ngx_int_t
ngx_http_task_status_handler(ngx_http_request_t *r)
{
    ngx_http_cleanup_t      *cln;
    ngx_http_task_status_t  *status;

    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    status = ngx_pcalloc(r->pool, sizeof(ngx_http_task_status_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (status == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    status->request = r;

    if (ngx_http_task_status_init(status) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_task_status_cleanup;
    cln->data = status;

    r->main->count++;

    ngx_http_task_work_begin(&status->work);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_task_status_init(ngx_http_task_status_t *status)
{
    ngx_uint_t                  i, n;
    ngx_http_request_t         *r;
    ngx_http_task_seen_t       *seen;
    ngx_http_task_zone_t      **zone;
    ngx_http_task_arena_t      *arena;
    ngx_http_task_main_conf_t  *tmcf;

    r = status->request;
    tmcf = ngx_http_get_module_main_conf(r, ngx_http_task_module);
    n = tmcf->zones.nelts;

    arena = ngx_http_task_arena_create(r->pool);

    if (arena == NULL
        || ngx_http_task_status_format(r, &status->format) != NGX_OK
        || ngx_array_init(&status->zones, r->pool, n + 1,
                          sizeof(ngx_http_task_seen_t))
           != NGX_OK
        || ngx_http_task_job_status_init(&status->jobs, r->pool,
                                         tmcf->job_zones.nelts)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    zone = tmcf->zones.elts;

    for (i = 0; i < n; i++) {
        seen = ngx_array_push(&status->zones);

        if (seen == NULL
            || ngx_http_task_see_init(seen, zone[i], r->pool, arena)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    status->conf = tmcf;
    status->changes = r->uri_changes;
    status->print.zones = &status->zones;
    status->work.step = ngx_http_task_status_step;

    ngx_http_task_out_init(&status->out, r->pool, arena);

    if (status->format != NGX_HTTP_TASK_FORMAT_PROMETHEUS) {
        ngx_http_task_out(&status->out,
                          "{\"version\":\"%s\",\"nginx\":\"%s\",\"zones\":[",
                          NGX_HTTP_TASK_VERSION, NGINX_VERSION);
    }

    return NGX_OK;
}


static void
ngx_http_task_status_cleanup(void *data)
{
    ngx_http_task_status_t *status = data;

    ngx_http_task_work_end(&status->work);
}


static ngx_uint_t
ngx_http_task_status_step(ngx_http_task_work_t *work)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_task_status_t  *status;

    status = ngx_queue_data(work, ngx_http_task_status_t, work);
    r = status->request;
    c = r->connection;

    if (ngx_http_task_elsewhere(r, status->changes)) {
        return 0;
    }

    ngx_http_set_log_request(c->log, r);

    rc = status->begun ? ngx_http_task_status_send(status)
                       : ngx_http_task_status_make(status);

    if (rc == NGX_AGAIN) {
        return 1;
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);

    return 0;
}


/* copies and prints a part; NGX_AGAIN: there is more */

static ngx_int_t
ngx_http_task_status_make(ngx_http_task_status_t *status)
{
    ngx_int_t   rc;
    ngx_uint_t  i, n;

    rc = NGX_AGAIN;

    /* with many workers it takes long to copy a piece */

    n = (status->copied < status->zones.nelts) ? 1 : NGX_HTTP_TASK_STATUS_STEP;

    for (i = 0; i < n && rc == NGX_AGAIN; i++) {
        rc = ngx_http_task_status_piece(status);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    return (rc == NGX_OK) ? ngx_http_task_status_begin(status)
                          : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* NGX_OK: all is printed; NGX_AGAIN: there is more; NGX_ERROR */

static ngx_int_t
ngx_http_task_status_piece(ngx_http_task_status_t *status)
{
    ngx_int_t                    rc;
    ngx_array_t                 *stores;
    ngx_http_task_seen_t        *seen;
    ngx_http_task_store_t      **store;

    if (status->copied < status->zones.nelts) {
        seen = status->zones.elts;

        rc = ngx_http_task_see(&seen[status->copied]);

        if (rc == NGX_OK) {
            status->copied++;
            rc = NGX_AGAIN;
        }

        return rc;
    }

    stores = &status->conf->job_zones;

    if (status->jobs.nelts < stores->nelts) {
        store = stores->elts;

        rc = ngx_http_task_job_status_see(&status->jobs,
                                          store[status->jobs.nelts]);

        return (rc == NGX_OK) ? NGX_AGAIN : rc;
    }

    return ngx_http_task_status_print(status) ? NGX_AGAIN : NGX_OK;
}


/* prints a piece; returns 0 if there is none */

static ngx_uint_t
ngx_http_task_status_print(ngx_http_task_status_t *status)
{
    return (status->format == NGX_HTTP_TASK_FORMAT_PROMETHEUS)
           ? ngx_http_task_status_prometheus(&status->out, &status->print)
           : ngx_http_task_status_json(&status->out, &status->print);
}


/* prints the end, and sends the header; NGX_AGAIN: the text is to follow */

static ngx_int_t
ngx_http_task_status_begin(ngx_http_task_status_t *status)
{
    ngx_int_t             rc;
    ngx_str_t            *type;
    ngx_http_task_out_t  *out;

    static ngx_str_t  text = ngx_string("text/plain; version=0.0.4; "
                                        "charset=utf-8");

    out = &status->out;

    if (status->format == NGX_HTTP_TASK_FORMAT_PROMETHEUS) {
        ngx_http_task_job_status_prometheus(out, &status->jobs);
        type = &text;

    } else {
        ngx_http_task_out(out, "],\"jobs\":[");
        ngx_http_task_job_status_json(out, &status->jobs);
        ngx_http_task_out(out, "],\"libraries\":[");
        ngx_http_task_status_libraries(out, status->request);
        ngx_http_task_out(out, "]}");
        type = &ngx_http_task_json_type;
    }

    rc = ngx_http_task_out_begin(out, status->request, type);

    if (rc == NGX_OK) {
        status->begun = 1;
        return NGX_AGAIN;
    }

    return (rc == NGX_DONE) ? NGX_OK : rc;
}


/* which builds of them this worker has */

static void
ngx_http_task_status_libraries(ngx_http_task_out_t *out, ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_array_t                *libraries;
    ngx_http_task_library_t   **library;
    ngx_http_task_loc_conf_t   *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    libraries = tlcf->args.libraries;
    library = libraries->elts;

    /* the first one is the built-in one */

    for (i = 1; i < libraries->nelts; i++) {
        ngx_http_task_out(out, i > 1 ? ",{" : "{");
        ngx_http_task_out_json(out, "name", &library[i]->name);
        ngx_http_task_out(out, ",");
        ngx_http_task_out_json(out, "file", &library[i]->file);
        ngx_http_task_out(out, ",");
        ngx_http_task_out_json(out, "modified", &library[i]->modified);
        ngx_http_task_out(out, ",\"started\":%s}",
                          library[i]->failed ? "false" : "true");
    }
}


/* sends a part; NGX_AGAIN: there is more */

static ngx_int_t
ngx_http_task_status_send(ngx_http_task_status_t *status)
{
    if (ngx_http_task_out_next(&status->out, status->request) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return status->out.first ? NGX_AGAIN : NGX_OK;
}


/* who asks for OpenMetrics gets the older format of Prometheus, too */

static ngx_int_t
ngx_http_task_status_format(ngx_http_request_t *r,
    ngx_http_task_format_e *format)
{
    ngx_http_task_loc_conf_t  *tlcf;

    static const char *const  types[] = {
        "application/json", "text/plain", "application/openmetrics-text", NULL
    };

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    *format = tlcf->format;

    if (*format != NGX_HTTP_TASK_FORMAT_ASKED) {
        return NGX_OK;
    }

    *format = (ngx_http_task_fields_accept(r, types) == 0)
              ? NGX_HTTP_TASK_FORMAT_JSON : NGX_HTTP_TASK_FORMAT_PROMETHEUS;

    return ngx_http_task_fields_vary(r, "Accept");
}
