
/*
 * "task_zone" and "task_stats": zones, and the series of locations in them.
 *
 * A series has the name "server\0location\0function\0mode\0".  Locations of
 * the same name, and servers of the same name, are counted together.
 */


#include "stats/ngx_http_task_stats.h"
#include "text/ngx_http_task_text.h"


static char *ngx_http_task_stats_buckets(ngx_conf_t *cf,
    ngx_http_task_zone_t *zone, ngx_str_t *text);
static ngx_int_t ngx_http_task_stats_name(ngx_conf_t *cf,
    const ngx_str_t *function, const ngx_str_t *mode, ngx_str_t *name);


/* "name:size [buckets=1ms,10ms,1s]" */

char *
ngx_http_task_stats_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                size;
    ngx_str_t             *value, name, text;
    ngx_array_t           *zones;
    ngx_http_task_zone_t  *zone;

    zones = (ngx_array_t *) ((char *) conf + cmd->offset);

    value = cf->args->elts;

    size = ngx_http_task_shm_size(cf, "task_zone", 0, &value[1], &name,
                                  cmd->post);

    if (size == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (name.len == 3 && ngx_strncmp(name.data, "off", 3) == 0) {
        return "cannot have the name \"off\"";
    }

    zone = ngx_http_task_zone_get(cf, zones, &name);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (zone->shm_zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"",
                           &name);
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&text, "buckets=1ms,2ms,5ms,10ms,20ms,50ms,100ms,200ms,500ms,"
                       "1s,2s,5s,10s,20s,30s,60s");

    if (ngx_http_task_stats_buckets(cf, zone, cf->args->nelts == 3 ? &value[2]
                                                                  : &text)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return (ngx_http_task_zone_create(cf, zone, size, cmd->post) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_task_stats_buckets(ngx_conf_t *cf, ngx_http_task_zone_t *zone,
    ngx_str_t *text)
{
    u_char     *p, *last;
    int64_t     ns;
    ngx_int_t   ms;
    ngx_str_t   time;

    if (ngx_strncmp(text->data, "buckets=", 8) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\", "
                           "it must be \"buckets=\"", text);
        return NGX_CONF_ERROR;
    }

    last = text->data + text->len;
    ns = 0;

    for (p = text->data + 8; p <= last; p = time.data + time.len + 1) {

        time.data = p;
        p = ngx_strlchr(p, last, ',');
        time.len = (p ? p : last) - time.data;

        ms = ngx_http_task_conf_time(&time);

        if (ms == NGX_ERROR || (int64_t) ms * 1000000 <= ns
            || zone->nbuckets == NGX_HTTP_TASK_ZONE_BUCKETS)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it must be up to "
                               "%d times, each longer than the one before it",
                               text, NGX_HTTP_TASK_ZONE_BUCKETS);
            return NGX_CONF_ERROR;
        }

        ns = (int64_t) ms * 1000000;
        zone->buckets[zone->nbuckets++] = ns;
    }

    return NGX_CONF_OK;
}


/* "zone" or "off" */

char *
ngx_http_task_stats_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                   *value;
    ngx_http_task_stats_conf_t  *scf;

    scf = (ngx_http_task_stats_conf_t *) ((char *) conf + cmd->offset);

    if (scf->zone != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        scf->zone = NULL;
        return NGX_CONF_OK;
    }

    scf->zone = ngx_http_task_zone_get(cf, scf->zones, &value[1]);

    return scf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_task_stats_merge(ngx_conf_t *cf, ngx_http_task_stats_conf_t *prev,
    ngx_http_task_stats_conf_t *conf, const ngx_str_t *function,
    const ngx_str_t *mode)
{
    ngx_str_t                name;
    ngx_uint_t               i;
    ngx_http_task_stats_t   *stats, **known;

    ngx_conf_merge_ptr_value(conf->zone, prev->zone, NULL);

    if (function == NULL || conf->zone == NULL) {
        return NGX_OK;
    }

    if (ngx_http_task_stats_name(cf, function, mode, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    known = conf->zone->stats.elts;

    for (i = 0; i < conf->zone->stats.nelts; i++) {
        if (known[i]->name.len == name.len
            && ngx_memcmp(known[i]->name.data, name.data, name.len) == 0)
        {
            conf->stats = known[i];
            return NGX_OK;
        }
    }

    stats = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_stats_t));
    known = ngx_array_push(&conf->zone->stats);

    if (stats == NULL || known == NULL) {
        return NGX_ERROR;
    }

    stats->zone = conf->zone;
    stats->name = name;

    *known = stats;
    conf->stats = stats;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_stats_name(ngx_conf_t *cf, const ngx_str_t *function,
    const ngx_str_t *mode, ngx_str_t *name)
{
    size_t                      len;
    u_char                     *p;
    ngx_uint_t                  i;
    const ngx_str_t            *parts[4];
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_core_srv_conf_t   *cscf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    parts[0] = &cscf->server_name;
    parts[1] = &clcf->name;
    parts[2] = function;
    parts[3] = mode;

    for (i = 0, len = 0; i < 4; i++) {
        len += parts[i]->len * NGX_HTTP_TASK_UTF8_GROWTH + 1;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name->data = p;

    for (i = 0; i < 4; i++) {
        p += ngx_http_task_utf8_copy(p, parts[i]->data, parts[i]->len);
        *p++ = '\0';
    }

    name->len = p - name->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_stats_check(ngx_conf_t *cf, ngx_array_t *array)
{
    ngx_uint_t              i;
    ngx_http_task_zone_t  **zones;

    zones = array->elts;

    for (i = 0; i < array->nelts; i++) {

        if (zones[i]->shm_zone == NULL) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &zones[i]->place,
                           "zone \"%V\" of \"task_stats\" is not defined by a "
                           "\"task_zone\"", &zones[i]->name);
        }
    }

    return NGX_OK;
}
