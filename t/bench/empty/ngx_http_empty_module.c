
/*
 * The limits that the module is measured against, "empty" of three sorts: the
 * least that a content handler can do; the least that a pool can do, a task
 * that does nothing, posted and completed; and a request that is held, with
 * nothing but what nginx needs for it, until its client leaves.
 *
 *     empty;
 *     empty_thread [pool];
 *     empty_hold;
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>


typedef struct {
    ngx_thread_pool_t  *pool;
} ngx_http_empty_loc_conf_t;


static void *ngx_http_empty_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_empty(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_empty_thread(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_empty_hold(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_empty_content(ngx_http_request_t *r);
static ngx_int_t ngx_http_empty_thread_content(ngx_http_request_t *r);
static ngx_int_t ngx_http_empty_hold_content(ngx_http_request_t *r);
static void ngx_http_empty_thread_run(void *data, ngx_log_t *log);
static void ngx_http_empty_thread_done(ngx_event_t *ev);


static ngx_command_t  ngx_http_empty_commands[] = {

    { ngx_string("empty"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_empty,
      0,
      0,
      NULL },

    { ngx_string("empty_thread"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_empty_thread,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("empty_hold"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_empty_hold,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_empty_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_empty_create_loc_conf,        /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_empty_module = {
    NGX_MODULE_V1,
    &ngx_http_empty_module_ctx,            /* module context */
    ngx_http_empty_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_empty_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_empty_loc_conf_t));
}


static char *
ngx_http_empty(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_empty_content;

    return NGX_CONF_OK;
}


static char *
ngx_http_empty_thread(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_empty_loc_conf_t *elcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_empty_thread_content;

    value = cf->args->elts;

    elcf->pool = ngx_thread_pool_add(cf, cf->args->nelts > 1 ? &value[1]
                                                             : NULL);

    return elcf->pool ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_empty_hold(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_empty_hold_content;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_empty_content(ngx_http_request_t *r)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    static u_char  body[] = "{\"status\":\"quick response\"}";

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = sizeof(body) - 1;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body;
    b->last = body + sizeof(body) - 1;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_empty_thread_content(ngx_http_request_t *r)
{
    ngx_thread_task_t          *task;
    ngx_http_empty_loc_conf_t  *elcf;

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_empty_module);

    task = ngx_thread_task_alloc(r->pool, 0);
    if (task == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    task->ctx = r;
    task->handler = ngx_http_empty_thread_run;
    task->event.data = r;
    task->event.handler = ngx_http_empty_thread_done;

    if (ngx_thread_task_post(elcf->pool, task) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->blocked++;
    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_http_empty_hold_content(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_empty_thread_run(void *data, ngx_log_t *log)
{
}


static void
ngx_http_empty_thread_done(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ev->data;
    c = r->connection;

    r->main->blocked--;

    ngx_http_finalize_request(r, ngx_http_empty_content(r));

    ngx_http_run_posted_requests(c);
}
