
/*
 * A request in, an answer out; the configuration.
 */


#ifndef _NGX_HTTP_TASK_HTTP_H_INCLUDED_
#define _NGX_HTTP_TASK_HTTP_H_INCLUDED_


#include "jobs/ngx_http_task_jobs.h"


/* the format of a status: as configured, or as the client asks */

typedef enum {
    NGX_HTTP_TASK_FORMAT_ASKED = 0,
    NGX_HTTP_TASK_FORMAT_JSON,
    NGX_HTTP_TASK_FORMAT_PROMETHEUS
} ngx_http_task_format_e;


/* outside of http{} */

typedef struct {
    ngx_array_t                      libraries;    /* pointers to them */
    ngx_msec_t                       shutdown_timeout;
    ngx_msec_t                       shutdown_jobs;        /* 0: no bound */
    int64_t                          bounds[NGX_HTTP_TASK_HOLDS];
} ngx_http_task_core_conf_t;


#define ngx_http_task_core_conf(cycle)                                        \
    ((ngx_http_task_core_conf_t *) ngx_get_conf((cycle)->conf_ctx,            \
                                                ngx_http_task_core_module))


typedef struct {
    ngx_uint_t                       used;         /* more than "quick" is */
    ngx_array_t                      locations;    /* pointers: that answer */
    ngx_array_t                      limits;       /* pointers to them */
    ngx_array_t                      ready;        /* "task_ready" locations */
    ngx_array_t                      zones;        /* pointers to them */
    ngx_array_t                      job_zones;    /* likewise */
    ngx_msec_t                       stall;        /* 0: is not logged */
} ngx_http_task_main_conf_t;


/* of a location: a part for each room, and what is http/'s own */

typedef struct ngx_http_task_loc_conf_s  ngx_http_task_loc_conf_t;

struct ngx_http_task_loc_conf_s {
    ngx_http_task_loc_conf_t        *parent;       /* NULL: that of http{} */

    ngx_http_task_args_conf_t        args;
    ngx_http_task_run_conf_t         run;
    ngx_http_task_stats_conf_t       stats;
    ngx_http_task_job_conf_t         job;

    ngx_str_t                        content;      /* the directive of .. */
    ngx_http_handler_pt              handler;      /* .. this one, or NULL */
    ngx_http_task_place_t            place;        /* where it stands */
    ngx_uint_t                       no_store;     /* true only now */

    ngx_uint_t                       methods;      /* of "task" */
    ngx_str_t                        allow;        /* the same, as a header */

    ngx_str_t                        quick;        /* what it answers */
    ngx_str_t                        ready;        /* of "task_ready" */
    void                            *server;       /* likewise */
    ngx_http_task_format_e           format;       /* of "task_status" */
};


extern ngx_module_t  ngx_http_task_module;
extern ngx_module_t  ngx_http_task_core_module;
extern ngx_module_t  ngx_http_task_filter_module;


/* --- the configuration: ngx_http_task_loc_conf.c ------------------------- */

void *ngx_http_task_main_conf_create(ngx_conf_t *cf);
char *ngx_http_task_main_conf_init(ngx_conf_t *cf, void *conf);
void *ngx_http_task_loc_conf_create(ngx_conf_t *cf);

/* before the first directive of http{} */

void ngx_http_task_loc_conf_begin(ngx_conf_t *cf);
char *ngx_http_task_loc_conf_merge(ngx_conf_t *cf, void *parent, void *child);

/*
 * The mode of a location's task, and its pool: in nginx when http{} is merged,
 * in Angie, which does that when the pools are made already, before.
 */

ngx_int_t ngx_http_task_loc_conf_mode(ngx_conf_t *cf,
    ngx_http_task_loc_conf_t *conf);

/* what was named before it was defined, when all of it was read */

ngx_int_t ngx_http_task_loc_conf_check(ngx_conf_t *cf);


/* --- what answers in a location: ngx_http_task_content.c ----------------- */

/* these directives; conf is a ngx_http_task_loc_conf_t */

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

/* each location that "task_ready" names has a limit */

ngx_int_t ngx_http_task_ready_check(ngx_conf_t *cf,
    ngx_http_task_main_conf_t *tmcf);


/* --- a task whose client is a request: ngx_http_task_request.c ----------- */

/* starts it: from now on the task is its request's, and ends with it */

ngx_int_t ngx_http_task_request_attach(ngx_task_t *t);

/* notices when the client leaves */

void ngx_http_task_request_watch(ngx_task_t *t);
ngx_connection_t *ngx_http_task_request_enter(ngx_task_t *t);

/* sends what the function answered */

ngx_int_t ngx_http_task_request_send(ngx_task_t *t);

/* the latest task of the request, also after an internal redirect, or NULL */

ngx_task_t *ngx_http_task_request_task(ngx_http_request_t *r);


/* ngx_http_task_result_headers.c: those that the function set */

ngx_int_t ngx_http_task_result_headers(ngx_task_t *t);


/* --- a body that is read in a thread: ngx_http_task_read.c --------------- */

/*
 * Before the task starts; the handler is called when it is read.  NGX_OK,
 * NGX_ERROR, or a status.
 */

ngx_int_t ngx_http_task_read_ahead(ngx_task_t *t,
    void (*handler)(ngx_task_t *t, ngx_int_t rc));


/* --- ngx_http_task_variables.c ------------------------------------------- */

ngx_int_t ngx_http_task_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_TASK_HTTP_H_INCLUDED_ */
