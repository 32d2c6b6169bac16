
/*
 * "task_background" and "task_jobs": which tasks are jobs, in which store, and
 * where clients are told of them.
 */


#include "jobs/ngx_http_task_jobs.h"
#include "jobs/store/ngx_http_task_store_conf.h"


static ngx_uint_t ngx_http_task_job_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);
static char *ngx_http_task_job_options(ngx_conf_t *cf,
    ngx_http_task_job_conf_t *jcf);
static char *ngx_http_task_job_queue_option(ngx_conf_t *cf,
    ngx_http_task_job_conf_t *jcf, ngx_http_task_option_t *max,
    ngx_http_task_option_t *queue);


/* "off | on | prefer zone=name [location=/jobs/] [max=1000] [queue=name]" */

char *
ngx_http_task_job_background(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                 *value;
    ngx_http_task_job_conf_t  *jcf;

    jcf = (ngx_http_task_job_conf_t *) ((char *) conf + cmd->offset);

    if (jcf->background != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        jcf->background = NGX_HTTP_TASK_BACKGROUND_OFF;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") == 0) {
        jcf->background = NGX_HTTP_TASK_BACKGROUND_ON;

    } else if (ngx_strcmp(value[1].data, "prefer") == 0) {
        jcf->background = NGX_HTTP_TASK_BACKGROUND_PREFER;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be \"off\", or "
                           "\"on\" or \"prefer\" with \"zone=name\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_task_job_options(cf, jcf);
}


static char *
ngx_http_task_job_options(ngx_conf_t *cf, ngx_http_task_job_conf_t *jcf)
{
    ngx_str_t  zone, location, max, queue;

    ngx_http_task_option_t  options[] = {
        { "zone", &zone },
        { "location", &location },
        { "max", &max },
        { "queue", &queue },
        { NULL, NULL }
    };

    ngx_str_null(&zone);
    ngx_str_null(&location);
    ngx_str_null(&max);
    ngx_str_null(&queue);

    if (ngx_http_task_conf_options(cf, 2, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (zone.len == 0) {
        return "must have \"zone\" parameter";
    }

    jcf->store = ngx_http_task_store_get(cf, jcf->zones, &zone);

    if (jcf->store == NULL) {
        return NGX_CONF_ERROR;
    }

    jcf->store->asked = ngx_http_task_job_cancel;
    jcf->store->lost = ngx_http_task_job_lost;

    if (location.data == NULL) {
        ngx_str_set(&location, "/jobs/");
    }

    if (location.len == 0 || location.data[0] != '/'
        || location.data[location.len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"location=%V\", a location "
                           "begins and ends with a slash", &location);
        return NGX_CONF_ERROR;
    }

    jcf->location = location;

    return ngx_http_task_job_queue_option(cf, jcf, &options[2], &options[3]);
}


/* "max" and "queue" */

static char *
ngx_http_task_job_queue_option(ngx_conf_t *cf, ngx_http_task_job_conf_t *jcf,
    ngx_http_task_option_t *max, ngx_http_task_option_t *queue)
{
    ngx_int_t   n;
    ngx_str_t  *name;

    n = max->value->data ? ngx_atoi(max->value->data, max->value->len) : 0;

    if (n == NGX_ERROR || (max->value->data && n == 0)) {
        return ngx_http_task_conf_invalid(cf, max, "a number that is not 0");
    }

    name = queue->value;

    if (name->data
        && (name->len == 0 || name->len > NGX_HTTP_TASK_JOB_QUEUE
            || ngx_http_task_utf8_valid(name->data, name->len) != name->len))
    {
        return ngx_http_task_conf_invalid(cf, queue,
                                          "a name of at most 64 bytes");
    }

    jcf->max = n;
    jcf->queue = *name;

    return NGX_CONF_OK;
}


/*
 * A location finds its jobs again after a reload, in another worker, and on
 * another machine that has the same configuration: its key is made of its name
 * and its server's.  With "max" it has a share of its own in the store.
 */

ngx_int_t
ngx_http_task_job_merge_share(ngx_conf_t *cf, ngx_http_task_job_conf_t *jcf,
    ngx_http_task_place_t *place)
{
    u_char                     kind;
    uint64_t                   key;
    ngx_uint_t                 server;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    if (jcf->background == NGX_HTTP_TASK_BACKGROUND_OFF) {
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    server = ngx_http_task_job_server(cf, cscf);
    kind = clcf->exact_match ? '=' : ' ';

#if (NGX_PCRE)
    if (clcf->regex) {
        kind = '~';
    }
#endif

    key = ngx_http_task_store_hash(NGX_HTTP_TASK_STORE_HASH,
                                   cscf->server_name.data,
                                   cscf->server_name.len);
    key = ngx_http_task_store_hash(key, (u_char *) &server,
                                   sizeof(ngx_uint_t));
    key = ngx_http_task_store_hash(key, &kind, 1);

    jcf->key = ngx_http_task_store_hash(key, clcf->name.data, clcf->name.len);

    if (jcf->max == 0) {
        return NGX_OK;
    }

    jcf->share = jcf->key;

    if (++jcf->store->nshares > NGX_HTTP_TASK_JOB_SHARES / 2) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, place,
                           "at most %d locations may have \"max\" in the zone "
                           "\"%V\" of jobs", NGX_HTTP_TASK_JOB_SHARES / 2,
                           &jcf->store->name);
    }

    return NGX_OK;
}


/* returns how many servers of the same name come before this one */

static ngx_uint_t
ngx_http_task_job_server(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_uint_t                   i, n;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    servers = cmcf->servers.elts;
    n = 0;

    for (i = 0; i < cmcf->servers.nelts && servers[i] != cscf; i++) {
        n += (servers[i]->server_name.len == cscf->server_name.len
              && ngx_strncmp(servers[i]->server_name.data,
                             cscf->server_name.data, cscf->server_name.len)
                 == 0);
    }

    return n;
}


/* what ends may be tried again as soon as one location lists the jobs */

char *
ngx_http_task_job_told(ngx_conf_t *cf, ngx_http_task_job_conf_t *conf)
{
    ngx_str_t  zone, list;

    ngx_http_task_option_t  options[] = {
        { "zone", &zone },
        { "list", &list },
        { NULL, NULL }
    };

    ngx_str_null(&zone);
    ngx_str_null(&list);

    if (ngx_http_task_conf_options(cf, 1, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (zone.len == 0) {
        return "must have \"zone\" parameter";
    }

    conf->told = ngx_http_task_store_get(cf, conf->zones, &zone);

    if (conf->told == NULL) {
        return NGX_CONF_ERROR;
    }

    if (list.data == NULL || (list.len == 3
                              && ngx_strncmp(list.data, "off", 3) == 0))
    {
        return NGX_CONF_OK;
    }

    if (list.len != 2 || ngx_strncmp(list.data, "on", 2) != 0) {
        return ngx_http_task_conf_invalid(cf, &options[1],
                                          "\"on\" or \"off\"");
    }

    conf->list = 1;
    conf->told->lists = 1;

    return NGX_CONF_OK;
}


void
ngx_http_task_job_merge(ngx_http_task_job_conf_t *prev,
    ngx_http_task_job_conf_t *conf)
{
    ngx_conf_merge_uint_value(conf->idempotency, prev->idempotency,
                              NGX_HTTP_TASK_IDEMPOTENCY_ON);

    if (conf->background != NGX_CONF_UNSET_UINT) {
        return;
    }

    conf->background = (prev->background == NGX_CONF_UNSET_UINT)
                       ? NGX_HTTP_TASK_BACKGROUND_OFF : prev->background;
    conf->store = prev->store;
    conf->location = prev->location;
    conf->max = prev->max;
    conf->queue = prev->queue;
}
