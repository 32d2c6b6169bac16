
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


/* how far a text of events was read, which comes in parts; at first all 0 */

typedef struct {
    unsigned  cr:1;          /* its last byte was a CR */
    unsigned  line:1;        /* its last line has not ended, and is not empty */
} ngx_http_task_event_scan_t;


/*
 * Returns the end of the event that ends first in the next part of the text,
 * which begins at p; NULL: none ends there.  If an event ends with a CR whose
 * LF is still to come, this LF is the first byte of the next one.
 */

unsigned char *ngx_http_task_event_end(ngx_http_task_event_scan_t *scan,
    unsigned char *p, unsigned char *last);

/* returns the id that the text of an event has, and its length, or NULL */

const unsigned char *ngx_http_task_event_id(const unsigned char *text,
    size_t len, size_t *id_len);


#endif /* _NGX_HTTP_TASK_EVENT_H_INCLUDED_ */
