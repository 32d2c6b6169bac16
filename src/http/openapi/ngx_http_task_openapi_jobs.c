
/*
 * Locations with "quick" and with "task_jobs" as operations.
 */


#include "http/openapi/ngx_http_task_openapi.h"


#define NGX_HTTP_TASK_OPENAPI_JOB_ERROR(what)                                 \
    "{\"description\":\"" what "\",\"content\":{\"application/json\":"        \
    "{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}"


static cJSON *ngx_http_task_openapi_job(ngx_http_task_openapi_t *o,
    cJSON *item, const char *method, ngx_http_task_openapi_path_t *path,
    const char *summary, const char *const *more);
static void ngx_http_task_openapi_job_retry(ngx_http_task_openapi_t *o,
    cJSON *item, ngx_http_task_openapi_path_t *path);
static void ngx_http_task_openapi_job_list(ngx_http_task_openapi_t *o,
    cJSON *paths, ngx_http_task_openapi_path_t *path);
static void ngx_http_task_openapi_job_result(ngx_http_task_openapi_t *o,
    cJSON *paths, ngx_http_task_openapi_path_t *path);


static const char  ngx_http_task_openapi_job_schema[] =
    "{\"title\":\"Job\",\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"string\"},"
    "\"state\":{\"type\":\"string\",\"enum\":[\"queued\",\"running\","
    "\"done\",\"failed\",\"cancelled\",\"timeout\",\"lost\",\"dead\"]},"
    "\"created\":{\"type\":[\"number\",\"null\"],"
    "\"description\":\"seconds since the epoch\"},"
    "\"started\":{\"type\":[\"number\",\"null\"]},"
    "\"ended\":{\"type\":[\"number\",\"null\"]},"
    "\"attempt\":{\"type\":\"integer\","
    "\"description\":\"how often it was begun, of a job that may be begun "
    "more than once\"},"
    "\"attempts\":{\"type\":\"integer\","
    "\"description\":\"how often it may be begun\"},"
    "\"status\":{\"type\":[\"integer\",\"null\"],"
    "\"description\":\"that the client of a task would have got\"},"
    "\"progress\":{\"type\":\"object\",\"properties\":{"
    "\"done\":{\"type\":\"integer\"},\"total\":{\"type\":\"integer\"},"
    "\"message\":{\"type\":\"string\"}},"
    "\"required\":[\"done\",\"total\",\"message\"]},"
    "\"content_type\":{\"type\":\"string\","
    "\"description\":\"of a result that is no JSON\"},"
    "\"result\":{\"description\":\"of a job that is done\"},"
    "\"error\":{\"type\":\"string\","
    "\"description\":\"why there is no result\"}},"
    "\"required\":[\"id\",\"state\",\"created\",\"started\",\"ended\","
    "\"status\",\"progress\"]}";

static const char  ngx_http_task_openapi_job_list_schema[] =
    "{\"title\":\"JobList\",\"type\":\"object\",\"properties\":{"
    "\"jobs\":{\"type\":\"array\",\"items\":{\"allOf\":["
    "{\"$ref\":\"#/components/schemas/Job\"},"
    "{\"type\":\"object\",\"properties\":{"
    "\"queue\":{\"type\":\"string\"},"
    "\"function\":{\"type\":[\"string\",\"null\"]}},"
    "\"required\":[\"queue\",\"function\"]}]}},"
    "\"next\":{\"type\":[\"string\",\"null\"],"
    "\"description\":\"the \\\"after\\\" of the next page\"}},"
    "\"required\":[\"jobs\",\"next\"]}";

static const char  ngx_http_task_openapi_job_accepted[] =
    "{\"title\":\"JobAccepted\",\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"string\"},\"state\":{\"type\":\"string\"},"
    "\"href\":{\"type\":\"string\",\"format\":\"uri-reference\"}},"
    "\"required\":[\"id\",\"state\",\"href\"]}";

static const char  ngx_http_task_openapi_job_told[] =
    "{\"description\":\"The job\",\"content\":{\"application/json\":"
    "{\"schema\":{\"$ref\":\"#/components/schemas/Job\"}}}}";

