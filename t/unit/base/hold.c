
/*
 * The end of a worker: while anything is held a timer is not cancelable, and
 * each kind of holds is given up after its own bound, not before, for no longer
 * than a turn of the loop may take.  A worker quits once: each case is a
 * process of its own.
 */


#include "base/ngx_http_task_base.h"

#include "check.h"
#include "loop.h"

#include "base/ngx_http_task_work.c"
#include "base/ngx_http_task_hold.c"

#include <sys/wait.h>


#define JOB    NGX_HTTP_TASK_HOLD_JOB
#define PIECE  NGX_HTTP_TASK_HOLD_PIECE
#define NEVER  NGX_HTTP_TASK_HOLD_UNBOUND
#define TICK   NGX_HTTP_TASK_HOLD_TIME


/* what is held; when it is given up it notes its name */

typedef struct {
    ngx_http_task_hold_t   hold;
    char                   name;
    ngx_http_task_hold_t  *other;       /* that is undone then, too */
} held_t;


static ngx_event_t  *timer = &ngx_http_task_hold_event;

static int64_t       bounds[NGX_HTTP_TASK_HOLDS];

static char          given_up[64];       /* the names, in order */
static ngx_uint_t    looks;
static void        (*look_does)(void);


int64_t
ngx_http_task_now(void)
{
    return loop_clock;
}


static void
look(void)
{
    looks++;

    if (look_does) {
        look_does();
    }
}


static void
note(ngx_http_task_hold_t *hold)
{
    char  name[2] = { ((held_t *) hold)->name, '\0' };

    if (strlen(given_up) < sizeof(given_up) - 1) {
        strcat(given_up, name);
    }
}


/* stays, as a piece does that its thread still runs */

static void
stay(ngx_http_task_hold_t *hold)
{
    note(hold);
}


/* is gone, and what it was in, as a job is */

static void
go(ngx_http_task_hold_t *hold)
{
    held_t *h = (held_t *) hold;

    note(hold);
    ngx_http_task_unhold(hold);

    if (h->other) {
        ngx_http_task_unhold(h->other);
    }

    free(h);
}


static held_t *
hold(ngx_http_task_hold_e kind, char name,
    void (*give_up)(ngx_http_task_hold_t *hold))
{
    held_t  *h;

    h = calloc(1, sizeof(held_t));
    if (h == NULL) {
        loop_broken("no memory");
    }

    h->hold.give_up = give_up;
    h->name = name;

    ngx_http_task_hold(kind, &h->hold);

    return h;
}


static void
unhold(held_t *h)
{
    ngx_http_task_unhold(&h->hold);
    free(h);
}


static void
init(int64_t job, int64_t piece)
{
    bounds[JOB] = job;
    bounds[PIECE] = piece;

    ngx_http_task_hold_init(bounds, look);
}


static void
is(int right, const char *what)
{
    check(right, "hold", what, strlen(what));
}


/* those with these names were given up, since the last look at it */

static void
gave_up(const char *names, const char *what)
{
    check_same(given_up, strlen(given_up), names, strlen(names), "given up",
               what, strlen(what));

    given_up[0] = '\0';
}


/* time passes, and the timer fires, as often as it has to; then it is now */

static void
fire_in(int64_t ns)
{
    loop_clock += ns;
    loop_update();
    loop_fire(timer);

    while (loop_posted()) {
        loop_turn();
    }
}


static int
awaited(void)
{
    return timer->timer_set && loop_fires_in(timer) <= TICK && !loop_ends();
}


/* a worker that quits, until it ends; at most so many times, or -1 */

static int
quit(int most)
{
    int  n;

    ngx_exiting = 1;

    for (n = 0; n < most; n++) {
        if (loop_ends()) {
            return n;
        }

        fire_in(loop_fires_in(timer) * LOOP_MS);
    }

    return -1;
}


/* a process that is none of nginx's workers */

