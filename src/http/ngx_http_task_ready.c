
/*
 * "task_ready" tells load balancers whether a task that came now would have
 * room.
 */


#include "http/ngx_http_task_http.h"


static ngx_uint_t ngx_http_task_ready_names(ngx_http_task_loc_conf_t *tlcf,
    ngx_http_task_limit_t *limit);


ngx_int_t
ngx_http_task_ready_check(ngx_conf_t *cf, ngx_http_task_main_conf_t *tmcf)
{
    ngx_uint_t                  i, n;
    ngx_http_task_limit_t     **limit;
    ngx_http_task_loc_conf_t  **ready;

    limit = tmcf->limits.elts;
    ready = tmcf->ready.elts;

    for (i = 0; i < tmcf->ready.nelts; i++) {

        for (n = 0; n < tmcf->limits.nelts; n++) {
            if (ngx_http_task_ready_names(ready[i], limit[n])) {
                break;
            }
        }

        if (n == tmcf->limits.nelts && ready[i]->ready.len) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &ready[i]->place,
                              "no location \"%V\" with a \"task_limit\" is in "
                              "this server", &ready[i]->ready);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_task_ready_handler(ngx_http_request_t *r)
{
    ngx_str_t                    body;
    ngx_uint_t                   i;
    ngx_http_task_limit_t      **limit;
    ngx_http_task_store_t      **stores;
    ngx_http_task_loc_conf_t    *tlcf;
    ngx_http_task_main_conf_t   *tmcf;

    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);
    tmcf = ngx_http_get_module_main_conf(r, ngx_http_task_module);

    limit = tmcf->limits.elts;

    for (i = 0; i < tmcf->limits.nelts; i++) {

        if (ngx_http_task_ready_names(tlcf, limit[i])
            && !ngx_http_task_limit_has_room(limit[i]))
        {
            return ngx_http_task_send_unavailable(r,
                                       ngx_http_task_limit_retry(limit[i], 0));
        }
    }

    stores = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {
        if (stores[i]->away) {
            return ngx_http_task_send_unavailable(r, 1);
        }
    }

    ngx_str_set(&body, "{\"status\":\"ready\"}");

    return ngx_http_task_send(r, NGX_HTTP_OK, &body);
}


/* returns 1 if "task_ready" names the location of this limit, or names none */

static ngx_uint_t
ngx_http_task_ready_names(ngx_http_task_loc_conf_t *tlcf,
    ngx_http_task_limit_t *limit)
{
    return tlcf->ready.len == 0
           || (limit->server == tlcf->server
               && limit->name.len == tlcf->ready.len
               && ngx_strncmp(limit->name.data, tlcf->ready.data,
                              limit->name.len)
                  == 0);
}
