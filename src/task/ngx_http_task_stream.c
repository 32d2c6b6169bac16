
/*
 * The part of a stream that runs with its function: it puts bytes into the
 * ring, and waits for room there.
 */


#include "task/ngx_http_task_stream.h"


/*
 * What the ring is smaller than task_stream_buffer.  With the head and the end
 * of its chunk 64 KB are just more than TCP sends at a time: each would have a
 * packet of a few bytes behind it, which takes a third of the time.
 */

#define NGX_HTTP_TASK_STREAM_FRAME  256

/*
 * Nanoseconds: a wait that is likely to be as short is not slept through.  From
 * one processor to another it takes longer to wake a thread than to send what
 * it has put.
 */

#define NGX_HTTP_TASK_STREAM_SHORT  100000


static ngx_task_rc_t ngx_http_task_stream_create(ngx_task_t *t,
    const char *type);
static const char *ngx_http_task_stream_wrong(ngx_task_t *t);
static ngx_task_rc_t ngx_http_task_stream_send_all(ngx_task_t *t,
    const u_char **data, size_t *len, ngx_uint_t whole);
static ngx_task_rc_t ngx_http_task_stream_wait(ngx_task_t *t,
    ngx_http_task_stream_t *s);
static void ngx_http_task_stream_look(ngx_task_t *t,
    ngx_http_task_stream_t *s, int64_t since);
static ngx_task_rc_t ngx_http_task_stream_sleep(ngx_task_t *t,
    ngx_http_task_stream_t *s, int64_t since);


ngx_task_rc_t
ngx_http_task_stream_begin(ngx_task_t *t, const char *type)
{
    if (ngx_http_task_guarded()->beside) {
        ngx_http_task_log_misuse(t, "streams in a piece that runs beside "
                                    "others, in a gather");
        return NGX_TASK_FAILED;
    }

    if (ngx_http_task_guarded_task() != t) {
        ngx_http_task_log_misuse(t, "streams outside of its own calls, as in a "
                                    "thread of its own");
        return NGX_TASK_FAILED;
    }

    if (t->result.made) {
        ngx_http_task_log_misuse(t, "streams in a deferred call");
        return NGX_TASK_FAILED;
    }

    if (ngx_http_task_misused(t) || ngx_http_task_lacked_memory(t)) {
        return NGX_TASK_FAILED;
    }

    if (ngx_task_cancelled(t)) {
        return NGX_TASK_CANCELLED;
    }

    return t->stream ? NGX_TASK_OK : ngx_http_task_stream_create(t, type);
}


static ngx_task_rc_t
ngx_http_task_stream_create(ngx_task_t *t, const char *type)
{
    const char              *wrong;
    ngx_http_task_stream_t  *s;

    static const char  events[] = NGX_HTTP_TASK_STREAM_EVENTS;

    wrong = ngx_http_task_stream_wrong(t);

    if (wrong) {
        ngx_http_task_log_misuse(t, wrong);
        return NGX_TASK_FAILED;
    }

    s = ngx_pcalloc(t->pool, sizeof(ngx_http_task_stream_t));

    if (s && !t->bodiless) {
        s->size = t->conf->stream_buffer - NGX_HTTP_TASK_STREAM_FRAME;
        s->data = ngx_palloc(t->pool, s->size);
    }

    if (s == NULL || (s->data == NULL && !t->bodiless)) {
        ngx_http_task_no_memory(t);
        return NGX_TASK_FAILED;
    }

    if (t->result.type.len == 0) {
        t->result.type.data = (u_char *) type;
        t->result.type.len = ngx_strlen(type);
    }

    s->task = t;
    s->room = 1;
    s->events = (t->result.type.len >= sizeof(events) - 1
                 && ngx_strncasecmp(t->result.type.data, (u_char *) events,
                                    sizeof(events) - 1)
                    == 0);

    s->bell.handler = t->client->told;

    /* nothing of the result is set any more: the loop may read it */

    __atomic_store_n(&t->stream, s, __ATOMIC_SEQ_CST);

    ngx_http_task_bell_ring(&s->bell);

    if (t->bodiless) {
        ngx_http_task_atomic_set(&t->cancelled, 1);
        return NGX_TASK_CANCELLED;
    }

    return NGX_TASK_OK;
}


