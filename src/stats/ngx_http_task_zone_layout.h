
/*
 * Private types of stats/: what lies in the shared zone of a "task_zone", and
 * what a process knows of it.
 */


#ifndef _NGX_HTTP_TASK_ZONE_LAYOUT_H_INCLUDED_
#define _NGX_HTTP_TASK_ZONE_LAYOUT_H_INCLUDED_


#include "base/ngx_http_task_base.h"


#define NGX_HTTP_TASK_ZONE_BUCKETS  32
#define NGX_HTTP_TASK_ZONE_POOLS    16
#define NGX_HTTP_TASK_ZONE_POOL     48      /* a pool's name, bytes */
#define NGX_HTTP_TASK_ZONE_OLDEST   8


/*
 * The counters of a cell.  They only grow, and are written in this order: a
 * reader that goes the other way never sees an end without its acceptance.  Of
 * the tasks that were accepted and have not ended
 *
 *     accepted - begun - skipped wait, and the rest runs
 *
 * A thread counts a task as begun a moment after it has begun: one task too
 * many may then seem to wait, but never more than have not ended.
 *
 * Behind the counters are two histograms, of the queue time and of the run
 * time.  Each has a counter for each bucket, one for what is beyond, and the
 * sum in nanoseconds.
 */

typedef enum {
    NGX_HTTP_TASK_COUNT_ACCEPTED = 0,  /* "started" in the formats */
    NGX_HTTP_TASK_COUNT_BEGUN,         /* began to run */
    NGX_HTTP_TASK_COUNT_SKIPPED,       /* ended without having begun */
    NGX_HTTP_TASK_COUNT_STREAM_BYTES,  /* streamed, so far */
    NGX_HTTP_TASK_COUNT_STREAM_WAIT,   /* for clients to take them, ns */

    /* how tasks ended, in the order of ngx_http_task_state_e */

    NGX_HTTP_TASK_COUNT_DONE,
    NGX_HTTP_TASK_COUNT_FAILED,
    NGX_HTTP_TASK_COUNT_CANCELLED,
    NGX_HTTP_TASK_COUNT_REJECTED,
    NGX_HTTP_TASK_COUNT_TIMEOUT,
    NGX_HTTP_TASK_COUNT_GIVEN_BACK,    /* a job that is accepted again, by this
                                          worker or another one */
    NGX_HTTP_TASK_COUNT_LOST,          /* with its worker */

    NGX_HTTP_TASK_COUNTS
} ngx_http_task_count_e;


/* pieces of tasks in one of nginx's thread pools */

typedef struct {
    u_char                         name[NGX_HTTP_TASK_ZONE_POOL];
    uint64_t                       given;
    uint64_t                       begun;        /* threads add to it */
    uint64_t                       returned;
} ngx_http_task_zone_pool_t;


typedef struct ngx_http_task_generation_s  ngx_http_task_generation_t;


/*
 * The part of the zone that one worker writes, and nobody else while it lives:
 * it holds the mutex "alive", which the kernel marks when its owner dies.  No
 * two slots share a cache line.
 */

typedef struct {
    pthread_mutex_t                alive;        /* robust */
    ngx_http_task_generation_t    *generation;
    uint64_t                       incarnation;  /* 0: the slot is empty */
    uint64_t                       pid;
    uint64_t                       worker;

    int64_t                        due;          /* the next beat, in ns */
    int64_t                        worst;        /* how late one ever was */

    /* tasks that run, the oldest first: since when, on the monotonic clock, in
       milliseconds, and the place of the cell, see below; 0: no more */

    uint64_t                       oldest[NGX_HTTP_TASK_ZONE_OLDEST];

    uint64_t                       npools;
    ngx_http_task_zone_pool_t      pools[NGX_HTTP_TASK_ZONE_POOLS];

    uint64_t                       cells[1];     /* one for each series */
} ngx_http_task_slot_t;


/*
 * A location, its function and mode, and the counts of workers that are gone.
 * The lowest bit of the state tells which of the two totals counts, the other
 * bits which incarnation was added last: see ngx_http_task_slot.c.
 */

