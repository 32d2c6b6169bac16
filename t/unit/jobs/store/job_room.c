
/*
 * Which jobs a zone keeps, until when, and which ones go where there is no
 * room; that each cancel comes to its worker; which job is whose, and who is
 * told that one waits.  All through the calls of the store, in one process,
 * which is each of the workers in turn, by a clock that the test moves.
 */


#include "jobs/store/ngx_http_task_job_zone.h"

/* what is longer is written and read in pieces */

#undef NGX_HTTP_TASK_JOB_PIECE
#define NGX_HTTP_TASK_JOB_PIECE  2000

#include "check.h"
#include "loop.h"
#include "stateless.h"
#include "zone.h"

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
#include "jobs/store/ngx_http_task_job_see.c"
#include "jobs/store/ngx_http_task_job_shm.c"
#include "jobs/store/ngx_http_task_job_counts.c"
#include "jobs/store/ngx_http_task_job_store.c"
#include "jobs/store/ngx_http_task_job_look.c"
#include "jobs/store/ngx_http_task_store_op.c"
#include "base/ngx_http_task_work.c"


#define PLACES   12
#define MANY     150
#define CROWD    20000
#define WORKERS  4
#define WAITING  1000000          /* may wait */
#define BLOCK    (NGX_HTTP_TASK_JOB_BLOCK - 2 * sizeof(uint32_t))
#define LETTERS  "abcdefghijklmnopqrstuvwxyz"
#define FULL     "abcdefghijkl"


typedef struct {
    ngx_uint_t   added;
    u_char       id[NGX_HTTP_TASK_JOB_ID];
    uint64_t     key;
    ngx_uint_t   asked;                  /* so often to be cancelled */
    uint32_t     number;                 /* of its input */
    size_t       input;                  /* bytes */
} job_t;


/* no list is asked for */

void
ngx_http_task_job_page(ngx_http_task_job_zone_t *z,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list)
{
    _exit(3);
}


static ngx_http_task_store_t     store;
static ngx_http_task_job_zone_t  zones[WORKERS];    /* one for each of them */
static u_char                   *memory;

#define zone  zones[0]

static ngx_http_task_queue_t     alpha, beta;
static ngx_http_task_queue_t    *queues[] = { &alpha, &beta };

static ngx_uint_t                woken[WORKERS], readied, no_memory;

static job_t                     jobs[CROWD];   /* the first ones: letters */
static uint32_t                  number;        /* of the last input */
static ngx_int_t                 rc;            /* of the last call */
static ngx_http_task_store_op_t  op;


/* --- symbols of the rest of nginx and the module -------------------------- */

ngx_uint_t    ngx_pagesize = 4096;
ngx_uint_t    ngx_worker;
ngx_module_t  ngx_http_task_core_module;


int64_t
ngx_http_task_now(void)
{
    return loop_clock;
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return calloc(1, size);
}


/* what a result is copied to; one at a time */

void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    static u_char  result[65536];

    return (size <= sizeof(result) && !no_memory) ? result : NULL;
}


void
ngx_http_task_wake(ngx_uint_t worker)
{
    woken[worker]++;
}


ngx_int_t
ngx_http_task_wake_listen(ngx_http_task_waker_t *waker)
{
    return NGX_OK;
}


void *
ngx_slab_alloc(ngx_slab_pool_t *pool, size_t size)
{
    return NULL;
}


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    return NULL;
}


ngx_int_t
ngx_http_task_shm_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t  attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);

    return pthread_mutex_init(mutex, &attr) ? NGX_ERROR : NGX_OK;
}


/* --- jobs, by their letters ----------------------------------------------- */

static void
handler(ngx_http_task_store_op_t *o, ngx_int_t code)
{
    rc = code;
}


static void
asked(void *data)
{
    ((job_t *) data)->asked++;
}


static void
ready(void *data)
{
    readied++;
}


static void
queue(ngx_http_task_queue_t *q, const char *name)
{
    memset(q, 0, sizeof(ngx_http_task_queue_t));

    q->name.data = (u_char *) name;
    q->name.len = strlen(name);
    q->hash = 1000 + (u_char) name[0];
    q->store = &store;
    q->ready = ready;
}


/* from now on this process is that worker */

static void
as(ngx_uint_t worker)
{
    store.data = &zones[worker];
    ngx_worker = worker;
}


/* another worker begins */

static void
enters(ngx_uint_t worker)
{
    zones[worker].store = &store;
    zones[worker].sh = zone.sh;
    zones[worker].ttl = zone.ttl;
    zones[worker].keep = zone.keep;

    as(worker);

    if (store.type->enter(&store) != NGX_OK) {
        loop_broken("a worker cannot enter");
    }
}


/* a zone with so many places, of a worker that has just begun */

static void
make(ngx_uint_t places, ngx_msec_t ttl, ngx_msec_t keep)
{
    size_t      size;
    ngx_uint_t  i;

    for (i = 0; i < WORKERS; i++) {
        if (zones[i].owner) {
            as(i);
            ngx_http_task_job_store.leave(&store);
        }
    }

    free(memory);

    size = sizeof(ngx_http_task_job_sh_t) + places * NGX_HTTP_TASK_JOB_SIZE;

    memory = calloc(1, size);
    if (memory == NULL) {
        loop_broken("no memory");
    }

    memset(zones, 0, sizeof(zones));
    memset(jobs, 0, sizeof(jobs));
    memset(woken, 0, sizeof(woken));
    readied = 0;
    loop_timers = NULL;

    queue(&alpha, "alpha");
    queue(&beta, "beta");

    store.type = &ngx_http_task_job_store;
    store.data = &zone;
    store.asked = asked;
    store.queues.elts = queues;
    store.queues.nelts = 2;

    zone.store = &store;
    zone.ttl = ttl;
    zone.keep = keep;
    store.max_result = 65536;
    store.max_events = 1000;

    op.handler = handler;

    if (ngx_http_task_job_shm_layout(&zone, memory, size) != NGX_OK
        || zone.sh->njobs != places)
    {
        loop_broken("no zone");
    }

    enters(0);
}


static void
pass(int64_t ms)
{
    loop_clock += ms * LOOP_MS;
    loop_update();
}


static void
is(int right, const char *what)
{
    check(right, "room", what, strlen(what));
}


/* the zone is whole, at the end of a test */

static void
whole(const char *what)
{
    int  wrong;

    wrong = zone_check(&zone);

    is(!wrong, what);

    if (wrong) {
        printf("# %s\n", zone_wrong);
    }
}


/* what is long is answered later, in turns of the loop */

static void
answered(void)
{
    while (ngx_http_task_store_under_way(&op)) {
        if (loop_posted() == 0) {
            loop_broken("no answer");
        }

        loop_turn();
    }
}


/* NGX_BUSY: the zone is full; NGX_DECLINED: the share is; NGX_ERROR: else */

static ngx_int_t
put(ngx_uint_t n, ngx_http_task_queue_t *q, size_t input, ngx_uint_t claim,
    ngx_uint_t waiting, uint64_t share, ngx_uint_t max)
{
    u_char                     *p;
    job_t                      *j;
    ngx_http_task_store_add_t   new;

    p = calloc(input + 1, 1);
    j = &jobs[n];

    j->number = ++number;
    j->input = input;

    zone_input(p, input, j->number);

    memset(&new, 0, sizeof(new));

    new.queue = q;
    new.head.data = p;
    new.head.len = input / 3;
    new.body.data = p + input / 3;
    new.body.len = input - input / 3;
    new.claim = claim;
    new.waiting = waiting;
    new.share = share;
    new.max = max;

    store.type->add(&store, &op, &new);
    answered();

    free(p);

    if (rc == NGX_OK) {
        j->added = 1;
        memcpy(j->id, op.id, sizeof(op.id));

        if (op.claimed) {
            j->key = op.key;
            store.type->bind(&store, op.key, j);
        }

        return NGX_OK;
    }

    if (rc != NGX_DECLINED) {
        is(0, "a job is added, or declined");
    }

    return (op.why == NGX_HTTP_TASK_STORE_FULL) ? NGX_BUSY
           : (op.why == NGX_HTTP_TASK_STORE_SHARE) ? NGX_DECLINED : NGX_ERROR;
}


