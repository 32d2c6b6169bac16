
/*
 * Server-sent events.  A field of an event is a line, and so is each line of
 * its data; an empty line ends the event.  A line ends with LF, CRLF or CR.
 */


#include "text/ngx_http_task_event.h"

#include <string.h>


static unsigned char *ngx_http_task_event_field(unsigned char *p,
    const char *name, const char *value, size_t len);


size_t
ngx_http_task_event_size(const char *event, const char *id, const char *data,
    size_t len)
{
    size_t  i, size;

    size = sizeof("event: \nid: \ndata: \n\n") + len;

    size += event ? strlen(event) : 0;
    size += id ? strlen(id) : 0;

    for (i = 0; data && i < len; i++) {
        if (data[i] == '\n' || data[i] == '\r') {
            size += sizeof("\ndata: ");
        }
    }

    return size;
}


unsigned char *
ngx_http_task_event_print(unsigned char *p, const char *event, const char *id,
    const char *data, size_t len)
{
    size_t       n;
    const char  *end;

    if (id) {
        p = ngx_http_task_event_field(p, "id: ", id, strlen(id));
    }

    if (event) {
        p = ngx_http_task_event_field(p, "event: ", event, strlen(event));
    }

    while (data) {
        end = data + len;

        for (n = 0; n < len && data[n] != '\n' && data[n] != '\r'; n++) {
            /* void */
        }

        p = ngx_http_task_event_field(p, "data: ", data, n);

        if (n == len) {
            break;
        }

        n += (data[n] == '\r' && data + n + 1 < end && data[n + 1] == '\n')
             ? 2 : 1;

        data += n;
        len -= n;
    }

    *p++ = '\n';

    return p;
}


static unsigned char *
ngx_http_task_event_field(unsigned char *p, const char *name, const char *value,
    size_t len)
{
    size_t  n;

    n = strlen(name);

    memcpy(p, name, n);
    memcpy(p + n, value, len);

    p += n + len;
    *p++ = '\n';

    return p;
}


unsigned char *
ngx_http_task_event_end(ngx_http_task_event_scan_t *scan, unsigned char *p,
    unsigned char *last)
{
    unsigned  cr;

    while (p < last) {
        cr = scan->cr;
        scan->cr = (*p == '\r');

        switch (*p++) {

        case '\n':
            if (cr) {
                break;
            }

            /* fall through */

        case '\r':
            if (!scan->line) {
                return p;
            }

            scan->line = 0;
            break;

        default:
            scan->line = 1;
        }
    }

    return NULL;
}


/* the last one counts; one with a null is none */

const unsigned char *
ngx_http_task_event_id(const unsigned char *text, size_t len, size_t *id_len)
{
    size_t                n;
    const unsigned char  *id, *value;

    id = NULL;

    while (len) {
        for (n = 0; n < len && text[n] != '\n' && text[n] != '\r'; n++) {
            /* void */
        }

        if (n >= 3 && memcmp(text, "id:", 3) == 0
            && memchr(text, '\0', n) == NULL)
        {
            value = text + 3 + (n > 3 && text[3] == ' ');

            id = value;
            *id_len = text + n - value;
        }

        n += (n < len);

        text += n;
        len -= n;
    }

    return id;
}
