
/*
 * What ngx_task.h offers to a function, and what stands around its call.
 *
 * All of this may run in a thread of a pool: it knows the task alone.
 */


#include "ngx_http_task.h"


int64_t
ngx_http_task_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
ngx_http_task_run_block(ngx_task_t *t)
{
    ngx_http_task_store(&t->started, ngx_http_task_now());

    ngx_http_task_complete(t, t->function->block(t));
}


/* printing belongs to the run: in thread mode it stays off the event loop */

void
ngx_http_task_complete(ngx_task_t *t, ngx_task_rc_t rc)
{
    t->rc = rc;

    if (rc == NGX_TASK_OK) {

        if (t->result == NULL && !t->nomem) {
            t->result = cJSON_CreateObject();
        }

        if (!t->nomem && t->result) {
            t->body.data = (u_char *) cJSON_PrintUnformatted(t->result);
        }

        if (t->body.data) {
            t->body.len = ngx_strlen(t->body.data);

        } else {
            t->nomem = 1;
            t->rc = NGX_TASK_FAILED;
        }
    }

    cJSON_Delete(t->result);
    t->result = NULL;
}


const void *
ngx_task_args(ngx_task_t *t)
{
    return t->args;
}


int
ngx_task_cancelled(ngx_task_t *t)
{
    return ngx_http_task_load(&t->cancelled);
}


void
ngx_task_set_string(ngx_task_t *t, const char *name, const char *value)
{
    cJSON  *item;

    if (t->result == NULL) {
        t->result = cJSON_CreateObject();
    }

    item = cJSON_CreateString(value);

    if (!cJSON_AddItemToObject(t->result, name, item)) {
        cJSON_Delete(item);
        t->nomem = 1;
    }
}


ngx_task_rc_t
ngx_task_block_ms(ngx_task_t *t, int64_t ms)
{
    int                     cancelled;
    int64_t                 deadline;
    struct timespec         ts;
    ngx_http_task_piece_t  *piece;

    deadline = ngx_http_task_now() + ms * 1000000;

    ts.tv_sec = deadline / 1000000000;
    ts.tv_nsec = deadline % 1000000000;

    piece = t->piece;

    if (piece == NULL) {

        /* the event loop's own thread: nobody could cancel, signals may come */

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL)
               == EINTR)
        { /* void */ }

        return NGX_TASK_OK;
    }

    (void) pthread_mutex_lock(&piece->mutex);

    for ( ;; ) {
        cancelled = ngx_task_cancelled(t);

        if (cancelled || ngx_http_task_now() >= deadline) {
            break;
        }

        (void) pthread_cond_timedwait(&piece->cond, &piece->mutex, &ts);
    }

    (void) pthread_mutex_unlock(&piece->mutex);

    return cancelled ? NGX_TASK_CANCELLED : NGX_TASK_OK;
}
