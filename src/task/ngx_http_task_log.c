
/*
 * What a function writes to the error log, and what is logged when a function
 * does what it must not.  It may be called in any thread that runs the task.
 */


#include "task/ngx_http_task.h"


/* not to the connection's log: its handler uses the request, no thread may */

void
ngx_task_log(ngx_task_t *t, ngx_task_log_level_t level, const char *fmt, ...)
{
    int         n;
    char        buf[NGX_MAX_ERROR_STR - 128];
    u_char      escaped[sizeof(buf)];
    size_t      len;
    va_list     args;
    ngx_str_t  *request;

    static ngx_str_t  none = ngx_null_string;

    if (fmt == NULL) {
        ngx_http_task_log_misuse(t, "logs NULL");
        return;
    }

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    n = ngx_max(ngx_min(n, (int) sizeof(buf) - 1), 0);

    /* nothing that a client sent may look like a line of the log */

    len = ngx_http_task_log_escape(escaped, sizeof(escaped), (u_char *) buf,
                                   n);

    request = t->in.context ? &t->in.context->request_id : &none;

    ngx_log_error(ngx_http_task_log_level(level), ngx_cycle->log, 0,
                  "*%uA task \"%V\"%s%V: %*s%s%V",
                  t->connection, &t->function->name,
                  request->len ? ", request " : "", request,
                  len, escaped,
                  t->job_name.len ? ", job: " : "", &t->job_name);
}


void
ngx_http_task_log_misuse_of(ngx_task_t *t, const char *what, const char *value)
{
    ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s: \"%s\"", what, value);

    ngx_http_task_atomic_set(&t->result.misuse, what);
}


void
ngx_http_task_log_misuse_number(ngx_task_t *t, const char *what,
    int64_t number)
{
    ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s: %lld", what, (long long) number);

    ngx_http_task_atomic_set(&t->result.misuse, what);
}


void
ngx_http_task_log_misuse(ngx_task_t *t, const char *what)
{
    ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s", what);

    ngx_http_task_atomic_set(&t->result.misuse, what);
}
