
/*
 * Functions that wait for descriptors, for promises, and for callbacks of their
 * worker, for the tests.  What the other side does, and when, is told by the
 * request; a thread of this library does it.
 */


#define _GNU_SOURCE

#include <ngx_task.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-result"


#define KEYS  16
#define KIDS  200


/* of this worker */

static int        begun, deferred, made, freed, elsewhere, first, again;
static pthread_t  loop;


static void
count(int *n)
{
    __atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}


static int64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* --- a thread of this library's own ------------------------------------- */

enum { NONE, WRITE, CLOSE, SHUTDOWN, RESET, DRAIN, REUSE, BYTES, RESOLVE };

typedef struct action_s  action_t;

struct action_s {
    action_t            *next;
    int64_t              due;
    int                  act;
    int                  fd;           /* the number that the function has */
    int                  peer;         /* the action's own */
    int64_t              left;
    ngx_task_promise_t   promise;
    ngx_task_rc_t        rc;
    int                  times;
};


/* what a promise of these tests has */

typedef struct {
    int64_t              number;
    char                *text;
} given_t;


static pthread_t        actor_thread;
static pthread_mutex_t  actor_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t   actor_cond;
static action_t        *actions, **actions_end = &actions;
static int              actor_ends;


static void
append(action_t *a)
{
    a->next = NULL;
    *actions_end = a;
    actions_end = &a->next;
}


static void
act_later(const action_t *what, int64_t ms)
{
    action_t  *a;

    a = malloc(sizeof(action_t));
    *a = *what;
    a->due = now() + ms * 1000;

    pthread_mutex_lock(&actor_mutex);
    append(a);
    pthread_cond_signal(&actor_cond);
    pthread_mutex_unlock(&actor_mutex);
}


static void
resolve_it(action_t *a)
{
    int       i;
    given_t  *given;

    given = a->promise.data;

    if (given) {
        given->number = 42;
        given->text = strdup("what was waited for");
    }

    for (i = 0; i < a->times; i++) {
        count(ngx_task_resolve(&a->promise, a->rc) ? &first : &again);
    }
}


/* the number that the function has is that of another file from now on */

static void
reuse(int fd)
{
    int  sv[2];

    socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, sv);

    pthread_mutex_lock(&actor_mutex);
    dup3(sv[0], fd, O_CLOEXEC);
    pthread_mutex_unlock(&actor_mutex);

    close(sv[0]);
    close(sv[1]);
}


/* returns 1 if there is more of it */

static int
act(action_t *a)
{
    char           buf[65536];
    struct linger  linger = { 1, 0 };

    switch (a->act) {

    case WRITE:
        write(a->peer, "12345678", 8);
        break;

    case SHUTDOWN:
        shutdown(a->peer, SHUT_WR);
        break;

    case RESET:
        setsockopt(a->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        break;

    case DRAIN:
        while (recv(a->peer, buf, sizeof(buf), MSG_DONTWAIT) > 0) { /* void */ }
        break;

    case REUSE:
        reuse(a->fd);
        a->act = WRITE;
        a->due += 500000;
        return 1;

    case BYTES:
        write(a->peer, --a->left ? "x" : "\n", 1);
        a->due += 500;

        if (a->left) {
            return 1;
        }

        break;

    case RESOLVE:
        resolve_it(a);
        break;
    }

    if (a->peer != -1) {
        close(a->peer);
    }

    return 0;
}


/* takes what is due, and leaves the rest in its order */

static action_t *
take_due(int64_t *next)
{
    int64_t    time;
    action_t  *a, *due, **due_end, **p;

    time = now();
    due_end = &due;
    *next = time + 3600000000;

    for (p = &actions; *p; /* void */ ) {
        a = *p;

        if (a->due <= time) {
            *p = a->next;
            *due_end = a;
            due_end = &a->next;
            continue;
        }

        *next = (a->due < *next) ? a->due : *next;
        p = &a->next;
    }

    actions_end = p;
    *due_end = NULL;

    return due;
}


static void *
actor(void *data)
{
    int64_t           next;
    action_t         *a, *due, *more;
    struct timespec   ts;

    pthread_mutex_lock(&actor_mutex);

    while (!actor_ends) {
        due = take_due(&next);

        if (due == NULL) {
            ts.tv_sec = next / 1000000;
            ts.tv_nsec = next % 1000000 * 1000;
            pthread_cond_timedwait(&actor_cond, &actor_mutex, &ts);
            continue;
        }

        pthread_mutex_unlock(&actor_mutex);

        for (more = NULL; due; due = a) {
            a = due->next;

            if (act(due)) {
                due->next = more;
                more = due;

            } else {
                free(due);
            }
        }

        pthread_mutex_lock(&actor_mutex);

        for ( /* void */ ; more; more = a) {
            a = more->next;
            append(more);
        }
    }

    pthread_mutex_unlock(&actor_mutex);

    (void) data;

    return NULL;
}


/* signals are nginx's: its event loop would not be woken by them */

static int
actor_start(void)
{
    int                 rc;
    sigset_t            all, before;
    pthread_condattr_t  attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&actor_cond, &attr);

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);

    rc = pthread_create(&actor_thread, NULL, actor, NULL);

    pthread_sigmask(SIG_SETMASK, &before, NULL);

    return rc;
}


