
/*
 * Timers: the handler is called at the deadline or later, never before it,
 * however early nginx's timer fires.
 */


#include "base/ngx_http_task_base.h"

#include "check.h"
#include "loop.h"


static int
clock_of_driver(clockid_t id, struct timespec *ts)
{
    if (id != CLOCK_MONOTONIC) {
        loop_broken("another clock");
    }

    ts->tv_sec = loop_clock / LOOP_S;
    ts->tv_nsec = loop_clock % LOOP_S;

    return 0;
}


#define clock_gettime  clock_of_driver

#include "base/ngx_http_task_timer.c"


#define HOUR_MS  3600000
#define TIMERS   16
#define STEPS    100000


/* a timer's owner; the data of a timer begin with what nginx's log looks at */

typedef struct {
    ngx_connection_t       connection;
    ngx_http_task_timer_t  timer;
    ngx_uint_t             calls;
    ngx_uint_t             others;      /* of the other handler */
    ngx_uint_t             early;
    int64_t                deadline;
    ngx_uint_t             again;       /* the handler sets it so often */
} owner_t;


/* the deadline, from now; what nginx's timer is set to */

static const struct {
    const char      *name;
    int64_t          ns;
    ngx_msec_int_t   ms;
} firsts[] = {
    { "an hour ago", -LOOP_HOUR, 0 },
    { "a millisecond ago", -LOOP_MS, 0 },
    { "1 ns ago", -1, 0 },
    { "now", 0, 0 },
    { "1 ns", 1, 1 },
    { "1 ms - 1 ns", LOOP_MS - 1, 1 },
    { "1 ms", LOOP_MS, 1 },
    { "1 ms + 1 ns", LOOP_MS + 1, 2 },
    { "300 ms", 300 * LOOP_MS, 300 },
    { "an hour - 1 ms", LOOP_HOUR - LOOP_MS, HOUR_MS - 1 },
    { "an hour", LOOP_HOUR, HOUR_MS },
    { "an hour + 1 ns", LOOP_HOUR + 1, HOUR_MS },
    { "a day", 24 * LOOP_HOUR, HOUR_MS },
    { "25 days", 25 * 24 * LOOP_HOUR, HOUR_MS },
    { "50 days", 50 * 24 * LOOP_HOUR, HOUR_MS },
    { "a year", LOOP_YEAR, HOUR_MS }
};


/* so long before the deadline it fires; what it is set to then */

static const struct {
    const char      *name;
    int64_t          ns;
    ngx_msec_int_t   ms;
} earlies[] = {
    { "1 ns", 1, 1 },
    { "999,999 ns", 999999, 1 },
    { "1 ms", 1000000, 1 },
    { "1 ms + 1 ns", 1000001, 2 },
    { "4 ms", 4 * LOOP_MS, 4 },
    { "299 ms", 299 * LOOP_MS, 299 },
    { "10 s + 1 ns", 10 * LOOP_S + 1, 10001 },
    { "an hour", LOOP_HOUR, HOUR_MS },
    { "5 hours", 5 * LOOP_HOUR, HOUR_MS },
    { "a year", LOOP_YEAR, HOUR_MS }
};


static owner_t  owners[TIMERS];


static void
call(void *data)
{
    owner_t *o = data;

    o->calls++;
    o->early += (loop_clock < o->deadline);

    if (o->again) {
        o->again--;
        o->deadline = loop_clock + 5 * LOOP_MS;
        ngx_http_task_timer_set(&o->timer, call, o, o->deadline);
    }
}


static void
call_other(void *data)
{
    owner_t *o = data;

    o->others++;
    o->early += (loop_clock < o->deadline);
}


static void
set(owner_t *o, void (*handler)(void *data), int64_t ns)
{
    o->deadline = loop_clock + ns;

    ngx_http_task_timer_set(&o->timer, handler, o, o->deadline);
}


static owner_t *
owner(void)
{
    owner_t *o = owners;

    memset(o, 0, sizeof(owner_t));
    o->timer.event.log = &loop_log;

    loop_timers = NULL;
    loop_update();

    return o;
}


