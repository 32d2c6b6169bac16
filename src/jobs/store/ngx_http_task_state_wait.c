
/*
 * A worker that has added or claimed a job waits until the state file has that,
 * and only then tells of the job, or runs it.  All who wait share a pass.
 *
 * If the file cannot be written the job is taken out again, or waits again.
 */


#include "jobs/store/ngx_http_task_state.h"


/* so long a call waits, nanoseconds */

#define NGX_HTTP_TASK_STATE_PATIENCE  5000000000LL

/* who is not woken looks, milliseconds */

#define NGX_HTTP_TASK_STATE_LOOK  50


/* an op that waits for a pass */

typedef struct {
    ngx_queue_t                 queue;
    ngx_queue_t                 ops;         /* the op; empty: it was dropped */
    ngx_http_task_store_op_t   *op;
    ngx_http_task_store_add_t  *add;         /* NULL: it is another call */
    ngx_http_task_record_t     *job;         /* NULL: nothing is undone */
    ngx_uint_t                  known;       /* 1: the job is another one's */
    u_char                      id[NGX_HTTP_TASK_JOB_ID];
    ngx_uint_t                  claimed;
    uint64_t                    pass;
    uint32_t                    others;
    int64_t                     deadline;    /* on the monotonic clock, ns */
} ngx_http_task_state_wait_t;


static void ngx_http_task_state_wait(ngx_http_task_state_t *state,
    ngx_http_task_state_wait_t *wait);
static void ngx_http_task_state_woken(void *data);
static void ngx_http_task_state_look(ngx_event_t *ev);
static void ngx_http_task_state_see(ngx_http_task_state_t *state);
static void ngx_http_task_state_wakes(ngx_http_task_state_t *state);
static ngx_uint_t ngx_http_task_state_any_answer(ngx_http_task_state_t *state);
static ngx_int_t ngx_http_task_state_wait_rc(ngx_http_task_state_t *state);
static ngx_uint_t ngx_http_task_state_step(ngx_http_task_work_t *work);
static void ngx_http_task_state_wait_answer(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_wait_t *wait, ngx_int_t rc);
static ngx_uint_t ngx_http_task_state_tell_of(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_uint_t kept);
static ngx_int_t ngx_http_task_state_undo(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_wait_t *wait);
static void ngx_http_task_state_undo_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_wait_t *wait);


static ngx_connection_t  ngx_http_task_state_dumb;     /* for the debug log */


ngx_int_t
ngx_http_task_state_wait_begin(ngx_http_task_job_zone_t *zone)
{
    ngx_http_task_state_t  *state;

    state = zone->state;

    ngx_queue_init(&state->waits);

    state->zone = zone;

    state->work.step = ngx_http_task_state_step;

    ngx_http_task_state_dumb.fd = (ngx_socket_t) -1;

    state->event.handler = ngx_http_task_state_look;
    state->event.data = &ngx_http_task_state_dumb;
    state->event.log = ngx_cycle->log;

    state->waker.handler = ngx_http_task_state_woken;
    state->waker.data = state;

    return ngx_http_task_wake_listen(&state->waker);
}


ngx_uint_t
ngx_http_task_state_refuses(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    if (zone->state == NULL) {
        return 0;
    }

    if (ngx_http_task_atomic_get(&zone->sh->state.refuses)) {
        op->why = NGX_HTTP_TASK_STORE_STATE;
        return 1;
    }

    /* a job of the file may have its key */

    if (add->keyed && ngx_http_task_state_loads(zone)) {
        op->why = NGX_HTTP_TASK_STORE_LOADS;
        return 1;
    }

    return 0;
}


/* one that is not in the file yet cannot be run from there again */

void
ngx_http_task_state_answer(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job)
{
    ngx_http_task_state_wait_t  *wait, none;

    /* while the file is put into the zone it may be one of it that was
       cancelled, and that the file still has as it was */

    if (!ngx_http_task_state_has_jobs(zone)) {
        ngx_http_task_store_answer(op, (add == NULL && job == NULL
                          && ngx_http_task_atomic_get(&zone->sh->state.loading))
                                       ? NGX_DONE : NGX_OK);
        return;
    }

    wait = ngx_alloc(sizeof(ngx_http_task_state_wait_t), ngx_cycle->log);

    if (wait == NULL) {
        ngx_memzero(&none, sizeof(none));
        ngx_queue_init(&none.ops);
    }

    wait = wait ? wait : &none;

    wait->op = op;
    wait->add = add;
    wait->job = job;
    wait->known = 0;
    wait->claimed = add && op->claimed;
    ngx_memcpy(wait->id, op->id, NGX_HTTP_TASK_JOB_ID);

    if (wait == &none) {
        (void) ngx_http_task_state_undo(zone, wait);

        op->why = NGX_HTTP_TASK_STORE_NO_MEMORY;
        ngx_http_task_store_answer(op, add ? NGX_DECLINED
                                           : job ? NGX_ERROR : NGX_DONE);
        return;
    }

    ngx_queue_init(&wait->ops);
    ngx_http_task_store_later(&wait->ops, op);

    ngx_http_task_state_wait(zone->state, wait);
}


