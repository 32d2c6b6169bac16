
/*
 * A worker, or the master, is killed after each store that it makes to a zone
 * of numbers, in each operation: whatever happens, those that live on can walk
 * all of it, and no task is counted twice or not at all.  With the module's
 * real files.
 */


#include "stats/ngx_http_task_stats.h"

#include "stats/ngx_http_task_zone.c"
#include "stats/ngx_http_task_slot.c"

#include "log.h"
#include "steps.h"


#define SIZE   65536
#define SLOTS  3


/* shared, and not what is copied */

typedef struct {
    size_t    used;                /* of what the slab allocator gives */
    uint64_t  started[4];          /* by the series */
} notes_t;


typedef struct {
    const char  *name;
    void       (*prepare)(void);
    void       (*setup)(void);
    void       (*op)(void);
} case_t;


static u_char                 *memory;
static notes_t                *notes;
static ngx_http_task_zone_t    zone, old;
static ngx_http_task_stats_t   stats[3];
static ngx_shm_zone_t          shm_zone, old_shm_zone;
static ngx_cycle_t             cycle;
static ngx_log_t               nolog;


/* symbols of the rest of nginx and the module */

volatile ngx_cycle_t  *ngx_cycle;
ngx_pid_t              ngx_pid;
ngx_uint_t             ngx_worker;
ngx_uint_t             ngx_pagesize = 4096;
ngx_module_t           ngx_core_module;
ngx_module_t           ngx_http_task_module;

int64_t ngx_http_task_now(void) { return 1; }
void ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *p) { }
void ngx_slab_free_locked(ngx_slab_pool_t *pool, void *p) { }
void *ngx_pcalloc(ngx_pool_t *pool, size_t n) { return NULL; }
void *ngx_array_push(ngx_array_t *a) { return NULL; }
void *ngx_palloc(ngx_pool_t *pool, size_t n) { return NULL; }


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


void *
ngx_slab_calloc_locked(ngx_slab_pool_t *pool, size_t n)
{
    void  *p;

    p = memory + notes->used;
    notes->used += ngx_align(n, 128);

    return (notes->used <= SIZE) ? p : NULL;
}


void *
ngx_slab_calloc(ngx_slab_pool_t *pool, size_t n)
{
    return ngx_slab_calloc_locked(pool, n);
}


/* --- the zone ------------------------------------------------------------- */

static void
configure(ngx_http_task_zone_t *z, ngx_shm_zone_t *shm, ngx_uint_t n)
{
    static ngx_http_task_stats_t  *known[3];
    static ngx_core_conf_t         ccf;
    static void                   *conf[1];

    memset(z, 0, sizeof(*z));

    ccf.worker_processes = SLOTS;
    conf[0] = &ccf;
    cycle.conf_ctx = (void ****) conf;
    ngx_core_module.index = 0;

    known[0] = &stats[0];
    known[1] = &stats[1];
    known[2] = &stats[2];

    ngx_str_set(&stats[0].name, "one");
    ngx_str_set(&stats[1].name, "two");
    ngx_str_set(&stats[2].name, "three");

    z->shm_zone = shm;
    z->cycle = &cycle;
    z->nbuckets = 2;
    z->buckets[0] = 10;
    z->buckets[1] = 20;
    z->ncounters = NGX_HTTP_TASK_COUNTS + 2 * (z->nbuckets + 2);
    z->stats.elts = known;
    z->stats.nelts = n;

    shm->shm.addr = memory;
    shm->data = z;
    shm->shm.log = &nolog;
}


/* as the master does it: the first configuration has two locations */

static void
make(void)
{
    memset(memory, 0, SIZE);
    memset(notes, 0, sizeof(notes_t));

    notes->used = ngx_align(sizeof(ngx_slab_pool_t), 128);

    configure(&zone, &shm_zone, 2);
}


static void
op_format(void)
{
    (void) ngx_http_task_zone_init(&shm_zone, NULL);
}


static ngx_http_task_zone_sh_t *
shared(void)
{
    return ((ngx_slab_pool_t *) memory)->data;
}


