
/*
 * Server-sent events from an async function: it counts, and takes no thread for
 * that.  Each event has an id, so a client that comes back goes on behind the
 * last one that it has seen.
 *
 *     curl -N '127.0.0.1:8081/count?n=5&every=500ms'
 */


#include <ngx_task.h>

#include <stdio.h>
#include <stdlib.h>


typedef struct {
    int64_t  n;
    int64_t  every;
} count_args_t;


typedef struct {
    int64_t  i;
} count_state_t;


/* a browser that has lost its connection sends the last id by itself */

static int64_t
last_seen(ngx_task_t *t, int64_t n)
{
    char        *end;
    int64_t      i;
    const char  *id;

    id = ngx_task_header(t, "Last-Event-ID");

    if (id == NULL) {
        return 0;
    }

    i = strtoll(id, &end, 10);

    return *end == '\0' && i > 0 && i <= n ? i : 0;
}


static ngx_task_rc_t
count(ngx_task_t *t, ngx_task_frame_t *f)
{
    char                 id[32], data[64];
    count_state_t       *s;
    const count_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    s->i = last_seen(t, args->n);

    while (s->i < args->n) {
        s->i++;

        snprintf(id, sizeof(id), "%lld", (long long) s->i);
        snprintf(data, sizeof(data), "%lld of %lld", (long long) s->i,
                 (long long) args->n);

        NGX_TASK_AWAIT(f, ngx_task_write_event(f, NULL, id, data));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }

        if (s->i < args->n) {
            NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->every));
        }
    }

    /* a browser would come back for more, so it is told that there is none */

    NGX_TASK_AWAIT(f, ngx_task_write_event(f, "done", NULL, "all of them"));

    if (f->rc != NGX_TASK_OK) {
        return f->rc;
    }

    NGX_TASK_END(f);
}


static const ngx_task_param_t  count_params[] = {

    NGX_TASK_PARAM(count_args_t, n,
                   .def = "10", .min = "1", .max = "100000",
                   .summary = "how many events"),

    NGX_TASK_PARAM_AS(count_args_t, every, NGX_TASK_TIME,
                      .def = "1s", .min = "0", .max = "1m",
                      .summary = "from one to the next")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("count", .summary = "counts by events", .async = count,
                      .flags = NGX_TASK_CONTEXT,
                      .state_size = sizeof(count_state_t),
                      .args = NGX_TASK_ARGS(count_args_t, count_params),
                      .result_type = "text/event-stream")
};


NGX_TASK_LIBRARY("count", functions, NULL, NULL);
