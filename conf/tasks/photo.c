
/*
 * All kinds of input in one function: a part of the path, a list, an object
 * with fields of its own, and a file, which may have any size.
 *
 *     curl -F photo=@cat.jpg -F tags=cat -F tags=sofa \
 *          -F 'place={"name":"home","lat":52.5}' 127.0.0.1:8081/albums/7/photos
 */


#include <ngx_task.h>


typedef struct {
    const char  *name;
    double       lat;
} place_t;

typedef struct {
    int64_t                      album;
    NGX_TASK_LIST(const char *)  tags;
    const place_t               *place;
    ngx_task_file_t              photo;
} photo_args_t;


static ngx_task_rc_t
photo(ngx_task_t *t)
{
    size_t               i;
    int64_t              n, at;
    uint32_t             sum;
    unsigned char        buf[65536];
    cJSON               *tags;
    const photo_args_t  *args = ngx_task_args(t);

    sum = 1;

    for (at = 0; at < args->photo.size; at += n) {

        n = ngx_task_file_read(t, &args->photo, at, buf, sizeof(buf));

        if (n <= 0) {
            return ngx_task_fail(t, 500, "the file cannot be read");
        }

        if (ngx_task_cancelled(t)) {
            return NGX_TASK_CANCELLED;
        }

        for (i = 0; i < (size_t) n; i++) {
            sum = sum * 31 + buf[i];
        }
    }

    tags = cJSON_CreateArray();

    for (i = 0; i < args->tags.n; i++) {
        cJSON_AddItemToArray(tags, cJSON_CreateString(args->tags.items[i]));
    }

    ngx_task_set_int(t, "album", args->album);
    ngx_task_set_string(t, "file", args->photo.name);
    ngx_task_set_int(t, "size", args->photo.size);
    ngx_task_set_int(t, "sum", sum);
    ngx_task_set_json(t, "tags", tags);

    if (args->place) {
        ngx_task_set_string(t, "place", args->place->name);
    }

    return NGX_TASK_OK;
}


static const ngx_task_param_t  place_fields[] = {

    NGX_TASK_PARAM(place_t, name, .max = "80"),

    NGX_TASK_PARAM(place_t, lat, .def = "0", .min = "-90", .max = "90")
};

static const ngx_task_param_t  params[] = {

    NGX_TASK_PARAM(photo_args_t, album, .min = "1"),

    NGX_TASK_PARAM_LIST(photo_args_t, tags, .max = "20",
                        .summary = "words to find it by",
                        .flags = NGX_TASK_OPTIONAL, .max_items = 5),

    NGX_TASK_PARAM_OBJECT(photo_args_t, place, place_fields,
                          .summary = "where it was taken",
                          .flags = NGX_TASK_OPTIONAL),

    NGX_TASK_PARAM(photo_args_t, photo, .summary = "the file itself")
};

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("photo", .summary = "takes a photo into an album",
                      .block = photo,
                      .args = NGX_TASK_ARGS(photo_args_t, params))
};

NGX_TASK_LIBRARY("photo", functions, NULL, NULL);
