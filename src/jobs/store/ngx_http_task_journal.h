
/*
 * A journal: records in a file, one behind the other, which a later process
 * reads again.  What a record means is the caller's affair.
 *
 * A journal may block, and is for threads: one at a time calls it.  One process
 * has it open, and all others are kept out.  Beside FILE it has FILE.new, while
 * it is copied.
 *
 * What append() has written outlives the process; what sync() has written then,
 * the machine.  But a disk may fail, and what a former process has written may
 * not be on it: then sync() claims nothing, and wants_copy() says that the
 * caller has to copy the journal, from what it knows itself.  So it does behind
 * a replay.
 */


#ifndef _NGX_HTTP_TASK_JOURNAL_H_INCLUDED_
#define _NGX_HTTP_TASK_JOURNAL_H_INCLUDED_


#include "base/ngx_http_task_base.h"

#include <sys/uio.h>


/* bytes of a record at most */

#define NGX_HTTP_TASK_JOURNAL_MAX  0x80000000U


/* an open file, of the journal or of its copy */

typedef struct {
    ngx_fd_t                  fd;          /* NGX_INVALID_FILE: none */
    dev_t                     device;
    ino_t                     inode;
    off_t                     size;        /* where the next record goes */
    uint32_t                  seed;        /* of its checksums */
    uint32_t                  owner;       /* of who has written its header */
} ngx_http_task_journal_file_t;


typedef struct ngx_http_task_journal_s  ngx_http_task_journal_t;

/* the caller's memory, which must not move while the journal is open */

struct ngx_http_task_journal_s {
    ngx_http_task_journal_t  *next;        /* of those that are open here */

    char                     *path;        /* FILE; NULL: it is not open */
    char                     *path_new;    /* FILE.new */
    char                     *directory;
    uint32_t                  owner;       /* for headers */

    ngx_http_task_journal_file_t  file;
    ngx_http_task_journal_file_t  copy;

    off_t                     flushed;     /* so much of the copy is written to
                                              the disk */
    off_t                     copied;      /* of these bytes all were live */

    off_t                     skipped;     /* bytes of damage, in .. */
    ngx_uint_t                places;      /* .. so many places */

    int64_t                   failed;      /* when an append() has failed, ns;
                                              0: never, or the log tells since
                                              that it can be written again */

    unsigned                  ready:1;     /* it was replayed */
    unsigned                  unsynced:1;  /* sync() has something to do */
    unsigned                  untidy:1;    /* more than size is in the file */
    unsigned                  failing:1;   /* the last append() has failed */
    unsigned                  unsure:1;    /* what is on the disk is unknown */
    unsigned                  incomplete:1;  /* the copy lacks a record */
    unsigned                  fresh:1;     /* it was empty when it was opened */
};


/*
 * For "nginx -t": changes nothing.  NGX_OK: the path is that of a journal, or
 * an empty file, or one can be made there.  NGX_DECLINED: it is something else,
 * which would be lost; NGX_ERROR: the system refuses it.  With these, why is
 * told for the log, and err is the system's or 0.
 *
 * What is writable is asked for the user of this process: root may write where
 * the user of a worker may not.
 */

ngx_int_t ngx_http_task_journal_check(const char *path, const char **why,
    ngx_err_t *err);

/*
 * Opens or creates it; its copies have the number of their owner, 0 is that of
 * nobody.  NGX_BUSY: another process, or this one, has it open,
 * which is not logged; NGX_DECLINED: as check(); NGX_ERROR.  With these nothing
 * is to be closed.
 */

ngx_int_t ngx_http_task_journal_open(ngx_http_task_journal_t *j,
    const char *path, uint32_t owner);

/* returns the process that has it open, which may be this one; 0: none; -1: one
   of another machine or container */

ngx_pid_t ngx_http_task_journal_holder(const char *path);

/* aborts a copy; syncs nothing; harmless if it is not open */

void ngx_http_task_journal_close(ngx_http_task_journal_t *j);


/*
 * Is given each record: bytes need not be aligned, and are gone when it
 * returns.  Anything but NGX_OK ends the replay.
 */

typedef ngx_int_t (*ngx_http_task_journal_handler_pt)(void *data,
    uint32_t type, u_char *bytes, size_t length);