static void
is(int right, const char *what, const char *of)
{
    check(right, what, of, strlen(of));
}


/* the loop goes on until the timer is not set; how often it has fired */

static ngx_uint_t
run(owner_t *o)
{
    ngx_uint_t  n;

    for (n = 0; o->timer.event.timer_set && n < 10000; n++) {
        loop_clock += loop_fires_in(&o->timer.event) * LOOP_MS;
        loop_update();
        loop_expire();
    }

    return n;
}


static void
test_clock(void)
{
    is(ngx_http_task_now() == loop_clock, "the clock", "in nanoseconds");
}


static void
test_firsts(void)
{
    owner_t     *o;
    ngx_uint_t   i, fired, hours;

    for (i = 0; i < COUNT(firsts); i++) {
        o = owner();
        set(o, call, firsts[i].ns);

        is(o->timer.event.timer_set
           && loop_fires_in(&o->timer.event) == firsts[i].ms,
           "what it is set to", firsts[i].name);
        is(o->calls == 0, "not from where it is set", firsts[i].name);

        if (firsts[i].ms == 0) {
            loop_expire();
            is(o->calls == 1, "fires at once", firsts[i].name);
            continue;
        }

        /* an hour each time, and the last one is set for the rest */

        hours = firsts[i].ns / LOOP_HOUR + (firsts[i].ns % LOOP_HOUR != 0);
        fired = run(o);

        is(o->calls == 1 && !o->early, "called once, in time", firsts[i].name);
        is(loop_clock - o->deadline < LOOP_MS, "nor late", firsts[i].name);
        is(fired == hours, "as often as there are hours", firsts[i].name);
    }
}


static void
test_earlies(void)
{
    owner_t     *o;
    ngx_uint_t   i;

    for (i = 0; i < COUNT(earlies); i++) {
        o = owner();
        set(o, call, earlies[i].ns + 7 * LOOP_MS + 77);

        loop_clock = o->deadline - earlies[i].ns;
        loop_update();
        loop_fire(&o->timer.event);

        is(o->calls == 0, "early: not called", earlies[i].name);
        is(o->timer.event.timer_set
           && loop_fires_in(&o->timer.event) == earlies[i].ms,
           "early: set again for the rest", earlies[i].name);

        /* once more, by as much as it takes, and in the end at the deadline */

        loop_fire(&o->timer.event);
        is(o->calls == 0 && o->timer.event.timer_set,
           "early twice: not called", earlies[i].name);

        loop_clock = o->deadline - 1;
        loop_fire(&o->timer.event);
        is(o->calls == 0, "1 ns before: not called", earlies[i].name);

        loop_clock = o->deadline;
        loop_fire(&o->timer.event);
        is(o->calls == 1, "at the deadline: called", earlies[i].name);
        is(!o->timer.event.timer_set, "and not set again", earlies[i].name);
    }
}


/* nginx's time stands still while a function blocks: what is set is too soon */

static void
test_stale(void)
{
    owner_t     *o;
    ngx_uint_t   i;

    for (i = 0; i < COUNT(earlies); i++) {
        o = owner();

        loop_clock += earlies[i].ns;
        set(o, call, 50 * LOOP_MS);

        loop_update();
        loop_expire();
        is(o->calls == 0 && o->timer.event.timer_set,
           "nginx's time is stale: not called", earlies[i].name);

        run(o);
        is(o->calls == 1 && !o->early && loop_clock - o->deadline < LOOP_MS,
           "nginx's time is stale: called in time", earlies[i].name);
    }
}


/*
 * Another deadline from now, and handler, for one that is set to 10 s: how
 * late it is less than.
 */

static void
test_again(int64_t ns, int64_t late, const char *name)
{
    owner_t  *o;

    o = owner();

    set(o, call, 10 * LOOP_S);
    set(o, call_other, ns);

    run(o);

    is(o->calls == 0, "set again: not the first handler", name);
    is(o->others == 1 && !o->early, "set again: the other one, in time", name);
    is(loop_clock - o->deadline < late, "set again: nor late", name);
    is(loop_first() == NULL, "set again: one timer", name);
}


