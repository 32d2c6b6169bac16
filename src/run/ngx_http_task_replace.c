
/*
 * A worker that has lost a thread of a pool, as a function has ended it.
 *
 * Only a new worker has all threads, and the master starts one when this one
 * is gone.  Until nothing of ours is held, this one serves as before, with a
 * thread less; then it quits.  Both times are bounded.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_replace_handler(ngx_event_t *ev);


/* how often the worker looks whether it may quit, milliseconds */

#define NGX_HTTP_TASK_REPLACE_LOOK  500


/* how many threads the loop knows to be lost */

static ngx_uint_t          ngx_http_task_replace_seen;

/* until: when the worker quits, then when it ends at once; nanoseconds */

static ngx_event_t         ngx_http_task_replace_event;
static ngx_connection_t    ngx_http_task_replace_dumb;  /* for the debug log */
static int64_t             ngx_http_task_replace_until;
static ngx_uint_t          ngx_http_task_replace_quits;

/* how long holds are awaited, and then other requests; milliseconds */

static ngx_msec_t          ngx_http_task_replace_held;
static ngx_msec_t          ngx_http_task_replace_timeout;


void
ngx_http_task_replace_init(ngx_msec_t held, ngx_msec_t timeout)
{
    ngx_http_task_replace_held = held;
    ngx_http_task_replace_timeout = timeout;
}


void
ngx_http_task_replace_look(void)
{
    ngx_uint_t    lost;
    ngx_event_t  *ev;

    lost = ngx_http_task_piece_threads_lost();

    if (lost == ngx_http_task_replace_seen) {
        return;
    }

    ngx_http_task_replace_seen = lost;

    ngx_http_task_piece_reap();

    ev = &ngx_http_task_replace_event;

    if (ngx_process != NGX_PROCESS_WORKER || ev->handler) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "a thread of a pool was ended by a task, its worker will "
                  "be replaced");

    ev->handler = ngx_http_task_replace_handler;
    ev->data = &ngx_http_task_replace_dumb;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_http_task_replace_dumb.fd = (ngx_socket_t) -1;

    ngx_http_task_replace_until = ngx_http_task_now()
                                  + ngx_http_task_replace_held * 1000000LL;

    ngx_http_task_replace_handler(ev);
}


/* quits by itself; the master then starts a new worker */

static void
ngx_http_task_replace_handler(ngx_event_t *ev)
{
    int64_t     now;
    ngx_uint_t  over;

    now = ngx_http_task_now();
    over = (now >= ngx_http_task_replace_until);

    /* a piece in a pool without a thread would never end */

    if (over) {
        ngx_http_task_hold_no_longer();
    }

    if (ngx_http_task_replace_quits) {

        /* a worker that quits accepts nobody: other requests had their time */

        if (over) {
            ngx_terminate = 1;
        }

    } else if (!ngx_quit && !ngx_exiting
               && (over || !ngx_http_task_hold_any()))
    {
        ngx_http_task_replace_quits = 1;
        ngx_http_task_replace_until = now
                       + (ngx_http_task_replace_timeout + 1000) * 1000000LL;
        ngx_quit = 1;
    }

    ngx_add_timer(ev, NGX_HTTP_TASK_REPLACE_LOOK);
}


/*
 * A pool's destructor would wait for ever for a thread that is gone.  All that
 * the module has to do at exit is done by now.
 */

void
ngx_http_task_replace_exit(void)
{
    if (ngx_http_task_piece_threads_lost()) {
        _exit(0);
    }
}
