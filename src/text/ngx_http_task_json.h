
/*
 * Trees of cJSON, from text and to text.  Plain C, so that it can be tested
 * alone; in any thread, and without a lock: cJSON's own parser writes to a
 * global variable, and its printer drops digits.
 */


#ifndef _NGX_HTTP_TASK_JSON_H_INCLUDED_
#define _NGX_HTTP_TASK_JSON_H_INCLUDED_


#include "text/ngx_http_task_text.h"

#include <cjson/cJSON.h>


/* levels of arrays and objects in a tree, as cJSON has it for its parser */

#define NGX_HTTP_TASK_JSON_LEVELS  1000


/* ngx_http_task_json_tree.c */

/* NULL: it is not JSON, or there is no memory */

cJSON *ngx_http_task_json_tree(const unsigned char *p, size_t len);

/* of any number of levels; NULL: does nothing */

void ngx_http_task_json_delete(cJSON *json);


/* ngx_http_task_json_print.c */

/*
 * Without white space.  The text is to be freed by cJSON_free().  Returns 1;
 * or 0, and wrong tells what is wrong with the tree, or is NULL: there is no
 * memory.
 */

int ngx_http_task_json_print(const cJSON *json, char **text, size_t *len,
    const char **wrong);


#endif /* _NGX_HTTP_TASK_JSON_H_INCLUDED_ */
