
/*
 * What the files of a journal share: what lies on the disk, one of its files,
 * and the lock.
 *
 * A file is a header, and then records, each a head and its bytes, without
 * gaps.  Numbers are in the byte order of the machine, which the header tells.
 *
 * Checksums are nginx's CRC-32: each nginx has its table, it finds what disks
 * and crashes do as well as CRC-32C does, and a thread makes more of it in a
 * second than a disk takes.  They begin with the salt of the file, random and
 * told to nobody: so the bytes of a record, which a client may have sent, never
 * look like a record, nor does what is left of another journal.
 *
 * A head begins with a mark, which is the same in all of a file, and as secret:
 * so it is quickly found behind damage.  It has a checksum of its own: if that
 * is right, so is the length, and memory is allocated by no other one.
 */


#ifndef _NGX_HTTP_TASK_JOURNAL_FILE_H_INCLUDED_
#define _NGX_HTTP_TASK_JOURNAL_FILE_H_INCLUDED_


#include "jobs/store/ngx_http_task_journal.h"


#define NGX_HTTP_TASK_JOURNAL_MAGIC    "ngxtask\n"
#define NGX_HTTP_TASK_JOURNAL_ORDER    0x01020304
#define NGX_HTTP_TASK_JOURNAL_VERSION  1


typedef struct {
    u_char                   magic[8];
    uint32_t                 order;
    uint32_t                 version;
    u_char                   salt[8];
    uint32_t                 owner;        /* who has written it; 0: nobody */
    uint32_t                 sum;          /* of what is before it */
} ngx_http_task_journal_header_t;


/* one of zeros is none: the type is not 0 */

typedef struct {
    uint32_t                 mark;         /* the seed of the checksums */
    uint32_t                 length;
    uint32_t                 type;
    uint32_t                 bytes;        /* their checksum */
    uint32_t                 sum;          /* of what is before it */
} ngx_http_task_journal_head_t;


/* --- ngx_http_task_journal_file.c ----------------------------------------- */

/*
 * Sets the names of a journal that is not open, and no more; who frees j->path
 * frees all three.  NGX_ERROR: no memory, which is logged.
 */

ngx_int_t ngx_http_task_journal_names(ngx_http_task_journal_t *j,
    const char *path);

/* goes on with a checksum, or begins one with the seed of a file */

uint32_t ngx_http_task_journal_sum(uint32_t sum, const void *p, size_t len);

/* returns 1 if that is the head of a record */

ngx_uint_t ngx_http_task_journal_is_head(uint32_t seed,
    const ngx_http_task_journal_head_t *head);

/* returns bytes, which are less than size only where the file ends, or -1 */

ssize_t ngx_http_task_journal_pread(ngx_fd_t fd, void *p, size_t size,
    off_t offset);

/* NGX_DECLINED: what is there is no file to read and write, why is told */

ngx_int_t ngx_http_task_journal_kind(const struct stat *st, const char **why);

/*
 * Reads the header of an open file, and sets seed and owner.  NGX_DECLINED: it
 * has none of ours, why is told; NGX_ERROR: it cannot be read, why and errno
 * are.
 */

ngx_int_t ngx_http_task_journal_header_read(ngx_http_task_journal_file_t *file,
    const char **why);

/* writes a header, with file->owner, to an empty file; NGX_ERROR: errno */

ngx_int_t ngx_http_task_journal_header_write(
    ngx_http_task_journal_file_t *file);

/*
 * Writes a record behind the others.  NGX_DECLINED: there can be none such;
 * NGX_ERROR: errno is told, and a part of it may be in the file, behind size.
 */

ngx_int_t ngx_http_task_journal_write(ngx_http_task_journal_file_t *file,
    uint32_t type, const struct iovec *parts, ngx_uint_t n);

/* cuts off what is behind size; NGX_ERROR: errno is told */

ngx_int_t ngx_http_task_journal_cut(ngx_http_task_journal_file_t *file);

/* logs what the system has refused */

void ngx_http_task_journal_log(ngx_http_task_journal_t *j, ngx_err_t err,
    const char *what);


/* --- ngx_http_task_journal_lock.c ----------------------------------------- */

/* locks an open file.  NGX_BUSY: another process has it; NGX_ERROR: errno */

ngx_int_t ngx_http_task_journal_lock(ngx_fd_t fd);

/* returns 1 if a journal of this process has that file open */

ngx_uint_t ngx_http_task_journal_is_here(const struct stat *st);

/* opens j->path, creates it if it is not there, and locks it: as open() */

ngx_int_t ngx_http_task_journal_take(ngx_http_task_journal_t *j);

/* creates j->path_new, locked; NGX_ERROR: logged */

ngx_int_t ngx_http_task_journal_take_new(ngx_http_task_journal_t *j);

/* removes and closes what take_new() has opened */

void ngx_http_task_journal_leave_new(ngx_http_task_journal_t *j);

/* puts the copy in place of the file; NGX_ERROR: logged, nothing is changed */

ngx_int_t ngx_http_task_journal_swap(ngx_http_task_journal_t *j);

/* closes what take() has opened */

void ngx_http_task_journal_leave(ngx_http_task_journal_t *j);


/* --- ngx_http_task_journal_check.c ---------------------------------------- */

/*
 * Looks at FILE.new.  NGX_OK: it is not there, or what is left of a copy; else
 * as check().
 */

ngx_int_t ngx_http_task_journal_check_new(const char *path, const char **why,
    ngx_err_t *err);


/* --- ngx_http_task_journal_copy.c ----------------------------------------- */

/*
 * copy_begin() of a journal that need not have been replayed.  NGX_DECLINED:
 * FILE.new is a file of others.
 */

ngx_int_t ngx_http_task_journal_copy_start(ngx_http_task_journal_t *j);


#endif /* _NGX_HTTP_TASK_JOURNAL_FILE_H_INCLUDED_ */
