
/*
 * Turns: so many at a time, in order, so many that wait, each so long; all
 * counts are right after each of many operations, which a plain model makes,
 * too.
 */


#include "run/ngx_http_task_run.h"

#include "check.h"
#include "loop.h"

#include <stdarg.h>


static void logged(LOG_ENTRY);

#define ngx_log_error_core  logged

#include "base/ngx_http_task_work.c"
#include "run/ngx_http_task_limit.c"


#define TASKS  24
#define STEPS  100000
#define CHAIN  1000


/* what the model knows of a task */

typedef enum { NEITHER = 0, WAITS, RUNS } state_e;


/* a task, as far as turns go */

typedef struct {
    ngx_http_task_turn_t    turn;        /* the first member */
    ngx_http_task_timer_t   timer;
    ngx_uint_t              calls;
    ngx_int_t               rc;          /* of the last call */

    /* what its handler does then */
    void                  (*does)(ngx_http_task_turn_t *turn);

    state_e                 state;       /* of the model */
    int64_t                 until;       /* 0: it waits as long as it takes */
} task_t;


static task_t                       tasks[TASKS];
static ngx_http_task_limit_conf_t   conf;
static ngx_http_task_limit_t       *limit;

static char                         order[128];   /* who was called, letters */
static ngx_uint_t                   depth, deepest;
static ngx_uint_t                   idles;
static char                         line[128];    /* of the log */


/* --- symbols of the rest of nginx and the module -------------------------- */

ngx_module_t  ngx_http_core_module;


int64_t
ngx_http_task_now(void)
{
    return loop_clock;
}


void
ngx_http_task_timer_set(ngx_http_task_timer_t *timer,
    void (*handler)(void *data), void *data, int64_t deadline)
{
    timer->handler = handler;
    timer->data = data;
    timer->deadline = deadline;
}


void
ngx_http_task_timer_clear(ngx_http_task_timer_t *timer)
{
    timer->handler = NULL;
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    static ngx_http_task_limit_t  one;

    memset(&one, 0, sizeof(one));

    return &one;
}


void *
ngx_array_push(ngx_array_t *a)
{
    return a->elts;
}


/* of limit_log(): why, and how many run and wait */

static void
logged(LOG_ENTRY)
{
    va_list      args;
    const char  *why;
    ngx_uint_t   running, waiting;

    va_start(args, fmt);

    why = va_arg(args, const char *);
    running = va_arg(args, ngx_uint_t);
    waiting = va_arg(args, ngx_uint_t);

    va_end(args);

    snprintf(line, sizeof(line), "%u: %s, %u running, %u waiting",
             (unsigned) level, why, (unsigned) running, (unsigned) waiting);
}


/* a configuration is not read here */

ngx_int_t
ngx_atoi(u_char *line, size_t n)
{
    return NGX_ERROR;
}


void
ngx_conf_log_error(ngx_uint_t level, ngx_conf_t *cf, ngx_err_t err,
    const char *fmt, ...)
{
}


ngx_int_t
ngx_http_task_conf_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_task_option_t *options)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_conf_time(ngx_str_t *text)
{
    return NGX_ERROR;
}


char *
ngx_http_task_conf_invalid(ngx_conf_t *cf, ngx_http_task_option_t *option,
    const char *right)
{
    return NGX_CONF_ERROR;
}


char *
ngx_http_task_conf_invalid_time(ngx_conf_t *cf, ngx_http_task_option_t *option)
{
    return NGX_CONF_ERROR;
}


/* --- tasks ---------------------------------------------------------------- */

static void
handler(ngx_http_task_turn_t *turn, ngx_int_t rc)
{
    size_t    n;
    task_t *t = (task_t *) turn;

    t->calls++;
    t->rc = rc;

    n = strlen(order);

    if (n < sizeof(order) - 1) {
        order[n] = (rc == NGX_OK ? 'a' : 'A') + (t - tasks);
        order[n + 1] = '\0';
    }

    depth++;
    deepest = ngx_max(deepest, depth);

    if (t->does) {
        t->does(turn);
    }

    depth--;
}


