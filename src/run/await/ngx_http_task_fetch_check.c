
/*
 * What may be wrong with the request of ngx_task_fetch(): by the function, or
 * by what a client has sent, of which it is made.
 */


#include "run/await/ngx_http_task_fetch.h"


static ngx_uint_t ngx_http_task_fetch_has_dots(const char *uri);
static const char *ngx_http_task_fetch_bad_header(
    const ngx_task_header_t *header);
static ngx_uint_t ngx_http_task_fetch_is_token(const char *p);


/* returns what is wrong in the function, or NULL */

const char *
ngx_http_task_fetch_wrong(ngx_task_t *t, const ngx_task_request_t *request)
{
    size_t  i;

    if (request->size < sizeof(ngx_task_request_t)) {
        return "fetches with a request whose size is not set";
    }

    if (request->uri == NULL) {
        return "fetches NULL";
    }

    if (request->flags & ~(unsigned) (NGX_TASK_FETCH_FILE|NGX_TASK_FETCH_BODY))
    {
        return "fetches with flags that do not exist";
    }

    if ((request->body == NULL && request->body_len)
        || (request->headers == NULL && request->nheaders))
    {
        return "fetches with a body, or headers, that are NULL";
    }

    for (i = 0; i < request->nheaders; i++) {
        if (request->headers[i].name == NULL
            || request->headers[i].value == NULL)
        {
            return "fetches with a header that is NULL";
        }
    }

    if (!(request->flags & NGX_TASK_FETCH_BODY)) {
        return NULL;
    }

    if (!(t->function->table.flags & NGX_TASK_RAW_BODY)) {
        return "passes on the body without NGX_TASK_RAW_BODY";
    }

    return request->body ? "fetches with two bodies" : NULL;
}


/* returns what is wrong with it, which a client may have sent; or NULL */

const char *
ngx_http_task_fetch_invalid(const ngx_task_request_t *request)
{
    size_t       i;
    const char  *p, *wrong;

    if (request->method
        && (!ngx_http_task_fetch_is_token(request->method)
            || ngx_strcmp(request->method, "CONNECT") == 0
            || ngx_strcmp(request->method, "TRACE") == 0))
    {
        return "an invalid method";
    }

    if (request->uri[0] != '/') {
        return "an URI that does not begin with \"/\"";
    }

    for (p = request->uri; *p; p++) {
        if ((u_char) *p <= ' ' || *p == 0x7f || *p == '#') {
            return "a space, a \"#\" or a control character in its URI";
        }
    }

    if (ngx_http_task_fetch_has_dots(request->uri)) {
        return "a segment \".\" or \"..\" in its URI";
    }

    for (i = 0; i < request->nheaders; i++) {
        wrong = ngx_http_task_fetch_bad_header(&request->headers[i]);

        if (wrong) {
            return wrong;
        }
    }

    return NULL;
}


/*
 * nginx would go up by it, out of the location that was meant, also where it
 * is escaped, as in a client's text
 */

static ngx_uint_t
ngx_http_task_fetch_has_dots(const char *uri)
{
    u_char      *p, ch;
    ngx_int_t    code;
    ngx_uint_t   dots, others;

    dots = 0;
    others = 0;

    for (p = (u_char *) uri; /* void */ ; p++) {
        ch = *p;

        if (ch == '%') {
            code = (p[1] && p[2]) ? ngx_hextoi(&p[1], 2) : NGX_ERROR;

            if (code != NGX_ERROR) {
                ch = (u_char) code;
                p += 2;
            }
        }

        if (ch != '/' && ch != '\0' && *p != '?') {
            dots += (ch == '.');
            others += (ch != '.');
            continue;
        }

        if (others == 0 && (dots == 1 || dots == 2)) {
            return 1;
        }

        if (*p == '\0' || *p == '?') {
            return 0;
        }

        dots = 0;
        others = 0;
    }
}


static const char *
ngx_http_task_fetch_bad_header(const ngx_task_header_t *header)
{
    size_t       i;
    const char  *p;

    /* of a connection, or said by nginx */

    static const char  *own[] = {
        "Connection", "Content-Length", "Expect", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        NULL
    };

    if (!ngx_http_task_fetch_is_token(header->name)) {
        return "an invalid name of a header";
    }

    for (p = header->value; *p; p++) {
        if (((u_char) *p < ' ' && *p != '\t') || *p == 0x7f) {
            return "a control character in a header";
        }
    }

    for (i = 0; own[i]; i++) {
        if (ngx_strcasecmp((u_char *) header->name, (u_char *) own[i]) == 0) {
            return "a header that is nginx's own";
        }
    }

    return NULL;
}


/* as HTTP has methods, and names of headers */

static ngx_uint_t
ngx_http_task_fetch_is_token(const char *p)
{
    if (*p == '\0') {
        return 0;
    }

    for ( /* void */ ; *p; p++) {

        if ((u_char) *p <= ' ' || (u_char) *p >= 0x7f
            || strchr("\"(),/:;<=>?@[\\]{}", *p))
        {
            return 0;
        }
    }

    return 1;
}
