
/*
 * task_limit: how many tasks of a location run at a time, in this worker, and
 * how many wait for that.
 *
 * A pool of nginx's keeps its queue to itself: a task in it can neither be
 * counted nor leave.  So tasks wait here, in front of the executor, where one
 * whose client has left, or whose time is over, is gone at once.
 *
 * A slot is taken from the start of a task until nothing of it runs any more,
 * which in a thread may be later than its answer.
 */


#include "task/ngx_http_task.h"


static void ngx_http_task_limit_take(ngx_task_t *t);
static void ngx_http_task_limit_wait(ngx_task_t *t);
static void ngx_http_task_limit_reject(ngx_task_t *t, const char *why);
static void ngx_http_task_limit_handler(ngx_event_t *ev);
static void ngx_http_task_limit_wait_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_task_ready_handler(ngx_http_request_t *r);


/* "running=10 queue=100 wait=5s" */

char *
ngx_http_task_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    ngx_int_t                    n;
    ngx_str_t                    running, queue, wait;
    ngx_http_task_limit_conf_t  *limit;

    ngx_http_task_option_t  options[] = {
        { "running", &running },
        { "queue", &queue },
        { "wait", &wait },
        { NULL, NULL }
    };

    limit = &tlcf->limit_conf;

    if (limit->running != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    ngx_str_null(&running);
    ngx_str_null(&queue);
    ngx_str_null(&wait);

    if (ngx_http_task_conf_options(cf, 1, options) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (running.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must have \"running\" parameter",
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    n = ngx_atoi(running.data, running.len);
    limit->running = n;

    if (n == NGX_ERROR || n == 0) {
        return ngx_http_task_conf_invalid(cf, &options[0]);
    }

    n = queue.data ? ngx_atoi(queue.data, queue.len) : 0;
    limit->queue = n;

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_invalid(cf, &options[1]);
    }

    n = wait.data ? ngx_http_task_conf_time(&wait) : 0;
    limit->wait = n;

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_invalid_time(cf, &options[2]);
    }

    return (wait.data && limit->queue == 0)
           ? "has \"wait\" without \"queue\"" : NGX_CONF_OK;
}


char *
ngx_http_task_ready(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_task_loc_conf_t *tlcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_http_task_loc_conf_t  **ready;
    ngx_http_task_main_conf_t  *tmcf;

    rv = ngx_http_task_content(cf, cmd, tlcf, ngx_http_task_ready_handler);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    tlcf->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (cf->args->nelts == 2) {
        value = cf->args->elts;
        tlcf->ready = value[1];
    }

    ready = ngx_array_push(&tmcf->ready);
    if (ready == NULL) {
        return NGX_CONF_ERROR;
    }

    *ready = tlcf;

    return NGX_CONF_OK;
}


ngx_http_task_limit_t *
ngx_http_task_limit_create(ngx_conf_t *cf, ngx_http_task_loc_conf_t *tlcf)
{
    ngx_http_task_limit_t      *limit, **known;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_task_main_conf_t  *tmcf;

    limit = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_limit_t));
    if (limit == NULL) {
        return NULL;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    limit->name = clcf->name;
    limit->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    limit->conf = &tlcf->limit_conf;
    limit->log_level = tlcf->limit_log_level;

    ngx_queue_init(&limit->queue);

    limit->event.handler = ngx_http_task_limit_handler;
    limit->event.data = limit;

    known = ngx_array_push(&tmcf->limits);
    if (known == NULL) {
        return NULL;
    }

    *known = limit;

    return limit;
}


/* starts the task, now or when it is its turn */

void
ngx_http_task_limit_start(ngx_task_t *t)
{
    ngx_http_task_limit_t  *limit;

    limit = t->conf->limit;

    if (limit == NULL) {
        ngx_http_task_start(t);
        return;
    }

    if (limit->running < limit->conf->running && limit->waiting == 0) {
        ngx_http_task_limit_take(t);
        return;
    }

    if (!ngx_http_task_limit_has_room(limit)) {
        ngx_http_task_limit_reject(t, "no room to wait");
        return;
    }

    ngx_http_task_limit_wait(t);
}


static void
ngx_http_task_limit_take(ngx_task_t *t)
{
    t->slot = ngx_http_task_now();
    t->conf->limit->running++;

    ngx_http_task_start(t);
}


static void
ngx_http_task_limit_wait(ngx_task_t *t)
{
    ngx_msec_t              wait;
    ngx_http_task_limit_t  *limit;

    limit = t->conf->limit;
    wait = limit->conf->wait;

    ngx_queue_insert_tail(&limit->queue, &t->queue);
    limit->waiting++;
    t->waiting = 1;

    /* of a client; a job was accepted, and waits as long as it takes */

    if (wait && t->job == NULL) {
        t->deadline = ngx_http_task_now() + (int64_t) wait * 1000000;

        t->timer.handler = ngx_http_task_limit_wait_handler;
        t->timer.data = t;
        t->timer.log = t->log;

        ngx_http_task_timer(&t->timer, t->deadline);
    }

    ngx_http_task_wait(t);
}


void
ngx_http_task_limit_leave_queue(ngx_task_t *t)
{
    ngx_queue_remove(&t->queue);
    t->conf->limit->waiting--;
    t->waiting = 0;

    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }
}