static void
idle(void *data)
{
    if (data != limit) {
        loop_broken("another limit is idle");
    }

    idles++;
}


static void
make(ngx_uint_t running, ngx_uint_t queue, ngx_msec_t wait)
{
    ngx_uint_t                        i;
    ngx_conf_t                        cf;
    ngx_array_t                       limits;
    ngx_http_conf_ctx_t               ctx;
    static void                      *confs[1];
    static ngx_http_task_limit_t     *known;
    static ngx_http_core_loc_conf_t   clcf;

    memset(&cf, 0, sizeof(cf));
    memset(&limits, 0, sizeof(limits));

    confs[0] = &clcf;
    ctx.loc_conf = ctx.srv_conf = ctx.main_conf = confs;
    ngx_http_core_module.ctx_index = 0;

    cf.ctx = &ctx;
    limits.elts = &known;

    conf.running = running;
    conf.queue = queue;
    conf.wait = wait;

    loop_init();

    limit = ngx_http_task_limit_create(&cf, &conf, NGX_LOG_ERR, &limits);

    memset(tasks, 0, sizeof(tasks));

    for (i = 0; i < TASKS; i++) {
        tasks[i].turn.handler = handler;
        tasks[i].turn.timer = &tasks[i].timer;
    }

    order[0] = '\0';
    deepest = 0;
    idles = 0;
}


/* somebody cares when a turn is given back that nobody waits for */

static void
care(void)
{
    limit->idle = idle;
    limit->idle_data = limit;
}


static ngx_int_t
take(ngx_uint_t i)
{
    return ngx_http_task_limit_take(limit, &tasks[i].turn, 1);
}


static void
give_back(ngx_uint_t i)
{
    ngx_http_task_limit_give_back(&tasks[i].turn);
}


static ngx_uint_t
waits(ngx_uint_t i)
{
    return ngx_http_task_limit_waits(&tasks[i].turn);
}


static void
is(int right, const char *what)
{
    check(right, "limit", what, strlen(what));
}


static void
leave(ngx_uint_t i)
{
    if (!waits(i)) {
        is(0, "one that is to leave does not wait");
        return;
    }

    ngx_http_task_limit_leave(&tasks[i].turn);
}


/* who was called since the last look at it: in capitals, in vain */

static void
called(const char *names, const char *what)
{
    check_same(order, strlen(order), names, strlen(names), "called", what,
               strlen(what));

    order[0] = '\0';
}


static void
counts(ngx_uint_t running, ngx_uint_t waiting, const char *what)
{
    check(limit->running == running && limit->waiting == waiting,
          "counts", what, strlen(what));
}


/* the timers whose deadline it is, those that are set */

static void
expire(void)
{
    ngx_uint_t               i;
    void                   (*fn)(void *data);
    ngx_http_task_timer_t   *timer;

    for (i = 0; i < TASKS; i++) {
        timer = &tasks[i].timer;

        if (timer->handler && timer->deadline <= loop_clock) {
            fn = timer->handler;
            timer->handler = NULL;
            fn(timer->data);
        }
    }
}


/* --- turn by turn --------------------------------------------------------- */

static void
test_turns(void)
{
    make(2, 3, 0);

    is(ngx_http_task_limit_has_room(limit), "room at first");
    is(take(0) == NGX_OK && take(1) == NGX_OK, "two run");
    counts(2, 0, "two");
    is(!waits(0) && ngx_http_task_limit_has_room(limit), "others may wait");

    is(take(2) == NGX_AGAIN && take(3) == NGX_AGAIN, "two wait");
    is(take(4) == NGX_AGAIN, "a third one");
    counts(2, 3, "all that it has");
    is(waits(2) && waits(4), "they wait");
    is(!ngx_http_task_limit_has_room(limit), "no room");
    is(take(5) == NGX_BUSY && !waits(5), "the next one is refused");
    counts(2, 3, "as before");

    give_back(1);
    called("", "not from there");
    counts(1, 3, "one is free");
    is(take(6) == NGX_BUSY, "nobody gets in before those who wait");

    is(loop_posted() == 1, "an event is posted");
    called("c", "the first one");
    counts(2, 2, "and runs");
    is(!waits(2) && waits(3), "not the others");

    is(take(6) == NGX_AGAIN, "behind the others");

    give_back(0);
    give_back(2);
    is(loop_posted() == 1, "one event for two");
    called("de", "in order");
    counts(2, 1, "two of three");

    give_back(3);
    loop_posted();
    called("g", "the last one");

    give_back(4);
    is(loop_posted() == 0, "nobody waits: no event");
    give_back(6);
    counts(0, 0, "none");
    is(take(7) == NGX_OK, "the next one at once");
}


