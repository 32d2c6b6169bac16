
/*
 * A journal whose calls fail, and whose machine goes down: what it has said to
 * be on the disk is there, and nothing is that it did not write.
 */


#define JOURNAL_KERNEL  "disk.h"

#include "check.h"
#include "journal.h"

#include <signal.h>
#include <sys/resource.h>


#define KEYS  16


typedef struct {
    uint32_t                 key;
    uint32_t                 number;
} set_t;

typedef struct {
    uint32_t                 numbers[KEYS];
    int                      wrong;
    unsigned                 n;
} state_t;


static ngx_http_task_journal_t  journal;
static state_t                  written;   /* append() has said so */
static state_t                  claimed;   /* to be on the disk */
static uint32_t                 number;
static unsigned                 crashes, wrong;


#define OK(right, name)  check((right), name, "", 0)


/* --- records: a key gets a number, with bytes that follow from it --------- */

static size_t
set_bytes(unsigned char *p, uint32_t key, uint32_t n)
{
    set_t   set;
    size_t  i, length;

    set.key = key;
    set.number = n;
    memcpy(p, &set, sizeof(set));

    length = sizeof(set) + (n * 2654435761U >> 7) % ((n % 9) ? 120 : 2500);

    for (i = sizeof(set); i < length; i++) {
        p[i] = (unsigned char) (n * 31 + i * 7);
    }

    return length;
}


static ngx_int_t
see(void *data, uint32_t type, u_char *bytes, size_t length)
{
    set_t          set;
    state_t       *state;
    unsigned char  right[4096];

    state = data;
    state->n++;

    if (type != 9 || length < sizeof(set)) {
        state->wrong = 1;
        return NGX_OK;
    }

    memcpy(&set, bytes, sizeof(set));

    if (set.key >= KEYS || set.number > number
        || set_bytes(right, set.key, set.number) != length
        || memcmp(right, bytes, length) != 0
        || set.number < state->numbers[set.key])
    {
        state->wrong = 1;
        return NGX_OK;
    }

    state->numbers[set.key] = set.number;

    return NGX_OK;
}


static ngx_int_t
set(uint32_t key)
{
    size_t         length;
    ngx_int_t      rc;
    unsigned char  bytes[4096];

    length = set_bytes(bytes, key, ++number);

    rc = journal_append(&journal, 9, bytes, length);

    if (rc == NGX_OK) {
        written.numbers[key] = number;
    }

    return rc;
}


static ngx_int_t
copy_key(uint32_t key)
{
    size_t         length;
    unsigned char  bytes[4096];

    if (written.numbers[key] == 0) {
        return NGX_OK;
    }

    length = set_bytes(bytes, key, written.numbers[key]);

    return journal_copy_append(&journal, 9, bytes, length);
}


static ngx_int_t
copy_all(void)
{
    uint32_t   key;
    ngx_int_t  rc;

    rc = ngx_http_task_journal_copy_begin(&journal);

    for (key = 0; key < KEYS && rc == NGX_OK; key++) {
        rc = copy_key(key);
    }

    if (rc != NGX_OK) {
        ngx_http_task_journal_copy_abort(&journal);
        return rc;
    }

    return ngx_http_task_journal_copy_commit(&journal);
}


/* --- one call fails ------------------------------------------------------- */

static void
fresh(void)
{
    ngx_http_task_journal_close(&journal);

    memset(disk_error, 0, sizeof(disk_error));
    disk_odds = 0;
    disk_write = 0;
    disk_look = NULL;
    disk_off = 0;

    (void) unlink("file");
    (void) unlink("file.new");
    disk_init();

    memset(&written, 0, sizeof(written));
    memset(&claimed, 0, sizeof(claimed));
    number = 0;
    logged[0] = '\0';

    journal_must(journal_open(&journal, "file") == NGX_OK, "open()");
}


/* what is in the file, which is not open now, is what was written */

