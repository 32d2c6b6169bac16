
/*
 * Numbers that are right across workers: the shared zone of a "task_zone",
 * what is counted in it, and how late the loop is.  All of it runs on the
 * event loop of a worker, or in the master.  Only two counters are added to in
 * threads, both are called "begun", see ngx_http_task_zone_layout.h.
 */


#ifndef _NGX_HTTP_TASK_STATS_H_INCLUDED_
#define _NGX_HTTP_TASK_STATS_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "stats/ngx_http_task_zone_layout.h"


/* a location's part of the configuration */

typedef struct {
    ngx_array_t                     *zones;        /* pointers to all zones */
    ngx_http_task_zone_t            *zone;         /* by "task_stats"; NULL:
                                                      it is not counted */
    ngx_http_task_stats_t           *stats;        /* likewise */
} ngx_http_task_stats_conf_t;


/* --- directives: ngx_http_task_stats_conf.c ------------------------------ */

/* "task_zone": the array of zones is at the offset in conf */

char *ngx_http_task_stats_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* "task_stats": a ngx_http_task_stats_conf_t is at the offset in conf */

char *ngx_http_task_stats_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Merges what is inherited, and makes the series of a location with a task.
 * function and mode are parts of its name; without a task both are NULL.
 */

ngx_int_t ngx_http_task_stats_merge(ngx_conf_t *cf,
    ngx_http_task_stats_conf_t *prev, ngx_http_task_stats_conf_t *conf,
    const ngx_str_t *function, const ngx_str_t *mode);

/* checks that each zone that is named is defined */

ngx_int_t ngx_http_task_stats_check(ngx_conf_t *cf, ngx_array_t *zones);


/* --- the zone: ngx_http_task_zone.c -------------------------------------- */

/* returns the zone of that name, defined or not; NULL: no memory */

ngx_http_task_zone_t *ngx_http_task_zone_get(ngx_conf_t *cf,
    ngx_array_t *zones, ngx_str_t *name);
ngx_int_t ngx_http_task_zone_create(ngx_conf_t *cf, ngx_http_task_zone_t *zone,
    size_t size, void *tag);


/* --- the slots of workers: ngx_http_task_slot.c -------------------------- */

void ngx_http_task_slot_lock(ngx_http_task_zone_t *zone);
void ngx_http_task_slot_unlock(ngx_http_task_zone_t *zone);

/* called when a worker begins, and when it ends; NGX_DECLINED: no free slot */

ngx_int_t ngx_http_task_slot_enter(ngx_http_task_zone_t *zone);
void ngx_http_task_slot_leave(ngx_http_task_zone_t *zone);

/* the time between two beats of a worker, milliseconds */

#define NGX_HTTP_TASK_SLOT_BEAT  100

/* returns when the beat after now is due at the latest, nanoseconds */

int64_t ngx_http_task_slot_due(int64_t now);

/*
 * Called with the zone's mutex held.  Adds to the totals what dead workers
 * have left, and returns how many workers of the generation are alive.
 */

ngx_uint_t ngx_http_task_slots_sweep(ngx_http_task_zone_t *zone,
    ngx_http_task_generation_t *generation);

/* the same for one dead worker; returns 0 if there is none */

ngx_uint_t ngx_http_task_slots_sweep_one(ngx_http_task_zone_t *zone);


/* --- counting: ngx_http_task_count.c ------------------------------------- */

/* a task was accepted; returns the cell it is counted in, or NULL */

uint64_t *ngx_http_task_count_start(ngx_http_task_stats_t *stats);

/* a job that has not begun waits again, for this worker or another one */

void ngx_http_task_count_given_back(uint64_t *cell);

/* adds to what tasks have streamed, and waited for clients, nanoseconds */

void ngx_http_task_count_stream(uint64_t *cell, uint64_t bytes,
    int64_t waited);

/* any thread: the task begins to run */

#define ngx_http_task_count_begin(cell)                                       \
    ngx_http_task_zone_add_shared(&(cell)[NGX_HTTP_TASK_COUNT_BEGUN], 1)

/*
 * A task ended; end is the counter that says how.  The times are nanoseconds;
 * begun <= 0: it never began.
 */

void ngx_http_task_count_end(ngx_http_task_stats_t *stats, uint64_t *cell,
    ngx_http_task_count_e end, int64_t created, int64_t begun, int64_t ended);
void ngx_http_task_count_observe(ngx_http_task_zone_t *zone,
    uint64_t *histogram, int64_t ns);

/* returns the worker's counters of a pool, or NULL: nothing is counted */

ngx_http_task_zone_pool_t *ngx_http_task_count_pool(
    ngx_http_task_stats_t *stats, ngx_str_t *name);

/* a piece is given to the pool, begun by a thread (any thread), has returned */

void ngx_http_task_count_piece_given(ngx_http_task_zone_pool_t *pool);
void ngx_http_task_count_piece_begun(ngx_http_task_zone_pool_t *pool);
void ngx_http_task_count_piece_returned(ngx_http_task_zone_pool_t *pool);


/* --- the loop's lag: ngx_http_task_heartbeat.c --------------------------- */

/*
 * Called in a worker: a stall of more milliseconds, other than in code of a
 * library, is logged; 0: none is.
 */

typedef struct {
    uint64_t                *cell;
    int64_t                  begun;        /* nanoseconds */
} ngx_http_task_old_t;

/*
 * oldest() sets the tasks of this worker that have run for longest, up to n,
 * and returns how many there are.
 */

typedef ngx_uint_t (*ngx_http_task_oldest_pt)(ngx_http_task_old_t *old,
    ngx_uint_t n);

void ngx_http_task_heartbeat_start(ngx_array_t *zones, ngx_msec_t stall,
    ngx_http_task_oldest_pt oldest);

/* tells which tasks run, as each beat does: the next one may be late */

void ngx_http_task_heartbeat_tell(void);


#endif /* _NGX_HTTP_TASK_STATS_H_INCLUDED_ */
