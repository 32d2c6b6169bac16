
/*
 * A worker is killed after each store that it makes to a zone of jobs, in each
 * operation, and the next process goes on: whatever happens, each block is in
 * one result, in the events or the input of one job, or free, each list is
 * whole and in order, and each count is right.  No job has another one's
 * result, or input, or lacks an event; and none that had not begun is gone, nor
 * its place in its queue.  One that may be tried again is, after its time, and
 * never more often than it may.  With the module's real files.
 */


#include "jobs/store/ngx_http_task_state.h"

/* what is longer is written and read in pieces */

#undef NGX_HTTP_TASK_JOB_PIECE
#define NGX_HTTP_TASK_JOB_PIECE  600

#include "jobs/store/ngx_http_task_job_table.c"
#include "jobs/store/ngx_http_task_job_mark.c"
#include "jobs/store/ngx_http_task_job_rebuild.c"
#include "jobs/store/ngx_http_task_job_block.c"
#include "jobs/store/ngx_http_task_job_input.c"
#include "jobs/store/ngx_http_task_job_events.c"
#include "jobs/store/ngx_http_task_job_event_add.c"
#include "jobs/store/ngx_http_task_job_keep.c"
#include "jobs/store/ngx_http_task_job_owner.c"
#include "jobs/store/ngx_http_task_job_room.c"
#include "jobs/store/ngx_http_task_job_progress.c"
#include "jobs/store/ngx_http_task_job_waiting.c"
#include "jobs/store/ngx_http_task_job_again.c"
#include "jobs/store/ngx_http_task_job_queues.c"
#include "jobs/store/ngx_http_task_job_add.c"
#include "jobs/store/ngx_http_task_job_keys.c"
#include "jobs/store/ngx_http_task_job_long.c"
#include "jobs/store/ngx_http_task_job_zone.c"
#include "jobs/store/ngx_http_task_job_retry.c"
#include "jobs/store/ngx_http_task_job_page.c"
#include "jobs/store/ngx_http_task_job_see.c"
#include "jobs/store/ngx_http_task_job_shm.c"
#include "jobs/store/ngx_http_task_job_counts.c"
#include "jobs/store/ngx_http_task_store_op.c"
#include "jobs/store/ngx_http_task_state_list.c"
#include "jobs/store/ngx_http_task_state_put.c"
#include "jobs/store/ngx_http_task_state_whose.c"
#include "jobs/store/ngx_http_task_state_fill.c"

#include "log.h"
#include "steps.h"
#include "stateless.h"
#include "zone.h"


#define SIZE     65536
#define KNOWN    64
#define BLOCK    (NGX_HTTP_TASK_JOB_BLOCK - 2 * sizeof(uint32_t))
#define EVENTS   700             /* bytes of a job */
#define INPUT    40              /* bytes of a job, if nothing else is said */
#define MANY     1000            /* may wait */


/* what the test knows of a job: its id, and what it has to be */

typedef struct {
    u_char                  id[NGX_HTTP_TASK_JOB_ID];
    ngx_http_task_record_t *job;
    uint32_t                number;     /* of its input */
    size_t                  input;      /* bytes */
    ngx_http_task_job_state_e  state;   /* when it has ended */
    char                    fill;
    size_t                  length;
    int                     events;     /* were added, for sure */
    int                     lives;      /* it has a worker that does */
    int                     begun;      /* before the operation */
    int                     ended;      /* before the operation */
    int                     asked;      /* to be cancelled, before it */
    int                     may_begin;  /* in the operation */
    int                     may_end;
    int                     may_cancel;
    int                     may_go;     /* it may be dropped */
    uint32_t                attempts;
    uint32_t                lost;       /* of them, before the operation */
    int64_t                 again;      /* it waits until then */
    int                     due;        /* that is over */
    int                     may_retry;  /* it may be queued again */
    int                     may_lose;   /* its input may be dropped */
} known_t;


/* what a state file has of a place */

typedef struct {
    u_char               id[NGX_HTTP_TASK_JOB_ID];
    uint32_t             state;      /* FREE; QUEUED; RUNNING: it is claimed */
    uint32_t             status;
    uint32_t             length;
    int64_t              ended;
} filed_t;


/* shared, and not what is copied */

typedef struct {
    filed_t              filed[KNOWN];
    int64_t              now;        /* milliseconds */
    uint32_t             number;     /* of the last input */
    int                  n;
    known_t              known[KNOWN];
    int                  mine;       /* the job of the operation, or -1 */
    int                  told;       /* so many faults */
} notes_t;


typedef struct {
    const char          *name;
    void               (*prepare)(void);
    void               (*setup)(void);
    void               (*op)(void);
} case_t;


static u_char                   *memory;
static notes_t                  *notes;
static pid_t                     lives;      /* the process of main() */
static ngx_http_task_store_t     store;
static ngx_http_task_job_zone_t  zone;
static ngx_http_task_state_t     state;
static ngx_http_task_state_load_t  loads;   /* one that waits in the file */
static ngx_log_t                 nolog;
static int                       alerts;

static ngx_http_task_queue_t     alpha = { .name = ngx_string("alpha"),
                                           .hash = 0xa1 };
static ngx_http_task_queue_t     beta = { .name = ngx_string("beta"),
                                          .hash = 0xb2 };
static ngx_http_task_queue_t     own = { .name = ngx_string("own"),
                                         .hash = 0xc3 };
static ngx_http_task_queue_t     dead = { .name = ngx_string("dead"),
                                          .hash = 0xd4 };
static ngx_http_task_queue_t     omega = { .name = ngx_string("omega"),
                                           .hash = 0xe5 };
static ngx_http_task_queue_t    *queues[] = { &alpha, &beta, &own, &dead,
                                              &omega };


/* symbols of the rest of nginx and the module */

volatile ngx_cycle_t  *ngx_cycle;
ngx_uint_t             ngx_pagesize = 4096;
ngx_uint_t             ngx_worker;
ngx_module_t           ngx_http_task_core_module;

int64_t ngx_http_task_now(void) { return notes->now * 1000000; }
void ngx_http_task_wake(ngx_uint_t worker) { /* void */ }
void ngx_http_task_work_begin(ngx_http_task_work_t *work) { /* void */ }
void *ngx_calloc(size_t n, ngx_log_t *log) { return calloc(1, n); }
void *ngx_pnalloc(ngx_pool_t *pool, size_t n) { return malloc(n); }
void *ngx_palloc(ngx_pool_t *pool, size_t n) { return malloc(n); }
void *ngx_pcalloc(ngx_pool_t *pool, size_t n) { return calloc(1, n); }


uint64_t
ngx_http_task_store_hash(uint64_t hash, u_char *p, size_t len)
{
    return alpha.hash;
}