static int
is_written(void)
{
    state_t  state;

    ngx_http_task_journal_close(&journal);
    memset(&state, 0, sizeof(state));
    logged[0] = '\0';

    return ngx_http_task_journal_open(&journal, "file", 1) == NGX_OK
           && ngx_http_task_journal_replay(&journal, see, &state) == NGX_OK
           && !state.wrong
           && memcmp(state.numbers, written.numbers, sizeof(state.numbers))
              == 0
           && logged[0] == '\0';
}


static unsigned
lines(void)
{
    char      *p;
    unsigned   n;

    for (n = 0, p = logged; *p; p++) {
        n += (*p == '\n');
    }

    return n;
}


static void
test_full(void)
{
    off_t        size;
    unsigned     i;
    struct stat  st;

    fresh();
    set(1);
    set(2);

    size = ngx_http_task_journal_size(&journal);

    /* some of it is written */

    disk_write = 11;
    (void) set(3);

    OK(ngx_http_task_journal_size(&journal) > size, "in many parts");

    size = ngx_http_task_journal_size(&journal);
    disk_error[DISK_PWRITEV] = ENOSPC;

    for (i = 0; i < 5; i++) {
        (void) set(4);
    }

    (void) stat("file", &st);

    OK(ngx_http_task_journal_size(&journal) == size && st.st_size == size
       && written.numbers[4] == 0, "a full disk: nothing is added");

    OK(lines() == 1 && strstr(logged, "28 state file \"file\": it cannot be "
                              "written"), "it is told once");

    OK(ngx_http_task_journal_sync(&journal) == NGX_OK,
       "what was there can be synced");

    disk_error[DISK_PWRITEV] = 0;

    /* as if it were so much later */

    journal.failed -= NGX_HTTP_TASK_JOURNAL_AGAIN;
    ngx_http_task_journal_tell(&journal);

    OK(lines() == 1, "nor is that it works again, as it was not tried");

    OK(set(5) == NGX_OK, "it works again");

    disk_error[DISK_PWRITEV] = ENOSPC;
    (void) set(6);
    disk_error[DISK_PWRITEV] = 0;
    (void) set(5);
    ngx_http_task_journal_tell(&journal);

    OK(lines() == 1, "which is not told as long as it comes and goes");

    journal.failed -= NGX_HTTP_TASK_JOURNAL_AGAIN;
    ngx_http_task_journal_tell(&journal);
    ngx_http_task_journal_tell(&journal);

    OK(lines() == 2 && strstr(logged, "again"), "and then once");

    disk_error[DISK_PWRITEV] = EIO;
    (void) set(6);

    OK(lines() == 3, "the next time it is told again");

    disk_error[DISK_PWRITEV] = 0;
    set(7);

    OK(is_written(), "all else is there");
}


static size_t  part_left;

static void
part_is_written(void)
{
    if (part_left-- == 0) {
        disk_error[DISK_PWRITEV] = ENOSPC;
    }
}


/* whatever part of a record is written before the disk is full */

static void
test_part(void)
{
    size_t       i;
    off_t        size;
    unsigned     bad;
    struct stat  st;

    bad = 0;

    for (i = 0; i < 30; i++) {
        fresh();
        set(1);

        size = ngx_http_task_journal_size(&journal);

        disk_write = 1 + i;
        part_left = 2;
        disk_look = part_is_written;

        bad += (set(9) != NGX_ERROR);

        disk_look = NULL;
        disk_error[DISK_PWRITEV] = 0;

        (void) stat("file", &st);

        bad += (st.st_size != size || set(2) != NGX_OK || !is_written());
    }

    OK(bad == 0, "a part of a record is removed");

    /* and if it cannot be, it is before the next one */

    fresh();
    set(1);

    size = ngx_http_task_journal_size(&journal);

    disk_write = 40;
    part_left = 2;
    disk_look = part_is_written;
    disk_error[DISK_FTRUNCATE] = EIO;
    number = 8;

    OK(set(9) == NGX_ERROR && stat("file", &st) == 0 && st.st_size > size,
       "a part of a record stays");

    disk_look = NULL;
    disk_error[DISK_PWRITEV] = 0;

    OK(set(2) == NGX_ERROR, "then there is no other one");

    disk_error[DISK_FTRUNCATE] = EINTR;
    part_left = 1;

    disk_error[DISK_FTRUNCATE] = 0;

    OK(set(3) == NGX_OK && is_written(), "until it is removed");
}