static ngx_int_t
add_nth(ngx_uint_t n, uint64_t share, ngx_uint_t max)
{
    return put(n, &alpha, 0, CROWD, WAITING, share, max);
}


static job_t *
job(char name)
{
    return &jobs[name - 'a'];
}


static ngx_int_t
add(char name, uint64_t share, ngx_uint_t max)
{
    return add_nth(name - 'a', share, max);
}


/* one that waits, with so many bytes of what it is made of */

static ngx_int_t
waits(char name, size_t input)
{
    return put(name - 'a', &alpha, input, 0, WAITING, 0, 0);
}


/* the name of the job that this worker has claimed; '-': none, '!': wrong */

static char
claims_older(ngx_http_task_queue_t *q, ngx_msec_t older)
{
    job_t       *j;
    const char  *p;

    op.older = older;

    store.type->claim(&store, &op, q);
    answered();

    op.older = 0;

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? '-' : '!';
    }

    for (p = LETTERS; *p; p++) {
        j = job(*p);

        if (!j->added || memcmp(j->id, op.id, sizeof(op.id)) != 0) {
            continue;
        }

        if (op.claim.input.len != j->input
            || (j->input >= 8
                && zone_input_number(op.claim.input.data, j->input)
                   != j->number))
        {
            return '!';
        }

        j->key = op.key;
        store.type->bind(&store, op.key, j);

        return *p;
    }

    return '!';
}


static char
claims(void)
{
    return claims_older(&alpha, 0);
}


static void
gives_back(char name)
{
    op.key = job(name)->key;

    store.type->give_back(&store, &op);
}


static void
begins(char name)
{
    store.type->begin(&store, job(name)->key);
}


static ngx_int_t
ends_as(char name, ngx_http_task_job_state_e state, size_t length,
    ngx_uint_t busy)
{
    static u_char              text[65536 + 1];
    ngx_http_task_store_end_t  end;

    memset(text, name, sizeof(text));
    memset(&end, 0, sizeof(end));

    end.state = state;
    end.status = 200;
    end.result.data = text;
    end.result.len = length;
    end.busy = busy;

    op.key = job(name)->key;

    store.type->end(&store, &op, &end);

    return rc;
}


static ngx_int_t
ends(char name, size_t length, ngx_uint_t busy)
{
    return ends_as(name, NGX_HTTP_TASK_JOB_DONE, length, busy);
}


static void
returned(char name)
{
    store.type->returned(&store, job(name)->key);
}


static void
about(job_t *j)
{
    memcpy(op.id, j->id, sizeof(op.id));
    op.version = 0;
}


static ngx_int_t
reads(char name)
{
    about(job(name));

    store.type->read(&store, &op);

    return rc;
}


static ngx_int_t
peeks(char name)
{
    about(job(name));

    store.type->watch(&store, &op);

    return rc;
}


static ngx_int_t
cancels(char name)
{
    about(job(name));

    store.type->cancel(&store, &op);

    return rc;
}


static ngx_int_t
forgets(char name)
{
    about(job(name));

    store.type->forget(&store, &op);

    return rc;
}


/* one after the other, a millisecond each */

static void
done(const char *names, size_t length)
{
    for ( /* void */ ; *names; names++) {
        if (add(*names, 0, 0) != NGX_OK || ends(*names, length, 0) != NGX_OK) {
            is(0, "no room for what there is to begin with");
        }

        pass(1);
    }
}


static ngx_http_task_job_counts_t *
counts(void)
{
    static ngx_http_task_job_counts_t  now;

    store.type->counts(&store, &now);

    return &now;
}


/* those that have a record, whoever finds them */

static ngx_uint_t
used(void)
{
    return counts()->used;
}


static uint64_t
dropped(void)
{
    return counts()->dropped;
}


static ngx_uint_t
in_state(ngx_http_task_job_state_e state)
{
    return counts()->states[state];
}


/* those that a client finds, with their own results */

static void
kept(const char *names, const char *what)
{
    size_t       n, i;
    char         found[sizeof(LETTERS)];
    const char  *name;

    n = 0;

    for (name = LETTERS; *name; name++) {

        if (!job(*name)->added || reads(*name) != NGX_OK) {
            continue;
        }

        found[n++] = *name;

        for (i = 0; i < op.seen.result.len; i++) {
            if (op.seen.result.data[i] != (u_char) *name) {
                is(0, "a job has the result of another one");
                break;
            }
        }
    }

    check_same(found, n, names, strlen(names), "kept", what, strlen(what));
}


/* as many jobs as have room, the last ones with a result */

static void
full(void)
{
    done("abcdef", 0);
    done("ghijkl", BLOCK);
}


/* --- until when ----------------------------------------------------------- */

static void
test_ttl(size_t length, const char *what)
{
    make(PLACES, 1000, 0);

    add('a', 0, 0);
    add('r', 0, 0);
    pass(5000);
    ends('a', length, 0);

    pass(999);
    kept("ar", what);

    pass(1);
    is(peeks('a') == NGX_DECLINED, "over: nobody waits for it");
    is(cancels('a') == NGX_DECLINED, "over: it cannot be cancelled");
    is(forgets('a') == NGX_DECLINED, "over: nor erased");
    is(reads('a') == NGX_DECLINED, "over: nobody finds it");
    is(dropped() == 0 && used() == 1, "over: its place is free");

    pass(LOOP_YEAR / LOOP_MS);
    kept("r", "one that has not ended, a year later");

    ends('r', length, 0);
    pass(999);
    kept("r", "from its end on");
    pass(1);
    kept("", "no longer");
}


/* all lists: of those without a result, and with one, of each location */

static void
test_all_over(void)
{
    make(PLACES, 1000, 0);

    full();
    pass(1000);
    is(add('m', 0, 0) == NGX_OK && dropped() == 0, "all over: room");
    is(used() == 1, "all over: all their places are free");

    make(PLACES, 1000, 0);

    add('a', 1, 5);
    add('b', 2, 5);
    add('c', 2, 5);
    ends('a', BLOCK, 0);
    ends('b', BLOCK, 0);
    ends('c', 0, 0);
    pass(1000);
    is(add('d', 0, 0) == NGX_OK && used() == 1, "all over: of all locations");

    make(PLACES, 1000, 0);

    done("abc", 0);
    pass(997);
    kept("bc", "each has its own time");
}


/* --- who goes ------------------------------------------------------------- */

static void
test_order(void)
{
    const char  *p;

    make(PLACES, 60000, 0);

    for (p = FULL; *p; p++) {
        is(add(*p, *p == 'c', 20) == NGX_OK, "a place");
    }

    is(add('m', 0, 0) == NGX_BUSY, "nothing has ended: no room");
    pass(LOOP_YEAR / LOOP_MS);
    is(add('m', 0, 0) == NGX_BUSY, "nor a year later");
    kept(FULL, "those that have not ended");

    ends('e', BLOCK, 0);
    pass(1);
    ends('b', 0, 0);
    pass(1);
    ends('a', BLOCK, 0);
    pass(1);
    ends('c', 0, 0);
    pass(1);

    is(add('m', 0, 0) == NGX_OK, "one for one");
    kept("abcdfghijklm", "the first that ended goes first");
    add('n', 0, 0);
    kept("acdfghijklmn", "then the next one, which has no result");
    add('o', 0, 0);
    kept("cdfghijklmno", "then one with a result");
    add('p', 0, 0);
    kept("dfghijklmnop", "then one of another location");
    is(add('q', 0, 0) == NGX_BUSY, "and no more");
    kept("dfghijklmnop", "those that have not ended, again");
    is(dropped() == 4, "four went before their time");
}


