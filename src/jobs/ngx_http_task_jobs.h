
/*
 * Jobs: tasks whose client is a record.  All of it runs on the event loop,
 * except that a thread tells when a job begins, and how far it is.
 */


#ifndef _NGX_HTTP_TASK_JOBS_H_INCLUDED_
#define _NGX_HTTP_TASK_JOBS_H_INCLUDED_


#include "run/ngx_http_task_run.h"
#include "jobs/store/ngx_http_task_store.h"
#include "text/ngx_http_task_event.h"

#include <ngx_sha1.h>


/* values of "task_background" */

#define NGX_HTTP_TASK_BACKGROUND_OFF     0
#define NGX_HTTP_TASK_BACKGROUND_ON      1
#define NGX_HTTP_TASK_BACKGROUND_PREFER  2


typedef struct ngx_http_task_job_serve_s  ngx_http_task_job_serve_t;


/* values of "task_idempotency" */

#define NGX_HTTP_TASK_IDEMPOTENCY_OFF       0
#define NGX_HTTP_TASK_IDEMPOTENCY_ON        1
#define NGX_HTTP_TASK_IDEMPOTENCY_REQUIRED  2


/* a location's directives about jobs */

typedef struct {
    ngx_array_t               *zones;        /* pointers to all stores */

    /* "task_background" */

    ngx_uint_t                 background;   /* unset: inherited */
    ngx_http_task_store_t     *store;
    ngx_str_t                  location;     /* its jobs are told there */
    ngx_str_t                  queue;        /* empty: by its function */
    ngx_uint_t                 max;          /* 0: no limit */
    uint64_t                   share;        /* key of it; 0: the common one */
    uint64_t                   key;          /* of the location */
    ngx_http_task_job_serve_t *serve;        /* its queue */

    ngx_uint_t                 idempotency;  /* "task_idempotency" */

    ngx_http_task_store_t     *told;         /* "task_jobs"; NULL: none */
    ngx_uint_t                 list;         /* 1: its jobs are listed, and may
                                                be tried again */
    ngx_msec_t                 ping;         /* of its streams of events */
} ngx_http_task_job_conf_t;


/* a location that runs the jobs of a queue */

typedef struct {
    uint64_t                   key;
    ngx_http_task_run_conf_t  *run;
    ngx_http_task_args_conf_t *args;
    ngx_http_task_job_conf_t  *conf;
} ngx_http_task_job_runner_t;


typedef struct ngx_http_task_job_s  ngx_http_task_job_t;


/* the making of a print of what a request gave */

typedef struct {
    ngx_sha1_t                 sha1;
    size_t                     read;         /* of the body */
    ngx_http_task_work_t       work;
    void                     (*done)(ngx_task_t *t);
} ngx_http_task_job_print_t;


/* a queue of jobs, and this worker, which serves it */

struct ngx_http_task_job_serve_s {
    ngx_http_task_queue_t     *queue;
    ngx_array_t                runners;      /* ngx_http_task_job_runner_t; the
                                                first one tells what is room */
    ngx_msec_t                 timeout;      /* of task_timeout; 0: none */

    /* state of this worker */

    ngx_queue_t                all;          /* the queues that it serves */
    ngx_http_task_work_t       work;         /* claims jobs */
    ngx_http_task_store_op_t   op;           /* of a claim */
    ngx_int_t                  rc;           /* what it was answered */
    ngx_http_task_limit_t     *reserved;     /* a turn for the job, or NULL */
    ngx_uint_t                 hungry;       /* 1: the store tells of a job */
    ngx_uint_t                 told;         /* 1: it did, since the op began */
    ngx_http_task_timer_t      timer;        /* set: a claim has failed */
};


/* a job of this worker: a task whose client is a record in a store */

struct ngx_http_task_job_s {
    ngx_http_task_hold_t       hold;         /* until the job has ended */
    ngx_task_t                *task;
    ngx_http_task_job_conf_t  *conf;
    ngx_http_task_store_t     *store;
    ngx_uint_t                 kept;         /* 1: it is in the store, and
                                                may still be written to */

    ngx_http_task_store_op_t   op;           /* the call under way */
    ngx_http_task_store_end_t  end;
    ngx_uint_t                 tries;        /* how often end() has failed */

    /* what its function streams */

    ngx_str_t                  taken;        /* by realloc(): the result, or
                                                the beginning of an event */
    size_t                     room;         /* bytes, for these */
    uint64_t                   events;       /* how many there were */
    ngx_http_task_event_scan_t  scan;
    const char                *wrong;        /* if it could not be taken */

