
/*
 * What a zone looks like.  It is copied a location at a time, each under the
 * zone's mutex, and printed when all is copied: there may be thousands of
 * locations, and many workers.
 *
 * The numbers of a location are of one moment.  If the master has read a
 * configuration meanwhile, series and generations may be gone, and the copy
 * begins anew.
 */


#include "stats/ngx_http_task_seen.h"


static ngx_int_t ngx_http_task_see_next(ngx_http_task_seen_t *seen);
static ngx_int_t ngx_http_task_see_begin(ngx_http_task_seen_t *seen);
static void ngx_http_task_see_mark(ngx_http_task_zone_t *zone);
static ngx_int_t ngx_http_task_see_workers(ngx_http_task_seen_t *seen,
    ngx_http_task_generation_t *generation);
static void ngx_http_task_see_oldest(ngx_http_task_seen_worker_t *worker,
    ngx_http_task_slot_t *slot, int64_t now);
static ngx_uint_t *ngx_http_task_see_cells(ngx_http_task_seen_t *seen,
    ngx_http_task_generation_t *generation);
static ngx_int_t ngx_http_task_see_series(ngx_http_task_seen_t *seen,
    ngx_uint_t place);
static void ngx_http_task_see_cell(ngx_http_task_seen_t *seen,
    ngx_http_task_seen_series_t *series, uint64_t *cell,
    ngx_http_task_seen_worker_t *worker);
static ngx_int_t ngx_http_task_see_pools(
    ngx_http_task_seen_worker_t *worker, ngx_http_task_slot_t *slot,
    ngx_pool_t *pool);


const ngx_http_task_seen_counter_t
    ngx_http_task_seen_counters[NGX_HTTP_TASK_COUNTS] =
{
    [NGX_HTTP_TASK_COUNT_ACCEPTED]  = { .json = "started",
                                        .metric = "nginx_task_started_total",
                                        .help = "Tasks accepted." },
    [NGX_HTTP_TASK_COUNT_BEGUN]     = { .end = NULL },
    [NGX_HTTP_TASK_COUNT_SKIPPED]   = { .end = NULL },

    [NGX_HTTP_TASK_COUNT_STREAM_BYTES] =
        { .json = "stream_bytes",
          .metric = "nginx_task_stream_bytes_total",
          .help = "Bytes that tasks have streamed." },
    [NGX_HTTP_TASK_COUNT_STREAM_WAIT] =
        { .json = "stream_wait",
          .metric = "nginx_task_stream_wait_seconds_total",
          .help = "How long tasks that stream waited for their clients.",
          .time = 1 },

    [NGX_HTTP_TASK_COUNT_DONE]      = { .end = "done" },
    [NGX_HTTP_TASK_COUNT_FAILED]    = { .end = "failed" },
    [NGX_HTTP_TASK_COUNT_CANCELLED] = { .end = "cancelled" },
    [NGX_HTTP_TASK_COUNT_REJECTED]  = { .end = "rejected" },
    [NGX_HTTP_TASK_COUNT_TIMEOUT]   = { .end = "timeout" },
    [NGX_HTTP_TASK_COUNT_GIVEN_BACK] = { .end = "given_back" },
    [NGX_HTTP_TASK_COUNT_LOST]      = { .end = "lost" }
};


