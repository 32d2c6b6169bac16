
/*
 * A library with settings of each type.  Its functions tell them: in a thread,
 * on the event loop, and in a piece that is offloaded.
 */


#include <ngx_task.h>

#include <stdbool.h>


typedef struct {
    const char    *url;
    int64_t        n;
    double         x;
    int64_t        wait;
    int64_t        room;
    bool           on;
    int            color;
    const char    *password;
    int64_t        most;
} settings_t;


/* kept by init(), read by any thread */

static const settings_t  *kept;


static void
tell(ngx_task_t *t)
{
    ngx_task_set_string(t, "url", kept->url);
    ngx_task_set_int(t, "n", kept->n);
    ngx_task_set_number(t, "x", kept->x);
    ngx_task_set_int(t, "wait", kept->wait);
    ngx_task_set_int(t, "room", kept->room);
    ngx_task_set_bool(t, "on", kept->on);
    ngx_task_set_int(t, "color", kept->color);
    ngx_task_set_string(t, "password",
                        kept->password ? kept->password : "not given");
    ngx_task_set_bool(t, "most", kept->most != NGX_TASK_NOT_GIVEN);
}


static ngx_task_rc_t
block(ngx_task_t *t)
{
    tell(t);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
async(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_sleep(f, kept->wait));

    tell(t);

    NGX_TASK_END(f);
}


static ngx_task_rc_t
piece(ngx_task_t *t, void *data)
{
    (void) data;

    tell(t);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
offload(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);

    NGX_TASK_AWAIT(f, ngx_task_offload(f, NULL, piece, NULL));

    (void) t;

    return f->rc;

    NGX_TASK_END(f);
}


static ngx_task_rc_t
slow(ngx_task_t *t)
{
    (void) ngx_task_block_ms(t, 1500);

    tell(t);

    return NGX_TASK_OK;
}


static const char *
check(const void *data)
{
    const settings_t  *s = data;

    if (s->most != NGX_TASK_NOT_GIVEN && s->most < s->n) {
        return "\"most\" is less than \"n\"";
    }

    return NULL;
}


static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    kept = ngx_task_settings(worker);

    ngx_task_worker_log(worker, NGX_TASK_LOG_NOTICE, "begins with %s",
                        kept->url);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  settings[] = {
    NGX_TASK_PARAM(settings_t, url),
    NGX_TASK_PARAM(settings_t, n, .def = "5", .min = "1", .max = "10"),
    NGX_TASK_PARAM(settings_t, x, .def = "1.5", .max = "<2"),
    NGX_TASK_PARAM_AS(settings_t, wait, NGX_TASK_TIME, .def = "10ms",
                      .max = "1s"),
    NGX_TASK_PARAM_AS(settings_t, room, NGX_TASK_SIZE, .def = "4k"),
    NGX_TASK_PARAM(settings_t, on, .def = "off"),
    NGX_TASK_PARAM_AS(settings_t, color, NGX_TASK_ENUM, .def = "red",
                      .choices = "red|green"),
    NGX_TASK_PARAM(settings_t, password, .min = "8",
                   .flags = NGX_TASK_SECRET|NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(settings_t, most, .flags = NGX_TASK_OPTIONAL)
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("block", .block = block),
    NGX_TASK_FUNCTION("async", .async = async),
    NGX_TASK_FUNCTION("offload", .async = offload),
    NGX_TASK_FUNCTION("slow", .block = slow)
};

NGX_TASK_LIBRARY_CHECK("set", functions, settings_t, settings, check, init,
                       NULL);