static pthread_mutex_t *
mutexes(unsigned i)
{
    ngx_uint_t                   n;
    ngx_queue_t                 *q;
    ngx_http_task_slot_t        *slot;
    ngx_http_task_generation_t  *g;

    if (shared() == NULL) {
        return NULL;
    }

    if (i-- == 0) {
        return &shared()->mutex;
    }

    for (q = ngx_queue_head(&shared()->alive);
         q && q != ngx_queue_sentinel(&shared()->alive);
         q = ngx_queue_next(q))
    {
        g = ngx_queue_data(q, ngx_http_task_generation_t, queue);

        for (n = 0; n < g->nslots; n++) {
            if (i-- == 0) {
                slot = ngx_http_task_zone_slot(g, n);
                return &slot->alive;
            }
        }
    }

    return NULL;
}


/* --- workers -------------------------------------------------------------- */

/* series i: 10 + i started, 4 begun, 3 done */

static void
work(void)
{
    uint64_t    *cell;
    ngx_uint_t   i;

    zone.slot = NULL;

    if (ngx_http_task_slot_enter(&zone) != NGX_OK) {
        _exit(2);
    }

    for (i = 0; i < zone.stats.nelts + 1; i++) {
        cell = zone.slot->cells + i * zone.ncounters;
        cell[NGX_HTTP_TASK_COUNT_ACCEPTED] = 10 + i;
        cell[NGX_HTTP_TASK_COUNT_BEGUN] = 4;
        cell[NGX_HTTP_TASK_COUNT_DONE] = 3;
        cell[NGX_HTTP_TASK_COUNTS] = 7;
        notes->started[i] += 10 + i;
    }
}


static void
dead(void)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        work();
        (void) kill(getpid(), SIGKILL);
    }

    waitpid(pid, &status, 0);
}


static void empty(void) { op_format(); }
static void one(void) { op_format(); work(); }
static void one_and_dead(void) { one(); dead(); }
static void two_dead(void) { op_format(); dead(); dead(); }
static void none(void) { zone.slot = NULL; }


/* a reload: another location, the generation of before may be gone */

static void
reloaded(void)
{
    old = zone;
    old.shm_zone = &old_shm_zone;
    old_shm_zone = shm_zone;

    configure(&zone, &shm_zone, 3);
}


static void
op_reload(void)
{
    (void) ngx_http_task_zone_init(&shm_zone, &old);
}


static void
op_enter(void)
{
    (void) ngx_http_task_slot_enter(&zone);
}


static void op_leave(void) { ngx_http_task_slot_leave(&zone); }


static void
op_sweep(void)
{
    ngx_queue_t                 *q;
    ngx_http_task_generation_t  *g;

    ngx_http_task_slot_lock(&zone);

    for (q = ngx_queue_head(&zone.sh->alive);
         q != ngx_queue_sentinel(&zone.sh->alive);
         q = ngx_queue_next(q))
    {
        g = ngx_queue_data(q, ngx_http_task_generation_t, queue);
        (void) ngx_http_task_slots_sweep(&zone, g);
    }

    ngx_http_task_slot_unlock(&zone);
}


/* --- those that live on --------------------------------------------------- */

static int
judge_totals(ngx_http_task_series_t *series, ngx_uint_t i)
{
    uint64_t                    *c, started, ended, n;
    ngx_uint_t                   k, j, s;
    ngx_queue_t                 *q;
    ngx_http_task_slot_t        *slot;
    ngx_http_task_generation_t  *g;

    c = series->total[series->state & 1];
    started = c[NGX_HTTP_TASK_COUNT_ACCEPTED];
    ended = 0;
    n = c[NGX_HTTP_TASK_COUNTS];

    for (j = NGX_HTTP_TASK_COUNT_DONE; j < NGX_HTTP_TASK_COUNTS; j++) {
        ended += c[j];
    }

    if (started != ended
        || c[NGX_HTTP_TASK_COUNT_SKIPPED]
           != started - c[NGX_HTTP_TASK_COUNT_BEGUN])
    {
        return 11;
    }

    for (q = ngx_queue_head(&zone.sh->alive);
         q != ngx_queue_sentinel(&zone.sh->alive);
         q = ngx_queue_next(q))
    {
        g = ngx_queue_data(q, ngx_http_task_generation_t, queue);

        for (k = 0; k < g->nslots; k++) {
            slot = ngx_http_task_zone_slot(g, k);

            for (s = 0; slot->incarnation && s < g->nseries; s++) {
                if (g->series[s] == series) {
                    started += slot->cells[s * zone.ncounters];
                    n += slot->cells[s * zone.ncounters + NGX_HTTP_TASK_COUNTS];
                }
            }
        }
    }

    if (started != notes->started[i] || n != started / (10 + i) * 7) {
        return 12;
    }

    return 0;
}