/*
 * Reads all records, in order, before the first append(): the other calls fail
 * until it has returned NGX_OK.  What is no record is cut off at the end, and
 * skipped elsewhere: then j->places is not 0, and some records are missing
 * between others.  NGX_ERROR: the file cannot be read, or there is no memory;
 * or else what the handler has returned.  With these the file is as it was.
 *
 * A record that is larger than 256k has memory of its own, as large as it is.
 */

ngx_int_t ngx_http_task_journal_replay(ngx_http_task_journal_t *j,
    ngx_http_task_journal_handler_pt handler, void *data);

/* in place of a replay: the caller knows that all of it is on the disk, without
   damage; so many bytes are a copy that was all live */

void ngx_http_task_journal_resume(ngx_http_task_journal_t *j, off_t copied);

/*
 * Adds a record, whose bytes are those of n parts: nobody may change them
 * meanwhile.  A type is not 0.  NGX_DECLINED: the type is 0, or there are more
 * than NGX_HTTP_TASK_JOURNAL_MAX bytes; NGX_ERROR: it cannot be written, which
 * is logged once, until ngx_http_task_journal_tell() logs that it can be again.
 * With these the journal is as it was.
 *
 * The thread has to block SIGXFSZ if the size of files is limited.
 */

ngx_int_t ngx_http_task_journal_append(ngx_http_task_journal_t *j,
    uint32_t type, const struct iovec *parts, ngx_uint_t n);

/* logs that it can be written again, if that is so for some seconds */

void ngx_http_task_journal_tell(ngx_http_task_journal_t *j);

/* takes back what was appended since the journal had that size */

void ngx_http_task_journal_rewind(ngx_http_task_journal_t *j, off_t size);

/*
 * NGX_OK: all that was appended is on the disk.  NGX_ERROR: it may not be,
 * which is told until a copy has been committed.
 */

ngx_int_t ngx_http_task_journal_sync(ngx_http_task_journal_t *j);

/* as well as it can be without a copy; or looks only whether it is there */

void ngx_http_task_journal_flush(ngx_http_task_journal_t *j);
ngx_int_t ngx_http_task_journal_look(ngx_http_task_journal_t *j);


/*
 * A copy has what is live.  Until it is committed, append() is for the journal
 * as it is, and copy_append() for the copy: what comes meanwhile has to be
 * given to both.
 *
 * commit() puts it in place of the journal, on the disk: whenever a process or
 * the machine ends, one of the two is there, as a whole.  NGX_ERROR: it is
 * logged, and the copy is gone, or the journal wants another one.  A copy that
 * lacks a record, as copy_append() has failed, is never committed.
 */

ngx_int_t ngx_http_task_journal_copy_begin(ngx_http_task_journal_t *j);
ngx_int_t ngx_http_task_journal_copy_append(ngx_http_task_journal_t *j,
    uint32_t type, const struct iovec *parts, ngx_uint_t n);
ngx_int_t ngx_http_task_journal_copy_commit(ngx_http_task_journal_t *j);

/*
 * Behind a replay: keeps what is to be replaced as FILE.bad.  NGX_DECLINED: a
 * file of others has that name; NGX_ERROR: the system refuses it; both are
 * logged.
 */

ngx_int_t ngx_http_task_journal_aside(ngx_http_task_journal_t *j);

/*
 * Waits until what the copy has is written, if that is some MB: then commit(),
 * which waits for all of it, does not take long.
 */

void ngx_http_task_journal_copy_flush(ngx_http_task_journal_t *j);

/* harmless if there is no copy */

void ngx_http_task_journal_copy_abort(ngx_http_task_journal_t *j);


/* bytes of the file, and those since the last copy or, if there was none since
   it was opened, all: nobody knows what of them is live */

#define ngx_http_task_journal_size(j)      ((j)->file.size)
#define ngx_http_task_journal_appended(j)  ((j)->file.size - (j)->copied)

/* random for each file, and for each copy; the number of who has made that */

#define ngx_http_task_journal_seed(j)   ((j)->file.seed)
#define ngx_http_task_journal_owner(j)  ((j)->file.owner)

/* it lacks something, as its caller knows */

#define ngx_http_task_journal_doubt(j)  ((j)->unsure = 1)

/* true until there is a copy: it was replayed, is damaged, or the disk fails */

#define ngx_http_task_journal_wants_copy(j)  ((j)->unsure || (j)->places)


#endif /* _NGX_HTTP_TASK_JOURNAL_H_INCLUDED_ */
