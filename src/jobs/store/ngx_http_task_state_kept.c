
/*
 * What a pass has written is taken back if it fails: those who wait for it are
 * told that their jobs are refused, and may not find them again after a stop.
 */


#include "jobs/store/ngx_http_task_state.h"


#define ngx_http_task_state_words(sh)  (((sh)->njobs + 63) / 64)


ngx_int_t
ngx_http_task_state_pass_begin(ngx_http_task_state_writer_t *w)
{
    ngx_free(w->taken);

    w->taken = ngx_alloc(ngx_http_task_state_words(w->zone.sh)
                         * sizeof(uint64_t), ngx_cycle->log);

    if (w->taken == NULL) {
        return NGX_ERROR;
    }

    ngx_http_task_state_kept(w);

    return NGX_OK;
}


void
ngx_http_task_state_took(ngx_http_task_state_writer_t *w, uint32_t place)
{
    if (w->taken) {
        w->taken[place / 64] |= (uint64_t) 1 << place % 64;
    }
}


void
ngx_http_task_state_kept(ngx_http_task_state_writer_t *w)
{
    if (w->taken) {
        ngx_memzero(w->taken, ngx_http_task_state_words(w->zone.sh)
                              * sizeof(uint64_t));
    }

    w->kept = ngx_http_task_journal_size(&w->journal);
}


/* what the zone says of inputs in the file may not be so any more */

void
ngx_http_task_state_take_back(ngx_http_task_state_writer_t *w)
{
    uint32_t                 i;
    ngx_http_task_job_sh_t  *sh;

    sh = w->zone.sh;
    w->whole = 1;

    ngx_http_task_journal_rewind(&w->journal, w->kept);

    for (i = 0; i < ngx_http_task_state_words(sh); i++) {

        if (w->taken[i]) {
            (void) __atomic_fetch_or(&sh->dirty[i], w->taken[i],
                                     __ATOMIC_SEQ_CST);
        }
    }
}
