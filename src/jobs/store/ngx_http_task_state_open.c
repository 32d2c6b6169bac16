
/*
 * The state file of a zone is opened by the worker that has the mutex "writer".
 * It is read if the zone was made since it was written, or if another nginx has
 * had it; else what is in the zone is true, and is newer.
 */


#include "jobs/store/ngx_http_task_state.h"


static ngx_int_t ngx_http_task_state_open_file(ngx_http_task_state_t *state);
static ngx_int_t ngx_http_task_state_read(ngx_http_task_state_writer_t *w);
static ngx_int_t ngx_http_task_state_read_mine(
    ngx_http_task_state_writer_t *w);
static ngx_int_t ngx_http_task_state_skip(void *data, uint32_t type,
    u_char *bytes, size_t length);
static ngx_int_t ngx_http_task_state_copy_all(ngx_http_task_state_writer_t *w);


ngx_int_t
ngx_http_task_state_open(ngx_http_task_state_t *state)
{
    ngx_int_t                      rc;
    ngx_http_task_state_writer_t  *w;

    w = &state->writer;

    rc = ngx_http_task_state_open_file(state);

    if (rc == NGX_BUSY) {
        return NGX_BUSY;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_state_read(w);

        if (rc == NGX_OK) {
            rc = ngx_http_task_state_pass_begin(w);
        }

        if (rc == NGX_OK) {
            ngx_http_task_state_held_now(w);

        } else {
            ngx_http_task_journal_close(&w->journal);
        }
    }

    w->refused = (rc != NGX_OK);
    w->open = (rc == NGX_OK);

    ngx_http_task_atomic_set(&w->zone.sh->state.refuses, w->refused);

    return rc;
}


static ngx_int_t
ngx_http_task_state_open_file(ngx_http_task_state_t *state)
{
    ngx_err_t                      err;
    ngx_int_t                      rc;
    const char                    *path, *why;
    ngx_http_task_state_writer_t  *w;

    w = &state->writer;
    path = (const char *) state->path.data;

    if (w->held == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    rc = w->refused ? ngx_http_task_journal_check(path, &why, &err) : NGX_OK;

    if (rc != NGX_OK) {
        return rc;
    }

    w->busy = 0;

    rc = ngx_http_task_state_held_without(w, path);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_task_journal_open(&w->journal, path,
                                    w->zone.sh->state.owner);

    if (rc == NGX_OK) {
        rc = ngx_http_task_state_held(w);

        if (rc != NGX_OK) {
            ngx_http_task_journal_close(&w->journal);
        }
    }

    return rc;
}


/* NGX_BUSY: it is another zone's, whose.c has more of that */

static ngx_int_t
ngx_http_task_state_read(ngx_http_task_state_writer_t *w)
{
    ngx_int_t  rc;

    w->again = 0;
    w->covers = 0;
    w->whole = ngx_http_task_journal_wants_copy(&w->journal);

    if (!ngx_http_task_state_loads(&w->zone)
        && !ngx_http_task_state_is_mine(w))
    {
        rc = ngx_http_task_state_drop(w);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ngx_http_task_state_loads(&w->zone)) {
        rc = ngx_http_task_state_load(w);

        if (rc == NGX_OK) {
            rc = ngx_http_task_state_copy_all(w);
        }

        /* if not, what was put there is not put there again */

        if (rc == NGX_OK) {
            w->zone.sh->state.marks = 0;
            ngx_http_task_state_loaded(&w->zone);
        }

        return rc;
    }

    return ngx_http_task_state_read_mine(w);
}


/*
 * What another worker of this zone has written is true; but unless that has
 * left the file in order nobody knows what of it is synced, and there is going
 * to be a copy.  If somebody has removed the file, that is made at once.
 */

static ngx_int_t
ngx_http_task_state_read_mine(ngx_http_task_state_writer_t *w)
{
    ngx_int_t  rc;

    /* another nginx had the file, and then it was removed */

    if (ngx_http_task_atomic_get(&w->zone.sh->state.loading)) {
        ngx_http_task_state_loaded(&w->zone);
    }

    if (ngx_http_task_state_was_left(w)) {
        return NGX_OK;
    }

    ngx_http_task_journal_doubt(&w->journal);

    w->whole = 1;

    if (w->zone.sh->state.marks) {
        ngx_http_task_job_lock(&w->zone);

        ngx_http_task_job_mark_all(w->zone.sh);

        ngx_http_task_job_unlock(&w->zone);

        w->zone.sh->state.marks = 0;
    }

    rc = ngx_http_task_journal_replay(&w->journal, ngx_http_task_state_skip,
                                      NULL);

    if (rc == NGX_OK && w->journal.fresh) {
        rc = ngx_http_task_state_copy_all(w);
    }

    return rc;
}


static ngx_int_t
ngx_http_task_state_skip(void *data, uint32_t type, u_char *bytes,
    size_t length)
{
    return NGX_OK;
}


static ngx_int_t
ngx_http_task_state_copy_all(ngx_http_task_state_writer_t *w)
{
    ngx_int_t  rc;

    for ( ;; ) {
        rc = ngx_http_task_state_compact(w);

        if (rc != NGX_AGAIN) {
            return rc;
        }

        ngx_msleep(1);
    }
}
