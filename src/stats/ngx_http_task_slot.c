
/*
 * The slot of a worker in the shared zone, and what becomes of the numbers of
 * a worker that is gone.
 *
 * A worker has a slot of its own in the generation of its configuration, with
 * a cell for each location.  It holds the slot's mutex, a robust one, for
 * life: so others learn from the kernel that it is dead, and not from its pid
 * or its number, which may come again.
 *
 * A worker that leaves adds its cells to the totals.  For one that was killed,
 * the next process that looks does so, and counts its unfinished tasks as
 * lost.  That process may be killed, too, at any instruction.  So new totals
 * are made beside the old ones, and a single store makes them count and tells
 * whose cells are in them; the next process then goes on where this one ended.
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
 * Called in a worker that begins.  There is a slot for each worker, unless
 * nginx starts workers of a configuration again while the old ones are still
 * leaving, as when an upgrade of its binary is taken back.  Then NGX_DECLINED
 * is returned, until the old ones have left.
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
 * Returns a slot with its mutex locked, or NULL.  A worker that is slow to
 * begin may find its generation gone, freed by the second reload since, as
 * nobody was alive in it.
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

            /* the slot of a worker that was killed is free after the sweep */

            if (ngx_http_task_slot_sweep(zone, slot) == 0
                && pthread_mutex_trylock(&slot->alive) == 0)
            {
                return slot;
            }
        }
    }

    return NULL;
}


/* called in a worker that ends, after its last task */

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


ngx_uint_t
ngx_http_task_slots_sweep_one(ngx_http_task_zone_t *zone)
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

        for (i = 0; i < generation->nslots; i++) {
            slot = ngx_http_task_zone_slot(generation, i);

            if (slot->incarnation && ngx_http_task_slot_sweep(zone, slot) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
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
 * First finishes the slot whose adding was interrupted: a series knows that it
 * has that slot's cells only until another slot is added to it.
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
 * Tasks that were accepted and have not ended are lost; those of them that
 * have not begun are skipped.  If a process was killed here, the series that
 * it had finished carry the slot's incarnation and are passed over now;
 * slot->incarnation is still set, so that the next process goes on.
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


/*
 * With "timer_resolution" a timer may be that late although nothing blocks the
 * loop: this is no lag.
 */

int64_t
ngx_http_task_slot_due(int64_t now)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    return now + (NGX_HTTP_TASK_SLOT_BEAT + (int64_t) ccf->timer_resolution)
                 * 1000000;
}
