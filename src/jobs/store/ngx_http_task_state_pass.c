
/*
 * What was marked is written to the state file, in passes; and the file is
 * copied, in slices between them, when much of it is no longer true.
 */


#include "jobs/store/ngx_http_task_state.h"


/* a copy is made when the file has as much again, and so many bytes more */

#define NGX_HTTP_TASK_STATE_SPARE  (4 * 1024 * 1024)

/* a slice of a copy: bytes, and places */

#define NGX_HTTP_TASK_STATE_SLICE   (256 * 1024)
#define NGX_HTTP_TASK_STATE_PLACES  512

/* so long no other copy is begun when one has failed, nanoseconds */

#define NGX_HTTP_TASK_STATE_LATER  5000000000LL

/* between two syncs of "everysec", nanoseconds */

#define NGX_HTTP_TASK_STATE_SECOND  1000000000LL


static void ngx_http_task_state_pass_undo(ngx_http_task_state_writer_t *w);
static ngx_int_t ngx_http_task_state_pass_words(
    ngx_http_task_state_writer_t *w);
static ngx_int_t ngx_http_task_state_pass_place(
    ngx_http_task_state_writer_t *w, uint32_t place);
static ngx_int_t ngx_http_task_state_pass_sync(
    ngx_http_task_state_writer_t *w, ngx_uint_t fsync);
static void ngx_http_task_state_pass_end(ngx_http_task_state_writer_t *w,
    uint64_t pass, ngx_int_t rc);
static ngx_int_t ngx_http_task_state_compact_begin(
    ngx_http_task_state_writer_t *w);
static ngx_int_t ngx_http_task_state_compact_place(
    ngx_http_task_state_writer_t *w);
static ngx_int_t ngx_http_task_state_compact_end(
    ngx_http_task_state_writer_t *w);
static void ngx_http_task_state_compact_abort(ngx_http_task_state_writer_t *w);
static void ngx_http_task_state_compact_later(ngx_http_task_state_writer_t *w);


ngx_int_t
ngx_http_task_state_pass(ngx_http_task_state_writer_t *w, ngx_uint_t last)
{
    uint64_t                   pass;
    ngx_int_t                  rc;
    ngx_http_task_state_sh_t  *sh;

    sh = &w->zone.sh->state;

    /* who marks a job from now on waits for the next one */

    pass = __atomic_add_fetch(&sh->begun, 1, __ATOMIC_SEQ_CST);

    rc = ngx_http_task_state_pass_words(w);

    if (rc == NGX_OK) {
        rc = ngx_http_task_state_pass_sync(w,
                       last ? NGX_HTTP_TASK_STATE_ALWAYS
                            : ngx_http_task_atomic_get(&sh->fsync));
    }

    if (rc == NGX_OK) {
        ngx_http_task_state_kept(w);
        ngx_http_task_journal_tell(&w->journal);

    } else if (rc == NGX_ERROR && !last) {
        ngx_http_task_state_pass_undo(w);
    }

    ngx_http_task_atomic_set(&sh->size, w->journal.file.size);

    ngx_http_task_state_pass_end(w, pass, rc);

    return rc;
}


/* nobody waits to hear of a job that has ended: it may be there already */

static void
ngx_http_task_state_pass_undo(ngx_http_task_state_writer_t *w)
{
    uint64_t                 bits;
    uint32_t                 i, place;
    ngx_uint_t               state;
    ngx_http_task_job_sh_t  *sh;

    sh = w->zone.sh;

    if (w->copying) {
        ngx_http_task_state_compact_abort(w);
    }

    ngx_http_task_state_take_back(w);

    for (i = 0; i < sh->njobs; i += 64) {

        for (bits = w->taken[i / 64]; bits; bits &= bits - 1) {
            place = i + __builtin_ctzll(bits);
            state = ngx_http_task_atomic_get(&sh->jobs[place].state);

            if (state >= NGX_HTTP_TASK_JOB_DONE
                && ngx_http_task_job_unmark(sh, place)
                && ngx_http_task_state_pass_place(w, place) != NGX_OK)
            {
                ngx_http_task_job_mark(sh, &sh->jobs[place]);
            }
        }
    }

    ngx_http_task_state_kept(w);
}


