
/*
 * Private prototypes of the numbers: the shared zone of a "task_zone", what is
 * counted in it, how late the loop is, and how it is told.
 */


#ifndef _NGX_HTTP_TASK_STATS_H_INCLUDED_
#define _NGX_HTTP_TASK_STATS_H_INCLUDED_


#include "task/ngx_http_task_types.h"


/* ngx_http_task_stats.c */

char *ngx_http_task_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_task_stats(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_task_stats_check(ngx_conf_t *cf);

/* "name:size" of a shared zone; NGX_ERROR: it is logged why */

ssize_t ngx_http_task_zone_size(ngx_conf_t *cf, const char *directive,
    ngx_str_t *text, ngx_str_t *name, void *tag);
ngx_int_t ngx_http_task_stats_create(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *tlcf);

/* on the loop; harmless where nothing is counted */

void ngx_http_task_stats_start(ngx_task_t *t);
void ngx_http_task_stats_end(ngx_task_t *t);
void ngx_http_task_stats_observe(ngx_http_task_zone_t *zone,
    uint64_t *histogram, int64_t ns);
ngx_http_task_zone_pool_t *ngx_http_task_stats_pool(ngx_task_t *t,
    ngx_str_t *name);


/* ngx_http_task_zone.c */

/* one that is shared by processes, and robust */

ngx_int_t ngx_http_task_mutex_init(pthread_mutex_t *mutex);

/* the zone of that name, also if it is not yet defined */

ngx_http_task_zone_t *ngx_http_task_zone_get(ngx_conf_t *cf, ngx_str_t *name);
ngx_int_t ngx_http_task_zone_create(ngx_conf_t *cf, ngx_http_task_zone_t *zone,
    size_t size);


/* ngx_http_task_slot.c */

void ngx_http_task_zone_lock(ngx_http_task_zone_t *zone);
void ngx_http_task_zone_unlock(ngx_http_task_zone_t *zone);

/* of this worker, when it begins and when it ends */

ngx_int_t ngx_http_task_slot_enter(ngx_http_task_zone_t *zone);
void ngx_http_task_slot_leave(ngx_http_task_zone_t *zone);

/*
 * Under the zone's mutex: adds to the totals what dead workers have left, and
 * returns how many of the generation are alive.
 */

ngx_uint_t ngx_http_task_slots_sweep(ngx_http_task_zone_t *zone,
    ngx_http_task_generation_t *generation);


/* ngx_http_task_heartbeat.c */

void ngx_http_task_heartbeat_start(ngx_http_task_main_conf_t *tmcf);

/* when the beat after this one is due, nanoseconds */

int64_t ngx_http_task_heartbeat_due(int64_t now);

/* around what a function does on the loop; logs it if it took too long */

int64_t ngx_http_task_stall_begin(void);
void ngx_http_task_stall_end(ngx_task_t *t, int64_t since);


/* ngx_http_task_status.c */

char *ngx_http_task_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_TASK_STATS_H_INCLUDED_ */
