
/*
 * Functions for the tests that do what can be seen to be wrong.
 */


#include <ngx_task.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* it is what some of these do wrong */

#pragma GCC diagnostic ignored "-Wunused-result"


typedef struct {
    int64_t            how;
    int64_t            ms;
} wrong_args_t;


typedef struct {
    ngx_task_frame_t  *frame;
    ngx_task_t        *task;
    int64_t            how;
} wrong_state_t;


/* what a thread of the function's own does */

static void *
elsewhere(void *data)
{
    ngx_task_set_int(data, "n", 1);

    return NULL;
}


static ngx_task_rc_t
wrong(ngx_task_t *t)
{
    int                  fd;
    pthread_t            tid;
    cJSON               *a, *b, *c;
    size_t               len;
    const wrong_args_t  *args;

    args = ngx_task_args(t);

    a = cJSON_CreateString("a");
    b = cJSON_CreateObject();
    c = cJSON_CreateArray();

    switch (args->how) {

    case 0:
        ngx_task_set_json(t, "a", a);
        ngx_task_set_json(t, "b", a);
        break;

    case 1:
        ngx_task_set_json(t, "a", a);
        ngx_task_set_result(t, a);
        break;

    case 2:
        cJSON_AddItemToObject(b, "a", a);
        ngx_task_set_result(t, b);
        ngx_task_set_json(t, "b", b);
        cJSON_Delete(c);
        return NGX_TASK_OK;

    case 3:
        cJSON_AddItemToArray(c, a);
        ngx_task_set_json(t, "c", c);
        ngx_task_set_json(t, "a", a);
        cJSON_Delete(b);
        return NGX_TASK_OK;

    case 4:
        cJSON_AddItemToObject(b, "a", a);
        ngx_task_set_result(t, b);
        ngx_task_set_json(t, "other", a);
        cJSON_Delete(c);
        return NGX_TASK_OK;

    case 5:
        cJSON_AddItemToArray(c, a);
        ngx_task_set_json(t, "c", c);
        ngx_task_set_result(t, a);
        cJSON_Delete(b);
        return NGX_TASK_OK;

    case 6:

        /* this is right: the same item by the same name */

        cJSON_AddItemToObject(b, "a", a);
        ngx_task_set_result(t, b);
        ngx_task_set_json(t, "a", a);
        ngx_task_set_result(t, b);
        cJSON_Delete(c);
        return NGX_TASK_OK;

    case 7:
        ngx_task_set_header(t, NULL, "x");
        break;

    case 8:
        ngx_task_set_header(t, "X-Name", NULL);
        break;

    case 9:
        ngx_task_defer(t, NULL, NULL);
        break;

    case 10:
        ngx_task_log(t, NGX_TASK_LOG_INFO, NULL);
        break;

    case 11:
        (void) ngx_task_header(t, NULL);
        break;

    case 12:
        ngx_task_set_bytes(t, "text/plain", NULL, 1, NULL);
        break;

    case 13:
        (void) ngx_task_body(t, NULL, &fd);
        break;

    case 14:
        (void) ngx_task_body(t, &len, NULL);
        break;

    case 15:
        ngx_task_set_int(t, NULL, 1);
        break;

    case 16:
        ngx_task_set_string(t, NULL, "a");
        break;

    case 17:
        ngx_task_set_json(t, NULL, a);
        cJSON_Delete(b);
        cJSON_Delete(c);
        return NGX_TASK_OK;

    case 18:
        ngx_task_set_bytes(t, NULL, NULL, 0, NULL);
        break;

    case 20:

        /* put into another value once it is set, in both orders */

        ngx_task_set_json(t, "a", a);
        cJSON_AddItemToArray(c, a);
        ngx_task_set_json(t, "c", c);
        cJSON_Delete(b);
        return NGX_TASK_OK;

    case 21:
        ngx_task_set_json(t, "c", c);
        ngx_task_set_json(t, "a", a);
        cJSON_AddItemToArray(c, a);
        cJSON_Delete(b);
        return NGX_TASK_OK;

    case 23:
        ngx_task_set_result(t, cJSON_CreateArray());
        ngx_task_set_int(t, "n", 1);
        break;

    case 22:

        if (pthread_create(&tid, NULL, elsewhere, t) == 0) {
            (void) pthread_join(tid, NULL);
        }

        break;

    case 19:

        /* right, too: there is no text */

        (void) ngx_task_parse_json(NULL, 0);
        ngx_task_set_string(t, "a", NULL);
        ngx_task_progress(t, 1, 2, NULL);
    }

    if (args->how > 1) {
        cJSON_Delete(a);
    }

    cJSON_Delete(b);
    cJSON_Delete(c);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
piece(ngx_task_t *t, void *data)
{
    (void) t;
    (void) data;

    return NGX_TASK_OK;
}


static ngx_task_rc_t
called(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) t;
    (void) f;

    return NGX_TASK_OK;
}


