
/*
 * Jobs of a worker that ends before they do: they are lost, and each is named
 * in the error log.
 */


#include "task/ngx_http_task.h"


/* a worker that was told to quit waits no longer */

void
ngx_http_task_jobs_give_up(void)
{
    ngx_uint_t                   i;
    ngx_task_t                  *t;
    ngx_queue_t                 *q;
    ngx_http_task_job_zone_t   **zones;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_task_module);
    zones = tmcf->job_zones.elts;

    for (i = 0; i < tmcf->job_zones.nelts; i++) {

        if (zones[i]->event.handler == NULL) {
            continue;
        }

        while (!ngx_queue_empty(&zones[i]->tasks)) {
            q = ngx_queue_head(&zones[i]->tasks);
            t = ngx_queue_data(q, ngx_task_t, jobs);

            ngx_log_error(NGX_LOG_ERR, t->log, 0,
                          "job \"%V\" did not end before "
                          "task_shutdown_timeout, it is lost",
                          &t->function->name);

            t->given_up = 1;
            ngx_http_task_cancel(t);
        }
    }
}


/* one that ends at once; others see that it is gone */

void
ngx_http_task_jobs_abandon(ngx_http_task_job_zone_t *zone)
{
    ngx_task_t   *t;
    ngx_queue_t  *q;

    if (zone->event.handler == NULL) {
        return;
    }

    for (q = ngx_queue_head(&zone->tasks);
         q != ngx_queue_sentinel(&zone->tasks);
         q = ngx_queue_next(q))
    {
        t = ngx_queue_data(q, ngx_task_t, jobs);

        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "job \"%V\" did not end before its worker, it is lost",
                      &t->function->name);
    }
}
