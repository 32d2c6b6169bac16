
/*
 * A page of the jobs of a zone, the newest one first.  All records are looked
 * at, piece by piece in turns of the loop: neither the loop nor the mutex is
 * held for long, however many there are.
 *
 * A job does not move while it is there, and so each is looked at once.  Those
 * that are accepted meanwhile belong to no page that was asked for before.
 */


#include "jobs/store/ngx_http_task_state.h"


/* so many records are looked at under one lock */

#define NGX_HTTP_TASK_JOB_PAGE  256


typedef struct {
    ngx_http_task_work_t         work;
    ngx_queue_t                  ops;        /* the op; empty: it was dropped */
    ngx_http_task_store_op_t    *op;
    ngx_http_task_store_list_t  *list;
    ngx_http_task_job_zone_t    *zone;
    uint64_t                     hash;       /* of the queue; 0: any */
    int64_t                      before;     /* orders: below it */
    uint32_t                     place;      /* from here on all were seen */
} ngx_http_task_job_page_t;


static ngx_uint_t ngx_http_task_job_page_step(ngx_http_task_work_t *work);
static ngx_int_t ngx_http_task_job_page_look(ngx_http_task_job_page_t *page);
static ngx_uint_t ngx_http_task_job_page_takes(ngx_http_task_job_page_t *page,
    ngx_http_task_record_t *job);
static ngx_int_t ngx_http_task_job_page_insert(ngx_http_task_job_page_t *page,
    ngx_http_task_record_t *job);
static void ngx_http_task_job_page_copy(ngx_http_task_job_page_t *page,
    ngx_http_task_job_listed_t *listed, ngx_http_task_record_t *job);
static void ngx_http_task_job_page_end(ngx_http_task_store_list_t *list);


void
ngx_http_task_job_page(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list)
{
    ngx_http_task_job_page_t  *page;

    list->n = 0;
    list->next = 0;

    /* most of them may be in the state file yet */

    if (ngx_http_task_state_loads(zone)) {
        ngx_http_task_store_answer(op, NGX_AGAIN);
        return;
    }

    /* one more tells whether there are any behind the page */

    list->jobs = ngx_pcalloc(op->pool, (list->limit + 1)
                                       * sizeof(ngx_http_task_job_listed_t *));

    page = ngx_calloc(sizeof(ngx_http_task_job_page_t), ngx_cycle->log);

    if (list->jobs == NULL || page == NULL) {
        ngx_free(page);
        ngx_http_task_store_answer(op, NGX_ERROR);
        return;
    }

    page->op = op;
    page->list = list;
    page->zone = zone;
    page->work.step = ngx_http_task_job_page_step;

    if (list->queue.len) {
        page->hash = ngx_http_task_store_hash(NGX_HTTP_TASK_STORE_HASH,
                                              list->queue.data,
                                              list->queue.len);
    }

    /* jobs whose worker is gone may not be known to be lost yet */

    ngx_http_task_job_lock(zone);

    ngx_http_task_job_expire(zone);
    (void) ngx_http_task_job_sweep(zone);

    page->place = zone->sh->used_jobs;
    page->before = zone->sh->order + 1;

    ngx_http_task_job_unlock(zone);

    if (list->after && list->after < (uint64_t) page->before) {
        page->before = list->after;
    }

    ngx_queue_init(&page->ops);
    ngx_http_task_store_later(&page->ops, op);

    ngx_http_task_work_begin(&page->work);
}


static ngx_uint_t
ngx_http_task_job_page_step(ngx_http_task_work_t *work)
{
    ngx_int_t                  rc;
    ngx_http_task_job_page_t  *page;

    page = ngx_queue_data(work, ngx_http_task_job_page_t, work);

    /* who has asked is gone, with the page */

    if (ngx_queue_empty(&page->ops)) {
        ngx_free(page);
        return 0;
    }

    /* the zone may have been emptied since, as its file is another one's */

    rc = ngx_http_task_state_loads(page->zone)
         ? NGX_ABORT : ngx_http_task_job_page_look(page);

    if (rc == NGX_AGAIN) {
        return 1;
    }

    if (rc == NGX_OK) {
        ngx_http_task_job_page_end(page->list);
    }

    /* the op is linked to it until then */

    ngx_http_task_store_answer(page->op, (rc == NGX_ABORT) ? NGX_AGAIN : rc);
    ngx_free(page);

    return 0;
}


