
/*
 * Functions that answer with their arguments, for t/360-inputs.t: where values
 * come from, lists, objects, any JSON, forms and files.  What was left out is
 * null.  The arguments are read by the tables, as the module fills them.
 */


#include <ngx_task.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


/* bytes that are read from a file in a step, and those that are shown */

#define INPUTS_READ  4096
#define INPUTS_HEAD  8

/* of a longer text only its length is shown */

#define INPUTS_TEXT  1000


static cJSON *inputs_fields(ngx_task_t *t, const void *args,
    const ngx_task_param_t *params, size_t n);


/* in an object, or without a name in an array; 0: there was no memory */

static int
inputs_add(cJSON *to, const char *name, cJSON *item)
{
    if (name ? cJSON_AddItemToObject(to, name, item)
             : cJSON_AddItemToArray(to, item))
    {
        return 1;
    }

    cJSON_Delete(item);

    return 0;
}


/* the first bytes, by the other call */

static cJSON *
inputs_head(ngx_task_t *t, const ngx_task_file_t *file)
{
    int                   fd;
    char                  hex[2 * INPUTS_HEAD + 1];
    size_t                i, len;
    int64_t               offset;
    const char           *data;
    unsigned char         head[INPUTS_HEAD];

    static const char     digits[] = "0123456789abcdef";

    len = file->size < INPUTS_HEAD ? (size_t) file->size : INPUTS_HEAD;
    data = ngx_task_file(t, file, &fd, &offset);

    if (data) {
        memcpy(head, data, len);

    } else if (pread(fd, head, len, offset) != (ssize_t) len) {
        return NULL;
    }

    for (i = 0; i < len; i++) {
        hex[2 * i] = digits[head[i] >> 4];
        hex[2 * i + 1] = digits[head[i] & 15];
    }

    hex[2 * len] = '\0';

    return cJSON_CreateString(hex);
}


