
/*
 * Pairs of a name and a value: a query, or a form that is encoded as one.  Both
 * are decoded in place, and values point into them.
 */


#include "input/ngx_http_task_reader.h"


static ngx_uint_t ngx_http_task_read_is_pair(ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *name);


/* if a name is given twice, the last one counts, as in FastAPI */

ngx_int_t
ngx_http_task_read_query(ngx_http_task_input_t *in)
{
    u_char                 *p, *end;
    ngx_uint_t              i;
    ngx_http_task_arg_t    *args;
    ngx_http_task_span_t    name, value;
    ngx_http_task_given_t   given;

    p = in->query.data;
    end = p + in->query.len;
    args = in->conf->args->elts;

    given.file = NULL;

    while (ngx_http_task_query_pair(&p, end, &name, &value)) {

        given.text.data = (u_char *) value.data;
        given.text.len = value.len;

        for (i = 0; i < in->conf->args->nelts; i++) {

            if (ngx_http_task_read_is_pair(&args[i], &name)
                && ngx_http_task_params_give(in, &args[i], &in->sources[i],
                                             &given)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* as that of nginx's $arg_name does, another name counts in any case */

static ngx_uint_t
ngx_http_task_read_is_pair(ngx_http_task_arg_t *arg, ngx_http_task_span_t *name)
{
    if (arg->source == NGX_HTTP_TASK_SOURCE_QUERY) {
        return arg->source_name.len == name->len
               && ngx_strncasecmp(arg->source_name.data, (u_char *) name->data,
                                  name->len)
                  == 0;
    }

    return !arg->fixed && arg->name.len == name->len
           && ngx_strncmp(arg->name.data, name->data, name->len) == 0;
}


ngx_int_t
ngx_http_task_read_form(ngx_http_task_input_t *in)
{
    u_char                  *p, *end;
    ngx_http_task_arg_t     *arg;
    ngx_http_task_span_t     name, value;
    ngx_http_task_given_t    given;
    ngx_http_task_source_t  *src;

    p = in->body.data;

    /* decoded in place; a job keeps it as it was */

    if (in->job) {
        p = ngx_pnalloc(in->pool, in->body.len + 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p, in->body.data, in->body.len);
    }

    end = p + in->body.len;

    given.file = NULL;

    while (ngx_http_task_query_pair(&p, end, &name, &value)) {

        arg = ngx_http_task_read_find(in, name.data, name.len, &src);

        if (arg == NULL) {
            continue;
        }

        given.text.data = (u_char *) value.data;
        given.text.len = value.len;

        if (ngx_http_task_params_give(in, arg, src, &given) != NGX_OK) {
            return NGX_ERROR;
        }

        src->form = 1;
    }

    return NGX_OK;
}


/* what the query gives goes before what the body gives */

ngx_http_task_arg_t *
ngx_http_task_read_find(ngx_http_task_input_t *in, const u_char *name,
    size_t len, ngx_http_task_source_t **src)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = in->conf->args->elts;

    for (i = 0; i < in->conf->args->nelts; i++) {

        if (args[i].fixed || args[i].name.len != len
            || ngx_strncmp(args[i].name.data, name, len) != 0)
        {
            continue;
        }

        *src = &in->sources[i];

        return ((*src)->last.text.data && !(*src)->form) ? NULL : &args[i];
    }

    return NULL;
}
