
/*
 * Private types and prototypes: nginx's thread pools, as this worker uses them.
 */


#ifndef _NGX_HTTP_TASK_POOL_H_INCLUDED_
#define _NGX_HTTP_TASK_POOL_H_INCLUDED_


#include "task/ngx_http_task_types.h"


struct ngx_http_task_pool_s {
    ngx_thread_pool_t     *pool;
    ngx_queue_t            waiting;      /* those of jobs that wait for it */
    ngx_http_task_pool_t  *next;
};


ngx_http_task_pool_t *ngx_http_task_pool_get(ngx_thread_pool_t *tp);

/* NGX_BUSY: there is no room; a job then waits for it, which is NGX_OK */

ngx_int_t ngx_http_task_pool_post(ngx_http_task_piece_t *piece);

/* the task ends while it waits; harmless if it does not wait */

void ngx_http_task_pool_leave(ngx_http_task_piece_t *piece);
void ngx_http_task_pool_returned(ngx_http_task_piece_t *piece);


#endif /* _NGX_HTTP_TASK_POOL_H_INCLUDED_ */
