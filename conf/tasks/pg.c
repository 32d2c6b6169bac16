
/*
 * A statement of PostgreSQL from an async function, by the asynchronous calls
 * of libpq (package libpq-dev): a hundred at once take no thread.
 *
 *     nginx-task run pg.c -I/usr/include/postgresql -lpq
 *
 * In nginx.conf, with the server's address, as libpq would block to look up its
 * name; "$$" is a "$":
 *
 *     task_set pg.url "host=127.0.0.1 user=me password=secret";
 *
 *     task        pg.query "statement=select * from notes where author = $$1";
 *     task_param  author type=string;
 *
 * Who leaves in the middle of a statement closes its connection: the server,
 * since version 14, then ends the statement.  (PQcancel() blocks.)
 */


#include <ngx_task.h>

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>


#define MAX_PLACES      100
#define MAX_VALUES      16
#define MAX_STATEMENTS  64


/* the server looks for the end of a connection each 100 milliseconds */

static const char  greeting[] =
    "set client_connection_check_interval = 100;"
    " set client_encoding = 'UTF8'; set client_min_messages = error";

#define NOTICED  200


typedef struct {
    const char           *url;
    int64_t               connections;  /* of a worker */
    int64_t               patience;     /* until there is one */
} pg_settings_t;


typedef struct {
    const char           *statement;
} pg_args_t;


/* a worker has a number of places, each for one connection, if it is made */

typedef struct pg_place_s  pg_place_t;

struct pg_place_s {
    PGconn               *conn;
    uint64_t              prepared;  /* a bit each statement */
    ngx_task_timer_t     *timer;
    TAILQ_ENTRY(pg_place_s)  link;
};


/* the state of a function, from its beginning to its end */

typedef struct pg_s  pg_t;

struct pg_s {
    pg_place_t           *place;
    int                   waits;     /* for a place */
    TAILQ_ENTRY(pg_s)     link;
    ngx_task_promise_t    turn;
    int                   next;      /* what PQconnectPoll() waits for */
    int                   ready;     /* the connection is */
    PGresult             *result;
    uint64_t              bit;       /* of the statement; 0: it has none */
    char                  name[8];   /* by which it is prepared */
};


static struct {
    const pg_settings_t  *settings;
    pg_place_t            places[MAX_PLACES];
    TAILQ_HEAD(, pg_place_s)  free;
    TAILQ_HEAD(, pg_s)    waiting;   /* in the order in which they came */
    char                 *statements[MAX_STATEMENTS];
} pool;


/*
 * The next one has the place from here on, and not only from where it goes on:
 * if it is cancelled in between, it passes the place on, too.
 */

static void
pass_on(void *data)
{
    pg_t        *next;
    pg_place_t  *place = data;

    next = TAILQ_FIRST(&pool.waiting);

    if (next) {
        TAILQ_REMOVE(&pool.waiting, next, link);
        next->waits = 0;
        next->place = place;
        next->ready = (place->conn != NULL);
        (void) ngx_task_resolve(&next->turn, NGX_TASK_OK);

    } else if (place->conn) {
        TAILQ_INSERT_HEAD(&pool.free, place, link);

    } else {
        TAILQ_INSERT_TAIL(&pool.free, place, link);
    }
}


/*
 * Deferred: the function has ended, or was cancelled, wherever it was.  A place
 * is not passed on before the server knows that its connection is closed, or it
 * might have any number of them.
 */

static void
leave(void *data)
{
    int          idle, there;
    pg_t        *s = data;
    pg_place_t  *place = s->place;

    PQclear(s->result);

    if (s->waits) {
        TAILQ_REMOVE(&pool.waiting, s, link);
        (void) ngx_task_resolve(&s->turn, NGX_TASK_CANCELLED);
    }

    if (place == NULL) {
        return;
    }

    idle = (s->ready && PQtransactionStatus(place->conn) == PQTRANS_IDLE);
    there = (PQstatus(place->conn) == CONNECTION_OK);

    if (!idle) {
        PQfinish(place->conn);
        place->conn = NULL;
    }

    if (idle || !there
        || ngx_task_timer(&place->timer, NOTICED, pass_on, place)
           != NGX_TASK_OK)
    {
        pass_on(place);
    }
}


/* sends the rest of what was put, and keeps the last result that comes */

