
/*
 * A copy of a zone that is made step by step: a location at a time, whose
 * numbers are of one moment, while workers count, leave, are killed, and a
 * configuration is read in between.  With the module's real files.
 */


#include "stats/ngx_http_task_stats.h"

#include "stats/ngx_http_task_zone.c"
#include "stats/ngx_http_task_slot.c"
#include "stats/ngx_http_task_seen.c"

#include "check.h"
#include "log.h"

#include <sys/mman.h>
#include <sys/wait.h>


#define SIZE   (1024 * 1024)
#define SLOTS  3
#define MANY   50


static u_char                 *memory;
static size_t                  used;
static ngx_http_task_zone_t    zone, others[SLOTS];
static ngx_http_task_stats_t   stats[MANY], *known[MANY];
static ngx_shm_zone_t          shm_zone;
static ngx_core_conf_t         ccf;
static void                   *conf[1];
static ngx_cycle_t             cycle;
static ngx_log_t               nolog;
static ngx_http_task_seen_t    seen;


/* symbols of the rest of nginx and the module; what is freed is overwritten */

volatile ngx_cycle_t  *ngx_cycle;
ngx_pid_t              ngx_pid;
ngx_uint_t             ngx_worker;
ngx_uint_t             ngx_pagesize = 4096;
ngx_module_t           ngx_core_module;
ngx_module_t           ngx_http_task_module;

int64_t ngx_http_task_now(void) { return 1; }
void ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *p) { }
void *ngx_pcalloc(ngx_pool_t *pool, size_t n) { return calloc(1, n); }
void *ngx_palloc(ngx_pool_t *pool, size_t n) { return malloc(n); }
void *ngx_pnalloc(ngx_pool_t *pool, size_t n) { return malloc(n); }


void *
ngx_http_task_arena_alloc(ngx_http_task_arena_t *arena, size_t n)
{
    return malloc(n);
}


void *
ngx_array_push(ngx_array_t *a)
{
    if (a->nelts == a->nalloc) {
        a->nalloc = 2 * a->nalloc + 8;
        a->elts = realloc(a->elts, a->nalloc * a->size);
    }

    return (u_char *) a->elts + a->nelts++ * a->size;
}


void
ngx_slab_free_locked(ngx_slab_pool_t *pool, void *p)
{
    memset(p, 0x5a, *((size_t *) p - 1));
}


void *
ngx_slab_calloc_locked(ngx_slab_pool_t *pool, size_t n)
{
    size_t  *p;

    p = (size_t *) (memory + used + 128) - 1;
    used += 128 + ngx_align(n, 128);
    *p = n;

    return (used <= SIZE) ? p + 1 : NULL;
}


void *
ngx_slab_calloc(ngx_slab_pool_t *pool, size_t n)
{
    return ngx_slab_calloc_locked(pool, n);
}


ngx_int_t
ngx_http_task_shm_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t  attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);

    return pthread_mutex_init(mutex, &attr) ? NGX_ERROR : NGX_OK;
}


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    return NULL;
}


void
ngx_log_error_core(LOG_ENTRY)
{
}


/* --- the zone ------------------------------------------------------------- */

static void
is(ngx_uint_t got, ngx_uint_t right, const char *what)
{
    if (!check(got == right, "seen", what, strlen(what))) {
        printf("# got %lu, not %lu\n", (unsigned long) got,
               (unsigned long) right);
    }
}


/* reads a configuration with these locations, of which "first" is the first */

static void
configure(ngx_uint_t first, ngx_uint_t n, void *old)
{
    ngx_uint_t  i;

    static char  names[MANY][sizeof("\0/00\0sleep\0async")];

    for (i = 0; i < n; i++) {
        memcpy(names[first + i], "\0/00\0sleep\0async",
               sizeof("\0/00\0sleep\0async"));
        names[first + i][2] = '0' + (first + i) / 10;
        names[first + i][3] = '0' + (first + i) % 10;

        stats[i].zone = &zone;
        stats[i].name.data = (u_char *) names[first + i];
        stats[i].name.len = sizeof(names[0]);
        known[i] = &stats[i];
    }

    memset(&zone, 0, sizeof(zone));

    zone.nbuckets = 2;
    zone.ncounters = NGX_HTTP_TASK_COUNTS + 2 * (zone.nbuckets + 2);
    zone.stats.elts = known;
    zone.stats.nelts = n;
    zone.cycle = &cycle;
    zone.shm_zone = &shm_zone;

    ccf.worker_processes = SLOTS;
    shm_zone.data = &zone;
    shm_zone.shm.addr = memory;
    shm_zone.shm.log = &nolog;

    if (ngx_http_task_zone_init(&shm_zone, old) != NGX_OK) {
        printf("no zone\n");
        exit(1);
    }
}


/* a worker; each of them is this process */

static void
enter(ngx_uint_t worker)
{
    others[worker] = zone;
    others[worker].slot = NULL;

    (void) ngx_http_task_slot_enter(&others[worker]);
}


/* so many that are killed, all alive at first */

static void
die(ngx_uint_t n)
{
    pid_t  pid;

    if (n == 0) {
        return;
    }

    pid = fork();

    if (pid == 0) {
        enter(0);
        die(n - 1);
        _exit(0);
    }

    (void) waitpid(pid, NULL, 0);
}


/* a task of the location begins in the worker, or ends */

