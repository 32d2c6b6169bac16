
/*
 * What the handlers of directives share: messages with a place, and options.
 */


#include "base/ngx_http_task_base.h"


static ngx_int_t ngx_http_task_conf_unknown(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_task_option_t *options);


void
ngx_http_task_conf_place(ngx_conf_t *cf, ngx_http_task_place_t *place)
{
    place->file = cf->conf_file->file.name;
    place->line = cf->conf_file->line;
}


/* ngx_conf_log_error() logs the line that is read now: so set another one */

ngx_int_t
ngx_http_task_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...)
{
    u_char            buf[NGX_MAX_CONF_ERRSTR], *p;
    va_list           args;
    ngx_conf_file_t   file, *current;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf) - 1, fmt, args);
    va_end(args);

    *p = '\0';

    current = cf->conf_file;

    if (place) {
        ngx_memzero(&file, sizeof(ngx_conf_file_t));

        file.file.name = place->file;
        file.line = place->line;

        /* a directive of "nginx -g" stands in no file */

        if (place->file.data == NULL) {
            file.file.fd = NGX_INVALID_FILE;
        }

        cf->conf_file = &file;
    }

    ngx_conf_log_error(level, cf, 0, "%s", buf);

    cf->conf_file = current;

    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_conf_options(ngx_conf_t *cf, ngx_uint_t first,
    ngx_http_task_option_t *options)
{
    size_t                   len;
    ngx_str_t               *text;
    ngx_uint_t               i;
    ngx_http_task_option_t  *option;

    text = cf->args->elts;

    for (i = first; i < cf->args->nelts; i++) {

        for (option = options; option->name; option++) {
            len = ngx_strlen(option->name);

            if (text[i].len > len && text[i].data[len] == '='
                && ngx_strncmp(text[i].data, option->name, len) == 0)
            {
                break;
            }
        }

        if (option->name == NULL) {
            return ngx_http_task_conf_unknown(cf, &text[i], options);
        }

        if (option->value->data) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                          "duplicate parameter \"%V\"",
                                          &text[i]);
        }

        option->value->data = text[i].data + len + 1;
        option->value->len = text[i].len - len - 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_conf_unknown(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_task_option_t *options)
{
    u_char                  *p, *last, known[256];
    ngx_http_task_option_t  *option;

    p = known;
    last = known + sizeof(known);

    for (option = options; option->name; option++) {
        p = ngx_slprintf(p, last, "%s\"%s=\"", (option == options) ? ""
                         : option[1].name ? ", " : " or ", option->name);
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                  "invalid parameter \"%V\", it must be %*s",
                                  text, (size_t) (p - known), known);
}


ngx_int_t
ngx_http_task_conf_time(ngx_str_t *text)
{
    int64_t  ms;

    ms = ngx_parse_time(text, 0);

    return (ms > NGX_HTTP_TASK_MAX_MS) ? NGX_ERROR : (ngx_int_t) ms;
}


char *
ngx_http_task_conf_invalid(ngx_conf_t *cf, ngx_http_task_option_t *option,
    const char *right)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%s=%V\", it "
                       "must be %s", option->name, option->value, right);

    return NGX_CONF_ERROR;
}


char *
ngx_http_task_conf_invalid_time(ngx_conf_t *cf, ngx_http_task_option_t *option)
{
    return ngx_http_task_conf_invalid(cf, option,
                                  "a time of at most " NGX_HTTP_TASK_MAX_TIME);
}


char *
ngx_http_task_conf_time_post(ngx_conf_t *cf, void *post, void *data)
{
    int64_t  ms;

    ms = *(ngx_msec_t *) data;

    return (ms > NGX_HTTP_TASK_MAX_MS)
           ? "takes a time of at most " NGX_HTTP_TASK_MAX_TIME : NGX_CONF_OK;
}
