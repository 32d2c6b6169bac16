
/*
 * ngx_task_gather(): an async function waits for several others, each of which
 * runs in a branch of its own; ngx_task_timeout(): for one, for so long.
 *
 * A branch runs one child after another.  When the gather stops before its
 * children have ended, as one has failed, its time is over, or its own branch
 * is let go, no more are begun, and it waits only for those that a thread still
 * has.
 */


#include "run/ngx_http_task_run.h"


typedef struct ngx_http_task_gather_s         ngx_http_task_gather_t;
typedef struct ngx_http_task_gather_branch_s  ngx_http_task_gather_branch_t;


struct ngx_http_task_gather_branch_s {
    ngx_http_task_branch_t          branch;        /* stands first */
    ngx_http_task_piece_t           piece;
    ngx_http_task_gather_t         *gather;
    ngx_task_child_t               *child;         /* NULL: it runs none */
    ngx_http_task_gather_branch_t  *next;          /* that runs none */
};


struct ngx_http_task_gather_s {
    ngx_http_task_branch_t         *parent;
    ngx_task_child_t               *children;
    size_t                          n;
    size_t                          begun;
    size_t                          running;

    ngx_task_rc_t                   rc;            /* what it ends with */
    unsigned                        first_error:1;
    unsigned                        stopping:1;
    unsigned                        stepping:1;    /* a child begins now */
    unsigned                        left:1;        /* its branch is let go */

    ngx_http_task_work_t            work;          /* begins children */
    ngx_task_child_t                one;           /* of ngx_task_timeout() */
    ngx_http_task_gather_branch_t  *free;          /* branches */

    size_t                          nbranches;
    ngx_http_task_gather_branch_t   branches[1];
};


static ngx_http_task_gather_t *ngx_http_task_gather_create(
    ngx_http_task_branch_t *b, ngx_task_child_t *children, size_t n,
    size_t limit);
static ngx_uint_t ngx_http_task_gather_right(ngx_task_t *t,
    ngx_task_child_t *children, size_t n);
static ngx_uint_t ngx_http_task_gather_step(ngx_http_task_work_t *work);
static void ngx_http_task_gather_begin(ngx_http_task_gather_t *g);
static void ngx_http_task_gather_ended(ngx_http_task_branch_t *b,
    ngx_task_rc_t rc);
static void ngx_http_task_gather_end(ngx_http_task_gather_branch_t *gb,
    ngx_task_rc_t rc);
static void ngx_http_task_gather_time(void *data);
static void ngx_http_task_gather_stop(ngx_http_task_gather_t *g,
    ngx_task_rc_t rc);
static ngx_int_t ngx_http_task_gather_cancel(ngx_http_task_branch_t *b);
static void ngx_http_task_gather_released(ngx_http_task_branch_t *b);
static void ngx_http_task_gather_over(ngx_http_task_gather_t *g);


#define ngx_http_task_gather_is_over(g)                                       \
    ((g)->running == 0 && ((g)->stopping || (g)->begun == (g)->n))


static const ngx_http_task_await_t  ngx_http_task_gather_await = {
    .cancel = ngx_http_task_gather_cancel
};


ngx_task_rc_t
ngx_task_gather(ngx_task_frame_t *f, ngx_task_child_t *children, size_t n,
    size_t limit, unsigned flags)
{
    ngx_http_task_branch_t  *b;
    ngx_http_task_gather_t  *g;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    if (flags & ~NGX_TASK_GATHER_FIRST_ERROR) {
        ngx_http_task_log_misuse_number(b->task, "gathers with flags that do "
                                        "not exist", flags);
        return NGX_TASK_FAILED;
    }

    if (n == 0) {
        return NGX_TASK_OK;
    }

    g = ngx_http_task_gather_create(b, children, n, limit ? limit : n);

    if (g == NULL) {
        return NGX_TASK_FAILED;
    }

    g->first_error = (flags & NGX_TASK_GATHER_FIRST_ERROR) != 0;

    return ngx_http_task_async_await(b, &ngx_http_task_gather_await);
}