void *ngx_slab_alloc(ngx_slab_pool_t *pool, size_t n) { return NULL; }


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    return NULL;
}


void
ngx_log_error_core(LOG_ENTRY)
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


/* --- workers -------------------------------------------------------------- */

static void
broken(const char *what)
{
    printf("# %s\n", what);
    _exit(3);
}


static void
enter(void)
{
    zone.owner = NULL;
    zone.data = NULL;
    zone.work.step = NULL;

    ngx_http_task_job_lock(&zone);

    if (ngx_http_task_job_enter(&zone) != NGX_OK) {
        broken("no owner");
    }

    ngx_http_task_job_unlock(&zone);
}


/* a result is a letter so often; as long as it has to be */

static ngx_int_t
end_as(known_t *k, ngx_http_task_job_state_e state, char fill, size_t length,
    int busy)
{
    ngx_http_task_store_end_t  end;

    memset(&end, 0, sizeof(end));

    end.state = state;
    end.status = 200;
    end.busy = busy;
    end.result.len = length;
    end.result.data = malloc(length + 1);
    memset(end.result.data, fill, length);

    if (length % 2) {
        end.type.len = 3;
        end.type.data = (u_char *) "a/b";
    }

    k->state = state;
    k->fill = fill;
    k->length = length;
    k->may_end = 1;

    return ngx_http_task_job_end(&zone, k->job, &end);
}


static ngx_int_t
end(known_t *k, char fill, size_t length, int busy)
{
    return end_as(k, NGX_HTTP_TASK_JOB_DONE, fill, length, busy);
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


static void
begin(known_t *k)
{
    k->may_begin = 1;

    ngx_http_task_job_begin(&zone, k->job);

    k->begun = 1;
}


/* the record with that id; of a zone that nobody else has */

static ngx_http_task_record_t *
record(u_char *id)
{
    ngx_http_task_record_t  *job;

    for (job = zone.sh->jobs; job < zone.sh->jobs + zone.sh->used_jobs; job++) {
        if (job->state != NGX_HTTP_TASK_JOB_FREE
            && memcmp(job->id, id, NGX_HTTP_TASK_JOB_ID) == 0)
        {
            return job;
        }
    }

    return NULL;
}


static void
answered(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    *(ngx_int_t *) op->data = rc;
}


/* a long input is written, or read, piece by piece */

static ngx_int_t
pieces(ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add,
    ngx_http_task_record_t *job)
{
    ngx_int_t  rc;

    rc = NGX_AGAIN;

    op->handler = answered;
    op->data = &rc;

    ngx_http_task_job_long(&zone, op, add, job);

    while (rc == NGX_AGAIN) {
        (void) zone.work.step(&zone.work);
    }

    return rc;
}


/* an input of two parts, the first one is a third of it */

/* a digest that no other number has */

static void
key_of(uint32_t number, u_char *key)
{
    int  i;

    for (i = 0; i < NGX_HTTP_TASK_JOB_DIGEST; i++) {
        number = number * 2654435761U + 12345;
        key[i] = number >> 24;
    }
}


/* who comes again with its key finds the job, and no other one */

static int
look_key(known_t *k)
{
    ngx_http_task_job_sh_t    *sh;
    ngx_http_task_record_t    *job;
    ngx_http_task_store_op_t   op;
    ngx_http_task_store_add_t  add;

    sh = zone.sh;

    memset(&op, 0, sizeof(op));
    memset(&add, 0, sizeof(add));

    add.queue = &alpha;
    add.keyed = 1;
    key_of(k->number, add.key);
    key_of(~k->number, add.print);

    wrong_if(ngx_http_task_job_add(&zone, &op, &add, &job) != NGX_DECLINED);
    wrong_if(op.why != NGX_HTTP_TASK_STORE_SAME);
    wrong_if(memcmp(op.id, k->id, sizeof(op.id)) != 0);
    wrong_if(k->job < sh->jobs || k->job >= sh->jobs + sh->used_jobs);

    key_of(k->number, add.print);

    wrong_if(ngx_http_task_job_add(&zone, &op, &add, &job) != NGX_DECLINED);
    wrong_if(op.why != NGX_HTTP_TASK_STORE_OTHER);

    return 0;
}


static ngx_int_t
put(known_t *k, ngx_http_task_queue_t *queue, size_t input, ngx_uint_t claim,
    ngx_uint_t waiting, uint64_t share, ngx_uint_t max)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_http_task_record_t     *job;
    ngx_http_task_store_op_t    op;
    ngx_http_task_store_add_t   add;

    p = malloc(input + 1);

    memset(k, 0, sizeof(known_t));
    k->number = ++notes->number;
    k->input = input;
    k->attempts = store.attempts;

    zone_input(p, input, k->number);

    memset(&op, 0, sizeof(op));
    memset(&add, 0, sizeof(add));

    add.queue = queue;
    add.head.data = p;
    add.head.len = input / 3;
    add.body.data = p + input / 3;
    add.body.len = input - input / 3;
    add.claim = claim;
    add.waiting = waiting;
    add.share = share;
    add.max = max;
    add.keyed = 1;

    key_of(k->number, add.key);
    key_of(~k->number, add.print);

    rc = ngx_http_task_job_add(&zone, &op, &add, &job);

    if (rc == NGX_AGAIN) {
        rc = pieces(&op, &add, job);
    }

    if (rc == NGX_OK) {
        memcpy(k->id, op.id, sizeof(k->id));
        k->job = record(k->id);
        k->lives = (op.claimed && getpid() == lives);
    }

    return rc;
}


static known_t *
add_to(ngx_http_task_queue_t *queue, size_t input, ngx_uint_t claim,
    ngx_uint_t waiting, uint64_t share, ngx_uint_t max)
{
    known_t  k;

    if (put(&k, queue, input, claim, waiting, share, max) != NGX_OK) {
        return NULL;
    }

    notes->known[notes->n] = k;

    return &notes->known[notes->n++];
}


/* one that this worker has at once, if no other one waits */

static known_t *
add(uint64_t share, ngx_uint_t max)
{
    return add_to(&alpha, INPUT, MANY, MANY, share, max);
}


/* likewise, of a queue in which none waits */

static known_t *
add_own(ngx_http_task_queue_t *queue)
{
    known_t  *k;

    k = add_to(queue, INPUT, MANY, MANY, 0, 0);

    if (k == NULL || k->job->owner == NGX_HTTP_TASK_JOB_NONE) {
        broken("no room for a worker's job");
    }

    return k;
}


/* one that waits */

static known_t *
waits(ngx_http_task_queue_t *queue, size_t input)
{
    return add_to(queue, input, 0, MANY, 0, 0);
}


/* what a job is made of comes with it, as it was given */

