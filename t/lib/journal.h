
/*
 * What the drivers of journals need: the module's real files, what they use of
 * nginx, and what was logged.  A driver that stands for the kernel defines
 * calls of it before it includes this: see t/unit/jobs/store/journal_disk.c.
 */


#ifndef _JOURNAL_H_INCLUDED_
#define _JOURNAL_H_INCLUDED_


#include "jobs/store/ngx_http_task_journal_file.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#ifdef JOURNAL_KERNEL
#include JOURNAL_KERNEL
#endif

#include "base/ngx_http_task_clock.c"
#include "jobs/store/ngx_http_task_journal_file.c"
#include "jobs/store/ngx_http_task_journal_lock.c"
#include "jobs/store/ngx_http_task_journal_check.c"
#include "jobs/store/ngx_http_task_journal_copy.c"
#include "jobs/store/ngx_http_task_journal_read.c"
#include "jobs/store/ngx_http_task_journal.c"

#undef open
#undef close
#undef pread
#undef pwritev
#undef ftruncate
#undef fsync
#undef fdatasync
#undef rename
#undef unlink


#define HEADER  sizeof(ngx_http_task_journal_header_t)
#define HEAD    sizeof(ngx_http_task_journal_head_t)


static char         logged[8192];            /* what it says, line by line */
static ngx_log_t    journal_log;
static ngx_cycle_t  journal_cycle = { .log = &journal_log };


/* symbols of nginx */

volatile ngx_cycle_t  *ngx_cycle = &journal_cycle;
uint32_t               ngx_crc32_table256[256];


static size_t  alloc_max = (size_t) -1;      /* more is no memory */
static size_t  alloc_most;


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    if (size > alloc_most) {
        alloc_most = size;
    }

    return (size > alloc_max) ? NULL : malloc(size);
}


/* the conversions that a journal has */

void
ngx_log_error_core(LOG_ENTRY)
{
    char     line[1024], *p, *last;
    va_list  args;

    p = line;
    last = line + sizeof(line) - 2;

    va_start(args, fmt);

    p += snprintf(p, last - p, "%d %d ", (int) level, (int) err);

    for ( /* void */ ; *fmt && p < last; fmt++) {

        if (fmt[0] != '%') {
            *p++ = *fmt;

        } else if (*++fmt == 's') {
            p += snprintf(p, last - p, "%s", va_arg(args, char *));

        } else if (*fmt == 'O') {
            p += snprintf(p, last - p, "%lld",
                          (long long) va_arg(args, off_t));

        } else if (*fmt == 'u') {
            fmt++;
            p += snprintf(p, last - p, "%lu",
                          (unsigned long) va_arg(args, ngx_uint_t));
        }
    }

    va_end(args);

    *p++ = '\n';
    *p = '\0';

    if (strlen(logged) + (p - line) < sizeof(logged)) {
        strcat(logged, line);
    }
}


static inline void
journal_init(void)
{
    uint32_t  c;
    unsigned  i, k;

    (void) setvbuf(stdout, NULL, _IOLBF, 0);

    for (i = 0; i < 256; i++) {
        c = i;

        for (k = 0; k < 8; k++) {
            c = (c & 1) ? (c >> 1) ^ 0xedb88320 : c >> 1;
        }

        ngx_crc32_table256[i] = c;
    }

    journal_log.log_level = NGX_LOG_INFO;
}


static inline void
journal_must(int truth, const char *what)
{
    if (!truth) {
        printf("not ok 0 %s: %s\n", what, strerror(errno));
        exit(1);
    }
}


/* an empty directory for this driver, which is the current one from now on */

static inline void
journal_directory(const char *name)
{
    char  path[256], command[300];

    snprintf(path, sizeof(path), "%s/%s-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", name);

    journal_must(mkdtemp(path) != NULL && chmod(path, 0755) == 0
                 && chdir(path) == 0, "a directory");

    (void) snprintf(command, sizeof(command), "%s", path);
    (void) setenv("JOURNAL_DIRECTORY", command, 1);
}


static inline void
journal_directory_remove(void)
{
    (void) chdir("/");
    (void) !system("rm -rf \"$JOURNAL_DIRECTORY\"");
}


static inline void
journal_put(const char *path, const void *bytes, size_t size)
{
    int  fd;

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0600);

    journal_must(fd != -1 && write(fd, bytes, size) == (ssize_t) size,
                 "a file");

    (void) close(fd);
}


/* NULL: it is not there */

static inline unsigned char *
journal_get(const char *path, size_t *size)
{
    int             fd;
    struct stat     st;
    unsigned char  *p;

    fd = open(path, O_RDONLY);

    if (fd == -1) {
        return NULL;
    }

    journal_must(fstat(fd, &st) == 0, "fstat()");

    p = malloc(st.st_size + 1);
    *size = st.st_size;

    journal_must(read(fd, p, st.st_size) == st.st_size, "read()");

    (void) close(fd);

    return p;
}


/* one part */

static inline ngx_int_t
journal_append(ngx_http_task_journal_t *j, uint32_t type, const void *bytes,
    size_t size)
{
    struct iovec  iov;

    iov.iov_base = (void *) bytes;
    iov.iov_len = size;

    return ngx_http_task_journal_append(j, type, &iov, 1);
}


static inline ngx_int_t
journal_copy_append(ngx_http_task_journal_t *j, uint32_t type,
    const void *bytes, size_t size)
{
    struct iovec  iov;

    iov.iov_base = (void *) bytes;
    iov.iov_len = size;

    return ngx_http_task_journal_copy_append(j, type, &iov, 1);
}


static inline ngx_int_t
journal_ignore(void *data, uint32_t type, u_char *bytes, size_t length)
{
    return NGX_OK;
}


/* opens and replays, and forgets what is there */

static inline ngx_int_t
journal_open(ngx_http_task_journal_t *j, const char *path)
{
    ngx_int_t  rc;

    rc = ngx_http_task_journal_open(j, path, 1);

    return (rc == NGX_OK)
           ? ngx_http_task_journal_replay(j, journal_ignore, NULL) : rc;
}


static inline uint32_t
journal_any(uint32_t below)
{
    static uint64_t  x;

    if (x == 0) {
        x = getenv("JOURNAL_SEED") ? strtoull(getenv("JOURNAL_SEED"), NULL, 0)
                                   : (uint64_t) time(NULL) * 2654435761U;
        x = x ? x : 1;

        printf("# JOURNAL_SEED=%llu\n", (unsigned long long) x);
    }

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    return (uint32_t) (x >> 24) % below;
}


#endif /* _JOURNAL_H_INCLUDED_ */
