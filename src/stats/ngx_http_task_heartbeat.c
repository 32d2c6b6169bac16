
/*
 * How late the event loop is.  A timer should fire every so often, and notes
 * in the worker's slot how late it was, and when it is due next.  From that
 * others see how late it is at this moment: a loop that stands still cannot
 * tell.
 *
 * What code of a library takes on the loop is logged by name, see
 * ngx_http_task_stall.c; of all other stalls the log only says that they were.
 */


#include "stats/ngx_http_task_stats.h"


static void ngx_http_task_heartbeat_handler(ngx_event_t *ev);
static void ngx_http_task_heartbeat_add(ngx_event_t *ev, int64_t now);
static void ngx_http_task_heartbeat_list(ngx_http_task_zone_t *zone,
    ngx_http_task_old_t *old, ngx_uint_t n);
static void ngx_http_task_heartbeat_note(ngx_http_task_zone_t *zone,
    int64_t now, int64_t late);


/* state of this worker */

static ngx_array_t       *ngx_http_task_heartbeat_zones;
static int64_t            ngx_http_task_heartbeat_stall;   /* nanoseconds */
static ngx_event_t        ngx_http_task_heartbeat_event;
static ngx_connection_t   ngx_http_task_heartbeat_dumb;
static int64_t            ngx_http_task_heartbeat_next;

static ngx_http_task_oldest_pt  ngx_http_task_heartbeat_oldest;


void
ngx_http_task_heartbeat_start(ngx_array_t *zones, ngx_msec_t stall,
    ngx_http_task_oldest_pt oldest)
{
    ngx_event_t  *ev;

    ngx_http_task_heartbeat_oldest = oldest;
    ngx_http_task_heartbeat_zones = zones;
    ngx_http_task_heartbeat_stall = (int64_t) stall * 1000000;

    if (zones->nelts == 0 && stall == 0) {
        return;
    }

    ev = &ngx_http_task_heartbeat_event;

    ev->handler = ngx_http_task_heartbeat_handler;
    ev->data = &ngx_http_task_heartbeat_dumb;  /* for the debug log */
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_http_task_heartbeat_dumb.fd = (ngx_socket_t) -1;

    ngx_http_task_heartbeat_add(ev, ngx_http_task_now());
}


static void
ngx_http_task_heartbeat_add(ngx_event_t *ev, int64_t now)
{
    ngx_http_task_heartbeat_next = ngx_http_task_slot_due(now);

    ngx_add_timer(ev, NGX_HTTP_TASK_SLOT_BEAT);
}


static void
ngx_http_task_heartbeat_handler(ngx_event_t *ev)
{
    int64_t                 now, late, named;
    ngx_uint_t              i;
    ngx_http_task_zone_t  **zones;

    now = ngx_http_task_now();

    /* nginx's timers may fire early, see ngx_http_task_timer.c */

    late = ngx_max(now - ngx_http_task_heartbeat_next, 0);

    zones = ngx_http_task_heartbeat_zones->elts;

    for (i = 0; i < ngx_http_task_heartbeat_zones->nelts; i++) {
        ngx_http_task_heartbeat_note(zones[i], now, late);
    }

    ngx_http_task_heartbeat_tell();

    named = ngx_http_task_stall_take();

    if (ngx_http_task_heartbeat_stall
        && late - named > ngx_http_task_heartbeat_stall)
    {
        ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                      "event loop stood still for %L ms", late / 1000000);
    }

    ngx_http_task_heartbeat_add(ev, now);
}


static void
ngx_http_task_heartbeat_note(ngx_http_task_zone_t *zone, int64_t now,
    int64_t late)
{
    ngx_http_task_slot_t  *slot;

    if (zone->slot == NULL && ngx_http_task_slot_enter(zone) != NGX_OK) {
        return;
    }

    slot = zone->slot;

    /* the first cell is the loop's: its "run time" is how late beats were */

    ngx_http_task_count_observe(zone,
                             ngx_http_task_zone_run_time(zone, slot->cells),
                             late);

    if (late > slot->worst) {
        ngx_http_task_atomic_set(&slot->worst, late);
    }

    ngx_http_task_atomic_set(&slot->due, ngx_http_task_slot_due(now));
}


void
ngx_http_task_heartbeat_tell(void)
{
    ngx_uint_t              i, n;
    ngx_http_task_old_t     old[NGX_HTTP_TASK_ZONE_OLDEST];
    ngx_http_task_zone_t  **zones;

    zones = ngx_http_task_heartbeat_zones->elts;

    n = ngx_http_task_heartbeat_oldest(old, NGX_HTTP_TASK_ZONE_OLDEST);

    for (i = 0; i < ngx_http_task_heartbeat_zones->nelts; i++) {
        ngx_http_task_heartbeat_list(zones[i], old, n);
    }
}


/* tells those of the tasks that the zone counts */

static void
ngx_http_task_heartbeat_list(ngx_http_task_zone_t *zone,
    ngx_http_task_old_t *old, ngx_uint_t n)
{
    uint64_t              *end;
    ngx_uint_t             i, place, told;
    ngx_http_task_slot_t  *slot;

    slot = zone->slot;

    if (slot == NULL) {
        return;
    }

    end = slot->cells + slot->generation->nseries * zone->ncounters;
    told = 0;

    for (i = 0; i < n; i++) {

        if (old[i].cell < slot->cells || old[i].cell >= end) {
            continue;
        }

        place = (old[i].cell - slot->cells) / zone->ncounters;

        ngx_http_task_atomic_set(&slot->oldest[told++],
            ngx_http_task_zone_oldest((uint64_t) old[i].begun / 1000000,
                                      place));
    }

    if (told < NGX_HTTP_TASK_ZONE_OLDEST) {
        ngx_http_task_atomic_set(&slot->oldest[told], 0);
    }
}
