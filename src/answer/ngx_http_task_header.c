
/*
 * Header fields of an answer.  nginx keeps pointers to those fields that its
 * filters and modules read or replace: a field that is only in the list is
 * sent, but "expires", "auth_request", "gzip" and others do not see it.
 */


#include "answer/ngx_http_task_answer.h"


typedef enum {
    NGX_HTTP_TASK_HEADER_ONE = 0,      /* the last one counts */
    NGX_HTTP_TASK_HEADER_MANY,
    NGX_HTTP_TASK_HEADER_ARRAY         /* many, before nginx 1.23 */
} ngx_http_task_header_e;


typedef struct {
    ngx_str_t               name;
    size_t                  offset;
    ngx_http_task_header_e  kind;
} ngx_http_task_header_t;


#if (nginx_version >= 1023000)
#define NGX_HTTP_TASK_HEADER_LIST  NGX_HTTP_TASK_HEADER_MANY
#else
#define NGX_HTTP_TASK_HEADER_LIST  NGX_HTTP_TASK_HEADER_ARRAY
#endif


static ngx_int_t ngx_http_task_header_place(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_task_header_keep(ngx_http_request_t *r,
    ngx_http_task_header_t *place, ngx_table_elt_t *h);


static ngx_http_task_header_t  ngx_http_task_header_places[] = {

    { ngx_string("Accept-Ranges"),
      offsetof(ngx_http_headers_out_t, accept_ranges),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("Cache-Control"),
      offsetof(ngx_http_headers_out_t, cache_control),
      NGX_HTTP_TASK_HEADER_LIST },

    { ngx_string("Content-Encoding"),
      offsetof(ngx_http_headers_out_t, content_encoding),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("Content-Range"),
      offsetof(ngx_http_headers_out_t, content_range),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("ETag"),
      offsetof(ngx_http_headers_out_t, etag),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("Expires"),
      offsetof(ngx_http_headers_out_t, expires),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("Last-Modified"),
      offsetof(ngx_http_headers_out_t, last_modified),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("Link"),
      offsetof(ngx_http_headers_out_t, link),
      NGX_HTTP_TASK_HEADER_LIST },

    { ngx_string("Location"),
      offsetof(ngx_http_headers_out_t, location),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("Refresh"),
      offsetof(ngx_http_headers_out_t, refresh),
      NGX_HTTP_TASK_HEADER_ONE },

    { ngx_string("WWW-Authenticate"),
      offsetof(ngx_http_headers_out_t, www_authenticate),
      NGX_HTTP_TASK_HEADER_MANY },

    { ngx_null_string, 0, NGX_HTTP_TASK_HEADER_ONE }
};


ngx_int_t
ngx_http_task_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    h->key = *name;
    h->value = *value;

    return ngx_http_task_header_place(r, h);
}


static ngx_int_t
ngx_http_task_header_place(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_http_task_header_t  *place;

    for (place = ngx_http_task_header_places; place->name.len; place++) {

        if (place->name.len == h->key.len
            && ngx_strncasecmp(place->name.data, h->key.data, h->key.len) == 0)
        {
            return ngx_http_task_header_keep(r, place, h);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_header_keep(ngx_http_request_t *r, ngx_http_task_header_t *place,
    ngx_table_elt_t *h)
{
    void              *p;
    ngx_table_elt_t  **ph;

    p = (char *) &r->headers_out + place->offset;
    ph = p;

    if (place->kind == NGX_HTTP_TASK_HEADER_ONE) {

        if (*ph) {
            (*ph)->hash = 0;
        }

#if (nginx_version >= 1023000)

    } else {
        while (*ph) {
            ph = &(*ph)->next;
        }

#else

    } else if (place->kind == NGX_HTTP_TASK_HEADER_ARRAY) {
        ngx_array_t *a = p;

        if (a->elts == NULL
            && ngx_array_init(a, r->pool, 1, sizeof(ngx_table_elt_t *))
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        ph = ngx_array_push(a);
        if (ph == NULL) {
            return NGX_ERROR;
        }

#endif
    }

    *ph = h;

    if (r->headers_out.last_modified == h) {
        r->headers_out.last_modified_time = ngx_parse_http_time(h->value.data,
                                                                h->value.len);
    }

    return NGX_OK;
}


/* a header may have been set before an error_page led here */

void
ngx_http_task_drop_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name->len
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                h[i].hash = 0;
            }
        }
    }
}


/* returns 1 if somebody has said already what caches may do */

ngx_uint_t
ngx_http_task_has_cache_control(ngx_http_request_t *r)
{
#if (nginx_version >= 1023000)
    return r->headers_out.cache_control != NULL;
#else
    return r->headers_out.cache_control.nelts != 0;
#endif
}
