
/*
 * Parameters in a request: a fixed one is taken from the configuration, or from
 * where that says, any other from the query, else from the body, else from its
 * default.
 *
 * What needs the request is collected here, on the event loop.  Values are read
 * later, maybe in a thread, see ngx_http_task_params_read.c.
 */


#include "input/ngx_http_task_input.h"


static ngx_int_t ngx_http_task_collect_sources(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_variable(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src);
static ngx_int_t ngx_http_task_collect_lines(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src);
static ngx_uint_t ngx_http_task_collect_is_line(ngx_table_elt_t *h,
    ngx_str_t *name);
static ngx_int_t ngx_http_task_collect_query(ngx_http_task_input_t *in,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_collect_body(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, ngx_str_t *error);


ngx_uint_t
ngx_http_task_params_in_body(const ngx_http_task_args_conf_t *conf,
    ngx_http_request_t *r)
{
    return ngx_http_task_raw_body(conf)
           || (conf->open && !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)));
}


ngx_int_t
ngx_http_task_params_collect(ngx_http_task_input_t *in, ngx_http_request_t *r,
    size_t max, void **args, ngx_str_t *error)
{
    ngx_int_t   rc;
    ngx_uint_t  body;

    in->space.pool = in->pool;

    body = ngx_http_task_params_in_body(in->conf, r);

    in->form = body && (in->conf->function->bodies
                        & (NGX_TASK_BODY_FORM|NGX_TASK_BODY_MULTIPART));

    /* this request cannot give a parameter: the arguments are made already */

    if (in->conf->ready && (r->args.len == 0 || !in->conf->query)
        && (!body || ngx_http_task_raw_body(in->conf)))
    {
        *args = in->conf->ready;

    } else if (ngx_http_task_collect_sources(in, r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = body ? ngx_http_task_collect_body(in, r, max, error) : NGX_OK;

    if (rc == NGX_OK && in->conf->compound
        && ngx_http_task_is_long(in, in->body.len + in->query.len))
    {
        in->space.arena = ngx_http_task_arena_create(in->pool);

        if (in->space.arena == NULL) {
            rc = NGX_ERROR;
        }
    }

    return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}


ngx_int_t
ngx_http_task_params_plan(ngx_http_task_input_t *in, void **args)
{
    size_t  len;

    /* where arguments are ready no variable is wanted, nor given */

    if (in->conf->ready && (in->query.len == 0 || !in->conf->query)
        && in->media == 0)
    {
        *args = in->conf->ready;
        return NGX_OK;
    }

    len = in->query.len + (in->media ? in->body.len : 0);

    if (!ngx_http_task_is_long(in, len)) {
        return NGX_DECLINED;
    }

    if (in->conf->compound) {
        in->space.arena = ngx_http_task_arena_create(in->pool);

        if (in->space.arena == NULL) {
            return NGX_DECLINED;
        }
    }

    /* a query alone, of text, is read where it is */

    return (in->media || in->conf->compound) ? NGX_AGAIN : NGX_DECLINED;
}


static ngx_int_t
ngx_http_task_collect_sources(ngx_http_task_input_t *in,
    ngx_http_request_t *r)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = in->conf->args->elts;

    in->sources = ngx_pcalloc(in->pool, in->conf->args->nelts
                                      * sizeof(ngx_http_task_source_t) + 1);
    if (in->sources == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < in->conf->args->nelts; i++) {

        if (args[i].variable
            && args[i].source != NGX_HTTP_TASK_SOURCE_QUERY
            && ngx_http_task_collect_variable(in, r, &args[i], &in->sources[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (in->conf->query && r->args.len) {
        return ngx_http_task_collect_query(in, r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_variable(ngx_http_task_input_t *in,
    ngx_http_request_t *r, ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src)
{
    ngx_http_task_given_t  given;

    if (arg->param->item && arg->source == NGX_HTTP_TASK_SOURCE_HEADER) {
        return ngx_http_task_collect_lines(in, r, arg, src);
    }

    if (ngx_http_complex_value(r, arg->variable, &given.text) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a value that evaluates to nothing counts as not given */

    if (given.text.len == 0) {
        return NGX_OK;
    }

    given.file = NULL;
    given.text.data = ngx_pstrdup(in->pool, &given.text);

    if (given.text.data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_task_params_give(in, arg, src, &given);
}


/* a list has an item for each line of the header, as in FastAPI */

static ngx_int_t
ngx_http_task_collect_lines(ngx_http_task_input_t *in, ngx_http_request_t *r,
    ngx_http_task_arg_t *arg, ngx_http_task_source_t *src)
{
    ngx_uint_t              i;
    ngx_list_part_t        *part;
    ngx_table_elt_t        *h;
    ngx_http_task_given_t   given;

    given.file = NULL;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (!ngx_http_task_collect_is_line(&h[i], &arg->source_name)) {
                continue;
            }

            given.text.len = h[i].value.len;
            given.text.data = ngx_pstrdup(in->pool, &h[i].value);

            if (given.text.data == NULL
                || ngx_http_task_params_give(in, arg, src, &given) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* as nginx's variables, takes "_" in the name of a header for "-" */

static ngx_uint_t
ngx_http_task_collect_is_line(ngx_table_elt_t *h, ngx_str_t *name)
{
    size_t  i;

    if (h->hash == 0 || h->key.len != name->len) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        if (ngx_tolower(h->key.data[i]) != name->data[i]
            && !(h->key.data[i] == '_' && name->data[i] == '-'))
        {
            return 0;
        }
    }

    return 1;
}


/* what is long, and many values, is decoded in a thread */

static ngx_int_t
ngx_http_task_collect_query(ngx_http_task_input_t *in,
    ngx_http_request_t *r)
{
    in->query.len = r->args.len;
    in->query.data = ngx_pstrdup(in->pool, &r->args);

    if (in->query.data == NULL) {
        return NGX_ERROR;
    }

    if (in->pool_reads && in->conf->compound
        && ngx_http_task_is_long(in, in->query.len))
    {
        in->unread = 1;
        in->ahead = (!in->thread || in->job);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_collect_body(ngx_http_task_input_t *in,
    ngx_http_request_t *r, size_t max, ngx_str_t *error)
{
    ngx_int_t  rc;

    rc = ngx_http_task_body_size(in, r, max);

    if (rc != NGX_OK || in->body.len == 0) {
        return rc;
    }

    rc = ngx_http_task_media_type(in, r, error);

    if (rc == NGX_OK) {
        rc = ngx_http_task_body_take(in, r);
    }

    /* parts are read where they are */

    if (rc == NGX_OK && in->media == NGX_TASK_BODY_MULTIPART && !in->unread
        && !in->ahead)
    {
        rc = ngx_http_task_body_open(in, r);
    }

    return rc;
}


ngx_int_t
ngx_http_task_params_give(ngx_http_task_input_t *in,
    const ngx_http_task_arg_t *arg, ngx_http_task_source_t *src,
    const ngx_http_task_given_t *given)
{
    ngx_http_task_given_t  *all;

    src->last = *given;

    if (arg->param->item == 0) {
        return NGX_OK;
    }

    if (src->nall == src->room) {
        src->room = src->room ? 2 * src->room : 4;

        all = ngx_http_task_space_alloc(&in->space,
                                    src->room * sizeof(ngx_http_task_given_t));
        if (all == NULL) {
            return NGX_ERROR;
        }

        if (src->nall) {
            ngx_memcpy(all, src->all,
                       src->nall * sizeof(ngx_http_task_given_t));
        }

        src->all = all;
    }

    src->all[src->nall++] = *given;

    return NGX_OK;
}
