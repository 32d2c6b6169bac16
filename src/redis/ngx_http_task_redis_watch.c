
/*
 * Jobs that somebody on this worker watches.  The engine tells once of each of
 * them, however many watch it; these are told some twenty times a second at
 * most, and at once when the job has ended.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* so long a job that nobody watches any more is still subscribed to, ns */

#define NGX_HTTP_TASK_REDIS_LINGER  2000000000LL


typedef struct {
    ngx_rbtree_node_t        node;        /* the first member */
    ngx_queue_t              queue;       /* redis->watches */
    u_char                   id[NGX_HTTP_TASK_JOB_ID];
    u_char                   hex[NGX_HTTP_TASK_REDIS_HEX];
    ngx_queue_t              ops;
    uint64_t                 version;     /* 0: not known yet */
    ngx_uint_t               ended;
    ngx_uint_t               gone;
    ngx_uint_t               told;        /* 1: since the last round */
    int64_t                  used;        /* when last, ns */
} ngx_http_task_redis_watched_t;


static void ngx_http_task_redis_watched_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_http_task_redis_watched_t *ngx_http_task_redis_watched(
    ngx_http_task_redis_t *redis, u_char *id);
static ngx_http_task_redis_watched_t *ngx_http_task_redis_watched_create(
    ngx_http_task_redis_t *redis, u_char *id);
static void ngx_http_task_redis_watch_look(ngx_event_t *ev);
static ngx_uint_t ngx_http_task_redis_watch_long(int64_t since, int64_t now);
static void ngx_http_task_redis_watch_told(ngx_http_task_redis_t *redis,
    u_char *id, uint64_t version, ngx_uint_t ended);
static void ngx_http_task_redis_watch_answer(ngx_http_task_redis_watched_t *w,
    ngx_int_t rc);


ngx_int_t
ngx_http_task_redis_watch_init(ngx_http_task_redis_t *redis)
{
    ngx_event_t  *ev;

    ngx_rbtree_init(&redis->watched, &redis->sentinel,
                    ngx_http_task_redis_watched_insert);
    ngx_queue_init(&redis->watches);

    redis->changed = ngx_http_task_redis_watch_told;

    ev = &redis->look;

    ev->handler = ngx_http_task_redis_watch_look;
    ev->data = redis;
    ev->log = ngx_cycle->log;

    return NGX_OK;
}


static void
ngx_http_task_redis_watched_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t              **p;
    ngx_http_task_redis_watched_t   *w, *other;

    w = (ngx_http_task_redis_watched_t *) node;

    for ( ;; ) {
        other = (ngx_http_task_redis_watched_t *) temp;

        p = (ngx_memcmp(w->id, other->id, NGX_HTTP_TASK_JOB_ID) < 0)
            ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


static ngx_http_task_redis_watched_t *
ngx_http_task_redis_watched(ngx_http_task_redis_t *redis, u_char *id)
{
    int                             rc;
    ngx_rbtree_node_t              *node;
    ngx_http_task_redis_watched_t  *w;

    node = redis->watched.root;

    while (node != redis->watched.sentinel) {
        w = (ngx_http_task_redis_watched_t *) node;

        rc = ngx_memcmp(id, w->id, NGX_HTTP_TASK_JOB_ID);

        if (rc == 0) {
            return w;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


static ngx_http_task_redis_watched_t *
ngx_http_task_redis_watched_create(ngx_http_task_redis_t *redis, u_char *id)
{
    ngx_http_task_redis_watched_t  *w;

    w = ngx_calloc(sizeof(ngx_http_task_redis_watched_t), ngx_cycle->log);
    if (w == NULL) {
        return NULL;
    }

    ngx_memcpy(w->id, id, NGX_HTTP_TASK_JOB_ID);
    ngx_http_task_redis_hex(w->hex, id);
    ngx_queue_init(&w->ops);

    ngx_rbtree_insert(&redis->watched, &w->node);
    ngx_queue_insert_tail(&redis->watches, &w->queue);

    ngx_http_task_redis_subscribe(redis, w->hex);

    return w;
}


void
ngx_http_task_redis_watch(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op)
{
    ngx_event_t                    *ev;
    ngx_http_task_redis_t          *redis;
    ngx_http_task_redis_watched_t  *w;

    redis = store->data;
    ev = &redis->look;

    if (op->version == 0) {
        ngx_http_task_redis_peek(store, op);
        return;
    }

    w = ngx_http_task_redis_watched(redis, op->id);

    if (w == NULL) {
        w = ngx_http_task_redis_watched_create(redis, op->id);
    }

    if (w == NULL) {
        ngx_http_task_store_answer(op, NGX_ERROR);
        return;
    }

    w->used = ngx_http_task_now();
    w->told |= (w->gone || w->ended
                || (w->version && w->version != op->version));

    ngx_http_task_store_later(&w->ops, op);

    ev->cancelable = 0;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_LOOK);
    }
}


/* those that began to watch meanwhile are at the end of the row */

static void
ngx_http_task_redis_watch_look(ngx_event_t *ev)
{
    int64_t                         now;
    ngx_uint_t                      away, any;
    ngx_queue_t                    *q;
    ngx_http_task_redis_t          *redis;
    ngx_http_task_redis_watched_t  *w;

    redis = ev->data;
    now = ngx_http_task_now();
    any = 0;

    /* without calls the words may come, and go again, all the time */

    away = ngx_http_task_redis_watch_long(redis->words.down, now)
           || ngx_http_task_redis_watch_long(redis->away, now);

    for (q = ngx_queue_head(&redis->watches);
         q != ngx_queue_sentinel(&redis->watches);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_http_task_redis_watched_t, queue);

        if (w->told || away || ngx_exiting) {
            w->told = 0;
            ngx_http_task_redis_watch_answer(w,
                                             away ? NGX_ERROR : NGX_OK);
        }

        any |= !ngx_queue_empty(&w->ops);
    }

    ev->cancelable = !any;

    if (any && !ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TASK_REDIS_LOOK);
    }
}


