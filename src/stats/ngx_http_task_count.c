
/*
 * Counting: what a task adds to the cell of its location when it is accepted
 * and when it ends.
 */


#include "stats/ngx_http_task_stats.h"
#include "text/ngx_http_task_text.h"


uint64_t *
ngx_http_task_count_start(ngx_http_task_stats_t *stats)
{
    if (stats == NULL || stats->cell == NULL) {
        return NULL;
    }

    ngx_http_task_zone_add(&stats->cell[NGX_HTTP_TASK_COUNT_ACCEPTED], 1);

    return stats->cell;
}


/* no counter goes down: who reads them would take that for a new start */

void
ngx_http_task_count_given_back(uint64_t *cell)
{
    ngx_http_task_zone_add(&cell[NGX_HTTP_TASK_COUNT_SKIPPED], 1);
    ngx_http_task_zone_add(&cell[NGX_HTTP_TASK_COUNT_GIVEN_BACK], 1);
}


void
ngx_http_task_count_stream(uint64_t *cell, uint64_t bytes, int64_t waited)
{
    ngx_http_task_zone_add(&cell[NGX_HTTP_TASK_COUNT_STREAM_BYTES], bytes);
    ngx_http_task_zone_add(&cell[NGX_HTTP_TASK_COUNT_STREAM_WAIT], waited);
}


/* the counter of the end is written last: see ngx_http_task_zone_layout.h */

void
ngx_http_task_count_end(ngx_http_task_stats_t *stats, uint64_t *cell,
    ngx_http_task_count_e end, int64_t created, int64_t begun, int64_t ended)
{
    ngx_http_task_zone_t  *zone;

    zone = stats->zone;

    if (begun > 0) {
        ngx_http_task_count_observe(zone,
                                    ngx_http_task_zone_run_time(zone, cell),
                                    ended - begun);

    } else {
        begun = ended;
        ngx_http_task_zone_add(&cell[NGX_HTTP_TASK_COUNT_SKIPPED], 1);
    }

    ngx_http_task_count_observe(zone, ngx_http_task_zone_queue_time(zone, cell),
                                begun - created);

    ngx_http_task_zone_add(&cell[end], 1);
}


void
ngx_http_task_count_observe(ngx_http_task_zone_t *zone, uint64_t *histogram,
    int64_t ns)
{
    ngx_uint_t  i;

    for (i = 0; i < zone->nbuckets && ns > zone->buckets[i]; i++) { /* void */ }

    ngx_http_task_zone_add(&histogram[i], 1);
    ngx_http_task_zone_add(&histogram[zone->nbuckets + 1], ns);
}


ngx_http_task_zone_pool_t *
ngx_http_task_count_pool(ngx_http_task_stats_t *stats, ngx_str_t *name)
{
    size_t                      len;
    ngx_uint_t                  i;
    ngx_http_task_slot_t       *slot;
    ngx_http_task_zone_pool_t  *pool;

    if (stats == NULL || stats->zone->slot == NULL) {
        return NULL;
    }

    slot = stats->zone->slot;

    /* a name that is too long is cut between two characters */

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

    /* there is room for so many pools, the last one stands for all others */

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


void
ngx_http_task_count_piece_given(ngx_http_task_zone_pool_t *pool)
{
    ngx_http_task_zone_add(&pool->given, 1);
}


void
ngx_http_task_count_piece_begun(ngx_http_task_zone_pool_t *pool)
{
    ngx_http_task_zone_add_shared(&pool->begun, 1);
}


void
ngx_http_task_count_piece_returned(ngx_http_task_zone_pool_t *pool)
{
    ngx_http_task_zone_add(&pool->returned, 1);
}
