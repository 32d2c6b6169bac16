
/*
 * Functions for tests of ngx_task_fetch().
 */


#include "ngx_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


/* functions that have begun, and that have called what they deferred */

static int64_t  begun;
static int64_t  ended;


static void
begins(void)
{
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
}


static void
ends(void)
{
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
}


static ngx_task_rc_t
seen(ngx_task_t *t)
{
    ngx_task_set_int(t, "begun", __atomic_load_n(&begun, __ATOMIC_SEQ_CST));
    ngx_task_set_int(t, "ended", __atomic_load_n(&ended, __ATOMIC_SEQ_CST));

    return NGX_TASK_OK;
}


/* --- one: tells all of a reply ------------------------------------------- */

typedef struct {
    const char              *uri;
    const char              *method;
    const char              *header;     /* a value of the header "X-Test" */
    const char              *name;       /* another name for it */
    const char              *body;
    int64_t                  max;
    int64_t                  timeout;
    int64_t                  size;       /* of a body of that many bytes */
    int                      file;
    int                      pass;       /* the body of its own request */
} one_args_t;


static const ngx_task_param_t  one_params[] = {
    NGX_TASK_PARAM(one_args_t, uri),
    NGX_TASK_PARAM(one_args_t, method, .def = "GET"),
    NGX_TASK_PARAM(one_args_t, header, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(one_args_t, name, .def = "X-Test"),
    NGX_TASK_PARAM(one_args_t, body, .def = ""),
    NGX_TASK_PARAM_AS(one_args_t, max, NGX_TASK_SIZE, .def = "0"),
    NGX_TASK_PARAM_AS(one_args_t, timeout, NGX_TASK_TIME, .def = "0"),
    NGX_TASK_PARAM_AS(one_args_t, size, NGX_TASK_SIZE, .def = "0"),
    NGX_TASK_PARAM_AS(one_args_t, file, NGX_TASK_BOOL, .def = "0"),
    NGX_TASK_PARAM_AS(one_args_t, pass, NGX_TASK_BOOL, .def = "0")
};


typedef struct {
    const ngx_task_reply_t  *reply;
    char                    *body;
} one_state_t;


static void
one_ended(void *data)
{
    one_state_t *s = data;

    free(s->body);
    ends();
}


static const char *
one_rc(ngx_task_rc_t rc)
{
    static const char  *names[] = {
        "ok", "failed", "cancelled", "busy", "again", "timeout"
    };

    return names[rc];
}


/* the sum of all bytes, so that large bodies need not be sent */

static uint32_t
one_sum(uint32_t sum, const unsigned char *p, size_t len)
{
    while (len--) {
        sum = sum * 31 + *p++;
    }

    return sum;
}


static void
one_file(ngx_task_t *t, const ngx_task_reply_t *reply)
{
    char       buf[65536];
    size_t     len;
    ssize_t    n;
    uint32_t   sum;

    sum = 0;
    len = 0;

    for ( ;; ) {
        n = pread(reply->fd, buf, sizeof(buf), len);

        if (n <= 0) {
            break;
        }

        sum = one_sum(sum, (unsigned char *) buf, n);
        len += n;
    }

    ngx_task_set_int(t, "file_len", len);
    ngx_task_set_int(t, "sum", sum);
}


static void
one_tell(ngx_task_t *t, const ngx_task_reply_t *reply, ngx_task_rc_t rc)
{
    size_t   i;
    cJSON   *headers;

    ngx_task_set_string(t, "rc", one_rc(rc));
    ngx_task_set_int(t, "status", reply->status);
    ngx_task_set_int(t, "error", reply->error);
    ngx_task_set_int(t, "len", reply->body_len);
    ngx_task_set_bool(t, "file", reply->fd != -1);
    ngx_task_set_string(t, "of", ngx_task_reply_header(reply, "x-oF")
                                 ? ngx_task_reply_header(reply, "x-oF") : "");

    headers = cJSON_CreateObject();

    for (i = 0; i < reply->nheaders; i++) {
        cJSON_AddStringToObject(headers, reply->headers[i].name,
                                reply->headers[i].value);
    }

    ngx_task_set_json(t, "headers", headers);

    if (reply->fd != -1) {
        one_file(t, reply);
        return;
    }

    ngx_task_set_int(t, "sum", one_sum(0, (unsigned char *) reply->body,
                                       reply->body_len));

    if (reply->body && reply->body[reply->body_len] != '\0') {
        ngx_task_set_string(t, "wrong", "no null behind the body");
    }

    if (reply->body && reply->body_len <= 4096) {
        ngx_task_set_string(t, "body", reply->body);
    }
}


static ngx_task_rc_t
one(ngx_task_t *t, ngx_task_frame_t *f)
{
    one_state_t *s = f->state;

    const one_args_t *args = ngx_task_args(t);

    ngx_task_header_t   header;
    ngx_task_request_t  request;

    NGX_TASK_BEGIN(f);

    begins();
    if (ngx_task_defer(t, one_ended, s) != NGX_TASK_OK) {
        ends();
        return NGX_TASK_FAILED;
    }

    if (args->size) {
        s->body = malloc(args->size);
        memset(s->body, 'x', args->size);
    }

    header.name = args->name;
    header.value = args->header;

    memset(&request, 0, sizeof(request));

    request.size = sizeof(request);
    request.method = args->method;
    request.uri = args->uri;
    request.headers = &header;
    request.nheaders = (args->header != NULL);
    request.body = args->body[0] ? args->body : NULL;
    request.body_len = strlen(args->body);

    if (s->body) {
        request.body = s->body;
        request.body_len = args->size;
    }

    request.max_body = args->max;
    request.timeout = args->timeout;
    request.flags = (args->file ? NGX_TASK_FETCH_FILE : 0)
                    | (args->pass ? NGX_TASK_FETCH_BODY : 0);

    NGX_TASK_AWAIT(f, ngx_task_fetch(f, &request, &s->reply));

    one_tell(t, s->reply, f->rc);

    NGX_TASK_END(f);
}


/* --- plain: passes a body on --------------------------------------------- */

typedef struct {
    const char  *uri;
    int64_t      ms;         /* when it begins */
} plain_args_t;


static const ngx_task_param_t  plain_params[] = {
    NGX_TASK_PARAM(plain_args_t, uri),
    NGX_TASK_PARAM_AS(plain_args_t, ms, NGX_TASK_TIME, .def = "0")
};


static ngx_task_rc_t
plain(ngx_task_t *t, ngx_task_frame_t *f)
{
    one_state_t *s = f->state;

    const plain_args_t *args = ngx_task_args(t);

    ngx_task_request_t  request;

    NGX_TASK_BEGIN(f);

    if (args->ms) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, args->ms));
    }

    memset(&request, 0, sizeof(request));

    request.size = sizeof(request);
    request.uri = args->uri;

    NGX_TASK_AWAIT(f, ngx_task_fetch(f, &request, &s->reply));

    if (f->rc != NGX_TASK_OK) {
        return ngx_task_fail(t, 502, "no reply");
    }

    ngx_task_set_status(t, s->reply->status);
    ngx_task_set_bytes(t, "text/plain", (void *) s->reply->body,
                       s->reply->body_len, NULL);

    NGX_TASK_END(f);
}


