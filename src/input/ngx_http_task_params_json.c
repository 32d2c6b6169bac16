
/*
 * JSON becomes what a table describes: values, lists, structures and trees.
 * Objects may stand within each other no deeper than their tables do.
 */


#include "input/ngx_http_task_reader.h"


static ngx_int_t ngx_http_task_json_list(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_value_t *value);
static ngx_int_t ngx_http_task_json_items(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span, u_char *items);
static ngx_int_t ngx_http_task_json_any(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_value_t *value);
static void *ngx_http_task_json_space(void *data, size_t size);
static ngx_int_t ngx_http_task_json_structure(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span, void *structure);
static ngx_http_task_span_t *ngx_http_task_json_members(
    ngx_http_task_reader_t *rd, const ngx_http_task_table_t *table,
    ngx_http_task_span_t *span);
static ngx_int_t ngx_http_task_json_field(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_span_t *object, void *structure);


ngx_int_t
ngx_http_task_read_json(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *span, ngx_http_task_value_t *value)
{
    if (span->data[0] == 'n' && (arg->param->flags & NGX_TASK_OPTIONAL)) {
        *value = ngx_http_task_value_none(arg->param);
        return NGX_OK;
    }

    return arg->param->item
           ? ngx_http_task_json_list(rd, arg, span, value)
           : ngx_http_task_read_json_item(rd, arg, span, value);
}


/* items are counted first: too many are not read */

static ngx_int_t
ngx_http_task_json_list(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *span, ngx_http_task_value_t *value)
{
    size_t                      n;
    u_char                     *items;
    ngx_int_t                   rc;
    ngx_http_task_span_t        name, item;
    ngx_http_task_json_walk_t   w;

    if (span->data[0] != '[') {
        return ngx_http_task_wrong(rd, "list_type",
                                   "Input should be a valid list",
                                   ngx_http_task_echo_json(rd, arg, span),
                                   NULL, NULL);
    }

    ngx_http_task_json_walk(&w, span);

    for (n = 0; ngx_http_task_json_next(&w, &name, &item); n++) { /* void */ }

    if (arg->param->max_items && n > arg->param->max_items) {
        return ngx_http_task_wrong_items(rd, 1, arg->param->max_items, n,
                                       ngx_http_task_echo_json(rd, arg, span));
    }

    items = ngx_http_task_read_items(rd, arg, n);
    if (items == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_task_json_items(rd, arg, span, items);

    if (rc == NGX_OK && n < arg->param->min_items) {
        return ngx_http_task_wrong_items(rd, 0, arg->param->min_items, n,
                                       ngx_http_task_echo_json(rd, arg, span));
    }

    value->list.items = items;
    value->list.n = n;

    return rc;
}


static ngx_int_t
ngx_http_task_json_items(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *span, u_char *items)
{
    size_t                     i;
    ngx_int_t                  rc, all;
    ngx_http_task_span_t       name, item;
    ngx_http_task_value_t      value;
    ngx_http_task_json_walk_t  w;

    all = NGX_OK;

    ngx_http_task_json_walk(&w, span);

    for (i = 0; ngx_http_task_json_next(&w, &name, &item); i++) {

        ngx_http_task_read_enter(rd, NULL, i);

        if (arg->param->type == NGX_TASK_OBJECT) {
            rc = ngx_http_task_json_structure(rd, arg, &item,
                                              items + i * arg->param->item);

        } else {
            rc = ngx_http_task_read_json_item(rd, arg, &item, &value);

            if (rc == NGX_OK) {
                ngx_http_task_read_item(arg, items, i, &value);
            }
        }

        ngx_http_task_read_leave(rd);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            all = NGX_DECLINED;

            if (rd->nerrors >= NGX_HTTP_TASK_ERRORS) {
                break;
            }
        }
    }

    return all;
}


u_char *
ngx_http_task_read_items(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    size_t n)
{
    return ngx_http_task_space_alloc(&rd->in->space, n * arg->param->item + 1);
}


void
ngx_http_task_read_item(ngx_http_task_arg_t *arg, u_char *items, size_t i,
    ngx_http_task_value_t *value)
{
    size_t   size;
    u_char  *p;

    size = arg->param->item;
    p = items + i * size;

    if (arg->param->type == NGX_TASK_OBJECT) {
        ngx_memcpy(p, value->pointer, size);

    } else {
        ngx_http_task_types[arg->param->type].store(p, size, value);
    }
}


