
/*
 * A request that waits for a job, which may be another worker's.  The store
 * tells when the job has changed, or the worker is told to quit; a timer tells
 * when it is time to look all the same.
 */


#include "jobs/ngx_http_task_jobs.h"


/*
 * The time between two looks at what tells nothing itself, nanoseconds: whether
 * nginx has discarded the body, after which the client can be watched.
 */

#define NGX_HTTP_TASK_JOB_TICK  50000000


static void ngx_http_task_job_wait_begin(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static void ngx_http_task_job_wait_watch(ngx_http_task_job_wait_t *w);
static void ngx_http_task_job_wait_told(ngx_http_task_store_op_t *op,
    ngx_int_t rc);
static ngx_uint_t ngx_http_task_job_wait_goes_on(ngx_http_task_job_wait_t *w,
    ngx_http_task_store_op_t *op, ngx_int_t rc);
static void ngx_http_task_job_wait_tick(void *data);
static void ngx_http_task_job_wait_cleanup(void *data);


ngx_http_task_job_wait_t *
ngx_http_task_job_wait_create(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_task_job_wait_t  *w;

    w = ngx_pcalloc(r->pool, sizeof(ngx_http_task_job_wait_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (w == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_task_job_wait_cleanup;
    cln->data = w;

    w->request = r;
    w->changes = r->uri_changes;
    w->store = store;

    ngx_memcpy(w->op.id, id, NGX_HTTP_TASK_JOB_ID);
    w->op.data = w;

    return w;
}


ngx_int_t
ngx_http_task_job_wait(ngx_http_task_job_wait_t *w)
{
    w->request->main->count++;

    w->op.handler = ngx_http_task_job_wait_begin;

    w->store->type->watch(w->store, &w->op);

    return NGX_DONE;
}


static void
ngx_http_task_job_wait_begin(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_task_job_wait_t  *w;

    w = op->data;

    if (!ngx_http_task_job_wait_goes_on(w, op, rc)) {
        return;
    }

    /* the request that made the job is not told that there is none */

    if (rc != NGX_OK && w->conf == NULL) {
        if (rc == NGX_AGAIN) {
            rc = ngx_http_task_send_unavailable(w->request, 1);

        } else {
            rc = ngx_http_task_send_error(w->request, (rc == NGX_DECLINED)
                                             ? NGX_HTTP_NOT_FOUND
                                             : NGX_HTTP_INTERNAL_SERVER_ERROR,
                                          NULL);
        }

        ngx_http_task_job_wait_end(w, rc);
        return;
    }

    w->look(w);
}


/*
 * Watches whether the client leaves.  While nginx still discards a body of the
 * request, the read events are nginx's, and so is a timer for a client that
 * sends no more: then the next look tries again.  Its handler tells, as
 * discard_body means something else in freenginx; it stays at an end of the
 * client, which is not told again, so its event is posted.
 */

static void
ngx_http_task_job_wait_watch(ngx_http_task_job_wait_t *w)
{
    ngx_uint_t           ended;
    ngx_event_t         *rev;
    ngx_http_request_t  *r;

    r = w->request;
    rev = r->connection->read;

    ended = rev->eof || rev->error;

    if (!w->watched
        && (ended || r->main->read_event_handler
                     != ngx_http_discarded_request_body_handler))
    {
        w->watched = 1;

        /* in a subrequest the timer may be that of a request above it */

        if (r == r->main && rev->timer_set) {
            ngx_del_timer(rev);
        }

        ngx_http_task_watch(r);

        if (ended) {
            ngx_post_event(rev, &ngx_posted_events);
        }
    }

    if (w->writer) {
        r->write_event_handler = w->writer;
    }
}


void
ngx_http_task_job_wait_next(ngx_http_task_job_wait_t *w, int64_t time)
{
    int64_t  soon;

    ngx_http_task_job_wait_watch(w);

    soon = ngx_http_task_now() + NGX_HTTP_TASK_JOB_TICK;

    ngx_http_task_timer_set(&w->timer, ngx_http_task_job_wait_tick, w,
                            (w->watched && !ngx_exiting) ? time
                                                         : ngx_min(time, soon));

    /* another watch would tell the same again */

    if (w->ended || w->failed || ngx_exiting
        || ngx_http_task_store_under_way(&w->op))
    {
        return;
    }

    w->op.handler = ngx_http_task_job_wait_told;

    w->store->type->watch(w->store, &w->op);
}


void
ngx_http_task_job_wait_ask(ngx_http_task_job_wait_t *w)
{
    ngx_http_task_store_drop(&w->op);

    w->op.handler = ngx_http_task_job_wait_told;
    w->op.version = 0;

    w->store->type->watch(w->store, &w->op);
}


static void
ngx_http_task_job_wait_told(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    ngx_http_task_job_wait_t  *w;

    w = op->data;

    if (ngx_http_task_job_wait_goes_on(w, op, rc)) {
        ngx_http_task_timer_clear(&w->timer);

        w->look(w);
    }
}


static ngx_uint_t
ngx_http_task_job_wait_goes_on(ngx_http_task_job_wait_t *w,
    ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    w->late |= op->late;
    w->failed = (rc == NGX_ERROR);
    w->ended = (rc == NGX_DECLINED || (rc == NGX_OK && op->ended));

    return ngx_http_task_job_call_goes_on(w->request, w->changes, w->late);
}


static void
ngx_http_task_job_wait_tick(void *data)
{
    ngx_http_task_job_wait_t *w = data;

    w->late = 1;

    if (ngx_http_task_job_call_goes_on(w->request, w->changes, w->late)) {
        w->look(w);
    }
}


void
ngx_http_task_job_wait_end(ngx_http_task_job_wait_t *w, ngx_int_t rc)
{
    ngx_http_task_store_drop(&w->op);
    ngx_http_task_timer_clear(&w->timer);

    w->late |= w->op.late;

    ngx_http_task_job_call_end(w->request, w->late, rc);
}


static void
ngx_http_task_job_wait_cleanup(void *data)
{
    ngx_http_task_job_wait_t *w = data;

    ngx_http_task_store_drop(&w->op);
    ngx_http_task_timer_clear(&w->timer);

    if (w->pool) {
        ngx_destroy_pool(w->pool);
    }
}
