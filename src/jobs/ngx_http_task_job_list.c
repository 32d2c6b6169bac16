
/*
 * "list=on": a page of the jobs of a store, the newest one first.
 */


#include "jobs/ngx_http_task_job_query.h"


/* a job without its texts; and a cursor */

#define NGX_HTTP_TASK_JOB_LISTED  512


typedef struct {
    ngx_http_task_job_call_t     call;       /* the first member */
    ngx_http_task_store_list_t   list;
} ngx_http_task_job_lister_t;


static ngx_int_t ngx_http_task_job_list_args(ngx_http_task_job_args_t *args,
    ngx_http_task_store_list_t *list);
static void ngx_http_task_job_listed(ngx_http_task_job_call_t *call,
    ngx_int_t rc);
static ngx_int_t ngx_http_task_job_list_text(ngx_http_task_job_lister_t *l,
    ngx_str_t *text);
static u_char *ngx_http_task_job_list_one(u_char *p,
    ngx_http_task_store_t *store, ngx_http_task_job_listed_t *listed);
static const ngx_str_t *ngx_http_task_job_list_function(
    ngx_http_task_store_t *store, ngx_http_task_job_listed_t *listed);


ngx_int_t
ngx_http_task_job_list_send(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf)
{
    ngx_int_t                    rc;
    ngx_http_task_job_call_t    *call;
    ngx_http_task_job_lister_t  *l;
    ngx_http_task_job_args_t     args = { r, NULL };

    static u_char  no_id[NGX_HTTP_TASK_JOB_ID];

    call = ngx_http_task_job_call_of(r, conf->told, no_id,
                                     sizeof(ngx_http_task_job_lister_t));
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    l = (ngx_http_task_job_lister_t *) call;

    rc = ngx_http_task_job_list_args(&args, &l->list);

    if (rc != NGX_OK || args.errors) {
        return ngx_http_task_job_args_wrong(&args, rc);
    }

    call->handler = ngx_http_task_job_listed;

    ngx_http_task_job_call_hold(call);

    conf->told->type->list(conf->told, &call->op, &l->list);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_task_job_list_args(ngx_http_task_job_args_t *args,
    ngx_http_task_store_list_t *list)
{
    ngx_uint_t             i;
    ngx_http_task_value_t  values[4];

    static const ngx_task_param_t  params[] = {
        { .name = "limit", .type = NGX_TASK_INT, .min = "1", .max = "100" },
        { .name = "after", .type = NGX_TASK_INT, .min = "1" },
        { .name = "state", .type = NGX_TASK_ENUM,
          .choices = "queued|running|done|failed|cancelled|timeout|lost|"
                     "dead" },
        { .name = "queue", .type = NGX_TASK_STRING }
    };

    ngx_memzero(values, sizeof(values));

    values[0].integer = 20;
    values[2].integer = -1;

    for (i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        if (ngx_http_task_job_arg(args, &params[i], &values[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    list->limit = (ngx_uint_t) values[0].integer;
    list->after = (uint64_t) values[1].integer;
    list->state = NGX_HTTP_TASK_JOB_QUEUED + values[2].integer;
    list->queue = values[3].string;

    return NGX_OK;
}


static void
ngx_http_task_job_listed(ngx_http_task_job_call_t *call, ngx_int_t rc)
{
    ngx_str_t                    text;
    ngx_http_task_job_lister_t  *l;

    l = (ngx_http_task_job_lister_t *) call;

    if (rc == NGX_OK) {
        rc = ngx_http_task_job_list_text(l, &text);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_send(call->request, NGX_HTTP_OK, &text);

    } else {
        rc = (rc == NGX_AGAIN)
             ? ngx_http_task_send_unavailable(call->request, 1)
             : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_task_job_call_done(call, rc);
}


static ngx_int_t
ngx_http_task_job_list_text(ngx_http_task_job_lister_t *l, ngx_str_t *text)
{
    u_char                      *p;
    size_t                       size;
    ngx_uint_t                   i;
    const ngx_str_t             *function;
    ngx_http_task_store_t       *store;
    ngx_http_task_store_list_t  *list;

    list = &l->list;
    store = l->call.store;

    size = NGX_HTTP_TASK_JOB_LISTED;

    for (i = 0; i < list->n; i++) {
        function = ngx_http_task_job_list_function(store, list->jobs[i]);

        size += NGX_HTTP_TASK_JOB_LISTED + 6 * NGX_HTTP_TASK_JOB_MESSAGE
                + 6 * NGX_HTTP_TASK_JOB_QUEUE
                + (function ? 6 * function->len : 0);
    }

    p = ngx_pnalloc(l->call.op.pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    p = ngx_sprintf(p, "{\"jobs\":[");

    for (i = 0; i < list->n; i++) {

        if (i) {
            *p++ = ',';
        }

        p = ngx_http_task_job_list_one(p, store, list->jobs[i]);
    }

    p = list->next ? ngx_sprintf(p, "],\"next\":\"%uL\"}", list->next)
                   : ngx_sprintf(p, "],\"next\":null}");

    text->len = p - text->data;

    return NGX_OK;
}


static u_char *
ngx_http_task_job_list_one(u_char *p, ngx_http_task_store_t *store,
    ngx_http_task_job_listed_t *listed)
{
    const ngx_str_t  *function;

    p = ngx_http_task_job_text_id(p, store, &listed->seen);

    p = ngx_sprintf(p, ",\"queue\":");
    p += ngx_http_task_json_quote(p, listed->queue, listed->queue_len);
    p = ngx_sprintf(p, ",\"function\":");

    function = ngx_http_task_job_list_function(store, listed);

    if (function) {
        p += ngx_http_task_json_quote(p, function->data, function->len);

    } else {
        p = ngx_cpymem(p, "null", 4);
    }

    p = ngx_http_task_job_text_known(p, &listed->seen);
    *p++ = '}';

    return p;
}


/* the function that the locations of its queue have; NULL: there is none here,
   or they have several */

static const ngx_str_t *
ngx_http_task_job_list_function(ngx_http_task_store_t *store,
    ngx_http_task_job_listed_t *listed)
{
    ngx_uint_t                    i, n;
    ngx_http_task_queue_t       **queues;
    ngx_http_task_function_t     *function;
    ngx_http_task_job_serve_t    *s;
    ngx_http_task_job_runner_t   *runners;

    queues = store->queues.elts;

    for (n = 0; n < store->queues.nelts; n++) {
        if (queues[n]->name.len == listed->queue_len
            && ngx_memcmp(queues[n]->name.data, listed->queue,
                          listed->queue_len)
               == 0)
        {
            break;
        }
    }

    if (n == store->queues.nelts) {
        return NULL;
    }

    s = queues[n]->data;
    runners = s->runners.elts;
    function = runners[0].args->function;

    for (i = 1; i < s->runners.nelts; i++) {
        if (runners[i].args->function != function) {
            return NULL;
        }
    }

    return &function->name;
}