static void
test_none(void)
{
    is(ngx_http_task_hold_next(JOB, NULL) == NULL, "no worker, no job");
    is(ngx_http_task_hold_next(PIECE, NULL) == NULL, "no worker, no piece");
}


static void
test_timer(void)
{
    held_t  *a, *b;

    init(1000, 1000);
    is(loop_first() == NULL && !ngx_http_task_hold_any(), "nothing at first");

    a = hold(JOB, 'a', go);
    is(ngx_http_task_hold_any(), "a job is held");
    is(awaited() && loop_fires_in(timer) == TICK, "its timer is set");

    loop_clock += 100 * LOOP_MS;
    loop_update();

    b = hold(PIECE, 'b', go);
    is(awaited() && loop_fires_in(timer) == TICK - 100,
       "the timer of both is the same one");

    unhold(a);
    is(ngx_http_task_hold_any() && awaited(), "a piece is held yet");

    unhold(b);
    is(!ngx_http_task_hold_any() && loop_ends(), "none: it is cancelable");

    a = hold(PIECE, 'c', go);
    is(awaited(), "held again while the timer is set");

    fire_in(TICK * LOOP_MS);
    is(awaited() && loop_fires_in(timer) == TICK, "set again as long as held");

    fire_in(LOOP_YEAR);
    is(awaited(), "for as long as the worker does not quit");

    unhold(a);
    fire_in(TICK * LOOP_MS);
    is(!timer->timer_set && loop_first() == NULL, "none: not set again");

    b = hold(JOB, 'd', go);
    is(awaited() && loop_fires_in(timer) == TICK, "held after that");
    unhold(b);

    gave_up("", "none");
}


static void
test_look(void)
{
    held_t  *a;

    init(10000, NEVER);

    a = hold(JOB, 'a', stay);
    is(looks == 0, "looked at: not yet");

    fire_in(1);
    is(looks == 1, "looked at, early");

    fire_in(TICK * LOOP_MS);
    is(looks == 2, "looked at");

    ngx_exiting = 1;
    fire_in(TICK * LOOP_MS);
    is(looks == 3, "looked at in a worker that quits");

    fire_in(LOOP_HOUR);
    is(looks == 4, "looked at when it gives up");
    gave_up("a", "the job");

    unhold(a);
    a = hold(PIECE, 'b', stay);
    unhold(a);

    fire_in(TICK * LOOP_MS);
    is(looks == 5, "looked at when nothing is held");
}


/* the bounds; they are counted from when a worker that quits sees it first */

static void
bound(int64_t job, int64_t piece, const char *first, const char *second)
{
    int64_t  low, high;

    low = ngx_min(job, piece);
    high = ngx_max(job, piece);

    init(job, piece);

    hold(JOB, 'j', stay);
    hold(PIECE, 'p', stay);

    fire_in(LOOP_HOUR);
    gave_up("", "the worker does not quit");

    ngx_exiting = 1;

    fire_in(TICK * LOOP_MS);
    gave_up("", "it begins to quit");

    fire_in(low * LOOP_MS - 1);
    gave_up("", "1 ns before the first bound");
    is(awaited(), "both are awaited");

    fire_in(1);
    gave_up(first, "at the first bound");
    is(awaited(), "the other one is awaited");

    fire_in((high - low) * LOOP_MS - 1);
    gave_up(first, "1 ns before the second bound");
    is(awaited(), "it still is");

    fire_in(1);
    gave_up(second, "at the second bound");
    is(loop_ends() && !timer->timer_set, "nothing is awaited any more");
}


static void
test_job_first(void)
{
    bound(2000, 5000, "j", "jp");
}


static void
test_piece_first(void)
{
    bound(7500, 1001, "p", "jp");
}


/* gone by then: what is left has its own bound */

static void
test_gone(void)
{
    init(2000, 5000);

    hold(JOB, 'j', go);
    hold(PIECE, 'p', go);
    hold(JOB, 'k', go);

    is(quit(100) == 1 + 5000 / TICK, "ends after the longer bound");
    gave_up("jkp", "each once");
    is(!ngx_http_task_hold_any(), "none is left");
}


