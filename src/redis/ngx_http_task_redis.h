
/*
 * Jobs in a Redis or a Valkey, the engine: a store whose calls are scripts, see
 * src/redis/common.lua.  Each worker has two connections in its event loop, one
 * for calls, and one by which it is told of jobs.
 *
 * It is a module of its own, as it alone needs hiredis.  What it uses of the
 * other one is found when nginx loads it.
 */


#ifndef _NGX_HTTP_TASK_REDIS_H_INCLUDED_
#define _NGX_HTTP_TASK_REDIS_H_INCLUDED_


#include "redis/ngx_http_task_redis_weak.h"
#include "jobs/store/ngx_http_task_store.h"

#include <hiredis/hiredis.h>
#include <hiredis/async.h>


#define NGX_HTTP_TASK_REDIS_HEX    32      /* characters of an id */
#define NGX_HTTP_TASK_REDIS_OWNER  16      /* likewise of a worker's name */

/* within this time a call is answered, milliseconds */

#define NGX_HTTP_TASK_REDIS_PATIENCE  5000

/* the time between two looks at a job for who watches it, milliseconds */

#define NGX_HTTP_TASK_REDIS_LOOK  50


typedef struct ngx_http_task_redis_s         ngx_http_task_redis_t;
typedef struct ngx_http_task_redis_call_s    ngx_http_task_redis_call_t;
typedef struct ngx_http_task_redis_job_s     ngx_http_task_redis_job_t;
typedef struct ngx_http_task_redis_link_s    ngx_http_task_redis_link_t;
typedef struct ngx_http_task_redis_place_s   ngx_http_task_redis_place_t;
typedef struct ngx_http_task_redis_slot_s    ngx_http_task_redis_slot_t;
typedef struct ngx_http_task_redis_node_s    ngx_http_task_redis_node_t;


/* in the order of ngx_http_task_redis_scripts */

typedef enum {
    NGX_HTTP_TASK_REDIS_ADD = 0,
    NGX_HTTP_TASK_REDIS_CLAIM,
    NGX_HTTP_TASK_REDIS_PASS,
    NGX_HTTP_TASK_REDIS_GIVE_BACK,
    NGX_HTTP_TASK_REDIS_TELL,
    NGX_HTTP_TASK_REDIS_EVENT,
    NGX_HTTP_TASK_REDIS_END,
    NGX_HTTP_TASK_REDIS_READ,
    NGX_HTTP_TASK_REDIS_PEEK,
    NGX_HTTP_TASK_REDIS_CANCEL,
    NGX_HTTP_TASK_REDIS_FORGET,
    NGX_HTTP_TASK_REDIS_ENTER,
    NGX_HTTP_TASK_REDIS_BURY,
    NGX_HTTP_TASK_REDIS_TICK_SCRIPT,

    NGX_HTTP_TASK_REDIS_SCRIPTS
} ngx_http_task_redis_script_e;


/* the words of a command; they are the engine's when it is sent */

typedef struct {
    int                          n;
    const char                 **data;
    size_t                      *len;
    ngx_uint_t                   room;
    u_char                      *numbers;     /* text of numbers */
    void                        *temp;        /* by malloc(): freed behind it */
    ngx_uint_t                   failed;      /* 1: no memory for one */
} ngx_http_task_redis_words_t;


/* what a call is */

typedef struct {
    ngx_http_task_redis_script_e  script;

    /* 1: it is sent again if its connection is lost before it is answered */
    ngx_uint_t                   again;

    /* adds the arguments of the script; NGX_DECLINED: there is nothing to say */
    ngx_int_t                  (*words)(ngx_http_task_redis_call_t *call,
                                        ngx_http_task_redis_words_t *words);

    /* an answer, whose first element is a word; the call is freed behind it */
    void                       (*reply)(ngx_http_task_redis_call_t *call,
                                        redisReply *reply);

    /* there is none, and the call is freed behind it: rc is NGX_BUSY if the
       engine has no memory left, NGX_DECLINED if it is away, or NGX_ERROR */
    void                       (*failed)(ngx_http_task_redis_call_t *call,
                                         ngx_int_t rc);
} ngx_http_task_redis_kind_t;


