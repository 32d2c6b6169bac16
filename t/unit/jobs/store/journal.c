
/*
 * What a journal reads is what was written: records of all sizes; a file that
 * ends anywhere; files that are damaged at random; and files of others, which
 * are left as they are.
 */


#include "check.h"
#include "journal.h"

#include <sys/wait.h>


#define MANY     64
#define LETTERS  "abcdefghijklmnopqrstuvwxyz"


typedef struct {
    uint32_t        type;
    size_t          length;
    unsigned char  *bytes;
    size_t          offset;      /* in the file */
} record_t;

typedef struct {
    record_t        records[MANY + 8];
    unsigned        n;
    int             wrong;
} records_t;


static records_t  seen;


#define OK(right, name)  check((right), name, "", 0)


static ngx_int_t
see(void *data, uint32_t type, u_char *bytes, size_t length)
{
    record_t   *record;
    records_t  *to;

    to = data;

    if (to->n == MANY + 8) {
        to->wrong = 1;
        return NGX_OK;
    }

    record = &to->records[to->n++];

    record->type = type;
    record->length = length;
    record->bytes = check_copy(bytes, length);

    return NGX_OK;
}


static void
forget(records_t *records)
{
    while (records->n) {
        free(records->records[--records->n].bytes);
    }

    records->wrong = 0;
}


/* that of which there are more than n */

static void
forget_last(unsigned n)
{
    if (seen.n == n + 1) {
        free(seen.records[n].bytes);
        seen.n = n;
    }
}


/* opens "file", and leaves it open */

static ngx_int_t
replay(ngx_http_task_journal_t *j)
{
    ngx_int_t  rc;

    forget(&seen);
    logged[0] = '\0';

    rc = ngx_http_task_journal_open(j, "file", 1);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_task_journal_replay(j, see, &seen);

    if (rc != NGX_OK) {
        ngx_http_task_journal_close(j);
    }

    return rc;
}


static int
same(const record_t *a, const record_t *b)
{
    return a->type == b->type && a->length == b->length
           && memcmp(a->bytes, b->bytes, a->length) == 0;
}


/* the first n of those, and nothing else */

static int
are_first(const records_t *all, unsigned n)
{
    unsigned  i;

    if (seen.n != n || seen.wrong) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (!same(&seen.records[i], &all->records[i])) {
            return 0;
        }
    }

    return 1;
}


/* records of these lengths, in a new file, which is closed */

static void
make(records_t *all, const size_t *lengths, unsigned n)
{
    size_t                    k;
    record_t                 *record;
    ngx_http_task_journal_t   j;

    forget(all);

    (void) unlink("file");
    journal_must(replay(&j) == NGX_OK, "open()");

    for (all->n = 0; all->n < n; all->n++) {
        record = &all->records[all->n];

        record->type = 1 + journal_any(1000000);
        record->length = lengths[all->n];
        record->bytes = check_copy("", 0);
        record->bytes = realloc(record->bytes, record->length + 1);
        record->offset = ngx_http_task_journal_size(&j);

        for (k = 0; k < record->length; k++) {
            record->bytes[k] = journal_any(256);
        }

        journal_must(journal_append(&j, record->type, record->bytes,
                                    record->length)
                     == NGX_OK, "append()");
    }

    ngx_http_task_journal_close(&j);
}


/* --- round trips ---------------------------------------------------------- */

