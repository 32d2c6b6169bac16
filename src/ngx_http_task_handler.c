
/*
 * The event loop's part of a task's life: accept, start, cancel, finish.
 *
 * A request ends in one of two ways.  Either the executor comes back through
 * ngx_http_task_finish() and the request is answered; or the request is
 * terminated first (the client left, the connection timed out), its http
 * cleanup marks the task as cancelled, and whatever comes back later finds
 * that nothing is pending.  The pool cleanup of the request, in both cases,
 * is where the request lets go of the task.
 */


#include "ngx_http_task.h"


static void ngx_http_task_body_handler(ngx_http_request_t *r);
static ngx_task_t *ngx_http_task_create(ngx_http_request_t *r,
    ngx_http_task_value_t *values);
static ngx_int_t ngx_http_task_attach(ngx_http_request_t *r, ngx_task_t *t);
static void ngx_http_task_cleanup(void *data);
static void ngx_http_task_pool_cleanup(void *data);


ngx_int_t
ngx_http_task_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))
        && !(r->method == NGX_HTTP_POST && tlcf->open))
    {
        return ngx_http_task_send_not_allowed(r, tlcf->open);
    }

    if (r->headers_in.content_length_n < 0 && !r->headers_in.chunked) {
        r->main->count++;
        ngx_http_task_body_handler(r);
        return NGX_DONE;
    }

    /* a body that nobody needs is read, too: the connection is then quiet */

    rc = ngx_http_read_client_request_body(r, ngx_http_task_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_task_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  errors;
    ngx_task_t                *t;
    ngx_http_task_value_t     *values;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    values = ngx_pcalloc(r->pool,
                         tlcf->args->nelts * sizeof(ngx_http_task_value_t) + 1);
    if (values == NULL) {
        rc = NGX_ERROR;
        goto failed;
    }

    rc = ngx_http_task_params(r, values, &errors);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_task_send_error(r, NGX_HTTP_TASK_UNPROCESSABLE, &errors);
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (rc != NGX_OK) {
        goto failed;
    }

    t = ngx_http_task_create(r, values);
    if (t == NULL) {
        rc = NGX_ERROR;
        goto failed;
    }

    tlcf->mode.executor->start(t);

    return;

failed:

    if (rc == NGX_ERROR) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, ngx_http_task_send_error(r, rc, NULL));
}


static ngx_task_t *
ngx_http_task_create(ngx_http_request_t *r, ngx_http_task_value_t *values)
{
    size_t                     size, args_size;
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_task_t                *t;
    ngx_http_task_arg_t       *args;
    ngx_http_task_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    args = tlcf->args->elts;

    /* one block: the task, the arguments, the strings in them */

    args_size = ngx_align(tlcf->function->args_size, NGX_ALIGNMENT);
    size = ngx_align(sizeof(ngx_task_t), NGX_ALIGNMENT) + args_size;

    for (i = 0; i < tlcf->args->nelts; i++) {
        size += ngx_http_task_value_size(&args[i], &values[i]);
    }

    t = ngx_calloc(size, r->connection->log);
    if (t == NULL) {
        return NULL;
    }

    t->request = r;
    t->conf = tlcf;
    t->function = tlcf->function;
    t->args = (u_char *) t + ngx_align(sizeof(ngx_task_t), NGX_ALIGNMENT);
    t->created = ngx_http_task_now();

    p = (u_char *) t->args + args_size;

    for (i = 0; i < tlcf->args->nelts; i++) {
        p = ngx_http_task_value_store(&args[i], &values[i], t->args, p);
    }

    if (ngx_http_task_attach(r, t) != NGX_OK) {
        ngx_free(t);
        return NULL;
    }

    return t;
}


static ngx_int_t
ngx_http_task_attach(ngx_http_request_t *r, ngx_task_t *t)
{
    ngx_pool_cleanup_t  *pcln;
    ngx_http_cleanup_t  *cln;

    pcln = ngx_pool_cleanup_add(r->pool, 0);
    if (pcln == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    pcln->handler = ngx_http_task_pool_cleanup;
    pcln->data = t;

    cln->handler = ngx_http_task_cleanup;
    cln->data = t;

    ngx_http_set_ctx(r, t, ngx_http_task_module);

    return NGX_OK;
}


void
ngx_http_task_wait(ngx_task_t *t)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = t->request;
    c = r->connection;

    r->write_event_handler = ngx_http_request_empty_handler;

    if (r != r->main) {
        return;
    }

    r->read_event_handler = ngx_http_test_reading;

    if (c->read->ready) {

        /* the client may have left already, and no other event would come */

        ngx_post_event(c->read, &ngx_posted_events);
        return;
    }

    /* a failure shows at the next event of the connection */

    (void) ngx_handle_read_event(c->read, 0);
}


void
ngx_http_task_finish(ngx_task_t *t, ngx_http_task_state_e state)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = t->request;

    t->state = state;
    t->ended = ngx_http_task_now();

    if (r == r->main) {
        r->read_event_handler = ngx_http_block_reading;
    }

    switch (state) {

    case NGX_HTTP_TASK_DONE:
        rc = ngx_http_task_send(r, NGX_HTTP_OK, &t->body);
        break;

    case NGX_HTTP_TASK_REJECTED:
        rc = ngx_http_task_send_unavailable(r);
        break;

    default: /* NGX_HTTP_TASK_FAILED */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "task \"%s\" failed%s", t->function->name,
                      t->nomem ? ": no memory for its result" : "");

        rc = ngx_http_task_send_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR, NULL);
    }

    ngx_http_finalize_request(r, rc);
}


/* the request is terminated: nobody waits for the task any more */

static void
ngx_http_task_cleanup(void *data)
{
    ngx_task_t *t = data;

    if (t->state != NGX_HTTP_TASK_PENDING) {
        return;
    }

    t->state = NGX_HTTP_TASK_CANCELLED;
    t->ended = ngx_http_task_now();

    t->conf->mode.executor->cancel(t);
}


static void
ngx_http_task_pool_cleanup(void *data)
{
    ngx_task_t *t = data;

    t->request = NULL;

    ngx_http_task_release(t);
}


void
ngx_http_task_release(ngx_task_t *t)
{
    if (t->request || (t->piece && t->piece->posted)) {
        return;
    }

    if (t->piece) {
        ngx_http_task_thread_free(t->piece);
    }

    cJSON_Delete(t->result);
    cJSON_free(t->body.data);

    ngx_free(t);
}


ngx_task_t *
ngx_http_task_get(ngx_http_request_t *r)
{
    ngx_task_t          *t;
    ngx_pool_cleanup_t  *cln;

    t = ngx_http_get_module_ctx(r, ngx_http_task_module);

    if (t || !(r->internal || r->filter_finalize)) {
        return t;
    }

    /* an internal redirect wiped the context; the latest cleanup is first */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_task_pool_cleanup) {
            t = cln->data;

            if (t->request == r) {
                return t;
            }
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_task_quick_handler(ngx_http_request_t *r)
{
    ngx_http_task_loc_conf_t  *tlcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, 0);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);

    return ngx_http_task_send(r, NGX_HTTP_OK, &tlcf->quick);
}
