
/*
 * The event loop's part of a task's life: accept, start, cancel, finish.
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
 */


#include "ngx_http_task.h"


/* the task, its piece, a few strings; a larger one grows, bytes */

#define NGX_HTTP_TASK_POOL_SIZE  2048


static void ngx_http_task_body_handler(ngx_http_request_t *r);
static ngx_task_t *ngx_http_task_create(ngx_http_request_t *r);
static ngx_int_t ngx_http_task_attach(ngx_http_request_t *r, ngx_task_t *t);
static ngx_int_t ngx_http_task_end(ngx_task_t *t,
    ngx_http_task_state_e state);
static void ngx_http_task_settle(ngx_task_t *t, ngx_http_task_state_e state);
static void ngx_http_task_halt(ngx_task_t *t);
static void ngx_http_task_cleanup(void *data);
static void ngx_http_task_pool_cleanup(void *data);


ngx_int_t
ngx_http_task_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (!(r->method & tlcf->methods)) {
        return ngx_http_task_send_not_allowed(r, &tlcf->allow);
    }

    if (tlcf->function->library->failed) {
        return ngx_http_task_send_unavailable(r, 1);
    }

    if (r->headers_in.content_length_n < 0 && !r->headers_in.chunked) {
        r->main->count++;
        ngx_http_task_body_handler(r);
        return NGX_DONE;
    }

    /* a body that nobody needs is read, too: the connection is then quiet */

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_task_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_task_body_handler(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    ngx_task_t  *t;

    t = ngx_http_task_create(r);
    if (t == NULL) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        goto failed;
    }

    rc = ngx_http_task_params_collect(t);

    if (rc == NGX_OK && (t->function->table.flags & NGX_TASK_CONTEXT)) {
        rc = ngx_http_task_context_create(t);
    }

    if (rc == NGX_OK && !t->unread) {
        rc = ngx_http_task_params_read(t);
    }

    if (rc == NGX_OK && t->conf->background) {
        rc = ngx_http_task_job_accept(t);

        t->request = NULL;
        ngx_http_finalize_request(r, rc);

        ngx_http_task_job_start(t);
        return;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_attach(r, t);
    }

    if (rc == NGX_OK) {
        ngx_http_task_limit_start(t);
        return;
    }

    if (rc == NGX_DECLINED && t->own_pool) {

        /* the task goes now, its answer when the client has read it */

        t->result.body.data = ngx_pstrdup(r->pool, &t->result.body);

        if (t->result.body.data == NULL) {
            rc = NGX_ERROR;
        }
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_send_result(t);

    } else {
        rc = ngx_http_task_send_error(r, (rc == NGX_ERROR)
                                         ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc,
                                      NULL);
    }

    /* its request, which is answered, goes on alone */

    t->request = NULL;
    ngx_http_task_release(t);

failed:

    ngx_http_finalize_request(r, rc);
}


/* a task that a thread may touch outlives the pool of its request */

static ngx_task_t *
ngx_http_task_create(ngx_http_request_t *r)
{
    ngx_pool_t                *pool;
    ngx_task_t                *t;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    pool = r->pool;

    if (tlcf->mode.pool || tlcf->background) {
        pool = ngx_create_pool(NGX_HTTP_TASK_POOL_SIZE, ngx_cycle->log);
        if (pool == NULL) {
            return NULL;
        }
    }

    t = ngx_pcalloc(pool, sizeof(ngx_task_t));
    if (t == NULL) {
        if (pool != r->pool) {
            ngx_destroy_pool(pool);
        }

        return NULL;
    }

    t->request = r;
    t->log = r->connection->log;
    t->conf = tlcf;
    t->function = tlcf->function;
    t->pool = pool;
    t->own_pool = (pool != r->pool);
    t->body.fd = NGX_INVALID_FILE;
    t->connection = r->connection->number;
    t->created = ngx_http_task_now();

    return t;
}


static ngx_int_t
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
ngx_http_task_wait(ngx_task_t *t)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    if (t->watched || t->request == NULL) {
        return;
    }

    t->watched = 1;

    r = t->request;
    c = r->connection;

    r->write_event_handler = ngx_http_request_empty_handler;

    /* here nobody waits, and nobody's leaving matters */

    if (r->background || r->post_action || t->conf->ignore_client_abort) {
        return;
    }

    r->read_event_handler = ngx_http_test_reading;

    if (c->read->ready) {

        /* the client may have left already, and no other event would come */

        ngx_post_event(c->read, &ngx_posted_events);
        return;
    }

    /* a failure shows at the next event of the connection */

    (void) ngx_handle_read_event(c->read, 0);
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

    ngx_log_error(NGX_LOG_ERR, t->log, 0, "task \"%V\" timed out",
                  &t->function->name);

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

    if (ngx_http_get_module_ctx(r, ngx_http_task_module) != t) {

        /* a client that left, and post_action: the request is elsewhere now */

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
    if (t->request || (t->piece && t->piece->in_pool)) {
        return;
    }

    if (t->job) {
        ngx_http_task_atomic_set(&t->job->busy, 0);
    }

    if (t->piece) {
        ngx_http_task_thread_free(t->piece);
    }

    if (t->body.fd != NGX_INVALID_FILE) {
        (void) close(t->body.fd);
    }

    ngx_http_task_result_free(&t->result);

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