typedef struct {
    ngx_queue_t                    queue;
    ngx_uint_t                     refs;         /* generations that have it */
    ngx_uint_t                     seen;         /* used under the mutex */
    ngx_str_t                      name;         /* see stats_conf.c */
    uint64_t                       state;
    uint64_t                      *total[2];
} ngx_http_task_series_t;


/* the slots of the workers of one configuration */

struct ngx_http_task_generation_s {
    ngx_queue_t                    queue;
    uint64_t                       number;
    ngx_uint_t                     nslots;
    size_t                         slot_size;
    u_char                        *slots;
    ngx_uint_t                     nseries;
    ngx_http_task_series_t        *series[1];    /* the first: lag of loops */
};


/*
 * The beginning of the zone.  It, and all that is reached from it except the
 * slots of living workers, is changed under the mutex.  The mutex is
 * robust, since whoever holds it may be killed: nginx would unlock its own
 * kind only when the master learns of that, but the master takes it, too.
 */

typedef struct {
    uint64_t                       layout;
    pthread_mutex_t                mutex;
    ngx_http_task_slot_t          *folding;      /* see ngx_http_task_slot.c */
    uint64_t                       nbuckets;
    int64_t                        buckets[NGX_HTTP_TASK_ZONE_BUCKETS];
    uint64_t                       incarnations;
    uint64_t                       generations;  /* tried to be made: first
                                                    it grows, then others go */
    ngx_queue_t                    series;
    ngx_queue_t                    alive;        /* generations */
} ngx_http_task_zone_sh_t;


/* what a process knows of the zone */

typedef struct {
    ngx_str_t                      name;
    ngx_shm_zone_t                *shm_zone;     /* NULL: not defined */
    ngx_http_task_place_t          place;        /* where first named */
    ngx_cycle_t                   *cycle;

    int64_t                        buckets[NGX_HTTP_TASK_ZONE_BUCKETS];
    ngx_uint_t                     nbuckets;
    size_t                         ncounters;    /* of a cell */
    ngx_array_t                    stats;        /* see below, pointers */

    ngx_http_task_zone_sh_t       *sh;
    ngx_slab_pool_t               *shpool;
    uint64_t                       generation;   /* its number */

    /* the slot of this worker, NULL: nothing is counted */

    ngx_http_task_slot_t          *slot;
} ngx_http_task_zone_t;


/* a location whose tasks are counted */

typedef struct {
    ngx_http_task_zone_t          *zone;
    ngx_str_t                      name;
    uint64_t                      *cell;         /* this worker's, or NULL */
} ngx_http_task_stats_t;


#define ngx_http_task_zone_slot(generation, i)                                \
    (ngx_http_task_slot_t *) ((generation)->slots                             \
                              + (i) * (generation)->slot_size)

#define ngx_http_task_zone_oldest(ms, place)   ((ms) << 20 | (place))
#define ngx_http_task_zone_oldest_ms(n)        ((int64_t) ((n) >> 20))
#define ngx_http_task_zone_oldest_place(n)     ((n) & 0xfffff)

/* the histograms of a cell */

#define ngx_http_task_zone_queue_time(zone, cell)                             \
    ((cell) + NGX_HTTP_TASK_COUNTS)
#define ngx_http_task_zone_run_time(zone, cell)                               \
    ((cell) + NGX_HTTP_TASK_COUNTS + (zone)->nbuckets + 2)


/* a counter has one writer, the loop of its worker, and readers elsewhere */

#define ngx_http_task_zone_add(p, n)                                          \
    __atomic_store_n(p, *(p) + (n), __ATOMIC_RELEASE)

/* likewise, but threads are the writers, several at a time */

#define ngx_http_task_zone_add_shared(p, n)                                   \
    (void) __atomic_fetch_add(p, n, __ATOMIC_RELEASE)


#endif /* _NGX_HTTP_TASK_ZONE_LAYOUT_H_INCLUDED_ */