ngx_int_t
ngx_http_task_read_json_item(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span,
    ngx_http_task_value_t *value)
{
    void                     *structure;
    ngx_int_t                 rc;
    ngx_http_task_invalid_t   invalid;

    switch (arg->param->type) {

    case NGX_TASK_JSON:
        return ngx_http_task_json_any(rd, arg, span, value);

    case NGX_TASK_OBJECT:
        structure = ngx_http_task_space_alloc(&rd->in->space,
                                              arg->fields->size);
        if (structure == NULL) {
            return NGX_ERROR;
        }

        value->pointer = structure;

        return ngx_http_task_json_structure(rd, arg, span, structure);

    case NGX_TASK_FILE:
        return ngx_http_task_wrong(rd, "value_error", "Value error, expected a "
                                   "file, got JSON",
                                   ngx_http_task_echo_json(rd, arg, span),
                                   "error", "expected a file, got JSON");

    default:
        rc = ngx_http_task_value_json(&rd->in->space, arg, span, value,
                                      &invalid);

        return (rc == NGX_DECLINED)
               ? ngx_http_task_wrong_value(rd, &invalid,
                                       ngx_http_task_echo_json(rd, arg, span))
               : rc;
    }
}


static ngx_int_t
ngx_http_task_json_any(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *span, ngx_http_task_value_t *value)
{
    const char  *choices;

    choices = arg->param->choices;

    if (choices && choices[0] == 'o' && span->data[0] != '{') {
        return ngx_http_task_wrong(rd, "dict_type",
                                   "Input should be a valid dictionary",
                                   ngx_http_task_echo_json(rd, arg, span),
                                   NULL, NULL);
    }

    if (choices && choices[0] == 'a' && span->data[0] != '[') {
        return ngx_http_task_wrong(rd, "list_type",
                                   "Input should be a valid list",
                                   ngx_http_task_echo_json(rd, arg, span),
                                   NULL, NULL);
    }

    value->pointer = ngx_http_task_json_tree_in(span, ngx_http_task_json_space,
                                                &rd->in->space);

    return value->pointer ? NGX_OK : NGX_ERROR;
}


static void *
ngx_http_task_json_space(void *data, size_t size)
{
    return ngx_http_task_space_alloc(data, size);
}


/* the errors of an object are told in the order of its table, as in FastAPI */

static ngx_int_t
ngx_http_task_json_structure(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg, ngx_http_task_span_t *span, void *structure)
{
    ngx_int_t               rc, all;
    ngx_uint_t              i;
    ngx_http_task_arg_t    *field;
    ngx_http_task_span_t   *members;

    if (span->data[0] != '{') {
        return ngx_http_task_wrong(rd, "model_attributes_type",
                                   "Input should be a valid dictionary or "
                                   "object to extract fields from",
                                   ngx_http_task_echo_json(rd, arg, span),
                                   NULL, NULL);
    }

    ngx_memzero(structure, arg->fields->size);

    members = ngx_http_task_json_members(rd, arg->fields, span);
    if (members == NULL) {
        return NGX_ERROR;
    }

    all = NGX_OK;
    rd->depth++;

    for (i = 0; i < arg->fields->nargs; i++) {
        field = &arg->fields->args[i];

        if (rd->nerrors >= NGX_HTTP_TASK_ERRORS) {
            all = NGX_DECLINED;
            break;
        }

        ngx_http_task_read_enter(rd, field->param->name, 0);
        rc = ngx_http_task_json_field(rd, field, &members[i], span, structure);
        ngx_http_task_read_leave(rd);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            all = NGX_DECLINED;
        }
    }

    rd->depth--;

    return all;
}


/* if a name comes twice, the last one counts */

static ngx_http_task_span_t *
ngx_http_task_json_members(ngx_http_task_reader_t *rd,
    const ngx_http_task_table_t *table, ngx_http_task_span_t *span)
{
    ngx_uint_t                  i;
    ngx_http_task_span_t        name, value;
    ngx_http_task_members_t    *members;
    ngx_http_task_json_walk_t   w;

    members = &rd->members[rd->depth];

    if (members->spans == NULL || members->n < table->nargs) {
        members->n = table->nargs;
        members->spans = ngx_palloc(rd->in->pool, members->n
                                        * sizeof(ngx_http_task_span_t) + 1);
        if (members->spans == NULL) {
            return NULL;
        }
    }

    ngx_memzero(members->spans, table->nargs * sizeof(ngx_http_task_span_t));

    ngx_http_task_json_walk(&w, span);

    while (ngx_http_task_json_next(&w, &name, &value)) {

        for (i = 0; i < table->nargs; i++) {

            if (ngx_http_task_json_is(&name, table->args[i].name.data,
                                      table->args[i].name.len))
            {
                members->spans[i] = value;
                break;
            }
        }
    }

    return members->spans;
}


static ngx_int_t
ngx_http_task_json_field(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *span, ngx_http_task_span_t *object, void *structure)
{
    ngx_int_t              rc;
    ngx_http_task_value_t  value;

    if (span->data) {
        rc = ngx_http_task_read_json(rd, arg, span, &value);

        if (rc != NGX_OK) {
            return rc;
        }

    } else if (arg->has_def) {
        value = arg->def;

    } else {
        return ngx_http_task_wrong(rd, "missing", "Field required",
                                   ngx_http_task_echo_object(rd, object),
                                   NULL, NULL);
    }

    ngx_http_task_value_store(arg->param, structure, &value);

    return NGX_OK;
}
