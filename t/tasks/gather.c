
/*
 * Functions that gather, for the tests: what their children do is told by the
 * request.
 */


#include <ngx_task.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define INNER  3


typedef struct {
    int64_t      n;
    int64_t      limit;
    int64_t      ms;
    int64_t      step;
    int64_t      bad;
    bool         first;
    int64_t      times;
    int64_t      timeout;
    const char  *kind;
    const char  *pool;
    const char  *until;
} args_t;


typedef struct kid_s  kid_t;

struct kid_s {
    const args_t      *args;
    int64_t            i;
    int64_t            at;
    int               *running;
    int               *most;
    char              *text;
    ngx_task_frame_t  *frame;
    ngx_task_child_t   children[INNER];
};


typedef struct {
    int64_t            round;
    int64_t            begun;
    int                running;
    int                most;
    kid_t             *kids;
    ngx_task_child_t  *children;
} state_t;


static int  begun, deferred, pieces, returned;


static ngx_task_rc_t kid(ngx_task_t *t, ngx_task_frame_t *f);


static int64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


static void
done(void *data)
{
    free(data);
    __atomic_add_fetch(&deferred, 1, __ATOMIC_SEQ_CST);
}


/* whatever is cancelled */

static ngx_task_rc_t
until(const char *path)
{
    while (access(path, F_OK) != 0) {
        usleep(2000);
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
piece(ngx_task_t *t, void *data)
{
    kid_t          *k = data;
    ngx_task_rc_t   rc;

    static const char *const  words[] = { "/bin/echo", "of a child", NULL };

    ngx_task_program_t  program;

    if (strcmp(k->args->kind, "set") == 0 && k->i == k->args->bad) {
        ngx_task_set_int(t, "wrong", 1);
        return NGX_TASK_OK;
    }

    if (strcmp(k->args->kind, "defer") == 0 && k->i == k->args->bad) {
        ngx_task_defer(t, free, NULL);
        return NGX_TASK_OK;
    }

    if (strcmp(k->args->kind, "stream") == 0 && k->i == k->args->bad) {
        return ngx_task_send(t, "x", 1);
    }

    if (strcmp(k->args->kind, "await") == 0 && k->i == k->args->bad) {
        return ngx_task_sleep(k->frame, 1);
    }

    if (strcmp(k->args->kind, "exit") == 0 && k->i == k->args->bad) {
        pthread_exit(NULL);
    }

    if (strcmp(k->args->kind, "body") == 0 && k->i == k->args->bad) {
        memset(&program, 0, sizeof(program));
        program.size = sizeof(program);
        program.argv = words;
        program.input_type = NGX_TASK_INPUT_BODY;
        return ngx_task_spawn(t, &program);
    }

    if (strcmp(k->args->kind, "spawn") == 0) {
        memset(&program, 0, sizeof(program));
        program.size = sizeof(program);
        program.argv = words;

        rc = ngx_task_spawn(t, &program);

        return (rc == NGX_TASK_OK && program.exit_code == 0
                && strcmp(program.output, "of a child\n") == 0)
               ? NGX_TASK_OK : NGX_TASK_FAILED;
    }

    __atomic_add_fetch(&pieces, 1, __ATOMIC_SEQ_CST);

    k->text = malloc(100);
    memset(k->text, 'x', 100);

    if (strcmp(k->args->kind, "gate") == 0 && k->i == k->args->bad) {
        rc = until(k->args->until);

    } else {
        rc = ngx_task_block_ms(t, k->args->ms + k->i * k->args->step);
    }

    /* it is there, whoever has gone meanwhile */

    memset(k->text, 'y', 100);
    free(k->text);
    k->text = NULL;

    __atomic_add_fetch(&returned, 1, __ATOMIC_SEQ_CST);

    return rc;
}


static ngx_task_rc_t
called(ngx_task_t *t, ngx_task_frame_t *f)
{
    kid_t  *k = f->state;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, k->args->ms + k->i * k->args->step));
    NGX_TASK_AWAIT(f, ngx_task_offload(f, k->args->pool, piece, k));

    (void) t;

    NGX_TASK_END(f);
}


/* what one that sleeps only does */

