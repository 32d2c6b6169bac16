
/*
 * The thread that writes the state file of a zone.  Each worker has one, and
 * that which has got the mutex "writer" of the zone writes.  The kernel gives
 * it to another one when the process is gone; until then, or until the worker
 * has quit, nobody else opens the file.
 */


#include "jobs/store/ngx_http_task_state.h"

#include <signal.h>


/* nanoseconds: how often a thread tries to write or to open the file */

#define NGX_HTTP_TASK_STATE_TRY   100000000LL

/* after so long what was marked is written, if nobody waits for it */

#define NGX_HTTP_TASK_STATE_PASS  100000000LL

/* when the file could not be opened, or read */

#define NGX_HTTP_TASK_STATE_RETRY  5000000000LL

/* so long a worker that quits waits for another one that writes; one that is
   stopped, as the master kills it after a second */

#define NGX_HTTP_TASK_STATE_QUITS  5000000000LL
#define NGX_HTTP_TASK_STATE_STOPS   500000000LL

/* a larger buffer is not kept, bytes */

#define NGX_HTTP_TASK_STATE_KEEP   (4 * 1024 * 1024)


static void *ngx_http_task_state_cycle(void *data);
static void ngx_http_task_state_turn(ngx_http_task_state_t *state);
static int64_t ngx_http_task_state_try(ngx_http_task_state_t *state);
static ngx_uint_t ngx_http_task_state_take(ngx_http_task_state_writer_t *w);
static void ngx_http_task_state_leave(ngx_http_task_state_writer_t *w);
static void ngx_http_task_state_last(ngx_http_task_state_t *state);
static ngx_int_t ngx_http_task_state_last_pass(ngx_http_task_state_t *state);
static ngx_uint_t ngx_http_task_state_any(ngx_http_task_job_sh_t *sh);


