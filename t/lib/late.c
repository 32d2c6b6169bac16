
/*
 * A store that answers late, as an engine on the network would: the shared
 * zone, each of whose calls is made some milliseconds after it was asked for.
 *
 * With "env LATE_FAILS=1;" each watch of a version fails.
 *
 * It is linked into the module with --wrap=ngx_http_task_job_store: what the
 * configuration makes a zone of is this store then.
 */


#include "jobs/store/ngx_http_task_job_zone.h"


#define LATE_MAX  5               /* milliseconds */


typedef enum {
    LATE_ADD,
    LATE_CLAIM,
    LATE_BACK,
    LATE_END,
    LATE_READ,
    LATE_CANCEL,
    LATE_FORGET,
    LATE_RETRY,
    LATE_LIST,
    LATE_WATCH
} late_e;


/* the op of the caller is linked to queue, unless the caller dropped it */

typedef struct {
    ngx_event_t                 event;
    ngx_queue_t                 queue;
    ngx_http_task_store_t      *store;
    late_e                      what;

    ngx_http_task_store_add_t  *add;
    ngx_http_task_queue_t      *jobs;         /* of which one is claimed */
    ngx_http_task_store_end_t  *end;

    ngx_http_task_store_list_t *list;         /* the caller's, and .. */
    ngx_http_task_store_list_t  page;         /* .. the zone's, in a pool .. */
    ngx_pool_t                 *pool;         /* .. that outlives the caller */

    ngx_http_task_store_op_t    op;           /* for the zone */
} late_t;


extern const ngx_http_task_store_type_t  __real_ngx_http_task_job_store;

static ngx_connection_t  late_dumb;           /* for the debug log */


/* the zone has set its page: a copy is the caller's */

static void
late_page(late_t *late, ngx_pool_t *pool)
{
    ngx_uint_t                   i;
    ngx_http_task_store_list_t  *list;

    list = late->list;

    list->n = late->page.n;
    list->next = late->page.next;
    list->jobs = ngx_palloc(pool, (list->n + 1) * sizeof(void *));

    for (i = 0; i < list->n; i++) {
        list->jobs[i] = ngx_palloc(pool, sizeof(ngx_http_task_job_listed_t));
        *list->jobs[i] = *late->page.jobs[i];
    }
}


static void
late_answer(ngx_http_task_store_op_t *zone_op, ngx_int_t rc)
{
    late_t                    *late;
    ngx_http_task_store_op_t  *op;

    late = zone_op->data;

    if (!ngx_queue_empty(&late->queue)) {
        op = ngx_queue_data(ngx_queue_head(&late->queue),
                            ngx_http_task_store_op_t, queue);

        if (late->what <= LATE_CLAIM) {
            ngx_memcpy(op->id, zone_op->id, NGX_HTTP_TASK_JOB_ID);
            op->key = zone_op->key;
            op->claimed = zone_op->claimed;
            op->waiting = zone_op->waiting;
            op->why = zone_op->why;
            op->claim = zone_op->claim;
        }

        op->version = zone_op->version;
        op->ended = zone_op->ended;
        op->seen = zone_op->seen;

        if (late->what == LATE_LIST && rc == NGX_OK) {
            late_page(late, op->pool);
        }

        ngx_http_task_store_answer(op, rc);
    }

    if (late->pool) {
        ngx_destroy_pool(late->pool);
    }

    ngx_free(late);
}


static void
late_handler(ngx_event_t *ev)
{
    late_t                            *late;
    ngx_http_task_store_t             *store;
    ngx_http_task_store_op_t          *op;
    const ngx_http_task_store_type_t  *zone;

    zone = &__real_ngx_http_task_job_store;
    late = ngx_queue_data(ev, late_t, event);
    store = late->store;
    op = &late->op;

    /* the call was dropped: op->pool may be gone */

    if (ngx_queue_empty(&late->queue)) {
        ngx_free(late);
        return;
    }

    switch (late->what) {

    case LATE_ADD:
        zone->add(store, op, late->add);
        return;

    case LATE_CLAIM:
        zone->claim(store, op, late->jobs);
        return;

    case LATE_BACK:
        zone->give_back(store, op);
        return;

    case LATE_END:
        zone->end(store, op, late->end);
        return;

    case LATE_READ:
        zone->read(store, op);
        return;

    case LATE_CANCEL:
        zone->cancel(store, op);
        return;

    case LATE_FORGET:
        zone->forget(store, op);
        return;

    case LATE_RETRY:
        zone->retry(store, op);
        return;

    case LATE_LIST:
        late->page = *late->list;
        late->pool = ngx_create_pool(16384, ngx_cycle->log);
        op->pool = late->pool;

        zone->list(store, op, &late->page);
        return;

    case LATE_WATCH:

        if (op->version && getenv("LATE_FAILS")) {
            late_answer(op, NGX_ERROR);
            return;
        }

        zone->watch(store, op);
        return;
    }
}


