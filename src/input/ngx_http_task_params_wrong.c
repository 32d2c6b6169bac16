
/*
 * What is wrong with a parameter: its place is where the reader is, and what
 * was given is sent back, but for secrets.
 */


#include "input/ngx_http_task_reader.h"


/* of several texts, so many bytes are sent back */

#define NGX_HTTP_TASK_ECHO_ALL  1024


static cJSON *ngx_http_task_wrong_loc(ngx_http_task_reader_t *rd);
static ngx_uint_t ngx_http_task_wrong_hides(ngx_http_task_reader_t *rd,
    ngx_http_task_arg_t *arg);


ngx_int_t
ngx_http_task_wrong(ngx_http_task_reader_t *rd, const char *type,
    const char *msg, cJSON *input, const char *name, const char *value)
{
    if (rd->nerrors++ >= NGX_HTTP_TASK_ERRORS) {
        cJSON_Delete(input);
        return NGX_DECLINED;
    }

    return ngx_http_task_error(&rd->errors, type, msg,
                               ngx_http_task_wrong_loc(rd), input, name,
                               name ? cJSON_CreateString(value) : NULL);
}


ngx_int_t
ngx_http_task_wrong_value(ngx_http_task_reader_t *rd,
    ngx_http_task_invalid_t *invalid, cJSON *input)
{
    if (rd->nerrors++ >= NGX_HTTP_TASK_ERRORS) {
        cJSON_Delete(input);
        return NGX_DECLINED;
    }

    return ngx_http_task_error_invalid(&rd->errors, invalid,
                                       ngx_http_task_wrong_loc(rd), input);
}


ngx_int_t
ngx_http_task_wrong_items(ngx_http_task_reader_t *rd, ngx_uint_t most,
    size_t bound, size_t n, cJSON *input)
{
    if (rd->nerrors++ >= NGX_HTTP_TASK_ERRORS) {
        cJSON_Delete(input);
        return NGX_DECLINED;
    }

    return ngx_http_task_error_items(&rd->errors, most, bound, n,
                                     ngx_http_task_wrong_loc(rd), input);
}


static cJSON *
ngx_http_task_wrong_loc(ngx_http_task_reader_t *rd)
{
    return ngx_http_task_error_loc(rd->where, rd->steps, rd->nsteps);
}


/* where an object belongs, the secret of one of its fields may stand */

static ngx_uint_t
ngx_http_task_wrong_hides(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg)
{
    if (arg->param->type == NGX_TASK_JSON
        || arg->param->type == NGX_TASK_OBJECT)
    {
        return rd->in->conf->secret;
    }

    return (arg->param->flags & NGX_TASK_SECRET) != 0;
}


cJSON *
ngx_http_task_echo_given(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    const ngx_http_task_given_t *given)
{
    ngx_str_t  text;

    if (ngx_http_task_wrong_hides(rd, arg)) {
        return ngx_http_task_error_echo_secret();
    }

    text = given->text;

    if (given->file) {
        text.data = (u_char *) given->file->name;
        text.len = ngx_strlen(given->file->name);
    }

    return ngx_http_task_error_echo_text(rd->in->pool, &text);
}


/* of many values the first ones are sent back */

cJSON *
ngx_http_task_echo_all(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_source_t *src)
{
    cJSON   *all, *text;
    size_t   i, len;

    all = cJSON_CreateArray();

    for (i = 0, len = 0; i < src->nall && len < NGX_HTTP_TASK_ECHO_ALL; i++) {

        len += src->all[i].text.len + sizeof("\"\",") - 1;
        text = ngx_http_task_echo_given(rd, arg, &src->all[i]);

        if (text == NULL || !cJSON_AddItemToArray(all, text)) {
            cJSON_Delete(text);
            cJSON_Delete(all);
            return NULL;
        }
    }

    return all;
}


cJSON *
ngx_http_task_echo_json(ngx_http_task_reader_t *rd, ngx_http_task_arg_t *arg,
    ngx_http_task_span_t *json)
{
    if (json->data[0] == '{' || json->data[0] == '[') {
        return ngx_http_task_echo_object(rd, json);
    }

    return ngx_http_task_wrong_hides(rd, arg)
           ? ngx_http_task_error_echo_secret()
           : ngx_http_task_error_echo_json(rd->in->pool, json);
}


/* if the function takes a secret, it may be anywhere in an object or array */

cJSON *
ngx_http_task_echo_object(ngx_http_task_reader_t *rd,
    ngx_http_task_span_t *json)
{
    return rd->in->conf->secret
           ? ngx_http_task_error_echo_secret()
           : ngx_http_task_error_echo_json(rd->in->pool, json);
}
