
/*
 * A worker in which sched_setscheduler() and timerfd_create() are refused, as
 * containers may refuse them.
 */


#include "ngx_task.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>


static ngx_task_rc_t
refuse(void)
{
    static struct sock_filter  filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setscheduler, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_timerfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    };

    static struct sock_fprog  program = { 5, filter };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
    {
        return NGX_TASK_FAILED;
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
nothing(ngx_task_t *t)
{
    (void) t;

    return NGX_TASK_OK;
}


static const ngx_task_function_t  functions[] = {
    { "nothing", "does nothing", nothing, NULL, 0, NULL, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("seccomp", functions, refuse, NULL);