static const char  ngx_http_task_openapi_job_events[] =
    "{\"description\":\"The job; or its progress as events, and \\\"end\\\"\","
    "\"content\":{\"application/json\":"
    "{\"schema\":{\"$ref\":\"#/components/schemas/Job\"}},"
    "\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}}}";

static const char  ngx_http_task_openapi_job_ready[] =
    "{\"description\":\"The result, as the task would have answered it\","
    "\"content\":{\"*/*\":{\"schema\":{}}}}";

static const char  ngx_http_task_openapi_job_page[] =
    "{\"description\":\"Jobs, the newest one first\",\"content\":{"
    "\"application/json\":"
    "{\"schema\":{\"$ref\":\"#/components/schemas/JobList\"}}}}";

static const char  ngx_http_task_openapi_job_wait[] =
    "{\"name\":\"wait\",\"in\":\"query\",\"required\":false,"
    "\"description\":\"how long to wait until the job has ended\","
    "\"schema\":{\"type\":\"string\",\"x-task-type\":\"time\","
    "\"x-task-maximum\":\"1h\"}}";

static const char  ngx_http_task_openapi_job_last[] =
    "{\"name\":\"Last-Event-ID\",\"in\":\"header\",\"required\":false,"
    "\"description\":\"the last event that was received\","
    "\"schema\":{\"type\":\"string\"}}";

static const char  ngx_http_task_openapi_job_forget[] =
    "{\"name\":\"forget\",\"in\":\"query\",\"required\":false,"
    "\"description\":\"erases a job that has ended\","
    "\"schema\":{\"type\":\"boolean\"}}";

static const char  ngx_http_task_openapi_job_again[] =
    "{\"name\":\"retry\",\"in\":\"query\",\"required\":true,"
    "\"description\":\"queues a job again that is failed, lost or dead\","
    "\"schema\":{\"type\":\"string\",\"enum\":[\"1\",\"true\"]}}";

static const char *const  ngx_http_task_openapi_job_lists[] = {
    "{\"name\":\"state\",\"in\":\"query\",\"required\":false,"
    "\"schema\":{\"type\":\"string\",\"enum\":[\"queued\",\"running\","
    "\"done\",\"failed\",\"cancelled\",\"timeout\",\"lost\",\"dead\"]}}",

    "{\"name\":\"queue\",\"in\":\"query\",\"required\":false,"
    "\"schema\":{\"type\":\"string\"}}",

    "{\"name\":\"limit\",\"in\":\"query\",\"required\":false,"
    "\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,"
    "\"default\":20}}",

    "{\"name\":\"after\",\"in\":\"query\",\"required\":false,"
    "\"description\":\"the \\\"next\\\" of the page before\","
    "\"schema\":{\"type\":\"integer\",\"minimum\":1}}",

    NULL
};

static const char *const  ngx_http_task_openapi_job_gets[] = {
    ngx_http_task_openapi_job_wait, ngx_http_task_openapi_job_last, NULL
};

static const char *const  ngx_http_task_openapi_job_deletes[] = {
    ngx_http_task_openapi_job_forget, NULL
};

static const char *const  ngx_http_task_openapi_job_posts[] = {
    ngx_http_task_openapi_job_again, NULL
};

static const char *const  ngx_http_task_openapi_job_results[] = {
    ngx_http_task_openapi_job_wait, NULL
};


void
ngx_http_task_openapi_job_schemas(ngx_http_task_openapi_t *o, cJSON *schemas)
{
    ngx_http_task_doc_raw(&o->doc, schemas, "Job",
                          ngx_http_task_openapi_job_schema);
    ngx_http_task_doc_raw(&o->doc, schemas, "JobAccepted",
                          ngx_http_task_openapi_job_accepted);

    if (o->lists) {
        ngx_http_task_doc_raw(&o->doc, schemas, "JobList",
                              ngx_http_task_openapi_job_list_schema);
    }
}