static void
test_clear(void)
{
    owner_t  *o;

    o = owner();
    ngx_http_task_timer_clear(&o->timer);
    is(!o->timer.event.timer_set, "cleared", "one that was never set");

    set(o, call, LOOP_S);
    ngx_http_task_timer_clear(&o->timer);
    is(loop_first() == NULL && !o->timer.event.timer_set, "cleared",
       "one that is set");

    loop_clock += LOOP_HOUR;
    loop_update();
    loop_expire();
    is(o->calls == 0, "cleared", "it does not fire");

    ngx_http_task_timer_clear(&o->timer);
    is(o->calls == 0, "cleared", "twice");

    set(o, call, LOOP_S);
    run(o);
    is(o->calls == 1, "cleared", "and set again");

    ngx_http_task_timer_clear(&o->timer);
    is(loop_first() == NULL && o->calls == 1, "cleared", "after it has fired");

    set(o, call, LOOP_S);
    loop_fire(&o->timer.event);
    ngx_http_task_timer_clear(&o->timer);
    is(loop_first() == NULL && o->calls == 1, "cleared",
       "after it has fired too early");

    o->again = 3;
    set(o, call, LOOP_S);
    run(o);
    is(o->calls == 5 && !o->early && loop_first() == NULL, "set",
       "by its own handler");
}


/* from nanoseconds to hours */

static int64_t
any_time(void)
{
    static const int64_t  up_to[] = { 1000, LOOP_MS, 10 * LOOP_MS, LOOP_S,
                                      2 * LOOP_HOUR };

    int64_t  most;

    most = up_to[loop_any(COUNT(up_to))];

    return (int64_t) loop_any(1000000) * most / 1000000;
}


/*
 * Timers are set and cleared, the clock goes on, nginx's time follows it or
 * does not.  A pass of the loop that knows the time leaves nothing behind that
 * is over by a millisecond.
 */

static void
test_any(void)
{
    owner_t     *o;
    ngx_uint_t   i, n, calls, early, late, lost;

    memset(owners, 0, sizeof(owners));
    loop_timers = NULL;
    calls = early = late = lost = 0;

    for (n = 0; n < STEPS; n++) {
        o = &owners[loop_any(TIMERS)];
        o->timer.event.log = &loop_log;

        switch (loop_any(4)) {

        case 0:
            ngx_http_task_timer_clear(&o->timer);
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
            loop_update();
            loop_expire();

            for (i = 0; i < TIMERS; i++) {
                o = &owners[i];

                late += (o->timer.event.timer_set
                         && o->deadline + LOOP_MS <= loop_clock);
                lost += (o->calls > 1);
                early += o->early;
                calls += o->calls;
                o->calls = 0;
            }
        }
    }

    is(early == 0, "any", "none is early");
    is(late == 0, "any", "none is late");
    is(lost == 0, "any", "none is called twice");
    is(calls > STEPS / 10, "any", "many were called");
}


int
main(void)
{
    loop_init();

    test_clock();
    test_firsts();
    test_earlies();
    test_stale();

    /* nginx leaves a timer as it is that is to fire less than 300 ms sooner */

    test_again(11 * LOOP_S, LOOP_MS, "a second later");
    test_again(10 * LOOP_S + 1, LOOP_MS, "1 ns later");
    test_again(10100 * LOOP_MS, LOOP_MS, "100 ms later");
    test_again(9900 * LOOP_MS, 300 * LOOP_MS, "100 ms sooner");
    test_again(5 * LOOP_S, LOOP_MS, "5 s sooner");
    test_again(-LOOP_S, LOOP_S + LOOP_MS, "a second ago");
    test_again(2 * LOOP_HOUR, LOOP_MS, "2 hours");

    test_clear();
    test_any();

    return 0;
}
