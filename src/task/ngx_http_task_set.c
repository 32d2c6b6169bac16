
/*
 * Each call that sets something of a task's result asks here: whether it may
 * still be set, and to this value.  Any thread that runs the task may call
 * this.
 */


#include "task/ngx_http_task.h"


ngx_uint_t
ngx_http_task_set_may(ngx_task_t *t)
{
    if (!ngx_http_task_set_late(t)) {
        return 0;
    }

    if (t->stream) {
        ngx_http_task_log_misuse(t, "sets its result after it has begun to "
                                    "stream");
        return 0;
    }

    return 1;
}


/* ngx_task_fail() ends a stream, too */

ngx_uint_t
ngx_http_task_set_late(ngx_task_t *t)
{
    if (ngx_http_task_guarded()->beside) {
        ngx_http_task_log_misuse(t, "sets its result in a piece that runs "
                                    "beside others, in a gather");
        return 0;
    }

    if (ngx_http_task_guarded_task() != t) {
        ngx_http_task_log_misuse(t, "sets its result outside of its own calls, "
                                    "as in a thread of its own");
        return 0;
    }

    if (t->result.made) {
        ngx_http_task_log_misuse(t, "sets its result in a deferred call");
        return 0;
    }

    return 1;
}


/*
 * Returns 1 if value belongs to nothing else: it is not set already, nor is it
 * in an array or object, where cJSON links each item to the one before.
 */

ngx_uint_t
ngx_http_task_set_takes(ngx_task_t *t, cJSON *value)
{
    ngx_http_task_member_t  *member;

    if (value == NULL) {
        return 1;
    }

    member = t->result.members;

    while (member && member->json != value) {
        member = member->next;
    }

    if (member || value == t->result.json || value->prev || value->next) {
        ngx_http_task_log_misuse(t, "sets a value that belongs to another "
                                    "already");
        return 0;
    }

    return 1;
}


u_char *
ngx_http_task_set_text(ngx_task_t *t, cJSON *json, size_t *len)
{
    char        *text;
    const char  *wrong;

    if (ngx_http_task_json_print(json, &text, len, &wrong)) {
        return (u_char *) text;
    }

    if (wrong) {
        ngx_http_task_log_misuse(t, wrong);

    } else {
        ngx_http_task_no_memory(t);
    }

    return NULL;
}
