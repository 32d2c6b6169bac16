
/*
 * Libraries of functions: loaded from private copies, and checked.
 */


#include "function/ngx_http_task_function.h"

#include <dlfcn.h>


static ngx_http_task_library_t *ngx_http_task_library_create(ngx_conf_t *cf,
    const char *file);
static void *ngx_http_task_library_open(ngx_conf_t *cf,
    ngx_http_task_library_t *library);
static void ngx_http_task_library_unloaded(ngx_conf_t *cf,
    ngx_http_task_library_t *library, const char *error);
static void ngx_http_task_library_close(void *data);
static ngx_int_t ngx_http_task_library_check(ngx_conf_t *cf, ngx_str_t *file,
    const ngx_task_library_t *descriptor);
static ngx_int_t ngx_http_task_library_add(ngx_conf_t *cf,
    ngx_array_t *libraries, ngx_http_task_library_t *library,
    const ngx_task_library_t *descriptor);


/* of this worker; NULL elsewhere */

static ngx_array_t  *ngx_http_task_libraries;


ngx_int_t
ngx_http_task_library_load(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_str_t *file)
{
    void                      *handle;
    Dl_info                    info;
    ngx_pool_cleanup_t        *cln;
    ngx_http_task_library_t   *library;
    const ngx_task_library_t  *descriptor;

    library = ngx_http_task_library_create(cf, (char *) file->data);
    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);

    if (library == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    handle = ngx_http_task_library_open(cf, library);
    if (handle == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_task_library_close;
    cln->data = handle;

    descriptor = dlsym(handle, "ngx_task_library");

    /* dlsym() also looks into what the library depends on */

    if (descriptor == NULL
        || dladdr(descriptor, &info) == 0
        || ngx_strcmp(info.dli_fname, library->path) != 0)
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" is not a library of task functions, it has "
                         "no NGX_TASK_LIBRARY()", file);
    }

    if (ngx_http_task_library_add(cf, libraries, library, descriptor)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_task_symbols_check(cf, file, handle);

    return NGX_OK;
}


/* the functions of the module are a library like any other, the first one */

ngx_int_t
ngx_http_task_library_builtin(ngx_conf_t *cf, ngx_array_t *libraries,
    const ngx_task_library_t *descriptor)
{
    ngx_http_task_library_t  *library;

    if (libraries->nelts) {
        return NGX_OK;
    }

    library = ngx_http_task_library_create(cf, "built-in");
    if (library == NULL) {
        return NGX_ERROR;
    }

    library->builtin = 1;

    return ngx_http_task_library_add(cf, libraries, library, descriptor);
}


void
ngx_http_task_library_init(ngx_array_t *libraries)
{
    ngx_http_task_libraries = libraries;
}


const char *
ngx_http_task_library_file(const char *path)
{
    ngx_uint_t                 i;
    ngx_http_task_library_t  **library;

    if (ngx_http_task_libraries == NULL) {
        return path;
    }

    library = ngx_http_task_libraries->elts;

    for (i = 0; i < ngx_http_task_libraries->nelts; i++) {
        if (ngx_strcmp(library[i]->path, path) == 0) {
            return (char *) library[i]->file.data;
        }
    }

    return path;
}


static ngx_http_task_library_t *
ngx_http_task_library_create(ngx_conf_t *cf, const char *file)
{
    ngx_http_task_library_t  *library;

    library = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_library_t));

    if (library) {
        library->file.data = (u_char *) file;
        library->file.len = ngx_strlen(file);
    }

    return library;
}


static void *
ngx_http_task_library_open(ngx_conf_t *cf, ngx_http_task_library_t *library)
{
    void                   *handle;
    ngx_fd_t                fd;
    ngx_http_task_guard_t   before;

    fd = ngx_http_task_copy_make(cf, library);
    if (fd == NGX_INVALID_FILE) {
        return NULL;
    }

    if (!ngx_http_task_copy_whole(fd)) {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "\"%V\" is not complete: write it beside "
                                      "that, and then rename it",
                                      &library->file);
        (void) close(fd);
        return NULL;
    }

    /* its constructors run now */

    ngx_http_task_crash_init(ngx_http_task_library_file);
    before = ngx_http_task_guard(NULL, &library->file);

    handle = dlopen((char *) library->path, RTLD_NOW|RTLD_LOCAL);

    ngx_http_task_unguard(before);
    ngx_http_task_crash_stop();

    if (handle == NULL) {
        ngx_http_task_library_unloaded(cf, library, dlerror());
    }

    (void) close(fd);

    return handle;
}


static void
ngx_http_task_library_unloaded(ngx_conf_t *cf,
    ngx_http_task_library_t *library, const char *error)
{
    size_t  len;

    /* the private copy's name says nothing */

    len = ngx_strlen(library->path);

    if (ngx_strncmp(error, library->path, len) == 0) {
        error += len + sizeof(": ") - 1;
    }

    if (ngx_strstr(error, "undefined symbol")) {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" cannot be loaded: %s, is a library missing in "
                         "its link, as by -lname?", &library->file, error);

    } else if (ngx_strstr(error, "ELF") || ngx_strstr(error, "ET_DYN")) {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" cannot be loaded: %s, it has to be linked "
                         "with -shared", &library->file, error);

    } else {
        (void) ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" cannot be loaded: %s", &library->file, error);
    }
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

    if (d->abi_major == NGX_TASK_ABI_MAJOR
        && d->abi_minor > NGX_TASK_ABI_MINOR)
    {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" is built for version %uD.%uD of ngx_task.h, "
                         "this module is older and has %d.%d: build the "
                         "library with its header, or install a newer module",
                         file, d->abi_major, d->abi_minor,
                         NGX_TASK_ABI_MAJOR, NGX_TASK_ABI_MINOR);
    }

    if (d->abi_major != NGX_TASK_ABI_MAJOR) {
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
                         "%uD.%uD of ngx_task.h: build it again, without "
                         "options that pack structures",
                         file, d->abi_major, d->abi_minor);
    }

    if (d->name == NULL || d->functions == NULL) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "\"%V\" has no %s", file,
                         d->name ? "functions" : "name");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_library_add(ngx_conf_t *cf, ngx_array_t *libraries,
    ngx_http_task_library_t *library, const ngx_task_library_t *descriptor)
{
    ngx_uint_t                 i;
    ngx_http_task_library_t  **known;

    if (ngx_http_task_library_check(cf, &library->file, descriptor) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(&library->table, descriptor,
               ngx_min(descriptor->size, sizeof(ngx_task_library_t)));

    library->name.data = (u_char *) descriptor->name;
    library->name.len = ngx_strlen(descriptor->name);

    known = libraries->elts;

    for (i = 0; i < libraries->nelts; i++) {
        if (ngx_strcmp(known[i]->table.name, descriptor->name) == 0) {
            return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                         "library \"%V\" of \"%V\" is loaded already, from "
                         "\"%V\"", &library->name, &library->file,
                         &known[i]->file);
        }
    }

    if (ngx_http_task_functions_add(cf, library) != NGX_OK) {
        return NGX_ERROR;
    }

    known = ngx_array_push(libraries);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = library;

    return NGX_OK;
}
