
/*
 * Another process has the state file, or jobs of it: one of before, whose jobs
 * go on after a reload or an upgrade; or, by mistake, another nginx.  The log
 * tells which one it is, now and then, as long as this one waits for the file.
 */


#include "jobs/store/ngx_http_task_state.h"


/* nanoseconds: a handover takes less; and between two lines of the log */

#define NGX_HTTP_TASK_STATE_BUSY_FIRST  1000000000LL
#define NGX_HTTP_TASK_STATE_BUSY_NEXT   60000000000LL


void
ngx_http_task_state_busy(ngx_http_task_state_writer_t *w, const char *path)
{
    int64_t    now;
    ngx_pid_t  pid;

    now = ngx_http_task_now();

    if (w->tell == 0) {
        w->tell = now + NGX_HTTP_TASK_STATE_BUSY_FIRST;
        w->holder = 0;
    }

    pid = ngx_http_task_journal_holder(path);

    if (pid == 0) {
        pid = w->busy;
    }

    /* it has just been given back */

    if (pid == 0) {
        return;
    }

    /* another one is told of at once */

    if (now < w->tell && (w->holder == 0 || w->holder == pid)) {
        return;
    }

    w->tell = now + NGX_HTTP_TASK_STATE_BUSY_NEXT;
    w->holder = pid;

    if (pid == -1) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "state file \"%s\": a process of another machine or "
                      "container has it, task_job_zone \"%V\" waits until that "
                      "has ended", path, &w->zone.store->name);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "state file \"%s\": process %P has it, task_job_zone \"%V\" "
                  "waits until that has ended", path, pid,
                  &w->zone.store->name);
}
