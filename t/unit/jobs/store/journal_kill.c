
/*
 * The process that has a journal is killed: at any moment while it writes, and
 * before and after each call of the kernel while it makes, appends to and
 * copies one.  And who may have a journal, and when.
 *
 * With an argument it is another process that wants one.
 */


#include "check.h"
#include "journal.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>


#define LIVE       16
#define LONGEST    3000000
#define PROCESSES  4


/* what all processes know */

typedef struct {
    uint32_t                 appended;   /* append() has said so */
    uint32_t                 copies;
    uint32_t                 syncs;

    int                      holders;
    int                      both;       /* had it at the same time */
    uint32_t                 won[PROCESSES];
} notes_t;

/* numbers, each with as many bytes as follow from it */

typedef struct {
    uint32_t                 first;
    uint32_t                 last;
    uint32_t                 n;
    int                      wrong;
} seen_t;

typedef struct {
    const char              *name;
    void                   (*prepare)(void);
    void                   (*op)(void);

    /* what is there: not done, or done */
    uint32_t                 before[2];  /* first, last */
    uint32_t                 after[2];
} case_t;


static notes_t                  *notes;
static ngx_http_task_journal_t   j;


#define OK(right, name)  check((right), name, "", 0)


static size_t
number_bytes(unsigned char *p, uint32_t n)
{
    size_t  i, length;

    memcpy(p, &n, sizeof(n));

    length = sizeof(n) + (n * 2654435761U >> 7) % ((n % 100) ? 300 : LONGEST);

    for (i = sizeof(n); i < length; i++) {
        p[i] = (unsigned char) (n * 31 + i * 7);
    }

    return length;
}


static ngx_int_t
see(void *data, uint32_t type, u_char *bytes, size_t length)
{
    seen_t                *s;
    uint32_t               n;

    static unsigned char   right[LONGEST + 8];

    s = data;

    if (type != 7 || length < sizeof(n)) {
        s->wrong = 1;
        return NGX_OK;
    }

    memcpy(&n, bytes, sizeof(n));

    if (number_bytes(right, n) != length || memcmp(right, bytes, length) != 0
        || (s->n && n != s->last + 1))
    {
        s->wrong = 1;
    }

    if (s->n++ == 0) {
        s->first = n;
    }

    s->last = n;

    return NGX_OK;
}


static ngx_int_t
open_seen(seen_t *s)
{
    ngx_int_t  rc;

    memset(s, 0, sizeof(seen_t));
    logged[0] = '\0';

    rc = ngx_http_task_journal_open(&j, "file", 1);

    return (rc == NGX_OK) ? ngx_http_task_journal_replay(&j, see, s) : rc;
}


static ngx_int_t
append(uint32_t n)
{
    static unsigned char  bytes[LONGEST + 8];

    return journal_append(&j, 7, bytes, number_bytes(bytes, n));
}


/* those from first to last */

static ngx_int_t
copy(uint32_t first, uint32_t last)
{
    static unsigned char  bytes[LONGEST + 8];

    if (ngx_http_task_journal_copy_begin(&j) != NGX_OK) {
        return NGX_ERROR;
    }

    for ( /* void */ ; first <= last; first++) {
        if (journal_copy_append(&j, 7, bytes, number_bytes(bytes, first))
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_task_journal_copy_commit(&j);
}


static void
begin(void)
{
    seen_t  s;

    ngx_http_task_journal_close(&j);
    (void) unlink("file");
    (void) unlink("file.new");

    journal_must(open_seen(&s) == NGX_OK, "open()");
}


/* the other process runs this program, and says what open() has said */

static ngx_int_t
other(const char *path)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        execl("/proc/self/exe", "journal_kill", "try", path, NULL);
        _exit(99);
    }

    waitpid(pid, &status, 0);

    return WIFEXITED(status) ? (ngx_int_t) WEXITSTATUS(status) - 100 : 1;
}


static int
other_main(const char *path)
{
    ngx_int_t                rc;
    ngx_http_task_journal_t  mine;

    rc = ngx_http_task_journal_open(&mine, path, 1);

    ngx_http_task_journal_close(&mine);

    return 100 + rc;
}


/* --- killed while it writes ----------------------------------------------- */

static void
writer(void)
{
    seen_t    s;
    uint32_t  n;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (open_seen(&s) != NGX_OK || s.wrong) {
        _exit(1);
    }

    for (n = s.last + 1; ; n++) {

        if (append(n) != NGX_OK) {
            _exit(2);
        }

        __atomic_store_n(&notes->appended, n, __ATOMIC_SEQ_CST);

        switch (rand() % 40) {

        case 0:
            if (ngx_http_task_journal_sync(&j) == NGX_OK) {
                notes->syncs++;
            }

            break;

        case 1:
            if (copy(n > LIVE ? n - LIVE + 1 : 1, n) != NGX_OK) {
                _exit(3);
            }

            notes->copies++;
        }
    }
}


