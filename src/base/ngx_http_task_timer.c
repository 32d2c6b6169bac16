
/*
 * Timers whose deadlines are on the monotonic clock.  They are in a tree of
 * their own, whose first deadline an alarm is set to.
 */


#include "base/ngx_http_task_base.h"


static void ngx_http_task_timer_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static void ngx_http_task_timer_remove(ngx_http_task_timer_t *timer);
static void ngx_http_task_timer_expire(void);


#define ngx_http_task_timer_none()                                            \
    (ngx_http_task_timers.root == ngx_http_task_timers.sentinel)

#define ngx_http_task_timer_first()                                           \
    ((ngx_http_task_timer_t *) ngx_rbtree_min(ngx_http_task_timers.root,      \
                                              ngx_http_task_timers.sentinel))


/* state of this worker */

static ngx_rbtree_t       ngx_http_task_timers;
static ngx_rbtree_node_t  ngx_http_task_timers_sentinel;

/* what the alarm is set to: for a later deadline it is not set again */

static int64_t            ngx_http_task_timer_alarm = INT64_MAX;


void
ngx_http_task_timer_set(ngx_http_task_timer_t *timer,
    void (*handler)(void *data), void *data, int64_t deadline)
{
    if (ngx_http_task_timers.root == NULL) {
        ngx_rbtree_init(&ngx_http_task_timers, &ngx_http_task_timers_sentinel,
                        ngx_http_task_timer_insert);
        ngx_http_task_alarm_init(ngx_http_task_timer_expire);
    }

    if (timer->handler) {
        ngx_rbtree_delete(&ngx_http_task_timers, &timer->node);

    } else if (ngx_http_task_timer_none()) {
        ngx_http_task_alarm_keep(1);
    }

    timer->handler = handler;
    timer->data = data;
    timer->deadline = deadline;

    ngx_rbtree_insert(&ngx_http_task_timers, &timer->node);

    if (deadline < ngx_http_task_timer_alarm) {
        ngx_http_task_timer_alarm = deadline;
        ngx_http_task_alarm_set(deadline);
    }
}


static void
ngx_http_task_timer_insert(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t      **p;
    ngx_http_task_timer_t   *timer, *other;

    timer = (ngx_http_task_timer_t *) node;

    for ( ;; ) {
        other = (ngx_http_task_timer_t *) temp;

        p = (timer->deadline < other->deadline) ? &temp->left : &temp->right;

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


/* the alarm stays as it is: one that comes too early does no harm */

void
ngx_http_task_timer_clear(ngx_http_task_timer_t *timer)
{
    if (timer->handler) {
        ngx_http_task_timer_remove(timer);
    }
}


static void
ngx_http_task_timer_remove(ngx_http_task_timer_t *timer)
{
    ngx_rbtree_delete(&ngx_http_task_timers, &timer->node);

    timer->handler = NULL;

    if (ngx_http_task_timer_none()) {
        ngx_http_task_alarm_keep(0);
    }
}


/* a handler may set and clear any timer */

static void
ngx_http_task_timer_expire(void)
{
    int64_t                  now, start;
    void                   (*handler)(void *data);
    ngx_http_task_timer_t   *timer;

    start = ngx_http_task_now();

    /* it is set once, below */

    ngx_http_task_timer_alarm = INT64_MIN;

    for (now = start;
         now - start < NGX_HTTP_TASK_TURN;
         now = ngx_http_task_now())
    {
        if (ngx_http_task_timer_none()) {
            break;
        }

        timer = ngx_http_task_timer_first();

        if (timer->deadline > now) {
            break;
        }

        handler = timer->handler;

        ngx_http_task_timer_remove(timer);

        handler(timer->data);
    }

    if (ngx_http_task_timer_none()) {
        ngx_http_task_timer_alarm = INT64_MAX;
        return;
    }

    /* what is over, and had no time in this turn, wakes the loop at once */

    ngx_http_task_timer_alarm = ngx_http_task_timer_first()->deadline;

    ngx_http_task_alarm_set(ngx_http_task_timer_alarm);
}