static void
test_no_queue(void)
{
    make(1, 0, 0);

    is(take(0) == NGX_OK, "no queue: one");
    is(!ngx_http_task_limit_has_room(limit), "no queue: no room");
    is(take(1) == NGX_BUSY, "no queue: the second one");
    give_back(0);
    is(take(1) == NGX_OK, "no queue: then");
}


/* one that comes between the end of another and what was posted then */

static void
test_between(void)
{
    make(1, 2, 0);

    take(0);
    take(1);
    give_back(0);

    is(take(2) == NGX_AGAIN, "between: it waits");
    counts(0, 2, "between");
    loop_posted();
    called("b", "between: in order");

    give_back(1);
    leave(2);
    is(loop_posted() == 1, "between: who waited has left");
    called("", "between: none is left");
    is(take(3) == NGX_OK, "between: the next one");
}


static void
test_wait(void)
{
    int64_t  start;

    make(1, 5, 50);

    start = loop_clock;
    take(0);
    take(1);
    is(ngx_http_task_limit_take(limit, &tasks[2].turn, 0) == NGX_AGAIN,
       "wait: not bounded");
    take(3);

    is(tasks[1].timer.handler
       && tasks[1].timer.deadline == start + 50 * LOOP_MS, "wait: so long");
    is(!tasks[0].timer.handler && !tasks[2].timer.handler,
       "wait: neither who runs nor who is not bounded");

    loop_clock = start + 10 * LOOP_MS;
    give_back(0);
    loop_posted();
    called("b", "wait: its turn in time");
    is(!tasks[1].timer.handler, "wait: its timer is cleared");

    loop_clock = start + 49 * LOOP_MS;
    expire();
    called("", "wait: not yet");

    loop_clock = start + 50 * LOOP_MS;
    expire();
    called("D", "wait: in vain");
    is(tasks[3].rc == NGX_BUSY && tasks[3].calls == 1, "wait: is refused");
    is(!waits(3) && waits(2), "wait: it waits no longer");
    counts(1, 1, "wait");

    loop_clock += LOOP_YEAR;
    expire();
    called("", "wait: as long as it takes");

    give_back(3);
    counts(1, 1, "wait: it had no turn");
    give_back(1);
    loop_posted();
    called("c", "wait: a year later");
}


static void
test_wait_for_ever(void)
{
    make(1, 5, 0);

    take(0);
    take(1);
    is(!tasks[1].timer.handler, "no wait: no timer");
    loop_clock += LOOP_YEAR;
    give_back(0);
    loop_posted();
    called("b", "no wait: a year later");
}


static void
test_leave(ngx_uint_t who, const char *left, const char *what)
{
    ngx_uint_t  i;

    make(1, 3, 50);

    for (i = 0; i < 4; i++) {
        take(i);
    }

    leave(who);
    counts(1, 2, what);
    is(!waits(who) && !tasks[who].timer.handler, what);
    is(ngx_http_task_limit_has_room(limit), "leave: there is room");
    is(take(4) == NGX_AGAIN, "leave: for another one");

    give_back(0);

    for (i = 1; i < 5; i++) {
        loop_posted();
        give_back(i);
    }

    called(left, what);
    counts(0, 0, what);
}


