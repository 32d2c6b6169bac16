
/*
 * Libraries of functions: loaded, checked, and found by name.
 *
 * A library is loaded from a private copy, under a name that was never used
 * before.  So if its file is replaced, in whatever way, code that is mapped
 * does not change, and dlopen() does not return the code that it has by that
 * name.
 */


#include "function/ngx_http_task_function.h"

#include <dlfcn.h>
#include <sys/mman.h>


/* since Linux 6.3, in which sysctl vm.memfd_noexec may require it */

#ifdef MFD_EXEC
#define NGX_HTTP_TASK_MFD_EXEC  MFD_EXEC
#else
#define NGX_HTTP_TASK_MFD_EXEC  0x0010U
#endif


static void *ngx_http_task_library_open(ngx_conf_t *cf, ngx_str_t *file,
    u_char *path);
static ngx_fd_t ngx_http_task_library_copy(ngx_conf_t *cf, ngx_str_t *file);
static const char *ngx_http_task_library_copy_to(ngx_fd_t copy, ngx_fd_t fd);
static void ngx_http_task_library_path(u_char *path, ngx_fd_t fd);
static void ngx_http_task_library_close(void *data);
static ngx_int_t ngx_http_task_library_check(ngx_conf_t *cf, ngx_str_t *file,
    const ngx_task_library_t *descriptor);
static ngx_http_task_library_t *ngx_http_task_library_add(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_str_t *file,
    const ngx_task_library_t *descriptor);


ngx_int_t
ngx_http_task_library_load(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *file)
{
    void                      *handle;
    u_char                     path[NGX_HTTP_TASK_LIBRARY_PATH];
    Dl_info                    info;
    ngx_pool_cleanup_t        *cln;
    const ngx_task_library_t  *descriptor;

    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    handle = ngx_http_task_library_open(cf, file, path);
    if (handle == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_task_library_close;
    cln->data = handle;

    descriptor = dlsym(handle, "ngx_task_library");

    /* dlsym() also looks into what the library depends on */

    if (descriptor == NULL
        || dladdr(descriptor, &info) == 0
        || ngx_strcmp(info.dli_fname, path) != 0)
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" is not a library of task functions, it has "
                         "no NGX_TASK_LIBRARY()", file);
    }

    if (ngx_http_task_library_check(cf, file, descriptor) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_task_library_add(cf, libraries, file, descriptor)
           ? NGX_OK : NGX_ERROR;
}


/* the functions of the module are a library like any other, the first one */

ngx_int_t
ngx_http_task_library_builtin(ngx_conf_t *cf, ngx_array_t *libraries,
    const ngx_task_library_t *descriptor)
{
    ngx_str_t                 file;
    ngx_http_task_library_t  *library;

    if (libraries->nelts) {
        return NGX_OK;
    }

    ngx_str_set(&file, "built-in");

    if (ngx_http_task_library_check(cf, &file, descriptor) != NGX_OK) {
        return NGX_ERROR;
    }

    library = ngx_http_task_library_add(cf, libraries, &file, descriptor);

    if (library == NULL) {
        return NGX_ERROR;
    }

    library->builtin = 1;

    return NGX_OK;
}


static void *
ngx_http_task_library_open(ngx_conf_t *cf, ngx_str_t *file, u_char *path)
{
    void      *handle;
    size_t     len;
    char      *error;
    ngx_fd_t   fd;

    fd = ngx_http_task_library_copy(cf, file);
    if (fd == NGX_INVALID_FILE) {
        return NULL;
    }

    ngx_http_task_library_path(path, fd);

    handle = dlopen((char *) path, RTLD_NOW|RTLD_LOCAL);

    if (handle == NULL) {

        /* the private copy's name says nothing */

        error = dlerror();
        len = ngx_strlen(path);

        if (ngx_strncmp(error, path, len) == 0) {
            error += len + sizeof(": ") - 1;
        }

        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "\"%V\" cannot be loaded: %s", file,
                                      error);
    }

    (void) close(fd);

    return handle;
}


