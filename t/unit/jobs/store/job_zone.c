
/*
 * A worker is killed after each store that it makes to a zone of jobs, in each
 * operation, and the next process goes on: whatever happens, each block is in
 * one result, in the events of one job, or free, each list ends, each count is
 * right, and no job has another one's result, or lacks an event.  With the
 * module's real files.
 */


#include "jobs/store/ngx_http_task_job_zone.h"

#include "jobs/store/ngx_http_task_job_table.c"
#include "jobs/store/ngx_http_task_job_rebuild.c"
#include "jobs/store/ngx_http_task_job_block.c"
#include "jobs/store/ngx_http_task_job_events.c"
#include "jobs/store/ngx_http_task_job_event_add.c"
#include "jobs/store/ngx_http_task_job_keep.c"
#include "jobs/store/ngx_http_task_job_owner.c"
#include "jobs/store/ngx_http_task_job_room.c"
#include "jobs/store/ngx_http_task_job_progress.c"
#include "jobs/store/ngx_http_task_job_zone.c"
#include "jobs/store/ngx_http_task_job_see.c"
#include "jobs/store/ngx_http_task_job_shm.c"
#include "jobs/store/ngx_http_task_job_counts.c"

#include "steps.h"


#define SIZE     49152
#define KNOWN    64
#define BLOCK    (NGX_HTTP_TASK_JOB_BLOCK - 2 * sizeof(uint32_t))
#define EVENTS   700             /* bytes of a job */


/* what the test knows of a job: its id, and what its result has to be */

typedef struct {
    u_char               id[NGX_HTTP_TASK_JOB_ID];
    ngx_http_task_record_t *job;
    char                 fill;
    size_t               length;
    int                  events;     /* were added, for sure */
    int                  ended;      /* before the operation */
    int                  may_go;     /* the operation may drop it */
} known_t;


/* shared, and not what is copied */

typedef struct {
    int64_t              now;        /* milliseconds */
    int                  n;
    known_t              known[KNOWN];
    int                  mine;       /* the job of the operation, or -1 */
} notes_t;


typedef struct {
    const char          *name;
    void               (*prepare)(void);
    void               (*setup)(void);
    void               (*op)(void);
} case_t;


static u_char                   *memory;
static notes_t                  *notes;
static ngx_http_task_store_t     store;
static ngx_http_task_job_zone_t  zone;
static ngx_log_t                 nolog;
static int                       alerts;


/* symbols of the rest of nginx and the module */

volatile ngx_cycle_t  *ngx_cycle;
ngx_uint_t             ngx_pagesize = 4096;
ngx_module_t           ngx_http_task_core_module;

int64_t ngx_http_task_now(void) { return notes->now * 1000000; }
void *ngx_calloc(size_t n, ngx_log_t *log) { return calloc(1, n); }
void *ngx_pnalloc(ngx_pool_t *pool, size_t n) { return malloc(n); }
void *ngx_slab_alloc(ngx_slab_pool_t *pool, size_t n) { return NULL; }


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    return NULL;
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    alerts += (level <= NGX_LOG_ALERT);
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


static pthread_mutex_t *
mutexes(unsigned i)
{
    if (i == 0) {
        return &zone.sh->mutex;
    }

    return (i <= NGX_HTTP_TASK_JOB_OWNERS) ? &zone.sh->owners[i - 1].alive
                                           : NULL;
}


/* --- the check of a whole zone; the line of what is wrong, or 0 ----------- */

#define wrong_if(condition)  if (condition) { return __LINE__ % 90 + 1; }