    /* these are used until the request has its answer */

    ngx_http_cleanup_t        *cleanup;
    ngx_http_task_limit_t     *reserved;     /* a place for its turn */
    ngx_msec_t                 wait;         /* for the result, before 202 */
    ngx_http_task_store_add_t  add;
    ngx_http_task_job_print_t  print;        /* if there is a key */

    /* of one that was claimed */

    ngx_str_t                  input;        /* as the store has it */
    ngx_uint_t                 ahead;        /* 1: that is read now */
    ngx_uint_t                 back;         /* 1: it is given back */
    ngx_http_task_job_serve_t *serve;        /* it waits for a thread, .. */
    ngx_http_task_timer_t      timer;        /* .. and then is given back */
};


/* ngx_http_task_job_accept.c */

/* returns 1 if the client wants a job; sets how long it awaits the result */

ngx_uint_t ngx_http_task_job_wanted(ngx_http_task_job_conf_t *conf,
    ngx_http_request_t *r, ngx_msec_t *wait);

/*
 * Makes a job of the task: answers 202, finalizes the request, and then starts
 * the job.  If there is no room, frees the task and answers 503.  wait is how
 * long the client waits for the result before the 202, in milliseconds.
 */

void ngx_http_task_job_accept(ngx_task_t *t, ngx_http_task_job_conf_t *conf,
    ngx_msec_t wait);


/*
 * ngx_http_task_job_key.c: "Idempotency-Key".  The first sets job->add.key;
 * NGX_DECLINED: the request has been answered, with rc.  The second sets the
 * print of the request, of which all is known, and calls done() then, now or
 * later.  The others answer a request whose key is known: they return what the
 * request is finalized with.
 */

ngx_int_t ngx_http_task_job_key_read(ngx_task_t *t,
    ngx_http_task_job_conf_t *conf, ngx_int_t *rc);
void ngx_http_task_job_key_print(ngx_task_t *t, void (*done)(ngx_task_t *t));
ngx_int_t ngx_http_task_job_key_other(ngx_http_request_t *r);
ngx_int_t ngx_http_task_job_key_taking(ngx_http_request_t *r);


/* ngx_http_task_job.c: a task whose client is a record */

/* the job is this worker's: it is held; then its input is known, and it runs */

void ngx_http_task_job_hold(ngx_task_t *t);
void ngx_http_task_job_run(ngx_task_t *t);

/* it cannot run: it has failed, as job->wrong says */

void ngx_http_task_job_fail(ngx_task_t *t);

/* undoes the reservation of its turn, before it is asked for */

void ngx_http_task_job_unreserve(ngx_http_task_job_t *job);

/* it runs elsewhere; returns 0 if it has begun */

ngx_uint_t ngx_http_task_job_withdraw(ngx_task_t *t);

/* a client has asked the store to cancel the job */

void ngx_http_task_job_cancel(void *data);

/* the store says that the job is another worker's, or nobody's */

void ngx_http_task_job_lost(void *data);

/* logs the jobs that have not ended when this worker ends */

void ngx_http_task_jobs_abandon(void);


/*
 * ngx_http_task_job_queue.c: called when a location is merged;
 * ngx_http_task_job_serve.c: when a worker begins
 */

ngx_int_t ngx_http_task_job_serve(ngx_conf_t *cf,
    ngx_http_task_job_conf_t *conf, ngx_http_task_run_conf_t *run,
    ngx_http_task_args_conf_t *args, ngx_http_task_place_t *place);
ngx_int_t ngx_http_task_job_serve_begin(ngx_http_task_store_t *store);

/* returns how many jobs it has room for */

ngx_uint_t ngx_http_task_job_serve_room(ngx_http_task_job_serve_t *s);

/* it has taken a job that it has accepted; or the store has refused one */

void ngx_http_task_job_serve_taken(ngx_http_task_job_t *job);
void ngx_http_task_job_serve_refused(ngx_http_task_job_t *job);


/*
 * ngx_http_task_job_claim.c: makes a task of a job that was claimed, whose
 * input is not read yet.  NULL: no memory.
 */

ngx_task_t *ngx_http_task_job_claim_make(ngx_http_task_job_serve_t *s,
    ngx_http_task_store_op_t *op);

/* reads its input, and runs it */

void ngx_http_task_job_claim_start(ngx_task_t *t);


/* ngx_http_task_job_take.c: what its function streams, see write() */

ngx_int_t ngx_http_task_job_take(ngx_task_t *t);

/* the task has ended: takes what is left; job->wrong says why it cannot */

