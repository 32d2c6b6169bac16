
/*
 * name="a value", as people write it.  For nginx a quote stands only around a
 * whole word, and it splits this one at its spaces.
 */


#include "function/ngx_http_task_function.h"


static ngx_uint_t ngx_http_task_quoted_words(ngx_str_t *words, ngx_uint_t n,
    u_char **value, size_t *len);
static ngx_uint_t ngx_http_task_quoted_spaces(ngx_str_t *word);


ngx_uint_t
ngx_http_task_quoted(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_str_t *text)
{
    size_t       len;
    u_char      *p, *value;
    ngx_uint_t   i, used;

    *text = words[0];

    used = ngx_http_task_quoted_words(words, n, &value, &len);

    if (used == 0) {
        return 1;
    }

    p = ngx_pnalloc(cf->pool, len + 1);
    if (p == NULL) {
        return 0;
    }

    text->data = p;

    p = ngx_cpymem(p, words[0].data, value - words[0].data);
    p = ngx_cpymem(p, value + 1, words[0].data + words[0].len - value - 1);

    for (i = 1; i < used; i++) {
        *p++ = ' ';
        p = ngx_cpymem(p, words[i].data, words[i].len);
    }

    /* without the quote at the end */

    p[-1] = '\0';
    text->len = p - 1 - text->data;

    return used;
}


/*
 * Returns how many words a quoted value has, or 0: it is not quoted.  A word
 * with spaces in it was in quotes of nginx's own.
 */

static ngx_uint_t
ngx_http_task_quoted_words(ngx_str_t *words, ngx_uint_t n, u_char **value,
    size_t *len)
{
    u_char      *end, quote;
    ngx_uint_t   i;

    end = words[0].data + words[0].len;
    *value = ngx_strlchr(words[0].data, end, '=');

    if (*value == NULL || ++*value == end) {
        return 0;
    }

    quote = **value;

    if (quote != '"' && quote != '\'') {
        return 0;
    }

    for (i = 0, *len = 0; i < n; i++) {
        *len += words[i].len + 1;
        end = words[i].data + words[i].len;

        if (words[i].len == 0 || ngx_http_task_quoted_spaces(&words[i])) {
            return 0;
        }

        if (end[-1] == quote && end - 1 != *value) {
            return i + 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_task_quoted_spaces(ngx_str_t *word)
{
    size_t  i;

    for (i = 0; i < word->len; i++) {
        if (word->data[i] <= ' ') {
            return 1;
        }
    }

    return 0;
}
