
/*
 * The scripts, which the build has made C of.
 */


#include "redis/ngx_http_task_redis_parts.h"
#include "redis/ngx_http_task_redis_lua.h"


/* in the order of ngx_http_task_redis_script_e */

const char *const  ngx_http_task_redis_scripts[] = {
    ngx_http_task_redis_lua_add,
    ngx_http_task_redis_lua_claim,
    ngx_http_task_redis_lua_pass,
    ngx_http_task_redis_lua_give_back,
    ngx_http_task_redis_lua_tell,
    ngx_http_task_redis_lua_event,
    ngx_http_task_redis_lua_end,
    ngx_http_task_redis_lua_read,
    ngx_http_task_redis_lua_peek,
    ngx_http_task_redis_lua_cancel,
    ngx_http_task_redis_lua_forget,
    ngx_http_task_redis_lua_retry,
    ngx_http_task_redis_lua_list,
    ngx_http_task_redis_lua_enter,
    ngx_http_task_redis_lua_bury,
    ngx_http_task_redis_lua_tick,
    ngx_http_task_redis_lua_durable,
    ngx_http_task_redis_lua_withdraw,
    ngx_http_task_redis_lua_returned
};


/* each one begins with it */

const char *const  ngx_http_task_redis_common = ngx_http_task_redis_lua_common;
