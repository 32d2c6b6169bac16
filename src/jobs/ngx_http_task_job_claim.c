
/*
 * From a job that this worker has claimed to a task: what the store has of it
 * is read as its request was.  A long input is read in the thread of a job that
 * has one, or else ahead: in a thread, or on the loop, in steps.
 */


#include "jobs/ngx_http_task_jobs.h"


static ngx_http_task_job_runner_t *ngx_http_task_job_claim_runner(
    ngx_http_task_job_serve_t *s, ngx_str_t *input);
static ngx_task_t *ngx_http_task_job_claim_task(
    ngx_http_task_job_runner_t *runner, ngx_http_task_store_op_t *op);
static void ngx_http_task_job_claim_go(ngx_task_t *t, ngx_int_t rc);
static ngx_int_t ngx_http_task_job_claim_input(ngx_task_t *t,
    ngx_str_t *input);
static ngx_int_t ngx_http_task_job_claim_read(ngx_task_t *t);
static ngx_int_t ngx_http_task_job_claim_in_thread(ngx_task_t *t);
static ngx_task_rc_t ngx_http_task_job_claim_piece(ngx_task_t *t, void *data);
static void ngx_http_task_job_claim_returned(ngx_http_task_piece_t *piece);
static ngx_int_t ngx_http_task_job_claim_in_steps(ngx_task_t *t);
static ngx_uint_t ngx_http_task_job_claim_step(ngx_http_task_work_t *work);


/* what the loop reads of a claimed job ahead, in steps */

typedef struct {
    ngx_task_t                    *task;
    ngx_http_task_params_steps_t   steps;
    ngx_http_task_work_t           work;
} ngx_http_task_job_ahead_t;


static const ngx_http_task_piece_type_t  ngx_http_task_job_claim_piece_type = {
    .done = ngx_http_task_job_claim_returned
};


/* NULL: no memory, the job waits again */

ngx_task_t *
ngx_http_task_job_claim_make(ngx_http_task_job_serve_t *s,
    ngx_http_task_store_op_t *op)
{
    ngx_task_t                  *t;
    ngx_http_task_job_t         *job;
    ngx_http_task_store_t       *store;
    ngx_http_task_job_runner_t  *runner;

    store = s->queue->store;

    runner = ngx_http_task_job_claim_runner(s, &op->claim.input);
    t = ngx_http_task_job_claim_task(runner, op);
    job = t ? ngx_pcalloc(op->pool, sizeof(ngx_http_task_job_t)) : NULL;

    store->type->bind(store, op->key, job);

    if (job == NULL) {
        return NULL;
    }

    job->task = t;
    job->conf = runner->conf;
    job->store = store;
    job->kept = 1;
    job->input = op->claim.input;
    job->events = op->claim.events;
    job->op.key = op->key;
    job->op.data = t;
    ngx_memcpy(job->op.id, op->id, NGX_HTTP_TASK_JOB_ID);

    t->client_data = job;

    ngx_http_task_job_name(t);

    return t;
}


/* the location that has accepted it, or, if that is not here, the first one */

static ngx_http_task_job_runner_t *
ngx_http_task_job_claim_runner(ngx_http_task_job_serve_t *s, ngx_str_t *input)
{
    uint64_t                     key;
    ngx_uint_t                   i, n;
    ngx_http_task_queue_t      **queues;
    ngx_http_task_store_t       *store;
    ngx_http_task_job_serve_t   *other;
    ngx_http_task_job_runner_t  *runners;

    key = ngx_http_task_unpack_key(input);
    store = s->queue->store;
    queues = store->queues.elts;

    /* a reload may have given its location another queue */

    for (n = 0; n < store->queues.nelts; n++) {
        other = queues[n]->data;
        runners = other->runners.elts;

        for (i = 0; i < other->runners.nelts; i++) {
            if (runners[i].key == key) {
                return &runners[i];
            }
        }
    }

    return s->runners.elts;
}


static ngx_task_t *
ngx_http_task_job_claim_task(ngx_http_task_job_runner_t *runner,
    ngx_http_task_store_op_t *op)
{
    int64_t      age;
    ngx_task_t  *t;

    t = ngx_pcalloc(op->pool, sizeof(ngx_task_t));
    if (t == NULL) {
        return NULL;
    }

    age = ngx_max(op->claim.age, 0);

    t->log = ngx_cycle->log;
    t->conf = runner->run;
    t->function = runner->args->function;
    t->pool = op->pool;
    t->own_pool = 1;
    t->attempt = op->claim.attempt;
    t->created = ngx_http_task_now() - age * 1000000;

    t->in.pool = op->pool;
    t->in.conf = runner->args;
    t->in.job = 1;
    t->in.thread = runner->run->mode.executor->thread;
    t->in.pool_reads = (runner->run->mode.pool != NULL);
    t->in.body.fd = NGX_INVALID_FILE;

    return t;
}