static ngx_int_t
take(ngx_http_task_queue_t *queue, ngx_http_task_store_op_t *op,
    uint32_t *number)
{
    ngx_int_t  rc;

    memset(op, 0, sizeof(ngx_http_task_store_op_t));

    rc = ngx_http_task_job_claim(&zone, op, queue);

    if (rc == NGX_AGAIN) {
        rc = pieces(op, NULL, &zone.sh->jobs[op->key]);
    }

    *number = (rc == NGX_OK) ? zone_input_number(op->claim.input.data,
                                                 op->claim.input.len)
                             : 0;

    return rc;
}


static known_t *
claim(ngx_http_task_queue_t *queue)
{
    int                       i;
    known_t                  *k;
    uint32_t                  number;
    ngx_http_task_store_op_t  op;

    if (take(queue, &op, &number) != NGX_OK) {
        return NULL;
    }

    for (i = 0; i < notes->n; i++) {
        k = &notes->known[i];

        if (memcmp(k->id, op.id, sizeof(op.id)) != 0) {
            continue;
        }

        if (k->input != op.claim.input.len || (k->input && k->number != number)
            || k->job != &zone.sh->jobs[op.key]
            || op.claim.attempt != k->lost + 1)
        {
            break;
        }

        k->lives = (getpid() == lives);

        return k;
    }

    broken("a claim of another job");

    return NULL;
}


static void
done_as(ngx_http_task_job_state_e state, uint64_t share, char fill,
    size_t length)
{
    known_t  *k;

    k = add(share, 0);

    if (k == NULL || end_as(k, state, fill, length, 0) != NGX_OK) {
        broken("no room to begin with");
    }

    k->ended = 1;
    notes->now += 100;
}


static void
done(uint64_t share, char fill, size_t length)
{
    done_as(NGX_HTTP_TASK_JOB_DONE, share, fill, length);
}


/*
 * Another worker, which dies, holding the mutex or not: with jobs that it has
 * claimed, one that runs, and one whose thread is behind.
 */

static void
dead_worker(int locked)
{
    int       status;
    pid_t     pid;
    known_t  *runs, *late;

    pid = fork();

    if (pid == 0) {
        enter();

        (void) claim(&beta);

        (void) add_own(&dead);
        runs = add_own(&dead);
        late = add_own(&dead);
        (void) add_own(&dead);

        begin(runs);
        event(runs, 300);

        begin(late);
        event(late, 200);
        event(late, 200);
        end(late, 'd', 300, 1);
        late->ended = 1;
        late->may_go = 1;

        if (locked) {
            ngx_http_task_job_lock(&zone);
        }

        (void) kill(getpid(), SIGKILL);
    }

    waitpid(pid, &status, 0);

    if (!WIFSIGNALED(status)) {
        broken("a worker does not die");
    }
}


/* the process of the operation is a worker of its own, with a job */

static void
worker(void)
{
    enter();

    notes->mine = add_own(&own) - notes->known;
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

    wrong_if(seen->event < (uint64_t) k->events);
    wrong_if(seen->event > (uint64_t) k->events + 1);
    wrong_if(seen->events.len > EVENTS);

    number = 0;

    while (p < last) {
        wrong_if(last - p < 20 || memcmp(p, "id: ", 4) != 0);
        wrong_if(number && (uint64_t) atoi((char *) p + 4) != number + 1);

        number = atoi((char *) p + 4);

        end = memmem(p, last - p, "\n\n", 2);
        wrong_if(end == NULL);

        for (p += 17; p < end; p++) {
            wrong_if(*p != 'x');
        }

        p = end + 2;
    }

    wrong_if(seen->events.len && number != seen->event);

    return 0;
}


static int
look_result(known_t *k, ngx_http_task_job_seen_t *seen)
{
    size_t  i;

    wrong_if(seen->result.len != k->length);
    wrong_if(seen->type.len != (k->length % 2 ? 3 : 0));

    for (i = 0; i < k->length; i++) {
        wrong_if(seen->result.data[i] != (u_char) k->fill);
    }

    return 0;
}


/*
 * One that ran, and whose worker is gone, waits for its next attempt, for as
 * long as it has to; in the operation or before it.
 */

static int
look_again(known_t *k)
{
    ngx_http_task_record_t  *job;

    job = k->job;

    wrong_if(k->lives);
    wrong_if(job->attempts != k->attempts);
    wrong_if(job->owner != NGX_HTTP_TASK_JOB_NONE);
    wrong_if(job->lost != k->lost + 1 || job->lost >= k->attempts);
    wrong_if(job->again != notes->now + (1000 << k->lost));

    return 0;
}


/* one that waited before the operation, or did not run, has not lost one */

static int
look_waits(known_t *k)
{
    ngx_http_task_record_t  *job;

    job = k->job;

    if (job->lost == k->lost + 1 && k->may_begin) {
        return look_again(k);
    }

    wrong_if(job->lost != k->lost);
    wrong_if(job->again != k->again && !(k->due && job->again == 0));

    return 0;
}


/* 0: the job is there, as it has to be, or may be gone */

static int
look(known_t *k)
{
    ngx_int_t                  rc;
    ngx_http_task_store_op_t   op;
    ngx_http_task_job_seen_t  *seen;

    memset(&op, 0, sizeof(op));
    memcpy(op.id, k->id, sizeof(op.id));
    op.events = 1;

    seen = &op.seen;

    rc = ngx_http_task_job_see(&zone, &op);

    if (rc == NGX_DECLINED) {
        wrong_if(!k->may_go);
        wrong_if(!k->ended && !k->may_end && !k->begun && !k->may_begin
                 && !k->asked && !k->may_cancel);
        return 0;
    }

    wrong_if(rc != NGX_OK);

    if (look_events(k, seen) || look_key(k)) {
        return 1;
    }

    wrong_if(seen->state >= NGX_HTTP_TASK_JOB_DONE && seen->ended == 0);

    switch (seen->state) {

    case NGX_HTTP_TASK_JOB_QUEUED:
        wrong_if(!k->may_retry
                 && (k->ended || (k->begun && look_again(k))));
        wrong_if(k->may_retry && (seen->done || seen->total
                                  || seen->message[0]));
        wrong_if(k->asked && !k->lives);
        wrong_if(seen->ended || seen->status || seen->result.len);
        wrong_if(seen->started && k->job->owner == NGX_HTTP_TASK_JOB_NONE);
        wrong_if(k->job->again
                 && (seen->done || seen->total || seen->message[0]));
        return 0;

    case NGX_HTTP_TASK_JOB_RUNNING:
        wrong_if(k->ended || (!k->begun && !k->may_begin));
        wrong_if(seen->ended || seen->status || seen->result.len);
        return 0;

    case NGX_HTTP_TASK_JOB_LOST:
        wrong_if(k->state != NGX_HTTP_TASK_JOB_LOST
                 && (k->ended || k->lives || (!k->begun && !k->may_begin)
                     || (k->attempts > 1 && !k->asked)));
        wrong_if(seen->result.len);
        return 0;

    case NGX_HTTP_TASK_JOB_DEAD:
        wrong_if(k->ended || k->lives || (!k->begun && !k->may_begin));
        wrong_if(k->attempts < 2 || k->attempts != k->lost + 1 || k->asked);
        wrong_if(seen->attempt != k->attempts);
        wrong_if(seen->result.len);
        return 0;

    case NGX_HTTP_TASK_JOB_CANCELLED:
        wrong_if(k->ended || (!k->asked && !k->may_cancel));
        wrong_if(seen->result.len);
        return 0;

    default:
        wrong_if(!k->ended && !k->may_end);
        wrong_if(seen->state != k->state);
        return look_result(k, seen);
    }
}


