
/*
 * Prints zones in the text format of Prometheus, version 0.0.4: all samples of
 * a metric stand together, behind its help and its type.
 */


#include "stats/ngx_http_task_seen.h"


static void ngx_http_task_metric_head(ngx_http_task_out_t *out,
    ngx_uint_t row);
static ngx_uint_t ngx_http_task_metric_items(ngx_http_task_seen_t *seen,
    ngx_uint_t row);
static void ngx_http_task_metric_item(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_uint_t row, ngx_uint_t item);
static void ngx_http_task_metric_label(ngx_http_task_out_t *out,
    ngx_http_task_seen_t *seen, ngx_uint_t item);


/* row 0 makes the labels; then come the counters, then the other metrics */

#define NGX_HTTP_TASK_METRICS  (1 + NGX_HTTP_TASK_COUNTS)


ngx_uint_t
ngx_http_task_status_prometheus(ngx_http_task_out_t *out,
    ngx_http_task_status_print_t *print)
{
    ngx_http_task_seen_t  *seen;

    if (print->row >= NGX_HTTP_TASK_METRICS
        && ngx_http_task_metrics[print->row - NGX_HTTP_TASK_METRICS].name
           == NULL)
    {
        return 0;
    }

    if (!print->begun) {
        ngx_http_task_metric_head(out, print->row);
        print->begun = 1;
        return 1;
    }

    if (print->zone == print->zones->nelts) {
        print->row++;
        print->zone = 0;
        print->begun = 0;
        return 1;
    }

    seen = print->zones->elts;
    seen += print->zone;

    if (print->item < ngx_http_task_metric_items(seen, print->row)) {
        ngx_http_task_metric_item(out, seen, print->row, print->item++);
        return 1;
    }

    print->zone++;
    print->item = 0;

    return 1;
}


static void
ngx_http_task_metric_head(ngx_http_task_out_t *out, ngx_uint_t row)
{
    const ngx_http_task_metric_t        *metric;
    const ngx_http_task_seen_counter_t  *counter;

    if (row == 0) {
        ngx_http_task_out(out, "# HELP nginx_task_info Versions.\n"
                          "# TYPE nginx_task_info gauge\n"
                          "nginx_task_info{version=\"%s\",nginx=\"%s\"} 1\n",
                          NGX_HTTP_TASK_VERSION, NGINX_VERSION);
        return;
    }

    if (row >= NGX_HTTP_TASK_METRICS) {
        metric = &ngx_http_task_metrics[row - NGX_HTTP_TASK_METRICS];

        ngx_http_task_out(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
                          metric->help, metric->name, metric->type);
        return;
    }

    counter = &ngx_http_task_seen_counters[row - 1];

    if (counter->metric) {
        ngx_http_task_out(out, "# HELP %s %s\n# TYPE %s counter\n",
                          counter->metric, counter->help, counter->metric);
    }
}


static ngx_uint_t
ngx_http_task_metric_items(ngx_http_task_seen_t *seen, ngx_uint_t row)
{
    if (row == 0) {
        return seen->series.nelts;
    }

    if (row >= NGX_HTTP_TASK_METRICS) {
        return ngx_http_task_metrics[row - NGX_HTTP_TASK_METRICS].count(seen);
    }

    return ngx_http_task_seen_counters[row - 1].metric
           ? ngx_http_task_metric_nseries(seen) : 0;
}


static void
ngx_http_task_metric_item(ngx_http_task_out_t *out, ngx_http_task_seen_t *seen,
    ngx_uint_t row, ngx_uint_t item)
{
    ngx_http_task_seen_series_t   *series;
    const ngx_http_task_metric_t  *metric;

    if (row == 0) {
        ngx_http_task_metric_label(out, seen, item);
        return;
    }

    if (row >= NGX_HTTP_TASK_METRICS) {
        metric = &ngx_http_task_metrics[row - NGX_HTTP_TASK_METRICS];
        metric->print(out, metric, seen, item);
        return;
    }

    series = seen->series.elts;
    series += 1 + item;

    ngx_http_task_out(out, "%s{", ngx_http_task_seen_counters[row - 1].metric);
    ngx_http_task_out_str(out, &series->text);
    ngx_http_task_out(out, "} ");
    ngx_http_task_metric_value(out, row - 1, series->counters[row - 1]);
    ngx_http_task_out(out, "\n");
}


/* prints the labels of a series, once; the first only has the zone's */

static void
ngx_http_task_metric_label(ngx_http_task_out_t *out, ngx_http_task_seen_t *seen,
    ngx_uint_t item)
{
    size_t                        len;
    u_char                       *p;
    ngx_uint_t                    n;
    ngx_http_task_seen_series_t  *series;

    static const char  *const names[] = {
        "server", "location", "function", "mode"
    };

    series = seen->series.elts;
    series += item;

    len = 2 * seen->zone->name.len + sizeof("zone=\"\"");

    for (n = 0; n < NGX_HTTP_TASK_LABELS; n++) {
        len += 2 * series->labels[n].len + sizeof(",location=\"\"");
    }

    p = ngx_http_task_arena_alloc(out->arena, len);
    if (p == NULL) {
        out->failed = 1;
        return;
    }

    series->text.data = p;

    p = ngx_http_task_status_label(p, "zone", &seen->zone->name);

    for (n = 0; n < NGX_HTTP_TASK_LABELS && item > 0; n++) {
        *p++ = ',';
        p = ngx_http_task_status_label(p, names[n], &series->labels[n]);
    }

    series->text.len = p - series->text.data;
}