ngx_int_t
ngx_http_task_state_begin(ngx_http_task_job_zone_t *zone)
{
    int                     err;
    sigset_t                set, old;
    ngx_http_task_state_t  *state;

    state = zone->state;

    if (state == NULL) {
        return NGX_OK;
    }

    state->writer.zone = *zone;
    state->writer.zone.owner = NULL;
    state->writer.zone.data = NULL;
    state->writer.zone.wake = NGX_HTTP_TASK_JOB_NONE;
    state->writer.zone.damaged = 0;

    /* before any job; if it cannot be done now, each turn of the thread tries
       again */

    ngx_http_task_state_hold(&state->writer, (const char *) state->path.data);

    /* who writes may be a worker of before, for as long as its jobs run */

    ngx_http_task_atomic_set(&zone->sh->state.fsync, state->fsync);

    if (ngx_http_task_state_wait_begin(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    /* signals are for the loop; where the size of files is limited, SIGXFSZ
       is an error of write() then */

    (void) sigfillset(&set);
    (void) pthread_sigmask(SIG_BLOCK, &set, &old);

    err = pthread_create(&state->tid, NULL, ngx_http_task_state_cycle, state);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    if (err) {
        ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, err,
                      "pthread_create() failed");
        return NGX_ERROR;
    }

    state->runs = 1;

    (void) pthread_setname_np(state->tid, "state file");

    return NGX_OK;
}


ngx_uint_t
ngx_http_task_state_end(ngx_http_task_job_zone_t *zone)
{
    ngx_http_task_state_t  *state;

    static int64_t  begun;     /* when the first zone was left */

    state = zone->state;

    if (state == NULL || !state->runs) {
        return 0;
    }

    if (begun == 0) {
        begun = ngx_http_task_now();
    }

    state->quits = begun;

    ngx_http_task_futex_wake(&state->stop);
    ngx_http_task_futex_shared_wake(&zone->sh->state.ring);

    (void) pthread_join(state->tid, NULL);

    state->runs = 0;

    return state->kept && !ngx_http_task_state_loads(zone);
}


static void *
ngx_http_task_state_cycle(void *data)
{
    ngx_http_task_state_t *state = data;

    while (!ngx_http_task_atomic_get(&state->stop)) {
        ngx_http_task_state_turn(state);
    }

    ngx_http_task_state_last(state);

    return NULL;
}


static void
ngx_http_task_state_turn(ngx_http_task_state_t *state)
{
    int64_t                        wait;
    ngx_http_task_state_sh_t      *sh;
    ngx_http_task_state_writer_t  *w;

    w = &state->writer;
    sh = &w->zone.sh->state;

    ngx_http_task_state_hold(w, (const char *) state->path.data);

    if (!w->writer && !ngx_http_task_state_take(w)) {
        (void) ngx_http_task_futex_wait(&state->stop, ngx_http_task_now()
                                        + NGX_HTTP_TASK_STATE_TRY);
        return;
    }

    if (!w->open) {
        wait = ngx_http_task_state_try(state);

        if (wait) {
            (void) ngx_http_task_futex_wait(&state->stop,
                                            ngx_http_task_now() + wait);
            return;
        }
    }

    if (!w->copying) {
        (void) ngx_http_task_futex_shared_wait(&sh->ring, ngx_http_task_now()
                                               + NGX_HTTP_TASK_STATE_PASS);
    }

    /* who rings from now on is heard in the next turn */

    __atomic_store_n(&sh->ring, 0, __ATOMIC_SEQ_CST);

    (void) ngx_http_task_state_pass(w, 0);

    /* others have their turn at the mutex */

    if (ngx_http_task_state_compact(w) == NGX_AGAIN) {
        ngx_msleep(1);

    } else if (w->size > NGX_HTTP_TASK_STATE_KEEP) {
        ngx_free(w->buffer);
        w->buffer = NULL;
        w->size = 0;
    }
}


/* opens the file, or returns how long it is left alone */

static int64_t
ngx_http_task_state_try(ngx_http_task_state_t *state)
{
    ngx_int_t                      rc;
    ngx_http_task_state_writer_t  *w;

    w = &state->writer;

    rc = ngx_http_task_state_open(state);

    if (rc == NGX_BUSY) {
        ngx_http_task_state_busy(w, (const char *) state->path.data);
        return NGX_HTTP_TASK_STATE_TRY;
    }

    w->tell = 0;

    return (rc == NGX_OK) ? 0 : NGX_HTTP_TASK_STATE_RETRY;
}


static ngx_uint_t
ngx_http_task_state_take(ngx_http_task_state_writer_t *w)
{
    switch (pthread_mutex_trylock(&w->zone.sh->state.writer)) {

    case 0:
        break;

    case EOWNERDEAD:
        w->zone.sh->state.marks = 1;
        (void) pthread_mutex_consistent(&w->zone.sh->state.writer);
        break;

    default:
        return 0;
    }

    w->writer = 1;

    return 1;
}


static void
ngx_http_task_state_leave(ngx_http_task_state_writer_t *w)
{
    ngx_http_task_journal_close(&w->journal);

    ngx_free(w->buffer);
    ngx_free(w->taken);
    w->buffer = NULL;
    w->taken = NULL;
    w->size = 0;
    w->open = 0;
    w->copying = 0;

    if (w->writer) {
        w->writer = 0;
        (void) pthread_mutex_unlock(&w->zone.sh->state.writer);
    }
}


/*
 * Another worker may leave at the same time, in its last pass already: it looks
 * at no mark any more.  One that goes on has all that this one has marked, when
 * it has made the next pass.
 */

static void
ngx_http_task_state_last(ngx_http_task_state_t *state)
{
    int64_t                        most;
    uint64_t                       pass;
    ngx_int_t                      rc;
    ngx_http_task_state_sh_t      *sh;
    ngx_http_task_state_writer_t  *w;

    w = &state->writer;
    sh = &w->zone.sh->state;

    pass = __atomic_load_n(&sh->begun, __ATOMIC_SEQ_CST) + 1;

    for ( ;; ) {
        rc = ngx_http_task_state_last_pass(state);

        if (rc == NGX_BUSY
            && __atomic_load_n(&sh->done, __ATOMIC_SEQ_CST) >= pass)
        {
            rc = NGX_OK;
        }

        if (rc != NGX_BUSY
            || __atomic_load_n(&sh->failed, __ATOMIC_SEQ_CST) >= pass)
        {
            break;
        }

        most = ngx_terminate ? NGX_HTTP_TASK_STATE_STOPS
                             : NGX_HTTP_TASK_STATE_QUITS;

        if (ngx_http_task_now() - state->quits >= most) {
            break;
        }

        ngx_msleep(1);
    }

    state->kept = (rc == NGX_OK);

    if (w->writer) {
        ngx_http_task_state_leave(w);
    }
}


/* what has changed since the last pass, as jobs that are lost now.  NGX_BUSY:
   another worker has the mutex, or just looks whose the file is; NGX_ERROR: it
   is not kept */

static ngx_int_t
ngx_http_task_state_last_pass(ngx_http_task_state_t *state)
{
    uint32_t                       seed;
    ngx_int_t                      rc;
    ngx_uint_t                     any;
    ngx_http_task_state_writer_t  *w;

    w = &state->writer;

    any = ngx_http_task_state_any(w->zone.sh);

    if (!w->writer && !ngx_http_task_state_take(w)) {
        return any ? NGX_BUSY : NGX_OK;
    }

    if (!w->open && !any && !w->zone.sh->state.marks) {
        return NGX_OK;
    }

    rc = w->open ? NGX_OK : ngx_http_task_state_open(state);

    /* not if what this zone has is to be dropped */

    if (rc == NGX_BUSY && w->busy == 0
        && !ngx_http_task_atomic_get(&w->zone.sh->state.loading))
    {
        return NGX_BUSY;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    seed = ngx_http_task_journal_seed(&w->journal);

    rc = ngx_http_task_state_pass(w, 1);

    while (ngx_http_task_journal_wants_copy(&w->journal)
           && ngx_http_task_state_compact(w) == NGX_AGAIN)
    {
        /* the copy is synced, too */
    }

    /* a copy has all, whatever came before */

    if (rc == NGX_ERROR && seed == ngx_http_task_journal_seed(&w->journal)
        && ngx_http_task_state_any(w->zone.sh))
    {
        return NGX_ERROR;
    }

    ngx_http_task_state_left(w);

    return NGX_OK;
}


/* returns 1 if anything is marked */

static ngx_uint_t
ngx_http_task_state_any(ngx_http_task_job_sh_t *sh)
{
    uint32_t  i;

    for (i = 0; i < sh->njobs; i += 64) {
        if (__atomic_load_n(&sh->dirty[i / 64], __ATOMIC_SEQ_CST)) {
            return 1;
        }
    }

    return 0;
}
