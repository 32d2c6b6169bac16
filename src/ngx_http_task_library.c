
/*
 * The functions that there are, by name.
 */


#include "ngx_http_task.h"


extern const ngx_task_function_t  ngx_http_task_builtins[];


const ngx_task_function_t *
ngx_http_task_find_function(ngx_str_t *name)
{
    const ngx_task_function_t  *function;

    for (function = ngx_http_task_builtins; function->name; function++) {

        if (ngx_strlen(function->name) == name->len
            && ngx_strncmp(function->name, name->data, name->len) == 0)
        {
            return function;
        }
    }

    return NULL;
}
