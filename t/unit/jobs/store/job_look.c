
/*
 * Watches of jobs: each is looked at once a round, for no longer than a turn of
 * the loop may take, and is told of a change, of an end, and that the worker
 * quits; those that were dropped are told nothing, also by the handler of
 * another one.  And how often a worker looks at all, for what: cancels, jobs
 * that wait, those whose next attempt is due, and workers that are gone.
 */


#include "jobs/store/ngx_http_task_job_zone.h"

#include "check.h"
#include "loop.h"

#include "jobs/store/ngx_http_task_store_op.c"
#include "jobs/store/ngx_http_task_job_look.c"


#define WATCHES  2500


static ngx_http_task_store_t     store;
static ngx_http_task_job_zone_t  zone;
static ngx_http_task_store_op_t  ops[WATCHES];

/* the jobs: their number is in the id */

static uint64_t                  versions[WATCHES];
static ngx_uint_t                ends[WATCHES], gone[WATCHES];

static ngx_uint_t                looked[WATCHES], told[WATCHES];
static ngx_int_t                 rcs[WATCHES];
static ngx_uint_t                looks, answers, asked;

static void                    (*does)(ngx_http_task_store_op_t *op);

/* two queues, and so many jobs in them; the other workers */

static ngx_http_task_queue_t     queues[2];
static ngx_http_task_queue_t    *both[2] = { &queues[0], &queues[1] };
static ngx_uint_t                waiting[2], readied[2], claims;
static ngx_uint_t                enters, entered, sweeps, locked;

/* when the next attempt of a job is due, in which queue; 0: there is none */

static int64_t                   due;
static ngx_http_task_waker_t    *waker;


/* what looks take beside the clock, nanoseconds: a thousand of them a turn */

#define LOOK  (NGX_HTTP_TASK_TURN / 1000)

static int64_t  taken;


/* --- symbols of the rest of the module ------------------------------------ */

int64_t
ngx_http_task_now(void)
{
    return loop_clock + taken;
}


ngx_int_t
ngx_http_task_job_peek(ngx_http_task_job_zone_t *z, u_char *id,
    uint64_t *version, ngx_uint_t *ended)
{
    int  i;

    memcpy(&i, id, sizeof(i));

    looks++;
    looked[i]++;
    taken += LOOK;

    if (gone[i]) {
        return NGX_DECLINED;
    }

    *version = versions[i];
    *ended = ends[i];

    return NGX_OK;
}


ngx_uint_t
ngx_http_task_job_asked(ngx_http_task_job_zone_t *z, void **jobs)
{
    ngx_uint_t  n;

    for (n = 0; n < asked && n < NGX_HTTP_TASK_JOB_ASKED; n++) {
        jobs[n] = &asked;
    }

    asked -= n;

    return n;
}


ngx_uint_t
ngx_http_task_job_waits(ngx_http_task_job_zone_t *z,
    ngx_http_task_queue_t *queue)
{
    return waiting[queue - queues];
}


ngx_msec_t
ngx_http_task_job_due(ngx_http_task_job_zone_t *z, ngx_msec_t max)
{
    int64_t  ms;

    ms = (due - loop_clock) / LOOP_MS;

    if (due && ms <= 0) {
        due = 0;
        waiting[1] = 1;
    }

    return due ? ngx_min((ngx_msec_t) ms, max) : max;
}


void
ngx_http_task_job_lock(ngx_http_task_job_zone_t *z)
{
    locked++;
}


void
ngx_http_task_job_unlock(ngx_http_task_job_zone_t *z)
{
    locked--;
}