static void
test_ended(void)
{
    held_t  *a;

    init(2000, 5000);

    hold(JOB, 'j', go);
    a = hold(PIECE, 'p', go);

    ngx_exiting = 1;
    fire_in(TICK * LOOP_MS);
    unhold(a);

    is(quit(100) == 2000 / TICK, "ends after the bound of what is left");
    gave_up("j", "what is left");
}


static void
test_zero(void)
{
    init(0, 0);

    hold(PIECE, 'p', stay);
    hold(JOB, 'j', stay);

    is(quit(100) == 1, "bounds of nothing: at once");
    gave_up("jp", "jobs are first");
}


static void
test_unbound(void)
{
    held_t  *a;

    init(NEVER, 3000);

    a = hold(JOB, 'j', go);
    hold(PIECE, 'p', go);

    is(quit(100000) == -1, "a job without a bound: awaited");
    gave_up("p", "the piece alone");

    fire_in(100 * LOOP_YEAR);
    gave_up("", "nor a hundred years later");
    is(awaited(), "the job is awaited");

    unhold(a);
    is(quit(100) == 0, "it has ended: so does the worker");
}


/* over in a worker that serves is not over until it quits */

static void
test_no_longer(void)
{
    init(NEVER, NEVER);

    hold(PIECE, 'p', stay);
    hold(JOB, 'j', stay);
    hold(JOB, 'k', go);
    hold(PIECE, 'q', go);

    ngx_http_task_hold_no_longer();

    fire_in(TICK * LOOP_MS);
    gave_up("", "not in a worker that serves");
    is(awaited(), "which goes on");

    is(quit(100) == 1, "no longer: ends at once");
    gave_up("jkpq", "no longer: all");
}


static void
test_no_longer_later(void)
{
    init(NEVER, 60000);

    hold(JOB, 'j', go);
    hold(PIECE, 'p', stay);

    is(quit(10) == -1, "it quits, and waits");
    gave_up("", "not yet");

    look_does = ngx_http_task_hold_no_longer;

    is(quit(100) == 1, "what is looked at says: no longer");
    gave_up("jp", "then all");
}


/* what is held after that is given up, too, at the next look */

static void
test_late(void)
{
    held_t  *a;

    init(1000, 1000);

    a = hold(JOB, 'j', stay);
    is(quit(100) == 1 + 1000 / TICK, "ends");
    gave_up("j", "what was held");

    hold(PIECE, 'p', go);
    is(awaited(), "held by a worker that was to end");

    is(quit(100) == 1, "for one look");
    gave_up("jp", "what stays, and what came late");

    unhold(a);
    is(!ngx_http_task_hold_any() && loop_ends(), "nothing");
}


/* its own, the first and the last; with the piece of the same job */

static void
test_undone(void)
{
    held_t  *a, *b;

    init(1000, 60000);

    a = hold(JOB, 'a', go);
    b = hold(JOB, 'b', stay);
    hold(JOB, 'c', go);
    hold(JOB, 'd', go);

    a->other = calloc(1, sizeof(ngx_http_task_hold_t));
    ngx_http_task_hold(PIECE, a->other);

    /* the piece was awaited when jobs began to be given up */

    is(quit(100) == 2 + 1000 / TICK, "a piece that its job takes with it");
    gave_up("abcdb", "in order, and what stays once more");

    is(ngx_http_task_hold_next(JOB, NULL) == &b->hold
       && ngx_http_task_hold_next(JOB, &b->hold) == NULL,
       "the one that stays is held");
    is(ngx_http_task_hold_next(PIECE, NULL) == NULL, "the piece is not");
}


/* its client's 503 is an error_page with a task, which is in a pool then */

static void
hold_another(ngx_http_task_hold_t *h)
{
    note(h);
    hold(PIECE, 'b', go);
}