ngx_int_t
ngx_http_task_see_init(ngx_http_task_seen_t *seen, ngx_http_task_zone_t *zone,
    ngx_pool_t *pool, ngx_http_task_arena_t *arena)
{
    ngx_memzero(seen, sizeof(ngx_http_task_seen_t));

    seen->zone = zone;
    seen->pool = pool;
    seen->arena = arena;

    if (ngx_array_init(&seen->workers, pool, 8,
                       sizeof(ngx_http_task_seen_worker_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* an array that grows in the pool, should there be more after a reload */

    seen->series.pool = pool;
    seen->series.nalloc = 1 + zone->stats.nelts;
    seen->series.size = sizeof(ngx_http_task_seen_series_t);
    seen->series.elts = ngx_http_task_arena_alloc(arena, seen->series.nalloc
                                                         * seen->series.size);

    return seen->series.elts ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_task_see(ngx_http_task_seen_t *seen)
{
    ngx_int_t  rc;

    ngx_http_task_slot_lock(seen->zone);

    rc = ngx_http_task_see_next(seen);

    ngx_http_task_slot_unlock(seen->zone);

    return rc;
}


static ngx_int_t
ngx_http_task_see_next(ngx_http_task_seen_t *seen)
{
    ngx_http_task_zone_t  *zone;

    zone = seen->zone;

    if (seen->generations != zone->sh->generations) {

        /* each of the dead adds a cell to each series */

        if (ngx_http_task_slots_sweep_one(zone)) {
            return NGX_AGAIN;
        }

        return ngx_http_task_see_begin(seen);
    }

    if (seen->copied == seen->series.nelts) {
        return NGX_OK;
    }

    return ngx_http_task_see_series(seen, seen->copied++);
}


/* lists series and workers, without the numbers of series */

static ngx_int_t
ngx_http_task_see_begin(ngx_http_task_seen_t *seen)
{
    ngx_int_t                     rc;
    ngx_queue_t                  *q;
    ngx_http_task_zone_sh_t      *sh;
    ngx_http_task_series_t       *series;
    ngx_http_task_generation_t   *generation;
    ngx_http_task_seen_series_t  *s;

    sh = seen->zone->sh;

    seen->generations = sh->generations;
    seen->copied = 0;
    seen->series.nelts = 0;
    seen->workers.nelts = 0;

    ngx_http_task_see_mark(seen->zone);

    for (q = ngx_queue_head(&sh->series);
         q != ngx_queue_sentinel(&sh->series);
         q = ngx_queue_next(q))
    {
        series = ngx_queue_data(q, ngx_http_task_series_t, queue);

        if (!series->seen) {
            continue;
        }

        series->seen = seen->series.nelts;

        s = ngx_array_push(&seen->series);
        if (s == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(s, sizeof(ngx_http_task_seen_series_t));
        s->series = series;
    }

    /* only a worker whose own generation is gone may find no other */

    rc = seen->series.nelts ? NGX_AGAIN : NGX_ERROR;

    for (q = ngx_queue_head(&sh->alive);
         q != ngx_queue_sentinel(&sh->alive) && rc == NGX_AGAIN;
         q = ngx_queue_next(q))
    {
        generation = ngx_queue_data(q, ngx_http_task_generation_t, queue);
        rc = ngx_http_task_see_workers(seen, generation);
    }

    return rc;
}


/*
 * Shown are the series of each generation with a live worker, and of the
 * current one.  Dead workers are not listed; their counts are in the totals.
 */

static void
ngx_http_task_see_mark(ngx_http_task_zone_t *zone)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q;
    ngx_http_task_series_t      *series;
    ngx_http_task_generation_t  *generation;

    for (q = ngx_queue_head(&zone->sh->series);
         q != ngx_queue_sentinel(&zone->sh->series);
         q = ngx_queue_next(q))
    {
        series = ngx_queue_data(q, ngx_http_task_series_t, queue);
        series->seen = 0;
    }

    for (q = ngx_queue_head(&zone->sh->alive);
         q != ngx_queue_sentinel(&zone->sh->alive);
         q = ngx_queue_next(q))
    {
        generation = ngx_queue_data(q, ngx_http_task_generation_t, queue);

        if (ngx_http_task_slots_sweep(zone, generation) == 0
            && generation->number != zone->generation)
        {
            continue;
        }

        for (i = 0; i < generation->nseries; i++) {
            generation->series[i]->seen = 1;
        }
    }
}


static ngx_int_t
ngx_http_task_see_workers(ngx_http_task_seen_t *seen,
    ngx_http_task_generation_t *generation)
{
    int64_t                       now;
    ngx_uint_t                    i, *cells;
    ngx_http_task_slot_t         *slot;
    ngx_http_task_seen_worker_t  *worker;

    now = ngx_http_task_now();
    cells = NULL;

    for (i = 0; i < generation->nslots; i++) {
        slot = ngx_http_task_zone_slot(generation, i);

        if (slot->incarnation == 0) {
            continue;
        }

        worker = ngx_array_push(&seen->workers);
        cells = cells ? cells : ngx_http_task_see_cells(seen, generation);

        if (worker == NULL || cells == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(worker, sizeof(ngx_http_task_seen_worker_t));

        worker->slot = slot;
        worker->incarnation = slot->incarnation;
        worker->cells = cells;

        worker->pid = slot->pid;
        worker->worker = slot->worker;
        worker->generation = generation->number;
        worker->worst = ngx_http_task_atomic_get(&slot->worst);

        ngx_http_task_see_oldest(worker, slot, now);

        worker->lag = ngx_max(now - ngx_http_task_atomic_get(&slot->due), 0);
        worker->worst = ngx_max(worker->worst, worker->lag);

        if (ngx_http_task_see_pools(worker, slot, seen->pool) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_AGAIN;
}


static void
ngx_http_task_see_oldest(ngx_http_task_seen_worker_t *worker,
    ngx_http_task_slot_t *slot, int64_t now)
{
    ngx_uint_t  i;

    worker->now = now / 1000000;

    for (i = 0; i < NGX_HTTP_TASK_ZONE_OLDEST; i++) {
        worker->oldest[i] = ngx_http_task_atomic_get(&slot->oldest[i]);

        if (worker->oldest[i] == 0) {
            break;
        }
    }
}


/* returns which cell of a slot each series has: the first is 1; 0: none */

static ngx_uint_t *
ngx_http_task_see_cells(ngx_http_task_seen_t *seen,
    ngx_http_task_generation_t *generation)
{
    size_t      size;
    ngx_uint_t  i, *cells;

    size = seen->series.nelts * sizeof(ngx_uint_t);

    cells = ngx_http_task_arena_alloc(seen->arena, size);
    if (cells == NULL) {
        return NULL;
    }

    ngx_memzero(cells, size);

    for (i = 0; i < generation->nseries; i++) {
        cells[generation->series[i]->seen] = i + 1;
    }

    return cells;
}


/*
 * Copies the name, too: a reload may free a series when the mutex is unlocked.
 * The numbers of a worker that has left meanwhile are in the total.
 */

static ngx_int_t
ngx_http_task_see_series(ngx_http_task_seen_t *seen, ngx_uint_t place)
{
    u_char                       *p, *last;
    size_t                        n, size;
    ngx_uint_t                    i, cell;
    ngx_http_task_slot_t         *slot;
    ngx_http_task_series_t       *series;
    ngx_http_task_seen_series_t  *s;
    ngx_http_task_seen_worker_t  *worker;

    s = seen->series.elts;
    s += place;
    series = s->series;

    n = seen->zone->ncounters;
    size = n * sizeof(uint64_t);

    p = ngx_http_task_arena_alloc(seen->arena, size + series->name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    s->counters = (uint64_t *) p;
    ngx_memcpy(p, series->total[series->state & 1], size);

    p += size;
    last = ngx_cpymem(p, series->name.data, series->name.len);

    for (i = 0; i < NGX_HTTP_TASK_LABELS && p < last; i++) {
        s->labels[i].data = p;
        s->labels[i].len = ngx_strlen(p);
        p += s->labels[i].len + 1;
    }

    worker = seen->workers.elts;

    for (i = 0; i < seen->workers.nelts; i++) {
        slot = worker[i].slot;
        cell = worker[i].cells[place];

        if (cell && slot->incarnation == worker[i].incarnation) {
            ngx_http_task_see_cell(seen, s, slot->cells + (cell - 1) * n,
                                   &worker[i]);
        }
    }

    return NGX_AGAIN;
}


/* reads from the last to the first: see ngx_http_task_zone_layout.h */

static void
ngx_http_task_see_cell(ngx_http_task_seen_t *seen,
    ngx_http_task_seen_series_t *series, uint64_t *cell,
    ngx_http_task_seen_worker_t *worker)
{
    uint64_t    n[NGX_HTTP_TASK_COUNTS], value, ended, live, waiting;
    ngx_uint_t  i;

    ended = 0;
    ngx_memzero(n, sizeof(n));

    for (i = seen->zone->ncounters; i--; /* void */) {

        value = ngx_http_task_atomic_get(&cell[i]);
        series->counters[i] += value;

        if (i >= NGX_HTTP_TASK_COUNTS) {
            continue;
        }

        n[i] = value;

        if (ngx_http_task_seen_counters[i].end) {
            ended += value;
        }
    }

    live = n[NGX_HTTP_TASK_COUNT_ACCEPTED] - ended;
    waiting = ngx_min(n[NGX_HTTP_TASK_COUNT_ACCEPTED]
                      - n[NGX_HTTP_TASK_COUNT_BEGUN]
                      - n[NGX_HTTP_TASK_COUNT_SKIPPED], live);

    series->waiting += waiting;
    series->running += live - waiting;

    worker->waiting += waiting;
    worker->running += live - waiting;
}


static ngx_int_t
ngx_http_task_see_pools(ngx_http_task_seen_worker_t *worker,
    ngx_http_task_slot_t *slot, ngx_pool_t *pool)
{
    uint64_t                    n, given, begun, returned;
    ngx_http_task_seen_pool_t  *p;
    ngx_http_task_zone_pool_t  *zp;

    n = ngx_http_task_atomic_get(&slot->npools);

    if (ngx_array_init(&worker->pools, pool, n + 1,
                       sizeof(ngx_http_task_seen_pool_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (zp = slot->pools; zp < slot->pools + n; zp++) {

        p = ngx_array_push(&worker->pools);
        if (p == NULL) {
            return NGX_ERROR;
        }

        p->name.len = ngx_strlen(zp->name);
        p->name.data = ngx_pnalloc(pool, p->name.len + 1);

        if (p->name.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p->name.data, zp->name, p->name.len);

        returned = ngx_http_task_atomic_get(&zp->returned);
        begun = ngx_http_task_atomic_get(&zp->begun);
        p->running = begun - returned;

        /* a thread may begin a piece before the loop has counted it */

        given = ngx_http_task_atomic_get(&zp->given);
        p->waiting = (given > begun) ? given - begun : 0;
    }

    return NGX_OK;
}
