
/*
 * An image in, a small JPEG out, by libgd (package libgd-dev): what blocking
 * third-party code looks like behind a /quick that stays quick.
 *
 *     curl --data-binary @photo.png 127.0.0.1:8081/thumbnail?width=100 > t.jpg
 */


#include <ngx_task.h>

#include <gd.h>
#include <stdlib.h>
#include <unistd.h>


typedef struct {
    int64_t  width;
    int64_t  quality;
} thumbnail_args_t;


/* a large body is in a file: it is read here, in a thread */

static void *
load(ngx_task_t *t, size_t *len, int *fd)
{
    char        *p;
    size_t       n;
    ssize_t      rc;
    const void  *body;

    body = ngx_task_body(t, len, fd);

    if (body || *len == 0) {
        return (void *) body;
    }

    p = malloc(*len);
    if (p == NULL) {
        return NULL;
    }

    if (ngx_task_defer(t, free, p) != NGX_TASK_OK) {
        return NULL;
    }

    for (n = 0; n < *len; n += (size_t) rc) {
        rc = read(*fd, p + n, *len - n);

        if (rc <= 0) {
            return NULL;
        }
    }

    return p;
}


static gdImagePtr
decode(size_t len, void *data)
{
    gdImagePtr            image;
    const unsigned char  *p;

    p = data;
    image = NULL;

    if (len > 8 && p[0] == 0x89 && p[1] == 'P') {
        image = gdImageCreateFromPngPtr((int) len, data);

    } else if (len > 8 && p[0] == 0xff && p[1] == 0xd8) {
        image = gdImageCreateFromJpegPtr((int) len, data);
    }

    return image;
}


static ngx_task_rc_t
thumbnail(ngx_task_t *t)
{
    int                      fd, size, height;
    void                    *data;
    size_t                   len;
    gdImagePtr               image, small;
    const thumbnail_args_t  *args;

    args = ngx_task_args(t);

    data = load(t, &len, &fd);

    if (data == NULL || len > 64 * 1024 * 1024) {
        return ngx_task_fail(t, 422, "no image, or one that is too large");
    }

    image = decode(len, data);
    if (image == NULL) {
        return ngx_task_fail(t, 422, "neither PNG nor JPEG");
    }

    height = (int) (args->width * gdImageSY(image) / gdImageSX(image));
    small = gdImageCreateTrueColor((int) args->width, height ? height : 1);

    if (small) {
        gdImageCopyResampled(small, image, 0, 0, 0, 0, gdImageSX(small),
                             gdImageSY(small), gdImageSX(image),
                             gdImageSY(image));
        data = gdImageJpegPtr(small, &size, (int) args->quality);
        gdImageDestroy(small);
    }

    gdImageDestroy(image);

    if (small == NULL || data == NULL) {
        return NGX_TASK_FAILED;
    }

    ngx_task_set_bytes(t, "image/jpeg", data, (size_t) size, gdFree);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  thumbnail_params[] = {

    NGX_TASK_PARAM(thumbnail_args_t, width,
                   .def = "160", .min = "1", .max = "2000",
                   .summary = "of the thumbnail, pixels"),

    NGX_TASK_PARAM(thumbnail_args_t, quality,
                   .def = "80", .min = "1", .max = "100",
                   .summary = "of the JPEG")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("thumbnail", .summary = "makes a small JPEG of an image",
                      .block = thumbnail,
                      .flags = NGX_TASK_POST|NGX_TASK_RAW_BODY,
                      .args = NGX_TASK_ARGS(thumbnail_args_t, thumbnail_params),
                      .result_type = "image/jpeg")
};


NGX_TASK_LIBRARY("thumbnail", functions, NULL, NULL);