static void
actor_stop(void)
{
    action_t  *a;

    pthread_mutex_lock(&actor_mutex);
    actor_ends = 1;
    pthread_cond_signal(&actor_cond);
    pthread_mutex_unlock(&actor_mutex);

    pthread_join(actor_thread, NULL);

    while (actions) {
        a = actions;
        actions = a->next;
        free(a);
    }
}


/* --- descriptors --------------------------------------------------------- */

enum { UNIX, TCP, PIPE, EVENT, FILE_, DIR_, NULL_, CLOSED, NEGATIVE };
enum { PLAIN, GATHER, TIMEOUT, FIRST, BLOCKED };

typedef struct {
    int          sock;
    int          act;
    int          in;
    int64_t      events;
    int64_t      ms;
    int64_t      bound;
    int64_t      timeout;
    int64_t      n;
    int64_t      times;
} fd_args_t;

typedef struct {
    const fd_args_t   *args;
    int                fd;
    int                peer;
    int                flags;
    int                flags_fd;
    int64_t            at;
    int64_t            took;
    int64_t            i;
    int64_t            bytes;
    int64_t            waits;
    ngx_task_child_t   children[KIDS];
} ends_t;


static int
tcp(int sv[2])
{
    int                 fd;
    socklen_t           len;
    struct sockaddr_in  addr;

    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(addr);

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    bind(fd, (struct sockaddr *) &addr, len);
    listen(fd, 1);
    getsockname(fd, (struct sockaddr *) &addr, &len);

    sv[0] = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    connect(sv[0], (struct sockaddr *) &addr, len);
    sv[1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    return close(fd);
}


static void
open_ends(ends_t *e, int sock)
{
    int  sv[2] = { -1, -1 };

    switch (sock) {

    case TCP:
        tcp(sv);
        break;

    case PIPE:
        pipe2(sv, O_CLOEXEC);
        break;

    case EVENT:
        sv[0] = eventfd(0, EFD_CLOEXEC);
        sv[1] = fcntl(sv[0], F_DUPFD_CLOEXEC, 0);
        break;

    case FILE_:
        sv[0] = open("/etc/passwd", O_RDONLY|O_CLOEXEC);
        break;

    case DIR_:
        sv[0] = open("/", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
        break;

    case NULL_:
        sv[0] = open("/dev/null", O_RDWR|O_CLOEXEC);
        break;

    case CLOSED:
        sv[0] = open("/dev/null", O_RDWR|O_CLOEXEC);
        close(sv[0]);
        break;

    case NEGATIVE:
        break;

    default:
        socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, sv);
    }

    e->fd = sv[0];
    e->peer = sv[1];
}


static void
close_ends(void *data)
{
    ends_t  *e = data;

    pthread_mutex_lock(&actor_mutex);

    if (e->args->sock != CLOSED) {
        close(e->fd);
    }

    pthread_mutex_unlock(&actor_mutex);

    if (e->peer != -1) {
        close(e->peer);
    }

    free(e);
    count(&deferred);
}


static ends_t *
make_ends(ngx_task_t *t)
{
    char              full[65536];
    action_t          a;
    ends_t           *e;
    const fd_args_t  *args = ngx_task_args(t);

    count(&begun);

    e = calloc(1, sizeof(ends_t));
    e->args = args;
    open_ends(e, args->sock);

    if (ngx_task_defer(t, close_ends, e) != NGX_TASK_OK) {
        return NULL;
    }

    if (args->act == DRAIN) {
        memset(full, 'x', sizeof(full));
        while (send(e->fd, full, sizeof(full), MSG_DONTWAIT) > 0) { /* void */ }
    }

    e->flags = fcntl(e->fd, F_GETFL);
    e->flags_fd = fcntl(e->fd, F_GETFD);

    e->at = now();

    if (args->act != NONE) {
        memset(&a, 0, sizeof(a));
        a.act = args->act;
        a.fd = e->fd;
        a.peer = fcntl(e->peer, F_DUPFD_CLOEXEC, 0);
        a.left = args->n;
        act_later(&a, args->ms);
    }

    if (args->act == CLOSE || args->act == RESET) {
        close(e->peer);
        e->peer = -1;
    }

    return e;
}


static ngx_task_rc_t
waits(ngx_task_t *t, ngx_task_frame_t *f)
{
    ends_t  *e = f->state;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_wait_fd(f, e->fd, e->args->events,
                                       e->args->bound));

    (void) t;

    return f->rc;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
fails(ngx_task_t *t, ngx_task_frame_t *f)
{
    ends_t  *e = f->state;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, e->args->timeout));

    (void) t;

    return NGX_TASK_FAILED;

    NGX_TASK_END(f);
}


/* holds the loop for longer than others may wait */

