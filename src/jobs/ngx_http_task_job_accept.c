
/*
 * From a task whose client does not want to wait to a job: a store keeps a
 * record of it, and the client has a 202.
 */


#include "jobs/ngx_http_task_jobs.h"


static ngx_http_task_job_t *ngx_http_task_job_create(ngx_task_t *t,
    ngx_http_task_job_conf_t *conf);
static void ngx_http_task_job_add_it(ngx_task_t *t);
static void ngx_http_task_job_room(ngx_task_t *t,
    ngx_http_task_job_conf_t *conf, ngx_http_task_store_add_t *add);
static void ngx_http_task_job_gone(void *data);
static void ngx_http_task_job_added(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_no_room(ngx_task_t *t);
static void ngx_http_task_job_known(ngx_task_t *t);
static const char *ngx_http_task_job_why(ngx_http_task_store_why_e why);
static void ngx_http_task_job_taken(ngx_task_t *t);
static void ngx_http_task_job_tell(ngx_task_t *t);
static void ngx_http_task_job_refuse(ngx_task_t *t, ngx_uint_t retry);
static void ngx_http_task_job_answer(ngx_task_t *t, ngx_int_t rc);


/*
 * A client that may choose does so by RFC 7240: "Prefer: respond-async", and
 * "wait=5" if it waits so long for the result before the 202.
 */

ngx_uint_t
ngx_http_task_job_wanted(ngx_http_task_job_conf_t *conf, ngx_http_request_t *r,
    ngx_msec_t *wait)
{
    if (conf->background == NGX_HTTP_TASK_BACKGROUND_PREFER) {
        return ngx_http_task_fields_prefer(r, wait);
    }

    *wait = 0;

    return conf->background == NGX_HTTP_TASK_BACKGROUND_ON;
}


void
ngx_http_task_job_accept(ngx_task_t *t, ngx_http_task_job_conf_t *conf,
    ngx_msec_t wait)
{
    ngx_int_t             rc;
    ngx_http_task_job_t  *job;

    job = ngx_http_task_job_create(t, conf);

    if (job == NULL) {
        ngx_log_error(NGX_LOG_ERR, t->log, 0,
                      "no room for a job in zone \"%V\": no memory",
                      &conf->store->name);
        ngx_http_task_job_refuse(t, 1);
        return;
    }

    job->wait = wait;
    job->op.handler = ngx_http_task_job_added;
    job->op.data = t;

    job->add.queue = conf->serve->queue;
    job->add.share = conf->share;
    job->add.max = conf->max;

    ngx_http_task_pack_body(&t->in, &job->add.head, &job->add.body);

    if (ngx_http_task_job_key_read(t, conf, &rc) != NGX_OK) {
        ngx_http_task_job_answer(t, rc);
        return;
    }

    if (job->add.keyed) {
        ngx_http_task_job_key_print(t, ngx_http_task_job_add_it);

    } else {
        ngx_http_task_job_add_it(t);
    }
}


static void
ngx_http_task_job_add_it(ngx_task_t *t)
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    /* it was not accepted yet */

    if (t->request == NULL) {
        ngx_http_task_release(t);
        return;
    }

    ngx_http_task_job_room(t, job->conf, &job->add);

    job->store->type->add(job->store, &job->op, &job->add);
}


/*
 * What this worker has room for, and how many jobs may wait for the workers:
 * what task_limit says is for each of them.
 */

static void
ngx_http_task_job_room(ngx_task_t *t, ngx_http_task_job_conf_t *conf,
    ngx_http_task_store_add_t *add)
{
    ngx_core_conf_t        *ccf;
    ngx_http_task_job_t    *job;
    ngx_http_task_limit_t  *limit;

    job = t->client_data;
    limit = t->conf->limit;

    add->claim = ngx_http_task_job_serve_room(conf->serve);
    add->waiting = NGX_MAX_INT_T_VALUE;

    if (limit == NULL) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    add->waiting = limit->conf->queue
                   * (ngx_uint_t) ngx_max(ccf->worker_processes, 1);

    /* another location may have the queue, too, and another limit */

    add->claim = ngx_min(add->claim, ngx_http_task_limit_free(limit));

    if (add->claim) {
        (void) ngx_http_task_limit_reserve(limit);
        job->reserved = limit;
    }
}