void ngx_http_task_job_take_last(ngx_task_t *t);


/* ngx_http_task_job_end.c: how a job ends */

/* sets job->end to what the task has come to, and logs if it has failed */

void ngx_http_task_job_end_set(ngx_task_t *t);
void ngx_http_task_job_end_log(ngx_task_t *t, ngx_uint_t status,
    ngx_str_t *text);


/* ngx_http_task_job_name.c: the id of a job in the logs */

/* names the job of a task for its log, and for $task_job of its request */

void ngx_http_task_job_name(ngx_task_t *t);

/* returns the id of the job that the request made, or NULL */

ngx_str_t *ngx_http_task_job_made(ngx_http_request_t *r);

/* returns a log like the worker's, with the id at the end of each line */

ngx_log_t *ngx_http_task_job_log(ngx_task_t *t);


/* ngx_http_task_job_answer.c: what is said of a job */

/* writes the id as text; returns its end */

u_char *ngx_http_task_job_id(u_char *p, ngx_http_task_store_t *store,
    u_char *id);

/* writes the job as JSON; NGX_ERROR: no memory */

ngx_int_t ngx_http_task_job_text(ngx_pool_t *pool,
    ngx_http_task_store_t *store, ngx_http_task_job_seen_t *seen,
    ngx_str_t *text);

/* parts of that, for a list: "{" and the first members, those behind them */

u_char *ngx_http_task_job_text_id(u_char *p, ngx_http_task_store_t *store,
    ngx_http_task_job_seen_t *seen);
u_char *ngx_http_task_job_text_known(u_char *p,
    ngx_http_task_job_seen_t *seen);

/* of a job that has ended, and is not done: why */

const ngx_str_t *ngx_http_task_job_error(const ngx_http_task_job_seen_t *seen);

/* reads the job, and answers with its JSON, or 404: NGX_DONE, or a status */

ngx_int_t ngx_http_task_job_send(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);

/* answers 202; state is the name of the job's state */

ngx_int_t ngx_http_task_job_accepted(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id, const char *state);

/* likewise, at this location, where the id follows; preferred: by "Prefer" */

ngx_int_t ngx_http_task_job_accepted_at(ngx_http_request_t *r,
    ngx_http_task_store_t *store, ngx_str_t *location, u_char *id,
    const char *state, ngx_uint_t preferred);

extern const char *const  ngx_http_task_job_states[];


/* ngx_http_task_job_call.c: a request that waits for a store's answer */

typedef struct ngx_http_task_job_call_s  ngx_http_task_job_call_t;

struct ngx_http_task_job_call_s {
    ngx_http_task_store_op_t   op;           /* the first member */

    /* called when the store has answered, if the request is still here */
    void                     (*handler)(ngx_http_task_job_call_t *call,
                                        ngx_int_t rc);

    ngx_http_request_t        *request;
    ngx_uint_t                 changes;      /* of its URI, then */
    ngx_http_task_store_t     *store;
    ngx_str_t                  text;         /* the answer of "forget" */
};


/*
 * Makes a call for a request, which is held until done() finalizes it; if the
 * request is terminated before, the call is dropped.  Returns NULL if there is
 * no memory.
 */

ngx_http_task_job_call_t *ngx_http_task_job_call(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);

/* likewise, of that size: more is behind it, and hold() holds the request */

ngx_http_task_job_call_t *ngx_http_task_job_call_of(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id, size_t size);
void ngx_http_task_job_call_hold(ngx_http_task_job_call_t *call);

void ngx_http_task_job_call_done(ngx_http_task_job_call_t *call, ngx_int_t rc);

/*
 * These stand around what goes on with a request that waits for a store; late
 * is 1 if it is not called by the code that made the request wait.
 *
 * goes_on() returns 0 if post_action has taken the request elsewhere since
 * r->uri_changes had that value.  end() finalizes the request.
 */

ngx_uint_t ngx_http_task_job_call_goes_on(ngx_http_request_t *r,
    ngx_uint_t changes, ngx_uint_t late);
void ngx_http_task_job_call_end(ngx_http_request_t *r, ngx_uint_t late,
    ngx_int_t rc);


/* ngx_http_task_job_handler.c: "task_jobs" */

ngx_int_t ngx_http_task_job_handler(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf);


/* ngx_http_task_job_conf.c */

/* "task_background": a ngx_http_task_job_conf_t is at the offset in conf */

