
/*
 * Functions that stream, for the tests: in both forms, to an end of any kind,
 * and wrongly.
 */


#include <ngx_task.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* it is what some of these do wrong */

#pragma GCC diagnostic ignored "-Wunused-result"


#define LINE   16
#define PIECE  (1024 * 1024)


enum { OK, FAIL, RESULT, STATUS, FOREVER };


typedef struct {
    int64_t      size;
    int64_t      piece;
    int64_t      pause;
    int64_t      before;
    int          end;
    int64_t      status;
    const char  *type;
    const char  *name;
    const char  *header;
    const char  *data;
    const char  *id;
    int64_t      n;
} args_t;


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_AS(args_t, size, NGX_TASK_SIZE, .def = "64"),
    NGX_TASK_PARAM_AS(args_t, piece, NGX_TASK_SIZE, .def = "16", .min = "1",
                      .max = "1m"),
    NGX_TASK_PARAM_AS(args_t, pause, NGX_TASK_TIME, .def = "0ms"),
    NGX_TASK_PARAM_AS(args_t, before, NGX_TASK_TIME, .def = "0ms"),
    NGX_TASK_PARAM_AS(args_t, end, NGX_TASK_ENUM, .def = "ok",
                      .choices = "ok|fail|result|status|forever"),
    NGX_TASK_PARAM_AS(args_t, status, NGX_TASK_INT, .def = "0"),
    NGX_TASK_PARAM(args_t, type, .def = ""),
    NGX_TASK_PARAM(args_t, name, .def = "X-Test"),
    NGX_TASK_PARAM(args_t, header, .def = ""),
    NGX_TASK_PARAM(args_t, data, .def = "tick"),
    NGX_TASK_PARAM(args_t, id, .def = ""),
    NGX_TASK_PARAM_AS(args_t, n, NGX_TASK_INT, .def = "3")
};


/* of this worker; the event loop and the threads both count */

static int64_t  begun, deferred, cancelled;


static void
add(int64_t *n)
{
    __atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}


static void
count(void *data)
{
    add(data);
}


/* what was streamed can be checked by its place: lines of 15 digits */

static void
fill(char *p, int64_t at, int64_t len)
{
    int64_t  i;
    char     line[LINE + 1];

    for (i = 0; i < len; i++) {
        if (i == 0 || (at + i) % LINE == 0) {
            snprintf(line, sizeof(line), "%015lld\n",
                     (long long) ((at + i) / LINE % 1000000000));
        }

        p[i] = line[(at + i) % LINE];
    }
}


static void
begin(ngx_task_t *t, const args_t *args)
{
    add(&begun);
    ngx_task_defer(t, count, &deferred);

    if (args->status) {
        ngx_task_set_status(t, args->status);
    }

    if (*args->type) {
        ngx_task_set_content_type(t, args->type);
    }

    if (*args->header) {
        ngx_task_set_header(t, args->name, args->header);
    }
}


static ngx_task_rc_t
end(ngx_task_t *t, const args_t *args)
{
    switch (args->end) {

    case FAIL:
        return ngx_task_fail(t, 502, "no more");

    case RESULT:
        ngx_task_set_int(t, "n", 1);
        break;

    case STATUS:
        ngx_task_set_status(t, 404);
        break;
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
gone(ngx_task_rc_t rc)
{
    if (rc == NGX_TASK_CANCELLED) {
        add(&cancelled);
    }

    return rc;
}


static ngx_task_rc_t
pour(ngx_task_t *t)
{
    char          *piece;
    int64_t        at, n;
    ngx_task_rc_t  rc;
    const args_t  *args;

    args = ngx_task_args(t);

    begin(t, args);

    piece = malloc(PIECE);
    ngx_task_defer(t, free, piece);

    if (args->before) {
        rc = ngx_task_block_ms(t, args->before);

        if (rc != NGX_TASK_OK) {
            return gone(rc);
        }
    }

    for (at = 0; at < args->size || args->end == FOREVER; at += n) {

        n = args->end == FOREVER || args->size - at > args->piece
            ? args->piece : args->size - at;

        fill(piece, at, n);

        rc = ngx_task_send(t, piece, n);

        if (rc == NGX_TASK_OK && args->pause) {
            rc = ngx_task_block_ms(t, args->pause);
        }

        if (rc != NGX_TASK_OK) {
            return gone(rc);
        }
    }

    return end(t, args);
}


/* the same bytes again and again, for what is measured */

static char *
piece_of(ngx_task_t *t, const args_t *args)
{
    char  *piece;

    piece = malloc(args->piece);

    if (piece == NULL) {
        return NULL;
    }

    ngx_task_defer(t, free, piece);

    return memset(piece, 'x', args->piece);
}


static ngx_task_rc_t
flood(ngx_task_t *t)
{
    char          *piece;
    int64_t        at;
    ngx_task_rc_t  rc;
    const args_t  *args;

    args = ngx_task_args(t);
    piece = piece_of(t, args);

    for (at = 0; at < args->size; at += args->piece) {
        rc = ngx_task_send(t, piece, args->piece);

        if (rc != NGX_TASK_OK) {
            return rc;
        }
    }

    return NGX_TASK_OK;
}


typedef struct {
    char     *piece;
    int64_t   at;
} flood_state_t;


static ngx_task_rc_t
flood_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    const args_t   *args = ngx_task_args(t);
    flood_state_t  *s = f->state;

    NGX_TASK_BEGIN(f);

    s->piece = piece_of(t, args);

    for ( ; s->at < args->size; s->at += args->piece) {
        NGX_TASK_AWAIT(f, ngx_task_write(f, s->piece, args->piece));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }
    }

    NGX_TASK_END(f);
}