static ngx_task_rc_t
finish(ngx_task_t *t, ngx_task_frame_t *f)
{
    int        unsent;
    pg_t      *s = f->state;
    PGconn    *conn = s->place->conn;
    PGresult  *result;

    (void) t;

    NGX_TASK_BEGIN(f);

    PQclear(s->result);
    s->result = NULL;

    for ( ;; ) {
        unsent = PQflush(conn);

        if (unsent < 0) {
            return NGX_TASK_FAILED;
        }

        if (!unsent && !PQisBusy(conn)) {
            result = PQgetResult(conn);

            if (result == NULL) {
                return NGX_TASK_OK;
            }

            PQclear(s->result);
            s->result = result;
            continue;
        }

        NGX_TASK_AWAIT(f, ngx_task_wait_fd(f, PQsocket(conn),
                                           unsent ? NGX_TASK_READABLE
                                                    | NGX_TASK_WRITABLE
                                                  : NGX_TASK_READABLE, -1));

        if (f->rc != NGX_TASK_OK || !PQconsumeInput(conn)) {
            return NGX_TASK_FAILED;
        }
    }

    NGX_TASK_END(f);
}


/* each time the descriptor may be another one */

static ngx_task_rc_t
dial(ngx_task_t *t, ngx_task_frame_t *f)
{
    pg_t    *s = f->state;
    PGconn  *conn = s->place->conn;

    (void) t;

    NGX_TASK_BEGIN(f);

    PQfinish(conn);
    s->place->conn = conn = PQconnectStart(pool.settings->url);
    s->place->prepared = 0;
    s->next = PGRES_POLLING_WRITING;

    while (s->next != PGRES_POLLING_OK) {

        if (s->next == PGRES_POLLING_FAILED || PQsocket(conn) == -1) {
            return NGX_TASK_FAILED;
        }

        NGX_TASK_AWAIT(f, ngx_task_wait_fd(f, PQsocket(conn),
                                           s->next == PGRES_POLLING_READING
                                           ? NGX_TASK_READABLE
                                           : NGX_TASK_WRITABLE, -1));

        s->next = (f->rc == NGX_TASK_OK) ? PQconnectPoll(conn)
                                         : PGRES_POLLING_FAILED;
    }

    if (PQsetnonblocking(conn, 1) != 0 || !PQsendQuery(conn, greeting)) {
        return NGX_TASK_FAILED;
    }

    NGX_TASK_AWAIT(f, ngx_task_call(f, finish, s));

    s->ready = (PQresultStatus(s->result) == PGRES_COMMAND_OK);

    return s->ready ? NGX_TASK_OK : NGX_TASK_FAILED;

    NGX_TASK_END(f);
}


/* a connection that is idle says nothing, or else was closed by the server */

static int
is_silent(PGconn *conn)
{
    struct pollfd  pfd;

    pfd.fd = PQsocket(conn);
    pfd.events = POLLIN;

    return poll(&pfd, 1, 0) == 0;
}


static ngx_task_rc_t
enter(ngx_task_t *t, ngx_task_frame_t *f)
{
    pg_t  *s = f->state;

    (void) t;

    NGX_TASK_BEGIN(f);

    s->place = TAILQ_FIRST(&pool.free);

    if (s->place) {
        TAILQ_REMOVE(&pool.free, s->place, link);

    } else {

        if (ngx_task_promise(f, &s->turn, 0, NULL) != NGX_TASK_OK) {
            return NGX_TASK_FAILED;
        }

        TAILQ_INSERT_TAIL(&pool.waiting, s, link);
        s->waits = 1;

        NGX_TASK_AWAIT(f, ngx_task_wait(f, &s->turn));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }
    }

    s->ready = (s->place->conn && is_silent(s->place->conn));

    if (!s->ready) {
        NGX_TASK_AWAIT(f, ngx_task_call(f, dial, s));
        return f->rc;
    }

    NGX_TASK_END(f);
}


/* the first ones keep a name, by which each connection prepares them once */

static void
name_statement(pg_t *s, const char *text)
{
    int     i;
    char  **known = pool.statements;

    for (i = 0; i < MAX_STATEMENTS; i++) {

        if (known[i] == NULL) {
            known[i] = strdup(text);
        }

        if (known[i] && strcmp(known[i], text) == 0) {
            s->bit = (uint64_t) 1 << i;
            snprintf(s->name, sizeof(s->name), "s%d", i);
            return;
        }
    }
}