static void
test_keep(void)
{
    make(PLACES, 60000, 2000);
    full();
    pass(2000 - PLACES);

    /* the first one ended 2000 ms ago; now a millisecond less */

    loop_clock -= LOOP_MS;

    is(add('m', 0, 0) == NGX_BUSY, "keep: not 1 ms before");
    kept(FULL, "keep: none has gone");

    pass(1);
    is(add('m', 0, 0) == NGX_OK, "keep: then");
    kept("bcdefghijklm", "keep: only the one whose time it is");
    is(add('n', 0, 0) == NGX_BUSY, "keep: the next one is kept yet");

    pass(1);
    is(add('n', 0, 0) == NGX_OK, "keep: and its time comes");

    /* a share of its own is no way around it */

    make(PLACES, 60000, 2000);
    add('a', 1, 1);
    ends('a', 0, 0);
    pass(1999);
    is(add('b', 1, 1) == NGX_DECLINED, "keep, with max: not 1 ms before");
    pass(1);
    is(add('b', 1, 1) == NGX_OK, "keep, with max: then");
    kept("b", "keep, with max");

    /* nor is a result, also where an older one alone may go */

    make(PLACES, 60000, 2000);
    add('z', 0, 0);
    done("a", BLOCK);
    done("b", (zone.sh->nblocks - 2) * BLOCK);
    pass(1998);
    is(ends('z', 3 * BLOCK, 0) == NGX_BUSY, "keep, a result: not 1 ms before");
    kept("abz", "keep, a result: none has gone in vain");
    pass(1);
    is(ends('z', 3 * BLOCK, 0) == NGX_OK, "keep, a result: then");
    kept("z", "keep, a result");
}


/* results lie in blocks, of which all jobs together have so many */

static void
test_results(void)
{
    ngx_uint_t  n;

    make(PLACES, 60000, 0);
    n = zone.sh->nblocks;

    done("abc", 0);
    done("d", 5 * BLOCK);
    done("e", (n - 6) * BLOCK);
    add('r', 0, 0);
    add('s', 0, 0);
    add('t', 0, 0);

    is(ends('r', BLOCK, 0) == NGX_OK, "the last block");
    kept("abcderst", "needs nobody's");
    pass(1);

    is(ends('s', 2 * BLOCK + 1, 0) == NGX_OK, "one more result");
    kept("abcerst", "the oldest with a result goes, older ones stay");
    pass(1);

    is(ends('t', n * BLOCK + 1, 0) == NGX_DECLINED, "more than the zone has");
    is(ends('t', 65537, 0) == NGX_DECLINED, "more than max_result");
    kept("abcerst", "nothing is dropped in vain");

    add('u', 0, 0);
    ends('u', 2 * BLOCK, 1);
    is(ends('t', n * BLOCK, 0) == NGX_BUSY, "a thread has what it needs");
    kept("abcerstu", "nothing is dropped in vain, again");

    is(ends('t', (n - 2) * BLOCK, 0) == NGX_OK, "all but that");
    kept("abctu", "all with a result go but that");
    is(dropped() == 4, "each of them is counted");
}


/* one whose thread is still running is not the store's to give away */

static void
test_busy(void)
{
    make(PLACES, 1000, 0);

    add('a', 0, 0);
    ends('a', BLOCK, 1);
    pass(10);
    done("bcdefghijkl", 0);
    is(add('m', 0, 0) == NGX_OK, "busy: another one goes");
    kept("acdefghijklm", "busy: the second oldest");

    returned('a');
    pass(1);
    is(add('n', 0, 0) == NGX_OK && reads('a') == NGX_OK,
       "busy: from its return on it is the youngest");

    make(PLACES, 1000, 0);

    add('a', 0, 0);
    ends('a', 0, 1);
    pass(1000);
    is(reads('a') == NGX_DECLINED && used() == 1, "busy: over, but in place");
    is(add('b', 0, 0) == NGX_OK && used() == 2, "busy: nobody gets its place");
    returned('a');
    is(used() == 1, "busy: which is free when it returns");

    add('c', 0, 0);
    ends('c', 0, 1);
    is(forgets('c') == NGX_OK && reads('c') == NGX_DECLINED && used() == 2,
       "busy: erased, but in place");
    returned('c');
    is(used() == 1, "busy: until it returns");
}


static void
test_max(void)
{
    const char  *p;

    make(PLACES, 60000, 0);

    done("ab", 0);
    add('c', 1, 2);
    add('d', 1, 2);
    is(add('e', 1, 2) == NGX_DECLINED, "max: as many as it may have");
    is(add('e', 2, 2) == NGX_OK, "max: another location");

    ends('d', 0, 0);
    is(add('f', 1, 2) == NGX_OK, "max: one that has ended makes room");
    kept("abcef", "max: older ones of others stay");
    is(add('g', 1, 2) == NGX_DECLINED, "max: no other one has ended");
    is(forgets('c') == NGX_BUSY, "max: one that runs is not erased");

    /* lowered by a reload: two go for one, until that many are left */

    make(PLACES, 60000, 0);

    for (p = "abcdef"; *p; p++) {
        add(*p, 1, 6);
        ends(*p, 0, 0);
        pass(1);
    }

    add('g', 1, 3);
    kept("cdefg", "max: lowered");
    add('h', 1, 3);
    kept("efgh", "max: lowered, and so on");
    is(add('i', 1, 3) == NGX_OK, "max: ended ones go");
    kept("ghi", "max: until it is reached");

    /* a zone that is full is so for all */

    make(PLACES, 60000, 0);
    full();
    is(add('m', 1, 5) == NGX_OK, "max: in a full zone");
    kept("bcdefghijklm", "max: the oldest of all goes");
}


/* a client that waits looks again and again: it is told before it is gone */

static void
test_wanted(void)
{
    const char  *p;

    make(PLACES, 60000, 0);

    add('a', 0, 0);
    is(peeks('a') == NGX_OK, "wanted: looked at");
    pass(50);
    ends('a', 0, 0);
    pass(1);
    done("bcdefghijkl", 0);

    for (p = "mnopqrstuvw"; *p; p++) {
        is(add(*p, 0, 0) == NGX_OK && reads('a') == NGX_OK,
           "wanted: others go, that ended later");
    }

    kept("amnopqrstuvw", "wanted: all of them");
    is(add('x', 0, 0) == NGX_BUSY, "wanted: rather than this one, none goes");

    pass(100);
    is(add('x', 0, 0) == NGX_OK, "wanted: for so long");
    kept("mnopqrstuvwx", "wanted: no longer");

    /* who left 100 ms before its end does not wait */

    make(PLACES, 60000, 0);
    add('a', 0, 0);
    peeks('a');
    pass(100);
    ends('a', 0, 0);
    pass(1);
    done("bcdefghijkl", 0);
    add('m', 0, 0);
    kept("bcdefghijklm", "wanted: who waits no longer does not count");

    /* each location with max, too */

    make(PLACES, 60000, 0);
    add('a', 1, 2);
    add('b', 1, 2);
    peeks('a');
    ends('a', BLOCK, 0);
    pass(1);
    ends('b', BLOCK, 0);
    pass(1);
    is(add('c', 1, 2) == NGX_OK, "wanted, with max");
    kept("ac", "wanted, with max: the other one goes");
    is(add('d', 1, 2) == NGX_DECLINED, "wanted, with max: and then none");
}