static int
judge_zone(void)
{
    int                          rc;
    ngx_uint_t                   n, i;
    ngx_queue_t                 *q;
    ngx_http_task_series_t      *series;
    ngx_http_task_generation_t  *g;

    n = 0;

    for (q = ngx_queue_head(&zone.sh->alive);
         q != ngx_queue_sentinel(&zone.sh->alive);
         q = ngx_queue_next(q))
    {
        g = ngx_queue_data(q, ngx_http_task_generation_t, queue);

        if (n++ > 3 || g->nslots != SLOTS || g->nseries < 3) {
            return 13;
        }

        for (i = 0; i < g->nseries; i++) {
            if (g->series[i] == NULL) {
                return 14;
            }
        }
    }

    n = 0;

    for (q = ngx_queue_head(&zone.sh->series);
         q != ngx_queue_sentinel(&zone.sh->series);
         q = ngx_queue_next(q))
    {
        series = ngx_queue_data(q, ngx_http_task_series_t, queue);

        if (n > 3) {
            return 15;
        }

        rc = judge_totals(series, n++);
        if (rc) {
            return rc;
        }
    }

    return 0;
}


/* the master may be killed before there is a zone: then there are no workers */

static int
judge(int done)
{
    int  rc;

    zone.sh = shared();

    if (zone.sh == NULL || ngx_queue_empty(&zone.sh->alive)) {
        return done ? 16 : 0;
    }

    zone.slot = NULL;
    zone.generation = 1;

    op_sweep();

    rc = judge_zone();

    /* a worker of this configuration is started again, and ends */

    if (rc == 0 && ngx_http_task_slot_enter(&zone) != NGX_OK) {
        rc = 17;
    }

    rc = rc ? rc : judge_zone();

    ngx_http_task_slot_leave(&zone);

    op_sweep();

    return rc ? rc : judge_zone();
}


static case_t  cases[] = {
    { "the master makes a zone", make, none, op_format },
    { "a worker enters", empty, none, op_enter },
    { "a worker enters beside one", one, none, op_enter },
    { "a worker enters after a dead one", one_and_dead, none, op_enter },
    { "a worker leaves", one, work, op_leave },
    { "a worker leaves after a dead one", one_and_dead, work, op_leave },
    { "a worker sweeps", one_and_dead, none, op_sweep },
    { "a worker sweeps two", two_dead, none, op_sweep },
    { "a reload", one, reloaded, op_reload },
    { "a reload after a dead worker", one_and_dead, reloaded, op_reload },
    { "a reload after all are dead", two_dead, reloaded, op_reload },
    { NULL, NULL, NULL, NULL }
};


int
main(void)
{
    case_t    *c;
    steps_t    s;
    unsigned   total;

    cycle.log = &nolog;
    ngx_cycle = &cycle;

    setvbuf(stdout, NULL, _IONBF, 0);

    memory = mmap(NULL, SIZE, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);
    notes = mmap(NULL, sizeof(notes_t), PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    total = 0;

    for (c = cases; c->name; c++) {
        make();
        c->prepare();

        memset(&s, 0, sizeof(s));

        s.memory = memory;
        s.size = SIZE;
        s.mutex = mutexes;
        s.setup = c->setup;
        s.op = c->op;
        s.judge = judge;
        s.every = 1;

        steps_run(&s);

        total += s.kills;

        printf("%s %d %s, %u kills\n", s.wrong || s.kills < 2 ? "not ok" : "ok",
               (int) (c - cases) + 1, c->name, s.kills);

        if (zone.slot) {
            (void) pthread_mutex_unlock(&zone.slot->alive);
        }
    }

    printf("# %u kills\n", total);

    return 0;
}
