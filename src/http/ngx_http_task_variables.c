
/*
 * Variables for the access log.  If no task was accepted, or no job made, they
 * have no value, and the log says "-".
 */


#include "http/ngx_http_task_http.h"
#include "task/ngx_http_task_stream.h"


static ngx_int_t ngx_http_task_variable_function(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_mode(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_state(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_queue_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_run_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_stream_bytes(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_stream_wait(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_job(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_task_variable_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t ns);


static ngx_http_variable_t  ngx_http_task_variables[] = {

    { ngx_string("task_function"), NULL, ngx_http_task_variable_function, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_mode"), NULL, ngx_http_task_variable_mode, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_state"), NULL, ngx_http_task_variable_state, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_queue_time"), NULL, ngx_http_task_variable_queue_time, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_run_time"), NULL, ngx_http_task_variable_run_time, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_stream_bytes"), NULL,
      ngx_http_task_variable_stream_bytes, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_stream_wait"), NULL,
      ngx_http_task_variable_stream_wait, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("task_job"), NULL, ngx_http_task_variable_job, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* in the order of ngx_http_task_state_e */

static ngx_str_t  ngx_http_task_states[] = {
    ngx_null_string,
    ngx_string("done"),
    ngx_string("failed"),
    ngx_string("cancelled"),
    ngx_string("rejected"),
    ngx_string("timeout")
};


ngx_int_t
ngx_http_task_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_task_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void
ngx_http_task_variable_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = (len == 0);
}


static ngx_int_t
ngx_http_task_variable_function(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_task_t  *t;

    t = ngx_http_task_request_task(r);

    if (t == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_task_variable_set(v, t->function->name.data,
                               t->function->name.len);
    return NGX_OK;
}


static ngx_int_t
ngx_http_task_variable_mode(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_task_t       *t;
    const ngx_str_t  *name;

    t = ngx_http_task_request_task(r);

    if (t == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = &t->conf->mode.executor->name;

    ngx_http_task_variable_set(v, name->data, name->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_variable_state(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t   *state;
    ngx_task_t  *t;

    t = ngx_http_task_request_task(r);

    /* a thread may still run a task that has ended */

    if (t == NULL || ngx_http_task_atomic_get(&t->result.invalid)) {
        v->not_found = 1;
        return NGX_OK;
    }

    state = &ngx_http_task_states[t->state];

    ngx_http_task_variable_set(v, state->data, state->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_variable_queue_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t      until;
    ngx_task_t  *t;

    t = ngx_http_task_request_task(r);

    if (t == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    until = ngx_http_task_atomic_get(&t->started);

    if (until <= 0) {
        until = t->ended ? t->ended : ngx_http_task_now();
    }

    return ngx_http_task_variable_time(r, v, until - t->created);
}


static ngx_int_t
ngx_http_task_variable_run_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t      started;
    ngx_task_t  *t;

    t = ngx_http_task_request_task(r);
    started = t ? ngx_http_task_atomic_get(&t->started) : 0;

    if (started <= 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_task_variable_time(r, v,
                                (t->ended ? t->ended : ngx_http_task_now())
                                - started);
}


/* returns NULL if the task does not stream */

static ngx_http_task_stream_t *
ngx_http_task_variable_stream(ngx_http_request_t *r)
{
    ngx_task_t  *t;

    t = ngx_http_task_request_task(r);

    return t ? ngx_http_task_atomic_get(&t->stream) : NULL;
}


static ngx_int_t
ngx_http_task_variable_stream_bytes(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                  *p;
    ngx_http_task_stream_t  *s;

    s = ngx_http_task_variable_stream(r);

    if (s == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_task_variable_set(v, p, ngx_sprintf(p, "%uL", s->given) - p);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_variable_stream_wait(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_task_stream_t  *s;

    s = ngx_http_task_variable_stream(r);

    if (s == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_task_variable_time(r, v,
                                       ngx_http_task_stream_waited(s));
}


static ngx_int_t
ngx_http_task_variable_job(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  *id;

    id = ngx_http_task_job_made(r);

    if (id == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_task_variable_set(v, id->data, id->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_variable_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t ns)
{
    u_char   *p;
    int64_t   ms;

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* a log never has a negative time */

    ms = ngx_max(ns, 0) / 1000000;

    ngx_http_task_variable_set(v, p,
                               ngx_sprintf(p, "%T.%03M", (time_t) (ms / 1000),
                                           (ngx_msec_t) (ms % 1000))
                               - p);
    return NGX_OK;
}
