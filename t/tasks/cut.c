/*
 * Lines and events of children of a gather, of which one is let go in the midst
 * of its own, for the tests.
 */


#include <ngx_task.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>


enum { LINES, EVENTS };
enum { NONE, WRITE, PIECE };


typedef struct {
    int64_t      size;
    int64_t      other;
    int64_t      timeout;
    int64_t      pause;
    bool         alone;
    int          kind;
    int          then;
} args_t;


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_AS(args_t, size, NGX_TASK_SIZE, .def = "16m"),
    NGX_TASK_PARAM_AS(args_t, other, NGX_TASK_SIZE, .def = "10k"),
    NGX_TASK_PARAM_AS(args_t, timeout, NGX_TASK_TIME, .def = "300ms"),
    NGX_TASK_PARAM_AS(args_t, pause, NGX_TASK_TIME, .def = "100ms"),
    NGX_TASK_PARAM(args_t, alone, .def = "false"),
    NGX_TASK_PARAM_AS(args_t, kind, NGX_TASK_ENUM, .def = "lines",
                      .choices = "lines|events"),
    NGX_TASK_PARAM_AS(args_t, then, NGX_TASK_ENUM, .def = "none",
                      .choices = "none|write|piece")
};


typedef struct {
    const args_t      *args;
    int                i;
} kid_t;


typedef struct {
    kid_t              kids[3];
    ngx_task_child_t   children[2];
} state_t;


/* of this worker */

static int  cuts, pieces;


static void
count(int *n)
{
    __atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}


/* the caller frees it */

static char *
text(const kid_t *k)
{
    char    *p;
    size_t   size;

    size = k->i == 0 ? k->args->size : k->args->other;

    p = malloc(size + 1);

    if (p) {
        memset(p, '0' + k->i, size);
        p[size] = '\0';
    }

    return p;
}


static cJSON *
line(const kid_t *k)
{
    char   *p;
    cJSON  *value;

    p = text(k);
    value = cJSON_CreateObject();

    cJSON_AddNumberToObject(value, "i", k->i);
    cJSON_AddStringToObject(value, "text", p);

    free(p);

    return value;
}


static ngx_task_rc_t
event(ngx_task_frame_t *f, const kid_t *k)
{
    char           *p;
    ngx_task_rc_t   rc;

    p = text(k);
    rc = ngx_task_write_event(f, NULL, NULL, p);
    free(p);

    return rc;
}


static ngx_task_rc_t
writes(ngx_task_t *t, ngx_task_frame_t *f)
{
    kid_t  *k = f->state;

    (void) t;

    NGX_TASK_BEGIN(f);

    if (k->i == 1) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, k->args->pause));
    }

    if (k->args->kind == LINES) {
        NGX_TASK_AWAIT(f, ngx_task_write_line(f, line(k)));
        return f->rc;
    }

    NGX_TASK_AWAIT(f, event(f, k));
    return f->rc;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
cut_off(ngx_task_t *t, ngx_task_frame_t *f)
{
    kid_t  *k = f->state;

    (void) t;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_timeout(f, k->args->timeout, writes, k));

    if (f->rc == NGX_TASK_TIMEOUT) {
        count(&cuts);
    }

    NGX_TASK_END(f);
}


static ngx_task_rc_t
sends(ngx_task_t *t, void *data)
{
    char           *p;
    kid_t          *k = data;
    ngx_task_rc_t   rc;

    count(&pieces);

    if (k->args->kind == LINES) {
        return ngx_task_send_line(t, line(k));
    }

    p = text(k);
    rc = ngx_task_send_event(t, NULL, NULL, p);
    free(p);

    return rc;
}


/* 0 is cut off; 1 waits behind it; 2 is written when both have ended */

static ngx_task_rc_t
cut(ngx_task_t *t, ngx_task_frame_t *f)
{
    int            i;
    state_t       *s = f->state;
    const args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    for (i = 0; i < 3; i++) {
        s->kids[i].args = args;
        s->kids[i].i = i;
    }

    s->children[0].fn = cut_off;
    s->children[0].state = &s->kids[0];
    s->children[1].fn = writes;
    s->children[1].state = &s->kids[1];

    NGX_TASK_AWAIT(f, ngx_task_gather(f, s->children, args->alone ? 1 : 2, 0,
                                      0));

    if (args->then == WRITE) {
        NGX_TASK_AWAIT(f, ngx_task_call(f, writes, &s->kids[2]));
        return f->rc;
    }

    if (args->then == PIECE) {
        NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, sends, &s->kids[2]));
        return f->rc;
    }

    NGX_TASK_END(f);
}


static ngx_task_rc_t
cuts_seen(ngx_task_t *t)
{
    ngx_task_set_int(t, "cuts", __atomic_load_n(&cuts, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "pieces", __atomic_load_n(&pieces, __ATOMIC_SEQ_CST));

    return NGX_TASK_OK;
}


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("cut", .async = cut, .state_size = sizeof(state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("cuts_seen", .block = cuts_seen)
};

NGX_TASK_LIBRARY("cut", functions, NULL, NULL);
