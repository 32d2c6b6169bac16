
/*
 * "Idempotency-Key": a client that does not know whether its request has made a
 * job sends it again, with the same key, and is told of the same job.
 *
 * A store keeps a digest of the key with the job, and a print of what the
 * request gave: the same key with something else is an error.
 */


#include "jobs/ngx_http_task_jobs.h"


static ngx_int_t ngx_http_task_job_key_wrong(ngx_http_request_t *r,
    const char *type, const char *msg, cJSON *input);
static ngx_uint_t ngx_http_task_job_key_step(ngx_http_task_work_t *work);


/* NGX_OK; or NGX_DECLINED: the request has been answered with rc */

ngx_int_t
ngx_http_task_job_key_read(ngx_task_t *t, ngx_http_task_job_conf_t *conf,
    ngx_int_t *rc)
{
    ngx_str_t             key;
    ngx_sha1_t            sha1;
    ngx_http_request_t   *r;
    ngx_http_task_job_t  *job;

    r = t->request;
    job = t->client_data;

    if (conf->idempotency == NGX_HTTP_TASK_IDEMPOTENCY_OFF) {
        return NGX_OK;
    }

    switch (ngx_http_task_fields_key(r, &key)) {

    case NGX_DECLINED:

        if (conf->idempotency == NGX_HTTP_TASK_IDEMPOTENCY_ON) {
            return NGX_OK;
        }

        *rc = ngx_http_task_job_key_wrong(r, "missing", "Field required",
                                          cJSON_CreateNull());
        return NGX_DECLINED;

    case NGX_ERROR:
        *rc = ngx_http_task_job_key_wrong(r, "value_error",
                              "Value error, a key is one string of 1 to 255 "
                              "visible characters",
                              ngx_http_task_error_echo_text(r->pool, &key));
        return NGX_DECLINED;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, conf->serve->queue->name.data,
                    conf->serve->queue->name.len);
    ngx_sha1_update(&sha1, "", 1);
    ngx_sha1_update(&sha1, key.data, key.len);
    ngx_sha1_final(job->add.key, &sha1);

    job->add.keyed = 1;

    return NGX_OK;
}


/* answers a request whose key was used for another one */

ngx_int_t
ngx_http_task_job_key_other(ngx_http_request_t *r)
{
    ngx_str_t  key;

    (void) ngx_http_task_fields_key(r, &key);

    return ngx_http_task_job_key_wrong(r, "value_error",
                              "Value error, this key was used for another "
                              "request",
                              ngx_http_task_error_echo_text(r->pool, &key));
}


/* or which comes while the first one with the key is being taken */

ngx_int_t
ngx_http_task_job_key_taking(ngx_http_request_t *r)
{
    ngx_str_t  name, value;

    static ngx_str_t  body = ngx_string("{\"detail\":\"A request with this "
                                        "Idempotency-Key is being taken\"}");

    ngx_str_set(&name, "Retry-After");
    ngx_str_set(&value, "1");

    if (ngx_http_task_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, NGX_HTTP_CONFLICT, &body);
}


static ngx_int_t
ngx_http_task_job_key_wrong(ngx_http_request_t *r, const char *type,
    const char *msg, cJSON *input)
{
    cJSON                 *errors;
    ngx_str_t              text;
    ngx_http_task_step_t   step;

    errors = NULL;
    step.name = "idempotency-key";
    step.position = 0;

    if (ngx_http_task_error(&errors, type, msg,
                            ngx_http_task_error_loc("header", &step, 1),
                            input, NULL, NULL)
        == NGX_ERROR
        || ngx_http_task_error_print(r->pool, &errors, &text) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE, &text);
}


/*
 * Sets the print, and then calls done(): at once, or, if the body is long, when
 * all of it was read in turns of the loop.
 */

void
ngx_http_task_job_key_print(ngx_task_t *t, void (*done)(ngx_task_t *t))
{
    ngx_http_task_job_t  *job;

    job = t->client_data;

    ngx_sha1_init(&job->print.sha1);
    ngx_http_task_pack_print(&t->in, &job->print.sha1);

    job->print.done = done;
    job->print.work.step = ngx_http_task_job_key_step;

    if (job->add.body.len > NGX_HTTP_TASK_SHORT) {
        job->op.late = 1;
        ngx_http_task_work_begin(&job->print.work);
        return;
    }

    while (ngx_http_task_job_key_step(&job->print.work)) { /* void */ }
}


static ngx_uint_t
ngx_http_task_job_key_step(ngx_http_task_work_t *work)
{
    size_t                n, rest;
    u_char               *p, *boundary;
    ngx_str_t            *parts;
    ngx_http_task_job_t  *job;

    job = ngx_queue_data(work, ngx_http_task_job_t, print.work);

    p = job->add.body.data + job->print.read;
    rest = job->add.body.len - job->print.read;

    n = ngx_min(rest, NGX_HTTP_TASK_SHORT);

    /* what separates parts is another text each time they are sent */

    parts = &job->task->in.boundary;

    boundary = parts->len ? memmem(p, ngx_min(rest, n + parts->len),
                                   parts->data, parts->len)
                          : NULL;
    if (boundary) {
        n = boundary - p;
    }

    ngx_sha1_update(&job->print.sha1, p, n);

    job->print.read += n + (boundary ? parts->len : 0);

    if (job->print.read < job->add.body.len) {
        return 1;
    }

    ngx_sha1_final(job->add.print, &job->print.sha1);

    job->print.done(job->task);

    return 0;
}