/*
 * After a sweep, a job that has not ended waits, or its worker lives; and its
 * input is kept as long as it may run, or run again, and no longer.
 */

static int
look_record(known_t *k, int done)
{
    ngx_http_task_record_t  *job;

    job = record(k->id);

    if (job == NULL) {
        return 0;
    }

    wrong_if(job->input_length && job->input_length != k->input);
    wrong_if(job->input_length >= 2 * sizeof(uint32_t)
             && zone_number(&zone, job) != k->number);

    switch (job->state) {

    case NGX_HTTP_TASK_JOB_QUEUED:
    case NGX_HTTP_TASK_JOB_RUNNING:
        wrong_if(k->lives != (job->owner != NGX_HTTP_TASK_JOB_NONE));
        wrong_if(k->asked && !k->lives);
        wrong_if(job->input_length != k->input);
        wrong_if(k->may_retry && job->before != 1);
        return (k->lives || k->may_retry) ? 0
               : k->begun ? look_again(k) : look_waits(k);

    case NGX_HTTP_TASK_JOB_FAILED:
    case NGX_HTTP_TASK_JOB_LOST:
    case NGX_HTTP_TASK_JOB_DEAD:
        wrong_if(job->input_length != k->input && !k->may_lose);
        return 0;

    default:
        wrong_if(job->input_length && (k->ended || done));
        return 0;
    }
}


static int
look_all(void)
{
    int  i;

    for (i = 0; i < notes->n; i++) {

        if (look(&notes->known[i])) {
            printf("# job %d\n", i);
            return 1;
        }
    }

    return 0;
}


static int
look_records(int done)
{
    int  i;

    for (i = 0; i < notes->n; i++) {

        if (look_record(&notes->known[i], done)) {
            printf("# job %d\n", i);
            return 1;
        }
    }

    return 0;
}


/* each queue has the name of its hash, see queues_used() */

static int
look_names(void)
{
    char                          name[32];
    ngx_uint_t                    i, n;
    ngx_http_task_job_waiting_t  *queue;

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        queue = &zone.sh->queues[i];

        if (queue->hash == 0) {
            continue;
        }

        snprintf(name, sizeof(name), "queue %u", (unsigned) queue->hash - 1000);

        for (n = 0; n < store.queues.nelts; n++) {
            if (queues[n]->hash == queue->hash) {
                strcpy(name, (char *) queues[n]->name.data);
            }
        }

        wrong_if(queue->length != strlen(name));
        wrong_if(memcmp(queue->name, name, queue->length) != 0);
    }

    return 0;
}


/* one that the interrupted operation has added may be there, too, the last */

static int
claim_all(ngx_http_task_queue_t *queue)
{
    int                       i;
    known_t                   k;
    uint32_t                  number, last;
    ngx_http_task_store_op_t  op;

    for (last = 0; take(queue, &op, &number) == NGX_OK; /* void */) {
        memset(&k, 0, sizeof(k));

        for (i = 0; i < notes->n; i++) {
            if (memcmp(notes->known[i].id, op.id, sizeof(op.id)) == 0) {
                k = notes->known[i];
                wrong_if(k.input != op.claim.input.len);
                wrong_if(k.input && k.number != number);
            }
        }

        /* one that is tried again is the last one */

        wrong_if(op.claim.input.len && number <= last && !k.may_retry);
        wrong_if(k.may_retry ? op.claim.attempt != 2
                             : op.claim.attempt != k.lost + 1
                               && op.claim.attempt != k.lost + 2);

        last = op.claim.input.len ? number : last;
        k.job = &zone.sh->jobs[op.key];

        wrong_if(end(&k, 'c', 10, 0) != NGX_OK);
    }

    return 0;
}


/* a zone at work: jobs with results of all sizes, until others are dropped */

static int
use(void)
{
    int                       i, n;
    known_t                   k;
    uint32_t                  number;
    ngx_http_task_store_op_t  op;

    for (i = 0, n = 0; i < 40; i++) {

        if (put(&k, queues[i / 2 % 2], i * 43 % 700, i % 2, MANY, i % 3,
                i % 3 ? 4 : 0)
            != NGX_OK)
        {
            continue;
        }

        n++;

        if (i % 2 == 0) {
            wrong_if(take(queues[i / 2 % 2], &op, &number) != NGX_OK);
            wrong_if(memcmp(op.id, k.id, sizeof(op.id)) != 0);
            wrong_if(op.claim.input.len != k.input);
            wrong_if(k.input >= 8 && number != k.number);
        }

        while (k.events < i % 5) {
            event(&k, i * 31 % 300);
        }

        wrong_if(end_as(&k, i % 4 ? NGX_HTTP_TASK_JOB_DONE
                                  : NGX_HTTP_TASK_JOB_FAILED,
                        'A' + i % 26, i * 61 % (3 * BLOCK), 0)
                 != NGX_OK);

        k.ended = 1;

        if (look(&k) || look_record(&k, 1)) {
            return 1;
        }

        notes->now += 200;

        wrong_if(i % 7 == 0
                 && ngx_http_task_job_forget(&zone, k.id) != NGX_OK);
    }

    wrong_if(n < 30);

    return 0;
}


/* the zone is rebuilt once more, as the next process might do it */

static int
again(void)
{
    ngx_http_task_job_lock(&zone);
    ngx_http_task_job_rebuild(&zone);
    ngx_http_task_job_unlock(&zone);

    return zone_check(&zone) || look_all();
}


static int
over(void)
{
    int  i;

    notes->now += zone.ttl + 1;

    for (i = 0; i < 20; i++) {
        ngx_http_task_job_lock(&zone);
        ngx_http_task_job_expire(&zone);
        ngx_http_task_job_unlock(&zone);
    }

    return zone_check(&zone);
}


/* each job that waits for another attempt is claimed after its time */