char *ngx_http_task_job_background(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* parses the arguments of "task_jobs zone=name [list=on]" */

char *ngx_http_task_job_told(ngx_conf_t *cf, ngx_http_task_job_conf_t *conf);

void ngx_http_task_job_merge(ngx_http_task_job_conf_t *prev,
    ngx_http_task_job_conf_t *conf);

/* gives a location with a task a key, and, with "max", a share of its own */

ngx_int_t ngx_http_task_job_merge_share(ngx_conf_t *cf,
    ngx_http_task_job_conf_t *conf, ngx_http_task_place_t *place);


/* ngx_http_task_job_status.c: stores in "task_status" */

/* makes jobs an array of n ngx_http_task_job_shown_t; adds one of them to it */

ngx_int_t ngx_http_task_job_status_init(ngx_array_t *jobs, ngx_pool_t *pool,
    ngx_uint_t n);
ngx_int_t ngx_http_task_job_status_see(ngx_array_t *jobs,
    ngx_http_task_store_t *store);
void ngx_http_task_job_status_json(ngx_http_task_out_t *out,
    ngx_array_t *jobs);
void ngx_http_task_job_status_prometheus(ngx_http_task_out_t *out,
    ngx_array_t *jobs);


/* ngx_http_task_job_wait.c: a request that waits for a job */

typedef struct ngx_http_task_job_wait_s  ngx_http_task_job_wait_t;

struct ngx_http_task_job_wait_s {

    /* called when there may be something to do: sooner or later it leads to
       next() or end() */
    void                     (*look)(ngx_http_task_job_wait_t *w);

    ngx_http_request_t        *request;
    ngx_uint_t                 changes;      /* r->uri_changes at first */
    ngx_http_event_handler_pt  writer;       /* or NULL */
    ngx_uint_t                 watched;      /* 1: the client is watched */
    ngx_http_task_store_t     *store;
    ngx_http_task_store_op_t   op;           /* the call under way */
    ngx_http_task_timer_t      timer;        /* for the next look */
    ngx_uint_t                 late;         /* 1: the code that made the
                                                request wait has returned */
    ngx_uint_t                 ended;        /* 1: the job has ended, or is
                                                gone */
    ngx_uint_t                 failed;       /* 1: the store cannot tell */

    /* until the job has ended */

    ngx_uint_t                 looks;

    ngx_http_task_job_conf_t  *conf;         /* of the task that made the job,
                                                for its request; or NULL */
    ngx_uint_t                 bare;         /* 1: it wants the result alone */
    int64_t                    deadline;     /* on the monotonic clock, ns */

    /* a stream */

    ngx_msec_t                 ping;         /* 0: no comments */
    int64_t                    spoken;       /* when last sent, ns; 0: never */
    uint64_t                   version;      /* of the job, when last read */
    uint64_t                   change;       /* of what was told last */
    uint64_t                   event;        /* the number of the last one */
    ngx_buf_t                 *buf;          /* holds what was sent last */
    ngx_pool_t                *pool;         /* of the event being made */
};


/* returns NULL if there is no memory; the caller sets look() */

ngx_http_task_job_wait_t *ngx_http_task_job_wait_create(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id);

/*
 * Holds the request until end(), and calls look() at first; or answers that
 * there is no such job.  Returns NGX_DONE.
 */

ngx_int_t ngx_http_task_job_wait(ngx_http_task_job_wait_t *w);

/* waits for the next change; look() is called at this time, too: ns */

void ngx_http_task_job_wait_next(ngx_http_task_job_wait_t *w, int64_t time);

/* asks how the job is now, and calls look() then */

void ngx_http_task_job_wait_ask(ngx_http_task_job_wait_t *w);

/* ends the wait, and finalizes the request */

void ngx_http_task_job_wait_end(ngx_http_task_job_wait_t *w, ngx_int_t rc);


/*
 * ngx_http_task_job_poll.c: these hold the request until the job has ended, for
 * so many milliseconds at most; they return NGX_DONE, or a status
 */

/* answers what the job is then; bare: as the task would, or 202 */

ngx_int_t ngx_http_task_job_poll(ngx_http_request_t *r,
    ngx_http_task_store_t *store, u_char *id, ngx_msec_t time,
    ngx_uint_t bare);

/* answers the request that made the job: as the task would, or 202 */

ngx_int_t ngx_http_task_job_prefer(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id, ngx_msec_t time);


/* ngx_http_task_job_stream.c: answers with events; NGX_DONE, or a status */

ngx_int_t ngx_http_task_job_stream(ngx_http_request_t *r,
    ngx_http_task_job_conf_t *conf, u_char *id);


#endif /* _NGX_HTTP_TASK_JOBS_H_INCLUDED_ */
