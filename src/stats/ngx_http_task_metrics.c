
/*
 * The metrics of Prometheus' format, but for the counters, which have a table
 * of their own: each prints the samples of one series, or of one worker.
 */


#include "stats/ngx_http_task_seen.h"


static ngx_uint_t ngx_http_task_metric_one(ngx_http_task_seen_t *seen);
static ngx_uint_t ngx_http_task_metric_nworkers(ngx_http_task_seen_t *seen);
static void ngx_http_task_metric_ended(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_series(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_time(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_loop_lag(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_worker(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_worker_time(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_pool(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item);
static void ngx_http_task_metric_histogram(ngx_http_task_out_t *out,
    const char *name, ngx_http_task_zone_t *zone, ngx_str_t *labels,
    uint64_t *histogram);
static void ngx_http_task_metric_worker_labels(ngx_http_task_out_t *out,
    const char *name, ngx_http_task_seen_t *seen,
    ngx_http_task_seen_worker_t *worker);


const ngx_http_task_metric_t  ngx_http_task_metrics[] = {

    { "nginx_task_ended_total", "counter",
      "Tasks ended, by how; lost are those that died with their worker.",
      ngx_http_task_metric_nseries, ngx_http_task_metric_ended, 0 },

    { "nginx_task_running", "gauge", "Tasks that run now.",
      ngx_http_task_metric_nseries, ngx_http_task_metric_series,
      offsetof(ngx_http_task_seen_series_t, running) },

    { "nginx_task_waiting", "gauge",
      "Tasks that wait for their turn or a thread.",
      ngx_http_task_metric_nseries, ngx_http_task_metric_series,
      offsetof(ngx_http_task_seen_series_t, waiting) },

    { "nginx_task_queue_seconds", "histogram",
      "How long a task waited before it ran, or in vain.",
      ngx_http_task_metric_nseries, ngx_http_task_metric_time, 0 },

    { "nginx_task_run_seconds", "histogram", "How long a task ran.",
      ngx_http_task_metric_nseries, ngx_http_task_metric_time, 1 },

    { "nginx_task_loop_lag_seconds", "histogram",
      "How late the event loops were, all beats of all workers.",
      ngx_http_task_metric_one, ngx_http_task_metric_loop_lag, 0 },

    { "nginx_task_worker_loop_lag_seconds", "gauge",
      "How late the event loop of the worker is now.",
      ngx_http_task_metric_nworkers, ngx_http_task_metric_worker_time,
      offsetof(ngx_http_task_seen_worker_t, lag) },

    { "nginx_task_worker_loop_lag_worst_seconds", "gauge",
      "How late the event loop of the worker has ever been.",
      ngx_http_task_metric_nworkers, ngx_http_task_metric_worker_time,
      offsetof(ngx_http_task_seen_worker_t, worst) },

    { "nginx_task_worker_running", "gauge", "Tasks that run in the worker now.",
      ngx_http_task_metric_nworkers, ngx_http_task_metric_worker,
      offsetof(ngx_http_task_seen_worker_t, running) },

    { "nginx_task_worker_waiting", "gauge", "Tasks that wait in the worker.",
      ngx_http_task_metric_nworkers, ngx_http_task_metric_worker,
      offsetof(ngx_http_task_seen_worker_t, waiting) },

    { "nginx_task_pool_running", "gauge",
      "Threads of the pool that tasks hold.",
      ngx_http_task_metric_nworkers, ngx_http_task_metric_pool,
      offsetof(ngx_http_task_seen_pool_t, running) },

    { "nginx_task_pool_waiting", "gauge",
      "Pieces of tasks in the queue of the pool.",
      ngx_http_task_metric_nworkers, ngx_http_task_metric_pool,
      offsetof(ngx_http_task_seen_pool_t, waiting) },

    { NULL, NULL, NULL, NULL, NULL, 0 }
};


void
ngx_http_task_metric_value(ngx_http_task_out_t *out, ngx_uint_t counter,
    uint64_t value)
{
    if (ngx_http_task_seen_counters[counter].time) {
        ngx_http_task_out_time(out, value);

    } else {
        ngx_http_task_out(out, "%uL", value);
    }
}


static ngx_uint_t
ngx_http_task_metric_one(ngx_http_task_seen_t *seen)
{
    return 1;
}


ngx_uint_t
ngx_http_task_metric_nseries(ngx_http_task_seen_t *seen)
{
    return seen->series.nelts - 1;
}


static ngx_uint_t
ngx_http_task_metric_nworkers(ngx_http_task_seen_t *seen)
{
    return seen->workers.nelts;
}


static void
ngx_http_task_metric_ended(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    ngx_uint_t                    n;
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;
    series += 1 + item;

    for (n = 0; n < NGX_HTTP_TASK_COUNTS; n++) {

        if (ngx_http_task_seen_counters[n].end == NULL) {
            continue;
        }

        ngx_http_task_out(out, "%s{", metric->name);
        ngx_http_task_out_str(out, &series->text);
        ngx_http_task_out(out, ",state=\"%s\"} %uL\n",
                          ngx_http_task_seen_counters[n].end,
                          series->counters[n]);
    }
}


static void
ngx_http_task_metric_series(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;
    series += 1 + item;

    ngx_http_task_out(out, "%s{", metric->name);
    ngx_http_task_out_str(out, &series->text);
    ngx_http_task_out(out, "} %uL\n",
                      *(uint64_t *) ((u_char *) series + metric->offset));
}


static void
ngx_http_task_metric_time(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    uint64_t                     *histogram;
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;
    series += 1 + item;

    histogram = metric->offset
                ? ngx_http_task_zone_run_time(seen->zone, series->counters)
                : ngx_http_task_zone_queue_time(seen->zone, series->counters);

    ngx_http_task_metric_histogram(out, metric->name, seen->zone, &series->text,
                                   histogram);
}


/* the lag is in the first series, see ngx_http_task_heartbeat.c */

static void
ngx_http_task_metric_loop_lag(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;

    ngx_http_task_metric_histogram(out, metric->name, seen->zone, &series->text,
                              ngx_http_task_zone_run_time(seen->zone,
                                                          series->counters));
}


static void
ngx_http_task_metric_worker(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    ngx_http_task_seen_worker_t  *worker;

    worker = seen->workers.elts;
    worker += item;

    ngx_http_task_metric_worker_labels(out, metric->name, seen, worker);
    ngx_http_task_out(out, "} %uL\n",
                      *(uint64_t *) ((u_char *) worker + metric->offset));
}


static void
ngx_http_task_metric_worker_time(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    ngx_http_task_seen_worker_t  *worker;

    worker = seen->workers.elts;
    worker += item;

    ngx_http_task_metric_worker_labels(out, metric->name, seen, worker);
    ngx_http_task_out(out, "} ");
    ngx_http_task_out_time(out, *(int64_t *) ((u_char *) worker
                                              + metric->offset));
    ngx_http_task_out(out, "\n");
}


static void
ngx_http_task_metric_pool(ngx_http_task_out_t *out,
    const ngx_http_task_metric_t *metric, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    u_char                       *p, *last;
    ngx_uint_t                    n;
    ngx_http_task_seen_pool_t    *pool;
    ngx_http_task_seen_worker_t  *worker;
    u_char                        label[2 * NGX_HTTP_TASK_ZONE_POOL + 10];

    worker = seen->workers.elts;
    worker += item;

    pool = worker->pools.elts;

    for (n = 0; n < worker->pools.nelts; n++) {
        p = label;
        last = ngx_http_task_status_label(p, "pool", &pool[n].name);

        ngx_http_task_metric_worker_labels(out, metric->name, seen, worker);
        ngx_http_task_out(out, ",%*s} %uL\n", (size_t) (last - p), p,
                          *(uint64_t *) ((u_char *) &pool[n]
                                         + metric->offset));
    }
}


static void
ngx_http_task_metric_histogram(ngx_http_task_out_t *out, const char *name,
    ngx_http_task_zone_t *zone, ngx_str_t *labels, uint64_t *histogram)
{
    uint64_t    n;
    ngx_uint_t  i;

    /* an empty one is left out: there may be thousands of locations */

    for (i = 0; i <= zone->nbuckets && histogram[i] == 0; i++) { /* void */ }

    if (i > zone->nbuckets) {
        return;
    }

    for (i = 0, n = 0; i <= zone->nbuckets; i++) {
        n += histogram[i];

        ngx_http_task_out(out, "%s_bucket{", name);
        ngx_http_task_out_str(out, labels);

        if (i == zone->nbuckets) {
            ngx_http_task_out(out, ",le=\"+Inf\"} %uL\n", n);

        } else {
            ngx_http_task_out(out, ",le=\"%L.%03L\"} %uL\n",
                              zone->buckets[i] / 1000000000,
                              zone->buckets[i] % 1000000000 / 1000000, n);
        }
    }

    ngx_http_task_out(out, "%s_sum{", name);
    ngx_http_task_out_str(out, labels);
    ngx_http_task_out(out, "} ");
    ngx_http_task_out_time(out, histogram[zone->nbuckets + 1]);

    ngx_http_task_out(out, "\n%s_count{", name);
    ngx_http_task_out_str(out, labels);
    ngx_http_task_out(out, "} %uL\n", n);
}


static void
ngx_http_task_metric_worker_labels(ngx_http_task_out_t *out, const char *name,
    ngx_http_task_seen_t *seen, ngx_http_task_seen_worker_t *worker)
{
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;

    ngx_http_task_out(out, "%s{", name);
    ngx_http_task_out_str(out, &series[0].text);
    ngx_http_task_out(out, ",pid=\"%uL\",worker=\"%uL\",generation=\"%uL\"",
                      worker->pid, worker->worker, worker->generation);
}


/* prints name="value", with line feeds, quotes and backslashes escaped */

u_char *
ngx_http_task_status_label(u_char *p, const char *name, ngx_str_t *value)
{
    ngx_uint_t  i;

    p = ngx_sprintf(p, "%s=\"", name);

    for (i = 0; i < value->len; i++) {

        if (ngx_strchr("\"\\\n", value->data[i]) && value->data[i]) {
            *p++ = '\\';
        }

        *p++ = (value->data[i] == '\n') ? 'n' : value->data[i];
    }

    *p++ = '"';

    return p;
}
