
/*
 * What can be run, and what it takes: libraries, their functions, parameters
 * and values.  Directives are read while nginx reads its configuration; values
 * may be made in any thread.
 */


#ifndef _NGX_HTTP_TASK_FUNCTION_H_INCLUDED_
#define _NGX_HTTP_TASK_FUNCTION_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "answer/ngx_http_task_answer.h"
#include "function/ngx_http_task_value.h"
#include "text/ngx_http_task_text.h"


/*
 * Bytes of the path by which a library is loaded; and the sizes of a library's
 * structures in version 1.0 of ngx_task.h.
 */

#define NGX_HTTP_TASK_LIBRARY_PATH   192
#define NGX_HTTP_TASK_LIBRARY_SIZE                                            \
    (offsetof(ngx_task_library_t, stop) + sizeof(void (*)(void)))
#define NGX_HTTP_TASK_FUNCTION_SIZE                                           \
    (offsetof(ngx_task_function_t, flags) + sizeof(size_t))
#define NGX_HTTP_TASK_PARAM_SIZE                                              \
    (offsetof(ngx_task_param_t, choices) + sizeof(char *))

typedef struct ngx_http_task_function_s  ngx_http_task_function_t;
typedef struct ngx_http_task_settings_s  ngx_http_task_settings_t;


typedef struct {
    ngx_task_library_t               table;        /* a copy, of our size */
    ngx_str_t                        name;
    ngx_str_t                        file;
    u_char                           path[NGX_HTTP_TASK_LIBRARY_PATH];
                                                   /* the dynamic linker's */
    ngx_str_t                        modified;     /* ISO 8601; of the file */
    ngx_http_task_function_t        *functions;
    ngx_uint_t                       nfunctions;
    ngx_http_task_settings_t        *settings;     /* NULL: it has none */
    ngx_uint_t                       builtin;      /* part of the module */
    ngx_uint_t                       failed;       /* its start did, here */
} ngx_http_task_library_t;


struct ngx_http_task_function_s {
    ngx_str_t                        name;
    ngx_http_task_library_t         *library;
    ngx_task_function_t              table;        /* a copy, of our size */
    ngx_http_task_table_t            args;
    ngx_uint_t                       methods;      /* 0: the default ones */
    ngx_uint_t                       bodies;       /* NGX_TASK_BODY_..; 0: a
                                                      raw one */
    ngx_str_t                        accept;       /* types of bodies; empty:
                                                      any */
    ngx_str_t                        unsupported;  /* body of a 415 */
    ngx_uint_t                       settings;     /* it is no function: its
                                                      parameters are settings
                                                      of its library */
    int                              empty;        /* [both] it was logged that
                                                      it sets no result */
};


/* what a "task_param" says of a parameter; data is NULL: nothing */

typedef struct {
    ngx_str_t               name;
    ngx_str_t               def;
    ngx_str_t               min;
    ngx_str_t               max;
    ngx_http_task_place_t   place;
    ngx_task_param_t       *declared;      /* by "type="; NULL: it is not */
} ngx_http_task_narrow_t;


/* a "name=value" of "task" */

typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        value;
    ngx_http_complex_value_t        *variable;     /* NULL: it is literal */
} ngx_http_task_fix_t;


/* a location's function, and where its parameters come from */

typedef struct {
    ngx_array_t                     *libraries;    /* pointers to all */
    ngx_http_task_function_t        *function;     /* NULL: no "task" */
    ngx_array_t                     *args;         /* ngx_http_task_arg_t: the
                                                      function's own, then
                                                      those of the location */
    size_t                           args_size;    /* bytes of all */
    ngx_uint_t                       open;         /* left to the request */
    ngx_uint_t                       query;        /* likewise, or $arg_.. */
    size_t                           compound;     /* bytes of input that the
                                                      loop may read, as it may
                                                      be many values; 0: it is
                                                      not */
    ngx_uint_t                       secret;       /* some parameter is one */
    void                            *ready;        /* arguments if a request
                                                      gives none; NULL: some
                                                      are required, or are
                                                      variables */
    ngx_array_t                     *narrow;       /* by "task_param" */
    ngx_array_t                     *later;        /* ngx_http_task_fix_t, of
                                                      those of the location */
} ngx_http_task_args_conf_t;


/* the settings of a library, as nginx.conf has them */

struct ngx_http_task_settings_s {
    ngx_http_task_function_t         function;     /* has their table */
    ngx_http_task_args_conf_t        conf;         /* ready: the structure */
    ngx_http_task_place_t            place;        /* of "task_load" */
};


/* what messages call a function, and a parameter of it */

#define ngx_http_task_function_kind(function)                                 \
    ((function)->settings ? "task library" : "task")
