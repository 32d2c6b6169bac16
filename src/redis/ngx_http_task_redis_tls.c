
/*
 * "rediss://": TLS, by hiredis and OpenSSL.  The certificate of the engine has
 * to be trusted, and to be of this host: hiredis would not look at the name.
 */


#include "redis/ngx_http_task_redis_parts.h"


#if (NGX_HTTP_TASK_REDIS_TLS)

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <hiredis/hiredis_ssl.h>


static int ngx_http_task_redis_tls_verify(int ok, X509_STORE_CTX *x509);
static void ngx_http_task_redis_tls_cleanup(void *data);


ngx_int_t
ngx_http_task_redis_tls(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *file)
{
    int                  rc;
    SSL_CTX             *ctx;
    ngx_str_t            name;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || cln == NULL) {
        SSL_CTX_free(ctx);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_task_redis_tls_cleanup;
    cln->data = ctx;

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, ngx_http_task_redis_tls_verify);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                          |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    name = *file;

    if (name.len && ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = name.len ? SSL_CTX_load_verify_locations(ctx, (char *) name.data,
                                                  NULL)
                  : SSL_CTX_set_default_verify_paths(ctx);

    if (rc != 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no certificates are in \"%V\"", &name);
        return NGX_ERROR;
    }

    redis->tls_ctx = ctx;

    return NGX_OK;
}


/* hiredis does not tell why */

static int
ngx_http_task_redis_tls_verify(int ok, X509_STORE_CTX *x509)
{
    SSL                    *ssl;
    u_char                  text[128], *p;
    ngx_http_task_redis_t  *redis;

    ssl = X509_STORE_CTX_get_ex_data(x509,
                                     SSL_get_ex_data_X509_STORE_CTX_idx());
    redis = SSL_get_app_data(ssl);

    /* what a thread does is not logged */

    if (!ok && redis && ngx_http_task_loop_is_here()) {
        p = ngx_snprintf(text, sizeof(text) - 1, "certificate: %s",
                         X509_verify_cert_error_string(
                                          X509_STORE_CTX_get_error(x509)));
        *p = '\0';

        ngx_http_task_redis_complain(redis, (char *) text);
    }

    return ok;
}


static void
ngx_http_task_redis_tls_cleanup(void *data)
{
    SSL_CTX_free(data);
}


ngx_int_t
ngx_http_task_redis_tls_begin(ngx_http_task_redis_t *redis, redisContext *c)
{
    SSL         *ssl;
    const char  *name;

    if (!redis->tls) {
        return NGX_OK;
    }

    name = (const char *) redis->name.data;

    ssl = SSL_new(redis->tls_ctx);
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    (void) SSL_set_app_data(ssl, redis);

    /* an address is no server name, but may be in a certificate */

    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) != 1
        && (SSL_set1_host(ssl, name) != 1
            || SSL_set_tlsext_host_name(ssl, name) != 1))
    {
        SSL_free(ssl);
        return NGX_ERROR;
    }

    /* it has the SSL from then on */

    if (redisInitiateSSL(c, ssl) != REDIS_OK) {
        SSL_free(ssl);
        return NGX_ERROR;
    }

    return NGX_OK;
}


#else


ngx_int_t
ngx_http_task_redis_tls(ngx_conf_t *cf, ngx_http_task_redis_t *redis,
    ngx_str_t *file)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"rediss://\" takes a hiredis with TLS, which is 1.0 "
                       "or newer, and the module was built without it");
    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_redis_tls_begin(ngx_http_task_redis_t *redis, redisContext *c)
{
    return NGX_OK;
}

#endif