struct ngx_http_task_redis_call_s {
    ngx_queue_t                  queue;       /* of those sent, or not yet */
    const ngx_http_task_redis_kind_t  *kind;
    ngx_http_task_redis_t       *redis;
    int64_t                      deadline;    /* ns; 0: as long as it takes */
    int64_t                      sent;        /* when, ns; 0: it is not */

    ngx_queue_t                  op;          /* has the caller's op, or has
                                                 none: it was dropped */
    ngx_uint_t                   called;      /* 1: there was one */
    u_char                       id[NGX_HTTP_TASK_JOB_ID];

    ngx_http_task_queue_t       *of;          /* claim, pass */
    ngx_http_task_redis_job_t   *job;         /* of this worker, or NULL */
    ngx_http_task_store_add_t   *add;
    ngx_http_task_store_end_t   *end;
    ngx_str_t                    text;        /* by malloc(): of an event, .. */
    uint64_t                     number;      /* .. and its number */
    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];  /* bury */
};


/* a connection */

struct ngx_http_task_redis_link_s {
    ngx_http_task_redis_t       *redis;
    const char                  *name;        /* for the log */
    redisAsyncContext           *context;     /* NULL: there is none */
    ngx_connection_t            *events;      /* its events; or NULL */
    ngx_uint_t                   ready;       /* 1: it was greeted */
    ngx_uint_t                   failures;    /* in a row */
    int64_t                      heard;       /* when it last said anything, or
                                                 was dialled, ns */
    int64_t                      down;        /* since when, ns; 0: it is not */
    ngx_event_t                  retry;

    /* it is connected, and may be used; it is gone */
    void                       (*greet)(ngx_http_task_redis_link_t *link);
    void                       (*gone)(ngx_http_task_redis_link_t *link);
};


/* a job of this worker; down to the mutex it is the loop's alone */

struct ngx_http_task_redis_job_s {
    ngx_queue_t                  queue;       /* redis->jobs */
    ngx_http_task_redis_t       *redis;
    u_char                       id[NGX_HTTP_TASK_JOB_ID];
    u_char                       hex[NGX_HTTP_TASK_REDIS_HEX];
    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];
    uint64_t                     attempt;
    void                        *data;        /* of bind() */
    ngx_uint_t                   gone;        /* 1: it is not ours any more */
    ngx_uint_t                   asked;       /* 1: to be cancelled */
    ngx_uint_t                   ended;       /* 1: end() was called */
    ngx_uint_t                   busy;        /* 1: returned() is to follow */
    ngx_uint_t                   over;        /* 1: no more is asked of it */
    ngx_uint_t                   refs;        /* calls */
    ngx_uint_t                   telling;     /* 1: a call is under way */
    uint64_t                     events;      /* that were said */
    size_t                       unsaid;      /* bytes of events */
    ngx_uint_t                   dropped;     /* 1: an event was, logged */
    int64_t                      told;        /* when last, ns */
    ngx_event_t                  later;
    ngx_http_task_redis_slot_t  *slot;        /* or NULL */
    ngx_http_task_bell_t         bell;

    pthread_mutex_t              mutex;
    int64_t                      begun;       /* ns; 0: not yet */
    ngx_uint_t                   begin;       /* 1: to be told */
    ngx_uint_t                   progress;    /* likewise */
    ngx_uint_t                   has_message;
    int64_t                      done;
    int64_t                      total;
    char                         message[NGX_HTTP_TASK_JOB_MESSAGE + 1];
};


/* what the thread that keeps the lease knows of this worker */

typedef struct {
    pthread_t                    thread;
    ngx_uint_t                   started;
    pthread_mutex_t              mutex;       /* of what follows */
    pthread_cond_t               cond;
    ngx_uint_t                   stop;
    int64_t                      heard;       /* ns */
    uint64_t                     session;
    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];
    u_char                       sha[40];
} ngx_http_task_redis_keep_t;


/* a queue, as this worker knows it */

typedef struct {
    ngx_http_task_queue_t       *queue;
    ngx_uint_t                   told;        /* 1: of a job in it */
    ngx_uint_t                   others;      /* who have room for one */
} ngx_http_task_redis_queue_t;


struct ngx_http_task_redis_s {
    ngx_http_task_store_t       *store;

    /* the configuration */

