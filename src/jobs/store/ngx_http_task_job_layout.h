
/*
 * What lies in the shared zone of a "task_job_zone".  Its pointers lead only
 * into the zone itself, and its layout has a version.
 */


#ifndef _NGX_HTTP_TASK_JOB_LAYOUT_H_INCLUDED_
#define _NGX_HTTP_TASK_JOB_LAYOUT_H_INCLUDED_


#include "jobs/store/ngx_http_task_store.h"


#define NGX_HTTP_TASK_JOB_OWNERS   256     /* workers that have jobs */
#define NGX_HTTP_TASK_JOB_ASKED    64      /* cancels that are taken at once */
#define NGX_HTTP_TASK_JOB_BLOCK    256
#define NGX_HTTP_TASK_JOB_DELAYS   10      /* between two attempts */

#define NGX_HTTP_TASK_JOB_NONE     ((uint32_t) -1)

/* bits of block->job; a block has the last only while a zone is rebuilt */

#define NGX_HTTP_TASK_JOB_EVENTS   0x80000000
#define NGX_HTTP_TASK_JOB_INPUT    0x20000000
#define NGX_HTTP_TASK_JOB_REACHED  0x40000000


/*
 * Keeps the compiler from moving a write across it: the process may be killed
 * in between.
 */

#define ngx_http_task_job_order()  __atomic_signal_fence(__ATOMIC_SEQ_CST)


/* how long after a peek() somebody still waits for a job, milliseconds */

#define NGX_HTTP_TASK_JOB_WANTED  100


/* record->cancel: a client asks for it; the owner has seen that; else 0 */

#define NGX_HTTP_TASK_JOB_CANCEL_ASKED  1
#define NGX_HTTP_TASK_JOB_CANCEL_TAKEN  2


/* a list of records, by their places in the table; all lists are derived */

typedef struct {
    uint32_t                   oldest;
    uint32_t                   newest;
} ngx_http_task_job_list_t;


/*
 * The events of a job, the newest ones: they stand in a chain of blocks, each
 * behind its length, as an uint32_t.
 */

typedef struct {
    uint64_t                   number;       /* of the newest one, from 1 */
    uint32_t                   count;
    uint32_t                   length;       /* bytes */
    uint32_t                   first;        /* block */
    uint32_t                   skip;         /* bytes of it, before the oldest
                                                one */
    uint32_t                   last;         /* block */
    uint32_t                   unused;
} ngx_http_task_job_events_t;


/* how far a job is, as its function tells it */

typedef struct {
    int64_t                    done;
    int64_t                    total;
    uint64_t                   message[NGX_HTTP_TASK_JOB_MESSAGE
                                       / sizeof(uint64_t)];
} ngx_http_task_job_progress_t;


/*
 * The record of a job.  It exists as soon as its state says so, and the state
 * is written last: a process may be killed between any two writes.  If it held
 * the mutex, the next process that takes this rebuilds the members marked
 * "derived".
 *
 * A record is in one list: as long as it has no owner, in its queue's, or in
 * one of those that wait for their next attempt; as long as a thread or the
 * loop of its worker may write to it, in its owner's; then in one of its
 * share's.
 *
 * The threads of its owner read and write members marked with [both] without
 * the mutex, by atomic loads and stores.
 */

