
/*
 * A library with all that a table can say, for its document.  The functions
 * themselves do nothing.
 */


#include <ngx_task.h>

#include <stdbool.h>


typedef struct {
    const char                  *street;
    int64_t                      number;
    const char                  *door;
} address_t;


typedef struct {
    const char                  *name;
    int64_t                      age;
    const address_t             *address;
    NGX_TASK_LIST(const char *)  mail;
} user_t;


typedef struct {
    int64_t                      n;
    double                       x;
    const char                  *text;
    bool                         on;
    int64_t                      wait;
    int64_t                      room;
    int                          color;
    const char                  *key;
    int64_t                      maybe;
    int64_t                      fixed;
} plain_t;


typedef struct {
    int64_t                      above;
    int64_t                      below;
    int64_t                      huge;
    double                       over;
    double                       under;
    double                       least;
    const char                  *longer;
    int64_t                      later;
    int64_t                      larger;
    const char                  *door;
} bounds_t;


typedef struct {
    const cJSON                 *any;
    const cJSON                 *object;
    const cJSON                 *array;
    const user_t                *owner;
    NGX_TASK_LIST(user_t)        users;
    NGX_TASK_LIST(int64_t)       numbers;
    NGX_TASK_LIST(const char *)  tags;
    NGX_TASK_LIST(int64_t)       pauses;
    NGX_TASK_LIST(int)           colors;
} nested_t;


typedef struct {
    ngx_task_file_t              picture;
    NGX_TASK_LIST(ngx_task_file_t)  more;
    const char                  *title;
    NGX_TASK_LIST(int64_t)       sizes;
    const cJSON                 *about;
} upload_t;


typedef struct {
    int64_t                      id;
    const char                  *q;
    NGX_TASK_LIST(const char *)  tags;
} item_t;


static ngx_task_rc_t
nothing(ngx_task_t *t)
{
    ngx_task_set_string(t, "done", "nothing");

    return NGX_TASK_OK;
}


static ngx_task_rc_t
later(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    ngx_task_set_string(t, "done", "nothing");

    NGX_TASK_END(f);
}


