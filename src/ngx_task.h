
/*
 * ngx_task.h: what a task function is written against.
 *
 * A task function is a C function that nginx runs for a request: in a thread
 * of a pool (its blocking form), or on the event loop (its async form).
 * To write one, this header is enough: nothing of nginx's source is needed.
 * A library of task functions is one shared object:
 *
 *     cc -O2 -Wall -shared -fPIC -Wl,-Bsymbolic -o mine.so mine.c
 *
 * (-Bsymbolic is needed because a function of yours may have the name of one
 * in the libraries that nginx uses, such as zlib's crc32().  C++ also needs
 * -fno-gnu-unique, or a reload would keep old templates and inline statics.)
 * With -DNGX_TASK_DEBUG what a local variable held before an await is
 * overwritten, see NGX_TASK_BEGIN().  The macros that fill tables are for C99
 * and C++20; older C++ fills the structures in the order of their members.
 *
 * Each call is marked with where it may be made from:
 *
 *     [any]    the blocking and the async form, and offloaded pieces
 *     [block]  the blocking form and offloaded pieces
 *     [async]  the async form
 *     [loop]   see ngx_task_watch()
 *
 * A call from a wrong place only logs an error, and the task then ends with a
 * 500.  But for ngx_task_resolve() no call may be made from a thread that a
 * function has created itself.
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
 * The version of this interface.  A library works if it was built for the same
 * major number, and for the same or a lower minor number; others are refused.
 *
 * The minor number grows when something is added: a call, or a member at the
 * end of a structure.  The major number grows when anything else changes.
 */

#define NGX_TASK_ABI_MAJOR  1
#define NGX_TASK_ABI_MINOR  2


#if defined(__GNUC__)
#define NGX_TASK_PRINTF(fmt, args)  __attribute__((format(printf, fmt, args)))
#define NGX_TASK_USE                __attribute__((warn_unused_result))
#else
#define NGX_TASK_PRINTF(fmt, args)
#define NGX_TASK_USE
#endif


/* one execution of a function; belongs to nginx, valid until it returns */

typedef struct ngx_task_s        ngx_task_t;

/* what an async form keeps across its awaits, see below */

typedef struct ngx_task_frame_s  ngx_task_frame_t;


typedef enum {
    NGX_TASK_OK = 0,          /* done: the client gets the result; without any,
                                 and without a status, the log says so once */
    NGX_TASK_FAILED,          /* the client gets a 500, see ngx_task_fail() */
    NGX_TASK_CANCELLED,       /* gave up, since ngx_task_cancelled() said so */
    NGX_TASK_BUSY,            /* of an await: there is no room for it */
    NGX_TASK_AGAIN,           /* an await is pending: only the macros below
                                 return it */
    NGX_TASK_TIMEOUT          /* of an await: its time was over */
} ngx_task_rc_t;


typedef enum {
    NGX_TASK_LOG_ERROR = 0,
    NGX_TASK_LOG_WARN,
    NGX_TASK_LOG_NOTICE,
    NGX_TASK_LOG_INFO
} ngx_task_log_level_t;


/*
 * The two forms.  A blocking form may take as long as it likes: it has a
 * thread to itself while it runs (but not in task_mode sync).  An async form
 * shares its thread with every client of the worker: it awaits, never blocks.
 */

typedef ngx_task_rc_t (*ngx_task_block_pt)(ngx_task_t *t);
typedef ngx_task_rc_t (*ngx_task_async_pt)(ngx_task_t *t, ngx_task_frame_t *f);

/* a blocking piece of an async function; data is that of ngx_task_offload() */

typedef ngx_task_rc_t (*ngx_task_piece_pt)(ngx_task_t *t, void *data);


/*
 * Types of parameters.  The C type is that of the member of the arguments
 * structure that receives the value.
 */

typedef enum {
    NGX_TASK_TIME = 0,        /* int64_t, milliseconds, not negative; "20s" */
    NGX_TASK_STRING,          /* const char *, valid UTF-8 */
    NGX_TASK_INT,             /* int64_t, but not INT64_MIN or INT64_MAX */
    NGX_TASK_NUMBER,          /* double, finite */
    NGX_TASK_BOOL,            /* int, or bool with NGX_TASK_PARAM(); 0 or 1 */
    NGX_TASK_SIZE,            /* int64_t, bytes; "16k", "10m", "1g" */
    NGX_TASK_ENUM,            /* int, the index in choices, from 0 */

    /* since version 1.2 */

    NGX_TASK_JSON,            /* const cJSON *, any value; with "object" or
                                 "array" in choices such a one */
    NGX_TASK_OBJECT,          /* a pointer to a structure of its own, which
                                 fields describes */
    NGX_TASK_FILE             /* ngx_task_file_t, an upload */
} ngx_task_type_t;


/*
 * A file that was uploaded, see ngx_task_file().  Its name is what the client
 * says, maybe with slashes or line ends in it: it is no path to write to.
 */

typedef struct {
    const char              *name;       /* UTF-8; NULL: there is no file */
    const char              *type;       /* its Content-Type, or "" */
    int64_t                  size;       /* in bytes */

    /* private */
    const void              *data;
    int64_t                  offset;
} ngx_task_file_t;


/* the type of a member that is a list: a->tags.items[i], for i < a->tags.n */

#define NGX_TASK_LIST(type)                                                   \
    struct {                                                                  \
        type const          *items;                                           \
        size_t               n;                                               \
    }


/* a structure, such as the arguments of a function, and what fills it */

typedef struct ngx_task_param_s  ngx_task_param_t;

typedef struct {
    size_t                   size;       /* sizeof() the structure */
    const ngx_task_param_t  *params;
    size_t                   nparams;
} ngx_task_params_t;


/*
 * Default, minimum and maximum are given as text, in the form that nginx.conf
 * uses.  Bounds are inclusive, but ">0" and "<10" are exclusive.  The bounds
 * of a string are numbers of characters; a bool and an enum have no bounds.
 */

struct ngx_task_param_s {
    const char              *name;
    ngx_task_type_t          type;
    size_t                   offset;     /* offsetof() in the arguments */
    const char              *def;        /* NULL: the parameter is required */
    const char              *min;        /* NULL: no bound */
    const char              *max;        /* NULL: no bound */
    const char              *summary;
    const char              *choices;    /* for an enum: "red|green|blue" */

    /* since version 1.2 */

    size_t                   flags;
    size_t                   min_items;  /* of a list */
    size_t                   max_items;  /* of a list; 0: no bound */
    ngx_task_params_t        fields;     /* of an object */
    size_t                   size;       /* sizeof() the member; 0: that of
                                            the type */
    size_t                   item;       /* sizeof() an item of a list; 0: it
                                            is none */
};