static ngx_task_rc_t
sleeps(ngx_task_t *t, ngx_task_frame_t *f)
{
    kid_t  *k = f->state;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, k->args->ms));

    (void) t;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
wait_for(ngx_task_frame_t *f, kid_t *k)
{
    int          i;
    const char  *kind;

    kind = k->args->kind;

    if (strcmp(kind, "once") == 0 || strcmp(kind, "at_once") == 0) {
        return NGX_TASK_OK;
    }

    if (strcmp(kind, "call") == 0) {
        return ngx_task_call(f, called, k);
    }

    if (strcmp(kind, "gather") == 0) {
        for (i = 0; i < INNER; i++) {
            k->children[i].fn = (i == 0) ? called : sleeps;
            k->children[i].state = k;
        }

        return ngx_task_gather(f, k->children, INNER, 2,
                               NGX_TASK_GATHER_FIRST_ERROR);
    }

    if (strcmp(kind, "timeout") == 0) {
        return ngx_task_timeout(f, k->args->timeout, called, k);
    }

    if (strcmp(kind, "offload") == 0 || strcmp(kind, "set") == 0
        || strcmp(kind, "defer") == 0 || strcmp(kind, "spawn") == 0
        || strcmp(kind, "stream") == 0 || strcmp(kind, "await") == 0
        || strcmp(kind, "body") == 0 || strcmp(kind, "exit") == 0
        || strcmp(kind, "gate") == 0
        || (strcmp(kind, "mixed") == 0 && k->i != k->args->bad))
    {
        k->frame = f;
        return ngx_task_offload(f, k->args->pool, piece, k);
    }

    if (strcmp(kind, "mixed") == 0) {
        return ngx_task_sleep(f, k->args->step);
    }

    return ngx_task_sleep(f, k->args->ms + k->i * k->args->step);
}


static ngx_task_rc_t
kid(ngx_task_t *t, ngx_task_frame_t *f)
{
    cJSON  *line;
    kid_t  *k = f->state;

    NGX_TASK_BEGIN(f);

    k->at = now();
    *k->most += (++*k->running > *k->most);

    NGX_TASK_AWAIT(f, wait_for(f, k));

    --*k->running;
    k->at = now() - k->at;

    if (f->rc != NGX_TASK_OK) {
        return f->rc;
    }

    if (k->i == k->args->bad && strcmp(k->args->kind, "mixed") != 0
        && strcmp(k->args->kind, "exit") != 0)
    {
        if (strcmp(k->args->kind, "again") == 0) {
            return NGX_TASK_AGAIN;
        }

        if (strcmp(k->args->kind, "block") == 0) {
            return ngx_task_block_ms(t, 1);
        }

        return NGX_TASK_FAILED;
    }

    if (strcmp(k->args->kind, "write") == 0
        || (strcmp(k->args->kind, "mixed") == 0 && k->i == k->args->bad))
    {
        line = cJSON_CreateObject();
        cJSON_AddNumberToObject(line, "i", k->i);
        cJSON_AddStringToObject(line, "text",
            "a line that is long enough to fill a small ring soon: a line that "
            "is long enough to fill a small ring soon");
        NGX_TASK_AWAIT(f, ngx_task_write_line(f, line));
        return f->rc;
    }

    NGX_TASK_END(f);
}


static void
add(cJSON *array, double number)
{
    cJSON  *item;

    item = cJSON_CreateNumber(number);

    if (!cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
    }
}


static void
answer(ngx_task_t *t, state_t *s, ngx_task_rc_t rc)
{
    cJSON         *rcs, *took;
    int64_t        i;
    const args_t  *args;

    args = ngx_task_args(t);

    rcs = cJSON_CreateArray();
    took = cJSON_CreateArray();

    for (i = 0; i < args->n; i++) {
        add(rcs, s->children[i].rc);
        add(took, s->kids[i].at);
    }

    ngx_task_set_int(t, "rc", rc);
    ngx_task_set_json(t, "rcs", rcs);
    ngx_task_set_json(t, "took", took);
    ngx_task_set_int(t, "most", s->most);
    ngx_task_set_int(t, "ms", now() - s->begun);
}


