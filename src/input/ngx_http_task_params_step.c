
/*
 * The reading of a long JSON body on the event loop, in steps: where there is
 * no pool, as with the built-in functions.  They have no compound parameters:
 * what may take long is the check of all of the body, and a long string.
 */


#include "input/ngx_http_task_reader.h"


/* how many bytes of a body are copied, checked or unquoted in a step */

#define NGX_HTTP_TASK_PARAMS_STEP  8192


static ngx_int_t ngx_http_task_read_load(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_task_read_string(ngx_http_task_params_steps_t *steps);


ngx_int_t
ngx_http_task_params_step(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r, void **args, ngx_str_t *error)
{
    ngx_int_t                rc;
    ngx_http_task_input_t   *in;
    ngx_http_task_reader_t   rd;

    in = steps->in;

    if (!steps->loaded) {
        rc = ngx_http_task_read_load(steps, r);

        if (rc != NGX_OK) {
            return rc;
        }

        steps->loaded = 1;

        if (ngx_http_task_read_query(in) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_task_json_begin(&steps->json, in->body.data, in->body.len,
                                 ngx_http_task_read_member, in);
    }

    if (!steps->checked) {

        if (!ngx_http_task_json_step(&steps->json, NGX_HTTP_TASK_PARAMS_STEP)) {
            return NGX_AGAIN;
        }

        steps->checked = 1;
    }

    if (steps->json.json.error == NULL) {
        rc = ngx_http_task_read_string(steps);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_memzero(&rd, sizeof(ngx_http_task_reader_t));

    rd.in = in;

    rc = ngx_http_task_read_root(&rd, &steps->json.json, args, error);

    /* the values are copies; the bytes are a job's until it was accepted */

    if (!in->job) {
        in->body.data = NULL;
        in->body.len = 0;

        if (steps->copy) {
            (void) ngx_pfree(in->pool, steps->copy);
        }
    }

    return rc;
}


static ngx_int_t
ngx_http_task_read_load(ngx_http_task_params_steps_t *steps,
    ngx_http_request_t *r)
{
    size_t                  size;
    ngx_http_task_input_t  *in;

    in = steps->in;

    if (in->body.data || in->body.len == 0) {
        return NGX_OK;
    }

    if (steps->copy == NULL) {
        steps->copy = ngx_pnalloc(in->pool, in->body.len);
        if (steps->copy == NULL) {
            return NGX_ERROR;
        }
    }

    size = ngx_min(in->body.len - steps->copied, NGX_HTTP_TASK_PARAMS_STEP);

    if (ngx_http_task_body_part(in, r, steps->copy + steps->copied,
                                steps->copied, size)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    steps->copied += size;

    if (steps->copied < in->body.len) {
        return NGX_AGAIN;
    }

    in->body.data = steps->copy;

    return NGX_OK;
}


/* unquotes a part of the next long string; NGX_OK: there is none */

static ngx_int_t
ngx_http_task_read_string(ngx_http_task_params_steps_t *steps)
{
    ngx_pool_t              *pool;
    ngx_http_task_arg_t     *args;
    ngx_http_task_source_t  *src;

    pool = steps->in->pool;
    args = steps->in->conf->args->elts;

    for ( /* void */ ; steps->arg < steps->in->conf->args->nelts; steps->arg++)
    {
        src = &steps->in->sources[steps->arg];

        if (src->last.text.data
            || src->json.len <= NGX_HTTP_TASK_PARAMS_STEP
            || src->json.data[0] != '"'
            || !ngx_http_task_types[args[steps->arg].param->type].string)
        {
            continue;
        }

        if (src->string.data == NULL) {
            src->string.data = ngx_pnalloc(pool, src->json.len);
            if (src->string.data == NULL) {
                return NGX_ERROR;
            }

            steps->rest.data = src->json.data + 1;
            steps->rest.len = src->json.len - 2;
        }

        if (steps->rest.len) {
            src->string.len += ngx_http_task_json_unquote_part(
                                            src->string.data + src->string.len,
                                            &steps->rest,
                                            NGX_HTTP_TASK_PARAMS_STEP);
            return NGX_AGAIN;
        }

        src->string.data[src->string.len] = '\0';
    }

    return NGX_OK;
}