/*
 * Parameters by the members of the structure: name, offset and size are those
 * of the member.  Further members of ngx_task_param_t may follow, in their
 * order:
 *
 *     NGX_TASK_PARAM(args_t, times, .def = "1", .max = "10")
 *     NGX_TASK_PARAM_AS(args_t, every, NGX_TASK_TIME, .def = "1s")
 *
 * NGX_TASK_PARAM() sees the type from the member: NGX_TASK_INT for an int64_t,
 * NGX_TASK_NUMBER for a double, NGX_TASK_STRING for a const char *,
 * NGX_TASK_BOOL for a bool, NGX_TASK_JSON for a const cJSON *, NGX_TASK_FILE
 * for an ngx_task_file_t.  NGX_TASK_PARAM_AS() is told the type.  A member that
 * cannot hold it does not compile.  It is a member of the structure itself, not
 * of one within it.
 *
 * A member that is an NGX_TASK_LIST(type) takes any number of values: a name
 * that comes several times in a query or a form, or an array in JSON.
 *
 *     NGX_TASK_PARAM_LIST(args_t, tags, .max = "20", .max_items = 10)
 *     NGX_TASK_PARAM_LIST_AS(args_t, pauses, NGX_TASK_TIME)
 *
 * Its minimum and maximum are those of each item.
 *
 * An object of JSON has a structure, and a table, of its own, whose parameters
 * are read and checked as any.  The member is a pointer to the structure, or
 * an NGX_TASK_LIST() of structures:
 *
 *     typedef struct { const char  *name; int64_t  age; }  user_t;
 *
 *     static const ngx_task_param_t  user_fields[] = {
 *         NGX_TASK_PARAM(user_t, name),
 *         NGX_TASK_PARAM(user_t, age, .min = "0")
 *     };
 *
 *     typedef struct { const user_t  *owner; NGX_TASK_LIST(user_t)  users; }
 *         args_t;
 *
 *     NGX_TASK_PARAM_OBJECT(args_t, owner, user_fields)
 *     NGX_TASK_PARAM_OBJECTS(args_t, users, user_fields, .min_items = 1)
 *
 * Where a value is text, as in a query or a form, that of an NGX_TASK_JSON or
 * an NGX_TASK_OBJECT is JSON.  These, lists and files have no default in a
 * table.  Since version 1.2.
 */

#define NGX_TASK_PARAM(args_t, ...)                                           \
    NGX_TASK_PARAM_OF(args_t, __VA_ARGS__,                                    \
                      NGX_TASK_MEMBER(args_t, __VA_ARGS__, 0))
#define NGX_TASK_PARAM_AS(args_t, member, ...)                                \
    NGX_TASK_PARAM_IS(args_t, member, __VA_ARGS__,                            \
                      NGX_TASK_MEMBER(args_t, member, 0))
#define NGX_TASK_PARAM_LIST(args_t, ...)                                      \
    NGX_TASK_LIST_OF(args_t, __VA_ARGS__,                                     \
                     NGX_TASK_ITEMS(args_t, __VA_ARGS__, 0))
#define NGX_TASK_PARAM_LIST_AS(args_t, member, ...)                           \
    NGX_TASK_LIST_IS(args_t, member, __VA_ARGS__,                             \
                     NGX_TASK_ITEMS(args_t, member, 0))
#define NGX_TASK_PARAM_OBJECT(args_t, member, ...)                            \
    NGX_TASK_OBJECT_OF(args_t, member, __VA_ARGS__,                           \
                       NGX_TASK_FIELDS(((args_t *) 0)->member, __VA_ARGS__,   \
                                       0),                                    \
                       NGX_TASK_MEMBER(args_t, member, 0))
#define NGX_TASK_PARAM_OBJECTS(args_t, member, ...)                           \
    NGX_TASK_OBJECT_OF(args_t, member, __VA_ARGS__,                           \
                       NGX_TASK_FIELDS(((args_t *) 0)->member.items,          \
                                       __VA_ARGS__, 0),                       \
                       NGX_TASK_ITEMS(args_t, member, 0))


/*
 * A flag of a parameter: a password, a token.  Its value is never sent back in
 * an error: "[secret]" replaces it, and any object or array that may hold it,
 * such as the whole body.  What the function itself answers or logs is not
 * changed.  (nginx logs the query of a request, but not its body.)
 */

#define NGX_TASK_SECRET      0x10000

/*
 * A flag of a parameter without a default: it may be left out, and null in
 * JSON leaves it out.  The member then has a value that no request can give:
 *
 *     NULL                 a string, JSON, an object; the items of a list, the
 *                          name of a file
 *     NGX_TASK_NOT_GIVEN   a time, an int, a size
 *     NAN                  a number
 *     -1                   a bool, which then is an int, and an enum
 */

#define NGX_TASK_OPTIONAL    0x20000
#define NGX_TASK_NOT_GIVEN   INT64_MIN

/*
 * A flag of a parameter that no request may choose, as the path of a program:
 * its value stands in nginx.conf, without variables ("$$" is a "$"), or else is
 * the default.  If there is none either, nginx does not start.  Since version
 * 1.2.
 */

#define NGX_TASK_FIXED       0x40000


/*
 * Flags of a function: the methods that it takes.  GET includes HEAD.  Without
 * any of them, GET and HEAD are taken; so is POST if the location leaves a
 * parameter to the request, or if NGX_TASK_RAW_BODY is set.
 */

#define NGX_TASK_GET         0x0001
#define NGX_TASK_POST        0x0002
#define NGX_TASK_PUT         0x0004
#define NGX_TASK_DELETE      0x0008
#define NGX_TASK_PATCH       0x0010

/*
 * The body is not read as parameters: ngx_task_body() returns it as it is.
 * With body_types only such types are taken: "image/png, image/jpeg"; a subtype
 * may be "*".
 */

#define NGX_TASK_RAW_BODY    0x0100

/*
 * The bodies that parameters are read from; any other is answered with a 415.
 * Without these flags a function takes JSON; or, if it has a parameter of type
 * NGX_TASK_FILE, multipart/form-data.  One with a file takes no method but
 * POST, unless it has flags of methods.  Since version 1.2.
 */

#define NGX_TASK_BODY_JSON       0x1000
#define NGX_TASK_BODY_FORM       0x2000  /* application/x-www-form-urlencoded */
#define NGX_TASK_BODY_MULTIPART  0x4000  /* multipart/form-data */

/* the function may call ngx_task_method() and the calls declared with it */

#define NGX_TASK_CONTEXT     0x0200

/*
 * A location may declare parameters of its own for the function, by "task_param
 * name type=...": see ngx_task_declared().  Since version 1.2.
 */

#define NGX_TASK_DECLARED    0x0400


/*
 * Looks at the arguments of a location, once, while nginx reads nginx.conf; it
 * runs in the master process and in nginx -t, as the user that these have.
 * Returns NULL, or what is wrong: nginx does not start then, and tells this
 * with file and line.  The text is copied, it may be in a static buffer.  args
 * has the values that nginx.conf fixes, and the defaults; what has neither is
 * as if it was left out, see NGX_TASK_OPTIONAL.  A request may give other
 * values, but not of parameters with NGX_TASK_FIXED.  Since version 1.2.
 */

typedef const char *(*ngx_task_check_pt)(const void *args);


typedef struct {
    const char              *name;       /* letters, digits, "_" and "-" */
    const char              *summary;
    ngx_task_block_pt        block;      /* one of the two may be NULL */
    ngx_task_async_pt        async;
    size_t                   args_size;  /* sizeof() the arguments */
    const ngx_task_param_t  *params;     /* last has a NULL name; or NULL */
    size_t                   state_size; /* sizeof() the async form's state */
    size_t                   flags;

    /* since version 1.2; each may be left out */

    ngx_task_params_t        args;       /* in place of args_size and params */
    ngx_task_check_pt        check;
    const char              *body_types; /* with NGX_TASK_RAW_BODY, as above */
    const char              *result_type;
                                         /* for documentation: the Content-Type
                                            of a result that is no JSON, or
                                            several with commas */
    const char              *result_schema;
                                         /* likewise: its JSON Schema */
} ngx_task_function_t;


