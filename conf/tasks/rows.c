
/*
 * The rows of a query, as lines of JSON or as CSV, by SQLite (packages
 * libsqlite3-dev, and sqlite3 for the database): sent while they are read, so
 * that ten million of them take no more memory than ten.
 *
 *     nginx-task run rows.c -lsqlite3 -lcjson
 *
 * In nginx.conf, where the database is named, as no client may do it; a path
 * that does not begin with "/" is below the directory where nginx was started:
 *
 *     task rows database=build/tasks/rows.db;
 *
 * A slow client keeps a thread, and the database is locked for reading as long.
 */


#include <ngx_task.h>

#include <sqlite3.h>
#include <string.h>


#define PIECE  16384
#define STEPS  10000


enum { LINES, CSV };


typedef struct {
    const char     *database;
    int             format;
    double          min;
    int64_t         limit;
} rows_args_t;


/* small rows go out together */

typedef struct {
    ngx_task_t     *task;
    ngx_task_rc_t   rc;
    size_t          len;
    char            data[PIECE];
} csv_t;


/* what a client sends is bound to it, and never a part of it */

static const char  readings[] =
    "SELECT id, place, celsius, note FROM readings"
    " WHERE celsius >= ?1 ORDER BY id LIMIT ?2";


static void
flush(csv_t *csv)
{
    if (csv->rc == NGX_TASK_OK) {
        csv->rc = ngx_task_send(csv->task, csv->data, csv->len);
    }

    csv->len = 0;
}


static void
put(csv_t *csv, char c)
{
    if (csv->len == PIECE) {
        flush(csv);
    }

    csv->data[csv->len++] = c;
}


/* by RFC 4180; NULL is an empty field, and an empty text is "" */

static void
put_field(csv_t *csv, int column, const char *text)
{
    int  quoted;

    quoted = text && (*text == '\0' || strpbrk(text, ",\"\r\n"));

    if (column > 0) {
        put(csv, ',');
    }

    if (quoted) {
        put(csv, '"');
    }

    for ( /* void */ ; text && *text; text++) {
        if (*text == '"') {
            put(csv, '"');
        }

        put(csv, *text);
    }

    if (quoted) {
        put(csv, '"');
    }
}


static void
put_line_end(csv_t *csv)
{
    put(csv, '\r');
    put(csv, '\n');
}


/* the log has why, the client has not; a query may end as its client leaves */

static ngx_task_rc_t
broken(ngx_task_t *t, sqlite3 *db)
{
    const rows_args_t  *args;

    args = ngx_task_args(t);

    if (ngx_task_cancelled(t)) {
        return NGX_TASK_CANCELLED;
    }

    ngx_task_log(t, NGX_TASK_LOG_ERROR, "database \"%s\": %s", args->database,
                 sqlite3_errmsg(db));

    return ngx_task_fail(t, 500, "the database cannot be read");
}


static void
put_row(csv_t *csv, sqlite3_stmt *query)
{
    int          i, type;
    const char  *text;

    for (i = 0; i < sqlite3_column_count(query); i++) {
        type = sqlite3_column_type(query, i);
        text = (const char *) sqlite3_column_text(query, i);

        if (text == NULL && type != SQLITE_NULL) {
            csv->rc = ngx_task_fail(csv->task, 503, "no memory");
            return;
        }

        put_field(csv, i, text);
    }

    put_line_end(csv);
}


static ngx_task_rc_t
send_csv(ngx_task_t *t, sqlite3_stmt *query)
{
    int    i, rc;
    csv_t  csv;

    csv.task = t;
    csv.rc = NGX_TASK_OK;
    csv.len = 0;

    ngx_task_set_content_type(t, "text/csv; charset=utf-8");

    for (i = 0; i < sqlite3_column_count(query); i++) {
        put_field(&csv, i, sqlite3_column_name(query, i));
    }

    put_line_end(&csv);

    while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
        put_row(&csv, query);

        if (csv.rc != NGX_TASK_OK) {
            return csv.rc;
        }
    }

    if (rc != SQLITE_DONE) {
        return broken(t, sqlite3_db_handle(query));
    }

    flush(&csv);

    return csv.rc;
}


