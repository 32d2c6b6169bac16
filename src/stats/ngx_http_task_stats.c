
/*
 * Counting: the directives "task_zone" and "task_stats", and what a task adds
 * to the cell of its location when it starts and when it ends.
 *
 * A series has the name "server\0location\0function\0mode\0".  Locations of the
 * same name, and servers of the same name, are counted together.
 */


#include "task/ngx_http_task.h"


static ssize_t ngx_http_task_zone_resized(ngx_conf_t *cf,
    const char *directive, ngx_str_t *name, void *tag, ssize_t n);
static char *ngx_http_task_zone_buckets(ngx_conf_t *cf,
    ngx_http_task_zone_t *zone, ngx_str_t *text);
static ngx_int_t ngx_http_task_stats_name(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf, ngx_str_t *name);


/* "name:size [buckets=1ms,10ms,1s]" */

char *
ngx_http_task_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                size;
    ngx_str_t             *value, name, text;
    ngx_http_task_zone_t  *zone;

    value = cf->args->elts;

    size = ngx_http_task_zone_size(cf, "task_zone", &value[1], &name,
                                   &ngx_http_task_module);

    if (size == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (name.len == 3 && ngx_strncmp(name.data, "off", 3) == 0) {
        return "cannot have the name \"off\"";
    }

    zone = ngx_http_task_zone_get(cf, &name);
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

    if (ngx_http_task_zone_buckets(cf, zone, cf->args->nelts == 3 ? &value[2]
                                                                  : &text)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return (ngx_http_task_zone_create(cf, zone, size) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ssize_t
ngx_http_task_zone_size(ngx_conf_t *cf, const char *directive,
    ngx_str_t *text, ngx_str_t *name, void *tag)
{
    u_char    *p;
    ssize_t    n;
    ngx_str_t  size;

    p = ngx_strlchr(text->data, text->data + text->len, ':');

    if (p == NULL || p == text->data) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "invalid zone \"%V\", it must be "
                                      "name:size", text);
    }

    name->data = text->data;
    name->len = p - text->data;
    size.data = p + 1;
    size.len = text->len - name->len - 1;

    if (ngx_http_task_utf8_valid(name->data, name->len) != name->len) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "\"%s\" directive has a name that is not "
                                      "UTF-8", directive);
    }

    n = ngx_parse_size(&size);

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "invalid size \"%V\" of zone \"%V\"",
                                      &size, name);
    }

    if (n < (ssize_t) (8 * ngx_pagesize)) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "zone \"%V\" is too small, it must have "
                                      "at least %uz bytes", name,
                                      (size_t) (8 * ngx_pagesize));
    }

    return ngx_http_task_zone_resized(cf, directive, name, tag, n);
}


/* nginx would begin a zone of another size anew, and say nothing */

static ssize_t
ngx_http_task_zone_resized(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, void *tag, ssize_t n)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *old;
    ngx_list_part_t  *part;

    for (part = &cf->cycle->old_cycle->shared_memory.part; part;
         part = part->next)
    {
        old = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (old[i].tag == tag
                && old[i].shm.name.len == name->len
                && ngx_strncmp(old[i].shm.name.data, name->data, name->len) == 0
                && old[i].shm.size != (size_t) n)
            {
                return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                              "size of %s \"%V\" cannot be changed by a "
                              "reload, it is %uz: restart nginx, or use "
                              "another name", directive, name, old[i].shm.size);
            }
        }
    }

    return n;
}


static char *
ngx_http_task_zone_buckets(ngx_conf_t *cf, ngx_http_task_zone_t *zone,
    ngx_str_t *text)
{
    u_char     *p, *last;
    int64_t     ns;
    ngx_int_t   ms;
    ngx_str_t   time;

    if (ngx_strncmp(text->data, "buckets=", 8) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           text);
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
                               "invalid \"%V\", it must be up to %d times, "
                               "each longer than the one before it", text,
                               NGX_HTTP_TASK_ZONE_BUCKETS);
            return NGX_CONF_ERROR;
        }

        ns = (int64_t) ms * 1000000;
        zone->buckets[zone->nbuckets++] = ns;
    }

    return NGX_CONF_OK;
}


/* "zone" or "off" */

char *
ngx_http_task_stats(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_str_t  *value;

    if (tlcf->zone != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        tlcf->zone = NULL;
        return NGX_CONF_OK;
    }

    tlcf->zone = ngx_http_task_zone_get(cf, &value[1]);

    return tlcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_task_stats_check(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_task_zone_t       **zones;
    ngx_http_task_place_t        place;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);
    zones = tmcf->zones.elts;

    for (i = 0; i < tmcf->zones.nelts; i++) {

        if (zones[i]->shm_zone == NULL) {
            place.file = zones[i]->file;
            place.line = zones[i]->line;

            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &place,
                           "zone \"%V\" of \"task_stats\" is not defined by a "
                           "\"task_zone\"", &zones[i]->name);
        }
    }

    return NGX_OK;
}


