
/*
 * Marks on the records of a zone that has a state file: what has changed since
 * it was written.  A bit each, set by whoever changes a job, and taken by the
 * thread that writes.
 *
 * A process may be killed between a change and its mark: it had the mutex then,
 * and who rebuilds the zone marks all.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


#define ngx_http_task_job_bit(i)  ((uint64_t) 1 << (i) % 64)


void
ngx_http_task_job_mark(ngx_http_task_job_sh_t *sh, ngx_http_task_record_t *job)
{
    uint32_t  i;

    if (sh->dirty) {
        i = job - sh->jobs;

        (void) __atomic_fetch_or(&sh->dirty[i / 64], ngx_http_task_job_bit(i),
                                 __ATOMIC_SEQ_CST);
    }
}


void
ngx_http_task_job_mark_all(ngx_http_task_job_sh_t *sh)
{
    uint32_t  i;

    for (i = 0; sh->dirty && i < sh->used_jobs; i += 64) {
        __atomic_store_n(&sh->dirty[i / 64], (uint64_t) -1, __ATOMIC_SEQ_CST);
    }
}


ngx_uint_t
ngx_http_task_job_unmark(ngx_http_task_job_sh_t *sh, uint32_t i)
{
    return (__atomic_fetch_and(&sh->dirty[i / 64], ~ngx_http_task_job_bit(i),
                               __ATOMIC_SEQ_CST)
            & ngx_http_task_job_bit(i)) != 0;
}