/* those that were accepted last have the last places, as long as none is used
   again: from there on a page is filled with the fewest moves */

static ngx_int_t
ngx_http_task_job_page_look(ngx_http_task_job_page_t *page)
{
    ngx_int_t                rc;
    ngx_uint_t               n;
    ngx_http_task_record_t  *job;

    rc = NGX_OK;

    ngx_http_task_job_lock(page->zone);

    for (n = 0; n < NGX_HTTP_TASK_JOB_PAGE && page->place && rc == NGX_OK; n++)
    {
        job = &page->zone->sh->jobs[--page->place];

        if (ngx_http_task_job_page_takes(page, job)) {
            rc = ngx_http_task_job_page_insert(page, job);
        }
    }

    ngx_http_task_job_unlock(page->zone);

    return (rc == NGX_OK && page->place) ? NGX_AGAIN : rc;
}


static ngx_uint_t
ngx_http_task_job_page_takes(ngx_http_task_job_page_t *page,
    ngx_http_task_record_t *job)
{
    ngx_uint_t                   state;
    ngx_http_task_store_list_t  *list;

    list = page->list;
    state = ngx_http_task_atomic_get(&job->state);

    if (state == NGX_HTTP_TASK_JOB_FREE || job->taking || job->forgotten
        || job->order >= page->before
        || (list->state && state != (ngx_uint_t) list->state))
    {
        return 0;
    }

    if (page->hash && page->zone->sh->queues[job->queue].hash != page->hash) {
        return 0;
    }

    if (list->n > list->limit
        && (uint64_t) job->order < list->jobs[list->limit]->order)
    {
        return 0;
    }

    return state < NGX_HTTP_TASK_JOB_DONE
           || !ngx_http_task_job_is_over(page->zone, job,
                                         ngx_http_task_job_clock());
}


/* the oldest one makes room for it */

static ngx_int_t
ngx_http_task_job_page_insert(ngx_http_task_job_page_t *page,
    ngx_http_task_record_t *job)
{
    ngx_uint_t                    i;
    ngx_http_task_store_list_t   *list;
    ngx_http_task_job_listed_t  **jobs, *listed;

    list = page->list;
    jobs = list->jobs;

    if (list->n > list->limit) {
        listed = jobs[--list->n];

    } else {
        listed = ngx_palloc(page->op->pool, sizeof(ngx_http_task_job_listed_t));
        if (listed == NULL) {
            return NGX_ERROR;
        }
    }

    for (i = list->n; i && jobs[i - 1]->order < (uint64_t) job->order; i--) {
        jobs[i] = jobs[i - 1];
    }

    jobs[i] = listed;
    list->n++;

    ngx_http_task_job_page_copy(page, listed, job);

    return NGX_OK;
}


static void
ngx_http_task_job_page_copy(ngx_http_task_job_page_t *page,
    ngx_http_task_job_listed_t *listed, ngx_http_task_record_t *job)
{
    ngx_http_task_job_waiting_t  *queue;

    queue = &page->zone->sh->queues[job->queue];

    ngx_memzero(listed, sizeof(ngx_http_task_job_listed_t));

    ngx_http_task_job_copy(&listed->seen, job);

    listed->order = job->order;
    listed->queue_len = ngx_min(queue->length, NGX_HTTP_TASK_JOB_QUEUE);

    ngx_memcpy(listed->queue, queue->name, listed->queue_len);
}


static void
ngx_http_task_job_page_end(ngx_http_task_store_list_t *list)
{
    if (list->n > list->limit) {
        list->n = list->limit;
        list->next = list->jobs[list->n - 1]->order;
    }
}
