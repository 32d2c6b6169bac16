
/*
 * An input as bytes: a job is made of them by any worker, of this nginx or
 * another.  It is what the request gave, and not what was read from that: who
 * makes the job reads it as the request was read, and checks it again.
 *
 * The bytes begin with a version and the key of a location, and go on with
 * items: a tag, a length of 32 bits, and so many bytes.  Of a number the lowest
 * byte comes first.  The body is the last item, so that it need not be copied
 * to be put behind the others.
 */


#include "input/ngx_http_task_input.h"
#include "text/ngx_http_task_multipart.h"


#define NGX_HTTP_TASK_PACK_VERSION  1

/* tags; an item of a length that is not 0 stands there once, but for values */

#define NGX_HTTP_TASK_PACK_LINE      'l'
#define NGX_HTTP_TASK_PACK_METHOD    'm'
#define NGX_HTTP_TASK_PACK_URI       'u'
#define NGX_HTTP_TASK_PACK_ADDR      'a'
#define NGX_HTTP_TASK_PACK_ID        'i'
#define NGX_HTTP_TASK_PACK_TRACE     's'
#define NGX_HTTP_TASK_PACK_QUERY     'q'
#define NGX_HTTP_TASK_PACK_NAME      'n'     /* of a parameter, .. */
#define NGX_HTTP_TASK_PACK_VALUE     'v'     /* .. and each value of it */
#define NGX_HTTP_TASK_PACK_MEDIA     't'
#define NGX_HTTP_TASK_PACK_BOUNDARY  'p'
#define NGX_HTTP_TASK_PACK_BODY      'b'

#define NGX_HTTP_TASK_PACK_HEAD      9       /* bytes before the items */
#define NGX_HTTP_TASK_PACK_ITEM      5       /* bytes before those of an item */


/* what the request says of itself, each a string of the context */

static const struct {
    u_char      tag;
    size_t      offset;
} ngx_http_task_pack_context[] = {
    { NGX_HTTP_TASK_PACK_METHOD, offsetof(ngx_http_task_context_t, method) },
    { NGX_HTTP_TASK_PACK_URI, offsetof(ngx_http_task_context_t, uri) },
    { NGX_HTTP_TASK_PACK_ADDR,
      offsetof(ngx_http_task_context_t, remote_addr) },
    { NGX_HTTP_TASK_PACK_ID, offsetof(ngx_http_task_context_t, request_id) },
    { NGX_HTTP_TASK_PACK_TRACE,
      offsetof(ngx_http_task_context_t, traceparent) },
    { 0, 0 }
};

#define ngx_http_task_pack_string(context, i)                                 \
    ((ngx_str_t *) ((u_char *) (context)                                      \
                    + ngx_http_task_pack_context[i].offset))


static size_t ngx_http_task_pack_items(u_char *p, ngx_http_task_input_t *in,
    ngx_str_t *line);
static size_t ngx_http_task_pack_sources(u_char *p, ngx_http_task_input_t *in);
static size_t ngx_http_task_pack_item(u_char *p, u_char tag, ngx_str_t *text);
static u_char *ngx_http_task_pack_number(u_char *p, uint64_t n, size_t size);
static uint64_t ngx_http_task_unpack_number(const u_char *p, size_t size);
static ngx_int_t ngx_http_task_unpack_item(ngx_http_task_input_t *in,
    u_char tag, ngx_str_t *text, ngx_str_t *line, ngx_uint_t *arg);
static ngx_int_t ngx_http_task_unpack_context(ngx_http_task_input_t *in,
    u_char tag, ngx_str_t *text);
static ngx_int_t ngx_http_task_unpack_name(ngx_http_task_input_t *in,
    ngx_str_t *name, ngx_uint_t *arg);
static ngx_int_t ngx_http_task_unpack_value(ngx_http_task_input_t *in,
    ngx_uint_t arg, ngx_str_t *text);


/* right after the input was collected: what is read changes it */

ngx_int_t
ngx_http_task_pack(ngx_http_task_input_t *in, uint64_t key, ngx_str_t *line)
{
    u_char  *p;

    /* the tag and the length of the body come when it is known */

    p = ngx_pnalloc(in->pool, NGX_HTTP_TASK_PACK_HEAD
                              + ngx_http_task_pack_items(NULL, in, line)
                              + NGX_HTTP_TASK_PACK_ITEM);
    if (p == NULL) {
        return NGX_ERROR;
    }

    in->packed.data = p;

    *p++ = NGX_HTTP_TASK_PACK_VERSION;
    p = ngx_http_task_pack_number(p, key, 8);
    p += ngx_http_task_pack_items(p, in, line);

    in->packed.len = p - in->packed.data;

    return NGX_OK;
}


void
ngx_http_task_pack_body(ngx_http_task_input_t *in, ngx_str_t *head,
    ngx_str_t *body)
{
    u_char  *p;

    body->data = in->body.data;
    body->len = in->body.data ? in->body.len : 0;

    *head = in->packed;

    if (body->len) {
        p = head->data + head->len;

        *p++ = NGX_HTTP_TASK_PACK_BODY;
        (void) ngx_http_task_pack_number(p, body->len, 4);

        head->len += NGX_HTTP_TASK_PACK_ITEM;
    }
}


