
/*
 * Who ended the process, crashed, or holds the event loop, as the log tells
 * it.  Handlers of signals call this, too.
 */


#include "base/ngx_http_task_base.h"


static ngx_http_task_describe_pt  ngx_http_task_who_describe;


void
ngx_http_task_who_init(ngx_http_task_describe_pt describe)
{
    ngx_http_task_who_describe = describe;
}


u_char *
ngx_http_task_who(u_char *p, u_char *last, ngx_http_task_guard_t *guard)
{
    if (guard->task) {
        return ngx_slprintf(p, last, "task \"%V\"", guard->name);
    }

    if (guard->name) {
        return ngx_slprintf(p, last, "a hook of task library \"%V\"",
                            guard->name);
    }

    return ngx_slprintf(p, last, "a thread of a task library");
}


u_char *
ngx_http_task_who_details(u_char *p, u_char *last,
    ngx_http_task_guard_t *guard, ngx_uint_t null)
{
    return guard->task
           ? ngx_http_task_who_describe(p, last, guard->task, null) : p;
}
