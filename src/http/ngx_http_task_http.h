
/*
 * A request in, an answer out; the configuration.
 */


#ifndef _NGX_HTTP_TASK_HTTP_H_INCLUDED_
#define _NGX_HTTP_TASK_HTTP_H_INCLUDED_


#include "jobs/ngx_http_task_jobs.h"


/* the format of "task_status": as configured, or as the client asks */

typedef enum {
    NGX_HTTP_TASK_FORMAT_ASKED = 0,
    NGX_HTTP_TASK_FORMAT_JSON,
    NGX_HTTP_TASK_FORMAT_PROMETHEUS
} ngx_http_task_format_e;


/* the configuration outside of http{} */

typedef struct {
    ngx_array_t                      libraries;    /* pointers */
    ngx_msec_t                       shutdown_timeout;
    ngx_msec_t                       shutdown_jobs;        /* 0: no bound */
    int64_t                          bounds[NGX_HTTP_TASK_HOLDS];
} ngx_http_task_core_conf_t;


#define ngx_http_task_core_conf(cycle)                                        \
    ((ngx_http_task_core_conf_t *) ngx_get_conf((cycle)->conf_ctx,            \
                                                ngx_http_task_core_module))


typedef struct {
    ngx_uint_t                       used;         /* not only by "quick" */
    ngx_array_t                      locations;    /* pointers: all of ours */
    ngx_array_t                      limits;       /* pointers */
    ngx_array_t                      ready;        /* "task_ready" locations */
    ngx_array_t                      zones;        /* pointers */
    ngx_array_t                      job_zones;    /* pointers */
    ngx_msec_t                       stall;        /* 0: not logged */
    ngx_uint_t                       stall_set;    /* by "task_stall_log" */
} ngx_http_task_main_conf_t;


/* "task_openapi": a document, and what is said about it */

typedef struct {
    ngx_str_t                        title;
    ngx_str_t                        version;
    ngx_uint_t                       server;       /* it tells where it is */
    ngx_str_t                        text;
    ngx_str_t                        etag;
} ngx_http_task_openapi_conf_t;


/* a location: a part for each room, and what is http/'s own */

typedef struct ngx_http_task_loc_conf_s  ngx_http_task_loc_conf_t;

struct ngx_http_task_loc_conf_s {
    ngx_http_task_loc_conf_t        *parent;       /* NULL: this is http{} */

    ngx_http_task_args_conf_t        args;
    ngx_http_task_run_conf_t         run;
    ngx_http_task_stats_conf_t       stats;
    ngx_http_task_job_conf_t         job;

    ngx_str_t                        content;      /* the directive of .. */
    ngx_http_handler_pt              handler;      /* .. this one, or NULL */
    ngx_http_core_loc_conf_t        *clcf;         /* and its location */
    ngx_http_task_place_t            place;        /* where it stands */
    ngx_uint_t                       no_store;     /* answers go stale */

    ngx_uint_t                       methods;      /* that "task" takes */
    ngx_str_t                        allow;        /* the same, as a header */

    ngx_str_t                        quick;        /* what "quick" answers */
    ngx_str_t                        ready;        /* task_ready's location */
    void                            *server;       /* task_ready's server */
    ngx_http_task_format_e           format;       /* task_status' format */

    ngx_http_task_openapi_conf_t    *openapi;      /* NULL: there is none */
    ngx_flag_t                       openapi_hide; /* it is in no document */
};


extern ngx_module_t  ngx_http_task_module;
extern const char    ngx_http_task_version[];
extern ngx_module_t  ngx_http_task_core_module;
extern ngx_module_t  ngx_http_task_filter_module;


/* --- the configuration: ngx_http_task_loc_conf.c ------------------------- */

void *ngx_http_task_main_conf_create(ngx_conf_t *cf);
char *ngx_http_task_main_conf_init(ngx_conf_t *cf, void *conf);
void *ngx_http_task_loc_conf_create(ngx_conf_t *cf);

/* called before the first directive of http{} is read */

void ngx_http_task_loc_conf_begin(ngx_conf_t *cf);
char *ngx_http_task_loc_conf_merge(ngx_conf_t *cf, void *parent, void *child);

