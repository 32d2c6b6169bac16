
/*
 * The content handlers of "task", "quick" and "task_jobs": from a request to a
 * task that is ready to start.  Its life then is in ngx_http_task_life.c.
 */


#include "http/ngx_http_task_http.h"


/* bytes of a request's first line that a task keeps */

#define NGX_HTTP_TASK_REQUEST_LINE  256


static ngx_uint_t ngx_http_task_wants_job(ngx_http_task_loc_conf_t *tlcf,
    ngx_http_request_t *r, ngx_msec_t *wait);
static void ngx_http_task_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_begin(ngx_http_request_t *r);
static void ngx_http_task_read_handler(ngx_task_t *t, ngx_int_t rc);
static ngx_int_t ngx_http_task_keep_line(ngx_task_t *t, ngx_http_request_t *r);
static ngx_task_t *ngx_http_task_create(ngx_http_request_t *r,
    ngx_http_task_loc_conf_t *tlcf);
static ngx_int_t ngx_http_task_go(ngx_task_t *t, ngx_int_t rc);
static ngx_int_t ngx_http_task_refuse(ngx_task_t *t, ngx_int_t rc);


ngx_int_t
ngx_http_task_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_msec_t                 wait;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (!(r->method & tlcf->methods)) {
        return ngx_http_task_send_not_allowed(r, &tlcf->allow);
    }

    if (tlcf->job.background == NGX_HTTP_TASK_BACKGROUND_PREFER
        && ngx_http_task_fields_vary(r, "Prefer") != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (tlcf->args.function->library->failed) {
        return ngx_http_task_send_unavailable(r, 1);
    }

    if (r->headers_in.content_length_n < 0 && !r->headers_in.chunked) {
        r->main->count++;

        rc = ngx_http_task_begin(r);

        if (rc != NGX_DONE) {
            r->main->count--;
        }

        return rc;
    }

    /* a body whose Content-Length is too large for a job is not read at all */

    if (tlcf->job.background
        && r->headers_in.content_length_n > (off_t) tlcf->job.store->max_body
        && ngx_http_task_params_in_body(&tlcf->args, r)
        && ngx_http_task_wants_job(tlcf, r, &wait))
    {
        return ngx_http_task_send_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        NULL);
    }

    /* read a body also if nobody needs it: the connection is then quiet */

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_task_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* HEAD never makes a job: its answer could not say which */

static ngx_uint_t
ngx_http_task_wants_job(ngx_http_task_loc_conf_t *tlcf, ngx_http_request_t *r,
    ngx_msec_t *wait)
{
    *wait = 0;

    return tlcf->job.background && !(r->method & NGX_HTTP_HEAD)
           && ngx_http_task_job_wanted(&tlcf->job, r, wait);
}


static void
ngx_http_task_body_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_task_begin(r);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/*
 * The request is here, and its body.  NGX_DONE: the request is answered later,
 * or has been finalized; else it has to be finalized with what is returned.
 */

