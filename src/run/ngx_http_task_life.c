
/*
 * The event loop's part of a task's life: wait, cancel, finish, free.
 *
 * What happens to a task, and who makes it happen, L the loop, T a thread:
 *
 *                               waiting            in front of the executor,
 *                                  |               see ngx_http_task_limit.c
 *                                L |
 *              L                   v         L, T returned
 *     created ------> (no limit) running --------------------> done, failed
 *        |                         |
 *      L | wrong parameters,     L | L client left: cancelled
 *        | no room: rejected       | L task_timeout: timeout
 *        v                         | L pool's queue full: rejected
 *      ended                       v
 *                                ended, T may still run a piece of it
 *
 * waiting, running   t->state is pending, nothing else; all other states are
 *                    final, and the first one stays.  Only the loop changes it.
 * the request        is answered by the change to a final state, or was
 *                    terminated before it, which then makes the change.
 * a piece in a pool  belongs to its thread, with t->pool and t->result, from
 *                    its post until its completion event; the loop reads and
 *                    sets of it what is marked with [both].
 * the slot           of task_limit is taken from the start until the state is
 *                    final and no piece is in a pool.
 * what was deferred  is called by whoever ran the function; after an await at
 *                    which the task ended, by the loop, and not before a piece
 *                    has returned.
 * the task           is freed by the loop, when its request has let go of it
 *                    (the pool cleanup) and no piece is in a pool.
 * a job              has no request: what it ends with goes into its record,
 *                    and it is freed then, or when its piece has returned.
 */


#include "task/ngx_http_task.h"


static ngx_int_t ngx_http_task_end(ngx_task_t *t,
    ngx_http_task_state_e state);
static void ngx_http_task_settle(ngx_task_t *t, ngx_http_task_state_e state);
static void ngx_http_task_halt(ngx_task_t *t);
static void ngx_http_task_cleanup(void *data);
static void ngx_http_task_pool_cleanup(void *data);


ngx_int_t
ngx_http_task_attach(ngx_http_request_t *r, ngx_task_t *t)
{
    ngx_pool_cleanup_t  *pcln;
    ngx_http_cleanup_t  *cln;

    pcln = ngx_pool_cleanup_add(r->pool, 0);
    if (pcln == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_task_timeout_set(t) != NGX_OK) {
        return NGX_ERROR;
    }

    pcln->handler = ngx_http_task_pool_cleanup;
    pcln->data = t;

    cln->handler = ngx_http_task_cleanup;
    cln->data = t;

    ngx_http_set_ctx(r, t, ngx_http_task_module);

    ngx_http_task_stats_start(t);

    return NGX_OK;
}


void
ngx_http_task_start(ngx_task_t *t)
{
    if (ngx_http_task_body_open(t) != NGX_OK) {
        ngx_http_task_reject(t, 1);
        return;
    }

    t->conf->mode.executor->start(t);
}


void
ngx_http_task_wait(ngx_task_t *t)
{
    ngx_http_request_t  *r;

    if (t->watched || t->request == NULL) {
        return;
    }

    t->watched = 1;

    r = t->request;

    if (t->conf->ignore_client_abort) {
        r->write_event_handler = ngx_http_request_empty_handler;
        return;
    }

    ngx_http_task_watch(r);
}


void
ngx_http_task_finish(ngx_task_t *t)
{
    if (ngx_http_task_end(t, (t->rc == NGX_TASK_OK) ? NGX_HTTP_TASK_DONE
                                                    : NGX_HTTP_TASK_FAILED)
        == NGX_OK)
    {
        ngx_http_finalize_request(t->request, ngx_http_task_send_result(t));
    }
}


void
ngx_http_task_reject(ngx_task_t *t, ngx_uint_t retry)
{
    ngx_http_request_t  *r;

    if (ngx_http_task_end(t, NGX_HTTP_TASK_REJECTED) == NGX_OK) {
        r = t->request;
        ngx_http_finalize_request(r, ngx_http_task_send_unavailable(r, retry));
    }
}


void
ngx_http_task_expire(ngx_task_t *t)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = t->request;

    ngx_http_task_halt(t);

    if (ngx_http_task_end(t, NGX_HTTP_TASK_TIMEOUT) == NGX_OK) {
        rc = ngx_http_task_send_error(r, NGX_HTTP_GATEWAY_TIME_OUT, NULL);
        ngx_http_finalize_request(r, rc);
    }
}


