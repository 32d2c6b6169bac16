
/*
 * libFuzzer on values: what nginx.conf, a query and JSON give for a parameter
 * of any type, within bounds that are text, too.  With the module's real files,
 * and nginx's own parsers and pools, each allocation a block of its own.
 *
 * The input: a type, then three texts, each ended by a line feed, a minimum, a
 * maximum and the value.
 */


#include "function/ngx_http_task_function.h"

#include "base/ngx_http_task_arena.c"
#include "function/ngx_http_task_type.c"
#include "function/ngx_http_task_value.c"

#include <stdlib.h>


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


static void
must(int truth)
{
    if (!truth) {
        abort();
    }
}


/* what the linked files need of the rest of nginx, and of the module */

volatile ngx_cycle_t  *ngx_cycle;


void
ngx_http_task_work_begin(ngx_http_task_work_t *work)
{
    must(0);
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    /* nothing here fails but malloc() */
}


static ngx_str_t
line(unsigned char **p, unsigned char *last)
{
    ngx_str_t  text;

    text.data = *p;
    *p = ngx_strlchr(*p, last, '\n');

    if (*p == NULL) {
        text.len = last - text.data;
        *p = last;
        return text;
    }

    text.len = *p - text.data;
    (*p)++;

    return text;
}


static void
limit(ngx_http_task_arg_t *arg, ngx_str_t *text, unsigned char exclusive,
    ngx_http_task_bound_t *bound)
{
    if (text->len == 0
        || ngx_http_task_value_bound(arg, text, exclusive, bound) != NGX_OK)
    {
        bound->set = 0;
    }
}


/* what was taken is within the bounds; what was not is said in full */

static void
judge(ngx_pool_t *pool, ngx_http_task_arg_t *arg, ngx_int_t rc,
    ngx_http_task_value_t *value, ngx_http_task_invalid_t *invalid)
{
    ngx_array_t                args;
    ngx_http_task_bound_e      bound;
    ngx_http_task_function_t   function;
    ngx_http_task_args_conf_t  conf;

    bound = ngx_http_task_types[arg->param->type].bound;

    if (rc == NGX_DECLINED) {
        must(invalid->type != NULL && invalid->msg[0] != '\0');
        must(memchr(invalid->msg, '\0', sizeof(invalid->msg)) != NULL);
        return;
    }

    must(rc == NGX_OK);

    if (bound == NGX_HTTP_TASK_BOUND_INTEGER) {
        must(value->integer != INT64_MIN && value->integer != INT64_MAX);
        must(!arg->min.set || value->integer >= arg->min.value.integer);
        must(!arg->max.set || value->integer <= arg->max.value.integer);
    }

    if (bound == NGX_HTTP_TASK_BOUND_NUMBER) {
        must(value->number - value->number == 0);
        must(!arg->min.set || value->number >= arg->min.value.number);
        must(!arg->max.set || value->number <= arg->max.value.number);
    }

    if (arg->param->type == NGX_TASK_ENUM) {
        must(value->integer >= 0 && value->integer < 3);
    }

    args.elts = arg;
    args.nelts = 1;

    function.args.nargs = 1;
    conf.function = &function;
    conf.args = &args;
    conf.args_size = sizeof(int64_t);

    must(ngx_http_task_value_args(pool, &conf, value) != NULL);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    ngx_int_t                 rc;
    ngx_str_t                 min, max, text;
    ngx_log_t                 log;
    ngx_pool_t               *pool;
    ngx_task_param_t          param;
    unsigned char            *copy, *p;
    ngx_http_task_arg_t       arg;
    ngx_http_task_json_t      json;
    ngx_http_task_space_t     space;
    ngx_http_task_value_t     value;
    ngx_http_task_invalid_t   invalid;

    if (size == 0) {
        return 0;
    }

    ngx_pagesize = 4096;
    ngx_memzero(&log, sizeof(ngx_log_t));

    pool = ngx_create_pool(1024, &log);
    copy = malloc(size);
    must(pool != NULL && copy != NULL);
    memcpy(copy, data, size);

    space.pool = pool;
    space.arena = NULL;

    ngx_memzero(&param, sizeof(ngx_task_param_t));
    ngx_memzero(&arg, sizeof(ngx_http_task_arg_t));

    param.name = "p";
    param.type = (ngx_task_type_t) (copy[0] % (NGX_TASK_ENUM + 1));
    param.choices = "red|green|blue";
    arg.param = &param;

    p = copy + 1;
    min = line(&p, copy + size);
    max = line(&p, copy + size);
    text = line(&p, copy + size);

    limit(&arg, &min, '>', &arg.min);
    limit(&arg, &max, '<', &arg.max);

    rc = ngx_http_task_value_text(&space, &arg, &text, &value, &invalid);
    judge(pool, &arg, rc, &value, &invalid);

    ngx_http_task_json_scan(text.data, text.len, NULL, NULL, &json);

    if (json.error == NULL) {
        rc = ngx_http_task_value_json(&space, &arg, &json.root, &value,
                                      &invalid);
        judge(pool, &arg, rc, &value, &invalid);
    }

    free(copy);
    ngx_destroy_pool(pool);

    return 0;
}
