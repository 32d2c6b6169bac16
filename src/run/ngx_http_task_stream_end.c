
/*
 * The end of a stream, and what is counted of it.
 */


#include "run/ngx_http_task_run.h"
#include "task/ngx_http_task_stream.h"


void
ngx_http_task_stream_count(ngx_task_t *t, uint64_t given)
{
    int64_t                  waited;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    if (t->cell == NULL) {
        return;
    }

    waited = ngx_max(ngx_http_task_stream_waited(s), s->counted_wait);

    ngx_http_task_count_stream(t->cell, given - s->counted,
                               waited - s->counted_wait);

    s->counted = given;
    s->counted_wait = waited;
}


/* a thread may still put something: that is not sent */

void
ngx_http_task_stream_ended(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    s->end = ngx_http_task_atomic_get(&s->in);

    ngx_http_task_timer_clear(&s->silence);

    if (s->held) {
        s->held = 0;
        ngx_http_task_unhold(&s->hold);
    }

    if (s->resume) {
        ngx_http_task_stream_unwait(s);
    }

    if (t->state == NGX_HTTP_TASK_CANCELLED) {
        s->over = 1;
        s->end = s->given;
    }

    /* what is left goes out with the answer */

    ngx_http_task_stream_count(t, s->end);
}


void
ngx_http_task_stream_close(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    ngx_http_task_bell_drop(&s->bell);
    ngx_http_task_work_end(&s->work);

    cJSON_free(s->rest.text);
}
