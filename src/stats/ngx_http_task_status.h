
/*
 * Private types of "task_status": what was seen in a zone at one moment, and
 * the text that is made of it.
 */


#ifndef _NGX_HTTP_TASK_STATUS_H_INCLUDED_
#define _NGX_HTTP_TASK_STATUS_H_INCLUDED_


#include "task/ngx_http_task.h"


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


typedef struct {
    ngx_http_task_job_zone_t        *zone;
    ngx_http_task_job_counts_t       counts;
    ngx_str_t                        text;         /* for Prometheus */
} ngx_http_task_seen_jobs_t;


/* a text that grows; an allocation that fails is remembered */

typedef struct {
    ngx_pool_t                      *pool;
    ngx_chain_t                     *first;
    ngx_chain_t                    **last;
    ngx_buf_t                       *buf;
    off_t                            len;
    ngx_uint_t                       failed;
} ngx_http_task_out_t;


/* ngx_http_task_seen.c */

ngx_int_t ngx_http_task_see(ngx_pool_t *pool, ngx_http_task_zone_t *zone,
    ngx_http_task_seen_t *seen);


/* ngx_http_task_status.c */

/* as ngx_sprintf(), up to 256 bytes */

void ngx_http_task_out(ngx_http_task_out_t *out, const char *fmt, ...);
void ngx_http_task_out_str(ngx_http_task_out_t *out, ngx_str_t *s);

/* seconds */

void ngx_http_task_out_time(ngx_http_task_out_t *out, uint64_t ns);

extern const char *const  ngx_http_task_ends[];


/* ngx_http_task_status_json.c, ngx_http_task_status_prometheus.c */

void ngx_http_task_status_json(ngx_http_task_out_t *out,
    ngx_array_t *seen, ngx_array_t *jobs);
void ngx_http_task_json_string(ngx_http_task_out_t *out,
    const char *name, ngx_str_t *s);
void ngx_http_task_status_prometheus(ngx_http_task_out_t *out,
    ngx_array_t *seen, ngx_array_t *jobs);
u_char *ngx_http_task_metric_label(u_char *p, const char *name,
    ngx_str_t *value);


/* ngx_http_task_status_jobs.c: zones of jobs, ngx_http_task_seen_jobs_t */

ngx_int_t ngx_http_task_see_jobs(ngx_pool_t *pool, ngx_array_t *zones,
    ngx_array_t *jobs);
void ngx_http_task_json_jobs(ngx_http_task_out_t *out, ngx_array_t *jobs);
void ngx_http_task_metric_jobs(ngx_http_task_out_t *out, ngx_array_t *jobs);


#endif /* _NGX_HTTP_TASK_STATUS_H_INCLUDED_ */
