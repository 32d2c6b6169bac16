
/*
 * What a function may do to its process: hold the event loop, crash, end a
 * thread or the worker, start programs.  The log then says who it was.
 */


#ifndef _NGX_HTTP_TASK_PROCESS_H_INCLUDED_
#define _NGX_HTTP_TASK_PROCESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_task.h"


/* --- what runs in a thread: ngx_http_task_guard.c; any thread ------------ */

typedef struct {
    ngx_task_t              *task;         /* NULL: a hook, or nothing */
    ngx_str_t               *name;         /* NULL: nothing */
    int                     *cancelled;    /* [both] of a piece; or NULL */
    ngx_uint_t               beside;       /* others of the task run, too */
} ngx_http_task_guard_t;


/* 1: code that this thread runs is watched, see ngx_http_task_stall.c */

void ngx_http_task_guard_watch(ngx_uint_t watch);

/* stand around code of a library; the first returns what ran before */

ngx_http_task_guard_t ngx_http_task_guard(ngx_task_t *t, ngx_str_t *name);
void ngx_http_task_unguard(ngx_http_task_guard_t before);

/* returns the name of what ran last in any thread, or NULL */

ngx_str_t *ngx_http_task_guard_last(void);

/* return what runs in this thread; its task, or NULL if it has it not alone */

ngx_http_task_guard_t *ngx_http_task_guarded(void);
ngx_task_t *ngx_http_task_guarded_task(void);


/* --- the log in a bad moment: any thread, signal handlers, too ----------- */

/* ngx_http_task_note.c: writes a line to the error log */

void ngx_http_task_note(ngx_uint_t level, u_char *text, size_t len);


/*
 * Writes what a line of the log tells of a task beside its name.  null: it
 * crashed because a pointer is NULL.
 */

typedef u_char *(*ngx_http_task_describe_pt)(u_char *p, u_char *last,
    ngx_task_t *t, ngx_uint_t null);

/* ngx_http_task_who.c: write the name of what runs; what else is known of it */

void ngx_http_task_who_init(ngx_http_task_describe_pt describe);
u_char *ngx_http_task_who(u_char *p, u_char *last,
    ngx_http_task_guard_t *guard);
u_char *ngx_http_task_who_details(u_char *p, u_char *last,
    ngx_http_task_guard_t *guard, ngx_uint_t null);


/* --- what holds the loop: ngx_http_task_stall.c; the loop ---------------- */

/*
 * Called in a worker: what holds the loop for longer than bound, milliseconds,
 * is logged; 0: nothing is.  exact: also what ends before the thread has seen
 * it.  Returns 1 if the loop's code is to be watched from now on.
 */

ngx_uint_t ngx_http_task_stall_start(ngx_msec_t bound, ngx_uint_t exact);
void ngx_http_task_stall_stop(void);

/* by ngx_http_task_guard() alone */

void ngx_http_task_stall_enter(ngx_http_task_guard_t *guard);
void ngx_http_task_stall_leave(ngx_http_task_guard_t *guard);

/* returns how long what was logged has held the loop since the last call, ns */

int64_t ngx_http_task_stall_take(void);


/* --- crashes: ngx_http_task_crash.c -------------------------------------- */

/*
 * A crash is logged; called in a worker, and then in each thread of a pool.
 * file() returns how the log names an object that the dynamic linker has by
 * this path.
 */

void ngx_http_task_crash_init(const char *(*file)(const char *path));
void ngx_http_task_crash_thread(void);

/* a crash is not logged any more */

void ngx_http_task_crash_stop(void);


/* --- functions that end what is nginx's: ngx_http_task_exit.c ------------ */

ngx_int_t ngx_http_task_exit_init(ngx_cycle_t *cycle);

/* registers the exit handlers; those registered last are called first */

void ngx_http_task_exit_catch(void);

/* called after code of a library, which may have allowed cancellation */

void ngx_http_task_exit_forbid_cancel(void);


/* --- what programs inherit: ngx_http_task_child.c ------------------------ */

/* called in a worker; libraries: 1 if any were loaded */

void ngx_http_task_child_init(ngx_cycle_t *cycle, ngx_uint_t libraries);

/*
 * In a worker: nginx's handler of SIGCHLD is called no more, it would reap
 * children for which a thread waits.  A worker has none of nginx's own.
 */

void ngx_http_task_child_keep(void);

/* called once in each thread of a pool, before it runs code of a library */

void ngx_http_task_child_thread(void);


/* --- threads of pools: ngx_http_task_batch.c ----------------------------- */

/* called once in each thread of a pool, with its log: it is SCHED_BATCH now */

void ngx_http_task_batch_thread(ngx_log_t *log);

/* called in a child of such a thread, after vfork(): it is not */

void ngx_http_task_batch_child(void);


#endif /* _NGX_HTTP_TASK_PROCESS_H_INCLUDED_ */