    ngx_addr_t                  *addrs;       /* NULL: a path */
    ngx_uint_t                   naddrs;
    ngx_str_t                    path;        /* a null is behind it */
    ngx_str_t                    host;        /* as it is called */
    ngx_str_t                    user;
    ngx_str_t                    password;
    ngx_uint_t                   db;
    ngx_uint_t                   tls;
    ngx_str_t                    prefix;
    ngx_msec_t                   ttl;
    ngx_msec_t                   lease;
    ngx_uint_t                   attempts;
    ngx_uint_t                   durable;

    /* shared by the workers of this machine */

    ngx_http_task_redis_node_t  *node;
    ngx_http_task_redis_place_t *place;       /* of this worker, or NULL */

    /* this worker */

    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];
    uint64_t                     session;
    u_char                       sha[NGX_HTTP_TASK_REDIS_SCRIPTS][40];

    ngx_http_task_redis_link_t   calls;
    ngx_http_task_redis_link_t   words;
    ngx_uint_t                   addr;        /* that is tried */
    ngx_str_t                    said;        /* the last complaint: its first
                                                 word, not logged again */
    u_char                       said_buf[32];
    int64_t                      away;        /* since when, ns; 0: it is not */

    ngx_queue_t                  waiting;     /* calls that are not sent */
    ngx_queue_t                  sent;        /* those that were */
    ngx_queue_t                  again;       /* those of a lost connection */
    ngx_event_t                  check;       /* looks at their time */
    int64_t                      exiting;     /* since when, ns */
    ngx_uint_t                   ends;        /* 1: the worker ends */

    ngx_queue_t                  jobs;
    ngx_array_t                  queues;      /* ngx_http_task_redis_queue_t */
    ngx_event_t                  tick;
    ngx_uint_t                   ticking;     /* 1: a call is under way */
    int64_t                      ticked;      /* when it was answered last */

    ngx_rbtree_t                 watched;
    ngx_rbtree_node_t            sentinel;
    ngx_queue_t                  watches;     /* the same, in a row */
    ngx_event_t                  look;

    ngx_http_task_redis_keep_t   keep;

    ngx_uint_t                   counts[NGX_HTTP_TASK_JOB_STATES];
    uint64_t                     refused;
};


/* --- ngx_http_task_redis_conf.c ------------------------------------------ */

char *ngx_http_task_redis_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_http_task_redis_url.c: NGX_ERROR: it is logged */

ngx_int_t ngx_http_task_redis_url(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *url);
ngx_int_t ngx_http_task_redis_password(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, ngx_str_t *file);


/* --- ngx_http_task_redis_store.c: the engine as a store ------------------- */

extern const ngx_http_task_store_type_t  ngx_http_task_redis_store;


/* --- ngx_http_task_redis_link.c: a connection ----------------------------- */

/* connects, now or a while later; gone() is called when that fails */

void ngx_http_task_redis_dial(ngx_http_task_redis_link_t *link);

/* it is given up; it is dialled again, but for a worker that ends */

void ngx_http_task_redis_hang_up(ngx_http_task_redis_link_t *link,
    const char *why);

/*
 * ngx_http_task_redis_complain.c: logs what is wrong with the engine, once for
 * each first word of what it says; well() forgets that
 */

void ngx_http_task_redis_complain(ngx_http_task_redis_t *redis,
    const char *text);
void ngx_http_task_redis_well(ngx_http_task_redis_t *redis);

/* returns 1 if it means that the engine cannot do anything now */

ngx_uint_t ngx_http_task_redis_is_away(const char *text);


/* --- ngx_http_task_redis_greet.c: what is said at first ------------------- */

void ngx_http_task_redis_greet(ngx_http_task_redis_link_t *link);

/* sends who we are, and if there is a password, that; NGX_ERROR: no memory */

ngx_int_t ngx_http_task_redis_greet_auth(ngx_http_task_redis_link_t *link,
    redisCallbackFn *fn);

/* makes a name for this worker, which it has not had before */