static void
test_sizes(void)
{
    unsigned                  i;
    records_t                 all;
    ngx_http_task_journal_t   j;

    static const size_t       lengths[] = {
        0, 1, 2, 15, 16, 17, 255, 4080, 4096, 65536, 262144 - 17, 262144 - 16,
        262144 - 15, 262143, 262144, 262145, 0, 3 << 20, 100, 524288, 0, 1
    };

    memset(&all, 0, sizeof(all));

    make(&all, lengths, COUNT(lengths));

    alloc_most = 0;

    OK(replay(&j) == NGX_OK && are_first(&all, COUNT(lengths)),
       "records of all sizes");
    OK(logged[0] == '\0', "nothing is logged");
    OK(alloc_most == 3 << 20, "no more memory than the largest record");
    OK(ngx_http_task_journal_wants_copy(&j)
       && ngx_http_task_journal_sync(&j) == NGX_ERROR,
       "what another process has written may not be on the disk");

    for (i = 0; i < COUNT(lengths); i++) {
        journal_must(ngx_http_task_journal_copy_begin(&j) == NGX_OK,
                     "copy_begin()");
        journal_must(journal_copy_append(&j, all.records[i].type,
                                         all.records[i].bytes,
                                         all.records[i].length)
                     == NGX_OK, "copy_append()");
        ngx_http_task_journal_copy_abort(&j);
    }

    OK(access("file.new", F_OK) == -1, "what is aborted is gone");

    ngx_http_task_journal_close(&j);

    OK(replay(&j) == NGX_OK && are_first(&all, COUNT(lengths)),
       "a copy that is aborted changes nothing");

    ngx_http_task_journal_close(&j);

    alloc_max = 1 << 20;

    OK(replay(&j) == NGX_ERROR && seen.n == 17,
       "no memory for a record: an error");

    alloc_max = (size_t) -1;

    OK(replay(&j) == NGX_OK && are_first(&all, COUNT(lengths)),
       "and the file is as it was");

    ngx_http_task_journal_close(&j);
    forget(&all);
}


static void
test_parts(void)
{
    unsigned                 i, k, n;
    struct iovec             iov[300];
    ngx_http_task_journal_t  j;

    static const unsigned    counts[] = { 0, 1, 2, 62, 63, 64, 126, 127, 300 };

    for (i = 0; i < COUNT(counts); i++) {
        (void) unlink("file");
        journal_must(replay(&j) == NGX_OK, "open()");

        n = 0;

        for (k = 0; k < counts[i]; k++) {
            iov[k].iov_base = LETTERS + k % 26;
            iov[k].iov_len = (k % 7) % (27 - k % 26);
            n += iov[k].iov_len;
        }

        journal_must(ngx_http_task_journal_append(&j, 5, iov, counts[i])
                     == NGX_OK, "append()");
        journal_must(journal_append(&j, 6, "x", 1) == NGX_OK, "append()");

        ngx_http_task_journal_close(&j);

        journal_must(replay(&j) == NGX_OK, "replay()");
        ngx_http_task_journal_close(&j);

        for (k = 0; seen.n == 2 && k < counts[i]; k++) {

            if (memcmp(seen.records[0].bytes, iov[k].iov_base, iov[k].iov_len)
                != 0)
            {
                break;
            }

            memmove(seen.records[0].bytes,
                    seen.records[0].bytes + iov[k].iov_len,
                    seen.records[0].length - iov[k].iov_len);

            seen.records[0].length -= iov[k].iov_len;
        }

        OK(seen.n == 2 && k == counts[i] && seen.records[0].length == 0
           && seen.records[1].type == 6, "parts");
    }
}