static cJSON *
value(sqlite3_stmt *query, int column)
{
    switch (sqlite3_column_type(query, column)) {

    case SQLITE_NULL:
        return cJSON_CreateNull();

    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        return cJSON_CreateNumber(sqlite3_column_double(query, column));
    }

    return cJSON_CreateString((const char *) sqlite3_column_text(query,
                                                                 column));
}


static ngx_task_rc_t
send_line(ngx_task_t *t, sqlite3_stmt *query)
{
    int     i;
    cJSON  *row, *item;

    row = cJSON_CreateObject();

    for (i = 0; i < sqlite3_column_count(query); i++) {
        item = value(query, i);

        if (!cJSON_AddItemToObject(row, sqlite3_column_name(query, i), item)) {
            cJSON_Delete(item);
            cJSON_Delete(row);
            return ngx_task_fail(t, 503, "no memory");
        }
    }

    return ngx_task_send_line(t, row);
}


static ngx_task_rc_t
send_lines(ngx_task_t *t, sqlite3_stmt *query)
{
    int            step;
    ngx_task_rc_t  rc;

    ngx_task_set_content_type(t, "application/jsonl");

    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        rc = send_line(t, query);

        if (rc != NGX_TASK_OK) {
            return rc;
        }
    }

    if (step != SQLITE_DONE) {
        return broken(t, sqlite3_db_handle(query));
    }

    /* no row is an answer, too */

    return ngx_task_send(t, "", 0);
}


/* SQLite calls it while a query looks for its next row */

static int
cancelled(void *t)
{
    return ngx_task_cancelled(t);
}


/* each task has a connection of its own, as it has its thread */

static ngx_task_rc_t
rows(ngx_task_t *t)
{
    sqlite3            *db;
    sqlite3_stmt       *query;
    ngx_task_rc_t       rc;
    const rows_args_t  *args;

    args = ngx_task_args(t);
    query = NULL;

    if (sqlite3_open_v2(args->database, &db,
                        SQLITE_OPEN_READONLY|SQLITE_OPEN_NOMUTEX, NULL)
            != SQLITE_OK
        || sqlite3_busy_timeout(db, 1000) != SQLITE_OK
        || sqlite3_prepare_v2(db, readings, sizeof(readings), &query, NULL)
            != SQLITE_OK
        || sqlite3_bind_double(query, 1, args->min) != SQLITE_OK
        || sqlite3_bind_int64(query, 2, args->limit) != SQLITE_OK)
    {
        rc = broken(t, db);

    } else {
        sqlite3_progress_handler(db, STEPS, cancelled, t);

        rc = args->format == CSV ? send_csv(t, query) : send_lines(t, query);
    }

    sqlite3_finalize(query);
    sqlite3_close(db);

    return rc;
}


static const ngx_task_param_t  rows_params[] = {

    NGX_TASK_PARAM(rows_args_t, database, .min = "1", .flags = NGX_TASK_FIXED,
                   .summary = "path of the file"),

    NGX_TASK_PARAM_AS(rows_args_t, format, NGX_TASK_ENUM,
                      .def = "lines", .choices = "lines|csv",
                      .summary = "lines of JSON, or CSV"),

    NGX_TASK_PARAM(rows_args_t, min,
                   .def = "-100", .min = "-100", .max = "100",
                   .summary = "the lowest temperature, in degrees Celsius"),

    NGX_TASK_PARAM(rows_args_t, limit,
                   .def = "10", .min = "1", .max = "10000000",
                   .summary = "no more rows than that")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("rows", .summary = "streams the rows of a query",
                      .block = rows,
                      .args = NGX_TASK_ARGS(rows_args_t, rows_params),
                      .result_type = "application/jsonl, text/csv")
};


NGX_TASK_LIBRARY("rows", functions, NULL, NULL);
