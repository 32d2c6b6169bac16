
/*
 * The life of a request of ngx_task_fetch(): it is begun, ends, or is ended.
 */


#include "run/await/ngx_http_task_fetch.h"


static void ngx_http_task_fetch_closed(ngx_event_t *rev);
static ngx_int_t ngx_http_task_fetch_known(ngx_http_request_t *r);
static void ngx_http_task_fetch_cleanup(void *data);


void
ngx_http_task_fetch_made(ngx_http_task_fetch_t *fetch, ngx_http_request_t *r,
    ngx_http_cleanup_t *cln)
{
    cln->handler = ngx_http_task_fetch_cleanup;
    cln->data = r;

    r->connection->read->handler = ngx_http_task_fetch_closed;

    fetch->request = r;
    fetch->has_body = (r->request_body->bufs != NULL);
}


/* worker_shutdown_timeout is over before the posted event: it tells the end */

static void
ngx_http_task_fetch_closed(ngx_event_t *rev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = rev->data;
    r = c->data;

    ngx_http_task_fetch_connection(r)->fetch->begun = 1;

    ngx_http_task_fetch_drop(r);
}


/* one that has not begun, which nginx would not know to end */

void
ngx_http_task_fetch_drop(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    r->logged = 1;

    ngx_http_free_request(r, 0);
    ngx_http_close_connection(c);
}


void
ngx_http_task_fetch_run(ngx_http_task_fetch_t *fetch)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = fetch->request;
    c = r->connection;

    fetch->begun = 1;
    fetch->running = 1;

    /* both may end the request, as of a client that sent an invalid one */

    if (ngx_http_parse_uri(r) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_BAD_REQUEST);

    } else if (ngx_http_process_request_uri(r) == NGX_OK
               && ngx_http_task_fetch_known(r) == NGX_OK)
    {
        ngx_http_process_request(r);
    }

    ngx_http_run_posted_requests(c);

    fetch->running = 0;
}


/* nginx has places for those headers that it knows */

static ngx_int_t
ngx_http_task_fetch_known(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *h;
    ngx_http_header_t          *hh;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            hh = ngx_hash_find(&cmcf->headers_in_hash, h[i].hash,
                               h[i].lowcase_key, h[i].key.len);

            if (hh && hh->handler(r, &h[i], hh->offset) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* as nginx does when worker_shutdown_timeout is over */

void
ngx_http_task_fetch_abort(ngx_http_task_fetch_t *fetch)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = fetch->request;
    c = r->connection;

    ngx_http_task_fetch_connection(r)->fetch = NULL;
    fetch->request = NULL;

    if (!fetch->begun) {
        ngx_http_task_fetch_drop(r);
        return;
    }

    c->error = 1;
    c->close = 1;
    c->read->handler(c->read);
}


/* the request ends, or is about to: nginx logs it as it does a subrequest */

static void
ngx_http_task_fetch_cleanup(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_task_fetch_connection_t  *fc;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!clcf->log_subrequest) {
        r->logged = 1;
    }

    fc = ngx_http_task_fetch_connection(r);

    if (fc->fetch) {
        ngx_http_task_fetch_ended(fc->fetch);
        fc->fetch = NULL;
    }
}
