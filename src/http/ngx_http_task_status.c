
/*
 * "task_status" shows the zones of numbers and those of jobs, in the format
 * that is configured, or that the client asks for.
 */


#include "http/ngx_http_task_http.h"
#include "stats/ngx_http_task_seen.h"


static ngx_int_t ngx_http_task_status_format(ngx_http_request_t *r,
    ngx_http_task_format_e *format);
static ngx_int_t ngx_http_task_status_see(ngx_pool_t *pool, ngx_array_t *zones,
    ngx_array_t *seen);


ngx_int_t
ngx_http_task_status_handler(ngx_http_request_t *r)
{
    ngx_array_t                 zones, jobs;
    ngx_http_task_out_t         out;
    ngx_http_task_format_e      format;
    ngx_http_task_main_conf_t  *tmcf;

    static ngx_str_t  allow = ngx_string("GET, HEAD");
    static ngx_str_t  text = ngx_string("text/plain; version=0.0.4; "
                                        "charset=utf-8");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_task_module);

    if (ngx_http_task_status_format(r, &format) != NGX_OK
        || ngx_http_task_status_see(r->pool, &tmcf->zones, &zones) != NGX_OK
        || ngx_http_task_job_status(r->pool, &tmcf->job_zones, &jobs) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_task_out_init(&out, r->pool);

    if (format == NGX_HTTP_TASK_FORMAT_PROMETHEUS) {
        ngx_http_task_status_prometheus(&out, &zones);
        ngx_http_task_job_status_prometheus(&out, &jobs);

        return ngx_http_task_out_send(&out, r, &text);
    }

    ngx_http_task_out(&out, "{\"version\":\"%s\",\"nginx\":\"%s\",\"zones\":[",
                      NGX_HTTP_TASK_VERSION, NGINX_VERSION);
    ngx_http_task_status_json(&out, &zones);
    ngx_http_task_out(&out, "],\"jobs\":[");
    ngx_http_task_job_status_json(&out, &jobs);
    ngx_http_task_out(&out, "]}");

    return ngx_http_task_out_send(&out, r, &ngx_http_task_json_type);
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


static ngx_int_t
ngx_http_task_status_see(ngx_pool_t *pool, ngx_array_t *zones,
    ngx_array_t *seen)
{
    ngx_uint_t              i;
    ngx_http_task_seen_t   *s;
    ngx_http_task_zone_t  **zone;

    zone = zones->elts;

    if (ngx_array_init(seen, pool, zones->nelts + 1,
                       sizeof(ngx_http_task_seen_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < zones->nelts; i++) {
        s = ngx_array_push(seen);

        if (s == NULL || ngx_http_task_see(pool, zone[i], s) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
