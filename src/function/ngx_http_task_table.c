
/*
 * Tables of a library, of functions and of parameters: where they end.  Behind
 * the last row of a table without an end there is anything, of which only what
 * points nowhere can be told from a name.
 */


#include "function/ngx_http_task_function.h"

#include <dlfcn.h>


static ngx_uint_t ngx_http_task_table_points(const void *p);


ngx_uint_t
ngx_http_task_table_rows(u_char *table, size_t size, ngx_uint_t n)
{
    char        *name;
    ngx_uint_t   i;

    for (i = 0; n == 0 || i < n; i++) {

        if (!ngx_http_task_table_points(table + i * size)) {
            return NGX_HTTP_TASK_ENDLESS;
        }

        name = *(char **) (table + i * size);

        if (name == NULL) {
            break;
        }

        if (!ngx_http_task_table_points(name)) {
            return NGX_HTTP_TASK_ENDLESS;
        }
    }

    return i;
}


/* what a library has lies in an object that is loaded */

static ngx_uint_t
ngx_http_task_table_points(const void *p)
{
    Dl_info  info;

    return dladdr(p, &info) != 0;
}
