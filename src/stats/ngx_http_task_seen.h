
/*
 * A copy of a zone, and the two formats that are printed from it.
 */


#ifndef _NGX_HTTP_TASK_SEEN_H_INCLUDED_
#define _NGX_HTTP_TASK_SEEN_H_INCLUDED_


#include "answer/ngx_http_task_answer.h"
#include "stats/ngx_http_task_stats.h"


/* the parts of the name of a series; each part ends with a null */

typedef enum {
    NGX_HTTP_TASK_LABEL_SERVER = 0,
    NGX_HTTP_TASK_LABEL_LOCATION,
    NGX_HTTP_TASK_LABEL_FUNCTION,
    NGX_HTTP_TASK_LABEL_MODE,

    NGX_HTTP_TASK_LABELS
} ngx_http_task_label_e;


typedef struct {
    ngx_http_task_series_t          *series;       /* while it is copied */
    ngx_str_t                        labels[NGX_HTTP_TASK_LABELS];
    ngx_str_t                        text;         /* labels in Prometheus */
    uint64_t                        *counters;     /* sums of all workers */
    uint64_t                         running;
    uint64_t                         waiting;
} ngx_http_task_seen_series_t;


typedef struct {
    ngx_str_t                        name;
    uint64_t                         running;
    uint64_t                         waiting;
} ngx_http_task_seen_pool_t;


typedef struct {
    ngx_http_task_slot_t            *slot;         /* while it is copied; .. */
    uint64_t                         incarnation;  /* .. as long as it is of */
    ngx_uint_t                      *cells;        /* see _see_cells() */

    uint64_t                         pid;
    uint64_t                         worker;
    uint64_t                         generation;
    int64_t                          lag;          /* nanoseconds */
    int64_t                          worst;        /* likewise */
    uint64_t                         running;
    uint64_t                         waiting;
    ngx_array_t                      pools;        /* .._seen_pool_t */
    uint64_t                         oldest[NGX_HTTP_TASK_ZONE_OLDEST];
    int64_t                          now;          /* milliseconds */
} ngx_http_task_seen_worker_t;


typedef struct {
    ngx_http_task_zone_t            *zone;
    ngx_pool_t                      *pool;
    ngx_http_task_arena_t           *arena;        /* for numbers and names */
    ngx_array_t                      workers;      /* .._seen_worker_t */
    ngx_array_t                      series;       /* .._seen_series_t */

    uint64_t                         generations;  /* that there were when the
                                                      copy began; 0: not yet */
    ngx_uint_t                       copied;       /* series */
} ngx_http_task_seen_t;


/* ngx_http_task_seen.c: any process */

ngx_int_t ngx_http_task_see_init(ngx_http_task_seen_t *seen,
    ngx_http_task_zone_t *zone, ngx_pool_t *pool,
    ngx_http_task_arena_t *arena);

/*
 * Copies the next part, under the mutex: the numbers of a location are of one
 * moment.  NGX_AGAIN: there is more; NGX_OK: all is copied; NGX_ERROR.
 */

ngx_int_t ngx_http_task_see(ngx_http_task_seen_t *seen);


/*
 * The counters of a cell, by ngx_http_task_count_e, as both formats show them.
 * A counter without any name is not shown, but others are computed from it.
 */

typedef struct {
    const char                      *end;          /* an end: its name */
    const char                      *json;         /* else: a member in JSON */
    const char                      *metric;       /* and a metric, .. */
    const char                      *help;         /* .. and its help */
    ngx_uint_t                       time;         /* it is nanoseconds */
} ngx_http_task_seen_counter_t;


extern const ngx_http_task_seen_counter_t  ngx_http_task_seen_counters[];

/* ngx_http_task_metrics.c: prints the value of the counter of this number */

void ngx_http_task_metric_value(ngx_http_task_out_t *out, ngx_uint_t counter,
    uint64_t value);


/*
 * Zones that are being printed, piece by piece: there may be thousands of
 * locations.  A piece is a line or a few.
 */

typedef struct {
    ngx_array_t                     *zones;        /* ngx_http_task_seen_t */

    /* of the next piece; 0 at first */

    ngx_uint_t                       zone;
    ngx_uint_t                       row;
    ngx_uint_t                       item;
    ngx_uint_t                       begun;        /* 1: the row's head is
                                                      printed */
} ngx_http_task_status_print_t;


/*
 * ngx_http_task_status_json.c, ngx_http_task_status_prometheus.c: print the
 * next piece; return 0 if there is none
 */

ngx_uint_t ngx_http_task_status_json(ngx_http_task_out_t *out,
    ngx_http_task_status_print_t *print);
ngx_uint_t ngx_http_task_status_prometheus(ngx_http_task_out_t *out,
    ngx_http_task_status_print_t *print);


/* ngx_http_task_metrics.c */

typedef struct ngx_http_task_metric_s  ngx_http_task_metric_t;

struct ngx_http_task_metric_s {
    const char               *name;
    const char               *type;
    const char               *help;

    /* how many items of a zone have samples; prints those of one of them */

    ngx_uint_t              (*count)(ngx_http_task_seen_t *seen);
    void                    (*print)(ngx_http_task_out_t *out,
                                     const ngx_http_task_metric_t *metric,
                                     ngx_http_task_seen_t *seen,
                                     ngx_uint_t item);

    size_t                    offset;    /* of the value in a .._seen_..; or
                                            0: queue time, 1: run time */
};


extern const ngx_http_task_metric_t  ngx_http_task_metrics[];

/* returns how many series of tasks there are; the first one is the loop's */

ngx_uint_t ngx_http_task_metric_nseries(ngx_http_task_seen_t *seen);

/* prints name="value", and returns the end of it */

u_char *ngx_http_task_status_label(u_char *p, const char *name,
    ngx_str_t *value);


#endif /* _NGX_HTTP_TASK_SEEN_H_INCLUDED_ */