static ngx_uint_t
ngx_http_task_redis_watch_long(int64_t since, int64_t now)
{
    return since && now - since > NGX_HTTP_TASK_REDIS_PATIENCE * 1000000LL;
}


/* an op that is answered may be of a new call, of the same job, at once */

static void
ngx_http_task_redis_watch_answer(ngx_http_task_redis_watched_t *w,
    ngx_int_t rc)
{
    ngx_queue_t                ops;
    ngx_http_task_store_op_t  *op;

    if (ngx_queue_empty(&w->ops)) {
        return;
    }

    ngx_queue_init(&ops);
    ngx_queue_add(&ops, &w->ops);
    ngx_queue_init(&w->ops);

    w->used = ngx_http_task_now();

    while (!ngx_queue_empty(&ops)) {
        op = ngx_queue_data(ngx_queue_head(&ops), ngx_http_task_store_op_t,
                            queue);

        if (w->version) {
            op->version = w->version;
            op->ended = w->ended;
        }

        ngx_http_task_store_answer(op, (rc == NGX_OK && w->gone) ? NGX_DECLINED
                                                                 : rc);
    }
}


static void
ngx_http_task_redis_watch_told(ngx_http_task_redis_t *redis, u_char *id,
    uint64_t version, ngx_uint_t ended)
{
    ngx_http_task_redis_watched_t  *w;

    w = ngx_http_task_redis_watched(redis, id);

    if (w == NULL || (version && version <= w->version)) {
        return;
    }

    w->gone = (version == 0);
    w->version = version;
    w->ended = ended;
    w->told = 1;

    if (ended) {
        w->told = 0;
        ngx_http_task_redis_watch_answer(w, NGX_OK);
    }
}


void
ngx_http_task_redis_watch_tidy(ngx_http_task_redis_t *redis)
{
    int64_t                         now;
    ngx_queue_t                    *q, *next;
    ngx_http_task_redis_watched_t  *w;

    now = ngx_http_task_now();

    for (q = ngx_queue_head(&redis->watches);
         q != ngx_queue_sentinel(&redis->watches);
         q = next)
    {
        next = ngx_queue_next(q);
        w = ngx_queue_data(q, ngx_http_task_redis_watched_t, queue);

        if (!ngx_queue_empty(&w->ops)
            || now - w->used < NGX_HTTP_TASK_REDIS_LINGER)
        {
            continue;
        }

        ngx_http_task_redis_unsubscribe(redis, w->hex);

        ngx_rbtree_delete(&redis->watched, &w->node);
        ngx_queue_remove(q);
        ngx_free(w);
    }
}


void
ngx_http_task_redis_watch_again(ngx_http_task_redis_t *redis)
{
    ngx_queue_t                    *q;
    ngx_http_task_redis_watched_t  *w;

    for (q = ngx_queue_head(&redis->watches);
         q != ngx_queue_sentinel(&redis->watches);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_http_task_redis_watched_t, queue);

        /* another engine may have taken over, which knows less */

        w->version = 0;

        ngx_http_task_redis_subscribe(redis, w->hex);
    }
}


void
ngx_http_task_redis_watch_peek(ngx_http_task_redis_t *redis)
{
    ngx_queue_t                    *q;
    ngx_http_task_redis_watched_t  *w;

    for (q = ngx_queue_head(&redis->watches);
         q != ngx_queue_sentinel(&redis->watches);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_http_task_redis_watched_t, queue);

        ngx_http_task_redis_listen_peek(redis, w->id);
    }
}
