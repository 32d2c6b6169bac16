
/*
 * "state=FILE [fsync=always|everysec|no]" of "task_job_zone".
 */


#include "jobs/store/ngx_http_task_state.h"
#include "jobs/store/ngx_http_task_store_conf.h"

#include <grp.h>


static char *ngx_http_task_state_conf_fsync(ngx_conf_t *cf,
    ngx_http_task_state_t *state, ngx_http_task_option_t *fsync);
static char *ngx_http_task_state_conf_path(ngx_conf_t *cf,
    ngx_http_task_state_t *state, ngx_str_t *path);
static char *ngx_http_task_state_conf_other(ngx_conf_t *cf,
    ngx_http_task_job_zone_t *zone, ngx_array_t *stores);
static ngx_uint_t ngx_http_task_state_conf_meet(ngx_conf_t *cf,
    ngx_http_task_state_t *one, ngx_http_task_state_t *two);
static ngx_int_t ngx_http_task_state_conf_split(ngx_conf_t *cf,
    ngx_http_task_state_t *state, ngx_str_t *name, struct stat *st);
static ngx_uint_t ngx_http_task_state_conf_is(ngx_str_t *path,
    ngx_str_t *other);
static ngx_int_t ngx_http_task_state_conf_user(ngx_conf_t *cf,
    ngx_core_conf_t *ccf, ngx_http_task_state_t *state);
static ngx_uint_t ngx_http_task_state_conf_may(ngx_core_conf_t *ccf,
    struct stat *st, mode_t mode);
static ngx_uint_t ngx_http_task_state_conf_group(ngx_core_conf_t *ccf,
    gid_t group);


