
/*
 * The event loop's part of a task's life: start, watch, cancel, finish, free.
 *
 * What happens to a task, and who does it, L the loop, T a thread:
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
 * waiting, running   in both t->state is pending; all other states are final,
 *                    and the first one stays.  Only the loop changes it.
 * the client         is answered when the state becomes final, unless the
 *                    client has left: then this makes it final.
 * a piece in a pool  belongs to its thread, with t->pool and t->result, but for
 *                    that of a child of a gather, which has neither, from
 *                    its post until its completion event; until then the loop
 *                    reads and sets only members that are marked with [both].
 * the turn           of task_limit is taken before the executor starts, and
 *                    given back when the state is final and no piece is in a
 *                    pool.
 * what was deferred  is called in the thread that ran the function; if the
 *                    task ended at an await, by the loop, and not before a
 *                    piece has returned.
 * the task           is freed by the loop, when its client has let go of it
 *                    and no piece is in a pool.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_take_turn(ngx_task_t *t,
    ngx_http_task_limit_t *limit);
static void ngx_http_task_turn_handler(ngx_http_task_turn_t *turn,
    ngx_int_t rc);
static void ngx_http_task_turn_refused(ngx_task_t *t, const char *why);
static void ngx_http_task_run(ngx_task_t *t);
static void ngx_http_task_timeout_handler(void *data);
static void ngx_http_task_end(ngx_task_t *t, ngx_http_task_state_e state);
static void ngx_http_task_halt(ngx_task_t *t);


void
ngx_http_task_start(ngx_task_t *t, const ngx_http_task_client_t *client)
{
    t->client = client;

    t->cell = ngx_http_task_count_start(t->conf->stats);

    if (ngx_http_task_timeout_set(t, ngx_http_task_timeout_handler) != NGX_OK) {
        ngx_http_task_no_memory(t);
        t->rc = NGX_TASK_FAILED;
        ngx_http_task_finish(t);
        return;
    }

    /* a job may have waited too long before it came here */

    if (t->timeout && ngx_http_task_promised(t)
        && t->timeout->deadline <= ngx_http_task_now())
    {
        ngx_http_task_timeout_log(t);
        ngx_http_task_end(t, NGX_HTTP_TASK_TIMEOUT);
        return;
    }

    if (t->conf->limit) {
        ngx_http_task_take_turn(t, t->conf->limit);
        return;
    }

    ngx_http_task_run(t);
}


static void
ngx_http_task_take_turn(ngx_task_t *t, ngx_http_task_limit_t *limit)
{
    ngx_uint_t  bounded;

    t->turn.timer = &t->trunk.timer;
    t->turn.handler = ngx_http_task_turn_handler;

    /* a job was promised to run: it waits as long as it takes */

    bounded = !ngx_http_task_promised(t);

    switch (ngx_http_task_limit_take(limit, &t->turn, bounded)) {

    case NGX_OK:
        ngx_http_task_run(t);
        break;

    case NGX_AGAIN:
        ngx_http_task_wait(t);
        break;

    default:
        ngx_http_task_turn_refused(t, "no room to wait");
    }
}


static void
ngx_http_task_turn_handler(ngx_http_task_turn_t *turn, ngx_int_t rc)
{
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = ngx_queue_data(turn, ngx_task_t, turn);

    c = ngx_http_task_enter(t);

    if (rc == NGX_OK) {
        ngx_http_task_run(t);

    } else {
        ngx_http_task_turn_refused(t, "waited in vain");
    }

    ngx_http_task_leave(c);
}


static void
ngx_http_task_turn_refused(ngx_task_t *t, const char *why)
{
    ngx_http_task_limit_t  *limit;

    limit = t->conf->limit;

    ngx_http_task_limit_log(limit, t->log, 0, why);
    ngx_http_task_reject(t, ngx_http_task_limit_retry(limit, 0));
}


static void
ngx_http_task_run(ngx_task_t *t)
{
    if (t->in.body.len
        && ngx_http_task_body_open(&t->in, t->request) != NGX_OK)
    {
        ngx_http_task_reject(t, 1);
        return;
    }

    t->conf->mode.executor->start(t);
}


void
ngx_http_task_wait(ngx_task_t *t)
{
    if (!t->listed) {
        ngx_http_task_running_add(t);
    }

    if (!t->watched && t->client->watch) {
        t->watched = 1;
        t->client->watch(t);
    }
}


/* where only headers are sent, a stream is done with its first piece */

void
ngx_http_task_finish(ngx_task_t *t)
{
    ngx_uint_t  done;

    done = (t->rc == NGX_TASK_OK) || (t->stream && t->bodiless);

    ngx_http_task_end(t, done ? NGX_HTTP_TASK_DONE : NGX_HTTP_TASK_FAILED);
}


void
ngx_http_task_reject(ngx_task_t *t, ngx_uint_t retry)
{
    t->retry = retry;

    ngx_http_task_end(t, NGX_HTTP_TASK_REJECTED);
}


