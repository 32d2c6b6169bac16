
/*
 * An async function that asks ten servers at once, takes the three answers that
 * come first, and lets go of the others.
 */


#include <ngx_task.h>

#include <stdio.h>
#include <string.h>


#define ASKED  10


typedef struct {
    const char              *path;
    int64_t                  take;
} fan_args_t;


typedef struct fan_s  fan_t;


/* a child of the gather: a request and its reply */

typedef struct {
    fan_t                   *fan;
    int                      server;
    const ngx_task_reply_t  *reply;
} fan_ask_t;


struct fan_s {
    fan_ask_t                asks[ASKED];
    ngx_task_child_t         children[ASKED];
    int64_t                  take;
    int64_t                  taken;
    cJSON                   *answers;    /* NULL: they are the result's */
};


static ngx_task_rc_t
ask(ngx_task_t *t, ngx_task_frame_t *f)
{
    char                uri[256];
    fan_t              *fan;
    cJSON              *answer;
    fan_ask_t          *a;
    ngx_task_request_t  request;

    a = f->state;
    fan = a->fan;

    NGX_TASK_BEGIN(f);

    snprintf(uri, sizeof(uri), "%s%d",
             ((const fan_args_t *) ngx_task_args(t))->path, a->server);

    memset(&request, 0, sizeof(request));

    request.size = sizeof(request);
    request.uri = uri;

    NGX_TASK_AWAIT(f, ngx_task_fetch(f, &request, &a->reply));

    /* one that does not answer is as one that is slow */

    if (f->rc != NGX_TASK_OK || a->reply->status != 200) {
        return NGX_TASK_OK;
    }

    answer = cJSON_CreateObject();

    cJSON_AddNumberToObject(answer, "server", a->server);
    cJSON_AddStringToObject(answer, "says", a->reply->body);

    if (!cJSON_AddItemToArray(fan->answers, answer)) {
        cJSON_Delete(answer);
        return NGX_TASK_FAILED;
    }

    fan->taken++;

    /* what is not NGX_TASK_OK ends the gather: these are enough */

    if (fan->taken == fan->take) {
        return NGX_TASK_CANCELLED;
    }

    NGX_TASK_END(f);
}


static void
drop_answers(void *data)
{
    fan_t *fan = data;

    cJSON_Delete(fan->answers);
}


static ngx_task_rc_t
fan(ngx_task_t *t, ngx_task_frame_t *f)
{
    int                i;
    fan_t             *s;
    const fan_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    s->take = args->take;
    s->answers = cJSON_CreateArray();

    /* if the client leaves, nothing below is run any more, but this is */

    if (ngx_task_defer(t, drop_answers, s) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    for (i = 0; i < ASKED; i++) {
        s->asks[i].fan = s;
        s->asks[i].server = i;

        s->children[i].fn = ask;
        s->children[i].state = &s->asks[i];
    }

    NGX_TASK_AWAIT(f, ngx_task_gather(f, s->children, ASKED, 0,
                                      NGX_TASK_GATHER_FIRST_ERROR));

    if (s->taken < s->take) {
        return ngx_task_fail(t, 502, "too few servers answer");
    }

    ngx_task_set_result(t, s->answers);
    s->answers = NULL;

    NGX_TASK_END(f);
}


static const ngx_task_param_t  fan_params[] = {

    NGX_TASK_PARAM(fan_args_t, path, .flags = NGX_TASK_FIXED, .max = "60",
                   .summary = "of the location that leads to the servers"),

    NGX_TASK_PARAM(fan_args_t, take, .def = "3", .min = "1", .max = "10",
                   .summary = "how many answers are taken")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("fan", .summary = "asks ten, takes the first three",
                      .async = fan, .state_size = sizeof(fan_t),
                      .args = NGX_TASK_ARGS(fan_args_t, fan_params))
};


NGX_TASK_LIBRARY("fan", functions, NULL, NULL);
