
/*
 * A call of a store from its start to its answer.
 */


#include "jobs/store/ngx_http_task_store.h"


static void ngx_http_task_store_unlink(ngx_http_task_store_op_t *op);


void
ngx_http_task_store_later(ngx_queue_t *queue, ngx_http_task_store_op_t *op)
{
    ngx_queue_insert_tail(queue, &op->queue);

    op->late = 1;
}


void
ngx_http_task_store_answer(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_task_store_unlink(op);

    op->handler(op, rc);
}


void
ngx_http_task_store_drop(ngx_http_task_store_op_t *op)
{
    ngx_http_task_store_unlink(op);
}


static void
ngx_http_task_store_unlink(ngx_http_task_store_op_t *op)
{
    if (ngx_http_task_store_under_way(op)) {
        ngx_queue_remove(&op->queue);
        op->queue.next = NULL;
    }
}
