
/*
 * What is wrong with the engine is logged when it begins, and not for each
 * call; and that it is well again.
 */


#include "redis/ngx_http_task_redis_parts.h"


/* what was not wrong for so long begins again, ns */

#define NGX_HTTP_TASK_REDIS_QUIET  60000000000LL


typedef struct {
    const char  *word;                   /* what the engine says begins so */
    const char  *why;
} ngx_http_task_redis_hint_t;


/* with each of these it can do nothing now; it may later, or another one may */

static const ngx_http_task_redis_hint_t  ngx_http_task_redis_hints[] = {
    { "LOADING",
      .why = "it was started, and reads what it has on disk" },
    { "READONLY",
      .why = "it is a replica: another one has taken over, or the address is "
             "wrong" },
    { "MASTERDOWN",
      .why = "it is a replica, and its master is away" },
    { "MOVED",
      .why = "it is a part of a cluster, and another one keeps these jobs: the "
             "address must be that one's" },
    { "ASK",
      .why = "it is a part of a cluster that is being changed" },
    { "TRYAGAIN",
      .why = "it is a part of a cluster that is being changed" },
    { "CLUSTERDOWN",
      .why = "it is a part of a cluster that is not whole" },
    { "NOAUTH",
      .why = "it wants a password, see password_file" },
    { "WRONGPASS",
      .why = "the user or the password is wrong, see password_file" },
    { "NOPERM",
      .why = "this user may not do that, see docs/jobs.md" },
    { "BUSY",
      .why = "it runs a script of somebody that does not end" },
    { "MISCONF",
      .why = "it cannot write to its disk, and is told not to go on then" },
    { "NOREPLICAS",
      .why = "it has fewer replicas than it is told to have" },
    { "NOSCRIPT",
      .why = "its scripts were dropped, they are sent again" },
    { NULL, NULL }
};


static const ngx_http_task_redis_hint_t *ngx_http_task_redis_hint(
    const char *text);
static const char *ngx_http_task_redis_plain(const char *text);
static ngx_uint_t ngx_http_task_redis_said(ngx_http_task_redis_t *redis,
    const char *text);


ngx_uint_t
ngx_http_task_redis_is_away(const char *text)
{
    return ngx_http_task_redis_hint(text) != NULL;
}


static const ngx_http_task_redis_hint_t *
ngx_http_task_redis_hint(const char *text)
{
    size_t                             len;
    const ngx_http_task_redis_hint_t  *hint;

    text = ngx_http_task_redis_plain(text);

    for (hint = ngx_http_task_redis_hints; hint->word; hint++) {
        len = ngx_strlen(hint->word);

        if (ngx_strncmp(text, hint->word, len) == 0 && text[len] == ' ') {
            return hint;
        }
    }

    return NULL;
}


/* an error that a script runs into; an engine before 7.0 tells first where */

static const char *
ngx_http_task_redis_plain(const char *text)
{
    const char  *p;

    p = NULL;

    if (ngx_strncmp(text, "ERR ", 4) == 0 && strstr(text, "@user_script")) {
        p = strstr(text, ": -");
    }

    return p ? p + 3 : text;
}


void
ngx_http_task_redis_complain(ngx_http_task_redis_t *redis, const char *text)
{
    const ngx_http_task_redis_hint_t  *hint;

    /* hiredis may have no words for what OpenSSL has told already */

    if (text == NULL || ngx_strcmp(text, "Success") == 0) {
        return;
    }

    text = ngx_http_task_redis_plain(text);

    if (ngx_http_task_redis_said(redis, text)) {
        return;
    }

    hint = ngx_http_task_redis_hint(text);

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "task_job_redis \"%V\": %V: %s%s%s", &redis->store->name,
                  &redis->host, text, hint ? ": " : "", hint ? hint->why : "");
}


/* returns 1 if it was logged, and has been wrong ever since */

static ngx_uint_t
ngx_http_task_redis_said(ngx_http_task_redis_t *redis, const char *text)
{
    size_t                             len;
    int64_t                            now;
    uint32_t                           hash;
    ngx_uint_t                         i, old, known;
    const char                        *p;
    ngx_http_task_redis_said_t        *said;
    const ngx_http_task_redis_hint_t  *hint;

    /* whichever script it was */

    hint = ngx_http_task_redis_hint(text);
    p = strstr(text, " script: ");

    len = hint ? ngx_strlen(hint->word)
               : p ? (size_t) (p - text) : ngx_strlen(text);

    now = ngx_http_task_now();
    hash = ngx_crc32_short((u_char *) text, len);
    said = redis->said;
    old = 0;

    for (i = 0; i < redis->nsaid; i++) {
        if (said[i].hash == hash) {
            known = now - said[i].time < NGX_HTTP_TASK_REDIS_QUIET;
            said[i].time = now;
            return known;
        }

        if (said[i].time < said[old].time) {
            old = i;
        }
    }

    if (redis->nsaid < NGX_HTTP_TASK_REDIS_SAID) {
        old = redis->nsaid++;
    }

    said[old].hash = hash;
    said[old].time = now;

    return 0;
}


void
ngx_http_task_redis_well(ngx_http_task_redis_t *redis)
{
    if (redis->nsaid) {
        redis->nsaid = 0;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "task_job_redis \"%V\": %V: it is there again",
                      &redis->store->name, &redis->host);
    }
}