static int
check_blocks(ngx_http_task_job_sh_t *sh)
{
    uint32_t              i, n, used;
    u_char                seen[SIZE / NGX_HTTP_TASK_JOB_BLOCK];
    ngx_http_task_record_t  *job;

    memset(seen, 0, sizeof(seen));

    for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {

        if (job->state == NGX_HTTP_TASK_JOB_FREE) {
            continue;
        }

        n = ngx_http_task_job_events_blocks(job);

        for (i = ngx_http_task_job_events(job)->first; n; n--) {
            wrong_if(i >= sh->used_blocks);
            wrong_if(seen[i]++);
            wrong_if(sh->blocks[i].job
                     != ((job - sh->jobs) | NGX_HTTP_TASK_JOB_EVENTS));

            if (n == 1) {
                wrong_if(i != ngx_http_task_job_events(job)->last);
            }

            i = sh->blocks[i].next;
        }

        if (job->state < NGX_HTTP_TASK_JOB_DONE) {
            continue;
        }

        n = ngx_http_task_job_blocks(job->length);

        for (i = job->block; n; n--, i = sh->blocks[i].next) {
            wrong_if(i >= sh->used_blocks);
            wrong_if(seen[i]++);
            wrong_if(sh->blocks[i].job != job - sh->jobs);
        }

        wrong_if(i != NGX_HTTP_TASK_JOB_NONE);
    }

    n = 0;

    for (i = sh->free_block; i != NGX_HTTP_TASK_JOB_NONE;
         i = sh->blocks[i].next)
    {
        wrong_if(i >= sh->used_blocks);
        wrong_if(seen[i]++);
        wrong_if(sh->blocks[i].job != NGX_HTTP_TASK_JOB_NONE);
        n++;
    }

    wrong_if(n != sh->free_blocks);

    for (i = 0, used = 0; i < sh->used_blocks; i++) {
        used += seen[i];
    }

    wrong_if(used != sh->used_blocks);
    wrong_if(sh->used_blocks > sh->nblocks);

    return 0;
}


/* how many jobs are in the list; -1: it is broken */

static int
check_list(ngx_http_task_job_sh_t *sh, ngx_http_task_job_list_t *list,
    u_char *seen, int sorted)
{
    int                   n;
    uint32_t              i, older;
    ngx_http_task_record_t  *job;

    n = 0;
    older = NGX_HTTP_TASK_JOB_NONE;

    for (i = list->oldest; i != NGX_HTTP_TASK_JOB_NONE; i = job->newer) {

        if (i >= sh->used_jobs || seen[i]++) {
            return -1;
        }

        job = &sh->jobs[i];

        if (job->older != older
            || (sorted && n && job->since < sh->jobs[older].since))
        {
            return -1;
        }

        older = i;
        n++;
    }

    return (list->newest == older) ? n : -1;
}


static int
check_lists(ngx_http_task_job_sh_t *sh)
{
    int                         n;
    u_char                      seen[SIZE / 256];
    uint32_t                    i, kept, before;
    ngx_uint_t                  k, jobs;
    ngx_http_task_record_t        *job;

    memset(seen, 0, sizeof(seen));

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        n = check_list(sh, &sh->owners[i].list, seen, 0);
        wrong_if(n < 0);

        jobs = 0;

        for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {
            jobs += (job->owner == i && job->state > NGX_HTTP_TASK_JOB_FREE
                     && job->state < NGX_HTTP_TASK_JOB_DONE);
        }

        wrong_if(jobs != sh->owners[i].jobs || jobs > (ngx_uint_t) n);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_SHARES; i++) {

        for (k = 0; k < 2; k++) {
            wrong_if(check_list(sh, &sh->shares[i].ended[k], seen, 1) < 0);
        }

        jobs = 0;

        for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {
            jobs += (job->share == i && job->state);
        }

        wrong_if(jobs != sh->shares[i].jobs);
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        n = 0;
        before = NGX_HTTP_TASK_JOB_NONE;

        for (k = sh->owners[i].asked; k != NGX_HTTP_TASK_JOB_NONE;
             k = job->asked)
        {
            wrong_if(k >= sh->used_jobs || n++ == (int) sh->used_jobs);
            job = &sh->jobs[k];
            wrong_if(job->owner != i || job->cancel != 1);
            wrong_if(job->asked_before != before);
            before = k;
            wrong_if(job->state == NGX_HTTP_TASK_JOB_FREE
                     || job->state >= NGX_HTTP_TASK_JOB_DONE);
        }
    }

    for (i = sh->free_job; i != NGX_HTTP_TASK_JOB_NONE; i = sh->jobs[i].next) {
        wrong_if(i >= sh->used_jobs || seen[i]++);
        wrong_if(sh->jobs[i].state != NGX_HTTP_TASK_JOB_FREE);
    }

    for (i = 0, kept = 0; i < sh->used_jobs; i++) {
        wrong_if(seen[i] != 1);
        kept += (sh->jobs[i].state != NGX_HTTP_TASK_JOB_FREE);
    }

    for (i = 0; i < sh->njobs; i++) {
        for (k = sh->buckets[i]; k != NGX_HTTP_TASK_JOB_NONE;
             k = sh->jobs[k].next)
        {
            wrong_if(k >= sh->used_jobs || kept-- == 0);
            wrong_if(ngx_http_task_job_bucket(sh, sh->jobs[k].id)
                     != &sh->buckets[i]);
        }
    }

    wrong_if(kept != 0);

    return 0;
}


