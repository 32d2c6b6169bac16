
/*
 * What a function streams: bytes that it puts into a ring, and that the event
 * loop hands to nginx.  The ring is all that is in flight of a task; the loop
 * sends from it, and whoever puts waits for room.
 *
 *     out <= given <= in <= out + size
 *
 * Bytes are counted from the first one of the stream.  The function's thread
 * moves in, the loop moves given and out.  Members that both touch at the same
 * time are marked with [both]; those of the function are set before the loop
 * is told of the stream, or belong to whoever runs the function now.
 */


#ifndef _NGX_HTTP_TASK_STREAM_H_INCLUDED_
#define _NGX_HTTP_TASK_STREAM_H_INCLUDED_


#include "task/ngx_http_task.h"


struct ngx_http_task_stream_s {
    ngx_task_t                      *task;

    u_char                          *data;         /* the ring */
    size_t                           size;
    unsigned                         events:1;     /* server-sent events */

    /* the function's */

    uint64_t                         in;           /* [both] put so far */
    uint64_t                         whole;        /* [both] put so far, up to
                                                      the end of an event */
    uint64_t                         origin;       /* [both] the byte that is
                                                      the first of the ring */
    int                              room;         /* [both] 0: its thread
                                                      sleeps until there is */
    int64_t                          waited;       /* [both] for the client,
                                                      nanoseconds */
    int64_t                          since;        /* [both] it waits since
                                                      then; 0: it does not */
    int64_t                          last_wait;    /* nanoseconds */
    u_char                           last[4];      /* bytes put by itself */

    /* the loop's */

    int                              cpu;          /* [both] its loop's */
    uint64_t                         given;        /* to nginx */
    uint64_t                         out;          /* [both] sent, or copied */
    uint64_t                         end;          /* no more than this goes
                                                      out, if it has ended */

    ngx_http_task_bell_t             bell;
    ngx_http_task_work_t             work;         /* sends */
    ngx_http_task_hold_t             hold;
    ngx_http_task_timer_t            silence;
    int64_t                          spoken;       /* when, nanoseconds */

    ngx_chain_t                     *busy;         /* nginx has them */
    ngx_chain_t                     *free;

    uint64_t                         seen;         /* of out, when it was
                                                      looked at last */
    uint64_t                         counted;      /* in stats, of given */
    int64_t                          counted_wait;

    /* branches await room for the rest of what they write, NULL: none */

    void                           (*resume)(ngx_task_t *t);
    ngx_queue_t                      writers;

    /* of a line, or an event, whose branch was let go in the midst of it: it
       goes out before anything else; it is a piece's while one of the task's
       own branch runs, and one of the writers else */

    ngx_http_task_rest_t             rest;

    unsigned                         held:1;
    unsigned                         begun:1;      /* the header was sent */
    unsigned                         bodiless:1;   /* and no body follows */
    unsigned                         flush:1;      /* the header waits for
                                                      something to be sent */
    unsigned                         writable:1;   /* nginx has told so */
    unsigned                         comment:1;    /* it is time to send one */
    unsigned                         left:1;       /* its worker has to end */
    unsigned                         over:1;       /* nothing more is sent */
};


/* --- what a function puts: ngx_http_task_stream.c ------------------------ */

/* content types, if the function has set none */

#define NGX_HTTP_TASK_STREAM_BYTES   "application/octet-stream"
#define NGX_HTTP_TASK_STREAM_EVENTS  "text/event-stream"
#define NGX_HTTP_TASK_STREAM_LINES   "application/jsonl"

/*
 * Called first by each call that streams, in the thread that runs the function.
 * If it does not return NGX_TASK_OK, the call returns the same.  type is that
 * of the answer if the function has set none.
 */

ngx_task_rc_t ngx_http_task_stream_begin(ngx_task_t *t, const char *type);

/* returns NGX_TASK_OK in a thread, which may wait, or logs what is wrong */

ngx_task_rc_t ngx_http_task_stream_here(ngx_task_t *t);

/* puts all of it, waiting for room; whole: an event ends with it */

ngx_task_rc_t ngx_http_task_stream_send(ngx_task_t *t, const u_char *data,
    size_t len, ngx_uint_t whole);

/* returns 1 if bytes of the function's own end an event */

ngx_uint_t ngx_http_task_stream_ends_event(ngx_http_task_stream_t *s,
    const u_char *data, size_t len);

/*
 * Puts as much as there is room for, and returns how much that was.
 */

size_t ngx_http_task_stream_put(ngx_http_task_stream_t *s, const u_char *data,
    size_t len, ngx_uint_t whole);

/* returns how many bytes may be put */

size_t ngx_http_task_stream_room(ngx_http_task_stream_t *s);

/* no branch awaits room any more */

void ngx_http_task_stream_unwait(ngx_http_task_stream_t *s);

/* returns for how long it has waited for the client, so far; nanoseconds */

int64_t ngx_http_task_stream_waited(ngx_http_task_stream_t *s);

/* the loop: wakes the thread if it waits for room */

void ngx_http_task_stream_wake(ngx_task_t *t);


/* --- what it is made of: ngx_http_task_stream_text.c; any thread --------- */

/*
 * Return an event, or a line of JSON, whose tree is freed; the caller frees the
 * text by cJSON_free().  NULL: there is no memory, or it is wrong; the result
 * remembers that.
 */

u_char *ngx_http_task_stream_event(ngx_task_t *t, const char *event,
    const char *id, const char *data, size_t *len);
u_char *ngx_http_task_stream_line(ngx_task_t *t, cJSON *value, size_t *len);

/*
 * Begins the stream for such a text, which may be NULL.  If it does not return
 * NGX_TASK_OK, the text is freed.
 */

ngx_task_rc_t ngx_http_task_stream_begin_text(ngx_task_t *t, u_char *text,
    const char *type);


#endif /* _NGX_HTTP_TASK_STREAM_H_INCLUDED_ */
