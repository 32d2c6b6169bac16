
/*
 * libFuzzer on the file of a journal.  With the module's real files, on a file
 * in memory.
 *
 * The input is a program: each step is a byte, and what it takes behind it.
 * It writes records, bytes that are none, heads whose checksums are right, and
 * damages what is there.  Or, if its first byte is 0, it is the file itself.
 * Whatever is read then: each record was written, in this order, and those
 * before the first damage are there.
 */


#include <stddef.h>
#include <sys/random.h>
#include <sys/types.h>


/* the same for the same input, and no part of it */

static ssize_t fuzz_random(void *p, size_t size, unsigned flags);

#define getrandom(p, size, flags)  fuzz_random(p, size, flags)

#include "journal.h"


#define RECORDS  256
#define ROOM     (1 << 20)


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


typedef struct {
    uint32_t              type;
    size_t                length;
    const unsigned char  *bytes;
    size_t                end;         /* in the file */
} record_t;

typedef struct {
    const unsigned char  *data;
    size_t                size;
} input_t;


static record_t                 records[RECORDS];
static unsigned                 nrecords;
static unsigned                 next;        /* that may be read */
static unsigned                 given;
static size_t                   intact;      /* bytes before any damage */
static unsigned                 raw;         /* what was written is unknown */
static char                     path[64];
static unsigned char            file[ROOM];
static ngx_http_task_journal_t  j;


static uint64_t                 salt;


static ssize_t
fuzz_random(void *p, size_t size, unsigned flags)
{
    memset(p, 0, size);
    memcpy(p, &salt, ngx_min(size, sizeof(salt)));

    return size;
}


static void
must(int truth)
{
    if (!truth) {
        abort();
    }
}


static ngx_int_t
see(void *data, uint32_t type, u_char *bytes, size_t length)
{
    unsigned char   sum;
    size_t          i;
    const record_t *r;

    must(type != 0);

    /* a sanitizer looks on */

    for (sum = 0, i = 0; i < length; i++) {
        sum ^= bytes[i];
    }

    (void) *(volatile unsigned char *) &sum;

    given++;

    if (raw) {
        return NGX_OK;
    }

    for ( ;; ) {
        must(next < nrecords);

        r = &records[next++];

        if (r->type == type && r->length == length
            && memcmp(r->bytes, bytes, length) == 0)
        {
            return NGX_OK;
        }
    }
}


static unsigned
byte(input_t *in)
{
    if (in->size == 0) {
        return 0;
    }

    in->size--;

    return *in->data++;
}


static const unsigned char *
bytes(input_t *in, size_t *n)
{
    const unsigned char  *p;

    *n = ngx_min(*n, in->size);
    p = in->data;

    in->data += *n;
    in->size -= *n;

    return p;
}


static void
damaged(size_t at)
{
    intact = ngx_min(intact, at);
}


/* the file is not open */

static size_t
load(void)
{
    int          fd;
    ssize_t      n;

    fd = open(path, O_RDONLY);
    must(fd != -1);

    n = read(fd, file, ROOM);
    must(n >= 0);

    (void) close(fd);

    return n;
}


static void
store(size_t size)
{
    int  fd;

    fd = open(path, O_WRONLY|O_TRUNC);

    must(fd != -1 && write(fd, file, size) == (ssize_t) size);
    (void) close(fd);
}


static void
append(input_t *in)
{
    size_t                n;
    uint32_t              type;
    const unsigned char  *p;

    if (nrecords == RECORDS) {
        return;
    }

    n = byte(in);
    type = 1 + n % 5;
    p = bytes(in, &n);

    must(journal_append(&j, type, p, n) == NGX_OK);

    records[nrecords].type = type;
    records[nrecords].length = n;
    records[nrecords].bytes = p;
    records[nrecords].end = ngx_http_task_journal_size(&j);
    nrecords++;
}


/* a head that is right, for bytes that may not be there, or are wrong */

