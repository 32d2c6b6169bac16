
/*
 * What the function of a job streams: bytes are its result, and of events the
 * newest ones are kept in the store, for whoever watches the job.  Nobody holds
 * it up.
 */


#include "jobs/ngx_http_task_jobs.h"
#include "task/ngx_http_task_stream.h"


/* so many bytes are copied in one turn of the loop */

#define NGX_HTTP_TASK_JOB_TAKE  262144

/* room for an id in front of an event */

#define NGX_HTTP_TASK_JOB_HEAD  32


static ngx_int_t ngx_http_task_job_take_until(ngx_task_t *t, uint64_t until);
static ngx_int_t ngx_http_task_job_take_piece(ngx_http_task_job_t *job,
    u_char *data, size_t len);
static ngx_int_t ngx_http_task_job_take_bytes(ngx_http_task_job_t *job,
    u_char *data, size_t len);
static ngx_int_t ngx_http_task_job_take_events(ngx_http_task_job_t *job,
    u_char *data, size_t len);
static ngx_int_t ngx_http_task_job_take_event(ngx_http_task_job_t *job);
static ngx_int_t ngx_http_task_job_take_grow(ngx_http_task_job_t *job,
    size_t len, size_t max);


ngx_int_t
ngx_http_task_job_take(ngx_task_t *t)
{
    uint64_t                 until;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    if (t->state != NGX_HTTP_TASK_PENDING) {
        s->over = 1;
        return NGX_DONE;
    }

    until = ngx_min(ngx_http_task_atomic_get(&s->in),
                    s->given + NGX_HTTP_TASK_JOB_TAKE);

    if (ngx_http_task_job_take_until(t, until) == NGX_OK) {
        return NGX_OK;
    }

    s->over = 1;
    ngx_http_task_stop(t, NGX_HTTP_TASK_FAILED);

    return NGX_DONE;
}


/* if the job is done, a line that was begun is finished */

void
ngx_http_task_job_take_last(ngx_task_t *t)
{
    ngx_http_task_rest_t    *rest;
    ngx_http_task_stream_t  *s;

    s = t->stream;
    rest = &s->rest;

    if (ngx_http_task_job_take_until(t, s->end) == NGX_OK
        && t->state == NGX_HTTP_TASK_DONE && rest->text)
    {
        (void) ngx_http_task_job_take_piece(t->client_data,
                                            (u_char *) rest->data, rest->len);
    }
}


static ngx_int_t
ngx_http_task_job_take_until(ngx_task_t *t, uint64_t until)
{
    size_t                   at, n;
    ngx_http_task_job_t     *job;
    ngx_http_task_stream_t  *s;

    s = t->stream;
    job = t->client_data;

    while (s->given < until) {
        at = (s->given - __atomic_load_n(&s->origin, __ATOMIC_RELAXED))
             % s->size;
        n = ngx_min(until - s->given, s->size - at);

        if (ngx_http_task_job_take_piece(job, s->data + at, n) != NGX_OK) {
            return NGX_ERROR;
        }

        s->given += n;
    }

    ngx_http_task_atomic_set(&s->out, s->given);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_job_take_piece(ngx_http_task_job_t *job, u_char *data,
    size_t len)
{
    if (!job->task->stream->events) {
        return ngx_http_task_job_take_bytes(job, data, len);
    }

    return job->store->max_events
           ? ngx_http_task_job_take_events(job, data, len) : NGX_OK;
}


static ngx_int_t
ngx_http_task_job_take_bytes(ngx_http_task_job_t *job, u_char *data,
    size_t len)
{
    if (len > job->store->max_result - job->taken.len) {
        job->wrong = "the result is too large";
        return NGX_ERROR;
    }

    if (ngx_http_task_job_take_grow(job, len, job->store->max_result)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(job->taken.data + job->taken.len, data, len);
    job->taken.len += len;

    return NGX_OK;
}


/* what is not the end of an event yet waits in job->taken */

static ngx_int_t
ngx_http_task_job_take_events(ngx_http_task_job_t *job, u_char *data,
    size_t len)
{
    size_t      max;
    u_char     *p, *end, *last;
    ngx_str_t  *taken;

    taken = &job->taken;
    last = data + len;
    max = NGX_HTTP_TASK_JOB_HEAD + job->store->max_events;

    for (p = data; p < last; p = end) {
        end = ngx_http_task_event_end(&job->scan, p, last);

        len = (end ? end : last) - p;

        if (taken->len == 0) {
            taken->len = NGX_HTTP_TASK_JOB_HEAD;
        }

        if (len > max - taken->len) {
            job->wrong = "an event is larger than max_events";
            return NGX_ERROR;
        }

        if (ngx_http_task_job_take_grow(job, len, max) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_memcpy(taken->data + taken->len, p, len);
        taken->len += len;

        if (end == NULL) {
            break;
        }

        if (ngx_http_task_job_take_event(job) != NGX_OK) {
            return NGX_ERROR;
        }

        taken->len = 0;
    }

    return NGX_OK;
}


/* an event without an id gets its number as one, printed in front of it */

static ngx_int_t
ngx_http_task_job_take_event(ngx_http_task_job_t *job)
{
    size_t     len;
    u_char     id[NGX_HTTP_TASK_JOB_HEAD];
    ngx_str_t  event;

    event.data = job->taken.data + NGX_HTTP_TASK_JOB_HEAD;
    event.len = job->taken.len - NGX_HTTP_TASK_JOB_HEAD;

    /* this may belong to the line end before */

    if (*event.data == LF) {
        event.data++;
        event.len--;
    }

    /* an empty line alone is no event */

    if (event.len == 0 || *event.data == CR || *event.data == LF) {
        return NGX_OK;
    }

    job->events++;

    if (ngx_http_task_event_id(event.data, event.len, &len) == NULL) {
        len = ngx_sprintf(id, "id: %uL\n", job->events) - id;

        event.data -= len;
        event.len += len;

        ngx_memcpy(event.data, id, len);
    }

    if (event.len > job->store->max_events) {
        job->wrong = "an event is larger than max_events";
        return NGX_ERROR;
    }

    job->store->type->event(job->store, job->op.key, &event);

    return NGX_OK;
}


/* room for len bytes more, of max in all; large memory is moved, not copied */

static ngx_int_t
ngx_http_task_job_take_grow(ngx_http_task_job_t *job, size_t len, size_t max)
{
    size_t   size;
    u_char  *p;

    if (job->taken.len + len <= job->room) {
        return NGX_OK;
    }

    size = ngx_max(2 * job->room, ngx_max(job->taken.len + len, 4096));
    size = ngx_min(size, max);

    p = realloc(job->taken.data, size);

    if (p == NULL) {
        job->wrong = "no memory";
        return NGX_ERROR;
    }

    job->taken.data = p;
    job->room = size;

    return NGX_OK;
}