ngx_task_rc_t
ngx_task_timeout(ngx_task_frame_t *f, int64_t ms, ngx_task_async_pt fn,
    void *state)
{
    ngx_task_child_t         child;
    ngx_http_task_branch_t  *b;
    ngx_http_task_gather_t  *g;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    child.fn = fn;
    child.state = state;

    g = ngx_http_task_gather_create(b, &child, 1, 1);

    if (g == NULL) {
        return NGX_TASK_FAILED;
    }

    g->one = child;
    g->children = &g->one;
    g->first_error = 1;

    ms = ngx_max(ngx_min(ms, NGX_HTTP_TASK_MAX_MS), 0);

    ngx_http_task_timer_set(&b->timer, ngx_http_task_gather_time, g,
                            ngx_http_task_now() + ms * 1000000);

    return ngx_http_task_async_await(b, &ngx_http_task_gather_await);
}


/* of malloc(): a function may gather again and again */

static ngx_http_task_gather_t *
ngx_http_task_gather_create(ngx_http_task_branch_t *b,
    ngx_task_child_t *children, size_t n, size_t limit)
{
    size_t                          i, size;
    ngx_task_t                     *t;
    ngx_http_task_gather_t         *g;
    ngx_http_task_gather_branch_t  *gb;

    t = b->task;

    if (!ngx_http_task_gather_right(t, children, n)) {
        return NULL;
    }

    limit = ngx_min(limit, n);
    g = NULL;

    if (limit < NGX_MAX_SIZE_T_VALUE / sizeof(ngx_http_task_gather_branch_t)) {
        size = sizeof(ngx_http_task_gather_t)
               + (limit - 1) * sizeof(ngx_http_task_gather_branch_t);

        g = ngx_calloc(size, ngx_cycle->log);
    }

    if (g == NULL) {
        ngx_http_task_no_memory(t);
        return NULL;
    }

    for (i = 0; i < limit; i++) {
        gb = &g->branches[i];

        gb->branch.task = t;
        gb->branch.piece = &gb->piece;
        gb->branch.ended = ngx_http_task_gather_ended;
        gb->branch.released = ngx_http_task_gather_released;
        gb->gather = g;
        gb->next = g->free;

        ngx_http_task_piece_make(&gb->piece, t);

        g->free = gb;
    }

    g->parent = b;
    g->children = children;
    g->n = n;
    g->nbranches = limit;
    g->work.step = ngx_http_task_gather_step;

    b->awaited = g;

    ngx_http_task_work_begin(&g->work);

    return g;
}


static ngx_uint_t
ngx_http_task_gather_right(ngx_task_t *t, ngx_task_child_t *children, size_t n)
{
    size_t  i;

    if (children == NULL) {
        ngx_http_task_log_misuse(t, "gathers NULL");
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (children[i].fn == NULL) {
            ngx_http_task_log_misuse(t, "gathers a child without a function");
            return 0;
        }
    }

    return 1;
}


/* a child may end at once, and so may the task */

static ngx_uint_t
ngx_http_task_gather_step(ngx_http_task_work_t *work)
{
    ngx_connection_t        *c;
    ngx_http_task_gather_t  *g;

    g = ngx_queue_data(work, ngx_http_task_gather_t, work);

    c = ngx_http_task_enter(g->parent->task);

    g->stepping = 1;

    ngx_http_task_gather_begin(g);

    g->stepping = 0;

    if (g->left) {

        if (g->running == 0) {
            ngx_free(g);
        }

    } else if (ngx_http_task_gather_is_over(g)) {
        ngx_http_task_gather_over(g);

    } else if (!g->stopping && g->begun < g->n && g->free) {
        ngx_http_task_work_begin(&g->work);
    }

    ngx_http_task_leave(c);

    return 0;
}


static void
ngx_http_task_gather_begin(ngx_http_task_gather_t *g)
{
    ngx_task_child_t               *child;
    ngx_http_task_gather_branch_t  *gb;

    gb = g->free;
    g->free = gb->next;

    child = &g->children[g->begun++];

    gb->child = child;
    g->running++;

    ngx_http_task_async_begin(&gb->branch, child->fn, child->state);
}


