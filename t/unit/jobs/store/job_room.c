
/*
 * Which jobs a zone keeps, until when, and which ones go where there is no
 * room; and that each cancel comes to its worker.  All through the calls of
 * the store, in one process, by a clock that the test moves.
 */


#include "jobs/store/ngx_http_task_job_zone.h"

#include "check.h"
#include "loop.h"

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
#include "jobs/store/ngx_http_task_job_store.c"
#include "jobs/store/ngx_http_task_job_look.c"
#include "jobs/store/ngx_http_task_store_op.c"


#define PLACES   12
#define MANY     150
#define CROWD    20000
#define BLOCK    (NGX_HTTP_TASK_JOB_BLOCK - 2 * sizeof(uint32_t))
#define LETTERS  "abcdefghijklmnopqrstuvwxyz"
#define FULL     "abcdefghijkl"


typedef struct {
    ngx_uint_t   added;
    u_char       id[NGX_HTTP_TASK_JOB_ID];
    uint64_t     key;
    ngx_uint_t   asked;                  /* so often to be cancelled */
} job_t;


static ngx_http_task_store_t     store;
static ngx_http_task_job_zone_t  zone;
static u_char                   *memory;

static job_t                     jobs[CROWD];   /* the first ones: letters */
static ngx_int_t                 rc;            /* of the last call */
static ngx_http_task_store_op_t  op;


/* --- symbols of the rest of nginx and the module -------------------------- */

ngx_uint_t    ngx_pagesize = 4096;
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

    return (size <= sizeof(result)) ? result : NULL;
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


/* a zone with so many places, of a worker that has just begun */

static void
make(ngx_uint_t places, ngx_msec_t ttl, ngx_msec_t keep)
{
    size_t  size;

    if (zone.owner) {
        ngx_http_task_job_store.leave(&store);
    }

    free(memory);

    size = sizeof(ngx_http_task_job_sh_t) + places * NGX_HTTP_TASK_JOB_SIZE;

    memory = calloc(1, size);
    if (memory == NULL) {
        loop_broken("no memory");
    }

    memset(&zone, 0, sizeof(zone));
    memset(jobs, 0, sizeof(jobs));
    loop_timers = NULL;

    store.type = &ngx_http_task_job_store;
    store.data = &zone;
    store.asked = asked;

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


static ngx_int_t
add_nth(ngx_uint_t n, uint64_t share, ngx_uint_t max)
{
    store.type->add(&store, &op, share, max, &jobs[n]);

    if (rc == NGX_OK) {
        jobs[n].added = 1;
        jobs[n].key = op.key;
        memcpy(jobs[n].id, op.id, sizeof(op.id));
    }

    return rc;
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


static ngx_int_t
ends(char name, size_t length, ngx_uint_t busy)
{
    static u_char              text[65536 + 1];
    ngx_http_task_store_end_t  end;

    memset(text, name, sizeof(text));
    memset(&end, 0, sizeof(end));

    end.state = NGX_HTTP_TASK_JOB_DONE;
    end.status = 200;
    end.result.data = text;
    end.result.len = length;
    end.busy = busy;

    op.key = job(name)->key;

    store.type->end(&store, &op, &end);

    return rc;
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


/* those that have a record, whoever finds them */

static ngx_uint_t
used(void)
{
    ngx_http_task_job_counts_t  counts;

    store.type->counts(&store, &counts);

    return counts.used;
}


static uint64_t
dropped(void)
{
    ngx_http_task_job_counts_t  counts;

    store.type->counts(&store, &counts);

    return counts.dropped;
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

    make(PLACES, 1000, 0);
    free(memory);

    return 0;
}
