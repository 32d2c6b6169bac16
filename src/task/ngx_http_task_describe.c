
/*
 * What a line of the log tells of a task that ended its process, or holds the
 * event loop.  A handler of a signal may call it.
 */


#include "task/ngx_http_task.h"


u_char *
ngx_http_task_describe(u_char *p, u_char *last, ngx_task_t *t, ngx_uint_t null)
{
    ngx_http_task_library_t  *library;

    library = t->function->library;

    p = library->builtin
        ? ngx_slprintf(p, last, "library: built-in")
        : ngx_slprintf(p, last, "library: \"%V\" of %V", &library->file,
                       &library->modified);

    if (t->request_line.len) {
        p = ngx_slprintf(p, last, ", request: \"%V\"", &t->request_line);
    }

    if (t->job_name.len) {
        p = ngx_slprintf(p, last, ", job: %V", &t->job_name);
    }

    if (null && t->resumed && t->function->table.state_size == 0) {
        p = ngx_slprintf(p, last, ", it has no state_size, so its state is "
                                  "NULL");
    }

    if (null && t->function->table.args_size == 0) {
        p = ngx_slprintf(p, last, ", it has no args, so ngx_task_args() has "
                                  "nothing");
    }

    return p;
}
