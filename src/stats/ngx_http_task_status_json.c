
/*
 * Prints zones as JSON.  Times are seconds; the counters of a histogram are
 * cumulative, as in Prometheus.
 */


#include "stats/ngx_http_task_seen.h"


/* what a zone is printed in, see row of ngx_http_task_status_print_t */

enum {
    NGX_HTTP_TASK_JSON_HEAD = 0,
    NGX_HTTP_TASK_JSON_WORKERS,
    NGX_HTTP_TASK_JSON_SERIES
};


static void ngx_http_task_json_head(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_uint_t comma);
static void ngx_http_task_json_worker(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_http_task_seen_worker_t *worker);
static void ngx_http_task_json_oldest(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_http_task_seen_worker_t *worker);
static void ngx_http_task_json_labels(ngx_http_task_out_t *out,
    ngx_http_task_seen_series_t *series);
static void ngx_http_task_json_series(ngx_http_task_out_t *out,
    ngx_http_task_zone_t *zone, ngx_http_task_seen_series_t *series);
static void ngx_http_task_json_histogram(ngx_http_task_out_t *out,
    ngx_http_task_zone_t *zone, const char *name, uint64_t *histogram);


ngx_uint_t
ngx_http_task_status_json(ngx_http_task_out_t *out,
    ngx_http_task_status_print_t *print)
{
    ngx_http_task_seen_t         *seen;
    ngx_http_task_seen_series_t  *series;
    ngx_http_task_seen_worker_t  *worker;

    if (print->zone == print->zones->nelts) {
        return 0;
    }

    seen = print->zones->elts;
    seen += print->zone;

    series = seen->series.elts;
    worker = seen->workers.elts;

    switch (print->row) {

    case NGX_HTTP_TASK_JSON_HEAD:
        ngx_http_task_json_head(out, seen, print->zone > 0);
        print->row = NGX_HTTP_TASK_JSON_WORKERS;
        print->item = 0;
        break;

    case NGX_HTTP_TASK_JSON_WORKERS:

        if (print->item < seen->workers.nelts) {
            ngx_http_task_out(out, print->item ? "," : "");
            ngx_http_task_json_worker(out, seen, &worker[print->item++]);
            break;
        }

        ngx_http_task_out(out, "],\"tasks\":[");
        print->row = NGX_HTTP_TASK_JSON_SERIES;
        print->item = 1;
        break;

    default: /* NGX_HTTP_TASK_JSON_SERIES */

        if (print->item < seen->series.nelts) {
            ngx_http_task_out(out, print->item > 1 ? "," : "");
            ngx_http_task_json_series(out, seen->zone, &series[print->item++]);
            break;
        }

        ngx_http_task_out(out, "]}");
        print->row = NGX_HTTP_TASK_JSON_HEAD;
        print->zone++;
    }

    return 1;
}


static void
ngx_http_task_json_head(ngx_http_task_out_t *out, ngx_http_task_seen_t *seen,
    ngx_uint_t comma)
{
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;

    ngx_http_task_out(out, comma ? ",{" : "{");
    ngx_http_task_out_json(out, "name", &seen->zone->name);
    ngx_http_task_out(out, ",");

    ngx_http_task_json_histogram(out, seen->zone, "loop_lag",
                                 ngx_http_task_zone_run_time(seen->zone,
                                                        series[0].counters));
    ngx_http_task_out(out, ",\"workers\":[");
}


static void
ngx_http_task_json_worker(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_http_task_seen_worker_t *worker)
{
    ngx_uint_t                  i;
    ngx_http_task_seen_pool_t  *pool;

    ngx_http_task_out(out, "{\"pid\":%uL,\"worker\":%uL,\"generation\":%uL,"
                      "\"loop_lag\":",
                      worker->pid, worker->worker, worker->generation);
    ngx_http_task_out_time(out, worker->lag);

    ngx_http_task_out(out, ",\"loop_lag_worst\":");
    ngx_http_task_out_time(out, worker->worst);

    ngx_http_task_out(out, ",\"running\":%uL,\"waiting\":%uL,\"pools\":[",
                      worker->running, worker->waiting);

    pool = worker->pools.elts;

    for (i = 0; i < worker->pools.nelts; i++) {
        ngx_http_task_out(out, i ? ",{" : "{");
        ngx_http_task_out_json(out, "name", &pool[i].name);
        ngx_http_task_out(out, ",\"running\":%uL,\"waiting\":%uL}",
                          pool[i].running, pool[i].waiting);
    }

    ngx_http_task_out(out, "],\"oldest\":[");
    ngx_http_task_json_oldest(out, seen, worker);
    ngx_http_task_out(out, "]}");
}


