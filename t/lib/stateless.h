
/*
 * What a zone without a state file calls: nobody waits, and there is no thread.
 */


#ifndef _STATELESS_H_INCLUDED_
#define _STATELESS_H_INCLUDED_


#include "jobs/store/ngx_http_task_state.h"


void
ngx_http_task_state_answer(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job)
{
    ngx_http_task_store_answer(op, NGX_OK);
}


ngx_uint_t
ngx_http_task_state_refuses(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    return 0;
}


ngx_int_t
ngx_http_task_state_begin(ngx_http_task_job_zone_t *zone)
{
    return NGX_OK;
}


ngx_uint_t
ngx_http_task_state_end(ngx_http_task_job_zone_t *zone)
{
    return 1;
}


void
ngx_http_task_state_known(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    ngx_http_task_store_answer(op, NGX_DECLINED);
}


#endif /* _STATELESS_H_INCLUDED_ */