static int
check_zone(void)
{
    int                      rc;
    uint64_t                 states[NGX_HTTP_TASK_JOB_STATES];
    ngx_http_task_record_t     *job;
    ngx_http_task_job_sh_t  *sh;

    sh = zone.sh;

    ngx_http_task_job_lock(&zone);

    memset(states, 0, sizeof(states));

    for (job = sh->jobs; job < sh->jobs + sh->used_jobs; job++) {
        if (job->state >= NGX_HTTP_TASK_JOB_DONE) {
            states[job->state]++;
        }
    }

    rc = memcmp(states, sh->states, sizeof(states)) ? 91 : 0;
    rc = rc ? rc : check_blocks(sh);
    rc = rc ? rc : check_lists(sh);

    ngx_http_task_job_unlock(&zone);

    return rc;
}


/* --- workers -------------------------------------------------------------- */

/* a result is a letter so often; as long as it has to be */

static ngx_int_t
end(known_t *k, char fill, size_t length, int busy)
{
    ngx_http_task_store_end_t  end;

    memset(&end, 0, sizeof(end));

    end.state = NGX_HTTP_TASK_JOB_DONE;
    end.status = 200;
    end.busy = busy;
    end.result.len = length;
    end.result.data = malloc(length + 1);
    memset(end.result.data, fill, length);

    if (length % 2) {
        end.type.len = 3;
        end.type.data = (u_char *) "a/b";
    }

    k->fill = fill;
    k->length = length;

    return ngx_http_task_job_end(&zone, k->job, &end);
}


/* its number, and as many letters as it takes */

static void
event(known_t *k, size_t length)
{
    char       buf[EVENTS + 64];
    ngx_str_t  text;

    memset(buf, 'x', sizeof(buf));
    memcpy(buf, "id: ", 4);
    snprintf(buf + 4, 7, "%06u", (k->events + 1) % 1000000U);
    memcpy(buf + 10, "\ndata: ", 7);
    memcpy(buf + 17 + length, "\n\n", 2);

    text.data = (u_char *) buf;
    text.len = 17 + length + 2;

    ngx_http_task_job_event(&zone, k->job, &text);

    k->events++;
}


static known_t *
add(uint64_t key, ngx_uint_t max)
{
    known_t              *k;
    ngx_http_task_record_t  *job;

    if (ngx_http_task_job_add(&zone, key, max, &zone, &job) != NGX_OK) {
        return NULL;
    }

    k = &notes->known[notes->n];

    memset(k, 0, sizeof(known_t));
    memcpy(k->id, job->id, sizeof(k->id));
    k->job = job;

    notes->n++;

    return k;
}


static void
done(uint64_t key, char fill, size_t length)
{
    known_t  *k;

    k = add(key, 0);

    if (end(k, fill, length, 0) != NGX_OK) {
        _exit(3);
    }

    k->ended = 1;
    notes->now += 100;
}


/* another worker, which dies, holding the mutex or not */

static void
dead_worker(int locked)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        zone.owner = NULL;
        zone.data = NULL;

        if (add(0, 0) == NULL || add(0, 0) == NULL) {
            _exit(3);
        }

        event(&notes->known[notes->n - 2], 300);
        event(&notes->known[notes->n - 1], 200);
        event(&notes->known[notes->n - 1], 200);

        end(&notes->known[notes->n - 1], 'd', 300, 1);
        notes->known[notes->n - 1].may_go = 1;

        if (locked) {
            ngx_http_task_job_lock(&zone);
        }

        (void) kill(getpid(), SIGKILL);
    }

    waitpid(pid, &status, 0);
}


/* the process of the operation is a worker of its own, with a job */

static void
worker(void)
{
    zone.owner = NULL;
    zone.data = NULL;

    if (add(0, 0) == NULL) {
        printf("# no room to begin with\n");
    }

    notes->mine = notes->n - 1;
}


static known_t *
mine(void)
{
    return &notes->known[notes->mine];
}


/* --- the next process ----------------------------------------------------- */

