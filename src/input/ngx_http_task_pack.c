
/*
 * An input as bytes: a job is made of them by any worker, of this nginx or
 * another.  It is what the request gave, and not what was read from that: who
 * makes the job reads it as the request was read, and checks it again.
 */


#include "input/ngx_http_task_pack.h"


static size_t ngx_http_task_pack_items(u_char *p, ngx_http_task_input_t *in,
    ngx_str_t *line);
static size_t ngx_http_task_pack_sources(u_char *p, ngx_http_task_input_t *in);
static size_t ngx_http_task_pack_item(u_char *p, u_char tag, ngx_str_t *text);
static u_char *ngx_http_task_pack_number(u_char *p, uint64_t n, size_t size);


const ngx_http_task_pack_context_t  ngx_http_task_pack_context[] = {
    { NGX_HTTP_TASK_PACK_METHOD, offsetof(ngx_http_task_context_t, method) },
    { NGX_HTTP_TASK_PACK_URI, offsetof(ngx_http_task_context_t, uri) },
    { NGX_HTTP_TASK_PACK_ADDR,
      offsetof(ngx_http_task_context_t, remote_addr) },
    { NGX_HTTP_TASK_PACK_ID, offsetof(ngx_http_task_context_t, request_id) },
    { NGX_HTTP_TASK_PACK_TRACE,
      offsetof(ngx_http_task_context_t, traceparent) },
    { 0, 0 }
};


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


uint64_t
ngx_http_task_packed_number(const u_char *p, size_t size)
{
    uint64_t  n;

    n = 0;

    while (size--) {
        n = n << 8 | p[size];
    }

    return n;
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
        len = NGX_HTTP_TASK_PACK_ITEM + ngx_http_task_packed_number(p + 1, 4);

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
