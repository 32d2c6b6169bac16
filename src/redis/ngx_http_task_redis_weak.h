
/*
 * What this module uses of the other one, bound weakly: so nginx loads it, too,
 * if the other one is not there, and the module itself can say so.
 */


#ifndef _NGX_HTTP_TASK_REDIS_WEAK_H_INCLUDED_
#define _NGX_HTTP_TASK_REDIS_WEAK_H_INCLUDED_


#include "http/ngx_http_task_http.h"
#include "text/ngx_http_task_event.h"
#include "text/ngx_http_task_text.h"
#include "jobs/store/ngx_http_task_store_conf.h"


#pragma weak ngx_http_task_bell_drop
#pragma weak ngx_http_task_bell_ring
#pragma weak ngx_http_task_conf_invalid
#pragma weak ngx_http_task_conf_options
#pragma weak ngx_http_task_conf_time
#pragma weak ngx_http_task_event_end
#pragma weak ngx_http_task_event_id
#pragma weak ngx_http_task_fd_close
#pragma weak ngx_http_task_fd_events
#pragma weak ngx_http_task_fd_open
#pragma weak ngx_http_task_loop_is_here
#pragma weak ngx_http_task_module
#pragma weak ngx_http_task_now
#pragma weak ngx_http_task_shm_mutex
#pragma weak ngx_http_task_store_answer
#pragma weak ngx_http_task_store_drop
#pragma weak ngx_http_task_store_get
#pragma weak ngx_http_task_store_later
#pragma weak ngx_http_task_utf8_fit
#pragma weak ngx_http_task_version


#endif /* _NGX_HTTP_TASK_REDIS_WEAK_H_INCLUDED_ */
