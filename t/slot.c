
/*
 * A sweeper of a dead worker's slot is killed before, or after, each store that
 * makes something count, and the next sweeper goes on: whatever happens, the
 * totals get the dead worker's cells once.  With the module's real file.
 */


#include "ngx_http_task.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>


static void store(uint64_t *p, uint64_t n);


#undef ngx_http_task_atomic_set
#define ngx_http_task_atomic_set(p, v)  store(p, v)

#include "ngx_http_task_slot.c"


#define SERIES    3
#define COUNTERS  NGX_HTTP_TASK_COUNTS


typedef struct {
    ngx_http_task_zone_sh_t      sh;
    ngx_slab_pool_t              shpool;
    ngx_http_task_generation_t  *generation;
    u_char                       memory[16384];
} shared_t;


static shared_t              *shared;
static ngx_http_task_zone_t   zone;
static int                    stores, die_at, die_after;


/* symbols of the rest of nginx and the module; here nobody else is alive */

volatile ngx_cycle_t  *ngx_cycle;
ngx_pid_t              ngx_pid;
ngx_uint_t             ngx_worker;

void ngx_shmtx_lock(ngx_shmtx_t *mtx) { }
void ngx_shmtx_unlock(ngx_shmtx_t *mtx) { }
int64_t ngx_http_task_now(void) { return 1; }

void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
}


static void
store(uint64_t *p, uint64_t n)
{
    int  now;

    now = (++stores == die_at);

    if (now && !die_after) {
        _exit(1);
    }

    __atomic_store_n(p, n, __ATOMIC_RELEASE);

    if (now) {
        _exit(1);
    }
}


static void
make(void)
{
    u_char                      *p;
    ngx_uint_t                   i;
    pthread_mutexattr_t          attr;
    ngx_http_task_slot_t        *slot;
    ngx_http_task_series_t      *series;
    ngx_http_task_generation_t  *g;

    memset(shared, 0, sizeof(shared_t));
    memset(&zone, 0, sizeof(zone));

    p = shared->memory;

    g = (ngx_http_task_generation_t *) p;
    p += sizeof(*g) + SERIES * sizeof(void *);
    p = ngx_align_ptr(p, 128);

    for (i = 0; i < SERIES; i++) {
        series = (ngx_http_task_series_t *) p;
        p += sizeof(*series);
        series->total[0] = (uint64_t *) p;
        series->total[1] = series->total[0] + COUNTERS;
        p += 2 * COUNTERS * sizeof(uint64_t);
        g->series[i] = series;
    }

    p = ngx_align_ptr(p, 128);

    g->nseries = SERIES;
    g->nslots = 1;
    g->slots = p;
    g->slot_size = sizeof(*slot) + SERIES * COUNTERS * sizeof(uint64_t);

    slot = ngx_http_task_zone_slot(g, 0);

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&slot->alive, &attr);

    shared->generation = g;

    zone.sh = &shared->sh;
    zone.shpool = &shared->shpool;
    zone.generation = g;
    zone.ncounters = COUNTERS;
}


/* a process that runs fn() and ends; whether it came to its end */

static int
child(void (*fn)(void))
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        fn();
        _exit(0);
    }

    waitpid(pid, &status, 0);

    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}


/* series i: 10 + i started, 4 begun, 3 done, 1 cancelled that never began */

static void
worker(void)
{
    ngx_uint_t             i;
    uint64_t              *cell;
    ngx_http_task_slot_t  *slot;

    ngx_http_task_slot_enter(&zone, NULL);

    slot = ngx_http_task_zone_slot(zone.generation, 0);

    for (i = 0; i < SERIES; i++) {
        cell = slot->cells + i * COUNTERS;
        cell[NGX_HTTP_TASK_COUNT_STARTED] = 10 + i;
        cell[NGX_HTTP_TASK_COUNT_BEGUN] = 4;
        cell[NGX_HTTP_TASK_COUNT_SKIPPED] = 1;
        cell[NGX_HTTP_TASK_COUNT_DONE] = 3;
        cell[NGX_HTTP_TASK_COUNT_CANCELLED] = 1;
    }
}


static void
sweep(void)
{
    (void) ngx_http_task_slots_sweep(&zone, zone.generation);
}


static int
is_wrong(ngx_uint_t times)
{
    uint64_t                *n;
    ngx_uint_t               i;
    ngx_http_task_series_t  *series;

    for (i = 0; i < SERIES; i++) {
        series = zone.generation->series[i];
        n = series->total[series->state & 1];

        if (n[NGX_HTTP_TASK_COUNT_STARTED] != times * (10 + i)
            || n[NGX_HTTP_TASK_COUNT_BEGUN] != times * 4
            || n[NGX_HTTP_TASK_COUNT_SKIPPED] != times * (6 + i)
            || n[NGX_HTTP_TASK_COUNT_DONE] != times * 3
            || n[NGX_HTTP_TASK_COUNT_CANCELLED] != times
            || n[NGX_HTTP_TASK_COUNT_LOST] != times * (6 + i))
        {
            return 1;
        }
    }

    return 0;
}


int
main(void)
{
    int  n, wrong, killed;

    shared = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    for (die_after = 0; die_after <= 1; die_after++) {

        for (n = 1, killed = 1; killed; n++) {
            make();

            /* one that is swept, one whose sweeper dies, one more */

            die_at = 0;
            wrong = !child(worker) || !child(sweep) || is_wrong(1);

            wrong |= !child(worker);

            die_at = n;
            killed = !child(sweep);

            die_at = 0;
            wrong |= !child(sweep) || is_wrong(2);
            wrong |= !child(worker) || !child(sweep) || is_wrong(3);

            printf("%s %d %s store %d\n", wrong ? "not ok" : "ok",
                   die_after * 100 + n, die_after ? "after" : "before", n);
        }
    }

    return 0;
}
