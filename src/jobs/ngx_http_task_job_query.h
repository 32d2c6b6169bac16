
/*
 * What "task_jobs" reads of the query of a request, and what "list=on" adds.
 */


#ifndef _NGX_HTTP_TASK_JOB_QUERY_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_QUERY_H_INCLUDED_


#include "jobs/ngx_http_task_jobs.h"


/*
 * ngx_http_task_job_list.c, ngx_http_task_job_requeue.c: answer with a page of
 * the jobs; queue a job again: NGX_DONE, or a status
 */

ngx_int_t ngx_http_task_job_list_send(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf);
ngx_int_t ngx_http_task_job_requeue(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id);


/* ngx_http_task_job_arg.c: what the query of such a request gives */

typedef struct {
    ngx_http_request_t        *request;
    cJSON                     *errors;       /* NULL: nothing is wrong yet */
} ngx_http_task_job_args_t;


/*
 * Sets the value, if there is one that is valid: it stays as it was if there is
 * none.  What is wrong is added to the errors.  NGX_ERROR: no memory.
 */

ngx_int_t ngx_http_task_job_arg(ngx_http_task_job_args_t *args,
    const ngx_task_param_t *param, ngx_http_task_value_t *value);
ngx_int_t ngx_http_task_job_arg_missing(ngx_http_task_job_args_t *args,
    const ngx_task_param_t *param);

/* answers with the errors; or, if rc is NGX_ERROR, as without memory */

ngx_int_t ngx_http_task_job_args_wrong(ngx_http_task_job_args_t *args,
    ngx_int_t rc);

/* what the client asked for is done, but may not be after a stop: 503 */

ngx_int_t ngx_http_task_job_unkept(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TASK_JOB_QUERY_H_INCLUDED_ */
