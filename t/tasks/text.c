
/*
 * Functions for the tests of what is read from text and written to it: numbers,
 * JSON, messages, secrets.
 */


#include <ngx_task.h>

#include <stdlib.h>
#include <string.h>


typedef struct {
    double       x;
    double       y;
    int64_t      i;
    int64_t      size;
    int64_t      time;
    int          flag;
    const char  *text;
    int          how;
    const char  *name;
    const char  *password;
    int64_t      pin;
    int          color;
} args_t;


/* --- numbers -------------------------------------------------------------- */

static ngx_task_rc_t
numbers(ngx_task_t *t)
{
    cJSON         *list;
    const args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_number(t, "set", args->x);
    ngx_task_set_json(t, "json", cJSON_CreateNumber(args->x));

    list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, cJSON_CreateNumber(args->x));
    cJSON_AddItemToArray(list, cJSON_CreateNumber(-args->x));
    cJSON_AddItemToArray(list, cJSON_CreateString("\xff\x01\xc3\xa9"));
    ngx_task_set_json(t, "list", list);

    ngx_task_set_int(t, "i", args->i);
    ngx_task_set_int(t, "size", args->size);
    ngx_task_set_int(t, "time", args->time);
    ngx_task_set_bool(t, "flag", args->flag);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
numbers_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) f;

    return numbers(t);
}


static const ngx_task_param_t  numbers_params[] = {
    { "x", NGX_TASK_NUMBER, offsetof(args_t, x),
      "0", NULL, NULL, "", NULL, 0 },
    { "y", NGX_TASK_NUMBER, offsetof(args_t, y),
      "0", NULL, "0.30000000000000004", "", NULL, 0 },
    { "i", NGX_TASK_INT, offsetof(args_t, i),
      "0", NULL, "9007199254740993", "", NULL, 0 },
    { "size", NGX_TASK_SIZE, offsetof(args_t, size),
      "0", NULL, NULL, "", NULL, 0 },
    { "time", NGX_TASK_TIME, offsetof(args_t, time),
      "0", NULL, "1d", "", NULL, 0 },
    { "flag", NGX_TASK_BOOL, offsetof(args_t, flag),
      "0", NULL, NULL, "", NULL, 0 },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL, 0 }
};


/* --- JSON ----------------------------------------------------------------- */

/* parses the text, or size bytes of an array, or makes levels of arrays */

static ngx_task_rc_t
parse(ngx_task_t *t)
{
    char          *p;
    cJSON         *json, *outer;
    size_t         n, len;
    const args_t  *args;

    args = ngx_task_args(t);

    if (args->i) {
        json = cJSON_CreateArray();

        for (n = 1; n < (size_t) args->i; n++) {
            outer = cJSON_CreateArray();
            cJSON_AddItemToArray(outer, json);
            json = outer;
        }

        ngx_task_set_json(t, "deep", json);
        return NGX_TASK_OK;
    }

    if (args->size == 0) {
        ngx_task_set_result(t, ngx_task_parse_json(args->text,
                                                   strlen(args->text)));
        return NGX_TASK_OK;
    }

    len = (size_t) args->size;
    p = malloc(len + 2);

    for (n = 1; n < len; n += 2) {
        p[n] = '1';
        p[n + 1] = ',';
    }

    p[0] = '[';
    p[n - 1] = ']';

    json = ngx_task_parse_json(p, n);

    ngx_task_set_bool(t, "parsed", json != NULL);
    cJSON_Delete(json);
    free(p);

    return NGX_TASK_OK;
}


static ngx_task_rc_t
parse_async(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) f;

    return parse(t);
}


/* --- messages ------------------------------------------------------------- */

static ngx_task_rc_t
say(ngx_task_t *t)
{
    const args_t  *args;

    args = ngx_task_args(t);

    switch (args->how) {

    case 0:
        return ngx_task_fail(t, 400, args->text);

    case 1:
        return ngx_task_fail(t, 500, args->text);

    case 2:
        ngx_task_log(t, NGX_TASK_LOG_ERROR, "%s", args->text);
        return NGX_TASK_OK;

    default:

        /* bytes that no parameter can have */

        ngx_task_progress(t, INT64_MIN, INT64_MAX,
                          "caf\xe9 \xff\xfe done \x80");
        return ngx_task_block_ms(t, args->time);
    }
}


static const ngx_task_param_t  say_params[] = {
    { "text", NGX_TASK_STRING, offsetof(args_t, text),
      "", NULL, NULL, "", NULL, 0 },
    { "how", NGX_TASK_ENUM, offsetof(args_t, how),
      "fail", NULL, NULL, "", "fail|break|log|progress", 0 },
    { "time", NGX_TASK_TIME, offsetof(args_t, time),
      "0", NULL, NULL, "", NULL, 0 },
    { "size", NGX_TASK_SIZE, offsetof(args_t, size),
      "0", NULL, NULL, "", NULL, 0 },
    { "i", NGX_TASK_INT, offsetof(args_t, i),
      "0", NULL, NULL, "", NULL, 0 },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL, 0 }
};


/* --- secrets -------------------------------------------------------------- */

static ngx_task_rc_t
login(ngx_task_t *t)
{
    const args_t  *args;

    args = ngx_task_args(t);

    ngx_task_set_string(t, "name", args->name);
    ngx_task_set_int(t, "length", (int64_t) strlen(args->password));

    return NGX_TASK_OK;
}


static const ngx_task_param_t  login_params[] = {
    { "name", NGX_TASK_STRING, offsetof(args_t, name),
      NULL, "1", NULL, "", NULL, 0 },
    { "password", NGX_TASK_STRING, offsetof(args_t, password),
      NULL, "8", "16", "", NULL, NGX_TASK_SECRET },
    { "pin", NGX_TASK_INT, offsetof(args_t, pin),
      "1000", "1000", "9999", "", NULL, NGX_TASK_SECRET },
    { "color", NGX_TASK_ENUM, offsetof(args_t, color),
      "red", NULL, NULL, "", "red|green", NGX_TASK_SECRET },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL, 0 }
};


static const ngx_task_function_t  functions[] = {
    { "numbers", "", numbers, numbers_async, sizeof(args_t), numbers_params,
      0, 0 },
    { "parse", "", parse, parse_async, sizeof(args_t), say_params, 0, 0 },
    { "say", "", say, NULL, sizeof(args_t), say_params, 0, 0 },
    { "login", "", login, NULL, sizeof(args_t), login_params, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


NGX_TASK_LIBRARY("text", functions, NULL, NULL);