static void
ngx_http_task_json_oldest(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_http_task_seen_worker_t *worker)
{
    int64_t                       age;
    ngx_uint_t                    i, n;
    ngx_http_task_seen_series_t  *series;

    series = seen->series.elts;

    for (i = 0; i < NGX_HTTP_TASK_ZONE_OLDEST && worker->oldest[i]; i++) {

        /* whose cell it is */

        for (n = 1; n < seen->series.nelts; n++) {
            if (worker->cells[n]
                == ngx_http_task_zone_oldest_place(worker->oldest[i]) + 1)
            {
                break;
            }
        }

        if (n == seen->series.nelts) {
            continue;
        }

        age = worker->now - ngx_http_task_zone_oldest_ms(worker->oldest[i]);

        ngx_http_task_out(out, i ? ",{" : "{");
        ngx_http_task_json_labels(out, &series[n]);
        ngx_http_task_out(out, ",\"age\":");
        ngx_http_task_out_time(out, ngx_max(age, 0) * 1000000);
        ngx_http_task_out(out, "}");
    }
}


static void
ngx_http_task_json_labels(ngx_http_task_out_t *out,
    ngx_http_task_seen_series_t *series)
{
    ngx_uint_t  i;

    static const char  *const names[] = {
        "server", "location", "function", "mode"
    };

    for (i = 0; i < NGX_HTTP_TASK_LABELS; i++) {
        ngx_http_task_out(out, i ? "," : "");
        ngx_http_task_out_json(out, names[i], &series->labels[i]);
    }
}


static void
ngx_http_task_json_series(ngx_http_task_out_t *out, ngx_http_task_zone_t *zone,
    ngx_http_task_seen_series_t *series)
{
    uint64_t    *counters;
    ngx_uint_t   i, n;

    counters = series->counters;

    ngx_http_task_out(out, "{");
    ngx_http_task_json_labels(out, series);

    for (i = 0; i < NGX_HTTP_TASK_COUNTS; i++) {
        if (ngx_http_task_seen_counters[i].json) {
            ngx_http_task_out(out, ",\"%s\":",
                              ngx_http_task_seen_counters[i].json);
            ngx_http_task_metric_value(out, i, counters[i]);
        }
    }

    ngx_http_task_out(out, ",\"running\":%uL,\"waiting\":%uL,\"ended\":",
                      series->running, series->waiting);

    for (i = 0, n = 0; i < NGX_HTTP_TASK_COUNTS; i++) {
        if (ngx_http_task_seen_counters[i].end) {
            ngx_http_task_out(out, "%s\"%s\":%uL", n++ ? "," : "{",
                              ngx_http_task_seen_counters[i].end, counters[i]);
        }
    }

    ngx_http_task_out(out, "},");
    ngx_http_task_json_histogram(out, zone, "queue_time",
                            ngx_http_task_zone_queue_time(zone, counters));
    ngx_http_task_out(out, ",");
    ngx_http_task_json_histogram(out, zone, "run_time",
                            ngx_http_task_zone_run_time(zone, counters));
    ngx_http_task_out(out, "}");
}


static void
ngx_http_task_json_histogram(ngx_http_task_out_t *out,
    ngx_http_task_zone_t *zone, const char *name, uint64_t *histogram)
{
    uint64_t    n;
    ngx_uint_t  i;

    ngx_http_task_out(out, "\"%s\":{\"buckets\":{", name);

    for (i = 0, n = 0; i < zone->nbuckets; i++) {
        n += histogram[i];
        ngx_http_task_out(out, "\"%L.%03L\":%uL,",
                          zone->buckets[i] / 1000000000,
                          zone->buckets[i] % 1000000000 / 1000000, n);
    }

    n += histogram[i];

    ngx_http_task_out(out, "\"+Inf\":%uL},\"count\":%uL,\"sum\":", n, n);
    ngx_http_task_out_time(out, histogram[i + 1]);
    ngx_http_task_out(out, "}");
}
