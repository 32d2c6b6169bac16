
/*
 * A job is copied out of the zone, as a record of its state file.
 *
 * A long one is copied piece by piece, so that the mutex is never held for
 * long: whatever changes it meanwhile marks it, and it is begun again.
 */


#include "jobs/store/ngx_http_task_state.h"


/* a larger buffer is not kept */

#define NGX_HTTP_TASK_STATE_BUFFER  (1024 * 1024)


/* what is left to copy of a job */

typedef struct {
    uint32_t                   place;
    ngx_uint_t                 whole;
    ngx_uint_t                 begun;        /* 1: what follows is set */
    u_char                    *p;
    size_t                     input;        /* bytes, .. */
    size_t                     result;       /* .. those behind them */
    ngx_http_task_job_chain_t  chain;
} ngx_http_task_state_piece_t;


static ngx_int_t ngx_http_task_state_copy_piece(
    ngx_http_task_state_writer_t *w, ngx_http_task_state_piece_t *c);
static ngx_int_t ngx_http_task_state_copy_begin(
    ngx_http_task_state_writer_t *w, ngx_http_task_state_piece_t *c);
static ngx_int_t ngx_http_task_state_copy_head(
    ngx_http_task_state_writer_t *w, ngx_http_task_state_piece_t *c,
    ngx_http_task_record_t *job);
static void ngx_http_task_state_copy_attempts(ngx_http_task_record_t *job,
    ngx_http_task_state_record_t *head);
static ngx_int_t ngx_http_task_state_copy_bytes(
    ngx_http_task_state_writer_t *w, ngx_http_task_state_piece_t *c, size_t n);
static ngx_int_t ngx_http_task_state_copy_room(
    ngx_http_task_state_writer_t *w, size_t size);


ngx_int_t
ngx_http_task_state_copy(ngx_http_task_state_writer_t *w, uint32_t place,
    ngx_uint_t whole)
{
    ngx_int_t                    rc;
    ngx_http_task_state_piece_t  c;

    ngx_memzero(&c, sizeof(c));

    c.place = place;
    c.whole = whole;

    do {
        ngx_http_task_job_lock(&w->zone);

        rc = ngx_http_task_state_copy_piece(w, &c);

        ngx_http_task_job_unlock(&w->zone);

        /* its length, which is needed, is known now, and may be another then */

        if (rc == NGX_BUSY) {
            rc = ngx_http_task_state_copy_room(w, w->length);
        }

    } while (rc == NGX_AGAIN);

    return rc;
}


/* NGX_AGAIN: there are more pieces; NGX_BUSY: the buffer is too small */

