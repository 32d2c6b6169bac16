
/*
 * The queues of jobs that this worker serves: as long as it has room for a job
 * of a queue, it claims the oldest one, and runs it as its location says.
 *
 * Room is what task_limit has, and in task_mode thread a thread that is free.
 * nginx's pools do not tell how many threads they have: so a worker claims as
 * many jobs as have run at a time, and one more where each piece that it gave
 * to the pool was begun.  If a job is not begun soon all the same, as many run
 * as the pool has threads for: that is believed for a while.  If another worker
 * has room, the job is given back.
 */


#include "jobs/ngx_http_task_jobs.h"


/* so long a job may wait for a thread, nanoseconds */

#define NGX_HTTP_TASK_JOB_PATIENCE  50000000LL

/* so long a queue is left alone when a claim has failed, nanoseconds */

#define NGX_HTTP_TASK_JOB_LATER  100000000LL


static void ngx_http_task_job_serve_ready(void *data);
static void ngx_http_task_job_serve_idle(void *data);
static void ngx_http_task_job_serve_pools(void);
static ngx_uint_t ngx_http_task_job_serve_pool(ngx_http_task_job_serve_t *s,
    ngx_thread_pool_t *tp, ngx_uint_t n);
static ngx_uint_t ngx_http_task_job_serve_step(ngx_http_task_work_t *work);
static ngx_int_t ngx_http_task_job_serve_claim(ngx_http_task_job_serve_t *s,
    ngx_msec_t older);
