
/*
 * Included before each file of src/ when the module is built for
 * t/170-alloc.t: the n-th allocation of a worker fails, n from FAIL_AT in the
 * environment.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <cjson/cJSON.h>
#include <sys/mman.h>


int fail_now(void);


#define ngx_alloc(n, log)            (fail_now() ? NULL : ngx_alloc(n, log))
#define ngx_calloc(n, log)           (fail_now() ? NULL : ngx_calloc(n, log))
#define ngx_palloc(p, n)             (fail_now() ? NULL : ngx_palloc(p, n))
#define ngx_pnalloc(p, n)            (fail_now() ? NULL : ngx_pnalloc(p, n))
#define ngx_pcalloc(p, n)            (fail_now() ? NULL : ngx_pcalloc(p, n))
#define ngx_pstrdup(p, s)            (fail_now() ? NULL : ngx_pstrdup(p, s))
#define mmap(p, n, prot, flags, fd, offset)                                   \
    (fail_now() ? MAP_FAILED : mmap(p, n, prot, flags, fd, offset))
#define ngx_create_pool(n, log)                                               \
    (fail_now() ? NULL : ngx_create_pool(n, log))
#define ngx_array_create(p, n, s)                                             \
    (fail_now() ? NULL : ngx_array_create(p, n, s))
#define ngx_array_init(a, p, n, s)                                            \
    (fail_now() ? NGX_ERROR : ngx_array_init(a, p, n, s))
#define ngx_array_push_n(a, n)                                                \
    (fail_now() ? NULL : ngx_array_push_n(a, n))
#define ngx_alloc_chain_link(p)                                               \
    (fail_now() ? NULL : ngx_alloc_chain_link(p))
#define ngx_create_temp_buf(p, n)                                             \
    (fail_now() ? NULL : ngx_create_temp_buf(p, n))
#define ngx_array_push(a)            (fail_now() ? NULL : ngx_array_push(a))
#define ngx_chain_get_free_buf(p, free)                                       \
    (fail_now() ? NULL : ngx_chain_get_free_buf(p, free))
#define ngx_list_push(l)             (fail_now() ? NULL : ngx_list_push(l))
#define ngx_pool_cleanup_add(p, n)                                            \
    (fail_now() ? NULL : ngx_pool_cleanup_add(p, n))
#define ngx_http_cleanup_add(r, n)                                            \
    (fail_now() ? NULL : ngx_http_cleanup_add(r, n))
#define ngx_list_init(l, p, n, s)                                             \
    (fail_now() ? NGX_ERROR : ngx_list_init(l, p, n, s))
#define ngx_http_create_request(c)                                            \
    (fail_now() ? NULL : ngx_http_create_request(c))
#define ngx_get_connection(s, log)                                            \
    (fail_now() ? NULL : ngx_get_connection(s, log))
#define ngx_connection_local_sockaddr(c, s, port)                             \
    (fail_now() ? NGX_ERROR : ngx_connection_local_sockaddr(c, s, port))
#define ngx_create_temp_file(f, path, p, persistent, clean, access)           \
    (fail_now() ? NGX_ERROR                                                   \
                : ngx_create_temp_file(f, path, p, persistent, clean, access))
#define realloc(p, n)                (fail_now() ? NULL : realloc(p, n))
#define socket(domain, type, proto)                                           \
    (fail_now() ? -1 : socket(domain, type, proto))
#define fcntl(fd, cmd, arg)                                                   \
    ((cmd) == F_DUPFD_CLOEXEC && fail_now() ? (errno = EMFILE, -1)            \
                                            : fcntl(fd, cmd, arg))
#define ngx_http_complex_value(r, cv, v)                                      \
    (fail_now() ? NGX_ERROR : ngx_http_complex_value(r, cv, v))
