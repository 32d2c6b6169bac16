
/*
 * How an input lies in bytes, for who packs and who unpacks.
 *
 * They begin with a version and the key of a location, and go on with items: a
 * tag, a length of 32 bits, and so many bytes.  Of a number the lowest byte
 * comes first.  The body is the last item, so that it need not be copied to be
 * put behind the others.
 */


#ifndef _NGX_HTTP_TASK_PACK_H_INCLUDED_
#define _NGX_HTTP_TASK_PACK_H_INCLUDED_


#include "input/ngx_http_task_input.h"


#define NGX_HTTP_TASK_PACK_VERSION  1

/* tags; an item of a length that is not 0 stands there once, but for values */

#define NGX_HTTP_TASK_PACK_LINE      'l'
#define NGX_HTTP_TASK_PACK_METHOD    'm'
#define NGX_HTTP_TASK_PACK_URI       'u'
#define NGX_HTTP_TASK_PACK_ADDR      'a'
#define NGX_HTTP_TASK_PACK_ID        'i'
#define NGX_HTTP_TASK_PACK_TRACE     's'
#define NGX_HTTP_TASK_PACK_QUERY     'q'
#define NGX_HTTP_TASK_PACK_NAME      'n'     /* of a parameter, .. */
#define NGX_HTTP_TASK_PACK_VALUE     'v'     /* .. and each value of it */
#define NGX_HTTP_TASK_PACK_MEDIA     't'
#define NGX_HTTP_TASK_PACK_BOUNDARY  'p'
#define NGX_HTTP_TASK_PACK_BODY      'b'

#define NGX_HTTP_TASK_PACK_HEAD      9       /* bytes before the items */
#define NGX_HTTP_TASK_PACK_ITEM      5       /* bytes before those of an item */


/* a string of the context, which is an item; tag 0: no more */

typedef struct {
    u_char                           tag;
    size_t                           offset;
} ngx_http_task_pack_context_t;


extern const ngx_http_task_pack_context_t  ngx_http_task_pack_context[];

#define ngx_http_task_pack_string(context, i)                                 \
    ((ngx_str_t *) ((u_char *) (context)                                      \
                    + ngx_http_task_pack_context[i].offset))

uint64_t ngx_http_task_packed_number(const u_char *p, size_t size);


#endif /* _NGX_HTTP_TASK_PACK_H_INCLUDED_ */