ngx_int_t
ngx_http_task_job_enter(ngx_http_task_job_zone_t *z)
{
    static ngx_http_task_job_owner_t  owner;

    enters += locked;

    if (!entered) {
        return NGX_DECLINED;
    }

    z->owner = &owner;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_job_sweep(ngx_http_task_job_zone_t *z)
{
    sweeps += locked;

    return NGX_OK;
}


ngx_int_t
ngx_http_task_wake_listen(ngx_http_task_waker_t *w)
{
    waker = w;

    return NGX_OK;
}


/* what jobs/ does: it claims, and the job runs */

static void
ready(void *data)
{
    ngx_uint_t  i;

    i = (ngx_http_task_queue_t *) data - queues;

    readied[i]++;

    if (claims && waiting[i]) {
        waiting[i]--;
        zone.running++;

        ngx_http_task_job_look(&zone);
    }
}


static ngx_uint_t  cancels;


static void
cancel(void *data)
{
    cancels++;
}


/* -------------------------------------------------------------------------- */

static void
handler(ngx_http_task_store_op_t *op, ngx_int_t rc)
{
    answers++;
    told[op - ops]++;
    rcs[op - ops] = rc;

    if (does) {
        does(op);
    }
}


static void
watch(int i)
{
    ops[i].handler = handler;
    ops[i].version = versions[i];
    memcpy(ops[i].id, &i, sizeof(i));

    ngx_http_task_job_look_for(&zone, &ops[i]);
}


static void
make(int n)
{
    int  i;

    memset(&zone, 0, sizeof(zone));
    memset(ops, 0, sizeof(ops));
    memset(ends, 0, sizeof(ends));
    memset(gone, 0, sizeof(gone));
    memset(looked, 0, sizeof(looked));
    memset(told, 0, sizeof(told));

    memset(waiting, 0, sizeof(waiting));
    memset(readied, 0, sizeof(readied));

    loop_timers = NULL;
    loop_init();

    for (i = 0; i < 2; i++) {
        queues[i].ready = ready;
        queues[i].data = &queues[i];
    }

    zone.store = &store;
    store.asked = cancel;
    store.queues.elts = both;
    store.queues.nelts = 2;

    looks = answers = cancels = 0;
    enters = sweeps = claims = 0;
    entered = 1;
    due = 0;
    does = NULL;
    waker = NULL;

    /* as a worker that becomes an owner at once */

    zone.idle = 1;
    (void) ngx_http_task_job_enter(&zone);

    if (ngx_http_task_job_look_begin(&zone) != NGX_OK) {
        loop_broken("no looks");
    }

    for (i = 0; i < WATCHES; i++) {
        versions[i] = 1;
    }

    for (i = 0; i < n; i++) {
        watch(i);
    }
}


static void
is(ngx_uint_t got, ngx_uint_t right, const char *what)
{
    if (!check(got == right, what, "", 0)) {
        printf("# got %lu, not %lu\n", (unsigned long) got,
               (unsigned long) right);
    }
}


/* the next look is in so many milliseconds; 0: there is none */

static ngx_uint_t
interval(void)
{
    return zone.event.timer_set ? loop_fires_in(&zone.event) : 0;
}


/* moves the clock by so many milliseconds, one at a time */

static void
pass(int ms)
{
    while (ms--) {
        loop_clock += LOOP_MS;
        loop_update();
        loop_expire();
    }
}


static void
times(void)
{
    ngx_uint_t  i, n;

    make(WATCHES);

    is(looks, 0, "nothing is looked at before its time");
    is(loop_ends(), 0, "who watches keeps a worker that quits");

    pass(49);
    is(looks, 0, "nor a millisecond before it");
    pass(1);
    is(looks, 1000, "then a thousand are");
    pass(1);
    is(looks, 2000, "the next a millisecond later");
    pass(1);
    is(looks, WATCHES, "and the last");
    pass(49);
    is(looks, WATCHES, "then there is a break");
    pass(3);
    is(looks, 2 * WATCHES, "before the next round");

    for (i = n = 0; i < WATCHES; i++) {
        n += (looked[i] == 2);
    }

    is(n, WATCHES, "each was looked at once a round");
    is(answers, 0, "nobody is told when nothing has changed");
}


static void
tells(void)
{
    make(4);

    versions[1] = 7;
    ends[2] = 1;
    gone[3] = 1;

    pass(50);
    is(answers, 3, "a change, an end, and a job that is gone are told");
    is(told[0], 0, "and nothing else");
    is(rcs[1], NGX_OK, "a change");
    is(ops[1].version, 7, "with its version");
    is(ops[1].ended, 0, "which is no end");
    is(ops[2].ended, 1, "an end");
    is(rcs[3], (ngx_uint_t) NGX_DECLINED, "gone");
    is(ops[1].late, 1, "the call had returned");
    is(ngx_http_task_store_under_way(&ops[1]), 0, "it is answered");
    is(ngx_http_task_store_under_way(&ops[0]), 1, "the other is not");

    pass(500);
    is(answers, 3, "each is told once");

    ngx_http_task_store_drop(&ops[0]);
    is(ngx_http_task_store_under_way(&ops[0]), 0, "one is dropped");
    versions[0] = 9;
    pass(50);
    is(answers, 3, "and not told");
    is(interval(), 1000, "nobody watches: the timer is slow");
}


static void
again(ngx_http_task_store_op_t *op)
{
    watch(op - ops);
}


static void
drop_all(ngx_http_task_store_op_t *op)
{
    int  i;

    for (i = 0; i < WATCHES; i++) {
        ngx_http_task_store_drop(&ops[i]);
    }
}


static void
handlers(void)
{
    int         i;
    ngx_uint_t  n;

    make(WATCHES);
    does = again;

    for (i = 0; i < WATCHES; i++) {
        versions[i] = 2;
    }

    pass(60);
    is(answers, WATCHES, "who watches again is not told twice in a round");

    for (i = n = 0; i < WATCHES; i++) {
        n += (looked[i] == 1);
        versions[i] = 3;
    }

    is(n, WATCHES, "nor looked at twice");
    pass(60);
    is(answers, 2 * WATCHES, "but in the next one");

    make(WATCHES);
    does = drop_all;
    versions[0] = 2;

    pass(60);
    is(answers, 1, "a handler drops all others");
    is(looks, 1, "which are not looked at");
    is(interval(), 990, "and the timer is slow");
}


static void
quits(void)
{
    make(WATCHES);

    pass(1);
    ngx_exiting = 1;
    pass(60);
    is(answers, WATCHES, "a worker that quits tells all who watch");
    is(rcs[WATCHES - 1], NGX_OK, "without an error");
    is(ops[WATCHES - 1].version, 1, "or a change");
    is(loop_ends(), 1, "and ends");
    ngx_exiting = 0;
}


static void
asks(void)
{
    make(0);

    ngx_http_task_job_look(&zone);
    zone.running = 1;
    is(loop_ends(), 1, "a look for cancels does not keep a worker");

    asked = 150;
    pass(50);
    is(cancels, NGX_HTTP_TASK_JOB_ASKED, "cancels are taken, so many at once");
    pass(2);
    is(cancels, 150, "the others soon");
    pass(200);
    is(interval(), 50, "looks go on while jobs run");

    zone.running = 0;
    pass(50);
    is(interval(), 1000, "and are few without them");

    watch(0);
    asked = 1;
    pass(50);
    is(cancels, 150, "without jobs nobody looks for cancels");
    is(looks, 1, "but at what is watched");
    asked = 0;
}


/* a worker that begins looks at once, and then is idle */

static void
start(void)
{
    make(0);

    waiting[0] = 1;
    is(interval(), 1, "who begins looks at once");
    pass(1);
    is(readied[0], 1, "whether any job waits");
    is(sweeps, 1, "and whether anybody is gone");
    is(interval(), 1000, "and then is idle");

    waiting[0] = readied[0] = sweeps = 0;
}


/* whose queue has jobs: each second, or twenty times, if it has a job to run */

static void
waits(void)
{
    start();

    is(loop_ends(), 1, "a look for jobs does not keep a worker");

    pass(5000);
    is(readied[0] + readied[1], 0, "no job waits: nobody is told");

    waiting[1] = 1;
    pass(999);
    is(readied[1], 0, "one waits: it is not looked at all the time");
    pass(1);
    is(readied[1], 1, "but each second");
    is(readied[0], 0, "and only its queue is told");
    pass(3000);
    is(readied[1], 4, "again, until it is claimed");

    claims = 1;
    waiting[0] = 1;
    pass(1000);
    is(zone.running, 2, "both are claimed");
    is(interval(), 50, "and from then on it looks often");
    pass(1000);
    is(readied[0] + readied[1], 6, "none waits: nobody is told");

    claims = 0;
    waiting[0] = 1;
    pass(1000);
    is(readied[0], 21, "one waits, and it has no room: twenty times a second");

    zone.running = 0;
    waiting[0] = 0;
    pass(50);
    is(interval(), 1000, "and less often without jobs");
}


/* a job comes to a worker that is idle, between its looks */

static void
awakes(void)
{
    start();

    pass(500);
    zone.running = 1;
    ngx_http_task_job_look(&zone);
    is(interval(), 50, "a first job: the next look is soon");
    pass(20);
    zone.running = 2;
    ngx_http_task_job_look(&zone);
    is(interval(), 30, "a second one does not put it off");

    start();
    waiting[0] = 1;
    waker->handler(waker->data);
    is(readied[0], 1, "who is woken tells the queue at once");
    is(readied[1], 0, "if any job waits in it");
    is(interval(), 1000, "and looks as often as before");

    claims = 1;
    waker->handler(waker->data);
    is(interval(), 50, "unless it has claimed one");

    start();
    pass(500);
    watch(0);
    is(interval(), 50, "who watches is looked after soon");
    is(loop_ends(), 0, "and keeps a worker");
    ngx_http_task_store_drop(&ops[0]);
    pass(50);
    is(loop_ends(), 1, "no longer than it watches");
}


/* the next attempt of a job comes when it is due, and no later */

static void
tries(void)
{
    start();

    pass(300);
    due = loop_clock + 1000 * (int64_t) LOOP_MS;
    pass(700);
    is(interval(), 300, "a worker that is idle looks when a job is due");
    pass(299);
    is(readied[1], 0, "which does not wait before");
    pass(1);
    is(readied[1], 1, "but then");
    waiting[1] = 0;
    pass(1000);
    is(readied[1], 1, "once");
    is(interval(), 1000, "and it is idle again");

    due = loop_clock + 5020 * (int64_t) LOOP_MS;
    pass(5000);
    is(interval(), 20, "nor does it look more often before that");

    zone.running = 1;
    ngx_http_task_job_look(&zone);
    pass(20);
    due = loop_clock + 70 * (int64_t) LOOP_MS;
    pass(50);
    is(interval(), 20, "one that has jobs looks when it is due, too");
    due += 100 * (int64_t) LOOP_MS;
    pass(20);
    is(interval(), 50, "and as often as ever");
}


static void
others(void)
{
    start();

    pass(1000);
    is(sweeps, 1, "others are looked at each second");
    pass(4000);
    is(sweeps, 5, "under the mutex");
    is(enters, 0, "by a worker that has its place");

    zone.running = 1;
    ngx_http_task_job_look(&zone);
    pass(4000);
    is(sweeps, 9, "not more often, if it has jobs");
    is(locked, 0, "the mutex is given back");

    /* one that found no place when it began */

    start();
    zone.owner = NULL;
    entered = 0;

    pass(3000);
    is(enters, 3, "who has no place tries each second");
    is(sweeps, 0, "which sweeps itself");
    entered = 1;
    pass(1000);
    is(enters, 4, "until there is one");
    pass(5000);
    is(enters, 4, "and then no more");
    is(sweeps, 5, "but looks at others");
}


int
main(void)
{
    times();
    tells();
    handlers();
    quits();
    asks();
    waits();
    awakes();
    tries();
    others();

    return 0;
}
