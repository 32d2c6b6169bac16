
/*
 * Jobs that nobody tells of: a client gets a 202 with an address where nothing
 * answers.
 */


#include "http/ngx_http_task_http.h"


static ngx_uint_t ngx_http_task_untold_makes(ngx_http_task_loc_conf_t *maker);
static ngx_uint_t ngx_http_task_untold_first(
    ngx_http_task_loc_conf_t **locations, ngx_uint_t i);
static ngx_uint_t ngx_http_task_untold_covers(ngx_http_task_loc_conf_t *teller,
    ngx_str_t *address);


void
ngx_http_task_untold(ngx_conf_t *cf, ngx_http_task_main_conf_t *tmcf)
{
    ngx_uint_t                  i, n, told, covered;
    ngx_http_task_job_conf_t   *job;
    ngx_http_task_loc_conf_t  **locations;

    locations = tmcf->locations.elts;

    for (i = 0; i < tmcf->locations.nelts; i++) {
        job = &locations[i]->job;

        if (!ngx_http_task_untold_makes(locations[i])) {
            continue;
        }

        told = 0;
        covered = 0;

        for (n = 0; n < tmcf->locations.nelts; n++) {
            if (locations[n]->job.told == job->store) {
                told = 1;
                covered |= ngx_http_task_untold_covers(locations[n],
                                                       &job->location);
            }
        }

        if (!told && ngx_http_task_untold_first(locations, i)) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN,
                           &locations[i]->place,
                           "task \"%V\" makes jobs in zone \"%V\", for which "
                           "no \"task_jobs\" answers",
                           &locations[i]->args.function->name,
                           &job->store->name);

        } else if (told && !covered) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN,
                           &locations[i]->place,
                           "task \"%V\" sends clients to \"%V\" for their "
                           "jobs, where no \"task_jobs\" answers: give "
                           "\"task_background\" the \"location=\" of one",
                           &locations[i]->args.function->name,
                           &job->location);
        }
    }
}


static ngx_uint_t
ngx_http_task_untold_makes(ngx_http_task_loc_conf_t *maker)
{
    return maker->args.function
           && maker->job.background != NGX_HTTP_TASK_BACKGROUND_OFF;
}


/* a zone of which nobody tells is warned of once */

static ngx_uint_t
ngx_http_task_untold_first(ngx_http_task_loc_conf_t **locations, ngx_uint_t i)
{
    ngx_uint_t  n;

    for (n = 0; n < i; n++) {
        if (ngx_http_task_untold_makes(locations[n])
            && locations[n]->job.store == locations[i]->job.store)
        {
            return 0;
        }
    }

    return 1;
}


/* a regular expression may take anything */

static ngx_uint_t
ngx_http_task_untold_covers(ngx_http_task_loc_conf_t *teller,
    ngx_str_t *address)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = teller->clcf;

#if (NGX_PCRE)
    if (clcf->regex) {
        return 1;
    }
#endif

    return !clcf->exact_match && clcf->name.len <= address->len
           && ngx_strncmp(clcf->name.data, address->data, clcf->name.len) == 0;
}