static void
test_held_by_give_up(void)
{
    held_t  *a;

    init(NEVER, 1000);

    a = hold(PIECE, 'a', hold_another);
    ngx_exiting = 1;

    fire_in(1);
    fire_in(1000 * LOOP_MS);
    gave_up("ab", "one that begins another one, and that, too");

    a->hold.give_up = stay;
    is(quit(100) <= 1, "nothing is awaited for longer than one look");
    gave_up("a", "the one that stays");
}


/* the next one, which was to be given up, is undone; another kind comes */

static held_t  *victim;


static void
undo_the_next(ngx_http_task_hold_t *h)
{
    unhold(victim);
    hold(PIECE, 'd', go);
    go(h);
}


static void
test_next_undone(void)
{
    init(1000, 1000);

    hold(JOB, 'a', undo_the_next);
    victim = hold(JOB, 'b', go);
    hold(JOB, 'c', go);

    is(quit(100) == 2 + 1000 / TICK, "ends, one look after the last one");
    gave_up("acd", "not what is undone before its turn");
}


/* so many that it takes their time: others have theirs in between */

static void
take_long(ngx_http_task_hold_t *h)
{
    loop_clock += NGX_HTTP_TASK_TURN / 4;
    go(h);
}


static void
test_many(void)
{
    ngx_uint_t  i, turns;

    init(0, 0);

    for (i = 0; i < 20; i++) {
        hold(JOB, 'a', take_long);
    }

    hold(PIECE, 'p', take_long);
    ngx_exiting = 1;

    loop_fire(timer);
    gave_up("", "many: not yet");

    for (turns = 1; turns < 5; turns++) {
        is(loop_posted() == 1, "many: one event");
        gave_up("aaaaa", "many: some of them in a turn");
        is(!loop_ends(), "many: the worker waits for what is left");
        loop_turn();
    }

    is(loop_posted() == 1, "many: the last event");
    gave_up("p", "many: the piece after the jobs");
    is(loop_ends() && ngx_queue_empty(&ngx_posted_next_events),
       "many: it ends");
}


static void
walk(ngx_http_task_hold_e kind, const char *names, const char *what)
{
    size_t                 n;
    char                   seen[8];
    ngx_http_task_hold_t  *h;

    n = 0;

    for (h = ngx_http_task_hold_next(kind, NULL);
         h && n < sizeof(seen);
         h = ngx_http_task_hold_next(kind, h))
    {
        seen[n++] = ((held_t *) h)->name;
    }

    check_same(seen, n, names, strlen(names), "walk", what, strlen(what));
}


static void
test_next(void)
{
    held_t  *a, *b, *c, *d;

    init(1000, 1000);
    walk(JOB, "", "none");

    a = hold(JOB, 'a', go);
    walk(JOB, "a", "one");
    walk(PIECE, "", "no piece");

    b = hold(PIECE, 'b', go);
    c = hold(JOB, 'c', go);
    d = hold(JOB, 'd', go);
    walk(JOB, "acd", "jobs");
    walk(PIECE, "b", "pieces");

    unhold(c);
    walk(JOB, "ad", "without the middle one");
    unhold(a);
    walk(JOB, "d", "without the first one");
    unhold(d);
    walk(JOB, "", "without any");
    walk(PIECE, "b", "the piece is there");
    unhold(b);
    walk(PIECE, "", "it was");
}


static void (*const  cases[])(void) = {
    test_none, test_timer, test_look, test_job_first, test_piece_first,
    test_gone, test_ended, test_zero, test_unbound, test_no_longer,
    test_no_longer_later, test_late, test_undone, test_held_by_give_up,
    test_next, test_next_undone, test_many
};


int
main(void)
{
    int         status;
    pid_t       pid;
    ngx_uint_t  i;

    loop_init();

    for (i = 0; i < COUNT(cases); i++) {
        fflush(stdout);

        pid = fork();

        if (pid == 0) {
            cases[i]();
            fflush(stdout);
            _exit(0);
        }

        if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0) {
            loop_broken("a case does not end well");
        }
    }

    return 0;
}