/*
 * A function by the members that it has, in their order.  A table of such
 * parameters needs no last row with a NULL name:
 *
 *     NGX_TASK_FUNCTION("first", .block = first,
 *                       .args = NGX_TASK_ARGS(first_args_t, first_params))
 */

#define NGX_TASK_FUNCTION(name_, ...)  { .name = name_, __VA_ARGS__ }
#define NGX_TASK_ARGS(args_t, table)                                          \
    { sizeof(args_t), table, sizeof(table) / sizeof((table)[0]) }


/*
 * start() and stop() run once in each worker, on its event loop, before the
 * first task and after the last.  If start() returns anything but NGX_TASK_OK,
 * this is logged, the library's functions answer 503, and stop() is not
 * called.  If nginx is stopped at once, async tasks may be pending while
 * stop() runs.  init() is a start() that is told where it is, see below.
 */

typedef struct ngx_task_worker_s  ngx_task_worker_t;

typedef struct {
    uint32_t                    abi_major;
    uint32_t                    abi_minor;
    size_t                      size;           /* of this structure */
    size_t                      function_size;  /* of the structures above */
    size_t                      param_size;

    const char                 *name;           /* "demo" of "demo.primes" */
    const ngx_task_function_t  *functions;      /* see nfunctions */
    ngx_task_rc_t             (*start)(void);   /* may be NULL */
    void                      (*stop)(void);    /* may be NULL */

    /* since version 1.2 */

    size_t                      nfunctions;     /* 0: the last of them has a
                                                   NULL name */
    size_t                      flags;
    ngx_task_rc_t             (*init)(ngx_task_worker_t *worker);
    ngx_task_params_t           settings;       /* see ngx_task_settings() */
    ngx_task_check_pt           check;          /* of them; may be NULL */
} ngx_task_library_t;


/*
 * One of these, once in each library, behind all functions:
 *
 *     NGX_TASK_LIBRARY("demo", functions, NULL, NULL);
 *     NGX_TASK_LIBRARY_INIT("demo", functions, init, stop);
 *     NGX_TASK_LIBRARY_SET("demo", functions, demo_settings_t, settings, init,
 *                          stop);
 *     NGX_TASK_LIBRARY_CHECK("demo", functions, demo_settings_t, settings,
 *                            check, init, stop);
 *
 * The last two are for a library with settings, see ngx_task_settings().
 */

#define NGX_TASK_LIBRARY(name, functions, start, stop)                        \
    NGX_TASK_LIBRARY_OF(name, functions, start, stop, NULL, 0, NULL, 0, NULL)
#define NGX_TASK_LIBRARY_INIT(name, functions, init, stop)                    \
    NGX_TASK_LIBRARY_OF(name, functions, NULL, stop, init, 0, NULL, 0, NULL)
#define NGX_TASK_LIBRARY_SET(name, functions, settings_t, table, init, stop)  \
    NGX_TASK_LIBRARY_CHECK(name, functions, settings_t, table, NULL, init,    \
                           stop)
#define NGX_TASK_LIBRARY_CHECK(name, functions, settings_t, table, check,     \
                               init, stop)                                    \
    NGX_TASK_LIBRARY_OF(name, functions, NULL, stop, init,                    \
                        sizeof(settings_t), table,                            \
                        sizeof(table) / sizeof((table)[0]), check)

#define NGX_TASK_LIBRARY_OF(name, functions, start, stop, init, size,         \
                            params, nparams, check)                           \
    NGX_TASK_ASSERT(sizeof(struct ngx_task_scope_s) == 1,                     \
                    "an async function above has no NGX_TASK_END()");         \
    NGX_TASK_EXPORT const ngx_task_library_t  ngx_task_library;               \
    const ngx_task_library_t  ngx_task_library = {                            \
        NGX_TASK_ABI_MAJOR, NGX_TASK_ABI_MINOR,                               \
        sizeof(ngx_task_library_t),                                           \
        sizeof(ngx_task_function_t), sizeof(ngx_task_param_t),                \
        name, functions, start, stop,                                         \
        sizeof(functions) / sizeof((functions)[0]),                           \
        NGX_TASK_LIBRARY_FLAGS, init, { size, params, nparams }, check        \
    }

/* private: the library was built with -DNGX_TASK_DEBUG */

#define NGX_TASK_LIBRARY_DEBUG  0x0001

#ifdef NGX_TASK_DEBUG
#define NGX_TASK_LIBRARY_FLAGS  NGX_TASK_LIBRARY_DEBUG
#else
#define NGX_TASK_LIBRARY_FLAGS  0
#endif

#ifdef __cplusplus
#define NGX_TASK_EXPORT  extern "C" __attribute__((visibility("default")))
#else
#define NGX_TASK_EXPORT  extern __attribute__((visibility("default")))
#endif


/* --- what a library is given --------------------------------------------- */

/*
 * Called by init() alone, with its worker.  ngx_task_worker_log() writes to
 * nginx's error log as ngx_task_log() does.  ngx_task_worker_fail() tells why
 * init() fails: the message is logged with the name of the library.  It
 * returns NGX_TASK_FAILED, for init() to return.  Since version 1.2.
 */

NGX_TASK_PRINTF(3, 4)
void ngx_task_worker_log(ngx_task_worker_t *worker,
    ngx_task_log_level_t level, const char *fmt, ...);

NGX_TASK_PRINTF(2, 3)
ngx_task_rc_t ngx_task_worker_fail(ngx_task_worker_t *worker,
    const char *fmt, ...);

/*
 * Called by init() alone, with its worker.  Returns the settings of the
 * library: the structure that its table describes, filled in by "task_set" of
 * nginx.conf, or NULL if it has none.
 *
 *     typedef struct {
 *         const char  *url;
 *         int64_t      connections;
 *     } demo_settings_t;
 *
 *     static const ngx_task_param_t  settings[] = {
 *         NGX_TASK_PARAM(demo_settings_t, url),
 *         NGX_TASK_PARAM(demo_settings_t, connections, .def = "10", .min = "1")
 *     };
 *
 * The structure belongs to nginx, and is valid as long as the worker, as are
 * the strings in it: init() may keep the pointer in a static variable, by which
 * functions read it, in any thread.  Do not write to it.
 *
 * Types, defaults, bounds and flags are those of a function's parameters.  No
 * request gives a value, and NGX_TASK_FIXED, which need not be set, is as if it
 * was; but a "$" is a "$" in "task_set".  A setting without a default that is
 * not optional has to stand in nginx.conf, or nginx does not start.  check()
 * looks at them once, when all of nginx.conf was read, as the check() of a
 * function looks at its arguments.  Since version 1.2.
 */

const void *ngx_task_settings(ngx_task_worker_t *worker);


/* --- callbacks of a worker ----------------------------------------------- */

/*
 * What connections need that outlive a task, those of another library, such as
 * hiredis, libcurl or c-ares: callbacks that are called on the event loop, and
 * must not block.  The calls are marked with
 *
 *     [loop]   init() or start(), stop(), the async form and what it defers,
 *              and callbacks of these two calls
 *
 * A worker that quits does not wait for them.  What is left of them when stop()
 * has returned is freed; an init() that fails ends its own.
 */

