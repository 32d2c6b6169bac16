
/*
 * What the files of the store have for each other, from the top to the ground.
 */


#ifndef _NGX_HTTP_TASK_REDIS_PARTS_H_INCLUDED_
#define _NGX_HTTP_TASK_REDIS_PARTS_H_INCLUDED_


#include "redis/ngx_http_task_redis.h"


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
 * What takes long to be sent is not stuck as long as some of it arrives: looks
 * at that, and, up to a byte of the connection, takes it for a sign of life.
 */

void ngx_http_task_redis_arrives(ngx_http_task_redis_link_t *link, int64_t end);

/* the number of the last byte that is to be sent, as of now */

int64_t ngx_http_task_redis_written(ngx_http_task_redis_link_t *link);

/*
 * ngx_http_task_redis_complain.c: logs what is wrong with the engine when that
 * begins; well() forgets it
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


/*
 * ngx_http_task_redis_tls.c: reads the certificates that are trusted, those of
 * the system if the file is empty; and encrypts a new connection
 */

ngx_int_t ngx_http_task_redis_tls(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *file);
ngx_int_t ngx_http_task_redis_tls_begin(ngx_http_task_redis_t *redis,
    redisContext *c);


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
 * Makes a call, with an op of the caller's, or NULL.  NULL: no memory.  Who
 * gets one sets the rest, and begins it; patience is in milliseconds, 0: as
 * long as it takes.
 */

