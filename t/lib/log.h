
/*
 * What an entry of nginx's log is made with, for drivers that have a log of
 * their own.  Angie names the file of the source, too.
 */


#ifndef _LOG_H_INCLUDED_
#define _LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#if (angie_version >= 1012000)

#define LOG_ENTRY                                                            \
    ngx_uint_t level, ngx_log_t *log, const char *source, ngx_err_t err,     \
    const char *fmt, ...

#else

#define LOG_ENTRY                                                            \
    ngx_uint_t level, ngx_log_t *log, ngx_err_t err, const char *fmt, ...

#endif


#endif /* _LOG_H_INCLUDED_ */
