
/*
 * The calls of the kernel that a journal makes, on real files, and a disk that
 * is slower: what was written is on it only when it was synced, before that in
 * part, in any order, by sectors.  What a name leads to is on it when the
 * directory was synced.  Calls fail at will.  After a sync that has failed the
 * kernel takes all for clean, and what had not got to the disk is lost.
 */


#ifndef _DISK_H_INCLUDED_
#define _DISK_H_INCLUDED_


#define DISK_SECTOR  512
#define DISK_SIZE    (256 * 1024)
#define DISK_FILES   1024
#define DISK_OPS     4096
#define DISK_NAMES   4096


/* a write, or, if bytes is NULL, the new size */

typedef struct {
    size_t           offset;
    size_t           size;
    unsigned char   *bytes;
} disk_op_t;

typedef struct {
    ino_t            inode;
    unsigned char   *bytes;              /* what is on the disk */
    size_t           size;
    disk_op_t        ops[DISK_OPS];      /* and what is not yet */
    unsigned         n;
} disk_file_t;

/* what "file" and "file.new" lead to, -1: they are not there */

typedef struct {
    int              file;
    int              file_new;
} disk_names_t;


enum {
    DISK_OPEN, DISK_PREAD, DISK_PWRITEV, DISK_FTRUNCATE, DISK_FSYNC,
    DISK_FSYNC_DIRECTORY, DISK_FDATASYNC, DISK_RENAME, DISK_UNLINK, DISK_CALLS
};


static disk_file_t   *disk_files[DISK_FILES];   /* that may have a name */
static unsigned       disk_nfiles;
static disk_names_t   disk_names[DISK_NAMES];   /* the first: on the disk */
static unsigned       disk_nnames;

static int            disk_off;          /* calls go to the kernel as is */
static int            disk_error[DISK_CALLS];   /* the next call fails so */
static int            disk_odds;         /* else one of so many does; 0: none */
static size_t         disk_write;        /* bytes that a call writes; 0: all */
static void         (*disk_look)(void);  /* before and after each call */

static uint32_t journal_any(uint32_t below);


static inline void
disk_must(int truth)
{
    if (!truth) {
        printf("not ok 0 the disk of the test is too small\n");
        exit(1);
    }
}


static inline void
disk_apply(disk_file_t *f, size_t offset, size_t size,
    const unsigned char *bytes)
{
    disk_must(offset + size <= DISK_SIZE);

    if (bytes == NULL) {
        if (size < f->size) {
            memset(f->bytes + size, 0, f->size - size);
        }

        f->size = size;
        return;
    }

    memcpy(f->bytes + offset, bytes, size);

    if (offset + size > f->size) {
        f->size = offset + size;
    }
}


/* what the first n ops make of a sector */

static inline void
disk_part_sector(disk_file_t *f, size_t sector, unsigned n)
{
    size_t      from, to, end;
    unsigned    i;
    disk_op_t  *op;

    end = sector + DISK_SECTOR;

    for (i = 0; i < n; i++) {
        op = &f->ops[i];

        if (op->bytes == NULL) {
            from = ngx_max(op->size, sector);

            if (from < end) {
                memset(f->bytes + from, 0, end - from);
            }

            continue;
        }

        from = ngx_max(op->offset, sector);
        to = ngx_min(op->offset + op->size, end);

        if (from < to) {
            memcpy(f->bytes + from, op->bytes + from - op->offset, to - from);
        }
    }
}


/*
 * What is on the disk if the machine goes down now: a sector as it was at one
 * moment since the last sync, each at another one, and so is the size.
 */

static inline void
disk_part(disk_file_t *f)
{
    size_t      sector, size, last;
    unsigned    i, all, n;
    disk_op_t  *op;

    if (f->n == 0) {
        return;
    }

    last = f->size;
    size = f->size;
    n = journal_any(f->n + 1);

    for (i = 0; i < f->n; i++) {
        op = &f->ops[i];

        disk_must(op->offset + op->size <= DISK_SIZE);

        last = ngx_max(last, op->offset + op->size);

        if (i < n) {
            size = op->bytes ? ngx_max(size, op->offset + op->size) : op->size;
        }
    }

    /* those of one moment, or nearly all of the last one, or any */

    all = journal_any(3);

    for (sector = 0; sector < last; sector += DISK_SECTOR) {

        if (all == 1) {
            n = journal_any(5) ? f->n : 0;

        } else if (all == 2) {
            n = journal_any(f->n + 1);
        }

        disk_part_sector(f, sector, n);
    }

    f->size = size;

    memset(f->bytes + size, 0, DISK_SIZE - size);
}