static void
test_give_back(void)
{
    make(1, 2, 0);

    give_back(0);
    counts(0, 0, "give back: without a turn");

    take(0);
    take(1);
    give_back(1);
    is(waits(1), "give back: while it waits");
    counts(1, 1, "give back: while it waits");

    take(2);
    take(3);
    give_back(3);
    counts(1, 2, "give back: one that was refused");

    leave(2);
    give_back(2);
    counts(1, 1, "give back: one that has left");

    give_back(0);
    give_back(0);
    counts(0, 1, "give back: twice");
    is(loop_posted() == 1, "give back: twice, one event");
    give_back(0);
    counts(1, 0, "give back: when the next one has it");
}


/* a handler whose task ends at once, and comes again */

static void
end(ngx_http_task_turn_t *turn)
{
    ngx_http_task_limit_give_back(turn);
}


static void
end_and_come(ngx_http_task_turn_t *turn)
{
    static ngx_uint_t  n;

    ngx_http_task_limit_give_back(turn);

    if (n++ < CHAIN) {
        ngx_http_task_limit_take(limit, turn, 1);
    }
}


static void
test_handlers(void)
{
    ngx_uint_t  i, calls;

    make(1, 5, 0);

    for (i = 0; i < 6; i++) {
        take(i);
        tasks[i].does = end;
    }

    give_back(0);
    loop_posted();
    called("bcdef", "those that end at once");
    is(deepest == 1, "not one from within another");
    counts(0, 0, "those that end at once");

    make(2, 3, 0);

    for (i = 0, calls = 0; i < 5; i++) {
        take(i);
        tasks[i].does = end_and_come;
    }

    give_back(0);
    give_back(1);
    loop_posted();

    for (i = 0; i < 5; i++) {
        calls += tasks[i].calls;
    }

    is(calls == CHAIN + 3 && deepest == 1, "those that come again");
    counts(0, 0, "those that come again");
}


/* one runs for so long; then it is so many seconds */

static void
test_pace(int64_t ns, ngx_uint_t retry, const char *what)
{
    take(0);
    loop_clock += ns;
    give_back(0);

    check(ngx_http_task_limit_retry(limit, 0) == retry, "retry", what,
          strlen(what));
}


static void
test_retry(void)
{
    ngx_uint_t  i, n, before, grows;

    make(1, 20, 0);
    is(ngx_http_task_limit_retry(limit, 0) == 1, "retry: nothing has run");

    test_pace(1, 1, "1 ns");
    make(1, 20, 0);
    test_pace(LOOP_S, 1, "a second");
    make(1, 20, 0);
    test_pace(LOOP_S + 1, 2, "1 ns more");
    make(1, 20, 0);
    test_pace(16 * LOOP_S, 16, "16 s");
    test_pace(8 * LOOP_S, 15, "8 s after it");
    test_pace(0, 14, "nothing after it");

    make(2, 20, 0);
    test_pace(16 * LOOP_S, 8, "two at a time");

    make(3, 20, 0);
    test_pace(9 * LOOP_S, 3, "three at a time");

    take(0);
    take(1);
    take(2);
    before = 3;
    grows = 1;

    for (i = 3; i < 23; i++) {
        take(i);
        n = ngx_http_task_limit_retry(limit, 0);
        grows = grows && n == before + 3;
        before = n;
    }

    is(grows, "retry: grows with those who wait");
    leave(5);
    is(ngx_http_task_limit_retry(limit, 0) == before - 3, "retry: and shrinks");
    is(ngx_http_task_limit_retry(limit, 1) == before, "retry: with one more");
    is(ngx_http_task_limit_retry(limit, 101) == before + 300,
       "retry: with those who wait elsewhere");
}


static void
test_log(void)
{
    ngx_log_t   log;
    const char  *right;

    memset(&log, 0, sizeof(log));
    log.log_level = NGX_LOG_ERR;

    make(2, 5, 0);
    take(0);
    take(1);
    take(2);
    (void) ngx_http_task_limit_reserve(limit);

    ngx_http_task_limit_log(limit, &log, 0, "so");
    right = "4: so, 2 running, 2 waiting";
    check_same(line, strlen(line), right, strlen(right), "log", "", 0);

    ngx_http_task_limit_log(limit, &log, 40, "thus");
    right = "4: thus, 2 running, 42 waiting";
    check_same(line, strlen(line), right, strlen(right), "log", "with more",
               9);
}