static int
again_all(void)
{
    ngx_uint_t  i;

    notes->now += 1000000;

    wrong_if(ngx_http_task_job_due(&zone, 1000) != 1000);
    wrong_if(zone.sh->nagain);
    wrong_in(zone_check(&zone));

    for (i = 0; i < store.queues.nelts; i++) {
        wrong_in(claim_all(queues[i]));
    }

    return zone_check(&zone);
}


static int  look_marks(void);


/* who reads the file next puts there what is in it, and is not there */

static int
fill(void)
{
    known_t                    *k;
    ngx_int_t                   rc;
    ngx_http_task_state_job_t  *loaded;

    if (loads.waits == 0) {
        return 0;
    }

    k = &notes->known[10];
    loaded = loads.jobs[0];

    memset(loads.last, 0, sizeof(loads.last));

    rc = ngx_http_task_state_put(&zone, &loads, loaded);

    wrong_if(rc != NGX_OK && rc != NGX_DECLINED);

    k->job = record(k->id);

    wrong_if(k->job == NULL || k->job->forgotten);
    wrong_if(k->job->state != NGX_HTTP_TASK_JOB_QUEUED);

    return 0;
}


static int
judge_all(int done)
{
    ngx_uint_t                  i;
    ngx_http_task_job_counts_t  counts;

    if (fill()) {
        return 1;
    }

    if (zone_check(&zone) || look_marks() || look_all() || look_marks()
        || zone_check(&zone) || again())
    {
        return 1;
    }

    ngx_http_task_job_counts(&zone, &counts);

    if (zone_check(&zone) || zone_check_hungry(&zone) || look_all()
        || look_records(done) || look_names() || again())
    {
        return 1;
    }

    enter();

    for (i = 0; i < store.queues.nelts; i++) {
        wrong_in(claim_all(queues[i]));
    }

    if (zone_check(&zone) || again_all() || use() || zone_check(&zone)
        || over())
    {
        return 1;
    }

    ngx_http_task_job_leave(&zone);

    if (zone_check(&zone)) {
        return 1;
    }

    wrong_if(alerts);

    return 0;
}


static int
judge(int done)
{
    int      rc;
    int64_t  now;

    zone.owner = NULL;
    zone.data = NULL;
    now = notes->now;
    alerts = 0;

    rc = judge_all(done);

    if (rc && notes->told++ < 3) {
        printf("# %s\n", zone_wrong);
    }

    notes->now = now;

    return rc;
}


/* --- the state file ------------------------------------------------------- */

static filed_t
filed_as(ngx_http_task_record_t *job)
{
    filed_t  f;

    memset(&f, 0, sizeof(f));

    if (job->state == NGX_HTTP_TASK_JOB_FREE || job->taking || job->forgotten) {
        return f;
    }

    memcpy(f.id, job->id, sizeof(f.id));

    if (job->state >= NGX_HTTP_TASK_JOB_DONE) {
        f.state = job->state;
        f.status = job->status;
        f.length = job->length;
        f.ended = job->ended;

    } else {
        f.state = (job->owner == NGX_HTTP_TASK_JOB_NONE)
                  ? NGX_HTTP_TASK_JOB_QUEUED : NGX_HTTP_TASK_JOB_RUNNING;
    }

    return f;
}


/* all that is marked is written */

static void
file_all(void)
{
    uint32_t  i;

    for (i = 0; i < zone.sh->njobs; i++) {
        notes->filed[i] = filed_as(&zone.sh->jobs[i]);
        (void) ngx_http_task_job_unmark(zone.sh, i);
    }
}


/* what differs from the file since is marked, whatever happened */

