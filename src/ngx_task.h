
/*
 * ngx_task.h: what a task function is written against.
 *
 * A task function is a C function that nginx runs for a request: in a thread
 * of a pool (its blocking form), or on the event loop (its async form).
 * Nothing of nginx is needed to write one, this header is complete in itself.
 * A library of them is one shared object:
 *
 *     cc -shared -fPIC -Wl,-Bsymbolic -o mine.so mine.c
 *
 * (-Bsymbolic, as a function of yours might have the name of one in the
 * libraries that nginx uses, zlib's crc32() say; C++ needs -fno-gnu-unique as
 * well, or a reload would go on with the old templates and inline statics.)
 *
 * Calls are marked with where they may be made from:
 *
 *     [any]    the blocking and the async form, and offloaded pieces
 *     [block]  the blocking form and offloaded pieces
 *     [async]  the async form
 *
 * A call in the wrong place does nothing but to log an error, and the task
 * ends with a 500.  No call may be made from a thread of one's own.
 */


#ifndef _NGX_TASK_H_INCLUDED_
#define _NGX_TASK_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>


#ifdef __cplusplus
extern "C" {
#endif


/*
 * The version of this interface.  A library that was built for another major
 * number is refused; one that was built for the same major number and an
 * older, or the same, minor number works.
 *
 * The minor number grows when something is added: a call, or a member at the
 * end of a structure.  The major number grows when anything else changes.
 */

#define NGX_TASK_ABI_MAJOR  1
#define NGX_TASK_ABI_MINOR  2


/* one execution of a function; belongs to nginx, valid until it returns */

typedef struct ngx_task_s        ngx_task_t;

/* what an async form keeps across its awaits, see below */

typedef struct ngx_task_frame_s  ngx_task_frame_t;


typedef enum {
    NGX_TASK_OK = 0,          /* done: the client gets the result */
    NGX_TASK_FAILED,          /* the client gets a 500, see ngx_task_fail() */
    NGX_TASK_CANCELLED,       /* gave up, since ngx_task_cancelled() said so */
    NGX_TASK_BUSY,            /* of an offload: the pool's queue is full */
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

/* a blocking piece of an async function; data is what was given with it */

typedef ngx_task_rc_t (*ngx_task_piece_pt)(ngx_task_t *t, void *data);


/*
 * Types of parameters, and the C type of the member of the arguments that
 * receives the value.
 */

typedef enum {
    NGX_TASK_TIME = 0,        /* int64_t, milliseconds, not negative; "20s" */
    NGX_TASK_STRING,          /* const char *, valid UTF-8 */
    NGX_TASK_INT,             /* int64_t, but its smallest and largest value */
    NGX_TASK_NUMBER,          /* double, finite */
    NGX_TASK_BOOL,            /* int, 0 or 1 */
    NGX_TASK_SIZE,            /* int64_t, bytes; "16k", "10m", "1g" */
    NGX_TASK_ENUM             /* int, the index in choices */
} ngx_task_type_t;


/*
 * Default, minimum and maximum are given as text, in the form that nginx.conf
 * uses.  Bounds are inclusive; ">0" and "<10" are exclusive ones.  Those of a
 * string are numbers of characters; a bool and an enum have none.
 */

typedef struct {
    const char              *name;
    ngx_task_type_t          type;
    size_t                   offset;     /* offsetof() in the arguments */
    const char              *def;        /* NULL: the parameter is required */
    const char              *min;        /* NULL: no bound */
    const char              *max;        /* NULL: no bound */
    const char              *summary;
    const char              *choices;    /* of an enum: "red|green|blue" */
    size_t                   flags;      /* since version 1.2 */
} ngx_task_param_t;


/*
 * A flag of a parameter: a password, a token.  Its value is never sent back in
 * an error: "[secret]" stands in its place, and in that of anything with
 * members that it may be in, like the whole body.  What a function itself says
 * of it is not changed.  (nginx logs the query of a request, not its body.)
 */

#define NGX_TASK_SECRET      0x10000


/*
 * Flags of a function.  Its methods: without any, GET and HEAD, and POST where
 * a parameter is left to the request.  HEAD comes with GET.
 */

#define NGX_TASK_GET         0x0001
#define NGX_TASK_POST        0x0002
#define NGX_TASK_PUT         0x0004
#define NGX_TASK_DELETE      0x0008
#define NGX_TASK_PATCH       0x0010

/* the body is not read as JSON, ngx_task_body() gives it as it is */

#define NGX_TASK_RAW_BODY    0x0100

/* the function looks at the request, see ngx_task_method() and below */

#define NGX_TASK_CONTEXT     0x0200


typedef struct {
    const char              *name;       /* letters, digits, "_" and "-" */
    const char              *summary;
    ngx_task_block_pt        block;      /* one of the forms may be NULL */
    ngx_task_async_pt        async;
    size_t                   args_size;  /* sizeof() the arguments */
    const ngx_task_param_t  *params;     /* ends with a NULL name; or NULL */
    size_t                   state_size; /* sizeof() the async form's state */
    size_t                   flags;
} ngx_task_function_t;


/*
 * The hooks run once in each worker, on its event loop, before the first task
 * and after the last.  When start() returns anything but NGX_TASK_OK, that is
 * logged and the library's functions answer 503.  When nginx is stopped at
 * once, async tasks may still be pending while stop() runs.
 */

typedef struct {
    uint32_t                    abi_major;
    uint32_t                    abi_minor;
    size_t                      size;           /* of this structure */
    size_t                      function_size;  /* of the structures above */
    size_t                      param_size;

    const char                 *name;           /* "demo" of "demo.primes" */
    const ngx_task_function_t  *functions;      /* ends with a NULL name */
    ngx_task_rc_t             (*start)(void);   /* may be NULL */
    void                      (*stop)(void);    /* may be NULL */
} ngx_task_library_t;


/* once in a library: NGX_TASK_LIBRARY("demo", functions, NULL, NULL); */

#define NGX_TASK_LIBRARY(name, functions, start, stop)                        \
    NGX_TASK_EXPORT const ngx_task_library_t  ngx_task_library;               \
    const ngx_task_library_t  ngx_task_library = {                            \
        NGX_TASK_ABI_MAJOR, NGX_TASK_ABI_MINOR,                               \
        sizeof(ngx_task_library_t),                                           \
        sizeof(ngx_task_function_t), sizeof(ngx_task_param_t),                \
        name, functions, start, stop                                          \
    }

#ifdef __cplusplus
#define NGX_TASK_EXPORT  extern "C" __attribute__((visibility("default")))
#else
#define NGX_TASK_EXPORT  extern __attribute__((visibility("default")))
#endif


/* --- what a function is given -------------------------------------------- */

/*
 * [any] The arguments: the structure whose members the table of parameters
 * describes, filled in and checked before the function is called.  They are
 * valid as long as the task, and so are the strings in them; other tasks may
 * have the same ones, so none of it is ever to be written to.
 */

const void *ngx_task_args(ngx_task_t *t);

/*
 * [any] The body of the request, for functions with NGX_TASK_RAW_BODY: its
 * bytes, which belong to the task; or, if nginx has spooled it to a file,
 * NULL, and a descriptor to read from its beginning, which is closed with
 * the task.  The length is set in both cases, fd to -1 in the first.  Without
 * a body the length is 0.
 */

const void *ngx_task_body(ngx_task_t *t, size_t *len, int *fd);

/*
 * [any] The request, for functions with NGX_TASK_CONTEXT; the strings belong
 * to the task.  Names of headers differ not in case; NULL: there is none.  A
 * background job has no headers, they are not kept.
 * The id is nginx's $request_id.
 */

const char *ngx_task_method(ngx_task_t *t);
const char *ngx_task_uri(ngx_task_t *t);            /* decoded, no query */
const char *ngx_task_header(ngx_task_t *t, const char *name);
const char *ngx_task_remote_addr(ngx_task_t *t);
const char *ngx_task_request_id(ngx_task_t *t);
const char *ngx_task_traceparent(ngx_task_t *t);

/*
 * [any] Whether nobody waits for the result any more: the client left, or
 * the worker has to stop.  Never changes back.  Cheap enough for a loop.  In
 * task_mode sync always 0, as the event loop that would notice stands still.
 */

int ngx_task_cancelled(ngx_task_t *t);


/* --- what a function does ------------------------------------------------ */

/*
 * [block] Sleeps for so many milliseconds, never less, and returns
 * NGX_TASK_OK; or returns NGX_TASK_CANCELLED as soon as the task is
 * cancelled.
 */

ngx_task_rc_t ngx_task_block_ms(ngx_task_t *t, int64_t ms);

/*
 * [any] Has fn(data) called once when the function has ended, in whatever way:
 * done, failed, or cancelled at an await; the last one first, and before the
 * answer is sent.  That of a blocking form is called in its thread, that of an
 * async form on the event loop, so it must not block.  It neither awaits nor
 * sets a result, which is made already.  If there is no memory to remember it,
 * it is called now, and the task ends with a 500.  When nginx is stopped at
 * once, or crashes, it is not called.
 */

void ngx_task_defer(ngx_task_t *t, void (*fn)(void *), void *data);

/*
 * [any] How far a background job is: done of total, in any unit, and a short
 * message, which is copied, with U+FFFD for what is not UTF-8, up to some 90
 * bytes; NULL leaves the one that was set before.  Cheap enough for a loop;
 * where a client waits for the result it does nothing.  Since version 1.1.
 */

void ngx_task_progress(ngx_task_t *t, int64_t done, int64_t total,
    const char *message);

/*
 * [any] Writes to nginx's error log, escaped, with the name of the function
 * and the id of the request, or with the number of its connection where there
 * is no NGX_TASK_CONTEXT.  Up to some 1900 bytes.  Escaped are control
 * characters, and what is not UTF-8.
 */

typedef enum {
    NGX_TASK_LOG_ERROR = 0,
    NGX_TASK_LOG_WARN,
    NGX_TASK_LOG_NOTICE,
    NGX_TASK_LOG_INFO
} ngx_task_log_level_t;

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void ngx_task_log(ngx_task_t *t, ngx_task_log_level_t level, const char *fmt,
    ...);


/*
 * [block] Runs a program, and returns when it has ended.  The program ends with
 * the task, unlike one that system() started: when the task is cancelled, or
 * its time is over, or the worker has to stop, the program and all of its
 * process group get a SIGTERM, and a SIGKILL when their grace is over.  What is
 * left of its group when it has ended is killed; what has to live on calls
 * setsid().
 *
 * It has the three descriptors that are said here and no others, the default
 * action for each signal, none blocked, and a session of its own.  There is no
 * shell.  A name without a slash is looked for as execvp() does, in the PATH
 * of the worker, which nginx removes unless there is "env PATH;", or else in
 * /bin and /usr/bin.
 *
 * NGX_TASK_OK         it has run and ended, whatever its status
 * NGX_TASK_CANCELLED  the task was cancelled
 * NGX_TASK_FAILED     it was not started, or had to be ended: error says why
 *
 * A status that is not 0 is logged, with the end of its standard error, and so
 * is a failure.  In task_mode sync, where nothing is cancelled, the
 * worker stands still as long as the program runs.  Where the worker crashes,
 * the program is killed, but not others that it has started.
 * Since version 1.2.
 */

typedef enum {
    NGX_TASK_INPUT_NONE = 0,             /* as of /dev/null */
    NGX_TASK_INPUT_BYTES,                /* input; it need not read it all */
    NGX_TASK_INPUT_FD,                   /* input_fd itself, which stays open */
    NGX_TASK_INPUT_BODY                  /* of the request, from its beginning,
                                            in memory or in its file: for
                                            functions with NGX_TASK_RAW_BODY */
} ngx_task_input_t;

typedef struct {
    size_t                   size;       /* sizeof(ngx_task_program_t) */
    const char *const       *argv;       /* its name first; ends with NULL */
    const char *const       *env;        /* "NAME=value", ends with NULL; NULL:
                                            that of the worker */
    const char              *dir;        /* NULL: that of the worker */

    ngx_task_input_t         input_type;
    const void              *input;
    size_t                   input_len;
    int                      input_fd;

    size_t                   max_output; /* bytes, more is EFBIG; 0: 1 MB */
    int64_t                  grace;      /* milliseconds; 0: 1000 */

    /* what became of it, set also on NGX_TASK_CANCELLED and _FAILED */

    int                      exit_code;  /* -1: it did not exit by itself */
    int                      signal;     /* that ended it, or 0 */
    int                      error;      /* as errno: NGX_TASK_FAILED */

    /* with a null behind, belong to the task; NULL: it was not started */

    char                    *output;     /* its standard output */
    size_t                   output_len;
    char                    *messages;   /* the last 4 KB of its errors */
    size_t                   messages_len;
} ngx_task_program_t;

ngx_task_rc_t ngx_task_spawn(ngx_task_t *t, ngx_task_program_t *program);


/*
 * [any] JSON to a tree, which is the caller's: cJSON_Delete().  NULL: it is
 * none, or there is no memory.  To be used instead of cJSON_ParseWithLength(),
 * which writes to a global variable, as other threads parse, too.  It takes no
 * lock.  Numbers may have any length; what stands behind the value is not
 * looked at.  Since version 1.2 it is strict where cJSON is not: the value has
 * to be UTF-8, without null characters, of 1,000 levels of arrays and objects
 * at most.
 */

cJSON *ngx_task_parse_json(const char *text, size_t len);


/* --- what a function answers --------------------------------------------- */

/*
 * [any] Members of the JSON object that is the result; setting a name again
 * replaces it.  Names and strings are copied, invalid UTF-8 is replaced; a
 * number that is not finite becomes null.  Out of memory is remembered and
 * ends in a 500.  Each name is compared with those before it: for thousands of
 * members make one cJSON object.
 */

void ngx_task_set_string(ngx_task_t *t, const char *name, const char *value);
void ngx_task_set_int(ngx_task_t *t, const char *name, int64_t value);
void ngx_task_set_number(ngx_task_t *t, const char *name, double value);
void ngx_task_set_bool(ngx_task_t *t, const char *name, int value);

/*
 * [any] Takes the value, and if it fails frees it; NULL: out of memory.  From
 * then on it is the task's: to set it by another name, or what is a part of
 * another value, is misuse; it may still be changed, and set again by its name.
 * A number is sent with all digits that it needs to be the same double again.
 * At most 1,000 levels of arrays and objects.
 */

void ngx_task_set_json(ngx_task_t *t, const char *name, cJSON *value);

/* [any] the whole result, of any type, in the place of what was set */

void ngx_task_set_result(ngx_task_t *t, cJSON *value);

/*
 * [any] Bytes as the result.  The type is copied; data is not, free_fn(data)
 * is called when it has been sent, on the event loop; with NULL it is never.
 * Members, set before or after, are dropped.
 */

void ngx_task_set_bytes(ngx_task_t *t, const char *content_type,
    void *data, size_t len, void (*free_fn)(void *));

/*
 * [any] The HTTP status, 200 to 599, and headers of the answer: name and value
 * are copied and have to be fit for a header.  The case of a name does not
 * matter.  A header that is set again is sent again, but of Accept-Ranges,
 * Content-Encoding, Content-Range, ETag, Expires, Last-Modified, Location and
 * Refresh the last counts.  Content-Length, Connection and the like are nginx's
 * own.  With ngx_task_fail() headers are sent, except those that describe a
 * body; none is where an error_page replaces the answer.
 */

void ngx_task_set_status(ngx_task_t *t, int status);
void ngx_task_set_header(ngx_task_t *t, const char *name, const char *value);

/*
 * [any] Ends the task with status, 400 to 599, and {"detail": message}, which
 * the client sees; to be returned: return ngx_task_fail(t, 503, "try later");
 * In the error log it is escaped, up to 1024 bytes.
 */

ngx_task_rc_t ngx_task_fail(ngx_task_t *t, int status, const char *message);


/* --- async --------------------------------------------------------------- */

/*
 * An async form begins with NGX_TASK_BEGIN() and ends with NGX_TASK_END().
 * At an await it returns to the event loop, and is called again at the same
 * place when what it awaits has ended.  So
 *
 *     local variables do not keep their values across an await: what has to
 *     be kept goes into the state, which is zeroed at the start;
 *     there is no switch statement around an await;
 *     there are no two awaits on one line.
 */

struct ngx_task_frame_s {
    void                    *state;      /* state_size bytes */
    ngx_task_rc_t            rc;         /* how the last await ended */

    /* private */
    int                      line;
    ngx_task_t              *task;
    ngx_task_async_pt        fn;
    ngx_task_frame_t        *caller;
};


#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 7)
#define NGX_TASK_FALLTHROUGH  __attribute__((fallthrough))
#else
#define NGX_TASK_FALLTHROUGH  (void) 0
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
 * [async] Sleeps for so many milliseconds, never less.  With 0 it goes on at
 * once, without letting others run.
 */

ngx_task_rc_t ngx_task_sleep(ngx_task_frame_t *f, int64_t ms);

/*
 * [async] Runs another async function, with state as its state, and ends with
 * what it returns.
 */

ngx_task_rc_t ngx_task_call(ngx_task_frame_t *f, ngx_task_async_pt fn,
    void *state);

/*
 * [async] Runs a blocking piece in a thread of the pool of that name, or of
 * nginx's pool "default" where it is NULL, and ends with what it returns; with
 * NGX_TASK_BUSY if the pool's queue is full: that of a job waits until there
 * is room.  The state is kept until the piece has returned, also if the task
 * was cancelled meanwhile.
 */

ngx_task_rc_t ngx_task_offload(ngx_task_frame_t *f, const char *pool,
    ngx_task_piece_pt fn, void *data);


#ifdef __cplusplus
}
#endif


#endif /* _NGX_TASK_H_INCLUDED_ */
