
/*
 * Parameters and their values: what a table of a library says of one, and what
 * is read, checked and written to a structure.  Values may be made in any
 * thread.
 */


#ifndef _NGX_HTTP_TASK_VALUE_H_INCLUDED_
#define _NGX_HTTP_TASK_VALUE_H_INCLUDED_


#include "base/ngx_http_task_base.h"
#include "answer/ngx_http_task_answer.h"
#include "text/ngx_http_task_text.h"


/* how many objects may stand within each other */

#define NGX_HTTP_TASK_FIELDS_DEPTH   32


typedef struct ngx_http_task_arg_s  ngx_http_task_arg_t;


typedef struct {
    const void                      *items;
    size_t                           n;
} ngx_http_task_list_t;


typedef union {
    int64_t                          integer;      /* also bool and enum */
    double                           number;
    ngx_str_t                        string;       /* ends with a null */
    const void                      *pointer;      /* JSON, or an object */
    ngx_task_file_t                 *file;         /* NULL: there is none */
    ngx_http_task_list_t             list;         /* of values of any type */
} ngx_http_task_value_t;


typedef struct {
    ngx_http_task_value_t            value;        /* a string's: integer */
    ngx_str_t                        text;         /* as configured */
    unsigned                         set:1;
    unsigned                         exclusive:1;
} ngx_http_task_bound_t;


/* a structure and its parameters: the arguments of a function, or an object */

typedef struct {
    ngx_task_param_t                *params;       /* copies, of our size */
    ngx_http_task_arg_t             *args;         /* before configuration */
    ngx_uint_t                       nargs;
    size_t                           size;
} ngx_http_task_table_t;


/* where a parameter comes from, as its value in nginx.conf tells */

typedef enum {
    NGX_HTTP_TASK_SOURCE_REQUEST = 0,  /* the query, or the body */
    NGX_HTTP_TASK_SOURCE_PATH,         /* $1, or what the location captures */
    NGX_HTTP_TASK_SOURCE_QUERY,        /* $arg_..: under another name */
    NGX_HTTP_TASK_SOURCE_HEADER,       /* $http_.. */
    NGX_HTTP_TASK_SOURCE_COOKIE,       /* $cookie_.. */
    NGX_HTTP_TASK_SOURCE_OTHER         /* any other value with variables */
} ngx_http_task_source_e;


/* a parameter of a function, as it is in a location */

struct ngx_http_task_arg_s {
    const ngx_task_param_t          *param;
    ngx_str_t                        name;
    ngx_http_task_table_t           *fields;       /* of an object */

    ngx_http_task_value_t            def;
    ngx_http_task_bound_t            min;
    ngx_http_task_bound_t            max;

    ngx_http_task_value_t            value;        /* if fixed, and .. */
    ngx_http_complex_value_t        *variable;     /* .. this is NULL */

    ngx_http_task_source_e           source;
    ngx_str_t                        source_name;  /* in errors; a null is
                                                      behind it */
    ngx_uint_t                       capture;      /* the number of a path's */

    unsigned                         fixed:1;      /* by "task" */
    unsigned                         has_def:1;
    unsigned                         bounded:1;    /* "task_param ... max=" */
};


typedef enum {
    NGX_HTTP_TASK_BOUND_NONE = 0,
    NGX_HTTP_TASK_BOUND_INTEGER,
    NGX_HTTP_TASK_BOUND_NUMBER,
    NGX_HTTP_TASK_BOUND_LENGTH
} ngx_http_task_bound_e;


typedef ngx_int_t (*ngx_http_task_text_pt)(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
typedef ngx_int_t (*ngx_http_task_json_pt)(ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);
typedef void (*ngx_http_task_store_pt)(void *member, size_t size,
    ngx_http_task_value_t *value);


/* a type of parameters */

typedef struct {
    /* reads text from nginx.conf or a query, or a string in JSON; NULL: it is
       for who knows of trees and files, see the room input */
    ngx_http_task_text_pt            text;

    /* reads any other value in JSON; NULL: none is valid */
    ngx_http_task_json_pt            json;

    /* writes to the member, which has this size; of a string its place */
    ngx_http_task_store_pt           store;

    ngx_http_task_bound_e            bound;
    double                           unit;         /* "ctx" has bound / unit */
    size_t                           size;         /* of the C type */
    size_t                           small;        /* another one, or 0 */
    ngx_uint_t                       string;       /* as it stands in JSON */
    ngx_http_task_value_t            none;         /* of a parameter that is
                                                      NGX_TASK_OPTIONAL */
} ngx_http_task_type_t;


#define ngx_http_task_param_size(param)                                       \
    ((param)->size ? (param)->size : ngx_http_task_types[(param)->type].size)

/* a list, an object, JSON or a file: no value that stands in nginx.conf */

#define ngx_http_task_param_compound(param)                                   \
    ((param)->item || ngx_http_task_types[(param)->type].text == NULL)


/* --- values: ngx_http_task_value.c; any thread --------------------------- */

/*
 * A value of a type that has text, or an item of a list of such a type.
 * NGX_DECLINED: the value is refused, see invalid; NGX_ERROR: no memory.
 */

ngx_int_t ngx_http_task_value_text(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_str_t *text, ngx_http_task_value_t *value,
    ngx_http_task_invalid_t *invalid);
ngx_int_t ngx_http_task_value_json(ngx_http_task_space_t *space,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *json,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);

/*
 * Likewise for a string of JSON that has been unquoted: it is UTF-8, has a null
 * behind it and none in it, and is not copied.
 */

ngx_int_t ngx_http_task_value_string(ngx_http_task_arg_t *arg, ngx_str_t *text,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid);

ngx_int_t ngx_http_task_value_bound(ngx_http_task_arg_t *arg, ngx_str_t *text,
    u_char exclusive, ngx_http_task_bound_t *bound);
ngx_uint_t ngx_http_task_value_wider(ngx_http_task_arg_t *arg,
    ngx_http_task_bound_t *a, ngx_http_task_bound_t *b, ngx_uint_t max);

/* returns the value of a parameter that is NGX_TASK_OPTIONAL, and left out */

ngx_http_task_value_t ngx_http_task_value_none(const ngx_task_param_t *param);

/* writes the value to its member of a structure */

void ngx_http_task_value_store(const ngx_task_param_t *param, void *structure,
    ngx_http_task_value_t *value);

/* --- types: ngx_http_task_type.c ----------------------------------------- */

ngx_int_t ngx_http_task_type_invalid(ngx_http_task_invalid_t *invalid,
    const char *type, const char *msg, const char *reason);

/* the types by ngx_task_type_t, and their number */

extern const ngx_http_task_type_t  ngx_http_task_types[];
extern const ngx_uint_t            ngx_http_task_ntypes;


#endif /* _NGX_HTTP_TASK_VALUE_H_INCLUDED_ */