static void
interrupted_once(void)
{
    unsigned  i;

    for (i = 0; i < DISK_CALLS; i++) {
        disk_error[i] = (disk_error[i] || i == DISK_OPEN || i == DISK_RENAME
                         || i == DISK_UNLINK) ? 0 : EINTR;
    }
}


static void
test_interrupted(void)
{
    unsigned  i;

    fresh();

    disk_look = interrupted_once;

    for (i = 0; i < 20; i++) {
        set(i % KEYS);
    }

    OK(ngx_http_task_journal_sync(&journal) == NGX_OK && copy_all() == NGX_OK
       && is_written() && number == 20 && written.numbers[3] == 20,
       "calls that are interrupted");

    disk_look = NULL;
}


static void
test_sync(void)
{
    fresh();
    set(1);

    disk_error[DISK_FDATASYNC] = EIO;

    OK(ngx_http_task_journal_sync(&journal) == NGX_ERROR && lines() == 1,
       "a sync fails");

    disk_error[DISK_FDATASYNC] = 0;

    OK(ngx_http_task_journal_sync(&journal) == NGX_ERROR && lines() == 1,
       "the next one would succeed");

    OK(set(2) == NGX_OK && ngx_http_task_journal_wants_copy(&journal)
       && ngx_http_task_journal_sync(&journal) == NGX_ERROR,
       "a copy is wanted");

    disk_error[DISK_FSYNC] = EIO;

    OK(copy_all() == NGX_ERROR && access("file.new", F_OK) == -1
       && ngx_http_task_journal_wants_copy(&journal), "that fails, too");

    disk_error[DISK_FSYNC] = 0;
    disk_error[DISK_RENAME] = EIO;

    OK(copy_all() == NGX_ERROR && access("file.new", F_OK) == -1
       && ngx_http_task_journal_wants_copy(&journal), "or cannot be renamed");

    disk_error[DISK_RENAME] = 0;
    disk_error[DISK_FSYNC_DIRECTORY] = EIO;

    OK(copy_all() == NGX_ERROR && access("file.new", F_OK) == -1
       && ngx_http_task_journal_wants_copy(&journal) && set(3) == NGX_OK
       && ngx_http_task_journal_sync(&journal) == NGX_ERROR,
       "or nobody knows whether it is");

    disk_error[DISK_FSYNC_DIRECTORY] = EINVAL;

    OK(copy_all() == NGX_OK && !ngx_http_task_journal_wants_copy(&journal),
       "a file system may not sync directories");

    disk_error[DISK_FSYNC_DIRECTORY] = 0;

    OK(set(4) == NGX_OK && ngx_http_task_journal_sync(&journal) == NGX_OK,
       "then a sync is one again");

    disk_error[DISK_FDATASYNC] = EIO;

    OK(ngx_http_task_journal_sync(&journal) == NGX_OK,
       "where there is nothing to do none fails");

    disk_error[DISK_FDATASYNC] = 0;

    OK(is_written(), "and all is there");

    /* that one has failed is known to nobody else, and what is read is there */

    fresh();
    set(1);

    disk_error[DISK_FDATASYNC] = EIO;
    (void) ngx_http_task_journal_sync(&journal);
    disk_error[DISK_FDATASYNC] = 0;

    OK(is_written() && ngx_http_task_journal_sync(&journal) == NGX_ERROR
       && ngx_http_task_journal_wants_copy(&journal),
       "the next process claims nothing");

    OK(copy_all() == NGX_OK && ngx_http_task_journal_sync(&journal) == NGX_OK,
       "until it has copied it");
}


