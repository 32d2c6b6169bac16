
/*
 * Functions for the tests: some that use all there is, and some that do all
 * that must not be done.
 */


#include <ngx_task.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* it is what some of these do wrong */

#pragma GCC diagnostic ignored "-Wunused-result"


#ifndef VERSION
#define VERSION  "1"
#endif


/* of this worker; the event loop and the threads both count */

static int  begun, deferred, freed, started;


static void
count(void *data)
{
    __atomic_add_fetch((int *) data, 1, __ATOMIC_SEQ_CST);
}


static void
count_free(void *data)
{
    count(&freed);
    free(data);
}


/* --- the application that answers the table of t/fastapi-answers.json --- */

typedef struct {
    int64_t      n;
    double       x;
    int          flag;
    const char  *name;
    int          color;
    int64_t      size;
    int64_t      time;
    int64_t      any;
    double       real;
} values_args_t;


static const char  *colors[] = { "red", "green" };


static ngx_task_rc_t
values(ngx_task_t *t)
{
    const values_args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_int(t, "n", args->n);
    ngx_task_set_number(t, "x", args->x);
    ngx_task_set_bool(t, "flag", args->flag);
    ngx_task_set_string(t, "name", args->name);
    ngx_task_set_string(t, "color", colors[args->color]);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
more_values(ngx_task_t *t)
{
    const values_args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_int(t, "size", args->size);
    ngx_task_set_int(t, "time", args->time);
    ngx_task_set_int(t, "any", args->any);
    ngx_task_set_number(t, "real", args->real);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  values_params[] = {
    { "n", NGX_TASK_INT, offsetof(values_args_t, n),
      NULL, "1", "100", "", NULL },
    { "x", NGX_TASK_NUMBER, offsetof(values_args_t, x),
      "1.5", ">0", "<10", "", NULL },
    { "flag", NGX_TASK_BOOL, offsetof(values_args_t, flag),
      "false", NULL, NULL, "", NULL },
    { "name", NGX_TASK_STRING, offsetof(values_args_t, name),
      "world", "1", "10", "", NULL },
    { "color", NGX_TASK_ENUM, offsetof(values_args_t, color),
      "red", NULL, NULL, "", "red|green" },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_param_t  more_params[] = {
    { "size", NGX_TASK_SIZE, offsetof(values_args_t, size),
      "1k", "1", "1g", "", NULL },
    { "time", NGX_TASK_TIME, offsetof(values_args_t, time),
      "1s", NULL, NULL, "", NULL },
    { "any", NGX_TASK_INT, offsetof(values_args_t, any),
      "0", NULL, NULL, "", NULL },
    { "real", NGX_TASK_NUMBER, offsetof(values_args_t, real),
      "0", NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


/* --- results ------------------------------------------------------------ */

typedef struct {
    int64_t      ms;
    int64_t      status;
    const char  *text;
    const char  *name;
    int64_t      count;
    int          how;
    const char  *until;
} test_args_t;


static ngx_task_rc_t
result(ngx_task_t *t)
{
    cJSON              *json;
    const test_args_t  *args;

    args = ngx_task_args(t);

    switch (args->how) {

    case 0: /* nothing */
        return NGX_TASK_OK;

    case 1: /* twice */
        ngx_task_set_string(t, "a", "first");
        ngx_task_set_string(t, "a", "second");
        ngx_task_set_int(t, "max", INT64_MAX);
        ngx_task_set_number(t, "nan", 0.0 / (args->count - args->count));
        ngx_task_set_string(t, "bytes", "a\xff");
        ngx_task_set_string(t, "null", NULL);
        ngx_task_set_json(t, "list", cJSON_CreateArray());
        return NGX_TASK_OK;

    case 2: /* whole */
        ngx_task_set_string(t, "lost", "x");
        ngx_task_set_result(t, cJSON_CreateString("whole"));
        return NGX_TASK_OK;

    case 3: /* member of no object */
        ngx_task_set_result(t, cJSON_CreateTrue());
        ngx_task_set_string(t, "a", "x");
        return NGX_TASK_OK;

    case 4: /* bytes */
        ngx_task_set_bytes(t, "text/plain", strdup(args->text),
                           strlen(args->text), count_free);
        return NGX_TASK_OK;

    case 5: /* fail */
        return ngx_task_fail(t, (int) args->status, args->text);

    case 6: /* failed */
        return NGX_TASK_FAILED;

    case 7: /* rubbish */
        return (ngx_task_rc_t) 77;

    case 8: /* header */
        ngx_task_set_status(t, (int) args->status);
        ngx_task_set_header(t, args->name, args->text);
        ngx_task_set_string(t, "sent", args->name);
        return NGX_TASK_OK;

    case 9: /* log */
        ngx_task_log(t, NGX_TASK_LOG_NOTICE, "says: %s", args->text);
        return NGX_TASK_OK;

    case 10: /* again */
        return NGX_TASK_AGAIN;

    case 11: /* crash */
        abort();

    case 12: /* undeclared */
        ngx_task_method(t);
        return NGX_TASK_OK;

    case 13: /* bytes twice */
        ngx_task_set_bytes(t, "text/plain", strdup("x"), 1, count_free);
        ngx_task_set_bytes(t, "text/plain", strdup("yz"), 2, count_free);
        return NGX_TASK_OK;

    case 14: /* cancelled */
        return NGX_TASK_CANCELLED;

    case 16: /* object, member by member */
        json = cJSON_CreateObject();
        ngx_task_set_result(t, json);

        if (cJSON_AddNumberToObject(json, "n", 1) == NULL) {
            return NGX_TASK_FAILED;
        }

        ngx_task_set_string(t, "a", "\"x\"");
        ngx_task_set_int(t, "n", 2);
        ngx_task_set_json(t, "list", cJSON_CreateArray());
        return NGX_TASK_OK;

    case 17: /* the same item again, and text in its place and back */
        json = cJSON_CreateArray();
        ngx_task_set_json(t, "a", json);

        if (!cJSON_AddItemToArray(json, cJSON_CreateTrue())) {
            return NGX_TASK_FAILED;
        }

        ngx_task_set_json(t, "a", json);
        ngx_task_set_json(t, "b", cJSON_CreateArray());
        ngx_task_set_string(t, "b", "text");
        ngx_task_set_string(t, "c", "text");
        ngx_task_set_json(t, "c", cJSON_CreateNull());
        return NGX_TASK_OK;

    case 15: /* whole after bytes */
        ngx_task_set_bytes(t, "text/plain", strdup("x"), 1, count_free);
        ngx_task_set_result(t, cJSON_CreateString("whole"));
        return NGX_TASK_OK;

    default: /* system */
        ngx_task_set_int(t, "rc", system("exit 3"));
        return NGX_TASK_OK;
    }
}


static ngx_task_rc_t
big(ngx_task_t *t)
{
    int64_t             i;
    cJSON              *list;
    const test_args_t  *args;

    args = ngx_task_args(t);
    list = cJSON_CreateArray();

    for (i = 0; i < args->count; i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString("0123456789abcdef"));
    }

    ngx_task_set_json(t, "list", list);

    return NGX_TASK_OK;
}


/* --- the request --------------------------------------------------------- */

static ngx_task_rc_t
context(ngx_task_t *t)
{
    ngx_task_set_string(t, "method", ngx_task_method(t));
    ngx_task_set_string(t, "uri", ngx_task_uri(t));
    ngx_task_set_string(t, "addr", ngx_task_remote_addr(t));
    ngx_task_set_string(t, "id", ngx_task_request_id(t));
    ngx_task_set_string(t, "traceparent", ngx_task_traceparent(t));
    ngx_task_set_string(t, "x", ngx_task_header(t, "x-TEST"));
    ngx_task_set_string(t, "none", ngx_task_header(t, "nosuch"));
    ngx_task_log(t, NGX_TASK_LOG_WARN, "with an id");

    return NGX_TASK_OK;
}


static ngx_task_rc_t
body(ngx_task_t *t)
{
    int                   fd;
    char                  buf[4096];
    size_t                i, len;
    ssize_t               n;
    uint32_t              sum;
    const unsigned char  *p;

    p = (const unsigned char *) ngx_task_body(t, &len, &fd);

    ngx_task_set_int(t, "length", (int64_t) len);
    ngx_task_set_bool(t, "file", fd != -1);

    sum = 0;

    for (i = 0; p && i < len; i++) {
        sum = sum * 31 + p[i];
    }

    while (p == NULL && fd != -1 && (n = read(fd, buf, sizeof(buf))) > 0) {
        for (i = 0; i < (size_t) n; i++) {
            sum = sum * 31 + (unsigned char) buf[i];
        }
    }

    ngx_task_set_int(t, "sum", sum);

    return NGX_TASK_OK;
}


/* --- blocking ------------------------------------------------------------ */

/* nanoseconds */

static int64_t
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


/*
 * Does not look whether it is cancelled: it takes its time, or returns as soon
 * as the file is there that it waits for.
 */

static ngx_task_rc_t
stubborn(ngx_task_t *t)
{
    int64_t             end, left;
    struct timespec     ts;
    const test_args_t  *args;

    args = ngx_task_args(t);

    count(&begun);
    ngx_task_defer(t, count, &deferred);

    end = now() + args->ms * 1000000;

    while ((left = end - now()) > 0) {

        if (args->until[0]) {

            if (access(args->until, F_OK) == 0) {
                break;
            }

            left = left < 2000000 ? left : 2000000;
        }

        ts.tv_sec = left / 1000000000;
        ts.tv_nsec = left % 1000000000;

        (void) nanosleep(&ts, NULL);
    }

    ngx_task_set_string(t, "version", VERSION);

    return NGX_TASK_OK;
}


/* tells how far it is, as often as it can: the message is the number done */

static ngx_task_rc_t
chatter(ngx_task_t *t)
{
    char     message[32];
    int64_t  i;

    for (i = 1; !ngx_task_cancelled(t); i++) {
        (void) snprintf(message, sizeof(message), "%lld", (long long) i);
        ngx_task_progress(t, i, 2 * i, message);
    }

    return NGX_TASK_CANCELLED;
}


static ngx_task_rc_t
counters(ngx_task_t *t)
{
    ngx_task_set_int(t, "begun", __atomic_load_n(&begun, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "deferred",
                     __atomic_load_n(&deferred, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "freed", __atomic_load_n(&freed, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "started", started);
    ngx_task_set_string(t, "version", VERSION);

    return NGX_TASK_OK;
}


/* --- async --------------------------------------------------------------- */

typedef struct {
    int                i;
    char              *buf;
    ngx_task_frame_t  *frame;
    char               aligned[16] __attribute__((aligned(16)));
} steps_state_t;


static ngx_task_rc_t
piece(ngx_task_t *t, void *data)
{
    steps_state_t      *s;
    const test_args_t  *args;

    s = data;
    args = ngx_task_args(t);

    /* the state has to be there, whatever happens to the request */

    memset(s->buf, 'x', 100);

    if (ngx_task_block_ms(t, args->ms) != NGX_TASK_OK) {
        memset(s->buf, 'y', 100);
        return NGX_TASK_CANCELLED;
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
inner(ngx_task_t *t, ngx_task_frame_t *f)
{
    steps_state_t      *s;
    const test_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));
    NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, piece, s));

    NGX_TASK_END(f);
}


static ngx_task_rc_t
nothing(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) t;

    NGX_TASK_BEGIN(f);
    NGX_TASK_END(f);
}


static ngx_task_rc_t
steps(ngx_task_t *t, ngx_task_frame_t *f)
{
    steps_state_t      *s;
    const test_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    count(&begun);
    s->buf = malloc(100);

    if (ngx_task_defer(t, count_free, s->buf) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    ngx_task_defer(t, count, &deferred);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));
    NGX_TASK_AWAIT(f, ngx_task_call(f, inner, s));

    for (s->i = 0; s->i < 1000; s->i++) {
        NGX_TASK_AWAIT(f, ngx_task_call(f, nothing, NULL));
    }

    NGX_TASK_AWAIT(f, ngx_task_offload(f, "probe", piece, s));

    if (f->rc != NGX_TASK_OK) {
        return ngx_task_fail(t, 503, "try later");
    }

    ngx_task_set_int(t, "calls", s->i);
    ngx_task_set_string(t, "version", VERSION);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
fails(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) f;

    return ngx_task_fail(t, 503, "not this one");
}


/* goes on after what it awaited has failed; its state is aligned */

static ngx_task_rc_t
recover(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_call(f, fails, NULL));

    ngx_task_set_bool(t, "failed", f->rc == NGX_TASK_FAILED);
    ngx_task_set_bool(t, "aligned", (uintptr_t) f->state % 16 == 0);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
thread_await(ngx_task_t *t, void *data)
{
    steps_state_t  *s;

    (void) t;

    s = data;

    return ngx_task_sleep(s->frame, 10);
}


static ngx_task_rc_t
misuse(ngx_task_t *t, ngx_task_frame_t *f)
{
    steps_state_t      *s;
    const test_args_t  *args;

    s = f->state;
    args = ngx_task_args(t);
    s->frame = f;

    NGX_TASK_BEGIN(f);

    ngx_task_defer(t, count, &deferred);

    if (args->how == 0) {
        return NGX_TASK_AGAIN;

    } else if (args->how == 1) {
        (void) ngx_task_sleep(f, 60000);
        return NGX_TASK_OK;

    } else if (args->how == 2) {
        (void) ngx_task_sleep(f, 60000);
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 10));

    } else if (args->how == 3) {
        NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, thread_await, s));

    } else if (args->how == 4) {
        (void) ngx_task_block_ms(t, 10);

    } else if (args->how == 5) {
        NGX_TASK_AWAIT(f, ngx_task_offload(f, "nosuch", piece, s));

    } else if (args->how == 6) {
        s->buf = malloc(100);

        if (ngx_task_defer(t, count_free, s->buf) != NGX_TASK_OK) {
            return NGX_TASK_FAILED;
        }

        (void) ngx_task_offload(f, NULL, piece, s);
        return NGX_TASK_OK;

    } else if (args->how == 7) {
        return (ngx_task_rc_t) -5;

    } else if (args->how == 8) {
        return ngx_task_sleep(f, 50);
    }

    NGX_TASK_END(f);
}


