
/*
 * A line of the error log that is written without nginx's own logging: by a
 * handler of a signal, or by a thread while the event loop stands still, and
 * nginx's time with it.  It goes to files, but not to syslog.
 */


#include "base/ngx_http_task_base.h"


static const char  *ngx_http_task_note_levels[] = {
    "stderr", "emerg", "alert", "crit", "error", "warn", "notice", "info",
    "debug"
};


void
ngx_http_task_note(ngx_uint_t level, u_char *text, size_t len)
{
    u_char           line[NGX_MAX_ERROR_STR], *p, *last;
    ngx_tm_t         tm;
    ngx_log_t       *log;
    ngx_uint_t       written;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    ngx_gmtime(ts.tv_sec + ngx_cached_time->gmtoff * 60, &tm);

    last = line + sizeof(line) - 1;

    p = ngx_slprintf(line, last, "%4d/%02d/%02d %02d:%02d:%02d [%s] %P#"
                     NGX_TID_T_FMT ": %*s", tm.ngx_tm_year, tm.ngx_tm_mon,
                     tm.ngx_tm_mday, tm.ngx_tm_hour, tm.ngx_tm_min,
                     tm.ngx_tm_sec, ngx_http_task_note_levels[level], ngx_pid,
                     ngx_thread_tid(), len, text);
    *p++ = LF;

    written = 0;

    for (log = ngx_cycle->log; log; log = log->next) {

        if (log->log_level >= level && log->file && log->writer == NULL) {
            (void) ngx_write_fd(log->file->fd, line, p - line);
            written = 1;
        }
    }

    if (!written) {
        (void) ngx_write_fd(ngx_stderr, line, p - line);
    }
}