void
ngx_http_task_stop(ngx_task_t *t, ngx_http_task_state_e state)
{
    ngx_http_task_halt(t);
    ngx_http_task_end(t, state);
}


ngx_uint_t
ngx_http_task_withdraw(ngx_task_t *t)
{
    int64_t  never;

    never = 0;

    if (!__atomic_compare_exchange_n(&t->started, &never, -1, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return 0;
    }

    if (t->cell) {
        ngx_http_task_count_given_back(t->cell);
        t->cell = NULL;
    }

    ngx_http_task_cancel(t);

    return 1;
}


ngx_int_t
ngx_http_task_timeout_set(ngx_task_t *t, void (*handler)(void *data))
{
    ngx_http_task_timer_t  *timer;

    if (t->conf->timeout == 0) {
        return NGX_OK;
    }

    timer = t->timeout;

    if (timer == NULL) {
        timer = ngx_pcalloc(t->pool, sizeof(ngx_http_task_timer_t));
        if (timer == NULL) {
            return NGX_ERROR;
        }

        t->timeout = timer;
    }

    ngx_http_task_timer_set(timer, handler, t,
                            t->created + (int64_t) t->conf->timeout * 1000000);

    return NGX_OK;
}


void
ngx_http_task_timeout_clear(ngx_task_t *t)
{
    if (t->timeout) {
        ngx_http_task_timer_clear(t->timeout);
    }
}


void
ngx_http_task_timeout_log(ngx_task_t *t)
{
    ngx_log_error(NGX_LOG_ERR, t->log, 0, "task \"%V\" timed out",
                  &t->function->name);
}


/* task_timeout: the client is answered now, whatever becomes of the task */

static void
ngx_http_task_timeout_handler(void *data)
{
    ngx_task_t *t = data;

    ngx_connection_t  *c;

    c = ngx_http_task_enter(t);

    ngx_http_task_timeout_log(t);
    ngx_http_task_stop(t, NGX_HTTP_TASK_TIMEOUT);

    ngx_http_task_leave(c);
}


/* makes the state final; a piece in the queue of a pool will not begin */

static void
ngx_http_task_end(ngx_task_t *t, ngx_http_task_state_e state)
{
    int64_t  never;

    never = 0;

    (void) __atomic_compare_exchange_n(&t->started, &never, -1, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);

    ngx_http_task_running_remove(t);

    t->state = t->client->left(t) ? NGX_HTTP_TASK_CANCELLED : state;
    t->ended = ngx_http_task_now();

    /* a thread may begin a stream now: it is none */

    t->streamed = (ngx_http_task_atomic_get(&t->stream) != NULL);

    if (t->streamed) {
        ngx_http_task_stream_ended(t);
    }

    if (t->cell) {
        ngx_http_task_count_end(t->conf->stats, t->cell,
                                NGX_HTTP_TASK_COUNT_DONE
                                + t->state - NGX_HTTP_TASK_DONE, t->created,
                                ngx_http_task_atomic_get(&t->started),
                                t->ended);
    }

    ngx_http_task_timeout_clear(t);
    ngx_http_task_stopped(t);

    t->client->answer(t);
}


/* stops a pending task, for which nobody waits any more */

static void
ngx_http_task_halt(ngx_task_t *t)
{
    if (ngx_http_task_limit_waits(&t->turn)) {
        ngx_http_task_limit_leave(&t->turn);

    } else if (t->conf->mode.executor->cancel) {
        t->conf->mode.executor->cancel(t);
    }
}


ngx_connection_t *
ngx_http_task_enter(ngx_task_t *t)
{
    return t->client->enter(t);
}


/* the task, and its client, may be gone by now */

void
ngx_http_task_leave(ngx_connection_t *c)
{
    if (c) {
        ngx_http_run_posted_requests(c);
    }
}


void
ngx_http_task_stopped(ngx_task_t *t)
{
    if (t->turn.limit && t->in_pools == 0) {
        ngx_http_task_limit_give_back(&t->turn);
    }
}


void
ngx_http_task_release(ngx_task_t *t)
{
    ngx_http_task_guard_t  before;

    if (t->request || t->held || t->in_pools) {
        return;
    }

    if (t->client && t->client->release) {
        t->client->release(t);
    }

    if (t->piece) {
        ngx_http_task_pool_leave(t->piece);
    }

    if (t->stream) {
        ngx_http_task_stream_close(t);
    }

    ngx_http_task_close(t);
    ngx_http_task_keep_no_longer(t);

    if (t->result.free_body) {

        /* free_body() may be code of the library */

        before = ngx_http_task_guard(t, &t->function->name);
        ngx_http_task_result_free(&t->result);
        ngx_http_task_unguard(before);

    } else {
        ngx_http_task_result_free(&t->result);
    }

    if (t->own_pool) {
        ngx_http_task_memory_destroy(t->pool);
    }
}