typedef struct {
    uint32_t                   state;        /* [both] */

    uint32_t                   next;         /* derived: in bucket, or free */
    uint32_t                   older;        /* derived: in its list */
    uint32_t                   newer;        /* derived: in its list */
    uint32_t                   asked;        /* derived: the next record that
                                                its owner is to cancel */

    uint32_t                   owner;        /* the place in owners, .. */
    uint64_t                   incarnation;  /* .. while its worker has this;
                                                owner NONE: it waits */
    u_char                     id[NGX_HTTP_TASK_JOB_ID];
    uint32_t                   share;        /* the place in shares */
    uint32_t                   queue;        /* the place in queues */
    uint32_t                   cancel;       /* see above */

    uint32_t                   input;        /* the first block of it */
    uint32_t                   input_length;
    uint32_t                   keyed;        /* 1: it has a key */
    uint32_t                   next_key;     /* derived: in bucket of keys */
    u_char                     key[NGX_HTTP_TASK_JOB_DIGEST];
    u_char                     print[NGX_HTTP_TASK_JOB_DIGEST];

    uint32_t                   input_last;   /* block */
    uint32_t                   taking;       /* 1: its worker still writes its
                                                input: it is not accepted yet */

    uint32_t                   attempts;     /* so often it may begin */
    uint32_t                   attempt;      /* its worker's, from 1; of one
                                                that waits: as lost */
    uint32_t                   lost;         /* attempts that came to nothing */
    uint32_t                   before;       /* attempts before a client had it
                                                queued again */
    int64_t                    again;        /* it waits until then, ms of the
                                                monotonic clock; 0: it waits in
                                                its queue.  With an owner: it
                                                is being taken from him */
    uint32_t                   kept;         /* derived: 1: it has ended, its
                                                input is in sh->kept */
    uint32_t                   kept_older;   /* derived */
    uint32_t                   kept_newer;   /* derived */
    uint32_t                   filed;        /* 1: the state file has its input;
                                                who writes that sets it */

    int64_t                    created;      /* milliseconds since the epoch */
    int64_t                    started;      /* [both]; 0: not yet */
    int64_t                    ended;
    int64_t                    accepted;     /* or queued again: ms of the
                                                monotonic clock */
    int64_t                    order;        /* of acceptance */
    int64_t                    turn;         /* in its queue: order, or, of one
                                                that was queued again, later */
    int64_t                    since;        /* kept from then on: ms of the
                                                monotonic clock; of one that has
                                                not ended: turn, or again */
    int64_t                    wanted;       /* somebody waits until then: ms
                                                of the same clock */

    uint32_t                   status;       /* HTTP's; 0: there is none */
    uint32_t                   busy;         /* 1: ended, a thread has it */
    uint32_t                   forgotten;    /* 1: no client finds it */
    uint32_t                   block;        /* the first of the result */
    uint32_t                   length;       /* of the result, bytes, with .. */
    uint32_t                   type;         /* .. its type in front of it,
                                                which is so long; 0: JSON */
    uint32_t                   which;        /* of events counts, 0 or 1 */
    uint32_t                   told;         /* 1: a client may know its id: the
                                                state file had it then */
    ngx_http_task_job_events_t  events[2];

    uint32_t                   reading;      /* [both] 1: progress is read */
    uint32_t                   version;      /* [both]: of the progress */
    uint32_t                   asked_before; /* derived: the record whose
                                                "asked" this one is, or none */

    /* the lowest bit of version tells which one counts; [both] */

    ngx_http_task_job_progress_t  progress[2];
} ngx_http_task_record_t;


typedef struct {
    uint32_t                   next;         /* in its chain, or free */
    uint32_t                   job;          /* holds its result, if that
                                                job has ended; or, with a bit,
                                                its events or its input, if
                                                their chain leads here; NONE:
                                                free */
    u_char                     data[NGX_HTTP_TASK_JOB_BLOCK
                                    - 2 * sizeof(uint32_t)];
} ngx_http_task_job_block_t;


/* a worker that may have jobs; it holds "alive" for life, see _owner.c */

typedef struct {
    pthread_mutex_t            alive;
    uint64_t                   incarnation;  /* 0: nobody */
    uint64_t                   running;      /* [both]: jobs that run */
    uint64_t                   jobs;         /* derived: not ended */
    ngx_http_task_job_list_t   list;         /* of these, and busy ones */
    uint32_t                   asked;        /* derived: the first record
                                                that it is to cancel */
    uint32_t                   worker;       /* its number, to wake it */
    uint32_t                   quits;        /* 1: it will claim no more */
    uint32_t                   unused;
} ngx_http_task_job_owner_t;


/* the jobs of a queue that wait, and the workers that wait for some */

typedef struct {
    uint64_t                   hash;         /* of its name; 0: unused */
    u_char                     name[NGX_HTTP_TASK_JOB_QUEUE];
    uint32_t                   length;       /* of the name */
    uint32_t                   waiting;      /* derived, [both] */
    uint64_t                   jobs;         /* derived: in any state */
    ngx_http_task_job_list_t   list;         /* the oldest comes first */
    int64_t                    told;         /* when a worker was told, ms of
                                                the monotonic clock */

    /* bits for each owner: it has room, and found no job; it was told of one
       then, and has not come yet.  Which of them are set is not sure, after a
       worker was killed: timers look, too */

    uint64_t                   hungry[NGX_HTTP_TASK_JOB_OWNERS / 64];
    uint64_t                   coming[NGX_HTTP_TASK_JOB_OWNERS / 64];
} ngx_http_task_job_waiting_t;


/* the jobs of a location with "max"; the first share is for all others */

typedef struct {
    uint64_t                   key;          /* of the location; 0: none, as
                                                in the first share */
    uint64_t                   jobs;         /* derived: in any state */
    ngx_http_task_job_list_t   ended[2];     /* without blocks, with some */
} ngx_http_task_job_share_t;