#define ngx_http_task_param_kind(function)                                    \
    ((function)->settings ? "setting" : "parameter")


/* --- libraries: ngx_http_task_library.c ---------------------------------- */

/* adds the built-in library as the first; harmless if it is there */

ngx_int_t ngx_http_task_library_builtin(ngx_conf_t *cf, ngx_array_t *libraries,
    const ngx_task_library_t *descriptor);
ngx_int_t ngx_http_task_library_load(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *file);


/*
 * ngx_http_task_symbols.c: warns of a function of the library in place of which
 * another object's is called
 */

void ngx_http_task_symbols_check(ngx_conf_t *cf, ngx_str_t *file,
    void *handle);

/*
 * Called in a worker: from then on the second returns the file of the library
 * that the dynamic linker has by this path, or the path; any thread, signal
 * handlers, too.
 */

void ngx_http_task_library_init(ngx_array_t *libraries);
const char *ngx_http_task_library_file(const char *path);


/*
 * ngx_http_task_copy.c: returns the descriptor of a copy, and sets its path;
 * or NGX_INVALID_FILE, the reason is then logged
 */

ngx_fd_t ngx_http_task_copy_make(ngx_conf_t *cf,
    ngx_http_task_library_t *library);

/* returns 0 if the end of the file is missing, which would be mapped */

ngx_uint_t ngx_http_task_copy_whole(ngx_fd_t copy);


/* --- hooks of libraries: ngx_http_task_hooks.c --------------------------- */

/* called in a worker, before its first task and after its last */

void ngx_http_task_hooks_start(ngx_array_t *libraries);
void ngx_http_task_hooks_stop(ngx_array_t *libraries);


/* --- settings of libraries: ngx_http_task_settings.c --------------------- */

/* reads the table, if there is one, of the library that was loaded last */

ngx_int_t ngx_http_task_settings_add(ngx_conf_t *cf, ngx_array_t *libraries);

/* "task_set" */

char *ngx_http_task_settings_set(ngx_conf_t *cf, ngx_array_t *libraries);

/* called when all of the configuration was read: makes the structures */

ngx_int_t ngx_http_task_settings_ready(ngx_conf_t *cf, ngx_array_t *libraries);


/* --- tables of a library: ngx_http_task_table.c -------------------------- */

#define NGX_HTTP_TASK_ENDLESS  ((ngx_uint_t) -1)

/*
 * Returns the number of rows of this size: n, or, if n is 0 or the table ends
 * before, those before a row whose name is NULL.
 */

ngx_uint_t ngx_http_task_table_rows(u_char *table, size_t size, ngx_uint_t n);


/* --- functions: ngx_http_task_functions.c -------------------------------- */

ngx_int_t ngx_http_task_functions_add(ngx_conf_t *cf,
    ngx_http_task_library_t *library);

/*
 * ngx_http_task_media.c: which bodies a function takes.  The first reads its
 * flags; the second returns what is wrong with them, or NULL; the third returns
 * 1 if a raw body may have this Content-Type.
 */

ngx_int_t ngx_http_task_media_init(ngx_conf_t *cf,
    ngx_http_task_function_t *function);
const char *ngx_http_task_media_wrong(const ngx_http_task_function_t *function);
ngx_uint_t ngx_http_task_media_raw(const ngx_http_task_function_t *function,
    ngx_str_t *type);

/* returns a Content-Type without its parameters */

ngx_str_t ngx_http_task_media_name(ngx_str_t *type);

/* returns the function, or NULL; the reason is then logged */

ngx_http_task_function_t *ngx_http_task_functions_find(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_str_t *name);

/*
 * ngx_http_task_unknown.c: log what is not known, and what is; return
 * NGX_ERROR.  last is the name of the function without that of a library.
 */

ngx_int_t ngx_http_task_unknown_function(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_str_t *name, ngx_str_t *last);
ngx_int_t ngx_http_task_unknown_param(ngx_conf_t *cf,
    ngx_http_task_place_t *place, ngx_http_task_args_conf_t *conf,
    ngx_str_t *name);

/* a library that "task_set" names */

ngx_int_t ngx_http_task_unknown_library(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_str_t *name);

/* NGX_OK: some function has a parameter of that name */

ngx_int_t ngx_http_task_unknown_anywhere(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_str_t *name);


/* --- parameters, as a table has them: ngx_http_task_param.c -------------- */

/*
 * Called once for a function: reads its table, and those of objects in it, and
 * makes the args, which each location copies.
 */

ngx_int_t ngx_http_task_param_table(ngx_conf_t *cf,
    ngx_http_task_function_t *function);