/* --- cancels -------------------------------------------------------------- */

/* the worker looks, as often as it does by itself within so long */

static void
look(int64_t ms)
{
    int64_t       until;
    ngx_event_t  *ev;

    until = loop_clock + ms * LOOP_MS;

    for (ev = loop_first(); ev; ev = loop_first()) {

        if (loop_clock + loop_fires_in(ev) * LOOP_MS > until) {
            break;
        }

        pass(loop_fires_in(ev));
        loop_expire();
    }

    loop_clock = until;
    loop_update();
}


static void
test_cancel(void)
{
    ngx_uint_t  i, once, others;

    make(MANY, 60000, 0);

    for (i = 0; i < MANY; i++) {
        add_nth(i, 0, 0);
    }

    for (i = 1; i < MANY; i++) {
        about(&jobs[i]);
        store.type->cancel(&store, &op);
        store.type->cancel(&store, &op);
    }

    look(60);

    for (i = 1, once = 0, others = jobs[0].asked; i < MANY; i++) {
        once += (jobs[i].asked == 1);
        others += (jobs[i].asked > 1);
    }

    is(once == MANY - 1, "cancel: each is told, within 60 ms");
    is(others == 0, "cancel: once, and no other one");

    look(1000);
    is(jobs[1].asked == 1, "cancel: nor later");
    is(loop_ends(), "cancel: its timer does not keep a worker");
}


/* ends many jobs, the oldest first; returns the processor time it took */

static clock_t
end_crowd(ngx_uint_t asked)
{
    clock_t                    since;
    ngx_uint_t                 i;
    ngx_http_task_store_end_t  end;

    make(CROWD, 60000, 0);

    for (i = 0; i < CROWD; i++) {
        add_nth(i, 0, 0);
    }

    for (i = 0; i < CROWD && asked; i++) {
        about(&jobs[i]);
        store.type->cancel(&store, &op);
    }

    memset(&end, 0, sizeof(end));
    end.state = NGX_HTTP_TASK_JOB_DONE;
    since = clock();

    for (i = 0; i < CROWD; i++) {

        /* each third one, and the last one asked for, are left */

        if (i % 3 && i != CROWD - 1) {
            op.key = jobs[i].key;
            store.type->end(&store, &op, &end);
        }
    }

    return clock() - since;
}


/* thousands end before their worker looks at their cancels */

static void
test_cancel_of_crowd(void)
{
    clock_t     alone;
    ngx_uint_t  i, told, others;

    alone = end_crowd(0);

    is(end_crowd(1) < 10 * alone + CLOCKS_PER_SEC / 50,
       "cancel: one of thousands ends as fast as any");

    look(2000);

    for (i = 0, told = others = 0; i < CROWD; i++) {
        if (i % 3 && i != CROWD - 1) {
            others += jobs[i].asked;

        } else {
            told += (jobs[i].asked == 1);
        }
    }

    is(told == (CROWD + 2) / 3 + 1, "cancel: those that are left are told");
    is(others == 0, "cancel: and no others");
}


/* it ends before its worker looks, and its place is another one's by then */

static void
test_cancel_of_ended(const char *order)
{
    make(PLACES, 60000, 0);

    add('a', 0, 0);
    add('b', 0, 0);
    add('c', 0, 0);

    for ( /* void */ ; *order; order++) {
        is(cancels(*order) == NGX_OK, "cancel: asked");
    }

    ends('b', 0, 0);
    is(forgets('b') == NGX_OK, "cancel: of one that is erased");
    add('d', 0, 0);
    is(job('d')->key == job('b')->key, "cancel: its place is taken");

    look(60);
    is(job('a')->asked == 1 && job('c')->asked == 1,
       "cancel: those of others are not lost");
    is(job('b')->asked == 0 && job('d')->asked == 0,
       "cancel: who has its place is not meant");

    is(cancels('d') == NGX_OK, "cancel: until it is");
    look(60);
    is(job('d')->asked == 1, "cancel: who has its place");
    is(job('a')->asked == 1, "cancel: and only that");
}


/* --- what jobs are made of ------------------------------------------------ */

static void
test_input_room(void)
{
    ngx_uint_t  n;

    make(PLACES, 60000, 0);
    n = zone.sh->nblocks;

    is(waits('a', (n - 2) * BLOCK) == NGX_OK, "input: all blocks but two");
    is(waits('b', 2 * BLOCK + 1) == NGX_BUSY, "input: a byte too many");
    is(counts()->refused == 1, "input: it is counted");
    is(waits('b', 2 * BLOCK) == NGX_OK, "input: the last ones");
    is(waits('c', 1) == NGX_BUSY, "input: not one more byte");
    is(waits('c', 0) == NGX_OK, "input: but nothing at all");
    is(counts()->used_blocks == n, "input: blocks are counted");
    is(waits('d', (n + 1) * BLOCK) == NGX_BUSY, "input: more than a zone has");

    is(claims() == 'a' && claims() == 'b' && claims() == 'c',
       "input: each has its own");
    is(ends('a', 1, 0) == NGX_BUSY, "input: no room for a result");
    is(ends('b', 0, 0) == NGX_OK && counts()->used_blocks == n - 2,
       "input: of one that is done it is free");
    is(ends('a', BLOCK, 0) == NGX_OK && counts()->used_blocks == 1,
       "input: and there is room for others");
    whole("input: the zone is whole");
}


/* those that have ended go for what a new one is made of; not in vain */

static void
test_input_drops(void)
{
    ngx_uint_t  n;

    make(PLACES, 60000, 0);
    n = zone.sh->nblocks;

    done("a", 0);
    done("b", 5 * BLOCK);
    done("c", 3 * BLOCK);
    is(waits('d', (n - 8) * BLOCK) == NGX_OK, "input: there is room");
    kept("abcd", "input: nobody goes for it");

    is(waits('e', 9 * BLOCK) == NGX_BUSY, "input: more than those that ended");
    kept("abcd", "input: nobody goes in vain");

    is(waits('e', 2 * BLOCK) == NGX_OK, "input: one goes");
    kept("acde", "input: the oldest that has blocks");
    is(waits('f', 6 * BLOCK) == NGX_OK, "input: the next one, too");
    kept("adef", "input: of those that have ended");
    is(dropped() == 2, "input: they are counted");

    /* a location with max, whose own job would go */

    make(PLACES, 60000, 0);
    add('a', 1, 1);
    ends('a', 0, 0);
    pass(1);
    waits('b', n * BLOCK);
    is(put('c' - 'a', &alpha, BLOCK, 0, WAITING, 1, 1) == NGX_BUSY,
       "input, with max: no room");
    kept("ab", "input, with max: its own does not go in vain");
    is(put('c' - 'a', &alpha, 0, 0, WAITING, 1, 1) == NGX_OK,
       "input, with max: it goes for one that has room");
    kept("bc", "input, with max: then");

    /* a zone that has no place has none for what needs no block */

    make(PLACES, 60000, 0);
    n = used();

    while (waits('a' + n, BLOCK / 2) == NGX_OK) {
        n++;
    }

    is(n == PLACES && op.why == NGX_HTTP_TASK_STORE_FULL, "input: all places");
    is(counts()->used_blocks == PLACES, "input: who has no place has no block");

    /* keep protects results of others */

    make(PLACES, 60000, 2000);
    n = zone.sh->nblocks;
    done("a", n * BLOCK);
    pass(1998);
    is(waits('b', 1) == NGX_BUSY, "input, keep: not 1 ms before");
    kept("a", "input, keep: it is there");
    pass(1);
    is(waits('b', 1) == NGX_OK, "input, keep: then");
    kept("b", "input, keep: it goes");
    whole("input, drops: the zone is whole");
}