static size_t
head(input_t *in, size_t size)
{
    ngx_http_task_journal_head_t  h;

    if (size + HEAD > ROOM / 2) {
        return size;
    }

    damaged(size);

    h.mark = j.file.seed;
    h.length = byte(in) * (byte(in) % 3 ? 1 : 0x800001);
    h.type = byte(in);
    h.bytes = byte(in);
    h.sum = ngx_http_task_journal_sum(j.file.seed, &h, HEAD - 4);

    memcpy(file + size, &h, HEAD);

    /* by chance these may be the bytes of a record */

    raw = 1;

    return size + HEAD;
}


static size_t
change(input_t *in, size_t size, unsigned what)
{
    size_t                at, n;
    const unsigned char  *p;

    at = byte(in) * 256 + byte(in);
    at = HEADER + ((size > HEADER) ? at % (size - HEADER) : 0);

    switch (what) {

    case 0:
        damaged(at);
        return at;

    case 1:
        if (at < size) {
            file[at] ^= 1 + byte(in) % 255;
            damaged(at);
        }

        return size;

    case 2:
        n = byte(in) * 40;
        must(size + n <= ROOM);
        memset(file + size, 0, n);
        damaged(size);
        return size + n;

    case 3:
        return head(in, size);

    default:
        n = byte(in);
        p = bytes(in, &n);

        must(size + n <= ROOM);
        memmove(file + at + n, file + at, size - at);
        memcpy(file + at, p, n);
        damaged(at);
        return size + n;
    }
}


static void
write_file(input_t *in)
{
    size_t    size;
    unsigned  step, steps;

    for (steps = 0; in->size && steps < 100; steps++) {
        step = byte(in) % 8;

        if (step < 3) {
            append(in);

        } else {
            break;
        }
    }

    intact = ngx_http_task_journal_size(&j);

    ngx_http_task_journal_close(&j);
    size = load();

    for ( /* void */ ; in->size && steps < 100; steps++) {
        size = change(in, size, byte(in) % 5);
    }

    store(size);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    size_t     n;
    input_t    in;
    ngx_int_t  rc;
    unsigned   i, before;

    if (path[0] == '\0') {
        journal_init();
        snprintf(path, sizeof(path), "/dev/shm/journal-%d", (int) getpid());
    }

    if (size == 0 || size > 60000) {
        return 0;
    }

    for (salt = 1469598103934665603ULL, n = 0; n < size; n++) {
        salt = (salt ^ data[n]) * 1099511628211ULL;
    }

    (void) unlink(path);
    must(journal_open(&j, path) == NGX_OK);

    in.data = data;
    in.size = size;
    nrecords = 0;
    raw = 0;
    intact = 0;

    if (byte(&in) == 0) {
        ngx_http_task_journal_close(&j);
        raw = 1;
        memcpy(file, in.data, in.size);
        store(in.size);

    } else {
        write_file(&in);
    }

    next = 0;
    given = 0;
    alloc_most = 0;
    logged[0] = '\0';

    rc = ngx_http_task_journal_open(&j, path, 1);

    if (rc == NGX_DECLINED) {
        must(intact == 0);
        goto done;
    }

    must(rc == NGX_OK);
    must(ngx_http_task_journal_replay(&j, see, NULL) == NGX_OK);
    must(alloc_most <= ROOM);

    for (before = 0;
         before < nrecords && records[before].end <= intact;
         before++)
    {
        /* void */
    }

    must(given >= before);

    /* it goes on, and is the same when it is read again */

    i = given;
    must(journal_append(&j, 6, "behind", 6) == NGX_OK);
    ngx_http_task_journal_close(&j);

    raw = 1;
    given = 0;
    must(ngx_http_task_journal_open(&j, path, 1) == NGX_OK);
    must(ngx_http_task_journal_replay(&j, see, NULL) == NGX_OK);
    must(given == i + 1);

done:

    ngx_http_task_journal_close(&j);
    (void) unlink(path);

    return 0;
}
