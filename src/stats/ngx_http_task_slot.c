
/*
 * The slot of a worker in the shared zone, and what becomes of the numbers of
 * a worker that is gone.
 *
 * A worker has a slot of its own in the generation of its configuration, with
 * a cell for each location.  It holds the slot's mutex, a robust one, for
 * life: that it is dead is known from the kernel, and neither by its pid nor by
 * its number, which may come again.
 *
 * A worker that leaves adds its cells to the totals; of one that was killed,
 * whoever looks next does it, and counts what it held as lost.  That one may be
 * killed, too, at any instruction: the new totals are made beside the old
 * ones, and one store makes them count and tells whose cells are in them, so
 * that the next one goes on where it ended.
 */


#include "stats/ngx_http_task_stats.h"


static ngx_http_task_slot_t *ngx_http_task_slot_take(
    ngx_http_task_zone_t *zone);
static ngx_uint_t ngx_http_task_slot_sweep(ngx_http_task_zone_t *zone,
    ngx_http_task_slot_t *slot);
static void ngx_http_task_slot_fold(ngx_http_task_zone_t *zone,
    ngx_http_task_slot_t *slot);
static void ngx_http_task_slot_add(ngx_http_task_zone_t *zone,
    ngx_http_task_slot_t *slot);


void
ngx_http_task_slot_lock(ngx_http_task_zone_t *zone)
{
    if (pthread_mutex_lock(&zone->sh->mutex) == EOWNERDEAD) {
        (void) pthread_mutex_consistent(&zone->sh->mutex);
    }
}


void
ngx_http_task_slot_unlock(ngx_http_task_zone_t *zone)
{
    (void) pthread_mutex_unlock(&zone->sh->mutex);
}


/*
 * In a worker that begins.  There is a slot for each, unless nginx starts
 * workers of a configuration again while the old ones are still leaving, as
 * it does when the upgrade of its binary is taken back: NGX_DECLINED, until
 * these have left.
 */

ngx_int_t
ngx_http_task_slot_enter(ngx_http_task_zone_t *zone)
{
    ngx_uint_t               i;
    ngx_http_task_slot_t    *slot;
    ngx_http_task_stats_t  **stats;

    ngx_http_task_slot_lock(zone);

    slot = ngx_http_task_slot_take(zone);

    if (slot == NULL) {
        ngx_http_task_slot_unlock(zone);
        return NGX_DECLINED;
    }

    ngx_memzero((u_char *) slot + offsetof(ngx_http_task_slot_t, pid),
                slot->generation->slot_size
                - offsetof(ngx_http_task_slot_t, pid));

    slot->pid = ngx_pid;
    slot->worker = ngx_worker;
    slot->due = ngx_http_task_slot_due(ngx_http_task_now());

    ngx_http_task_atomic_set(&slot->incarnation, ++zone->sh->incarnations);

    ngx_http_task_slot_unlock(zone);

    zone->slot = slot;
    stats = zone->stats.elts;

    for (i = 0; i < zone->stats.nelts; i++) {
        stats[i]->cell = slot->cells + (i + 1) * zone->ncounters;
    }

    return NGX_OK;
}


/*
 * With its mutex locked, or NULL.  A worker that is slow to begin may find its
 * generation gone: two reloads later nobody had been alive in it.
 */

static ngx_http_task_slot_t *
ngx_http_task_slot_take(ngx_http_task_zone_t *zone)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q;
    ngx_http_task_slot_t        *slot;
    ngx_http_task_generation_t  *generation;

    for (q = ngx_queue_head(&zone->sh->alive);
         q != ngx_queue_sentinel(&zone->sh->alive);
         q = ngx_queue_next(q))
    {
        generation = ngx_queue_data(q, ngx_http_task_generation_t, queue);

        if (generation->number != zone->generation) {
            continue;
        }

        for (i = 0; i < generation->nslots; i++) {
            slot = ngx_http_task_zone_slot(generation, i);

            /* one of a worker that was killed is free after the sweep */

            if (ngx_http_task_slot_sweep(zone, slot) == 0
                && pthread_mutex_trylock(&slot->alive) == 0)
            {
                return slot;
            }
        }
    }

    return NULL;
}


