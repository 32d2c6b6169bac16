
/*
 * What a driver of t/unit/ needs of nginx's event loop: timers and posted
 * events, and a clock that stands until the driver moves it.  Where nginx has
 * a tree of timers, this is a list: nginx's headers call what is here.  Other
 * trees are trees.
 */


#ifndef _LOOP_H_INCLUDED_
#define _LOOP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "log.h"

#include <stdio.h>
#include <stdlib.h>


#define LOOP_MS    1000000LL
#define LOOP_S     (1000 * LOOP_MS)
#define LOOP_HOUR  (3600 * LOOP_S)
#define LOOP_YEAR  (365 * 24 * LOOP_HOUR)


/* nanoseconds; it begins somewhere within a millisecond */

static int64_t             loop_clock = 123456 * LOOP_S + 123456789;

static ngx_rbtree_node_t  *loop_timers;      /* the next one is "right" */
static ngx_log_t           loop_log;
static ngx_cycle_t         loop_cycle = { .log = &loop_log };


/* symbols of nginx */

volatile ngx_cycle_t   *ngx_cycle = &loop_cycle;
volatile ngx_msec_t     ngx_current_msec;
ngx_rbtree_t            ngx_event_timer_rbtree;
ngx_queue_t             ngx_posted_events;
ngx_queue_t             ngx_posted_next_events;
ngx_uint_t              ngx_exiting;


static inline void
loop_broken(const char *what)
{
    printf("%s\n", what);
    exit(1);
}


void
ngx_log_error_core(LOG_ENTRY)
{
}


/* another tree than that of nginx's timers: a tree, but never balanced */

static inline void
loop_tree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    if (tree->root != tree->sentinel) {
        tree->insert(tree->root, node, tree->sentinel);
        return;
    }

    node->parent = NULL;
    node->left = tree->sentinel;
    node->right = tree->sentinel;

    tree->root = node;
}


static inline void
loop_tree_replace(ngx_rbtree_t *tree, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *by)
{
    if (node->parent == NULL) {
        tree->root = by;

    } else if (node == node->parent->left) {
        node->parent->left = by;

    } else {
        node->parent->right = by;
    }

    if (by != tree->sentinel) {
        by->parent = node->parent;
    }
}


static inline void
loop_tree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_node_t  *next;

    if (node->left == tree->sentinel) {
        loop_tree_replace(tree, node, node->right);

    } else if (node->right == tree->sentinel) {
        loop_tree_replace(tree, node, node->left);

    } else {
        next = ngx_rbtree_min(node->right, tree->sentinel);

        loop_tree_replace(tree, next, next->right);
        loop_tree_replace(tree, node, next);

        next->left = node->left;
        next->right = node->right;

        next->left->parent = next;

        if (next->right != tree->sentinel) {
            next->right->parent = next;
        }
    }

    memset(node, 0, sizeof(ngx_rbtree_node_t));
}


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_node_t  *n;

    if (tree != &ngx_event_timer_rbtree) {
        loop_tree_insert(tree, node);
        return;
    }

    for (n = loop_timers; n; n = n->right) {
        if (n == node) {
            loop_broken("a timer is set twice");
        }
    }

    node->right = loop_timers;
    loop_timers = node;
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_node_t  **n;

    if (tree != &ngx_event_timer_rbtree) {
        loop_tree_delete(tree, node);
        return;
    }

    for (n = &loop_timers; *n; n = &(*n)->right) {
        if (*n == node) {
            *n = node->right;
            return;
        }
    }

    loop_broken("a timer is deleted that is not set");
}


/* nginx keeps a time of its own, which is that of the clock only now */

static inline void
loop_update(void)
{
    ngx_current_msec = (ngx_msec_t) (loop_clock / LOOP_MS);
}


static inline void
loop_init(void)
{
    /* what was printed is seen when a sanitizer ends the driver, too */

    (void) setvbuf(stdout, NULL, _IOLBF, 0);

    ngx_queue_init(&ngx_posted_events);
    ngx_queue_init(&ngx_posted_next_events);
    loop_update();
}


/* in so many milliseconds of nginx's time the timer fires */

static inline ngx_msec_int_t
loop_fires_in(ngx_event_t *ev)
{
    return (ngx_msec_int_t) (ev->timer.key - ngx_current_msec);
}


/* a timer fires, whatever it was set to */

static inline void
loop_fire(ngx_event_t *ev)
{
    ngx_rbtree_delete(&ngx_event_timer_rbtree, &ev->timer);

    ev->timer_set = 0;
    ev->timedout = 1;

    ev->handler(ev);
}


/* the timer that fires first, or NULL */

static inline ngx_event_t *
loop_first(void)
{
    ngx_rbtree_node_t  *n, *first;

    first = loop_timers;

    for (n = loop_timers; n; n = n->right) {
        if ((ngx_msec_int_t) (n->key - first->key) < 0) {
            first = n;
        }
    }

    return first ? ngx_rbtree_data(first, ngx_event_t, timer) : NULL;
}


/* the timers whose time has come, by nginx's time, as nginx calls them */

static inline void
loop_expire(void)
{
    unsigned      n;
    ngx_event_t  *ev;

    n = 0;

    for (ev = loop_first(); ev && loop_fires_in(ev) <= 0; ev = loop_first()) {

        if (n++ == 1000) {
            loop_broken("timers are set to now, again and again");
        }

        loop_fire(ev);
    }
}


/* whether a worker that was told to quit ends now */

static inline int
loop_ends(void)
{
    ngx_event_t        *ev;
    ngx_rbtree_node_t  *n;

    for (n = loop_timers; n; n = n->right) {
        ev = ngx_rbtree_data(n, ngx_event_t, timer);

        if (!ev->cancelable) {
            return 0;
        }
    }

    return 1;
}


/* what was posted for the next turn is posted now, as nginx begins one */

static inline void
loop_turn(void)
{
    ngx_event_t  *ev;

    while (!ngx_queue_empty(&ngx_posted_next_events)) {
        ev = ngx_queue_data(ngx_queue_head(&ngx_posted_next_events),
                            ngx_event_t, queue);

        ngx_delete_posted_event(ev);
        ngx_post_event(ev, &ngx_posted_events);
    }
}


/* what was posted, as nginx calls it; how many there were */

static inline unsigned
loop_posted(void)
{
    unsigned      n;
    ngx_event_t  *ev;

    for (n = 0; !ngx_queue_empty(&ngx_posted_events); n++) {
        ev = ngx_queue_data(ngx_queue_head(&ngx_posted_events), ngx_event_t,
                            queue);

        ngx_delete_posted_event(ev);

        ev->handler(ev);
    }

    return n;
}


/* the same numbers each time */

static inline uint32_t
loop_any(uint32_t below)
{
    static uint32_t  x = 2463534242;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;

    return x % below;
}


#endif /* _LOOP_H_INCLUDED_ */