void
ngx_http_task_job_claim_start(ngx_task_t *t)
{
    ngx_int_t             rc;
    ngx_http_task_job_t  *job;

    job = t->client_data;

    ngx_http_task_job_hold(t);

    rc = ngx_http_task_job_claim_input(t, &job->input);

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_claim_read(t);
    }

    if (rc == NGX_AGAIN) {
        job->ahead = 1;
        return;
    }

    ngx_http_task_job_claim_go(t, rc);
}


/* all of the input is read, or it cannot be */

static void
ngx_http_task_job_claim_go(ngx_task_t *t, ngx_int_t rc)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    job->ahead = 0;

    /* the task is going to ask for its turn */

    ngx_http_task_job_unreserve(job);

    /* it was cancelled, or given back, meanwhile */

    if (t->state != NGX_HTTP_TASK_PENDING) {
        t->held = 0;
        ngx_http_task_release(t);
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_task_job_run(t);
        return;
    }

    job->wrong = (rc == NGX_DECLINED) ? "its input is not valid here"
                                      : "no memory";

    ngx_http_task_job_fail(t);
}


static ngx_int_t
ngx_http_task_job_claim_input(ngx_task_t *t, ngx_str_t *input)
{
    if (t->function->table.flags & NGX_TASK_CONTEXT) {
        t->in.context = ngx_pcalloc(t->pool, sizeof(ngx_http_task_context_t));

        if (t->in.context == NULL) {
            return NGX_ERROR;
        }
    }

    return ngx_http_task_unpack(&t->in, input, &t->request_line);
}


/* NGX_AGAIN: it is read ahead */

static ngx_int_t
ngx_http_task_job_claim_read(ngx_task_t *t)
{
    switch (ngx_http_task_params_plan(&t->in, &t->args)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_http_task_params_read(&t->in, &t->args, &t->result.body);
    }

    if (t->in.thread) {
        t->in.unread = 1;
        return NGX_OK;
    }

    /* as when the request came: in steps is read what is JSON, and no more */

    if (t->conf->mode.executor->stalls
        || (!t->in.pool_reads && t->in.media != NGX_TASK_BODY_JSON))
    {
        return ngx_http_task_params_read(&t->in, &t->args, &t->result.body);
    }

    return t->in.pool_reads ? ngx_http_task_job_claim_in_thread(t)
                            : ngx_http_task_job_claim_in_steps(t);
}


static ngx_int_t
ngx_http_task_job_claim_in_thread(ngx_task_t *t)
{
    ngx_int_t               rc;
    ngx_http_task_piece_t  *piece;

    piece = ngx_http_task_piece_get(t, &t->piece);
    if (piece == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_piece_post(piece, &ngx_http_task_job_claim_piece_type,
                                  t->conf->mode.pool, &t->conf->mode.pool_name,
                                  ngx_http_task_job_claim_piece, NULL);

    return (rc == NGX_OK) ? NGX_AGAIN : NGX_ERROR;
}


static ngx_task_rc_t
ngx_http_task_job_claim_piece(ngx_task_t *t, void *data)
{
    ngx_int_t  rc;

    rc = ngx_http_task_params_read(&t->in, &t->args, &t->result.body);

    t->result.invalid = (rc == NGX_DECLINED);

    return (rc == NGX_OK) ? NGX_TASK_OK : NGX_TASK_FAILED;
}


static void
ngx_http_task_job_claim_returned(ngx_http_task_piece_t *piece)
{
    ngx_task_t  *t;

    t = piece->task;

    if (piece->rc == NGX_TASK_OK) {
        ngx_http_task_job_claim_go(t, NGX_OK);

    } else {
        ngx_http_task_job_claim_go(t, t->result.invalid ? NGX_DECLINED
                                                        : NGX_ERROR);
    }
}


static ngx_int_t
ngx_http_task_job_claim_in_steps(ngx_task_t *t)
{
    ngx_http_task_job_ahead_t  *ahead;

    ahead = ngx_pcalloc(t->pool, sizeof(ngx_http_task_job_ahead_t));
    if (ahead == NULL) {
        return NGX_ERROR;
    }

    ahead->task = t;
    ahead->steps.in = &t->in;
    ahead->work.step = ngx_http_task_job_claim_step;

    ngx_http_task_work_begin(&ahead->work);

    return NGX_AGAIN;
}


static ngx_uint_t
ngx_http_task_job_claim_step(ngx_http_task_work_t *work)
{
    ngx_int_t                   rc;
    ngx_task_t                 *t;
    ngx_http_task_job_ahead_t  *ahead;

    ahead = ngx_queue_data(work, ngx_http_task_job_ahead_t, work);
    t = ahead->task;

    rc = ngx_http_task_params_step(&ahead->steps, NULL, &t->args,
                                   &t->result.body);

    if (rc == NGX_AGAIN) {
        return 1;
    }

    ngx_http_task_job_claim_go(t, rc);

    return 0;
}