static void
test_copy(void)
{
    ngx_int_t  rc;

    fresh();
    set(1);
    set(2);

    logged[0] = '\0';
    journal_must(ngx_http_task_journal_copy_begin(&journal) == NGX_OK, "copy");

    (void) copy_key(1);
    disk_error[DISK_PWRITEV] = ENOSPC;
    rc = copy_key(2);
    disk_error[DISK_PWRITEV] = 0;

    OK(rc == NGX_ERROR && copy_key(2) == NGX_ERROR && lines() == 1,
       "a record cannot be copied");

    OK(ngx_http_task_journal_copy_commit(&journal) == NGX_ERROR
       && access("file.new", F_OK) == -1, "then it is no copy");

    OK(is_written(), "and the file is as it was");

    disk_error[DISK_PWRITEV] = ENOSPC;

    OK(ngx_http_task_journal_copy_begin(&journal) == NGX_ERROR
       && access("file.new", F_OK) == -1, "nor is one without a header");

    disk_error[DISK_PWRITEV] = 0;

    OK(is_written(), "and the file is as it was");
}


static void
test_unread(void)
{
    state_t      state;
    ngx_int_t    rc;
    struct stat  before, st;

    fresh();
    set(1);
    set(2);

    ngx_http_task_journal_close(&journal);
    (void) stat("file", &before);

    memset(&state, 0, sizeof(state));
    disk_error[DISK_PREAD] = EIO;
    logged[0] = '\0';

    OK(ngx_http_task_journal_open(&journal, "file", 1) == NGX_ERROR
       && strstr(logged, "5 state file \"file\": pread() failed"),
       "a header cannot be read");

    disk_error[DISK_PREAD] = 0;
    journal_must(ngx_http_task_journal_open(&journal, "file", 1) == NGX_OK,
                 "open()");
    disk_error[DISK_PREAD] = EIO;

    rc = ngx_http_task_journal_replay(&journal, see, &state);

    OK(rc == NGX_ERROR && set(3) == NGX_ERROR
       && ngx_http_task_journal_copy_begin(&journal) == NGX_ERROR,
       "records cannot be read");

    (void) stat("file", &st);

    OK(st.st_size == before.st_size, "then nothing is cut");

    disk_error[DISK_PREAD] = 0;

    OK(is_written(), "and tomorrow all is there");
}


/* a limit of the kernel's own */

static void
test_limit(void)
{
    struct rlimit  old, limit;

    fresh();
    set(1);

    (void) getrlimit(RLIMIT_FSIZE, &old);
    (void) signal(SIGXFSZ, SIG_IGN);

    limit = old;
    limit.rlim_cur = ngx_http_task_journal_size(&journal) + 20;
    (void) setrlimit(RLIMIT_FSIZE, &limit);

    disk_off = 1;
    number = 8;

    OK(set(2) == NGX_ERROR && strstr(logged, "27 state file"),
       "the size of files is limited");

    (void) setrlimit(RLIMIT_FSIZE, &old);

    OK(set(3) == NGX_OK && is_written(), "and no longer");

    disk_off = 0;
}


/* --- at random ------------------------------------------------------------ */

static void
claim(void)
{
    claimed = written;
}


/* the machine goes down now, and the next one reads what is there */