static const char *
ngx_http_task_stream_wrong(ngx_task_t *t)
{
    ngx_http_task_result_t  *result;

    result = &t->result;

    if (result->members || result->json || result->bytes) {
        return "streams after it has set a result";
    }

    if (result->status == NGX_HTTP_NO_CONTENT
        || result->status == NGX_HTTP_TASK_RESET_CONTENT
        || result->status == NGX_HTTP_NOT_MODIFIED)
    {
        return "streams with a status that has no body";
    }

    return NULL;
}


size_t
ngx_http_task_stream_room(ngx_http_task_stream_t *s)
{
    return s->size - (size_t) (s->in - ngx_http_task_atomic_get(&s->out));
}


size_t
ngx_http_task_stream_put(ngx_http_task_stream_t *s, const u_char *data,
    size_t len, ngx_uint_t whole)
{
    size_t  n, at, first;

    /* data may be NULL then */

    if (len == 0) {
        return 0;
    }

    n = ngx_http_task_stream_room(s);

    /*
     * If all was sent, the ring is used from its start: a stream of a few bytes
     * now and then touches no more of it.
     */

    if (n == s->size) {
        __atomic_store_n(&s->origin, s->in, __ATOMIC_RELAXED);
    }

    /* the loop sends one half while the other is filled */

    n = ngx_min(n, ngx_min(len, s->size / 2));
    at = (s->in - s->origin) % s->size;
    first = ngx_min(n, s->size - at);

    ngx_memcpy(s->data + at, data, first);
    ngx_memcpy(s->data, data + first, n - first);

    ngx_http_task_atomic_set(&s->in, s->in + n);

    if (whole && n == len) {
        ngx_http_task_atomic_set(&s->whole, s->in);
    }

    return n;
}


/* from a thread; an async function awaits the same, see run/await/ */

ngx_task_rc_t
ngx_http_task_stream_send(ngx_task_t *t, const u_char *data, size_t len,
    ngx_uint_t whole)
{
    ngx_task_rc_t          rc;
    ngx_http_task_rest_t  *rest;

    rest = &t->stream->rest;

    if (rest->text) {
        rc = ngx_http_task_stream_send_all(t, &rest->data, &rest->len,
                                           rest->whole);

        if (rc != NGX_TASK_OK) {
            return rc;
        }

        cJSON_free(rest->text);
        rest->text = NULL;
    }

    return ngx_http_task_stream_send_all(t, &data, &len, whole);
}