/* --- many: a gather of fetches, so often --------------------------------- */

typedef struct {
    const char              *uri;
    const char              *bad;        /* what the first one fetches */
    int64_t                  n;
    int64_t                  limit;
    int64_t                  times;
    int                      first;      /* the first that fails ends it */
    int64_t                  each;       /* the time of each child */
} many_args_t;


static const ngx_task_param_t  many_params[] = {
    NGX_TASK_PARAM(many_args_t, uri),
    NGX_TASK_PARAM(many_args_t, bad, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(many_args_t, n, .def = "10", .min = "1", .max = "1000"),
    NGX_TASK_PARAM(many_args_t, limit, .def = "0"),
    NGX_TASK_PARAM(many_args_t, times, .def = "1"),
    NGX_TASK_PARAM_AS(many_args_t, first, NGX_TASK_BOOL, .def = "0"),
    NGX_TASK_PARAM_AS(many_args_t, each, NGX_TASK_TIME, .def = "0")
};


typedef struct {
    const char              *uri;
    int64_t                  timeout;
    int                      status;
    const ngx_task_reply_t  *reply;
} many_child_t;


typedef struct {
    many_child_t            *of;
    ngx_task_child_t        *children;
    int64_t                  i;
    int64_t                  ok;
    int64_t                  failed;
    int64_t                  cancelled;
    int64_t                  timeouts;
    int64_t                  busy;
} many_state_t;


static ngx_task_rc_t
many_one(ngx_task_t *t, ngx_task_frame_t *f)
{
    many_child_t *c = f->state;

    ngx_task_request_t  request;

    (void) t;

    NGX_TASK_BEGIN(f);

    memset(&request, 0, sizeof(request));

    request.size = sizeof(request);
    request.uri = c->uri;
    request.timeout = c->timeout;

    NGX_TASK_AWAIT(f, ngx_task_fetch(f, &request, &c->reply));

    c->status = c->reply->status;
    ngx_task_reply_free(c->reply);
    c->reply = NULL;

    return (f->rc == NGX_TASK_OK && c->status != 200) ? NGX_TASK_FAILED
                                                      : f->rc;

    NGX_TASK_END(f);
}


static void
many_count(many_state_t *s, ngx_task_rc_t rc)
{
    switch (rc) {

    case NGX_TASK_OK:
        s->ok++;
        break;

    case NGX_TASK_CANCELLED:
        s->cancelled++;
        break;

    case NGX_TASK_TIMEOUT:
        s->timeouts++;
        break;

    case NGX_TASK_BUSY:
        s->busy++;
        break;

    default:
        s->failed++;
    }
}


static void
many_ended(void *data)
{
    many_state_t *s = data;

    free(s->of);
    free(s->children);
    ends();
}


static ngx_task_rc_t
many(ngx_task_t *t, ngx_task_frame_t *f)
{
    many_state_t *s = f->state;

    const many_args_t *args = ngx_task_args(t);

    int64_t  i;

    NGX_TASK_BEGIN(f);

    begins();
    if (ngx_task_defer(t, many_ended, s) != NGX_TASK_OK) {
        ends();
        return NGX_TASK_FAILED;
    }

    s->of = calloc(args->n, sizeof(many_child_t));
    s->children = calloc(args->n, sizeof(ngx_task_child_t));

    while (s->i < args->times) {

        for (i = 0; i < args->n; i++) {
            s->of[i].uri = (i == 0 && args->bad) ? args->bad : args->uri;
            s->of[i].timeout = args->each;
            s->children[i].fn = many_one;
            s->children[i].state = &s->of[i];
        }

        NGX_TASK_AWAIT(f, ngx_task_gather(f, s->children, args->n, args->limit,
                                          args->first
                                          ? NGX_TASK_GATHER_FIRST_ERROR : 0));

        for (i = 0; i < args->n; i++) {
            many_count(s, s->children[i].rc);
        }

        s->i++;
    }

    ngx_task_set_int(t, "ok", s->ok);
    ngx_task_set_int(t, "failed", s->failed);
    ngx_task_set_int(t, "cancelled", s->cancelled);
    ngx_task_set_int(t, "timeouts", s->timeouts);
    ngx_task_set_int(t, "busy", s->busy);

    NGX_TASK_END(f);
}


/* --- within: a fetch with a deadline around it --------------------------- */

static ngx_task_rc_t
within(ngx_task_t *t, ngx_task_frame_t *f)
{
    many_state_t *s = f->state;

    const many_args_t *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    begins();
    if (ngx_task_defer(t, many_ended, s) != NGX_TASK_OK) {
        ends();
        return NGX_TASK_FAILED;
    }

    s->of = calloc(1, sizeof(many_child_t));
    s->of->uri = args->uri;

    NGX_TASK_AWAIT(f, ngx_task_timeout(f, args->each, many_one, s->of));

    ngx_task_set_string(t, "rc", one_rc(f->rc));

    NGX_TASK_END(f);
}


/* --- wrong: misuse ------------------------------------------------------- */

typedef struct {
    int  kind;
} wrong_args_t;


static const ngx_task_param_t  wrong_params[] = {
    NGX_TASK_PARAM_AS(wrong_args_t, kind, NGX_TASK_ENUM,
                      .choices = "size|null|flags|body|header|pass|two")
};


static ngx_task_rc_t
wrong(ngx_task_t *t, ngx_task_frame_t *f)
{
    one_state_t *s = f->state;

    const wrong_args_t *args = ngx_task_args(t);

    ngx_task_header_t   header = { "X-Test", NULL };
    ngx_task_request_t  request;

    NGX_TASK_BEGIN(f);

    memset(&request, 0, sizeof(request));

    request.size = sizeof(request);
    request.uri = "/static/a.txt";

    switch (args->kind) {

    case 0:
        request.size = 0;
        break;

    case 1:
        request.uri = NULL;
        break;

    case 2:
        request.flags = 0x100;
        break;

    case 3:
        request.body_len = 1;
        break;

    case 4:
        request.headers = &header;
        request.nheaders = 1;
        break;

    case 5:
        request.flags = NGX_TASK_FETCH_BODY;
        break;

    case 6:
        request.flags = NGX_TASK_FETCH_BODY;
        request.body = "a";
        request.body_len = 1;
        break;
    }

    NGX_TASK_AWAIT(f, ngx_task_fetch(f, &request, &s->reply));

    ngx_task_set_string(t, "rc", one_rc(f->rc));

    NGX_TASK_END(f);
}


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("one", .async = one,
                      .args = NGX_TASK_ARGS(one_args_t, one_params),
                      .state_size = sizeof(one_state_t)),

    NGX_TASK_FUNCTION("pass", .async = one,
                      .args = NGX_TASK_ARGS(one_args_t, one_params),
                      .state_size = sizeof(one_state_t),
                      .flags = NGX_TASK_RAW_BODY|NGX_TASK_POST),

    NGX_TASK_FUNCTION("known", .async = one,
                      .args = NGX_TASK_ARGS(one_args_t, one_params),
                      .state_size = sizeof(one_state_t),
                      .flags = NGX_TASK_CONTEXT),

    NGX_TASK_FUNCTION("plain", .async = plain,
                      .args = NGX_TASK_ARGS(plain_args_t, plain_params),
                      .state_size = sizeof(one_state_t)),

    NGX_TASK_FUNCTION("many", .async = many,
                      .args = NGX_TASK_ARGS(many_args_t, many_params),
                      .state_size = sizeof(many_state_t)),

    NGX_TASK_FUNCTION("within", .async = within,
                      .args = NGX_TASK_ARGS(many_args_t, many_params),
                      .state_size = sizeof(many_state_t)),

    NGX_TASK_FUNCTION("seen", .block = seen),

    NGX_TASK_FUNCTION("wrong", .async = wrong,
                      .args = NGX_TASK_ARGS(wrong_args_t, wrong_params),
                      .state_size = sizeof(one_state_t)),

    NGX_TASK_FUNCTION("wrong_raw", .async = wrong,
                      .args = NGX_TASK_ARGS(wrong_args_t, wrong_params),
                      .state_size = sizeof(one_state_t),
                      .flags = NGX_TASK_RAW_BODY|NGX_TASK_POST)
};


NGX_TASK_LIBRARY("fetch", functions, NULL, NULL);
