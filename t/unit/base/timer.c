
/*
 * Timers: the handler is called at the deadline or later, never before it,
 * however early the alarm is; in the order of the deadlines; and not for longer
 * than a turn of the loop may take.
 */


#include "base/ngx_http_task_base.h"

#include "check.h"
#include "loop.h"

#include "base/ngx_http_task_timer.c"


#define TIMERS   64
#define STEPS    100000
#define NEVER    INT64_MAX
#define TURN     NGX_HTTP_TASK_TURN


/* a timer's owner */

typedef struct {
    ngx_http_task_timer_t  timer;
    ngx_uint_t             calls;
    ngx_uint_t             others;      /* of the other handler */
    int64_t                deadline;
    ngx_uint_t             again;       /* the handler sets it so often */
    int64_t                takes;       /* the handler so long */
    ngx_http_task_timer_t *other;       /* the handler clears it */
} owner_t;


static owner_t     owners[TIMERS];

static int64_t     alarm_at;            /* NEVER: not set */
static ngx_uint_t  alarms, keeps;       /* 1: a worker that quits goes on */
static void      (*expire)(void);

static int64_t     last;                /* deadline of the last call */
static ngx_uint_t  early, disorder, in_set;


/* --- symbols of the rest of the module ------------------------------------ */

int64_t
ngx_http_task_now(void)
{
    return loop_clock;
}


void
ngx_http_task_alarm_init(void (*handler)(void))
{
    expire = handler;
}


void
ngx_http_task_alarm_set(int64_t when)
{
    alarm_at = when;
    alarms++;
}


void
ngx_http_task_alarm_keep(ngx_uint_t keep)
{
    keeps = keep;
}


/* -------------------------------------------------------------------------- */

static void
called(owner_t *o)
{
    early += (loop_clock < o->deadline);
    disorder += (o->deadline < last);
    last = o->deadline;

    loop_clock += o->takes;
}


static void
set(owner_t *o, void (*handler)(void *data), int64_t ns)
{
    ngx_uint_t  calls;

    o->deadline = loop_clock + ns;
    calls = o->calls + o->others;

    ngx_http_task_timer_set(&o->timer, handler, o, o->deadline);

    in_set += (o->calls + o->others != calls);
}


static void
call(void *data)
{
    owner_t *o = data;

    o->calls++;
    called(o);

    if (o->other) {
        ngx_http_task_timer_clear(o->other);
    }

    if (o->again) {
        o->again--;
        set(o, call, 5 * LOOP_MS);
    }
}


static void
call_other(void *data)
{
    owner_t *o = data;

    o->others++;
    called(o);
}


/* the alarm, at its time */

static ngx_uint_t
ring(void)
{
    if (alarm_at == NEVER) {
        return 0;
    }

    loop_clock = ngx_max(loop_clock, alarm_at);
    alarm_at = NEVER;

    expire();

    return 1;
}


static void
run(void)
{
    ngx_uint_t  n;

    for (n = 0; n < 10000 && ring(); n++) { /* void */ }
}


static void
make(void)
{
    ngx_uint_t  i;

    for (i = 0; i < TIMERS; i++) {
        ngx_http_task_timer_clear(&owners[i].timer);
    }

    memset(owners, 0, sizeof(owners));

    if (expire) {
        expire();
    }

    alarm_at = NEVER;
    alarms = 0;
    last = 0;
}


static void
is(int right, const char *what)
{
    check(right, "timer", what, strlen(what));
}


static const struct {
    const char  *name;
    int64_t      ns;
} times[] = {
    { "an hour ago", -LOOP_HOUR },
    { "1 ns ago", -1 },
    { "now", 0 },
    { "1 ns", 1 },
    { "1 ms - 1 ns", LOOP_MS - 1 },
    { "1 ms", LOOP_MS },
    { "300 ms", 300 * LOOP_MS },
    { "an hour", LOOP_HOUR },
    { "25 days", 25 * 24 * LOOP_HOUR },
    { "50 days", 50 * 24 * LOOP_HOUR },
    { "a year", LOOP_YEAR }
};


static void
test_one(void)
{
    owner_t     *o;
    ngx_uint_t   i;

    o = owners;

    for (i = 0; i < COUNT(times); i++) {
        make();

        set(o, call, times[i].ns);
        is(alarm_at == o->deadline && alarms == 1, times[i].name);
        is(o->calls == 0 && keeps == 1, "not from where it is set");

        /* however early, and how often */

        if (times[i].ns > 0) {
            expire();
            loop_clock = o->deadline - 1;
            alarm_at = NEVER;
            expire();
            is(o->calls == 0, "1 ns before: not called");
            is(alarm_at == o->deadline, "and the alarm is set again");
        }

        ring();
        is(o->calls == 1 && o->timer.handler == NULL, "called, and over");
        is(alarm_at == NEVER && keeps == 0, "the loop rests");
    }
}


