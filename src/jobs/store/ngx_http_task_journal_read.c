
/*
 * The records of a journal are read, and what is no record is told apart.
 *
 * What a process or a machine leaves behind when it ends is at the end of the
 * file: a part of a record, or zeros.  It is cut off, and new records stand
 * behind the last whole one.  If whole records follow, the bytes between were
 * damaged later, or got to the disk after those behind them.  They are skipped:
 * to end there would lose all jobs that came later, and each job is one for
 * itself.  The gap stays in the file until the next copy.
 *
 * Behind damage the next head is looked for, byte by byte: its mark and its
 * checksum follow from the salt of the file, which no client knows.  It would
 * be quicker to go on where a damaged record ends, if its head is right; but
 * what is read must not depend on how much of such a record is there, as that
 * changes when others are appended.
 *
 * If the disk cannot be read nothing is skipped: it may be read tomorrow.
 */


#include "jobs/store/ngx_http_task_journal_file.h"


/* a head is much smaller */

#define NGX_HTTP_TASK_JOURNAL_BUFFER  (256 * 1024)


typedef struct {
    ngx_http_task_journal_t  *journal;
    off_t                     end;         /* of the file */

    u_char                   *buffer;
    off_t                     offset;      /* what is in the buffer, .. */
    size_t                    length;      /* .. and how much of it */

    u_char                   *large;       /* the bytes of a larger record */
} ngx_http_task_journal_reader_t;


static ngx_int_t ngx_http_task_journal_read(ngx_http_task_journal_reader_t *r,
    ngx_http_task_journal_handler_pt handler, void *data);
static ngx_int_t ngx_http_task_journal_read_head(
    ngx_http_task_journal_reader_t *r, off_t offset,
    ngx_http_task_journal_head_t *head);
static ngx_int_t ngx_http_task_journal_read_bytes(
    ngx_http_task_journal_reader_t *r, off_t offset,
    const ngx_http_task_journal_head_t *head, u_char **bytes);
static ngx_int_t ngx_http_task_journal_find(ngx_http_task_journal_reader_t *r,
    off_t offset, off_t *next);
static u_char *ngx_http_task_journal_at(ngx_http_task_journal_reader_t *r,
    off_t offset, size_t size);
static ngx_int_t ngx_http_task_journal_fill(ngx_http_task_journal_reader_t *r,
    u_char *p, size_t size, off_t offset);
static void ngx_http_task_journal_tail(ngx_http_task_journal_t *j, off_t end);


ngx_int_t
ngx_http_task_journal_replay(ngx_http_task_journal_t *j,
    ngx_http_task_journal_handler_pt handler, void *data)
{
    ngx_int_t                       rc;
    struct stat                     st;
    ngx_http_task_journal_reader_t  r;

    j->ready = 0;
    j->skipped = 0;
    j->places = 0;

    if (fstat(j->file.fd, &st) == -1) {
        ngx_http_task_journal_log(j, ngx_errno, "fstat() failed");
        return NGX_ERROR;
    }

    ngx_memzero(&r, sizeof(r));

    r.journal = j;
    r.end = st.st_size;
    r.buffer = ngx_alloc(NGX_HTTP_TASK_JOURNAL_BUFFER, ngx_cycle->log);

    if (r.buffer == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_journal_read(&r, handler, data);

    ngx_free(r.buffer);

    if (rc != NGX_OK) {
        return rc;
    }

    if (j->places) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "state file \"%s\" is damaged: %O bytes in %ui places "
                      "between whole records are skipped", j->path, j->skipped,
                      j->places);
    }

    if (j->file.size < r.end) {
        ngx_http_task_journal_tail(j, r.end);
    }

    j->copied = sizeof(ngx_http_task_journal_header_t);
    j->ready = 1;

    return NGX_OK;
}


/* each turn goes on behind where the one before it has begun: it ends */

