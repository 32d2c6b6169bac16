
/*
 * A private copy of a library's file, under a name that was never used before.
 * So if the file is replaced, in whatever way, code that is mapped does not
 * change, and dlopen() does not return the code that it has by that name.
 */


#include "function/ngx_http_task_function.h"

#include <link.h>
#include <sys/mman.h>


/* since Linux 6.3, in which sysctl vm.memfd_noexec may require it */

#ifdef MFD_EXEC
#define NGX_HTTP_TASK_MFD_EXEC  MFD_EXEC
#else
#define NGX_HTTP_TASK_MFD_EXEC  0x0010U
#endif


typedef ElfW(Ehdr)  ngx_http_task_head_t;
typedef ElfW(Phdr)  ngx_http_task_part_t;


static const char *ngx_http_task_copy_to(ngx_fd_t copy, ngx_fd_t fd);
static const char *ngx_http_task_copy_modified(ngx_conf_t *cf, ngx_fd_t fd,
    ngx_str_t *modified);
static void ngx_http_task_copy_path(u_char *path, ngx_fd_t fd);


ngx_fd_t
ngx_http_task_copy_make(ngx_conf_t *cf, ngx_http_task_library_t *library)
{
    ngx_fd_t     fd, copy;
    ngx_str_t   *file;
    const char  *failed;

    file = &library->file;
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
                                            : ngx_http_task_copy_to(copy, fd);
    }

    if (!failed) {
        failed = ngx_http_task_copy_modified(cf, fd, &library->modified);

        ngx_http_task_copy_path(library->path, copy);
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


/*
 * A file may be half written: the dynamic linker maps what its headers tell,
 * and who reads behind the end of a file gets SIGBUS, here the master process.
 */

ngx_uint_t
ngx_http_task_copy_whole(ngx_fd_t copy)
{
    off_t                  size;
    ssize_t                n;
    ngx_uint_t             i;
    ngx_file_info_t        fi;
    ngx_http_task_head_t   head;
    ngx_http_task_part_t   part;

    /* dlopen() says what other files are */

    if (ngx_fd_info(copy, &fi) == NGX_FILE_ERROR
        || pread(copy, &head, sizeof(head), 0) != sizeof(head)
        || ngx_memcmp(head.e_ident, ELFMAG, SELFMAG) != 0
        || head.e_phentsize != sizeof(part))
    {
        return 1;
    }

    size = ngx_file_size(&fi);

    for (i = 0; i < head.e_phnum; i++) {

        n = pread(copy, &part, sizeof(part),
                  (off_t) (head.e_phoff + i * sizeof(part)));

        if (n != sizeof(part)
            || (part.p_type == PT_LOAD
                && (part.p_offset > (uint64_t) size
                    || (uint64_t) size - part.p_offset < part.p_filesz)))
        {
            return 0;
        }
    }

    return 1;
}


/* returns the name of what failed, or NULL */

static const char *
ngx_http_task_copy_to(ngx_fd_t copy, ngx_fd_t fd)
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


/* which build it is: returns the name of what failed, or NULL */

static const char *
ngx_http_task_copy_modified(ngx_conf_t *cf, ngx_fd_t fd, ngx_str_t *modified)
{
    ngx_tm_t         tm;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        return ngx_fd_info_n;
    }

    modified->data = ngx_pnalloc(cf->pool, sizeof("1970-09-28T12:00:00Z") - 1);
    if (modified->data == NULL) {
        return "malloc() for";
    }

    ngx_gmtime(ngx_file_mtime(&fi), &tm);

    modified->len = ngx_sprintf(modified->data,
                                "%4d-%02d-%02dT%02d:%02d:%02dZ",
                                tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                                tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec)
                    - modified->data;

    return NULL;
}


/*
 * Spells the path of a descriptor, never twice in the same way: each "/./" or
 * "/" before its number stands for a bit of a counter.
 */

static void
ngx_http_task_copy_path(u_char *path, ngx_fd_t fd)
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