/*
 * ngx_http_task_param_wrong.c: returns what is wrong with a row, or NULL; those
 * before it are right.  Fields of objects have a depth that is not 0.
 */

const char *ngx_http_task_param_wrong(ngx_http_task_function_t *function,
    const ngx_http_task_table_t *table, ngx_uint_t i, ngx_uint_t depth);

/* returns 1 if one of the table, or of an object in it, has the flag */

ngx_uint_t ngx_http_task_param_flagged(const ngx_http_task_table_t *table,
    size_t flag);

/* returns 1 if these are choices of an enum, such as "red|green" */

ngx_uint_t ngx_http_task_param_choices(const char *p);

/* returns 1 if it may be the name of a library, function or parameter */

ngx_uint_t ngx_http_task_param_name(const char *name);

/* returns a value as it may be logged: for a secret, "[secret]" */

ngx_str_t *ngx_http_task_param_shown(ngx_http_task_arg_t *arg,
    ngx_str_t *text);


/* --- a parameter in the configuration: ngx_http_task_arg.c --------------- */

/* returns the parameter of the location, or NULL */

ngx_http_task_arg_t *ngx_http_task_arg_find(ngx_http_task_args_conf_t *conf,
    ngx_str_t *name);

/*
 * "name=value" of "task": the first looks for variables in it, also for a
 * parameter that is not known yet, which is NULL.  "task_param" is the last.
 */

ngx_int_t ngx_http_task_arg_compile(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_http_task_fix_t *fix);

/*
 * ngx_http_task_source.c: sets where a parameter comes from, by the value that
 * it has in this location.
 */

ngx_int_t ngx_http_task_source_set(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_str_t *value);

/* warns of a capture with the name of a parameter that is not given it */

void ngx_http_task_source_unused(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_http_task_place_t *place);

ngx_int_t ngx_http_task_arg_fix(ngx_conf_t *cf, ngx_http_task_place_t *place,
    ngx_http_task_arg_t *arg, ngx_http_task_fix_t *fix);
ngx_int_t ngx_http_task_arg_narrow(ngx_conf_t *cf, ngx_http_task_arg_t *arg,
    ngx_http_task_narrow_t *narrow);


/*
 * ngx_http_task_quoted.c: sets text to a word of "task", or to a few of them if
 * these are name="a value"; returns how many; 0: no memory
 */

ngx_uint_t ngx_http_task_quoted(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_str_t *text);


/* --- parameters of a location: ngx_http_task_declare.c ------------------- */

/* "task_param ... type= choices=": sets narrow->declared */

ngx_int_t ngx_http_task_declare_read(ngx_conf_t *cf,
    ngx_http_task_narrow_t *narrow, ngx_str_t *type, ngx_str_t *choices);

/*
 * Adds those of conf->narrow to conf->args.  own: they stand in this location,
 * whose function has to take some.
 */

ngx_int_t ngx_http_task_declare_args(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_uint_t own);


/* --- parameters in the configuration: ngx_http_task_args.c --------------- */

/*
 * ngx_http_task_narrow.c: "task_param"; a ngx_http_task_args_conf_t is at the
 * offset in conf.
 */

char *ngx_http_task_args_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Uses those of conf->narrow.  own: those of this very location.  Only these
 * must name a parameter of its function; inherited ones may be meant for other
 * tasks.
 */

ngx_int_t ngx_http_task_args_narrow(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_array_t *own);

/* "task": sets the function; fixes the parameters of "name=value", n words */

ngx_int_t ngx_http_task_args_function(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_str_t *name);
ngx_int_t ngx_http_task_args_fix(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf, ngx_str_t *words, ngx_uint_t n);

/* makes the parameters of conf->function, before anything is said of them */

ngx_int_t ngx_http_task_args_copy(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *conf);

/*
 * Also makes the arguments for requests that give none, conf->ready, and has
 * the function look at those that are fixed.  The place is that of "task".
 */

ngx_int_t ngx_http_task_args_merge(ngx_conf_t *cf,
    ngx_http_task_args_conf_t *prev, ngx_http_task_args_conf_t *conf,
    ngx_http_task_place_t *place);

/* returns the first time that a request may choose without bound, or NULL */

ngx_http_task_arg_t *ngx_http_task_args_unbounded(
    ngx_http_task_args_conf_t *conf);


/* --- arguments: ngx_http_task_value.c; any thread ------------------------ */

/* returns the arguments, made from one value each; NULL: no memory */

void *ngx_http_task_value_args(ngx_pool_t *pool,
    const ngx_http_task_args_conf_t *conf, ngx_http_task_value_t *values);


#endif /* _NGX_HTTP_TASK_FUNCTION_H_INCLUDED_ */
