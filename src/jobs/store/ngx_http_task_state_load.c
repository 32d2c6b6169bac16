
/*
 * The state file is read, and what was in it is sorted, as it is put into the
 * zone.
 *
 * Which record of a place is the last one is known at the end: so all jobs are
 * in memory until then.
 */


#include "jobs/store/ngx_http_task_state.h"


/* what a record that the module has written never exceeds: milliseconds, and
   the numbers of jobs in their order */

#define NGX_HTTP_TASK_STATE_TIME   ((int64_t) 1 << 53)
#define NGX_HTTP_TASK_STATE_ORDER  ((int64_t) 1 << 62)


static ngx_int_t ngx_http_task_state_load_read(void *data, uint32_t type,
    u_char *bytes, size_t length);
static ngx_uint_t ngx_http_task_state_load_is_right(
    ngx_http_task_state_record_t *head, uint32_t type, size_t length);
static ngx_uint_t ngx_http_task_state_load_has_times(
    ngx_http_task_state_record_t *head);
static ngx_http_task_state_job_t *ngx_http_task_state_load_at(
    ngx_http_task_state_load_t *load, uint32_t place);
static ngx_int_t ngx_http_task_state_load_set(ngx_http_task_state_job_t *job,
    ngx_http_task_state_record_t *head, uint32_t type, u_char *bytes);
static ngx_int_t ngx_http_task_state_load_bytes(u_char **copy, u_char *bytes,
    size_t n);
static ngx_int_t ngx_http_task_state_load_sort(
    ngx_http_task_state_load_t *load, int64_t ttl);
static void ngx_http_task_state_load_cut(ngx_http_task_state_load_t *load,
    ngx_http_task_state_job_t *job);
static int ngx_libc_cdecl ngx_http_task_state_load_compare(const void *one,
    const void *two);
static void ngx_http_task_state_load_free(ngx_http_task_state_load_t *load);


ngx_int_t
ngx_http_task_state_load(ngx_http_task_state_writer_t *w)
{
    ngx_int_t                   rc;
    ngx_http_task_state_load_t  load;

    ngx_memzero(&load, sizeof(load));
    ngx_rbtree_init(&load.tree, &load.sentinel, ngx_rbtree_insert_value);

    load.now = ngx_http_task_job_now();

    rc = ngx_http_task_journal_replay(&w->journal,
                                      ngx_http_task_state_load_read, &load);

    if (rc == NGX_OK) {
        rc = ngx_http_task_state_load_sort(&load, w->zone.ttl);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_task_state_fill(w, &load);
    }

    /* what could not be read is not in what it is replaced by */

    if (rc == NGX_OK && (load.wrong || w->journal.places)) {
        (void) ngx_http_task_journal_aside(&w->journal);
    }

    if (rc == NGX_DECLINED && !w->told) {
        w->told = 1;

        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "state file \"%s\": a newer version of the module has "
                      "written to it, it is left as it is, and task_job_zone "
                      "\"%V\" takes no job: use that version, or another file",
                      w->journal.path, &w->zone.store->name);
    }

    if (rc == NGX_OK) {
        w->told = 0;
    }

    ngx_http_task_state_load_free(&load);

    return rc;
}


/* a record of the file: the last one of a place counts */