static int
look_marks(void)
{
    uint32_t  i;
    filed_t   f;

    for (i = 0; i < zone.sh->used_jobs; i++) {
        f = filed_as(&zone.sh->jobs[i]);

        wrong_if(memcmp(&f, &notes->filed[i], sizeof(f)) != 0
                 && !(zone.sh->dirty[i / 64] & ngx_http_task_job_bit(i)));
    }

    return 0;
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
    zone.state = &state;
    zone.ttl = 60000;
    zone.wake = NGX_HTTP_TASK_JOB_NONE;
    store.max_result = 65536;
    store.max_events = EVENTS;
    store.attempts = 1;
    store.lists = 1;
    store.queues.elts = queues;
    store.queues.nelts = sizeof(queues) / sizeof(queues[0]);

    if (ngx_http_task_job_shm_layout(&zone, memory, SIZE) != NGX_OK) {
        _exit(2);
    }

    zone.sh->state.loaded = 1;
    loads.waits = 0;

    enter();
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

    (void) waits(&beta, INPUT);
    (void) waits(&beta, 0);
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


/* a queue of several, in places of others, and a worker that had room before */

static void
queue_of_four(void)
{
    int  i;

    some();

    for (i = 0; i < 3; i++) {
        notes->known[i].may_go = 1;
        (void) ngx_http_task_job_forget(&zone, notes->known[i].id);
    }

    (void) claim(&alpha);
    (void) waits(&alpha, 3 * BLOCK + 5);
    (void) waits(&alpha, INPUT);
    (void) waits(&alpha, 0);
    (void) waits(&alpha, BLOCK);
}


static void queue_and_dead(void) { queue_of_four(); dead_worker(0); }
static void queue_and_locked(void) { queue_of_four(); dead_worker(1); }


/* a job of a worker that is gone is to be tried again */

static known_t *
lost_one(ngx_http_task_queue_t *queue)
{
    int       status;
    pid_t     pid;
    known_t  *k;

    pid = fork();

    if (pid == 0) {
        enter();

        k = add_own(queue);
        begin(k);
        event(k, 300);
        ngx_http_task_job_progress(k->job, 1, 2, "so far");

        (void) kill(getpid(), SIGKILL);
    }

    waitpid(pid, &status, 0);

    ngx_http_task_job_lock(&zone);
    (void) ngx_http_task_job_sweep(&zone);
    ngx_http_task_job_unlock(&zone);

    k = &notes->known[notes->n - 1];

    if (k->job->again != notes->now + 1000) {
        broken("a job is not tried again");
    }

    k->begun = 0;
    k->may_begin = 0;
    k->lost = 1;
    k->again = k->job->again;

    notes->now += 10;

    return k;
}


static void dead_two(void) { some(); store.attempts = 2; dead_worker(0); }
static void dead_locked(void) { some(); store.attempts = 9; dead_worker(1); }


static void
again_two(void)
{
    some();

    store.attempts = 3;
    (void) lost_one(&own);
    notes->now += 200;
    (void) lost_one(&dead);

    /* the last one has a place before the others */

    notes->known[0].may_go = 1;
    (void) ngx_http_task_job_forget(&zone, notes->known[0].id);

    (void) lost_one(&own);
    store.attempts = 1;
}



static void
again_and_dead(void)
{
    again_two();
    store.attempts = 2;
    dead_worker(0);
}



static void
again_and_locked(void)
{
    again_two();
    store.attempts = 3;
    dead_worker(1);
}


/* the first one may begin again: one that was accepted later waits, too */

static void
again_due(void)
{
    int  i;

    again_two();

    if (waits(&own, INPUT) == NULL) {
        broken("no room for one that waits");
    }

    for (i = 0; i < notes->n; i++) {
        if (notes->known[i].again) {
            notes->known[i].due = 1;
            notes->now = notes->known[i].again;
            notes->mine = i;
            return;
        }
    }
}


static void
hungry(void)
{
    some();

    if (claim(&alpha)) {
        broken("a queue is not empty");
    }
}


/* a queue each, of which two have jobs */

static void
queues_used(void)
{
    int                    i;
    char                   name[16];
    ngx_http_task_queue_t  queue;

    some();

    for (i = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        queue.name.data = (u_char *) name;
        queue.name.len = snprintf(name, sizeof(name), "queue %d", i);
        queue.hash = 1000 + i;

        (void) claim(&queue);
    }
}


/* all blocks have results of jobs that have ended, but a few */

static void
results(void)
{
    int  i;

    some();

    while (ngx_http_task_job_free_count(zone.sh) > 10) {
        done(0, 'r', 4 * BLOCK);
    }

    for (i = 0; i < notes->n; i++) {
        notes->known[i].may_go = 1;
    }
}


/* all blocks are inputs of jobs that wait, but a few, which are results */

static void
inputs(void)
{
    some();

    while (ngx_http_task_job_free_count(zone.sh) > 8) {
        (void) waits(&alpha, 6 * BLOCK);
    }
}


/* all places, too */

static void
places(void)
{
    int  i;

    some();

    for (i = 0; i < 6; i++) {
        if (notes->known[i].ended) {
            notes->known[i].may_go = 1;
            (void) ngx_http_task_job_forget(&zone, notes->known[i].id);
        }
    }

    while (waits(&alpha, 8)) { /* void */ }
}


/* what failed keeps its input */

static void
failed(void)
{
    some();
    done_as(NGX_HTTP_TASK_JOB_FAILED, 0, 'g', BLOCK);
    notes->mine = notes->n - 1;
}


static void
failed_mine(void)
{
    enter();
    notes->mine = add_own(&own) - notes->known;
    end_as(mine(), NGX_HTTP_TASK_JOB_FAILED, 'g', BLOCK, 0);
    mine()->ended = 1;
}


/* all blocks are in use, and some have the inputs of what failed */

static void
failed_long(void)
{
    int       i;
    known_t  *k;

    some();

    while (ngx_http_task_job_free_count(zone.sh) > 16) {
        k = add_to(&alpha, 3 * BLOCK, 1, MANY, 0, 0);

        if (k == NULL
            || end_as(k, NGX_HTTP_TASK_JOB_FAILED, 'l', BLOCK, 0) != NGX_OK)
        {
            broken("no room for what fails");
        }

        k->ended = 1;
        notes->now += 100;
    }

    /* of none but the inputs is there anything to drop */

    for (i = 0; i < notes->n; i++) {
        notes->known[i].may_lose = 1;
    }

    notes->mine = notes->n - 1;
}


/* what was lost has told how far it was, and some of its events */

static void
lost(void)
{
    known_t  *k;

    some();
    enter();

    k = add_own(&own);
    begin(k);
    ngx_http_task_job_progress(k->job, 3, 4, "far");
    event(k, 100);
    notes->mine = k - notes->known;
    end_as(k, NGX_HTTP_TASK_JOB_LOST, 'l', 0, 0);
    k->ended = 1;
}


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
    (void) add_own(&own);
}


/* its own is the first one of the queue, or the second one */

static void
claimed(void)
{
    enter();
    notes->mine = claim(&alpha) - notes->known;
}


static void
claimed_two(void)
{
    enter();
    (void) claim(&alpha);
    notes->mine = claim(&alpha) - notes->known;
}


static void
ask(known_t *k)
{
    k->may_cancel = 1;
    (void) ngx_http_task_job_ask(&zone, k->id);
}


static void
ask_before(known_t *k)
{
    ask(k);
    k->asked = 1;
}


static void
asked(void)
{
    two();
    ask_before(mine());
    ask_before(&notes->known[notes->n - 1]);
}


static void
claimed_asked(void)
{
    claimed_two();
    ask_before(mine());
}


static void
claimed_taken(void)
{
    void  *jobs[NGX_HTTP_TASK_JOB_ASKED];

    claimed_asked();
    (void) ngx_http_task_job_asked(&zone, jobs);
}


static void
running(void)
{
    worker();
    begin(mine());
}


static void
running_three(void)
{
    store.attempts = 3;
    running();
    ngx_http_task_job_progress(mine()->job, 1, 2, "so far");
}


static void
running_asked(void)
{
    running_three();
    ask_before(mine());
}


/* its thread still has it */

static void
lost_busy(void)
{
    running_three();
    end_as(mine(), NGX_HTTP_TASK_JOB_LOST, 'L', BLOCK, 1);
    mine()->may_end = 0;
}


static void
lost_busy_asked(void)
{
    lost_busy();
    ask_before(mine());
}


/* the second attempt, and the third and last one */

static void
claimed_again(void)
{
    enter();

    (void) ngx_http_task_job_due(&zone, 1000);

    if (claim(&own) != mine()) {
        broken("it is not the first one");
    }

    mine()->again = 0;
}


static void
running_again(void)
{
    claimed_again();
    begin(mine());
}


static void
running_last(void)
{
    mine()->attempts = mine()->job->attempts = 2;
    running_again();
}


/* jobs of all kinds, which it has claimed, and one that runs */

static void
mixed(void)
{
    claimed_two();
    (void) claim(&alpha);
    ask_before(claim(&beta));
    begin(mine());
}


static void
busy(void)
{
    running();
    end(mine(), 'B', 2 * BLOCK, 1);
    mine()->ended = 1;
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
    mine()->ended = 1;
}


/* its thread returns after another job has ended, or when nobody wants it */

static void
busy_long(void)
{
    known_t  *other;

    busy();

    notes->now += 500;

    other = add_own(&own);
    end(other, 'o', BLOCK, 0);
    other->ended = 1;
}


static void
busy_forgotten(void)
{
    busy();

    mine()->may_go = 1;
    (void) ngx_http_task_job_forget(&zone, mine()->id);
}


static void
all_over(void)
{
    int  i;

    for (i = 0; i < notes->n; i++) {
        notes->known[i].may_go = 1;
    }

    notes->now += 60001;
}


static void worker_over(void) { worker(); all_over(); }


