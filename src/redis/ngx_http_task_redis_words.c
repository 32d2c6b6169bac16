
/*
 * The words of a command, and those of an answer.  A command is made and sent
 * in one go, on the loop: so there is one place for its words.
 */


#include "redis/ngx_http_task_redis_parts.h"


static ngx_int_t ngx_http_task_redis_words_room(
    ngx_http_task_redis_words_t *words);


static ngx_http_task_redis_words_t  ngx_http_task_redis_the_words;


ngx_http_task_redis_words_t *
ngx_http_task_redis_words(ngx_http_task_redis_t *redis,
    ngx_http_task_redis_script_e script)
{
    ngx_http_task_redis_words_t  *words;

    words = &ngx_http_task_redis_the_words;

    words->n = 0;
    words->failed = 0;

    ngx_http_task_redis_word(words, "EVALSHA", sizeof("EVALSHA") - 1);
    ngx_http_task_redis_word(words, redis->sha[script], 40);
    ngx_http_task_redis_word(words, "1", 1);
    ngx_http_task_redis_word(words, redis->prefix.data, redis->prefix.len);

    return words;
}


void
ngx_http_task_redis_word(ngx_http_task_redis_words_t *words, const void *data,
    size_t len)
{
    if (ngx_http_task_redis_words_room(words) != NGX_OK) {
        words->failed = 1;
        return;
    }

    words->data[words->n] = len ? data : "";
    words->len[words->n] = len;
    words->n++;
}


void
ngx_http_task_redis_number(ngx_http_task_redis_words_t *words, int64_t number)
{
    u_char  *p;

    if (ngx_http_task_redis_words_room(words) != NGX_OK) {
        words->failed = 1;
        return;
    }

    p = words->numbers + words->n * NGX_INT64_LEN;

    ngx_http_task_redis_word(words, p, ngx_sprintf(p, "%L", number) - p);
}


/* numbers do not move: they are sent before there is another command */

static ngx_int_t
ngx_http_task_redis_words_room(ngx_http_task_redis_words_t *words)
{
    int          i;
    void        *data, *len;
    u_char      *numbers;
    ngx_uint_t   room;

    if ((ngx_uint_t) words->n < words->room) {
        return NGX_OK;
    }

    room = ngx_max(2 * words->room, 32);

    data = realloc(words->data, room * sizeof(char *));
    if (data == NULL) {
        return NGX_ERROR;
    }

    words->data = data;

    len = realloc(words->len, room * sizeof(size_t));
    if (len == NULL) {
        return NGX_ERROR;
    }

    words->len = len;

    numbers = malloc(room * NGX_INT64_LEN);
    if (numbers == NULL) {
        return NGX_ERROR;
    }

    if (words->numbers) {
        ngx_memcpy(numbers, words->numbers, words->room * NGX_INT64_LEN);

        for (i = 0; i < words->n; i++) {
            if ((u_char *) words->data[i]
                == words->numbers + i * NGX_INT64_LEN)
            {
                words->data[i] = (char *) numbers + i * NGX_INT64_LEN;
            }
        }

        free(words->numbers);
    }

    words->numbers = numbers;
    words->room = room;

    return NGX_OK;
}


void
ngx_http_task_redis_hex(u_char *hex, u_char *id)
{
    (void) ngx_hex_dump(hex, id, NGX_HTTP_TASK_JOB_ID);
}


ngx_int_t
ngx_http_task_redis_unhex(u_char *id, const char *text, size_t len)
{
    ngx_int_t   n;
    ngx_uint_t  i;

    if (len != NGX_HTTP_TASK_REDIS_HEX) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_TASK_JOB_ID; i++) {
        n = ngx_hextoi((u_char *) text + 2 * i, 2);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        id[i] = (u_char) n;
    }

    return NGX_OK;
}


int64_t
ngx_http_task_redis_to_number(redisReply *reply, size_t i)
{
    char        *end;
    redisReply  *r;

    if (i >= reply->elements) {
        return 0;
    }

    r = reply->element[i];

    if (r->type == REDIS_REPLY_INTEGER) {
        return r->integer;
    }

    return (r->type == REDIS_REPLY_STRING) ? strtoll(r->str, &end, 10) : 0;
}


ngx_str_t
ngx_http_task_redis_to_text(redisReply *reply, size_t i)
{
    ngx_str_t    text;
    redisReply  *r;

    ngx_str_set(&text, "");

    if (i < reply->elements) {
        r = reply->element[i];

        if (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) {
            text.data = (u_char *) r->str;
            text.len = r->len;
        }
    }

    return text;
}


ngx_uint_t
ngx_http_task_redis_is(redisReply *reply, const char *word)
{
    ngx_str_t  text;

    text = ngx_http_task_redis_to_text(reply, 0);

    return text.len == ngx_strlen(word)
           && ngx_strncmp(text.data, word, text.len) == 0;
}