/* whose request comes first is told first: until then it may be undone */

void
ngx_http_task_state_known(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add)
{
    ngx_http_task_state_wait_t  *wait;

    if (zone->state == NULL || ngx_http_task_state_tell_of(zone, op, 0)) {
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    wait = ngx_calloc(sizeof(ngx_http_task_state_wait_t), ngx_cycle->log);

    if (wait == NULL) {
        op->why = NGX_HTTP_TASK_STORE_NO_MEMORY;
        ngx_http_task_store_answer(op, NGX_DECLINED);
        return;
    }

    wait->op = op;
    wait->add = add;
    wait->known = 1;

    ngx_queue_init(&wait->ops);
    ngx_http_task_store_later(&wait->ops, op);

    ngx_http_task_state_wait(zone->state, wait);
}


/*
 * The job was marked: the next pass that begins has it.  If that has begun and
 * ended since its number was read, the ring makes another one.
 */

static void
ngx_http_task_state_wait(ngx_http_task_state_t *state,
    ngx_http_task_state_wait_t *wait)
{
    ngx_http_task_state_sh_t  *sh;

    sh = &state->zone->sh->state;

    wait->others = ngx_http_task_atomic_get(&sh->others);
    wait->pass = __atomic_load_n(&sh->begun, __ATOMIC_SEQ_CST) + 1;
    wait->deadline = ngx_http_task_now() + NGX_HTTP_TASK_STATE_PATIENCE;

    ngx_queue_insert_tail(&state->waits, &wait->queue);

    ngx_http_task_state_wakes(state);
    ngx_http_task_futex_shared_wake(&sh->ring);

    /* a worker that quits goes on meanwhile */

    if (!state->event.timer_set) {
        ngx_add_timer(&state->event, NGX_HTTP_TASK_STATE_LOOK);
    }
}


static void
ngx_http_task_state_woken(void *data)
{
    ngx_http_task_state_see(data);
}


static void
ngx_http_task_state_look(ngx_event_t *ev)
{
    ngx_http_task_state_t  *state;

    state = ngx_queue_data(ev, ngx_http_task_state_t, event);

    ngx_http_task_state_see(state);

    if (!ngx_queue_empty(&state->waits)) {
        ngx_add_timer(ev, NGX_HTTP_TASK_STATE_LOOK);
    }
}


static void
ngx_http_task_state_see(ngx_http_task_state_t *state)
{
    if (ngx_http_task_state_any_answer(state)) {
        ngx_http_task_work_begin(&state->work);
    }
}


/* returns 1 if there is one; else the next pass wakes those that wait */

static ngx_uint_t
ngx_http_task_state_any_answer(ngx_http_task_state_t *state)
{
    if (ngx_http_task_state_wait_rc(state) != NGX_AGAIN) {
        return 1;
    }

    if (ngx_queue_empty(&state->waits)) {
        return 0;
    }

    ngx_http_task_state_wakes(state);

    return ngx_http_task_state_wait_rc(state) != NGX_AGAIN;
}


static void
ngx_http_task_state_wakes(ngx_http_task_state_t *state)
{
    uint64_t  *words;

    words = state->zone->sh->state.waits;

    if (ngx_worker < NGX_HTTP_TASK_WAKES) {
        (void) __atomic_fetch_or(&words[ngx_worker / 64],
                                 (uint64_t) 1 << ngx_worker % 64,
                                 __ATOMIC_SEQ_CST);
    }
}


/* of the first one: NGX_OK: it is kept; NGX_ERROR: it is not */

static ngx_int_t
ngx_http_task_state_wait_rc(ngx_http_task_state_t *state)
{
    ngx_http_task_state_sh_t    *sh;
    ngx_http_task_state_wait_t  *wait;

    if (ngx_queue_empty(&state->waits)) {
        return NGX_AGAIN;
    }

    sh = &state->zone->sh->state;
    wait = ngx_queue_data(ngx_queue_head(&state->waits),
                          ngx_http_task_state_wait_t, queue);

    /* what was marked is not written any more */

    if (ngx_http_task_atomic_get(&sh->others) != wait->others) {
        return NGX_ERROR;
    }

    if (__atomic_load_n(&sh->done, __ATOMIC_SEQ_CST) >= wait->pass) {
        return NGX_OK;
    }

    if (__atomic_load_n(&sh->failed, __ATOMIC_SEQ_CST) >= wait->pass
        || ngx_http_task_now() >= wait->deadline)
    {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static ngx_uint_t
ngx_http_task_state_step(ngx_http_task_work_t *work)
{
    ngx_int_t                    rc;
    ngx_uint_t                   dropped;
    ngx_http_task_state_t       *state;
    ngx_http_task_state_wait_t  *wait;

    state = ngx_queue_data(work, ngx_http_task_state_t, work);

    rc = ngx_http_task_state_wait_rc(state);

    if (rc == NGX_AGAIN) {
        return 0;
    }

    wait = ngx_queue_data(ngx_queue_head(&state->waits),
                          ngx_http_task_state_wait_t, queue);

    ngx_queue_remove(&wait->queue);

    dropped = ngx_queue_empty(&wait->ops);

    if (rc != NGX_OK || dropped) {
        rc = ngx_http_task_state_undo(state->zone, wait);

    } else if (wait->add
               && !ngx_http_task_state_tell_of(state->zone, wait->op, 1))
    {
        rc = wait->known ? NGX_ERROR : NGX_OK;
    }

    if (!dropped) {
        ngx_http_task_state_wait_answer(state->zone, wait, rc);
    }

    ngx_free(wait);

    return ngx_http_task_state_any_answer(state);
}


static void
ngx_http_task_state_wait_answer(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_wait_t *wait, ngx_int_t rc)
{
    if (wait->add && rc != NGX_OK) {
        wait->op->why = ngx_http_task_state_loads(zone)
                        ? NGX_HTTP_TASK_STORE_LOADS : NGX_HTTP_TASK_STORE_STATE;
    }

    if (wait->known || (wait->add && rc != NGX_OK)) {
        rc = NGX_DECLINED;

    } else if (wait->job == NULL && rc != NGX_OK) {
        rc = NGX_DONE;
    }

    ngx_http_task_store_answer(wait->op, rc);
}


/* with kept, the file has the job: returns 1 if a client may be told of it */

static ngx_uint_t
ngx_http_task_state_tell_of(ngx_http_task_job_zone_t *zone,
    ngx_http_task_store_op_t *op, ngx_uint_t kept)
{
    ngx_uint_t               told;
    ngx_http_task_record_t  *job;

    told = 0;

    ngx_http_task_job_lock(zone);

    job = ngx_http_task_job_find(zone, op->id);

    if (job && !job->forgotten) {
        job->told |= kept;
        told = job->told;

        op->seen.state = ngx_http_task_atomic_get(&job->state);
    }

    ngx_http_task_job_unlock(zone);

    return told;
}


/*
 * Nobody was told of the job, and it has not begun.  NGX_OK: another request
 * was told of it, as the file has it all the same.
 */

static ngx_int_t
ngx_http_task_state_undo(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_wait_t *wait)
{
    ngx_int_t  rc;

    rc = NGX_ERROR;

    ngx_http_task_job_lock(zone);

    if (wait->job == NULL) {
        /* a cancel, or what was erased, or a key */

    } else if (ngx_memcmp(wait->job->id, wait->id, NGX_HTTP_TASK_JOB_ID) != 0
               || ngx_http_task_atomic_get(&wait->job->state)
                  == NGX_HTTP_TASK_JOB_FREE)
    {
        /* it has ended, and is over; or the zone was emptied */

    } else if (wait->add == NULL) {
        ngx_http_task_job_unclaim(zone, wait->job);

    } else if (!wait->job->told) {
        ngx_http_task_state_undo_add(zone, wait);

    } else {
        rc = NGX_OK;

        if (wait->claimed && ngx_queue_empty(&wait->ops)) {
            ngx_http_task_job_unclaim(zone, wait->job);
        }
    }

    ngx_http_task_job_unlock(zone);

    return rc;
}


static void
ngx_http_task_state_undo_add(ngx_http_task_job_zone_t *zone,
    ngx_http_task_state_wait_t *wait)
{
    ngx_http_task_record_t  *job;

    job = wait->job;

    if (wait->claimed
        && ngx_http_task_atomic_get(&job->state) == NGX_HTTP_TASK_JOB_QUEUED)
    {
        ngx_http_task_job_not_added(zone, job);
        return;
    }

    if (ngx_http_task_job_not_kept(zone, job) == NGX_BUSY) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "a job of task_job_zone \"%V\" that was refused, as its "
                      "state file cannot be written, was claimed already, it "
                      "is cancelled", &zone->store->name);
    }
}