static void
crash(void)
{
    int                      bad;
    state_t                  state;
    uint32_t                 key;
    ngx_int_t                rc;
    ngx_http_task_journal_t  next;

    if (journal_any(6)) {
        return;
    }

    disk_off = 1;
    crashes++;

    disk_crash("crash", "crash.new");

    memset(&state, 0, sizeof(state));
    logged[0] = '\0';

    rc = ngx_http_task_journal_open(&next, "crash", 1);

    if (rc == NGX_OK) {
        rc = ngx_http_task_journal_replay(&next, see, &state);
    }

    bad = (rc != NGX_OK || state.wrong);

    for (key = 0; key < KEYS; key++) {
        bad |= (state.numbers[key] < claimed.numbers[key]
                || state.numbers[key] > number);
    }

    if (rc == NGX_OK
        && (journal_append(&next, 9, "x", 1) != NGX_OK
            || ngx_http_task_journal_copy_begin(&next) != NGX_OK
            || ngx_http_task_journal_copy_commit(&next) != NGX_OK))
    {
        bad = 1;
    }

    ngx_http_task_journal_close(&next);

    if (bad && wrong++ < 5) {
        printf("# crash %u: %d, %u records, wrong: %d\n%s", crashes, (int) rc,
               state.n, state.wrong, logged);
    }

    disk_off = 0;
}


/* both get what comes while it is copied */

static void
copy_beside(void)
{
    uint32_t   key;
    ngx_int_t  rc;

    rc = ngx_http_task_journal_copy_begin(&journal);

    for (key = 0; key < KEYS && rc == NGX_OK; key++) {
        rc = copy_key(key);

        if (rc == NGX_OK && journal_any(3) == 0 && set(key) == NGX_OK) {
            rc = copy_key(key);
        }
    }

    if (rc != NGX_OK || journal_any(8) == 0) {
        ngx_http_task_journal_copy_abort(&journal);
        return;
    }

    if (ngx_http_task_journal_copy_commit(&journal) == NGX_OK) {
        claim();
    }
}


/* the process ends, and the next one has what this one has written */

static void
restart(void)
{
    int        odds;
    state_t    state;
    ngx_int_t  rc;

    ngx_http_task_journal_close(&journal);

    odds = disk_odds;
    disk_odds = journal_any(2) ? odds : 0;

    do {
        memset(&state, 0, sizeof(state));

        rc = ngx_http_task_journal_open(&journal, "file", 1);

        if (rc == NGX_OK) {
            rc = ngx_http_task_journal_replay(&journal, see, &state);
        }

        if (rc != NGX_OK) {
            ngx_http_task_journal_close(&journal);
        }

        disk_odds = 0;

    } while (rc == NGX_ERROR);

    disk_odds = odds;

    if ((rc != NGX_OK || state.wrong
         || memcmp(state.numbers, written.numbers, sizeof(state.numbers)) != 0)
        && wrong++ < 5)
    {
        printf("# restart: %d, %d\n%s", (int) rc, state.wrong, logged);
    }
}


static void
run(void)
{
    unsigned  i, steps;

    fresh();

    disk_odds = journal_any(3) ? 0 : 10 + journal_any(60);
    disk_look = crash;
    steps = 20 + journal_any(150);

    for (i = 0; i < steps; i++) {

        switch (journal_any(20)) {

        case 0:
        case 1:
        case 2:
            if (ngx_http_task_journal_sync(&journal) == NGX_OK) {
                claim();
            }

            break;

        case 3:
            copy_beside();
            break;

        case 4:
            restart();
            break;

        default:
            (void) set(journal_any(KEYS));
        }

        /* where only a copy helps there is one, sooner or later */

        if (ngx_http_task_journal_wants_copy(&journal) && journal_any(3) == 0
            && copy_all() == NGX_OK)
        {
            claim();
        }
    }
}


int
main(int argc, char **argv)
{
    unsigned  i, runs;

    journal_init();
    journal_directory("journal_disk");

    journal.path = NULL;
    runs = argc > 1 ? atoi(argv[1]) : 100;

    test_full();
    test_part();
    test_interrupted();
    test_sync();
    test_copy();
    test_unread();
    test_limit();

    for (i = 0; i < runs; i++) {
        run();
    }

    printf("# %u crashes of the machine\n", crashes);

    OK(wrong == 0 && crashes > runs, "calls fail, and the machine goes down");

    fresh();
    ngx_http_task_journal_close(&journal);
    disk_init();
    journal_directory_remove();

    return 0;
}
