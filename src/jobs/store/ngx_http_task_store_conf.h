
/* Stores, as the configuration names and defines them. */


#ifndef _NGX_HTTP_TASK_STORE_CONF_H_INCLUDED_
#define _NGX_HTTP_TASK_STORE_CONF_H_INCLUDED_


#include "jobs/store/ngx_http_task_store.h"


/* returns the store of that name, defined or not yet; NULL: no memory */

ngx_http_task_store_t *ngx_http_task_store_get(ngx_conf_t *cf,
    ngx_array_t *stores, ngx_str_t *name);

/* returns the queue of that name; NULL: no memory, or too many, is logged */

ngx_http_task_queue_t *ngx_http_task_store_queue(ngx_conf_t *cf,
    ngx_http_task_store_t *store, ngx_str_t *name,
    ngx_http_task_place_t *place);

/* logs, and returns NGX_ERROR, if a store is named but not defined */

ngx_int_t ngx_http_task_store_check(ngx_conf_t *cf, ngx_array_t *stores);

/* ngx_http_task_state_conf.c: likewise, if the workers may not write a file */

ngx_int_t ngx_http_task_state_ready(ngx_conf_t *cf, ngx_array_t *stores);

/*
 * ngx_http_task_job_zone_conf.c: "task_job_zone"; the array of stores is at the
 * offset in conf
 */

char *ngx_http_task_job_zone_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_TASK_STORE_CONF_H_INCLUDED_ */