static ngx_int_t
ngx_http_task_state_pass_words(ngx_http_task_state_writer_t *w)
{
    uint64_t                 bits, *word;
    uint32_t                 i;
    ngx_http_task_job_sh_t  *sh;

    sh = w->zone.sh;

    for (i = 0; i < sh->njobs; i += 64) {
        word = &sh->dirty[i / 64];

        if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0) {
            continue;
        }

        bits = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);

        for ( /* void */ ; bits; bits &= bits - 1) {

            if (ngx_http_task_state_pass_place(w, i + __builtin_ctzll(bits))
                != NGX_OK)
            {
                (void) __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* a copy has all places before its cursor, and comes to the others later */

static ngx_int_t
ngx_http_task_state_pass_place(ngx_http_task_state_writer_t *w, uint32_t place)
{
    ngx_int_t     rc;
    struct iovec  part;

    rc = ngx_http_task_state_copy(w, place, w->whole);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    part.iov_base = w->buffer;
    part.iov_len = w->length;

    if (ngx_http_task_journal_append(&w->journal, w->type, &part, 1) != NGX_OK)
    {
        /* the zone says that the file has this input */

        w->whole = 1;
        return NGX_ERROR;
    }

    w->zone.sh->state.records++;

    ngx_http_task_state_took(w, place);

    if (w->copying && place < w->cursor
        && ngx_http_task_journal_copy_append(&w->journal, w->type, &part, 1)
           != NGX_OK)
    {
        ngx_http_task_state_compact_abort(w);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_state_pass_sync(ngx_http_task_state_writer_t *w,
    ngx_uint_t fsync)
{
    int64_t     now;
    ngx_int_t   rc;
    ngx_uint_t  always;

    now = ngx_http_task_now();
    always = (fsync == NGX_HTTP_TASK_STATE_ALWAYS);

    if (!always && now - w->synced < NGX_HTTP_TASK_STATE_SECOND) {
        return NGX_OK;
    }

    w->synced = now;

    if (fsync == NGX_HTTP_TASK_STATE_NO) {
        (void) ngx_http_task_journal_look(&w->journal);
        return NGX_OK;
    }

    /* what is on the disk is not known until a copy is */

    if (!always || !ngx_http_task_journal_wants_copy(&w->journal)) {
        w->zone.sh->state.syncs += w->journal.unsynced;
    }

    if (!ngx_http_task_journal_wants_copy(&w->journal)) {
        rc = ngx_http_task_journal_sync(&w->journal);

    } else if (always) {
        rc = (w->copying || now >= w->again) ? NGX_AGAIN : NGX_ERROR;

    } else {
        rc = NGX_OK;
        ngx_http_task_journal_flush(&w->journal);
    }

    return always ? rc : NGX_OK;
}


static void
ngx_http_task_state_pass_end(ngx_http_task_state_writer_t *w, uint64_t pass,
    ngx_int_t rc)
{
    ngx_http_task_state_sh_t  *sh;

    sh = &w->zone.sh->state;

    if (rc == NGX_AGAIN) {
        w->covers = pass;
        return;
    }

    __atomic_store_n((rc == NGX_OK) ? &sh->done : &sh->failed, pass,
                     __ATOMIC_SEQ_CST);

    ngx_http_task_state_tell(w->zone.sh);
}


void
ngx_http_task_state_tell(ngx_http_task_job_sh_t *sh)
{
    uint64_t    bits, *word;
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TASK_WAKES; i += 64) {
        word = &sh->state.waits[i / 64];

        if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0) {
            continue;
        }

        bits = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);

        for ( /* void */ ; bits; bits &= bits - 1) {
            ngx_http_task_wake(i + __builtin_ctzll(bits));
        }
    }
}


ngx_int_t
ngx_http_task_state_compact(ngx_http_task_state_writer_t *w)
{
    off_t       end;
    ngx_int_t   rc;
    ngx_uint_t  n;

    if (!w->copying) {
        rc = ngx_http_task_state_compact_begin(w);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    end = w->journal.copy.size + NGX_HTTP_TASK_STATE_SLICE;

    for (n = 0; n < NGX_HTTP_TASK_STATE_PLACES; n++) {

        if (w->journal.copy.size >= end) {
            ngx_http_task_journal_copy_flush(&w->journal);
            return NGX_AGAIN;
        }

        rc = ngx_http_task_state_compact_place(w);

        if (rc == NGX_DONE) {
            return ngx_http_task_state_compact_end(w);
        }

        if (rc != NGX_OK) {
            ngx_http_task_state_compact_abort(w);
            return NGX_ERROR;
        }
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_task_state_compact_begin(ngx_http_task_state_writer_t *w)
{
    int64_t                   now;
    ngx_http_task_journal_t  *j;

    j = &w->journal;
    now = ngx_http_task_now();

    if (now < w->again
        || (!ngx_http_task_journal_wants_copy(j)
            && ngx_http_task_journal_appended(j)
               < j->copied + NGX_HTTP_TASK_STATE_SPARE))
    {
        return NGX_OK;
    }

    if (ngx_http_task_journal_copy_begin(j) != NGX_OK) {
        w->again = now + NGX_HTTP_TASK_STATE_LATER;
        return NGX_ERROR;
    }

    w->copying = 1;
    w->cursor = 0;

    return NGX_AGAIN;
}


/*
 * NGX_DONE: it was the last one.  What was marked is written to both now: who
 * copies a job notes that its input is in the file.
 */

static ngx_int_t
ngx_http_task_state_compact_place(ngx_http_task_state_writer_t *w)
{
    uint32_t      place;
    ngx_int_t     rc;
    struct iovec  part;

    place = w->cursor;

    if (place >= ngx_http_task_atomic_get(&w->zone.sh->used_jobs)) {
        return NGX_DONE;
    }

    w->marked = 0;
    w->cursor++;

    rc = ngx_http_task_state_copy(w, place, 1);

    part.iov_base = w->buffer;
    part.iov_len = w->length;

    if (rc == NGX_OK && w->type != NGX_HTTP_TASK_STATE_EMPTY) {
        rc = ngx_http_task_journal_copy_append(&w->journal, w->type, &part, 1);
    }

    if (rc == NGX_DECLINED || !w->marked) {
        return (rc == NGX_DECLINED) ? NGX_OK : rc;
    }

    /* in a file that was not loaded yet, the place is another job's; there is
       a copy of all, or it stays as it is */

    if (rc == NGX_OK && !ngx_http_task_atomic_get(&w->zone.sh->state.loaded)) {
        return NGX_OK;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_journal_append(&w->journal, w->type, &part, 1);

        if (rc == NGX_OK) {
            ngx_http_task_state_took(w, place);
            return NGX_OK;
        }

        w->whole = 1;
    }

    ngx_http_task_job_mark(w->zone.sh, &w->zone.sh->jobs[place]);

    return rc;
}


static ngx_int_t
ngx_http_task_state_compact_end(ngx_http_task_state_writer_t *w)
{
    uint32_t                   seed;
    ngx_int_t                  rc;
    ngx_http_task_state_sh_t  *sh;

    sh = &w->zone.sh->state;
    w->copying = 0;

    seed = ngx_http_task_journal_seed(&w->journal);

    rc = ngx_http_task_journal_copy_commit(&w->journal);

    /* it may be in place all the same */

    if (seed != ngx_http_task_journal_seed(&w->journal)) {
        ngx_http_task_state_kept(w);
    }

    if (rc != NGX_OK) {
        ngx_http_task_state_compact_later(w);
        return NGX_ERROR;
    }

    w->whole = 0;
    ngx_http_task_atomic_set(&sh->size, w->journal.file.size);

    /* those who wait for a sync have it */

    if (w->covers > sh->done) {
        ngx_http_task_state_pass_end(w, w->covers, NGX_OK);
    }

    return NGX_OK;
}


static void
ngx_http_task_state_compact_abort(ngx_http_task_state_writer_t *w)
{
    ngx_http_task_journal_copy_abort(&w->journal);

    w->copying = 0;

    ngx_http_task_state_compact_later(w);
}


/* inputs that the copy has are not in the file, although the zone says so */

static void
ngx_http_task_state_compact_later(ngx_http_task_state_writer_t *w)
{
    w->whole = 1;
    w->again = ngx_http_task_now() + NGX_HTTP_TASK_STATE_LATER;
}