static void
test_calls(void)
{
    size_t                   size;
    char                     big;
    ngx_int_t                rc;
    struct iovec             iov[2];
    ngx_http_task_journal_t  j;

    (void) unlink("file");
    memset(&j, 0, sizeof(j));

    OK(journal_append(&j, 1, "x", 1) == NGX_ERROR
       && journal_copy_append(&j, 1, "x", 1) == NGX_ERROR
       && ngx_http_task_journal_copy_commit(&j) == NGX_ERROR
       && ngx_http_task_journal_copy_begin(&j) == NGX_ERROR
       && ngx_http_task_journal_sync(&j) == NGX_ERROR, "nothing is open");

    ngx_http_task_journal_copy_abort(&j);
    ngx_http_task_journal_close(&j);

    rc = ngx_http_task_journal_open(&j, "file", 1);

    OK(rc == NGX_OK && journal_append(&j, 1, "x", 1) == NGX_ERROR
       && ngx_http_task_journal_sync(&j) == NGX_ERROR
       && ngx_http_task_journal_copy_begin(&j) == NGX_ERROR,
       "nothing before a replay");

    journal_must(ngx_http_task_journal_replay(&j, see, &seen) == NGX_OK,
                 "replay()");

    OK(ngx_http_task_journal_size(&j) == HEADER
       && ngx_http_task_journal_appended(&j) == 0
       && !ngx_http_task_journal_wants_copy(&j)
       && ngx_http_task_journal_sync(&j) == NGX_OK, "an empty journal");

    OK(journal_append(&j, 0, "x", 1) == NGX_DECLINED, "no type");

    /* their lengths alone are looked at */

    big = 'b';
    iov[0].iov_base = &big;
    iov[0].iov_len = NGX_HTTP_TASK_JOURNAL_MAX;
    iov[1].iov_base = &big;
    iov[1].iov_len = 1;

    OK(ngx_http_task_journal_append(&j, 1, iov, 2) == NGX_DECLINED,
       "too many bytes");

    iov[0].iov_len = (size_t) -1;

    OK(ngx_http_task_journal_append(&j, 1, iov, 2) == NGX_DECLINED,
       "more bytes than there are");

    OK(ngx_http_task_journal_size(&j) == HEADER, "which changes nothing");

    OK(ngx_http_task_journal_copy_commit(&j) == NGX_ERROR
       && journal_copy_append(&j, 1, "x", 1) == NGX_ERROR, "no copy");

    journal_append(&j, 1, LETTERS, 26);
    journal_append(&j, 2, LETTERS, 26);

    OK(ngx_http_task_journal_appended(&j) == 2 * (HEAD + 26)
       && ngx_http_task_journal_sync(&j) == NGX_OK, "what was appended");

    journal_must(ngx_http_task_journal_copy_begin(&j) == NGX_OK, "a copy");

    OK(ngx_http_task_journal_copy_begin(&j) == NGX_ERROR, "one at a time");

    journal_append(&j, 3, LETTERS, 26);
    journal_copy_append(&j, 2, LETTERS, 26);

    OK(journal_copy_append(&j, 0, "x", 1) == NGX_DECLINED, "no type in a copy");

    OK(ngx_http_task_journal_copy_commit(&j) == NGX_OK, "it is committed");
    OK(ngx_http_task_journal_size(&j) == HEADER + HEAD + 26
       && ngx_http_task_journal_appended(&j) == 0, "and all in it is live");

    journal_append(&j, 4, "four", 4);

    OK(ngx_http_task_journal_appended(&j) == HEAD + 4, "but what came then");

    ngx_http_task_journal_close(&j);

    free(journal_get("file", &size));

    OK(replay(&j) == NGX_OK && seen.n == 2 && seen.records[0].type == 2
       && seen.records[1].type == 4 && size == HEADER + 2 * HEAD + 26 + 4,
       "only what was copied, and what came then");

    OK(ngx_http_task_journal_appended(&j) == (off_t) (size - HEADER),
       "of a file that is opened nobody knows");

    ngx_http_task_journal_close(&j);
    ngx_http_task_journal_close(&j);
}


static ngx_int_t
refuse(void *data, uint32_t type, u_char *bytes, size_t length)
{
    return (++*(unsigned *) data == 2) ? NGX_ABORT : NGX_OK;
}


static void
test_handler(void)
{
    size_t                   size, now;
    unsigned                 n;
    unsigned char           *bytes;
    records_t                all;
    ngx_http_task_journal_t  j;

    static const size_t      lengths[] = { 10, 300000, 10 };

    memset(&all, 0, sizeof(all));
    make(&all, lengths, 3);

    bytes = journal_get("file", &size);
    journal_put("file", bytes, size - 3);

    n = 0;
    journal_must(ngx_http_task_journal_open(&j, "file", 1) == NGX_OK, "open()");

    OK(ngx_http_task_journal_replay(&j, refuse, &n) == NGX_ABORT && n == 2
       && journal_append(&j, 1, "x", 1) == NGX_ERROR, "a handler refuses");

    ngx_http_task_journal_close(&j);

    free(journal_get("file", &now));

    OK(now == size - 3, "then nothing is cut");

    free(bytes);
    forget(&all);
}


/* --- files that end anywhere ---------------------------------------------- */

/* what is there is read, goes on with another record, and is read again */

static int
goes_on(const records_t *all, unsigned n)
{
    int                      right;
    ngx_int_t                rc;
    ngx_http_task_journal_t  j;

    rc = replay(&j);

    if (rc != NGX_OK) {
        return 0;
    }

    right = are_first(all, n);

    journal_append(&j, 77, "behind", 6);
    ngx_http_task_journal_close(&j);

    if (replay(&j) != NGX_OK) {
        return 0;
    }

    ngx_http_task_journal_close(&j);

    right = right && seen.n == n + 1 && seen.records[n].type == 77
            && logged[0] == '\0';

    forget_last(n);
    right = right && are_first(all, n);

    return right;
}


