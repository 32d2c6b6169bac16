
/*
 * The queues of jobs in the configuration: which location has which, and which
 * locations run the jobs of a queue.
 */


#include "jobs/ngx_http_task_jobs.h"
#include "jobs/store/ngx_http_task_store_conf.h"


static ngx_int_t ngx_http_task_job_serve_name(ngx_conf_t *cf,
    ngx_http_task_job_conf_t *conf, ngx_http_task_args_conf_t *args,
    ngx_str_t *name);
static ngx_http_task_job_serve_t *ngx_http_task_job_serve_get(ngx_conf_t *cf,
    ngx_http_task_queue_t *queue);


ngx_int_t
ngx_http_task_job_serve(ngx_conf_t *cf, ngx_http_task_job_conf_t *conf,
    ngx_http_task_run_conf_t *run, ngx_http_task_args_conf_t *args,
    ngx_http_task_place_t *place)
{
    ngx_str_t                    name;
    ngx_http_task_queue_t       *queue;
    ngx_http_task_job_serve_t   *s;
    ngx_http_task_job_runner_t  *runner;

    if (conf->background == NGX_HTTP_TASK_BACKGROUND_OFF) {
        return NGX_OK;
    }

    if (ngx_http_task_job_serve_name(cf, conf, args, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    queue = ngx_http_task_store_queue(cf, conf->store, &name, place);
    if (queue == NULL) {
        return NGX_ERROR;
    }

    s = ngx_http_task_job_serve_get(cf, queue);
    if (s == NULL) {
        return NGX_ERROR;
    }

    runner = ngx_array_push(&s->runners);
    if (runner == NULL) {
        return NGX_ERROR;
    }

    runner->key = conf->key;
    runner->run = run;
    runner->args = args;
    runner->conf = conf;

    /* the shortest one: another job is only claimed too early by it */

    if (run->timeout && (s->timeout == 0 || run->timeout < s->timeout)) {
        s->timeout = run->timeout;
    }

    conf->serve = s;

    return NGX_OK;
}


/*
 * By default a queue has the name of its function; where a location of the same
 * store has this queue already, the name of the location is behind it.
 */

static ngx_int_t
ngx_http_task_job_serve_name(ngx_conf_t *cf, ngx_http_task_job_conf_t *conf,
    ngx_http_task_args_conf_t *args, ngx_str_t *name)
{
    u_char                    *p;
    size_t                     len;
    ngx_str_t                 *location;
    ngx_uint_t                 i;
    ngx_http_task_queue_t    **queues;
    ngx_http_core_loc_conf_t  *clcf;

    *name = conf->queue;

    if (name->len) {
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    location = &clcf->name;

    *name = args->function->name;
    name->len = ngx_min(name->len, NGX_HTTP_TASK_JOB_QUEUE);

    queues = conf->store->queues.elts;

    for (i = 0; i < conf->store->queues.nelts; i++) {
        if (queues[i]->name.len == name->len
            && ngx_strncmp(queues[i]->name.data, name->data, name->len) == 0)
        {
            break;
        }
    }

    if (i == conf->store->queues.nelts) {
        return NGX_OK;
    }

    p = ngx_pnalloc(cf->pool, name->len + 1 + location->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    len = ngx_sprintf(p, "%V:%V", name, location) - p;

    name->data = p;
    name->len = ngx_min(len, NGX_HTTP_TASK_JOB_QUEUE);

    return NGX_OK;
}


static ngx_http_task_job_serve_t *
ngx_http_task_job_serve_get(ngx_conf_t *cf, ngx_http_task_queue_t *queue)
{
    ngx_http_task_job_serve_t  *s;

    if (queue->data) {
        return queue->data;
    }

    s = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_job_serve_t));

    if (s == NULL
        || ngx_array_init(&s->runners, cf->pool, 1,
                          sizeof(ngx_http_task_job_runner_t))
           != NGX_OK)
    {
        return NULL;
    }

    s->queue = queue;
    queue->data = s;

    return s;
}
