
/*
 * A thread sleeps until some time, or until it is woken: there is nothing to
 * initialize, to lock, or to destroy.
 */


#include "base/ngx_http_task_base.h"

#include <linux/futex.h>
#include <sys/syscall.h>


/* a system of 32 bits has another call for a time of 64 */

#ifdef SYS_futex_time64
#define ngx_http_task_futex_call                                              \
    (sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define ngx_http_task_futex_call  SYS_futex
#endif


static ngx_uint_t ngx_http_task_futex_sleep(int *word, int64_t deadline,
    int flag);


ngx_uint_t
ngx_http_task_futex_wait(int *word, int64_t deadline)
{
    return ngx_http_task_futex_sleep(word, deadline, FUTEX_PRIVATE_FLAG);
}


ngx_uint_t
ngx_http_task_futex_shared_wait(int *word, int64_t deadline)
{
    return ngx_http_task_futex_sleep(word, deadline, 0);
}


static ngx_uint_t
ngx_http_task_futex_sleep(int *word, int64_t deadline, int flag)
{
    long             rc;
    struct timespec  ts;

    ts.tv_sec = deadline / 1000000000;
    ts.tv_nsec = deadline % 1000000000;

    while (ngx_http_task_atomic_get(word) == 0) {

        if (deadline == 0 || ngx_http_task_now() >= deadline) {
            return 0;
        }

        /* with a bit set, the time is one of the monotonic clock, not a wait */

        rc = syscall(ngx_http_task_futex_call, word,
                     FUTEX_WAIT_BITSET|flag, 0, &ts, NULL,
                     FUTEX_BITSET_MATCH_ANY);

        /* a kernel may refuse it: look at the word once in a while */

        if (rc == -1 && (ngx_errno == ENOSYS || ngx_errno == EPERM)) {
            ngx_msleep(1);
        }
    }

    return 1;
}


void
ngx_http_task_futex_wake(int *word)
{
    ngx_http_task_atomic_set(word, 1);

    (void) syscall(ngx_http_task_futex_call, word,
                   FUTEX_WAKE|FUTEX_PRIVATE_FLAG, INT_MAX);
}


/* who finds it set already knows that they are woken */

void
ngx_http_task_futex_shared_wake(int *word)
{
    if (__atomic_exchange_n(word, 1, __ATOMIC_SEQ_CST) == 0) {
        (void) syscall(ngx_http_task_futex_call, word, FUTEX_WAKE, INT_MAX);
    }
}