/*
 * Who writes the state file of a zone, and how far it is.  A pass writes all
 * that was marked before it began; the passes have numbers, from 1.
 */

typedef struct {
    pthread_mutex_t            writer;       /* robust: held by the thread that
                                                has the file open */
    uint64_t                   begun;        /* [both] the last pass, .. */
    uint64_t                   done;         /* .. the last one that is kept,
                                                and the last that failed */
    uint64_t                   failed;

    int                        ring;         /* [both] a futex: 1: somebody
                                                waits for a pass */
    uint32_t                   loaded;       /* [both] 1: what the file had is
                                                in the zone */
    uint32_t                   loading;      /* [both] 1: it is put there, and
                                                nobody claims a job */
    uint32_t                   putting;      /* [both] 1: a record is in no
                                                list, as a job is written to it
                                                piece by piece; a rebuild ends
                                                that */
    uint32_t                   refuses;      /* [both] 1: the file cannot be
                                                opened, no job is added */
    uint32_t                   fsync;        /* [both] of the newest
                                                configuration */
    uint32_t                   owner;        /* random: in the header of each
                                                file that this zone makes */
    uint32_t                   others;       /* [both] so often the file was
                                                seen to be another zone's */
    uint32_t                   marks;        /* 1: who wrote before was killed,
                                                with the marks it had taken */

    /* who wrote the file has left it in order, with all on the disk: so */

    uint32_t                   left;         /* 1, set last: it was so, .. */
    uint32_t                   left_seed;    /* .. this file, .. */
    off_t                      left_size;    /* .. of so many bytes, .. */
    off_t                      left_copied;  /* .. of these all were live */

    /* the file that was put into the zone last, and how long it was then; 0:
       none was */

    uint32_t                   put_seed;
    off_t                      put_size;

    /* bits for each number of a worker: it waits for a pass */

    uint64_t                   waits[NGX_HTTP_TASK_WAKES / 64];

    uint64_t                   size;         /* [both] bytes of it, .. */
    uint64_t                   records;      /* .. records appended, .. */
    uint64_t                   syncs;        /* .. and how often synced */
} ngx_http_task_state_sh_t;


typedef struct {
    uint64_t                   layout;
    pthread_mutex_t            mutex;        /* robust; for all but [both] */
    uint64_t                   incarnations;
    int64_t                    order;        /* of acceptance: the last one */

    uint32_t                   njobs;
    uint32_t                   nblocks;
    uint32_t                   used_jobs;    /* [both]; were ever used: .. */
    uint32_t                   used_blocks;  /* .. the rest is untouched */

    uint32_t                   told;         /* the owner, of a job to claim */
    uint32_t                   unused;

    uint64_t                   dropped;      /* ended, before their time */
    uint64_t                   refused;      /* zone or share had no room */
    uint64_t                   retried;      /* were queued again */

    /* derived */

    uint64_t                   states[NGX_HTTP_TASK_JOB_STATES];  /* ended */
    uint32_t                   free_job;
    uint32_t                   free_block;
    uint32_t                   free_blocks;  /* length of that list */
    uint32_t                   kept_blocks;  /* of the inputs in this one: */
    ngx_http_task_job_list_t   kept;         /* ended jobs with their inputs,
                                                as they ended; in any order when
                                                it was rebuilt */

    /* jobs that wait for their next attempt, by how long they do, those whose
       time comes first in front */

    ngx_http_task_job_list_t   again[NGX_HTTP_TASK_JOB_DELAYS];
    uint64_t                   nagain;       /* [both]: how many they are */
    int64_t                    due;          /* [both]: none of them is due
                                                before; 0: there is none */

    uint32_t                  *buckets;      /* njobs of them, by ids .. */
    uint32_t                  *keys;         /* .. and by keys */
    uint64_t                  *dirty;        /* [both] a bit for each record:
                                                the state file lacks a change;
                                                NULL: there is no file */
    ngx_http_task_record_t       *jobs;
    ngx_http_task_job_block_t *blocks;

    ngx_http_task_state_sh_t   state;

    ngx_http_task_job_share_t  shares[NGX_HTTP_TASK_JOB_SHARES];
    ngx_http_task_job_waiting_t  queues[NGX_HTTP_TASK_JOB_QUEUES];
    ngx_http_task_job_owner_t  owners[NGX_HTTP_TASK_JOB_OWNERS];
} ngx_http_task_job_sh_t;


#endif /* _NGX_HTTP_TASK_JOB_LAYOUT_H_INCLUDED_ */