static cJSON *
inputs_file(ngx_task_t *t, const ngx_task_file_t *file)
{
    char      buf[INPUTS_READ];
    cJSON    *json;
    int64_t   offset, i, n;
    uint32_t  sum;

    if (file->name == NULL) {
        return cJSON_CreateNull();
    }

    sum = 0;
    offset = 0;

    do {
        n = ngx_task_file_read(t, file, offset, buf, sizeof(buf));

        if (n < 0) {
            ngx_task_log(t, NGX_TASK_LOG_ERROR, "read: %s", strerror(errno));
            return NULL;
        }

        for (i = 0; i < n; i++) {
            sum = sum * 31 + (unsigned char) buf[i];
        }

        offset += n;

    } while (n == (int64_t) sizeof(buf));

    json = cJSON_CreateObject();

    if (!inputs_add(json, "name", cJSON_CreateString(file->name))
        || !inputs_add(json, "type", cJSON_CreateString(file->type))
        || !inputs_add(json, "size", cJSON_CreateNumber((double) file->size))
        || !inputs_add(json, "read", cJSON_CreateNumber((double) offset))
        || !inputs_add(json, "sum", cJSON_CreateNumber(sum))
        || !inputs_add(json, "head", inputs_head(t, file)))
    {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}


static cJSON *
inputs_text(const char *text)
{
    char    buf[32];
    size_t  len;

    if (text == NULL) {
        return cJSON_CreateNull();
    }

    len = strlen(text);

    if (len <= INPUTS_TEXT) {
        return cJSON_CreateString(text);
    }

    snprintf(buf, sizeof(buf), "%zu bytes", len);

    return cJSON_CreateString(buf);
}


static cJSON *
inputs_enum(const char *choices, int i)
{
    char         choice[64];
    size_t       len;

    while (i-- > 0) {
        choices = strchr(choices, '|') + 1;
    }

    len = strcspn(choices, "|");

    if (len >= sizeof(choice)) {
        return NULL;
    }

    memcpy(choice, choices, len);
    choice[len] = '\0';

    return cJSON_CreateString(choice);
}


/* a value of size bytes: that of a member, or of an item of a list */

static cJSON *
inputs_value(ngx_task_t *t, const void *value, size_t size,
    const ngx_task_param_t *p)
{
    int          i;
    double       d;
    int64_t      n;
    const void  *pointer;

    switch (p->type) {

    case NGX_TASK_STRING:
        return inputs_text(*(const char *const *) value);

    case NGX_TASK_JSON:
        pointer = *(const cJSON *const *) value;
        return pointer ? cJSON_Duplicate(pointer, 1) : cJSON_CreateNull();

    case NGX_TASK_OBJECT:
        pointer = p->item ? value : *(const void *const *) value;

        return pointer ? inputs_fields(t, pointer, p->fields.params,
                                       p->fields.nparams)
                       : cJSON_CreateNull();

    case NGX_TASK_FILE:
        return inputs_file(t, value);

    case NGX_TASK_NUMBER:
        d = *(const double *) value;
        return isnan(d) ? cJSON_CreateNull() : cJSON_CreateNumber(d);

    case NGX_TASK_BOOL:
    case NGX_TASK_ENUM:
        i = size == sizeof(bool) ? *(const bool *) value
                                 : *(const int *) value;
        if (i == -1) {
            return cJSON_CreateNull();
        }

        return p->type == NGX_TASK_BOOL ? cJSON_CreateBool(i)
                                        : inputs_enum(p->choices, i);

    default: /* NGX_TASK_TIME, NGX_TASK_INT, NGX_TASK_SIZE */
        n = *(const int64_t *) value;

        return n == NGX_TASK_NOT_GIVEN ? cJSON_CreateNull()
                                       : cJSON_CreateNumber((double) n);
    }
}


static cJSON *
inputs_list(ngx_task_t *t, const void *member, const ngx_task_param_t *p)
{
    cJSON                              *json;
    size_t                              i;
    const NGX_TASK_LIST(unsigned char) *list;

    list = member;

    if (list->items == NULL) {
        return cJSON_CreateNull();
    }

    json = cJSON_CreateArray();

    for (i = 0; i < list->n; i++) {
        if (!inputs_add(json, NULL, inputs_value(t, list->items + i * p->item,
                                                 p->item, p)))
        {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


static cJSON *
inputs_fields(ngx_task_t *t, const void *args, const ngx_task_param_t *params,
    size_t n)
{
    cJSON                   *json;
    size_t                   i;
    const char              *member;
    const ngx_task_param_t  *p;

    json = cJSON_CreateObject();

    for (i = 0; i < n; i++) {
        p = &params[i];
        member = (const char *) args + p->offset;

        if (!inputs_add(json, p->name,
                        p->item ? inputs_list(t, member, p)
                                : inputs_value(t, member, p->size, p)))
        {
            cJSON_Delete(json);
            return NULL;
        }
    }

    return json;
}


/* both forms of a function, which has its name and its table */

#define INPUTS(name)                                                          \
                                                                              \
    static ngx_task_rc_t                                                      \
    name(ngx_task_t *t)                                                       \
    {                                                                         \
        cJSON  *json;                                                         \
                                                                              \
        json = inputs_fields(t, ngx_task_args(t), name ## _params,            \
                             sizeof(name ## _params)                          \
                             / sizeof(name ## _params[0]));                   \
                                                                              \
        if (json == NULL) {                                                   \
            return ngx_task_fail(t, 500, "there is no memory");               \
        }                                                                     \
                                                                              \
        ngx_task_set_result(t, json);                                         \
        return NGX_TASK_OK;                                                   \
    }                                                                         \
                                                                              \
    static ngx_task_rc_t                                                      \
    name ## _async(ngx_task_t *t, ngx_task_frame_t *f)                        \
    {                                                                         \
        NGX_TASK_BEGIN(f);                                                    \
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1));                              \
                                                                              \
        if (name(t) != NGX_TASK_OK) {                                         \
            return NGX_TASK_FAILED;                                           \
        }                                                                     \
                                                                              \
        NGX_TASK_END(f);                                                      \
    }

#define INPUTS_FUNCTION(name, ...)                                            \
    NGX_TASK_FUNCTION(#name, .block = name, .async = name ## _async,          \
                      .args = NGX_TASK_ARGS(name ## _args_t,                  \
                                            name ## _params), __VA_ARGS__)


/* --- scalars: from a path, headers, cookies, a query --------------------- */

typedef struct {
    int64_t      id;
    double       x;
    bool         flag;
    const char  *name;
    int          color;
} item_args_t;


static const ngx_task_param_t  item_params[] = {
    NGX_TASK_PARAM(item_args_t, id, .min = "1", .max = "1000"),
    NGX_TASK_PARAM(item_args_t, x, .def = "1.5", .min = ">0", .max = "<10"),
    NGX_TASK_PARAM(item_args_t, flag, .def = "false"),
    NGX_TASK_PARAM(item_args_t, name, .def = "world", .min = "1",
                   .max = "10"),
    NGX_TASK_PARAM_AS(item_args_t, color, NGX_TASK_ENUM, .def = "red",
                      .choices = "red|green")
};

INPUTS(item)


/* all may be left out */

typedef struct {
    int64_t      n;
    double       x;
    int          flag;
    const char  *text;
    int          color;
} maybe_args_t;


static const ngx_task_param_t  maybe_params[] = {
    NGX_TASK_PARAM(maybe_args_t, n, .max = "10", .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(maybe_args_t, x, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_AS(maybe_args_t, flag, NGX_TASK_BOOL,
                      .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(maybe_args_t, text, .min = "0",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_AS(maybe_args_t, color, NGX_TASK_ENUM,
                      .choices = "red|green", .flags = NGX_TASK_OPTIONAL)
};

INPUTS(maybe)


/* --- lists --------------------------------------------------------------- */

typedef struct {
    NGX_TASK_LIST(int64_t)       ids;
    NGX_TASK_LIST(const char *)  tags;
    NGX_TASK_LIST(double)        xs;
    NGX_TASK_LIST(bool)          flags;
    NGX_TASK_LIST(int)           colors;
    NGX_TASK_LIST(int64_t)       pauses;
    NGX_TASK_LIST(int64_t)       sizes;
} lists_args_t;


static const ngx_task_param_t  lists_params[] = {
    NGX_TASK_PARAM_LIST(lists_args_t, ids, .min = "1", .max = "100",
                        .max_items = 3),
    NGX_TASK_PARAM_LIST(lists_args_t, tags, .min = "1", .max = "5",
                        .min_items = 2, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(lists_args_t, xs, .min = ">0", .max = "<10",
                        .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(lists_args_t, flags, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST_AS(lists_args_t, colors, NGX_TASK_ENUM,
                           .choices = "red|green",
                           .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST_AS(lists_args_t, pauses, NGX_TASK_TIME, .max = "1h",
                           .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST_AS(lists_args_t, sizes, NGX_TASK_SIZE,
                           .flags = NGX_TASK_OPTIONAL)
};

INPUTS(lists)


/* any number of items, for many errors */

typedef struct {
    NGX_TASK_LIST(int64_t)       ns;
    NGX_TASK_LIST(const char *)  tags;
} many_args_t;


static const ngx_task_param_t  many_params[] = {
    NGX_TASK_PARAM_LIST(many_args_t, ns),
    NGX_TASK_PARAM_LIST(many_args_t, tags, .flags = NGX_TASK_OPTIONAL)
};

INPUTS(many)


/* --- objects ------------------------------------------------------------- */

typedef struct {
    const char       *street;
    const char       *zip;
} address_t;


typedef struct {
    const char       *name;
    double            price;
    int64_t           count;
} line_t;


typedef struct {
    const char              *name;
    int64_t                  age;
    const address_t         *address;
    NGX_TASK_LIST(line_t)    items;
    const address_t         *billing;
} user_t;


typedef struct {
    const user_t            *user;
    const char              *note;
} order_args_t;


static const ngx_task_param_t  address_fields[] = {
    NGX_TASK_PARAM(address_t, street, .min = "1"),
    NGX_TASK_PARAM(address_t, zip, .max = "5", .flags = NGX_TASK_OPTIONAL)
};


static const ngx_task_param_t  line_fields[] = {
    NGX_TASK_PARAM(line_t, name, .min = "1"),
    NGX_TASK_PARAM(line_t, price, .min = ">0"),
    NGX_TASK_PARAM(line_t, count, .def = "1", .min = "1", .max = "99")
};


static const ngx_task_param_t  user_fields[] = {
    NGX_TASK_PARAM(user_t, name, .min = "1", .max = "20"),
    NGX_TASK_PARAM(user_t, age, .min = "0"),
    NGX_TASK_PARAM_OBJECT(user_t, address, address_fields),
    NGX_TASK_PARAM_OBJECTS(user_t, items, line_fields, .max_items = 3,
                           .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECT(user_t, billing, address_fields,
                          .flags = NGX_TASK_OPTIONAL)
};


static const ngx_task_param_t  order_params[] = {
    NGX_TASK_PARAM_OBJECT(order_args_t, user, user_fields),
    NGX_TASK_PARAM(order_args_t, note, .max = "10",
                   .flags = NGX_TASK_OPTIONAL)
};

INPUTS(order)


typedef struct {
    NGX_TASK_LIST(line_t)    lines;
} batch_args_t;


static const ngx_task_param_t  batch_params[] = {
    NGX_TASK_PARAM_OBJECTS(batch_args_t, lines, line_fields, .min_items = 1,
                           .max_items = 2)
};

INPUTS(batch)


/* secrets, one of them in an object */

typedef struct {
    const char       *nick;
    const char       *pin;
} profile_t;


typedef struct {
    const char       *user;
    const char       *password;
    const profile_t  *profile;
} login_args_t;


static const ngx_task_param_t  profile_fields[] = {
    NGX_TASK_PARAM(profile_t, nick, .max = "5"),
    NGX_TASK_PARAM(profile_t, pin, .min = "4", .flags = NGX_TASK_SECRET)
};


static const ngx_task_param_t  login_params[] = {
    NGX_TASK_PARAM(login_args_t, user, .min = "3"),
    NGX_TASK_PARAM(login_args_t, password, .min = "8",
                   .flags = NGX_TASK_SECRET),
    NGX_TASK_PARAM_OBJECT(login_args_t, profile, profile_fields,
                          .flags = NGX_TASK_OPTIONAL)
};

INPUTS(login)


/* --- any JSON ------------------------------------------------------------ */

typedef struct {
    const cJSON                  *v;
    const cJSON                  *o;
    const cJSON                  *a;
    NGX_TASK_LIST(const cJSON *)  list;
} any_args_t;


static const ngx_task_param_t  any_params[] = {
    NGX_TASK_PARAM(any_args_t, v),
    NGX_TASK_PARAM(any_args_t, o, .choices = "object",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(any_args_t, a, .choices = "array",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(any_args_t, list, .choices = "object",
                        .flags = NGX_TASK_OPTIONAL)
};

INPUTS(any)


/* --- forms and files ----------------------------------------------------- */

typedef struct {
    int64_t                      id;
    double                       x;
    bool                         flag;
    const char                  *name;
    int                          color;
    NGX_TASK_LIST(int64_t)       ids;
    NGX_TASK_LIST(const char *)  tags;
    const cJSON                 *data;
} form_args_t;


static const ngx_task_param_t  form_params[] = {
    NGX_TASK_PARAM(form_args_t, id, .min = "1", .max = "1000"),
    NGX_TASK_PARAM(form_args_t, x, .def = "1.5", .min = ">0", .max = "<10"),
    NGX_TASK_PARAM(form_args_t, flag, .def = "false"),
    NGX_TASK_PARAM(form_args_t, name, .def = "world", .min = "1",
                   .max = "10"),
    NGX_TASK_PARAM_AS(form_args_t, color, NGX_TASK_ENUM, .def = "red",
                      .choices = "red|green"),
    NGX_TASK_PARAM_LIST(form_args_t, ids, .max = "100", .max_items = 3,
                        .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(form_args_t, tags, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(form_args_t, data, .flags = NGX_TASK_OPTIONAL)
};

INPUTS(form)


/* a required field of a form, and a long one */

typedef struct {
    const char  *title;
    const char  *text;
} post_args_t;


static const ngx_task_param_t  post_params[] = {
    NGX_TASK_PARAM(post_args_t, title, .min = "2", .max = "20"),
    NGX_TASK_PARAM(post_args_t, text, .flags = NGX_TASK_OPTIONAL)
};

INPUTS(post)


typedef struct {
    const char                      *note;
    ngx_task_file_t                  file;
    ngx_task_file_t                  thumb;
} upload_args_t;


static const ngx_task_param_t  upload_params[] = {
    NGX_TASK_PARAM(upload_args_t, note, .max = "10",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(upload_args_t, file),
    NGX_TASK_PARAM(upload_args_t, thumb, .flags = NGX_TASK_OPTIONAL)
};

INPUTS(upload)


typedef struct {
    const char                      *title;
    NGX_TASK_LIST(ngx_task_file_t)   photos;
} album_args_t;


static const ngx_task_param_t  album_params[] = {
    NGX_TASK_PARAM(album_args_t, title),
    NGX_TASK_PARAM_LIST(album_args_t, photos, .max_items = 2)
};

INPUTS(album)


#define INPUTS_ANY_BODY                                                       \
    (NGX_TASK_BODY_JSON | NGX_TASK_BODY_FORM | NGX_TASK_BODY_MULTIPART)

static const ngx_task_function_t  functions[] = {
    INPUTS_FUNCTION(item),
    INPUTS_FUNCTION(maybe),
    INPUTS_FUNCTION(lists),
    INPUTS_FUNCTION(many),
    INPUTS_FUNCTION(order),
    INPUTS_FUNCTION(batch),
    INPUTS_FUNCTION(login, .flags = NGX_TASK_POST | NGX_TASK_BODY_JSON
                                    | NGX_TASK_BODY_FORM),
    INPUTS_FUNCTION(any),
    INPUTS_FUNCTION(form, .flags = NGX_TASK_POST | INPUTS_ANY_BODY),
    INPUTS_FUNCTION(post, .flags = NGX_TASK_POST | NGX_TASK_BODY_FORM
                                   | NGX_TASK_BODY_MULTIPART),
    INPUTS_FUNCTION(upload, .flags = NGX_TASK_POST),
    INPUTS_FUNCTION(album, .flags = NGX_TASK_POST)
};


NGX_TASK_LIBRARY("inputs", functions, NULL, NULL);