static ngx_int_t
ngx_http_task_journal_read(ngx_http_task_journal_reader_t *r,
    ngx_http_task_journal_handler_pt handler, void *data)
{
    off_t                         offset, whole, next;
    u_char                       *bytes;
    ngx_int_t                     rc;
    ngx_http_task_journal_t      *j;
    ngx_http_task_journal_head_t  head;

    j = r->journal;
    whole = sizeof(ngx_http_task_journal_header_t);

    for (offset = whole; offset < r->end; offset = next) {

        rc = ngx_http_task_journal_read_head(r, offset, &head);

        if (rc == NGX_OK) {
            rc = ngx_http_task_journal_read_bytes(r, offset + sizeof(head),
                                                  &head, &bytes);
        }

        if (rc == NGX_DECLINED) {
            rc = ngx_http_task_journal_find(r, offset + 1, &next);

            if (rc == NGX_OK) {
                continue;
            }
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (offset > whole) {
            j->skipped += offset - whole;
            j->places++;
        }

        rc = handler(data, head.type, bytes, head.length);

        if (r->large) {
            ngx_free(r->large);
            r->large = NULL;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        next = offset + sizeof(head) + head.length;
        whole = next;
    }

    j->file.size = whole;

    return NGX_OK;
}


/* NGX_DECLINED: there is none, or its record does not fit into the file */

static ngx_int_t
ngx_http_task_journal_read_head(ngx_http_task_journal_reader_t *r,
    off_t offset, ngx_http_task_journal_head_t *head)
{
    off_t    rest;
    u_char  *p;

    rest = r->end - offset - sizeof(ngx_http_task_journal_head_t);

    if (rest < 0) {
        return NGX_DECLINED;
    }

    p = ngx_http_task_journal_at(r, offset, sizeof(*head));

    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(head, p, sizeof(*head));

    return (ngx_http_task_journal_is_head(r->journal->file.seed, head)
            && head->length <= rest)
           ? NGX_OK : NGX_DECLINED;
}


/* the head is right, and so many bytes are there */

static ngx_int_t
ngx_http_task_journal_read_bytes(ngx_http_task_journal_reader_t *r,
    off_t offset, const ngx_http_task_journal_head_t *head, u_char **bytes)
{
    u_char  *p;

    if (head->length <= NGX_HTTP_TASK_JOURNAL_BUFFER) {
        p = ngx_http_task_journal_at(r, offset, head->length);

        if (p == NULL) {
            return NGX_ERROR;
        }

    } else {
        p = ngx_alloc(head->length, ngx_cycle->log);

        if (p == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_task_journal_fill(r, p, head->length, offset) != NGX_OK) {
            ngx_free(p);
            return NGX_ERROR;
        }

        r->large = p;
    }

    if (ngx_http_task_journal_sum(r->journal->file.seed, p, head->length)
        == head->bytes)
    {
        *bytes = p;
        return NGX_OK;
    }

    if (r->large) {
        ngx_free(r->large);
        r->large = NULL;
    }

    return NGX_DECLINED;
}


/* next is the place of a head whose record fits, or the end of the file */

static ngx_int_t
ngx_http_task_journal_find(ngx_http_task_journal_reader_t *r, off_t offset,
    off_t *next)
{
    off_t                         rest;
    u_char                       *p, *last;
    uint32_t                      seed;
    ngx_http_task_journal_head_t  head;

    seed = r->journal->file.seed;

    for (rest = r->end - offset;
         rest >= (off_t) sizeof(head);
         rest = r->end - offset)
    {
        p = ngx_http_task_journal_at(r, offset, sizeof(head));

        if (p == NULL) {
            return NGX_ERROR;
        }

        last = r->buffer + r->length - sizeof(head);

        for ( /* void */ ; p <= last; p++, offset++) {

            if (ngx_memcmp(p, &seed, sizeof(seed)) != 0) {
                continue;
            }

            ngx_memcpy(&head, p, sizeof(head));

            if (ngx_http_task_journal_is_head(seed, &head)
                && head.length <= r->end - offset - (off_t) sizeof(head))
            {
                *next = offset;
                return NGX_OK;
            }
        }
    }

    *next = r->end;

    return NGX_OK;
}


/* returns so many bytes, which fit into the buffer; NULL: they are not read */

static u_char *
ngx_http_task_journal_at(ngx_http_task_journal_reader_t *r, off_t offset,
    size_t size)
{
    size_t  length;

    if (offset < r->offset
        || offset + (off_t) size > r->offset + (off_t) r->length)
    {
        length = ngx_min(NGX_HTTP_TASK_JOURNAL_BUFFER, r->end - offset);

        r->length = 0;

        if (ngx_http_task_journal_fill(r, r->buffer, length, offset)
            != NGX_OK)
        {
            return NULL;
        }

        r->offset = offset;
        r->length = length;
    }

    return r->buffer + (offset - r->offset);
}


static ngx_int_t
ngx_http_task_journal_fill(ngx_http_task_journal_reader_t *r, u_char *p,
    size_t size, off_t offset)
{
    ssize_t  n;

    n = ngx_http_task_journal_pread(r->journal->file.fd, p, size, offset);

    if (n == (ssize_t) size) {
        return NGX_OK;
    }

    if (n == -1) {
        ngx_http_task_journal_log(r->journal, ngx_errno, "pread() failed");

    } else {
        ngx_http_task_journal_log(r->journal, 0, "it has become shorter while "
                                  "it was read");
    }

    return NGX_ERROR;
}


static void
ngx_http_task_journal_tail(ngx_http_task_journal_t *j, off_t end)
{
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "state file \"%s\": the last %O bytes, from %O on, are no "
                  "whole record, they are cut off", j->path,
                  end - j->file.size, j->file.size);

    j->untidy = 1;

    if (ngx_http_task_journal_cut(&j->file) == NGX_OK) {
        j->untidy = 0;

    } else {
        ngx_http_task_journal_log(j, ngx_errno, "ftruncate() failed");
    }
}
