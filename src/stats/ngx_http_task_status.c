
/*
 * The content handler of "task_status": looks at the zones, and sends what it
 * saw in one of two formats.
 */


#include "stats/ngx_http_task_status.h"


#define NGX_HTTP_TASK_OUT_BUF   32768
#define NGX_HTTP_TASK_OUT_LINE  256


static ngx_int_t ngx_http_task_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_status_see(ngx_http_request_t *r,
    ngx_array_t *zones, ngx_array_t *jobs);
static ngx_int_t ngx_http_task_status_asked(ngx_http_request_t *r,
    ngx_http_task_status_e *status);
static u_char *ngx_http_task_out_room(ngx_http_task_out_t *out, size_t len);


/* from NGX_HTTP_TASK_COUNT_DONE on */

const char *const  ngx_http_task_ends[] = {
    "done", "failed", "cancelled", "rejected", "timeout", "lost"
};


char *
ngx_http_task_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t  *value;

    if (cf->args->nelts == 2) {
        value = cf->args->elts;

        if (ngx_strcmp(value[1].data, "json") == 0) {
            tlcf->status = NGX_HTTP_TASK_STATUS_JSON;

        } else if (ngx_strcmp(value[1].data, "prometheus") == 0) {
            tlcf->status = NGX_HTTP_TASK_STATUS_PROMETHEUS;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\", it must be \"json\" or "
                               "\"prometheus\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_status_handler);
}


static ngx_int_t
ngx_http_task_status_handler(ngx_http_request_t *r)
{
    ngx_str_t               *type;
    ngx_array_t              zones, jobs;
    ngx_http_task_out_t      out;
    ngx_http_task_status_e   status;

    static ngx_str_t  allow = ngx_string("GET, HEAD");
    static ngx_str_t  text = ngx_string("text/plain; version=0.0.4; "
                                        "charset=utf-8");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    if (ngx_http_task_status_asked(r, &status) != NGX_OK
        || ngx_http_task_status_see(r, &zones, &jobs) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&out, sizeof(ngx_http_task_out_t));

    out.pool = r->pool;
    out.last = &out.first;

    if (status == NGX_HTTP_TASK_STATUS_PROMETHEUS) {
        type = &text;
        ngx_http_task_status_prometheus(&out, &zones, &jobs);

    } else {
        type = &ngx_http_task_json_type;
        ngx_http_task_status_json(&out, &zones, &jobs);
    }

    if (out.failed || out.buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *out.last = NULL;
    out.buf->last_buf = (r == r->main);
    out.buf->last_in_chain = 1;

    return ngx_http_task_send_chain(r, NGX_HTTP_OK, type, out.first, out.len);
}


static ngx_int_t
ngx_http_task_status_see(ngx_http_request_t *r, ngx_array_t *zones,
    ngx_array_t *jobs)
{
    ngx_uint_t                   i;
    ngx_http_task_seen_t        *seen;
    ngx_http_task_zone_t       **zone;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_task_module);
    zone = tmcf->zones.elts;

    if (ngx_array_init(zones, r->pool, tmcf->zones.nelts + 1,
                       sizeof(ngx_http_task_seen_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < tmcf->zones.nelts; i++) {
        seen = ngx_array_push(zones);

        if (seen == NULL
            || ngx_http_task_see(r->pool, zone[i], seen) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_task_see_jobs(r->pool, &tmcf->job_zones, jobs);
}


/* as configured, or as the client asks; OpenMetrics is the older format, too */

static ngx_int_t
ngx_http_task_status_asked(ngx_http_request_t *r,
    ngx_http_task_status_e *status)
{
    ngx_http_task_loc_conf_t  *tlcf;

    static const char *const  types[] = {
        "application/json", "text/plain", "application/openmetrics-text", NULL
    };

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    *status = tlcf->status;

    if (*status != NGX_HTTP_TASK_STATUS_ASKED) {
        return NGX_OK;
    }

    *status = (ngx_http_task_fields_accept(r, types) == 0)
              ? NGX_HTTP_TASK_STATUS_JSON : NGX_HTTP_TASK_STATUS_PROMETHEUS;

    return ngx_http_task_fields_vary(r, "Accept");
}


static u_char *
ngx_http_task_out_room(ngx_http_task_out_t *out, size_t len)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = out->buf;

    if (out->failed || (b && (size_t) (b->end - b->last) >= len)) {
        return out->failed ? NULL : b->last;
    }

    b = ngx_create_temp_buf(out->pool, ngx_max(len, NGX_HTTP_TASK_OUT_BUF));
    cl = ngx_alloc_chain_link(out->pool);

    if (b == NULL || cl == NULL) {
        out->failed = 1;
        return NULL;
    }

    cl->buf = b;
    *out->last = cl;
    out->last = &cl->next;
    out->buf = b;

    return b->last;
}


void
ngx_http_task_out(ngx_http_task_out_t *out, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    p = ngx_http_task_out_room(out, NGX_HTTP_TASK_OUT_LINE);
    if (p == NULL) {
        return;
    }

    va_start(args, fmt);
    out->buf->last = ngx_vslprintf(p, p + NGX_HTTP_TASK_OUT_LINE, fmt, args);
    va_end(args);

    out->len += out->buf->last - p;
}


void
ngx_http_task_out_str(ngx_http_task_out_t *out, ngx_str_t *s)
{
    u_char  *p;

    p = ngx_http_task_out_room(out, s->len);

    if (p) {
        out->buf->last = ngx_cpymem(p, s->data, s->len);
        out->len += s->len;
    }
}


void
ngx_http_task_out_time(ngx_http_task_out_t *out, uint64_t ns)
{
    ngx_http_task_out(out, "%uL.%06uL", ns / 1000000000,
                      ns % 1000000000 / 1000);
}
