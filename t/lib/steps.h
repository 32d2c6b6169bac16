
/*
 * Kills a process after each store that it makes to shared memory.
 *
 * A child runs an operation, instruction by instruction.  Whenever the shared
 * memory has changed, a copy of it is what the next process would find, had the
 * child been killed there: the kernel would have marked the robust mutexes that
 * it holds.  That next process is another child, which has the copy at the
 * same address, and judges it.
 */


#ifndef _STEPS_H_INCLUDED_
#define _STEPS_H_INCLUDED_


#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>


typedef struct {
    unsigned char    *memory;
    size_t            size;

    /* the robust mutexes in it, by their number; NULL: there are no more */
    pthread_mutex_t *(*mutex)(unsigned i);

    /* these in the child, the second one step by step */
    void            (*setup)(void);
    void            (*op)(void);

    /* in the next process: 0, if all is well; if the operation was done */
    int             (*judge)(int done);

    unsigned          every;       /* only each so many kills are judged */
    unsigned          kills;       /* judged */
    unsigned          wrong;
} steps_t;


/* as the kernel does it when their owner dies */

static void
steps_owner_died(steps_t *s, pid_t pid)
{
    unsigned          i;
    pthread_mutex_t  *mutex;

    for (i = 0; (mutex = s->mutex(i)) != NULL; i++) {

        if ((mutex->__data.__lock & FUTEX_TID_MASK) == pid) {
            mutex->__data.__lock = FUTEX_OWNER_DIED;
        }
    }
}


/* a process of its own with a copy of the memory; what it returns */

static int
steps_in_copy(steps_t *s, unsigned char *copy, pid_t died,
    int (*fn)(int), int arg)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        if (mmap(s->memory, s->size, PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS|MAP_FIXED, -1, 0)
            == MAP_FAILED)
        {
            _exit(99);
        }

        memcpy(s->memory, copy, s->size);
        steps_owner_died(s, died);

        (void) alarm(20);

        _exit(fn(arg));
    }

    waitpid(pid, &status, 0);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}


static void
steps_judge(steps_t *s, unsigned char *copy, pid_t pid, int done)
{
    int  rc;

    rc = steps_in_copy(s, copy, pid, s->judge, done);

    s->kills++;

    if (rc != 0) {
        s->wrong++;

        if (s->wrong <= 5) {
            printf("# kill %u: %d\n", s->kills, rc);
        }
    }
}


/* the child waits for its tracer where the operation begins, and at its end */

static void
steps_child(steps_t *s)
{
    (void) ptrace(PTRACE_TRACEME, 0, NULL, NULL);

    s->setup();

    (void) raise(SIGSTOP);

    s->op();

    (void) raise(SIGSTOP);

    _exit(0);
}


/* the memory is left as the operation left it, and its process is dead */

static void
steps_run(steps_t *s)
{
    int             status;
    pid_t           pid;
    unsigned        stores;
    unsigned char  *last;

    last = malloc(s->size);
    stores = 0;

    pid = fork();

    if (pid == 0) {
        steps_child(s);
    }

    waitpid(pid, &status, 0);

    memcpy(last, s->memory, s->size);

    steps_judge(s, last, pid, 0);

    for ( ;; ) {
        (void) ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
        waitpid(pid, &status, 0);

        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
            break;
        }

        if (memcmp(last, s->memory, s->size) != 0) {
            memcpy(last, s->memory, s->size);

            if (stores++ % s->every == 0) {
                steps_judge(s, last, pid, 0);
            }
        }
    }

    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) {
        steps_judge(s, last, pid, 1);

    } else {
        printf("# the operation did not end: %x\n", status);
        s->wrong++;
    }

    (void) kill(pid, SIGKILL);
    waitpid(pid, &status, 0);

    free(last);
}


#endif /* _STEPS_H_INCLUDED_ */