static void
test_cuts(void)
{
    size_t          i, k, size;
    unsigned        n, wrong, told, zeros;
    records_t       all;
    unsigned char  *bytes, *copy;

    static const size_t  lengths[] = { 5, 0, 300, 16, 1, 70 };

    memset(&all, 0, sizeof(all));
    make(&all, lengths, COUNT(lengths));

    bytes = journal_get("file", &size);
    copy = calloc(1, size + 8192);
    wrong = 0;
    told = 0;

    for (i = HEADER; i <= size; i++) {

        for (n = 0; n < all.n
                    && all.records[n].offset + HEAD + all.records[n].length
                       <= i; n++)
        {
            /* void */
        }

        for (k = 0; k < 4; k++) {
            zeros = k == 0 ? 0 : k == 1 ? 1 : k == 2 ? 40 : 5000;

            memset(copy, 0, size + 8192);
            memcpy(copy, bytes, i);

            journal_put("file", copy, i + zeros);

            /* zeros may be what the record ends with */

            if (n < all.n && zeros
                && memcmp(copy + i, bytes + i,
                          ngx_min(zeros, all.records[n].offset + HEAD
                                         + all.records[n].length - i)) == 0)
            {
                continue;
            }

            if (!goes_on(&all, n)) {
                wrong++;
                printf("# cut at %zu, %u zeros\n", i, zeros);
            }

            told++;
        }
    }

    OK(wrong == 0 && told > 4 * 400, "each cut, and zeros behind it");

    free(copy);
    free(bytes);
    forget(&all);
}


static void
test_told(void)
{
    char                     line[256];
    size_t                   size;
    records_t                all;
    unsigned char           *bytes;
    ngx_http_task_journal_t  j;

    static const size_t      lengths[] = { 100, 200, 300, 400 };

    memset(&all, 0, sizeof(all));
    make(&all, lengths, 4);

    bytes = journal_get("file", &size);

    journal_put("file", bytes, size - 3);
    journal_must(replay(&j) == NGX_OK, "replay()");

    snprintf(line, sizeof(line), "%d 0 state file \"file\": the last %zu bytes,"
             " from %zu on, are no whole record, they are cut off\n",
             NGX_LOG_WARN, HEAD + 400 - 3, all.records[3].offset);

    check_same(logged, strlen(logged), line, strlen(line),
               "a tail that is cut is told", "", 0);

    OK(j.places == 0, "and that is all");

    ngx_http_task_journal_close(&j);

    /* a head, and bytes: two places */

    bytes[all.records[0].offset + 2] ^= 1;
    bytes[all.records[2].offset + HEAD + 7] ^= 1;
    journal_put("file", bytes, size);

    journal_must(replay(&j) == NGX_OK, "replay()");

    snprintf(line, sizeof(line), "%d 0 state file \"file\" is damaged: %zu "
             "bytes in 2 places between whole records are skipped\n",
             NGX_LOG_ERR, 2 * HEAD + 400);

    check_same(logged, strlen(logged), line, strlen(line),
               "damage is told as such", "", 0);

    OK(seen.n == 2 && same(&seen.records[0], &all.records[1])
       && same(&seen.records[1], &all.records[3]),
       "what stands behind damage is read");

    OK(j.places == 2 && j.skipped == (off_t) (2 * HEAD + 400)
       && ngx_http_task_journal_wants_copy(&j), "a copy is wanted");

    journal_must(ngx_http_task_journal_copy_begin(&j) == NGX_OK
                 && ngx_http_task_journal_copy_commit(&j) == NGX_OK,
                 "a copy");

    OK(!ngx_http_task_journal_wants_copy(&j) && j.places == 0
       && ngx_http_task_journal_sync(&j) == NGX_OK, "until there is one");

    ngx_http_task_journal_close(&j);
    free(bytes);
    forget(&all);
}


/*
 * The bytes of a record may be a file of records, as a client may have sent
 * them: where the record is damaged, they are not read.
 */

