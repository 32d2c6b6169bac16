
/*
 * What a library is looked at for that was built with NGX_TASK_DEBUG: mistakes
 * that else are seen once in a while, or by luck never.
 */


#include "run/ngx_http_task_run.h"


/* how much of the stack is overwritten */

#define NGX_HTTP_TASK_DEBUG_STACK  16384


/*
 * Overwrites the stack that a function is about to have: else a local variable
 * may still have the value that it had before an await.
 */

void
ngx_http_task_debug_spoil(void)
{
    u_char            stack[NGX_HTTP_TASK_DEBUG_STACK];
    volatile u_char  *p;

    for (p = stack; p < stack + sizeof(stack); p++) {
        *p = 0xa5;
    }
}


/* there are zeros behind the state */

void
ngx_http_task_debug_check(ngx_task_t *t)
{
    u_char      *p;
    ngx_uint_t   i;

    if (t->trunk.root.state == NULL) {
        return;
    }

    p = (u_char *) t->trunk.root.state + t->function->table.state_size;

    for (i = 0; i < NGX_HTTP_TASK_DEBUG_BEHIND; i++) {
        if (p[i]) {
            ngx_http_task_log_misuse(t, "writes behind its state: its "
                                        "state_size is too small");
            p[i] = 0;
            return;
        }
    }
}
