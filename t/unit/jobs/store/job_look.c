
/*
 * Watches of jobs: each is looked at once a round, for no longer than a turn of
 * the loop may take, and is told of a change, of an end, and that the worker
 * quits; those that were dropped are told nothing, also by the handler of
 * another one.
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

    loop_timers = NULL;
    loop_init();

    zone.store = &store;
    store.asked = cancel;

    looks = answers = cancels = 0;
    does = NULL;

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
    is(loop_timers == NULL, 1, "nobody watches: there is no timer");
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
    is(loop_timers == NULL, 1, "and the timer ends");
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
    is(loop_timers != NULL, 1, "looks go on while jobs run");

    zone.running = 0;
    pass(50);
    is(loop_timers == NULL, 1, "and end with them");

    watch(0);
    asked = 1;
    pass(50);
    is(cancels, 150, "without jobs nobody looks for cancels");
    is(looks, 1, "but at what is watched");
}


int
main(void)
{
    times();
    tells();
    handlers();
    quits();
    asks();

    return 0;
}