static ngx_task_rc_t
holds(ngx_task_t *t, ngx_task_frame_t *f)
{
    ends_t  *e = f->state;

    NGX_TASK_BEGIN(f);

    (void) t;

    usleep(e->args->timeout * 1000);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
wait_in(ngx_task_frame_t *f, ends_t *e)
{
    int64_t           i;
    const fd_args_t  *args = e->args;

    switch (args->in) {

    case GATHER:
    case FIRST:
    case BLOCKED:

        for (i = 0; i < args->n; i++) {
            e->children[i].fn = waits;
            e->children[i].state = e;
        }

        if (args->in != GATHER) {
            e->children[args->n - 1].fn = (args->in == FIRST) ? fails : holds;
        }

        return ngx_task_gather(f, e->children, args->n, 0,
                               args->in == FIRST ? NGX_TASK_GATHER_FIRST_ERROR
                                                 : 0);
    case TIMEOUT:
        return ngx_task_timeout(f, args->timeout, waits, e);

    default:
        return ngx_task_call(f, waits, e);
    }
}


static void
add(cJSON *array, double number)
{
    cJSON  *item;

    item = cJSON_CreateNumber(number);

    if (!cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
    }
}


static void
tell_rcs(ngx_task_t *t, ngx_task_child_t *children, int64_t n)
{
    int64_t   i;
    cJSON    *rcs;

    rcs = cJSON_CreateArray();

    for (i = 0; i < n; i++) {
        add(rcs, children[i].rc);
    }

    ngx_task_set_json(t, "rcs", rcs);
}


static ngx_task_rc_t
fd(ngx_task_t *t, ngx_task_frame_t *f)
{
    int               n;
    ends_t          **e = f->state;
    const fd_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    *e = make_ends(t);

    if (*e == NULL) {
        return NGX_TASK_FAILED;
    }

    for ((*e)->i = 0; (*e)->i < args->times; (*e)->i++) {
        NGX_TASK_AWAIT(f, wait_in(f, *e));
    }

    (*e)->took = now() - (*e)->at;

    ngx_task_set_int(t, "rc", f->rc);
    ngx_task_set_number(t, "ms", (*e)->took / 1000.0);
    tell_rcs(t, (*e)->children, args->in == PLAIN ? 0 : args->n);

    n = -1;
    ioctl((*e)->fd, FIONREAD, &n);

    ngx_task_set_int(t, "bytes", n);
    ngx_task_set_bool(t, "same", fcntl((*e)->fd, F_GETFL) == (*e)->flags
                                 && fcntl((*e)->fd, F_GETFD) == (*e)->flags_fd);

    NGX_TASK_END(f);
}


/* a line, in however many pieces it comes */

static ngx_task_rc_t
line(ngx_task_t *t, ngx_task_frame_t *f)
{
    char     c;
    ssize_t  n;
    ends_t  **e = f->state;

    NGX_TASK_BEGIN(f);

    *e = make_ends(t);

    if (*e == NULL) {
        return NGX_TASK_FAILED;
    }

    for ( ;; ) {
        n = recv((*e)->fd, &c, 1, MSG_DONTWAIT);

        if (n == 1) {
            (*e)->bytes++;

            if (c == '\n') {
                break;
            }

            continue;
        }

        if (n == 0 || errno != EAGAIN) {
            return ngx_task_fail(t, 502, "no line");
        }

        (*e)->waits++;
        NGX_TASK_AWAIT(f, ngx_task_wait_fd(f, (*e)->fd, NGX_TASK_READABLE,
                                           20000));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }
    }

    ngx_task_set_int(t, "bytes", (*e)->bytes);
    ngx_task_set_int(t, "waits", (*e)->waits);

    NGX_TASK_END(f);
}


/* a callback that does nothing: what it is called for is so in each turn */

static void
left_watched(void *data, unsigned event)
{
    (void) data;
    (void) event;
}


/* RLIMIT_NOFILE is reached, as long as nothing else runs */

static ngx_task_rc_t
limit(ngx_task_t *t, ngx_task_frame_t *f)
{
    ends_t            **e = f->state;
    ngx_task_rc_t       rc;
    struct rlimit       rl, low;
    ngx_task_watch_t   *w = NULL;

    NGX_TASK_BEGIN(f);

    *e = make_ends(t);

    if (*e == NULL) {
        return NGX_TASK_FAILED;
    }

    getrlimit(RLIMIT_NOFILE, &rl);
    low = rl;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);

    rc = ngx_task_watch(&w, (*e)->fd, NGX_TASK_READABLE, left_watched, NULL);
    (*e)->bytes = (rc == NGX_TASK_BUSY && w == NULL);
    (*e)->waits = rl.rlim_cur;

    NGX_TASK_AWAIT(f, ngx_task_wait_fd(f, (*e)->fd, NGX_TASK_READABLE, 1000));

    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = (*e)->waits;
    setrlimit(RLIMIT_NOFILE, &rl);

    ngx_task_set_int(t, "rc", f->rc);
    ngx_task_set_bool(t, "watch", (*e)->bytes);

    NGX_TASK_END(f);
}


/* --- callbacks ----------------------------------------------------------- */

enum { OWN, BOTH, NARROW, LEVEL, OTHER, REPLACED, CHANGE, END, SAME, MOVED,
       PROMISE, FAILS, THREAD, ODD, NOTHING };

typedef struct {
    int          how;
} watch_args_t;

typedef struct probe_s  probe_t;

struct probe_s {
    ngx_task_watch_t    *watch;
    int                  how;
    int                  fd;
    int                  peer;
    int                  reads;
    int                  writes;
    int                  rc;
    probe_t             *other;
    probe_t             *third;
    ngx_task_promise_t   promise;
};