static void
ngx_http_task_limit_wait_handler(ngx_event_t *ev)
{
    ngx_task_t        *t;
    ngx_connection_t  *c;

    t = ev->data;

    if (ngx_http_task_timer_early(ev, t->deadline)) {
        return;
    }

    c = ngx_http_task_enter(t);

    ngx_http_task_limit_leave_queue(t);
    ngx_http_task_limit_reject(t, "waited in vain");

    ngx_http_task_leave(c);
}


static void
ngx_http_task_limit_reject(ngx_task_t *t, const char *why)
{
    ngx_http_task_limit_t  *limit;

    limit = t->conf->limit;

    ngx_log_error(limit->log_level, t->log, 0,
                  "limiting tasks, %s: %ui running, %ui waiting",
                  why, limit->running, limit->waiting);

    ngx_http_task_reject(t, ngx_http_task_limit_retry(limit));
}


/* when those that wait now will have run, at the recent pace, in seconds */

ngx_uint_t
ngx_http_task_limit_retry(ngx_http_task_limit_t *limit)
{
    int64_t  ns;

    ns = limit->pace * (int64_t) (limit->waiting + 1)
         / (int64_t) limit->conf->running;

    return (ngx_uint_t) ngx_max((ns + 999999999) / 1000000000, 1);
}


/* nothing of the task runs any more; harmless if it has no slot */

void
ngx_http_task_limit_leave(ngx_task_t *t)
{
    int64_t                 held;
    ngx_http_task_limit_t  *limit;

    if (t->slot == 0) {
        return;
    }

    held = ngx_http_task_now() - t->slot;
    t->slot = 0;

    limit = t->conf->limit;
    limit->running--;
    limit->pace += (held - limit->pace) / (limit->pace ? 8 : 1);

    /* not from here: this may be the end of another request */

    if (limit->waiting) {
        limit->event.log = ngx_cycle->log;
        ngx_post_event(&limit->event, &ngx_posted_events);
    }
}


static void
ngx_http_task_limit_handler(ngx_event_t *ev)
{
    ngx_task_t             *t;
    ngx_queue_t            *q;
    ngx_connection_t       *c;
    ngx_http_task_limit_t  *limit;

    limit = ev->data;

    while (limit->waiting && limit->running < limit->conf->running) {
        q = ngx_queue_head(&limit->queue);
        t = ngx_queue_data(q, ngx_task_t, queue);

        ngx_http_task_limit_leave_queue(t);

        c = ngx_http_task_enter(t);

        ngx_http_task_limit_take(t);

        ngx_http_task_leave(c);
    }
}


/* whether a task that came now would run or wait */

ngx_uint_t
ngx_http_task_limit_has_room(ngx_http_task_limit_t *limit)
{
    return (limit->running < limit->conf->running && limit->waiting == 0)
           || limit->waiting < limit->conf->queue;
}


/* "task_ready uri": a location of the same server that has a limit */

static ngx_uint_t
ngx_http_task_limit_is_named(ngx_http_task_limit_t *limit,
    ngx_http_task_loc_conf_t *tlcf)
{
    return tlcf->ready.len == 0
           || (limit->server == tlcf->server
               && limit->name.len == tlcf->ready.len
               && ngx_strncmp(limit->name.data, tlcf->ready.data,
                              limit->name.len)
                  == 0);
}


ngx_int_t
ngx_http_task_limit_check(ngx_conf_t *cf)
{
    ngx_uint_t                   i, n;
    ngx_http_task_limit_t      **limit;
    ngx_http_task_loc_conf_t   **ready;
    ngx_http_task_main_conf_t   *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_task_module);

    limit = tmcf->limits.elts;
    ready = tmcf->ready.elts;

    for (i = 0; i < tmcf->ready.nelts; i++) {

        for (n = 0; n < tmcf->limits.nelts; n++) {
            if (ngx_http_task_limit_is_named(limit[n], ready[i])) {
                break;
            }
        }

        if (n == tmcf->limits.nelts && ready[i]->ready.len) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &ready[i]->place,
                              "no location \"%V\" with a \"task_limit\" is in "
                              "this server", &ready[i]->ready);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_ready_handler(ngx_http_request_t *r)
{
    ngx_str_t                    body;
    ngx_uint_t                   i;
    ngx_http_task_limit_t      **limit;
    ngx_http_task_loc_conf_t    *tlcf;
    ngx_http_task_main_conf_t   *tmcf;

    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_task_send_not_allowed(r, &allow);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_task_module);
    tmcf = ngx_http_get_module_main_conf(r, ngx_http_task_module);

    limit = tmcf->limits.elts;

    for (i = 0; i < tmcf->limits.nelts; i++) {

        if (ngx_http_task_limit_is_named(limit[i], tlcf)
            && !ngx_http_task_limit_has_room(limit[i]))
        {
            return ngx_http_task_send_unavailable(r,
                                          ngx_http_task_limit_retry(limit[i]));
        }
    }

    ngx_str_set(&body, "{\"status\":\"ready\"}");

    return ngx_http_task_send(r, NGX_HTTP_OK, &body);
}