typedef struct {
    int64_t  at;
    int64_t  n;
    char     piece[PIECE];
} pour_state_t;


static ngx_task_rc_t
pour_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    const args_t  *args = ngx_task_args(t);
    pour_state_t  *s = f->state;

    NGX_TASK_BEGIN(f);

    begin(t, args);

    if (args->before) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->before));
    }

    for ( ; s->at < args->size || args->end == FOREVER; s->at += s->n) {

        s->n = args->end == FOREVER || args->size - s->at > args->piece
               ? args->piece : args->size - s->at;

        fill(s->piece, s->at, s->n);

        NGX_TASK_AWAIT(f, ngx_task_write(f, s->piece, s->n));

        if (f->rc == NGX_TASK_OK && args->pause) {
            NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->pause));
        }

        if (f->rc != NGX_TASK_OK) {
            return gone(f->rc);
        }
    }

    return end(t, args);

    NGX_TASK_END(f);
}


/* the parts of data, which '|' separates, each in a call of its own; none may
   be empty but the first, which is given as NULL then */

static ngx_task_rc_t
parts(ngx_task_t *t)
{
    size_t         len;
    int64_t        i;
    const char    *p;
    ngx_task_rc_t  rc;
    const args_t  *args;

    args = ngx_task_args(t);

    begin(t, args);

    for (i = 0; i < args->n; i++) {

        for (p = args->data; *p; p += len + (p[len] == '|')) {
            len = strcspn(p, "|");

            rc = ngx_task_send(t, len ? p : NULL, len);

            if (rc == NGX_TASK_OK && args->pause) {
                rc = ngx_task_block_ms(t, args->pause);
            }

            if (rc != NGX_TASK_OK) {
                return gone(rc);
            }
        }
    }

    return end(t, args);
}


typedef struct {
    int64_t      i;
    size_t       len;
    const char  *p;
} parts_state_t;


static ngx_task_rc_t
parts_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    const args_t   *args = ngx_task_args(t);
    parts_state_t  *s = f->state;

    NGX_TASK_BEGIN(f);

    begin(t, args);

    for ( ; s->i < args->n; s->i++) {

        for (s->p = args->data; *s->p; s->p += s->len + (s->p[s->len] == '|')) {
            s->len = strcspn(s->p, "|");

            NGX_TASK_AWAIT(f, ngx_task_write(f, s->len ? s->p : NULL, s->len));

            if (f->rc == NGX_TASK_OK && args->pause) {
                NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->pause));
            }

            if (f->rc != NGX_TASK_OK) {
                return gone(f->rc);
            }
        }
    }

    return end(t, args);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
events(ngx_task_t *t)
{
    int64_t        i;
    ngx_task_rc_t  rc;
    const args_t  *args;

    args = ngx_task_args(t);

    begin(t, args);

    for (i = 0; i < args->n; i++) {
        rc = ngx_task_send_event(t, "tick", *args->id ? args->id : NULL,
                                 args->data);

        if (rc == NGX_TASK_OK && args->pause) {
            rc = ngx_task_block_ms(t, args->pause);
        }

        if (rc != NGX_TASK_OK) {
            return gone(rc);
        }
    }

    return end(t, args);
}


