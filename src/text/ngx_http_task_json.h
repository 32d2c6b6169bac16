
/*
 * Trees of cJSON, from text and to text.  Plain C, so that it can be tested
 * alone.  The calls may be made in any thread and take no lock: cJSON's own
 * parser writes to a global variable, and its printer drops digits.
 */


#ifndef _NGX_HTTP_TASK_JSON_H_INCLUDED_
#define _NGX_HTTP_TASK_JSON_H_INCLUDED_


#include "text/ngx_http_task_text.h"

#include <cjson/cJSON.h>


/* ngx_http_task_json_tree.c */

/*
 * Returns a tree that belongs to the caller, or NULL if the text is not JSON,
 * or if there is no memory.
 */

cJSON *ngx_http_task_json_tree(const unsigned char *p, size_t len);

/*
 * Likewise for a value that was checked, with memory that the caller frees
 * himself, if at all: not by cJSON.
 */

typedef void *(*ngx_http_task_json_alloc_pt)(void *data, size_t size);

cJSON *ngx_http_task_json_tree_in(const ngx_http_task_span_t *value,
    ngx_http_task_json_alloc_pt alloc, void *data);

/* frees a tree of any number of levels; json may be NULL */

void ngx_http_task_json_delete(cJSON *json);


/* ngx_http_task_json_walk.c */

typedef struct {
    const unsigned char  *p;
    int                   object;
} ngx_http_task_json_walk_t;

/* begins to look at what is in an object or an array, which was checked */

void ngx_http_task_json_walk(ngx_http_task_json_walk_t *w,
    const ngx_http_task_span_t *value);

/* returns 1, and sets the next value, of an object its name, too; or 0 */

int ngx_http_task_json_next(ngx_http_task_json_walk_t *w,
    ngx_http_task_span_t *name, ngx_http_task_span_t *value);


/* ngx_http_task_json_print.c */

/*
 * Prints without white space, and returns 1; the caller frees the text by
 * cJSON_free().  Or returns 0: wrong then says what is wrong with the tree, or
 * is NULL if there was no memory.
 */

int ngx_http_task_json_print(const cJSON *json, char **text, size_t *len,
    const char **wrong);


#endif /* _NGX_HTTP_TASK_JSON_H_INCLUDED_ */