/* as long as a job may run, or may be run again */

static void
test_input_kept(void)
{
    ngx_uint_t  n;

    make(PLACES, 60000, 0);
    n = zone.sh->nblocks;

    put('a' - 'a', &alpha, 2 * BLOCK, CROWD, WAITING, 0, 0);
    ends_as('a', NGX_HTTP_TASK_JOB_FAILED, 0, 0);
    is(counts()->used_blocks == 0, "kept: of none that cannot be tried again");

    make(PLACES, 60000, 0);
    store.lists = 1;

    put('a' - 'a', &alpha, 2 * BLOCK, CROWD, WAITING, 0, 0);
    put('b' - 'a', &alpha, 3 * BLOCK, CROWD, WAITING, 0, 0);
    put('c' - 'a', &alpha, 4 * BLOCK, CROWD, WAITING, 0, 0);
    is(counts()->used_blocks == 9, "kept: of all that run");

    ends_as('a', NGX_HTTP_TASK_JOB_FAILED, 0, 0);
    pass(1);
    ends_as('b', NGX_HTTP_TASK_JOB_TIMEOUT, 0, 1);
    is(counts()->used_blocks == 6, "kept: of one that failed, no other one");
    ends_as('c', NGX_HTTP_TASK_JOB_CANCELLED, 0, 0);
    is(counts()->used_blocks == 2, "kept: not of one that was cancelled");

    is(waits('d', (n - 1) * BLOCK) == NGX_OK, "kept: not rather than others");
    kept("abcd", "kept: its job stays");
    is(counts()->used_blocks == n - 1, "kept: and has none then");
    is(cancels('d') == NGX_OK && counts()->used_blocks == 0,
       "kept: no longer than one waits that is cancelled");
    is(reads('d') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_CANCELLED,
       "kept: which it is at once");

    put('e' - 'a', &alpha, 2 * BLOCK, CROWD, WAITING, 0, 0);
    ends_as('e', NGX_HTTP_TASK_JOB_FAILED, 0, 0);
    is(counts()->used_blocks == 2, "kept: of another one");
    is(forgets('e') == NGX_OK && counts()->used_blocks == 0,
       "kept: or is erased with it");
    returned('b');
    store.lists = 0;
    whole("kept: the zone is whole");
}


/* --- long ones, piece by piece -------------------------------------------- */

static u_char                     text[8000];
static ngx_int_t                  slow_rc;
static uint32_t                   slow_number;
static ngx_http_task_store_op_t   slow;
static ngx_http_task_store_add_t  slow_add;


static void
slow_handler(ngx_http_task_store_op_t *o, ngx_int_t code)
{
    slow_rc = code;
}


/* the call has returned; it is answered piece by piece */

static void
adds_long(size_t head, size_t body, ngx_uint_t claim)
{
    slow_number = ++number;
    zone_input(text, head + body, slow_number);

    memset(&slow, 0, sizeof(slow));
    memset(&slow_add, 0, sizeof(slow_add));

    slow_add.queue = &alpha;
    slow_add.head.data = text;
    slow_add.head.len = head;
    slow_add.body.data = text + head;
    slow_add.body.len = body;
    slow_add.claim = claim;
    slow_add.waiting = WAITING;

    slow_rc = NGX_AGAIN;
    slow.handler = slow_handler;

    store.type->add(&store, &slow, &slow_add);
}


static void
claims_long(void)
{
    memset(&slow, 0, sizeof(slow));

    slow_rc = NGX_AGAIN;
    slow.handler = slow_handler;

    store.type->claim(&store, &slow, &alpha);
}


static void
steps(ngx_uint_t n)
{
    while (n-- && !ngx_queue_empty(&zone.inputs)) {
        if (zone.work.step(&zone.work) == 0) {
            ngx_http_task_work_end(&zone.work);
        }
    }
}


static void
test_long_add(void)
{
    make(20, 60000, 0);

    adds_long(3000, 2500, 0);
    is(slow_rc == NGX_AGAIN && slow.late, "long: it is answered later");
    steps(2);
    is(slow_rc == NGX_AGAIN && used() == 1, "long: it has a place meanwhile");
    is(waits('a', 8) == NGX_OK && op.waiting == 0, "long: but is not accepted");
    whole("long: the zone is whole meanwhile");

    steps(2);
    is(slow_rc == NGX_OK && !slow.claimed, "long: then it waits");
    whole("long: the zone is whole then");

    claims_long();
    is(slow_rc == NGX_AGAIN && slow.claim.input.len == 5500,
       "long: it is claimed before those that came later");
    steps(2);
    is(slow_rc == NGX_AGAIN, "long: it is read in pieces, too");
    steps(1);
    is(slow_rc == NGX_OK
       && zone_input_number(slow.claim.input.data, 5500) == slow_number,
       "long: all of it");
    is(claims() == 'a' && claims() == '-', "long: then the others");
    whole("long: the zone is whole at last");

    /* it is this worker's */

    make(20, 60000, 0);
    adds_long(0, 5000, 1);
    steps(3);
    is(slow_rc == NGX_OK && slow.claimed, "long: it is this worker's at once");
    is(claims() == '-' && counts()->states[NGX_HTTP_TASK_JOB_QUEUED] == 1,
       "long: and does not wait");
}


/* its room is another one's, or nobody wants it any more */

static void
test_long_dropped(void)
{
    ngx_uint_t  i, n;

    make(20, 60000, 0);
    n = zone.sh->nblocks;

    adds_long(100, 5000, 0);
    steps(1);

    for (i = 0; (i + 1) * 8 < n; i++) {
        is(waits('a' + i, 8 * BLOCK) == NGX_OK, "long: others have its room");
    }

    steps(1);
    is(slow_rc == NGX_DECLINED && slow.why == NGX_HTTP_TASK_STORE_FULL,
       "long: it has none");
    is(counts()->used_blocks == i * 8 && counts()->refused == 1,
       "long: nor any block");
    is(in_state(NGX_HTTP_TASK_JOB_QUEUED) == i && claims() == 'a',
       "long: and does not wait");
    whole("long: the zone is whole without it");

    make(20, 60000, 0);
    adds_long(100, 5000, 0);
    steps(2);
    ngx_http_task_store_drop(&slow);
    steps(1);
    is(slow_rc == NGX_AGAIN && counts()->used_blocks == 0,
       "long: one that is dropped has nothing");
    is(claims() == '-', "long: it does not wait");
    whole("long: the zone is whole after it");

    adds_long(100, 5000, 0);
    steps(4);
    claims_long();
    steps(1);
    ngx_http_task_store_drop(&slow);
    steps(1);
    is(slow_rc == NGX_AGAIN, "long: one that was claimed is dropped");
    claims_long();
    steps(3);
    is(slow_rc == NGX_OK
       && zone_input_number(slow.claim.input.data, 5100) == slow_number,
       "long: and waits again");
    whole("long: the zone is whole after that");
}


/* a process rebuilds the zone while another one reads from it */

static void
test_long_rebuilt(void)
{
    ngx_uint_t  i;

    make(20, 60000, 0);
    adds_long(100, 5000, 0);
    steps(4);
    claims_long();
    steps(1);

    /* as far as it marks what is reached */

    for (i = 0; i < zone.sh->used_blocks; i++) {
        zone.sh->blocks[i].job |= NGX_HTTP_TASK_JOB_REACHED;
    }

    steps(1);

    for (i = 0; i < zone.sh->used_blocks; i++) {
        zone.sh->blocks[i].job &= ~NGX_HTTP_TASK_JOB_REACHED;
    }

    steps(1);

    is(slow_rc == NGX_OK
       && zone_input_number(slow.claim.input.data, 5100) == slow_number,
       "long: it is read while the zone is rebuilt");
    is(zone.damaged == 0, "long: which is no damage");
}


