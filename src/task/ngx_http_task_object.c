
/*
 * The JSON object that a function answers, set member by member.  All of this
 * may run in a thread of a pool.  It allocates from the task's pool, except
 * for items of cJSON and their text.
 */


#include "task/ngx_http_task.h"


static void ngx_http_task_set(ngx_task_t *t, const char *name,
    ngx_str_t *text, cJSON *json);
static ngx_uint_t ngx_http_task_is_set(ngx_task_t *t, const char *name,
    cJSON *json);
static ngx_http_task_member_t *ngx_http_task_member(ngx_task_t *t,
    const char *name);
static ngx_uint_t ngx_http_task_is_key(ngx_http_task_member_t *member,
    const char *name, size_t len);
static void ngx_http_task_set_item(ngx_task_t *t, const char *name,
    cJSON *item);
static ngx_uint_t ngx_http_task_object_moved(ngx_http_task_result_t *result);
static size_t ngx_http_task_quote_simple(u_char *dst, const u_char *src,
    size_t len);
static ngx_int_t ngx_http_task_quote(ngx_task_t *t, ngx_str_t *dst,
    const char *src);


/* takes ownership of json; if text and json are NULL, it is out of memory */

static void
ngx_http_task_set(ngx_task_t *t, const char *name, ngx_str_t *text, cJSON *json)
{
    ngx_http_task_member_t  *member;

    if (text == NULL && json == NULL) {
        ngx_http_task_no_memory(t);
        return;
    }

    if (json && ngx_http_task_is_set(t, name, json)) {

        /* a function may change an item that it has set, and set it again */

        return;
    }

    if (json && !ngx_http_task_set_takes(t, json)) {
        return;
    }

    if (!ngx_http_task_set_may(t)) {
        ngx_http_task_json_delete(json);
        return;
    }

    if (name == NULL || (t->result.json && !cJSON_IsObject(t->result.json))) {
        ngx_http_task_json_delete(json);
        ngx_http_task_log_misuse(t, name ? "sets a member of what is no object"
                                         : "sets a member without a name");
        return;
    }

    if (t->result.json) {
        ngx_http_task_set_item(t, name, json ? json
                                      : cJSON_CreateRaw((char *) text->data));
        return;
    }

    member = ngx_http_task_member(t, name);

    if (member == NULL) {
        ngx_http_task_json_delete(json);
        ngx_http_task_no_memory(t);
        return;
    }

    if (member->json) {
        ngx_http_task_json_delete(member->json);
    }

    member->json = json;
    t->result.trees |= (json != NULL);

    /* json is printed to text at the end */

    ngx_str_null(&member->text);

    if (text) {
        member->text = *text;
    }
}


/* returns 1 if json is set already, by that name */

static ngx_uint_t
ngx_http_task_is_set(ngx_task_t *t, const char *name, cJSON *json)
{
    ngx_http_task_member_t  *member;

    if (name == NULL) {
        return 0;
    }

    if (t->result.json) {
        return cJSON_GetObjectItemCaseSensitive(t->result.json, name) == json;
    }

    for (member = t->result.members; member; member = member->next) {
        if (member->json == json) {
            return ngx_http_task_is_key(member, name, ngx_strlen(name));
        }
    }

    return 0;
}


/* returns the member of that name, or a new last one; NULL: no memory */

static ngx_http_task_member_t *
ngx_http_task_member(ngx_task_t *t, const char *name)
{
    size_t                    len;
    u_char                   *p;
    ngx_uint_t                simple;
    ngx_http_task_member_t   *member, **last;

    len = ngx_strlen(name);

    for (last = &t->result.members; *last; last = &(*last)->next) {
        if (ngx_http_task_is_key(*last, name, len)) {
            return *last;
        }
    }

    /* the name stands behind the member, mostly already as it is printed */

    member = ngx_palloc(t->pool, sizeof(ngx_http_task_member_t) + len + 2);
    if (member == NULL) {
        return NULL;
    }

    p = (u_char *) member + sizeof(ngx_http_task_member_t);
    simple = ngx_http_task_json_simple((u_char *) name, len);

    ngx_memzero(member, sizeof(ngx_http_task_member_t));

    member->name.data = p;
    member->name.len = ngx_http_task_quote_simple(p, (u_char *) name, len);

    member->key.data = p + 1;
    member->key.len = len;

    if (!simple && ngx_http_task_quote(t, &member->name, name) != NGX_OK) {
        return NULL;
    }

    *last = member;

    return member;
}


static ngx_uint_t
ngx_http_task_is_key(ngx_http_task_member_t *member, const char *name,
    size_t len)
{
    return member->key.len == len
           && ngx_memcmp(member->key.data, name, len) == 0;
}


/* sets a member of an object that is the whole result */

static void
ngx_http_task_set_item(ngx_task_t *t, const char *name, cJSON *item)
{
    cJSON       *json;
    cJSON_bool   done;

    json = t->result.json;

    if (item == NULL) {
        ngx_http_task_no_memory(t);
        return;
    }

    if (cJSON_GetObjectItemCaseSensitive(json, name)) {
        done = cJSON_ReplaceItemInObjectCaseSensitive(json, name, item);

        /* cJSON does not check whether it could copy the name */

        if (done && item->string == NULL) {
            ngx_http_task_no_memory(t);
            return;
        }

    } else {
        done = cJSON_AddItemToObject(json, name, item);
    }

    if (!done) {
        ngx_http_task_json_delete(item);
        ngx_http_task_no_memory(t);
    }
}


/* text that is simple in JSON; returns the length, which is len + 2 */