/* --- anything, and a model of it ------------------------------------------ */

static struct {
    unsigned   waiting[TASKS];       /* in order */
    unsigned   n;
    unsigned   running;
    int        free;                 /* one was given back: it is posted */
    unsigned   idles;                /* so often, and nobody waited */
    char       order[128];
} model;


static ngx_uint_t  wrong, refused, in_vain, begun, beyond;


/* for who is bounded; others may be more than have room */

static ngx_uint_t
model_has_room(void)
{
    return (model.running < conf.running && model.n == 0)
           || model.n < conf.queue;
}


static void
model_calls(unsigned i, int ok)
{
    char  name[2] = { (ok ? 'a' : 'A') + i, '\0' };

    strcat(model.order, name);
    tasks[i].state = ok ? RUNS : NEITHER;
    model.running += ok;

    begun += ok;
    in_vain += !ok;
}


static void
model_remove(unsigned i)
{
    unsigned  k;

    for (k = 0; model.waiting[k] != i; k++) { /* void */ }

    model.n--;

    for ( /* void */ ; k < model.n; k++) {
        model.waiting[k] = model.waiting[k + 1];
    }
}


static void
any_take(unsigned i)
{
    int        bounded;
    ngx_int_t  rc, right;

    bounded = loop_any(3) != 0;

    if (bounded && !model_has_room()) {
        right = NGX_BUSY;
        refused++;

    } else if (model.running < conf.running && model.n == 0) {
        right = NGX_OK;
        tasks[i].state = RUNS;
        model.running++;

    } else {
        beyond += !model_has_room();
        right = NGX_AGAIN;
        tasks[i].state = WAITS;
        tasks[i].until = (bounded && conf.wait)
                          ? loop_clock + (int64_t) conf.wait * LOOP_MS : 0;
        model.waiting[model.n++] = i;
    }

    rc = ngx_http_task_limit_take(limit, &tasks[i].turn, bounded);
    wrong += (rc != right);
}


static void
any_give_back(unsigned i)
{
    if (tasks[i].state == RUNS) {
        tasks[i].state = NEITHER;
        model.running--;
        model.free |= (model.n > 0);
        model.idles += (model.n == 0);
    }

    give_back(i);
}


static void
any_leave(unsigned i)
{
    tasks[i].state = NEITHER;
    model_remove(i);

    leave(i);
}


static void
any_time(void)
{
    unsigned  i;

    loop_clock += loop_any(40) * LOOP_MS / 2 + 1;

    for (i = 0; i < TASKS; i++) {
        if (tasks[i].state == WAITS && tasks[i].until
            && tasks[i].until <= loop_clock)
        {
            model_remove(i);
            model_calls(i, 0);
        }
    }

    expire();
}


static void
any_posted(void)
{
    unsigned  i;

    while (model.free && model.n && model.running < conf.running) {
        i = model.waiting[0];
        model_remove(i);
        model_calls(i, 1);
    }

    model.idles += (model.free && model.n == 0);

    wrong += (loop_posted() != (unsigned) model.free);
    model.free = 0;

    /* nobody is left to wait for nothing */

    wrong += (limit->waiting && limit->running < conf.running);
}


static void
compare(void)
{
    unsigned    i;
    ngx_uint_t  free;

    free = (model.n == 0) ? conf.running - model.running : 0;

    wrong += (limit->running != model.running || limit->waiting != model.n
              || limit->running > conf.running
              || ngx_queue_empty(&ngx_posted_events) == model.free
              || ngx_http_task_limit_has_room(limit) != model_has_room()
              || ngx_http_task_limit_free(limit) != free
              || idles != model.idles
              || ngx_http_task_limit_retry(limit, 0) < 1
              || strcmp(order, model.order) != 0);

    order[0] = model.order[0] = '\0';

    for (i = 0; i < TASKS; i++) {
        wrong += (waits(i) != (tasks[i].state == WAITS));
        wrong += ((tasks[i].turn.limit == NULL)
                  != (tasks[i].state == NEITHER));
        wrong += ((tasks[i].timer.handler != NULL)
                  != (tasks[i].state == WAITS && tasks[i].until));
    }
}