ngx_http_task_redis_call_t *ngx_http_task_redis_call(
    ngx_http_task_redis_t *redis, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_call_init(ngx_http_task_redis_call_t *call,
    ngx_http_task_redis_t *redis, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_call_begin(ngx_http_task_redis_call_t *call,
    ngx_msec_t patience);

/* returns 1 if anybody waits for one of these calls */

ngx_uint_t ngx_http_task_redis_call_awaited(ngx_queue_t *calls);

/* returns the op, or NULL if it was dropped */

ngx_http_task_store_op_t *ngx_http_task_redis_call_op(
    ngx_http_task_redis_call_t *call);

/* answers the op, if it is still there */

void ngx_http_task_redis_call_answer(ngx_http_task_redis_call_t *call,
    ngx_int_t rc);

/* the connection is ready: sends what waits; it is another one, and first comes
   what was sent on the one before, and not answered */

void ngx_http_task_redis_call_flush(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_call_gone(ngx_http_task_redis_t *redis);

/* frees one that was held */

void ngx_http_task_redis_call_free(ngx_http_task_redis_call_t *call);

/* looks at the time of all calls */

void ngx_http_task_redis_call_check(ngx_event_t *ev);

/* the worker ends: frees all calls, and answers none */

void ngx_http_task_redis_call_end(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_later.c: calls that the engine has refused ------- */

/* it is sent again a while later; those whose time has come wait again */

void ngx_http_task_redis_later(ngx_http_task_redis_call_t *call);
void ngx_http_task_redis_later_look(ngx_http_task_redis_t *redis, int64_t now);


/* --- ngx_http_task_redis_job.c: the jobs of this worker ------------------- */

/* makes one that this call has claimed; NULL: no memory */

ngx_http_task_redis_job_t *ngx_http_task_redis_job(
    ngx_http_task_redis_call_t *call, uint64_t attempt);

/* no more is asked of it: it is freed when no call has it */

void ngx_http_task_redis_job_over(ngx_http_task_redis_job_t *job);

/* begins a call about the job, as long as it takes; and releases it */

void ngx_http_task_redis_job_call(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_call_t *call);
void ngx_http_task_redis_job_release(ngx_http_task_redis_call_t *call);

#define ngx_http_task_redis_job_of(key)                                       \
    ((ngx_http_task_redis_job_t *) (uintptr_t) (key))

/* adds who and which one to a command: worker, session, id, attempt */

void ngx_http_task_redis_job_words(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words);

/* takes that it has begun, and is so far, since it was told: see tell.lua */

void ngx_http_task_redis_job_so_far(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words);
void ngx_http_task_redis_job_untold(ngx_http_task_redis_job_t *job);
void ngx_http_task_redis_job_begun(ngx_http_task_redis_job_t *job,
    ngx_http_task_redis_words_t *words);

/* it is not ours any more: logs that */

void ngx_http_task_redis_job_gone(ngx_http_task_redis_job_t *job);

/* the engine says that this job is to be cancelled, or has gone */

void ngx_http_task_redis_job_asked(ngx_http_task_redis_t *redis,
    const char *hex, size_t len);
void ngx_http_task_redis_job_lost(ngx_http_task_redis_t *redis,
    const char *hex, size_t len);

/*
 * ngx_http_task_redis_jobs.c: adds all of them to a command, see enter.lua; it
 * was answered; or this worker is taken for dead, and none is its any more
 */

void ngx_http_task_redis_jobs_words(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_words_t *words);
void ngx_http_task_redis_jobs_told(ngx_http_task_redis_t *redis,
    redisReply *lost);
void ngx_http_task_redis_jobs_gone(ngx_http_task_redis_t *redis);

/* calls of the store, see ngx_http_task_store.h */

void ngx_http_task_redis_bind(ngx_http_task_store_t *store, uint64_t key,
    void *data);
void ngx_http_task_redis_begin(ngx_http_task_store_t *store, uint64_t key);
void ngx_http_task_redis_progress(ngx_http_task_store_t *store, uint64_t key,
    int64_t done, int64_t total, const char *message);

/* ngx_http_task_redis_event.c: one event; and all that are held are sent */

void ngx_http_task_redis_event(ngx_http_task_store_t *store, uint64_t key,
    ngx_str_t *text);
void ngx_http_task_redis_event_all(ngx_http_task_redis_job_t *job);

/* ngx_http_task_redis_end.c */

void ngx_http_task_redis_end(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_end_t *end);
void ngx_http_task_redis_returned(ngx_http_task_store_t *store, uint64_t key);
void ngx_http_task_redis_give_back(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);

/* gives back a job that nobody has; takes it back, as if it had not come */

void ngx_http_task_redis_drop(ngx_http_task_redis_job_t *job);
void ngx_http_task_redis_retract(ngx_http_task_redis_job_t *job);


/* --- ngx_http_task_redis_add.c: jobs in ----------------------------------- */

void ngx_http_task_redis_add(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_add_t *add);


/*
 * ngx_http_task_redis_withdraw.c: takes back the job of an add that is held,
 * which is not this worker's, and answers its op: NGX_OK if it has begun
 */

void ngx_http_task_redis_withdraw(ngx_http_task_redis_call_t *call);


/* --- ngx_http_task_redis_durable.c: adds that wait for the disk ----------- */

void ngx_http_task_redis_durable_init(ngx_http_task_redis_t *redis);

/* 0: there is no use in asking for that now */

ngx_uint_t ngx_http_task_redis_durable(ngx_http_task_redis_t *redis);

/* the engine takes calls again; it does not; the worker ends */

void ngx_http_task_redis_durable_entered(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_durable_gone(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_durable_end(ngx_http_task_redis_t *redis);

/*
 * ngx_http_task_redis_held.c: holds an add behind its answer: calls held() with
 * NGX_OK when the job is on the engine's disk, or with NGX_DECLINED, and frees
 * the call then
 */

void ngx_http_task_redis_held_init(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_hold(ngx_http_task_redis_call_t *call,
    void (*held)(ngx_http_task_redis_call_t *call, ngx_int_t rc));

/* that is known, of all of a queue, or of one */

void ngx_http_task_redis_held_all(ngx_queue_t *calls, ngx_int_t rc);
void ngx_http_task_redis_held_done(ngx_queue_t *q, ngx_int_t rc);

/* those that were asked for are to be asked for again; the worker ends */

void ngx_http_task_redis_held_again(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_held_end(ngx_http_task_redis_t *redis);

/*
 * ngx_http_task_redis_barrier.c: what is said at first on that connection,
 * which then is ready
 */

void ngx_http_task_redis_barrier(ngx_http_task_redis_link_t *link);


/* --- ngx_http_task_redis_claim.c: jobs to workers ------------------------- */

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

ngx_http_task_job_state_e ngx_http_task_redis_state(ngx_str_t text);


void ngx_http_task_redis_read(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_cancel(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_forget(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_peek(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);
void ngx_http_task_redis_retry(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);

/* begins a call about a job, or, with a list, for that; or answers the op */

void ngx_http_task_redis_ask(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, const ngx_http_task_redis_kind_t *kind,
    ngx_http_task_store_list_t *list);

/* sets what is known of a job, by read.lua, or one in a list, by list.lua */

void ngx_http_task_redis_known(ngx_http_task_job_seen_t *seen,
    redisReply *reply);

/* the names of states, by their numbers */

extern const ngx_str_t  ngx_http_task_redis_states[];

/* ngx_http_task_redis_list.c */

void ngx_http_task_redis_list(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op, ngx_http_task_store_list_t *list);


/* --- ngx_http_task_redis_watch.c: who watches jobs ------------------------ */

ngx_int_t ngx_http_task_redis_watch_init(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_watch(ngx_http_task_store_t *store,
    ngx_http_task_store_op_t *op);

/* drops those that nobody watches any more */

void ngx_http_task_redis_watch_tidy(ngx_http_task_redis_t *redis);

/* subscribes again to all; looks at all of them */

void ngx_http_task_redis_watch_again(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_watch_peek(ngx_http_task_redis_t *redis);

/* ngx_http_task_redis_listen.c: the connection that tells of jobs */

void ngx_http_task_redis_listen(ngx_http_task_redis_link_t *link);
void ngx_http_task_redis_subscribe(ngx_http_task_redis_t *redis, u_char *hex);
void ngx_http_task_redis_unsubscribe(ngx_http_task_redis_t *redis,
    u_char *hex);

/* looks how a job is that somebody watches, if there is a connection */

void ngx_http_task_redis_listen_peek(ngx_http_task_redis_t *redis, u_char *id);


/* --- ngx_http_task_redis_tick.c: once a second ---------------------------- */

ngx_int_t ngx_http_task_redis_tick_init(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_tick(ngx_http_task_redis_t *redis);


/* --- ngx_http_task_redis_node.c: the workers of this machine -------------- */

/* a zone of shared memory for them */

ngx_int_t ngx_http_task_redis_node(ngx_conf_t *cf,
    ngx_http_task_redis_t *redis, void *tag);

/* numbers of all workers: a job was not taken; so many were tried again */

void ngx_http_task_redis_node_refused(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_node_retried(ngx_http_task_redis_t *redis,
    uint64_t n);
void ngx_http_task_redis_node_counts(ngx_http_task_redis_t *redis,
    ngx_http_task_job_counts_t *counts);

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


/* --- ngx_http_task_redis_block.c ------------------------------------------ */

/* a connection to the nth address that blocks briefly; any thread; or NULL */

redisContext *ngx_http_task_redis_block(ngx_http_task_redis_t *redis,
    ngx_uint_t n);


/* --- ngx_http_task_redis_keep.c: keeps the lease of a blocked loop -------- */

void ngx_http_task_redis_keep(ngx_http_task_redis_t *redis);
void ngx_http_task_redis_keep_end(ngx_http_task_redis_t *redis);

/* the engine has answered a tick, or who this worker is */

void ngx_http_task_redis_keep_heard(ngx_http_task_redis_t *redis);


#endif /* _NGX_HTTP_TASK_REDIS_PARTS_H_INCLUDED_ */
