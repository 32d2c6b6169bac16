
/*
 * The event loop's part of a stream.  What was put is sent in work of its own,
 * once in a turn of the loop, however often the function has put something;
 * when nginx has taken it, the function goes on.
 */


#include "run/ngx_http_task_run.h"
#include "task/ngx_http_task_stream.h"


static ngx_uint_t ngx_http_task_stream_step(ngx_http_task_work_t *work);
static void ngx_http_task_stream_went(ngx_task_t *t);
static void ngx_http_task_stream_give_up(ngx_http_task_hold_t *hold);


void
ngx_http_task_stream_told(ngx_http_task_bell_t *bell)
{
    ngx_http_task_stream_t  *s;

    s = ngx_queue_data(bell, ngx_http_task_stream_t, bell);

    ngx_http_task_stream_go(s->task);
}


void
ngx_http_task_stream_go(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    if (s->over) {
        return;
    }

    /* a worker that quits awaits a job, whether it streams or not */

    if (t->state == NGX_HTTP_TASK_PENDING && !s->held
        && !ngx_http_task_promised(t))
    {
        s->held = 1;
        s->hold.give_up = ngx_http_task_stream_give_up;

        ngx_http_task_hold(NGX_HTTP_TASK_HOLD_STREAM, &s->hold);
    }

    s->work.step = ngx_http_task_stream_step;

    ngx_http_task_work_begin(&s->work);
}


static ngx_uint_t
ngx_http_task_stream_step(ngx_http_task_work_t *work)
{
    ngx_task_t              *t;
    ngx_connection_t        *c;
    ngx_http_task_stream_t  *s;

    s = ngx_queue_data(work, ngx_http_task_stream_t, work);
    t = s->task;

    c = ngx_http_task_enter(t);

    ngx_http_task_atomic_set(&s->cpu, sched_getcpu());

    if (t->client->write(t) == NGX_OK && t->state == NGX_HTTP_TASK_PENDING) {

        /* a thread has put more meanwhile: it need not wake the loop */

        if (s->busy == NULL && ngx_http_task_atomic_get(&s->in) != s->given) {
            ngx_http_task_stream_go(t);
        }

        ngx_http_task_stream_went(t);
    }

    ngx_http_task_leave(c);

    return 0;
}


/*
 * Something was sent: there may be room.  A thread is woken when half of the
 * ring is free, not for each few bytes.
 */

static void
ngx_http_task_stream_went(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    s = t->stream;

    ngx_http_task_stream_count(t, s->given);

    if (s->resume) {
        s->resume(t);
        return;
    }

    if (s->given - s->out <= s->size / 2) {
        ngx_http_task_stream_wake(t);
    }
}


/* a worker that quits waits for the stream no longer */

static void
ngx_http_task_stream_give_up(ngx_http_task_hold_t *hold)
{
    ngx_task_t              *t;
    ngx_connection_t        *c;
    ngx_http_task_stream_t  *s;

    s = ngx_queue_data(hold, ngx_http_task_stream_t, hold);
    t = s->task;

    s->left = 1;

    c = ngx_http_task_enter(t);

    ngx_log_error(NGX_LOG_WARN, t->log, 0,
                  "stream of task \"%V\" did not end before "
                  "task_shutdown_timeout", &t->function->name);

    ngx_http_task_stop(t, NGX_HTTP_TASK_FAILED);

    ngx_http_task_leave(c);
}