/* NGX_DECLINED: there is nobody to answer */

static ngx_int_t
ngx_http_task_end(ngx_task_t *t, ngx_http_task_state_e state)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    if (t->job) {
        ngx_http_task_settle(t, state);
        ngx_http_task_job_ended(t);

        return NGX_DECLINED;
    }

    r = t->request;
    rc = NGX_OK;

    if (ngx_http_task_elsewhere(r, t->changes)) {

        /* the client left */

        state = NGX_HTTP_TASK_CANCELLED;
        rc = NGX_DECLINED;

    } else {
        r->read_event_handler = ngx_http_block_reading;
    }

    ngx_http_task_settle(t, state);

    return rc;
}


/* the state is final; one that waits in a pool's queue will not begin */

static void
ngx_http_task_settle(ngx_task_t *t, ngx_http_task_state_e state)
{
    int64_t  started;

    started = 0;

    (void) __atomic_compare_exchange_n(&t->started, &started, -1, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);

    t->state = state;
    t->ended = ngx_http_task_now();

    ngx_http_task_stats_end(t);
    ngx_http_task_timeout_clear(t);
    ngx_http_task_stopped(t);
}


/* of a pending task, nobody waits for it any more */

static void
ngx_http_task_halt(ngx_task_t *t)
{
    if (t->waiting) {
        ngx_http_task_limit_leave_queue(t);

    } else {
        t->conf->mode.executor->cancel(t);
    }
}


ngx_connection_t *
ngx_http_task_enter(ngx_task_t *t)
{
    ngx_connection_t  *c;

    if (t->request == NULL) {
        return NULL;
    }

    c = t->request->connection;

    ngx_http_set_log_request(c->log, t->request);

    return c;
}


void
ngx_http_task_leave(ngx_connection_t *c)
{
    if (c) {
        ngx_http_run_posted_requests(c);
    }
}


void
ngx_http_task_cancel(ngx_task_t *t)
{
    ngx_http_task_halt(t);

    (void) ngx_http_task_end(t, NGX_HTTP_TASK_CANCELLED);
}


void
ngx_http_task_stopped(ngx_task_t *t)
{
    if (t->piece == NULL || !t->piece->in_pool) {
        ngx_http_task_limit_leave(t);
    }
}


/* the request is terminated: the client left, or its connection failed */

static void
ngx_http_task_cleanup(void *data)
{
    ngx_task_t *t = data;

    if (t->state != NGX_HTTP_TASK_PENDING) {
        return;
    }

    ngx_http_task_halt(t);
    ngx_http_task_settle(t, NGX_HTTP_TASK_CANCELLED);
}


static void
ngx_http_task_pool_cleanup(void *data)
{
    ngx_task_t *t = data;

    t->request = NULL;

    ngx_http_task_release(t);
}


void
ngx_http_task_release(ngx_task_t *t)
{
    ngx_task_t  *before;

    if (t->request || (t->piece && t->piece->in_pool)) {
        return;
    }

    if (t->job) {
        ngx_http_task_job_returned(t->conf->job_zone, t->job);
    }

    if (t->piece) {
        ngx_http_task_thread_free(t->piece);
    }

    if (t->body.fd != NGX_INVALID_FILE) {
        (void) close(t->body.fd);
    }

    before = ngx_http_task_exit_guard(t);

    ngx_http_task_result_free(&t->result);

    (void) ngx_http_task_exit_guard(before);

    if (t->own_pool) {
        ngx_destroy_pool(t->pool);
    }
}


ngx_task_t *
ngx_http_task_get(ngx_http_request_t *r)
{
    ngx_task_t          *t;
    ngx_pool_cleanup_t  *cln;

    t = ngx_http_get_module_ctx(r, ngx_http_task_module);

    if (t || !(r->internal || r->filter_finalize)) {
        return t;
    }

    /* an internal redirect wiped the context; the latest cleanup is first */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_task_pool_cleanup) {
            t = cln->data;

            if (t->request == r) {
                return t;
            }
        }
    }

    return NULL;
}