static const ngx_task_param_t  address_fields[] = {
    NGX_TASK_PARAM(address_t, street, .min = "1", .summary = "its name"),
    NGX_TASK_PARAM(address_t, number, .min = ">0"),
    NGX_TASK_PARAM(address_t, door, .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  user_fields[] = {
    NGX_TASK_PARAM(user_t, name, .max = "40"),
    NGX_TASK_PARAM(user_t, age, .def = "18", .min = "0", .max = "150"),
    NGX_TASK_PARAM_OBJECT(user_t, address, address_fields,
                          .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(user_t, mail, .max_items = 3,
                        .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  plain_params[] = {
    NGX_TASK_PARAM(plain_t, n, .def = "5", .min = "-10", .max = "10",
                   .summary = "how many"),
    NGX_TASK_PARAM(plain_t, x, .def = "0.1", .min = "0", .max = "1"),
    NGX_TASK_PARAM(plain_t, text, .min = "1", .max = "20",
                   .summary = "a \"text\""),
    NGX_TASK_PARAM(plain_t, on, .def = "yes"),
    NGX_TASK_PARAM_AS(plain_t, wait, NGX_TASK_TIME, .def = "1500ms",
                      .min = "1s", .max = "1m"),
    NGX_TASK_PARAM_AS(plain_t, room, NGX_TASK_SIZE, .def = "16k",
                      .max = "1m"),
    NGX_TASK_PARAM_AS(plain_t, color, NGX_TASK_ENUM, .def = "green",
                      .choices = "red|green|blue"),
    NGX_TASK_PARAM(plain_t, key, .def = "sesame", .min = "4",
                   .flags = NGX_TASK_SECRET),
    NGX_TASK_PARAM(plain_t, maybe, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(plain_t, fixed, .def = "7", .flags = NGX_TASK_FIXED)
};

static const ngx_task_param_t  bounds_params[] = {
    NGX_TASK_PARAM(bounds_t, above, .min = ">0", .max = "<10"),
    NGX_TASK_PARAM(bounds_t, below, .min = "-9223372036854775807"),
    NGX_TASK_PARAM(bounds_t, huge, .def = "9007199254740993",
                   .max = "9223372036854775806"),
    NGX_TASK_PARAM(bounds_t, over, .min = ">0.25"),
    NGX_TASK_PARAM(bounds_t, under, .max = "<1e-7"),
    NGX_TASK_PARAM(bounds_t, least, .min = "0.1", .max = "inf"),
    NGX_TASK_PARAM(bounds_t, longer, .min = ">2", .max = "<9"),
    NGX_TASK_PARAM_AS(bounds_t, later, NGX_TASK_TIME, .min = ">1500ms",
                      .max = "<1m"),
    NGX_TASK_PARAM_AS(bounds_t, larger, NGX_TASK_SIZE, .min = "1k",
                      .max = "<1g"),
    NGX_TASK_PARAM(bounds_t, door, .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  nested_params[] = {
    NGX_TASK_PARAM(nested_t, any, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(nested_t, object, .choices = "object",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(nested_t, array, .choices = "array",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECT(nested_t, owner, user_fields,
                          .summary = "whose it is"),
    NGX_TASK_PARAM_OBJECTS(nested_t, users, user_fields, .min_items = 1),
    NGX_TASK_PARAM_LIST(nested_t, numbers, .min = "1", .max = "9",
                        .max_items = 4, .summary = "some numbers"),
    NGX_TASK_PARAM_LIST(nested_t, tags, .max = "10",
                        .flags = NGX_TASK_OPTIONAL|NGX_TASK_SECRET),
    NGX_TASK_PARAM_LIST_AS(nested_t, pauses, NGX_TASK_TIME, .max = "1s",
                           .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST_AS(nested_t, colors, NGX_TASK_ENUM,
                           .choices = "red|green",
                           .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  upload_params[] = {
    NGX_TASK_PARAM(upload_t, picture, .summary = "of the thing"),
    NGX_TASK_PARAM_LIST(upload_t, more, .max_items = 2,
                        .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(upload_t, title, .def = "none"),
    NGX_TASK_PARAM_LIST(upload_t, sizes, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(upload_t, about, .choices = "object",
                   .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  item_params[] = {
    NGX_TASK_PARAM(item_t, id, .min = "1", .summary = "which one"),
    NGX_TASK_PARAM(item_t, q, .def = ""),
    NGX_TASK_PARAM_LIST(item_t, tags, .max_items = 5,
                        .flags = NGX_TASK_OPTIONAL)
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("plain", .summary = "plain \"values\" \xff",
                      .block = nothing, .async = later,
                      .args = NGX_TASK_ARGS(plain_t, plain_params),
                      .result_schema =
                          "{\n  \"type\": \"object\",\n  \"properties\":"
                          " { \"done\": { \"type\": \"string\" } }\n}\n"),

    NGX_TASK_FUNCTION("bounds", .block = nothing,
                      .args = NGX_TASK_ARGS(bounds_t, bounds_params),
                      .result_schema = "true"),

    NGX_TASK_FUNCTION("nested", .block = nothing,
                      .args = NGX_TASK_ARGS(nested_t, nested_params)),

    NGX_TASK_FUNCTION("upload", .block = nothing,
                      .args = NGX_TASK_ARGS(upload_t, upload_params)),

    NGX_TASK_FUNCTION("forms", .block = nothing,
                      .flags = NGX_TASK_BODY_JSON|NGX_TASK_BODY_FORM
                               |NGX_TASK_BODY_MULTIPART|NGX_TASK_POST
                               |NGX_TASK_PUT|NGX_TASK_PATCH,
                      .args = NGX_TASK_ARGS(nested_t, nested_params)),

    NGX_TASK_FUNCTION("image", .block = nothing,
                      .flags = NGX_TASK_RAW_BODY|NGX_TASK_POST,
                      .args = NGX_TASK_ARGS(item_t, item_params),
                      .body_types = "image/png, image/*",
                      .result_type = "image/jpeg"),

    NGX_TASK_FUNCTION("raw", .block = nothing, .flags = NGX_TASK_RAW_BODY),

    NGX_TASK_FUNCTION("item", .async = later, .block = nothing,
                      .flags = NGX_TASK_GET|NGX_TASK_PUT|NGX_TASK_DELETE,
                      .args = NGX_TASK_ARGS(item_t, item_params)),

    NGX_TASK_FUNCTION("none", .async = later,
                      .result_type = "text/csv; charset=utf-8, text/plain")
};


NGX_TASK_LIBRARY("everything", functions, NULL, NULL);