static void
test_alarms(void)
{
    make();

    set(&owners[0], call, 10 * LOOP_MS);
    set(&owners[1], call, 20 * LOOP_MS);
    set(&owners[2], call, 10 * LOOP_MS);
    is(alarms == 1, "a later deadline: the alarm stays");

    set(&owners[3], call, 10 * LOOP_MS - 1);
    is(alarms == 2 && alarm_at == owners[3].deadline,
       "an earlier one: it is set");

    ngx_http_task_timer_clear(&owners[3].timer);
    is(alarms == 2, "that is cleared: it stays");

    ring();
    is(owners[0].calls == 0 && alarm_at == owners[0].deadline,
       "it was too early, and is set again");

    ring();
    is(owners[0].calls == 1 && owners[2].calls == 1, "two at one time");
    is(owners[1].calls == 0 && alarm_at == owners[1].deadline, "then the last");

    ring();
    is(owners[1].calls == 1 && alarm_at == NEVER, "is called");

    /* an alarm that is left over serves those that come later */

    set(&owners[0], call, 10 * LOOP_MS);
    ngx_http_task_timer_clear(&owners[0].timer);
    is(keeps == 0, "none: a worker that quits ends");

    alarms = 0;
    set(&owners[1], call, 20 * LOOP_MS);
    is(alarms == 0 && keeps == 1, "another: goes on, without a new alarm");

    ring();
    ring();
    is(owners[1].calls == 2 && owners[0].calls == 1, "it is called");
}


static void
test_again(void)
{
    owner_t  *o;

    make();
    o = owners;

    set(o, call, 10 * LOOP_S);
    set(o, call_other, 20 * LOOP_S);
    run();
    is(o->calls == 0 && o->others == 1, "set again, later: called once");

    set(o, call, 10 * LOOP_S);
    set(o, call_other, LOOP_S);
    run();
    is(o->calls == 0 && o->others == 2, "set again, sooner: called once");

    o->again = 3;
    set(o, call, LOOP_S);
    run();
    is(o->calls == 4 && keeps == 0, "set by its own handler");

    ngx_http_task_timer_clear(&o->timer);
    ngx_http_task_timer_clear(&o->timer);
    is(o->calls == 4 && keeps == 0, "cleared: harmless");

    /* one handler clears another timer that is over, too */

    set(&owners[1], call, LOOP_S);
    owners[2].other = &owners[1].timer;
    owners[2].deadline = owners[1].deadline;
    set(&owners[2], call, LOOP_S - 1);
    loop_clock += 2 * LOOP_S;
    run();
    is(owners[2].calls == 1 && owners[1].calls == 0, "cleared by a handler");
}


/* handlers take their time: others have theirs in between */

static void
test_turn(void)
{
    ngx_uint_t  i, n, turns, most;
    int64_t     start;

    make();

    for (i = 0; i < TIMERS; i++) {
        owners[i].takes = 60000;
        set(&owners[i], call, LOOP_S + i);
    }

    loop_clock += 2 * LOOP_S;

    for (n = turns = most = 0; ring(); turns++) {
        start = n;

        for (i = n = 0; i < TIMERS; i++) {
            n += owners[i].calls;
        }

        most = ngx_max(most, n - start);
        is(alarm_at == NEVER || alarm_at <= loop_clock, "the rest at once");
    }

    is(n == TIMERS, "all are called");
    is(most == (TURN + 59999) / 60000, "so many in a turn");
    is(turns == (TIMERS + most - 1) / most, "and turns");

    /* one that takes long is the last one of its turn */

    make();
    owners[0].takes = LOOP_S;
    set(&owners[0], call, 1);
    set(&owners[1], call, 2);
    ring();
    is(owners[1].calls == 0, "one that blocks");
    ring();
    is(owners[1].calls == 1, "then the next");
}


static int64_t
any_time(void)
{
    static const int64_t  up_to[] = { 1000, LOOP_MS, 10 * LOOP_MS, LOOP_S,
                                      2 * LOOP_HOUR };

    int64_t  most;

    most = up_to[loop_any(COUNT(up_to))];

    return (int64_t) loop_any(1000000) * most / 1000000;
}


/* timers are set and cleared, the clock goes on, alarms come when they come */

static void
test_any(void)
{
    owner_t     *o;
    ngx_uint_t   i, n, calls, late, lost, unkept;

    make();
    calls = late = lost = unkept = 0;
    early = disorder = 0;

    for (n = 0; n < STEPS; n++) {
        o = &owners[loop_any(TIMERS)];

        switch (loop_any(4)) {

        case 0:
            set(o, call, any_time() - LOOP_MS);
            o->calls = 0;
            break;

        case 1:
            if (loop_any(4) == 0) {
                ngx_http_task_timer_clear(&o->timer);
            }

            break;

        case 2:
            loop_clock += any_time();
            break;

        default:

            if (alarm_at > loop_clock && loop_any(8)) {
                break;
            }

            alarm_at = NEVER;
            last = 0;
            expire();

            for (i = 0; i < TIMERS; i++) {
                o = &owners[i];

                late += (o->timer.handler && o->deadline <= loop_clock);
                lost += (o->calls > 1);
                unkept += (o->timer.handler && !keeps);
                calls += o->calls;
                o->calls = 0;
            }
        }
    }

    is(early == 0, "any: none is early");
    is(disorder == 0, "any: all in order");
    is(late == 0, "any: none is late");
    is(lost == 0, "any: none is called twice");
    is(unkept == 0, "any: a worker waits for each");
    is(calls > STEPS / 10, "any: many were called");
}


int
main(void)
{
    loop_init();

    test_one();
    test_alarms();
    test_again();
    test_turn();
    test_any();

    is(early == 0, "none was early");
    is(in_set == 0, "none was called from where it was set");

    return 0;
}