static void
test_nested(void)
{
    size_t                   size, size_all;
    unsigned char           *bytes, *all;
    records_t                inner;
    ngx_http_task_journal_t  j;

    static const size_t      lengths[] = { 10, 20, 30 };

    memset(&inner, 0, sizeof(inner));
    make(&inner, lengths, 3);

    bytes = journal_get("file", &size);

    (void) unlink("file");
    journal_must(replay(&j) == NGX_OK, "replay()");
    journal_append(&j, 1, "first", 5);
    journal_append(&j, 2, bytes, size);
    journal_append(&j, 3, "last", 4);
    ngx_http_task_journal_close(&j);

    all = journal_get("file", &size_all);
    all[HEADER + HEAD + 5] ^= 1;
    journal_put("file", all, size_all);

    OK(replay(&j) == NGX_OK && seen.n == 2 && seen.records[0].type == 1
       && seen.records[1].type == 3, "records in a record are not read");

    ngx_http_task_journal_close(&j);

    free(all);
    free(bytes);
    forget(&inner);
}


/* a length of 2 GB in a file of some bytes: neither read nor allocated */

static void
test_length(void)
{
    size_t                         size;
    unsigned char                 *bytes;
    ngx_http_task_journal_t        j;
    ngx_http_task_journal_head_t   head;

    (void) unlink("file");
    journal_must(replay(&j) == NGX_OK, "replay()");
    journal_append(&j, 1, LETTERS, 26);

    memset(&head, 0, sizeof(head));
    head.length = NGX_HTTP_TASK_JOURNAL_MAX;
    head.type = 1;
    head.mark = j.file.seed;
    head.sum = ngx_http_task_journal_sum(j.file.seed, &head, HEAD - 4);

    ngx_http_task_journal_close(&j);

    bytes = journal_get("file", &size);
    bytes = realloc(bytes, size + HEAD + 100);
    memcpy(bytes + size, &head, HEAD);
    memset(bytes + size + HEAD, 'x', 100);
    journal_put("file", bytes, size + HEAD + 100);

    alloc_most = 0;

    OK(replay(&j) == NGX_OK && seen.n == 1 && alloc_most <= 262144,
       "no memory for what cannot be there");

    ngx_http_task_journal_close(&j);
    free(bytes);
}


/*
 * A head is right, but not its bytes; a record stands among these.  It is read
 * as long as the bytes are too few, and so it is when there are more.
 */

static void
test_within(void)
{
    size_t                         size, size_head;
    ngx_int_t                      rc;
    unsigned                       before;
    unsigned char                 *bytes;
    ngx_http_task_journal_t        j;
    ngx_http_task_journal_head_t   head;

    (void) unlink("file");
    journal_must(replay(&j) == NGX_OK, "replay()");
    size_head = ngx_http_task_journal_size(&j);
    journal_append(&j, 1, LETTERS, HEAD);
    journal_append(&j, 2, LETTERS, 26);

    memset(&head, 0, sizeof(head));
    head.length = 2 * HEAD + 26 + 10;
    head.type = 1;
    head.mark = j.file.seed;
    head.sum = ngx_http_task_journal_sum(j.file.seed, &head, HEAD - 4);

    ngx_http_task_journal_close(&j);

    bytes = journal_get("file", &size);
    memcpy(bytes + size_head, &head, HEAD);
    journal_put("file", bytes, size);

    rc = replay(&j);
    before = seen.n;
    journal_append(&j, 3, LETTERS, 26);
    ngx_http_task_journal_close(&j);

    OK(rc == NGX_OK && before == 1 && replay(&j) == NGX_OK && seen.n == 2
       && seen.records[0].type == 2 && seen.records[1].type == 3,
       "what was read once is read again");

    ngx_http_task_journal_close(&j);
    free(bytes);
}


/* --- damage at random ----------------------------------------------------- */

static unsigned char  file[1 << 20];
static size_t         file_size;
static int            moved;
static int            touched[MANY + 1];    /* the last one: the header */


static void
touch(const records_t *all, size_t from, size_t size)
{
    unsigned         i;
    const record_t  *r;

    for (i = 0; i < all->n; i++) {
        r = &all->records[i];

        if (from < r->offset + HEAD + r->length && r->offset < from + size) {
            touched[i] = 1;
        }
    }

    if (from < HEADER) {
        touched[MANY] = 1;
    }
}