static const ngx_task_param_t  test_params[] = {
    { "ms", NGX_TASK_TIME, offsetof(test_args_t, ms),
      "10ms", "0", "1h", "", NULL },
    { "status", NGX_TASK_INT, offsetof(test_args_t, status),
      "200", NULL, NULL, "", NULL },
    { "text", NGX_TASK_STRING, offsetof(test_args_t, text),
      "text", NULL, NULL, "", NULL },
    { "name", NGX_TASK_STRING, offsetof(test_args_t, name),
      "X-Name", NULL, NULL, "", NULL },
    { "count", NGX_TASK_INT, offsetof(test_args_t, count),
      "0", "0", "10000000", "", NULL },
    { "how", NGX_TASK_ENUM, offsetof(test_args_t, how),
      "nothing", NULL, NULL, "", "nothing|twice|whole|member|bytes|fail|failed"
      "|rubbish|header|log|again|crash|undeclared|bytes-twice|cancelled"
      "|whole-after-bytes|object|same|system" },
    { "until", NGX_TASK_STRING, offsetof(test_args_t, until),
      "", NULL, NULL, "", NULL },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_param_t  misuse_params[] = {
    { "ms", NGX_TASK_TIME, offsetof(test_args_t, ms),
      "100ms", "0", "1h", "", NULL },
    { "how", NGX_TASK_ENUM, offsetof(test_args_t, how),
      NULL, NULL, NULL, "", "again|pending|two|thread|block|pool|piece|rubbish"
      "|bare|fine" },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {
    { "values", "", values, NULL, sizeof(values_args_t), values_params, 0, 0 },
    { "more", "", more_values, NULL, sizeof(values_args_t), more_params, 0, 0 },
    { "result", "", result, NULL, sizeof(test_args_t), test_params, 0, 0 },
    { "big", "", big, NULL, sizeof(test_args_t), test_params, 0, 0 },
    { "context", "", context, NULL, 0, NULL, 0, NGX_TASK_CONTEXT },
    { "body", "", body, NULL, 0, NULL, 0, NGX_TASK_PUT|NGX_TASK_POST
      |NGX_TASK_RAW_BODY },
    { "undeclared", "", body, NULL, 0, NULL, 0, 0 },
    { "stubborn", "", stubborn, NULL, sizeof(test_args_t), test_params, 0, 0 },
    { "chatter", "", chatter, NULL, 0, NULL, 0, 0 },
    { "counters", "", counters, NULL, 0, NULL, 0, 0 },
    { "steps", "", NULL, steps, sizeof(test_args_t), test_params,
      sizeof(steps_state_t), 0 },
    { "recover", "", NULL, recover, sizeof(test_args_t), test_params,
      sizeof(steps_state_t), 0 },
    { "misuse", "", NULL, misuse, sizeof(test_args_t), misuse_params,
      sizeof(steps_state_t), 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


static ngx_task_rc_t
start(void)
{
    started++;

    return getenv("PROBE_FAILS") ? NGX_TASK_FAILED : NGX_TASK_OK;
}


static void
stop(void)
{
    const char  *file;

    file = getenv("PROBE_STOPPED");

    if (file) {
        (void) !write(2, "probe: stopped\n", 15);
    }
}


NGX_TASK_LIBRARY("probe", functions, start, stop);
