
/*
 * How a job ends: its state, its status, and its result, or what went wrong.
 */


#include "jobs/ngx_http_task_jobs.h"
#include "task/ngx_http_task_stream.h"


static void ngx_http_task_job_end_done(ngx_task_t *t);
static void ngx_http_task_job_end_failed(ngx_task_t *t, ngx_uint_t status,
    const char *text);


void
ngx_http_task_job_end_set(ngx_task_t *t)
{
    ngx_http_task_job_t        *job;
    ngx_http_task_store_end_t  *end;

    job = t->client_data;
    end = &job->end;

    switch (t->state) {

    case NGX_HTTP_TASK_DONE:
        ngx_http_task_job_end_done(t);
        break;

    case NGX_HTTP_TASK_CANCELLED:
        end->state = t->given_up ? NGX_HTTP_TASK_JOB_LOST
                                 : NGX_HTTP_TASK_JOB_CANCELLED;

        if (t->given_up) {
            end->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
            ngx_str_set(&end->result, "its worker had to end");
        }

        break;

    case NGX_HTTP_TASK_TIMEOUT:
        end->state = NGX_HTTP_TASK_JOB_TIMEOUT;
        end->status = NGX_HTTP_GATEWAY_TIME_OUT;
        ngx_str_set(&end->result, "Gateway Timeout");
        break;

    default:

        /* if it was stopped, a thread may still have the result */

        if (job->wrong) {
            ngx_http_task_job_end_failed(t, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                         job->wrong);

        } else if (ngx_http_task_atomic_get(&t->result.invalid)) {
            job->wrong = "its input is not valid here";
            ngx_http_task_job_end_failed(t, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                         job->wrong);

        } else if (ngx_http_task_result_why(t)) {
            ngx_http_task_job_end_failed(t, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                         "Internal Server Error");

        } else {
            ngx_http_task_job_end_failed(t, t->result.failed,
                                         (char *) t->result.detail.data);
        }
    }
}


/* of a stream of events there are only these */

static void
ngx_http_task_job_end_done(ngx_task_t *t)
{
    ngx_http_task_job_t        *job;
    ngx_http_task_result_t     *result;
    ngx_http_task_store_end_t  *end;

    job = t->client_data;
    end = &job->end;
    result = &t->result;

    if (job->wrong) {
        ngx_http_task_job_end_failed(t, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                     job->wrong);
        return;
    }

    end->state = NGX_HTTP_TASK_JOB_DONE;
    end->status = result->status ? result->status : NGX_HTTP_OK;
    end->result = result->body;

    if (t->streamed || result->bytes) {
        end->type = result->type;
    }

    if (t->streamed) {
        end->result = job->taken;

        if (t->stream->events) {
            end->result.len = 0;
        }
    }
}


static void
ngx_http_task_job_end_failed(ngx_task_t *t, ngx_uint_t status,
    const char *text)
{
    ngx_http_task_job_t        *job;
    ngx_http_task_store_end_t  *end;

    job = t->client_data;
    end = &job->end;

    end->state = NGX_HTTP_TASK_JOB_FAILED;
    end->status = status;
    end->result.data = (u_char *) text;
    end->result.len = ngx_strlen(text);

    ngx_http_task_job_end_log(t, status, &end->result);
}


void
ngx_http_task_job_end_log(ngx_task_t *t, ngx_uint_t status, ngx_str_t *text)
{
    u_char                buf[NGX_HTTP_TASK_LOG_TEXT];
    size_t                len;
    const char           *why;
    ngx_http_task_job_t  *job;

    job = t->client_data;
    why = NULL;

    /* if it was stopped, its thread may still write what it returns */

    if (job->wrong == NULL && t->rc != NGX_TASK_OK) {
        why = ngx_http_task_result_why(t);
    }

    if (why) {
        ngx_log_error(NGX_LOG_ERR, t->log, 0, "job \"%V\" failed: %s",
                      &t->function->name, why);
        return;
    }

    len = ngx_http_task_log_escape(buf, sizeof(buf), text->data, text->len);

    ngx_log_error(ngx_http_task_failed_level(status), t->log, 0,
                  "job \"%V\" failed: %*s", &t->function->name, len, buf);
}
