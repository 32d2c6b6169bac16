
/*
 * "task_openapi", and when its document is made: behind the merging of all
 * locations, so that modes, bounds and limits are those that apply.
 */


#include "http/openapi/ngx_http_task_openapi.h"

#include <ngx_md5.h>


static ngx_int_t ngx_http_task_openapi_words(ngx_conf_t *cf);
static ngx_int_t ngx_http_task_openapi_etag(ngx_conf_t *cf,
    ngx_http_task_openapi_conf_t *conf);


/* "[title=...] [version=...] [server=on|off]" */

char *
ngx_http_task_openapi_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char                          *rv;
    ngx_str_t                      server;
    ngx_http_task_openapi_conf_t  *ocf;

    ngx_http_task_option_t  options[] = {
        { "title", NULL },
        { "version", NULL },
        { "server", &server },
        { NULL, NULL }
    };

    rv = ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_openapi_handler);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ocf = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_openapi_conf_t));
    if (ocf == NULL) {
        return NGX_CONF_ERROR;
    }

    tlcf->openapi = ocf;

    options[0].value = &ocf->title;
    options[1].value = &ocf->version;
    ngx_str_null(&server);

    if (ngx_http_task_openapi_words(cf) != NGX_OK
        || ngx_http_task_conf_options(cf, 1, options) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ocf->title.data == NULL) {
        ngx_str_set(&ocf->title, "nginx");
    }

    if (ocf->version.data == NULL) {
        ngx_str_set(&ocf->version, "1.0");
    }

    ocf->server = (server.data && ngx_strcmp(server.data, "on") == 0);

    if (server.data && !ocf->server
        && ngx_strcmp(server.data, "off") != 0)
    {
        return ngx_http_task_conf_invalid(cf, &options[2],
                                          "\"on\" or \"off\"");
    }

    return NGX_CONF_OK;
}


/* title="Two words" is one word of the directive */

static ngx_int_t
ngx_http_task_openapi_words(ngx_conf_t *cf)
{
    ngx_str_t   *word, text;
    ngx_uint_t   i, n, used;

    word = cf->args->elts;

    for (i = 1, n = 1; i < cf->args->nelts; i += used) {

        used = ngx_http_task_quoted(cf, &word[i], cf->args->nelts - i, &text);

        if (used == 0) {
            return NGX_ERROR;
        }

        word[n++] = text;
    }

    cf->args->nelts = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_openapi_build(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_task_loc_conf_t   **location;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    location = tmcf->locations.elts;

    for (i = 0; i < tmcf->locations.nelts; i++) {

        if (location[i]->openapi == NULL) {
            continue;
        }

        if (ngx_http_task_openapi_make(cf, tmcf, location[i]) != NGX_OK
            || ngx_http_task_openapi_etag(cf, location[i]->openapi) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the same in each worker, and on each machine with this configuration */

static ngx_int_t
ngx_http_task_openapi_etag(ngx_conf_t *cf, ngx_http_task_openapi_conf_t *conf)
{
    u_char     *p, hash[16];
    ngx_md5_t   md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, conf->text.data, conf->text.len);
    ngx_md5_final(hash, &md5);

    conf->etag.len = 2 * sizeof(hash) + 2;
    conf->etag.data = ngx_pnalloc(cf->pool, conf->etag.len);

    if (conf->etag.data == NULL) {
        return NGX_ERROR;
    }

    p = conf->etag.data;

    *p++ = '"';
    p = ngx_hex_dump(p, hash, sizeof(hash));
    *p = '"';

    return NGX_OK;
}