/*
 * Sets the mode of a location's task, and its pool; harmless if it is set.
 * nginx merges http{} before it makes the pools, and this is called then;
 * where http{} is merged later, as in Angie, it is called before the pools are
 * made.
 */

ngx_int_t ngx_http_task_loc_conf_mode(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);

/* checks what was named before it was defined, when all has been read */

ngx_int_t ngx_http_task_loc_conf_check(ngx_conf_t *cf);

/* ngx_http_task_untold.c: warns of jobs whose clients find no "task_jobs" */

void ngx_http_task_untold(ngx_conf_t *cf, ngx_http_task_main_conf_t *tmcf);


/* --- what answers in a location: ngx_http_task_content.c ----------------- */

/* a directive gives the location its handler */

char *ngx_http_task_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_task_loc_conf_t *tlcf, ngx_http_handler_pt handler);

/* directives; conf is a ngx_http_task_loc_conf_t */

char *ngx_http_task_content_task(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_task_content_quick(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_task_content_jobs(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_task_content_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_task_content_ready(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* --- content handlers ---------------------------------------------------- */

/* ngx_http_task_handler.c: "task", "quick" and "task_jobs" */

ngx_int_t ngx_http_task_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_task_quick_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_task_jobs_handler(ngx_http_request_t *r);

/* ngx_http_task_status.c */

ngx_int_t ngx_http_task_status_handler(ngx_http_request_t *r);

/* ngx_http_task_ready.c */

ngx_int_t ngx_http_task_ready_handler(ngx_http_request_t *r);

/* checks that each location that "task_ready" names has a limit */

ngx_int_t ngx_http_task_ready_check(ngx_conf_t *cf,
    ngx_http_task_main_conf_t *tmcf);


/* --- a task whose client is a request: ngx_http_task_request.c ----------- */

/* from now on the task belongs to its request, and ends with it */

ngx_int_t ngx_http_task_request_attach(ngx_task_t *t);

/*
 * Accepts such a task.  Returns NGX_DONE: the request will be finalized when
 * the task ends; or with what it has to be finalized now.
 */

ngx_int_t ngx_http_task_request_start(ngx_task_t *t);

/* watches whether the client leaves */

void ngx_http_task_request_watch(ngx_task_t *t);
ngx_connection_t *ngx_http_task_request_enter(ngx_task_t *t);

/* sends what the function answered, or a 422 */

ngx_int_t ngx_http_task_request_send(ngx_task_t *t);

/* returns the latest task, also after an internal redirect; or NULL */

ngx_task_t *ngx_http_task_request_task(ngx_http_request_t *r);


/* ngx_http_task_request_stream.c: see ngx_http_task_client_t */

ngx_int_t ngx_http_task_request_write(ngx_task_t *t);

/*
 * The task has ended: returns with what its request has to be finalized; or
 * NGX_DONE: it will be finalized later.
 */

ngx_int_t ngx_http_task_request_stream_answer(ngx_task_t *t);


/*
 * ngx_http_task_request_ring.c: sends what was put up to there, and then the
 * tail, which may be NULL; last: the body is complete
 */

ngx_int_t ngx_http_task_request_ring_send(ngx_task_t *t, uint64_t until,
    ngx_str_t *tail, ngx_uint_t last);

/* what nginx has taken makes room; returns 1 if it still has something */

ngx_uint_t ngx_http_task_request_ring_sent(ngx_task_t *t);


/*
 * ngx_http_task_result_headers.c: adds the headers that the function set;
 * failed: the body is not the function's own
 */

ngx_int_t ngx_http_task_result_headers(ngx_task_t *t, ngx_uint_t failed);


/* --- a body that is read ahead: ngx_http_task_read.c --------------------- */

/*
 * Reads the body before the task is accepted, in a thread or in steps, and
 * calls the handler on the loop when it is read, never from here.  Returns
 * NGX_OK, NGX_ERROR, or a status.
 */

ngx_int_t ngx_http_task_read_ahead(ngx_task_t *t,
    void (*handler)(ngx_task_t *t, ngx_int_t rc));


/* --- ngx_http_task_variables.c ------------------------------------------- */

ngx_int_t ngx_http_task_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_TASK_HTTP_H_INCLUDED_ */
