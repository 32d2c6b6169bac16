
/*
 * How long a thread holds a robust mutex, as that of a zone is: preloaded into
 * nginx, it notes the longest time that a thread with a name of its own had
 * one.  It is in the file HOLDS, as two numbers of nanoseconds: of processor
 * time, and of time.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


/* of glibc: a bit of the kind of a mutex */

#define ROBUST  16


static int64_t          *longest;
static __thread int64_t  cpu, since;
static __thread int      counts;               /* 0: not known yet, 1, -1 */

static int  (*lock)(pthread_mutex_t *mutex);
static int  (*unlock)(pthread_mutex_t *mutex);


static int64_t
now(clockid_t id)
{
    struct timespec  ts;

    (void) clock_gettime(id, &ts);

    return ts.tv_sec * (int64_t) 1000000000 + ts.tv_nsec;
}


__attribute__((constructor)) static void
begin(void)
{
    int  fd;

    lock = (int (*)(pthread_mutex_t *)) dlsym(RTLD_NEXT, "pthread_mutex_lock");
    unlock = (int (*)(pthread_mutex_t *)) dlsym(RTLD_NEXT,
                                                "pthread_mutex_unlock");

    fd = open(getenv("HOLDS") ? getenv("HOLDS") : "", O_RDWR);

    if (fd != -1) {
        longest = mmap(NULL, 2 * sizeof(int64_t), PROT_READ|PROT_WRITE,
                       MAP_SHARED, fd, 0);
        close(fd);
    }
}


static int
is_thread(void)
{
    char  name[16];

    if (counts != 1 && pthread_getname_np(pthread_self(), name, sizeof(name))
                       == 0)
    {
        counts = (strcmp(name, "state file") == 0) ? 1 : -1;
    }

    return counts == 1;
}


int
pthread_mutex_lock(pthread_mutex_t *mutex)
{
    int  rc;

    rc = lock(mutex);

    if (longest && (mutex->__data.__kind & ROBUST)) {
        since = now(CLOCK_MONOTONIC);
        cpu = now(CLOCK_THREAD_CPUTIME_ID);
    }

    return rc;
}


int
pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int64_t  n;

    if (longest && (mutex->__data.__kind & ROBUST) && is_thread()) {
        n = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
        longest[0] = (n > longest[0]) ? n : longest[0];

        n = now(CLOCK_MONOTONIC) - since;
        longest[1] = (n > longest[1]) ? n : longest[1];
    }

    return unlock(mutex);
}