static void
damage(const records_t *all)
{
    size_t  i, at, size;

    if (file_size == 0) {
        return;
    }

    at = journal_any(file_size);
    size = 1 + journal_any(journal_any(8) ? 64 : 5000);
    size = ngx_min(size, file_size - at);

    switch (journal_any(7)) {

    case 0:
    case 1:
        file[at] ^= 1 << journal_any(8);
        touch(all, at, 1);
        break;

    case 2:
        memset(file + at, 0, size);
        touch(all, at, size);
        break;

    case 3:
        for (i = 0; i < size; i++) {
            file[at + i] = journal_any(256);
        }

        touch(all, at, size);
        break;

    case 4:
        touch(all, at, file_size - at);
        file_size = at;
        break;

    case 5:
        memset(file + file_size, 0, size);
        file_size += size;
        break;

    default:

        /* what stands behind is moved */

        memmove(file + at + size, file + at, file_size - at);
        file_size += size;

        for (i = 0; i < size; i++) {
            file[at + i] = journal_any(3) ? journal_any(256) : 0;
        }

        if (at < HEADER) {
            touched[MANY] = 1;
        }

        moved = 1;
    }
}


/* each record that is seen was written, in this order; the others: damaged */

static int
judge_damage(const records_t *all)
{
    unsigned  i, k;

    for (i = 0, k = 0; i < seen.n; i++) {

        while (k < all->n && !same(&seen.records[i], &all->records[k])) {

            if (!moved && !touched[k]) {
                return 0;
            }

            k++;
        }

        if (k == all->n) {
            return 0;
        }

        k++;
    }

    for ( /* void */ ; k < all->n; k++) {
        if (!moved && !touched[k]) {
            return 0;
        }
    }

    return !seen.wrong;
}


static int
damaged(const records_t *all)
{
    int                      rc, right;
    records_t                first;
    ngx_http_task_journal_t  j;

    journal_put("file", file, file_size);

    rc = replay(&j);

    if (rc == NGX_DECLINED) {
        return touched[MANY];
    }

    if (rc != NGX_OK) {
        return 0;
    }

    right = judge_damage(all);

    /* and that is so when it is read again */

    journal_append(&j, 77, "behind", 6);
    ngx_http_task_journal_close(&j);

    first = seen;
    memset(&seen, 0, sizeof(seen));

    if (replay(&j) != NGX_OK) {
        return 0;
    }

    ngx_http_task_journal_close(&j);

    right = right && seen.n == first.n + 1
            && seen.records[first.n].type == 77
            && ngx_strstr(logged, "cut off") == NULL;

    forget_last(first.n);
    right = right && are_first(&first, first.n);

    forget(&first);

    return right;
}


static void
test_damage(unsigned times)
{
    size_t          size, lengths[MANY];
    unsigned        i, k, n, wrong;
    records_t       all;
    unsigned char  *bytes;

    memset(&all, 0, sizeof(all));

    bytes = NULL;
    size = 0;
    wrong = 0;

    for (i = 0; i < times; i++) {

        if (i % 50 == 0) {
            n = 1 + journal_any(20);

            for (k = 0; k < n; k++) {
                lengths[k] = journal_any(journal_any(4) ? 100 : 3000);
            }

            if (i % 1000 == 0) {
                lengths[n / 2] = 300000;
            }

            make(&all, lengths, n);

            free(bytes);
            bytes = journal_get("file", &size);
        }

        memcpy(file, bytes, size);
        memset(touched, 0, sizeof(touched));
        file_size = size;
        moved = 0;

        for (k = 1 + journal_any(4); k; k--) {
            damage(&all);
        }

        if (!damaged(&all)) {
            wrong++;
            printf("# damage %u: %u of %u records\n%s", i, seen.n, all.n,
                   logged);
        }
    }

    OK(wrong == 0, "files that are damaged at random");

    free(bytes);
    forget(&all);
}


/* --- files of others ------------------------------------------------------ */

static ngx_int_t
checked(const char *path, const char **why)
{
    ngx_err_t  err;

    return ngx_http_task_journal_check(path, why, &err);
}


/* refused, and neither changed nor touched */

static void
foreign(const char *name, const void *bytes, size_t size, const char *reason)
{
    size_t                   now_size;
    const char              *why;
    struct stat              st, now;
    unsigned char           *is;
    ngx_http_task_journal_t  j;

    (void) unlink("file");
    journal_put("file", bytes, size);

    (void) stat("file", &st);

    if (!check(checked("file", &why) == NGX_DECLINED && strstr(why, reason),
               "check()", name, strlen(name)))
    {
        printf("# %s\n", why ? why : "nothing");
    }

    check(replay(&j) == NGX_DECLINED && strstr(logged, reason),
          "open()", name, strlen(name));

    is = journal_get("file", &now_size);
    (void) stat("file", &now);

    check(now_size == size && memcmp(is, bytes, size) == 0
          && now.st_ino == st.st_ino && now.st_mode == st.st_mode
          && now.st_mtim.tv_nsec == st.st_mtim.tv_nsec
          && access("file.new", F_OK) == -1,
          "is left alone", name, strlen(name));

    free(is);
}


