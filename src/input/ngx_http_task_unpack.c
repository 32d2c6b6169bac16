
/*
 * An input of bytes that another one was packed to, see ngx_http_task_pack.c.
 * They may come from anywhere: nothing of them is believed.
 */


#include "input/ngx_http_task_pack.h"
#include "text/ngx_http_task_multipart.h"


static ngx_int_t ngx_http_task_unpack_item(ngx_http_task_input_t *in,
    u_char tag, ngx_str_t *text, ngx_str_t *line, ngx_uint_t *arg);
static ngx_int_t ngx_http_task_unpack_context(ngx_http_task_input_t *in,
    u_char tag, ngx_str_t *text);
static ngx_uint_t ngx_http_task_unpack_is_line(ngx_str_t *text);
static ngx_int_t ngx_http_task_unpack_name(ngx_http_task_input_t *in,
    ngx_str_t *name, ngx_uint_t *arg);
static ngx_int_t ngx_http_task_unpack_value(ngx_http_task_input_t *in,
    ngx_uint_t arg, ngx_str_t *text);


ngx_int_t
ngx_http_task_unpack(ngx_http_task_input_t *in, ngx_str_t *packed,
    ngx_str_t *line)
{
    size_t       len;
    u_char      *p, *last, tag;
    ngx_int_t    rc;
    ngx_str_t    text;
    ngx_uint_t   arg;

    ngx_str_null(line);

    in->space.pool = in->pool;
    arg = in->conf->args->nelts;

    if (in->context) {
        ngx_str_set(&in->context->method, "");
        ngx_str_set(&in->context->uri, "");
        ngx_str_set(&in->context->remote_addr, "");
        ngx_str_set(&in->context->request_id, "");
    }

    if (packed->len < NGX_HTTP_TASK_PACK_HEAD
        || packed->data[0] != NGX_HTTP_TASK_PACK_VERSION)
    {
        return NGX_DECLINED;
    }

    in->sources = ngx_pcalloc(in->pool, in->conf->args->nelts
                                      * sizeof(ngx_http_task_source_t) + 1);
    if (in->sources == NULL) {
        return NGX_ERROR;
    }

    p = packed->data + NGX_HTTP_TASK_PACK_HEAD;
    last = packed->data + packed->len;

    while (p < last) {

        if (last - p < NGX_HTTP_TASK_PACK_ITEM) {
            return NGX_DECLINED;
        }

        tag = p[0];
        len = ngx_http_task_packed_number(p + 1, 4);
        p += NGX_HTTP_TASK_PACK_ITEM;

        if (len > (size_t) (last - p)) {
            return NGX_DECLINED;
        }

        text.data = p;
        text.len = len;
        p += len;

        rc = ngx_http_task_unpack_item(in, tag, &text, line, &arg);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return (in->media && in->body.len == 0) ? NGX_DECLINED : NGX_OK;
}


static ngx_int_t
ngx_http_task_unpack_item(ngx_http_task_input_t *in, u_char tag,
    ngx_str_t *text, ngx_str_t *line, ngx_uint_t *arg)
{
    switch (tag) {

    case NGX_HTTP_TASK_PACK_LINE:
        *line = *text;
        return NGX_OK;

    case NGX_HTTP_TASK_PACK_QUERY:
        in->query = *text;
        return NGX_OK;

    case NGX_HTTP_TASK_PACK_NAME:
        return ngx_http_task_unpack_name(in, text, arg);

    case NGX_HTTP_TASK_PACK_VALUE:
        return ngx_http_task_unpack_value(in, *arg, text);

    case NGX_HTTP_TASK_PACK_MEDIA:
        in->media = (text->len == 4)
                    ? ngx_http_task_packed_number(text->data, 4) : 0;

        /* one bit of those that the function takes */

        return ((in->media & in->conf->function->bodies)
                && (in->media & (in->media - 1)) == 0)
               ? NGX_OK : NGX_DECLINED;

    case NGX_HTTP_TASK_PACK_BOUNDARY:
        in->boundary = *text;
        return (text->len <= NGX_HTTP_TASK_MULTIPART_BOUNDARY) ? NGX_OK
                                                              : NGX_DECLINED;

    case NGX_HTTP_TASK_PACK_BODY:
        in->body.data = text->data;
        in->body.len = text->len;
        return NGX_OK;
    }

    return ngx_http_task_unpack_context(in, tag, text);
}


/* what is not wanted is skipped */

static ngx_int_t
ngx_http_task_unpack_context(ngx_http_task_input_t *in, u_char tag,
    ngx_str_t *text)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_task_pack_context[i].tag; i++) {
        if (ngx_http_task_pack_context[i].tag == tag) {
            break;
        }
    }

    if (ngx_http_task_pack_context[i].tag == 0) {
        return NGX_DECLINED;
    }

    if (in->context == NULL) {
        return NGX_OK;
    }

    if ((tag == NGX_HTTP_TASK_PACK_ID || tag == NGX_HTTP_TASK_PACK_TRACE)
        && ngx_http_task_unpack_is_line(text) == 0)
    {
        return NGX_DECLINED;
    }

    return ngx_http_task_context_string(in,
                                     ngx_http_task_pack_string(in->context, i),
                                     text);
}


/* what is fetched gets it as the value of a header */

static ngx_uint_t
ngx_http_task_unpack_is_line(ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == CR || text->data[i] == LF
            || text->data[i] == '\0')
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_task_unpack_name(ngx_http_task_input_t *in, ngx_str_t *name,
    ngx_uint_t *arg)
{
    ngx_uint_t            i;
    ngx_http_task_arg_t  *args;

    args = in->conf->args->elts;

    for (i = 0; i < in->conf->args->nelts; i++) {

        if (args[i].name.len == name->len
            && ngx_strncmp(args[i].name.data, name->data, name->len) == 0)
        {
            *arg = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* what this configuration fixes is not the request's any more */

static ngx_int_t
ngx_http_task_unpack_value(ngx_http_task_input_t *in, ngx_uint_t arg,
    ngx_str_t *text)
{
    ngx_http_task_arg_t    *args;
    ngx_http_task_given_t   given;

    args = in->conf->args->elts;

    if (arg >= in->conf->args->nelts) {
        return NGX_DECLINED;
    }

    if (args[arg].variable == NULL) {
        return NGX_OK;
    }

    given.text = *text;
    given.file = NULL;

    return ngx_http_task_params_give(in, &args[arg], &in->sources[arg],
                                     &given);
}


uint64_t
ngx_http_task_unpack_key(ngx_str_t *packed)
{
    return (packed->len < NGX_HTTP_TASK_PACK_HEAD)
           ? 0 : ngx_http_task_packed_number(packed->data + 1, 8);
}
