
/*
 * What was seen in a zone at one moment, and the text that is made of it.
 */


#ifndef _NGX_HTTP_TASK_SEEN_H_INCLUDED_
#define _NGX_HTTP_TASK_SEEN_H_INCLUDED_


#include "answer/ngx_http_task_answer.h"
#include "stats/ngx_http_task_stats.h"


/* the parts of the name of a series, of which each ends with a null */

typedef enum {
    NGX_HTTP_TASK_LABEL_SERVER = 0,
    NGX_HTTP_TASK_LABEL_LOCATION,
    NGX_HTTP_TASK_LABEL_FUNCTION,
    NGX_HTTP_TASK_LABEL_MODE,

    NGX_HTTP_TASK_LABELS
} ngx_http_task_label_e;


typedef struct {
    ngx_str_t                        labels[NGX_HTTP_TASK_LABELS];
    ngx_str_t                        text;         /* for Prometheus */
    uint64_t                        *counters;     /* of all workers */
    uint64_t                         running;
    uint64_t                         waiting;
} ngx_http_task_seen_series_t;


typedef struct {
    ngx_str_t                        name;
    uint64_t                         running;
    uint64_t                         waiting;
} ngx_http_task_seen_pool_t;


typedef struct {
    uint64_t                         pid;
    uint64_t                         worker;
    uint64_t                         generation;
    int64_t                          lag;          /* nanoseconds */
    int64_t                          worst;        /* likewise */
    uint64_t                         running;
    uint64_t                         waiting;
    ngx_array_t                      pools;        /* .._seen_pool_t */
} ngx_http_task_seen_worker_t;


typedef struct {
    ngx_http_task_zone_t            *zone;
    ngx_array_t                      workers;      /* .._seen_worker_t */
    ngx_array_t                      series;       /* .._seen_series_t */
} ngx_http_task_seen_t;


/* ngx_http_task_seen.c */

ngx_int_t ngx_http_task_see(ngx_pool_t *pool, ngx_http_task_zone_t *zone,
    ngx_http_task_seen_t *seen);


/*
 * The counters of a cell, by ngx_http_task_count_e, as both formats tell them.
 * One that has no name at all is only reckoned with.
 */

typedef struct {
    const char                      *end;          /* the name of an end, .. */
    const char                      *json;         /* .. or else a member, .. */
    const char                      *metric;       /* .. and a metric */
    const char                      *help;         /* of the metric */
} ngx_http_task_seen_counter_t;


extern const ngx_http_task_seen_counter_t  ngx_http_task_seen_counters[];


/* ngx_http_task_status_json.c: arrays of ngx_http_task_seen_t */

void ngx_http_task_status_json(ngx_http_task_out_t *out, ngx_array_t *zones);


/* ngx_http_task_status_prometheus.c */

void ngx_http_task_status_prometheus(ngx_http_task_out_t *out,
    ngx_array_t *zones);

/* name="value"; returns what is behind it */

u_char *ngx_http_task_status_label(u_char *p, const char *name,
    ngx_str_t *value);


#endif /* _NGX_HTTP_TASK_SEEN_H_INCLUDED_ */
