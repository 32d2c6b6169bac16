
/*
 * Jobs: tasks whose client is a record.  All of it runs on the event loop, but
 * where a thread tells that a job begins, and how far it is.
 */


#ifndef _NGX_HTTP_TASK_JOBS_H_INCLUDED_
#define _NGX_HTTP_TASK_JOBS_H_INCLUDED_


#include "run/ngx_http_task_run.h"
#include "jobs/store/ngx_http_task_store.h"


/* of "task_background" */

#define NGX_HTTP_TASK_BACKGROUND_OFF     0
#define NGX_HTTP_TASK_BACKGROUND_ON      1
#define NGX_HTTP_TASK_BACKGROUND_PREFER  2


/* of a location */

typedef struct {
    ngx_array_t               *zones;        /* all of them, pointers */

    /* of "task_background" */

    ngx_uint_t                 background;   /* unset: inherited */
    ngx_http_task_store_t     *store;
    ngx_str_t                  location;     /* that answers for its jobs */
    ngx_uint_t                 max;          /* 0: there is none */
    uint64_t                   share;        /* its key; 0: all others' */

    ngx_http_task_store_t     *told;         /* of "task_jobs", or NULL */
} ngx_http_task_job_conf_t;


/* a job of this worker: a task whose client is a record in a store */

typedef struct {
    ngx_http_task_hold_t       hold;         /* as long as it has not ended */
    ngx_task_t                *task;
    ngx_http_task_job_conf_t  *conf;
    ngx_http_task_store_t     *store;
    uint64_t                   key;          /* of the record, .. */
    ngx_uint_t                 kept;         /* .. if something of it runs */

    ngx_http_task_store_op_t   op;           /* the one that is under way */
    ngx_http_task_store_end_t  end;
    ngx_uint_t                 tries;        /* to end it */

    /* of the request, until it has its answer */

    ngx_http_cleanup_t        *cleanup;
    ngx_msec_t                 wait;         /* for the result, at first */
} ngx_http_task_job_t;


/* ngx_http_task_job.c: the jobs of this worker */

/* whether the client wants one; and for how long it waits for the result */

ngx_uint_t ngx_http_task_job_wanted(ngx_http_task_job_conf_t *conf,
    ngx_http_request_t *r, ngx_msec_t *wait);

/*
 * Makes a job of the task and answers 202, or says why not: finalizes the
 * request, and then starts the job, or frees the task.  wait is how long its
 * client waits for the result before that.
 */

void ngx_http_task_job_accept(ngx_task_t *t, ngx_http_task_job_conf_t *conf,
    ngx_msec_t wait);

/* those that this worker, which ends, leaves behind are told in the log */

void ngx_http_task_jobs_abandon(void);


/* ngx_http_task_job_name.c: the id of a job in the logs */

void ngx_http_task_job_name(ngx_task_t *t);

/* of the job that the request made, or NULL */

ngx_str_t *ngx_http_task_job_made(ngx_http_request_t *r);

/* that of the worker, with the id at the end of each line */

ngx_log_t *ngx_http_task_job_log(ngx_task_t *t);


/* ngx_http_task_job_answer.c: what is said of a job */

/* writes the id as text; returns what is behind it */

u_char *ngx_http_task_job_id(u_char *p, ngx_http_task_store_t *store,
    u_char *id);

/* the job as JSON */

ngx_int_t ngx_http_task_job_text(ngx_pool_t *pool,
    ngx_http_task_store_t *store, ngx_http_task_job_seen_t *seen,
    ngx_str_t *text);

/* answers with that, or with 404: reads it first, which is NGX_DONE */

ngx_int_t ngx_http_task_job_send(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);

/* answers 202: the job is there, whatever becomes of the answer */

ngx_int_t ngx_http_task_job_accepted(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id, const char *state);

extern const char *const  ngx_http_task_job_states[];


/* ngx_http_task_job_call.c: a request that waits for a store's answer */

typedef struct ngx_http_task_job_call_s  ngx_http_task_job_call_t;

struct ngx_http_task_job_call_s {
    ngx_http_task_store_op_t   op;           /* the first member */
    ngx_http_request_t        *request;
    ngx_http_task_store_t     *store;
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    ngx_str_t                  text;         /* what is answered, if it is */
};