static void
told_over(void)
{
    told();
    end(mine(), 't', BLOCK, 0);
    mine()->ended = 1;
    worker_over();
}


static void op_event(void) { event(mine(), 10); }
static void op_event_drops(void) { event(mine(), 300); }
static void op_event_all(void) { event(mine(), EVENTS - 19); }
static void op_add(void) { (void) add(0, 0); }
static void op_add_max(void) { (void) add(1, 2); }
static void op_wait(void) { (void) waits(&alpha, 2 * BLOCK + 9); }
static void op_wait_none(void) { (void) waits(&alpha, 0); }
static void op_wait_large(void) { (void) waits(&alpha, 14 * BLOCK); }
static void op_wait_long(void) { (void) waits(&alpha, 1300); }
static void op_add_long(void) { (void) add_to(&alpha, 1300, 1, MANY, 0, 0); }
static void op_claim(void) { (void) claim(&alpha); }
static void op_end_0(void) { end(mine(), 'x', 0, 0); }
static void op_end_1(void) { end(mine(), 'y', 17, 0); }
static void op_end_5(void) { end(mine(), 'z', 5 * BLOCK - 3, 0); }
static void op_end_12(void) { end(mine(), 'w', 12 * BLOCK, 0); }
static void op_end_busy(void) { end(mine(), 'v', 2 * BLOCK, 1); }
static void op_end_large(void) { end(mine(), 'u', 60000, 0); }
static void op_begin(void) { begin(mine()); }
static void op_due(void) { (void) ngx_http_task_job_due(&zone, 1000); }
static void op_cancel_again(void) { ask(&notes->known[notes->n - 1]); }
static void op_see_ran(void) { (void) look(&notes->known[notes->n - 3]); }
static void op_ask_ran(void) { ask(&notes->known[notes->n - 3]); }


static void
op_lose(void)
{
    end_as(mine(), NGX_HTTP_TASK_JOB_LOST, 'l', BLOCK, 0);
    mine()->may_end = 0;
}


static void
op_lose_busy(void)
{
    end_as(mine(), NGX_HTTP_TASK_JOB_LOST, 'l', BLOCK, 1);
    mine()->may_end = 0;
}


static void
op_lose_none(void)
{
    end_as(mine(), NGX_HTTP_TASK_JOB_LOST, 'l', 0, 0);
    mine()->may_end = 0;
}


static void op_see(void) { (void) look(mine()); }
static void op_leave(void) { ngx_http_task_job_leave(&zone); }
static void op_enter(void) { enter(); }
static void op_last(void) { (void) ngx_http_task_job_last(&zone); }
static void op_pass(void) { ngx_http_task_job_pass(&zone, &beta); }


static void
op_enter_add(void)
{
    enter();
    (void) add(0, 0);
}


static void
op_enter_claim(void)
{
    enter();
    (void) claim(&alpha);
}


static void
op_end_failed(void)
{
    end_as(mine(), NGX_HTTP_TASK_JOB_FAILED, 's', BLOCK, 0);
}


static void
op_claim_due(void)
{
    (void) ngx_http_task_job_due(&zone, 1000);
    (void) claim(&own);
}


static void
op_give_back(void)
{
    ngx_http_task_job_give_back(&zone, mine()->job);
}


static void
op_claim_new(void)
{
    if (waits(&omega, INPUT) == NULL || claim(&omega) == NULL) {
        broken("no queue");
    }
}


/* refused, and nothing has gone for it */

static void
op_add_refused(void)
{
    if (waits(&alpha, 20 * BLOCK)) {
        broken("room for what has none");
    }
}


static void
op_add_no_place(void)
{
    if (waits(&alpha, 8)) {
        broken("a place where none is");
    }
}


static void
op_add_behind(void)
{
    /* one worker was told of them, and comes */

    if (add_to(&alpha, INPUT, 0, 3, 0, 0)) {
        broken("more wait than may");
    }
}


/* a chain is cut, as no code of ours does; the zone is rebuilt, and goes on */

