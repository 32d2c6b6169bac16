
/*
 * A worker that quits leaves the state file in order: all that it has written
 * is on the disk.  The next one of the zone goes on behind that, without a look
 * at what is there and without a copy.  Any other end, as that of a worker that
 * is killed, leaves no such note.
 */


#include "jobs/store/ngx_http_task_state.h"


void
ngx_http_task_state_left(ngx_http_task_state_writer_t *w)
{
    ngx_http_task_journal_t   *j;
    ngx_http_task_state_sh_t  *sh;

    j = &w->journal;
    sh = &w->zone.sh->state;

    if (ngx_http_task_journal_wants_copy(j) || w->whole || j->unsynced
        || j->untidy)
    {
        return;
    }

    sh->left_seed = ngx_http_task_journal_seed(j);
    sh->left_size = ngx_http_task_journal_size(j);
    sh->left_copied = j->copied;

    ngx_http_task_atomic_set(&sh->left, 1);
}


ngx_uint_t
ngx_http_task_state_was_left(ngx_http_task_state_writer_t *w)
{
    ngx_uint_t                 left;
    ngx_http_task_journal_t   *j;
    ngx_http_task_state_sh_t  *sh;

    j = &w->journal;
    sh = &w->zone.sh->state;

    left = ngx_http_task_atomic_get(&sh->left) && !sh->marks
           && sh->left_seed == ngx_http_task_journal_seed(j)
           && sh->left_size == ngx_http_task_journal_size(j);

    ngx_http_task_atomic_set(&sh->left, 0);

    if (left) {
        ngx_http_task_journal_resume(j, sh->left_copied);
        w->whole = 0;
    }

    return left;
}