/* events of a descriptor, one or both; an error, or its end, is each of them */

#define NGX_TASK_READABLE    0x0001
#define NGX_TASK_WRITABLE    0x0002

typedef struct ngx_task_watch_s  ngx_task_watch_t;
typedef struct ngx_task_timer_s  ngx_task_timer_t;

typedef void (*ngx_task_watch_pt)(void *data, unsigned event);
typedef void (*ngx_task_timer_pt)(void *data);

/*
 * [loop] Calls fn(data, event) each time that the descriptor has one of events,
 * until the watch is ended: if nothing is read, in each turn of the event loop.
 * *watch is NULL at first, and is set; given again, it is changed; with events
 * = 0 it is ended and set to NULL, which is to be done before the descriptor is
 * closed.  The watch takes one of nginx's worker_connections: the call returns
 * NGX_TASK_BUSY if there is none, or no descriptor; NGX_TASK_FAILED without
 * memory, or for a descriptor without events, such as that of a file.  Since
 * version 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_watch(ngx_task_watch_t **watch, int fd, unsigned events,
    ngx_task_watch_pt fn, void *data);

/*
 * [loop] Calls fn(data) once, in ms milliseconds or later.  *timer is NULL at
 * first, and is set; given again, also by its callback, the timer is set anew;
 * with a negative ms it is ended and set to NULL.  Returns NGX_TASK_FAILED if
 * there is no memory.  Since version 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_timer(ngx_task_timer_t **timer, int64_t ms,
    ngx_task_timer_pt fn, void *data);


/* --- what a function is given -------------------------------------------- */

/*
 * [any] Returns the arguments: the structure that the table of parameters
 * describes, filled in and checked before the function is called.  It belongs
 * to nginx, and is valid as long as the task, as are the strings in it.  Other
 * tasks may share it: do not write to it.
 */

const void *ngx_task_args(ngx_task_t *t);

/*
 * [any] Returns the name of a parameter that the location has declared, the
 * first one with i = 0, in the order of nginx.conf, and sets value to the text
 * of its value; returns NULL if there are no more.  The function needs
 * NGX_TASK_DECLARED.  The text belongs to nginx, and is valid as long as the
 * task.  It is always the same for the same value: a string itself; an int in
 * digits; a number as in JSON; a bool as "true" or "false"; a time in
 * milliseconds and a size in bytes, without a unit; an enum as its choice.  A
 * name has letters, digits and "_"; no two differ in their case alone.  Since
 * version 1.2.
 */

const char *ngx_task_declared(ngx_task_t *t, size_t i, const char **value);

/*
 * [any] Returns the body of the request, for functions with NGX_TASK_RAW_BODY.
 * The bytes belong to the task, and fd is set to -1.  If nginx has spooled the
 * body to a file, NULL is returned, and fd is set to a descriptor that stands
 * at its beginning and is closed with the task.  len is set in both cases, in
 * bytes; without a body it is 0.
 */

const void *ngx_task_body(ngx_task_t *t, size_t *len, int *fd);

/*
 * [any] Returns the bytes of a file in the arguments, file->size of them, and
 * sets fd to -1.  If nginx has spooled the body to a file, NULL is returned,
 * and fd is set to a descriptor of that, in which the bytes begin at offset: it
 * is for pread(), sendfile() and the like, is shared by all files of the task,
 * and is closed with it.  The bytes belong to the task.  For a file that is not
 * there NULL is returned, fd is set to -1, and the task ends with a 500.  Since
 * version 1.2.
 */

const void *ngx_task_file(ngx_task_t *t, const ngx_task_file_t *file, int *fd,
    int64_t *offset);

/*
 * [any] Copies bytes of such a file, from an offset in it, wherever they are.
 * Returns how many, less than len only at its end; or -1, with errno set, if it
 * cannot be read.  It may wait for a disk.  Since version 1.2.
 */

int64_t ngx_task_file_read(ngx_task_t *t, const ngx_task_file_t *file,
    int64_t offset, void *buf, size_t len);

/*
 * [any] The request, for functions with NGX_TASK_CONTEXT.  The strings belong
 * to the task.  Header names are compared without regard to case.  Returns
 * NULL if the request has no such header; a background job keeps no headers.
 * The request id is nginx's $request_id.  The traceparent is that of the span
 * which nginx has made for the request, where ngx_otel_module traces it, else
 * the client's header; a job of such a function keeps it.
 */

const char *ngx_task_method(ngx_task_t *t);
const char *ngx_task_uri(ngx_task_t *t);            /* decoded, no query */
const char *ngx_task_header(ngx_task_t *t, const char *name);
const char *ngx_task_remote_addr(ngx_task_t *t);
const char *ngx_task_request_id(ngx_task_t *t);
const char *ngx_task_traceparent(ngx_task_t *t);

/*
 * [any] Returns 1 if nobody waits for the result any more: the client left,
 * the job was cancelled, task_timeout is over, or the worker has to stop; else
 * 0.  It never changes back, and is cheap enough for a loop.  In task_mode
 * sync it is always 0, since the event loop, which would notice, stands still.
 */

int ngx_task_cancelled(ngx_task_t *t);

/*
 * [any] Returns 1, or in the second attempt to run a background job 2, and so
 * on: those before may have done any part of their work.  There is another one
 * only where nginx.conf says so: by "attempts" of the job's store, if its
 * worker was killed, crashed or could not wait; and by "list" of "task_jobs",
 * if a client has asked for it, also of a job that had failed.  Since 1.2.
 */

int ngx_task_attempt(ngx_task_t *t);


/* --- what a function does ------------------------------------------------ */

/*
 * [block] Sleeps for ms milliseconds, never less (but at most a year), and
 * returns NGX_TASK_OK; or returns NGX_TASK_CANCELLED as soon as the task is
 * cancelled.
 */

ngx_task_rc_t ngx_task_block_ms(ngx_task_t *t, int64_t ms);

/*
 * [any] Makes nginx call fn(data) once when the function has ended, in
 * whatever way: done, failed, or cancelled at an await.  The last one is
 * called first, and all before a result is sent.  After a blocking form fn
 * runs in its thread; after an async form it runs on the event loop, and must
 * not block.  fn must neither await nor set a result, which is final already.
 * Without memory to remember it, fn(data) is called now, and the task ends
 * with a 500: the call returns NGX_TASK_FAILED then, else NGX_TASK_OK; before
 * version 1.2 it returned nothing.  If nginx is stopped at once, or crashes, fn
 * is not called.
 */

ngx_task_rc_t ngx_task_defer(ngx_task_t *t, void (*fn)(void *), void *data);

/*
 * [any] Tells how far a background job is: done of total, in any unit, and a
 * short message, which is copied, up to 95 bytes, with U+FFFD for what is not
 * UTF-8.  A NULL message keeps the one that was set before.  The call is cheap
 * enough for a loop; if a client waits for the result, it does nothing.  Since
 * version 1.1.
 */

void ngx_task_progress(ngx_task_t *t, int64_t done, int64_t total,
    const char *message);

/*
 * [any] Writes up to some 1900 bytes to nginx's error log, with the number of
 * the connection, the name of the function, the id of the request if the
 * function has NGX_TASK_CONTEXT, and the id of the job if it is one.  Control
 * characters, and what is not UTF-8, are escaped.
 */