static ngx_task_rc_t
events_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    int64_t       *i = f->state;
    const args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    begin(t, args);

    for ( ; *i < args->n; ++*i) {
        NGX_TASK_AWAIT(f, ngx_task_write_event(f, "tick",
                                               *args->id ? args->id : NULL,
                                               args->data));

        if (f->rc == NGX_TASK_OK && args->pause) {
            NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->pause));
        }

        if (f->rc != NGX_TASK_OK) {
            return gone(f->rc);
        }
    }

    return end(t, args);

    NGX_TASK_END(f);
}


static cJSON *
row(int64_t i)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "i", i);
    cJSON_AddStringToObject(json, "s", "a\nb");

    return json;
}


static ngx_task_rc_t
lines(ngx_task_t *t)
{
    int64_t        i;
    ngx_task_rc_t  rc;
    const args_t  *args;

    args = ngx_task_args(t);

    for (i = 0; i < args->n; i++) {
        rc = ngx_task_send_line(t, row(i));

        if (rc != NGX_TASK_OK) {
            return rc;
        }
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
lines_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    int64_t       *i = f->state;
    const args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    for ( ; *i < args->n; ++*i) {
        NGX_TASK_AWAIT(f, ngx_task_write_line(f, row(*i)));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }
    }

    NGX_TASK_END(f);
}


/* sends in a piece that an async function has offloaded, and between */

static ngx_task_rc_t
send_piece(ngx_task_t *t, void *data)
{
    return ngx_task_send(t, data, strlen(data));
}


static ngx_task_rc_t
mixed(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) t;

    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_write(f, "one ", 4));
    NGX_TASK_AWAIT(f, ngx_task_offload(f, "two", send_piece,
                                       (void *) "two "));
    NGX_TASK_AWAIT(f, ngx_task_write(f, "three", 5));

    NGX_TASK_END(f);
}


/* what must not be done */

static void
send_late(void *data)
{
    ngx_task_send(data, "late", 4);
}


static ngx_task_rc_t
wrong(ngx_task_t *t)
{
    const args_t  *args = ngx_task_args(t);
    const char    *how = args->data;

    if (strcmp(how, "null") == 0) {
        ngx_task_send(t, NULL, 4);

    } else if (strcmp(how, "deferred") == 0) {
        ngx_task_defer(t, send_late, t);

    } else if (strcmp(how, "after") == 0) {
        ngx_task_set_int(t, "n", 1);
        ngx_task_send(t, "x", 1);

    } else if (strcmp(how, "other") == 0) {
        ngx_task_send(t, "x", 1);
        ngx_task_send_event(t, NULL, NULL, "x");

    } else if (strcmp(how, "id") == 0) {
        ngx_task_send_event(t, NULL, "a\nb", "x");

    } else if (strcmp(how, "empty") == 0) {
        ngx_task_set_status(t, 204);
        ngx_task_send(t, "x", 1);

    } else if (strcmp(how, "ok") == 0) {
        ngx_task_send(t, "x", 1);
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
wrong_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    ngx_task_send(t, "x", 1);

    NGX_TASK_END(f);
}


/* in bytes what the process has taken from malloc(), and not given back */

static ngx_task_rc_t
seen(ngx_task_t *t)
{
    struct mallinfo2  info;

    info = mallinfo2();

    ngx_task_set_int(t, "memory", (int64_t) (info.uordblks + info.hblkhd));
    ngx_task_set_int(t, "begun", __atomic_load_n(&begun, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "deferred",
                     __atomic_load_n(&deferred, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "cancelled",
                     __atomic_load_n(&cancelled, __ATOMIC_SEQ_CST));

    return NGX_TASK_OK;
}


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("pour", .block = pour, .async = pour_async,
                      .state_size = sizeof(pour_state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("flood", .block = flood, .async = flood_async,
                      .state_size = sizeof(flood_state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("parts", .block = parts, .async = parts_async,
                      .state_size = sizeof(parts_state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("events", .block = events, .async = events_async,
                      .state_size = sizeof(int64_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("lines", .block = lines, .async = lines_async,
                      .state_size = sizeof(int64_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("mixed", .async = mixed),
    NGX_TASK_FUNCTION("wrong", .block = wrong, .async = wrong_async,
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("seen", .block = seen)
};

NGX_TASK_LIBRARY("stream", functions, NULL, NULL);
