
/*
 * libFuzzer on what requests give for parameters of all kinds: a query, a form,
 * JSON, or parts.  With the module's real files, and nginx's own strings and
 * pools, each allocation a block of its own.
 *
 * The input: a byte for the kind, then the query or body.  What is taken keeps
 * what the tables promise; what is refused is told in JSON.
 */


#include "function/ngx_http_task_function.h"

#include "base/ngx_http_task_arena.c"
#include "function/ngx_http_task_type.c"
#include "function/ngx_http_task_value.c"
#include "function/ngx_http_task_table.c"
#include "function/ngx_http_task_param.c"
#include "function/ngx_http_task_param_wrong.c"
#include "answer/ngx_http_task_errors.c"
#include "input/ngx_http_task_params_read.c"
#include "input/ngx_http_task_params_pairs.c"
#include "input/ngx_http_task_params_parts.c"
#include "input/ngx_http_task_params_value.c"
#include "input/ngx_http_task_params_json.c"
#include "input/ngx_http_task_params_wrong.c"

#include <stdlib.h>


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


typedef struct {
    const char                  *name;
    double                       price;
} item_t;

typedef struct {
    const char                  *name;
    int64_t                      age;
    NGX_TASK_LIST(item_t)        items;
    const cJSON                 *any;
} user_t;

typedef struct {
    int64_t                      n;
    const char                  *s;
    NGX_TASK_LIST(int64_t)       ids;
    NGX_TASK_LIST(const char *)  tags;
    NGX_TASK_LIST(int)           colors;
    const user_t                *user;
    NGX_TASK_LIST(user_t)        users;
    const cJSON                 *json;
    const cJSON                 *object;
    ngx_task_file_t              file;
    NGX_TASK_LIST(ngx_task_file_t)  files;
} args_t;


static const ngx_task_param_t  item_fields[] = {
    NGX_TASK_PARAM(item_t, name, .min = "1", .max = "3"),
    NGX_TASK_PARAM(item_t, price, .def = "1", .min = ">0")
};