/* --- jobs that are refused, as the state file cannot be written ----------- */

static ngx_http_task_record_t *
record(char name)
{
    return ngx_http_task_job_find(&zone, job(name)->id);
}


/* one with a key; returns why not, or 0 */

static ngx_uint_t
adds_keyed(void)
{
    ngx_http_task_store_add_t  new;

    memset(&new, 0, sizeof(new));
    memset(new.key, 'k', sizeof(new.key));

    new.queue = &alpha;
    new.waiting = WAITING;
    new.keyed = 1;

    store.type->add(&store, &op, &new);

    return (rc == NGX_OK) ? 0 : op.why;
}


/* a client cancels it by a list, before its worker was told */

static void
test_not_added(void)
{
    make(PLACES, 60000, 0);

    add('a', 0, 0);
    add('b', 0, 0);
    cancels('a');
    cancels('b');

    is(zone.owner->asked != NGX_HTTP_TASK_JOB_NONE, "refused: its cancel");

    ngx_http_task_job_not_added(&zone, record('b'));
    is(zone.owner->asked == job('a')->key, "refused: it is not cancelled");
    ngx_http_task_job_not_added(&zone, record('a'));
    is(zone.owner->asked == NGX_HTTP_TASK_JOB_NONE, "refused: nor is the last");

    look(1000);
    is(zone.damaged == 0 && job('a')->asked + job('b')->asked == 0,
       "refused: no cancel leads nowhere");
    whole("refused: the zone is whole without it");
}


static void
test_not_kept(void)
{
    uint64_t                 dirty;
    ngx_http_task_record_t  *one;

    make(PLACES, 60000, 0);
    zone.sh->dirty = &dirty;

    waits('a', 8);
    is(ngx_http_task_job_not_kept(&zone, record('a')) == NGX_OK && used() == 0,
       "refused: one that waits is gone");

    /* another worker has claimed it */

    is(adds_keyed() == 0, "refused: one with a key");
    one = ngx_http_task_job_find(&zone, op.id);
    enters(1);
    store.type->claim(&store, &op, &alpha);
    is(one->owner == 1, "refused: it is another worker's");
    as(0);
    dirty = 0;

    is(ngx_http_task_job_not_kept(&zone, one) == NGX_BUSY,
       "refused: it may have begun");
    is(one->cancel == NGX_HTTP_TASK_JOB_CANCEL_ASKED && one->forgotten,
       "refused: it is cancelled");
    is(dirty == 1, "refused: the file is to lack it");
    is(adds_keyed() == 0, "refused: its key is free");
    is(adds_keyed() == NGX_HTTP_TASK_STORE_SAME, "refused: and another one's");
    whole("refused: the zone is whole meanwhile");

    /* one that a client has cancelled by a list */

    waits('c', 8);
    cancels('c');
    is(ngx_http_task_job_not_kept(&zone, record('c')) == NGX_OK
       && reads('c') == NGX_DECLINED,
       "refused: one that a client cancelled is gone");

    zone.sh->dirty = NULL;
    whole("refused: the zone is whole");
}


/* --- queues --------------------------------------------------------------- */

static void
test_queue(void)
{
    make(PLACES, 60000, 0);

    is(claims() == '-', "queue: none waits");
    is(waits('a', 10) == NGX_OK && !op.claimed && op.waiting == 0,
       "queue: the first one");
    is(waits('b', 3 * BLOCK + 1) == NGX_OK && op.waiting == 1,
       "queue: one is before it");
    is(waits('c', 0) == NGX_OK && op.waiting == 2, "queue: two are");
    is(put('d' - 'a', &alpha, 20, CROWD, WAITING, 0, 0) == NGX_OK
       && !op.claimed, "queue: nobody is served before who waits");
    is(put('e' - 'a', &beta, 30, CROWD, WAITING, 0, 0) == NGX_OK && op.claimed,
       "queue: but in another queue");
    is(in_state(NGX_HTTP_TASK_JOB_QUEUED) == 5, "queue: all are counted");

    is(claims() == 'a' && op.claim.age >= 0 && op.claim.age < 60000,
       "queue: the first one, and how old it is");
    is(claims() == 'b', "queue: the second one");
    is(claims_older(&beta, 0) == '-', "queue: none of another queue");

    gives_back('b');
    gives_back('a');
    is(zone.running == 1, "queue: two are back");
    is(claims() == 'a' && claims() == 'b', "queue: where they were");

    gives_back('a');
    gives_back('b');
    is(claims() == 'a' && claims() == 'b' && claims() == 'c',
       "queue: whichever is back first");
    is(claims() == 'd' && claims() == '-', "queue: and then the others");
    is(zone.running == 5, "queue: all are its own");
    is(in_state(NGX_HTTP_TASK_JOB_QUEUED) == 5, "queue: which have not begun");

    begins('c');
    is(in_state(NGX_HTTP_TASK_JOB_QUEUED) == 4
       && in_state(NGX_HTTP_TASK_JOB_RUNNING) == 1, "queue: but one");
    whole("queue: the zone is whole");
}


/* one that waits in the middle of a queue is cancelled at once */

static void
test_queue_cancel(void)
{
    make(PLACES, 60000, 0);

    waits('a', 10);
    waits('b', 10);
    waits('c', 10);

    is(cancels('b') == NGX_OK, "queue: one is cancelled");
    is(reads('b') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_CANCELLED
       && op.seen.ended, "queue: at once");
    is(waits('d', 10) == NGX_OK && op.waiting == 2, "queue: nor does it count");
    is(claims() == 'a' && claims() == 'c', "queue: nobody claims it");

    /* a claimed one is asked for; given back, it ends */

    is(cancels('a') == NGX_OK && reads('a') == NGX_OK
       && op.seen.state == NGX_HTTP_TASK_JOB_QUEUED, "back: it is asked for");
    gives_back('a');
    is(reads('a') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_CANCELLED,
       "back: given back, it is cancelled");

    cancels('c');
    look(60);
    is(job('a')->asked == 0 && job('c')->asked == 1, "back: one was told");
    gives_back('c');
    is(reads('c') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_CANCELLED,
       "back: that, too");
    is(claims() == 'd', "back: none of them waits again");
    is(counts()->used_blocks == 1, "back: nor has an input");
    whole("back: the zone is whole");
}


static void
test_claim(void)
{
    make(PLACES, 60000, 0);

    is(put(0, &alpha, 8, 0, WAITING, 0, 0) == NGX_OK && !op.claimed,
       "claim: without room it waits");
    is(claims_older(&alpha, 60000) == '-', "claim: too young");

    /* it was accepted an hour ago */

    zone.sh->jobs[0].accepted -= 3600000;

    no_memory = 1;
    is(claims_older(&alpha, 60000) == '!', "claim: no memory");
    no_memory = 0;

    is(reads('a') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_QUEUED
       && zone.running == 0, "claim: it waits as before");
    is(claims_older(&alpha, 60000) == 'a', "claim: old enough");
    is(op.claim.age >= 3600000 && op.claim.age < 3700000, "claim: an hour old");
    whole("claim: the zone is whole");
}


/* so many may wait, beside those that workers have room for */