static ngx_task_rc_t
gather(ngx_task_t *t, ngx_task_frame_t *f)
{
    int64_t        i;
    state_t       *s = f->state;
    const args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);

    s->kids = calloc(args->n + 1, sizeof(kid_t));
    s->children = calloc(args->n + 1, sizeof(ngx_task_child_t));

    if (ngx_task_defer(t, free, s->children) != NGX_TASK_OK) {
        done(s->kids);
        return NGX_TASK_FAILED;
    }

    if (ngx_task_defer(t, done, s->kids) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    for (i = 0; i < args->n; i++) {
        s->kids[i].args = args;
        s->kids[i].i = i;
        s->kids[i].running = &s->running;
        s->kids[i].most = &s->most;
        s->children[i].fn = kid;
        s->children[i].state = &s->kids[i];
    }

    s->begun = now();

    for (s->round = 0; s->round < args->times; s->round++) {
        NGX_TASK_AWAIT(f, ngx_task_gather(f, s->children, args->n, args->limit,
                                          args->first
                                          ? NGX_TASK_GATHER_FIRST_ERROR : 0));
    }

    if (strcmp(args->kind, "write") != 0 && strcmp(args->kind, "mixed") != 0) {
        answer(t, s, f->rc);
    }

    NGX_TASK_END(f);
}


static ngx_task_rc_t
within(ngx_task_t *t, ngx_task_frame_t *f)
{
    state_t       *s = f->state;
    const args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);

    s->kids = calloc(1, sizeof(kid_t));

    if (ngx_task_defer(t, done, s->kids) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    s->kids->args = args;
    s->begun = now();

    NGX_TASK_AWAIT(f, ngx_task_timeout(f, args->timeout, called, s->kids));

    ngx_task_set_int(t, "rc", f->rc);
    ngx_task_set_int(t, "ms", now() - s->begun);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
wrongly(ngx_task_t *t, ngx_task_frame_t *f)
{
    const args_t  *args = ngx_task_args(t);

    static ngx_task_child_t  none[1];

    NGX_TASK_BEGIN(f);

    if (strcmp(args->kind, "null") == 0) {
        NGX_TASK_AWAIT(f, ngx_task_gather(f, NULL, 2, 0, 0));

    } else if (strcmp(args->kind, "fn") == 0) {
        NGX_TASK_AWAIT(f, ngx_task_gather(f, none, 1, 0, 0));

    } else if (strcmp(args->kind, "flags") == 0) {
        NGX_TASK_AWAIT(f, ngx_task_gather(f, none, 1, 0, 0x80000008));

    } else {
        NGX_TASK_AWAIT(f, ngx_task_timeout(f, 10, NULL, NULL));
    }

    NGX_TASK_END(f);
}


static ngx_task_rc_t
seen(ngx_task_t *t)
{
    ngx_task_set_int(t, "begun", __atomic_load_n(&begun, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "deferred",
                     __atomic_load_n(&deferred, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "pieces", __atomic_load_n(&pieces, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "returned",
                     __atomic_load_n(&returned, __ATOMIC_SEQ_CST));

    return NGX_TASK_OK;
}


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM(args_t, n, .def = "10", .min = "0", .max = "2000"),
    NGX_TASK_PARAM(args_t, limit, .def = "0"),
    NGX_TASK_PARAM_AS(args_t, ms, NGX_TASK_TIME, .def = "100ms"),
    NGX_TASK_PARAM_AS(args_t, step, NGX_TASK_TIME, .def = "0"),
    NGX_TASK_PARAM(args_t, bad, .def = "-1"),
    NGX_TASK_PARAM(args_t, first, .def = "false"),
    NGX_TASK_PARAM(args_t, times, .def = "1"),
    NGX_TASK_PARAM_AS(args_t, timeout, NGX_TASK_TIME, .def = "100ms"),
    NGX_TASK_PARAM(args_t, kind, .def = "sleep"),
    NGX_TASK_PARAM(args_t, pool, .def = "default"),
    NGX_TASK_PARAM(args_t, until, .def = "")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("gather", .async = gather, .state_size = sizeof(state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("within", .async = within, .state_size = sizeof(state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("wrongly", .async = wrongly,
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("seen", .block = seen)
};

NGX_TASK_LIBRARY("gather", functions, NULL, NULL);
