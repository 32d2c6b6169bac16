
/*
 * ngx_task_promise(), ngx_task_wait(), ngx_task_resolve(): an async function
 * waits for what another thread, or a callback, completes.
 *
 * A promise is kept by two sides: by its task, until that is freed, and by
 * whoever resolves it, until the loop has heard of that.  Then it is kept for
 * the next one, with a generation of its own: to resolve the old one again does
 * nothing.
 */


#include "run/ngx_http_task_run.h"


/* a generation, and 0, or how it ended, plus 1 */

#define ngx_http_task_promise_word(generation, rc)                            \
    ((generation) << 8 | (rc))


typedef struct ngx_http_task_promise_s  ngx_http_task_promise_t;

struct ngx_http_task_promise_s {
    ngx_http_task_bell_t       bell;
    uint64_t                   word;         /* [both] */
    ngx_uint_t                 heard;        /* the loop knows that it ended */
    ngx_task_rc_t              rc;
    ngx_task_t                *task;         /* NULL: it is freed */
    ngx_http_task_kept_t       kept;         /* by its task */
    ngx_http_task_branch_t    *waits;        /* NULL: none */
    void                      *data;
    void                     (*free_data)(void *data);
    ngx_str_t                 *name;         /* of the library */
    ngx_http_task_promise_t   *next;         /* of those that are free */
};


static ngx_http_task_promise_t *ngx_http_task_promise_get(void);
static void ngx_http_task_promise_put(ngx_http_task_promise_t *p);
static void ngx_http_task_promise_heard(ngx_http_task_bell_t *bell);
static void ngx_http_task_promise_time(void *data);
static ngx_int_t ngx_http_task_promise_leave(ngx_http_task_branch_t *b);
static void ngx_http_task_promise_let_go(ngx_http_task_kept_t *kept);
static void ngx_http_task_promise_done(ngx_http_task_promise_t *p);


static const ngx_http_task_await_t  ngx_http_task_promise_await = {
    .cancel = ngx_http_task_promise_leave
};


/* of this worker: memory that was a promise never becomes anything else */

static ngx_http_task_promise_t  *ngx_http_task_promises_free;


ngx_task_rc_t
ngx_task_promise(ngx_task_frame_t *f, ngx_task_promise_t *promise, size_t size,
    void (*free_fn)(void *data))
{
    void                     *data;
    ngx_task_t               *t;
    ngx_http_task_branch_t   *b;
    ngx_http_task_promise_t  *p;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    t = b->task;

    ngx_memzero(promise, sizeof(ngx_task_promise_t));

    data = size ? ngx_calloc(size, ngx_cycle->log) : NULL;
    p = ngx_http_task_promise_get();

    if (p == NULL || (size && data == NULL)) {

        if (p) {
            ngx_http_task_promise_put(p);
        }

        if (data) {
            ngx_free(data);
        }

        ngx_http_task_no_memory(t);
        return NGX_TASK_FAILED;
    }

    p->data = data;
    p->free_data = free_fn;
    p->name = &t->function->library->name;

    p->heard = 0;
    p->waits = NULL;

    p->task = t;
    p->kept.free = ngx_http_task_promise_let_go;
    ngx_http_task_keep(t, &p->kept);

    promise->data = data;
    promise->memory = p;

    /* an old copy may be resolved, in vain, meanwhile */

    promise->generation = ngx_http_task_atomic_get(&p->word) >> 8;

    return NGX_TASK_OK;
}


static ngx_http_task_promise_t *
ngx_http_task_promise_get(void)
{
    ngx_http_task_promise_t  *p;

    p = ngx_http_task_promises_free;

    if (p) {
        ngx_http_task_promises_free = p->next;
        return p;
    }

    p = ngx_calloc(sizeof(ngx_http_task_promise_t), ngx_cycle->log);

    if (p) {
        p->bell.handler = ngx_http_task_promise_heard;
        p->word = ngx_http_task_promise_word((uint64_t) 1, 0);
    }

    return p;
}


static void
ngx_http_task_promise_put(ngx_http_task_promise_t *p)
{
    p->next = ngx_http_task_promises_free;
    ngx_http_task_promises_free = p;
}


