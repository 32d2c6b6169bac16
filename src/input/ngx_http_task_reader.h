
/*
 * The reading of an input: what its files share.  It may be in any thread, and
 * touches the input alone.
 */


#ifndef _NGX_HTTP_TASK_READER_H_INCLUDED_
#define _NGX_HTTP_TASK_READER_H_INCLUDED_


#include "input/ngx_http_task_input.h"
#include "text/ngx_http_task_json.h"


/*
 * How many errors are told at most: a list may have any number of wrong items,
 * and each of them takes a hundred times its own size to tell.
 */

#define NGX_HTTP_TASK_ERRORS  100


/* the members of an object that are looked for, kept for the next one */

typedef struct {
    ngx_http_task_span_t    *spans;
    ngx_uint_t               n;
} ngx_http_task_members_t;


typedef struct {
    ngx_http_task_input_t   *in;
    cJSON                   *errors;
    ngx_uint_t               nerrors;
    ngx_http_task_span_t     root;         /* of a JSON body; or NULL data */

    /* where it reads: a name, or a position, for each level */

    const char              *where;
    ngx_http_task_step_t     steps[2 * NGX_HTTP_TASK_FIELDS_DEPTH + 4];
    ngx_uint_t               nsteps;

    ngx_http_task_members_t  members[NGX_HTTP_TASK_FIELDS_DEPTH + 1];
    ngx_uint_t               depth;
} ngx_http_task_reader_t;


/*
 * All that read return NGX_OK; NGX_DECLINED, if something is wrong, which is
 * then noted; or NGX_ERROR: no memory.
 */

/* --- what is given: ngx_http_task_params_pairs.c, _parts.c --------------- */

/* notes what a query gives, or a form, decoding it in place */

ngx_int_t ngx_http_task_read_query(ngx_http_task_input_t *in);
ngx_int_t ngx_http_task_read_form(ngx_http_task_input_t *in);

/* notes what the parts of a body give */

ngx_int_t ngx_http_task_read_parts(ngx_http_task_reader_t *rd);

/*
 * Returns the parameter that a body may give under this name, or NULL; and sets
 * the place of what it gives.
 */

ngx_http_task_arg_t *ngx_http_task_read_find(ngx_http_task_input_t *in,
    const u_char *name, size_t len, ngx_http_task_source_t **src);

/*
 * ngx_http_task_params_read.c: makes the arguments from what is given, if json
 * is right.  NGX_DECLINED: error is the body of a 422.
 */

ngx_int_t ngx_http_task_read_root(ngx_http_task_reader_t *rd,
    ngx_http_task_json_t *json, void **args, ngx_str_t *error);

/* rc is NGX_ERROR, or there are errors: these are printed, and freed */

ngx_int_t ngx_http_task_read_refuse(ngx_http_task_reader_t *rd, ngx_int_t rc,
    ngx_str_t *error);

/* the handler of a member of a JSON body; data is the input */

void ngx_http_task_read_member(void *data, const ngx_http_task_span_t *name,
    const ngx_http_task_span_t *value);


/* --- values: ngx_http_task_params_value.c -------------------------------- */

/* reads parameter i from what is given, or its default */

ngx_int_t ngx_http_task_read_value(ngx_http_task_reader_t *rd, ngx_uint_t i,
    ngx_http_task_value_t *value);


/* --- JSON: ngx_http_task_params_json.c; it was checked ------------------- */

ngx_int_t ngx_http_task_read_json(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_value_t *value);

/* likewise one that is no list, or an item of a list */

ngx_int_t ngx_http_task_read_json_item(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_value_t *value);

/* returns memory for the items of a list, not zeroed; an empty one has some */

u_char *ngx_http_task_read_items(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, size_t n);

/* writes a value to its place in the list */

void ngx_http_task_read_item(ngx_http_task_arg_t *arg, u_char *items, size_t i,
    ngx_http_task_value_t *value);


/* --- what is wrong: ngx_http_task_params_wrong.c ------------------------- */


/* steps further in, and back */

static inline void
ngx_http_task_read_enter(ngx_http_task_reader_t *rd, const char *name,
    size_t position)
{
    rd->steps[rd->nsteps].name = name;
    rd->steps[rd->nsteps++].position = position;
}


static inline void
ngx_http_task_read_leave(ngx_http_task_reader_t *rd)
{
    rd->nsteps--;
}


/* note an error of the value where the reader is; take ownership of input */

ngx_int_t ngx_http_task_wrong(ngx_http_task_reader_t *rd, const char *type,
    const char *msg, cJSON *input, const char *name, const char *value);
ngx_int_t ngx_http_task_wrong_value(ngx_http_task_reader_t *rd,
    ngx_http_task_invalid_t *invalid, cJSON *input);
ngx_int_t ngx_http_task_wrong_items(ngx_http_task_reader_t *rd,
    ngx_uint_t most, size_t bound, size_t n, cJSON *input);

/* the "input" of an error: what was given; a secret is not shown */

cJSON *ngx_http_task_echo_given(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, const ngx_http_task_given_t *given);
cJSON *ngx_http_task_echo_all(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_source_t *src);
cJSON *ngx_http_task_echo_json(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *json);
cJSON *ngx_http_task_echo_object(ngx_http_task_reader_t *rd,
    ngx_http_task_span_t *json);


#endif /* _NGX_HTTP_TASK_READER_H_INCLUDED_ */
