
/*
 * How long the turns of nginx's event loop take: preloaded into nginx, it looks
 * at the clocks when epoll_wait() returns, and when it is called again.  The
 * longest turn since somebody zeroed the file TURNS is there: its processor
 * time, its time, how many events it had, and how much of its processor time
 * was in the kernel, in each of the calls that nginx and the module make.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>


/* t/lib/TaskStalls.pm has the same names in the same order */

enum {
    CLOSE = 0, RECV, WRITEV, SEND, READ, WRITE, EPOLL_CTL, ACCEPT4, SETSOCKOPT,
    TIMERFD_SETTIME, PTHREAD_COND_SIGNAL, CALLS
};


typedef struct {
    int64_t  cpu;           /* nanoseconds */
    int64_t  time;
    int64_t  events;
    int64_t  turns;
    int64_t  longest;       /* of the calls */
    int64_t  spent[CALLS];  /* of cpu, nanoseconds */
    int64_t  calls[CALLS];
} turns_t;


static turns_t          *turns;
static int64_t           spent[CALLS], calls[CALLS];     /* in this turn */
static int64_t           longest;
static int64_t           cpu, since;                     /* when it began */
static int               events;
static __thread int      loop;                           /* 1: this thread */


static int64_t
now(clockid_t id)
{
    struct timespec  ts;

    (void) clock_gettime(id, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


__attribute__((constructor)) static void
begin(void)
{
    int          fd;
    const char  *file;

    file = getenv("TURNS");
    fd = file ? open(file, O_RDWR|O_CREAT, 0666) : -1;

    if (fd == -1 || ftruncate(fd, sizeof(turns_t)) == -1) {
        return;
    }

    turns = mmap(NULL, sizeof(turns_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd,
                 0);
    (void) close(fd);

    if (turns == MAP_FAILED) {
        turns = NULL;
    }
}


/* the turn has taken until now: it is noted if it is the longest one */

static void
note(int64_t until)
{
    if (turns == NULL || cpu == 0 || until - cpu <= turns->cpu) {
        return;
    }

    turns->cpu = until - cpu;
    turns->time = now(CLOCK_MONOTONIC) - since;
    turns->events = events;
    turns->longest = longest;
    memcpy(turns->spent, spent, sizeof(spent));
    memcpy(turns->calls, calls, sizeof(calls));
}


/* the last turn of a worker has no end: it is noted here */

static void
timed(int call, int64_t from, int64_t until)
{
    int64_t  took;

    took = until - from;

    spent[call] += took;
    calls[call]++;

    if (took > longest) {
        longest = took;
    }

    note(until);
}


/* a call that is timed in the loop */

#define TIMED(type, name, NAME, params, args)                                 \
                                                                              \
type                                                                          \
name params                                                                   \
{                                                                             \
    type            rc;                                                       \
    int64_t         from;                                                     \
    static type   (*real) params;                                             \
                                                                              \
    if (real == NULL) {                                                       \
        real = (type (*) params) dlsym(RTLD_NEXT, #name);                     \
    }                                                                         \
                                                                              \
    if (!loop) {                                                              \
        return real args;                                                     \
    }                                                                         \
                                                                              \
    from = now(CLOCK_THREAD_CPUTIME_ID);                                      \
    rc = real args;                                                           \
    timed(NAME, from, now(CLOCK_THREAD_CPUTIME_ID));                          \
                                                                              \
    return rc;                                                                \
}


TIMED(int, close, CLOSE, (int fd), (fd))
TIMED(ssize_t, recv, RECV, (int fd, void *p, size_t n, int flags),
      (fd, p, n, flags))
TIMED(ssize_t, writev, WRITEV, (int fd, const struct iovec *v, int n),
      (fd, v, n))
TIMED(ssize_t, send, SEND, (int fd, const void *p, size_t n, int flags),
      (fd, p, n, flags))
TIMED(ssize_t, read, READ, (int fd, void *p, size_t n), (fd, p, n))
TIMED(ssize_t, write, WRITE, (int fd, const void *p, size_t n), (fd, p, n))
TIMED(int, epoll_ctl, EPOLL_CTL, (int ep, int op, int fd,
      struct epoll_event *ev), (ep, op, fd, ev))
TIMED(int, accept4, ACCEPT4, (int fd, struct sockaddr *a, socklen_t *n,
      int flags), (fd, a, n, flags))
TIMED(int, setsockopt, SETSOCKOPT, (int fd, int level, int name, const void *p,
      socklen_t n), (fd, level, name, p, n))
TIMED(int, timerfd_settime, TIMERFD_SETTIME, (int fd, int flags,
      const struct itimerspec *new, struct itimerspec *old),
      (fd, flags, new, old))
TIMED(int, pthread_cond_signal, PTHREAD_COND_SIGNAL, (pthread_cond_t *cond),
      (cond))


int
epoll_wait(int ep, struct epoll_event *list, int n, int timeout)
{
    static int    (*real)(int ep, struct epoll_event *events, int n,
                          int timeout);

    if (real == NULL) {
        real = (int (*)(int, struct epoll_event *, int, int))
               dlsym(RTLD_NEXT, "epoll_wait");
    }

    if (turns && cpu) {
        turns->turns++;
        note(now(CLOCK_THREAD_CPUTIME_ID));
    }

    events = real(ep, list, n, timeout);

    loop = 1;
    longest = 0;
    memset(spent, 0, sizeof(spent));
    memset(calls, 0, sizeof(calls));

    cpu = now(CLOCK_THREAD_CPUTIME_ID);
    since = now(CLOCK_MONOTONIC);

    return events;
}
