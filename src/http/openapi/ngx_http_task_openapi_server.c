
/*
 * Where a server is, as its "listen" and "server_name" say.
 */


#include "http/openapi/ngx_http_task_openapi.h"


static void ngx_http_task_openapi_server(ngx_http_task_openapi_t *o,
    cJSON *servers, ngx_http_core_srv_conf_t *server,
    ngx_http_conf_port_t *port, ngx_http_conf_addr_t *addr);
static ngx_uint_t ngx_http_task_openapi_listens(
    ngx_http_core_srv_conf_t *server, ngx_http_conf_addr_t *addr);
static ngx_uint_t ngx_http_task_openapi_host(ngx_http_core_srv_conf_t *server,
    ngx_http_conf_addr_t *addr, ngx_str_t *host);


void
ngx_http_task_openapi_servers(ngx_http_task_openapi_t *o, cJSON *root,
    ngx_http_core_srv_conf_t *server)
{
    cJSON                      *servers;
    ngx_uint_t                  i, n;
    ngx_http_conf_addr_t       *addr;
    ngx_http_conf_port_t       *port;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(o->cf, ngx_http_core_module);

    servers = cJSON_CreateArray();
    port = cmcf->ports ? cmcf->ports->elts : NULL;

    for (i = 0; port && i < cmcf->ports->nelts; i++) {

        addr = port[i].addrs.elts;

        for (n = 0; n < port[i].addrs.nelts; n++) {
            if (ngx_http_task_openapi_listens(server, &addr[n])) {
                ngx_http_task_openapi_server(o, servers, server, &port[i],
                                             &addr[n]);
            }
        }
    }

    /* without any it is where the document comes from */

    if (servers && servers->child == NULL) {
        cJSON_Delete(servers);
        return;
    }

    (void) ngx_http_task_doc_add(&o->doc, root, "servers", servers);
}


static ngx_uint_t
ngx_http_task_openapi_listens(ngx_http_core_srv_conf_t *server,
    ngx_http_conf_addr_t *addr)
{
    ngx_uint_t                   i;
    ngx_http_core_srv_conf_t   **servers;

    servers = addr->servers.elts;

    for (i = 0; i < addr->servers.nelts; i++) {
        if (servers[i] == server) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_task_openapi_server(ngx_http_task_openapi_t *o, cJSON *servers,
    ngx_http_core_srv_conf_t *server, ngx_http_conf_port_t *port,
    ngx_http_conf_addr_t *addr)
{
    char        *url, *known;
    cJSON       *other;
    u_char      *p;
    ngx_str_t    host;
    ngx_uint_t   ssl, number;

#if (NGX_HAVE_UNIX_DOMAIN)
    if (port->family == AF_UNIX) {
        return;
    }
#endif

    if (!ngx_http_task_openapi_host(server, addr, &host)) {
        return;
    }

    ssl = addr->opt.ssl;
    number = ngx_inet_get_port(addr->opt.sockaddr);

    url = ngx_pnalloc(o->cf->temp_pool, sizeof("https://:65535") + host.len);
    if (url == NULL) {
        o->doc.failed = 1;
        return;
    }

    p = ngx_sprintf((u_char *) url, "http%s://%V", ssl ? "s" : "", &host);

    if (number != (ssl ? 443 : 80)) {
        p = ngx_sprintf(p, ":%ui", number);
    }

    *p = '\0';

    /* a name with IPv4 and IPv6 is one server */

    cJSON_ArrayForEach(other, servers) {
        known = cJSON_GetStringValue(cJSON_GetObjectItem(other, "url"));

        if (known && ngx_strcmp(known, url) == 0) {
            return;
        }
    }

    other = ngx_http_task_doc_object(&o->doc, servers, NULL);
    ngx_http_task_doc_text(&o->doc, other, "url", url);
}


/* the name of the server, or else the address that it listens on, if it is one
   that a client may use */

static ngx_uint_t
ngx_http_task_openapi_host(ngx_http_core_srv_conf_t *server,
    ngx_http_conf_addr_t *addr, ngx_str_t *host)
{
    u_char     *p;
    ngx_str_t  *name;

    name = &server->server_name;

    if (name->len && name->data[0] != '_' && name->data[0] != '~'
        && name->data[0] != '.' && name->data[0] != '*'
        && name->data[name->len - 1] != '*')
    {
        *host = *name;
        return 1;
    }

    if (addr->opt.wildcard) {
        return 0;
    }

    *host = addr->opt.addr_text;

    for (p = host->data + host->len; p > host->data; p--) {
        if (p[-1] == ':') {
            host->len = p - 1 - host->data;
            break;
        }

        if (p[-1] == ']') {
            break;
        }
    }

    return host->len > 0;
}
