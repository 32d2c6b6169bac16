
/*
 * What the query of a request for jobs gives, as "?wait=30s": read as the
 * parameters of tasks are read, and refused in the same words.
 */


#include "jobs/ngx_http_task_job_query.h"


static ngx_int_t ngx_http_task_job_arg_invalid(ngx_http_task_job_args_t *args,
    const ngx_task_param_t *param, ngx_str_t *text,
    ngx_http_task_invalid_t *invalid);
static cJSON *ngx_http_task_job_arg_loc(const ngx_task_param_t *param);
static ngx_int_t ngx_http_task_job_arg_text(ngx_http_request_t *r,
    const char *arg, ngx_str_t *text);


ngx_int_t
ngx_http_task_job_arg(ngx_http_task_job_args_t *args,
    const ngx_task_param_t *param, ngx_http_task_value_t *value)
{
    ngx_int_t                rc;
    ngx_str_t                text, bound;
    ngx_http_task_arg_t      arg;
    ngx_http_task_space_t    space = { args->request->pool, NULL };
    ngx_http_task_value_t    v;
    ngx_http_task_invalid_t  invalid;

    rc = ngx_http_task_job_arg_text(args->request, param->name, &text);

    if (rc != NGX_OK || text.data == NULL) {
        return rc;
    }

    ngx_memzero(&arg, sizeof(ngx_http_task_arg_t));
    arg.param = param;

    if (param->min) {
        bound.data = (u_char *) param->min;
        bound.len = ngx_strlen(param->min);
        (void) ngx_http_task_value_bound(&arg, &bound, '>', &arg.min);
    }

    if (param->max) {
        bound.data = (u_char *) param->max;
        bound.len = ngx_strlen(param->max);
        (void) ngx_http_task_value_bound(&arg, &bound, '<', &arg.max);
    }

    rc = ngx_http_task_value_text(&space, &arg, &text, &v, &invalid);

    if (rc == NGX_OK) {
        *value = v;
    }

    return (rc == NGX_DECLINED)
           ? ngx_http_task_job_arg_invalid(args, param, &text, &invalid) : rc;
}


static ngx_int_t
ngx_http_task_job_arg_invalid(ngx_http_task_job_args_t *args,
    const ngx_task_param_t *param, ngx_str_t *text,
    ngx_http_task_invalid_t *invalid)
{
    ngx_int_t  rc;

    rc = ngx_http_task_error_invalid(&args->errors, invalid,
                          ngx_http_task_job_arg_loc(param),
                          ngx_http_task_error_echo_text(args->request->pool,
                                                        text));

    return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_task_job_arg_missing(ngx_http_task_job_args_t *args,
    const ngx_task_param_t *param)
{
    ngx_int_t  rc;

    rc = ngx_http_task_error(&args->errors, "missing", "Field required",
                             ngx_http_task_job_arg_loc(param),
                             cJSON_CreateNull(), NULL, NULL);

    return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
}


static cJSON *
ngx_http_task_job_arg_loc(const ngx_task_param_t *param)
{
    ngx_http_task_step_t  step = { param->name, 0 };

    return ngx_http_task_error_loc("query", &step, 1);
}


ngx_int_t
ngx_http_task_job_args_wrong(ngx_http_task_job_args_t *args, ngx_int_t rc)
{
    ngx_str_t  text;

    if (rc != NGX_OK) {
        cJSON_Delete(args->errors);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_task_error_print(args->request->pool, &args->errors, &text)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_task_send_error(args->request, NGX_HTTP_TASK_UNPROCESSABLE,
                                    &text);
}


/*
 * Sets the text to the decoded value of an argument, the last one of this
 * name; its data is NULL if there is none.
 */

static ngx_int_t
ngx_http_task_job_arg_text(ngx_http_request_t *r, const char *arg,
    ngx_str_t *text)
{
    u_char                *p, *end;
    size_t                 len;
    ngx_http_task_span_t   name, value;

    ngx_str_null(text);

    if (r->args.len == 0) {
        return NGX_OK;
    }

    p = ngx_pstrdup(r->pool, &r->args);
    if (p == NULL) {
        return NGX_ERROR;
    }

    end = p + r->args.len;
    len = ngx_strlen(arg);

    while (ngx_http_task_query_pair(&p, end, &name, &value)) {

        if (name.len == len && ngx_strncmp(name.data, arg, len) == 0) {
            text->data = (u_char *) value.data;
            text->len = value.len;
        }
    }

    return NGX_OK;
}
