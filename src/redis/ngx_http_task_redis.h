
/*
 * Jobs in a Redis or a Valkey, the engine: a store whose calls are scripts, see
 * src/redis/common.lua.  Each worker has two connections in its event loop, one
 * for calls, and one by which it is told of jobs; with "durable" a third one,
 * which waits for the engine's disk.
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

/* so many different complaints are known */

#define NGX_HTTP_TASK_REDIS_SAID  8

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
    NGX_HTTP_TASK_REDIS_RETRY,
    NGX_HTTP_TASK_REDIS_LIST,
    NGX_HTTP_TASK_REDIS_ENTER,
    NGX_HTTP_TASK_REDIS_BURY,
    NGX_HTTP_TASK_REDIS_TICK_SCRIPT,
    NGX_HTTP_TASK_REDIS_DURABLE,
    NGX_HTTP_TASK_REDIS_WITHDRAW,
    NGX_HTTP_TASK_REDIS_RETURNED,

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

    /* adds the arguments of the script; NGX_DECLINED: there is nothing to do */
    ngx_int_t                  (*words)(ngx_http_task_redis_call_t *call,
                                        ngx_http_task_redis_words_t *words);

    /* an answer, whose first element is a word; the call is freed behind it */
    void                       (*reply)(ngx_http_task_redis_call_t *call,
                                        redisReply *reply);

    /* there is none, and the call is freed behind it: rc is NGX_BUSY if the
       engine has no memory left, NGX_DECLINED if it is away, or NGX_ERROR */
    void                       (*failed)(ngx_http_task_redis_call_t *call,
                                         ngx_int_t rc);

    /* the call is freed now; or NULL */
    void                       (*release)(ngx_http_task_redis_call_t *call);
} ngx_http_task_redis_kind_t;


struct ngx_http_task_redis_call_s {
    ngx_queue_t                  queue;       /* of those sent, or not yet */
    const ngx_http_task_redis_kind_t  *kind;
    ngx_http_task_redis_t       *redis;
    int64_t                      deadline;    /* ns; 0: as long as it takes */
    int64_t                      sent;        /* when, ns; 0: it is not */
    int64_t                      upto;        /* its last byte, of all that are
                                                 sent on its connection */
    int64_t                      later;       /* it is sent again then, ns */

    ngx_uint_t                   inside;      /* 1: it is a part of its job */

    ngx_queue_t                  op;          /* has the caller's op, or has
                                                 none: it was dropped */
    ngx_uint_t                   called;      /* 1: there was one */
    u_char                       id[NGX_HTTP_TASK_JOB_ID];

    ngx_http_task_queue_t       *of;          /* claim, pass */
    ngx_http_task_redis_job_t   *job;         /* of this worker, or NULL */
    ngx_http_task_store_add_t   *add;
    ngx_http_task_store_end_t   *end;
    ngx_http_task_store_list_t  *list;
    ngx_str_t                    text;        /* by malloc(): of an event, .. */
    uint64_t                     number;      /* .. and its number; or that of
                                                 what may claim a job */
    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];  /* bury */

    /* add: it is held behind its answer until the job is on the disk, and then
       this is called; NULL: it is freed behind its answer */

    void                       (*held)(ngx_http_task_redis_call_t *call,
                                       ngx_int_t rc);
    ngx_uint_t                   keyed;       /* 1: the job has a key, .. */
    ngx_uint_t                   known;       /* .. by which it was there */
};


/* what was logged of the engine */

typedef struct {
    uint32_t                     hash;
    int64_t                      time;        /* when it was wrong last, ns */
} ngx_http_task_redis_said_t;


/* a connection */

