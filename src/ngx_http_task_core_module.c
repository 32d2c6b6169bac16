
/*
 * The module's part outside of http{}.  `config` puts it before nginx's own
 * thread pool module, since exit hooks run in the order of the modules: our
 * threads have to be out of the pools before these are destroyed.
 */


#include "ngx_http_task.h"


static void ngx_http_task_exit_process(ngx_cycle_t *cycle);


static ngx_core_module_t  ngx_http_task_core_module_ctx = {
    ngx_string("http_task_core"),
    NULL,
    NULL
};


ngx_module_t  ngx_http_task_core_module = {
    NGX_MODULE_V1,
    &ngx_http_task_core_module_ctx,        /* module context */
    NULL,                                  /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_task_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void
ngx_http_task_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_task_thread_exit(cycle);
}
