
/*
 * The built-in function "command".  Its files, too, are written against
 * ngx_task.h alone.
 */


#ifndef _NGX_HTTP_TASK_COMMAND_H_INCLUDED_
#define _NGX_HTTP_TASK_COMMAND_H_INCLUDED_


#include "ngx_task.h"


typedef struct {
    const char  *program;
    const char  *args;
    const char  *type;
    const char  *fail;
    const char  *dir;
    int64_t      max_output;                /* NGX_TASK_NOT_GIVEN: as spawn */
    int          output;                    /* 1: whole */
} ngx_http_task_command_args_t;


/* the table of the function is in ngx_http_task_builtin.c */

extern const ngx_task_param_t  ngx_http_task_command_params[7];

ngx_task_rc_t ngx_http_task_command_block(ngx_task_t *t);
const char *ngx_http_task_command_check(const void *args);


/* --- what its parameters say: ngx_http_task_command_text.c --------------- */

/*
 * Splits text into words; each is copied to p, and its place to words.  Both
 * may be NULL, to count.  Returns the number of words and sets size to the
 * bytes of all with their nulls; -1: a quote is not closed.
 */

int ngx_http_task_command_words(const char *text, char **words, char *p,
    size_t *size);

/*
 * Returns the status for an exit code in "1:422 *:500"; -1 is the code of a
 * program that a signal has ended.  0: the text is not valid.
 */

int ngx_http_task_command_status(const char *fail, int code);


#endif /* _NGX_HTTP_TASK_COMMAND_H_INCLUDED_ */
