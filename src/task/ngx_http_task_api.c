
/*
 * What ngx_task.h offers to a function that runs, and what stands around its
 * run.  All of this may run in a thread of a pool: it knows the task alone.
 */


#include "task/ngx_http_task.h"


/* the thread of the event loop, in this process */

static pthread_t  ngx_http_task_loop;


void
ngx_http_task_loop_init(void)
{
    ngx_http_task_loop = pthread_self();
}


ngx_uint_t
ngx_http_task_on_loop(void)
{
    return pthread_equal(pthread_self(), ngx_http_task_loop) != 0;
}


int64_t
ngx_http_task_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


ngx_uint_t
ngx_http_task_begin(ngx_task_t *t)
{
    int64_t  never;

    never = 0;

    if (!__atomic_compare_exchange_n(&t->started, &never, ngx_http_task_now(),
                                     0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return 0;
    }

    if (t->cell) {
        ngx_http_task_zone_add_shared(&t->cell[NGX_HTTP_TASK_COUNT_BEGUN], 1);
    }

    if (t->job) {
        ngx_http_task_job_begin(t->conf->job_zone, t->job);
    }

    return 1;
}


void
ngx_http_task_run_block(ngx_task_t *t)
{
    ngx_int_t      rc;
    ngx_task_rc_t  result;

    if (!ngx_http_task_begin(t)) {
        return;
    }

    if (t->unread) {
        rc = ngx_http_task_params_read(t);

        if (rc != NGX_OK) {
            t->result.nomem = (rc == NGX_ERROR);
            t->rc = NGX_TASK_FAILED;
            return;
        }
    }

    result = t->function->table.block(t);

    ngx_http_task_exit_forbid_cancel();

    ngx_http_task_complete(t, result);
}


void
ngx_task_defer(ngx_task_t *t, void (*fn)(void *), void *data)
{
    ngx_http_task_defer_t  *defer;

    if (fn == NULL) {
        ngx_http_task_misuse(t, "defers NULL");
        return;
    }

    defer = ngx_palloc(t->pool, sizeof(ngx_http_task_defer_t));

    if (defer == NULL) {
        t->result.nomem = 1;
        fn(data);
        return;
    }

    defer->fn = fn;
    defer->data = data;
    defer->next = t->defers;

    t->defers = defer;
}


void
ngx_http_task_run_defers(ngx_task_t *t)
{
    ngx_task_t             *before;
    ngx_http_task_defer_t  *defer;

    before = ngx_http_task_exit_guard(t);

    while (t->defers) {
        defer = t->defers;
        t->defers = defer->next;

        defer->fn(defer->data);
    }

    (void) ngx_http_task_exit_guard(before);
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


const void *
ngx_task_body(ngx_task_t *t, size_t *len, int *fd)
{
    if (!(t->function->table.flags & NGX_TASK_RAW_BODY)) {
        ngx_http_task_misuse(t, "reads the body without NGX_TASK_RAW_BODY");
    }

    if (len == NULL || fd == NULL) {
        ngx_http_task_misuse(t, "reads the body without a place for its length "
                                "and descriptor");
        return NULL;
    }

    *len = t->body.len;
    *fd = t->body.fd;

    return t->body.data;
}


int
ngx_task_cancelled(ngx_task_t *t)
{
    return ngx_http_task_atomic_get(&t->cancelled);
}


void
ngx_task_progress(ngx_task_t *t, int64_t done, int64_t total,
    const char *message)
{
    if (t->job) {
        ngx_http_task_job_progress(t->job, done, total, message);
    }
}


ngx_task_rc_t
ngx_task_block_ms(ngx_task_t *t, int64_t ms)
{
    int                     cancelled, state;
    int64_t                 deadline;
    struct timespec         ts;
    ngx_http_task_piece_t  *piece;

    ms = ngx_max(ngx_min(ms, NGX_HTTP_TASK_MAX_MS), 0);
    deadline = ngx_http_task_now() + ms * 1000000;

    ts.tv_sec = deadline / 1000000000;
    ts.tv_nsec = deadline % 1000000000;

    if (ngx_http_task_on_loop()) {

        if (t->conf->mode.executor != &ngx_http_task_sync) {
            ngx_http_task_misuse(t, "blocks on the event loop");
            return NGX_TASK_FAILED;
        }

        /* task_mode sync: nobody could cancel, signals may come */

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL)
               == EINTR)
        { /* void */ }

        return NGX_TASK_OK;
    }

    piece = t->piece;

    /* also if the function allows its thread to be cancelled */

    (void) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);

    (void) pthread_mutex_lock(&piece->mutex);

    for ( ;; ) {
        cancelled = ngx_task_cancelled(t);

        if (cancelled || ngx_http_task_now() >= deadline) {
            break;
        }

        (void) pthread_cond_timedwait(&piece->cond, &piece->mutex, &ts);
    }

    (void) pthread_mutex_unlock(&piece->mutex);

    (void) pthread_setcancelstate(state, NULL);

    return cancelled ? NGX_TASK_CANCELLED : NGX_TASK_OK;
}


/* the connection's log is not for threads: its handler looks at the request */

void
ngx_task_log(ngx_task_t *t, ngx_task_log_level_t level, const char *fmt, ...)
{
    int         n;
    char        buf[NGX_MAX_ERROR_STR - 128];
    u_char      escaped[sizeof(buf)];
    size_t      len;
    va_list     args;
    ngx_str_t  *request;
    ngx_uint_t  i;

    static ngx_str_t  none = ngx_null_string;

    static const ngx_uint_t  levels[] = {
        NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_NOTICE, NGX_LOG_INFO
    };

    if (fmt == NULL) {
        ngx_http_task_misuse(t, "logs NULL");
        return;
    }

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    n = ngx_max(ngx_min(n, (int) sizeof(buf) - 1), 0);

    /* nothing that a client sent may look like a line of the log */

    len = ngx_http_task_log_escape(escaped, sizeof(escaped), (u_char *) buf,
                                   n);

    i = ((ngx_uint_t) level <= NGX_TASK_LOG_INFO) ? levels[level] : NGX_LOG_ERR;

    request = t->context ? &t->context->request_id : &none;

    ngx_log_error(i, ngx_cycle->log, 0, "*%uA task \"%V\"%s%V: %*s%s%V",
                  t->connection, &t->function->name,
                  request->len ? ", request " : "", request,
                  len, escaped,
                  t->job_name.len ? ", job: " : "", &t->job_name);
}
