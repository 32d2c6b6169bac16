
/*
 * Tables of a library, of functions and of parameters: where they end.  Behind
 * the last row of a table without an end there is anything, of which only what
 * cannot be read can be told from a name.
 */


#include "function/ngx_http_task_function.h"

#include <sys/uio.h>


/* no table has so many rows */

#define NGX_HTTP_TASK_TABLE_ROWS  10000


static ngx_uint_t ngx_http_task_table_reads(const void *p, size_t len);


ngx_uint_t
ngx_http_task_table_rows(u_char *table, size_t size, ngx_uint_t n)
{
    char        *name;
    ngx_uint_t   i;

    for (i = 0; n == 0 || i < n; i++) {

        if (i == NGX_HTTP_TASK_TABLE_ROWS
            || !ngx_http_task_table_reads(table + i * size, size))
        {
            return NGX_HTTP_TASK_ENDLESS;
        }

        name = *(char **) (table + i * size);

        if (name == NULL) {
            break;
        }

        if (!ngx_http_task_table_reads(name, 1)) {
            return NGX_HTTP_TASK_ENDLESS;
        }
    }

    return i;
}


/* returns 0 if a read would crash; where the kernel does not tell, 1 */

static ngx_uint_t
ngx_http_task_table_reads(const void *p, size_t len)
{
    u_char        buf[sizeof(ngx_task_function_t) + sizeof(ngx_task_param_t)];
    ssize_t       n;
    struct iovec  here, there;

    here.iov_base = buf;
    here.iov_len = ngx_min(len, sizeof(buf));
    there.iov_base = (void *) p;
    there.iov_len = here.iov_len;

    n = process_vm_readv(ngx_getpid(), &here, 1, &there, 1, 0);

    return n == (ssize_t) here.iov_len || (n == -1 && ngx_errno != EFAULT);
}
