
/*
 * The hooks of libraries: a library may start and stop with each worker.
 */


#include "function/ngx_http_task_function.h"


/* what init() is given */

struct ngx_task_worker_s {
    ngx_http_task_library_t  *library;
    u_char                    reason[NGX_HTTP_TASK_LOG_TEXT];
};


static void ngx_http_task_hooks_start_one(ngx_http_task_library_t *library);
static size_t ngx_http_task_hooks_format(u_char *text, size_t size,
    const char *fmt, va_list args);


void
ngx_http_task_hooks_start(ngx_array_t *libraries)
{
    ngx_uint_t                 i;
    ngx_http_task_library_t  **library;

    library = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {
        if (library[i]->table.start || library[i]->table.init) {
            ngx_http_task_hooks_start_one(library[i]);
        }
    }
}


static void
ngx_http_task_hooks_start_one(ngx_http_task_library_t *library)
{
    ngx_task_rc_t          rc;
    ngx_task_worker_t      worker;
    ngx_http_task_guard_t  before;

    worker.library = library;
    worker.reason[0] = '\0';

    before = ngx_http_task_guard(NULL, &library->name);

    rc = library->table.init ? library->table.init(&worker)
                             : library->table.start();

    ngx_http_task_unguard(before);

    if (rc == NGX_TASK_OK) {
        return;
    }

    library->failed = 1;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "start of task library \"%V\" failed: %s, its functions "
                  "answer 503", &library->name,
                  worker.reason[0] ? (char *) worker.reason
                  : "it gave no reason by ngx_task_worker_fail()");
}


void
ngx_http_task_hooks_stop(ngx_array_t *libraries)
{
    ngx_uint_t                 i;
    ngx_http_task_guard_t      before;
    ngx_http_task_library_t  **library;

    library = libraries->elts;

    for (i = libraries->nelts; i > 0; i--) {

        if (library[i - 1]->table.stop && !library[i - 1]->failed) {
            before = ngx_http_task_guard(NULL, &library[i - 1]->name);

            library[i - 1]->table.stop();

            ngx_http_task_unguard(before);
        }
    }
}


void
ngx_task_worker_log(ngx_task_worker_t *worker, ngx_task_log_level_t level,
    const char *fmt, ...)
{
    size_t   len;
    u_char   text[NGX_HTTP_TASK_LOG_TEXT];
    va_list  args;

    va_start(args, fmt);
    len = ngx_http_task_hooks_format(text, sizeof(text), fmt, args);
    va_end(args);

    ngx_log_error(ngx_http_task_log_level(level), ngx_cycle->log, 0,
                  "task library \"%V\": %*s", &worker->library->name, len,
                  text);
}


ngx_task_rc_t
ngx_task_worker_fail(ngx_task_worker_t *worker, const char *fmt, ...)
{
    size_t   len;
    va_list  args;

    va_start(args, fmt);
    len = ngx_http_task_hooks_format(worker->reason,
                                     sizeof(worker->reason) - 1, fmt, args);
    va_end(args);

    worker->reason[len] = '\0';

    return NGX_TASK_FAILED;
}


const void *
ngx_task_settings(ngx_task_worker_t *worker)
{
    ngx_http_task_settings_t  *settings;

    settings = worker->library->settings;

    return settings ? settings->conf.ready : NULL;
}


/* as a line of the log may have it; returns its length */

static size_t
ngx_http_task_hooks_format(u_char *text, size_t size, const char *fmt,
    va_list args)
{
    int   n;
    char  buf[NGX_HTTP_TASK_LOG_TEXT];

    n = vsnprintf(buf, sizeof(buf), fmt ? fmt : "NULL", args);
    n = ngx_max(ngx_min(n, (int) sizeof(buf) - 1), 0);

    return ngx_http_task_log_escape(text, size, (u_char *) buf, n);
}