static void
ngx_http_task_gather_ended(ngx_http_task_branch_t *b, ngx_task_rc_t rc)
{
    ngx_http_task_gather_t         *g;
    ngx_http_task_gather_branch_t  *gb;

    gb = (ngx_http_task_gather_branch_t *) b;
    g = gb->gather;

    ngx_http_task_gather_end(gb, rc);

    if (rc != NGX_TASK_OK && g->first_error && !g->stopping) {
        ngx_http_task_gather_stop(g, rc);
    }

    if (g->stepping) {
        return;
    }

    if (ngx_http_task_gather_is_over(g)) {
        ngx_http_task_gather_over(g);

    } else if (!g->stopping && g->begun < g->n) {
        ngx_http_task_work_begin(&g->work);
    }
}


/* a child has ended, or is given up */

static void
ngx_http_task_gather_end(ngx_http_task_gather_branch_t *gb, ngx_task_rc_t rc)
{
    ngx_http_task_gather_t  *g;

    g = gb->gather;

    gb->child->rc = rc;
    gb->child = NULL;

    gb->next = g->free;
    g->free = gb;

    g->running--;
}


static void
ngx_http_task_gather_time(void *data)
{
    ngx_http_task_gather_t *g = data;

    ngx_connection_t  *c;

    c = ngx_http_task_enter(g->parent->task);

    ngx_http_task_gather_stop(g, NGX_TASK_TIMEOUT);

    if (ngx_http_task_gather_is_over(g)) {
        ngx_http_task_gather_over(g);
    }

    ngx_http_task_leave(c);
}


/* lets go of all children, but those that a thread has */

static void
ngx_http_task_gather_stop(ngx_http_task_gather_t *g, ngx_task_rc_t rc)
{
    size_t                          i;
    ngx_http_task_gather_branch_t  *gb;

    ngx_http_task_work_end(&g->work);
    ngx_http_task_timer_clear(&g->parent->timer);

    g->stopping = 1;
    g->rc = rc;

    for (i = 0; i < g->nbranches; i++) {
        gb = &g->branches[i];

        if (gb->child && ngx_http_task_async_let_go(&gb->branch) == NGX_OK) {
            ngx_http_task_gather_end(gb, NGX_TASK_CANCELLED);
        }
    }

    while (g->begun < g->n) {
        g->children[g->begun++].rc = NGX_TASK_CANCELLED;
    }
}


static ngx_int_t
ngx_http_task_gather_cancel(ngx_http_task_branch_t *b)
{
    ngx_http_task_gather_t *g = b->awaited;

    if (!g->stopping) {
        ngx_http_task_gather_stop(g, NGX_TASK_CANCELLED);
    }

    g->left = 1;

    if (g->running) {
        return NGX_AGAIN;
    }

    if (!g->stepping) {
        ngx_free(g);
    }

    return NGX_OK;
}


/* the thread that had a child, which was let go, has returned */

static void
ngx_http_task_gather_released(ngx_http_task_branch_t *b)
{
    ngx_connection_t               *c;
    ngx_http_task_branch_t         *parent;
    ngx_http_task_gather_t         *g;
    ngx_http_task_gather_branch_t  *gb;

    gb = (ngx_http_task_gather_branch_t *) b;
    g = gb->gather;

    ngx_http_task_gather_end(gb, NGX_TASK_CANCELLED);

    if (g->running) {
        return;
    }

    parent = g->parent;

    if (g->left) {
        ngx_free(g);
        ngx_http_task_async_released(parent);
        return;
    }

    c = ngx_http_task_enter(parent->task);

    ngx_http_task_gather_over(g);

    ngx_http_task_leave(c);
}


static void
ngx_http_task_gather_over(ngx_http_task_gather_t *g)
{
    ngx_task_rc_t            rc;
    ngx_http_task_branch_t  *b;

    b = g->parent;
    rc = g->rc;

    ngx_http_task_timer_clear(&b->timer);
    ngx_http_task_work_end(&g->work);

    ngx_free(g);

    ngx_http_task_async_go_on(b, rc);
}
