
/*
 * What a function was given, and is kept until its task is freed: the output of
 * programs, promises, replies.
 */


#include "task/ngx_http_task.h"


/* pieces of the task may do so at the same time */

void
ngx_http_task_keep(ngx_task_t *t, ngx_http_task_kept_t *kept)
{
    kept->next = __atomic_load_n(&t->kept, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(&t->kept, &kept->next, kept, 1,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
    { /* void */ }
}


/* others may be added meanwhile, in front */

void
ngx_http_task_keep_one_no_longer(ngx_task_t *t, ngx_http_task_kept_t *kept)
{
    ngx_http_task_kept_t  *p;

    p = kept;

    if (__atomic_compare_exchange_n(&t->kept, &p, kept->next, 0,
                                    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
    {
        return;
    }

    while (p->next != kept) {
        p = p->next;
    }

    p->next = kept->next;
}


void
ngx_http_task_keep_no_longer(ngx_task_t *t)
{
    ngx_http_task_kept_t  *kept, *next;

    kept = __atomic_exchange_n(&t->kept, NULL, __ATOMIC_ACQUIRE);

    for ( /* void */ ; kept; kept = next) {
        next = kept->next;
        kept->free(kept);
    }
}
