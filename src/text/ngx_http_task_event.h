
/*
 * Server-sent events, as text.
 */


#ifndef _NGX_HTTP_TASK_EVENT_H_INCLUDED_
#define _NGX_HTTP_TASK_EVENT_H_INCLUDED_


#include <stddef.h>


/*
 * Print an event of a name, an id and len bytes of data; each of them may be
 * NULL.  size() returns how many bytes are needed, print() returns the end.
 */

size_t ngx_http_task_event_size(const char *event, const char *id,
    const char *data, size_t len);
unsigned char *ngx_http_task_event_print(unsigned char *p, const char *event,
    const char *id, const char *data, size_t len);


#endif /* _NGX_HTTP_TASK_EVENT_H_INCLUDED_ */