void ngx_http_task_redis_name(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_scripts.c ---------------------------------------- */

extern const char *const  ngx_http_task_redis_scripts[];
extern const char *const  ngx_http_task_redis_common;


/* --- ngx_http_task_redis_words.c: the words of a command ------------------ */

/* there is one command at a time: begins it with the name of a script */

ngx_http_task_redis_words_t *ngx_http_task_redis_words(
    ngx_http_task_redis_t *redis, ngx_http_task_redis_script_e script);

void ngx_http_task_redis_word(ngx_http_task_redis_words_t *words,
    const void *data, size_t len);
void ngx_http_task_redis_number(ngx_http_task_redis_words_t *words,
    int64_t number);

/* writes an id as text; reads it, or returns NGX_ERROR */

void ngx_http_task_redis_hex(u_char *hex, u_char *id);
ngx_int_t ngx_http_task_redis_unhex(u_char *id, const char *text, size_t len);

/* an element of an answer: a number, or text; if it is none, 0 and no text */

int64_t ngx_http_task_redis_to_number(redisReply *reply, size_t i);
ngx_str_t ngx_http_task_redis_to_text(redisReply *reply, size_t i);

/* returns 1 if the first element is this word */

ngx_uint_t ngx_http_task_redis_is(redisReply *reply, const char *word);


/* --- ngx_http_task_redis_call.c ------------------------------------------- */

/*
 * Makes a call, with an op of the caller's, or NULL.  NULL: no memory.  Who gets
 * one sets the rest, and begins it; patience is in milliseconds, 0: as long as
 * it takes.
 */

ngx_http_task_redis_call_t *ngx_http_task_redis_call(
    ngx_http_task_redis_t *redis, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_call_begin(ngx_http_task_redis_call_t *call,
    ngx_msec_t patience);

/* returns the op, or NULL if it was dropped */

ngx_http_task_store_op_t *ngx_http_task_redis_call_op(
    ngx_http_task_redis_call_t *call);

/* answers the op, if it is still there */

void ngx_http_task_redis_call_answer(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);

/* the connection is ready: sends what waits; it is gone */

void ngx_http_task_redis_call_flush(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_call_gone(ngx_http_task_redis_t *redis);

/* looks at the time of all calls */

void ngx_http_task_redis_call_check(ngx_event_t *ev);

/* the worker ends: frees all calls, and answers none */

void ngx_http_task_redis_call_end(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_job.c: the jobs of this worker ------------------- */

/* makes one that was claimed; NULL: no memory */

ngx_http_task_redis_job_t *ngx_http_task_redis_job(
    ngx_http_task_redis_t *redis, u_char *id, uint64_t attempt);

/* no more is asked of it: it is freed when no call has it */

void ngx_http_task_redis_job_over(ngx_http_task_redis_job_t *job);
void ngx_http_task_redis_job_unref(ngx_http_task_redis_job_t *job);

#define ngx_http_task_redis_job_of(key)                                       \
    ((ngx_http_task_redis_job_t *) (uintptr_t) (key))

/* adds who and which one to a command: worker, session, id, attempt */

void ngx_http_task_redis_job_words(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words);

/* takes that it has begun, and is so far, since it was told: see tell.lua */

void ngx_http_task_redis_job_begun(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words);

/* it is not ours any more: logs that */

void ngx_http_task_redis_job_gone(ngx_http_task_redis_job_t *job);

/* the engine says that this job is to be cancelled, or has gone */

void ngx_http_task_redis_job_asked(ngx_http_task_redis_t *redis,
    const char *hex, size_t len);
void ngx_http_task_redis_job_lost(ngx_http_task_redis_t *redis,
    const char *hex, size_t len);

/* calls of the store, see ngx_http_task_store.h */

void ngx_http_task_redis_bind(ngx_http_task_store_t *store, uint64_t key,
    void *data);
void ngx_http_task_redis_begin(ngx_http_task_store_t *store, uint64_t key);
void ngx_http_task_redis_progress(ngx_http_task_store_t *store, uint64_t key,
    int64_t done, int64_t total, const char *message);

/* ngx_http_task_redis_end.c */

void ngx_http_task_redis_event(ngx_http_task_store_t *store, uint64_t key,
    ngx_str_t *text);
void ngx_http_task_redis_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_end_t *end);
void ngx_http_task_redis_returned(ngx_http_task_store_t *store, uint64_t key);
void ngx_http_task_redis_give_back(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);

/* gives back a job that nobody has; NULL: the engine finds out */

void ngx_http_task_redis_drop(ngx_http_task_redis_job_t *job);


/* --- ngx_http_task_redis_add.c: jobs in, and to workers ------------------- */

void ngx_http_task_redis_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);
void ngx_http_task_redis_claim(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_queue_t *queue);
void ngx_http_task_redis_pass(ngx_http_task_store_t *store,
    ngx_http_task_queue_t *queue);

ngx_http_task_redis_queue_t *ngx_http_task_redis_queue(
    ngx_http_task_redis_t *redis, ngx_http_task_queue_t *queue);

/* there may be a job in this queue, or, with NULL, in any */

void ngx_http_task_redis_ready(ngx_http_task_redis_t *redis,
    const ngx_str_t *name);


/* --- ngx_http_task_redis_read.c: what is known of a job ------------------- */

void ngx_http_task_redis_read(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_peek(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);


/* --- ngx_http_task_redis_watch.c: who watches jobs ------------------------ */

ngx_int_t ngx_http_task_redis_watch_init(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_watch(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);

/* a job was told to have this version; or, with 0, to be gone */

void ngx_http_task_redis_watch_told(ngx_http_task_redis_t *redis, u_char *id,
    uint64_t version, ngx_uint_t ended);

/* drops those that nobody watches any more */

void ngx_http_task_redis_watch_tidy(ngx_http_task_redis_t *redis);

/* subscribes again to all; the connection is gone */

void ngx_http_task_redis_watch_again(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_watch_lost(ngx_http_task_redis_t *redis);

/* ngx_http_task_redis_listen.c: the connection that tells of jobs */

void ngx_http_task_redis_listen(ngx_http_task_redis_link_t *link);
void ngx_http_task_redis_subscribe(ngx_http_task_redis_t *redis, u_char *hex);
void ngx_http_task_redis_unsubscribe(ngx_http_task_redis_t *redis,
    u_char *hex);


/* --- ngx_http_task_redis_tick.c: once a second ---------------------------- */

ngx_int_t ngx_http_task_redis_tick_init(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_tick(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_node.c: the workers of this machine -------------- */

/* a zone of shared memory for them */

ngx_int_t ngx_http_task_redis_node(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, void *tag);

/* takes a place; there may be none */

void ngx_http_task_redis_node_enter(ngx_http_task_redis_t *redis);

/* the worker has another name now; it goes */

void ngx_http_task_redis_node_rename(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_node_leave(ngx_http_task_redis_t *redis);

/* calls fn for each place that is taken, with 1 if its worker lives */

void ngx_http_task_redis_node_each(ngx_http_task_redis_t *redis,
    void (*fn)(void *data, u_char *owner, ngx_uint_t alive), void *data);

/* a worker was buried: its place is free */

void ngx_http_task_redis_node_free(ngx_http_task_redis_t *redis,
    u_char *owner);

/*
 * A job of this worker, which may be told to have begun, by any thread; the
 * workers that find this one dead know by it which jobs have not.
 */

ngx_http_task_redis_slot_t *ngx_http_task_redis_slot_get(
    ngx_http_task_redis_t *redis, u_char *hex);
void ngx_http_task_redis_slot_begin(ngx_http_task_redis_slot_t *slot);
void ngx_http_task_redis_slot_free(ngx_http_task_redis_slot_t *slot);

/* adds the ids of the jobs of a dead worker that have not begun */

void ngx_http_task_redis_node_idle(ngx_http_task_redis_t *redis,
    u_char *owner, ngx_http_task_redis_words_t *words);


/* --- ngx_http_task_redis_bury.c: workers that are gone -------------------- */

void ngx_http_task_redis_bury_dead(ngx_http_task_redis_t *redis);

/* this worker goes: says so */

void ngx_http_task_redis_leave(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_block.c: blocks briefly; any thread; or NULL ------ */

redisContext *ngx_http_task_redis_block(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_keep.c: keeps the lease of a blocked loop -------- */

void ngx_http_task_redis_keep(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_keep_end(ngx_http_task_redis_t *redis);

/* the engine has answered a tick */

void ngx_http_task_redis_keep_heard(ngx_http_task_redis_t *redis);


#endif /* _NGX_HTTP_TASK_REDIS_H_INCLUDED_ */