static void
count(ngx_uint_t worker, ngx_uint_t location, ngx_http_task_count_e what)
{
    uint64_t  *cell;

    cell = others[worker].slot->cells + (location + 1) * zone.ncounters;

    ngx_http_task_zone_add(&cell[what], 1);
}


static void
begin(ngx_uint_t locations)
{
    memory = mmap(NULL, SIZE, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);
    used = sizeof(ngx_slab_pool_t);

    configure(0, locations, NULL);

    (void) ngx_http_task_see_init(&seen, &zone, NULL, NULL);
}


/* the rest of the copy; returns in how many parts, the last of which is none */

static ngx_uint_t
rest(void)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    for (n = 0, rc = NGX_AGAIN; rc == NGX_AGAIN && n < 1000; n++) {
        rc = ngx_http_task_see(&seen);

        if (pthread_mutex_trylock(&zone.sh->mutex) == 0) {
            (void) pthread_mutex_unlock(&zone.sh->mutex);

        } else {
            is(1, 0, "the mutex is held between two parts");
        }
    }

    return n;
}


static void
parts(ngx_uint_t n)
{
    while (n--) {
        (void) ngx_http_task_see(&seen);
    }
}


static ngx_http_task_seen_series_t *
series(ngx_uint_t location)
{
    return (ngx_http_task_seen_series_t *) seen.series.elts + 1 + location;
}


static ngx_uint_t
wrong(ngx_uint_t first, ngx_uint_t n, uint64_t started, uint64_t running)
{
    ngx_uint_t                    i, bad;
    ngx_http_task_seen_series_t  *s;

    for (i = first, bad = 0; i < n; i++) {
        s = series(i);

        bad += (s->counters[NGX_HTTP_TASK_COUNT_ACCEPTED] != started
                || s->running + s->waiting != running);
    }

    return bad;
}


/* -------------------------------------------------------------------------- */

static void
test_parts(void)
{
    ngx_uint_t                    i;
    ngx_http_task_seen_worker_t  *worker;

    begin(MANY);
    enter(0);
    enter(1);

    for (i = 0; i < MANY; i++) {
        count(0, i, NGX_HTTP_TASK_COUNT_ACCEPTED);
        count(1, i, NGX_HTTP_TASK_COUNT_ACCEPTED);
        count(1, i, NGX_HTTP_TASK_COUNT_DONE);
    }

    /* a list, the loop's series, ten locations */

    parts(12);

    for (i = 0; i < MANY; i++) {
        count(0, i, NGX_HTTP_TASK_COUNT_DONE);
        count(0, i, NGX_HTTP_TASK_COUNT_ACCEPTED);
        count(0, i, NGX_HTTP_TASK_COUNT_ACCEPTED);
    }

    is(rest(), MANY - 10 + 1, "parts: one for each location");
    is(seen.series.nelts, MANY + 1, "parts: all of them");
    is(wrong(0, 10, 2, 1), 0, "parts: a location is of its moment");
    is(wrong(10, MANY, 4, 2), 0, "parts: which may be a later one");

    worker = seen.workers.elts;
    is(seen.workers.nelts, 2, "parts: the workers");
    is(worker[0].running + worker[0].waiting, 10 + 2 * (MANY - 10),
       "parts: their tasks are those of the locations");
    is(ngx_http_task_see(&seen), NGX_OK, "parts: there are no more");
}


/* numbers of one that leaves are in the total, those of a new one are not */

static void
test_workers(void)
{
    ngx_uint_t  i;

    begin(MANY);
    enter(0);
    enter(1);

    for (i = 0; i < MANY; i++) {
        count(1, i, NGX_HTTP_TASK_COUNT_ACCEPTED);
        count(1, i, NGX_HTTP_TASK_COUNT_DONE);
    }

    parts(12);
    ngx_http_task_slot_leave(&others[1]);
    parts(10);
    enter(1);

    (void) rest();
    is(wrong(0, MANY, 1, 0), 0, "workers: one that leaves counts once");
    is(seen.workers.nelts, 2, "workers: is listed as it was");
}


static void
test_reload(void)
{
    static ngx_http_task_zone_t  old, older;

    begin(10);
    enter(0);
    count(0, 9, NGX_HTTP_TASK_COUNT_ACCEPTED);
    parts(5);

    /* two of them: what nobody uses any more is freed by the second */

    ngx_http_task_slot_leave(&others[0]);
    older = zone;
    configure(10, 20, &older);
    old = zone;
    configure(30, 20, &old);
    enter(0);
    count(0, 3, NGX_HTTP_TASK_COUNT_ACCEPTED);

    /* the request still has the zone as it was */

    is(rest(), 1 + 1 + 20 + 1, "reload: all of it again");
    is(seen.series.nelts, 21, "reload: as it is now");
    is(seen.workers.nelts, 1, "reload: its worker");
    is(wrong(3, 4, 1, 1), 0, "reload: its numbers");
    is(series(0)->labels[NGX_HTTP_TASK_LABEL_LOCATION].data[1], '3',
       "reload: its names");
}


static void
test_dead(void)
{
    begin(MANY);
    enter(1);
    die(2);

    is(rest(), 2 + 1 + 1 + MANY + 1, "dead: a part for each");
    is(seen.workers.nelts, 1, "dead: who is alive");
}


int
main(void)
{
    conf[0] = &ccf;
    cycle.conf_ctx = (void ****) conf;
    cycle.log = &nolog;
    ngx_cycle = &cycle;

    test_parts();
    test_workers();
    test_reload();
    test_dead();

    return 0;
}