NGX_TASK_PRINTF(3, 4)
void ngx_task_log(ngx_task_t *t, ngx_task_log_level_t level, const char *fmt,
    ...);


/*
 * [block] Runs a program, and returns when it has ended.  Unlike one that
 * system() started, the program ends with the task: when the task is
 * cancelled, its time is over, or the worker has to stop, the program and all
 * of its process group get a SIGTERM, and a SIGKILL when the grace is over.
 * When the program has ended, what is left of its group is killed; a child
 * that has to live on calls setsid().
 *
 * The program has descriptors 0, 1 and 2 and no others, the default action for
 * each signal, no signal blocked, and a session of its own.  No shell is used.
 * A name without a slash is looked up as execvp() does: in the PATH of the
 * worker, which nginx removes unless there is "env PATH;", or else in /bin and
 * /usr/bin.
 *
 * NGX_TASK_OK         the program has run and ended, whatever its status
 * NGX_TASK_CANCELLED  the task was cancelled
 * NGX_TASK_FAILED     it was not started, or had to be ended: error says why
 *
 * With stream, what the program writes is sent by ngx_task_send() as it comes;
 * a client that is slower than the program makes it wait.  The first byte
 * begins the answer: a status, headers and a content type are set before.  If
 * nobody reads on, the program is ended, and the call returns
 * NGX_TASK_CANCELLED.  In task_mode sync nothing can be sent: that is an error.
 *
 * A failure is logged; so is a status that is not 0, with the end of the
 * program's standard error.  In task_mode sync nothing is cancelled, and the
 * worker stands still as long as the program runs.  If the worker crashes, the
 * program is killed, but not what it has started itself.  Since version 1.2.
 */

typedef enum {
    NGX_TASK_INPUT_NONE = 0,             /* /dev/null */
    NGX_TASK_INPUT_BYTES,                /* input; it need not be read to the
                                            end */
    NGX_TASK_INPUT_FD,                   /* input_fd itself, it stays open */
    NGX_TASK_INPUT_BODY                  /* the request's body, from its start,
                                            in memory or in its file: for
                                            functions with NGX_TASK_RAW_BODY */
} ngx_task_input_t;

typedef struct {
    size_t                   size;       /* sizeof(ngx_task_program_t) */
    const char *const       *argv;       /* the name first; ends with NULL */
    const char *const       *env;        /* "NAME=value", ends with NULL; or
                                            NULL: the worker's environment */
    const char              *dir;        /* NULL: the worker's directory */

    ngx_task_input_t         input_type;
    const void              *input;
    size_t                   input_len;
    int                      input_fd;

    size_t                   max_output; /* bytes, more is EFBIG; 0: 1 MB,
                                            with stream no bound */
    int                      stream;     /* 1: the output is not kept, but
                                            sent, see below */
    int64_t                  grace;      /* milliseconds; 0: 1000 */

    /* the outcome, set also for NGX_TASK_CANCELLED and NGX_TASK_FAILED */

    int                      exit_code;  /* -1: it did not exit by itself */
    int                      signal;     /* the signal that ended it, or 0 */
    int                      error;      /* an errno, with NGX_TASK_FAILED */

    /*
     * These end with a null and belong to the task; NULL if the program was
     * not started.
     */

    char                    *output;     /* standard output; with stream "" */
    size_t                   output_len; /* with stream: so much was sent */
    char                    *messages;   /* the last 4 KB of standard error */
    size_t                   messages_len;
} ngx_task_program_t;

ngx_task_rc_t ngx_task_spawn(ngx_task_t *t, ngx_task_program_t *program);


/*
 * [any] Parses JSON to a tree, which belongs to the caller: cJSON_Delete().
 * Returns NULL if the text is not JSON, or if there is no memory.  Use this
 * instead of cJSON_ParseWithLength(), which writes to a global variable while
 * other threads may parse.  It takes no lock.  Numbers may have any length;
 * what stands behind the value is not looked at.  Since version 1.2 it is
 * strict where cJSON is not: the value has to be UTF-8, without null
 * characters, of 1,000 levels of arrays and objects at most.
 */

cJSON *ngx_task_parse_json(const char *text, size_t len);


/* --- what a function answers --------------------------------------------- */

/*
 * [any] Sets a member of the JSON object that is the result; setting a name
 * again replaces its value.  Names and strings are copied, invalid UTF-8 is
 * replaced; a NULL string, or a number that is not finite, becomes null.  If
 * there is no memory, the task ends with a 500.  Each name is compared with
 * all names set before: for thousands of members make one cJSON object.
 */

void ngx_task_set_string(ngx_task_t *t, const char *name, const char *value);
void ngx_task_set_int(ngx_task_t *t, const char *name, int64_t value);
void ngx_task_set_number(ngx_task_t *t, const char *name, double value);
void ngx_task_set_bool(ngx_task_t *t, const char *name, int value);

/*
 * [any] Takes ownership of value, also when it fails; a value of NULL counts
 * as out of memory.  From then on value is the task's.  It may still be
 * changed, and set again by the same name; to set it by another name, or to
 * set a part of another value, is an error and ends in a 500.  A number is
 * sent with as many digits as it needs to be read as the same double.  A value
 * may have at most 1,000 levels of arrays and objects.
 */

void ngx_task_set_json(ngx_task_t *t, const char *name, cJSON *value);

/*
 * [any] Sets the whole result, of any type, in place of what was set before.
 * Takes ownership of value, as ngx_task_set_json() does.
 */

void ngx_task_set_result(ngx_task_t *t, cJSON *value);

/*
 * [any] Sets len bytes as the result.  content_type is copied, data is not:
 * free_fn(data) is called on the event loop when nginx needs them no longer,
 * or in the calling thread if another result replaces them or the call is
 * refused; free_fn may be NULL.  Members, whether set before or after, are
 * dropped.
 */

void ngx_task_set_bytes(ngx_task_t *t, const char *content_type,
    void *data, size_t len, void (*free_fn)(void *));

/*
 * [any] Sets the HTTP status, 200 to 599, or a header of the answer.  Name and
 * value are copied and have to be valid in a header; the case of a name does
 * not matter.  A header that is set twice is sent twice, except for
 * Accept-Ranges, Content-Encoding, Content-Range, ETag, Expires,
 * Last-Modified, Location and Refresh, of which the last one counts.
 * Content-Type, Content-Length, Connection and the like are nginx's own, and
 * refused.  After ngx_task_fail() headers are sent, except those that describe
 * a body; if an error_page replaces the answer, no header is sent.
 */

void ngx_task_set_status(ngx_task_t *t, int status);
void ngx_task_set_header(ngx_task_t *t, const char *name, const char *value);

/*
 * [any] Sets the Content-Type of the answer, also of one that is streamed; the
 * text is copied.  ngx_task_set_bytes() sets another one.  Since version 1.2.
 */

void ngx_task_set_content_type(ngx_task_t *t, const char *content_type);

/*
 * [any] Answers the client with status, 400 to 599, and {"detail": message};
 * message is copied, and is logged, escaped, up to 1024 bytes.  Returns
 * NGX_TASK_FAILED, for the function to return:
 *
 *     return ngx_task_fail(t, 503, "try later");
 */

ngx_task_rc_t ngx_task_fail(ngx_task_t *t, int status, const char *message);


/* --- what a function streams --------------------------------------------- */