static size_t
ngx_http_task_quote_simple(u_char *dst, const u_char *src, size_t len)
{
    dst[0] = '"';
    ngx_memcpy(dst + 1, src, len);
    dst[len + 1] = '"';

    return len + 2;
}


/* makes a JSON string, with a null behind it; invalid UTF-8 is replaced */

static ngx_int_t
ngx_http_task_quote(ngx_task_t *t, ngx_str_t *dst, const char *src)
{
    size_t   len;
    u_char  *p;

    p = (u_char *) src;
    len = ngx_strlen(src);

    if (ngx_http_task_json_simple(p, len)) {
        dst->data = ngx_pnalloc(t->pool, len + 3);

        if (dst->data == NULL) {
            return NGX_ERROR;
        }

        dst->len = ngx_http_task_quote_simple(dst->data, p, len);
        dst->data[dst->len] = '\0';

        return NGX_OK;
    }

    if (ngx_http_task_utf8_valid(p, len) != len) {

        p = ngx_pnalloc(t->pool, len * NGX_HTTP_TASK_UTF8_GROWTH);
        if (p == NULL) {
            return NGX_ERROR;
        }

        len = ngx_http_task_utf8_copy(p, (u_char *) src, len);
    }

    dst->len = ngx_http_task_json_quote(NULL, p, len);
    dst->data = ngx_pnalloc(t->pool, dst->len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_http_task_json_quote(dst->data, p, len);
    dst->data[dst->len] = '\0';

    return NGX_OK;
}


void
ngx_task_set_string(ngx_task_t *t, const char *name, const char *value)
{
    ngx_str_t  text;

    if (value == NULL) {
        ngx_str_set(&text, "null");

    } else if (ngx_http_task_quote(t, &text, value) != NGX_OK) {
        ngx_http_task_no_memory(t);
        return;
    }

    ngx_http_task_set(t, name, &text, NULL);
}


/* cJSON has doubles only, and an int64_t has more digits */

void
ngx_task_set_int(ngx_task_t *t, const char *name, int64_t value)
{
    ngx_str_t  text;

    text.data = ngx_pnalloc(t->pool, NGX_HTTP_TASK_NUMBER_TEXT);

    if (text.data == NULL) {
        ngx_http_task_no_memory(t);
        return;
    }

    text.len = ngx_http_task_print_int(text.data, value);
    text.data[text.len] = '\0';

    ngx_http_task_set(t, name, &text, NULL);
}


void
ngx_task_set_number(ngx_task_t *t, const char *name, double value)
{
    ngx_str_t  text;

    text.data = ngx_pnalloc(t->pool, NGX_HTTP_TASK_NUMBER_TEXT);

    if (text.data == NULL) {
        ngx_http_task_no_memory(t);
        return;
    }

    text.len = ngx_http_task_print_number(text.data, value);
    text.data[text.len] = '\0';

    ngx_http_task_set(t, name, &text, NULL);
}


void
ngx_task_set_bool(ngx_task_t *t, const char *name, int value)
{
    ngx_str_t  yes = ngx_string("true");
    ngx_str_t  no = ngx_string("false");

    ngx_http_task_set(t, name, value ? &yes : &no, NULL);
}


void
ngx_task_set_json(ngx_task_t *t, const char *name, cJSON *value)
{
    ngx_http_task_set(t, name, NULL, value);
}


/* prints the members into the result's body, which remembers what is wrong */

void
ngx_http_task_object_print(ngx_task_t *t)
{
    size_t                   len;
    u_char                  *p;
    ngx_http_task_member_t  *member;

    if (ngx_http_task_object_moved(&t->result)) {
        ngx_http_task_log_misuse(t, "puts a value that it has set into "
                                    "another");
        return;
    }

    len = sizeof("{}") - 1;

    for (member = t->result.members; member; member = member->next) {

        if (member->json) {
            member->text.data = ngx_http_task_set_text(t, member->json,
                                                          &member->text.len);
            if (member->text.data == NULL) {
                return;
            }
        }

        len += member->name.len + member->text.len + sizeof(":,") - 1;
    }

    p = ngx_pnalloc(t->pool, len);
    if (p == NULL) {
        ngx_http_task_no_memory(t);
        return;
    }

    t->result.body.data = p;
    *p++ = '{';

    for (member = t->result.members; member; member = member->next) {
        p = ngx_cpymem(p, member->name.data, member->name.len);
        *p++ = ':';
        p = ngx_cpymem(p, member->text.data, member->text.len);

        /* a long text is not kept twice until the client has read it */

        if (member->json == NULL && member->text.len > ngx_pagesize) {
            (void) ngx_pfree(t->pool, member->text.data);
        }

        if (member->next) {
            *p++ = ',';
        }
    }

    *p++ = '}';
    t->result.body.len = p - t->result.body.data;
}


/* a member may be in another value now, and is then freed with that one */

static ngx_uint_t
ngx_http_task_object_moved(ngx_http_task_result_t *result)
{
    ngx_uint_t               moved;
    ngx_http_task_member_t  *member;

    moved = 0;

    if (!result->trees) {
        return 0;
    }

    for (member = result->members; member; member = member->next) {

        if (member->json && (member->json->prev || member->json->next)) {
            member->json = NULL;
            moved = 1;
        }
    }

    return moved;
}


/* frees all members */

void
ngx_http_task_object_free(ngx_http_task_result_t *result)
{
    ngx_http_task_member_t  *member;

    (void) ngx_http_task_object_moved(result);

    if (result->trees) {
        for (member = result->members; member; member = member->next) {

            if (member->json) {
                cJSON_free(member->text.data);
                ngx_http_task_json_delete(member->json);
            }
        }
    }

    result->members = NULL;
    result->trees = 0;
}