/*
 * The request is held until done() finalizes it; it drops what is under way
 * when it is terminated.  NULL: no memory.
 */

ngx_http_task_job_call_t *ngx_http_task_job_call(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);
void ngx_http_task_job_call_done(ngx_http_task_job_call_t *call, ngx_int_t rc);

/* finalizes a request whose last call of a store was this one */

void ngx_http_task_job_call_end(ngx_http_request_t *r,
    ngx_http_task_store_op_t *op, ngx_int_t rc);


/* ngx_http_task_job_handler.c: "task_jobs" */

ngx_int_t ngx_http_task_job_handler(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf);


/* ngx_http_task_job_conf.c */

/* "task_background": conf with the offset is a ngx_http_task_job_conf_t */

char *ngx_http_task_job_background(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* "task_jobs zone=name": its argument */

char *ngx_http_task_job_told(ngx_conf_t *cf, ngx_http_task_job_conf_t *conf,
    ngx_str_t *text);

void ngx_http_task_job_merge(ngx_http_task_job_conf_t *prev,
    ngx_http_task_job_conf_t *conf);

/* a location with a task and "max" has a share of its own */

ngx_int_t ngx_http_task_job_merge_share(ngx_conf_t *cf,
    ngx_http_task_job_conf_t *conf, ngx_http_task_place_t *place);


/* ngx_http_task_job_status.c: zones of jobs in "task_status" */

/* makes an array of ngx_http_task_job_shown_t */

ngx_int_t ngx_http_task_job_status(ngx_pool_t *pool, ngx_array_t *zones,
    ngx_array_t *jobs);
void ngx_http_task_job_status_json(ngx_http_task_out_t *out,
    ngx_array_t *jobs);
void ngx_http_task_job_status_prometheus(ngx_http_task_out_t *out,
    ngx_array_t *jobs);


/* ngx_http_task_job_wait.c: requests that wait for a job */

typedef enum {
    NGX_HTTP_TASK_JOB_POLL = 0,        /* GET with "wait" */
    NGX_HTTP_TASK_JOB_PREFER,          /* its own request, with "Prefer" */
    NGX_HTTP_TASK_JOB_STREAM           /* server-sent events */
} ngx_http_task_job_wait_e;


/* between two looks at the job, milliseconds */

#define NGX_HTTP_TASK_JOB_TICK     50


typedef struct {
    ngx_http_request_t        *request;
    ngx_uint_t                 changes;      /* of its URI, then */
    ngx_http_task_job_conf_t  *conf;         /* of Prefer */
    ngx_http_task_store_t     *store;
    ngx_http_task_store_op_t   op;           /* the one that is under way */
    ngx_event_t                event;
    ngx_http_task_job_wait_e   kind;
    ngx_uint_t                 watched;      /* the client is */

    int64_t                    deadline;     /* on the monotonic clock, ns */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];

    /* of a stream */

    int64_t                    spoken;       /* the last time */
    uint64_t                   version;      /* what was sent, .. */
    ngx_buf_t                 *buf;          /* .. and in which buffer */
    ngx_pool_t                *pool;         /* of the event that is made, .. */
    ngx_uint_t                 ended;        /* .. whose job has ended, .. */
    ngx_uint_t                 last;         /* .. and which is the last one */
} ngx_http_task_job_wait_t;


/*
 * Holds the request until it has its answer: returns NGX_DONE, or a status.
 * conf is that of the task, for Prefer, or NULL.
 */

ngx_int_t ngx_http_task_job_wait(ngx_http_request_t *r,
    ngx_http_task_store_t *store, ngx_http_task_job_conf_t *conf, u_char *id,
    ngx_http_task_job_wait_e kind, ngx_msec_t time);


/* ngx_http_task_job_stream.c */


/* NGX_OK and no header_only: events follow; else what is to be finalized */

ngx_int_t ngx_http_task_job_stream_begin(ngx_http_task_job_wait_t *w,
    ngx_uint_t ended);
void ngx_http_task_job_stream(ngx_http_task_job_wait_t *w, uint64_t version,
    ngx_uint_t ended);
void ngx_http_task_job_stream_writer(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TASK_JOBS_H_INCLUDED_ */