static void
op_broken(void)
{
    ngx_http_task_job_events_t  *events;

    events = ngx_http_task_job_events(mine()->job);

    if (events->skip == 0) {
        broken("the first event begins where its block does");
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


static void op_ask(void) { ask(&notes->known[3]); }


/* the first, and the last but one, of a queue */

static void op_cancel_first(void) { ask(&notes->known[8]); }
static void op_cancel(void) { ask(&notes->known[10]); }


/* the first one of a dead worker's own */

static void op_see_dead(void) { (void) look(&notes->known[notes->n - 4]); }
static void op_ask_dead(void) { ask(&notes->known[notes->n - 4]); }


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
op_retry(void)
{
    mine()->may_retry = 1;
    mine()->lives = 0;

    if (ngx_http_task_job_retry(&zone, mine()->id) != NGX_OK
        || ngx_http_task_job_retry(&zone, mine()->id) != NGX_BUSY)
    {
        broken("not tried again, or twice");
    }
}


static void
op_retry_gone(void)
{
    int  i;

    /* the oldest input has gone */

    (void) waits(&beta, 18 * BLOCK);

    for (i = 0; i < notes->n; i++) {
        if (notes->known[i].input == 3 * BLOCK) {
            break;
        }
    }

    if (ngx_http_task_job_retry(&zone, notes->known[i].id) != NGX_ABORT) {
        broken("tried again of nothing");
    }
}


static void
op_forget_mine(void)
{
    mine()->may_go = 1;

    (void) ngx_http_task_job_forget(&zone, mine()->id);
}


/* all that the file has of it; which job of the zone it is is known */

static void
filed_one(void)
{
    static u_char                     input[4 * BLOCK];
    static ngx_http_task_state_job_t  one, *all;

    known_t                  *k;
    ngx_http_task_record_t  *job;

    queue_of_four();

    k = &notes->known[10];
    job = record(k->id);

    memset(&one, 0, sizeof(one));

    one.head.state = NGX_HTTP_TASK_JOB_QUEUED;
    one.head.queue = alpha.name.len;
    one.head.input = k->input;
    one.head.attempts = 1;
    one.head.created = job->created;
    one.head.accepted = job->accepted;
    one.head.order = job->order;
    one.head.turn = job->turn;
    one.input = input;

    memcpy(one.head.id, k->id, sizeof(k->id));
    memcpy(one.queue, alpha.name.data, alpha.name.len);
    zone_input(input, k->input, k->number);

    one.head.keyed = 1;
    key_of(k->number, one.head.key);
    key_of(~k->number, one.head.print);

    all = &one;
    loads.jobs = &all;
    loads.waits = 1;
    loads.n = 1;
}


/* it has no room beside others of the file, and is taken out again */

static void
op_fill_back(void)
{
    ngx_http_task_state_fill_back(&zone, &loads);
}


/* it was put there, and another nginx has the file since */

static void
told_one(void)
{
    filed_one();

    record(notes->known[10].id)->told = 1;
}


static void
op_fill_drop(void)
{
    static ngx_http_task_state_writer_t  writer;

    writer.zone = zone;

    ngx_http_task_state_fill_drop_all(&writer);
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
    { "a worker's first job", some, none, op_enter_add },
    { "a job", some, worker, op_add },
    { "a job in a full zone", full, worker, op_add },
    { "a job beside max", full, worker, op_add_max },
    { "a job after a dead worker", some_and_dead, none, op_enter_add },
    { "a job that waits", some, worker, op_wait },
    { "a job that waits, of nothing", some, worker, op_wait_none },
    { "a job that waits behind others", queue_of_four, none, op_wait },
    { "a job that waits in a full zone", full, worker, op_wait },
    { "a job that somebody is hungry for", hungry, none, op_wait },
    { "a job whose input drops others", results, none, op_wait_large },
    { "a job of a long input", queue_of_four, enter, op_wait_long },
    { "a long input that drops others", results, enter, op_wait_large },
    { "a long one, claimed at once", some, enter, op_add_long },
    { "a job whose input has no room", inputs, none, op_add_refused },
    { "a job that has no place", places, none, op_add_no_place },
    { "what has no room is taken out again", filed_one, none, op_fill_back },
    { "what is out of date is taken out", told_one, none, op_fill_drop },
    { "a job behind too many", queue_of_four, enter, op_add_behind },
    { "a queue in place of another", queues_used, enter, op_claim_new },
    { "a claim", queue_of_four, enter, op_claim },
    { "a claim of the next one", queue_of_four, claimed, op_claim },
    { "a claim of none", some, enter, op_claim },
    { "a claim after a dead worker", queue_and_locked, none, op_enter_claim },
    { "one is given back", queue_of_four, claimed, op_give_back },
    { "one is given back before others", queue_of_four, claimed_two,
      op_give_back },
    { "one is given back that was asked for", queue_of_four, claimed_asked,
      op_give_back },
    { "one is given back that was told", queue_of_four, claimed_taken,
      op_give_back },
    { "a cancel of one that waits", queue_of_four, none, op_cancel },
    { "a cancel of the first one", queue_of_four, claimed, op_cancel_first },
    { "a cancel of a dead worker's", queue_and_dead, none, op_ask_dead },
    { "a look at a dead worker's", queue_and_dead, none, op_see_dead },
    { "an end of one that did not begin", queue_of_four, claimed, op_end_5 },
    { "the same, beside a thread", queue_of_four, claimed, op_end_busy },
    { "the same, of the second one", queue_of_four, claimed_two, op_end_0 },
    { "an end that keeps the input", some, running, op_end_failed },
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
    { "an event after a dead worker", some_and_locked, running, op_event },
    { "an end with events", some, told, op_end_5 },
    { "an end with events and no result", some, told, op_end_0 },
    { "a return with events", some, told_busy, op_returned },
    { "a job whose events are over", some, told_over, op_add },
    { "a look at events", some, told, op_see },
    { "a leave with events", some, told, op_leave },
    { "a begin", some, worker, op_begin },
    { "a begin of what was claimed", queue_of_four, claimed, op_begin },
    { "a progress", some, running, op_progress },
    { "a return", some, busy, op_returned },
    { "a return after others", some, busy_long, op_returned },
    { "a return of what is forgotten", some, busy_forgotten, op_returned },
    { "an end that was asked for", some, asked, op_end_1 },
    { "a look", some, worker, op_see },
    { "a look at what is over", some, worker_over, op_see },
    { "a peek", some, worker, op_peek },
    { "a question", some, worker, op_ask },
    { "an answer", some, asked, op_asked },
    { "an oblivion", some, worker, op_forget },
    { "an oblivion of what failed", failed, none, op_forget_mine },
    { "a retry of what failed", failed, none, op_retry },
    { "a retry of what failed, behind others", queue_of_four, failed_mine,
      op_retry },
    { "a retry of what was lost", lost, none, op_retry },
    { "a retry in a full zone", failed_long, none, op_retry },
    { "a job in place of inputs of what failed", failed_long, none,
      op_retry_gone },
    { "a count after a dead worker", some_and_dead, none, op_counts },
    { "a count after one that had claimed", queue_and_dead, none, op_counts },
    { "events that are broken", some, told, op_broken },
    { "a rebuild", some_and_locked, none, op_lock },
    { "a rebuild with queues", queue_and_locked, none, op_lock },
    { "a rebuild of a full zone", full_and_locked, none, op_lock },
    { "a worker enters", some_and_dead, none, op_enter },
    { "a worker is the last", some_and_dead, enter, op_last },
    { "a worker passes on the word", hungry, enter, op_pass },
    { "a leave", some, two, op_leave },
    { "a leave with what was claimed", queue_of_four, mixed, op_leave },
    { "a leave beside a thread", some, busy, op_leave },
    { "a dead worker's jobs are tried again", dead_two, none, op_counts },
    { "one of them is looked at", dead_two, none, op_see_ran },
    { "one of them is to be cancelled", dead_two, none, op_ask_ran },
    { "they are, after a rebuild", dead_locked, none, op_counts },
    { "others of another one", again_and_dead, none, op_counts },
    { "a rebuild with those that wait again", again_and_locked, none,
      op_lock },
    { "one that is due", again_due, enter, op_due },
    { "a cancel of one that waits again", again_two, none, op_cancel_again },
    { "a claim of the second attempt", again_due, enter, op_claim_due },
    { "the second attempt is given back", again_due, claimed_again,
      op_give_back },
    { "the second attempt begins", again_due, claimed_again, op_begin },
    { "the second attempt is let go", again_due, running_again, op_lose },
    { "the last attempt is let go", again_due, running_last, op_lose_none },
    { "an end that is none", some, running_three, op_lose },
    { "an end that is none, beside a thread", some, running_three,
      op_lose_busy },
    { "an end of what is to be cancelled", some, running_asked, op_lose_none },
    { "a return of what is tried again", some, lost_busy, op_returned },
    { "a return of what is to be cancelled", some, lost_busy_asked,
      op_returned },
    { "a leave with what is tried again", some, running_three, op_leave },
    { NULL, NULL, NULL, NULL }
};


static case_t  *current;


static void
set_up(void)
{
    current->setup();
    file_all();
}


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
    lives = getpid();
    total = 0;

    for (c = cases; c->name; c++) {
        current = c;
        make();
        c->prepare();

        memset(&s, 0, sizeof(s));

        s.memory = memory;
        s.size = SIZE;
        s.mutex = mutexes;
        s.setup = set_up;
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