static int      init_reads, init_calls;
static probe_t  init_probe, static_probe;


static int  watch_probe(probe_t *p, unsigned events);


static void
watched(void *data, unsigned event)
{
    char      buf[8];
    probe_t  *p = data;

    p->reads += (event == NGX_TASK_READABLE);
    p->writes += (event == NGX_TASK_WRITABLE);

    switch (p->how) {

    case LEVEL:
    case SAME:

        if (p->reads < 3) {
            return;
        }

        break;

    case NARROW:
        read(p->fd, buf, sizeof(buf));
        p->rc = watch_probe(p, NGX_TASK_READABLE);
        return;

    case OTHER:
    case REPLACED:

        if (p->other) {
            p->rc = watch_probe(p->other, 0);

            if (p->third) {
                p->rc |= watch_probe(p->third, NGX_TASK_READABLE);
            }
        }

        break;

    case PROMISE:
        ngx_task_resolve(&p->promise, NGX_TASK_OK);
        break;
    }

    (void) watch_probe(p, 0);
}


static int
watch_probe(probe_t *p, unsigned events)
{
    return ngx_task_watch(&p->watch, p->fd, events, watched, p);
}


static void
open_probe(probe_t *p, int how)
{
    int  sv[2];

    socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, sv);

    p->how = how;
    p->fd = sv[0];
    p->peer = sv[1];
}


static void
close_probe(probe_t *p)
{
    (void) watch_probe(p, 0);
    close(p->fd);
    close(p->peer);
}


static void
close_probes(void *data)
{
    int       i;
    probe_t  *p = data;

    for (i = 0; i < 3; i++) {
        close_probe(&p[i]);
    }

    /* a promise that was never resolved would never be freed */

    ngx_task_resolve(&p->promise, NGX_TASK_CANCELLED);

    free(p);
    count(&deferred);
}


/* all that is ready is so before the loop looks at it */

static int
watch_begin(probe_t *p, int how)
{
    unsigned  both = NGX_TASK_READABLE|NGX_TASK_WRITABLE;

    switch (how) {

    case OTHER:
    case REPLACED:
        write(p[0].peer, "x", 1);
        write(p[1].peer, "x", 1);
        p[0].other = &p[1];
        p[1].other = NULL;
        p[0].third = (how == REPLACED) ? &p[2] : NULL;
        return watch_probe(&p[0], NGX_TASK_READABLE)
               | watch_probe(&p[1], NGX_TASK_READABLE);

    case BOTH:
    case NARROW:
        write(p->peer, "x", 1);
        return watch_probe(p, both);

    case CHANGE:
        return watch_probe(p, NGX_TASK_READABLE)
               | watch_probe(p, NGX_TASK_WRITABLE);

    case END:
        shutdown(p->peer, SHUT_RDWR);
        return watch_probe(p, both);

    case SAME:
        write(p->peer, "x", 1);
        close(p[1].fd);
        p[1].fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
        p[1].watch = NULL;
        p[2].how = SAME;
        return watch_probe(p, NGX_TASK_READABLE)
               | ngx_task_watch(&p[2].watch, p->fd, NGX_TASK_READABLE, watched,
                                &p[2]);

    case ODD:
        return watch_probe(p, 8|NGX_TASK_READABLE);

    case NOTHING:
        return ngx_task_watch(&p->watch, p->fd, NGX_TASK_READABLE, NULL, p);

    case MOVED:
        write(p[1].peer, "x", 1);
        return ngx_task_watch(&p->watch, p->fd, NGX_TASK_READABLE, watched, p)
               | ngx_task_watch(&p->watch, p[1].fd, NGX_TASK_READABLE, watched,
                                p);
    default:
        write(p->peer, "x", 1);
        return watch_probe(p, NGX_TASK_READABLE);
    }
}


/* what cannot be watched */

static int
watch_fails(void)
{
    int                file, rc;
    ngx_task_watch_t  *w = NULL;

    file = open("/etc/passwd", O_RDONLY|O_CLOEXEC);
    rc = ngx_task_watch(&w, file, NGX_TASK_READABLE, watched, NULL);
    close(file);

    if (rc == NGX_TASK_FAILED) {
        rc = ngx_task_watch(&w, file, NGX_TASK_READABLE, watched, NULL);
    }

    if (rc == NGX_TASK_FAILED) {
        file = open("/dev/null", O_RDONLY|O_CLOEXEC);
        rc = ngx_task_watch(&w, file, NGX_TASK_READABLE, watched, NULL);
        close(file);
    }

    return (rc == NGX_TASK_FAILED && w == NULL
            && ngx_task_watch(&w, -1, 0, NULL, NULL) == NGX_TASK_OK);
}


static ngx_task_rc_t
watch_piece(ngx_task_t *t, void *data)
{
    probe_t           *p = data;
    ngx_task_timer_t  *timer = NULL;

    (void) t;

    if (p == NULL) {
        return ngx_task_timer(&timer, 1, free, NULL);
    }

    return watch_probe(p, NGX_TASK_READABLE);
}


