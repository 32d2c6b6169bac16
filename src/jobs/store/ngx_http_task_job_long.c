
/*
 * Long inputs of jobs: they are written to the zone, and read from it, piece by
 * piece, so that neither the loop nor the mutex is held for long.
 *
 * A job whose input is being written is its worker's, and is not accepted
 * before that is done.  One whose input is being read was claimed: nobody else
 * writes to these blocks, so they are read without the mutex.
 */


#include "jobs/store/ngx_http_task_state.h"


typedef struct {
    ngx_queue_t                 queue;
    ngx_queue_t                 ops;         /* the op; empty: it was dropped */
    ngx_http_task_store_op_t   *op;
    ngx_http_task_store_add_t  *add;         /* NULL: the input is read */
    ngx_http_task_record_t     *job;
    ngx_http_task_job_chain_t   chain;
    size_t                      done;        /* bytes */
} ngx_http_task_job_long_t;


static ngx_uint_t ngx_http_task_job_long_step(ngx_http_task_work_t *work);
static void ngx_http_task_job_long_drop(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_long_t *l);
static ngx_int_t ngx_http_task_job_long_read(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_long_t *l);
static ngx_int_t ngx_http_task_job_long_write(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_long_t *l);


void
ngx_http_task_job_long(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job)
{
    ngx_http_task_job_long_t  *l;

    if (zone->work.step == NULL) {
        ngx_queue_init(&zone->inputs);
        zone->work.step = ngx_http_task_job_long_step;
    }

    l = ngx_calloc(sizeof(ngx_http_task_job_long_t), ngx_cycle->log);

    if (l == NULL) {
        ngx_http_task_job_lock(zone);

        if (add) {
            ngx_http_task_job_not_added(zone, job);
            op->why = NGX_HTTP_TASK_STORE_NO_MEMORY;

        } else {
            ngx_http_task_job_unclaim(zone, job);
        }

        ngx_http_task_job_unlock(zone);

        ngx_http_task_store_answer(op, add ? NGX_DECLINED : NGX_ERROR);
        return;
    }

    l->op = op;
    l->add = add;
    l->job = job;

    ngx_http_task_job_input_begin(zone, job, &l->chain);

    ngx_queue_init(&l->ops);
    ngx_http_task_store_later(&l->ops, op);

    ngx_queue_insert_tail(&zone->inputs, &l->queue);
    ngx_http_task_work_begin(&zone->work);
}


/* a piece of the first one, which then is the last one */

static ngx_uint_t
ngx_http_task_job_long_step(ngx_http_task_work_t *work)
{
    ngx_int_t                  rc;
    ngx_queue_t               *q;
    ngx_http_task_job_zone_t  *zone;
    ngx_http_task_job_long_t  *l;

    zone = ngx_queue_data(work, ngx_http_task_job_zone_t, work);

    q = ngx_queue_head(&zone->inputs);
    l = ngx_queue_data(q, ngx_http_task_job_long_t, queue);

    ngx_queue_remove(q);

    if (ngx_queue_empty(&l->ops)) {
        ngx_http_task_job_long_drop(zone, l);
        return !ngx_queue_empty(&zone->inputs);
    }

    rc = l->add ? ngx_http_task_job_long_write(zone, l)
                : ngx_http_task_job_long_read(zone, l);

    if (rc == NGX_AGAIN) {
        ngx_queue_insert_tail(&zone->inputs, q);
        return 1;
    }

    /* the op is linked to it until then */

    if (rc == NGX_OK) {
        ngx_queue_remove(&l->op->queue);
        l->op->queue.next = NULL;

        ngx_http_task_state_answer(zone, l->op, l->add, l->job);

    } else {
        ngx_http_task_store_answer(l->op, rc);
    }

    ngx_free(l);

    return !ngx_queue_empty(&zone->inputs);
}


/* the caller is gone: nobody was told of the job, or it waits again */

static void
ngx_http_task_job_long_drop(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_long_t *l)
{
    ngx_http_task_job_lock(zone);

    if (l->add) {
        ngx_http_task_job_not_added(zone, l->job);

    } else {
        ngx_http_task_job_unclaim(zone, l->job);
    }

    ngx_http_task_job_unlock(zone);

    ngx_free(l);
}


static ngx_int_t
ngx_http_task_job_long_read(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_long_t *l)
{
    size_t      n;
    ngx_str_t  *input;

    input = &l->op->claim.input;
    n = ngx_min(input->len - l->done, NGX_HTTP_TASK_JOB_PIECE);

    /* if it is damaged, what is made of it is no input */

    if (ngx_http_task_job_chain_read(zone, &l->chain, input->data + l->done, n)
        != NGX_OK)
    {
        ngx_memzero(input->data, input->len);
        return NGX_OK;
    }

    l->done += n;

    return (l->done < input->len) ? NGX_AGAIN : NGX_OK;
}


/* of the head or of the body */

static ngx_int_t
ngx_http_task_job_long_write(ngx_http_task_job_zone_t *zone,
    ngx_http_task_job_long_t *l)
{
    size_t       n, at;
    ngx_int_t    rc;
    ngx_str_t   *part;
    ngx_uint_t   need;

    part = &l->add->head;
    at = l->done;

    if (at >= part->len) {
        at -= part->len;
        part = &l->add->body;
    }

    n = ngx_min(part->len - at, NGX_HTTP_TASK_JOB_PIECE);
    need = ngx_http_task_job_blocks(l->done + n)
           - ngx_http_task_job_blocks(l->done);
    rc = NGX_AGAIN;

    ngx_http_task_job_lock(zone);

    if (ngx_http_task_job_make_room(zone, need) != NGX_OK) {
        l->op->why = NGX_HTTP_TASK_STORE_FULL;
        ngx_http_task_job_not_added(zone, l->job);
        rc = NGX_DECLINED;

    } else {
        ngx_http_task_job_chain_write(zone->sh, &l->chain, part->data + at, n);
        ngx_http_task_job_order();

        l->done += n;
        l->job->input_last = l->chain.block;
        l->job->input_length = l->done;

        if (l->done == l->add->head.len + l->add->body.len) {
            ngx_http_task_job_added(zone, l->op, l->add, l->job);
            rc = NGX_OK;
        }
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}