static void
test_writer(unsigned times)
{
    int       status;
    pid_t     pid;
    seen_t    s;
    unsigned  i, bad, cut;

    begin();
    ngx_http_task_journal_close(&j);

    bad = 0;
    cut = 0;
    notes->appended = 0;

    for (i = 0; i < times; i++) {
        pid = fork();

        if (pid == 0) {
            srand(getpid());
            writer();
        }

        usleep(1000 + journal_any(30000));

        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, &status, 0);

        if (open_seen(&s) != NGX_OK || !WIFSIGNALED(status) || s.wrong
            || s.last < notes->appended || s.last > notes->appended + 1
            || s.first > (s.last > LIVE ? s.last - LIVE + 1 : 1)
            || j.places)
        {
            bad++;
            printf("# kill %u: %x, %u to %u of %u, wrong: %d\n%s", i, status,
                   s.first, s.last, notes->appended, s.wrong, logged);
        }

        cut += (logged[0] != '\0');

        notes->appended = s.last;
        ngx_http_task_journal_close(&j);
    }

    printf("# %u kills, %u appended, %u syncs, %u copies, %u tails cut\n",
           times, notes->appended, notes->syncs, notes->copies, cut);

    OK(bad == 0 && notes->appended > times && notes->syncs && notes->copies,
       "a process that writes");
}


/* --- killed before and after each call of the kernel ---------------------- */

static void
none(void)
{
    (void) unlink("file");
    (void) unlink("file.new");
}


static void
some(void)
{
    uint32_t  n;

    begin();

    for (n = 1; n <= 10; n++) {
        (void) append(n);
    }

    ngx_http_task_journal_close(&j);
}


static void
torn(void)
{
    struct stat  st;

    some();
    (void) stat("file", &st);
    (void) truncate("file", st.st_size - 1);
}


static void
left(void)
{
    some();
    (void) !system("head -c 500 file > file.new");
}


static void
op_open(void)
{
    seen_t  s;

    (void) open_seen(&s);
}


static void
op_append(void)
{
    op_open();
    (void) append(11);
}


static void
op_copy(void)
{
    op_open();
    (void) copy(8, 10);
}


static void
op_abort(void)
{
    op_open();
    (void) ngx_http_task_journal_copy_begin(&j);
    ngx_http_task_journal_copy_abort(&j);
    ngx_http_task_journal_close(&j);
}


/* 1: not done, 2: done, 0: wrong; and the next process goes on as always */

static int
judge(case_t *c)
{
    int       is;
    seen_t    s;
    uint32_t  next;

    if (open_seen(&s) != NGX_OK || s.wrong || j.places) {
        return 0;
    }

    is = (s.first == c->before[0] && s.last == c->before[1]) ? 1
         : (s.first == c->after[0] && s.last == c->after[1]) ? 2 : 0;

    next = s.last + 1;

    if (append(next) != NGX_OK || copy(next, next) != NGX_OK
        || append(next + 1) != NGX_OK
        || ngx_http_task_journal_sync(&j) != NGX_OK)
    {
        is = 0;
    }

    ngx_http_task_journal_close(&j);

    if (open_seen(&s) != NGX_OK || s.wrong || s.first != next || s.n != 2) {
        is = 0;
    }

    ngx_http_task_journal_close(&j);

    return is;
}


/* returns 1 if the operation has ended before so many stops */

static int
step(case_t *c, unsigned stops)
{
    int    status, ended;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        (void) ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void) raise(SIGSTOP);
        c->op();
        _exit(0);
    }

    (void) waitpid(pid, &status, 0);
    ended = 0;

    while (stops--) {
        (void) ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        (void) waitpid(pid, &status, 0);

        if (WIFEXITED(status)) {
            ended = 1;
            break;
        }
    }

    if (!ended) {
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, &status, 0);
    }

    return ended;
}


static void
test_steps(void)
{
    int       is, ended, done, wrong;
    case_t   *c;
    unsigned  stops;

    static case_t  cases[] = {
        { "a journal is made", none, op_open, { 0, 0 }, { 0, 0 } },
        { "it is opened", some, op_open, { 1, 10 }, { 1, 10 } },
        { "a tail is cut", torn, op_open, { 1, 9 }, { 1, 9 } },
        { "a record is appended", some, op_append, { 1, 10 }, { 1, 11 } },
        { "a copy is committed", some, op_copy, { 1, 10 }, { 8, 10 } },
        { "a copy is aborted", some, op_abort, { 1, 10 }, { 1, 10 } },
        { "a copy is made where one was left", left, op_copy,
          { 1, 10 }, { 8, 10 } }
    };

    for (c = cases; c < cases + COUNT(cases); c++) {
        ended = 0;
        done = 0;
        wrong = 0;

        for (stops = 0; !ended; stops++) {
            c->prepare();
            ended = step(c, stops);
            is = judge(c);

            /* once it is done it is not undone */

            if (is == 0 || (is == 1 && done && c->before[1] != c->after[1])) {
                wrong++;
                printf("# killed after %u stops: %d\n%s", stops, is, logged);
            }

            done |= (is == 2);
        }

        printf("# %u kills\n", stops);

        check(!wrong && stops > 10
              && (done || memcmp(c->before, c->after, 8) == 0),
              "killed", c->name, strlen(c->name));
    }
}