void
ngx_http_task_openapi_jobs(ngx_http_task_openapi_t *o, cJSON *paths,
    cJSON *item, ngx_http_task_openapi_path_t *path)
{
    cJSON  *answers;

    o->jobs = 1;

    answers = ngx_http_task_openapi_job(o, item, "get", path,
                                        "what is known of a job",
                                        ngx_http_task_openapi_job_gets);

    ngx_http_task_doc_raw(&o->doc, answers, "200",
                          ngx_http_task_openapi_job_events);
    ngx_http_task_doc_raw(&o->doc, answers, "204",
                          "{\"description\":\"All events were received\"}");
    ngx_http_task_doc_raw(&o->doc, answers, "404",
                          NGX_HTTP_TASK_OPENAPI_JOB_ERROR("Not Found"));
    ngx_http_task_openapi_422(o, answers);

    answers = ngx_http_task_openapi_job(o, item, "delete", path,
                                        "cancels a job, or erases it",
                                        ngx_http_task_openapi_job_deletes);

    ngx_http_task_doc_raw(&o->doc, answers, "200",
                          ngx_http_task_openapi_job_told);
    ngx_http_task_doc_raw(&o->doc, answers, "404",
                          NGX_HTTP_TASK_OPENAPI_JOB_ERROR("Not Found"));
    ngx_http_task_doc_raw(&o->doc, answers, "409",
                          NGX_HTTP_TASK_OPENAPI_JOB_ERROR("Conflict"));
    ngx_http_task_openapi_422(o, answers);

    ngx_http_task_openapi_job_result(o, paths, path);

    if (path->location->job.list) {
        ngx_http_task_openapi_job_retry(o, item, path);
        ngx_http_task_openapi_job_list(o, paths, path);
    }
}


static void
ngx_http_task_openapi_job_retry(ngx_http_task_openapi_t *o, cJSON *item,
    ngx_http_task_openapi_path_t *path)
{
    cJSON  *answers;

    answers = ngx_http_task_openapi_job(o, item, "post", path,
                                        "queues a job again",
                                        ngx_http_task_openapi_job_posts);

    ngx_http_task_openapi_202(o, answers);

    ngx_http_task_doc_raw(&o->doc, answers, "404",
                          NGX_HTTP_TASK_OPENAPI_JOB_ERROR("Not Found"));
    ngx_http_task_doc_raw(&o->doc, answers, "409",
                    NGX_HTTP_TASK_OPENAPI_JOB_ERROR("It is not failed, lost "
                                                    "or dead"));
    ngx_http_task_doc_raw(&o->doc, answers, "410",
                    NGX_HTTP_TASK_OPENAPI_JOB_ERROR("What it was made of is "
                                                    "not kept any more"));
    ngx_http_task_openapi_422(o, answers);
}


/* its path ends before the id; of a regular expression it is not known */

static void
ngx_http_task_openapi_job_list(ngx_http_task_openapi_t *o, cJSON *paths,
    ngx_http_task_openapi_path_t *path)
{
    cJSON                         *item, *answers;
    u_char                        *p;
    ngx_http_task_openapi_part_t  *part;
    ngx_http_task_openapi_path_t   above;

#if (NGX_PCRE)
    if (path->location->clcf->regex) {
        return;
    }
#endif

    above = *path;
    part = path->parts.elts;

    above.parts.nelts--;
    above.text.len = part[above.parts.nelts].at;

    p = ngx_pnalloc(o->cf->temp_pool, above.text.len + 1);
    if (p == NULL) {
        o->doc.failed = 1;
        return;
    }

    above.text.data = p;
    *ngx_cpymem(p, path->text.data, above.text.len) = '\0';

    /* another location answers there */

    if (cJSON_GetObjectItemCaseSensitive(paths, (char *) p)) {
        return;
    }

    o->lists = 1;

    item = ngx_http_task_doc_object(&o->doc, paths, (char *) p);

    answers = ngx_http_task_openapi_job(o, item, "get", &above,
                                        "a page of the jobs",
                                        ngx_http_task_openapi_job_lists);

    ngx_http_task_doc_raw(&o->doc, answers, "200",
                          ngx_http_task_openapi_job_page);
    ngx_http_task_openapi_422(o, answers);
}