/* the newest ones are there, each whole, and as many as there is room for */

static int
look_events(known_t *k, ngx_http_task_job_seen_t *seen)
{
    u_char   *p, *end, *last;
    uint64_t  number;

    p = seen->events.data;
    last = p + seen->events.len;

    if (seen->event < (uint64_t) k->events
        || seen->event > (uint64_t) k->events + 1)
    {
        return 81;
    }

    if (seen->events.len > EVENTS) {
        return 82;
    }

    number = 0;

    while (p < last) {
        if (last - p < 20 || memcmp(p, "id: ", 4) != 0) {
            return 83;
        }

        if (number && (uint64_t) atoi((char *) p + 4) != number + 1) {
            return 84;
        }

        number = atoi((char *) p + 4);

        end = memmem(p, last - p, "\n\n", 2);
        if (end == NULL) {
            return 85;
        }

        for (p += 17; p < end; p++) {
            if (*p != 'x') {
                return 86;
            }
        }

        p = end + 2;
    }

    return (seen->events.len && number != seen->event) ? 87 : 0;
}


/* 0: the job is there, with what it has to have, or may be gone */

static int
look(known_t *k)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_http_task_store_op_t  op;
    ngx_http_task_job_seen_t  seen;

    memset(&op, 0, sizeof(op));
    memcpy(op.id, k->id, sizeof(op.id));
    op.events = 1;

    rc = ngx_http_task_job_see(&zone, &op);
    seen = op.seen;

    if (rc == NGX_OK && look_events(k, &seen)) {
        return look_events(k, &seen);
    }

    if (rc == NGX_DECLINED) {
        return (k->ended && !k->may_go) ? 92 : 0;
    }

    if (rc != NGX_OK) {
        return 93;
    }

    if (seen.state < NGX_HTTP_TASK_JOB_DONE
        || seen.state == NGX_HTTP_TASK_JOB_LOST)
    {
        return (k->ended && !k->may_go) || seen.result.len ? 94 : 0;
    }

    if (seen.result.len != k->length
        || seen.type.len != (k->length % 2 ? 3 : 0))
    {
        return 95;
    }

    for (i = 0; i < k->length; i++) {
        if (seen.result.data[i] != (u_char) k->fill) {
            return 96;
        }
    }

    return 0;
}


/* a zone at work: jobs with results of all sizes, until others are dropped */

static int
use(void)
{
    int      i, rc;
    known_t  k;

    for (i = 0; i < 40; i++) {
        memset(&k, 0, sizeof(k));

        if (ngx_http_task_job_add(&zone, i % 3, i % 3 ? 4 : 0, &zone, &k.job)
            != NGX_OK)
        {
            continue;
        }

        memcpy(k.id, k.job->id, sizeof(k.id));

        while (k.events < i % 5) {
            event(&k, i * 31 % 300);
        }

        if (end(&k, 'A' + i % 26, i * 61 % (3 * BLOCK), 0) != NGX_OK) {
            return 97;
        }

        k.ended = 1;

        rc = look(&k);
        if (rc) {
            return rc;
        }

        notes->now += 200;

        if (i % 7 == 0 && ngx_http_task_job_forget(&zone, k.id) != NGX_OK) {
            return 98;
        }
    }

    return 0;
}


static int
judge(int done)
{
    int                         i, rc;
    int64_t                     now;
    ngx_http_task_job_counts_t  counts;

    zone.owner = NULL;
    zone.data = NULL;
    now = notes->now;
    alerts = 0;

    rc = check_zone();

    for (i = 0; i < notes->n && rc == 0; i++) {
        rc = look(&notes->known[i]);
    }

    rc = rc ? rc : check_zone();

    ngx_http_task_job_counts(&zone, &counts);

    rc = rc ? rc : use();
    rc = rc ? rc : check_zone();

    notes->now += zone.ttl + 1;

    for (i = 0; i < 20 && rc == 0; i++) {
        ngx_http_task_job_lock(&zone);
        ngx_http_task_job_expire(&zone);
        ngx_http_task_job_unlock(&zone);
    }

    rc = rc ? rc : check_zone();

    ngx_http_task_job_leave(&zone);

    rc = rc ? rc : check_zone();

    notes->now = now;

    return rc ? rc : alerts ? 99 : 0;
}


/* --- what is interrupted -------------------------------------------------- */

