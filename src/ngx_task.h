
/*
 * ngx_task.h: what a task function is written against.
 *
 * A task function is a C function that nginx runs for a request: in a thread
 * of a pool (its blocking form), or on the event loop (its async form).
 * Nothing of nginx is needed to write one, this header is complete in itself.
 *
 * Calls are marked with where they may be made from:
 *
 *     [any]    the blocking and the async form
 *     [block]  the blocking form only
 *     [async]  the async form only
 */


#ifndef _NGX_TASK_H_INCLUDED_
#define _NGX_TASK_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>


/* one execution of a function; belongs to nginx, valid until it returns */

typedef struct ngx_task_s        ngx_task_t;
typedef struct ngx_task_frame_s  ngx_task_frame_t;


typedef enum {
    NGX_TASK_OK = 0,          /* done: the client gets the result */
    NGX_TASK_FAILED,          /* the client gets a 500 */
    NGX_TASK_CANCELLED,       /* gave up, since ngx_task_cancelled() said so */
    NGX_TASK_AGAIN            /* an await is pending: only the macros below
                                 return it */
} ngx_task_rc_t;


/*
 * The two forms.  A blocking form may do what it likes for as long as it
 * likes, it has a thread of its own while it runs.  An async form shares its
 * thread with every client of the worker: it never blocks, it awaits.
 */

typedef ngx_task_rc_t (*ngx_task_block_pt)(ngx_task_t *t);
typedef ngx_task_rc_t (*ngx_task_async_pt)(ngx_task_t *t, ngx_task_frame_t *f);


/*
 * Types of parameters, and the C type of the member of the arguments that
 * receives the value.
 *
 * Default, minimum and maximum are given as text, in the form that
 * nginx.conf uses.
 */

typedef enum {
    NGX_TASK_TIME = 0,        /* int64_t, milliseconds; "20s", "1500ms" */
    NGX_TASK_STRING           /* const char *, valid UTF-8 */
} ngx_task_type_t;


typedef struct {
    const char              *name;
    ngx_task_type_t          type;
    size_t                   offset;     /* offsetof() in the arguments */
    const char              *def;        /* NULL: the parameter is required */
    const char              *min;        /* NULL: no bound */
    const char              *max;        /* NULL: no bound */
    const char              *summary;
} ngx_task_param_t;


typedef struct {
    const char              *name;
    const char              *summary;
    ngx_task_block_pt        block;      /* one of the forms may be NULL */
    ngx_task_async_pt        async;
    size_t                   args_size;  /* sizeof() the arguments */
    const ngx_task_param_t  *params;     /* ends with a NULL name */
} ngx_task_function_t;


/*
 * [any] The arguments: the structure whose members the table of parameters
 * describes, filled in and checked before the function is called.  They
 * belong to the task, and so do the strings in them.
 */

const void *ngx_task_args(ngx_task_t *t);

/*
 * [any] Whether nobody waits for the result any more: the client left, or
 * the worker has to stop at once.  Never changes back.  In task_mode sync
 * always 0, as the event loop that would notice is not running.
 */

int ngx_task_cancelled(ngx_task_t *t);

/*
 * [block] Sleeps for so many milliseconds, never less, and returns
 * NGX_TASK_OK; or returns NGX_TASK_CANCELLED as soon as the task is
 * cancelled.
 */

ngx_task_rc_t ngx_task_block_ms(ngx_task_t *t, int64_t ms);

/*
 * [any] Adds a member to the JSON object that is the result.  The name and
 * the value are copied.  Out of memory is remembered and ends in a 500.
 */

void ngx_task_set_string(ngx_task_t *t, const char *name, const char *value);


/*
 * What an async form keeps across its awaits.
 *
 * An async form begins with NGX_TASK_BEGIN() and ends with NGX_TASK_END().
 * At an await it returns to the event loop, and is called again at the same
 * place when what it awaits has ended: so local variables do not keep their
 * values across an await, there is no switch statement around one, and no two
 * awaits on one line.
 */

struct ngx_task_frame_s {
    ngx_task_rc_t            rc;         /* how the last await ended */

    /* private */
    int                      line;
    ngx_task_t              *task;
};


#if defined(__GNUC__) && __GNUC__ >= 7 || defined(__clang__)
#define NGX_TASK_FALLTHROUGH  __attribute__((fallthrough))
#else
#define NGX_TASK_FALLTHROUGH
#endif


#define NGX_TASK_BEGIN(f)                                                     \
    switch ((f)->line) {                                                      \
    case 0:

#define NGX_TASK_AWAIT(f, call)                                               \
    do {                                                                      \
        (f)->line = __LINE__;                                                 \
        (f)->rc = (call);                                                     \
        if ((f)->rc == NGX_TASK_AGAIN) {                                      \
            return NGX_TASK_AGAIN;                                            \
        }                                                                     \
        NGX_TASK_FALLTHROUGH;                                                 \
    case __LINE__:                                                            \
        ;                                                                     \
    } while (0)

#define NGX_TASK_END(f)                                                       \
    }                                                                         \
    return NGX_TASK_OK

/*
 * [async] To be awaited: sleeps for so many milliseconds, never less, while
 * the event loop serves others.
 */

ngx_task_rc_t ngx_task_sleep(ngx_task_frame_t *f, int64_t ms);


#endif /* _NGX_TASK_H_INCLUDED_ */