/* a regular expression may end behind the id */

static void
ngx_http_task_openapi_job_result(ngx_http_task_openapi_t *o, cJSON *paths,
    ngx_http_task_openapi_path_t *path)
{
    cJSON      *item, *answers;
    u_char     *p;

    static ngx_str_t  result = ngx_string("/result");

    ngx_http_task_openapi_path_t  below;

#if (NGX_PCRE)
    if (path->location->clcf->regex) {
        return;
    }
#endif

    p = ngx_pnalloc(o->cf->temp_pool, path->text.len + result.len + 1);
    if (p == NULL) {
        o->doc.failed = 1;
        return;
    }

    below = *path;
    below.text.data = p;
    below.text.len += result.len;

    p = ngx_cpymem(p, path->text.data, path->text.len);
    *ngx_cpymem(p, result.data, result.len) = '\0';

    item = ngx_http_task_doc_object(&o->doc, paths, (char *) below.text.data);

    answers = ngx_http_task_openapi_job(o, item, "get", &below,
                                        "the result of a job",
                                        ngx_http_task_openapi_job_results);

    ngx_http_task_doc_raw(&o->doc, answers, "200",
                          ngx_http_task_openapi_job_ready);
    ngx_http_task_doc_raw(&o->doc, answers, "202",
                          ngx_http_task_openapi_job_told);
    ngx_http_task_doc_raw(&o->doc, answers, "404",
                          NGX_HTTP_TASK_OPENAPI_JOB_ERROR("Not Found"));
    ngx_http_task_doc_raw(&o->doc, answers, "410",
                       NGX_HTTP_TASK_OPENAPI_JOB_ERROR("It was cancelled"));
    ngx_http_task_openapi_422(o, answers);
}


/* returns its responses, which are empty */

static cJSON *
ngx_http_task_openapi_job(ngx_http_task_openapi_t *o, cJSON *item,
    const char *method, ngx_http_task_openapi_path_t *path,
    const char *summary, const char *const *more)
{
    cJSON  *op, *params;

    op = ngx_http_task_openapi_operation(o, item, method, "job", path);

    ngx_http_task_doc_text(&o->doc, op, "summary", summary);
    ngx_http_task_doc_raw(&o->doc, op, "tags", "[\"jobs\"]");

    params = cJSON_CreateArray();

    ngx_http_task_openapi_parts(o, params, path);

    for ( /* void */ ; *more; more++) {
        ngx_http_task_doc_raw(&o->doc, params, NULL, *more);
    }

    ngx_http_task_openapi_params(o, op, params);

    return ngx_http_task_doc_object(&o->doc, op, "responses");
}


void
ngx_http_task_openapi_quick(ngx_http_task_openapi_t *o, cJSON *item,
    ngx_http_task_openapi_path_t *path)
{
    cJSON      *op, *params, *media;
    ngx_str_t  *body;

    op = ngx_http_task_openapi_operation(o, item, "get", "quick", path);

    ngx_http_task_doc_text(&o->doc, op, "summary", "answers from memory");
    ngx_http_task_doc_raw(&o->doc, op, "tags", "[\"nginx\"]");

    params = cJSON_CreateArray();

    ngx_http_task_openapi_parts(o, params, path);
    ngx_http_task_openapi_params(o, op, params);

    media = ngx_http_task_doc_object(&o->doc, op, "responses");
    media = ngx_http_task_doc_object(&o->doc, media, "200");

    ngx_http_task_doc_text(&o->doc, media, "description",
                           "Successful Response");

    media = ngx_http_task_doc_object(&o->doc, media, "content");
    media = ngx_http_task_doc_object(&o->doc, media, "application/json");

    ngx_http_task_doc_raw(&o->doc, media, "schema", "{}");

    /* it is JSON, or nginx would not have started */

    body = &path->location->quick;

    (void) ngx_http_task_doc_add(&o->doc, media, "example",
                                 ngx_http_task_json_tree(body->data,
                                                         body->len));
}