/* --- who has it ----------------------------------------------------------- */

static void
test_lock(void)
{
    int                      status, fds[2];
    pid_t                    pid, child;
    ngx_err_t                err;
    const char              *why;
    ngx_http_task_journal_t  mine;

    begin();
    (void) append(1);

    OK(other("file") == NGX_BUSY, "another process");

    OK(ngx_http_task_journal_open(&mine, "file", 1) == NGX_BUSY,
       "the same process");
    OK(ngx_http_task_journal_open(&mine,
                                  "../../../../../../proc/self/cwd/file", 1)
       == NGX_BUSY, "by another name");
    OK(other("file") == NGX_BUSY, "which changes nothing");

    OK(ngx_http_task_journal_check("file", &why, &err) == NGX_OK
       && other("file") == NGX_BUSY, "a check changes nothing");

    journal_must(ngx_http_task_journal_copy_begin(&j) == NGX_OK, "a copy");

    OK(other("file") == NGX_BUSY && other("file.new") == NGX_BUSY,
       "a copy is begun");
    OK(ngx_http_task_journal_open(&mine, "file.new", 1) == NGX_BUSY,
       "a copy is not opened");
    OK(ngx_http_task_journal_check("file", &why, &err) == NGX_OK
       && other("file.new") == NGX_BUSY, "nor lost by a check");

    journal_must(ngx_http_task_journal_copy_commit(&j) == NGX_OK, "a copy");

    OK(other("file") == NGX_BUSY && append(1) == NGX_OK,
       "a copy is committed");
    OK(other("file.new") == NGX_OK, "there is no other one");

    (void) unlink("file.new");

    ngx_http_task_journal_close(&j);

    OK(other("file") == NGX_OK, "it is closed");

    /* a process that has a child, which does not know of the journal */

    journal_must(pipe(fds) == 0, "pipe()");

    pid = fork();

    if (pid == 0) {
        op_open();

        child = fork();

        if (child == 0) {
            (void) close(STDOUT_FILENO);
            (void) alarm(20);
            (void) pause();
            _exit(0);
        }

        (void) !write(fds[1], &child, sizeof(child));
        (void) alarm(20);
        (void) pause();
        _exit(0);
    }

    journal_must(read(fds[0], &child, sizeof(child)) == sizeof(child), "fork");

    OK(other("file") == NGX_BUSY, "a process that has a child");

    (void) kill(pid, SIGKILL);
    (void) waitpid(pid, &status, 0);

    OK(other("file") == NGX_OK && kill(child, 0) == 0, "is killed");

    (void) kill(child, SIGKILL);
    (void) close(fds[0]);
    (void) close(fds[1]);
}


/* they all want it, and who has it replaces it, and keeps it for a moment */

static void
racer(unsigned who, time_t until)
{
    seen_t    s;
    ngx_int_t rc;

    while (time(NULL) < until) {
        rc = open_seen(&s);

        if (rc == NGX_BUSY) {
            continue;
        }

        if (rc != NGX_OK || s.wrong) {
            notes->both = 2;
            _exit(1);
        }

        if (__atomic_add_fetch(&notes->holders, 1, __ATOMIC_SEQ_CST) != 1) {
            notes->both = 1;
        }

        if (copy(s.last > 3 ? s.last - 3 : 1, s.last) != NGX_OK) {
            notes->both = 3;
        }

        usleep(300);

        if (append(s.last + 1) != NGX_OK) {
            notes->both = 4;
        }

        notes->won[who]++;

        (void) __atomic_sub_fetch(&notes->holders, 1, __ATOMIC_SEQ_CST);

        ngx_http_task_journal_close(&j);

        usleep(100);
    }

    _exit(0);
}


static void
test_race(void)
{
    int       status;
    pid_t     pids[PROCESSES];
    seen_t    s;
    unsigned  i, won, least;

    none();
    memset(notes, 0, sizeof(notes_t));

    for (i = 0; i < PROCESSES; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            racer(i, time(NULL) + 4);
        }
    }

    won = 0;
    least = (unsigned) -1;

    for (i = 0; i < PROCESSES; i++) {
        (void) waitpid(pids[i], &status, 0);
        won += notes->won[i];
        least = ngx_min(least, notes->won[i]);
    }

    (void) open_seen(&s);
    ngx_http_task_journal_close(&j);

    printf("# %u times, the last one %u times\n", won, least);

    if (!OK(notes->both == 0 && least > 0 && !s.wrong && s.last == won,
            "one at a time"))
    {
        printf("# %d, last %u\n", notes->both, s.last);
    }
}


int
main(int argc, char **argv)
{
    journal_init();

    if (argc > 2) {
        return other_main(argv[2]);
    }

    journal_directory("journal_kill");

    notes = mmap(NULL, sizeof(notes_t), PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    test_lock();
    test_race();
    test_steps();
    test_writer(argc > 1 ? atoi(argv[1]) : 500);

    journal_directory_remove();

    return 0;
}
