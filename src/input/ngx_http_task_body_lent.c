
/*
 * A long body in nginx's memory is copied by the thread that reads it: it would
 * hold the event loop for 0.6 ms a megabyte.  If the request goes before that,
 * as its client has left, its pool leaves the block to the task.
 */


#include "input/ngx_http_task_input.h"


/* bytes that are copied at once: of a shorter body all, of others what stands
   in front of the block, in the buffer of the header */

#define NGX_HTTP_TASK_LENT_SHORT  65536


/* in the task's memory, and in the request's: each may go before the other */

struct ngx_http_task_lent_s {
    ngx_http_task_lender_t  *lender;       /* NULL: the request is gone */
    u_char                  *block;        /* then it is ours; or NULL */
    int                      read;         /* [both] 1: nobody looks at it */

    ngx_str_t                head;         /* a copy */
    ngx_str_t                rest;         /* in the block */
};

struct ngx_http_task_lender_s {
    ngx_pool_t              *pool;
    u_char                  *block;
    ngx_http_task_lent_t    *lent;         /* NULL: the task is gone */
};


static ngx_uint_t ngx_http_task_lent_find(ngx_http_request_body_t *body,
    ngx_http_task_lent_t *lent);
static ngx_int_t ngx_http_task_lent_head(ngx_http_task_input_t *in,
    ngx_http_request_body_t *body, ngx_str_t *head);
static ngx_pool_large_t *ngx_http_task_lent_block(ngx_pool_t *pool,
    u_char *start);
static void ngx_http_task_lent_cleanup(void *data);


ngx_int_t
ngx_http_task_body_borrow(ngx_http_task_input_t *in, ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_task_lent_t     found, *lent;
    ngx_http_task_lender_t  *lender;

    ngx_memzero(&found, sizeof(ngx_http_task_lent_t));

    if (!ngx_http_task_lent_find(r->request_body, &found)
        || found.rest.len < NGX_HTTP_TASK_LENT_SHORT
        || found.head.len > NGX_HTTP_TASK_LENT_SHORT
        || ngx_http_task_lent_block(r->pool, r->request_body->buf->start)
           == NULL)
    {
        return NGX_DECLINED;
    }

    lent = ngx_palloc(in->pool, sizeof(ngx_http_task_lent_t));

    if (lent == NULL
        || ngx_http_task_lent_head(in, r->request_body, &found.head) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_task_lender_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    lender = cln->data;
    lender->pool = r->pool;
    lender->block = r->request_body->buf->start;
    lender->lent = lent;

    *lent = found;
    lent->lender = lender;

    cln->handler = ngx_http_task_lent_cleanup;

    in->body.lent = lent;

    return NGX_OK;
}


/* what was read with the header, and then one range of nginx's block */

static ngx_uint_t
ngx_http_task_lent_find(ngx_http_request_body_t *body,
    ngx_http_task_lent_t *lent)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (body->buf == NULL) {
        return 0;
    }

    for (cl = body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_size(b) == 0) {
            continue;
        }

        if (lent->rest.data == NULL
            && (b->pos < body->buf->start || b->last > body->buf->end))
        {
            lent->head.len += b->last - b->pos;
            continue;
        }

        if (lent->rest.data == NULL) {
            lent->rest.data = b->pos;
        }

        if (b->pos != lent->rest.data + lent->rest.len) {
            return 0;
        }

        lent->rest.len += b->last - b->pos;
    }

    return lent->rest.data
           && lent->rest.data + lent->rest.len <= body->buf->end;
}


static ngx_int_t
ngx_http_task_lent_head(ngx_http_task_input_t *in,
    ngx_http_request_body_t *body, ngx_str_t *head)
{
    size_t        n, len;
    ngx_chain_t  *cl;

    head->data = ngx_pnalloc(in->pool, head->len + 1);
    if (head->data == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (cl = body->bufs; len < head->len; cl = cl->next) {
        n = (size_t) ngx_buf_size(cl->buf);

        if (n) {
            ngx_memcpy(head->data + len, cl->buf->pos, n);
            len += n;
        }
    }

    return NGX_OK;
}


static ngx_pool_large_t *
ngx_http_task_lent_block(ngx_pool_t *pool, u_char *start)
{
    ngx_pool_large_t  *large;

    for (large = pool->large; large; large = large->next) {
        if (large->alloc == start) {
            return large;
        }
    }

    return NULL;
}


/* the request's pool is being destroyed, its blocks are freed next */

static void
ngx_http_task_lent_cleanup(void *data)
{
    ngx_http_task_lender_t *lender = data;

    ngx_pool_large_t      *large;
    ngx_http_task_lent_t  *lent;

    lent = lender->lent;

    if (lent == NULL) {
        return;
    }

    lent->lender = NULL;

    if (ngx_http_task_atomic_get(&lent->read)) {
        return;
    }

    large = ngx_http_task_lent_block(lender->pool, lender->block);

    if (large) {
        large->alloc = NULL;
        lent->block = lender->block;
    }
}


ngx_int_t
ngx_http_task_body_lent_load(ngx_http_task_input_t *in)
{
    u_char                *p;
    ngx_http_task_lent_t  *lent;

    lent = in->body.lent;

    p = ngx_pnalloc(in->pool, in->body.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    in->body.data = p;
    in->body.own = 1;

    p = ngx_cpymem(p, lent->head.data, lent->head.len);
    ngx_memcpy(p, lent->rest.data, lent->rest.len);

    ngx_http_task_atomic_set(&lent->read, 1);

    return NGX_OK;
}


void
ngx_http_task_body_return(ngx_http_task_input_t *in)
{
    ngx_http_task_lent_t  *lent;

    lent = in->body.lent;

    if (lent == NULL) {
        return;
    }

    if (lent->lender) {
        lent->lender->lent = NULL;
    }

    if (lent->block) {
        ngx_free(lent->block);
    }

    in->body.lent = NULL;
}