static ngx_task_rc_t
ngx_http_task_stream_send_all(ngx_task_t *t, const u_char **data, size_t *len,
    ngx_uint_t whole)
{
    size_t                   n;
    ngx_task_rc_t            rc;
    ngx_http_task_stream_t  *s;

    s = t->stream;

    while (*len) {
        n = ngx_http_task_stream_put(s, *data, *len, whole);

        if (n) {
            ngx_http_task_bell_ring(&s->bell);

            *data += n;
            *len -= n;

            continue;
        }

        rc = ngx_http_task_stream_wait(t, s);

        if (rc != NGX_TASK_OK) {
            return rc;
        }
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
ngx_http_task_stream_wait(ngx_task_t *t, ngx_http_task_stream_t *s)
{
    int64_t        since, waited;
    ngx_task_rc_t  rc;

    since = ngx_http_task_now();

    ngx_http_task_atomic_set(&s->since, since);

    /* where both have one processor, the loop needs it to make room */

    if (s->last_wait < NGX_HTTP_TASK_STREAM_SHORT
        && ngx_http_task_atomic_get(&s->cpu) != sched_getcpu())
    {
        ngx_http_task_stream_look(t, s, since);
    }

    rc = ngx_http_task_stream_sleep(t, s, since);

    waited = ngx_http_task_now() - since;
    s->last_wait = waited;

    ngx_http_task_atomic_set(&s->since, 0);
    ngx_http_task_atomic_set(&s->waited, s->waited + waited);

    return rc;
}


/* until there is room, or the wait is no short one */

static void
ngx_http_task_stream_look(ngx_task_t *t, ngx_http_task_stream_t *s,
    int64_t since)
{
    ngx_uint_t  i;

    while (ngx_http_task_now() - since < NGX_HTTP_TASK_STREAM_SHORT / 2) {

        if (ngx_http_task_stream_room(s) >= s->size / 2
            || ngx_task_cancelled(t))
        {
            return;
        }

        for (i = 0; i < 16; i++) {
            ngx_cpu_pause();
        }
    }
}


void
ngx_http_task_stream_unwait(ngx_http_task_stream_t *s)
{
    s->resume = NULL;
    s->waited = ngx_http_task_stream_waited(s);
    s->since = 0;
}


/* a wait that ends meanwhile must not be counted twice */

int64_t
ngx_http_task_stream_waited(ngx_http_task_stream_t *s)
{
    int64_t  since, waited;

    do {
        since = ngx_http_task_atomic_get(&s->since);
        waited = ngx_http_task_atomic_get(&s->waited);
    } while (since != ngx_http_task_atomic_get(&s->since));

    return since ? waited + ngx_http_task_now() - since : waited;
}


/*
 * Whoever makes room, or cancels the task, does so first, and then looks at
 * s->room; here it is the other way round.  So one of both sees the other.
 */

static ngx_task_rc_t
ngx_http_task_stream_sleep(ngx_task_t *t, ngx_http_task_stream_t *s,
    int64_t since)
{
    ngx_task_rc_t  rc;

    for ( ;; ) {
        (void) __atomic_exchange_n(&s->room, 0, __ATOMIC_SEQ_CST);

        __atomic_thread_fence(__ATOMIC_SEQ_CST);

        if (ngx_task_cancelled(t)) {
            rc = NGX_TASK_CANCELLED;
            break;
        }

        if (ngx_http_task_stream_room(s)) {
            rc = NGX_TASK_OK;
            break;
        }

        (void) ngx_http_task_futex_wait(&s->room, since
                                           + NGX_HTTP_TASK_MAX_MS * 1000000);
    }

    ngx_http_task_atomic_set(&s->room, 1);

    return rc;
}


void
ngx_http_task_stream_wake(ngx_task_t *t)
{
    ngx_http_task_stream_t  *s;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    s = ngx_http_task_atomic_get(&t->stream);

    if (s && __atomic_load_n(&s->room, __ATOMIC_SEQ_CST) == 0) {
        ngx_http_task_futex_wake(&s->room);
    }
}


ngx_task_rc_t
ngx_http_task_stream_here(ngx_task_t *t)
{
    if (!ngx_http_task_loop_is_here()) {
        return NGX_TASK_OK;
    }

    ngx_http_task_log_misuse(t, t->conf->mode.executor->stalls
                                ? "streams in task_mode \"sync\", in which "
                                  "nothing can be sent"
                                : "sends on the event loop: await "
                                  "ngx_task_write() there");
    return NGX_TASK_FAILED;
}


ngx_task_rc_t
ngx_task_send(ngx_task_t *t, const void *data, size_t len)
{
    ngx_task_rc_t  rc;

    rc = ngx_http_task_stream_here(t);

    if (rc == NGX_TASK_OK && data == NULL && len) {
        ngx_http_task_log_misuse(t, "sends bytes that are NULL");
        return NGX_TASK_FAILED;
    }

    if (rc == NGX_TASK_OK) {
        rc = ngx_http_task_stream_begin(t, NGX_HTTP_TASK_STREAM_BYTES);
    }

    if (rc != NGX_TASK_OK) {
        return rc;
    }

    return ngx_http_task_stream_send(t, data, len,
                                     ngx_http_task_stream_ends_event(t->stream,
                                                                data, len));
}


/* of what a function writes itself only an empty line shows it */

ngx_uint_t
ngx_http_task_stream_ends_event(ngx_http_task_stream_t *s, const u_char *data,
    size_t len)
{
    size_t   n;
    u_char  *last;

    /* data may be NULL then */

    if (len == 0) {
        return 0;
    }

    last = s->last;
    n = ngx_min(len, 4);

    ngx_memmove(last, last + n, 4 - n);
    ngx_memcpy(last + 4 - n, data + len - n, n);

    return (last[2] == LF && last[3] == LF) || (last[2] == CR && last[3] == CR)
           || ngx_memcmp(last, "\r\n\r\n", 4) == 0;
}