/*
 * A function that streams answers before it ends.  It decides so as it runs:
 * the first call of these begins the answer, with the status, the headers and
 * the type that are set by then.  To set a result, a status or a header after
 * that is an error, as it is to stream after a result was set.  The type, if
 * none is set, is that of the first call: application/octet-stream, text/
 * event-stream, or application/jsonl.  Content-Length is nginx's own.
 *
 * Bytes are copied into a buffer of task_stream_buffer bytes, from which nginx
 * sends them at once.  While the buffer is full, since the client is slower
 * than the function, the call waits.
 *
 * NGX_TASK_OK         all was copied, and will be sent
 * NGX_TASK_CANCELLED  nobody reads on: see ngx_task_cancelled(), an async form
 *                     just does not go on then; or there is no body to send,
 *                     as for HEAD: by the first call
 * NGX_TASK_FAILED     there is no memory, or it was called wrongly: the log has
 *                     why
 *
 * What was copied is sent, whatever the function returns.  If it fails then,
 * also by ngx_task_fail(), if its time is over, or its worker has to stop, the
 * client sees a body without an end: the connection is closed, the stream of
 * HTTP/2 reset.  A stream of events first gets an event "error" with {"detail":
 * message} as its data; if the worker has to stop, it gets a "retry" in place
 * of this, and a proper end: its client comes back.  Since version 1.2.
 */

/*
 * [block] Sends len bytes.  With 0 it sends the headers, if they were not.  In
 * task_mode sync nothing can be sent: that is an error.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_send(ngx_task_t *t, const void *data, size_t len);

/*
 * [block] Sends a server-sent event.  Each of the three may be NULL, and is
 * left out then.  Lines of data may end with LF, CRLF or CR; name and id have
 * one line.  After 15 seconds of silence, see task_stream_ping, nginx sends a
 * comment of its own: not within an event that the function sends by
 * ngx_task_send(), which ends with a call whose bytes end with an empty line.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_send_event(ngx_task_t *t, const char *event,
    const char *id, const char *data);

/* [block] Sends a line of JSON, and frees value, also when it fails. */

NGX_TASK_USE
ngx_task_rc_t ngx_task_send_line(ngx_task_t *t, cJSON *value);


/* --- async --------------------------------------------------------------- */

/*
 * An async form begins with NGX_TASK_BEGIN() and ends with NGX_TASK_END().
 * At an await it returns to the event loop, and goes on at the same place when
 * what it awaits has ended.  So
 *
 *     local variables do not keep their values across an await: what has to be
 *     kept goes into the state, which nginx zeroes before the function begins;
 *     there is no switch statement around an await: it ends in a 500.
 */

struct ngx_task_frame_s {
    void                    *state;      /* state_size bytes */
    ngx_task_rc_t            rc;         /* how the last await ended */

    /* private */
    int                      line;
    void                    *branch;
    ngx_task_async_pt        fn;
    ngx_task_frame_t        *caller;
};


#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 7)
#define NGX_TASK_FALLTHROUGH  __attribute__((fallthrough))
#else
#define NGX_TASK_FALLTHROUGH  (void) 0
#endif


/* [async] By NGX_TASK_BEGIN() alone: there is no such await in its scope. */

ngx_task_rc_t ngx_task_lost(ngx_task_frame_t *f);

#define NGX_TASK_BEGIN(f)                                                     \
    {                                                                         \
    struct ngx_task_scope_s { char  begun[2]; };                              \
    switch ((f)->line) {                                                      \
    default:                                                                  \
        return ngx_task_lost(f);                                              \
    case 0:

/* no switch of the function's own has such cases */

#define NGX_TASK_AWAIT(f, call)                                               \
    NGX_TASK_AWAIT_AT(f, call, __COUNTER__ + 0x40000000)

#define NGX_TASK_AWAIT_AT(f, call, place)                                     \
    do {                                                                      \
        NGX_TASK_ASSERT(sizeof(struct ngx_task_scope_s) == 2,                 \
                        "NGX_TASK_AWAIT() without NGX_TASK_BEGIN()");         \
        (f)->line = place;                                                    \
        (f)->rc = (call);                                                     \
        if ((f)->rc == NGX_TASK_AGAIN) {                                      \
            return NGX_TASK_AGAIN;                                            \
        }                                                                     \
        NGX_TASK_FALLTHROUGH;                                                 \
    case place:                                                               \
        ;                                                                     \
    } while (0)

#define NGX_TASK_END(f)                                                       \
    {                                                                         \
        NGX_TASK_ASSERT(sizeof(struct ngx_task_scope_s) == 2,                 \
                        "NGX_TASK_END() without NGX_TASK_BEGIN()");           \
    }                                                                         \
    }                                                                         \
    }                                                                         \
    return NGX_TASK_OK


/*
 * [async] Sleeps for ms milliseconds, never less (but at most a year).  With 0
 * it goes on at once, without letting others run.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_sleep(ngx_task_frame_t *f, int64_t ms);

/*
 * [async] Runs another async function with state as its state, which belongs
 * to the caller and is not zeroed.  The await ends with what fn returns.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_call(ngx_task_frame_t *f, ngx_task_async_pt fn,
    void *state);

/*
 * [async] Runs n async functions at once, but no more than limit of them at a
 * time, if that is not 0.  Each has a state of its own, which belongs to the
 * caller and is not zeroed; children, too, have to stay where they are.  The
 * await ends with NGX_TASK_OK when all have ended, and each child has its rc.
 * With NGX_TASK_GATHER_FIRST_ERROR it ends with what the first child returns
 * that does not return NGX_TASK_OK: then the others are cancelled where they
 * await something, their rc is NGX_TASK_CANCELLED, and those that were not
 * begun never are.  The await ends when no thread uses the state of a child any
 * more.
 *
 * For many children give a limit: half a KB for each that may run at a time is
 * allocated, and zeroed, at once.  Gathers that are nested end one within the
 * other, on the stack of the event loop: thousands of levels fit, but not any
 * number of them, as of a function that gathers itself.
 *
 * A child may do what the function may: it gathers, too, and its result is that
 * of the task.  But a piece of it, see ngx_task_offload(), runs while others
 * run: it sets no result, streams and defers nothing, gives no program the
 * body, and returns what it has found in its data.  If it is cancelled alone,
 * ngx_task_cancelled() and ngx_task_block_ms() tell that in its thread.  What a
 * child has deferred is called when the task has ended.  If it is cancelled
 * while it writes, an event or a line of which a part is sent is sent to its
 * end, but of ngx_task_write() not.  Misuse in a child ends the task.  Since
 * version 1.2.
 */

typedef struct {
    ngx_task_async_pt        fn;
    void                    *state;
    ngx_task_rc_t            rc;         /* what it has returned */
} ngx_task_child_t;

#define NGX_TASK_GATHER_FIRST_ERROR  0x0001

NGX_TASK_USE
ngx_task_rc_t ngx_task_gather(ngx_task_frame_t *f, ngx_task_child_t *children,
    size_t n, size_t limit, unsigned flags);

