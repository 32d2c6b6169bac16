
/*
 * What stands between a function and the process that it runs in.
 */


#ifndef _NGX_HTTP_TASK_EXIT_H_INCLUDED_
#define _NGX_HTTP_TASK_EXIT_H_INCLUDED_


/* ngx_http_task_exit.c: functions that end what is nginx's */

ngx_int_t ngx_http_task_exit_init(ngx_cycle_t *cycle);

/* the handlers that are registered last are the first */

void ngx_http_task_exit_catch(void);

/* around what is a function's; returns what was there, to be set again */

ngx_task_t *ngx_http_task_exit_guard(ngx_task_t *t);
ngx_task_t *ngx_http_task_exit_current(void);

/* around a hook of a library, and what a pool's thread runs; NULL: after it */

void ngx_http_task_exit_guard_library(ngx_str_t *name);
void ngx_http_task_exit_guard_thread(ngx_http_task_piece_t *piece);

/* after what is a function's: it may have allowed that its thread is ended */

void ngx_http_task_exit_forbid_cancel(void);

/* whether threads have ended, each so often, and when the worker ends */

void ngx_http_task_exit_look(void);
void ngx_http_task_exit_leave(void);


/* ngx_http_task_child.c: what the programs that a function starts inherit */

void ngx_http_task_child_init(ngx_cycle_t *cycle);
void ngx_http_task_child_thread(void);


#endif /* _NGX_HTTP_TASK_EXIT_H_INCLUDED_ */