char *
ngx_http_task_state_conf(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_array_t *stores, ngx_http_task_option_t *path,
    ngx_http_task_option_t *fsync)
{
    ngx_http_task_state_t  *state;

    if (path->value->data == NULL) {

        if (fsync->value->data) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"fsync=%V\" is without \"state=\", "
                               "which it is about", fsync->value);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    state = ngx_pcalloc(cf->pool, sizeof(ngx_http_task_state_t));
    if (state == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_task_conf_place(cf, &state->place);

    state->writer.held = NGX_INVALID_FILE;

    if (ngx_http_task_state_conf_fsync(cf, state, fsync) != NGX_CONF_OK
        || ngx_http_task_state_conf_path(cf, state, path->value)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    zone->state = state;

    return ngx_http_task_state_conf_other(cf, zone, stores);
}


static char *
ngx_http_task_state_conf_fsync(ngx_conf_t *cf, ngx_http_task_state_t *state,
    ngx_http_task_option_t *fsync)
{
    ngx_uint_t  i;
    ngx_str_t  *value;

    static const ngx_str_t  names[] = {
        ngx_string("always"), ngx_string("everysec"), ngx_string("no")
    };

    value = fsync->value;
    state->fsync = NGX_HTTP_TASK_STATE_EVERYSEC;

    if (value->data == NULL) {
        return NGX_CONF_OK;
    }

    for (i = 0; i < 3; i++) {

        if (value->len == names[i].len
            && ngx_strncmp(value->data, names[i].data, value->len) == 0)
        {
            state->fsync = NGX_HTTP_TASK_STATE_ALWAYS + i;
            return NGX_CONF_OK;
        }
    }

    return ngx_http_task_conf_invalid(cf, fsync,
                                      "\"always\", \"everysec\" or \"no\"");
}


/* relative to the prefix */

static char *
ngx_http_task_state_conf_path(ngx_conf_t *cf, ngx_http_task_state_t *state,
    ngx_str_t *path)
{
    ngx_err_t    err;
    const char  *why;

    state->path = *path;

    if (ngx_conf_full_name(cf->cycle, &state->path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_task_journal_check((const char *) state->path.data, &why,
                                    &err)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err, "state file \"%V\": %s",
                           &state->path, why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_task_state_conf_other(ngx_conf_t *cf, ngx_http_task_job_zone_t *zone,
    ngx_array_t *array)
{
    ngx_uint_t                  i;
    ngx_http_task_store_t     **stores;
    ngx_http_task_job_zone_t   *other;

    stores = array->elts;

    for (i = 0; i < array->nelts; i++) {

        if (stores[i]->type != zone->store->type || stores[i] == zone->store) {
            continue;
        }

        other = stores[i]->data;

        if (other->state
            && ngx_http_task_state_conf_meet(cf, zone->state, other->state))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "state file \"%V\" is that of zone \"%V\", or "
                               "one beside it: each zone has its own",
                               &zone->state->path, &stores[i]->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* by whatever path: a file that is not there yet has a directory */

static ngx_uint_t
ngx_http_task_state_conf_meet(ngx_conf_t *cf, ngx_http_task_state_t *one,
    ngx_http_task_state_t *two)
{
    ngx_str_t    a, b;
    struct stat  st, other;

    if (ngx_http_task_state_conf_split(cf, one, &a, &st) != NGX_OK
        || ngx_http_task_state_conf_split(cf, two, &b, &other) != NGX_OK
        || st.st_dev != other.st_dev || st.st_ino != other.st_ino)
    {
        return 0;
    }

    return ngx_http_task_state_conf_is(&a, &b)
           || ngx_http_task_state_conf_is(&b, &a);
}


/* its name, which follows its directory; the path is absolute */

static ngx_int_t
ngx_http_task_state_conf_split(ngx_conf_t *cf, ngx_http_task_state_t *state,
    ngx_str_t *name, struct stat *st)
{
    u_char  *p, *directory;

    p = (u_char *) strrchr((char *) state->path.data, '/') + 1;

    name->data = p;
    name->len = state->path.data + state->path.len - p;

    directory = ngx_pnalloc(cf->temp_pool, p - state->path.data + 1);

    if (directory == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(directory, state->path.data,
                       p - state->path.data + 1);

    return (stat((char *) directory, st) == 0) ? NGX_OK : NGX_ERROR;
}


/* returns 1 if the name is that of the other, or of what stands beside it */

static ngx_uint_t
ngx_http_task_state_conf_is(ngx_str_t *path, ngx_str_t *other)
{
    size_t  rest;

    if (path->len < other->len
        || ngx_strncmp(path->data, other->data, other->len) != 0)
    {
        return 0;
    }

    rest = path->len - other->len;

    return rest == 0
           || (rest == 4
               && (ngx_strncmp(path->data + other->len, ".new", 4) == 0
                   || ngx_strncmp(path->data + other->len, ".bad", 4) == 0))
           || (rest == 5
               && ngx_strncmp(path->data + other->len, ".lock", 5) == 0);
}


/* called when all is read: the workers may be of another user than this one */

ngx_int_t
ngx_http_task_state_ready(ngx_conf_t *cf, ngx_array_t *array)
{
    ngx_uint_t                  i;
    ngx_core_conf_t            *ccf;
    ngx_http_task_state_t      *state;
    ngx_http_task_store_t     **stores;
    ngx_http_task_job_zone_t   *zone;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    if (geteuid() != 0 || ccf->user == 0
        || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT)
    {
        return NGX_OK;
    }

    stores = array->elts;

    for (i = 0; i < array->nelts; i++) {

        if (stores[i]->type != &ngx_http_task_job_store) {
            continue;
        }

        zone = stores[i]->data;
        state = zone->state;

        if (state && ngx_http_task_state_conf_user(cf, ccf, state) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_state_conf_user(ngx_conf_t *cf, ngx_core_conf_t *ccf,
    ngx_http_task_state_t *state)
{
    u_char       *lock;
    ngx_str_t     name;
    const char   *what;
    struct stat   st;

    what = NULL;

    if (stat((char *) state->path.data, &st) == 0
        && !ngx_http_task_state_conf_may(ccf, &st, 06))
    {
        what = "it";
    }

    lock = ngx_pnalloc(cf->temp_pool, state->path.len + sizeof(".lock"));
    if (lock == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(lock, "%V.lock%Z", &state->path);

    if (stat((char *) lock, &st) == 0
        && !ngx_http_task_state_conf_may(ccf, &st, 06))
    {
        what = "its \".lock\"";
    }

    if (ngx_http_task_state_conf_split(cf, state, &name, &st) == NGX_OK
        && !ngx_http_task_state_conf_may(ccf, &st, 07))
    {
        what = "its directory";
    }

    if (what == NULL) {
        return NGX_OK;
    }

    return ngx_http_task_conf_log(cf, NGX_LOG_EMERG, &state->place,
                                  "state file \"%V\": %s cannot be read and "
                                  "written by user \"%s\" of the workers: "
                                  "\"chown\" it", &state->path, what,
                                  ccf->username);
}


/* as the kernel looks at it, without lists of access */

static ngx_uint_t
ngx_http_task_state_conf_may(ngx_core_conf_t *ccf, struct stat *st,
    mode_t mode)
{
    if (st->st_uid == ccf->user) {
        return (st->st_mode >> 6 & mode) == mode;
    }

    if (ngx_http_task_state_conf_group(ccf, st->st_gid)) {
        return (st->st_mode >> 3 & mode) == mode;
    }

    return (st->st_mode & mode) == mode;
}


static ngx_uint_t
ngx_http_task_state_conf_group(ngx_core_conf_t *ccf, gid_t group)
{
    int    i, n;
    gid_t  groups[256];

    if (group == ccf->group) {
        return 1;
    }

    n = 256;

    if (getgrouplist(ccf->username, ccf->group, groups, &n) == -1) {
        n = 256;
    }

    for (i = 0; i < n; i++) {
        if (groups[i] == group) {
            return 1;
        }
    }

    return 0;
}