static ngx_int_t
ngx_http_task_state_copy_piece(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_piece_t *c)
{
    size_t                   left;
    ngx_int_t                rc;
    ngx_http_task_record_t  *job;

    job = &w->zone.sh->jobs[c->place];

    /* what is copied has what a mark is about, also of one that came when the
       others had been taken */

    if (ngx_http_task_job_unmark(w->zone.sh, c->place)) {
        c->begun = 0;
        w->marked = 1;
    }

    if (!c->begun) {
        rc = ngx_http_task_state_copy_begin(w, c);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    left = NGX_HTTP_TASK_JOB_PIECE;

    while (left && c->input + c->result) {

        if (c->input == 0 && c->chain.job != c->place) {
            c->chain.job = c->place;
            c->chain.first = &job->block;
            c->chain.block = NGX_HTTP_TASK_JOB_NONE;
            c->chain.at = 0;
        }

        rc = ngx_http_task_state_copy_bytes(w, c, left);

        if (rc < 0) {
            return rc;
        }

        left -= rc;
    }

    if (c->input + c->result) {
        return NGX_AGAIN;
    }

    /* if it is not written after all, who writes knows nothing for sure */

    if (w->type == NGX_HTTP_TASK_STATE_JOB) {
        job->filed = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_state_copy_begin(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_piece_t *c)
{
    ngx_http_task_job_sh_t        *sh;
    ngx_http_task_record_t        *job;
    ngx_http_task_state_record_t  *head;

    sh = w->zone.sh;
    job = &sh->jobs[c->place];

    if (c->place >= sh->used_jobs) {
        return NGX_DECLINED;
    }

    w->length = NGX_HTTP_TASK_STATE_PLACE;

    if (ngx_http_task_atomic_get(&job->state) == NGX_HTTP_TASK_JOB_FREE
        || job->forgotten)
    {
        w->type = NGX_HTTP_TASK_STATE_EMPTY;

        if (w->size < w->length) {
            return NGX_BUSY;
        }

        head = (ngx_http_task_state_record_t *) w->buffer;
        head->version = NGX_HTTP_TASK_STATE_VERSION;
        head->place = c->place;

        return NGX_OK;
    }

    /* it is not accepted yet: it will be marked then */

    return job->taking ? NGX_DECLINED
                       : ngx_http_task_state_copy_head(w, c, job);
}


static ngx_int_t
ngx_http_task_state_copy_head(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_piece_t *c, ngx_http_task_record_t *job)
{
    uint32_t                       state;
    ngx_http_task_job_sh_t        *sh;
    ngx_http_task_job_waiting_t   *queue;
    ngx_http_task_state_record_t  *head;

    sh = w->zone.sh;
    queue = &sh->queues[job->queue];
    state = ngx_http_task_atomic_get(&job->state);

    if (state == NGX_HTTP_TASK_JOB_QUEUED
        && job->owner != NGX_HTTP_TASK_JOB_NONE)
    {
        state = NGX_HTTP_TASK_JOB_RUNNING;
    }

    w->type = (c->whole || !job->filed) ? NGX_HTTP_TASK_STATE_JOB
                                        : NGX_HTTP_TASK_STATE_CHANGE;

    c->input = (w->type == NGX_HTTP_TASK_STATE_JOB) ? job->input_length : 0;
    c->result = (state >= NGX_HTTP_TASK_JOB_DONE) ? job->length : 0;

    w->length = sizeof(ngx_http_task_state_record_t) + queue->length
                + c->input + c->result;

    if (w->size < w->length) {
        return NGX_BUSY;
    }

    head = (ngx_http_task_state_record_t *) w->buffer;

    ngx_memzero(head, sizeof(ngx_http_task_state_record_t));

    head->version = NGX_HTTP_TASK_STATE_VERSION;
    head->place = c->place;
    head->state = state;
    head->status = job->status;
    head->keyed = job->keyed;
    head->queue = queue->length;
    head->input = job->input_length;
    head->length = c->result;
    head->type = c->result ? job->type : 0;
    head->created = job->created;
    head->started = ngx_http_task_atomic_get(&job->started);
    head->ended = job->ended;
    head->order = job->order;
    head->turn = job->turn;
    head->share = sh->shares[job->share].key;

    ngx_memcpy(head->id, job->id, NGX_HTTP_TASK_JOB_ID);
    ngx_memcpy(head->key, job->key, NGX_HTTP_TASK_JOB_DIGEST);
    ngx_memcpy(head->print, job->print, NGX_HTTP_TASK_JOB_DIGEST);

    ngx_http_task_state_copy_attempts(job, head);

    c->p = ngx_cpymem(head + 1, queue->name, queue->length);
    c->begun = 1;

    ngx_http_task_job_input_begin(&w->zone, job, &c->chain);

    return NGX_AGAIN;
}


static void
ngx_http_task_state_copy_attempts(ngx_http_task_record_t *job,
    ngx_http_task_state_record_t *head)
{
    int64_t  epoch;

    epoch = ngx_http_task_job_now() - ngx_http_task_job_clock();

    head->accepted = epoch + job->accepted;
    head->again = job->again ? epoch + job->again : 0;
    head->cancel = (job->cancel != 0);

    head->attempts = job->attempts;
    head->attempt = job->attempt;
    head->lost = job->lost;
    head->before = job->before;
}


/* returns bytes; NGX_DECLINED: a chain is broken, and rebuilt now */

static ngx_int_t
ngx_http_task_state_copy_bytes(ngx_http_task_state_writer_t *w,
    ngx_http_task_state_piece_t *c, size_t n)
{
    size_t  *left;

    left = c->input ? &c->input : &c->result;
    n = ngx_min(n, *left);

    if (ngx_http_task_job_chain_read(&w->zone, &c->chain, c->p, n) != NGX_OK) {
        return NGX_DECLINED;
    }

    c->p += n;
    *left -= n;

    return n;
}


/* NGX_AGAIN: there is room for so much */

static ngx_int_t
ngx_http_task_state_copy_room(ngx_http_task_state_writer_t *w, size_t size)
{
    size = ngx_max(size, NGX_HTTP_TASK_STATE_BUFFER);

    ngx_free(w->buffer);

    w->size = 0;
    w->buffer = ngx_alloc(size, ngx_cycle->log);

    if (w->buffer == NULL) {
        return NGX_ERROR;
    }

    w->size = size;

    return NGX_AGAIN;
}