/*
 * [async] Runs an async function as the only child of a gather, for ms
 * milliseconds at most.  The await ends with what it returns, or with
 * NGX_TASK_TIMEOUT when the time is over: then it is cancelled, as a child of a
 * gather is, and never begins if it has not begun.  A function returns this rc
 * to no one but its own await: nginx takes ngx_task_fail().  Since version 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_timeout(ngx_task_frame_t *f, int64_t ms,
    ngx_task_async_pt fn, void *state);

/*
 * [async] Runs fn(t, data) in a thread of the named pool, or of nginx's pool
 * "default" if pool is NULL.  The await ends with what fn returns, or with
 * NGX_TASK_BUSY if the pool's queue is full; the piece of a job waits until
 * there is room instead.  The state is kept until the piece has returned, also
 * if the task is cancelled meanwhile.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_offload(ngx_task_frame_t *f, const char *pool,
    ngx_task_piece_pt fn, void *data);

/*
 * [async] Waits until a descriptor has one of events, see NGX_TASK_READABLE,
 * for ms milliseconds at most; with a negative ms without a bound.  The
 * descriptor stays the caller's, and is not changed; nginx looks at a duplicate
 * of it.
 *
 * NGX_TASK_OK       what it was waited for may be tried: it may still have to
 *                   be waited for again
 * NGX_TASK_TIMEOUT  the time is over
 * NGX_TASK_BUSY     nginx is out of worker_connections, or of descriptors
 *
 * For what is no descriptor, or that of a file, the task ends with a 500.
 * Since version 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_wait_fd(ngx_task_frame_t *f, int fd, unsigned events,
    int64_t ms);

/*
 * A promise is something that another thread, one that a library has made, too,
 * or a callback completes.  It has size bytes of zeros as its data, which are
 * the completing side's until it has called ngx_task_resolve(), and then the
 * function's.  They are freed when both sides are done: when it was resolved,
 * and the task has ended.  free_fn(data), unless it is NULL, is called before
 * that, on the event loop, for what data points to.  So a promise that is never
 * resolved is never freed, and the other side may use its data when the task is
 * long gone; the state of the function it may not.
 *
 * The structure may be copied, and is given to the other side by value.
 */

typedef struct {
    void                    *data;

    /* private */
    void                    *memory;
    uint64_t                 generation;
} ngx_task_promise_t;

/*
 * [async] Makes a promise; it is no await.  Returns NGX_TASK_FAILED if there is
 * no memory.  Since version 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_promise(ngx_task_frame_t *f,
    ngx_task_promise_t *promise, size_t size, void (*free_fn)(void *data));

/*
 * [async] Waits for a promise of this task, and ends with what it was resolved
 * with, at once if it was; see ngx_task_timeout() for a bound.  Since version
 * 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_wait(ngx_task_frame_t *f,
    const ngx_task_promise_t *promise);

/*
 * Completes a promise, from any thread, but not from a signal handler.  It
 * never waits, and the function goes on later, on the event loop.  The first
 * call counts, and returns 1; any other one, however late, does nothing and
 * returns 0.  rc is NGX_TASK_OK, _FAILED, _CANCELLED, _BUSY or _TIMEOUT.  Since
 * version 1.2.
 */

int ngx_task_resolve(const ngx_task_promise_t *promise, ngx_task_rc_t rc);

/*
 * An HTTP request of the function's own, that a location of the same server
 * answers, such as
 *
 *     location /backend/ {
 *         internal;
 *         proxy_pass https://backend.example.com/;
 *     }
 *
 * So nginx.conf decides what a function can reach, and TLS, connections that
 * are kept, retries, caches and limits are nginx's own.  The request is like
 * one of a client's, but "internal" locations are open to it: its client has
 * the address of the function's client; a background job, which has none, that
 * of a UNIX socket.  It has no header of the client's, but traceparent, as of
 * ngx_task_traceparent(), and, with NGX_TASK_CONTEXT, X-Request-ID, which is
 * $request_id; Content-Length and the like are nginx's.  What a job fetches has
 * them with that flag alone.  A redirect is a reply like any other.
 */

typedef struct {
    const char              *name;
    const char              *value;
} ngx_task_header_t;

/* a reply that is large is in a file */

#define NGX_TASK_FETCH_FILE  0x0001

/* the body is that of the function's own request, see NGX_TASK_RAW_BODY */

#define NGX_TASK_FETCH_BODY  0x0002

typedef struct {
    size_t                    size;      /* sizeof(ngx_task_request_t) */
    const char               *method;    /* NULL: "GET" */
    const char               *uri;       /* "/backend/items?n=1", escaped */
    const ngx_task_header_t  *headers;
    size_t                    nheaders;
    const void               *body;      /* stays until the await has ended */
    size_t                    body_len;
    size_t                    max_body;  /* of the reply; 0: 1 MB */
    int64_t                   timeout;   /* milliseconds; 0: those of nginx.conf
                                            alone */
    unsigned                  flags;
} ngx_task_request_t;

typedef struct {
    int                       status;    /* 0: there is no reply, see error */
    const ngx_task_header_t  *headers;
    size_t                    nheaders;
    const char               *body;      /* a null is behind it; NULL: it is in
                                            a file */
    size_t                    body_len;
    int                       fd;        /* of the file, at its start; or -1 */
    int                       error;     /* an errno, or 0 */
} ngx_task_reply_t;

/*
 * [async] Sends the request; all but its body is copied.  *reply is set at
 * once, and has the reply when the await has ended; it belongs to the task.
 *
 * NGX_TASK_OK       there is a reply, whatever its status: nginx itself answers
 *                   502 or 504 if a server does not
 * NGX_TASK_TIMEOUT  the request took longer than its timeout
 * NGX_TASK_BUSY     nginx is out of worker_connections, of which the request
 *                   takes one, and one more to a server; or of descriptors
 * NGX_TASK_FAILED   reply->error is EFBIG: its body is larger than max_body;
 *                   EPIPE: it was cut off; EPROTO: it has no header, as what
 *                   a server sends that does not speak HTTP; EINVAL: the
 *                   method, the URI or a header is not valid; ELOOP: a function
 *                   fetches itself; ENOMEM, or what a file told
 *
 * The largest body in memory is 64 KB with NGX_TASK_FETCH_FILE.  Since version
 * 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_fetch(ngx_task_frame_t *f,
    const ngx_task_request_t *request, const ngx_task_reply_t **reply);

/*
 * [async] Returns the value of the first header of that name, in any case; or
 * NULL.  It belongs to the reply.  Since version 1.2.
 */

const char *ngx_task_reply_header(const ngx_task_reply_t *reply,
    const char *name);

/*
 * [async] Frees a reply before the task has ended, for a function that fetches
 * many; once, as it is gone then.  NULL, and one that is awaited, is left
 * alone.  Since version 1.2.
 */

void ngx_task_reply_free(const ngx_task_reply_t *reply);

/*
 * [async] The same as ngx_task_send() and its like, awaited.  The await ends
 * with what they return.  The bytes given to ngx_task_write() belong to the
 * function, and have to stay until the await has ended.  Since version 1.2.
 */

NGX_TASK_USE
ngx_task_rc_t ngx_task_write(ngx_task_frame_t *f, const void *data,
    size_t len);

NGX_TASK_USE
ngx_task_rc_t ngx_task_write_event(ngx_task_frame_t *f, const char *event,
    const char *id, const char *data);

NGX_TASK_USE
ngx_task_rc_t ngx_task_write_line(ngx_task_frame_t *f, cJSON *value);


#ifdef __cplusplus
}
#endif


/* --- private: what the macros above are made of -------------------------- */

/* in an async function it is hidden by a larger one, see NGX_TASK_BEGIN() */

struct ngx_task_scope_s { char  none[1]; };