static void
test_waiting(void)
{
    make(PLACES, 60000, 0);

    is(put(0, &alpha, 8, 1, 0, 0, 0) == NGX_OK && op.claimed,
       "waiting: none, but it does not wait");
    is(put(1, &alpha, 8, 0, 0, 0, 0) == NGX_ERROR
       && op.why == NGX_HTTP_TASK_STORE_QUEUE, "waiting: none");
    is(op.waiting == 0, "waiting: nor does one");
    is(put(1, &alpha, 8, 0, 2, 0, 0) == NGX_OK, "waiting: one of two");
    is(put(2, &alpha, 8, 0, 2, 0, 0) == NGX_OK, "waiting: two of two");
    is(put(3, &alpha, 8, 0, 2, 0, 0) == NGX_ERROR
       && op.why == NGX_HTTP_TASK_STORE_QUEUE && op.waiting == 2,
       "waiting: and no more");
    is(put(3, &beta, 8, 0, 2, 0, 0) == NGX_OK, "waiting: another queue");
    is(counts()->refused == 0 && counts()->used_blocks == 4,
       "waiting: who is refused has nothing");

    is(claims() == 'b', "waiting: one begins");
    is(put(4, &alpha, 8, 0, 2, 0, 0) == NGX_OK, "waiting: another one may");

    /* each of the workers that have room has room for one more */

    make(PLACES, 60000, 0);
    claims();
    enters(1);
    claims();

    is(put(0, &alpha, 8, 0, 0, 0, 0) == NGX_OK
       && put(1, &alpha, 8, 0, 0, 0, 0) == NGX_OK
       && put(2, &alpha, 8, 0, 0, 0, 0) == NGX_ERROR,
       "waiting: two who were hungry, and come");
    is(claims() == 'a' && put(2, &alpha, 8, 0, 0, 0, 0) == NGX_ERROR,
       "waiting: who has come has room no more");
    is(put(2, &alpha, 8, 0, 1, 0, 0) == NGX_OK
       && put(3, &alpha, 8, 0, 1, 0, 0) == NGX_ERROR,
       "waiting: one beside the other who comes");
    whole("waiting: the zone is whole");
}


/* --- workers -------------------------------------------------------------- */

static void
forget_woken(void)
{
    memset(woken, 0, sizeof(woken));
}


/* so often each of them, since the last look at it */

static ngx_uint_t
woke(ngx_uint_t a, ngx_uint_t b, ngx_uint_t c)
{
    ngx_uint_t  right;

    right = (woken[0] == a && woken[1] == b && woken[2] == c);

    if (!right) {
        printf("# woken: %lu %lu %lu\n", (unsigned long) woken[0],
               (unsigned long) woken[1], (unsigned long) woken[2]);
    }

    forget_woken();

    return right;
}


/* how many of them are hungry */

static ngx_uint_t
hungry(void)
{
    ngx_http_task_job_waiting_t  *q;

    q = ngx_http_task_job_queue_find(&zone, alpha.hash);

    return q ? ngx_http_task_job_queue_hungry(q) : 0;
}


/* by way of a worker that is not hungry */

static void
comes(char name)
{
    as(3);

    if (waits(name, 8) != NGX_OK) {
        is(0, "no room for what comes");
    }
}


static char
claims_as(ngx_uint_t worker)
{
    as(worker);

    return claims();
}


static void
make_workers(void)
{
    make(PLACES, 60000, 0);
    enters(1);
    enters(2);
    enters(3);
}


static void
test_hungry(void)
{
    make_workers();

    comes('a');
    is(woke(0, 0, 0) && hungry() == 0, "hungry: nobody is");

    is(claims_as(0) == 'a' && claims() == '-' && hungry() == 1,
       "hungry: one looks, and one is");
    is(claims_as(1) == '-' && hungry() == 2, "hungry: two are");

    comes('b');
    is(woke(0, 1, 0), "hungry: one is told");
    comes('c');
    is(woke(1, 0, 0), "hungry: then the other one");
    comes('d');
    is(woke(0, 0, 0) && hungry() == 0, "hungry: and then nobody is left");

    /* who finds a job is hungry no more; who finds none is */

    is(claims_as(1) == 'b' && claims() == 'c' && claims() == 'd',
       "hungry: jobs");
    is(hungry() == 0, "hungry: who has found some is not");
    is(claims() == '-' && hungry() == 1, "hungry: who finds none is");
    comes('e');
    is(woke(0, 1, 0) && claims_as(1) == 'e', "hungry: and is told");
    is(claims_older(&alpha, 1) == '-' && hungry() == 0,
       "hungry: who asks for old ones is not");

    /* each in turn */

    claims_as(0);
    claims_as(1);
    claims_as(2);

    comes('f');
    is(woke(0, 0, 1), "hungry: the one behind who was told");
    comes('g');
    is(woke(1, 0, 0), "hungry: and around");
    is(claims_as(2) == 'f' && claims() == 'g' && claims() == '-',
       "hungry: again");
    comes('h');
    is(woke(0, 1, 0), "hungry: not always the same one");

    /* of another queue nobody is told */

    put('i' - 'a', &beta, 8, 0, WAITING, 0, 0);
    is(woke(0, 0, 0), "hungry: of another queue");

    /* whose loop is at work is the last */

    make_workers();
    claims_as(0);
    claims_as(1);
    waits('a', 8);
    is(woke(1, 0, 0), "hungry: another one first");
    waits('b', 8);
    is(woke(0, 1, 0) && hungry() == 0, "hungry: rather than who has it");
    whole("hungry: the zone is whole");
}


/* a worker gives its job back only if another one comes for it */

static void
test_wanted_back(void)
{
    make_workers();

    is(!store.type->wanted(&store, &alpha), "wanted: by nobody");
    claims_as(0);
    is(!store.type->wanted(&store, &alpha), "wanted: not by another one");
    as(1);
    is(store.type->wanted(&store, &alpha), "wanted: by another one");
    is(!store.type->wanted(&store, &beta), "wanted: not of another queue");

    comes('a');
    as(1);
    is(store.type->wanted(&store, &alpha), "wanted: by one who was told");
    pass(9);
    is(store.type->wanted(&store, &alpha), "wanted: a while ago");
    pass(1);
    is(!store.type->wanted(&store, &alpha), "wanted: no longer");
}


static void
test_hungry_adds(void)
{
    make_workers();

    claims_as(0);
    put(0, &alpha, 8, 2, WAITING, 0, 0);
    is(op.claimed && hungry() == 1, "adds: who has room for more is hungry");
    put(1, &alpha, 8, 1, WAITING, 0, 0);
    is(op.claimed && hungry() == 0, "adds: who had room for one is not");
    is(woke(0, 0, 0), "adds: nobody is told of what one has");

    /* one that is refused has taken nobody's room */

    claims();
    is(put(2, &alpha, (zone.sh->nblocks + 1) * BLOCK, 1, WAITING, 0, 0)
       == NGX_BUSY && hungry() == 1, "adds: who was refused is hungry yet");
    whole("adds: the zone is whole");
}


static void
test_pass(void)
{
    make_workers();
    claims_as(0);
    claims_as(1);

    comes('a');
    is(woke(0, 1, 0), "pass: one is told");
    as(1);
    store.type->pass(&store, &alpha);
    is(woke(1, 0, 0), "pass: and passes on the word");
    as(0);
    store.type->pass(&store, &alpha);
    is(woke(0, 0, 0), "pass: to nobody who is left");
    is(claims() == 'a', "pass: or claims it");
    is(claims() == '-', "pass: and that is all");
    as(1);
    store.type->pass(&store, &alpha);
    is(woke(0, 0, 0) && hungry() == 1, "pass: of no job nobody is told");
}


/* a worker is gone that was hungry, and had claimed a job: others are told */