static const ngx_task_param_t  user_fields[] = {
    NGX_TASK_PARAM(user_t, name),
    NGX_TASK_PARAM(user_t, age, .min = "0", .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECTS(user_t, items, item_fields,
                           .flags = NGX_TASK_OPTIONAL, .max_items = 3),
    NGX_TASK_PARAM(user_t, any, .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM(args_t, n, .def = "1", .max = "9"),
    NGX_TASK_PARAM(args_t, s, .flags = NGX_TASK_OPTIONAL|NGX_TASK_SECRET),
    NGX_TASK_PARAM_LIST(args_t, ids, .max = "100",
                        .flags = NGX_TASK_OPTIONAL, .min_items = 1,
                        .max_items = 4),
    NGX_TASK_PARAM_LIST(args_t, tags, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST_AS(args_t, colors, NGX_TASK_ENUM,
                           .choices = "red|green", .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECT(args_t, user, user_fields,
                          .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECTS(args_t, users, user_fields,
                           .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(args_t, json, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(args_t, object, .choices = "object",
                   .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(args_t, file, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(args_t, files, .flags = NGX_TASK_OPTIONAL)
};


static void
must(int truth)
{
    if (!truth) {
        abort();
    }
}


/* what the linked files need of the rest of nginx, and of the module */

volatile ngx_cycle_t  *ngx_cycle;


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    /* nothing here fails but malloc() */
}


void
ngx_http_task_work_begin(ngx_http_task_work_t *work)
{
    must(0);
}


ngx_int_t
ngx_http_task_conf_log(ngx_conf_t *cf, ngx_uint_t level,
    ngx_http_task_place_t *place, const char *fmt, ...)
{
    must(0);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_body_load(ngx_http_task_input_t *in)
{
    return NGX_OK;
}


void
ngx_http_task_body_free(ngx_http_task_input_t *in)
{
}


ngx_int_t
ngx_http_task_body_pread(ngx_fd_t fd, u_char *dst, size_t size, off_t offset)
{
    must(0);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_task_params_give(ngx_http_task_input_t *in,
    const ngx_http_task_arg_t *arg, ngx_http_task_source_t *src,
    const ngx_http_task_given_t *given)
{
    ngx_http_task_given_t  *all;

    src->last = *given;

    if (arg->param->item) {
        all = ngx_palloc(in->pool, (src->nall + 1)
                                   * sizeof(ngx_http_task_given_t));
        must(all != NULL);

        if (src->nall) {
            memcpy(all, src->all, src->nall * sizeof(ngx_http_task_given_t));
        }

        src->all = all;
        src->all[src->nall++] = *given;
    }

    return NGX_OK;
}


/* texts are valid UTF-8, and all that is promised is there to be read */

static void
text(const char *p)
{
    must(ngx_http_task_utf8_valid((u_char *) p, strlen(p)) == strlen(p));
}


static void
user(const user_t *u)
{
    size_t  i;

    text(u->name);
    must(u->age == NGX_TASK_NOT_GIVEN || u->age >= 0);
    must(u->items.n <= 3);

    for (i = 0; i < u->items.n; i++) {
        text(u->items.items[i].name);
        must(strlen(u->items.items[i].name) <= 12);
        must(u->items.items[i].price > 0);
    }
}


static void
file(const ngx_task_file_t *f, ngx_http_task_input_t *in)
{
    text(f->name);
    text(f->type);

    must(f->size >= 0 && f->offset >= 0
         && f->offset + f->size <= (int64_t) in->body.len);
    must(f->data == in->body.data + f->offset);
}


static void
judge(ngx_http_task_input_t *in, const args_t *args)
{
    size_t  i;
    char   *printed;

    must(args->n <= 9);
    must(args->ids.items == NULL || (args->ids.n >= 1 && args->ids.n <= 4));

    for (i = 0; i < args->ids.n; i++) {
        must(args->ids.items[i] <= 100);
    }

    for (i = 0; i < args->tags.n; i++) {
        text(args->tags.items[i]);
    }

    for (i = 0; i < args->colors.n; i++) {
        must(args->colors.items[i] == 0 || args->colors.items[i] == 1);
    }

    if (args->user) {
        user(args->user);
    }

    for (i = 0; i < args->users.n; i++) {
        user(&args->users.items[i]);
    }

    must(args->object == NULL || cJSON_IsObject(args->object));

    if (args->json) {
        printed = cJSON_PrintUnformatted(args->json);
        cJSON_free(printed);
    }

    if (args->file.name) {
        file(&args->file, in);
    }

    for (i = 0; i < args->files.n; i++) {
        file(&args->files.items[i], in);
    }
}


static void
configure(ngx_http_task_function_t *function, ngx_http_task_args_conf_t *conf,
    ngx_array_t *args, ngx_log_t *log)
{
    ngx_conf_t                      cf;

    static ngx_pool_t              *pool;
    static ngx_http_task_library_t  library;

    ngx_memzero(&cf, sizeof(ngx_conf_t));
    ngx_memzero(function, sizeof(ngx_http_task_function_t));
    ngx_memzero(conf, sizeof(ngx_http_task_args_conf_t));

    pool = ngx_create_pool(4096, log);
    must(pool != NULL);

    cf.pool = pool;

    library.table.param_size = sizeof(ngx_task_param_t);

    function->library = &library;
    function->table.args_size = sizeof(args_t);
    function->table.params = params;
    function->table.args.nparams = sizeof(params) / sizeof(params[0]);

    must(ngx_http_task_param_table(&cf, function) == NGX_OK);

    args->elts = function->args.args;
    args->nelts = function->args.nargs;

    conf->function = function;
    conf->args = args;
    conf->args_size = sizeof(args_t);
    conf->secret = 1;
}


static void
read_input(ngx_http_task_input_t *in, u_char *copy, size_t size)
{
    switch (copy[0] % 4) {

    case 0:
        in->query.data = copy + 1;
        in->query.len = size - 1;
        return;

    case 1:
        in->media = NGX_TASK_BODY_JSON;
        break;

    case 2:
        in->media = NGX_TASK_BODY_FORM;
        break;

    default:
        in->media = NGX_TASK_BODY_MULTIPART;
        ngx_str_set(&in->boundary, "b");
    }

    in->body.data = copy + 1;
    in->body.len = size - 1;
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    void                              *made;
    u_char                            *copy;
    ngx_int_t                          rc;
    ngx_str_t                          error;
    ngx_http_task_json_t               json;
    ngx_http_task_input_t              in;

    static ngx_log_t                   log;
    static ngx_array_t                 args;
    static ngx_http_task_function_t    function;
    static ngx_http_task_args_conf_t   conf;

    if (size == 0) {
        return 0;
    }

    if (conf.function == NULL) {
        ngx_pagesize = 4096;
        configure(&function, &conf, &args, &log);
    }

    copy = malloc(size);
    must(copy != NULL);
    memcpy(copy, data, size);

    ngx_memzero(&in, sizeof(ngx_http_task_input_t));

    in.pool = ngx_create_pool(1024, &log);
    must(in.pool != NULL);

    in.space.pool = in.pool;
    in.conf = &conf;
    in.sources = ngx_pcalloc(in.pool, args.nelts
                                      * sizeof(ngx_http_task_source_t));
    must(in.sources != NULL);

    read_input(&in, copy, size);

    made = NULL;
    rc = ngx_http_task_params_read(&in, &made, &error);

    if (rc == NGX_OK) {
        judge(&in, made);

    } else {
        must(rc == NGX_DECLINED);

        ngx_http_task_json_scan(error.data, error.len, NULL, NULL, &json);
        must(json.error == NULL && json.root.data[0] == '{');
    }

    ngx_destroy_pool(in.pool);
    free(copy);

    return 0;
}