static void
later(void *data)
{
    wrong_state_t  *s;

    s = data;

    switch (s->how) {

    case 0:
        (void) ngx_task_sleep(s->frame, 200);
        break;

    case 1:
        (void) ngx_task_offload(s->frame, NULL, piece, NULL);
        break;

    case 2:
        (void) ngx_task_call(s->frame, called, NULL);
        break;

    case 3:
        (void) ngx_task_block_ms(s->task, 10);
        break;

    case 4:
        ngx_task_set_result(s->task, cJSON_CreateString("late"));
        break;

    case 5:
        ngx_task_set_bytes(s->task, "text/plain", strdup("late"), 4, free);
        break;

    case 6:
        ngx_task_set_int(s->task, "late", 1);
        break;

    case 7:
        (void) ngx_task_sleep(s->frame, 0);
        break;

    case 8:
        ngx_task_set_status(s->task, 404);
        break;

    case 9:
        (void) ngx_task_fail(s->task, 503, "late");
    }
}


static ngx_task_rc_t
awrong(ngx_task_t *t, ngx_task_frame_t *f)
{
    wrong_state_t       *s;
    ngx_task_frame_t     other;
    const wrong_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    s->frame = f;
    s->task = t;
    s->how = args->how;

    if (args->how < 10) {
        ngx_task_defer(t, later, s);
    }

    ngx_task_set_json(t, "kept", cJSON_CreateString("until it is printed"));

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));

    switch (args->how) {

    case 10:
        (void) ngx_task_sleep(NULL, 10);
        break;

    case 11:
        (void) ngx_task_call(f, NULL, NULL);
        break;

    case 12:
        (void) ngx_task_offload(f, NULL, NULL, NULL);
        break;

    case 13:
        memset(&other, 0, sizeof(other));
        (void) ngx_task_sleep(&other, 10);
        break;

    case 14:
        (void) ngx_task_offload(NULL, NULL, piece, NULL);
        break;

    case 15:
        (void) ngx_task_call(NULL, called, NULL);
        break;
    }

    NGX_TASK_END(f);
}


/* the blocking form of a function cannot await either */

static ngx_task_rc_t
bwrong(ngx_task_t *t)
{
    const wrong_args_t       *args;
    static ngx_task_frame_t   frame;
    static wrong_state_t      state;

    args = ngx_task_args(t);

    state.frame = &frame;
    state.task = t;
    state.how = args->how;

    ngx_task_defer(t, later, &state);
    ngx_task_set_json(t, "kept", cJSON_CreateString("until it is printed"));

    return NGX_TASK_OK;
}


/* answers, see t/274-answers.t */

static ngx_task_rc_t
answer(ngx_task_t *t)
{
    static char          page[] = "<p>page of the task</p>";
    const wrong_args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_header(t, "WWW-Authenticate", "Basic realm=\"x\"");
    ngx_task_set_header(t, "Content-Encoding", "gzip");
    ngx_task_set_header(t, "X-Secret", "s");

    switch (args->how) {

    case 0:
        return ngx_task_fail(t, 503, "x");

    case 1:
        return ngx_task_fail(t, 401, "who is it");

    case 2:
        return NGX_TASK_FAILED;

    case 3:
        ngx_task_set_status(t, 404);
        return NGX_TASK_OK;
    }

    ngx_task_set_bytes(t, "text/html", page, sizeof(page) - 1, NULL);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
page(ngx_task_t *t)
{
    static char  page[] = "<p>page of the task</p>";

    ngx_task_set_bytes(t, "text/html", page, sizeof(page) - 1, NULL);

    return NGX_TASK_OK;
}


/* how far it is, when all of it has been told */

static void
free_late(void *data)
{
    ngx_task_progress(data, 100, 100, "sent");
}


static ngx_task_rc_t
late(ngx_task_t *t)
{
    ngx_task_set_bytes(t, "text/plain", t, 4, free_late);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  params[] = {
    { "how", NGX_TASK_INT, offsetof(wrong_args_t, how), "0",
      NULL, NULL, "", NULL },
    { "ms", NGX_TASK_TIME, offsetof(wrong_args_t, ms), "10ms",
      NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {
    { "wrong", "", wrong, NULL, sizeof(wrong_args_t), params, 0,
      NGX_TASK_CONTEXT|NGX_TASK_RAW_BODY },
    { "awrong", "", NULL, awrong, sizeof(wrong_args_t), params,
      sizeof(wrong_state_t), 0 },
    { "bwrong", "", bwrong, NULL, sizeof(wrong_args_t), params, 0, 0 },
    { "answer", "", answer, NULL, sizeof(wrong_args_t), params, 0, 0 },
    { "page", "", page, NULL, 0, NULL, 0, NGX_TASK_POST|NGX_TASK_GET },
    { "late", "", late, NULL, 0, NULL, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("wrong", functions, NULL, NULL);