static void
resum(ngx_http_task_journal_header_t *header)
{
    header->sum = ngx_http_task_journal_sum(0xffffffff, header,
                                            sizeof(*header) - 4);
}


static void
test_foreign(void)
{
    char                             zeros[4096];
    size_t                           size;
    unsigned char                   *bytes;
    records_t                        all;
    ngx_http_task_journal_header_t   header, ours;

    static const size_t              lengths[] = { 10 };

    memset(&all, 0, sizeof(all));
    make(&all, lengths, 1);

    bytes = journal_get("file", &size);
    memcpy(&ours, bytes, sizeof(ours));

    foreign("a text", TEXT("[Unit]\nDescription=a unit of somebody's\n"),
            "another program");
    foreign("a byte", TEXT("x"), "another program");

    memset(zeros, 0, sizeof(zeros));
    foreign("zeros", zeros, sizeof(zeros), "another program");

    foreign("half of the magic", bytes, 5, "another program");
    foreign("half a header", bytes, 20, "header is damaged");
    foreign("a header that lacks a byte", bytes, HEADER - 1,
            "header is damaged");

    header = ours;
    header.version = 2;
    resum(&header);
    foreign("a newer version", &header, sizeof(header), "newer version");

    header.sum ^= 1;
    foreign("a newer version, whose header is another one", &header,
            sizeof(header), "newer version");

    header = ours;
    header.version = 0;
    resum(&header);
    foreign("no version", &header, sizeof(header), "header is damaged");

    header = ours;
    header.order = 0x04030201;
    foreign("another byte order", &header, sizeof(header), "byte order");

    header = ours;
    header.salt[3] ^= 4;
    foreign("another salt", &header, sizeof(header), "header is damaged");

    free(bytes);
    forget(&all);
}


static void
refused(const char *name, const char *path, ngx_int_t rc, const char *reason)
{
    const char              *why;
    ngx_int_t                got;
    ngx_http_task_journal_t  j;

    got = checked(path, &why);

    if (!check(got == rc && (rc == NGX_OK || strstr(why, reason)), "check()",
               name, strlen(name)))
    {
        printf("# %d: %s\n", (int) got, why ? why : "nothing");
    }

    logged[0] = '\0';
    got = (rc == NGX_OK) ? rc : ngx_http_task_journal_open(&j, path, 1);

    check(got == rc && (rc == NGX_OK || logged[0]), "open()", name,
          strlen(name));
}


static void
test_kinds(void)
{
    (void) !system("rm -rf file* d* link fifo; mkdir d; mkfifo fifo;"
                   "ln -s elsewhere link; mkdir d/x.new; echo a > d/y.new;"
                   "> d/z.new; head -c 40 /dev/zero > d/w.new; > d/v;"
                   "printf ngxta > d/u.new");

    refused("a directory", "d", NGX_DECLINED, "directory");
    refused("a symbolic link", "link", NGX_DECLINED, "symbolic link");
    refused("a fifo", "fifo", NGX_DECLINED, "no regular file");
    refused("no directory", "none/file", NGX_ERROR, "directory");
    refused("a file as a directory", "d/y.new/file", NGX_ERROR, "lstat()");
    refused("a new one that is a directory", "d/x", NGX_DECLINED, "remove");
    refused("a new one of others", "d/y", NGX_DECLINED, "remove");
    refused("an empty new one", "d/z", NGX_OK, "");
    refused("a new one of zeros", "d/w", NGX_OK, "");
    refused("half a new one", "d/u", NGX_OK, "");
    refused("an empty file", "d/v", NGX_OK, "");
    refused("no file", "d/new", NGX_OK, "");

    OK(system("[ \"$(ls d | tr '\\n' ' ')\" = 'u.new v w.new x x.new y y.new "
              "z.new ' ] && [ ! -s d/v ] && [ ! -s d/x ] && [ ! -e elsewhere ]"
              " && [ \"$(cat d/y.new)\" = a ]") == 0,
       "check() makes nothing, open() nothing but empty files");
}