/* the values are copies, and the bytes may be in the request's buffers */

void
ngx_http_task_pack_done(ngx_http_task_input_t *in)
{
    if (in->media != NGX_TASK_BODY_JSON && in->media != NGX_TASK_BODY_FORM) {
        return;
    }

    ngx_http_task_body_free(in);

    in->body.data = NULL;
    in->body.len = 0;
}


/* returns the length; p is NULL: nothing is written */

static size_t
ngx_http_task_pack_items(u_char *p, ngx_http_task_input_t *in, ngx_str_t *line)
{
    size_t      n;
    u_char      media[4];
    ngx_str_t   text;
    ngx_uint_t  i;

    (void) ngx_http_task_pack_number(media, in->media, sizeof(media));

    text.data = media;
    text.len = in->media ? sizeof(media) : 0;

#define ngx_http_task_pack_at  (p ? p + n : NULL)

    n = ngx_http_task_pack_item(p, NGX_HTTP_TASK_PACK_LINE, line);

    for (i = 0; in->context && ngx_http_task_pack_context[i].tag; i++) {
        n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                     ngx_http_task_pack_context[i].tag,
                                     ngx_http_task_pack_string(in->context, i));
    }

    n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                 NGX_HTTP_TASK_PACK_QUERY, &in->query);

    if (in->sources) {
        n += ngx_http_task_pack_sources(ngx_http_task_pack_at, in);
    }

    n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                 NGX_HTTP_TASK_PACK_MEDIA, &text);
    n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                 NGX_HTTP_TASK_PACK_BOUNDARY, &in->boundary);

    return n;
}


/* what variables gave: path, headers, cookies; no more is given yet */

static size_t
ngx_http_task_pack_sources(u_char *p, ngx_http_task_input_t *in)
{
    size_t                   n, i;
    ngx_uint_t               a;
    ngx_http_task_arg_t     *args;
    ngx_http_task_source_t  *src;

    n = 0;
    args = in->conf->args->elts;

    for (a = 0; a < in->conf->args->nelts; a++) {
        src = &in->sources[a];

        if (src->last.text.data == NULL) {
            continue;
        }

        n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                     NGX_HTTP_TASK_PACK_NAME, &args[a].name);

        if (src->nall == 0) {
            n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                         NGX_HTTP_TASK_PACK_VALUE,
                                         &src->last.text);
        }

        for (i = 0; i < src->nall; i++) {
            n += ngx_http_task_pack_item(ngx_http_task_pack_at,
                                         NGX_HTTP_TASK_PACK_VALUE,
                                         &src->all[i].text);
        }
    }

    return n;
}


/* a value may be empty, others are then left out */

static size_t
ngx_http_task_pack_item(u_char *p, u_char tag, ngx_str_t *text)
{
    if (text->len == 0 && tag != NGX_HTTP_TASK_PACK_VALUE) {
        return 0;
    }

    if (p) {
        *p++ = tag;
        p = ngx_http_task_pack_number(p, text->len, 4);

        if (text->len) {
            ngx_memcpy(p, text->data, text->len);
        }
    }

    return NGX_HTTP_TASK_PACK_ITEM + text->len;
}


static u_char *
ngx_http_task_pack_number(u_char *p, uint64_t n, size_t size)
{
    for ( /* void */ ; size; size--, n >>= 8) {
        *p++ = (u_char) n;
    }

    return p;
}


static uint64_t
ngx_http_task_unpack_number(const u_char *p, size_t size)
{
    uint64_t  n;

    n = 0;

    while (size--) {
        n = n << 8 | p[size];
    }

    return n;
}


uint64_t
ngx_http_task_unpack_key(ngx_str_t *packed)
{
    return (packed->len < NGX_HTTP_TASK_PACK_HEAD)
           ? 0 : ngx_http_task_unpack_number(packed->data + 1, 8);
}


/* the line is for logs, a function is told the others, and a boundary is chosen
   anew each time */

void
ngx_http_task_pack_print(ngx_http_task_input_t *in, ngx_sha1_t *sha1)
{
    size_t   len;
    u_char  *p, *last;

    p = in->packed.data;
    last = p + in->packed.len;

    ngx_sha1_update(sha1, p, NGX_HTTP_TASK_PACK_HEAD);

    for (p += NGX_HTTP_TASK_PACK_HEAD; p < last; p += len) {
        len = NGX_HTTP_TASK_PACK_ITEM + ngx_http_task_unpack_number(p + 1, 4);

        switch (*p) {

        case NGX_HTTP_TASK_PACK_QUERY:
        case NGX_HTTP_TASK_PACK_NAME:
        case NGX_HTTP_TASK_PACK_VALUE:
        case NGX_HTTP_TASK_PACK_MEDIA:
        case NGX_HTTP_TASK_PACK_METHOD:
        case NGX_HTTP_TASK_PACK_URI:
            ngx_sha1_update(sha1, p, len);
        }
    }
}


/* the bytes may come from anywhere: nothing of them is believed */

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
        len = ngx_http_task_unpack_number(p + 1, 4);
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
                    ? ngx_http_task_unpack_number(text->data, 4) : 0;

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

    return ngx_http_task_context_string(in,
                                     ngx_http_task_pack_string(in->context, i),
                                     text);
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