static void
test_dead(void)
{
    make_workers();

    comes('a');
    is(claims_as(1) == 'a' && claims() == '-', "dead: it has a job");
    claims_as(2);
    forget_woken();

    (void) pthread_mutex_unlock(&zones[1].owner->alive);
    ngx_del_timer(&zones[1].event);
    free(zones[1].data);
    memset(&zones[1], 0, sizeof(zones[1]));

    as(3);
    look(2000);
    is(woke(0, 0, 1), "dead: somebody who lives is told of it");
    is(!zone_check_hungry(&zone), "dead: it is not hungry any more");
    is(claims_as(2) == 'a', "dead: and claims it");
    whole("dead: the zone is whole");
}


/* what it has claimed waits again, and others are told; what ran is lost */

static void
test_leave(void)
{
    make(PLACES, 60000, 0);
    enters(1);
    enters(2);
    is(claims() == '-', "leave: one is hungry");

    /* who leaves is hungry, too, and would be told first */

    as(1);
    waits('a', 8);
    waits('b', 2 * BLOCK);
    waits('c', 8);
    is(claims() == 'a' && claims() == 'b' && claims() == 'c' && claims() == '-',
       "leave: three jobs");
    as(2);
    claims();
    begins('b');
    forget_woken();
    zone.sh->told = 0;

    as(1);
    cancels('c');
    store.type->leave(&store);
    is(zones[1].owner == NULL, "leave: is no owner any more");
    is(woke(0, 0, 1), "leave: another one is told, and not who leaves");

    as(2);
    is(reads('a') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_QUEUED,
       "leave: what did not begin waits");
    is(reads('b') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_LOST,
       "leave: what ran is lost");
    is(reads('c') == NGX_OK && op.seen.state == NGX_HTTP_TASK_JOB_CANCELLED,
       "leave: what was to be cancelled is");
    is(!zone_check_hungry(&zones[2]), "leave: is not hungry");
    is(claims() == 'a' && claims() == '-', "leave: and is served");
    whole("leave: the zone is whole");

    /* it was told of a job, and others are not */

    make(PLACES, 60000, 0);
    claims();
    enters(1);
    claims();
    waits('a', 8);
    forget_woken();
    zone.sh->queues[0].hungry[0] = 3;
    zone.sh->told = 0;
    store.type->leave(&store);
    is(woke(1, 0, 0), "leave: the word is passed on, not to itself");
    as(0);
    is(claims() == 'a', "leave: to who claims it");
    whole("leave, told: the zone is whole");
}


static void
test_last(void)
{
    make(PLACES, 60000, 0);

    is(store.type->last(&store), "last: alone");

    make(PLACES, 60000, 0);
    enters(1);
    enters(2);

    is(!store.type->last(&store), "last: two others");
    as(0);
    is(!store.type->last(&store), "last: one who quits, and one other");
    as(2);
    store.type->leave(&store);
    as(1);
    is(store.type->last(&store), "last: one who quits, and one who is gone");
    store.type->leave(&store);
    enters(3);
    as(0);
    is(!store.type->last(&store), "last: until another one begins");
}


/* a worker that finds all places taken waits for one */

static void
test_enter(void)
{
    ngx_uint_t                  i;
    ngx_http_task_job_owner_t  *owners;

    make(PLACES, 60000, 0);
    owners = zone.sh->owners;

    for (i = 1; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        (void) pthread_mutex_lock(&owners[i].alive);
        owners[i].incarnation = 1000 + i;
    }

    enters(1);
    is(zones[1].owner == NULL, "enter: no place");
    is(put(0, &alpha, 8, CROWD, WAITING, 0, 0) == NGX_OK && !op.claimed,
       "enter: what it is given waits");
    is(claims() == '-', "enter: nor does it claim any");
    is(reads('a') == NGX_OK, "enter: it knows all");

    look(2500);
    is(zones[1].owner == NULL, "enter: a while later");

    owners[100].incarnation = 0;
    (void) pthread_mutex_unlock(&owners[100].alive);

    look(400);
    is(zones[1].owner == NULL, "enter: it does not look all the time");
    look(200);
    is(zones[1].owner == &owners[100], "enter: but each second");
    is(owners[100].worker == 1 && claims() == 'a', "enter: then it has jobs");

    for (i = 1; i < NGX_HTTP_TASK_JOB_OWNERS; i++) {
        if (i != 100) {
            owners[i].incarnation = 0;
            (void) pthread_mutex_unlock(&owners[i].alive);
        }
    }

    whole("enter: the zone is whole");
}


/* as many queues as have jobs; others go for a new one */

static void
test_queues(void)
{
    ngx_uint_t              i, n;
    ngx_http_task_queue_t   many[NGX_HTTP_TASK_JOB_QUEUES + 1];

    make(MANY, 60000, 0);

    for (i = 0; i <= NGX_HTTP_TASK_JOB_QUEUES; i++) {
        queue(&many[i], "many");
        many[i].hash = 2000 + i;
    }

    for (i = 0, n = 0; i < NGX_HTTP_TASK_JOB_QUEUES; i++) {
        n += (put(i, &many[i], 8, 0, WAITING, 0, 0) == NGX_OK);
    }

    is(n == NGX_HTTP_TASK_JOB_QUEUES, "queues: all");
    is(put(i, &many[i], 8, CROWD, WAITING, 0, 0) == NGX_ERROR
       && op.why == NGX_HTTP_TASK_STORE_QUEUES, "queues: one too many");
    is(claims_older(&many[i], 0) == '-', "queues: which nobody serves");

    about(&jobs[77]);
    store.type->cancel(&store, &op);
    is(put(i, &many[i], 8, 0, WAITING, 0, 0) == NGX_ERROR,
       "queues: a job that is cancelled has its place");

    about(&jobs[77]);
    store.type->forget(&store, &op);
    is(put(i, &many[i], 8, 0, WAITING, 0, 0) == NGX_OK,
       "queues: one that is erased has none");
    whole("queues: the zone is whole");
}


/* a worker looks whether any job waits: often, as long as it has jobs */

static void
test_ready(void)
{
    ngx_uint_t  n;

    make(PLACES, 60000, 0);

    look(5000);
    is(readied == 0, "ready: no job waits");

    waits('a', 8);
    look(5000);
    is(readied >= 4 && readied <= 5, "ready: each second, who is idle");

    n = readied;
    is(claims_older(&alpha, 0) == 'a', "ready: it claims");
    look(5000);
    is(readied == n, "ready: none waits any more");

    put(1, &beta, 8, 0, WAITING, 0, 0);
    look(5000);
    is(readied - n >= 95 && readied - n <= 101, "ready: often, who has jobs");

    ends('a', 0, 0);
    look(50);
    n = readied;
    look(5000);
    is(readied - n >= 4 && readied - n <= 5, "ready: until they end");
    is(loop_ends(), "ready: it does not keep a worker");
}


int
main(void)
{
    loop_init();

    test_ttl(0, "until its time is over, without a result");
    test_ttl(BLOCK + 1, "until its time is over, with one");
    test_all_over();

    test_order();
    test_keep();
    test_results();
    test_busy();
    test_max();
    test_wanted();

    test_cancel();
    test_cancel_of_crowd();
    test_cancel_of_ended("abc");
    test_cancel_of_ended("bca");
    test_cancel_of_ended("acb");

    test_input_room();
    test_input_drops();
    test_input_kept();

    test_long_add();
    test_long_dropped();
    test_long_rebuilt();

    test_not_added();
    test_not_kept();

    test_queue();
    test_queue_cancel();
    test_queues();
    test_claim();
    test_waiting();

    test_hungry();
    test_wanted_back();
    test_hungry_adds();
    test_pass();
    test_dead();
    test_leave();
    test_last();
    test_enter();
    test_ready();

    make(PLACES, 1000, 0);
    free(memory);

    return 0;
}
