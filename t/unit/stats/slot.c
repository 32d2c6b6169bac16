
/*
 * A sweeper of a dead worker's slot is killed before, or after, each store that
 * makes something count, and the next sweeper goes on: whatever happens, the
 * totals get the dead worker's cells once.  With the module's real file.
 */


#include "stats/ngx_http_task_stats.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>


static int store(void);


#undef ngx_http_task_atomic_set
#define ngx_http_task_atomic_set(p, v)                                        \
    do {                                                                      \
        int  last = store();                                                  \
        __atomic_store_n(p, v, __ATOMIC_RELEASE);                             \
        if (last) {                                                           \
            _exit(1);                                                         \
        }                                                                     \
    } while (0)

#include "stats/ngx_http_task_slot.c"


#define SERIES    3
#define SLOTS     2
#define COUNTERS  NGX_HTTP_TASK_COUNTS


typedef struct {
    ngx_http_task_zone_sh_t      sh;
    ngx_http_task_generation_t  *generation;
    u_char                       memory[16384];
} shared_t;


static shared_t              *shared;
static ngx_http_task_zone_t   zone;
static int                    stores, die_at, die_after, n;


/* symbols of the rest of nginx and the module; here nobody else is alive */

volatile ngx_cycle_t  *ngx_cycle;
ngx_pid_t              ngx_pid;
ngx_uint_t             ngx_worker;

int64_t ngx_http_task_now(void) { return 1; }
ngx_module_t ngx_core_module;


/* whether to die behind this store */

static int
store(void)
{
    if (++stores != die_at) {
        return 0;
    }

    if (!die_after) {
        _exit(1);
    }

    return 1;
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

    g->number = 1;
    g->nseries = SERIES;
    g->nslots = SLOTS;
    g->slots = p;
    g->slot_size = ngx_align(sizeof(*slot)
                             + SERIES * COUNTERS * sizeof(uint64_t), 128);

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->sh.mutex, &attr);

    for (i = 0; i < SLOTS; i++) {
        slot = ngx_http_task_zone_slot(g, i);
        slot->generation = g;
        pthread_mutex_init(&slot->alive, &attr);
    }

    shared->generation = g;

    ngx_queue_init(&shared->sh.alive);
    ngx_queue_insert_tail(&shared->sh.alive, &g->queue);

    zone.sh = &shared->sh;
    zone.generation = 1;
    zone.ncounters = COUNTERS;
}


/* a process that runs fn() and ends; how it did */

static int
status_of(void (*fn)(void))
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        fn();
        _exit(0);
    }

    waitpid(pid, &status, 0);

    return WEXITSTATUS(status);
}


static int
child(void (*fn)(void))
{
    return status_of(fn) == 0;
}


/* series i: 10 + i started, 4 begun, 3 done, 1 cancelled that never began */

static void
worker(void)
{
    ngx_uint_t             i;
    uint64_t              *cell;
    ngx_http_task_slot_t  *slot;

    if (ngx_http_task_slot_enter(&zone) != NGX_OK) {
        _exit(2);
    }

    slot = zone.slot;

    for (i = 0; i < SERIES; i++) {
        cell = slot->cells + i * COUNTERS;
        cell[NGX_HTTP_TASK_COUNT_ACCEPTED] = 10 + i;
        cell[NGX_HTTP_TASK_COUNT_BEGUN] = 4;
        cell[NGX_HTTP_TASK_COUNT_SKIPPED] = 1;
        cell[NGX_HTTP_TASK_COUNT_DONE] = 3;
        cell[NGX_HTTP_TASK_COUNT_CANCELLED] = 1;
    }
}


static void
sweep(void)
{
    ngx_http_task_slot_lock(&zone);

    (void) ngx_http_task_slots_sweep(&zone, shared->generation);

    ngx_http_task_slot_unlock(&zone);
}


/* one that lives in the first slot while the second one's dies, and is swept */

static void
leave(void)
{
    int  killed;

    worker();

    if (!child(worker)) {
        _exit(2);
    }

    die_at = n;
    killed = !child(sweep);
    die_at = 0;

    /* it adds its own cells while those of the other are half done */

    ngx_http_task_slot_leave(&zone);

    _exit(killed ? 3 : 0);
}


static int
is_wrong(ngx_uint_t times)
{
    uint64_t                *c;
    ngx_uint_t               i;
    ngx_http_task_series_t  *series;

    for (i = 0; i < SERIES; i++) {
        series = shared->generation->series[i];
        c = series->total[series->state & 1];

        if (c[NGX_HTTP_TASK_COUNT_ACCEPTED] != times * (10 + i)
            || c[NGX_HTTP_TASK_COUNT_BEGUN] != times * 4
            || c[NGX_HTTP_TASK_COUNT_SKIPPED] != times * (6 + i)
            || c[NGX_HTTP_TASK_COUNT_DONE] != times * 3
            || c[NGX_HTTP_TASK_COUNT_CANCELLED] != times
            || c[NGX_HTTP_TASK_COUNT_LOST] != times * (6 + i))
        {
            return 1;
        }
    }

    return 0;
}


int
main(void)
{
    int  wrong, killed, status;
    static ngx_cycle_t      cycle;
    static ngx_core_conf_t  ccf;
    static void            *conf[1];

    conf[0] = &ccf;
    cycle.conf_ctx = (void ****) conf;
    ngx_cycle = &cycle;

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

            /* two slots at a time */

            status = status_of(leave);
            wrong |= (status != 0 && status != 3);
            wrong |= !child(sweep) || is_wrong(5);

            printf("%s %d %s store %d\n", wrong ? "not ok" : "ok",
                   die_after * 100 + n, die_after ? "after" : "before", n);
        }
    }

    return 0;
}