/* of a location with a task and a zone */

ngx_int_t
ngx_http_task_stats_create(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf)
{
    ngx_str_t                name;
    ngx_uint_t               i;
    ngx_http_task_stats_t   *stats, **known;

    if (ngx_http_task_stats_name(cf, tlcf, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    known = tlcf->zone->stats.elts;

    for (i = 0; i < tlcf->zone->stats.nelts; i++) {
        if (known[i]->name.len == name.len
            && ngx_memcmp(known[i]->name.data, name.data, name.len) == 0)
        {
            tlcf->stats = known[i];
            return NGX_OK;
        }
    }

    stats = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_stats_t));
    known = ngx_array_push(&tlcf->zone->stats);

    if (stats == NULL || known == NULL) {
        return NGX_ERROR;
    }

    stats->zone = tlcf->zone;
    stats->name = name;

    *known = stats;
    tlcf->stats = stats;

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_stats_name(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf,
    ngx_str_t *name)
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
    parts[2] = &tlcf->function->name;
    parts[3] = &tlcf->mode.executor->name;

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


void
ngx_http_task_stats_start(ngx_task_t *t)
{
    if (t->conf->stats == NULL || t->conf->stats->cell == NULL) {
        return;
    }

    t->cell = t->conf->stats->cell;

    ngx_http_task_zone_add(&t->cell[NGX_HTTP_TASK_COUNT_STARTED], 1);
}


/* the end is written last: see ngx_http_task_zone.h */

void
ngx_http_task_stats_end(ngx_task_t *t)
{
    int64_t                begun;
    ngx_http_task_zone_t  *zone;

    if (t->cell == NULL) {
        return;
    }

    zone = t->conf->stats->zone;
    begun = ngx_http_task_atomic_get(&t->started);

    if (begun > 0) {
        ngx_http_task_stats_observe(zone,
                           ngx_http_task_zone_run_time(zone, t->cell),
                           t->ended - begun);

    } else {
        begun = t->ended;
        ngx_http_task_zone_add(&t->cell[NGX_HTTP_TASK_COUNT_SKIPPED], 1);
    }

    ngx_http_task_stats_observe(zone,
                           ngx_http_task_zone_queue_time(zone, t->cell),
                           begun - t->created);

    ngx_http_task_zone_add(&t->cell[NGX_HTTP_TASK_COUNT_DONE
                                    + t->state - NGX_HTTP_TASK_DONE], 1);
}


void
ngx_http_task_stats_observe(ngx_http_task_zone_t *zone, uint64_t *histogram,
    int64_t ns)
{
    ngx_uint_t  i;

    for (i = 0; i < zone->nbuckets && ns > zone->buckets[i]; i++) { /* void */ }

    ngx_http_task_zone_add(&histogram[i], 1);
    ngx_http_task_zone_add(&histogram[zone->nbuckets + 1], ns);
}


/* the worker's counters of a pool, by its name; NULL: nothing is counted */

ngx_http_task_zone_pool_t *
ngx_http_task_stats_pool(ngx_task_t *t, ngx_str_t *name)
{
    size_t                      len;
    ngx_uint_t                  i;
    ngx_http_task_slot_t       *slot;
    ngx_http_task_zone_pool_t  *pool;

    if (t->cell == NULL) {
        return NULL;
    }

    slot = t->conf->stats->zone->slot;

    /* a name that is too long is cut, between two characters */

    len = ngx_http_task_utf8_valid(name->data,
                             ngx_min(name->len, NGX_HTTP_TASK_ZONE_POOL - 1));

    for (i = 0; i < slot->npools; i++) {
        pool = &slot->pools[i];

        if (ngx_strncmp(pool->name, name->data, len) == 0
            && pool->name[len] == '\0')
        {
            return pool;
        }
    }

    /* so many pools are told apart, the last one stands for all others */

    if (i == NGX_HTTP_TASK_ZONE_POOLS) {
        return &slot->pools[i - 1];
    }

    pool = &slot->pools[i];

    if (i == NGX_HTTP_TASK_ZONE_POOLS - 1) {
        ngx_memcpy(pool->name, "(others)", sizeof("(others)"));

    } else {
        ngx_memcpy(pool->name, name->data, len);
        pool->name[len] = '\0';
    }

    ngx_http_task_atomic_set(&slot->npools, i + 1);

    return pool;
}