static ngx_int_t
ngx_http_task_state_load_read(void *data, uint32_t type, u_char *bytes,
    size_t length)
{
    ngx_http_task_state_load_t *load = data;

    ngx_http_task_state_job_t     *job;
    ngx_http_task_state_record_t   head;

    ngx_memzero(&head, sizeof(head));
    ngx_memcpy(&head, bytes, ngx_min(length, sizeof(head)));

    if (length >= NGX_HTTP_TASK_STATE_PLACE
        && head.version > NGX_HTTP_TASK_STATE_VERSION)
    {
        return NGX_DECLINED;
    }

    if (!ngx_http_task_state_load_is_right(&head, type, length)) {
        load->wrong++;
        return NGX_OK;
    }

    job = ngx_http_task_state_load_at(load, head.place);
    if (job == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_task_state_load_set(job, &head, type,
                                        bytes + sizeof(head));
}


static ngx_uint_t
ngx_http_task_state_load_is_right(ngx_http_task_state_record_t *head,
    uint32_t type, size_t length)
{
    uint64_t  right;

    if (length < NGX_HTTP_TASK_STATE_PLACE
        || head->version != NGX_HTTP_TASK_STATE_VERSION
        || head->place == NGX_HTTP_TASK_JOB_NONE)
    {
        return 0;
    }

    if (type == NGX_HTTP_TASK_STATE_EMPTY) {
        return length == NGX_HTTP_TASK_STATE_PLACE;
    }

    right = sizeof(ngx_http_task_state_record_t) + (uint64_t) head->queue
            + head->length
            + (type == NGX_HTTP_TASK_STATE_JOB ? head->input : 0);

    return (type == NGX_HTTP_TASK_STATE_JOB
            || type == NGX_HTTP_TASK_STATE_CHANGE)
           && length == right
           && head->queue > 0
           && head->queue <= NGX_HTTP_TASK_JOB_QUEUE
           && head->type <= head->length
           && head->keyed <= 1
           && head->attempts > 0
           && head->state > NGX_HTTP_TASK_JOB_FREE
           && head->state < NGX_HTTP_TASK_JOB_STATES
           && (head->length == 0 || head->state >= NGX_HTTP_TASK_JOB_DONE)
           && head->status < 1000
           && ngx_http_task_state_load_has_times(head);
}


/* no sum, and no difference, of any two overflows */

static ngx_uint_t
ngx_http_task_state_load_has_times(ngx_http_task_state_record_t *head)
{
    ngx_uint_t  i;
    int64_t     times[] = { head->created, head->started, head->ended,
                            head->accepted, head->again };

    for (i = 0; i < sizeof(times) / sizeof(int64_t); i++) {
        if (times[i] < -NGX_HTTP_TASK_STATE_TIME
            || times[i] > NGX_HTTP_TASK_STATE_TIME)
        {
            return 0;
        }
    }

    return head->order >= 0 && head->order <= NGX_HTTP_TASK_STATE_ORDER
           && head->turn >= 0 && head->turn <= NGX_HTTP_TASK_STATE_ORDER;
}


/* returns what is at the place, or a new one; NULL: no memory */

static ngx_http_task_state_job_t *
ngx_http_task_state_load_at(ngx_http_task_state_load_t *load, uint32_t place)
{
    ngx_rbtree_node_t          *node;
    ngx_http_task_state_job_t  *job;

    node = load->tree.root;

    while (node != &load->sentinel) {

        if (node->key == place) {
            return (ngx_http_task_state_job_t *) node;
        }

        node = (place < node->key) ? node->left : node->right;
    }

    job = ngx_calloc(sizeof(ngx_http_task_state_job_t), ngx_cycle->log);
    if (job == NULL) {
        return NULL;
    }

    job->node.key = place;
    ngx_rbtree_insert(&load->tree, &job->node);

    load->n++;

    return job;
}


static ngx_int_t
ngx_http_task_state_load_set(ngx_http_task_state_job_t *job,
    ngx_http_task_state_record_t *head, uint32_t type, u_char *p)
{
    u_char  *input;

    ngx_free(job->result);
    job->result = NULL;

    if (type == NGX_HTTP_TASK_STATE_CHANGE
        && ngx_memcmp(job->head.id, head->id, NGX_HTTP_TASK_JOB_ID) == 0
        && (job->head.input == head->input || head->input == 0))
    {
        input = p + head->queue;

    } else {
        ngx_free(job->input);
        job->input = NULL;

        if (type == NGX_HTTP_TASK_STATE_EMPTY) {
            job->head.state = NGX_HTTP_TASK_JOB_FREE;
            return NGX_OK;
        }

        input = p + head->queue;

        if (type == NGX_HTTP_TASK_STATE_JOB) {

            if (ngx_http_task_state_load_bytes(&job->input, input, head->input)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            input += head->input;
        }
    }

    job->head = *head;
    ngx_memcpy(job->queue, p, head->queue);

    return ngx_http_task_state_load_bytes(&job->result, input, head->length);
}


/* memory of no bytes is some all the same: an input is known then */

static ngx_int_t
ngx_http_task_state_load_bytes(u_char **copy, u_char *bytes, size_t n)
{
    *copy = ngx_alloc(n + 1, ngx_cycle->log);

    if (*copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(*copy, bytes, n);

    return NGX_OK;
}


static ngx_int_t
ngx_http_task_state_load_sort(ngx_http_task_state_load_t *load, int64_t ttl)
{
    ngx_uint_t                     n;
    ngx_rbtree_node_t             *node;
    ngx_http_task_state_job_t     *job;
    ngx_http_task_state_record_t  *head;

    load->jobs = ngx_alloc((load->n + 1) * sizeof(void *), ngx_cycle->log);
    if (load->jobs == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (node = load->n ? ngx_rbtree_min(load->tree.root, &load->sentinel)
                        : NULL;
         node;
         node = ngx_rbtree_next(&load->tree, node))
    {
        job = (ngx_http_task_state_job_t *) node;
        head = &job->head;

        if (head->state == NGX_HTTP_TASK_JOB_FREE
            || (head->state >= NGX_HTTP_TASK_JOB_DONE
                && load->now - head->ended >= ttl))
        {
            continue;
        }

        ngx_http_task_state_load_cut(load, job);

        load->waits += (head->state == NGX_HTTP_TASK_JOB_QUEUED);
        load->jobs[n++] = job;
    }

    load->n = n;

    ngx_qsort(load->jobs, n, sizeof(void *), ngx_http_task_state_load_compare);

    return NGX_OK;
}


/* as of a worker that is gone: it is tried again, or lost, or dead */

static void
ngx_http_task_state_load_cut(ngx_http_task_state_load_t *load,
    ngx_http_task_state_job_t *job)
{
    ngx_http_task_state_record_t  *head;

    head = &job->head;

    if (head->state == NGX_HTTP_TASK_JOB_RUNNING && job->input
        && head->attempt < head->attempts && !head->cancel)
    {
        head->state = NGX_HTTP_TASK_JOB_QUEUED;
        head->lost = head->attempt;
        head->started = 0;
        head->again = load->now + ngx_http_task_job_again_while(head->lost);
        return;
    }

    if (head->state == NGX_HTTP_TASK_JOB_RUNNING
        || (head->state == NGX_HTTP_TASK_JOB_QUEUED && job->input == NULL))
    {
        head->state = (head->attempts > 1 && !head->cancel)
                      ? NGX_HTTP_TASK_JOB_DEAD : NGX_HTTP_TASK_JOB_LOST;
        head->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        head->ended = load->now;
        load->lost++;
    }
}


/* of those that wait the ones for another attempt come last, as they are due */

static int ngx_libc_cdecl
ngx_http_task_state_load_compare(const void *one, const void *two)
{
    const ngx_http_task_state_record_t  *a, *b;

    a = &(*(ngx_http_task_state_job_t *const *) one)->head;
    b = &(*(ngx_http_task_state_job_t *const *) two)->head;

    if (a->state == NGX_HTTP_TASK_JOB_QUEUED
        && b->state == NGX_HTTP_TASK_JOB_QUEUED)
    {
        if (a->again || b->again) {
            return (a->again > b->again) - (a->again < b->again);
        }

        return (a->turn > b->turn) - (a->turn < b->turn);
    }

    if (a->state == NGX_HTTP_TASK_JOB_QUEUED
        || b->state == NGX_HTTP_TASK_JOB_QUEUED)
    {
        return (a->state == NGX_HTTP_TASK_JOB_QUEUED) ? -1 : 1;
    }

    return (a->ended < b->ended) - (a->ended > b->ended);
}


static void
ngx_http_task_state_load_free(ngx_http_task_state_load_t *load)
{
    ngx_rbtree_node_t          *node;
    ngx_http_task_state_job_t  *job;

    while (load->tree.root != &load->sentinel) {
        node = ngx_rbtree_min(load->tree.root, &load->sentinel);
        job = (ngx_http_task_state_job_t *) node;

        ngx_rbtree_delete(&load->tree, node);

        ngx_free(job->input);
        ngx_free(job->result);
        ngx_free(job);
    }

    ngx_free(load->jobs);
}