static void ngx_http_task_job_serve_claimed(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_serve_start(ngx_http_task_job_serve_t *s,
    ngx_task_t *t);
static void ngx_http_task_job_serve_failed(ngx_http_task_job_serve_t *s);
static void ngx_http_task_job_serve_later(void *data);
static void ngx_http_task_job_serve_returned(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_serve_wait(ngx_http_task_job_t *job);
static void ngx_http_task_job_serve_patience(void *data);


/* the queues of this worker that wait for room in a pool, maybe */

static ngx_queue_t  ngx_http_task_job_serves;


ngx_int_t
ngx_http_task_job_serve_begin(ngx_http_task_store_t *store)
{
    ngx_uint_t                    i, n;
    ngx_http_task_queue_t       **queues;
    ngx_http_task_limit_t        *limit;
    ngx_http_task_job_serve_t    *s;
    ngx_http_task_job_runner_t   *runners;

    if (ngx_http_task_job_serves.next == NULL) {
        ngx_queue_init(&ngx_http_task_job_serves);
        ngx_http_task_pool_init(ngx_http_task_job_serve_pools);
    }

    if (store->type->enter(store) != NGX_OK) {
        return NGX_ERROR;
    }

    queues = store->queues.elts;

    for (i = 0; i < store->queues.nelts; i++) {
        s = queues[i]->data;
        runners = s->runners.elts;

        s->work.step = ngx_http_task_job_serve_step;

        queues[i]->ready = ngx_http_task_job_serve_ready;

        ngx_queue_insert_tail(&ngx_http_task_job_serves, &s->all);

        for (n = 0; n < s->runners.nelts; n++) {
            limit = runners[n].run->limit;

            if (limit) {
                limit->idle = ngx_http_task_job_serve_idle;
                limit->idle_data = s;
            }
        }

        ngx_http_task_work_begin(&s->work);
    }

    return NGX_OK;
}


/* the store has jobs, or may have some */

static void
ngx_http_task_job_serve_ready(void *data)
{
    ngx_http_task_job_serve_t *s = data;

    s->hungry = 0;
    s->told = 1;

    ngx_http_task_work_begin(&s->work);
}


/* there may be more room than before */

static void
ngx_http_task_job_serve_idle(void *data)
{
    ngx_http_task_job_serve_t *s = data;

    if (!s->hungry) {
        ngx_http_task_work_begin(&s->work);
    }
}


static void
ngx_http_task_job_serve_pools(void)
{
    ngx_queue_t                *q;
    ngx_http_task_job_serve_t  *s;

    for (q = ngx_queue_head(&ngx_http_task_job_serves);
         q != ngx_queue_sentinel(&ngx_http_task_job_serves);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_task_job_serve_t, all);

        ngx_http_task_job_serve_idle(s);
    }
}


ngx_uint_t
ngx_http_task_job_serve_room(ngx_http_task_job_serve_t *s)
{
    ngx_uint_t                   n;
    ngx_http_task_store_t       *store;
    ngx_http_task_job_runner_t  *runner;

    runner = s->runners.elts;
    store = s->queue->store;

    if (runner->args->function->library->failed) {
        return 0;
    }

    /* a worker that quits claims no more, unless no other one would */

    if (ngx_exiting && (ngx_http_task_hold_ends(NGX_HTTP_TASK_HOLD_JOB)
                        || !store->type->last(store)))
    {
        return 0;
    }

    n = runner->run->limit ? ngx_http_task_limit_free(runner->run->limit)
                           : NGX_MAX_INT_T_VALUE;

    return (n && runner->run->mode.executor->thread)
           ? ngx_http_task_job_serve_pool(s, runner->run->mode.pool, n) : n;
}


/* where a thread may be free, or not, a worker that has one goes first */

static ngx_uint_t
ngx_http_task_job_serve_pool(ngx_http_task_job_serve_t *s,
    ngx_thread_pool_t *tp, ngx_uint_t n)
{
    ngx_uint_t              room, sure;
    ngx_http_task_pool_t   *pool;
    ngx_http_task_store_t  *store;

    pool = ngx_http_task_pool_get(tp);
    store = s->queue->store;

    if (pool == NULL) {
        return 0;
    }

    room = ngx_http_task_pool_room(pool, &sure);

    if (room && !sure && store->type->wanted(store, s->queue)) {
        return 0;
    }

    return ngx_min(room, n);
}


void
ngx_http_task_job_serve_taken(ngx_http_task_job_t *job)
{
    ngx_http_task_job_serve_t  *s;

    s = job->conf->serve;

    if (job->add.claim == 1) {
        ngx_http_task_job_serve_ready(s);
    }

    if (job->task->conf->mode.executor->thread) {
        job->serve = s;
        ngx_http_task_job_serve_wait(job);
    }
}


/* the store may take it for one that has found a job */

void
ngx_http_task_job_serve_refused(ngx_http_task_job_t *job)
{
    ngx_http_task_job_serve_ready(job->conf->serve);
}


static ngx_uint_t
ngx_http_task_job_serve_step(ngx_http_task_work_t *work)
{
    ngx_http_task_store_t      *store;
    ngx_http_task_job_serve_t  *s;

    s = ngx_queue_data(work, ngx_http_task_job_serve_t, work);
    store = s->queue->store;

    /* it goes on later, or when the store has answered; if that was asked for
       want of room, there may be some now */

    if (s->timer.handler) {
        return 0;
    }

    if (ngx_http_task_store_under_way(&s->op)) {
        s->told |= (s->op.older != 0);
        return 0;
    }

    if (ngx_http_task_job_serve_room(s)) {
        return ngx_http_task_job_serve_claim(s, 0) == NGX_OK;
    }

    store->type->pass(store, s->queue);

    /* a job that has waited too long ends, without room */

    return s->timeout && !ngx_exiting
           && ngx_http_task_job_serve_claim(s, s->timeout) == NGX_OK;
}


/* returns NGX_OK if a job was claimed at once */

static ngx_int_t
ngx_http_task_job_serve_claim(ngx_http_task_job_serve_t *s, ngx_msec_t older)
{
    ngx_http_task_store_t       *store;
    ngx_http_task_limit_t       *limit;
    ngx_http_task_job_runner_t  *runner;

    store = s->queue->store;
    runner = s->runners.elts;

    s->op.pool = ngx_http_task_memory_create();

    if (s->op.pool == NULL) {
        ngx_http_task_job_serve_failed(s);
        return NGX_ERROR;
    }

    /* the store may take a while to answer: its turn is not given to others */

    limit = (older == 0) ? runner->run->limit : NULL;

    s->reserved = (limit && ngx_http_task_limit_reserve(limit) == NGX_OK)
                  ? limit : NULL;

    s->op.handler = ngx_http_task_job_serve_claimed;
    s->op.data = s;
    s->op.older = older;
    s->op.late = 0;
    s->rc = NGX_AGAIN;
    s->told = 0;

    store->type->claim(store, &s->op, s->queue);

    return s->rc;
}


static void
ngx_http_task_job_serve_claimed(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_task_t                 *t;
    ngx_http_task_job_t        *job;
    ngx_http_task_limit_t      *limit;
    ngx_http_task_job_serve_t  *s;

    s = op->data;
    s->rc = rc;

    limit = s->reserved;
    s->reserved = NULL;

    t = (rc == NGX_OK) ? ngx_http_task_job_claim_make(s, op) : NULL;

    s->hungry = (rc == NGX_DECLINED && op->older == 0 && !s->told);

    if (t == NULL && rc != NGX_DECLINED) {
        ngx_http_task_job_serve_failed(s);
    }

    if (t == NULL && limit) {
        ngx_http_task_limit_unreserve(limit);
    }

    if (rc != NGX_OK) {
        ngx_http_task_memory_destroy(op->pool);

        /* of a job that came when the answer was on its way */

        if (s->told) {
            ngx_http_task_work_begin(&s->work);
        }

        return;
    }

    if (t == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "no memory for a job of queue \"%V\", it waits",
                      &s->queue->name);

        s->rc = NGX_ERROR;
        op->handler = ngx_http_task_job_serve_returned;

        s->queue->store->type->give_back(s->queue->store, op);
        return;
    }

    job = t->client_data;
    job->reserved = limit;

    ngx_http_task_job_serve_start(s, t);
}