/* as somebody who is not root */

static void
test_rights(void)
{
    int          status;
    pid_t        pid;
    ngx_err_t    err;
    const char  *why;

    (void) !system("mkdir -p shut; chmod 555 shut; echo ngxtask > unread;"
                   "chmod 000 unread");

    pid = fork();

    if (pid == 0) {
        (void) !setgid(65534);
        (void) !setuid(65534);

        if (ngx_http_task_journal_check("shut/file", &why, &err) != NGX_ERROR
            || err != EACCES || strstr(why, "directory") == NULL)
        {
            _exit(1);
        }

        _exit(ngx_http_task_journal_check("unread", &why, &err) != NGX_ERROR
              || err != EACCES);
    }

    (void) waitpid(pid, &status, 0);

    OK(status == 0, "what may not be read or written");
}


/* what is left of a copy is removed, but no file of others */

static void
test_left(void)
{
    size_t                   i, size;
    ngx_int_t                rc;
    unsigned char           *bytes;
    ngx_http_task_journal_t  j, other;

    static const char       *lefts[] = {
        "> file.new", "head -c 100 /dev/zero > file.new",
        "printf ngx > file.new", "cp file file.new",
        "head -c 33 file > file.new"
    };

    (void) unlink("file");
    journal_must(replay(&j) == NGX_OK, "replay()");
    journal_append(&j, 1, LETTERS, 26);

    for (i = 0; i < COUNT(lefts); i++) {
        (void) !system(lefts[i]);

        rc = ngx_http_task_journal_copy_begin(&j);

        check(rc == NGX_OK, "removed", lefts[i], strlen(lefts[i]));
        ngx_http_task_journal_copy_abort(&j);
    }

    (void) !system("echo precious > file.new");

    OK(ngx_http_task_journal_copy_begin(&j) == NGX_ERROR
       && journal_append(&j, 1, "x", 1) == NGX_OK, "a file of others");

    bytes = journal_get("file.new", &size);

    OK(size == 9 && memcmp(bytes, "precious\n", 9) == 0, "is left alone");

    free(bytes);
    (void) unlink("file.new");

    /* another journal has the name of this one's copy */

    journal_must(journal_open(&other, "file.new") == NGX_OK, "open()");
    journal_append(&other, 5, "five", 4);

    OK(ngx_http_task_journal_copy_begin(&j) == NGX_ERROR, "another journal");

    ngx_http_task_journal_close(&other);
    journal_must(journal_open(&other, "file.new") == NGX_OK, "open()");

    OK(ngx_http_task_journal_size(&other) == HEADER + HEAD + 4,
       "has all it had");

    ngx_http_task_journal_close(&other);
    (void) unlink("file.new");

    /* the file has gone, or was replaced */

    (void) unlink("file");

    OK(ngx_http_task_journal_sync(&j) == NGX_ERROR
       && ngx_http_task_journal_wants_copy(&j), "a file that was removed");

    journal_must(ngx_http_task_journal_copy_begin(&j) == NGX_OK, "a copy");
    journal_copy_append(&j, 9, "nine", 4);

    OK(ngx_http_task_journal_copy_commit(&j) == NGX_OK
       && ngx_http_task_journal_sync(&j) == NGX_OK
       && access("file", F_OK) == 0, "is there again with the next copy");

    (void) unlink("file");
    (void) !system("echo precious > file");

    journal_must(ngx_http_task_journal_copy_begin(&j) == NGX_OK, "a copy");

    OK(ngx_http_task_journal_copy_commit(&j) == NGX_ERROR
       && system("[ \"$(cat file)\" = precious ] && [ ! -e file.new ]") == 0,
       "a file that was put in its place is left alone");

    ngx_http_task_journal_close(&j);
}


int
main(int argc, char **argv)
{
    journal_init();
    journal_directory("journal");

    test_calls();
    test_sizes();
    test_parts();
    test_handler();
    test_cuts();
    test_told();
    test_nested();
    test_length();
    test_within();
    test_foreign();
    test_kinds();
    test_rights();
    test_left();
    test_damage(argc > 1 ? atoi(argv[1]) : 10000);

    forget(&seen);
    journal_directory_remove();

    return 0;
}