static ngx_fd_t
ngx_http_task_library_copy(ngx_conf_t *cf, ngx_str_t *file)
{
    ngx_fd_t     fd, copy;
    const char  *failed;

    failed = NULL;
    copy = NGX_INVALID_FILE;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        failed = ngx_open_file_n;

    } else {
        copy = memfd_create("task_library", MFD_CLOEXEC|NGX_HTTP_TASK_MFD_EXEC);

        if (copy == NGX_INVALID_FILE && ngx_errno == NGX_EINVAL) {
            copy = memfd_create("task_library", MFD_CLOEXEC);
        }

        failed = (copy == NGX_INVALID_FILE) ? "memfd_create()"
                                     : ngx_http_task_library_copy_to(copy, fd);
    }

    if (failed) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "%s \"%V\" failed",
                           failed, file);
    }

    if (fd != NGX_INVALID_FILE) {
        (void) close(fd);
    }

    if (failed && copy != NGX_INVALID_FILE) {
        (void) close(copy);
        copy = NGX_INVALID_FILE;
    }

    return copy;
}


/* returns the name of what failed, or NULL */

static const char *
ngx_http_task_library_copy_to(ngx_fd_t copy, ngx_fd_t fd)
{
    u_char   buf[16384];
    ssize_t  n;

    for ( ;; ) {
        n = read(fd, buf, sizeof(buf));

        if (n == 0) {
            return NULL;
        }

        if (n < 0) {
            return "read()";
        }

        ngx_set_errno(NGX_ENOSPC);         /* if the write is short */

        if (write(copy, buf, n) != n) {
            return "write()";
        }
    }
}


/*
 * Spells the path of a descriptor, never twice in the same way: each "/./" or
 * "/" before its number stands for a bit of a counter.
 */

static void
ngx_http_task_library_path(u_char *path, ngx_fd_t fd)
{
    u_char            *p;
    uint32_t           bits;
    ngx_uint_t         i;
    static uint32_t    count;

    bits = count++;

    p = ngx_cpymem(path, "/proc/self/fd", sizeof("/proc/self/fd") - 1);

    for (i = 0; i < 32; i++) {
        *p++ = '/';

        if (bits & 1) {
            *p++ = '.';
            *p++ = '/';
        }

        bits >>= 1;
    }

    *ngx_sprintf(p, "/%d", fd) = '\0';
}


static void
ngx_http_task_library_close(void *data)
{
    void *handle = data;

    (void) dlclose(handle);
}


static ngx_int_t
ngx_http_task_library_check(ngx_conf_t *cf, ngx_str_t *file,
    const ngx_task_library_t *d)
{
    ngx_uint_t  same;

    if (d->abi_major != NGX_TASK_ABI_MAJOR
        || d->abi_minor > NGX_TASK_ABI_MINOR)
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" is built for version %uD.%uD of ngx_task.h, "
                         "this module has %d.%d: build it again",
                         file, d->abi_major, d->abi_minor,
                         NGX_TASK_ABI_MAJOR, NGX_TASK_ABI_MINOR);
    }

    /* structures grow with the minor number */

    same = (d->abi_minor == NGX_TASK_ABI_MINOR);

    if (d->size < (same ? sizeof(ngx_task_library_t)
                        : NGX_HTTP_TASK_LIBRARY_SIZE)
        || d->function_size < (same ? sizeof(ngx_task_function_t)
                                    : NGX_HTTP_TASK_FUNCTION_SIZE)
        || d->function_size > sizeof(ngx_task_function_t)
        || d->param_size < (same ? sizeof(ngx_task_param_t)
                                 : NGX_HTTP_TASK_PARAM_SIZE)
        || d->param_size > sizeof(ngx_task_param_t))
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" has structures of a wrong size for version "
                         "%uD.%uD of ngx_task.h: build it again",
                         file, d->abi_major, d->abi_minor);
    }

    if (d->name == NULL || d->functions == NULL) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" has no %s", file,
                         d->name ? "functions" : "name");
    }

    return NGX_OK;
}


static ngx_http_task_library_t *
ngx_http_task_library_add(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *file, const ngx_task_library_t *descriptor)
{
    ngx_uint_t                i;
    ngx_http_task_library_t  *library, **known;

    library = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_library_t));
    if (library == NULL) {
        return NULL;
    }

    ngx_memcpy(&library->table, descriptor,
               ngx_min(descriptor->size, sizeof(ngx_task_library_t)));

    library->file = *file;
    library->name.data = (u_char *) descriptor->name;
    library->name.len = ngx_strlen(descriptor->name);

    known = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {
        if (ngx_strcmp(known[i]->table.name, descriptor->name) == 0) {
            (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "library \"%V\" of \"%V\" is loaded already, from "
                         "\"%V\"", &library->name, file, &known[i]->file);
            return NULL;
        }
    }

    if (ngx_http_task_functions_add(cf, library) != NGX_OK) {
        return NULL;
    }

    known = ngx_array_push(libraries);
    if (known == NULL) {
        return NULL;
    }

    *known = library;

    return library;
}