static void
ngx_http_task_job_serve_start(ngx_http_task_job_serve_t *s, ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    /* the timeout of its own location is not over yet */

    if (s->op.older && (t->conf->timeout == 0
                        || s->op.claim.age < (int64_t) t->conf->timeout))
    {
        s->rc = NGX_DECLINED;
        ngx_http_task_job_hold(t);
        (void) ngx_http_task_job_withdraw(t);

        if (s->told) {
            ngx_http_task_work_begin(&s->work);
        }

        return;
    }

    if (t->conf->mode.executor->thread) {
        job->serve = s;
        ngx_http_task_job_serve_wait(job);
    }

    ngx_http_task_job_claim_start(t);

    if (s->op.late) {
        ngx_http_task_work_begin(&s->work);
    }
}


/* it would fail again: whoever tells of jobs, none is claimed for a moment; a
   worker that quits does not wait for that */

static void
ngx_http_task_job_serve_failed(ngx_http_task_job_serve_t *s)
{
    if (ngx_exiting) {
        s->hungry = 1;
        return;
    }

    ngx_http_task_timer_set(&s->timer, ngx_http_task_job_serve_later, s,
                            ngx_http_task_now() + NGX_HTTP_TASK_JOB_LATER);
}


static void
ngx_http_task_job_serve_later(void *data)
{
    ngx_http_task_job_serve_t *s = data;

    ngx_http_task_work_begin(&s->work);
}


static void
ngx_http_task_job_serve_returned(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_task_job_serve_t *s = op->data;

    ngx_http_task_memory_destroy(op->pool);

    if (!ngx_exiting) {
        ngx_http_task_work_begin(&s->work);
    }
}


/* when it has waited for a thread so long, or when it ends, the timer goes */

static void
ngx_http_task_job_serve_wait(ngx_http_task_job_t *job)
{
    ngx_http_task_timer_set(&job->timer, ngx_http_task_job_serve_patience, job,
                            ngx_http_task_now() + NGX_HTTP_TASK_JOB_PATIENCE);
}


static void
ngx_http_task_job_serve_patience(void *data)
{
    ngx_http_task_job_t *job = data;

    ngx_task_t                 *t;
    ngx_http_task_queue_t      *queue;
    ngx_http_task_job_serve_t  *s;

    s = job->serve;
    t = job->task;
    queue = s->queue;

    if (ngx_http_task_atomic_get(&t->started)) {
        return;
    }

    /* it waits for a turn of its location, and not for a thread */

    if (ngx_http_task_limit_waits(&t->turn)) {
        ngx_http_task_job_serve_wait(job);
        return;
    }

    ngx_http_task_pool_full(ngx_http_task_pool_get(t->conf->mode.pool));

    if (!queue->store->type->wanted(queue->store, queue)) {
        ngx_http_task_job_serve_wait(job);
        return;
    }

    (void) ngx_http_task_job_withdraw(t);
}