static ngx_task_rc_t
watch(ngx_task_t *t, ngx_task_frame_t *f)
{
    int                  i;
    probe_t            **p = f->state;
    const watch_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    count(&begun);
    *p = calloc(3, sizeof(probe_t));

    for (i = 0; i < 3; i++) {
        open_probe(&(*p)[i], args->how);
    }

    if (ngx_task_defer(t, close_probes, *p) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    if (args->how == FAILS) {
        ngx_task_set_bool(t, "fails", watch_fails());
        return NGX_TASK_OK;
    }

    if (args->how == THREAD) {
        NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, watch_piece, *p));
        return NGX_TASK_OK;
    }

    if (args->how == PROMISE
        && ngx_task_promise(f, &(*p)->promise, 0, NULL) != NGX_TASK_OK)
    {
        return NGX_TASK_FAILED;
    }

    if (watch_begin(*p, args->how) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    if (args->how == PROMISE) {
        NGX_TASK_AWAIT(f, ngx_task_wait(f, &(*p)->promise));

    } else {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 30));
    }

    if ((*p)->rc != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    ngx_task_set_int(t, "reads", (*p)[0].reads);
    ngx_task_set_int(t, "writes", (*p)[0].writes);
    ngx_task_set_int(t, "other", (*p)[1].reads + (*p)[1].writes);
    ngx_task_set_int(t, "third", (*p)[2].reads + (*p)[2].writes);
    ngx_task_set_bool(t, "ended", (*p)[0].watch == NULL);

    NGX_TASK_END(f);
}


/* of the worker, whoever has asked for it: a byte for init()'s watch */

static ngx_task_rc_t
poke(ngx_task_t *t)
{
    write(init_probe.peer, "x", 1);
    ngx_task_set_bool(t, "poked", 1);

    return NGX_TASK_OK;
}


static void
init_watched(void *data, unsigned event)
{
    char      buf[64];
    probe_t  *p = data;

    init_calls++;

    if (event == NGX_TASK_READABLE
        && recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
    {
        __atomic_add_fetch(&init_reads, 1, __ATOMIC_SEQ_CST);
    }
}


/* a watch that is ready in each turn, and is never ended */

static ngx_task_rc_t
leave(ngx_task_t *t, ngx_task_frame_t *f)
{
    static ngx_task_watch_t  *w;

    NGX_TASK_BEGIN(f);

    if (w == NULL) {
        open_probe(&static_probe, OWN);
    }

    ngx_task_set_int(t, "rc", ngx_task_watch(&w, static_probe.fd,
                                             NGX_TASK_WRITABLE, left_watched,
                                             NULL));
    NGX_TASK_END(f);
}


/* watches are made until there is none left */

static ngx_task_rc_t
watch_all(ngx_task_t *t, ngx_task_frame_t *f)
{
    int                i, n, rc;
    probe_t            p;
    ngx_task_watch_t  *w[2000];

    NGX_TASK_BEGIN(f);

    memset(w, 0, sizeof(w));
    open_probe(&p, OWN);

    for (n = 0, rc = NGX_TASK_OK; n < 2000 && rc == NGX_TASK_OK; n++) {
        rc = ngx_task_watch(&w[n], p.fd, NGX_TASK_READABLE, left_watched, &p);
    }

    for (i = 0; i < n; i++) {
        (void) ngx_task_watch(&w[i], p.fd, 0, NULL, NULL);
    }

    close(p.fd);
    close(p.peer);

    ngx_task_set_int(t, "n", n);
    ngx_task_set_int(t, "rc", rc);

    NGX_TASK_END(f);
}


/* --- timers -------------------------------------------------------------- */

enum { ONCE, AGAIN, ENDED, SHORTER, LONGER, SELF, IN_THREAD, NO_CALL };

typedef struct {
    int          how;
    int64_t      ms;
} timer_args_t;

typedef struct {
    ngx_task_timer_t    *timer;
    int                  how;
    int64_t              ms;
    int64_t              at;
    int64_t              due;
    int64_t              late;       /* µs; negative: it was too early */
    int                  calls;
    ngx_task_promise_t   promise;
} chime_t;


static void  rang(void *data);


static int
set_chime(chime_t *c, int64_t ms)
{
    c->due = now() + ms * 1000;

    return ngx_task_timer(&c->timer, ms, rang, c);
}


static void
rang(void *data)
{
    int64_t    late;
    chime_t  *c = data;

    c->calls++;

    late = now() - c->due;

    if (c->calls == 1 || late < c->late) {
        c->late = late;
    }

    if (c->how == AGAIN && c->calls < 5) {
        (void) set_chime(c, c->ms);
        return;
    }

    if (c->how == SELF) {
        (void) set_chime(c, -1);
    }

    ngx_task_resolve(&c->promise, NGX_TASK_OK);
}


static void
chime_done(void *data)
{
    chime_t  *c = data;

    (void) ngx_task_timer(&c->timer, -1, NULL, NULL);

    ngx_task_resolve(&c->promise, NGX_TASK_CANCELLED);

    free(c);
    count(&deferred);
}


static int
begin_chime(chime_t *c)
{
    switch (c->how) {

    case ENDED:
        return set_chime(c, 0) | set_chime(c, -1) | (c->timer != NULL);

    case SHORTER:
        return set_chime(c, 3600000) | set_chime(c, c->ms);

    case LONGER:
        return set_chime(c, 0) | set_chime(c, c->ms);

    case NO_CALL:
        return ngx_task_timer(&c->timer, c->ms, NULL, c);

    default:
        return set_chime(c, c->ms);
    }
}


static ngx_task_rc_t
timer(ngx_task_t *t, ngx_task_frame_t *f)
{
    chime_t            **c = f->state;
    const timer_args_t   *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    count(&begun);

    *c = calloc(1, sizeof(chime_t));
    (*c)->how = args->how;
    (*c)->ms = args->ms;
    (*c)->at = now();

    if (ngx_task_defer(t, chime_done, *c) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    if (args->how == IN_THREAD) {
        NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, watch_piece, NULL));
        return NGX_TASK_OK;
    }

    if (ngx_task_promise(f, &(*c)->promise, 0, NULL) != NGX_TASK_OK
        || begin_chime(*c) != NGX_TASK_OK)
    {
        return NGX_TASK_FAILED;
    }

    if (args->how == ENDED) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));

    } else {
        NGX_TASK_AWAIT(f, ngx_task_wait(f, &(*c)->promise));
    }

    ngx_task_set_int(t, "rc", f->rc);
    ngx_task_set_int(t, "calls", (*c)->calls);
    ngx_task_set_number(t, "late", (*c)->late / 1000.0);
    ngx_task_set_number(t, "ms", (now() - (*c)->at) / 1000.0);
    ngx_task_set_bool(t, "ended", (*c)->timer == NULL);

    NGX_TASK_END(f);
}