static late_t *
late_call(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
    late_e what)
{
    late_t  *late;

    static uint32_t  n;

    late = ngx_calloc(sizeof(late_t), ngx_cycle->log);
    if (late == NULL) {
        abort();
    }

    ngx_queue_init(&late->queue);
    ngx_http_task_store_later(&late->queue, op);

    late->store = store;
    late->what = what;

    late->op.handler = late_answer;
    late->op.data = late;
    late->op.pool = op->pool;
    late->op.older = op->older;
    late->op.events = op->events;
    late->op.behind = op->behind;
    late->op.behind_id = op->behind_id;
    late->op.key = op->key;
    late->op.version = op->version;
    ngx_memcpy(late->op.id, op->id, NGX_HTTP_TASK_JOB_ID);

    late_dumb.fd = (ngx_socket_t) -1;

    late->event.handler = late_handler;
    late->event.data = &late_dumb;
    late->event.log = ngx_cycle->log;

    n = n * 1103515245 + 12345;

    ngx_add_timer(&late->event, 1 + (n >> 16) % LATE_MAX);

    return late;
}


static void
late_add(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
    ngx_http_task_store_add_t *add)
{
    late_call(store, op, LATE_ADD)->add = add;
}


static void
late_claim(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
    ngx_http_task_queue_t *queue)
{
    late_call(store, op, LATE_CLAIM)->jobs = queue;
}


static void
late_give_back(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op)
{
    (void) late_call(store, op, LATE_BACK);
}


static ngx_int_t
late_enter(ngx_http_task_store_t *store)
{
    return __real_ngx_http_task_job_store.enter(store);
}


static void
late_pass(ngx_http_task_store_t *store, ngx_http_task_queue_t *queue)
{
    __real_ngx_http_task_job_store.pass(store, queue);
}


static ngx_uint_t
late_wanted(ngx_http_task_store_t *store, ngx_http_task_queue_t *queue)
{
    return __real_ngx_http_task_job_store.wanted(store, queue);
}


static ngx_uint_t
late_last(ngx_http_task_store_t *store)
{
    return __real_ngx_http_task_job_store.last(store);
}


static void
late_bind(ngx_http_task_store_t *store, uint64_t key, void *data)
{
    __real_ngx_http_task_job_store.bind(store, key, data);
}


static void
late_end(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
    ngx_http_task_store_end_t *end)
{
    late_call(store, op, LATE_END)->end = end;
}


static void
late_read(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op)
{
    (void) late_call(store, op, LATE_READ);
}


static void
late_cancel(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op)
{
    (void) late_call(store, op, LATE_CANCEL);
}


static void
late_forget(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op)
{
    (void) late_call(store, op, LATE_FORGET);
}


static void
late_retry(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op)
{
    (void) late_call(store, op, LATE_RETRY);
}


static void
late_list(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op,
    ngx_http_task_store_list_t *list)
{
    late_call(store, op, LATE_LIST)->list = list;
}


static void
late_watch(ngx_http_task_store_t *store, ngx_http_task_store_op_t *op)
{
    (void) late_call(store, op, LATE_WATCH);
}


static void
late_returned(ngx_http_task_store_t *store, uint64_t key)
{
    __real_ngx_http_task_job_store.returned(store, key);
}


static void
late_begin(ngx_http_task_store_t *store, uint64_t key)
{
    __real_ngx_http_task_job_store.begin(store, key);
}


static void
late_progress(ngx_http_task_store_t *store, uint64_t key, int64_t done,
    int64_t total, const char *message)
{
    __real_ngx_http_task_job_store.progress(store, key, done, total, message);
}


static void
late_event(ngx_http_task_store_t *store, uint64_t key, ngx_str_t *text)
{
    __real_ngx_http_task_job_store.event(store, key, text);
}


static void
late_counts(ngx_http_task_store_t *store, ngx_http_task_job_counts_t *counts)
{
    __real_ngx_http_task_job_store.counts(store, counts);
}


static void
late_leave(ngx_http_task_store_t *store)
{
    __real_ngx_http_task_job_store.leave(store);
}


const ngx_http_task_store_type_t  __wrap_ngx_http_task_job_store = {
    .name = ngx_string("late"),
    .enter = late_enter,
    .add = late_add,
    .claim = late_claim,
    .pass = late_pass,
    .wanted = late_wanted,
    .last = late_last,
    .bind = late_bind,
    .give_back = late_give_back,
    .event = late_event,
    .end = late_end,
    .returned = late_returned,
    .begin = late_begin,
    .progress = late_progress,
    .read = late_read,
    .cancel = late_cancel,
    .forget = late_forget,
    .retry = late_retry,
    .list = late_list,
    .watch = late_watch,
    .counts = late_counts,
    .leave = late_leave
};