static ngx_int_t
ngx_http_task_begin(ngx_http_request_t *r)
{
    size_t                     max;
    ngx_int_t                  rc;
    ngx_task_t                *t;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    t = ngx_http_task_create(r, tlcf);
    if (t == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    max = t->in.job ? tlcf->job.store->max_body : NGX_MAX_SIZE_T_VALUE;

    rc = ngx_http_task_params_collect(&t->in, r, max, &t->args,
                                      &t->result.body);

    if (rc == NGX_OK && (t->function->table.flags & NGX_TASK_CONTEXT)) {
        rc = (ngx_http_task_context_create(&t->in, r) == NGX_OK)
             ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK && t->in.job) {
        rc = (ngx_http_task_pack(&t->in, tlcf->job.key, &t->request_line)
              == NGX_OK)
             ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK && t->in.ahead) {
        rc = ngx_http_task_read_ahead(t, ngx_http_task_read_handler);

        if (rc == NGX_OK) {
            return NGX_DONE;
        }

    } else if (rc == NGX_OK && t->args == NULL && !t->in.unread) {
        rc = ngx_http_task_params_read(&t->in, &t->args, &t->result.body);
        t->result.invalid = (rc == NGX_DECLINED);
    }

    return ngx_http_task_go(t, rc);
}


static void
ngx_http_task_read_handler(ngx_task_t *t, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = t->request;

    rc = ngx_http_task_go(t, rc);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* all of the request is read: starts the task, or answers what is wrong */

static ngx_int_t
ngx_http_task_go(ngx_task_t *t, ngx_int_t rc)
{
    ngx_msec_t                 wait;
    ngx_http_request_t        *r;
    ngx_http_task_loc_conf_t  *tlcf;

    r = t->request;

    if (rc == NGX_OK && t->in.job) {
        tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

        (void) ngx_http_task_job_wanted(&tlcf->job, r, &wait);

        ngx_http_task_job_accept(t, &tlcf->job, wait);
        return NGX_DONE;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_request_attach(t);
    }

    return (rc == NGX_OK) ? ngx_http_task_request_start(t)
                          : ngx_http_task_refuse(t, rc);
}


/* answers what is wrong; rc: NGX_DECLINED for a 422, NGX_ERROR, or a status */

static ngx_int_t
ngx_http_task_refuse(ngx_task_t *t, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = t->request;

    if (rc == NGX_DECLINED && t->own_pool) {

        /* the task is freed now, its answer when the client has read it */

        t->result.body.data = ngx_pstrdup(r->pool, &t->result.body);

        if (t->result.body.data == NULL) {
            rc = NGX_ERROR;
        }
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_request_send(t);

    } else if (rc == NGX_HTTP_SERVICE_UNAVAILABLE) {
        rc = ngx_http_task_send_unavailable(r, 1);

    } else {
        rc = ngx_http_task_send_error(r, (rc == NGX_ERROR)
                                         ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc,
                                      (rc > NGX_OK && t->result.body.data)
                                      ? &t->result.body : NULL);
    }

    /* the request is answered: it no longer needs the task */

    t->request = NULL;
    ngx_http_task_release(t);

    return rc;
}


/* a task that a thread may touch, or a job, may outlive its request's pool */

static ngx_task_t *
ngx_http_task_create(ngx_http_request_t *r, ngx_http_task_loc_conf_t *tlcf)
{
    ngx_msec_t   wait;
    ngx_uint_t   job;
    ngx_pool_t  *pool;
    ngx_task_t  *t;

    pool = r->pool;
    job = ngx_http_task_wants_job(tlcf, r, &wait);

    if (tlcf->run.mode.pool || job) {
        pool = ngx_http_task_memory_create();
        if (pool == NULL) {
            return NULL;
        }
    }

    t = ngx_pcalloc(pool, sizeof(ngx_task_t));
    if (t == NULL) {
        if (pool != r->pool) {
            ngx_http_task_memory_destroy(pool);
        }

        return NULL;
    }

    t->request = r;
    t->log = r->connection->log;
    t->conf = &tlcf->run;
    t->function = tlcf->args.function;
    t->pool = pool;
    t->own_pool = (pool != r->pool);
    t->connection = r->connection->number;
    t->changes = r->uri_changes;
    t->bodiless = r->header_only || (r->method & NGX_HTTP_HEAD);
    t->created = ngx_http_task_now();

    if (ngx_http_task_keep_line(t, r) != NGX_OK) {
        ngx_http_task_memory_destroy(pool);
        return NULL;
    }

    t->in.pool = pool;
    t->in.conf = &tlcf->args;
    t->in.job = job;
    t->in.thread = tlcf->run.mode.executor->thread;
    t->in.pool_reads = (tlcf->run.mode.pool != NULL);
    t->in.body.fd = NGX_INVALID_FILE;

    if (r->request_body) {
        t->in.steps = !t->in.pool_reads && !tlcf->run.mode.executor->stalls;
    }

    return t;
}


/* for the log, see ngx_http_task_describe(): in a thread there is no request */

static ngx_int_t
ngx_http_task_keep_line(ngx_task_t *t, ngx_http_request_t *r)
{
    t->request_line.len = ngx_min(r->request_line.len,
                                  NGX_HTTP_TASK_REQUEST_LINE);
    t->request_line.data = r->request_line.data;

    if (!t->own_pool) {
        return NGX_OK;
    }

    t->request_line.data = ngx_pnalloc(t->pool, t->request_line.len);

    if (t->request_line.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(t->request_line.data, r->request_line.data,
               t->request_line.len);

    return NGX_OK;
}


ngx_int_t
ngx_http_task_quick_handler(ngx_http_request_t *r)
{
    ngx_http_task_loc_conf_t  *tlcf;

    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    return ngx_http_task_send(r, NGX_HTTP_OK, &tlcf->quick);
}


ngx_int_t
ngx_http_task_jobs_handler(ngx_http_request_t *r)
{
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    return ngx_http_task_job_handler(r, &tlcf->job);
}