struct ngx_http_task_redis_link_s {
    ngx_http_task_redis_t       *redis;
    const char                  *name;        /* for the log */
    redisAsyncContext           *context;     /* NULL: there is none */
    ngx_connection_t            *events;      /* its events; or NULL */
    ngx_uint_t                   ready;       /* 1: it was greeted */
    ngx_uint_t                   failures;    /* in a row */
    ngx_uint_t                   addr;        /* that is tried */
    int64_t                      heard;       /* when it last said anything, or
                                                 was dialled, ns */
    int64_t                      written;     /* bytes, since it is connected */
    int64_t                      arrived;     /* those that the other side has,
                                                 when last looked at */
    int64_t                      down;        /* since when, ns; 0: it is not */
    ngx_event_t                  retry;
    ngx_event_t                  hello;       /* posted when it is connected */

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
    ngx_uint_t                   busy;        /* 1: returned() is to follow, */
    ngx_uint_t                   told_busy;   /* .. and the engine knows */
    ngx_uint_t                   over;        /* 1: no more is asked of it */
    ngx_uint_t                   left;        /* 1: it was not given back: the
                                                 next connection tells; 2: it
                                                 was told */
    ngx_uint_t                   refs;        /* calls */
    ngx_uint_t                   telling;     /* 1: a call is under way */
    uint64_t                     events;      /* that were said */
    size_t                       unsaid;      /* bytes of events under way */
    ngx_queue_t                  held;        /* calls: events that wait, .. */
    size_t                       holds;       /* .. and their bytes */
    ngx_uint_t                   dropped;     /* 1: an event was, logged */
    int64_t                      told;        /* when last, ns */
    ngx_event_t                  later;
    ngx_http_task_redis_slot_t  *slot;        /* or NULL */
    ngx_http_task_redis_call_t   last;        /* tells how it ends, .. */
    ngx_http_task_redis_call_t   back;        /* .. and that its thread is back:
                                                 no memory is needed */
    ngx_http_task_bell_t         bell;

    pthread_mutex_t              mutex;
    int64_t                      begun;       /* ns; 0: not yet */
    ngx_uint_t                   begin;       /* 1: to be told */
    ngx_uint_t                   progress;    /* likewise */
    ngx_uint_t                   has_message;
    ngx_uint_t                   had_progress; /* 1: told, or to be told */
    ngx_uint_t                   had_message;
    int64_t                      done;
    int64_t                      total;
    char                         message[NGX_HTTP_TASK_JOB_MESSAGE + 1];
};


/* what the thread that keeps the lease knows of this worker */

typedef struct {
    int64_t                      time;        /* ns; 0: never */
    ngx_uint_t                   addr;        /* of the connection for calls */
    uint64_t                     session;
    u_char                       owner[NGX_HTTP_TASK_REDIS_OWNER];
    u_char                       sha[40];
} ngx_http_task_redis_heard_t;


typedef struct {
    pthread_t                    thread;
    ngx_uint_t                   started;
    pthread_mutex_t              mutex;       /* of what follows */
    pthread_cond_t               cond;
    ngx_uint_t                   stop;
    ngx_http_task_redis_heard_t  heard;
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
    void                        *tls_ctx;     /* SSL_CTX, if there is TLS */
    ngx_str_t                    name;        /* of the host, in certificates */
    ngx_str_t                    prefix;
    ngx_msec_t                   ttl;
    ngx_msec_t                   lease;
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
    ngx_http_task_redis_link_t   barrier;     /* with "durable" */
    ngx_http_task_redis_said_t   said[NGX_HTTP_TASK_REDIS_SAID];
    ngx_uint_t                   nsaid;       /* since it was well */
    ngx_uint_t                   evicts;      /* 1: logged that it may */
    int64_t                      away;        /* since when, ns; 0: it is not */

    /* the first connection is ready, and what was lost; the second one is; and
       a job that somebody watches has this version, or, with 0, is gone */
    void                       (*entered)(ngx_http_task_redis_t *redis,
                                          redisReply *lost);
    void                       (*listens)(ngx_http_task_redis_t *redis);
    void                       (*changed)(ngx_http_task_redis_t *redis,
                                          u_char *id, uint64_t version,
                                          ngx_uint_t ended);

    ngx_queue_t                  waiting;     /* calls that are not sent */
    ngx_queue_t                  sent;        /* those that were */
    ngx_queue_t                  again;       /* those of a lost connection */
    ngx_queue_t                  refused;     /* those that are sent again a
                                                 while later */
    ngx_event_t                  check;       /* looks at their time */

    ngx_queue_t                  holds;       /* adds whose jobs may not be on
                                                 the disk, .. */
    ngx_queue_t                  barred;      /* .. and those that are waited
                                                 for */
    int64_t                      barring;     /* since when, ns; 0: for none */
    ngx_uint_t                   unable;      /* 1: the engine cannot, .. */
    ngx_uint_t                   slow;        /* .. did not in time; logged */
    ngx_event_t                  gather;      /* sends for all of one turn */
    ngx_event_t                  expire;

    int64_t                      exiting;     /* since when, ns */
    ngx_uint_t                   ends;        /* 1: the worker ends */

    ngx_queue_t                  jobs;
    uint64_t                     claims;      /* that were sent, .. */
    uint64_t                     claimed;     /* .. and the last of them that
                                                 gave a job, as was answered */
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
    ngx_msec_t                   oldest;      /* see the counts of a store */
};


#endif /* _NGX_HTTP_TASK_REDIS_H_INCLUDED_ */
