
/*
 * What stands around a call of a task's function: it begins, it is completed,
 * and what it deferred is called.  Any thread may do that, one at a time.
 */


#include "task/ngx_http_task.h"


static void ngx_http_task_call_print(ngx_task_t *t);


ngx_uint_t
ngx_http_task_call_begin(ngx_task_t *t)
{
    int64_t  never;

    never = 0;

    if (!__atomic_compare_exchange_n(&t->started, &never, ngx_http_task_now(),
                                     0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return 0;
    }

    if (t->cell) {
        ngx_http_task_count_begin(t->cell);
    }

    if (t->client->begin) {
        t->client->begin(t);
    }

    return 1;
}


void
ngx_http_task_call_block(ngx_task_t *t)
{
    ngx_int_t      rc;
    ngx_task_rc_t  result;

    if (!ngx_http_task_call_begin(t)) {
        return;
    }

    if (t->in.unread) {
        rc = ngx_http_task_params_read(&t->in, &t->args, &t->result.body);

        if (rc != NGX_OK) {
            ngx_http_task_atomic_set(&t->result.invalid, rc == NGX_DECLINED);
            if (rc == NGX_ERROR) {
                ngx_http_task_no_memory(t);
            }

            t->rc = NGX_TASK_FAILED;
            return;
        }
    }

    result = t->function->table.block(t);

    ngx_http_task_exit_forbid_cancel();

    ngx_http_task_call_complete(t, result);
}


void
ngx_http_task_call_complete(ngx_task_t *t, ngx_task_rc_t rc)
{
    if (rc == NGX_TASK_AGAIN) {

        if (!ngx_http_task_misused(t)) {
            ngx_http_task_log_misuse(t, "returns NGX_TASK_AGAIN, awaiting "
                                        "nothing");
        }

        rc = NGX_TASK_FAILED;

    } else if ((ngx_uint_t) rc >= NGX_TASK_BUSY) {
        ngx_http_task_log_misuse_number(t, "returns what is no result, such as "
                                           "NGX_TASK_OK", rc);
        rc = NGX_TASK_FAILED;
    }

    /* printed here, so that in thread mode it is off the event loop, too */

    if (rc == NGX_TASK_OK && !t->result.bytes && !ngx_http_task_misused(t)
        && t->stream == NULL)
    {
        ngx_http_task_call_print(t);
    }

    t->result.made = 1;

    if (t->result.members) {
        ngx_http_task_object_free(&t->result);
    }

    if (t->result.json) {
        ngx_http_task_json_delete(t->result.json);
        t->result.json = NULL;
    }

    if (t->defers) {
        ngx_http_task_call_defers(t);
    }

    t->rc = (ngx_http_task_lacked_memory(t) || ngx_http_task_misused(t))
            ? NGX_TASK_FAILED : rc;
}


static void
ngx_http_task_call_print(ngx_task_t *t)
{
    ngx_http_task_result_t  *result;

    result = &t->result;

    if (result->json == NULL) {

        if (result->members == NULL && result->status == 0
            && !ngx_http_task_atomic_get(&t->function->empty))
        {
            ngx_http_task_atomic_set(&t->function->empty, 1);
            ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s",
                         "sets no result, its answer is {}");
        }

        ngx_http_task_object_print(t);
        return;
    }

    result->body.data = ngx_http_task_set_text(t, result->json,
                                                  &result->body.len);

    if (result->body.data) {
        result->free_body = cJSON_free;
    }
}


void
ngx_http_task_call_defers(ngx_task_t *t)
{
    ngx_http_task_guard_t             before;
    ngx_http_task_defer_t  *defer;

    before = ngx_http_task_guard(t, &t->function->name);

    while (t->defers) {
        defer = t->defers;
        t->defers = defer->next;

        defer->fn(defer->data);
    }

    ngx_http_task_unguard(before);
}