static inline void
disk_forget(disk_file_t *f)
{
    while (f->n) {
        free(f->ops[--f->n].bytes);
    }
}


static inline int
disk_find(ino_t inode)
{
    unsigned  i;

    for (i = 0; i < disk_nfiles; i++) {
        if (disk_files[i] && disk_files[i]->inode == inode) {
            return i;
        }
    }

    return -1;
}


static inline disk_file_t *
disk_of(int fd)
{
    int          i;
    struct stat  st;

    if (disk_off || fstat(fd, &st) == -1) {
        return NULL;
    }

    i = disk_find(st.st_ino);

    return (i == -1) ? NULL : disk_files[i];
}


static inline void
disk_name(int file, int file_new)
{
    disk_must(disk_nnames < DISK_NAMES);

    disk_names[disk_nnames].file = file;
    disk_names[disk_nnames].file_new = file_new;
    disk_nnames++;
}


static inline disk_names_t *
disk_now(void)
{
    return &disk_names[disk_nnames - 1];
}


static inline void
disk_free(unsigned i)
{
    disk_forget(disk_files[i]);
    free(disk_files[i]->bytes);
    free(disk_files[i]);
    disk_files[i] = NULL;
}


static inline void
disk_init(void)
{
    while (disk_nfiles) {
        if (disk_files[--disk_nfiles]) {
            disk_free(disk_nfiles);
        }
    }

    disk_nnames = 0;
    disk_name(-1, -1);
}


static inline int
disk_create(ino_t inode)
{
    int       gone;
    unsigned  i;

    /* the number of a file that was removed, and may be there after a crash */

    gone = disk_find(inode);

    if (gone != -1) {
        disk_files[gone]->inode = 0;
    }

    for (i = 0; i < disk_nfiles && disk_files[i]; i++) {
        /* void */
    }

    disk_must(i < DISK_FILES);

    disk_files[i] = calloc(1, sizeof(disk_file_t));
    disk_files[i]->bytes = calloc(1, DISK_SIZE);
    disk_files[i]->inode = inode;

    if (i == disk_nfiles) {
        disk_nfiles++;
    }

    return i;
}


/* files that no name leads to, on the disk or in memory, are no more */

static inline void
disk_tidy(void)
{
    unsigned  i, k;

    for (i = 0; i < disk_nfiles; i++) {

        for (k = 0; k < disk_nnames; k++) {
            if (disk_names[k].file == (int) i
                || disk_names[k].file_new == (int) i)
            {
                break;
            }
        }

        if (k == disk_nnames && disk_files[i]) {
            disk_free(i);
        }
    }
}


static inline int
disk_fails(int call)
{
    static const int  errors[] = { EINTR, EIO, ENOSPC };

    if (disk_off) {
        return 0;
    }

    if (disk_look) {
        disk_look();
    }

    if (disk_error[call]) {
        errno = disk_error[call];
        return 1;
    }

    if (disk_odds && journal_any(disk_odds) == 0) {
        errno = errors[journal_any(3)];

        /* these are never interrupted */

        if (errno == EINTR && (call == DISK_OPEN || call == DISK_RENAME
                               || call == DISK_UNLINK))
        {
            errno = EIO;
        }

        return 1;
    }

    return 0;
}


static inline void
disk_done(void)
{
    int  err;

    if (!disk_off && disk_look) {
        err = errno;
        disk_look();
        errno = err;
    }
}


static inline int
disk_open(const char *path, int flags, ...)
{
    int           fd, is, i;
    va_list       args;
    mode_t        mode;
    struct stat   st;

    mode = 0;

    if (flags & O_CREAT) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }

    if (disk_fails(DISK_OPEN)) {
        return -1;
    }

    is = (access(path, F_OK) == 0);
    fd = open(path, flags, mode);

    if (fd != -1 && !is && !disk_off) {
        (void) fstat(fd, &st);
        i = disk_create(st.st_ino);

        if (strcmp(path, "file") == 0) {
            disk_name(i, disk_now()->file_new);

        } else {
            disk_name(disk_now()->file, i);
        }
    }

    disk_done();

    return fd;
}


static inline ssize_t
disk_pread(int fd, void *p, size_t size, off_t offset)
{
    if (disk_fails(DISK_PREAD)) {
        return -1;
    }

    if (!disk_off && disk_odds && size > 1 && journal_any(4) == 0) {
        size = 1 + journal_any(size - 1);
    }

    return pread(fd, p, size, offset);
}


