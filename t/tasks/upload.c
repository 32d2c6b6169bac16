
/*
 * A function that takes a file, for t/bench/uploads.py: reads all of it, or
 * only tells its size.
 */


#include <ngx_task.h>

#include <stdbool.h>


#define PIECE  65536


typedef struct {
    ngx_task_file_t  file;
    bool             read;
} upload_args_t;


static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM(upload_args_t, file),
    NGX_TASK_PARAM(upload_args_t, read, .def = "0")
};


static ngx_task_rc_t
read_all(ngx_task_t *t, void *data)
{
    char                  buf[PIECE];
    int64_t               n, *got;
    const upload_args_t  *args;

    got = data;
    args = ngx_task_args(t);

    for ( /* void */ ; *got < args->file.size; *got += n) {

        if (ngx_task_cancelled(t)) {
            return NGX_TASK_CANCELLED;
        }

        n = ngx_task_file_read(t, &args->file, *got, buf, sizeof(buf));

        if (n <= 0) {
            return NGX_TASK_FAILED;
        }
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
answer(ngx_task_t *t, int64_t got)
{
    const upload_args_t  *args = ngx_task_args(t);

    ngx_task_set_int(t, "size", args->file.size);
    ngx_task_set_int(t, "read", got);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
upload(ngx_task_t *t)
{
    int64_t               got;
    ngx_task_rc_t         rc;
    const upload_args_t  *args = ngx_task_args(t);

    got = 0;
    rc = args->read ? read_all(t, &got) : NGX_TASK_OK;

    return rc == NGX_TASK_OK ? answer(t, got) : rc;
}


static ngx_task_rc_t
upload_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    int64_t              *got = f->state;
    const upload_args_t  *args = ngx_task_args(t);

    NGX_TASK_BEGIN(f);

    if (args->read) {
        NGX_TASK_AWAIT(f, ngx_task_offload(f, "default", read_all, got));

        if (f->rc != NGX_TASK_OK) {
            return f->rc;
        }
    }

    return answer(t, *got);

    NGX_TASK_END(f);
}


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("upload", .block = upload, .async = upload_async,
                      .state_size = sizeof(int64_t),
                      .args = NGX_TASK_ARGS(upload_args_t, params))
};

NGX_TASK_LIBRARY("upload", functions, NULL, NULL);