#define NGX_TASK_MEMBER(args_t, member, ...)                                  \
    .size = sizeof(((args_t *) 0)->member)

#define NGX_TASK_PARAM_OF(args_t, member, ...)                                \
    { .name = #member,                                                        \
      .type = NGX_TASK_TYPE_OF(((args_t *) 0)->member),                       \
      .offset = offsetof(args_t, member), __VA_ARGS__ }

#define NGX_TASK_PARAM_IS(args_t, member, type_, ...)                         \
    { .name = #member,                                                        \
      .type = NGX_TASK_TYPE_IS(((args_t *) 0)->member, type_),                \
      .offset = offsetof(args_t, member), __VA_ARGS__ }

#define NGX_TASK_ITEMS(args_t, member, ...)                                   \
    .size = sizeof(((args_t *) 0)->member),                                   \
    .item = sizeof(((args_t *) 0)->member.items[0])

#define NGX_TASK_LIST_OF(args_t, member, ...)                                 \
    { .name = #member,                                                        \
      .type = NGX_TASK_TYPE_OF(((args_t *) 0)->member.items[0]),              \
      .offset = offsetof(args_t, member), __VA_ARGS__ }

#define NGX_TASK_LIST_IS(args_t, member, type_, ...)                          \
    { .name = #member,                                                        \
      .type = NGX_TASK_TYPE_IS(((args_t *) 0)->member.items[0], type_),       \
      .offset = offsetof(args_t, member), __VA_ARGS__ }

#define NGX_TASK_OBJECT_OF(args_t, member, table, ...)                        \
    { .name = #member, .type = NGX_TASK_OBJECT,                               \
      .offset = offsetof(args_t, member), __VA_ARGS__ }

#define NGX_TASK_FIELDS(pointer, table, ...)                                  \
    .fields = { sizeof(*(pointer)), table,                                    \
                sizeof(table) / sizeof((table)[0]) }

/* the types that a member can hold, as bits */

#define NGX_TASK_HOLDS_INT64                                                  \
    (1 << NGX_TASK_INT | 1 << NGX_TASK_TIME | 1 << NGX_TASK_SIZE)
#define NGX_TASK_HOLDS_INT     (1 << NGX_TASK_BOOL | 1 << NGX_TASK_ENUM)
#define NGX_TASK_HOLDS_DOUBLE  (1 << NGX_TASK_NUMBER)
#define NGX_TASK_HOLDS_STRING  (1 << NGX_TASK_STRING)
#define NGX_TASK_HOLDS_BOOL    (1 << NGX_TASK_BOOL)
#define NGX_TASK_HOLDS_JSON    (1 << NGX_TASK_JSON)
#define NGX_TASK_HOLDS_FILE    (1 << NGX_TASK_FILE)

#ifdef __cplusplus

#define NGX_TASK_ASSERT(truth, message)  static_assert(truth, message)

/* the types that a member can hold, and the one that NGX_TASK_PARAM() sees */

template <int holds, int sees> struct ngx_task_holding {
    static constexpr int  types = holds;
    static constexpr int  seen = sees;
};

template <typename T> struct ngx_task_holds
    : ngx_task_holding<__is_enum(T) && sizeof(T) == sizeof(int)
                       ? 1 << NGX_TASK_ENUM : 0, -1> { };
template <typename T> struct ngx_task_holds<const T> : ngx_task_holds<T> { };
template <typename T> struct ngx_task_holds<T &> : ngx_task_holds<T> { };
template <> struct ngx_task_holds<int64_t>
    : ngx_task_holding<NGX_TASK_HOLDS_INT64, NGX_TASK_INT> { };
template <> struct ngx_task_holds<double>
    : ngx_task_holding<NGX_TASK_HOLDS_DOUBLE, NGX_TASK_NUMBER> { };
template <> struct ngx_task_holds<const char *>
    : ngx_task_holding<NGX_TASK_HOLDS_STRING, NGX_TASK_STRING> { };
template <> struct ngx_task_holds<bool>
    : ngx_task_holding<NGX_TASK_HOLDS_BOOL, NGX_TASK_BOOL> { };
template <> struct ngx_task_holds<int>
    : ngx_task_holding<NGX_TASK_HOLDS_INT, -1> { };
template <> struct ngx_task_holds<const cJSON *>
    : ngx_task_holding<NGX_TASK_HOLDS_JSON, NGX_TASK_JSON> { };
template <> struct ngx_task_holds<ngx_task_file_t>
    : ngx_task_holding<NGX_TASK_HOLDS_FILE, NGX_TASK_FILE> { };

template <typename T>
constexpr ngx_task_type_t ngx_task_type_of()
{
    static_assert(ngx_task_holds<T>::seen != -1,
                  "the member has to be int64_t, double, const char *, bool, "
                  "const cJSON * or ngx_task_file_t");

    return static_cast<ngx_task_type_t>(ngx_task_holds<T>::seen);
}

template <typename T, ngx_task_type_t type>
constexpr ngx_task_type_t ngx_task_type_is()
{
    static_assert((ngx_task_holds<T>::types >> type & 1) != 0,
                  "the member cannot hold this type");

    return type;
}

#define NGX_TASK_TYPE_OF(member)  ngx_task_type_of<decltype(member)>()
#define NGX_TASK_TYPE_IS(member, type)                                        \
    ngx_task_type_is<decltype(member), type>()

#else

#define NGX_TASK_ASSERT(truth, message)                                       \
    __extension__ _Static_assert(truth, message)

#define NGX_TASK_HOLDS(member)                                                \
    __extension__ _Generic((member),                                          \
        int64_t: NGX_TASK_HOLDS_INT64, double: NGX_TASK_HOLDS_DOUBLE,         \
        const char *: NGX_TASK_HOLDS_STRING, _Bool: NGX_TASK_HOLDS_BOOL,      \
        int: NGX_TASK_HOLDS_INT, unsigned int: NGX_TASK_HOLDS_INT,            \
        const cJSON *: NGX_TASK_HOLDS_JSON,                                   \
        ngx_task_file_t: NGX_TASK_HOLDS_FILE,                                 \
        default: 0)

/* the type that NGX_TASK_PARAM() sees */

#define NGX_TASK_SEEN(member)                                                 \
    __extension__ _Generic((member),                                          \
        int64_t: NGX_TASK_INT, double: NGX_TASK_NUMBER,                       \
        const char *: NGX_TASK_STRING, _Bool: NGX_TASK_BOOL,                  \
        const cJSON *: NGX_TASK_JSON, ngx_task_file_t: NGX_TASK_FILE,         \
        default: -1)

/* a constant; without truth, the error of the compiler has the words */

#define NGX_TASK_CHECKED(value, truth, words)                                 \
    (0 * sizeof(struct { int  words : (truth) ? 1 : -1; }) + (value))

#define NGX_TASK_TYPE_OF(member)                                              \
    NGX_TASK_CHECKED(NGX_TASK_SEEN(member), NGX_TASK_SEEN(member) != -1,      \
        the_member_has_to_be_int64_t_double_const_char_pointer_or_bool)
#define NGX_TASK_TYPE_IS(member, type)                                        \
    NGX_TASK_CHECKED(type, NGX_TASK_HOLDS(member) >> (type) & 1,              \
                     the_member_cannot_hold_this_type)

#endif


#endif /* _NGX_TASK_H_INCLUDED_ */
