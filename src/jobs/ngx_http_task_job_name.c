
/*
 * The id of a job as text, where an operator looks for it: as ", job: ID" at
 * the end of each line of the error log that is about the job, and as $task_job
 * in the line of the access log that is about the request which made it.
 */


#include "jobs/ngx_http_task_jobs.h"


/* the request's copy of the id: it may be gone before the job, or after it */

typedef struct {
    ngx_http_request_t  *request;
    ngx_str_t            id;
} ngx_http_task_job_made_t;


static void ngx_http_task_job_name_cleanup(void *data);
static u_char *ngx_http_task_job_log_error(ngx_log_t *log, u_char *buf,
    size_t len);


/* if there is no memory, the job goes on, and the logs do not name it */

void
ngx_http_task_job_name(ngx_task_t *t)
{
    u_char                    *p;
    ngx_http_request_t        *r;
    ngx_pool_cleanup_t        *cln;
    ngx_http_task_job_t       *job;
    ngx_http_task_job_made_t  *made;

    job = t->client_data;

    p = ngx_pnalloc(t->pool, NGX_HTTP_TASK_JOB_ID_TEXT);
    if (p == NULL) {
        return;
    }

    t->job_name.data = p;
    t->job_name.len = ngx_http_task_job_id(p, job->store, job->op.id) - p;

    r = t->request;

    if (r == NULL) {
        return;
    }

    /* a cleanup, as an internal redirect would clear a context */

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_task_job_made_t));
    p = ngx_pstrdup(r->pool, &t->job_name);

    if (cln == NULL || p == NULL) {
        return;
    }

    made = cln->data;

    made->request = r;
    made->id.data = p;
    made->id.len = t->job_name.len;

    cln->handler = ngx_http_task_job_name_cleanup;
}


static void
ngx_http_task_job_name_cleanup(void *data)
{
    /* does nothing: the cleanup is found by the address of its handler */
}


ngx_str_t *
ngx_http_task_job_made(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_task_job_made_t  *made;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_task_job_name_cleanup) {
            made = cln->data;

            if (made->request == r) {
                return &made->id;
            }
        }
    }

    return NULL;
}


ngx_log_t *
ngx_http_task_job_log(ngx_task_t *t)
{
    ngx_log_t  *log;

    log = ngx_palloc(t->pool, sizeof(ngx_log_t));

    if (log == NULL || t->job_name.len == 0) {
        return ngx_cycle->log;
    }

    *log = *ngx_cycle->log;

    log->handler = ngx_http_task_job_log_error;
    log->data = &t->job_name;

    return log;
}


static u_char *
ngx_http_task_job_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    return ngx_snprintf(buf, len, ", job: %V", log->data);
}