/* a thread that nginx does not know may call it, at any time */

int
ngx_task_resolve(const ngx_task_promise_t *promise, ngx_task_rc_t rc)
{
    uint64_t                  word;
    ngx_http_task_promise_t  *p;

    p = promise->memory;

    if (p == NULL) {
        return 0;
    }

    /* what means that something is pending is no end */

    if (rc == NGX_TASK_AGAIN || (unsigned) rc > NGX_TASK_TIMEOUT) {
        rc = NGX_TASK_FAILED;
    }

    word = ngx_http_task_promise_word(promise->generation, 0);

    if (!__atomic_compare_exchange_n(&p->word, &word, word + rc + 1, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
    {
        return 0;
    }

    ngx_http_task_bell_ring(&p->bell);

    return 1;
}


ngx_task_rc_t
ngx_task_wait(ngx_task_frame_t *f, const ngx_task_promise_t *promise)
{
    ngx_http_task_branch_t   *b;
    ngx_http_task_promise_t  *p;

    b = ngx_http_task_async_may_await(f);

    if (b == NULL) {
        return NGX_TASK_FAILED;
    }

    p = promise->memory;

    if (p == NULL || p->task != b->task
        || ngx_http_task_atomic_get(&p->word) >> 8 != promise->generation)
    {
        ngx_http_task_log_misuse(b->task, "waits for what is no promise of "
                                          "its own");
        return NGX_TASK_FAILED;
    }

    if (p->heard) {
        return p->rc;
    }

    if (p->waits) {
        ngx_http_task_log_misuse(b->task, "waits for a promise that another "
                                          "one of its functions waits for");
        return NGX_TASK_FAILED;
    }

    p->waits = b;
    b->awaited = p;

    /* it never fires: a worker that quits waits */

    ngx_http_task_timer_set(&b->timer, ngx_http_task_promise_time, b,
                            ngx_http_task_until(-1));

    return ngx_http_task_async_await(b, &ngx_http_task_promise_await);
}


static void
ngx_http_task_promise_heard(ngx_http_task_bell_t *bell)
{
    ngx_http_task_branch_t   *b;
    ngx_http_task_promise_t  *p;

    p = (ngx_http_task_promise_t *) bell;

    p->heard = 1;
    p->rc = (ngx_http_task_atomic_get(&p->word) & 0xff) - 1;

    if (p->task == NULL) {
        ngx_http_task_promise_done(p);
        return;
    }

    b = p->waits;

    if (b) {
        (void) ngx_http_task_promise_leave(b);
        ngx_http_task_async_continue(b, p->rc);
    }
}


static void
ngx_http_task_promise_time(void *data)
{
    ngx_http_task_branch_t *b = data;

    ngx_http_task_timer_set(&b->timer, ngx_http_task_promise_time, b,
                            ngx_http_task_until(-1));
}


static ngx_int_t
ngx_http_task_promise_leave(ngx_http_task_branch_t *b)
{
    ngx_http_task_promise_t *p = b->awaited;

    ngx_http_task_timer_clear(&b->timer);
    p->waits = NULL;

    return NGX_OK;
}


static void
ngx_http_task_promise_let_go(ngx_http_task_kept_t *kept)
{
    ngx_http_task_promise_t  *p;

    p = ngx_queue_data(kept, ngx_http_task_promise_t, kept);

    p->task = NULL;

    if (p->heard) {
        ngx_http_task_promise_done(p);
    }
}


/* nobody has it any more */

static void
ngx_http_task_promise_done(ngx_http_task_promise_t *p)
{
    uint64_t               generation;
    ngx_http_task_guard_t  before;

    if (p->free_data) {
        before = ngx_http_task_guard(NULL, p->name);
        p->free_data(p->data);
        ngx_http_task_unguard(before);
    }

    if (p->data) {
        ngx_free(p->data);
    }

    generation = (ngx_http_task_atomic_get(&p->word) >> 8) + 1;

    ngx_http_task_atomic_set(&p->word,
                             ngx_http_task_promise_word(generation, 0));
    ngx_http_task_promise_put(p);
}
