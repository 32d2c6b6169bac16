
/*
 * Functions that say how much they were given, and look at the first and the
 * last of it: what they do themselves takes no time, however long it is, see
 * t/362-inputs-long.t.  "held" reads a file when the test lets it, and logs
 * what it has read, as its client may be gone: t/365-uploads.t.
 */


#include <ngx_task.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>


/* a text that is longer is shown by its length */

#define SIZES_TEXT  64


typedef struct {
    const char               *name;
    int64_t                   n;
} sizes_user_t;


typedef struct {
    NGX_TASK_LIST(int64_t)        ns;
    NGX_TASK_LIST(const char *)   tags;
    NGX_TASK_LIST(sizes_user_t)   users;
    NGX_TASK_LIST(const cJSON *)  trees;
    const sizes_user_t           *user;
    const cJSON                  *tree;
    const char                   *text;
} sizes_args_t;


static void
sizes_list(ngx_task_t *t, const char *name, size_t n, cJSON *first, cJSON *last)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "n", (double) n);

    if (n) {
        cJSON_AddItemToObject(json, "first", first);
        cJSON_AddItemToObject(json, "last", last);
    }

    ngx_task_set_json(t, name, json);
}


static cJSON *
sizes_text(const char *text)
{
    size_t  len;

    len = strlen(text);

    return len > SIZES_TEXT ? cJSON_CreateNumber((double) len)
                            : cJSON_CreateString(text);
}


/* a tree by its type, and its first and last child: not all are counted */

static cJSON *
sizes_tree(const cJSON *tree)
{
    cJSON  *json;

    json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "type", tree->type);

    if (tree->child && tree->child->string) {
        cJSON_AddStringToObject(json, "first", tree->child->string);
        cJSON_AddStringToObject(json, "last", tree->child->prev->string);

    } else if (tree->child) {
        cJSON_AddNumberToObject(json, "first", tree->child->valuedouble);
        cJSON_AddNumberToObject(json, "last", tree->child->prev->valuedouble);
    }

    return json;
}


#define SIZES_LAST(list)  (list).items[(list).n - 1]


static ngx_task_rc_t
sizes(ngx_task_t *t)
{
    const sizes_args_t  *args;

    args = ngx_task_args(t);

    if (args->ns.n) {
        sizes_list(t, "ns", args->ns.n,
                   cJSON_CreateNumber((double) args->ns.items[0]),
                   cJSON_CreateNumber((double) SIZES_LAST(args->ns)));
    }

    if (args->tags.n) {
        sizes_list(t, "tags", args->tags.n, sizes_text(args->tags.items[0]),
                   sizes_text(SIZES_LAST(args->tags)));
    }

    if (args->users.n) {
        sizes_list(t, "users", args->users.n,
                   sizes_text(args->users.items[0].name),
                   sizes_text(SIZES_LAST(args->users).name));
    }

    if (args->trees.n) {
        sizes_list(t, "trees", args->trees.n, sizes_tree(args->trees.items[0]),
                   sizes_tree(SIZES_LAST(args->trees)));
    }

    if (args->user) {
        ngx_task_set_json(t, "user", sizes_text(args->user->name));
        ngx_task_set_int(t, "n", args->user->n);
    }

    if (args->tree) {
        ngx_task_set_json(t, "tree", sizes_tree(args->tree));
    }

    if (args->text) {
        ngx_task_set_int(t, "text", (int64_t) strlen(args->text));
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
sizes_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    NGX_TASK_BEGIN(f);
    NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1));
    (void) sizes(t);
    NGX_TASK_END(f);
}


static const ngx_task_param_t  sizes_fields[] = {
    NGX_TASK_PARAM(sizes_user_t, name),
    NGX_TASK_PARAM(sizes_user_t, n, .def = "0", .max = "9")
};


static const ngx_task_param_t  sizes_params[] = {
    NGX_TASK_PARAM_LIST(sizes_args_t, ns, .min = "0",
                        .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(sizes_args_t, tags, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECTS(sizes_args_t, users, sizes_fields,
                           .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_LIST(sizes_args_t, trees, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECT(sizes_args_t, user, sizes_fields,
                          .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(sizes_args_t, tree, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(sizes_args_t, text, .flags = NGX_TASK_OPTIONAL)
};


/* --- a file, later -------------------------------------------------------- */

#define HELD_READ  65536


typedef struct {
    const char               *until;       /* a path: until it is there */
    ngx_task_file_t           file;
    ngx_task_file_t           other;
} held_args_t;


/* returns the sum of its bytes, by both calls, or -1 */

static int64_t
held_sum(ngx_task_t *t, const ngx_task_file_t *file)
{
    int                    fd;
    int64_t                offset, at, n, i;
    uint32_t               sum;
    const unsigned char   *data;
    static __thread char   buf[HELD_READ], again[HELD_READ];

    sum = 0;
    data = ngx_task_file(t, file, &fd, &at);

    for (offset = 0; offset < file->size; offset += n) {
        n = ngx_task_file_read(t, file, offset, buf, sizeof(buf));

        if (n <= 0) {
            return -1;
        }

        if (data) {
            memcpy(again, data + offset, n);

        } else if (pread(fd, again, n, at + offset) != n) {
            return -1;
        }

        if (memcmp(again, buf, n) != 0) {
            return -1;
        }

        for (i = 0; i < n; i++) {
            sum = sum * 31 + (unsigned char) buf[i];
        }
    }

    return sum;
}


/* nobody waits for it any more: it reads all the same */

static ngx_task_rc_t
held(ngx_task_t *t)
{
    int64_t             sum, other;
    const held_args_t  *args;

    args = ngx_task_args(t);

    ngx_task_log(t, NGX_TASK_LOG_NOTICE, "holds \"%s\"", args->file.name);

    while (args->until && access(args->until, F_OK) == -1) {
        (void) usleep(2000);
    }

    sum = held_sum(t, &args->file);
    other = args->other.name ? held_sum(t, &args->other) : 0;

    ngx_task_log(t, NGX_TASK_LOG_WARN, "read %lld bytes of \"%s\", %lld, %lld",
                 (long long) args->file.size, args->file.name, (long long) sum,
                 (long long) other);

    ngx_task_set_string(t, "name", args->file.name);
    ngx_task_set_int(t, "size", args->file.size);
    ngx_task_set_int(t, "sum", sum);

    if (args->other.name) {
        ngx_task_set_int(t, "other", other);
    }

    return NGX_TASK_OK;
}


static ngx_task_rc_t
held_piece(ngx_task_t *t, void *data)
{
    (void) data;

    return held(t);
}


static ngx_task_rc_t
held_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) t;

    NGX_TASK_BEGIN(f);
    NGX_TASK_AWAIT(f, ngx_task_offload(f, "held", held_piece, NULL));
    NGX_TASK_END(f);
}


static const ngx_task_param_t  held_params[] = {
    NGX_TASK_PARAM(held_args_t, until, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(held_args_t, file),
    NGX_TASK_PARAM(held_args_t, other, .flags = NGX_TASK_OPTIONAL)
};


static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("held", .block = held, .async = held_async,
                      .args = NGX_TASK_ARGS(held_args_t, held_params)),
    NGX_TASK_FUNCTION("sizes", .block = sizes, .async = sizes_async,
                      .flags = NGX_TASK_GET | NGX_TASK_POST | NGX_TASK_BODY_JSON
                               | NGX_TASK_BODY_FORM | NGX_TASK_BODY_MULTIPART,
                      .args = NGX_TASK_ARGS(sizes_args_t, sizes_params))
};


NGX_TASK_LIBRARY("sizes", functions, NULL, NULL);