/* --- promises ------------------------------------------------------------ */

enum { BEFORE, HEARD, BY_THREAD, BY_TASK, ANOTHERS, TWO, NO_PROMISE, LATER,
       NEVER, IN_GATHER };

typedef struct {
    int          how;
    int64_t      ms;
    int64_t      key;
    int64_t      rc;
    int64_t      times;
    int64_t      size;
    int64_t      n;
} promise_args_t;

typedef struct {
    ngx_task_promise_t  promise[2];
    ngx_task_child_t    children[2];
    int64_t             round;
    int64_t             rcs[6];
    int                 result;
} promise_state_t;


typedef struct made_s  made_t;

struct made_s {
    made_t              *next;
    ngx_task_promise_t   promise;
};


/* by the mutex of the actor: promises by their keys, and all there are */

static ngx_task_promise_t   kept[KEYS];
static made_t              *all;


static void
given_free(void *data)
{
    given_t  *given = data;

    count(&freed);

    if (!pthread_equal(pthread_self(), loop)) {
        count(&elsewhere);
    }

    if (given) {
        free(given->text);
        given->text = NULL;
    }
}


static void
remember(const ngx_task_promise_t *promise)
{
    made_t  *m;

    m = malloc(sizeof(made_t));
    m->promise = *promise;

    pthread_mutex_lock(&actor_mutex);
    m->next = all;
    all = m;
    pthread_mutex_unlock(&actor_mutex);
}


/* what was never resolved is, at last */

static int
resolve_rest(void)
{
    int      n;
    made_t  *m;

    pthread_mutex_lock(&actor_mutex);

    for (n = 0; all; /* void */ ) {
        m = all;
        all = m->next;
        n += ngx_task_resolve(&m->promise, NGX_TASK_CANCELLED);
        free(m);
    }

    pthread_mutex_unlock(&actor_mutex);

    return n;
}


static ngx_task_promise_t
keep(int64_t key, const ngx_task_promise_t *promise)
{
    ngx_task_promise_t  copy;

    pthread_mutex_lock(&actor_mutex);

    if (promise) {
        kept[key] = *promise;
    }

    copy = kept[key];

    pthread_mutex_unlock(&actor_mutex);

    return copy;
}


static void
resolve_later(const ngx_task_promise_t *promise, int64_t ms, ngx_task_rc_t rc,
    int times)
{
    action_t  a;

    memset(&a, 0, sizeof(a));
    a.act = RESOLVE;
    a.peer = -1;
    a.promise = *promise;
    a.rc = rc;
    a.times = times;
    act_later(&a, ms);
}


static ngx_task_rc_t
awaits(ngx_task_t *t, ngx_task_frame_t *f)
{
    promise_state_t  *s = f->state;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_wait(f, &s->promise[0]));

    (void) t;

    return f->rc;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
await_two(ngx_task_frame_t *f, promise_state_t *s)
{
    s->children[0].fn = awaits;
    s->children[0].state = s;
    s->children[1] = s->children[0];

    return ngx_task_gather(f, s->children, 2, 0, NGX_TASK_GATHER_FIRST_ERROR);
}


static ngx_task_rc_t
make_promise(ngx_task_frame_t *f, ngx_task_promise_t *promise, size_t size)
{
    ngx_task_rc_t  rc;

    rc = ngx_task_promise(f, promise, size, given_free);

    if (rc == NGX_TASK_OK) {
        count(&made);
    }

    return rc;
}


