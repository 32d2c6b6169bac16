
/*
 * What ngx_task.h offers to a function that runs.  It may be called in any
 * thread that runs the task, and touches the task alone.
 */


#include "task/ngx_http_task.h"


static int *ngx_http_task_api_piece(ngx_task_t *t);
static const char *ngx_http_task_api_context(ngx_task_t *t, size_t offset);


ngx_task_rc_t
ngx_task_defer(ngx_task_t *t, void (*fn)(void *), void *data)
{
    ngx_http_task_defer_t  *defer;

    if (fn == NULL) {
        ngx_http_task_log_misuse(t, "defers NULL");
        return NGX_TASK_FAILED;
    }

    if (ngx_http_task_guarded()->beside) {
        ngx_http_task_log_misuse(t, "defers in a piece that runs beside "
                                    "others, in a gather");
        fn(data);
        return NGX_TASK_FAILED;
    }

    defer = ngx_palloc(t->pool, sizeof(ngx_http_task_defer_t));

    if (defer == NULL) {
        ngx_http_task_no_memory(t);
        fn(data);
        return NGX_TASK_FAILED;
    }

    defer->fn = fn;
    defer->data = data;
    defer->next = t->defers;

    t->defers = defer;

    return NGX_TASK_OK;
}


cJSON *
ngx_task_parse_json(const char *text, size_t len)
{
    return ngx_http_task_json_tree((const unsigned char *) text, len);
}


const void *
ngx_task_args(ngx_task_t *t)
{
    return t->args;
}


const char *
ngx_task_declared(ngx_task_t *t, size_t i, const char **value)
{
    const ngx_http_task_arg_t        *arg;
    const ngx_http_task_args_conf_t  *conf;

    conf = t->in.conf;

    if (!(t->function->table.flags & NGX_TASK_DECLARED)) {
        ngx_http_task_log_misuse(t, "looks at parameters of its location "
                                    "without NGX_TASK_DECLARED");
        return NULL;
    }

    if (value == NULL) {
        ngx_http_task_log_misuse(t, "looks at a parameter without a place for "
                                    "its value");
        return NULL;
    }

    /* the function's own stand first */

    if (i >= conf->args->nelts - t->function->args.nargs) {
        return NULL;
    }

    arg = conf->args->elts;
    arg += t->function->args.nargs + i;

    *value = *(const char *const *) ((u_char *) t->args + arg->param->offset);

    return arg->param->name;
}


const void *
ngx_task_body(ngx_task_t *t, size_t *len, int *fd)
{
    if (!(t->function->table.flags & NGX_TASK_RAW_BODY)) {
        ngx_http_task_log_misuse(t, "reads the body without NGX_TASK_RAW_BODY");
    }

    if (len == NULL || fd == NULL) {
        ngx_http_task_log_misuse(t, "reads the body without a place for its "
                                    "length and descriptor");
        return NULL;
    }

    *len = t->in.body.len;
    *fd = t->in.body.fd;

    return t->in.body.data;
}


int
ngx_task_cancelled(ngx_task_t *t)
{
    int  *piece;

    piece = ngx_http_task_api_piece(t);

    return ngx_http_task_atomic_get(&t->cancelled)
           || (piece && ngx_http_task_atomic_get(piece));
}


int
ngx_task_attempt(ngx_task_t *t)
{
    return t->attempt ? (int) t->attempt : 1;
}


/* returns whether the piece that this thread runs is cancelled, or NULL */

static int *
ngx_http_task_api_piece(ngx_task_t *t)
{
    ngx_http_task_guard_t  *guard;

    guard = ngx_http_task_guarded();

    return (guard->task == t) ? guard->cancelled : NULL;
}


void
ngx_task_progress(ngx_task_t *t, int64_t done, int64_t total,
    const char *message)
{
    if (t->client->progress) {
        t->client->progress(t, done, total, message);
    }
}


ngx_task_rc_t
ngx_task_block_ms(ngx_task_t *t, int64_t ms)
{
    int             *piece;
    int64_t          deadline;
    struct timespec  ts;

    ms = ngx_min(ms, NGX_HTTP_TASK_MAX_MS);
    deadline = (ms > 0) ? ngx_http_task_now() + ms * 1000000 : 0;

    if (!ngx_http_task_loop_is_here()) {

        /* NULL: a thread of the function's own, which nobody wakes early */

        piece = ngx_http_task_api_piece(t);

        return (ngx_task_cancelled(t)
                || ngx_http_task_futex_wait(piece ? piece : &t->cancelled,
                                            deadline))
               ? NGX_TASK_CANCELLED : NGX_TASK_OK;
    }

    if (!t->conf->mode.executor->stalls) {
        ngx_http_task_log_misuse(t, "blocks on the event loop: await "
                                    "ngx_task_sleep() there");
        return NGX_TASK_FAILED;
    }

    /* task_mode sync: nobody can cancel, but signals may interrupt */

    ts.tv_sec = deadline / 1000000000;
    ts.tv_nsec = deadline % 1000000000;

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
    { /* void */ }

    return NGX_TASK_OK;
}


static const char *
ngx_http_task_api_context(ngx_task_t *t, size_t offset)
{
    ngx_str_t  *s;

    if (t->in.context == NULL) {
        ngx_http_task_log_misuse(t, "looks at the request without "
                                "NGX_TASK_CONTEXT");
        return NULL;
    }

    s = (ngx_str_t *) ((u_char *) t->in.context + offset);

    return (const char *) s->data;
}


const char *
ngx_task_method(ngx_task_t *t)
{
    return ngx_http_task_api_context(t,
                                     offsetof(ngx_http_task_context_t, method));
}


const char *
ngx_task_uri(ngx_task_t *t)
{
    return ngx_http_task_api_context(t, offsetof(ngx_http_task_context_t, uri));
}


const char *
ngx_task_remote_addr(ngx_task_t *t)
{
    return ngx_http_task_api_context(t,
                                offsetof(ngx_http_task_context_t, remote_addr));
}


const char *
ngx_task_request_id(ngx_task_t *t)
{
    return ngx_http_task_api_context(t,
                                 offsetof(ngx_http_task_context_t, request_id));
}


const char *
ngx_task_traceparent(ngx_task_t *t)
{
    return ngx_http_task_api_context(t,
                                offsetof(ngx_http_task_context_t, traceparent));
}


const char *
ngx_task_header(ngx_task_t *t, const char *name)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *headers;

    if (ngx_task_method(t) == NULL) {
        return NULL;
    }

    if (name == NULL) {
        ngx_http_task_log_misuse(t, "looks for a header without a name");
        return NULL;
    }

    headers = t->in.context->headers;

    for (i = 0; i < t->in.context->nheaders; i++) {
        if (ngx_strcasecmp(headers[i].key.data, (u_char *) name) == 0) {
            return (const char *) headers[i].value.data;
        }
    }

    return NULL;
}
