
/*
 * The stores in "task_status", in both of its formats: how many jobs are kept,
 * in which state, and how much room is left.
 */


#include "jobs/ngx_http_task_jobs.h"
#include "stats/ngx_http_task_seen.h"


typedef struct {
    const char  *name;
    const char  *type;
    const char  *help;
    size_t       offset;               /* in ngx_http_task_job_counts_t */
    size_t       size;                 /* of the number at the offset */
    ngx_uint_t   ms;                   /* 1: milliseconds, told as seconds */
} ngx_http_task_job_metric_t;


typedef struct {
    ngx_http_task_store_t       *store;
    ngx_http_task_job_counts_t   counts;
    ngx_str_t                    text;         /* the label for Prometheus */
} ngx_http_task_job_shown_t;


static void ngx_http_task_job_status_states(ngx_http_task_out_t *out,
    ngx_array_t *jobs);


#define ngx_http_task_job_number(member)                                      \
    offsetof(ngx_http_task_job_counts_t, member),                             \
    sizeof(((ngx_http_task_job_counts_t *) NULL)->member), 0

#define ngx_http_task_job_ms(member)                                          \
    offsetof(ngx_http_task_job_counts_t, member),                             \
    sizeof(((ngx_http_task_job_counts_t *) NULL)->member), 1


static const ngx_http_task_job_metric_t  ngx_http_task_job_metrics[] = {

    { "nginx_task_job_places", "gauge", "Jobs that the zone can keep.",
      ngx_http_task_job_number(places) },

    { "nginx_task_job_places_used", "gauge", "Jobs that it keeps.",
      ngx_http_task_job_number(used) },

    { "nginx_task_job_blocks", "gauge",
      "Blocks of 256 bytes for results in the zone.",
      ngx_http_task_job_number(blocks) },

    { "nginx_task_job_blocks_used", "gauge", "Blocks that hold results.",
      ngx_http_task_job_number(used_blocks) },

    { "nginx_task_jobs_dropped_total", "counter",
      "Ended jobs that were dropped before their time, to make room.",
      ngx_http_task_job_number(dropped) },

    { "nginx_task_jobs_refused_total", "counter",
      "Jobs that were not taken: the zone was full, or max was reached.",
      ngx_http_task_job_number(refused) },

    { "nginx_task_jobs_retried_total", "counter",
      "Jobs that had failed or were lost, and were queued again by a client.",
      ngx_http_task_job_number(retried) },

    { "nginx_task_jobs_oldest_queued_seconds", "gauge",
      "How long the job has waited that was queued first; 0: none waits.",
      ngx_http_task_job_ms(oldest) },

    { NULL, NULL, NULL, 0, 0, 0 }
};


ngx_int_t
ngx_http_task_job_status_init(ngx_array_t *jobs, ngx_pool_t *pool,
    ngx_uint_t n)
{
    return ngx_array_init(jobs, pool, n + 1,
                          sizeof(ngx_http_task_job_shown_t));
}


ngx_int_t
ngx_http_task_job_status_see(ngx_array_t *jobs, ngx_http_task_store_t *store)
{
    ngx_http_task_job_shown_t  *seen;

    seen = ngx_array_push(jobs);
    if (seen == NULL) {
        return NGX_ERROR;
    }

    seen->store = store;
    store->type->counts(store, &seen->counts);

    return NGX_OK;
}


void
ngx_http_task_job_status_json(ngx_http_task_out_t *out, ngx_array_t *jobs)
{
    ngx_uint_t                   i, n;
    ngx_http_task_job_shown_t   *seen;
    ngx_http_task_job_counts_t  *counts;

    seen = jobs->elts;

    for (i = 0; i < jobs->nelts; i++) {
        counts = &seen[i].counts;

        ngx_http_task_out(out, i ? ",{" : "{");
        ngx_http_task_out_json(out, "name", &seen[i].store->name);

        ngx_http_task_out(out, ",\"places\":{\"total\":%ui,\"used\":%ui},"
                          "\"blocks\":{\"total\":%ui,\"used\":%ui},"
                          "\"dropped\":%uL,\"refused\":%uL,"
                          "\"retried\":%uL,\"oldest_queued_seconds\":"
                          "%M.%03M,\"states\":{",
                          counts->places, counts->used, counts->blocks,
                          counts->used_blocks, counts->dropped,
                          counts->refused, counts->retried,
                          counts->oldest / 1000, counts->oldest % 1000);

        for (n = NGX_HTTP_TASK_JOB_QUEUED; n <= NGX_HTTP_TASK_JOB_DEAD; n++) {
            ngx_http_task_out(out, "%s\"%s\":%ui",
                              n > NGX_HTTP_TASK_JOB_QUEUED ? "," : "",
                              ngx_http_task_job_states[n], counts->states[n]);
        }

        ngx_http_task_out(out, "}}");
    }
}


void
ngx_http_task_job_status_prometheus(ngx_http_task_out_t *out, ngx_array_t *jobs)
{
    u_char                            *p;
    uint64_t                           n;
    ngx_uint_t                         i;
    ngx_http_task_job_shown_t         *seen;
    const ngx_http_task_job_metric_t  *metric;

    if (jobs->nelts == 0) {
        return;
    }

    ngx_http_task_job_status_states(out, jobs);

    seen = jobs->elts;

    for (metric = ngx_http_task_job_metrics; metric->name; metric++) {

        ngx_http_task_out(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
                          metric->help, metric->name, metric->type);

        for (i = 0; i < jobs->nelts; i++) {
            p = (u_char *) &seen[i].counts + metric->offset;

            n = (metric->size == sizeof(uint64_t)) ? *(uint64_t *) p
                                                   : *(ngx_uint_t *) p;

            ngx_http_task_out(out, "%s{", metric->name);
            ngx_http_task_out_str(out, &seen[i].text);

            if (metric->ms) {
                ngx_http_task_out(out, "} %uL.%03uL\n", n / 1000, n % 1000);

            } else {
                ngx_http_task_out(out, "} %uL\n", n);
            }
        }
    }
}


/* called first: makes the label of each store, which all metrics use */

static void
ngx_http_task_job_status_states(ngx_http_task_out_t *out, ngx_array_t *jobs)
{
    u_char                     *p;
    ngx_uint_t                  i, n;
    ngx_http_task_job_shown_t  *seen;

    static const char  name[] = "nginx_task_jobs";

    ngx_http_task_out(out, "# HELP %s Jobs that are kept, by state.\n"
                      "# TYPE %s gauge\n", name, name);

    seen = jobs->elts;

    for (i = 0; i < jobs->nelts; i++) {

        p = ngx_http_task_arena_alloc(out->arena,
                                      2 * seen[i].store->name.len
                                      + sizeof("zone=\"\""));
        if (p == NULL) {
            out->failed = 1;
            return;
        }

        seen[i].text.data = p;
        seen[i].text.len = ngx_http_task_status_label(p, "zone",
                                                      &seen[i].store->name)
                           - p;

        for (n = NGX_HTTP_TASK_JOB_QUEUED; n <= NGX_HTTP_TASK_JOB_DEAD; n++) {
            ngx_http_task_out(out, "%s{", name);
            ngx_http_task_out_str(out, &seen[i].text);
            ngx_http_task_out(out, ",state=\"%s\"} %ui\n",
                              ngx_http_task_job_states[n],
                              seen[i].counts.states[n]);
        }
    }
}