static void
promise_begin(promise_state_t *s, const promise_args_t *args)
{
    switch (args->how) {

    case BEFORE:
    case HEARD:
        s->result = ngx_task_resolve(&s->promise[0], args->rc);
        count(&first);
        break;

    case ANOTHERS:
        s->promise[0] = keep(args->key, NULL);
        break;

    case NO_PROMISE:
        memset(&s->promise[0], 0, sizeof(ngx_task_promise_t));
        break;

    case BY_TASK:
        (void) keep(args->key, &s->promise[0]);
        break;

    case NEVER:
        break;

    default:
        resolve_later(&s->promise[0], args->ms, args->rc, args->times);
    }
}


static void
promise_ended(void *data)
{
    (void) data;
    count(&deferred);
}


static ngx_task_rc_t
promise(ngx_task_t *t, ngx_task_frame_t *f)
{
    given_t               *given;
    promise_state_t       *s = f->state;
    const promise_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    count(&begun);

    if (ngx_task_defer(t, promise_ended, NULL) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    if (make_promise(f, &s->promise[0], args->size) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    remember(&s->promise[0]);
    promise_begin(s, args);

    if (args->how == HEARD) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 20));

    } else if (args->how == TWO) {
        NGX_TASK_AWAIT(f, await_two(f, s));

    } else if (args->how == LATER) {
        NGX_TASK_AWAIT(f, ngx_task_timeout(f, 10, awaits, s));
        s->result = f->rc;
    }

    if (args->how == IN_GATHER) {
        NGX_TASK_AWAIT(f, ngx_task_timeout(f, 3600000, awaits, s));

    } else {
        NGX_TASK_AWAIT(f, ngx_task_wait(f, &s->promise[0]));
    }

    given = s->promise[0].data;

    ngx_task_set_int(t, "rc", f->rc);
    ngx_task_set_int(t, "result", s->result);
    ngx_task_set_int(t, "number", given ? given->number : -1);

    /* it may be waited for again, and is what it was */

    NGX_TASK_AWAIT(f, ngx_task_wait(f, &s->promise[0]));

    ngx_task_set_int(t, "again", f->rc);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
resolve(ngx_task_t *t)
{
    ngx_task_promise_t     copy;
    const promise_args_t  *args = ngx_task_args(t);

    copy = keep(args->key, NULL);

    ngx_task_set_int(t, "result", ngx_task_resolve(&copy, args->rc));

    return NGX_TASK_OK;
}


static ngx_task_rc_t
resolve_all(ngx_task_t *t)
{
    ngx_task_set_int(t, "resolved", resolve_rest());

    return NGX_TASK_OK;
}


static ngx_task_rc_t
resolve_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    (void) resolve(t);

    NGX_TASK_END(f);
}


/* each round: a promise that the thread resolves, and that is given up */

