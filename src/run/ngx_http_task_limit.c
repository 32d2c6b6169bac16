
/*
 * task_limit: how many tasks of a location run at a time in this worker, and
 * how many wait for their turn.
 *
 * What is in the queue of one of nginx's pools can neither be counted nor
 * leave it.  So turns are given here, in front of the executor: a task that
 * nobody wants any more leaves at once.
 *
 * A task has its turn until nothing of it runs any more, which in a thread may
 * be later than its answer.
 */


#include "run/ngx_http_task_run.h"


static void ngx_http_task_limit_begin(ngx_http_task_limit_t *limit,
    ngx_http_task_turn_t *turn);
static ngx_uint_t ngx_http_task_limit_step(ngx_http_task_work_t *work);
static void ngx_http_task_limit_wait_handler(void *data);


/* "running=10 queue=100 wait=5s" */

char *
ngx_http_task_limit_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t                    n;
    ngx_str_t                    running, queue, wait;
    ngx_http_task_limit_conf_t  *limit;

    ngx_http_task_option_t  options[] = {
        { "running", &running },
        { "queue", &queue },
        { "wait", &wait },
        { NULL, NULL }
    };

    limit = (ngx_http_task_limit_conf_t *) ((char *) conf + cmd->offset);

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
        return ngx_http_task_conf_invalid(cf, &options[0],
                                          "a number that is not 0");
    }

    n = queue.data ? ngx_atoi(queue.data, queue.len) : 0;
    limit->queue = n;

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_invalid(cf, &options[1], "a number");
    }

    n = wait.data ? ngx_http_task_conf_time(&wait) : 0;
    limit->wait = n;

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_invalid_time(cf, &options[2]);
    }

    return (wait.data && limit->queue == 0)
           ? "has \"wait\" without \"queue\"" : NGX_CONF_OK;
}


ngx_http_task_limit_t *
ngx_http_task_limit_create(ngx_conf_t *cf, ngx_http_task_limit_conf_t *conf,
    ngx_uint_t log_level, ngx_array_t *limits)
{
    ngx_http_task_limit_t     *limit, **known;
    ngx_http_core_loc_conf_t  *clcf;

    limit = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_limit_t));
    if (limit == NULL) {
        return NULL;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    limit->name = clcf->name;
    limit->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    limit->conf = conf;
    limit->log_level = log_level;

    ngx_queue_init(&limit->queue);

    limit->work.step = ngx_http_task_limit_step;

    known = ngx_array_push(limits);
    if (known == NULL) {
        return NULL;
    }

    *known = limit;

    return limit;
}


ngx_int_t
ngx_http_task_limit_take(ngx_http_task_limit_t *limit,
    ngx_http_task_turn_t *turn, ngx_uint_t bounded)
{
    ngx_msec_t  wait;

    if (bounded && !ngx_http_task_limit_has_room(limit)) {
        return NGX_BUSY;
    }

    if (limit->running < limit->conf->running && limit->waiting == 0) {
        ngx_http_task_limit_begin(limit, turn);
        return NGX_OK;
    }

    ngx_queue_insert_tail(&limit->queue, &turn->queue);
    limit->waiting++;

    turn->limit = limit;

    wait = limit->conf->wait;

    if (wait && bounded) {
        ngx_http_task_timer_set(turn->timer, ngx_http_task_limit_wait_handler,
                                turn, ngx_http_task_now()
                                      + (int64_t) wait * 1000000);
    }

    return NGX_AGAIN;
}


static void
ngx_http_task_limit_begin(ngx_http_task_limit_t *limit,
    ngx_http_task_turn_t *turn)
{
    limit->running++;

    turn->limit = limit;
    turn->since = ngx_http_task_now();
}


ngx_uint_t
ngx_http_task_limit_waits(ngx_http_task_turn_t *turn)
{
    return turn->limit && turn->since == 0;
}