static ngx_http_task_job_t *
ngx_http_task_job_create(ngx_task_t *t, ngx_http_task_job_conf_t *conf)
{
    ngx_http_cleanup_t   *cln;
    ngx_http_task_job_t  *job;

    job = ngx_pcalloc(t->pool, sizeof(ngx_http_task_job_t));
    cln = ngx_http_cleanup_add(t->request, 0);

    if (job == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_task_job_gone;
    cln->data = t;

    job->cleanup = cln;
    job->task = t;
    job->conf = conf;
    job->store = conf->store;

    t->client_data = job;

    return job;
}


/* the request is terminated, or goes elsewhere, before the store answers */

static void
ngx_http_task_job_gone(void *data)
{
    ngx_task_t *t = data;

    ngx_http_task_job_t  *job;

    job = t->client_data;

    job->cleanup->handler = NULL;
    job->cleanup = NULL;

    t->request = NULL;
}


static void
ngx_http_task_job_added(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_task_t  *t;

    t = op->data;

    if (t->request && ngx_http_task_elsewhere(t->request, t->changes)) {
        ngx_http_task_job_gone(t);
    }

    if (t->request && op->late) {
        ngx_http_set_log_request(t->request->connection->log, t->request);
    }

    if (rc == NGX_OK) {
        ngx_http_task_job_taken(t);

    } else {
        ngx_http_task_job_no_room(t);
    }
}


static void
ngx_http_task_job_no_room(ngx_task_t *t)
{
    ngx_log_t              *log;
    ngx_uint_t              retry;
    ngx_core_conf_t        *ccf;
    ngx_http_task_job_t    *job;
    ngx_http_task_limit_t  *limit;

    job = t->client_data;
    limit = t->conf->limit;
    log = t->request ? t->log : ngx_cycle->log;
    retry = 1;

    if (job->op.why >= NGX_HTTP_TASK_STORE_SAME) {
        ngx_http_task_job_known(t);
        return;
    }

    ngx_http_task_job_serve_refused(job);

    if (job->op.why == NGX_HTTP_TASK_STORE_LOADS) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "a job is refused as long as the state file of "
                      "task_job_zone \"%V\" is not read",
                      &job->store->name);

    } else if (job->op.why != NGX_HTTP_TASK_STORE_QUEUE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "no room for a job in zone \"%V\": %s",
                      &job->store->name,
                      ngx_http_task_job_why(job->op.why));

    } else if (limit) {
        ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_core_module);

        ngx_http_task_limit_log(limit, log, job->op.waiting,
                                "no room for a job");
        retry = ngx_http_task_limit_retry(limit, job->op.waiting
                                        / ngx_max(ccf->worker_processes, 1));
    }

    ngx_http_task_job_refuse(t, retry);
}


/* its key is that of a job, or of one that is being taken */

static void
ngx_http_task_job_known(ngx_task_t *t)
{
    ngx_int_t             rc;
    ngx_http_request_t   *r;
    ngx_http_task_job_t  *job;

    r = t->request;
    job = t->client_data;

    if (r == NULL) {
        ngx_http_task_job_answer(t, NGX_DONE);
        return;
    }

    switch (job->op.why) {

    case NGX_HTTP_TASK_STORE_SAME:
        ngx_http_task_job_name(t);

        rc = job->wait ? ngx_http_task_job_prefer(r, job->conf, job->op.id,
                                                  job->wait)
                       : ngx_http_task_job_accepted(r, job->conf, job->op.id,
                                  ngx_http_task_job_states[job->op.seen.state]);
        break;

    case NGX_HTTP_TASK_STORE_TAKING:
        rc = ngx_http_task_job_key_taking(r);
        break;

    default:
        rc = ngx_http_task_job_key_other(r);
    }

    ngx_http_task_job_answer(t, rc);
}


static const char *
ngx_http_task_job_why(ngx_http_task_store_why_e why)
{
    switch (why) {

    case NGX_HTTP_TASK_STORE_FULL:
        return "it is full";

    case NGX_HTTP_TASK_STORE_SHARE:
        return "this location has \"max\" jobs";

    case NGX_HTTP_TASK_STORE_QUEUES:
        return "too many queues have jobs";

    case NGX_HTTP_TASK_STORE_AWAY:
        return "the engine is away";

    case NGX_HTTP_TASK_STORE_STATE:
        return "its state file cannot be written";

    default:
        return "no memory";
    }
}


static void
ngx_http_task_job_taken(ngx_task_t *t)
{
    ngx_uint_t            mine;
    ngx_http_task_job_t  *job;

    job = t->client_data;
    mine = job->op.claimed;

    if (mine) {
        job->kept = 1;
        job->store->type->bind(job->store, job->op.key, job);
    }

    ngx_http_task_job_name(t);
    ngx_http_task_job_tell(t);
    ngx_http_task_job_unreserve(job);

    if (!mine) {
        ngx_http_task_release(t);
        return;
    }

    ngx_http_task_pack_done(&t->in);

    ngx_http_task_job_serve_taken(job);

    ngx_http_task_job_hold(t);
    ngx_http_task_job_run(t);
}


/* answers the request, if it is still there: the job was accepted */

static void
ngx_http_task_job_tell(ngx_task_t *t)
{
    u_char               *id;
    ngx_int_t             rc;
    ngx_http_request_t   *r;
    ngx_http_task_job_t  *job;

    r = t->request;
    job = t->client_data;

    if (r == NULL) {
        return;
    }

    job->cleanup->handler = NULL;

    id = job->op.id;

    rc = job->wait ? ngx_http_task_job_prefer(r, job->conf, id, job->wait)
                   : ngx_http_task_job_accepted(r, job->conf, id, "queued");

    t->request = NULL;
    ngx_http_task_job_call_end(r, job->op.late, rc);
}


/* answers 503: no room for the job, or no memory; retry is in seconds */

static void
ngx_http_task_job_refuse(ngx_task_t *t, ngx_uint_t retry)
{
    ngx_http_request_t  *r;

    r = t->request;

    ngx_http_task_job_answer(t, r ? ngx_http_task_send_unavailable(r, retry)
                                  : NGX_DONE);
}


/* the request, if it is still there, is answered: there is no job of it */

static void
ngx_http_task_job_answer(ngx_task_t *t, ngx_int_t rc)
{
    ngx_uint_t            late;
    ngx_http_request_t   *r;
    ngx_http_task_job_t  *job;

    r = t->request;
    job = t->client_data;
    late = job && job->op.late;

    if (job) {
        ngx_http_task_job_unreserve(job);

        if (job->cleanup) {
            job->cleanup->handler = NULL;
        }
    }

    t->request = NULL;
    ngx_http_task_release(t);

    if (r) {
        ngx_http_task_job_call_end(r, late, rc);
    }
}