static ngx_task_rc_t
racer(ngx_task_t *t, ngx_task_frame_t *f)
{
    ngx_task_promise_t  *promise = f->state;

    NGX_TASK_BEGIN(f);

    if (make_promise(f, promise, sizeof(given_t)) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    resolve_later(promise, 0, NGX_TASK_OK, 2);

    NGX_TASK_AWAIT(f, ngx_task_wait(f, promise));

    if (f->rc == NGX_TASK_OK && ((given_t *) promise->data)->number != 42) {
        return ngx_task_fail(t, 500, "what was given is not there");
    }

    return f->rc;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
loser(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    (void) t;

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1));

    return NGX_TASK_BUSY;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
race_once(ngx_task_frame_t *f, promise_state_t *s)
{
    if (s->round % 4 < 3) {
        s->children[0].rc = NGX_TASK_OK;
        return ngx_task_timeout(f, s->round % 2, racer, &s->promise[0]);
    }

    s->children[0].fn = racer;
    s->children[0].state = &s->promise[0];
    s->children[1].fn = loser;

    return ngx_task_gather(f, s->children, 2, 0, NGX_TASK_GATHER_FIRST_ERROR);
}


static ngx_task_rc_t
race(ngx_task_t *t, ngx_task_frame_t *f)
{
    cJSON                 *rcs;
    promise_state_t       *s = f->state;
    const promise_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    for (s->round = 0; s->round < args->n; s->round++) {
        NGX_TASK_AWAIT(f, race_once(f, s));

        if (s->round % 4 == 3 && f->rc == NGX_TASK_BUSY) {
            f->rc = s->children[0].rc;
        }

        s->rcs[f->rc]++;
    }

    rcs = cJSON_CreateArray();

    for (s->round = 0; s->round < 6; s->round++) {
        add(rcs, s->rcs[s->round]);
    }

    ngx_task_set_json(t, "rcs", rcs);

    NGX_TASK_END(f);
}


/* --- the library --------------------------------------------------------- */

static ngx_task_rc_t
seen(ngx_task_t *t)
{
    struct mallinfo2  m;

    m = mallinfo2();

    ngx_task_set_int(t, "begun", __atomic_load_n(&begun, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "deferred",
                     __atomic_load_n(&deferred, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "made", __atomic_load_n(&made, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "freed", __atomic_load_n(&freed, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "elsewhere",
                     __atomic_load_n(&elsewhere, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "first", __atomic_load_n(&first, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "again", __atomic_load_n(&again, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "init",
                     __atomic_load_n(&init_reads, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "memory", m.uordblks + m.hblkhd);

    return NGX_TASK_OK;
}


static void
far_away(void *data)
{
    (void) data;
}


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    ngx_task_rc_t  rc;

    static ngx_task_timer_t  *far;

    loop = pthread_self();

    if (actor_start() != 0) {
        return ngx_task_worker_fail(worker, "pthread_create() failed");
    }

    open_probe(&init_probe, OWN);

    rc = ngx_task_watch(&init_probe.watch, init_probe.fd, NGX_TASK_READABLE,
                        init_watched, &init_probe);

    if (rc == NGX_TASK_OK) {
        rc = ngx_task_timer(&far, 3600000, far_away, NULL);
    }

    if (rc != NGX_TASK_OK) {
        close_probe(&init_probe);
        actor_stop();
    }

    return rc;
}


/* what is watched is left to nginx */

static void
stop(void)
{
    fprintf(stderr, "init: its watch is called %d times\n", init_calls);
    actor_stop();
    (void) resolve_rest();
}


static const ngx_task_param_t  fd_params[] = {
    NGX_TASK_PARAM_AS(fd_args_t, sock, NGX_TASK_ENUM, .def = "unix",
        .choices = "unix|tcp|pipe|event|file|dir|null|closed|negative"),
    NGX_TASK_PARAM_AS(fd_args_t, act, NGX_TASK_ENUM, .def = "none",
        .choices = "none|write|close|shutdown|reset|drain|reuse|bytes"),
    NGX_TASK_PARAM_AS(fd_args_t, in, NGX_TASK_ENUM, .def = "plain",
        .choices = "plain|gather|timeout|first|blocked"),
    NGX_TASK_PARAM(fd_args_t, events, .def = "1"),
    NGX_TASK_PARAM(fd_args_t, ms, .def = "50"),
    NGX_TASK_PARAM(fd_args_t, bound, .def = "20000"),
    NGX_TASK_PARAM(fd_args_t, timeout, .def = "50"),
    NGX_TASK_PARAM(fd_args_t, n, .def = "1", .min = "1", .max = "200"),
    NGX_TASK_PARAM(fd_args_t, times, .def = "1")
};

static const ngx_task_param_t  watch_params[] = {
    NGX_TASK_PARAM_AS(watch_args_t, how, NGX_TASK_ENUM, .def = "own",
        .choices = "own|both|narrow|level|other|replaced|change|end|same|moved"
                   "|promise|fails|thread|odd|nothing")
};

static const ngx_task_param_t  timer_params[] = {
    NGX_TASK_PARAM_AS(timer_args_t, how, NGX_TASK_ENUM, .def = "once",
        .choices = "once|again|end|shorter|longer|self|thread|nothing"),
    NGX_TASK_PARAM(timer_args_t, ms, .def = "50")
};

static const ngx_task_param_t  promise_params[] = {
    NGX_TASK_PARAM_AS(promise_args_t, how, NGX_TASK_ENUM, .def = "thread",
        .choices = "before|heard|thread|task|anothers|two|none|later|never"
                   "|gather"),
    NGX_TASK_PARAM(promise_args_t, ms, .def = "50"),
    NGX_TASK_PARAM(promise_args_t, key, .def = "0", .min = "0", .max = "15"),
    NGX_TASK_PARAM(promise_args_t, rc, .def = "0"),
    NGX_TASK_PARAM(promise_args_t, times, .def = "1"),
    NGX_TASK_PARAM(promise_args_t, size, .def = "16"),
    NGX_TASK_PARAM(promise_args_t, n, .def = "100")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("fd", .async = fd, .state_size = sizeof(ends_t *),
                      .args = NGX_TASK_ARGS(fd_args_t, fd_params)),
    NGX_TASK_FUNCTION("line", .async = line, .state_size = sizeof(ends_t *),
                      .args = NGX_TASK_ARGS(fd_args_t, fd_params)),
    NGX_TASK_FUNCTION("limit", .async = limit, .state_size = sizeof(ends_t *),
                      .args = NGX_TASK_ARGS(fd_args_t, fd_params)),
    NGX_TASK_FUNCTION("watch", .async = watch, .state_size = sizeof(probe_t *),
                      .args = NGX_TASK_ARGS(watch_args_t, watch_params)),
    NGX_TASK_FUNCTION("poke", .block = poke),
    NGX_TASK_FUNCTION("leave", .async = leave),
    NGX_TASK_FUNCTION("watch_all", .async = watch_all),
    NGX_TASK_FUNCTION("timer", .async = timer, .state_size = sizeof(chime_t *),
                      .args = NGX_TASK_ARGS(timer_args_t, timer_params)),
    NGX_TASK_FUNCTION("promise", .async = promise,
                      .state_size = sizeof(promise_state_t),
                      .args = NGX_TASK_ARGS(promise_args_t, promise_params)),
    NGX_TASK_FUNCTION("resolve", .block = resolve, .async = resolve_async,
                      .args = NGX_TASK_ARGS(promise_args_t, promise_params)),
    NGX_TASK_FUNCTION("resolve_all", .block = resolve_all),
    NGX_TASK_FUNCTION("race", .async = race,
                      .state_size = sizeof(promise_state_t),
                      .args = NGX_TASK_ARGS(promise_args_t, promise_params)),
    NGX_TASK_FUNCTION("seen", .block = seen)
};

NGX_TASK_LIBRARY_INIT("wait", functions, init, stop);
