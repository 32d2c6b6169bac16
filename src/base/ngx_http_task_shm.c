
/*
 * Shared memory: "name:size" in a directive, and mutexes.
 */


#include "base/ngx_http_task_base.h"
#include "text/ngx_http_task_text.h"


static ssize_t ngx_http_task_shm_resized(ngx_conf_t *cf,
    const char *directive, ngx_str_t *name, void *tag, ssize_t n);


ssize_t
ngx_http_task_shm_size(ngx_conf_t *cf, const char *directive, size_t least,
    ngx_str_t *text, ngx_str_t *name, void *tag)
{
    u_char    *p;
    ssize_t    n;
    ngx_str_t  size;

    p = ngx_strlchr(text->data, text->data + text->len, ':');

    if (p == NULL || p == text->data) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "invalid zone \"%V\", it must be "
                                      "name:size", text);
    }

    name->data = text->data;
    name->len = p - text->data;
    size.data = p + 1;
    size.len = text->len - name->len - 1;

    if (ngx_http_task_utf8_valid(name->data, name->len) != name->len) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "\"%s\" directive has a name that is not "
                                      "UTF-8", directive);
    }

    n = ngx_parse_size(&size);

    if (n == NGX_ERROR) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "invalid size \"%V\" of zone \"%V\"",
                                      &size, name);
    }

    least = ngx_max(least, 8 * ngx_pagesize);

    if (n < (ssize_t) least) {
        return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                                      "zone \"%V\" is too small, it must have "
                                      "at least %uzk", name,
                                      (least + 1023) / 1024);
    }

    return ngx_http_task_shm_resized(cf, directive, name, tag, n);
}


/* if its size has changed, nginx would silently begin the zone anew */

static ssize_t
ngx_http_task_shm_resized(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, void *tag, ssize_t n)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *old;
    ngx_list_part_t  *part;

    for (part = &cf->cycle->old_cycle->shared_memory.part; part;
         part = part->next)
    {
        old = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (old[i].tag == tag
                && old[i].shm.name.len == name->len
                && ngx_strncmp(old[i].shm.name.data, name->data, name->len) == 0
                && old[i].shm.size != (size_t) n)
            {
                return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, NULL,
                              "size of %s \"%V\" cannot be changed by a "
                              "reload, it is %uz: restart nginx, or use "
                              "another name", directive, name, old[i].shm.size);
            }
        }
    }

    return n;
}


/* these calls never fail in glibc, but may in other libraries */

ngx_int_t
ngx_http_task_shm_mutex(pthread_mutex_t *mutex)
{
    ngx_int_t            rc;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0
        || pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0
        || pthread_mutex_init(mutex, &attr) != 0)
    {
        rc = NGX_ERROR;
    }

    (void) pthread_mutexattr_destroy(&attr);

    return rc;
}