void
ngx_http_task_limit_leave(ngx_http_task_turn_t *turn)
{
    ngx_queue_remove(&turn->queue);
    turn->limit->waiting--;
    turn->limit = NULL;

    ngx_http_task_timer_clear(turn->timer);
}


static void
ngx_http_task_limit_wait_handler(void *data)
{
    ngx_http_task_turn_t *turn = data;

    ngx_http_task_limit_leave(turn);

    turn->handler(turn, NGX_BUSY);
}


void
ngx_http_task_limit_give_back(ngx_http_task_turn_t *turn)
{
    int64_t                 held;
    ngx_http_task_limit_t  *limit;

    limit = turn->limit;

    if (limit == NULL || turn->since == 0) {
        return;
    }

    held = ngx_http_task_now() - turn->since;

    turn->limit = NULL;
    turn->since = 0;

    limit->running--;
    limit->pace += (held - limit->pace) / (limit->pace ? 8 : 1);

    /* the next one begins later: now another request may be ending */

    if (limit->waiting) {
        ngx_http_task_work_begin(&limit->work);

    } else if (limit->idle) {
        limit->idle(limit->idle_data);
    }
}


static ngx_uint_t
ngx_http_task_limit_step(ngx_http_task_work_t *work)
{
    ngx_queue_t            *q;
    ngx_http_task_turn_t   *turn;
    ngx_http_task_limit_t  *limit;

    limit = ngx_queue_data(work, ngx_http_task_limit_t, work);

    if (limit->waiting && limit->running < limit->conf->running) {
        q = ngx_queue_head(&limit->queue);
        turn = ngx_queue_data(q, ngx_http_task_turn_t, queue);

        ngx_http_task_limit_leave(turn);
        ngx_http_task_limit_begin(limit, turn);

        turn->handler(turn, NGX_OK);
    }

    if (limit->waiting == 0 && limit->idle) {
        limit->idle(limit->idle_data);
    }

    return limit->waiting && limit->running < limit->conf->running;
}


ngx_int_t
ngx_http_task_limit_reserve(ngx_http_task_limit_t *limit)
{
    if (!ngx_http_task_limit_has_room(limit)) {
        return NGX_BUSY;
    }

    limit->reserved++;

    return NGX_OK;
}


void
ngx_http_task_limit_unreserve(ngx_http_task_limit_t *limit)
{
    limit->reserved--;

    if (limit->waiting == 0 && limit->idle) {
        limit->idle(limit->idle_data);
    }
}


/* while turns wait, those that are given back are for them */

ngx_uint_t
ngx_http_task_limit_has_room(ngx_http_task_limit_t *limit)
{
    ngx_uint_t  used;

    /* jobs that were promised to run may be more than the queue has room for */

    used = limit->waiting + limit->reserved;

    if (limit->waiting == 0) {
        used += limit->running;
        return used < limit->conf->running + limit->conf->queue;
    }

    return used < limit->conf->queue;
}


ngx_uint_t
ngx_http_task_limit_free(ngx_http_task_limit_t *limit)
{
    ngx_uint_t  used;

    used = limit->running + limit->reserved;

    return (limit->waiting == 0 && used < limit->conf->running)
           ? limit->conf->running - used : 0;
}


ngx_uint_t
ngx_http_task_limit_retry(ngx_http_task_limit_t *limit, ngx_uint_t more)
{
    int64_t  ns;

    ns = limit->pace * (int64_t) (limit->waiting + limit->reserved + more + 1)
         / (int64_t) limit->conf->running;

    return (ngx_uint_t) ngx_max((ns + 999999999) / 1000000000, 1);
}


void
ngx_http_task_limit_log(ngx_http_task_limit_t *limit, ngx_log_t *log,
    ngx_uint_t more, const char *why)
{
    ngx_log_error(limit->log_level, log, 0,
                  "limiting tasks, %s: %ui running, %ui waiting",
                  why, limit->running,
                  limit->waiting + limit->reserved + more);
}