/* in a worker that ends, after its last task */

void
ngx_http_task_slot_leave(ngx_http_task_zone_t *zone)
{
    if (zone->slot == NULL) {
        return;
    }

    ngx_http_task_slot_lock(zone);

    ngx_http_task_slot_fold(zone, zone->slot);

    (void) pthread_mutex_unlock(&zone->slot->alive);

    ngx_http_task_slot_unlock(zone);

    zone->slot = NULL;
}


/* under the zone's mutex; how many workers are alive in the generation */

ngx_uint_t
ngx_http_task_slots_sweep(ngx_http_task_zone_t *zone,
    ngx_http_task_generation_t *generation)
{
    ngx_uint_t             i, n;
    ngx_http_task_slot_t  *slot;

    n = 0;

    for (i = 0; i < generation->nslots; i++) {
        slot = ngx_http_task_zone_slot(generation, i);
        n += ngx_http_task_slot_sweep(zone, slot);
    }

    return n;
}


static ngx_uint_t
ngx_http_task_slot_sweep(ngx_http_task_zone_t *zone, ngx_http_task_slot_t *slot)
{
    switch (pthread_mutex_trylock(&slot->alive)) {

    case 0:
        break;

    case EOWNERDEAD:
        (void) pthread_mutex_consistent(&slot->alive);
        break;

    default:
        return 1;
    }

    ngx_http_task_slot_fold(zone, slot);

    (void) pthread_mutex_unlock(&slot->alive);

    return 0;
}


/*
 * One slot after the other: of the one that was interrupted a series knows only
 * as long as no other slot is added to it.
 */

static void
ngx_http_task_slot_fold(ngx_http_task_zone_t *zone, ngx_http_task_slot_t *slot)
{
    if (zone->sh->folding) {
        ngx_http_task_slot_add(zone, zone->sh->folding);
    }

    ngx_http_task_atomic_set(&zone->sh->folding, slot);

    ngx_http_task_slot_add(zone, slot);

    ngx_http_task_atomic_set(&zone->sh->folding, NULL);
}


/*
 * What was started and has not ended is lost, what has not begun never will.
 * Those who were killed here left some series done, which know it, and the
 * incarnation in its place.
 */

static void
ngx_http_task_slot_add(ngx_http_task_zone_t *zone, ngx_http_task_slot_t *slot)
{
    size_t                       j;
    uint64_t                    *cell, *from, *to, ended;
    ngx_uint_t                   i, which;
    ngx_http_task_series_t      *series;
    ngx_http_task_generation_t  *generation;

    if (slot->incarnation == 0) {
        return;
    }

    generation = slot->generation;

    for (i = 0; i < generation->nseries; i++) {
        series = generation->series[i];

        if (series->state >> 1 == slot->incarnation) {
            continue;
        }

        which = !(series->state & 1);

        cell = slot->cells + i * zone->ncounters;
        from = series->total[!which];
        to = series->total[which];
        ended = 0;

        for (j = 0; j < zone->ncounters; j++) {
            to[j] = from[j] + cell[j];
        }

        for (j = NGX_HTTP_TASK_COUNT_DONE; j < NGX_HTTP_TASK_COUNT_LOST; j++) {
            ended += cell[j];
        }

        to[NGX_HTTP_TASK_COUNT_LOST] +=
                                     cell[NGX_HTTP_TASK_COUNT_ACCEPTED] - ended;
        to[NGX_HTTP_TASK_COUNT_SKIPPED] = to[NGX_HTTP_TASK_COUNT_ACCEPTED]
                                          - to[NGX_HTTP_TASK_COUNT_BEGUN];

        ngx_http_task_atomic_set(&series->state,
                                 slot->incarnation << 1 | which);
    }

    ngx_http_task_atomic_set(&slot->incarnation, 0);
}


/* timers are as late as "timer_resolution" allows, and nothing stands still */

int64_t
ngx_http_task_slot_due(int64_t now)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    return now + (NGX_HTTP_TASK_SLOT_BEAT + (int64_t) ccf->timer_resolution)
                 * 1000000;
}