static void
make(void)
{
    memset(memory, 0, SIZE);
    memset(notes, 0, sizeof(notes_t));
    memset(&zone, 0, sizeof(zone));

    notes->now = 1000000;
    notes->mine = -1;

    zone.store = &store;
    zone.ttl = 60000;
    store.max_result = 65536;
    store.max_events = EVENTS;

    if (ngx_http_task_job_shm_layout(&zone, memory, SIZE) != NGX_OK) {
        _exit(2);
    }
}


/* this process is a worker that lives */

static void
some(void)
{
    done(0, 'a', 0);
    done(0, 'b', 100);
    done(1, 'c', 3 * BLOCK + 1);
    (void) add(0, 0);
    (void) add(2, 0);
    done(0, 'e', BLOCK);
}


static void
full(void)
{
    int  i;

    some();

    while (notes->n < (int) zone.sh->njobs - 1) {
        done(notes->n % 3, 'f', 4 * BLOCK);
    }

    for (i = 0; i < notes->n; i++) {
        notes->known[i].may_go = 1;
    }
}


static void some_and_dead(void) { some(); dead_worker(0); }
static void some_and_locked(void) { some(); dead_worker(1); }
static void full_and_locked(void) { full(); dead_worker(1); }


static void
none(void)
{
    zone.owner = NULL;
    zone.data = NULL;
}


static void
two(void)
{
    worker();
    (void) add(0, 0);
}


static void
asked(void)
{
    two();
    (void) ngx_http_task_job_ask(&zone, mine()->id);
    (void) ngx_http_task_job_ask(&zone, notes->known[notes->n - 1].id);
}


static void
running(void)
{
    worker();
    ngx_http_task_job_begin(&zone, mine()->job);
}


static void
busy(void)
{
    running();
    end(mine(), 'B', 2 * BLOCK, 1);
}


static void
told(void)
{
    running();
    event(mine(), 200);
    event(mine(), 250);
    event(mine(), 200);
}


/* an event begins where a block does */

static void
told_blocks(void)
{
    running();
    event(mine(), BLOCK - 23);
    event(mine(), BLOCK - 23);
}


static void
told_busy(void)
{
    told();
    end(mine(), 'T', 3 * BLOCK, 1);
}


/* its thread returns after another job has ended, or when nobody wants it */

static void
busy_long(void)
{
    known_t  *other;

    busy();

    notes->now += 500;

    other = add(0, 0);
    end(other, 'o', BLOCK, 0);
}


static void
busy_forgotten(void)
{
    busy();

    mine()->may_go = 1;
    (void) ngx_http_task_job_forget(&zone, mine()->id);
}


static void
over(void)
{
    int  i;

    worker();

    for (i = 0; i < notes->n; i++) {
        notes->known[i].may_go = 1;
    }

    notes->now += 60001;
}


static void
told_over(void)
{
    told();
    end(mine(), 't', BLOCK, 0);
    over();
}


static void op_event(void) { event(mine(), 10); }
static void op_event_drops(void) { event(mine(), 300); }
static void op_event_all(void) { event(mine(), EVENTS - 19); }
static void op_add(void) { (void) add(0, 0); }
static void op_add_max(void) { (void) add(1, 2); }
static void op_end_0(void) { end(mine(), 'x', 0, 0); }
static void op_end_1(void) { end(mine(), 'y', 17, 0); }
static void op_end_5(void) { end(mine(), 'z', 5 * BLOCK - 3, 0); }
static void op_end_12(void) { end(mine(), 'w', 12 * BLOCK, 0); }
static void op_end_busy(void) { end(mine(), 'v', 2 * BLOCK, 1); }
static void op_end_large(void) { end(mine(), 'u', 60000, 0); }
static void op_begin(void) { ngx_http_task_job_begin(&zone, mine()->job); }
static void op_see(void) { (void) look(mine()); }
static void op_leave(void) { ngx_http_task_job_leave(&zone); }


/* a chain is cut, as no code of ours does; the zone is rebuilt, and goes on */

static void
op_broken(void)
{
    ngx_http_task_job_events_t  *events;

    events = ngx_http_task_job_events(mine()->job);

    if (events->skip == 0) {
        printf("# the first event begins where its block does\n");
        _exit(3);
    }

    ngx_http_task_job_lock(&zone);

    zone.sh->blocks[events->first].next = NGX_HTTP_TASK_JOB_NONE;
    ngx_http_task_job_rebuild(&zone);

    ngx_http_task_job_unlock(&zone);

    event(mine(), 10);
}