static void
test_any(ngx_uint_t running, ngx_uint_t queue, ngx_msec_t wait)
{
    int        len;
    char       what[64];
    unsigned   i, n;

    make(running, queue, wait);
    care();
    memset(&model, 0, sizeof(model));
    wrong = refused = in_vain = begun = beyond = 0;

    /* after a difference nothing more can be said */

    for (n = 0; n < STEPS / 5 && wrong == 0; n++) {
        i = loop_any(TASKS);

        switch (loop_any(6)) {

        case 0:
            any_time();
            break;

        case 1:
            any_posted();
            break;

        case 2:
            any_give_back(i);
            break;

        default:
            if (tasks[i].state == NEITHER) {

                /* now and then most turns are given back */

                if (n / 500 % 2 == 0 || loop_any(8) == 0) {
                    any_take(i);
                }

            } else if (tasks[i].state == RUNS || loop_any(2)) {
                any_give_back(i);

            } else {
                any_leave(i);
            }
        }

        compare();
    }

    len = snprintf(what, sizeof(what), "running=%u queue=%u wait=%u",
                   (unsigned) running, (unsigned) queue, (unsigned) wait);

    check(wrong == 0, "any: as the model", what, len);
    /* nothing is left for the next limit */

    (void) loop_posted();

    check(refused && beyond && idles && begun && (wait == 0 || in_vain),
          "any: all of it", what, len);
}


/* turns that are given out take their time: others have theirs in between */

static void
takes(ngx_http_task_turn_t *turn)
{
    loop_clock += NGX_HTTP_TASK_TURN / 4;

    ngx_http_task_limit_give_back(turn);
}


static void
test_long(void)
{
    ngx_uint_t  i, turns;

    make(1, TASKS, 0);

    for (i = 0; i < 21; i++) {
        (void) take(i);
        tasks[i].does = takes;
    }

    give_back(0);

    for (turns = 0; limit->waiting; turns++) {
        is(loop_posted() >= 1, "long: an event each turn");
        is(limit->waiting == 20 - 5 * (turns + 1), "long: five of them");
        loop_turn();
    }

    called("bcdefghijklmnopqrstu", "long: in order");
    is(turns == 4, "long: in four turns");
    is(deepest == 1, "long: none within another");
    counts(0, 0, "long: all");
}


/* what is reserved nobody else gets */

static void
test_reserve(void)
{
    make(2, 1, 0);

    is(ngx_http_task_limit_reserve(limit) == NGX_OK, "reserve: a place");
    is(ngx_http_task_limit_reserve(limit) == NGX_OK, "reserve: another");
    is(take(0) == NGX_OK, "reserve: the third place is anybody's");
    is(!ngx_http_task_limit_has_room(limit), "reserve: no room");
    is(take(1) == NGX_BUSY, "reserve: for nobody");
    is(ngx_http_task_limit_reserve(limit) == NGX_BUSY, "reserve: nor to come");
    counts(1, 0, "reserve: nothing is taken by it");

    ngx_http_task_limit_unreserve(limit);
    is(take(1) == NGX_OK, "reserve: who has reserved has a turn");
    is(take(2) == NGX_BUSY, "reserve: and others have none");

    ngx_http_task_limit_unreserve(limit);
    is(take(2) == NGX_AGAIN, "reserve: or waits");
    counts(2, 1, "reserve: all are taken");

    /* turns that are given back are for those who wait */

    give_back(0);
    is(ngx_http_task_limit_reserve(limit) == NGX_BUSY, "reserve: not between");
    loop_posted();
    called("c", "reserve: the one who waits");
    is(ngx_http_task_limit_reserve(limit) == NGX_OK, "reserve: then there is");
    is(take(3) == NGX_BUSY, "reserve: room for one");

    ngx_http_task_limit_unreserve(limit);
    is(take(3) == NGX_AGAIN, "reserve: who may give up its place");
}


/* what was promised to run has a turn, though nobody else has room */