static int
send_text(pg_t *s, const char *statement)
{
    char  text[5000];

    snprintf(text, sizeof(text), "with r as (%s)"
             " select coalesce(jsonb_agg(r), '[]') from r", statement);

    return PQsendPrepare(s->place->conn, s->name, text, 0, NULL);
}


/* what a client sends is a value of the statement, and never a part of it */

static int
send_values(ngx_task_t *t, pg_t *s)
{
    int          n;
    const char  *values[MAX_VALUES];

    n = 0;

    while (n < MAX_VALUES && ngx_task_declared(t, n, &values[n])) {
        n++;
    }

    return PQsendQueryPrepared(s->place->conn, s->name, n, values, NULL, NULL,
                               0);
}


/* the log has why, the client has not */

static ngx_task_rc_t
failed(ngx_task_t *t, pg_t *s)
{
    PGconn      *conn = s->place ? s->place->conn : NULL;
    const char  *why = s->place ? PQerrorMessage(conn) : "no place is free";

    ngx_task_log(t, NGX_TASK_LOG_ERROR, "PostgreSQL: %.*s%s",
                 (int) strcspn(why, "\n"), why, *why ? "" : "no answer");

    return (PQresultErrorField(s->result, PG_DIAG_SQLSTATE)
            && PQstatus(conn) == CONNECTION_OK)
           ? ngx_task_fail(t, 500, "the database refuses the statement")
           : ngx_task_fail(t, 503, "the database is not available");
}


static ngx_task_rc_t
query(ngx_task_t *t, ngx_task_frame_t *f)
{
    char             *json;
    pg_t             *s = f->state;
    const pg_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    if (ngx_task_defer(t, leave, s) != NGX_TASK_OK) {
        return NGX_TASK_FAILED;
    }

    NGX_TASK_AWAIT(f, ngx_task_timeout(f, pool.settings->patience, enter, s));

    if (f->rc != NGX_TASK_OK) {
        return failed(t, s);
    }

    name_statement(s, args->statement);

    if (!(s->place->prepared & s->bit)) {

        if (!send_text(s, args->statement)) {
            return failed(t, s);
        }

        NGX_TASK_AWAIT(f, ngx_task_call(f, finish, s));

        if (PQresultStatus(s->result) != PGRES_COMMAND_OK) {
            return failed(t, s);
        }

        s->place->prepared |= s->bit;
    }

    if (!send_values(t, s)) {
        return failed(t, s);
    }

    NGX_TASK_AWAIT(f, ngx_task_call(f, finish, s));

    if (PQresultStatus(s->result) != PGRES_TUPLES_OK) {
        return failed(t, s);
    }

    json = strdup(PQgetvalue(s->result, 0, 0));

    if (json == NULL) {
        return ngx_task_fail(t, 503, "no memory");
    }

    ngx_task_set_bytes(t, "application/json", json, strlen(json), free);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    int64_t  i;

    pool.settings = ngx_task_settings(worker);

    TAILQ_INIT(&pool.free);
    TAILQ_INIT(&pool.waiting);

    for (i = 0; i < pool.settings->connections; i++) {
        TAILQ_INSERT_TAIL(&pool.free, &pool.places[i], link);
    }

    return NGX_TASK_OK;
}


static void
stop(void)
{
    int  i;

    for (i = 0; i < MAX_PLACES; i++) {
        PQfinish(pool.places[i].conn);
    }
}


static const ngx_task_param_t  settings[] = {
    NGX_TASK_PARAM(pg_settings_t, url, .flags = NGX_TASK_SECRET),
    NGX_TASK_PARAM(pg_settings_t, connections,
                   .def = "8", .min = "1", .max = "100"),
    NGX_TASK_PARAM_AS(pg_settings_t, patience, NGX_TASK_TIME,
                      .def = "5s", .min = "1ms")
};


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM(pg_args_t, statement,
                   .min = "1", .max = "1000", .flags = NGX_TASK_FIXED,
                   .summary = "$1 is the first declared parameter")
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("query", .summary = "the rows of a statement, as JSON",
                      .async = query, .state_size = sizeof(pg_t),
                      .flags = NGX_TASK_DECLARED,
                      .args = NGX_TASK_ARGS(pg_args_t, params))
};


NGX_TASK_LIBRARY_SET("pg", functions, pg_settings_t, settings, init, stop);