static void
op_returned(void)
{
    ngx_http_task_job_returned(&zone, mine()->job);
}


static void
op_progress(void)
{
    ngx_http_task_job_progress(mine()->job, 1, 2, "a message of some length");
}


static void
op_peek(void)
{
    uint64_t    version;
    ngx_uint_t  ended;

    (void) ngx_http_task_job_peek(&zone, notes->known[0].id, &version, &ended);
}


static void
op_ask(void)
{
    (void) ngx_http_task_job_ask(&zone, notes->known[3].id);
}


static void
op_asked(void)
{
    void  *jobs[NGX_HTTP_TASK_JOB_ASKED];

    (void) ngx_http_task_job_asked(&zone, jobs);
}


static void
op_forget(void)
{
    notes->known[2].may_go = 1;

    (void) ngx_http_task_job_forget(&zone, notes->known[2].id);
}


static void
op_counts(void)
{
    ngx_http_task_job_counts_t  counts;

    ngx_http_task_job_counts(&zone, &counts);
}


static void
op_lock(void)
{
    ngx_http_task_job_lock(&zone);
    ngx_http_task_job_unlock(&zone);
}


static case_t  cases[] = {
    { "a worker's first job", some, none, op_add },
    { "a job", some, worker, op_add },
    { "a job in a full zone", full, worker, op_add },
    { "a job beside max", full, worker, op_add_max },
    { "a job after a dead worker", some_and_dead, none, op_add },
    { "an end without a result", some, worker, op_end_0 },
    { "an end with one block", some, running, op_end_1 },
    { "an end with five blocks", some, running, op_end_5 },
    { "an end in a full zone", full, running, op_end_12 },
    { "an end beside a thread", full, running, op_end_busy },
    { "an end without room", full, worker, op_end_large },
    { "an end after a dead worker", some_and_locked, none, op_lock },
    { "an event", some, running, op_event },
    { "an event behind others", some, told, op_event },
    { "an event that drops others", some, told, op_event_drops },
    { "an event that drops a block", some, told_blocks, op_event_drops },
    { "an event in place of all", some, told, op_event_all },
    { "an event in a full zone", full, running, op_event_all },
    { "an event after a dead worker", some_and_locked, worker, op_event },
    { "an end with events", some, told, op_end_5 },
    { "an end with events and no result", some, told, op_end_0 },
    { "a return with events", some, told_busy, op_returned },
    { "a job whose events are over", some, told_over, op_add },
    { "a look at events", some, told, op_see },
    { "a leave with events", some, told, op_leave },
    { "a begin", some, worker, op_begin },
    { "a progress", some, running, op_progress },
    { "a return", some, busy, op_returned },
    { "a return after others", some, busy_long, op_returned },
    { "a return of what is forgotten", some, busy_forgotten, op_returned },
    { "an end that was asked for", some, asked, op_end_1 },
    { "a look", some, worker, op_see },
    { "a look at what is over", some, over, op_see },
    { "a peek", some, worker, op_peek },
    { "a question", some, worker, op_ask },
    { "an answer", some, asked, op_asked },
    { "an oblivion", some, worker, op_forget },
    { "a count after a dead worker", some_and_dead, worker, op_counts },
    { "events that are broken", some, told, op_broken },
    { "a rebuild", some_and_locked, none, op_lock },
    { "a rebuild of a full zone", full_and_locked, none, op_lock },
    { "a leave", some, two, op_leave },
    { "a leave beside a thread", some, busy, op_leave },
    { NULL, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    case_t        *c;
    steps_t        s;
    ngx_cycle_t    cycle;
    unsigned       total;

    memset(&cycle, 0, sizeof(cycle));
    cycle.log = &nolog;
    nolog.log_level = NGX_LOG_INFO;
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
        s.every = (argc > 1) ? (unsigned) atoi(argv[1]) : 1;

        steps_run(&s);

        total += s.kills;

        printf("%s %d %s, %u kills\n", s.wrong || s.kills < 2 ? "not ok" : "ok",
               (int) (c - cases) + 1, c->name, s.kills);

        if (zone.owner) {
            (void) pthread_mutex_unlock(&zone.owner->alive);
        }
    }

    printf("# %u kills\n", total);

    return 0;
}