static void
test_promised(void)
{
    make(1, 1, 50);

    take(0);
    is(take(1) == NGX_AGAIN && take(2) == NGX_BUSY, "promised: no room");
    is(ngx_http_task_limit_take(limit, &tasks[2].turn, 0) == NGX_AGAIN,
       "promised: it waits");
    is(ngx_http_task_limit_take(limit, &tasks[3].turn, 0) == NGX_AGAIN,
       "promised: another one");
    counts(1, 3, "promised: more than the queue has room for");
    is(!tasks[2].timer.handler, "promised: as long as it takes");
    is(take(4) == NGX_BUSY, "promised: which is no room for others");
    is(!ngx_http_task_limit_has_room(limit), "promised: nor is there any");
    is(ngx_http_task_limit_reserve(limit) == NGX_BUSY, "promised: to reserve");

    give_back(0);
    loop_posted();
    give_back(1);
    loop_posted();
    called("bc", "promised: in order");
    counts(1, 1, "promised: as many wait as may");
    is(take(4) == NGX_BUSY, "promised: no room yet");
    give_back(2);
    loop_posted();
    is(take(4) == NGX_AGAIN, "promised: then there is");

    make(1, 0, 0);
    is(ngx_http_task_limit_take(limit, &tasks[0].turn, 0) == NGX_OK,
       "promised: at once");
    is(ngx_http_task_limit_take(limit, &tasks[1].turn, 0) == NGX_AGAIN,
       "promised: where there is no queue");
    give_back(0);
    loop_posted();
    called("b", "promised: it has its turn");
}


/* how many can be taken at once */

static void
test_free(void)
{
    make(3, 5, 0);

    is(ngx_http_task_limit_free(limit) == 3, "free: all");
    take(0);
    is(ngx_http_task_limit_free(limit) == 2, "free: but one");
    (void) ngx_http_task_limit_reserve(limit);
    is(ngx_http_task_limit_free(limit) == 1, "free: but one that is reserved");
    (void) ngx_http_task_limit_reserve(limit);
    (void) ngx_http_task_limit_reserve(limit);
    is(ngx_http_task_limit_free(limit) == 0, "free: not of the queue's room");
    ngx_http_task_limit_unreserve(limit);
    ngx_http_task_limit_unreserve(limit);
    ngx_http_task_limit_unreserve(limit);
    is(ngx_http_task_limit_free(limit) == 2, "free: what is not reserved");

    take(1);
    take(2);
    take(3);
    is(ngx_http_task_limit_free(limit) == 0, "free: none, one waits");
    give_back(0);
    give_back(1);
    is(ngx_http_task_limit_free(limit) == 0, "free: nor what one waits for");
    loop_posted();
    is(ngx_http_task_limit_free(limit) == 1, "free: until it has it");
}


static void
test_idle(void)
{
    make(1, 5, 0);
    care();

    take(0);
    take(1);
    is(idles == 0, "idle: nobody is");
    give_back(0);
    is(idles == 0, "idle: not while one waits");
    loop_posted();
    called("b", "idle: who has the turn");
    is(idles == 1, "idle: and nobody waits any more");
    give_back(1);
    is(idles == 2, "idle: when a turn is given back");
    give_back(1);
    is(idles == 2, "idle: not twice");

    take(0);
    take(1);
    give_back(0);
    leave(1);
    is(idles == 2, "idle: one leaves that would have had the turn");
    loop_posted();
    is(idles == 3 && ngx_http_task_limit_free(limit) == 1,
       "idle: then it is free");
}


int
main(void)
{
    test_turns();
    test_long();
    test_reserve();
    test_promised();
    test_free();
    test_idle();
    test_no_queue();
    test_between();
    test_wait();
    test_wait_for_ever();

    test_leave(1, "cde", "leave: the first one");
    test_leave(2, "bde", "leave: the middle one");
    test_leave(3, "bce", "leave: the last one");

    test_give_back();
    test_handlers();
    test_retry();
    test_log();

    test_any(1, 3, 0);
    test_any(1, 8, 50);
    test_any(3, 4, 20);
    test_any(4, 0, 0);
    test_any(10, 6, 100);

    return 0;
}