static inline ssize_t
disk_pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
    int             i;
    size_t          size, k;
    disk_op_t      *op;
    disk_file_t    *f;
    unsigned char  *bytes;

    if (disk_fails(DISK_PWRITEV)) {
        return -1;
    }

    f = disk_of(fd);

    if (f == NULL) {
        return pwritev(fd, iov, n, offset);
    }

    for (size = 0, i = 0; i < n; i++) {
        size += iov[i].iov_len;
    }

    bytes = malloc(size + 1);

    for (k = 0, i = 0; i < n; i++) {
        memcpy(bytes + k, iov[i].iov_base, iov[i].iov_len);
        k += iov[i].iov_len;
    }

    if (disk_write && size > disk_write) {
        size = disk_write;

    } else if (disk_odds && size > 1 && journal_any(4) == 0) {
        size = 1 + journal_any(size - 1);
    }

    if (pwrite(fd, bytes, size, offset) != (ssize_t) size) {
        free(bytes);
        return -1;
    }

    disk_must(f->n < DISK_OPS);

    op = &f->ops[f->n++];
    op->offset = offset;
    op->size = size;
    op->bytes = bytes;

    disk_done();

    return size;
}


static inline int
disk_ftruncate(int fd, off_t size)
{
    disk_op_t    *op;
    disk_file_t  *f;

    if (disk_fails(DISK_FTRUNCATE)) {
        return -1;
    }

    f = disk_of(fd);

    if (f) {
        disk_must(f->n < DISK_OPS);

        op = &f->ops[f->n++];
        op->offset = 0;
        op->size = size;
        op->bytes = NULL;
    }

    return ftruncate(fd, size);
}


static inline int
disk_sync(int fd, int call)
{
    int           i;
    unsigned      k;
    struct stat   st;
    disk_file_t  *f;

    (void) fstat(fd, &st);

    if (!disk_off && S_ISDIR(st.st_mode)) {

        if (disk_fails(DISK_FSYNC_DIRECTORY)) {
            return -1;
        }

        disk_names[0] = *disk_now();
        disk_nnames = 1;
        disk_tidy();
        disk_done();

        return 0;
    }

    i = disk_fails(call);
    f = disk_of(fd);

    if (i) {
        if (f && errno != EINTR) {
            i = errno;
            disk_part(f);
            disk_forget(f);
            errno = i;
        }

        return -1;
    }

    if (f) {
        for (k = 0; k < f->n; k++) {
            disk_apply(f, f->ops[k].offset, f->ops[k].size, f->ops[k].bytes);
        }

        disk_forget(f);
    }

    disk_done();

    return 0;
}


static inline int
disk_rename(const char *from, const char *to)
{
    int  rc;

    if (disk_fails(DISK_RENAME)) {
        return -1;
    }

    rc = rename(from, to);

    if (rc == 0 && !disk_off) {
        disk_name(disk_now()->file_new, -1);
    }

    disk_done();

    return rc;
}


static inline int
disk_unlink(const char *path)
{
    int  rc;

    if (disk_fails(DISK_UNLINK)) {
        return -1;
    }

    rc = unlink(path);

    if (rc == 0 && !disk_off) {
        disk_name(disk_now()->file, -1);
    }

    disk_done();

    return rc;
}


/* the machine goes down: what is there then, in another directory */

static inline void
disk_crash_file(int i, const char *path)
{
    int          fd;
    disk_file_t  f;

    (void) unlink(path);

    if (i == -1) {
        return;
    }

    f = *disk_files[i];
    f.bytes = malloc(DISK_SIZE);
    memcpy(f.bytes, disk_files[i]->bytes, DISK_SIZE);

    disk_part(&f);

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0600);

    if (fd == -1 || write(fd, f.bytes, f.size) != (ssize_t) f.size) {
        disk_must(0);
    }

    (void) close(fd);
    free(f.bytes);
}


static inline void
disk_crash(const char *path, const char *path_new)
{
    unsigned  i;

    i = journal_any(disk_nnames);

    disk_crash_file(disk_names[i].file, path);
    disk_crash_file(disk_names[i].file_new, path_new);
}


/* one thread looks at a disk while another journal of it has the mutex */

#define pthread_mutex_lock(mutex)    ((void) (mutex), 0)
#define pthread_mutex_unlock(mutex)  ((void) (mutex), 0)

#define open(...)                    disk_open(__VA_ARGS__)
#define pread(fd, p, size, offset)   disk_pread(fd, p, size, offset)
#define pwritev(fd, iov, n, offset)  disk_pwritev(fd, iov, n, offset)
#define ftruncate(fd, size)          disk_ftruncate(fd, size)
#define fsync(fd)                    disk_sync(fd, DISK_FSYNC)
#define fdatasync(fd)                disk_sync(fd, DISK_FDATASYNC)
#define rename(from, to)             disk_rename(from, to)
#define unlink(path)                 disk_unlink(path)


#endif /* _DISK_H_INCLUDED_ */
